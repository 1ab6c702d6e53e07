"""What every command does first."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

GARBAGE = """
import gc
import weakref
usual = gc.get_threshold()
from nmt.cli.arguments import LoggingArguments
from nmt.cli.startup import end_loading, start
start(LoggingArguments(quiet=True))
seldom = gc.get_threshold()
import torch
end_loading()
print(seldom[0] > usual[0], gc.get_threshold() == usual, gc.isenabled(), gc.get_freeze_count() > 100_000)
class Cycle:
    pass
cycle = Cycle()
cycle.itself = cycle
seen = weakref.ref(cycle)
del cycle
gc.collect()
print(seen() is None)
"""
PROGRAM = """
from nmt.cli.arguments import LoggingArguments
from nmt.cli.startup import end_loading, start
start(LoggingArguments(quiet=True))
import torch
from nmt.model.kernels.matmul import product
from nmt.model.kernels.packing import pack
with torch.inference_mode():
    for rows in (*range(1, 41), 1):
        for width in range(8, 64, 8):
            weight = torch.ones(width, 8)
            pack(weight)
            product(torch.ones(rows, 8), weight)
"""


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")
@pytest.mark.parametrize(
    ("setting", "kept"),
    [
        ({}, False),
        pytest.param({"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "1024"}, True, marks=pytest.mark.slow),
    ],
)
def test_what_products_were_prepared_with_is_kept_of_few_sizes_unless_asked(
    setting: Any, kept: bool, user_environment: Any
) -> None:
    environment = user_environment(ONEDNN_VERBOSE="2", NMT_KERNELS="torch", **setting)
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment)
    last = [line for line in done.stdout.splitlines() if "create:" in line and "inner_product" in line][-1]
    assert ("cache_hit" in last) is kept, last


@pytest.mark.parametrize(
    ("name", "setting", "expected"),
    [
        ("GOMP_SPINCOUNT", {}, "20000"),
        ("GOMP_SPINCOUNT", {"GOMP_SPINCOUNT": "7"}, "7"),
        ("GOMP_SPINCOUNT", {"OMP_WAIT_POLICY": "ACTIVE"}, "None"),
        ("LRU_CACHE_CAPACITY", {}, "64"),
        ("LRU_CACHE_CAPACITY", {"LRU_CACHE_CAPACITY": "1024"}, "1024"),
    ],
)
def test_libraries_are_set_before_they_are_loaded_unless_the_user_has(
    name: str, setting: Any, expected: str, user_environment: Any
) -> None:
    program = "from nmt.cli.arguments import LoggingArguments; from nmt.cli.startup import start\n"
    program += "start(LoggingArguments(quiet=True)); import os, sys\n"
    program += f"print(os.environ.get({name!r}), 'torch' in sys.modules)"
    environment = user_environment(**setting)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == [expected, "False"]  # torch reads it when it is loaded


def test_garbage_is_looked_for_seldom_while_loading_and_as_usual_afterwards(user_environment: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GARBAGE], capture_output=True, text=True, check=True, env=user_environment()
    )
    assert done.stdout.split() == ["True"] * 5


@pytest.mark.parametrize(
    ("program", "setting", "remarks"),
    [
        ("from nmt.config import load_config; import nmt.training.pipeline", {}, 0),
        ("import torch; from nmt import load_config, train", {}, 1),
        ("import torch; from nmt import load_config", {"GOMP_SPINCOUNT": "7"}, 0),
    ],
)
def test_from_python_libraries_are_set_whatever_is_imported_first(
    program: str, setting: Any, remarks: int, user_environment: Any
) -> None:
    environment = user_environment(**setting)
    environment.pop("OMP_NUM_THREADS", None)
    program += "; import os; print(os.environ['GOMP_SPINCOUNT'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == setting.get("GOMP_SPINCOUNT", "20000")
    assert done.stderr.count("torch was imported before nmt") == remarks
