"""Pages of the site that lie elsewhere in the repository, and links that hold in both places.

Every page is a file of the repository, and its links are those of the repository: they work where
the file is read as it is. Here a link is resolved there and written as the site needs it. What is
not on the site (a test, a folder of code) keeps its words and loses its link.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = "docs/"
# Files outside of docs/ by what the site calls them; figures/ and notebooks/ keep their names.
ELSEWHERE = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "CITATION.cff": "CITATION.cff",
    "tinyinterp/assets/model/README.md": "model-card.md",
}
FOLDERS = {"figures": {".md", ".png", ".csv", ".txt"}, "notebooks": {".ipynb"}}
HOME = {"README.md": "index.md"}
LINK = re.compile(
    r"(?P<before>!?\[(?P<words>[^\]]*)\])\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)"
)


def on_the_site(path: str) -> str | None:
    """What the site calls a file of the repository; None if it has no place there.

    >>> on_the_site("docs/account.md"), on_the_site("notebooks/02_heads.ipynb")
    ('account.md', 'notebooks/02_heads.md')
    >>> on_the_site("tinyinterp/scan.py")
    """
    known = ELSEWHERE | HOME
    if path in known:
        return known[path]
    if path.startswith(DOCS):
        return path.removeprefix(DOCS)
    folder, _, name = path.partition("/")
    if Path(name).suffix in FOLDERS.get(folder, ()):
        return path.removesuffix(".ipynb") + ".md" if folder == "notebooks" else path
    return None


def in_the_repository(uri: str) -> str:
    """Where the file lies that the site calls ``uri``.

    >>> in_the_repository("account.md"), in_the_repository("figures/README.md")
    ('docs/account.md', 'figures/README.md')
    """
    found = {uri: path for path, uri in ELSEWHERE.items()}.get(uri)
    if found or uri.partition("/")[0] in FOLDERS:
        return found or re.sub(r"^(notebooks/.*)\.md$", r"\1.ipynb", uri)
    return DOCS + uri


def beside() -> dict[str, Path]:
    """Files outside of docs/ that become part of the site, by what it calls them."""
    found = [ROOT / path for path in ELSEWHERE]
    for folder, suffixes in FOLDERS.items():
        found += [path for path in sorted((ROOT / folder).iterdir()) if path.suffix in suffixes]
    named = {on_the_site(path.relative_to(ROOT).as_posix()): path for path in found}
    return {uri: path for uri, path in named.items() if uri is not None}


def with_links_of_the_site(markdown: str, uri: str) -> str:
    """The text of a page with its links as the site needs them.

    >>> with_links_of_the_site("see [it](../figures/account.png)", "account.md")
    'see [it](figures/account.png)'
    >>> with_links_of_the_site("see [the code](../tinyinterp/scan.py)", "account.md")
    'see the code'
    """
    here = posixpath.dirname(in_the_repository(uri))

    def changed(link: re.Match[str]) -> str:
        target = link["target"]
        if ":" in target:
            return link[0]
        path = posixpath.normpath(posixpath.join(here, target))
        there = on_the_site(path)
        if there is None:
            return link["words"]
        relative = posixpath.relpath(there, posixpath.dirname(uri) or ".")
        return f"{link['before']}({relative}{link['anchor'] or ''})"

    return LINK.sub(changed, markdown)
