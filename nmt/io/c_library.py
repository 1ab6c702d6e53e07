"""Functions of the C library of Linux that Python does not offer."""

from __future__ import annotations

import ctypes
import sys
from typing import Any


def c_function(name: str) -> Any:
    """Returns a function of the C library; None if it has none of that name, and on other systems than Linux."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
