"""Several processes train the model that one would; one of them writes, and all end together."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import nullcontext

import numpy as np
import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file

from forked import ForkedPopen
from nmt.cli.main import run
from nmt.corpus.batch_order import BatchOrder
from nmt.corpus.store import Store
from nmt.io.locks import RunLock
from nmt.training.distributed.launch import Launch
from nmt.training.distributed.rank import ProcessRank
from runs import litter

STEPS = 24
OPTIONS = [
    *("--set", "training={average_decay: 0.9, log_every: 5, validate_every: 6, patience: 30, batch_tokens: 96}"),
    *("--set", "search.beam_size=1"),
    *("--set", f"training.max_steps={STEPS}"),
]
WITHOUT_CHANCE = ("--set", "model.dropout=0")
ENDLESS = ("--set", "training={max_steps: 1000000, max_epochs: 1000000}")

# A process of the program that notes its exit code, and in which things may go wrong.
WORKER = """\
import json, math, os, signal, time
from pathlib import Path
from nmt.cli.main import main

leave, rank = os._exit, os.environ["RANK"]
with Path(os.environ["NOTES"], "starts").open("a") as starts:
    print(rank, file=starts)

def note_and_leave(code):
    Path(os.environ["NOTES"], f"exit-{rank}").write_text(str(code))
    Path(os.environ["NOTES"], f"cache-{rank}").write_text(os.environ.get("LRU_CACHE_CAPACITY", "unset"))
    leave(code)

os._exit = note_and_leave

def spoil(what, failing_rank, failing_step):
    from nmt.model.seq2seq import Seq2Seq

    forward, steps = Seq2Seq.forward, 0

    def forward_or_fail(self, *batch):
        nonlocal steps
        forced = forward(self, *batch)
        steps += self.training and rank == failing_rank
        if steps != int(failing_step):
            return forced
        if what == "loss":
            return forced._replace(readouts=forced.readouts * math.nan)
        if what == "memory":
            raise MemoryError
        if what == "fault":
            raise KeyError("no such thing")
        os.kill(os.getpid(), signal.SIGKILL)

    Seq2Seq.forward = forward_or_fail

def note_pairs():
    from nmt.training.trainer import Trainer

    step_once = Trainer._step

    def step(self, update, parts):
        step_once(self, update, parts)
        pairs = [index for part in update.parts for index in part.indices.tolist()]
        with Path(os.environ["NOTES"], "pairs").open("a") as file:
            print(json.dumps([self.state.step, pairs]), file=file)

    Trainer._step = step

def save_slowly(seconds):
    import nmt.training.distributed.process_group as group
    import nmt.training.trainer as trainer

    group.SECONDS_OF_UPDATE, save = seconds / 2, trainer.save_with_pointers

    def wait_and_save(*arguments, **options):
        time.sleep(seconds if arguments[1] == 3 else 0)
        save(*arguments, **options)

    trainer.save_with_pointers = wait_and_save

if __name__ == "__main__":
    if "SLOW_SAVE" in os.environ:
        save_slowly(float(os.environ["SLOW_SAVE"]))
    if "NOTE_PAIRS" in os.environ:
        note_pairs()
    if "FAST_CLOCK" in os.environ and rank == os.environ["FAST_CLOCK"]:
        monotonic = time.monotonic
        time.monotonic = lambda: 100 * monotonic()
    if "SPOIL" in os.environ:
        spoil(*os.environ["SPOIL"].split())
    main()
"""


def environment_of_processes(user_environment, **changes):
    # Where no name service can be asked, as here, torch warns that it finds no names of the addresses it hears from.
    settings = {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "TORCH_CPP_LOG_LEVEL": "ERROR"}
    return user_environment(**settings, **changes)


@pytest.fixture
def torchrun(user_environment, tmp_path):
    """Starts two processes with torchrun: the command itself, or a script in its place."""

    def begin(*arguments, script=("-m", "nmt"), restarts=0, **changes):
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        launcher += ["--max-restarts", str(restarts)]
        return subprocess.Popen(
            [*launcher, *map(str, (*script, *arguments))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment_of_processes(user_environment, NOTES=str(tmp_path), **changes),
            text=True,
        )

    return begin


@pytest.fixture
def worker(tmp_path):
    path = tmp_path / "worker.py"
    path.write_text(WORKER)
    return path


@pytest.fixture
def by_hand(forked, user_environment, worker, tmp_path):
    """Starts processes as torchrun does, and lets them end each by itself, so that their exit codes show."""
    started, stores = [], []

    def begin(*arguments, count=2, **changes):
        stores.append(dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False))
        for rank in range(count):
            place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_PORT": stores[-1].port}
            place = {name: str(value) for name, value in place.items()}
            place |= {"MASTER_ADDR": "127.0.0.1", "TORCHELASTIC_USE_AGENT_STORE": "True"}
            started.append(
                ForkedPopen(
                    forked,
                    [sys.executable, str(worker), *map(str, arguments)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=environment_of_processes(user_environment, **{"NOTES": str(tmp_path)} | place | changes),
                    text=True,
                )
            )
        return started[-count:]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def ends(processes):
    """Exit codes, and what the processes said."""
    said = [process.communicate(timeout=120) for process in processes]
    assert not [out for out, _ in said if out]
    return [process.returncode for process in processes], [err for _, err in said]


def read_until(running, text):
    for line in running.stderr:
        if text in line:
            return
    raise AssertionError(f"standard error never told of {text!r}")


def result(run):
    """What training made: state, records and tensors, but no times."""
    checkpoint = run / "checkpoints" / (run / "last").read_text().strip()
    state = json.loads((checkpoint / "state.json").read_text())
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    tensors = load_file(checkpoint / "model.safetensors") | load_file(checkpoint / "optimizer.safetensors")
    return state["step"], state["position"], records, tensors


def assert_equal_within_float_error(run, other):
    (*place, records, tensors), (*other_place, other_records, other_tensors) = result(run), result(other)
    assert place == other_place
    assert len(records) == len(other_records)
    for record, other_record in zip(records, other_records, strict=True):
        assert record["loss"] == pytest.approx(other_record["loss"], rel=1e-6)
        for name in ("split", "step", "epoch", "target_tokens", "learning_rate"):
            assert record.get(name) == other_record.get(name)
    assert tensors.keys() == other_tensors.keys()
    for name, tensor in tensors.items():
        torch.testing.assert_close(tensor, other_tensors[name], rtol=1e-4, atol=2e-6, msg=name)


@pytest.fixture(scope="session")
def alone(call, configuration, tmp_path_factory):
    """What one process makes, without dropout."""
    run = tmp_path_factory.mktemp("alone") / "run"
    done = call("train", configuration, "--output", run, *OPTIONS, *WITHOUT_CHANCE)
    assert done.code == 0, done.err
    return run


@pytest.mark.promise(4, gate=1, full=1)
def test_promise_04_two_processes_equal_one_also_resumed_and_one_of_them_writes(
    torchrun, call, configuration, alone, tmp_path
):
    run = tmp_path / "run"
    before = [*OPTIONS, *WITHOUT_CHANCE, "--set", "training.max_steps=7"]
    assert call("train", configuration, "--output", run, *before).code == 0
    with torchrun("train", configuration, "--output", run, *OPTIONS, *WITHOUT_CHANCE) as running:
        out, err = running.communicate(timeout=120)
    assert (running.returncode, out) == (0, ""), err
    assert err.count("2 processes") == err.count("going on from step 7") == err.count("finished: max_steps 24") == 1
    assert "Warning" not in err
    # One process stopped after step 7, with a validation; the others agree.
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    kept = [record for record in records if (record["split"], record["step"]) != ("validation", 7)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in kept))
    assert_equal_within_float_error(run, alone)
    assert not litter(run)


@pytest.mark.promise(4, gate=1, full=1)
def test_promise_04_two_processes_draw_a_mixture_as_one_does(by_hand, call, configuration, data, tmp_path):
    files = f"source: {data}/train.xx, target: {data}/train.yy"
    mixture = f"data.train=[{{{files}, weight: 0.5, tag: <a>}}, {{{files}, weight: 1.5}}]"
    options = [*OPTIONS, *WITHOUT_CHANCE, "--set", mixture, "--set", "data.validation.tag=<a>"]
    before = ["--set", "training.max_steps=6"]  # the rest of an epoch is trained by others
    assert call("train", configuration, "--output", tmp_path / "two", *options, *before).code == 0
    codes, said = ends(by_hand("train", configuration, "--output", tmp_path / "two", *options))
    assert codes == [0, 0], said
    assert call("train", configuration, "--output", tmp_path / "one", *options).code == 0
    assert_equal_within_float_error(tmp_path / "two", tmp_path / "one")


@pytest.mark.slow
def test_two_processes_equal_one_that_accumulates_with_dropout(by_hand, call, configuration, tmp_path):
    options = [*OPTIONS, "--set", "model.dropout=0.3", "--set", "tokenizer.subword_regularization=0.2"]
    options += ["--set", "training.r_drop=1.5"]
    processes = by_hand(
        "train", configuration, "--output", tmp_path / "two", *options, "--set", "training.accumulation=2"
    )
    one = call("train", configuration, "--output", tmp_path / "one", *options, "--set", "training.accumulation=4")
    codes, said = ends(processes)
    assert (codes, one.code) == ([0, 0], 0), said
    assert said[1] == ""
    assert_equal_within_float_error(tmp_path / "two", tmp_path / "one")


@pytest.mark.slow
@pytest.mark.parametrize(("count", "accumulation"), [(2, 3), (4, 1), (3, 2)])
def test_any_number_of_processes_equals_one(count, accumulation, by_hand, configuration, alone, tmp_path):
    options = [*OPTIONS, *WITHOUT_CHANCE, "--set", f"training.accumulation={accumulation}"]
    codes, said = ends(by_hand("train", configuration, "--output", tmp_path / "run", *options, count=count))
    assert codes == [0] * count, said
    assert_equal_within_float_error(tmp_path / "run", alone)


@pytest.mark.slow
def test_all_end_when_the_clock_of_the_first_says_so(by_hand, configuration, tmp_path):
    options = [*OPTIONS, *ENDLESS, "--set", "training.max_minutes=0.02"]
    codes, said = ends(by_hand("train", configuration, "--output", tmp_path / "run", *options, FAST_CLOCK="1"))
    assert codes == [0, 0], said
    assert "finished: max_minutes 0.02" in said[0]


@pytest.mark.slow
def test_the_others_wait_for_a_save_however_long_it_takes(by_hand, configuration, alone, tmp_path):
    options = [*OPTIONS, *WITHOUT_CHANCE, "--set", "training.save_every_minutes=1e-9"]
    codes, said = ends(by_hand("train", configuration, "--output", tmp_path / "run", *options, SLOW_SAVE="8"))
    assert codes == [0, 0], said
    assert_equal_within_float_error(tmp_path / "run", alone)


@pytest.mark.slow
def test_processes_without_a_part_help_all_the_same(by_hand, call, configuration, tmp_path):
    # Every pair is an update, and three of four processes have nothing.
    options = [*OPTIONS, *WITHOUT_CHANCE, "--batch-tokens", 1, "--set", "training={r_drop: 1.5, guided_alignment: 0.3}"]
    codes, said = ends(by_hand("train", configuration, "--output", tmp_path / "four", *options, count=4))
    assert codes == [0] * 4, said
    assert call("train", configuration, "--output", tmp_path / "one", *options).code == 0
    assert_equal_within_float_error(tmp_path / "four", tmp_path / "one")


# The last step is reached by one process alone, from where two of them were stopped.
def test_a_stop_saves_once_and_one_process_goes_on(torchrun, worker, call, configuration, alone, tmp_path):
    run = tmp_path / "run"
    options = [*OPTIONS, *WITHOUT_CHANCE]
    with torchrun("train", configuration, "--output", run, *options, *ENDLESS, script=[worker]) as running:
        read_until(running, "step 5,")
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=120)
    assert [(tmp_path / f"exit-{rank}").read_text() for rank in (0, 1)] == ["143", "143"]
    assert [(tmp_path / f"cache-{rank}").read_text() for rank in (0, 1)] == ["64", "64"]
    (stopped,) = re.findall(r"stopped at step (\d+)", err)
    assert f"step-{int(stopped):08}\n" == (run / "last").read_text()
    assert not litter(run)
    if int(stopped) < STEPS:  # else the machine is very slow at sending signals
        assert call("train", configuration, "--output", run, *options).code == 0
        assert_equal_within_float_error(run, alone)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("word", "number"), [("training corpus", 2), ("model: ", 2), ("step 5,", 2), ("validation at", 15)]
)
@pytest.mark.parametrize("told", [[0, 1], [1, 0], [1], [0]])
def test_all_stop_after_the_same_step_whoever_is_asked(word, number, told, by_hand, configuration, tmp_path):
    run = tmp_path / "run"
    processes = by_hand("train", configuration, "--output", run, *OPTIONS, *ENDLESS, "--set", "tokenizer.kind=char")
    read_until(processes[0], word)
    for rank in told:
        processes[rank].send_signal(number)
        time.sleep(0.3)
    codes, said = ends(processes)
    assert codes == [128 + number] * 2, said
    # In the preparation, the first process leaves at once if it is asked.
    assert said[0].count("stopped at step") == 1 or (0 in told and word in ("training corpus", "model: "))
    assert "error" not in said[0]
    assert not litter(run)


def test_a_mistake_is_told_once_and_all_leave_with_its_code(by_hand, configuration, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    with RunLock(run):
        codes, said = ends(by_hand("train", configuration, "--output", run))
    assert codes == [75, 75]
    assert said[0].count("nmt: error: ") == 1 and f"in use by process {os.getpid()}" in said[0]
    assert said[1] == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--set", "model.atention=dot"], 2),
        (["--device", "cuda:0"], 2),
        (["--sett"], 2),
        (["--help"], 0),
        (["--set", "data.train={source: /missing.xx}"], 66),
        (["--device", "cuda"], 69),
    ],
)
def test_torchrun_shows_a_mistake_once(arguments, code, torchrun, worker, configuration, tmp_path):
    run = tmp_path / "run"
    with torchrun("train", configuration, "--output", run, *arguments, script=[worker]) as running:
        out, err = running.communicate(timeout=120)
    assert {(tmp_path / f"exit-{rank}").read_text() for rank in (0, 1)} == {str(code)}
    assert err.count("nmt: error: ") == (code != 0) and "Usage: " not in err
    assert out.count("Usage: ") == (code == 0)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (75, []),
        pytest.param(2, ["--set", "model.atention=dot"], marks=pytest.mark.slow),
        pytest.param(4, [], marks=pytest.mark.slow),
        pytest.param(65, [], marks=pytest.mark.slow),
    ],
)
def test_what_no_restart_can_change_ends_torchrun_at_once(
    code, arguments, torchrun, worker, call, configuration, tmp_path
):
    run = tmp_path / "run"
    if code == 4:
        assert call("train", configuration, "--output", run, "--set", "training.max_steps=2").code == 0
        for path in run.glob("checkpoints/*/model.safetensors"):
            path.write_bytes(b"")
    if code == 65:
        (tmp_path / "empty").write_text("")
        arguments = ["--set", f"data.train={{source: {tmp_path}/empty, target: {tmp_path}/empty}}"]
    run.mkdir(exist_ok=True)
    with RunLock(run) if code == 75 else nullcontext():
        begun = time.monotonic()
        with torchrun("train", configuration, "--output", run, *arguments, script=[worker], restarts=3) as running:
            out, err = running.communicate(timeout=120)
    assert running.returncode == 1 and out == ""
    assert err.count("nmt: error: ") == 1, err
    assert err.count("no restart can change this, so torchrun is asked to end") == 1
    assert {(tmp_path / f"exit-{rank}").read_text() for rank in (0, 1)} == {str(code)}
    assert (tmp_path / "starts").read_text().splitlines() in (["0", "1"], ["1", "0"])
    assert time.monotonic() - begun < 60


@pytest.mark.slow
def test_no_training_begins_anew_at_each_restart(configuration, tmp_path, monkeypatch, capsys):
    arguments = ["nmt", "train", str(configuration), "--output", str(tmp_path / "run"), "--restart"]
    monkeypatch.setattr(sys, "argv", arguments)
    assert run(Launch(ProcessRank(is_elastic=True, restarts_left=3))) == 2
    assert "--restart: would begin anew at each restart by torchrun" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_what_a_restart_can_change_is_restarted_though_the_store_stays(
    torchrun, worker, configuration, alone, tmp_path
):
    run = tmp_path / "run"
    options = [*OPTIONS, *WITHOUT_CHANCE]
    # Killed at its seventh update each time: 7, 13 and 19 of the training.
    with torchrun(
        *("train", configuration, "--output", run, *options), script=[worker], restarts=3, SPOIL="kill 1 7"
    ) as running:
        _, err = running.communicate(timeout=240)
    assert running.returncode == 0, err
    assert re.findall(r"going on from step (\d+)", err) == ["6", "12", "18"]
    assert_equal_within_float_error(run, alone)
    assert not litter(run)


# The first fails itself, or the other does. Those without a word, as after kill -9, are told of as lost.
FAILURES = [
    ("loss 1 7", 6, "step 7", False),
    ("memory 1 7", 7, "training.batch_tokens: out of memory", True),
    ("memory 0 7", 7, "training.batch_tokens: out of memory", True),
    ("fault 1 7", 70, "a fault in nmt", True),
    ("fault 0 7", 70, "a fault in nmt", True),
    ("kill 1 7", 70, "another process has ended, or is far behind", True),
]


@pytest.mark.parametrize(
    ("spoil", "code", "message"),
    [pytest.param(*failure[:3], marks=[pytest.mark.slow] if failure[3] else []) for failure in FAILURES],
)
def test_a_failure_in_one_process_ends_all_and_is_told_once(
    spoil, code, message, by_hand, call, configuration, alone, tmp_path
):
    run = tmp_path / "run"
    options = [*OPTIONS, *WITHOUT_CHANCE]
    codes, said = ends(by_hand("train", configuration, "--output", run, *options, SPOIL=spoil))
    assert codes == [code, -signal.SIGKILL if spoil.startswith("kill") else code], said
    assert said[0].count("nmt: error: ") == 1 and message in said[0], said[0]
    assert said[1] == ""
    log = (run / "train.log").read_text()
    assert log.count("nmt: error: ") == 1
    assert ("no such thing" in log) == spoil.startswith("fault")
    # What was saved before is whole.
    assert (run / "last").read_text() == "step-00000006\n"
    assert call("train", configuration, "--output", run, *options).code == 0
    assert_equal_within_float_error(run, alone)
    assert not litter(run)


@pytest.mark.slow
@pytest.mark.parametrize(("spoil", "code"), [("kill 0 7", "70"), ("kill 1 7", "70"), ("memory 1 7", "7")])
def test_torchrun_ends_what_is_left_when_one_process_dies(
    spoil, code, torchrun, worker, call, configuration, alone, tmp_path
):
    run = tmp_path / "run"
    options = [*OPTIONS, *WITHOUT_CHANCE]
    with torchrun("train", configuration, "--output", run, *options, script=[worker], SPOIL=spoil) as running:
        _, err = running.communicate(timeout=120)
    assert err.count("nmt: error: ") == (spoil != "kill 0 7"), err
    # It left by itself: torchrun had no need to kill it, as it does after half a minute.
    assert (tmp_path / ("exit-1" if spoil == "kill 0 7" else "exit-0")).read_text() == code
    assert call("train", configuration, "--output", run, *options).code == 0
    assert_equal_within_float_error(run, alone)
    assert not litter(run)


@pytest.mark.slow
@pytest.mark.promise(4, gate=1, full=2)
def test_promise_04_processes_whose_number_changes_take_every_pair_once_an_epoch(
    proof, by_hand, configuration, alone, tmp_path
):
    store = Store.open(alone / "corpus")
    for number in range(proof.count):
        expected, chosen = {}, [(proof.generator.choice([1, 2, 4]), steps) for steps in (9, 23, 37, 1000)]
        seed = proof.generator.randrange(1 << 31)
        for step, (following, indices) in enumerate(BatchOrder(store, 96, seed).batches(), 1):
            expected[step] = np.sort(indices).tolist()
            if following.epoch == 2:
                break
        with proof.case(f"{number}: {chosen}"):
            notes = tmp_path / str(number)
            notes.mkdir()
            for count, steps in chosen:
                options = [
                    *OPTIONS,
                    "--set",
                    f"training={{max_steps: {steps}, max_epochs: 2}}",
                    "--set",
                    f"seed={seed}",
                ]
                processes = by_hand(
                    *("train", configuration, "--output", notes / "run", *options),
                    count=count,
                    NOTES=str(notes),
                    NOTE_PAIRS="",
                )
                codes, said = ends(processes)
                assert codes == [0] * count, said
            taken = {step: [] for step in expected}
            for line in (notes / "pairs").read_text().splitlines():
                step, pairs = json.loads(line)
                taken[step] += pairs
            assert {step: sorted(pairs) for step, pairs in taken.items()} == expected
            assert sorted(index for pairs in expected.values() for index in pairs) == sorted([*range(len(store))] * 2)
