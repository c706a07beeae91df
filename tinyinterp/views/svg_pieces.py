"""An SVG picture in which an image and the last texts change, put together from its pieces.

matplotlib writes an SVG anew from the first tick to the last, which takes ten times as long as what
changes from one head to the next. So the whole is drawn once, and of every other picture only the
image and the texts; the outlines of letters that the whole has already are left out, as matplotlib
would leave them out. What comes of it is the same byte for byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

IMAGE = re.compile(r"<image [^>]*/>")
OUTLINE = re.compile(
    r'\n *<path id="([^"]+)"(?: d="[^"]*")? transform="[^"]*"/>'
)  # a space has no d
NO_OUTLINES = re.compile(r"\n *<defs>\n *</defs>")
END = "\n </g>\n"  # of the figure


@dataclass(frozen=True)
class Pieces:
    """A picture cut at its first image and at the group of its texts that change."""

    before: str
    image: str
    between: str
    texts: str
    after: str

    @classmethod
    def of(cls, svg: str, first_text: str) -> Pieces | None:
        """Cut a picture; None where matplotlib writes it in another way.

        Args:
            svg: of matplotlib.
            first_text: the group id of the first text that changes; all after it do.
        """
        image = IMAGE.search(svg)
        texts = svg.find(f'\n  <g id="{first_text}">')
        end = svg.rfind(END)
        if image is None or not image.end() <= texts <= end:
            return None
        parts = (0, image.start(), image.end(), texts, end, len(svg))
        return cls(*(svg[a:b] for a, b in pairwise(parts)))

    def changed(self, other: Pieces) -> str:
        """The picture with image and texts of another, of which nothing else need be drawn."""
        known = set(OUTLINE.findall(self.before + self.between))
        texts = OUTLINE.sub(lambda found: "" if found[1] in known else found[0], other.texts)
        texts = NO_OUTLINES.sub("", texts)
        return self.before + other.image + self.between + texts + self.after
