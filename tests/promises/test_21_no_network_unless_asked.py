"""Promise 21: no network unless asked."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forked import Forker
from nmt.cli.main import app
from proofs import Proof

# Addresses that documentation may name and that belong to nobody: RFC 5737 and RFC 3849.
NOBODY = [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")]
ALONE = ("unshare", "--map-root-user", "--net")  # runs a command where there is no network, not even loopback

TRANSLATION = ["--src", "SRC", "--ref", "REF"]
HELD_OUT = ("--validation-source", "SRC", "--validation-target", "REF")
LANGUAGES = ("--source-language", "xx", "--target-language", "yy")

COMMANDS = [
    ["prepare", "--no-trial", "OUT/pairs.tsv", "--output", "OUT/prepared", *LANGUAGES, "--clean", "none"],
    ["init", "--no-trial", "--source", "SRC", "--target", "REF", *HELD_OUT, *LANGUAGES],
    ["check", "CONFIG"],  # with a trial, for all three
    ["train", "CONFIG", "--output", "OUT/run", "--set", "training={max_steps: 2, tensorboard: true}"],
    ["translate", "MODEL"],
    ["translate", "MODEL", "--format", "json", "--alignment", "soft", "--confidence"],
    ["translate", "MODEL", "--n-best", "2", "--alignment", "hard", "--replace-unknown", "--copy", "urls"],
    ["translate", "MODEL", "--sample", "--input", "SRC", "--output", "OUT/text.gz"],
    ["eval", "MODEL"],
    ["eval", "MODEL", "--metric", "bleu", "--metric", "chrf", "--metric", "ter", "--format", "json", *TRANSLATION],
    ["eval", "--hyp", "REF", "--ref", "REF"],
    ["score", "MODEL", "--src", "SRC", "--tgt", "REF"],
    ["align", "MODEL", "--src", "SRC", "--tgt", "REF"],
    ["attend", "MODEL", "see https://192.0.2.1/ba or ce@example.org"],
    *(["attend", "MODEL", "ba ce", "--output", f"OUT/page.{kind}"] for kind in ("html", "png", "svg", "pdf")),
    ["compare", "MODEL", "MODEL", "--samples", "100"],
    ["compare", "MODEL", "MODEL", "--output", "OUT/report.html", "--samples", "100", *TRANSLATION],
    ["export", "MODEL", "OUT/exported"],
    ["average", "MODEL", "MODEL", "--output", "OUT/averaged"],
    ["info", "MODEL", "--verify"],
    ["shortlist", "OUT/run"],
    ["translate", "OUT/run", "--shortlist", "9"],
]


def connect(family: int, address: str) -> None:
    with socket.socket(family) as connection:
        connection.settimeout(60)
        connection.connect((address, 80))


def send(family: int, address: str) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.sendto(b"x", (address, 80))


@pytest.mark.promise(21, gate=4, full=4)
def test_promise_21_the_tests_reach_nothing_but_loopback(proof: Proof) -> None:
    for family, address in NOBODY:
        for reach in (connect, send):
            with proof.case(f"{reach.__name__} {address}"), pytest.raises(OSError, match=r"unreachable|assign|no test"):
                reach(family, address)
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=60).close()


@pytest.mark.promise(21, gate=1, full=1)
def test_promise_21_nor_does_what_they_start(user_environment: Callable[..., dict[str, str]]) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=60)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=user_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "OSError" in done.stderr and "timed out" not in done.stderr


TRY = """
import pathlib, socket
socket.socket().connect_ex(("127.0.0.1", 80))
print(pathlib.Path("/proc/self/net/snmp").read_text())
"""


def attempts(counters: str) -> int:
    """How often anything in a network namespace looked for a way to an address, as its kernel counts."""
    names, values = (line.split() for line in counters.splitlines() if line.startswith("Ip:"))
    return int(values[names.index("OutNoRoutes")])


@pytest.fixture(scope="module")
def alone(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forker]:
    """The program where there is no network at all or, if the system allows no such place, where Python refuses it."""
    tried = subprocess.run([*ALONE, sys.executable, "-c", TRY], capture_output=True, text=True, check=False)
    possible = tried.returncode == 0
    assert not possible or attempts(tried.stdout) == 1
    with Forker(tmp_path_factory.mktemp("alone"), model, within=ALONE if possible else ()) as forker:
        yield forker


@pytest.mark.promise(21, gate=len(COMMANDS), full=len(COMMANDS))
def test_promise_21_every_command_works_without_a_network_and_tries_none(
    proof: Proof, alone: Forker, model: Path, data: Path, configuration: Path, tmp_path: Path
) -> None:
    # What `nmt serve` is for is the network; promises 26 and 27 are about who may ask it, and for how much. `nmt bulk`
    # is for a cluster, whose processes talk to each other; promise 29 shows that one machine needs no network for it.
    assert {words[0] for words in COMMANDS} | {"serve", "bulk"} == {command.name for command in app.registered_commands}
    files = {"MODEL": model, "CONFIG": configuration, "SRC": data / "validation.xx", "REF": data / "validation.yy"}
    sides = [(data / f"train.{side}").read_text().splitlines() for side in ("xx", "yy")]
    (tmp_path / "pairs.tsv").write_text("".join(map("{}\t{}\n".format, *sides)))
    before = 0
    for words in COMMANDS:
        arguments = [files.get(word, word.replace("OUT/", f"{tmp_path}/")) for word in words]
        done = alone(*arguments, stdin=b"ba ce\nsee https://192.0.2.1/ba\n", memory=None, audit=True, timeout=600)
        counted = attempts(Path(f"/proc/{alone.process}/net/snmp").read_text()) if alone.within else 0
        with proof.case(" ".join(words)):
            assert done.code == 0, done.err
            assert (done.reached_for, counted) == ((), before)
        before = counted
