"""The folder that relative paths of a configuration start from, told to somebody who runs the program in another."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path


def explain_missing(paths: Iterable[str], configuration: str | None = None) -> str | None:
    """Returns where the relative ones of the paths that nothing is at were looked for; None if there are none.

    If the folder of the configuration file, or one above it, has all of these, that is the folder to run in.
    """
    # Unlike the methods of Path, these two answer no for a path that the system refuses.
    missing = [path for path in paths if path and not os.path.isabs(path) and not os.path.exists(path)]  # noqa: PTH110, PTH117
    if not missing:
        return None
    what = f"paths are relative to the folder in which nmt runs ({Path.cwd()})"
    above = Path(configuration).resolve().parents if configuration is not None else ()
    for folder in above:
        if all(os.path.exists(folder / path) for path in missing):  # noqa: PTH110
            return f"{what}; run it where they are: cd {shlex.quote(str(folder))}"
    return what
