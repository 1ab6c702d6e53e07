"""Measures `nmt bulk` beside `nmt translate`: rows a second, the memory of its workers, and that the output is equal.

    .venv/bin/python scripts/benchmarks/measure_bulk.py MODEL FILE [--lines 20000] [--workers 2] [--rounds 3]

The lines of FILE are repeated until there are so many. By turns, they are translated by `nmt bulk` with so many workers
of one thread, and by as many processes of `nmt translate --threads 1` side by side, each with its part of the lines.
Both times include the start. Other options, such as `--precision int8`, go to both.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import cycle, islice
from pathlib import Path

from machine import memory_of, processor, with_descendants

NMT = [sys.executable, "-m", "nmt"]
WORKER = "ShardTranslator"  # in the name that Ray gives a process


def bulk(command: list[str], held: dict[int, list[float]]) -> float:
    """Runs the job; returns its seconds, and notes the anonymous memory of each worker, each half second, in MiB."""
    started = time.perf_counter()
    job = subprocess.Popen(command)
    while job.poll() is None:
        for process in with_descendants(job.pid):
            name = Path(f"/proc/{process}/cmdline")
            if name.exists() and WORKER in name.read_text(errors="replace"):
                held[process].append(memory_of(process)[1])
        time.sleep(0.5)
    assert job.returncode == 0, command
    return time.perf_counter() - started


def side_by_side(commands: list[list[str]]) -> float:
    """Runs commands at the same time; returns the seconds until the last has ended."""
    started = time.perf_counter()
    running = [subprocess.Popen(command) for command in commands]
    codes = [each.wait() for each in running]
    assert not any(codes), commands
    return time.perf_counter() - started


def measure(given: argparse.Namespace, options: list[str], folder: Path) -> None:
    with Path(given.file).open(encoding="utf-8") as stream:
        lines = list(islice(cycle(stream.readlines()), given.lines))
    whole, workers = folder / "in.txt", given.workers
    whole.write_text("".join(lines), encoding="utf-8")
    parts = [folder / f"part-{number}.txt" for number in range(workers)]
    for number, part in enumerate(parts):
        start, stop = (len(lines) * (number + more) // workers for more in (0, 1))
        part.write_text("".join(lines[start:stop]), encoding="utf-8")
    translate = [*NMT, "translate", given.model, "--threads", "1", "--quiet", *options]
    commands = [[*translate, "--input", str(part), "--output", f"{part}.out"] for part in parts]
    job = [*NMT, "bulk", given.model, str(whole), "--workers", str(workers), "--threads", "1", "--quiet", *options]
    held: dict[int, list[float]] = defaultdict(list)
    seconds: dict[str, list[float]] = {"translate": [], "bulk": []}
    for number in range(given.rounds):
        ways = {
            "translate": lambda: side_by_side(commands),
            "bulk": lambda output=f"{folder}/out-{number}": bulk([*job, "--output", output], held),
        }
        for name in sorted(ways, reverse=bool(number % 2)):
            seconds[name].append(ways[name]())
        one = "".join(Path(f"{part}.out").read_text(encoding="utf-8") for part in parts)
        other = "".join(path.read_text(encoding="utf-8") for path in sorted((folder / f"out-{number}").glob("*.txt")))
        print(f"round {number + 1}: {'equal' if one == other else 'DIFFERENT'} output", flush=True)
    for name, found in seconds.items():
        rates = ", ".join(f"{given.lines / each:,.0f}" for each in found)
        print(f"{name:<10} {given.lines / statistics.median(found):>8,.0f} rows a second ({rates})")
    ratios = [one / other for one, other in zip(seconds["translate"], seconds["bulk"], strict=True)]
    print(f"bulk has {statistics.median(ratios):.2f} of the rate ({', '.join(f'{each:.2f}' for each in ratios)})")
    for sizes in held.values():
        middle = len(sizes) // 2
        if middle > 4:
            first, second = (max(half) for half in (sizes[:middle], sizes[middle:]))
            print(f"a worker held {first:,.0f} MiB at most in the first half of its time, {second:,.0f} in the second")
    print(processor())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("file")
    for option, default in (("--lines", 20_000), ("--workers", 2), ("--rounds", 3)):
        parser.add_argument(option, type=int, default=default)
    known, others = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name:
        measure(known, others, Path(name))
