"""nmt: train your own machine translator and watch its attention choose words.

A few names make the Python interface; each is imported when it is first asked for, since torch takes a second or two.
What torch and the libraries below it read when they are loaded is set here, whichever module is asked for first.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nmt.libraries import set_libraries

if TYPE_CHECKING:
    from nmt.config import load_config
    from nmt.training.pipeline import train
    from nmt.translation.glossary import Glossary
    from nmt.translation.glossary_file import read_glossary
    from nmt.translation.options import TranslateOptions
    from nmt.translation.result import Translation
    from nmt.translation.trace import Trace
    from nmt.translation.translator import Translator

__all__ = [
    "Glossary",
    "Trace",
    "TranslateOptions",
    "Translation",
    "Translator",
    "load_config",
    "read_glossary",
    "train",
]

_HOMES = {
    "Glossary": "nmt.translation.glossary",
    "Trace": "nmt.translation.trace",
    "TranslateOptions": "nmt.translation.options",
    "Translation": "nmt.translation.result",
    "Translator": "nmt.translation.translator",
    "load_config": "nmt.config",
    "read_glossary": "nmt.translation.glossary_file",
    "train": "nmt.training.pipeline",
}

set_libraries()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nmt' has no attribute {name!r}")
    home = import_module(_HOMES[name])
    if name in ("Trace", "Translation", "Translator"):
        import_module("nmt.translation.notebook").use_display(import_module("nmt.visualization.notebook"))
    return getattr(home, name)
