"""Corpora in whose words little repeats: a language of many forms, a small corpus, a script without spaces.

Such a corpus is not blamed, and what is wrong with it is found where it can be.
"""

from __future__ import annotations

import random
from functools import cache

import pytest

from nmt.preflight.stems import stems

PAIRS = 3600
FUNCTION_WORDS = ["the", "of", "a", "to", "in", "and"]
CONSONANTS, VOWELS = "bcdfghjklmnprstvz", "aeiou"


def hangul(generator, syllables):
    return "".join(chr(0xAC00 + generator.randrange(0, 11172, 84)) for _ in range(syllables))


def latin(generator, syllables):
    return "".join(generator.choice(CONSONANTS) + generator.choice(VOWELS) for _ in range(syllables))


@cache
def inflected(write, count, most_words, roots=1500):
    """Invents sentences, and free translations of roots with up to three endings each."""
    generator = random.Random(1)
    words = [latin(generator, generator.randint(2, 4)) for _ in range(roots)]
    synonyms = [[write(generator, generator.choice([1, 2, 2, 3])) for _ in range(2)] for _ in range(roots)]
    endings = [write(generator, generator.choice([1, 1, 2, 3])) for _ in range(60)]
    weights = [1 / (rank + 3) for rank in range(roots)]
    pairs = []
    for _ in range(count):
        meanings = generator.choices(range(roots), weights=weights, k=generator.randint(3, most_words))
        source = [word for one in meanings for word in (generator.choice(FUNCTION_WORDS), words[one])]
        told = [one for one in meanings if generator.random() > 0.25]
        target = [generator.choice(synonyms[one]) + "".join(generator.choices(endings, k=generator.randint(0, 3)))
                  for one in told or meanings]  # fmt: skip
        generator.shuffle(target)
        pairs.append((" ".join(source).capitalize() + ".", " ".join(target) + "."))
    return pairs


def han(pairs):
    """Writes the targets in characters of which there are as many as in Chinese, without spaces."""
    generator, signs = random.Random(2), {}
    for source, target in pairs:
        text = target.replace(" ", "").rstrip(".")
        written = (signs.setdefault(letter, chr(0x4E00 + generator.randrange(2500))) for letter in text)
        yield source, "".join(written) + "。"


CORPORA = {
    "syllables, short lines": lambda: inflected(hangul, PAIRS, 9),
    "syllables, long lines": lambda: inflected(hangul, PAIRS, 25),
    "letters, short lines": lambda: inflected(latin, PAIRS, 9),
    "letters, long lines": lambda: inflected(latin, PAIRS, 25),
    "very small": lambda: inflected(hangul, 1000, 9),
    "without spaces": lambda: [(a, b.replace(" ", "")) for a, b in inflected(hangul, PAIRS, 9)],
    "Han": lambda: list(han(inflected(hangul, PAIRS, 9))),
    "Thai": lambda: [
        (a, "".join(chr(0xE01 + (ord(letter) // 84) % 46) if letter != "." else "" for letter in b))
        for a, b in inflected(hangul, PAIRS, 9)
    ],
}
QUICK = {"letters, short lines", "very small", "without spaces"}
PAIRS_FINDINGS = {"scattered", "unrelated", "shifted", "unfit", "misaligned"}


def later(kind):
    """That corpus, but not in the gate, for which the others have to do."""
    return pytest.param(kind, marks=pytest.mark.slow)


def written(corpus, pairs):
    for side, lines in zip(("en", "fr"), zip(*pairs, strict=True), strict=True):
        corpus.write(f"training.{side}", lines)
        for name in ("validation", "test"):
            corpus.path(f"{name}.{side}").unlink(missing_ok=True)
            corpus.write(f"{name}.{side}", lines[:120])


def blame(corpus, check_data):
    config = corpus.config(data={"source_language": "xx", "target_language": "yy"})
    return {finding.kind for finding in check_data(config)} & PAIRS_FINDINGS


@pytest.mark.parametrize("kind", [kind if kind in QUICK else later(kind) for kind in CORPORA])
def test_a_clean_corpus_is_not_blamed(kind, corpus, check_data):
    written(corpus, CORPORA[kind]())
    assert blame(corpus, check_data) == set()


@pytest.mark.parametrize("kind", ["syllables, long lines", later("letters, long lines")])
def test_pairs_that_were_mixed_are_found(kind, corpus, check_data):
    pairs, generator = CORPORA[kind](), random.Random(3)
    places = generator.sample(range(PAIRS), PAIRS * 3 // 10)
    targets = [target for _, target in pairs]
    moved = dict(zip(places, (targets[place] for place in places[1:] + places[:1]), strict=True))
    written(corpus, [(source, moved.get(number, target)) for number, (source, target) in enumerate(pairs)])
    assert blame(corpus, check_data) == {"scattered"}


@pytest.mark.parametrize(
    "kind", ["letters, short lines", *map(later, ("syllables, short lines", "syllables, long lines", "Han"))]
)
def test_a_corpus_in_disorder_is_found(kind, corpus, check_data):
    sources, targets = map(list, zip(*CORPORA[kind](), strict=True))
    random.Random(3).shuffle(targets)
    written(corpus, list(zip(sources, targets, strict=True)))
    assert blame(corpus, check_data) == {"unrelated"}


@pytest.mark.parametrize("kind", ["syllables, short lines", later("letters, long lines")])
def test_a_slip_is_found(kind, corpus, check_data):
    sources, targets = map(list, zip(*CORPORA[kind](), strict=True))
    written(corpus, list(zip(sources[:-1], targets[: PAIRS // 2] + targets[PAIRS // 2 + 1 :], strict=True)))
    assert blame(corpus, check_data) >= {"shifted"}


@pytest.mark.parametrize("kind", ["letters, short lines", later("syllables, long lines")])
def test_of_two_files_sorted_by_length_the_lengths_do_not_speak_for_each_other(kind, corpus, check_data):
    sources, targets = map(list, zip(*CORPORA[kind](), strict=True))
    random.Random(3).shuffle(targets)
    written(corpus, list(zip(sorted(sources, key=len), sorted(targets, key=len), strict=True)))
    assert blame(corpus, check_data) == {"unrelated"}


def test_stems_are_words_in_all_scripts():
    assert stems("हिन्दी में लिखना") == ["हिन्दी", "में", "लिखना"]
    assert stems("학교에서 학교로 갔다") == ["학교", "학교", "갔다"]
    assert stems("Übersetzungen 1234567 日本") == ["überse", "1234567", "日", "本"]
    assert stems("שָׁלוֹם") == ["שָׁלוֹ"]
