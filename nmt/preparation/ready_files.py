"""Files that are ready to be trained on: their languages, and the sets beside them, told by their names."""

from __future__ import annotations

import re
from pathlib import Path

from nmt.io.compression import unpacked_name

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_TRAINING = re.compile(r"(?<![A-Za-z])train(ing)?(?![A-Za-z])")

_TABLES = (".tsv", ".tab", ".csv")
_NO_LANGUAGES = {"txt", "tsv", "tab", "csv", "tmx", "xml", "pdf", "odt"}

VALIDATION_NAMES = ("validation", "valid", "val", "dev")
TEST_NAMES = ("test",)


def language_of(path: str) -> str | None:
    """Returns the language code that a file's name ends in, as `train.en.gz` does; None without one."""
    ending = Path(unpacked_name(path)).suffix.removeprefix(".")
    return ending if _LANGUAGE.fullmatch(ending) and ending.lower() not in _NO_LANGUAGES else None


def is_table_by_name(path: str) -> bool:
    """Returns whether a file has source and translation in columns, by its name."""
    return unpacked_name(path).lower().endswith(_TABLES)


def files_beside(source: str, target: str, names: tuple[str, ...]) -> tuple[str, str] | None:
    """Finds the pair of files named as the training files are, with one of `names` in place of `train`.

    Returns None where the training files are not named so, or no such pair is there.
    """
    for name in names:
        both = [_renamed(path, name) for path in (source, target)]
        if all(path is not None and Path(path).is_file() for path in both):
            return str(both[0]), str(both[1])
    return None


def _renamed(path: str, name: str) -> str | None:
    file = Path(path)
    renamed, count = _TRAINING.subn(name, file.name, count=1)
    if not count:
        return None
    # As the user wrote it: Path would drop a leading "./".
    return path[: len(path) - len(file.name)] + renamed
