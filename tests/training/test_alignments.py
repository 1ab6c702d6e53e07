"""The alignments of a run: made once, kept while nothing changes, refused where a resumed run would get others."""

from __future__ import annotations

import logging
import signal
from dataclasses import replace
from pathlib import Path

import pytest

import nmt.training.alignments as alignments_module
from jobs import make_job
from nmt.checkpoint.layout import ALIGNMENTS
from nmt.config import Config
from nmt.corpus.store import Store
from nmt.errors import DataError, InputFileError, StoppedError
from nmt.training.alignments import check_alignment_files, prepare_alignments
from nmt.training.job import TrainingJob
from nmt.training.preparation import corpus_files, prepare_corpus, train_tokenizers
from nmt.training.signals import StopRequest

PAIRS = 40


class Run:
    """A run whose tokenizers and corpus are prepared."""

    def __init__(self, folder: Path) -> None:
        self.links = folder / "links"
        self.links.write_text("0-0 1-1\n" * PAIRS)
        for name in ("a.xx", "b.yy"):
            (folder / name).write_text("ein Hund\nzwei Katzen\n" * (PAIRS // 2))
        files = {"source": f"{folder}/a.xx", "target": f"{folder}/b.yy"}
        data = {"source_language": "xx", "target_language": "yy", "train": files, "validation": files}
        self._config = {"data": data, "tokenizer": {"kind": "char", "vocabulary_size": 30}}
        self._path = folder / "run"
        job = self.job()
        self.files = corpus_files(job.config)
        self.tokenizers = train_tokenizers(job.config, job.run, self.files, StopRequest())
        self.store = prepare_corpus(job.config, job.run, self.files, self.tokenizers, StopRequest(), quiet=True)

    def job(self, *, guided: float = 0.5, given: bool = False, seed: int = 1) -> TrainingJob:
        training = {"guided_alignment": guided, "alignments": str(self.links) if given else None}
        config = Config.model_validate({**self._config, "training": training, "seed": seed})
        self._path.mkdir(exist_ok=True)
        return replace(make_job(), run=self._path, config=config)

    def prepared(self, job: TrainingJob, expected: str = "") -> Store | None:
        return prepare_alignments(job, self.files, self.store, self.tokenizers, expected)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.mark.parametrize("given", [False, True])
def test_alignments_are_made_once_and_kept_while_nothing_changes(
    run: Run, given: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first = run.prepared(run.job(given=given))
    assert first is not None and len(first) == PAIRS and first.directory == run.job().run / ALIGNMENTS
    assert first.source(0)[-1] == len(run.store.source(0)) and first.target(0)[-1] == len(run.store.target(0))
    assert "alignments: unchanged" not in caplog.messages
    with monkeypatch.context() as patch:
        patch.setattr(alignments_module, "_portions", None)  # which makes them
        again = run.prepared(run.job(given=given), first.fingerprint)
    assert again is not None and again.digests == first.digests and "alignments: unchanged" in caplog.messages


def test_without_guidance_there_are_none(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    assert run.prepared(run.job(guided=0.0)) is None
    assert not caplog.messages
    assert run.prepared(run.job(guided=0.0, given=True)) is None
    assert caplog.messages == ["training.alignments: nothing is guided by them, as training.guided_alignment is 0"]
    assert not (run.job().run / ALIGNMENTS).exists()


def test_alignments_are_made_anew_where_they_are_damaged_or_others_are_asked_for(run: Run) -> None:
    learned = run.prepared(run.job())
    assert learned is not None
    ids = learned.directory / "source.ids"
    content = ids.read_bytes()
    ids.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    again = run.prepared(run.job(), learned.fingerprint)
    assert again is not None and ids.read_bytes() == content
    others = run.prepared(run.job(given=True))
    assert others is not None and others.fingerprint != learned.fingerprint
    drawn = run.prepared(run.job(seed=2))
    assert drawn is not None and drawn.fingerprint != learned.fingerprint


def test_a_resumed_run_gets_no_other_alignments(run: Run) -> None:
    first = run.prepared(run.job(given=True))
    assert first is not None
    run.links.write_text("0-1 1-0\n" * PAIRS)
    with pytest.raises(DataError, match=f"{run.links}: the alignments changed since this run began; --restart"):
        run.prepared(run.job(given=True), first.fingerprint)
    assert run.prepared(run.job(given=True)) is not None


def test_files_of_alignments_are_checked_before_anything_is_made(run: Run) -> None:
    config = run.job(given=True).config
    check_alignment_files(config, run.files)
    run.links.write_text("0-0\n")
    with pytest.raises(DataError, match=f"1 lines of alignments, but the training corpus has {PAIRS}"):
        check_alignment_files(config, run.files)
    run.links.unlink()
    with pytest.raises(InputFileError, match="no such file"):
        check_alignment_files(config, run.files)
    check_alignment_files(run.job(guided=0.0, given=True).config, run.files)


def test_a_stop_is_heard_and_leaves_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    job = run.job()
    monkeypatch.setattr(job.stop, "signal", signal.SIGTERM)
    with pytest.raises(StoppedError):
        run.prepared(job)
    assert not (job.run / ALIGNMENTS).exists()
