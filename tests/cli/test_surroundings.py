"""Where people sit: folders that are gone, homes, locales, and what is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nmt
from nmt import Translator, train
from nmt.cli.logs import with_bytes_shown
from nmt.config import load_config
from nmt.errors import ConfigError
from nmt.libraries import how_to_install

CLONE = Path(nmt.__file__).parents[1]


@pytest.mark.parametrize("arguments", [("train", "x.yaml"), ("translate", "m"), ("info", "m"), ("attend", "m", "a")])
def test_a_working_directory_that_was_deleted_is_66(arguments, call, tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    done = call(*arguments)
    monkeypatch.chdir(tmp_path)
    assert done.code == 66 and "the working directory: is not there any more" in done.errors[0]


def test_a_tilde_is_the_home_folder(call, model, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "m").symlink_to(model)
    (tmp_path / "in").write_text("ba ce\n")
    done = call("translate", "~/m", "--input=~/in", "--output=~/out")
    assert done.code == 0, done.err
    assert (tmp_path / "out").read_text().count("\n") == 1


def test_a_tilde_in_a_configuration_is_the_home_folder(configuration, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    given = ["data.train.source=['~/a', b]", "data.train.target=['~/b', ./~c]"]
    (train,) = load_config(str(configuration), given).data.train
    assert (train.source, train.target) == ((f"{tmp_path}/a", "b"), (f"{tmp_path}/b", "./~c"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "~/x"),
        ("check", "~/x"),
        ("info", "~/x"),
        ("eval", "~/x"),
        ("compare", "~/x", "~/y"),
        ("shortlist", "~/x"),
        ("prepare", "~/x.tsv", "--output=out", "--source-language=a", "--target-language=b"),
        ("init", "--source=~/x", "--target=~/y"),
        ("eval", "--hyp=~/x", "--ref=~/y"),
    ],
)
def test_every_command_expands_a_tilde(arguments, call, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    done = call(*arguments)
    assert done.code and f"{tmp_path}/home/" in done.err and "~" not in done.err


def test_python_expands_a_tilde(configuration, model, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").symlink_to(model)
    (tmp_path / "my.yaml").symlink_to(configuration)
    train(load_config("~/my.yaml", ["training.max_steps=1"]), Path("~/run"))
    assert {path.name for path in tmp_path.iterdir()} >= {"run", "model"}
    assert not (tmp_path / "~").exists()
    for path in ("~/model", Path("~") / "run"):
        assert Translator.load(path).translate(["ba"])[0].source == "ba"
    with pytest.raises(ConfigError, match="the root or the home folder"):
        train(load_config("~/my.yaml"), "~")


@pytest.mark.parametrize("written", ["", " "])
def test_an_empty_value_is_no_null(configuration, written):
    with pytest.raises(ConfigError, match=r"training\.max_steps: expected a value, got nothing; null is written null"):
        load_config(str(configuration), [f"training.max_steps={written}"])
    assert load_config(str(configuration), ["training.max_minutes=null"]).training.max_minutes is None


def test_a_path_is_told_as_it_is_whatever_the_locale(user_environment, tmp_path):
    environment = user_environment(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    program = [sys.executable, "-m", "nmt", "train", os.fsencode(tmp_path / "für.yaml")]
    done = subprocess.run(program, env=environment, capture_output=True, check=False)
    assert done.returncode == 2 and "für.yaml: no such file" in done.stderr.decode()


@pytest.mark.skipif(not (CLONE / ".git").exists(), reason="this is no clone")
def test_corpora_and_configurations_of_ones_own_do_not_show_up_in_git():
    names = [
        "my.yaml",
        "deu-eng.zip",
        "fra.tsv",
        "en-fr.tmx",
        "en-fr.tgz",
        "runs/mine/config.yaml",
        "data/mine/train.en",
    ]
    asked = ["git", "check-ignore", "--no-index", *names, "mkdocs.yml", "configs/my.yaml"]
    done = subprocess.run(asked, cwd=CLONE, capture_output=True, text=True, check=False)
    assert done.stdout.split() == names


def test_bytes_that_are_no_text_are_escaped():
    assert with_bytes_shown("f\udcc3\udcbcr \udcff") == "für \\xff"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (f'{{"url": "file://{CLONE}", "dir_info": {{"editable": true}}}}', f"--editable '{CLONE}[plot]'"),
        (f'{{"url": "file://{CLONE}", "dir_info": {{}}}}', f"'{CLONE}[plot]'"),
        ('{"url": "file:///tmp/x.whl", "archive_info": {}}', "'nmt-attention[plot] @ file:///tmp/x.whl'"),
        (
            '{"url": "https://example.org/nmt", "vcs_info": {"vcs": "git", "commit_id": "0"}}',
            "'nmt-attention[plot] @ git+https://example.org/nmt'",
        ),
        (None, "'nmt-attention[plot]'"),
    ],
)
def test_what_to_install_is_said_for_how_it_was_installed(record, expected, monkeypatch):
    class Installed:
        def read_text(self, _name):
            return record

    monkeypatch.setattr("nmt.libraries._installed", Installed)
    assert how_to_install("plot").endswith(f"pip install {expected}")


def test_without_an_installation_the_clone_is_installed(monkeypatch):
    monkeypatch.setattr("nmt.libraries._installed", lambda: None)
    assert f"pip install --editable '{CLONE}[plot]'" in how_to_install("plot")


def test_the_package_is_found_where_the_clone_lies(tmp_path):
    # As `pip install --editable` does by `package-dir`: a path behind the current folder, whose `nmt/` is the clone.
    (tmp_path / "nmt").mkdir()
    assert 'package-dir = {"" = "."}' in (CLONE / "pyproject.toml").read_text()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "editable.pth").write_text(f"{CLONE}\n")
    program = f"import site; site.addsitedir({str(tmp_path / 'site')!r}); import nmt; print(nmt.__file__)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    call = [sys.executable, "-S", "-c", program]
    done = subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == nmt.__file__


@pytest.mark.slow
def test_an_editable_installation_is_found_where_the_clone_lies(tmp_path):
    clone = tmp_path / "nmt"
    clone.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "nmt"):
        (clone / name).symlink_to(CLONE / name)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--editable", clone]
    subprocess.run(install, check=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    call = [python, "-c", "import nmt; assert nmt.__file__, nmt"]
    subprocess.run(call, cwd=tmp_path, check=True, env=environment)
