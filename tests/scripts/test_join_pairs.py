"""Claims about `scripts/join_pairs.py`."""

from __future__ import annotations

import gzip
import runpy
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "join_pairs.py"
joined, drawn_sizes = (runpy.run_path(str(SCRIPT), run_name="join_pairs")[name] for name in ("joined", "drawn_sizes"))


def run(*arguments):
    return subprocess.run([sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True)


def test_every_pair_is_used_once_in_order():
    pairs = [(f"s{number}", f"t{number}") for number in range(100)]
    made = list(joined(pairs, drawn_sizes(4, 1)))
    assert " ".join(source for source, _ in made).split() == [source for source, _ in pairs]
    assert " ".join(target for _, target in made).split() == [target for _, target in pairs]
    assert all(len(source.split()) == len(target.split()) for source, target in made)
    assert {len(source.split()) for source, _ in made} == {1, 2, 3, 4}
    assert made == list(joined(pairs, drawn_sizes(4, 1))) != list(joined(pairs, drawn_sizes(4, 2)))


def test_files_are_joined(tmp_path):
    source, target = tmp_path / "s.gz", tmp_path / "t"
    source.write_bytes(gzip.compress(b"a\nb\n\nc\n"))
    target.write_text("A\nB \nX\nC\n")
    outputs = [tmp_path / "js.gz", tmp_path / "jt"]
    done = run(source, target, *outputs, "--most", 2, "--each-size")
    assert done.returncode == 0 and done.stderr.count("left out") == 1
    assert gzip.decompress(outputs[0].read_bytes()).decode().splitlines() == ["a", "b", "c", "a b", "c"]
    assert outputs[1].read_text().splitlines() == ["A", "B", "C", "A B", "C"]


def test_nothing_is_written_of_files_that_do_not_belong_together(tmp_path):
    for name, text in (("s", "a\nb\n"), ("t", "A\n"), ("out", "old\n")):
        (tmp_path / name).write_text(text)
    done = run(tmp_path / "s", tmp_path / "t", tmp_path / "out", tmp_path / "other")
    assert done.returncode == 65 and "2 lines" in done.stderr
    assert run(tmp_path / "s", tmp_path / "s", tmp_path / "out", tmp_path / "other").returncode == 2
    assert (tmp_path / "out").read_text() == "old\n"
