import itertools
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.io.lines import MAX_LINE_BYTES, Line, is_blank, output_line, ready_lines, without_surrogates

HOSTILE = st.text(st.sampled_from("ab \r\t\0\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029\ufeff\u00a0é日🙂\u0301"), max_size=12)


class Blocks:
    """A stream that gives these blocks, and has nothing waiting after those whose index is in `pauses`."""

    def __init__(self, blocks, pauses=()):
        self.name = "input"
        self._blocks = list(blocks)
        self._pauses = set(pauses)
        self._given = 0

    def read(self):
        if self._given == len(self._blocks):
            return b""
        self._given += 1
        return self._blocks[self._given - 1]

    def is_ready(self):
        return self._given - 1 not in self._pauses


def lines_of(*blocks, most=1000, warnings=None):
    warn = ([] if warnings is None else warnings).append
    return [line for lines in ready_lines(Blocks(blocks), warn, most) for line in lines]


def texts_of(*blocks):
    return [line.text for line in lines_of(*blocks)]


def cut(data, cuts):
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


def test_only_a_newline_ends_a_line():
    text = "a\v\f\x1c\x1d\x1e\x85\u2028\u2029\0\ufeffb"
    assert texts_of(f"{text}\n{text}\n".encode()) == [text, text]


def test_one_carriage_return_before_the_newline_is_dropped():
    assert texts_of(b"a\r\nb\r\r\nc\rd\n\r\ne\r") == ["a", "b\r", "c\rd", "", "e\r"]


def test_a_carriage_return_is_dropped_across_blocks():
    assert texts_of(b"a\r", b"\nb", b"\r", b"\n") == ["a", "b"]


def test_a_last_line_without_newline_counts():
    assert texts_of(b"a\nb") == ["a", "b"]
    assert texts_of(b"a\nb\n") == ["a", "b"]
    assert texts_of(b"\n\n") == ["", ""]
    assert texts_of() == []


def test_lines_are_numbered_from_one():
    assert [line.number for line in lines_of(b"a\n\nb\nc")] == [1, 2, 3, 4]


@pytest.mark.promise(13, gate=1, full=1)
@given(st.lists(HOSTILE), st.lists(st.integers(0, 1000), max_size=5), st.integers(1, 5))
def test_promise_13_lines_in_are_lines_out_however_the_bytes_arrive(texts, cuts, most):
    data = "".join(text + "\n" for text in texts).encode()
    lines = lines_of(*cut(data, cuts), most=most)
    assert lines == [Line(number, text.removesuffix("\r")) for number, text in enumerate(texts, 1)]


@pytest.mark.promise(13, gate=1, full=1)
@given(st.binary(max_size=40), st.lists(st.integers(0, 1000), max_size=5))
def test_promise_13_any_bytes_give_one_line_for_each_newline(data, cuts):
    expected = [raw.removesuffix(b"\r").decode(errors="replace") for raw in data.split(b"\n")[:-1]]
    last = data.split(b"\n")[-1]
    assert texts_of(*cut(data, cuts)) == expected + ([last.decode(errors="replace")] if last else [])


def test_invalid_utf8_is_replaced_with_one_warning_that_names_the_line():
    warnings = []
    lines = lines_of(b"good\nb\xffa\xfed\n\xc3\xa9\n", warnings=warnings)
    assert [line.text for line in lines] == ["good", "b\ufffda\ufffdd", "é"]
    assert warnings == ["input:2: invalid UTF-8, replaced by U+FFFD"]


def test_many_invalid_lines_give_five_warnings_and_a_count():
    warnings = []
    lines_of(b"\xff\n" * 12, warnings=warnings)
    assert [re.match(r"input:\d+", warning) is not None for warning in warnings] == [True] * 5 + [False]
    assert warnings[-1] == "input: 7 further lines with invalid UTF-8, replaced by U+FFFD"


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_line_as_long_as_allowed_is_read(end):
    half = b"x" * (MAX_LINE_BYTES // 2)
    assert [len(text) for text in texts_of(half, half, end)] == [MAX_LINE_BYTES]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_longer_line_is_skipped_with_a_warning(end):
    warnings = []
    half = b"x" * (MAX_LINE_BYTES // 2)
    lines = lines_of(b"a\n" + half[:10], half, half, end, warnings=warnings)
    assert lines == [Line(1, "a"), Line(2, "", too_long=True)]
    assert warnings == [f"input:2: longer than {MAX_LINE_BYTES} bytes, skipped"]


def test_many_longer_lines_give_five_warnings_and_a_count():
    warnings = []
    lines_of(*[b"x" * MAX_LINE_BYTES, b"x\n"] * 8, warnings=warnings)
    assert [re.match(r"input:\d+", warning) is not None for warning in warnings] == [True] * 5 + [False]
    assert warnings[-1] == f"input: 3 further lines longer than {MAX_LINE_BYTES} bytes, skipped"


def test_promise_16_the_lines_around_a_giant_one_are_kept():
    lines = lines_of(b"before\nx", *[b"x" * MAX_LINE_BYTES] * 8, b"\nafter\n")
    assert lines == [Line(1, "before"), Line(2, "", too_long=True), Line(3, "after")]


def test_promise_16_a_giant_line_is_not_kept_in_memory():
    program = """
import resource
from nmt.io.lines import MAX_LINE_BYTES, ready_lines
class Giant:
    name = "giant"
    left = 200
    def read(self):
        self.left -= 1
        return b"x" * MAX_LINE_BYTES if self.left > 0 else b""
    def is_ready(self):
        return True
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert [line.too_long for lines in ready_lines(Giant(), print, 10) for line in lines] == [True]
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(finished.stdout.split()[-1]) < 30


def test_lists_are_full_while_input_waits_and_given_when_none_does():
    stream = Blocks([b"1\n2\n3\n", b"4\n", b"5\n6", b"\n7\n"], pauses=[1])
    lists = [[line.text for line in lines] for lines in ready_lines(stream, print, 3)]
    assert lists == [["1", "2", "3"], ["4"], ["5", "6", "7"]]


def test_an_unfinished_line_is_not_given_while_input_pauses():
    stream = Blocks([b"1\n2", b"2\n"], pauses=[0, 1])
    assert [[line.text for line in lines] for lines in ready_lines(stream, print, 3)] == [["1"], ["22"]]


def test_lists_of_long_lines_are_given_before_they_fill_the_memory():
    stream = Blocks([b"x" * (MAX_LINE_BYTES - 1) + b"\n"] * 20)
    lists = list(ready_lines(stream, print, 1000))
    assert sum(map(len, lists)) == 20
    assert max(map(len, lists)) <= 5


@pytest.mark.promise(15, gate=1, full=1)
@pytest.mark.parametrize("text", ["", " ", "\t \r", "\u00a0", "\ufeff", " \ufeff\u3000", "\u2028\x85\x1f"])
def test_promise_15_white_space_and_byte_order_marks_are_blank(text):
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", "\0", "\ufeff.", "\u200b", "<s>"])
def test_anything_else_is_not_blank(text):
    assert not is_blank(text)


def test_line_breaks_in_output_become_spaces_one_by_one():
    assert output_line("a\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029b\x1f\0c") == "a" + " " * 10 + "b\x1f\0c"


@pytest.mark.promise(13, gate=1, full=1)
@given(st.text(st.characters(exclude_categories=[])))
def test_promise_13_output_is_one_line_that_utf8_can_hold(text):
    line = output_line(text)
    assert line.encode().decode().splitlines() in ([line], [])
    assert len(without_surrogates(line)) == len(line) <= len(text)


def test_lone_surrogates_become_replacement_characters():
    assert without_surrogates("a\ud800b\udfff") == "a\ufffdb\ufffd"
    assert without_surrogates("é🙂") == "é🙂"


def test_reading_lines_needs_no_sentencepiece():
    program = "import sys, nmt.io.lines, nmt.io.streams; sys.exit('sentencepiece' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
