"""The README's pictures of an atlas: its overview, a head and a neuron.

    tinyinterp atlas --out tinyinterp-out/atlas
    python analyses/screenshots.py [--atlas tinyinterp-out/atlas] [--head 6.7] [--neuron 4.428]

Drives the system's Chromium over the pages on disk, in light mode, and writes
``figures/atlas_overview.png``, ``figures/atlas_head.png`` and ``figures/atlas_neuron.png``: each
from the top of its page down to a section that is not shown. The same atlas, browser and fonts give
the same bytes.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tinyinterp.io.files import replacing_file

FIGURES = Path(__file__).parent.parent / "figures"
WIDTH, HEIGHT = 1080, 900  # of the window, in CSS pixels; pictures are as long as what they show
SHARPNESS = 1.5  # pixels of the picture to one of the window
MARGIN = 24  # above the first section that is not shown
COLOURS = 256  # flat pages lose nothing that is seen, and half of their bytes
LARGEST = 300_000  # bytes


class Shot(NamedTuple):
    """A picture: what it is called, the page, and the section that ends it."""

    name: str
    address: str
    until: str


def main() -> None:
    """Take the three pictures."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--atlas", type=Path, default=Path("tinyinterp-out/atlas"))
    parser.add_argument("--head", default="6.7", help="layer.head")
    parser.add_argument("--neuron", default="4.428", help="layer.neuron")
    options = parser.parse_args()
    if not (options.atlas / "index.html").is_file():
        sys.exit(f"{options.atlas} is no atlas; make one: tinyinterp atlas --out {options.atlas}")
    shots = (
        Shot("atlas_overview", "index.html", "Tags"),
        Shot("atlas_head", f"head.html#{options.head}", "Attention by distance"),
        Shot("atlas_neuron", f"neuron.html#{options.neuron}", "What it does to the next token"),
    )
    with window() as page:
        for shot in shots:
            target = FIGURES / f"{shot.name}.png"
            size = save(take(page, options.atlas.resolve(), shot), target)
            print(f"{target}: {size / 1000:.0f} KB")


@contextmanager
def window() -> Iterator[Page]:
    """A page of the system's Chromium, in light mode."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        sys.exit("no chromium is installed (Debian: apt-get install chromium)")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT},
            device_scale_factor=SHARPNESS,
            color_scheme="light",
            reduced_motion="reduce",
            locale="en-GB",
        )
        yield context.new_page()
        browser.close()


def take(page: Page, atlas: Path, shot: Shot) -> bytes:
    """A PNG of the top of a page."""
    page.goto(f"{atlas.as_uri()}/{shot.address}")
    page.wait_for_selector("main[data-ready]")
    heading = page.get_by_role("heading", name=shot.until, exact=True)
    end = heading.bounding_box() if heading.count() == 1 else None
    if end is None:
        sys.exit(f"{shot.address} has no section {shot.until!r}")
    height = end["y"] - MARGIN
    return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": height})


def save(png: bytes, target: Path) -> int:
    """Write the picture with few colours; returns its bytes."""
    few = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    with replacing_file(target) as temporary:
        few.save(temporary, "png", optimize=True)
        size = temporary.stat().st_size
        if size > LARGEST:
            sys.exit(f"{target} has {size} bytes; at most {LARGEST} are wanted in a README")
    return size


if __name__ == "__main__":
    main()
