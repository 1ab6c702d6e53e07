"""Compiling the kernels in C++ where there is a compiler, once for a processor, and loading them."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import re
import stat
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from shutil import which
from threading import Lock

import torch

logger = logging.getLogger(__name__)

SWITCH = "NMT_KERNELS"
"""Variable of the environment which, set to `torch`, leaves out the kernels in C++."""

_loading = Lock()

SOURCES = sorted(Path(__file__).parent.glob("*.cpp"))
HEADERS = sorted(Path(__file__).parent.glob("*.h"))
COMPILERS = ("g++", "c++")
FLAGS = (
    *("-std=c++20", "-O3", "-march=native", "-fPIC", "-shared", "-fopenmp"),
    # Numbers are rounded as they would be otherwise; only C's error variable and traps of the processor are given up.
    *("-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast"),
)
SECONDS = 120
"""Time that the compiler is given; it takes two to four seconds."""


class UnavailableError(Exception):
    """There is no library of kernels; says why."""


def available_library() -> ctypes.CDLL | None:
    """Returns the library, or None where there is none, or NMT_KERNELS leaves it out.

    The first call compiles it, which takes two to four seconds, unless that was done before.
    """
    if os.environ.get(SWITCH) == "torch":
        return None
    with _loading:
        return _loaded()


@cache
def _loaded() -> ctypes.CDLL | None:
    try:
        return load_library()
    except UnavailableError as error:
        logger.debug("there are no compiled kernels, and all runs slower: %s", error)
        return None


@cache
def load_library() -> ctypes.CDLL:
    """Loads the library, which is compiled first if it is not in the cache.

    Raises:
        UnavailableError: there is no compiler, or it fails, or torch does not use GNU's OpenMP.
    """
    if platform.system() != "Linux" or not hasattr(os, "geteuid"):
        raise UnavailableError(f"they are made for Linux, not for {platform.system() or 'this system'}")
    # Two libraries of OpenMP in a process would have twice the threads; the kernels take torch's.
    openmp = _openmp_of_torch()
    try:
        ctypes.CDLL(openmp, mode=ctypes.RTLD_GLOBAL)
        compiler = _compiler()
        path = _cache_folder() / f"{_fingerprint(compiler)}.so"
        if not path.exists():
            _compile(compiler, path)
    except OSError as error:
        raise UnavailableError(str(error)) from error
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        path.unlink(missing_ok=True)  # whatever spoiled it, the next process makes it anew
        raise UnavailableError(str(error)) from error


def _openmp_of_torch() -> str:
    torch.get_num_threads()
    found = re.search(r"\s(/.*/libgomp[^/\n]*)$", Path("/proc/self/maps").read_text(), re.MULTILINE)
    if found is None:
        raise UnavailableError("torch does not compute with GNU's OpenMP here")
    return found[1]


def _compiler() -> str:
    for name in COMPILERS:
        if path := which(name):
            return path
    raise UnavailableError("no C++ compiler is installed (g++)")


def _fingerprint(compiler: str) -> str:
    """Returns a name for what the compiler makes of the source on this processor."""
    version = _run([compiler, "--version"]).stdout
    processor = re.search(r"^(flags|Features)\s*:.*$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    parts = (
        *(path.read_bytes() for path in (*SOURCES, *HEADERS)),
        version,
        repr(FLAGS).encode(),
        platform.machine().encode(),
    )
    of_processor = processor[0].encode() if processor else b""
    digest = hashlib.sha256()
    for part in (*parts, of_processor):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:32]


def _run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{command[0]} took more than {SECONDS} s") from error


def _cache_folder() -> Path:
    """Returns a folder for compiled kernels that nobody else can write to."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        folder = (base if base.is_absolute() else Path.home() / ".cache") / "nmt" / "kernels"
    except RuntimeError as error:  # a user whom the system does not know
        raise UnavailableError(str(error)) from error
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UnavailableError(f"{folder} is not this user's alone")
    return folder


def _compile(compiler: str, path: Path) -> None:
    """Compiles the library to a path, at which it is there as a whole or not at all."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / path.name
        command = [compiler, *FLAGS, *map(str, SOURCES), "-o", str(made)]
        done = _run(command)
        if done.returncode:
            raise UnavailableError(f"{compiler} failed: {done.stderr.decode(errors='replace').strip()[:500]}")
        # Of a name that no other process has, on no other machine with this folder: one that is loaded stays as it is.
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as copy:
            copy.write(made.read_bytes())
        Path(copy.name).replace(path)
