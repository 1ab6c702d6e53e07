import random

import pytest

from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizer_training import train_tokenizer

SYLLABLES = ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu"]


def sentences(count: int, seed: int) -> list[str]:
    generator = random.Random(seed)
    return [
        " ".join(
            "".join(generator.choices(SYLLABLES, k=generator.randint(1, 4))) for _ in range(generator.randint(1, 9))
        )
        for _ in range(count)
    ]


def train(seed: int, *, byte_fallback: bool) -> Tokenizer:
    trained = train_tokenizer(
        sentences(400, seed),
        kind="unigram",
        vocabulary_size=400 if byte_fallback else 100,
        character_coverage=1.0,
        byte_fallback=byte_fallback,
        normalization="nmt_nfkc",
        training_lines=1000,
        seed=1,
    )
    return Tokenizer(trained.model)


@pytest.fixture(scope="session")
def source_tokenizer() -> Tokenizer:
    return train(1, byte_fallback=False)


@pytest.fixture(scope="session")
def target_tokenizer() -> Tokenizer:
    return train(2, byte_fallback=True)


@pytest.fixture(scope="session")
def lines() -> list[str]:
    """Some thousand lines: several chunks of a corpus."""
    return sentences(10_000, 3)
