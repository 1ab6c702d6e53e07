"""A service calls a Translator for as long as it lives: its memory stays what it was, whatever the lines are."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

MEBIBYTE = 1 << 20

SERVICE = """
import json, random, resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from nmt import Translator

translator = Translator.load(sys.argv[1])
options = translator.options(attention=True, beam_size=1)
words = Path(sys.argv[2]).read_text().split()
begin, calls = map(int, sys.argv[3:])


def memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def answer(seed):
    chance = random.Random(seed)
    return str(translator.translate([" ".join(chance.choices(words, k=chance.randint(0, 6)))], options)[0])


with ThreadPoolExecutor(4) as threads:
    begun = list(threads.map(answer, range(begin)))
    before = memory()
    for start in range(0, calls, begin):
        answers = list(threads.map(answer, range(start, start + begin)))
        if start == 0:
            same = answers == begun
print(json.dumps({"grown": memory() - before, "same": same}))
"""


@pytest.mark.parametrize(("begin", "calls"), [(60, 60), pytest.param(2_000, 20_000, marks=pytest.mark.slow)])
def test_memory_is_flat_over_many_calls_of_several_threads(
    begin, calls, model, data, user_environment, tmp_path
) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    command = [sys.executable, tmp_path / "service.py", model, data / "train.xx", begin, calls]
    done = subprocess.run(list(map(str, command)), env=user_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["same"]
    assert result["grown"] < 2 * MEBIBYTE + 100 * calls, result
