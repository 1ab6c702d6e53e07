"""The display of translations in a notebook.

A page and a heat map are drawn by `nmt.visualization`, which stands above this room and knows its values. It is
imported by its name when a notebook asks for it: the one place where a lower room calls on a higher one.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def notebook() -> Any:
    """Returns `nmt.visualization.notebook`, which has `heat_map(translation)` and `page(line, unit)`."""
    return import_module("nmt.visualization.notebook")
