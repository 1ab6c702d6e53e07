"""Promise 25: an answer of the service belongs to its question, however many ask at once, and whoever goes away."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from clients import Client
from nmt.translation.translator import Translator
from proofs import Proof
from served import Serve

CLIENTS = 64
VANISHING = 0.1


@pytest.mark.promise(25, gate=640, full=20_000)
def test_promise_25_an_answer_belongs_to_its_question(
    proof: Proof, serve: Serve, learned: Path, make_sentences: Callable[[int, int], list[str]]
) -> None:
    """Each text has a number of its own, which passes unchanged, and a sentence whose translation is known."""
    sentences = make_sentences(40, 3)
    translator = Translator.load(learned)
    known = dict(zip(sentences, map(str, translator.translate(sentences)), strict=True))
    numbers = iter(range(proof.count))
    seed = proof.generator.random()

    async def ask(port: int, place: int) -> None:
        generator = random.Random(f"{seed} {place}")
        async with Client(port) as client:
            for number in numbers:
                asked = generator.choices(sentences, k=generator.randint(1, 3))
                fields = {"q": [f"{one}\n{number}" for one in asked], "source": "xx", "target": "yy"}
                with proof.case(number):
                    if generator.random() < VANISHING:
                        await client.send("/translate", fields)
                        await asyncio.sleep(generator.random() / 20)
                        client.vanish()
                        continue
                    answer = await client.post("/translate", fields)
                    assert answer is not None and answer.status == 200, answer
                    expected = [f"{known[one]}\n{number}" for one in asked]
                    assert json.loads(answer.body)["translatedText"] == expected

    async def ask_all(port: int) -> None:
        await asyncio.gather(*(ask(port, place) for place in range(CLIENTS)))

    with serve([learned]) as served:
        asyncio.run(ask_all(served.port))
        [model] = served.models
        assert model.batcher.queued == 0
        assert model.batcher.batches < model.batcher.sentences / 4  # they were translated together
