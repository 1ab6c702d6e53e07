"""Codes of languages, as they are given to a command."""

from __future__ import annotations

import re

from nmt.errors import Problem
from nmt.io.compression import ENDINGS
from nmt.preflight.languages import language_named

# A longer tag than any (RFC 5646), and endings by which files would be taken for compressed ones.
_LANGUAGE = re.compile(r"\w[\w-]{0,63}")
_PACKED = (*ENDINGS, ".zip", ".tgz")


def language_problem(option: str, language: str) -> Problem | None:
    """Returns the problem of what is given for a language and is no code; None without one."""
    if not _LANGUAGE.fullmatch(language) or f".{language.lower()}" in _PACKED:
        return Problem(option, f"is no language code: {language!r}; expected one such as en or zh-Hans")
    if code := language_named(language):
        return Problem(option, f"{language} is the name of a language; expected its code, {code}")
    return None
