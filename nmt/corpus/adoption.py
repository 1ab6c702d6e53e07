"""Taking over a store that was made of the same text elsewhere, such as in another run, in place of making it again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from nmt.corpus.fingerprint import BLOCK_BYTES, is_intact
from nmt.corpus.store import DESCRIPTION, FILES, Store
from nmt.errors import DataError
from nmt.io.atomic_files import new_directory
from nmt.io.regular_files import open_unfollowed


def find_store(
    directory: Path, fingerprint: str, files: int, elsewhere: Iterable[Path], tick: Callable[[], None]
) -> tuple[Store, Path] | None:
    """Opens the store in a folder, or else takes over one from elsewhere; returns it and the folder that had it.

    Returns None if none has it. Arguments and errors are those of `open_store` and `adopt_store`.
    """
    if store := open_store(directory, fingerprint, files, tick):
        return store, directory
    return adopt_store(directory, fingerprint, files, elsewhere, tick)


def open_store(directory: Path, fingerprint: str, files: int, tick: Callable[[], None]) -> Store | None:
    """Opens the store in a folder; None unless it is whole and was made from what the fingerprint is of.

    `files` is the number of source files, which the report of an early version did not tell apart. `tick` is called now
    and then; what it raises ends the work.
    """
    with suppress(DataError):  # absent or damaged
        store = Store.open(directory)
        is_same = store.fingerprint == fingerprint and len(store.report.by_file) == files
        if is_same and is_intact(store, tick):
            return store
    return None


def adopt_store(
    directory: Path, fingerprint: str, files: int, places: Iterable[Path], tick: Callable[[], None]
) -> tuple[Store, Path] | None:
    """Takes over the first store with this fingerprint that is whole; returns it and its place, or None without one.

    Its files are linked, so that both together take the room of one: no file of a store is ever written again. Where
    they cannot be linked, as on another disk, they are copied. `files` and `tick` as for `open_store`.

    Raises StorageError if the disk is full, or `directory` cannot be written.
    """
    for place in places:
        with suppress(DataError):  # absent, damaged, or changed while it was taken
            if Store.open(place).fingerprint != fingerprint:
                continue
            with new_directory(directory, replace=True) as partial:
                for name in (DESCRIPTION, *FILES):
                    _take(place / name, partial / name, tick)
                if open_store(partial, fingerprint, files, tick) is None:
                    raise DataError(str(place), "is damaged")
            return Store.open(directory), place
    return None


def _take(source: Path, target: Path, tick: Callable[[], None]) -> None:
    """Links or copies a regular file; raises DataError if it is none, or cannot be read."""
    if source.is_symlink():
        raise DataError(str(source), "is a link")
    with suppress(OSError):
        os.link(source, target, follow_symlinks=False)
        return
    try:
        descriptor = open_unfollowed(source, os.O_RDONLY)
    except OSError as error:
        raise DataError(str(source), f"cannot be read: {error.strerror or error}") from error
    with os.fdopen(descriptor, "rb", buffering=0) as stream, target.open("wb") as copy:
        while block := stream.read(BLOCK_BYTES):
            copy.write(block)
            tick()
