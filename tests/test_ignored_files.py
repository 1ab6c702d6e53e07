"""Files of one's own in the clone do not show in `git status`, and no file of the project is ignored."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

OF_USERS = (
    *("my.yaml", "mine.yml", "deu-eng.zip", "en-fr.tgz", "corpus.tar.gz", "memory.tmx", "pairs.tsv", "train.en.gz"),
    *("corpus.xz", "corpus.bz2", "corpus.zst", "opus.tar", "train.parquet"),
    *(
        "data/mine/train.en",
        "data/tatoeba/config.yaml",
        "data/deu-eng.zip",
        "runs/mine/train.log",
        "my-corpus/train.en",
    ),
    *(".venv/bin/python", "nmt/io/__pycache__/lines.cpython-311.pyc", "nmt_attention.egg-info/PKG-INFO"),
)


def test_files_of_users_are_ignored(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".gitignore", tmp_path)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    told = subprocess.run(["git", "check-ignore", *OF_USERS], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.stdout.splitlines() == list(OF_USERS)


def test_no_file_of_the_project_is_ignored() -> None:
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if told.returncode:
        pytest.skip("needs a clone")
    assert told.stdout == ""
