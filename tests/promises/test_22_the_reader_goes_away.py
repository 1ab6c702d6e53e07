"""Promise 22: where nobody reads the output any more, the program ends at once and quietly, with 141."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import pytest

from program import Call, command
from proofs import Proof

BASH = shutil.which("bash")

pytestmark = pytest.mark.skipif(BASH is None, reason="needs bash, for its PIPESTATUS")


class Ended(NamedTuple):
    """What is left of a pipeline."""

    codes: list[int]  # of its programs
    out: bytes
    err: bytes


Pipeline = Callable[..., Ended]


@pytest.fixture
def pipeline(user_environment: Callable[..., dict[str, str]], tmp_path: Path) -> Pipeline:
    """Runs a pipeline of the shell, in which `nmt` is the program; Python's output is buffered unless it is told not
    to."""

    def run(line: str, **variables: str) -> Ended:
        assert BASH is not None
        script = f'nmt() {{ {shlex.join(command())} "$@"; }}\n{line}\necho "${{PIPESTATUS[@]}}" > codes\n'
        done = subprocess.run(
            [BASH, "-c", script],
            cwd=tmp_path,
            env=user_environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
            check=False,
        )
        return Ended([int(code) for code in (tmp_path / "codes").read_text().split()], done.stdout, done.stderr)

    return run


def assert_quiet(ended: Ended, place: int) -> None:
    assert (ended.codes[place], ended.codes[-1], ended.err) == (141, 0, b""), ended


ENDLESS = {
    "translate": "translate {model} --quiet",
    "json": "translate {model} --quiet --format json --alignment soft",
    "n-best": "translate {model} --quiet --n-best 2",
    "attend": "attend {model} --quiet",
    "score": "score {model} --quiet --src - --tgt <(yes 'DI CE BA')",
    "align": "align {model} --quiet --src - --tgt <(yes 'DI CE BA')",
}


@pytest.mark.promise(22, gate=1, full=12)
def test_promise_22_head_ends_what_would_go_on_for_ever(proof: Proof, pipeline: Pipeline, model: Path) -> None:
    for number, (name, arguments) in enumerate(islice(cycle(ENDLESS.items()), proof.count)):
        variables = {"PYTHONUNBUFFERED": "1"} if number // len(ENDLESS) % 2 else {}
        with proof.case(f"{name} {variables}"):
            line = f"yes 'ba ce di' | nmt {arguments.format(model=shlex.quote(str(model)))} | head -n 1"
            ended = pipeline(line, **variables)
            assert_quiet(ended, 1)
            assert ended.out.count(b"\n") == 1 and ended.out.strip()


@pytest.mark.promise(22, gate=1, full=5)
def test_promise_22_head_ends_the_translation_of_a_file(
    proof: Proof,
    call: Call,
    pipeline: Pipeline,
    model: Path,
    make_sentences: Callable[[int, int], list[str]],
    tmp_path: Path,
) -> None:
    sentences = make_sentences(5000, 1)
    (tmp_path / "text").write_text("".join(f"{line}\n" for line in sentences))
    first = call("translate", model, stdin=sentences[0].encode()).out
    for number in range(proof.count):
        kept = number + 1
        with proof.case(f"head -n {kept}"):
            ended = pipeline(f"nmt translate {shlex.quote(str(model))} --input text --quiet | head -n {kept}")
            assert_quiet(ended, 0)
            assert ended.out.startswith(first) and ended.out.count(b"\n") == kept


AT_ONCE = {
    "help": "--help",
    "help of a command": "translate --help",
    "version": "--version",
    "info": "info {model}",
    "info as json": "info {model} --format json",
    "scores": "eval --hyp text --ref text",
    "scores as json": "eval --hyp text --ref text --format json",
    "scores of a model": "eval {model} --format json --quiet",
    "comparison": "compare --hyp text text2 --ref text --test none",
    "attention": "attend {model} 'ba ce di'",
}


@pytest.mark.promise(22, gate=2, full=20)
def test_promise_22_a_reader_that_has_gone_before_is_no_fault(
    proof: Proof, pipeline: Pipeline, model: Path, tmp_path: Path
) -> None:
    """The program begins when the other end of its pipe is closed."""
    (tmp_path / "text").write_text("ba ce di .\nfo gu ha , je\n")
    (tmp_path / "text2").write_text("ba ce fo .\nfo gu ha , ki\n")
    os.mkfifo(tmp_path / "closed")
    names = list(islice(cycle(AT_ONCE), proof.count)) if proof.full else ["help", "info"]
    for number, name in enumerate(names):
        arguments = AT_ONCE[name].format(model=shlex.quote(str(model)))
        variables = {"PYTHONUNBUFFERED": "1"} if number // len(AT_ONCE) % 2 else {}
        with proof.case(f"nmt {arguments} {variables}"):
            line = f"{{ read -r < closed; nmt {arguments}; }} | {{ exec 0<&-; echo > closed; }}"
            assert_quiet(pipeline(line, **variables), 0)
