"""The folder that a preparation writes: what may be there before, and how an earlier preparation is recognised."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from nmt.errors import ConfigError
from nmt.io.atomic_files import storage_errors
from nmt.io.lines import without_surrogates
from nmt.io.system_files import entries
from nmt.preparation.report import FORMAT

REPORT, CONFIGURATION, REJECTED = "report.json", "config.yaml", "rejected.tsv.gz"

_OWN = re.compile(rf"(?:train|validation|test)\.\w[\w-]*|{re.escape(REPORT)}|{CONFIGURATION}|{re.escape(REJECTED)}")
_SHOWN = 3


def check_output(output: Path, inputs: Sequence[str], *, overwrite: bool) -> bool:
    """Checks that the folder may be written, before the work; returns True if it takes the place of another.

    Files that systems and file browsers leave in a folder (see `nmt.io.system_files`) are nobody's, and go with it.

    Raises:
        ConfigError: its name cannot stand in a configuration, it is no folder, holds other things than an earlier
            preparation, holds one that is not to be overwritten, contains an input, or is the current folder or one
            above it.
        StorageError: it cannot be read.
    """
    final = Path(os.path.realpath(output))
    where = f"--output {output}"
    if without_surrogates(str(output)) != str(output):
        raise ConfigError(where, "is a name that is not UTF-8, which a configuration cannot hold; name another folder")
    here = Path(os.path.realpath("."))
    if final == here or final in here.parents:
        raise ConfigError(where, "is the folder where the command runs, or one above it; name a new one")
    for path in inputs:
        real = Path(os.path.realpath(path))
        if real == final or final in real.parents:
            raise ConfigError(where, f"holds the input {path}; name another folder")
    with storage_errors(output):
        if not os.path.lexists(final):
            return False
        if not final.is_dir():
            raise ConfigError(where, "exists and is no folder; name a new one")
        found = entries(final)
        if others := [name for name in found if not _OWN.fullmatch(name)]:
            names = ", ".join(others[:_SHOWN]) + (", …" if len(others) > _SHOWN else "")
            raise ConfigError(where, f"holds other things than an earlier preparation: {names}; name a new folder")
        if found and not _is_preparation(final):
            raise ConfigError(where, f"is not empty, and has no {REPORT} of a preparation; name a new folder")
        if found and not overwrite:
            raise ConfigError(where, "holds an earlier preparation; --overwrite replaces it")
        return any(final.iterdir())


def _is_preparation(folder: Path) -> bool:
    try:
        report = json.loads((folder / REPORT).read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return False
    return isinstance(report, dict) and report.get("format") == FORMAT
