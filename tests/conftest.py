"""What all tests share."""

from __future__ import annotations

import os

# Tiny tensors gain nothing from threads, and tests run side by side: threads that wait for each other on busy cores
# would make them many times slower. Set before torch is imported; programs that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest_plugins = ["proofs", "program", "forked"]
