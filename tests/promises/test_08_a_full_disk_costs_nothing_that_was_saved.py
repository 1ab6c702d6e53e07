"""Promise 8: a full disk costs nothing that was saved."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nmt.checkpoint.manifest import verify
from nmt.checkpoint.run_directory import checkpoints
from program import Call
from proofs import Proof
from runs import litter, outcome
from small_disk import SmallDisk

PAGE = 4096
OPTIONS = ["--set", "training={validate_every: 5, save_every_minutes: 1000, keep_checkpoints: 1}"]


def steps(count: int) -> list[str]:
    return [*OPTIONS, "--set", f"training.max_steps={count}"]


def pages(path: Path) -> int:
    """Bytes that a file or a folder takes on the disk."""
    files = [path] if path.is_file() else [inner for inner in path.rglob("*") if inner.is_file()]
    return sum(-(-file.stat().st_size // PAGE) * PAGE for file in files)


def assert_told(done: Any, where: str) -> None:
    assert done.code == 5, done.err
    [error] = done.errors
    assert re.fullmatch(rf"nmt: error: {re.escape(where)}\S*: cannot be written: No space left on device", error), error


@pytest.fixture(scope="module")
def undisturbed(call: Call, configuration: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    """What a training leaves that always had room."""
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    assert call("train", configuration, "--output", run, *steps(15)).code == 0
    return outcome(run)


@pytest.mark.promise(8, gate=3, full=50)
def test_promise_08_a_save_that_finds_no_room_leaves_the_one_before(
    proof: Proof, disk: SmallDisk, configuration: Path, undisturbed: tuple[Any, ...]
) -> None:
    disk.clear()
    run, arguments = disk.seen / "run", ["train", configuration, "--output", disk.path / "run"]
    assert disk.forked(*arguments, *steps(10)).code == 0
    before, size = outcome(run), pages(checkpoints(run)[-1])
    saves = 0
    for _ in range(proof.count):
        free = proof.generator.randrange(0, size, PAGE)
        disk.leave(free)
        done = disk.forked(*arguments, *steps(15))
        with proof.case(f"{free:,} bytes free"):
            if "will be written" in done.err:
                assert done.code == 5 and len(done.errors) == 1, done.err
            else:
                assert_told(done, str(disk.path / "run"))
                saves += f"{disk.path / 'run' / 'checkpoints'}/step-00000015" in done.err
            assert outcome(run)[1:] == before[1:]
            assert [problem for checkpoint in checkpoints(run) for problem in verify(checkpoint)] == []
            assert litter(run) == []
    assert saves > proof.count / 4, f"only {saves} of the failures came while a checkpoint was being saved"
    disk.leave(64 << 20)
    assert disk.forked(*arguments, *steps(15)).code == 0
    assert outcome(run) == undisturbed


@pytest.mark.promise(8, gate=2, full=20)
def test_promise_08_a_preparation_that_finds_no_room_leaves_nothing(
    proof: Proof, disk: SmallDisk, configuration: Path, undisturbed: tuple[Any, ...]
) -> None:
    disk.clear()
    run, arguments = disk.seen / "run", ["train", configuration, "--output", disk.path / "run", *steps(15)]
    assert disk.forked(*arguments).code == 0
    size = sum(pages(run / folder) for folder in ("tokenizer", "corpus"))
    for _ in range(proof.count):
        disk.clear()
        free = proof.generator.randrange(0, size, PAGE)
        disk.leave(free)
        done = disk.forked(*arguments)
        with proof.case(f"{free:,} bytes free"):
            assert_told(done, str(disk.path / "run"))
            assert not (run.exists() and litter(run)) and not (run / "corpus").exists()
    disk.leave(64 << 20)
    assert disk.forked(*arguments).code == 0
    assert outcome(run) == undisturbed


class Output(NamedTuple):
    """A command that writes to `name` on the disk; `whole` says that it writes all of it or nothing."""

    name: str
    arguments: list[str]
    whole: bool = False


OUTPUTS = [
    Output("text", ["translate", "MODEL", "--input", "TEXT", "--output", "OUT"]),
    Output("text.gz", ["translate", "MODEL", "--input", "TEXT", "--output", "OUT", "--format", "json"]),
    Output("scores", ["score", "MODEL", "--src", "TEXT", "--tgt", "TEXT", "--output", "OUT", "--per-token"]),
    Output("saved", ["eval", "MODEL", "--src", "TEXT", "--ref", "TEXT", "--save-output", "OUT"]),
    Output("page.html", ["attend", "MODEL", "ba ce di", "--output", "OUT"], whole=True),
    Output("figure.svg", ["attend", "MODEL", "ba ce di", "--output", "OUT"], whole=True),
    Output("report.html", ["compare", "MODEL", "MODEL", "--samples", "100", "--output", "OUT"], whole=True),
    Output("exported", ["export", "MODEL", "OUT"], whole=True),
]


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda output: output.name)
@pytest.mark.promise(8, gate=1, full=4)
def test_promise_08_an_output_that_finds_no_room_is_told(
    output: Output, proof: Proof, disk: SmallDisk, model: Path, data: Path
) -> None:
    disk.clear()
    out = disk.seen / output.name
    files = {"MODEL": model, "TEXT": data / "train.xx", "OUT": disk.path / output.name}
    arguments = [files.get(word, word) for word in output.arguments]
    done = disk.forked(*arguments)
    assert done.code == 0, done.err
    size = pages(out)
    before = out.read_bytes() if out.is_file() else None
    for _ in range(proof.count):
        if before is None:
            disk.clear()
        elif not output.whole:
            out.unlink()
        free = proof.generator.randrange(0, size, PAGE)
        disk.leave(free)
        done = disk.forked(*arguments)
        with proof.case(f"{free:,} bytes free"):
            assert_told(done, str(disk.path / output.name))
            if output.whole:
                assert (out.read_bytes() if out.exists() else None) == before
            assert litter(disk.seen) == []


@pytest.mark.promise(8, gate=2, full=2)
def test_promise_08_room_for_the_checkpoints_is_looked_for_before_the_first_step(
    proof: Proof, disk: SmallDisk, configuration: Path
) -> None:
    disk.clear()
    run, arguments = disk.seen / "run", ["train", configuration, "--output", disk.path / "run"]
    assert disk.forked(*arguments, "--set", "training.max_steps=5").code == 0
    [checkpoint] = checkpoints(run)
    tensors = sum((checkpoint / name).stat().st_size for name in ("model.safetensors", "optimizer.safetensors"))
    prepared = sum(pages(run / folder) for folder in ("tokenizer", "corpus"))
    told = r".*: ([\d.]+) MB are free, but (\d+) checkpoints of ([\d.]+) MB, together ([\d.]+) MB, will be written; .*"
    # The best and the last, two besides, and one that is being written; one is there already, until the disk is empty.
    for missing, free in ((4, 2 * tensors), (5, prepared + 2 * tensors)):
        if missing == 5:
            disk.clear()
        disk.leave(free)
        done = disk.forked(*arguments, "--set", "training.max_steps=6")
        with proof.case(f"{missing} checkpoints"):
            assert done.code == 5 and "step" not in done.err.replace("steps", ""), done.err
            [error] = done.errors
            is_free, count, size, together = map(float, re.fullmatch(told, error).groups())
            assert (count, is_free < together) == (missing, True)
            assert [size, together] == pytest.approx([tensors / 1e6, missing * tensors / 1e6], abs=0.1)
            assert checkpoints(run) == ([checkpoint] if missing == 4 else [])
    disk.leave(64 << 20)
    assert disk.forked(*arguments, "--set", "training.max_steps=6").code == 0
