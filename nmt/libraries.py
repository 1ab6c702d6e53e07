"""Settings of torch and the libraries below it, which they read when they are loaded. Nothing here needs torch."""

from __future__ import annotations

import os


def set_libraries() -> None:
    """Sets what torch and its libraries read when they are loaded, where the user has not."""
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
