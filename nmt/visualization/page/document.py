"""The skeleton of a page: its content policy, its data as JSON, and the style and program that all pages share.

A page is made of three things: data, style sheets and programs. The programs find the data in `page.data` and build
what is seen inside `page.main`, by `page.element` and `page.svg` of `base.js`, which take text as text only. So the
markup of a page is this module's alone, and whatever a user or a model wrote reaches it as data.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from nmt.libraries import program_version

_POLICY = "default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"
_ASKING = "; connect-src 'self'; img-src data:"
_ICON = '<link rel="icon" href="data:,">\n'  # so that no browser asks for one

_DOCUMENT = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="nmt {version}">
<title>{title}</title>
{icon}<style>{style}</style>
</head>
<body>
<header class="page-header"><h1 dir="auto">{title}</h1></header>
<main id="page"><noscript><p>A program inside this page draws it; allow JavaScript to see it.</p></noscript></main>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""

# Characters that would end the element that holds the data, or a line of the program that reads it; and characters
# that UTF-8 cannot hold.
_ESCAPED = re.compile("[<>&\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_ENDS_AN_ELEMENT = re.compile(r"</(?:script|style)|<!--|<script|\r", re.IGNORECASE)


class Asset(NamedTuple):
    """A style sheet or a program that lies beside the modules of a package."""

    package: str
    name: str

    def text(self) -> str:
        """Returns its content."""
        return files(self.package).joinpath(self.name).read_text(encoding="utf-8")


def self_contained_page(
    title: str,
    data: object,
    *,
    styles: Sequence[Asset] = (),
    scripts: Sequence[Asset] = (),
    asks_server: bool = False,
) -> str:
    """Makes a page: one file of HTML that loads nothing, from anywhere.

    Its content policy allows the style sheets and programs given here, by their hash, and nothing else: no network, no
    other program, and no `style` attribute (programs set `element.style` instead).

    Args:
        title: shown as the first heading.
        data: what JSON can hold; programs read it as `page.data`. Numbers must be finite.
        styles: in this order, behind `base.css`.
        scripts: in this order, behind `base.js`, in one strict scope of their own: what one declares at its top, the
            later ones see.

        asks_server: lets its programs ask the server that it came from, and no other; not for a file.

    Raises:
        ValueError: a number in the data that is not finite, or an asset that would end its element.
    """
    style = _joined([Asset("nmt.visualization.page", "base.css"), *styles])
    program = _joined([Asset("nmt.visualization.page", "base.js"), *scripts])
    script = f'\n(() => {{\n"use strict";\n{program}\n}})();\n'
    policy = _POLICY.format(style=_source_of(style), script=_source_of(script))
    return _DOCUMENT.format(
        policy=policy + _ASKING * asks_server,
        icon=_ICON * asks_server,
        version=html.escape(program_version()),
        title=html.escape(_readable(title)),
        style=style,
        data=json_for_html(data),
        script=script,
    )


def json_for_html(data: object) -> str:
    """Encodes JSON that may stand inside an element of HTML: without markup, and with the same text when parsed."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _joined(assets: Sequence[Asset]) -> str:
    texts = []
    for asset in assets:
        text = asset.text()
        if found := _ENDS_AN_ELEMENT.search(text):
            raise ValueError(f"{asset.package}/{asset.name} holds {found[0]!r}, which would end its element")
        texts.append(text)
    return "\n".join(texts)


def _source_of(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _readable(text: str) -> str:
    """Replaces characters that HTML cannot hold, and shows control characters as `readable` of `base.js` does."""
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    return re.sub(
        "[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", lambda found: f"[U+{ord(found[0]):04X}]", text
    )
