"""`nmt check`: what it prints, how it ends, and that it leaves nothing behind."""

import json
import os
import shutil
import signal
import time

import pytest

from nmt.io.locks import RunLock


@pytest.fixture
def clean(make_corpus, make_configuration, tmp_path):
    """A configuration in which there is nothing to find."""
    data = tmp_path / "data"
    make_corpus(data, training_pairs=600)
    for side in ("xx", "yy"):
        lines = (data / f"train.{side}").read_text().splitlines(keepends=True)
        (data / f"train.{side}").write_text("".join(lines[:450]))
        (data / f"validation.{side}").write_text("".join(lines[450:]))
    path = tmp_path / "clean.yaml"
    path.write_text(
        make_configuration(data)
        .replace("vocabulary_size: 300", "vocabulary_size: 290")
        .replace("max_steps: 30", "max_steps: 1000")
        .replace(f"test: {{source: {data}", "test: null #")
    )
    return path


def test_a_clean_configuration_is_said_to_be_clean(call, clean, tmp_path):
    done = call("check", clean, "--output", tmp_path / "run")
    assert done.code == 0, done.lines
    assert done.lines[-1] == "nothing found that would make training fail or disappoint"
    assert {"files", "training"} <= set(done.lines) and "Traceback" not in done.err
    assert any("s an update" in line for line in done.lines)
    assert not (tmp_path / "run").exists()
    quiet = call("check", clean, "--quiet", "--no-trial", "--output", tmp_path / "run")
    assert (quiet.code, quiet.out, quiet.err) == (0, b"", "")


def test_json_is_one_object_with_all_that_was_found(call, clean, tmp_path):
    (clean.parent / "data" / "train.yy").unlink()
    done = call("check", clean, "--format", "json", "--no-trial", "--output", tmp_path / "run")
    [line] = done.lines
    value = json.loads(line)
    assert value.keys() == {"exit_code", "findings", "expected"}
    assert done.code == value["exit_code"] == 66
    [error] = [finding for finding in value["findings"] if finding["severity"] == "error"]
    assert error == {
        "severity": "error", "group": "files", "kind": "unreadable", "exit_code": 66, "advice": "",
        "where": str(clean.parent / "data" / "train.yy"), "what": "no such file",
    }  # fmt: skip


def test_findings_are_grouped_each_with_what_to_do(call, clean, tmp_path):
    path = clean.parent / "data" / "train.yy"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([b"\xff", *lines[1:]]))
    done = call("check", clean, "--no-trial", "--quiet", "--output", tmp_path / "run")
    assert done.code == 0
    assert done.lines[0] == "text" and done.lines[1].startswith(f"  warning {path}:1: 1 of 450 (0.2 %) lines hold")
    assert done.lines[2].startswith("    → ") and done.lines[3:] == ["no errors and 1 warning"]


@pytest.mark.parametrize("arguments", [("--set", "model.atention=dot"), ("--format", "xml"), ("--threads", "0")])
def test_mistakes_of_configuration_and_options_are_2_as_for_training(arguments, call, clean):
    done = call("check", clean, *arguments)
    assert (done.code, done.out) == (2, b"") and done.err


def test_the_exit_code_is_that_of_training(call, clean, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    arguments = (clean, "--output", run, "--set", f"data.train.target={clean.parent}/data/validation.yy")
    with RunLock(run):
        checked, trained = call("check", *arguments, "--no-trial"), call("train", *arguments)
    assert checked.code == trained.code == 75
    checked, trained = call("check", *arguments, "--no-trial"), call("train", *arguments)
    assert checked.code == trained.code == 65
    for error in trained.errors:
        assert error.removeprefix("nmt: error: ") in checked.out.decode()


def test_a_run_that_was_begun_is_gone_on_with(call, configuration, model, data, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(model, run)
    files = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    text = (data / "train.xx").read_text()

    def check(*arguments):
        done = call("check", configuration, "--output", run, "--no-trial", "--format", "json", *arguments)
        assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == files
        return done.code, {finding["kind"] for finding in json.loads(done.out)["findings"]}

    assert check("--set", "training.max_steps=15") == (0, {"finished"})
    told = call("check", configuration, "--output", run, "--no-trial", "--set", "training.max_steps=15")
    assert told.lines[-2:] == [
        "    → --set training.max_steps=30 goes on, --restart begins anew",
        "nothing to check: the training is finished",
    ]
    code, kinds = check()
    assert code == 0 and "goes_on" in kinds
    code, kinds = check("--set", "model.dropout=0.5")
    assert code == 2 and "run_differs" in kinds
    code, kinds = check("--set", "model.dropout=0.5", "--restart")
    assert code == 0 and "run_differs" not in kinds
    try:
        (data / "train.xx").write_text(text.replace("ba", "bu"))
        code, kinds = check()
        trained = call("train", configuration, "--output", run)
    finally:
        (data / "train.xx").write_text(text)
    assert code == trained.code == 65 and "corpus_changed" in kinds


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_behind(number, start_forked, clean, tmp_path, user_environment):
    folder = tmp_path / "temporary"
    folder.mkdir()
    environment = user_environment(TMPDIR=str(folder))
    with start_forked("check", clean, "--output", tmp_path / "run", env=environment) as running:
        until = time.monotonic() + 60
        while not any(path.name == "longest" for path in folder.rglob("*")) and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(running.pid, number)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 128 + number, err
    assert b"Traceback" not in err and not list(folder.iterdir()) and not (tmp_path / "run").exists()
