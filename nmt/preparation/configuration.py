"""The configuration that trains on what was prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nmt.config import from_yaml
from nmt.config.types import LONGEST_NAME
from nmt.preparation.right_size import RightSize


def data_section(folder: Path, languages: tuple[str, str], *, with_test: bool) -> dict[str, Any]:
    """Returns the section `data` for the sets of a folder."""
    sets = ("train", "validation", "test") if with_test else ("train", "validation")
    sides = ("source", "target")
    return {
        "source_language": languages[0],
        "target_language": languages[1],
        **{
            name: {side: f"{folder / name}.{language}" for side, language in zip(sides, languages, strict=True)}
            for name in sets
        },
    }


def valid_name(folder: Path, languages: tuple[str, str]) -> str:
    """Makes the name of a run of the name of a folder."""
    name = "".join(character for character in folder.absolute().name if character.isprintable() and character != "\\")
    name = name.encode(errors="ignore")[:LONGEST_NAME].decode(errors="ignore").strip()
    return name if name not in ("", ".", "..") else "-".join(languages)


def write_configuration(path: Path, sized: RightSize, run: dict[str, Any], data: dict[str, Any]) -> None:
    """Writes the configuration of a run of the right size.

    Raises OSError if it cannot be written.
    """
    text = sized.configuration(run, data)
    from_yaml(text, str(path))  # what is written is valid
    path.write_text(text, encoding="utf-8")
