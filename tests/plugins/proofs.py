"""Proofs: tests of what docs/promises.md promises, with few cases in the gate and many in `scripts/prove.sh`.

A proof is marked with the number of its promise and its two counts, and counts its cases:

    @pytest.mark.promise(19, gate=200, full=5000)
    def test_promise_19_a_configuration_means_what_it_says(proof):
        for number in range(proof.count):
            with proof.case(number):
                ...

Random cases come from `proof.generator`, whose seed the head of the output tells and `--seed` sets.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PROMISES = {
    1: "Data runs no code",
    2: "A broken model is a clean error that names the file",
    3: "Training resumed equals training never stopped",
    4: "The order of the data depends on seed and epoch alone",
    5: "Two runs with one seed give the same bytes",
    6: "A save is atomic and durable",
    7: "Damage is seen",
    8: "A full disk costs nothing that was saved",
    9: "One writer a run directory",
    10: "A NaN never reaches a checkpoint",
    11: "Out of memory is loud in training, survived in translation",
    12: "Asked to stop, it saves and goes",
    13: "Lines out are lines in, in order",
    14: "A file, .gz and standard input give the same, in any locale",
    15: "Blank lines stay blank; text is never a command",
    16: "A giant line or an endless stream takes bounded memory",
    17: "A translation does not depend on its batch",
    18: "Scores are never of half a file",
    19: "A configuration means what it says",
    20: "A model opens no file outside itself",
    21: "No network unless asked",
    22: "The reader goes away: quiet exit 141",
    23: "What the corpus holds can come out",
    24: "A document comes back whole",
    25: "An answer belongs to its question",
    26: "Limits of the service hold",
    27: "Nobody is let in without the key",
    28: "Asked to stop, the service finishes what it took",
    29: "Bulk output is each row once",
    30: "A dead host costs an interval at most",
}
SHOWN_FAILURES = 10


@dataclass
class Shown:
    """What shows a promise: the files of its tests, and the cases that these try together."""

    files: set[Path] = field(default_factory=set)
    gate: int = 0
    full: int = 0


SHOWN = pytest.StashKey[dict[int, Shown]]()
"""By promise, as far as tests were collected."""

_PROOF = pytest.StashKey["Proof"]()


@dataclass
class Proof:
    """The cases of one test of a promise."""

    promise: int
    count: int  # cases to try
    full: bool  # whether this is the full count
    generator: random.Random
    tried: int = 0
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def case(self, name: object) -> Iterator[None]:
        """One case. One that fails is kept, and the test goes on with the next and fails at its end."""
        self.tried += 1
        try:
            yield
        except AssertionError as error:
            self.failures.append(f"case {name}: {error}")

    def counted(self, cases: int) -> None:
        """Counts cases that something else tried, all of them successful."""
        self.tried += cases


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("proofs")
    group.addoption("--full", action="store_true", help="try the full counts of the promises")
    group.addoption("--promise", type=int, action="append", choices=[*PROMISES], help="only proofs of this; repeatable")
    group.addoption("--seed", type=int, help="seed of random cases: 0 by default, with --full a new one")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "promise(number, gate, full): a proof, and how many cases it tries")
    if config.option.seed is None:  # before processes beside this one are started: they inherit it
        config.option.seed = secrets.randbelow(10**9) if config.option.full else 0


def pytest_report_header(config: pytest.Config) -> str:
    return f"random cases: --seed {config.option.seed}"


@pytest.hookimpl(tryfirst=True)  # before others leave tests out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.stash[SHOWN] = _shown_by(items)
    if not config.option.promise:
        return
    chosen = {
        id(item)
        for item in items
        if (mark := item.get_closest_marker("promise")) and mark.args[0] in config.option.promise
    }
    config.hook.pytest_deselected(items=[item for item in items if id(item) not in chosen])
    items[:] = [item for item in items if id(item) in chosen]


def _shown_by(items: list[pytest.Item]) -> dict[int, Shown]:
    shown: dict[int, Shown] = {}
    for item in items:
        if (mark := item.get_closest_marker("promise")) is not None:
            of_promise = shown.setdefault(mark.args[0], Shown())
            of_promise.files.add(item.path)
            of_promise.full += mark.kwargs["full"]
            of_promise.gate += 0 if item.get_closest_marker("slow") else mark.kwargs["gate"]
    return shown


@pytest.fixture
def proof(request: pytest.FixtureRequest) -> Proof:
    """The cases of this test, as its mark says."""
    mark = request.node.get_closest_marker("promise")
    full = request.config.option.full
    counts: dict[str, int] = mark.kwargs
    made = Proof(
        promise=mark.args[0],
        count=counts["full" if full else "gate"],
        full=full,
        generator=random.Random(f"{request.config.option.seed} {request.node.nodeid}"),
    )
    request.node.stash[_PROOF] = made
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    yield
    proof = item.stash.get(_PROOF, None)
    if proof is None:
        return
    if proof.failures:
        shown = "\n\n".join(proof.failures[:SHOWN_FAILURES])
        pytest.fail(f"{len(proof.failures)} of {proof.tried} cases failed:\n{shown}", pytrace=False)
    assert proof.tried >= proof.count, f"only {proof.tried} of {proof.count} cases were tried"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    mark = item.get_closest_marker("promise")
    if mark is not None and report.skipped and item.config.option.full:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"a proof that is skipped proves nothing: {reason}"
        report.user_properties.append(("promise", [mark.args[0], 0, 1]))
    elif mark is not None and call.when == "call":
        proof = item.stash.get(_PROOF, None)
        tried, failures = (proof.tried, len(proof.failures)) if proof else (1, 0)
        report.user_properties.append(("promise", [mark.args[0], tried, max(failures, int(report.failed))]))
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The table of promises, where they were asked for."""
    if not (config.option.full or config.option.promise):
        return
    rows: dict[int, list[float]] = {}
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in report.user_properties:
                if name == "promise":
                    row = rows.setdefault(value[0], [0, 0, 0.0])
                    row[0] += value[1]
                    row[1] += value[2]
                    row[2] += report.duration
    terminalreporter.section(f"promises (--seed {config.option.seed})")
    terminalreporter.write_line(f"{'promise':<62} {'cases':>9} {'failures':>8} {'seconds':>8}")
    for number in sorted(rows):
        cases, failures, seconds = rows[number]
        name = f"{number:2}  {PROMISES[number]}"
        terminalreporter.write_line(f"{name:<62} {cases:>9,.0f} {failures:>8,.0f} {seconds:>8,.0f}")
    missing = sorted(set(config.option.promise or PROMISES) - set(rows))
    if missing:
        terminalreporter.write_line(f"not tried: {', '.join(map(str, missing))}", red=True)
