"""Two translations of one text, one of them better."""

from __future__ import annotations

import random

import pytest

WORDS = ["der", "die", "das", "Haus", "Hund", "Katze", "geht", "steht", "rot", "grün", ",", ".", "schnell"]


@pytest.fixture(scope="session")
def texts() -> dict[str, list[str]]:
    """Source, two references, and two translations of which `b` has fewer words wrong."""
    generator = random.Random(3)
    first = [" ".join(generator.choices(WORDS, k=generator.randint(1, 25))) for _ in range(60)]

    def noisy(share: float) -> list[str]:
        return [
            " ".join("falsch" if generator.random() < share else word for word in line.split()) + "  " for line in first
        ]

    texts = {"source": first, "first": first, "second": noisy(0.1), "a": noisy(0.4), "b": noisy(0.3)}
    texts["a"][5] = texts["b"][6] = texts["second"][7] = ""
    return texts
