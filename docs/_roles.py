"""Shows the names in docstrings without the roles of Sphinx in front of them."""

from __future__ import annotations

import re

ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):(<code>)~?")


def on_page_content(html: str, **_: object) -> str:
    """Return a page without them; MkDocs calls this for each."""
    return ROLE.sub(r"\1", html)
