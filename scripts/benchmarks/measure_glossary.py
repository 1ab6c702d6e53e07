"""Measures what `nmt translate --glossary` does: terms present, quality and speed.

    python scripts/benchmarks/measure_glossary.py MODEL SOURCE REFERENCE [--lines 200] [--seed 1]

draws lines, and makes two glossaries for them of 1 to 3 terms a line, a third of them of two words where there are
such: one has the words of the references, found by the model's attention on them, the other those of the translations
without a glossary, which then should not change. For each it prints the share of terms that are present, BLEU and chrF
without and with the glossary, and the speed with it, relative to that without, as a median of interleaved runs.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from nmt.alignment.links import output_links, pair_links
from nmt.alignment.symmetrization import Link
from nmt.evaluation.metrics import evaluate
from nmt.translation.forced_decoding import force_decode
from nmt.translation.glossary import Glossary
from nmt.translation.options import TranslateOptions
from nmt.translation.result import TermResult, Translation
from nmt.translation.term_presence import term_results
from nmt.translation.translator import Translator
from nmt.translation.word_edges import bare

MOST_TERMS = 3
FREQUENT = 100  # number of the most frequent source words that are no terms
SHORTEST = 4  # letters of a source word that is a term
RUNS = 5


class Found(NamedTuple):
    """A term that a pair of lines shows."""

    source: str
    target: str
    words: range  # of the source


def shown_terms(source: str, target: str, links: Sequence[Link], frequent: frozenset[str]) -> Iterator[Found]:
    """Yields source words and pairs of them, with the neighbouring words of the target that are linked to them alone.

    Their words are content words, and one at least is none of the `frequent`.
    """
    words, others = source.split(), target.split()
    for size in (2, 1):
        for first in range(len(words) - size + 1):
            own = range(first, first + size)
            to = sorted(word for origin, word in links if origin in own)
            linked = {origin for origin, word in links if word in to}
            content = [bare(words[word]) for word in own]
            if (
                not to
                or len(to) > size + 1
                or to != list(range(to[0], to[-1] + 1))
                or linked != set(own)
                or not all(word.isalpha() and len(word) >= SHORTEST for word in content)
                or all(word.lower() in frequent for word in content)
                or (size > 1 and any(words[word] != bare(words[word]) for word in own[:-1]))
            ):
                continue
            text = " ".join(others[to[0] : to[-1] + 1])
            if all(bare(other).isalpha() for other in others[to[0] : to[-1] + 1]):
                yield Found(" ".join(words[first : first + size]).strip(".,!?;:\"'"), text.strip(".,!?;:\"'„“"), own)


def repeated(lines: Sequence[str]) -> frozenset[str]:
    """Returns the words that are in several lines."""
    counted = Counter(word for line in lines for word in {bare(word).lower() for word in line.split()})
    return frozenset(word for word, count in counted.items() if count > 1)


def draw_terms(shown: Sequence[Found], chance: random.Random) -> list[Found]:
    """Draws 1 to 3 terms that do not overlap."""
    drawn: list[Found] = []
    for _ in range(chance.randint(1, MOST_TERMS)):
        size = 2 if chance.random() < 1 / 3 else 1
        free = [one for one in shown if all(set(one.words).isdisjoint(other.words) for other in drawn)]
        if free:
            drawn.append(chance.choice([one for one in free if len(one.words) == size] or free))
    return drawn


def glossary_of(
    sources: Sequence[str], targets: Sequence[str], links: Sequence[Sequence[Link]], frequent: frozenset[str], seed: int
) -> Glossary:
    """Makes a glossary of the terms that are drawn of each pair of lines."""
    chance = random.Random(seed)
    terms = []
    for source, target, of_pair in zip(sources, targets, links, strict=True):
        terms += draw_terms(list(shown_terms(source, target, of_pair, frequent)), chance)
    return Glossary.from_terms((term.source, [term.target]) for term in terms)


def results_of(translation: Translation) -> tuple[TermResult, ...]:
    """Returns what became of the terms of a line."""
    return translation.outputs[0].annotations.terms or () if translation.outputs else ()


def speed(translator: Translator, lines: Sequence[str], options: Sequence[TranslateOptions]) -> list[float]:
    """Measures the median of the seconds that lines take with each of the options, in interleaved runs."""
    seconds: list[list[float]] = [[] for _ in options]
    for _ in range(RUNS):
        for place, one in enumerate(options):
            start = time.perf_counter()
            translator.translate(lines, one)
            seconds[place].append(time.perf_counter() - start)
    return [statistics.median(of_options) for of_options in seconds]


def measure(
    name: str, translator: Translator, glossary: Glossary, sources: list[str], references: list[str], runs: bool
) -> None:
    """Measures and prints the row of one glossary."""
    without, with_it = translator.options(), translator.options(glossary=glossary)
    free, held = translator.translate(sources, without), translator.translate(sources, with_it)
    results = [results_of(one) for one in held]
    before = [term_results(terms, one.text) for terms, one in zip(results, free, strict=True)]
    whole = [all(term.met for term in terms) for terms in results if terms]
    scores = []
    for found in (free, held):
        scored = evaluate([one.text for one in found], [references]).scores
        scores.append(f"{scored['bleu'].score:.2f} / {scored['chrf'].score:.2f}")
    changed = sum(one.text != other.text for one, other in zip(free, held, strict=True))
    ratio = "-"
    if runs:
        usual, slower = speed(translator, sources, [without, with_it])
        ratio = f"{usual / slower:.2f}"
    numbers = [f"{sum(map(len, results))}", f"{met(before):.1f}", f"{met(results):.1f}"]
    numbers += [f"{100 * statistics.fmean(whole):.1f}", *scores, f"{changed}", ratio]
    print(f"| {name} | {' | '.join(numbers)} |", flush=True)


def met(results: Sequence[Sequence[TermResult]]) -> float:
    """Returns the percentage of terms that are present."""
    return 100 * statistics.fmean(term.met for terms in results for term in terms)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("source")
    parser.add_argument("reference")
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-speed", action="store_true", help="leave out the measurement of the speed")
    given = parser.parse_args()
    translator = Translator.load(given.model, device="cpu")
    texts = [Path(path).read_text(encoding="utf-8").splitlines() for path in (given.source, given.reference)]
    counted = Counter(bare(word).lower() for line in texts[0] for word in line.split())
    frequent = frozenset(word for word, _ in counted.most_common(FREQUENT))
    pairs = list(zip(*texts, strict=True))
    forced = [pair_links(pair, "word") for pair in force_decode(translator, pairs, attention=True)]
    usable = [
        place
        for place, (pair, links) in enumerate(zip(pairs, forced, strict=True))
        if any(shown_terms(*pair, links, frequent))
    ]
    drawn = sorted(random.Random(given.seed).sample(usable, min(given.lines, len(usable))))
    sources, references = ([text[place] for place in drawn] for text in texts)
    # What a term of one line says must hold for no other.
    frequent |= repeated(sources)
    free = translator.translate(sources, translator.options(attention=True))
    own = [one.text for one in free]
    links = [output_links(one.outputs[0], "word") if one.outputs else [] for one in free]
    print(f"{len(sources)} lines; BLEU / chrF2 without and with the glossary")
    print("| terms of | terms | present without, % | with, % | lines with all, % | without | with | changed | speed |")
    print("| --- " * 9 + "|")
    rows = {
        "references": (references, [forced[place] for place in drawn]),
        "free translations": (own, links),
    }
    for name, (targets, of_targets) in rows.items():
        glossary = glossary_of(sources, targets, of_targets, frequent, given.seed)
        measure(name, translator, glossary, sources, references, not given.no_speed)


if __name__ == "__main__":
    main()
