"""Promise 20: a model opens no file outside itself, whatever its manifest, its configuration and its links say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import nmt
from nmt.checkpoint.layout import CARD, CONFIG, MANIFEST, SHARED_TOKENIZER, WEIGHTS
from nmt.config import from_yaml
from program import environment
from sealing import put, record, reseal
from watching import watching

LINES = b"ba ce di\n"

PACKAGE = Path(nmt.__file__).parent.resolve()
# Where Python, its packages and the system lie.
LIBRARY = [
    *{Path(path).resolve() for path in (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values())},
    PACKAGE,
    *PACKAGE.parent.glob("*.egg-info"),  # by which Python knows an editable installation
    *map(Path, ("/dev", "/proc", "/sys", "/usr", "/etc", "/lib", "/lib64")),
]


@pytest.fixture
def exported(call, model, tmp_path):
    directory = tmp_path / "exported"
    assert call("export", model, directory).code == 0
    return directory


@pytest.fixture
def outside(exported, tmp_path):
    """A whole copy of the model elsewhere, which it may be tempted to read."""
    return shutil.copytree(exported, tmp_path / "outside")


def assert_refused(forked, model: Path, where: Path, reason: str) -> None:
    for command in (["translate"], ["info", "--verify"]):
        done = forked(*command, model, stdin=LINES)
        assert done.code == 4 and done.errors, done
        assert command == ["info", "--verify"] or done.out == b"", done
        assert any(error.startswith(f"nmt: error: {where}: ") and reason in error for error in done.errors), done


NAMES = [
    "../outside/model.safetensors",
    "../../{above.name}/outside/model.safetensors",
    "{above}/outside/model.safetensors",
    "//{above}/outside/model.safetensors",
    "./model.safetensors",
    "model.safetensors/../../outside/model.safetensors",
    "link/model.safetensors",
    "model.safetensors\0",
    "file://{above}/outside/model.safetensors",
    "~/model.safetensors",
    "..",
    "/etc/passwd",
    "/dev/stdin",
]


@pytest.mark.promise(20, gate=26, full=26)
def test_promise_20_no_other_name_is_taken_from_a_manifest(proof, forked, exported, outside):
    """Neither in place of a file's name nor beside it."""
    (exported / "link").symlink_to(outside)
    original = (exported / MANIFEST).read_bytes()
    weights = record((outside / WEIGHTS).read_bytes())
    for name in (name.format(above=outside.parent) for name in NAMES):
        for instead in (True, False):
            (exported / MANIFEST).write_bytes(original)
            with watching([*outside.iterdir()]) as watch, proof.case(f"{name!r}, {instead}"):
                reseal(exported, lambda document: document["files"].update({name: weights}))  # noqa: B023
                if instead:
                    reseal(exported, lambda document: document["files"].pop(WEIGHTS))
                assert_refused(forked, exported, exported / MANIFEST, "not a file of a model")
                assert watch.opened() == set()


@pytest.mark.promise(20, gate=8, full=8)
def test_promise_20_no_link_is_followed(proof, forked, exported, outside):
    """Though what it leads to is the very file that is missing."""
    for name in sorted({path.name for path in exported.iterdir()} - {CARD}):  # which nobody opens
        for leading_to in (outside / name, Path("..") / outside.name / name):
            whole = (exported / name).read_bytes()
            (exported / name).unlink()
            (exported / name).symlink_to(leading_to)
            with watching([*outside.iterdir()]) as watch, proof.case(f"{name} -> {leading_to}"):
                assert_refused(forked, exported, exported / name, "a link")
                assert watch.opened() == set()
            (exported / name).unlink()
            (exported / name).write_bytes(whole)


@pytest.mark.promise(20, gate=3, full=3)
def test_promise_20_no_linked_folder_of_a_run_is_followed(proof, forked, model, tmp_path):
    name = (model / "best").read_text().strip()
    for linked in ("checkpoints", f"checkpoints/{name}", "best"):
        run = shutil.copytree(model, tmp_path / f"run-{proof.tried}")
        outside = run.with_name(f"{run.name}-outside")
        (run / linked).rename(outside)
        (run / linked).symlink_to(outside)
        if linked == "best":
            (run / "last").unlink()
            shutil.rmtree(run / "checkpoints")
        canaries = [path for path in (outside, *outside.rglob("*")) if path.is_file()]
        with watching(canaries) as watch, proof.case(linked):
            for command in (["translate"], ["info"], ["info", "--verify"], ["export"]):
                done = forked(*command, run, *([tmp_path / "new"] if command == ["export"] else []), stdin=LINES)
                assert done.code == 4 and done.errors and "a link" in done.err, done
                assert done.out == b"" or command == ["info", "--verify"], done
                assert watch.opened() == set()


@pytest.mark.promise(20, gate=3, full=3)
def test_promise_20_what_a_configuration_remembers_is_not_opened(proof, forked, exported, tmp_path):
    """Of training data and tokenizers: translation does not even look whether they are there."""
    canary = tmp_path / "canary"
    canary.write_bytes((exported / SHARED_TOKENIZER).read_bytes())
    for name in (str(canary), f"{tmp_path}/../{tmp_path.name}/canary", os.path.relpath(canary)):
        tree = from_yaml((exported / CONFIG).read_bytes(), CONFIG).model_dump(mode="json")
        tree["tokenizer"]["source_model"] = name
        for part in ("train", "validation", "test"):
            tree["data"][part] = {"source": [name, "/etc/passwd"], "target": [name, name]}
        put(exported, CONFIG, json.dumps(tree).encode())
        with watching([canary, Path("/etc/passwd")]) as watch, proof.case(name):
            for command in (["translate"], ["attend"], ["info"], ["info", "--verify"], ["export"]):
                new = [tmp_path / f"new-{proof.tried}"] if command == ["export"] else []
                done = forked(*command, exported, *new, stdin=LINES, audit=True)
                assert done.code == 0 and canary not in watch.opened(), done
                assert not {os.path.realpath(path) for path in done.opened} & {str(canary), "/etc/passwd"}, done


# Starts the program and notes what Python opens, and what it lists.
AUDITED = """
import os, sys
descriptor = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT)
def note(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, bytes)):
        os.write(descriptor, os.fsencode(arguments[0]) + b"\\0")
sys.addaudithook(note)
from nmt.cli.main import main
main()
"""


@pytest.mark.promise(20, gate=3, full=3)
def test_promise_20_translation_opens_its_model_and_nothing_else(proof, forked, model, exported, tmp_path):
    checkpoint = model / "checkpoints" / (model / "best").read_text().strip()
    needed = {CONFIG, MANIFEST, SHARED_TOKENIZER, WEIGHTS}
    of_run = {model / name for name in ("best", "last", "checkpoints")}
    for path, expected in (
        (exported, {exported / name for name in needed}),
        (checkpoint, {checkpoint / name for name in needed}),
        (model, {checkpoint / name for name in needed} | of_run),
    ):
        if proof.full or path == model:
            command = [sys.executable, "-P", "-c", AUDITED, tmp_path / "opened", "translate", path]
            done = subprocess.run(command, input=LINES, capture_output=True, env=environment(), timeout=120)
            code, out, names = done.returncode, done.stdout, (tmp_path / "opened").read_bytes().split(b"\0")[:-1]
            (tmp_path / "opened").unlink()
        else:
            quick = forked("translate", path, stdin=LINES, audit=True)
            code, out, names = quick.code, quick.out, [*map(os.fsencode, quick.opened)]
        with proof.case(path):
            assert code == 0 and out.count(b"\n") == 1, (code, out)
            opened = {Path(os.fsdecode(name)).resolve() for name in names} - {PACKAGE.parent}
            others = {name for name in opened if not any(name.is_relative_to(place) for place in LIBRARY)}
            assert others == {name.resolve() for name in expected}
