"""The translator page, which asks the server that it came from what there is."""

from __future__ import annotations

from nmt.visualization.attention_page.document import STYLES, VIEW
from nmt.visualization.page.document import Asset, self_contained_page

_HERE = __package__ or ""
_PROGRAMS = (
    *("interface_words", "server", "offsets", "answers", "models", "source", "output", "note", "sentence"),
    *("walk_dialog", "access", "status", "asking", "translator"),
)


def translator_page(*, needs_key: bool = False) -> str:
    """Makes the page as HTML: it loads nothing, and asks no server but its own, for the paths below `/v1`.

    With `needs_key` it asks the user for the server's key before it asks the server for anything.
    """
    programs = [Asset(_HERE, f"{name}.js") for name in _PROGRAMS]
    styles = [*STYLES, Asset(_HERE, "translator.css")]
    return self_contained_page(
        "Translator", {"needsKey": needs_key}, styles=styles, scripts=[*VIEW, *programs], asks_server=True
    )
