"""Settings of torch and the libraries below it, which they read when they are loaded, and what is installed.

Nothing here needs torch.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

# The rest is imported where it is needed: `import nmt` comes here, and takes a few milliseconds.
if TYPE_CHECKING:
    from importlib.metadata import Distribution

DISTRIBUTION = "nmt-attention"
"""The name that this program is installed by; `nmt` in the package index is somebody else's."""


def set_libraries() -> None:
    """Sets what torch and its libraries read when they are loaded, where the user has not.

    Where torch is loaded already, a remark says once what can no longer be set.
    """
    _remark_if_late()
    # Of each size of a product oneDNN keeps what it prepared for it, about a megabyte, by default of 1,024 sizes. They
    # took half of training's memory; with these, which are most of those in use, it is as fast.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")
    # Beside it torch holds on to the last 1,024 of them, whatever oneDNN gives up; what it gives up, oneDNN may have.
    os.environ.setdefault("LRU_CACHE_CAPACITY", "64")
    # How often a thread of GNU's OpenMP polls for the others before it sleeps, by default 300,000 times, some
    # milliseconds. On a quiet machine fewer cost a twentieth of the speed; where other programs want the same
    # processors, the threads that poll are in the way of the one they wait for, and fewer are three times as fast.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "20000")


def _remark_if_late() -> None:
    """Says what to do where GNU's OpenMP was loaded with torch, without what several threads need beside others."""
    if "torch" not in sys.modules or not sys.platform.startswith("linux"):
        return
    if {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys() or os.environ.get("OMP_NUM_THREADS") == "1":
        return  # said, set, or without need
    import logging

    what = "torch was imported before nmt, whose settings then come too late: where other programs use the same "
    what += "processors, it is several times slower; import nmt before torch, or set GOMP_SPINCOUNT=20000"
    logging.getLogger("nmt").warning(what)


def program_version() -> str:
    """Returns the version of this program; "unknown" where it was not installed, but found on the path."""
    installed = _installed()
    return "unknown" if installed is None else installed.version


def how_to_install(extra: str) -> str:
    """Returns the command that adds the packages of an extra to this program, where and as it was installed."""
    import shlex
    import shutil
    from pathlib import Path

    beside = shutil.which("pip", path=str(Path(sys.executable).parent)) if sys.executable else None
    is_found = beside is not None and shutil.which("pip") == beside
    pip = "pip" if is_found else f"{shlex.quote(sys.executable or 'python3')} -m pip"
    return f"{pip} install {_requirement(extra)}"


def _requirement(extra: str) -> str:
    """Returns what pip is to install: the clone, the file or folder that was installed, or the name."""
    import json
    import shlex
    from pathlib import Path
    from urllib.parse import unquote, urlsplit

    clone = Path(__file__).resolve().parents[1]
    installed = _installed()
    text = installed.read_text("direct_url.json") if installed else None
    origin = json.loads(text) if text else {}
    url = origin.get("url", "")
    path = unquote(urlsplit(url).path) if url.startswith("file:") else ""
    if installed is None and (clone / "pyproject.toml").is_file():
        return f"--editable {shlex.quote(f'{clone}[{extra}]')}"
    if path and Path(path).is_dir():
        editable = "--editable " * bool(origin.get("dir_info", {}).get("editable"))
        return editable + shlex.quote(f"{path}[{extra}]")
    if url and "dir_info" not in origin:
        kind = origin.get("vcs_info", {}).get("vcs")
        return shlex.quote(f"{DISTRIBUTION}[{extra}] @ {f'{kind}+' if kind else ''}{url}")
    return shlex.quote(f"{DISTRIBUTION}[{extra}]")


def _installed() -> Distribution | None:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution(DISTRIBUTION)
    except PackageNotFoundError:
        return None
