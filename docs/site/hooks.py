"""What mkdocs calls while it builds the site; see mkdocs.yml."""

from __future__ import annotations

import re
from typing import Any

from columns import tables_and_columns
from commands import command_reference
from mkdocs.structure.files import File, Files
from repository import beside, with_links_of_the_site

from notebooks import notebook_page

MADE = {"commands.md": command_reference, "tables.md": tables_and_columns}
HERE = re.compile(r"<!-- made here -->.*?(?=^<!-- end -->|\Z)", re.DOTALL | re.MULTILINE)
# What a page may load: its own files, nothing from a network. The theme writes scripts and styles
# into its pages; the search of a page on disk runs in a frame without an address.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; "
    "frame-src 'self'; base-uri 'self'; form-action 'none'"
)
ROLE = re.compile(r":(?:class|func|mod|meth|data|attr):<code>(?:~)?")  # Sphinx's, in docstrings


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages and pictures that lie outside of docs/."""
    for uri, path in beside().items():
        if path.suffix == ".ipynb":
            files.append(File.generated(config, uri, content=notebook_page(path)))
        else:
            files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Put in what is made from the program, and turn links of the repository into the site's."""
    uri = page.file.src_uri
    if uri in MADE:
        made = MADE[uri]()
        markdown = HERE.sub(lambda _: made, markdown)
    return with_links_of_the_site(markdown, uri)


def on_page_content(html: str, **_: Any) -> str:
    """Names in docstrings carry Sphinx's roles; the site shows the names."""
    return ROLE.sub("<code>", html)


def on_post_page(output: str, **_: Any) -> str:
    """Let the browser refuse what would leave the site, and name the theme's search."""
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    output = output.replace("<head>", f"<head>{policy}", 1)
    return output.replace('role="dialog"', 'role="dialog" aria-label="Search"', 1)


def on_post_template(output: str, *, template_name: str, **given: Any) -> str:
    """Likewise in pages that come from no text, such as the one for a wrong address."""
    return on_post_page(output, **given) if template_name.endswith(".html") else output
