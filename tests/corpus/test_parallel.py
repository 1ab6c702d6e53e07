import bz2
import gzip
import lzma
import os
from pathlib import Path

import pytest

from jobs import CONFIGURATION
from nmt.config import from_yaml
from nmt.corpus.parallel import CorpusFiles, Pair, count_lines, read_pairs, ready_pairs
from nmt.errors import DataError, InputFileError
from nmt.io.streams import open_input


def ignore(message: str) -> None:
    raise AssertionError(f"unexpected warning: {message}")


def write(path: Path, text: str) -> str:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def test_files_are_read_in_order_line_by_line(tmp_path: Path) -> None:
    files = CorpusFiles(
        (write(tmp_path / "a.en", "one\ntwo\n"), write(tmp_path / "b.en", "three")),
        (write(tmp_path / "a.fr", "un\ndeux"), write(tmp_path / "b.fr", "trois\n")),
    )
    assert list(read_pairs(files, ignore)) == [
        Pair(0, 1, "one", "un", False),
        Pair(0, 2, "two", "deux", False),
        Pair(1, 1, "three", "trois", False),
    ]


def test_blank_lines_are_pairs_too(tmp_path: Path) -> None:
    files = CorpusFiles((write(tmp_path / "a", "\n\nx\n"),), (write(tmp_path / "b", "y\n\n\n"),))
    assert [(pair.source, pair.target) for pair in read_pairs(files, ignore)] == [("", "y"), ("", ""), ("x", "")]


def test_compressed_text_reads_like_plain_text(tmp_path: Path) -> None:
    text = "".join(f"line {number} é\u2028\n" for number in range(500))
    plain, packed = write(tmp_path / "a", text), write(tmp_path / "a.gz", text)
    read = [list(read_pairs(CorpusFiles((path,), (plain,)), ignore)) for path in (plain, packed)]
    assert read[0] == read[1]
    assert count_lines(plain) == count_lines(packed) == 500


def test_unequal_counts_are_an_error_that_names_both(tmp_path: Path) -> None:
    files = CorpusFiles(
        (write(tmp_path / "a.en", "1\n2\n"), write(tmp_path / "b.en", "1\n2\n3"), write(tmp_path / "c.en", "1\n")),
        (write(tmp_path / "a.fr", "1\n2\n"), write(tmp_path / "b.fr", "1\n"), write(tmp_path / "c.fr", "1\n2\n3\n4\n")),
    )
    pairs = read_pairs(files, ignore)
    assert [next(pairs).source for _ in range(3)] == ["1", "2", "1"]
    with pytest.raises(DataError) as raised:
        next(pairs)
    assert [str(problem) for problem in raised.value.problems] == [
        f"{tmp_path}/b.en: 3 lines, but its translation {tmp_path}/b.fr has 1; expected as many",
        f"{tmp_path}/c.en: 1 lines, but its translation {tmp_path}/c.fr has 4; expected as many",
    ]


def test_unequal_counts_are_found_without_reading_pairs(tmp_path: Path) -> None:
    files = CorpusFiles((write(tmp_path / "a", "1\n2\n"),), (write(tmp_path / "b.gz", "1\n"),))
    with pytest.raises(DataError, match=r"2 lines, .*b\.gz has 1"):
        files.check_line_counts()


@pytest.mark.parametrize(("text", "lines"), [("", 0), ("\n", 1), ("a", 1), ("a\n", 1), ("a\n\n", 2), ("a\nb", 2)])
def test_a_last_line_needs_no_line_feed(tmp_path: Path, text: str, lines: int) -> None:
    path = write(tmp_path / "a", text)
    assert count_lines(path) == lines
    assert len(list(read_pairs(CorpusFiles((path,), (path,)), ignore))) == lines


def test_all_missing_files_are_named_at_once(tmp_path: Path) -> None:
    there = write(tmp_path / "there", "x\n")
    files = CorpusFiles((there, str(tmp_path / "gone")), (str(tmp_path / "lost"), str(tmp_path)))
    with pytest.raises(InputFileError) as raised:
        next(read_pairs(files, ignore))
    assert [problem.where for problem in raised.value.problems] == [
        str(tmp_path / "gone"),
        str(tmp_path / "lost"),
        str(tmp_path),
    ]


@pytest.mark.parametrize(("source", "target"), [((), ()), (("a",), ()), (("a", "b"), ("c",))])
def test_sides_of_different_numbers_of_files_are_refused(source: tuple[str, ...], target: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="as many"):
        CorpusFiles(source, target)


def paired(source: str, target: str, most: int = 3) -> list[list[tuple[str, str]]]:
    with open_input(source) as one, open_input(target) as other:
        return [[(a.text, b.text) for a, b in some] for some in ready_pairs(one, other, ignore, most)]


def test_lines_of_two_streams_are_paired_in_lists(tmp_path: Path) -> None:
    numbers = [str(number) for number in range(8)]
    source, target = write(tmp_path / "a", "\n".join(numbers)), write(tmp_path / "b.gz", "\n".join(numbers) + "\n")
    lists = paired(source, target)
    assert [len(some) for some in lists] == [3, 3, 2]
    assert [pair for some in lists for pair in some] == [(number, number) for number in numbers]
    assert paired(write(tmp_path / "c", ""), write(tmp_path / "d", "")) == []


@pytest.mark.parametrize(("sources", "targets"), [(7, 3), (3, 7), (0, 1), (4, 0), (6, 7)])
def test_streams_of_unequal_length_are_refused_with_both_counts(sources: int, targets: int, tmp_path: Path) -> None:
    source, target = write(tmp_path / "a", "x\n" * sources), write(tmp_path / "b", "y\n" * targets)
    with pytest.raises(DataError, match=rf"{source}: {sources} lines, but its translation {target} has {targets};"):
        paired(source, target)


def test_pairs_are_given_as_soon_as_the_slower_stream_allows(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with open_input(write(tmp_path / "a", "x\n" * 5)) as source, open_input(f"/dev/fd/{reading}") as target:
        pairs = ready_pairs(source, target, ignore, most=100)
        os.write(writing, b"1\n2\n")
        assert [other.text for _, other in next(pairs)] == ["1", "2"]
        os.write(writing, b"3\n4\n5")
        os.close(writing)
        assert [other.number for some in pairs for _, other in some] == [3, 4, 5]
    os.close(reading)


# Pairs in columns


TABLE = "1\ta cat\tein Tier\tune chat\n\n2\t dog \tx\tun chien\textra\r\n3\t\tx\tvide"


@pytest.mark.parametrize("suffix", ["tsv", "gz", "xz", "bz2"])
def test_columns_of_one_file_are_pairs_however_it_is_compressed(tmp_path: Path, suffix: str) -> None:
    packed = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(packed.get(suffix, bytes)(TABLE.encode()))
    files = CorpusFiles((str(path),), (str(path),), ((2, 4),))
    assert list(read_pairs(files, ignore)) == [
        Pair(0, 1, "a cat", "une chat", False),
        Pair(0, 2, "", "", False),
        Pair(0, 3, " dog ", "un chien", False),
        Pair(0, 4, "", "vide", False),
    ]
    files.check_line_counts()
    assert files.paths == (str(path),)


def test_files_with_columns_stand_among_others(tmp_path: Path) -> None:
    config = from_yaml(
        CONFIGURATION.replace(
            "{source: a, target: b}", "[{source: a, target: b}, {pairs: [c, d], columns: [2, 1]}]", 1
        ),
        "c",
    )
    files = CorpusFiles.from_config(*config.data.train)
    assert (files.source, files.target) == (("a", "c", "d"), ("b", "c", "d"))
    assert files.columns == (None, (2, 1), (2, 1))
    write(tmp_path / "a", "one\n"), write(tmp_path / "b", "eins\n"), write(tmp_path / "c", "zwei\ttwo\n")
    read = CorpusFiles(
        *(tuple(f"{tmp_path}/{name}" for name in side) for side in (("a", "c"), ("b", "c"))), files.columns[:2]
    )
    assert [pair[:4] for pair in read_pairs(read, ignore)] == [(0, 1, "one", "eins"), (1, 1, "two", "zwei")]


def test_a_line_without_a_column_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", "one\teins\ntwo\n")
    pairs = read_pairs(CorpusFiles((path,), (path,), ((1, 2),)), ignore)
    assert next(pairs).target == "eins"
    with pytest.raises(DataError) as raised:
        next(pairs)
    expected = "has no column 2; expected text in columns 1 and 2, parted by tabs"
    assert [str(problem) for problem in raised.value.problems] == [f"{path}:2: {expected}"]


def test_columns_are_as_many_as_files() -> None:
    with pytest.raises(ValueError, match="2 columns of 1 files"):
        CorpusFiles(("a",), ("b",), (None, (1, 2)))
    assert CorpusFiles(("a",), ("b",)) == CorpusFiles(("a",), ("b",), (None,))
