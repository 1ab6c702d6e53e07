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
    assert f"nmt train {path}" in done.err and "network: about " in done.err and "no test set" not in done.err
    config = load_config(str(path))
    assert (config.name, config.data.source_language, config.data.target_language) == ("mine", "en", "pt-BR")
    assert config.data.validation[0].source == (str(folder / "validation.en"),)
    assert config.data.test.target == (str(folder / "test.pt-BR"),)
    assert (config.training.max_minutes, config.training.schedule) == (2.0, "cosine")
    again = call("init", *files, "--output", path)
    assert again.code == 2 and "is there already" in again.err
    assert load_config(str(path)) == config


def test_without_an_output_the_file_is_the_result(call, folder):
    done = call("init", "--no-trial", "--source", folder / "train.en", "--target", folder / "train.pt-BR", "--quiet")
    assert done.code == 0 and "300 training pairs are too few" in done.err and done.err.count("\n") == 1
    assert done.lines[0].startswith("# Chosen for 300 training pairs")
    assert any(line.startswith("  max_minutes: 5.0") for line in done.lines)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("plain/train.xx", "plain/train"), "--target-language: the ending of plain/train tells no language"),
        (("plain/train.txt", "plain/train.yy"), "--source-language: the ending of plain/train.txt tells no language"),
        (("other.en", "other.fr"), "--validation-source: no validation files lie beside the training files"),
        (("a.en", "a.fr", "--validation-source", "b.en"), "--validation-target belong together"),
        (("a.en", "a.fr", "--source-language", "English"), "is the name of a language; expected its code, en"),
        (("a.tsv", "a.tsv"), "a.tsv: is a table, by its name; use nmt prepare a.tsv"),
        (("a.en", "a.en"), "a.en: is source and target"),
    ],
)
def test_what_the_names_do_not_tell_is_asked_for(call, folder, monkeypatch, arguments, expected):
    monkeypatch.chdir(folder.parent)
    for name in ("plain/train", "plain/train.txt", "other.en", "other.fr", "a.en", "a.fr", "b.en", "a.tsv"):
        Path(name).touch()
    done = call("init", "--source", arguments[0], "--target", *arguments[1:])
    assert done.code == 2 and expected in done.err


def test_a_corpus_with_nothing_to_learn_from_is_bad_data(call, folder):
    (folder / "train.en").write_text("\n" * 300)
    done = call("init", "--source", folder / "train.en", "--target", folder / "train.pt-BR", "--quiet")
    assert done.code == 65 and "nothing" in done.err


def test_sides_that_are_the_other_way_round_are_warned_of(call, folder):
    for name, line in (("train.en", "der und die ist nicht das Haus"), ("train.pt-BR", "the and of was this house")):
        (folder / name).write_text(f"{line} x\n" * 300)
    (folder / "test.en").unlink()
    files = ("--source", folder / "train.en", "--target", folder / "train.pt-BR", "--target-language", "de")
    done = call("init", "--no-trial", *files)
    assert done.code == 0 and "the sides seem to be swapped" in done.err and "no test set" in done.err


def test_a_missing_file_is_66(call, folder):
    for name in ("nope.en", "train.de"):
        done = call("init", "--source", folder / "train.en", "--target", folder / name)
        assert done.code == 66 and f"{name}: no such file" in done.err
    done = call("init", "--source", folder / "train.de", "--target", folder / "train.pt-BR", "--validation-source",
                folder / "test.en", "--validation-target", folder / "test.pt-BR")  # fmt: skip
    assert done.code == 66 and "no such file" in done.err
