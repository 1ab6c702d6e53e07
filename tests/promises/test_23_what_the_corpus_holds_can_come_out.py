"""Promise 23: target lines of many scripts come back from the tokenizer that training makes by default."""

from __future__ import annotations

import random

import pytest

from hostile_text import SCRIPTS
from jobs import CONFIGURATION
from nmt.config import from_yaml
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.preparation import train_on_texts
from nmt.training.signals import StopRequest
from proofs import Proof


def target_line(generator: random.Random) -> str:
    letters = generator.choice(list(SCRIPTS.values())) + generator.choice((" ", "  ", " a", " 1"))
    return "".join(generator.choices(letters, k=generator.randint(1, 40)))


@pytest.mark.promise(23, gate=200, full=10_000)
def test_promise_23_what_the_corpus_holds_can_come_out(proof: Proof) -> None:
    assert len(SCRIPTS) >= 20
    texts = [["a line of the source", "²"], [target_line(proof.generator) for _ in range(50)]]
    trained = train_on_texts(from_yaml(CONFIGURATION, "configuration"), "shared.model", texts, StopRequest())
    target = Tokenizers.from_models(trained.model).target
    for number in range(proof.count):
        with proof.case(number):
            line = target_line(proof.generator)
            assert target.decode(target.encode([line])[0]).split() == line.split(), ascii(line)
