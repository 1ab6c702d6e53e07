"""Lines that slipped, and lines that have nothing to do with those beside them."""

import random

import pytest

from nmt.io.lines import Line
from nmt.preflight.lexical_fit import MOST_SHIFT, learn_lexical_fit
from nmt.preflight.misalignment import find_stretches
from nmt.preflight.reading import LinePair
from nmt.preflight.reservoir import MOST_BLOCKS, Reservoir
from nmt.preflight.windows import BLOCK_PAIRS

LINES = 1000


@pytest.fixture
def sides(corpus):
    return corpus.lines("training.en"), corpus.lines("training.fr")


def line_pairs(source, target):
    lines = zip(source, target, strict=False)
    return [LinePair(0, Line(number, one), Line(number, other)) for number, (one, other) in enumerate(lines, 1)]


def stretches(source, target):
    pairs = line_pairs(source, target)
    sample = Reservoir(seed=1)
    for pair in pairs:
        sample.add(pair)
    fit = learn_lexical_fit(sample.blocks, 1, lambda: None)
    assert fit.is_good and not fit.is_none, fit[1:]
    return find_stretches(pairs, fit)


def test_a_clean_text_has_no_stretch(sides):
    assert stretches(*sides) == []


@pytest.mark.parametrize("count", [1, 3, MOST_SHIFT])
def test_lines_that_are_missing_shift_what_follows(count, sides):
    source, target = sides
    [found] = stretches(source, target[:400] + target[400 + count :])
    assert (found.last, found.shift) == (LINES - count, -count)
    assert abs(found.first - 401) <= count + 1


def test_a_slip_that_is_made_up_for_ends_there(sides):
    source, target = sides
    [found] = stretches(source[:300] + source[301:340] + ["A line more."] + source[340:], target)
    assert found.shift == 1 and abs(found.first - 301) <= 1 and abs(found.last - 340) <= 2


def test_a_text_that_is_shifted_as_a_whole_is_found(sides):
    source, target = sides
    [found] = stretches(source[2:], target[:-2])
    assert found == (1, LINES - 2, 2)


def test_lines_in_disorder_fit_nowhere(sides):
    source, target = sides
    middle = target[500:600]
    random.Random(1).shuffle(middle)
    [found] = stretches(source, target[:500] + middle + target[600:])
    assert found.shift is None and abs(found.first - 501) <= 5 and abs(found.last - 600) <= 5


def test_free_translations_are_no_disorder(sides):
    source, target = sides
    generator = random.Random(1)
    free = [" ".join(generator.sample(line.split(), 4)) for line in target]
    assert stretches(source, free) == []


def test_a_text_of_another_kind_is_no_disorder(sides):
    """The lexicon knows few of its words, here a noun in every second line, but those fit."""
    generator = random.Random(1)

    def other(lines, noun):
        for number, line in enumerate(lines):
            unknown = ("".join(generator.choices("qvwxyz", k=8)) for _ in range(5))
            yield " ".join([line.split()[noun], *unknown] if number % 2 else unknown)

    source, target = sides
    assert stretches(source[:800] + list(other(source[800:], 2)), target[:800] + list(other(target[800:], 1))) == []


def test_scripts_without_spaces_are_judged_by_their_characters(sides):
    source, target = sides
    generator = random.Random(1)
    words = sorted({word for line in target for word in line.split()})
    signs = {word: "".join(chr(0x4E00 + generator.randrange(400)) for _ in range(2)) for word in words}
    chinese = ["".join(signs[word] for word in line.split()) for line in target]
    assert stretches(source, chinese) == []
    [found] = stretches(source, chinese[:400] + chinese[401:])
    assert found.shift == -1 and abs(found.first - 401) <= 10


def test_files_that_do_not_belong_together_are_told_and_short_ones_not_judged(corpus, check_data):
    target = corpus.lines("training.fr")
    random.Random(1).shuffle(target)
    corpus.write("training.fr", target)
    assert [finding.kind for finding in check_data(corpus.config())] == ["unrelated"]
    for side in ("en", "fr"):
        corpus.write(f"training.{side}", corpus.lines(f"training.{side}")[:60])
    assert check_data(corpus.config()) == []


@pytest.mark.parametrize("name", ["training", "validation"])
def test_a_slip_in_any_set_is_told_with_its_line_and_what_to_do(name, corpus, check_data):
    target = corpus.lines(f"{name}.fr")
    corpus.write(f"{name}.fr", [*target[:50], "Une ligne de trop.", *target[50:-1]])
    [finding] = check_data(corpus.config())
    assert (finding.kind, finding.severity) == ("shifted", "warning")
    file, _, line = finding.where.rpartition(":")
    assert file == str(corpus.path(f"{name}.en")) and abs(int(line) - 51) <= 1
    assert "1 line further down" in finding.what and f"too many in {corpus.path(f'{name}.fr')}" in finding.advice


@pytest.mark.parametrize("percent", [30, 50])
def test_bad_pairs_all_over_a_corpus_are_told_by_their_share(percent, corpus, check_data):
    target, generator = corpus.lines("training.fr"), random.Random(1)
    places = generator.sample(range(len(target)), len(target) * percent // 100)
    moved = places[1:] + places[:1]
    mixed = dict(zip(places, (target[place] for place in moved), strict=True))
    corpus.write("training.fr", [mixed.get(number, line) for number, line in enumerate(target)])
    [finding] = check_data(corpus.config())
    assert (finding.kind, finding.where) == ("scattered", str(corpus.path("training.en")))


def test_many_stretches_are_counted(corpus, check_data):
    target = corpus.lines("training.fr")
    for start in range(40, 1000, 120):
        target[start : start + 40] = [*target[start + 1 : start + 40], target[start]]
    corpus.write("training.fr", target)
    findings = check_data(corpus.config())
    assert [finding.kind for finding in findings] == ["shifted"] * 5 + ["misaligned"]
    assert findings[-1].what.startswith("3 further stretches")


def test_a_sample_is_bounded_and_of_a_small_corpus_all_of_it():
    small, large = Reservoir(seed=1), Reservoir(seed=1)
    for pair in line_pairs(map(str, range(777)), map(str, range(777))):
        small.add(pair)
    assert small.is_whole and [pair.number for pair in small.pairs] == list(range(1, 778))
    count = 3 * MOST_BLOCKS * BLOCK_PAIRS
    for pair in line_pairs(map(str, range(count)), map(str, range(count))):
        large.add(pair)
    numbers = [pair.number for pair in large.pairs]
    assert not large.is_whole and len(numbers) == MOST_BLOCKS * BLOCK_PAIRS and numbers == sorted(numbers)
    assert max(numbers) > 0.98 * count and min(numbers) < 0.02 * count
    assert all(block[0].number % BLOCK_PAIRS == 1 and len(block) == BLOCK_PAIRS for block in large.blocks)
