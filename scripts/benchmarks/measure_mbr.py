"""Measures what minimum Bayes risk decoding costs beside the search of its candidates, and what it gains.

    python scripts/benchmarks/measure_mbr.py runs/quickstart data/quickstart/test.en data/quickstart/test.fr

draws 64 samples of each of the first 200 lines (--samples and --lines for others) and chooses among them by each
utility. It prints the seconds of the search and of each choice, that choice as a part of the search, and the scores of
what was chosen beside those of the usual beam.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nmt.config.types import Utility
from nmt.evaluation.metrics import evaluate
from nmt.search.options import SamplingOptions
from nmt.translation.choosing import by_expected_utility
from nmt.translation.options import TranslateOptions
from nmt.translation.segments import LineSegmenter, SegmentResult
from nmt.translation.translator import Translator

UTILITIES: tuple[Utility, ...] = ("chrf", "bleu")


def first_lines(path: Path, count: int) -> list[str]:
    """Reads the first lines of a text."""
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")[:count]


def choose(
    translator: Translator, lines: Sequence[str], found: Sequence[Sequence[SegmentResult]], options: TranslateOptions
) -> tuple[list[str], float]:
    """Chooses among the candidates of each segment; returns the translations and the seconds of choosing alone."""
    target = translator.tokenizers.target
    started = time.perf_counter()
    chosen = [
        [
            one._replace(hypotheses=by_expected_utility(one.hypotheses, target, options)) if one.hypotheses else one
            for one in results
        ]
        for results in found
    ]
    seconds = time.perf_counter() - started
    own = translator.tokenizers, translator.config, translator.shortlist, translator.has_attention, translator.terms
    segmenter = LineSegmenter(*own)
    return [segmenter.translation(line, some, options).text for line, some in zip(lines, chosen, strict=True)], seconds


def scores(translations: Sequence[str], references: Sequence[str]) -> str:
    """Formats BLEU and chrF of translations; nothing without references."""
    if not references:
        return ""
    found = evaluate(translations, [references], metrics=("bleu", "chrf"))
    return f"  BLEU {found['bleu'].score:.1f}  chrF2 {found['chrf'].score:.1f}"


def main() -> None:
    """Measures by the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("source", type=Path)
    parser.add_argument("reference", type=Path, nargs="?")
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--temperature", type=float, default=1.0)
    given = parser.parse_args()
    translator = Translator.load(given.model)
    lines = first_lines(given.source, given.lines)
    references = first_lines(given.reference, given.lines) if given.reference else []
    print(f"{len(lines)} lines, {given.samples} samples")
    beam = [one.text for one in translator.translate(lines, translator.options())]
    print(f"beam {translator.config.search.beam_size}{scores(beam, references)}")
    sampling = SamplingOptions(temperature=given.temperature, seed=1)
    options = translator.options(sampling=sampling, n_best=given.samples)
    started = time.perf_counter()
    found = translator.search_lines(lines, options)
    searched = time.perf_counter() - started
    print(f"search of the samples: {searched:.2f} s, {1000 * searched / len(lines):.1f} ms a line")
    for utility in UTILITIES:
        by_utility = replace(options, n_best=1, mbr=given.samples, mbr_metric=utility)
        chosen, seconds = choose(translator, lines, found, by_utility)
        part = f"{seconds:.2f} s, {100 * seconds / searched:.1f} % of the search"
        print(f"{utility}: {part}{scores(chosen, references)}")


if __name__ == "__main__":
    main()
