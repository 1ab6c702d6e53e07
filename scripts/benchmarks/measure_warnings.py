"""Measures how often `nmt translate --confidence` warns: of a text, and of the same text broken on purpose.

    python scripts/benchmarks/measure_warnings.py runs/quickstart data/quickstart/test.en data/quickstart/test.fr

prints a table: for each kind of input the percentage of lines with a probability below nearly all of those of the text
as it is, with each warning, and with any. With a reference it scores the translations with and without a warning, too,
and those of low and high probability.
"""

from __future__ import annotations

import random
import re
import statistics
import string
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sacrebleu.metrics.chrf import CHRF

from nmt.postprocessing.entities import KINDS
from nmt.postprocessing.postprocess import Postprocessor
from nmt.translation.result import Translation
from nmt.translation.translator import Translator

KINDS_OF_WARNINGS = ("unattended", "overattended", "missing_sentence", "repetition", "cut", "not_copied")
JOINED = 4
SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in ("a", "e", "i", "o", "u", "ork", "il", "unt")]


def invented_words(lines: Sequence[str], chance: random.Random) -> list[str]:
    """Replaces half of the words by made-up ones; punctuation stays."""

    def invent(found: re.Match[str]) -> str:
        return "".join(chance.choices(SYLLABLES, k=chance.randint(2, 3))) if chance.random() < 0.5 else found[0]

    return [re.sub(r"\w+", invent, line) for line in lines]


def mistyped(lines: Sequence[str], chance: random.Random) -> list[str]:
    """Replaces one letter in five by another."""
    letters = string.ascii_lowercase
    return [
        "".join(chance.choice(letters) if sign.isalpha() and chance.random() < 0.2 else sign for sign in line)
        for line in lines
    ]


def in_disorder(lines: Sequence[str], chance: random.Random) -> list[str]:
    """Shuffles the words of each line."""
    return [" ".join(chance.sample(words := line.split(), len(words))) for line in lines]


def joined(lines: Sequence[str], _chance: random.Random) -> list[str]:
    """Joins neighbouring lines."""
    return [" ".join(lines[start : start + JOINED]) for start in range(0, len(lines), JOINED)]


def random_signs(lines: Sequence[str], chance: random.Random) -> list[str]:
    """Draws letters, digits and signs without any sense, as many as there were."""
    signs = string.ascii_letters + string.digits + string.punctuation + " " * 15
    return ["".join(chance.choices(signs, k=len(line))) for line in lines]


INPUTS: dict[str, Callable[[Sequence[str], random.Random], list[str]]] = {
    "the text as it is": lambda lines, _chance: list(lines),
    "half of its words invented": invented_words,
    "one letter in five mistyped": mistyped,
    "its words in disorder": in_disorder,
    f"{JOINED} lines joined to one": joined,
    "random signs": random_signs,
}


def postprocessed(translator: Translator, lines: Sequence[str]) -> list[Translation]:
    """Translates lines with confidence; numbers, addresses and tags are copied."""
    postprocessor = Postprocessor(copy=KINDS, confidence=True)
    return [postprocessor.apply(one) for one in translator.translate(lines, translator.options(attention=True))]


def warnings_of(translation: Translation) -> set[str]:
    """Returns the kinds of warnings that a translation has."""
    annotations = translation.outputs[0].annotations if translation.outputs else translation.annotations
    return {warning.kind for warning in annotations.confidence.warnings} if annotations.confidence else set()


def probabilities(translations: Sequence[Translation]) -> list[float]:
    """Returns the probabilities of the translations of lines that are not blank."""
    return [one.outputs[0].probability for one in translations if one.outputs]


def row(name: str, translations: Sequence[Translation], limit: float) -> str:
    """Formats a row of the table; a probability below `limit` is low."""
    found = [warnings_of(one) for one in translations]
    low = sum(value < limit for value in probabilities(translations))
    shares = [low, *(sum(kind in kinds for kinds in found) for kind in KINDS_OF_WARNINGS), sum(map(bool, found))]
    median = statistics.median(probabilities(translations))
    return f"| {name} | {median:.2f} | " + " | ".join(f"{100 * count / len(found):.1f}" for count in shares) + " |"


def quality(translations: Sequence[Translation], references: Sequence[str]) -> list[str]:
    """Scores translations with and without a warning, and those of low and of high probability."""
    chrf = CHRF()
    scores = [chrf.sentence_score(one.text, [other]).score for one, other in zip(translations, references, strict=True)]
    order = sorted(range(len(scores)), key=lambda place: translations[place].outputs[0].probability)
    tenth = max(1, len(order) // 10)
    flagged = [place for place in order if warnings_of(translations[place])]
    groups = {
        "with a flag": flagged,
        "without a flag": sorted(set(order) - set(flagged)),
        "the least probable tenth": order[:tenth],
        "the most probable tenth": order[-tenth:],
    }
    lines = ["| lines | number | chrF2 of a line, mean | translated as the reference |", "| --- | --- | --- | --- |"]
    for name, places in groups.items():
        if places:
            same = sum(translations[place].text == references[place] for place in places) / len(places)
            mean = statistics.fmean(scores[place] for place in places)
            lines.append(f"| {name} | {len(places)} | {mean:.1f} | {100 * same:.0f} % |")
    return lines


def main(arguments: Sequence[str]) -> None:
    """Measures and prints."""
    if len(arguments) not in (2, 3):
        sys.exit("usage: measure_warnings.py MODEL SOURCE [REFERENCE]")
    translator = Translator.load(arguments[0], device="cpu")
    lines = Path(arguments[1]).read_text(encoding="utf-8").splitlines()
    plain = postprocessed(translator, lines)
    limit = sorted(probabilities(plain))[len(lines) // 100]
    print(f"| input | probability, median | below {limit:.2f} | {' | '.join(KINDS_OF_WARNINGS)} | any |")
    print("| --- " * (len(KINDS_OF_WARNINGS) + 4) + "|")
    for name, spoil in INPUTS.items():
        print(row(name, postprocessed(translator, spoil(lines, random.Random(1))), limit), flush=True)
    if len(arguments) == 3:
        references = Path(arguments[2]).read_text(encoding="utf-8").splitlines()
        print("", *quality(plain, references), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
