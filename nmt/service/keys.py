"""The keys that let a client in: read from a file, and compared in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from pathlib import Path

from nmt.errors import ConfigError, InputFileError

SHORTEST = 16
"""Minimum number of characters of a key."""


class Keys:
    """The keys that are valid; without any, everybody is let in."""

    def __init__(self, keys: Iterable[str] = (), path: Path | None = None) -> None:
        """Takes the keys, and the file that they were read from."""
        self._keys = [key.encode() for key in keys]
        self._path = path

    def take_up(self) -> None:
        """Reads their file again, if they came from one; raises as `read_keys` does, and keeps them then."""
        if self._path is not None:
            self._keys = read_keys(self._path)._keys

    def __bool__(self) -> bool:
        return bool(self._keys)

    def admit(self, key: str) -> bool:
        """Returns whether a key is valid, in a time that does not depend on where it differs or from which."""
        given = key.encode("utf-8", "surrogatepass")
        return any([hmac.compare_digest(given, one) for one in self._keys])  # noqa: C419 (all of them, always)


def read_keys(path: Path) -> Keys:
    """Reads a file of keys, one a line; blank lines and those that begin with # are left out.

    Raises:
        InputFileError: the file cannot be read.
        ConfigError: it holds no key, or one that is too short or not printable ASCII without spaces.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise InputFileError(str(path), f"cannot be read: {error.strerror}") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    keys = [(number, line) for number, line in lines if line and not line.startswith("#")]
    for number, key in keys:
        if len(key) < SHORTEST or not all("!" <= letter <= "~" for letter in key):
            what = f"is no key: expected {SHORTEST} or more letters, digits and signs of ASCII, without spaces"
            raise ConfigError(f"{path}:{number}", what)
    if not keys:
        raise ConfigError(str(path), "holds no key: expected one a line")
    return Keys((key for _, key in keys), path)


def key_of(authorization: str) -> str | None:
    """Returns the key in a header `Authorization: Bearer KEY`."""
    scheme, _, value = authorization.strip().partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None
