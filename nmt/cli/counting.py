"""Counted things, in words."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Returns a number with its noun, such as `1 line` or `2,000 lines`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
