"""Given links of words become links of tokens; lines that are wrong are told with their numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nmt.corpus import cleaning
from nmt.corpus.cleaning import PairFilter
from nmt.corpus.parallel import CorpusFiles
from nmt.corpus.pharaoh import check_line_count, read_linked_pairs, token_links
from nmt.errors import DataError, InputFileError
from nmt.tokenization.tokenizer_training import train_tokenizer
from nmt.tokenization.tokenizers import Tokenizers

SOURCES = ["the old house", "", "a dog and a dog", "the  red\u00a0house", "the old house"]
TARGETS = ["la maison vieille", "rien", "un chien et un chien", "la maison rouge", "la maison vieille"]
LINKS = ["0-0 1-2 2-1", "", "0-0 1-1 2-2 4-4", "0-0\t2-1 1-2  2-1", "2-1"]


class Corpus:
    """A corpus of two files a side, with its alignments."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files = CorpusFiles((self._write("a.s", SOURCES[:2]), self._write("b.s", SOURCES[2:])),
                                 (self._write("a.t", TARGETS[:2]), self._write("b.t", TARGETS[2:])))  # fmt: skip
        trained = train_tokenizer(
            SOURCES * 3, TARGETS * 3, kind="char", vocabulary_size=60, character_coverage=1.0, byte_fallback=False,
            normalization="nmt_nfkc", target_normalization="identity", training_lines=100, seed=1,
        )  # fmt: skip
        self.tokenizers = Tokenizers.from_models(trained.model, None)

    def _write(self, name: str, lines: list[str]) -> str:
        path = self._folder / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return str(path)

    def links(self, lines: list[str]) -> str:
        return self._write("links", lines)

    def of_tokens(self, lines: list[str] = LINKS, **filtered: object) -> list[set[tuple[int, int]]]:
        options = PairFilter(**{"max_length": 100, **filtered})  # type: ignore[arg-type]
        found = token_links(self.files, (self.links(lines),), self.tokenizers, options, lambda _: None, lambda _: None)
        of_pairs = []
        for source, target in filter(lambda portion: len(portion.source.lengths), found):
            ends = np.cumsum(source.lengths)[:-1]
            sides = np.split(source.ids, ends), np.split(target.ids, ends)
            of_pairs += [set(zip(*map(list, pair), strict=True)) for pair in zip(*sides, strict=True)]
        return of_pairs


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus(tmp_path)


def test_a_byte_order_mark_is_no_part_of_the_first_link(corpus: Corpus) -> None:
    assert corpus.of_tokens(["\ufeff" + LINKS[0], *LINKS[1:]]) == corpus.of_tokens()


def words_linked(corpus: Corpus, source: str, target: str, links: set[tuple[int, int]]) -> list[tuple[int, int]]:
    of_source = corpus.tokenizers.source.encode_with_words(source)[1]
    of_target = corpus.tokenizers.target.encode_with_words(target)[1]
    assert (len(of_source), len(of_target)) in links  # the end marks
    inside = links - {(len(of_source), len(of_target))}
    words = {(of_source[i], of_target[j]) for i, j in inside}
    # All tokens of linked words are linked.
    assert len(inside) == sum(of_source.count(i) * of_target.count(j) for i, j in words)
    return sorted(words)


def test_words_that_are_linked_have_all_their_tokens_linked(corpus: Corpus) -> None:
    found = corpus.of_tokens()
    kept = [0, 2, 3, 4]  # one side of the second pair is blank
    assert len(found) == len(kept)
    expected = [[(0, 0), (1, 2), (2, 1)], [(0, 0), (1, 1), (2, 2), (4, 4)], [(0, 0), (1, 2), (2, 1)], [(2, 1)]]
    for number, links, words in zip(kept, found, expected, strict=True):
        assert words_linked(corpus, SOURCES[number], TARGETS[number], links) == words


def test_pairs_that_the_corpus_leaves_out_have_no_links(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = corpus.of_tokens()
    assert corpus.of_tokens(drop_duplicates=True) == whole[:3]
    assert corpus.of_tokens(max_length=18) == [whole[0], *whole[2:]]
    monkeypatch.setattr(cleaning, "CHUNK_PAIRS", 2)
    assert corpus.of_tokens() == whole and corpus.of_tokens(drop_duplicates=True) == whole[:3]


@pytest.mark.parametrize(
    ("line", "what"),
    [("0-0 1:2", "1:2"), ("0", "'0'"), ("-1-0", "-1-0"), ("0-0-0", "0-0-0"), ("³-0", "³-0"),
     ("3-0", "3-0 is a link"), ("0-3", "beyond the 3 source and 3 target words"), ("0-99999999999", "no link")],
)  # fmt: skip
def test_a_line_that_is_wrong_is_told_with_its_number(corpus: Corpus, line: str, what: str) -> None:
    with pytest.raises(DataError, match=r"links:5: ") as caught:
        corpus.of_tokens([*LINKS[:4], line])
    assert what in str(caught.value) and caught.value.exit_code == 65


def test_wrong_lines_are_told_together_and_of_very_many_the_first(corpus: Corpus) -> None:
    with pytest.raises(DataError) as caught:
        corpus.of_tokens(["x", "", "9-9", "", "y"])
    assert [problem.where.rpartition(":")[2] for problem in caught.value.problems] == ["1", "3", "5"]


@pytest.mark.parametrize("lines", [LINKS[:4], [*LINKS, ""]])
def test_other_numbers_of_lines_are_told_with_both_counts(corpus: Corpus, lines: list[str]) -> None:
    for attempt in (lambda: corpus.of_tokens(lines), lambda: check_line_count(corpus.files, (corpus.links(lines),))):
        with pytest.raises(DataError, match=f"{len(lines)} lines of alignments, but the training corpus has 5"):
            attempt()


def test_several_files_are_read_one_after_the_other(corpus: Corpus, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("\n".join(LINKS[:3]))
    second.write_text("\n".join(LINKS[3:]))
    paths = str(first), str(second)
    check_line_count(corpus.files, paths)
    assert [one.links for one in read_linked_pairs(corpus.files, paths, lambda _: None)] == [
        one.links for one in read_linked_pairs(corpus.files, (corpus.links(LINKS),), lambda _: None)
    ]


def test_a_file_that_is_missing_is_told(corpus: Corpus) -> None:
    with pytest.raises(InputFileError):
        list(read_linked_pairs(corpus.files, ("/nowhere/links",), lambda _: None))
