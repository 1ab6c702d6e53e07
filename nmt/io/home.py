"""`~` in paths, which a shell expands only where it begins a word: not in `--output=~/runs`, and not in a file."""

from __future__ import annotations

import os


def at_home(path: str) -> str:
    """Returns a path with the home folder for `~`, and that of a user for `~name`; other paths as they are.

    A path whose home nobody knows stays as it is, too.
    """
    return os.path.expanduser(path)  # noqa: PTH111 (Path would drop what a path may end in)
