"""A small corpus without faults, and a check of its files and text."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest

from nmt.config import Config
from nmt.preflight.files import check_files
from nmt.preflight.findings import Finding, Findings
from nmt.preflight.scan import scan

SYLLABLES = ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu"]
PLACES = {
    "in the": "dans le", "with the": "avec le", "for the": "pour le", "by the": "par le", "on the": "sur le",
}  # fmt: skip
TRAINING, OTHERS = 1000, 120
Lines = list[str]
CheckData = Callable[..., list[Finding]]


def words(count: int, generator: random.Random) -> list[tuple[str, str]]:
    """Invents words, and their translations."""
    made: dict[str, str] = {}
    while len(made) < count:
        word, other = ("".join(generator.choices(SYLLABLES, k=3)) for _ in range(2))
        made[word] = other[::-1] + "é"
    return list(made.items())


@cache
def translated(count: int, seed: int) -> tuple[Lines, Lines]:
    """Invents distinct sentences, and their translations."""
    generator = random.Random(seed)
    nouns, adjectives, verbs = (words(size, generator) for size in (200, 80, 80))
    pairs: dict[str, str] = {}
    while len(pairs) < count:
        (one, un), (two, deux), (three, trois) = generator.sample(nouns, 3)
        (kind, genre), (verb, verbe) = generator.choice(adjectives), generator.choice(verbs)
        where, place = generator.choice(list(PLACES.items()))
        pairs[f"The {kind} {one} {verb} the {two} {where} {three}."] = (
            f"Le {un} {genre} {verbe} le {deux} {place} {trois}."
        )
    return list(pairs), list(pairs.values())


class Corpus:
    """Files of training, validation and test, to be spoiled by a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        sources, targets = translated(TRAINING + 2 * OTHERS, seed=1)
        starts = {"training": 0, "validation": TRAINING, "test": TRAINING + OTHERS}
        for name, start in starts.items():
            end = start + (TRAINING if name == "training" else OTHERS)
            self.write(f"{name}.en", sources[start:end])
            self.write(f"{name}.fr", targets[start:end])

    def path(self, name: str) -> Path:
        """Returns the path of a file."""
        return self.folder / name

    def lines(self, name: str) -> Lines:
        """Reads the lines of a file."""
        return self.path(name).read_text(encoding="utf-8").split("\n")[:-1]

    def write(self, name: str, lines: Sequence[str]) -> None:
        """Replaces the lines of a file."""
        self.path(name).write_bytes("".join(f"{line}\n" for line in lines).encode())

    def config(self, **sections: object) -> Config:
        """Returns a configuration for the corpus, with the given keys in place of defaults."""
        files = {
            key: {"source": str(self.path(f"{name}.en")), "target": str(self.path(f"{name}.fr"))}
            for key, name in (("train", "training"), ("validation", "validation"), ("test", "test"))
        }
        given = sections.pop("data", {})
        assert isinstance(given, dict)
        data = {"source_language": "en", "target_language": "fr", **files, **given}
        return Config.model_validate({"data": data, **sections})


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus(tmp_path)


@pytest.fixture
def check_data() -> CheckData:
    """Checks files and text, and returns the findings, without mere information unless asked for."""

    def at(config: Config, *, full: bool = False, information: bool = False) -> list[Finding]:
        findings = Findings()
        files = check_files(config, full, findings, lambda: None)
        scan(config, files, full=full, findings=findings, progress=lambda _: None)
        return [finding for finding in findings.sorted() if information or finding.severity != "information"]

    return at
