"""A large file is read here and there, from its first line to its last."""

from __future__ import annotations

import bz2
import gzip
import random
from itertools import pairwise

import pytest

import nmt.corpus.parallel as parallel_module
from nmt.corpus.parallel import Mark, count_lines
from nmt.preflight.windows import BLOCK_PAIRS, WINDOW_LINES, Window, WindowedFile, spread


@pytest.mark.parametrize("lines", [1, 700, 701, 760, 5000, 10_001, 1_000_003])
@pytest.mark.parametrize("most", [700, 4000, 100_000])
def test_windows_are_spread_from_the_first_line_to_the_last(lines, most):
    windows = spread(lines, most)
    read = [number for window in windows for number in range(window.first, window.first + window.lines)]
    assert read == sorted(set(read)) and read[0] == 1 and read[-1] == lines
    assert len(read) <= most + BLOCK_PAIRS and len(read) >= min(lines, most) * 0.8
    assert all(window.first % BLOCK_PAIRS == 1 for window in windows)
    if lines > 2 * most:
        gaps = [after.first - before.first - before.lines for before, after in pairwise(windows)]
        assert max(gaps) - min(gaps) <= 2 * BLOCK_PAIRS and len(windows) == max(2, most // WINDOW_LINES)


TEXTS = [f"{number} " + "\u2028é\0x"[: number % 5] * (number % 100) for number in range(1, 30_001)]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n, the last line without"])
@pytest.mark.parametrize("name", ["text", "text.gz", "text.bz2"])
def test_the_lines_of_a_window_are_those_of_the_file(name, ending, tmp_path, monkeypatch):
    monkeypatch.setattr(parallel_module, "MARK_BYTES", 1 << 16)
    feed = ending.partition(",")[0]
    data = "".join(text + feed for text in TEXTS).encode()
    data = data.removesuffix(b"\n") if "," in ending else data
    pack = {"text": bytes, "text.gz": gzip.compress, "text.bz2": bz2.compress}[name]
    path = tmp_path / name
    path.write_bytes(pack(data))
    marks: list[Mark] = []
    assert count_lines(str(path), marks=marks) == len(TEXTS) and len(marks) > 20
    generator = random.Random(1)
    for _ in range(5):
        places = sorted(generator.sample(range(1, len(TEXTS)), 8))
        windows = [Window(one, min(400, other - one)) for one, other in zip(places, [*places[1:], 30_001], strict=True)]
        windows += [] if windows[-1].first + windows[-1].lines > 30_000 else [Window(30_000, 1)]
        with WindowedFile(str(path), marks) as file:
            for window in windows:
                numbers = range(window.first, window.first + window.lines)
                lines = list(file.lines(window))
                assert [(line.number, line.text) for line in lines] == [(one, TEXTS[one - 1]) for one in numbers]


def test_a_window_that_is_left_early_spoils_nothing(tmp_path):
    path = tmp_path / "text"
    path.write_text("".join(f"{text}\n" for text in TEXTS))
    with WindowedFile(str(path), []) as file:
        for first in (1, 401, 20_001, 29_001):
            assert next(iter(file.lines(Window(first, 400)))).text == TEXTS[first - 1]


def test_a_fault_of_the_second_half_is_told(corpus, check_data, monkeypatch):
    monkeypatch.setattr("nmt.preflight.reading.HEAD_PAIRS", 400)
    monkeypatch.setattr("nmt.preflight.windows.WINDOW_LINES", 50)
    lines = corpus.lines("training.fr")
    corpus.write("training.fr", lines[:500] + [line.encode().decode("latin-1") for line in lines[500:]])
    [finding] = [finding for finding in check_data(corpus.config()) if finding.kind == "encoded_twice"]
    number = int(finding.where.rpartition(":")[2])
    assert number > 500 and "of 400 (" in finding.what


def test_a_slip_between_windows_is_told_once_with_what_finds_its_place(corpus, check_data, monkeypatch):
    monkeypatch.setattr("nmt.preflight.reading.HEAD_PAIRS", 900)
    monkeypatch.setattr("nmt.preflight.windows.WINDOW_LINES", 300)
    lines = corpus.lines("training.fr")
    corpus.write("training.fr", [*lines[:320], "Une ligne de trop.", *lines[320:-1]])
    [finding] = check_data(corpus.config())
    assert (finding.kind, finding.where) == ("shifted", f"{corpus.path('training.en')}:351")
    assert "351 to 1,000" in finding.what and "--full" in finding.advice
    [finding] = check_data(corpus.config(), full=True)
    assert abs(int(finding.where.rpartition(":")[2]) - 321) <= 1 and "--full" not in finding.advice
