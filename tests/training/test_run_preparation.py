"""The tokenizers of a run: trained once, kept while nothing changes, and trained anew where they are damaged."""

from __future__ import annotations

import json
import logging
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

import nmt.training.preparation
from nmt.checkpoint.layout import FINGERPRINT, TOKENIZER
from nmt.checkpoint.tokenizer_folder import tokenizer_files
from nmt.config import Config
from nmt.errors import DataError
from nmt.evaluation.metrics import Text
from nmt.training.preparation import corpus_files, prepare_corpus, train_tokenizers, weighted
from nmt.training.signals import StopRequest


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("train", "validation"):
        (folder / f"{name}.xx").write_text("ein Hund\nzwei Katzen\n" * 20)
        (folder / f"{name}.yy").write_text("UN CHIEN\nDEUX CHATS\n" * 20)
    return folder


def configuration(data: Path, **tokenizer: object) -> Config:
    files = {name: {"source": f"{data}/{name}.xx", "target": f"{data}/{name}.yy"} for name in ("train", "validation")}
    return Config.model_validate(
        {"data": {"source_language": "xx", "target_language": "yy", **files}, "tokenizer": tokenizer}
    )


def trained(config: Config, run: Path) -> Text:
    run.mkdir(exist_ok=True)
    return train_tokenizers(config, run, corpus_files(config), StopRequest())


@pytest.mark.parametrize("shared", [True, False])
def test_tokenizers_are_kept_while_nothing_changes(
    tmp_path: Path, data: Path, shared: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    config, run = configuration(data, shared=shared), tmp_path / "run"
    first = trained(config, run)
    assert "tokenizer: unchanged" not in caplog.messages
    assert tokenizer_files(trained(config, run)) == tokenizer_files(first)
    assert "tokenizer: unchanged" in caplog.messages
    caplog.clear()
    (data / "train.xx").write_text("ein Pferd\n" * 40)
    assert tokenizer_files(trained(config, run)) != tokenizer_files(first)
    assert "tokenizer: unchanged" not in caplog.messages


@pytest.mark.parametrize("name", ["source.model", "target.model", FINGERPRINT])
@pytest.mark.parametrize("damage", ["absent", "junk", "another's"])
def test_tokenizers_that_are_damaged_are_trained_anew(tmp_path: Path, data: Path, name: str, damage: str) -> None:
    config, run = configuration(data, shared=False), tmp_path / "run"
    files = tokenizer_files(trained(config, run))
    path = run / TOKENIZER / name
    if damage == "absent":
        path.unlink()
    else:
        path.write_bytes(b"junk" if damage == "junk" else files["target.model" if "source" in name else "source.model"])
    assert tokenizer_files(trained(config, run)) == files
    assert (run / TOKENIZER / "source.model").read_bytes() == files["source.model"]
    assert json.loads((run / TOKENIZER / FINGERPRINT).read_text())["sha256"].keys() == files.keys()


def test_a_folder_of_tokenizers_appears_whole(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        assert not (tmp_path / "run" / TOKENIZER).exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(nmt.checkpoint.tokenizer_folder, "_checksums", refuse)
    with pytest.raises(KeyboardInterrupt):
        trained(configuration(data), tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []


def test_as_many_lines_of_each_side_are_drawn(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "train.xx").write_text("abc\n" * 1000)
    (data / "train.yy").write_text("XYZ\n" * 1000)
    drawn: list[str] = []
    train = nmt.training.preparation.train_tokenizer

    def listen(*texts: Any, **options: Any) -> Any:
        sample = nmt.tokenization.tokenizer_training._train

        def sampled(lines: list[str], size: int, options: Any) -> bytes:
            drawn[:] = lines
            return sample(lines, size, options)

        with monkeypatch.context() as patch:
            patch.setattr("nmt.tokenization.tokenizer_training._train", sampled)
            return train(*texts, **options)

    monkeypatch.setattr(nmt.training.preparation, "train_tokenizer", listen)
    trained(configuration(data, training_lines=25), tmp_path / "run")
    assert drawn == ["abc"] * 25 + ["XYZ"] * 25


def test_a_line_that_is_not_utf8_is_warned_of_once(
    tmp_path: Path, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (data / "train.xx").open("ab") as file:
        file.write(b"kein \xff\n")
    with (data / "train.yy").open("ab") as file:
        file.write(b"PAS\n")
    config = configuration(data)
    text = trained(config, tmp_path / "run")
    prepare_corpus(config, tmp_path / "run", corpus_files(config), text, StopRequest(), quiet=True)
    assert len([message for message in caplog.messages if "invalid UTF-8" in message]) == 1


def test_unequal_files_are_all_named_before_anything_is_trained(data: Path) -> None:
    for name in ("train.xx", "validation.yy"):
        with (data / name).open("a") as file:
            file.write("mehr\n")
    with pytest.raises(DataError) as caught:
        corpus_files(configuration(data))
    assert [problem.where for problem in caught.value.problems] == [f"{data}/train.xx", f"{data}/validation.xx"]


def test_a_corpus_that_is_not_the_expected_one_leaves_the_store_alone(tmp_path: Path, data: Path) -> None:
    config, run = configuration(data), tmp_path / "run"
    text = trained(config, run)

    def prepared(expected: str | None) -> str:
        files = corpus_files(config)
        return prepare_corpus(config, run, files, text, StopRequest(), quiet=True, expected=expected).fingerprint

    fingerprint = prepared(None)
    before = {path.name: path.read_bytes() for path in (run / "corpus").iterdir()}
    for name in ("train.xx", "train.yy"):
        with (data / name).open("a") as file:
            file.write("mehr\n")
    with pytest.raises(DataError, match=r"train\.xx, .*train\.yy: changed since this run began"):
        prepared(fingerprint)
    assert {path.name: path.read_bytes() for path in (run / "corpus").iterdir()} == before
    assert prepared(None) != fingerprint


def test_work_that_ends_in_the_moment_its_waiting_does_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    result = Future.result

    def end_too_late(self: Future[int], timeout: float | None = None) -> int:
        if timeout is not None:
            while not self.done():
                time.sleep(0.001)
            raise TimeoutError
        return result(self)

    monkeypatch.setattr(Future, "result", end_too_late)
    assert nmt.training.preparation._in_thread(lambda: 7, StopRequest()) == 7


def test_the_tokenizer_reads_each_corpus_as_often_as_an_epoch_does() -> None:
    texts = [str(number) for number in range(4000)]
    assert list(weighted(texts, 1.0, seed=1)) == texts
    assert list(weighted(texts[:2], 2.0, seed=1)) == ["0", "0", "1", "1"]
    some = list(weighted(texts, 0.25, seed=1))
    assert some == list(weighted(texts, 0.25, seed=1)) != list(weighted(texts, 0.25, seed=2))
    assert len(some) == pytest.approx(1000, rel=0.1) and len(set(some)) == len(some)
    assert len(list(weighted(texts, 1.5, seed=1))) == pytest.approx(6000, rel=0.05)


def test_small_weights_are_shares_and_no_reason_for_less_text(tmp_path: Path, data: Path) -> None:
    plain = configuration(data)
    files = plain.data.train[0].model_dump()
    [whole] = {trained(plain, tmp_path / "run").source.model}
    for weight in (0.01, 1e-6):
        train = {"train": {**files, "weight": weight}}
        config = Config.model_validate(plain.model_dump() | {"data": plain.data.model_dump() | train})
        assert trained(config, tmp_path / "run").source.model == whole


def test_a_weight_a_tag_or_a_column_makes_another_tokenizer(tmp_path: Path, data: Path) -> None:
    plain = configuration(data)
    files = plain.data.train[0].model_dump()
    lines = zip(*((data / f"train.{side}").read_text().splitlines() for side in ("xx", "yy")), strict=True)
    (data / "train.tsv").write_text("".join(f"{target}\t{source}\n" for source, target in lines))
    table = {"pairs": f"{data}/train.tsv", "columns": [2, 1]}
    run, first = tmp_path / "run", trained(plain, tmp_path / "run")
    for train in ([files, {**files, "weight": 3.0}], {**files, "tag": "<bt>"}, table):
        config = Config.model_validate(plain.model_dump() | {"data": plain.data.model_dump() | {"train": train}})
        before = (run / TOKENIZER / FINGERPRINT).read_bytes()
        tokenizers = trained(config, run)
        assert (run / TOKENIZER / FINGERPRINT).read_bytes() != before
        assert list(tokenizers.source.tags) == (["<bt>"] if "tag" in train else [])
    # The same text in columns gives the same tokenizer.
    assert tokenizers.source.model == first.source.model
