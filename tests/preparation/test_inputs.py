"""The facts of inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from nmt.preparation.inputs import input_facts
from nmt.preparation.report import InputFacts


def test_standard_input_is_no_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").write_text("another text")
    assert input_facts("-", lambda: None) == InputFacts("-", None, None)
