"""Which directories a training takes, and what it finds there that it must not touch."""

from __future__ import annotations

from pathlib import Path

import pytest

from nmt.checkpoint.layout import CORPUS, FINGERPRINT, TOKENIZER
from nmt.checkpoint.ownership import own_run_directory
from nmt.config import Config
from nmt.corpus.store import DESCRIPTION
from nmt.errors import ConfigError
from system_files import SYSTEM_FILES


def configuration(train: str = "train", **tokenizer: object) -> Config:
    files = {"source": f"{train}.xx", "target": f"{train}.yy"}
    validation = {"source": "validation.xx", "target": "validation.yy"}
    data = {"source_language": "xx", "target_language": "yy", "train": files, "validation": validation}
    return Config.model_validate({"data": data, "tokenizer": tokenizer})


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("of the user")


def test_a_missing_or_empty_directory_is_taken(tmp_path: Path) -> None:
    for _ in range(2):
        with own_run_directory(configuration(), tmp_path / "runs" / "new"):
            assert (tmp_path / "runs" / "new" / ".lock").exists()


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (["corpus/train.xx", "corpus/train.yy"], ["corpus"]),
        (["tokenizer/own.model"], ["tokenizer"]),
        (["config.yaml"], ["config.yaml"]),
        (["metrics.jsonl", "best"], ["best", "metrics.jsonl"]),
        (["checkpoints/model.pt", "tensorboard/events"], ["checkpoints", "tensorboard"]),
        (["manifest.json", "config.yaml", "model.safetensors"], ["", "config.yaml"]),
        # In a run, too, these two folders have to be ours.
        ([".lock", "corpus/train.xx"], ["corpus"]),
        ([f"corpus/{DESCRIPTION}", "tokenizer/own.model"], ["tokenizer"]),
    ],
)
def test_what_no_training_wrote_is_named_and_left_alone(tmp_path: Path, found: list[str], named: list[str]) -> None:
    write(tmp_path, *found)
    before = content(tmp_path)
    with pytest.raises(ConfigError) as caught, own_run_directory(configuration(), tmp_path):
        pass
    assert [problem.where for problem in caught.value.problems] == [str(tmp_path / name) for name in named]
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    "found",
    [
        [".lock", "config.yaml", "train.log"],
        [f"{TOKENIZER}/{FINGERPRINT}", "config.yaml"],
        [f"{CORPUS}/{DESCRIPTION}", "metrics.jsonl"],
        ["checkpoints/step-00000001/manifest.json", "best", "last"],
        ["train.log", "notes.txt", "my.yaml"],
    ],
)
def test_a_run_is_taken_again_however_far_it_came(tmp_path: Path, found: list[str]) -> None:
    write(tmp_path, *found)
    with own_run_directory(configuration(), tmp_path):
        pass


def test_text_that_lies_where_training_writes_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "run/.lock", f"run/corpus/{DESCRIPTION}", "run/corpus/train.xx", "run/corpus/train.yy")
    (tmp_path / "link").symlink_to(tmp_path / "run" / "corpus")
    own = "run/checkpoints/step-00000001/shared.model"
    with (
        pytest.raises(ConfigError) as caught,
        own_run_directory(configuration("link/train", source_model=own), Path("run")),
    ):
        pass
    assert [problem.where for problem in caught.value.problems] == ["link/train.xx", "link/train.yy", own]
    with own_run_directory(configuration("train", source_model="other/shared.model"), Path("run")):
        pass


@pytest.mark.parametrize("found", [["train.xx", "train.yy"], [".git/HEAD"], ["my.yaml"]])
def test_a_folder_of_something_else_is_no_run(tmp_path: Path, found: list[str]) -> None:
    write(tmp_path, *found)
    before = content(tmp_path)
    told = pytest.raises(ConfigError, match="no run of a training, and not empty")
    with told, own_run_directory(configuration(), tmp_path):
        pass
    assert content(tmp_path) == before


@pytest.mark.parametrize("name", ["/", "~", "/usr/.."])
def test_root_and_home_are_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    told = pytest.raises(ConfigError, match="the root or the home folder")
    with told, own_run_directory(configuration(), Path(name).expanduser()):
        pass
    assert not list(tmp_path.iterdir())


def test_what_a_desktop_left_is_nobodys(tmp_path: Path) -> None:
    write(tmp_path, *SYSTEM_FILES)
    with own_run_directory(configuration(), tmp_path):
        pass
