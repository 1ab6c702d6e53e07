"""Several hosts train one model, and some of them die, are cut off or come later: nothing else is lost."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

import hosts
from hosts import Host, Network
from nmt.corpus.batch_order import BatchOrder
from nmt.corpus.store import Store
from nmt.io.locks import RunLock
from program import Call, configuration_text, environment, write_corpus
from proofs import Proof
from runs import litter

INTERVAL, TOKENS = 20, 96
OPTIONS = [
    "--set",
    f"training={{log_every: 5, validate_every: {INTERVAL}, patience: null, max_epochs: null, batch_tokens: {TOKENS}}}",
    *("--set", "search={beam_size: 1, max_length: 4}", "--set", "model.dropout=0"),
]
MANY = ("--set", "training.max_steps=1000000")
PORT = 29400

# The program, a little slower, so that faults come while it trains. It notes which pairs it takes, and what it writes.
WORKER = """\
import json, os, time
from pathlib import Path

import nmt.training.trainer as trainer
from nmt.cli.main import main
from nmt.io.locks import RunLock

PLACE = Path(__file__).parent
PACE = float(os.environ["PACE"])

def note(file, *words):
    with (PLACE / file).open("a") as notes:
        notes.write(json.dumps([*words, os.getpid()]) + "\\n")

step_once, save, take = trainer.Trainer._step, trainer.save_with_pointers, RunLock.__enter__

def step(self, update, parts):
    time.sleep(PACE)
    step_once(self, update, parts)
    pairs = [index for part in update.parts for index in part.indices.tolist()]
    note("pairs", self.state.step, self._job.group.process.world_size, os.environ["MASTER_PORT"], pairs)

def save_and_note(*arguments, **options):
    save(*arguments, **options)
    note("writes", "saved", arguments[1])

def take_and_note(self):
    taken = take(self)
    note("writes", "took", 0)
    return taken

trainer.Trainer._step, trainer.save_with_pointers, RunLock.__enter__ = step, save_and_note, take_and_note
if __name__ == "__main__":
    note("starts", os.environ["RANK"])
    main()
"""

# What a rendezvous needs is on a machine of its own, which does not fail.
MEETING_POINT = f"""\
import time
from torch.distributed import TCPStore

store = TCPStore("0.0.0.0", {PORT}, is_master=True, wait_for_workers=False)
print("ready", flush=True)
time.sleep(1e6)
"""


class Cluster:
    """Hosts that train together, and what they note."""

    def __init__(self, folder: Path, network: Network, most: int) -> None:
        self.folder, self.network, self.most = folder, network, most
        self.run = folder / "run"
        self.options: list[object] = []
        # In seconds: before each step, and to wait for more hosts. A host that comes after that, while torchrun begins
        # with the others, may end all of them.
        self.pace, self.last_call = 0.0, 15
        (folder / "worker.py").write_text(WORKER)
        write_corpus(folder / "data")
        (folder / "tiny.yaml").write_text(configuration_text(folder / "data"))
        self.launchers: dict[Host, subprocess.Popen[bytes]] = {}
        meeting = network.add()
        self.meeting = f"{meeting.name}:{PORT}"
        store = meeting.start([sys.executable, "-c", MEETING_POINT], self.environment(), stdout=subprocess.PIPE)
        assert store.stdout is not None and store.stdout.readline() == b"ready\n"

    def environment(self) -> dict[str, str]:
        return environment(
            OMP_NUM_THREADS="1",
            TORCH_CPP_LOG_LEVEL="ERROR",
            TORCH_DISABLE_SHARE_RDZV_TCP_STORE="1",
            PYTHONPATH=os.pathsep.join(sys.path),
            PACE=str(self.pace),
        )

    def join(self, *, processes: int = 1) -> Host:
        """A new host that trains with those that are there."""
        host = self.network.add()
        launcher = [sys.executable, "-m", "torch.distributed.run", f"--nnodes=1:{self.most}"]
        launcher += [f"--nproc-per-node={processes}", "--max-restarts=100", "--rdzv-backend=c10d", "--rdzv-id=job"]
        launcher += [
            f"--rdzv-endpoint={self.meeting}",
            f"--rdzv-conf=last_call_timeout={self.last_call},keep_alive_interval=1",
        ]
        training = ["train", self.folder / "tiny.yaml", "--output", self.run, *OPTIONS, *self.options]
        with (self.folder / f"{host.name}.log").open("wb") as log:
            command = [*launcher, self.folder / "worker.py", *training]
            self.launchers[host] = host.start(command, self.environment(), stdout=log, stderr=log)
        return host

    def said(self) -> str:
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in self.folder.glob("*.log")
        )

    def notes(self, file: str) -> list[list]:
        path = self.folder / file
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def steps(self) -> Iterator[tuple[int, int]]:
        """The steps that were made, in order, each with the number of processes."""
        return ((step, size) for step, size, *_ in self.notes("pairs"))

    def reached(self) -> int:
        return max((step for step, _ in self.steps()), default=0)

    def wait(self, what: str, true: Callable[[], bool], seconds: float = 240) -> None:
        until = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < until, f"in {seconds} seconds not {what}\n{self.said()}"
            time.sleep(0.1)

    def wait_for(self, size: int, steps: int = 3) -> None:
        """Waits until so many processes have made some steps, beginning with the next one."""
        noted = len(self.notes("pairs"))
        is_done = lambda: sum(step[1] == size for step in self.notes("pairs")[noted:]) >= steps * size  # noqa: E731
        self.wait(f"{steps} steps of {size} processes", is_done)

    def go_on(self, steps: int) -> None:
        goal = self.reached() + steps
        self.wait(f"{steps} steps on", lambda: self.reached() >= goal)

    def resumed_from(self) -> list[int]:
        steps = re.findall(r"going on from step ([\d,]+)", (self.run / "train.log").read_text())
        return [int(step.replace(",", "")) for step in steps]

    def ends(self, seconds: float = 120) -> dict[str, int]:
        return {host.name: launcher.wait(seconds) for host, launcher in self.launchers.items()}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Callable[[int], Cluster]]:
    """Hosts of a network of their own, so many at most."""
    if reason := hosts.missing():
        pytest.skip(reason)
    (tmp_path / "network").mkdir()
    with Network(tmp_path / "network") as network:
        yield lambda most: Cluster(tmp_path, network, most)


def assert_one_wrote_at_a_time(cluster: Cluster) -> None:
    """Nobody has saved after another had taken the lock."""
    owner = None
    for what, _, process in cluster.notes("writes"):
        if what == "took":
            owner = process
        assert process == owner, cluster.notes("writes")


def assert_each_pair_once_an_epoch(cluster: Cluster) -> None:
    """The pairs of each step, of those that made it last, are those that one process takes."""
    taken: dict[tuple[int, str], list[int]] = defaultdict(list)
    last = {}
    for step, _, start, pairs, _ in cluster.notes("pairs"):
        taken[step, start] += pairs
        last[step] = start
    order = BatchOrder(Store.open(cluster.run / "corpus"), TOKENS, 1).batches()
    # Not the step that the last fault met.
    for step, (_, indices) in zip(range(1, max(last)), order, strict=False):
        assert sorted(taken[step, last[step]]) == np.sort(indices).tolist(), step


def losses(run: Path) -> dict[tuple[str, int], list[float]]:
    records = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    names = ("loss", "epoch", "target_tokens", "learning_rate")
    return {(r["split"], r["step"]): [r[name] for name in names if name in r] for r in records}


def assert_the_curve_is_that_of_one_process(cluster: Cluster, call: Call, steps: int, error: float) -> None:
    alone = cluster.folder / "alone"
    done = call(
        *("train", cluster.folder / "tiny.yaml", "--output", alone, *OPTIONS, *cluster.options),
        *("--set", f"training.max_steps={steps}"),
    )
    assert done.code == 0, done.err
    found, expected = losses(cluster.run), losses(alone)
    # A stop, as for a host that comes, has no validation; a training that ends has one.
    found, expected = ({key: curve[key] for key in curve if key[1] < steps} for curve in (found, expected))
    assert found.keys() == expected.keys()
    for key, numbers in found.items():
        assert numbers == pytest.approx(expected[key], rel=error), key


@pytest.mark.promise(30, gate=1, full=1)
def test_promise_30_a_killed_host_costs_no_more_than_an_interval_and_two_hosts_are_as_one(
    proof: Proof, cluster: Callable[[int], Cluster], call: Call
) -> None:
    two = cluster(2)
    two.options, two.pace, two.last_call = ["--set", f"training.max_steps={3 * INTERVAL}"], 0.03, 1
    first, second = two.join(), two.join()
    two.wait_for(2, INTERVAL + 2)
    with proof.case("killed"):
        second.kill()
        reached, resumed = two.reached(), len(two.resumed_from())
        assert two.launchers[first].wait(120) == 0, two.said()
        assert reached - two.resumed_from()[resumed] <= INTERVAL
        assert [size for step, size in two.steps() if step > reached] == [1] * (3 * INTERVAL - reached)
    assert_one_wrote_at_a_time(two)
    assert_each_pair_once_an_epoch(two)
    assert_the_curve_is_that_of_one_process(two, call, 3 * INTERVAL, 1e-6)
    assert not litter(two.run)


@pytest.mark.slow
def test_two_hosts_with_two_processes_each_are_as_one_process(cluster: Callable[[int], Cluster], call: Call) -> None:
    two = cluster(2)
    two.options = ["--set", f"training.max_steps={INTERVAL}"]
    two.join(processes=2), two.join(processes=2)
    assert set(two.ends().values()) == {0}, two.said()
    assert list(two.steps()) == [(step, 4) for step in range(1, INTERVAL + 1) for _ in range(4)]
    assert_each_pair_once_an_epoch(two)
    assert_the_curve_is_that_of_one_process(two, call, INTERVAL, 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("mistake", ["configuration", "run in use"])
def test_what_no_restart_can_change_ends_all_hosts_at_once(cluster: Callable[[int], Cluster], mistake: str) -> None:
    two = cluster(2)
    two.options = ["--set", "model.atention=dot"] if mistake == "configuration" else []
    two.run.mkdir()
    with RunLock(two.run, "another job") if mistake == "run in use" else nullcontext():
        two.join(), two.join()
        assert set(two.ends(60).values()) == {1}, two.said()
    assert sorted(rank for rank, _ in two.notes("starts")) == ["0", "1"]
    assert two.said().count("nmt: error: ") == 1


@pytest.mark.slow
@pytest.mark.promise(30, gate=3, full=40)
def test_promise_30_hosts_die_are_cut_off_and_come_later(
    proof: Proof, cluster: Callable[[int], Cluster], call: Call, record_property: Callable[[str, object], None]
) -> None:
    """Three hosts train; one dies, whichever it is, another comes; one is cut off, another comes; and again."""
    three = cluster(4)
    three.options, three.pace = list(MANY), 0.1
    there = [three.join() for _ in range(3)]
    three.wait_for(3)
    table = []
    while proof.tried < proof.count:
        for fault in ("killed", "joined", "cut off", "joined"):
            victim = proof.generator.randrange(3)
            with proof.case(f"{proof.tried}: {fault} {victim}"):
                three.go_on(INTERVAL)
                begun, resumed = time.monotonic(), len(three.resumed_from())
                host = three.join() if fault == "joined" else there.pop(victim)
                if fault == "killed":
                    host.kill()
                if fault == "cut off":
                    host.cut_off()
                reached = three.reached()
                if fault == "joined":
                    there.append(host)
                three.wait_for(len(there))
                lost = reached - three.resumed_from()[resumed]
                table.append([fault, victim, max(0, lost), round(time.monotonic() - begun)])
                print(*table[-1], flush=True)
                assert lost <= (0 if fault == "joined" else INTERVAL), table
                assert_one_wrote_at_a_time(three)
                if fault == "cut off":
                    # It goes on living, but trains no more, and has given back the lock.
                    three.wait("ended where it was cut off", lambda host=host: not trains(host), 60)
                    host.kill()
    record_property("faults", table)
    for host in there:
        three.launchers[host].terminate()
    for host in there:
        three.launchers[host].wait(60)
    assert_each_pair_once_an_epoch(three)
    steps = max(record[1] for record in losses(three.run))
    assert_the_curve_is_that_of_one_process(three, call, steps, 1e-3)
    assert not litter(three.run)


def trains(host: Host) -> bool:
    """Whether a process of the training runs there; its launcher may."""
    commands = [Path(f"/proc/{process}/cmdline") for process in host.processes()]
    return any(b"torch.distributed.run" not in path.read_bytes() for path in commands if path.exists())
