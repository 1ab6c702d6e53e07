"""Promise 29: bulk output is each row once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bulk_jobs import actors_below, joined, kill, litter, processes_below, shards_in, wait_until
from forked import ForkedPopen
from program import Call, command, environment, sentences, write_text
from proofs import Proof
from small_disk import ROOMY, SmallDisk

pytest.importorskip("ray", reason="Ray is not installed")

ROWS, OF_SHARD = 3_000, 50
OPTIONS = ["--workers", "2", "--shard-rows", OF_SHARD, "--device", "cpu"]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.txt"
    write_text(path, sentences(ROWS, 29))
    return path


@pytest.fixture(scope="module")
def expected(rows: Path, learned: Path, call: Call) -> bytes:
    done = call("translate", learned, "--input", rows)
    assert done.code == 0
    return done.out


def assert_each_row_once(folder: Path, expected: bytes) -> None:
    assert joined(folder) == expected
    assert len(shards_in(folder)) == ROWS // OF_SHARD
    assert list(litter(folder)) == []


@pytest.fixture
def started() -> Iterator[Callable[[subprocess.Popen[bytes]], subprocess.Popen[bytes]]]:
    """Takes note of jobs, of which nothing is left at the end of a test."""
    jobs: list[subprocess.Popen[bytes]] = []

    def note(job: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        jobs.append(job)
        return job

    yield note
    for job in jobs:
        others = list(processes_below(job.pid))
        for process in (job.pid, *others):
            kill(process)
        job.wait(60)


Started = Callable[[subprocess.Popen[bytes]], subprocess.Popen[bytes]]


@pytest.mark.promise(29, gate=3, full=60)
def test_promise_29_a_full_disk_an_actor_and_the_driver_killed(
    proof: Proof, disk: SmallDisk, rows: Path, learned: Path, expected: bytes, started: Started
) -> None:
    for number in range(proof.count // 3):
        disk.clear()
        output = disk.seen / f"out{number}"
        arguments = ["bulk", learned, rows, "--output", disk.path / output.name, *OPTIONS]
        disk.leave(proof.generator.randrange(1, 20) * 4096)
        with proof.case(f"{number}: a full disk"):
            done = disk.forked(*arguments, memory=None, timeout=240)
            assert done.code == 5, done.err
            assert done.errors[0].endswith("cannot be written: No space left on device"), done.err
            assert list(litter(output)) == []
        disk.leave(ROOMY)
        job = started(ForkedPopen(disk.forked, command(*arguments), env=environment(), stderr=subprocess.DEVNULL))
        with proof.case(f"{number}: an actor killed"):
            before = len(shards_in(output))
            wait_until(lambda: len(shards_in(output)) > before + proof.generator.randrange(1, 10), job.poll)  # noqa: B023
            kill(proof.generator.choice(actors_below(job.pid)))
            before = len(shards_in(output))
            wait_until(lambda: len(shards_in(output)) > before + proof.generator.randrange(1, 10), job.poll)  # noqa: B023
        with proof.case(f"{number}: the driver killed"):
            job.kill()
            job.wait(60)
            done = disk.forked(*arguments, memory=None, timeout=240)
            assert done.code == 0, done.err
            assert_each_row_once(output, expected)


@pytest.mark.slow
@pytest.mark.promise(29, gate=1, full=20)
def test_promise_29_actors_killed_again_and_again(
    proof: Proof, rows: Path, learned: Path, call: Call, tmp_path: Path, started: Started
) -> None:
    many = tmp_path / "many.txt"
    many.write_bytes(rows.read_bytes() * (1 + proof.count))
    output = tmp_path / "out"
    arguments = ["bulk", learned, many, "--output", output, *OPTIONS]
    job = started(subprocess.Popen(command(*arguments), env=environment(), stderr=subprocess.DEVNULL))
    for number in range(proof.count):
        with proof.case(number):
            before = len(shards_in(output))
            wait_until(lambda: len(shards_in(output)) > before + proof.generator.randrange(30), job.poll)  # noqa: B023
            kill(proof.generator.choice(actors_below(job.pid)))
    assert job.wait(600) == 0
    assert joined(output) == call("translate", learned, "--input", many).out
    assert list(litter(output)) == []


NODES = """
import sys, threading, time
from pathlib import Path
import ray
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
print(cluster.address, flush=True)
for line in sys.stdin:
    cluster.remove_node(nodes.pop(0), allow_graceful=False)
    nodes.append(cluster.add_node(num_cpus=1))
    print("removed", flush=True)
"""


@pytest.mark.slow
@pytest.mark.promise(29, gate=1, full=20)
def test_promise_29_nodes_of_a_cluster_removed(
    proof: Proof, rows: Path, learned: Path, call: Call, tmp_path: Path, started: Started
) -> None:
    many = tmp_path / "many.txt"
    many.write_bytes(rows.read_bytes() * (1 + 2 * proof.count))
    cluster = started(
        subprocess.Popen(
            [sys.executable, "-c", NODES], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    )
    assert cluster.stdin is not None and cluster.stdout is not None
    address = cluster.stdout.readline().decode().strip()
    output = tmp_path / "out"
    arguments = ["bulk", learned, many, "--output", output, *OPTIONS, "--workers", "3", "--address", address]
    job = started(subprocess.Popen(command(*arguments), env=environment(), stderr=subprocess.DEVNULL))
    for number in range(proof.count):
        with proof.case(number):
            before = len(shards_in(output))
            wait_until(lambda: len(shards_in(output)) > before + proof.generator.randrange(30), job.poll)  # noqa: B023
            cluster.stdin.write(b"\n")
            cluster.stdin.flush()
            assert cluster.stdout.readline() == b"removed\n"
    assert job.wait(600) == 0
    assert joined(output) == call("translate", learned, "--input", many).out
    cluster.stdin.close()
