"""Claims about `scripts/benchmarks/measure_mbr.py`: it chooses as the program does, and tells what that cost."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from nmt.search.options import SamplingOptions
from nmt.translation.translator import Translator

SCRIPT = str(Path(__file__).parents[3] / "scripts" / "benchmarks" / "measure_mbr.py")
LINES = ["ba ce di", "", "lo mu fo", "123"]


def test_what_is_measured_is_what_the_program_does(translator: Translator) -> None:
    drawn = translator.options(n_best=6, sampling=SamplingOptions(seed=1))
    chosen = translator.options(mbr=6, sampling=SamplingOptions(seed=1))
    choose = runpy.run_path(SCRIPT, run_name="measure_mbr")["choose"]
    found, seconds = choose(translator, LINES, translator.search_lines(LINES, drawn), chosen)
    assert found == [one.text for one in translator.translate(LINES, chosen)] and seconds > 0


def test_seconds_and_scores_are_printed(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "text"
    text.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    arguments = [SCRIPT, model, text, text, "--samples", 4, "--lines", 3]
    monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
    runpy.run_path(SCRIPT, run_name="__main__")
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "3 lines, 4 samples" and len(told) == 5
    assert all("BLEU" in line and "chrF2" in line for line in (told[1], *told[3:]))
