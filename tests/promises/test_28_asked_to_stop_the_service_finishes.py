"""Promise 28: asked to stop, the service takes no more, and finishes what it took."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from clients import Client
from nmt.translation.translator import Translator
from proofs import Proof
from served import Serve

CLIENTS = 24
LINE = "ba ce di fo gu"


async def load(port: int, expected: str, seconds: float, stop: Callable[[], object]) -> Counter[int]:
    """Asks without a pause, calls `stop` after so many seconds, and counts what came until nobody answers."""
    counts: Counter[int] = Counter()
    numbers = iter(range(1_000_000))

    async def ask() -> None:
        async with Client(port) as client:
            while True:
                number = next(numbers)
                asked = {"q": f"{LINE}\n{number}", "source": "xx", "target": "yy"}
                answer = await client.post("/translate", asked)
                if answer is None:
                    return
                counts[answer.status] += 1
                if answer.status == 200:
                    assert json.loads(answer.body) == {"translatedText": f"{expected}\n{number}"}
                else:
                    assert answer.status == 503 and answer.headers["retry-after"]

    async def stop_later() -> None:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(stop)

    await asyncio.gather(stop_later(), *(ask() for _ in range(CLIENTS)))
    return counts


@pytest.fixture(scope="module")
def expected(model: Path) -> str:
    return str(Translator.load(model).translate([LINE])[0])


@pytest.mark.promise(28, gate=3, full=20)
def test_promise_28_what_was_taken_is_answered(proof: Proof, serve: Serve, model: Path, expected: str) -> None:
    for number in range(proof.count):
        with proof.case(number), serve([model]) as served:
            seconds = proof.generator.uniform(0.1, 0.8)
            counts = asyncio.run(load(served.port, expected, seconds, served.stop))
            [stopped] = served.ended
            assert stopped.unanswered == 0
            assert counts[200] == stopped.answered > 0


@pytest.mark.promise(28, gate=1, full=20)
def test_promise_28_the_command_ends_with_0(
    proof: Proof, start: Callable[..., subprocess.Popen[bytes]], model: Path, expected: str
) -> None:
    for number in range(proof.count):
        with proof.case(number), start("serve", model, "--port", 0) as running:
            assert running.stderr is not None
            said = running.stderr.readline().decode()
            found = re.search(r"serving tiny \(xx to yy\) at http://127\.0\.0\.1:(\d+)/", said)
            assert found, said
            stop = partial(running.send_signal, [signal.SIGTERM, signal.SIGINT][number % 2])
            seconds = proof.generator.uniform(0.1, 0.8)
            counts = asyncio.run(load(int(found[1]), expected, seconds, stop))
            last = running.stderr.read().decode()
            assert running.wait(30) == 0
            assert last == f"stopped; requests answered, all that were taken: {counts[200]}\n"


@pytest.mark.promise(28, gate=1, full=5)
def test_promise_28_what_is_not_finished_in_time_is_told(proof: Proof, serve: Serve, model: Path, monkeypatch) -> None:
    for number in range(proof.count):
        with proof.case(number), serve([model], grace=0.2) as served:
            [one] = served.models
            go, begun = threading.Event(), threading.Event()

            def hold_up(go: threading.Event = go, begun: threading.Event = begun) -> None:
                begun.set()
                go.wait(30)

            monkeypatch.setattr(one.translator, "tick", hold_up)

            async def claim(served=served, begun=begun) -> None:
                async with Client(served.port) as client, Client(served.port) as other:
                    await client.send("/translate", {"q": LINE, "source": "xx", "target": "yy"})
                    await asyncio.to_thread(begun.wait)
                    await other.post("/detect", {"q": "ba"})
                    served.service.stop()
                    await asyncio.to_thread(served.thread.join, 30)

            asyncio.run(claim())
            go.set()
            assert served.ended[0].unanswered == 1
