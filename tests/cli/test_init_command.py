"""`nmt init`: a configuration that training takes as it is, for files that are ready."""

from __future__ import annotations

from pathlib import Path

import pytest

from nmt.config import load_config


@pytest.fixture
def folder(make_corpus, tmp_path: Path) -> Path:
    """A corpus whose files are named as they usually are."""
    (tmp_path / "plain").mkdir()
    make_corpus(tmp_path / "plain", training_pairs=300)
    named = tmp_path / "named"
    named.mkdir()
    for split in ("train", "validation", "test"):
        for side, language in (("xx", "en"), ("yy", "pt-BR")):
            text = tmp_path / "plain" / f"{split.replace('test', 'validation')}.{side}"
            (named / f"{split}.{language}").write_bytes(text.read_bytes())
    return named


def test_the_file_trains_as_it_is_and_no_file_is_overwritten(call, folder, tmp_path):
    path = tmp_path / "mine.yaml"
    files = ("--source", folder / "train.en", "--target", folder / "train.pt-BR")
    done = call("init", *files, "--minutes", "2", "--output", path)
    assert (done.code, done.out) == (0, b""), done.err
    assert f"nmt train {path}" in done.err
    config = load_config(str(path))
    assert (config.name, config.data.source_language, config.data.target_language) == ("mine", "en", "pt-BR")
    assert config.data.validation.source == (str(folder / "validation.en"),)
    assert config.data.test.target == (str(folder / "test.pt-BR"),)
    assert (config.training.max_minutes, config.training.schedule) == (2.0, "cosine")
    again = call("init", *files, "--output", path)
    assert again.code == 2 and "is there already" in again.err
    assert load_config(str(path)) == config


def test_without_an_output_the_file_is_the_result(call, folder):
    done = call("init", "--no-trial", "--source", folder / "train.en", "--target", folder / "train.pt-BR", "--quiet")
    assert (done.code, done.err) == (0, "")
    assert done.lines[0].startswith("# Chosen for ")
    assert any(line.startswith("  max_minutes: 5.0") for line in done.lines)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("plain/train.xx", "plain/train"), "--target-language: the ending of plain/train tells no language"),
        (("plain/train.txt", "plain/train.yy"), "--source-language: the ending of plain/train.txt tells no language"),
        (("other.en", "other.fr"), "--validation-source: no validation files lie beside the training files"),
        (("a.en", "a.fr", "--validation-source", "b.en"), "--validation-target belong together"),
    ],
)
def test_what_the_names_do_not_tell_is_asked_for(call, folder, monkeypatch, arguments, expected):
    monkeypatch.chdir(folder.parent)
    done = call("init", "--source", arguments[0], "--target", *arguments[1:])
    assert done.code == 2 and expected in done.err


def test_a_corpus_with_nothing_to_learn_from_is_bad_data(call, folder):
    (folder / "train.en").write_text("\n" * 300)
    done = call("init", "--source", folder / "train.en", "--target", folder / "train.pt-BR", "--quiet")
    assert done.code == 65 and "nothing" in done.err


def test_a_missing_file_is_66(call, folder):
    done = call("init", "--source", folder / "train.de", "--target", folder / "train.pt-BR", "--validation-source",
                folder / "test.en", "--validation-target", folder / "test.pt-BR")  # fmt: skip
    assert done.code == 66 and "no such file" in done.err
