"""The display of translations in a notebook, which the Python interface provides.

The display draws with `nmt.visualization`, which stands above this room; `nmt/__init__.py` hands it over when it is
asked for a `Translator` or a `Translation`. Without one, a notebook shows what `repr` says.
"""

from __future__ import annotations

from typing import Any, Protocol


class Display(Protocol):
    """The interface of a display of translations; `nmt.visualization.notebook` is one."""

    def heat_map(self, translation: Any) -> str:
        """Draws a `Translation`, its line and its attention as HTML."""
        ...

    def page(self, trace: Any, unit: str) -> Any:
        """Draws the attention page of a `Trace`, by `word` or `token`."""
        ...


_displays: list[Display] = []


def use_display(display: Display) -> None:
    """Sets the display that translations use from now on."""
    _displays[:] = [display]


def current_display() -> Display | None:
    """Returns the display in use; None if there is none."""
    return _displays[0] if _displays else None
