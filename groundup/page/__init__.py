"""A page to look at: one file that needs nothing but a browser, no network either."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from groundup import __version__

GENERATOR = '<meta name="generator" content="groundup'
"""What a page says of itself; only such a file is replaced unasked."""


def page(
    title: str,
    body: Sequence[str],
    *,
    style: str = "",
    script: str = "",
    data: Any = None,
) -> str:
    """Return a whole page.

    Its policy allows this style and this script and nothing else, whatever a text in it spells.

    Args:
        title: as text.
        body: markup, its texts escaped.
        style: CSS that follows ``base.css``.
        script: JavaScript.
        data: for the script, in the element with the id ``data``.
    """
    style = Path(__file__).with_name("base.css").read_text(encoding="utf-8") + style
    policy = f"default-src 'none'; style-src '{_hash(style)}'"
    scripts = []
    if script:
        policy += f"; script-src '{_hash(script)}'"
        if data is not None:
            scripts = [f'<script id="data" type="application/json">{json_for_page(data)}</script>']
        scripts.append(f"<script>{script}</script>")
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'{GENERATOR} {__version__}">',
            f"<title>{escape(title)}</title>",
            f"<style>{style}</style>",
            *body,
            *scripts,
            "</html>\n",
        ]
    )


def is_page(path: Path) -> bool:
    """Return whether a file is such a page: then another may take its place."""
    with path.open("rb") as file:
        return GENERATOR.encode() in file.read(2000)


def json_for_page(value: Any) -> str:
    """Return JSON that stands in a page: no markup, no control or invisible characters in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


_UNSEEN = re.compile("[<>&\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
