"""Promise 1: data runs no code.

The readers that could make it do so are not used anywhere, and hostile files do nothing but end the program.
"""

from __future__ import annotations

import ast
import io
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import nmt
from nmt.checkpoint.layout import CONFIG, MANIFEST, OPTIMIZER, SHARED_TOKENIZER, SHORTLIST, STATE, WEIGHTS
from program import Finished, environment
from sealing import put

# What makes objects or runs code of what it reads; and what starts programs, as nothing here has need to.
MODULES = {
    *("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"),
    *("subprocess", "runpy", "code", "codeop", "pty", "torch.package", "torch.hub"),
}
NAMES = {
    *("eval", "exec", "compile", "__import__", "builtins.eval", "builtins.exec", "builtins.compile"),
    *("torch.load", "torch.jit.load", "torch.export.load", "torch.serialization.load", "torch.ops.load_library"),
    *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.full_load_all", "yaml.unsafe_load", "yaml.unsafe_load_all"),
    *("os.system", "os.popen", "os.startfile", "os.posix_spawn", "os.posix_spawnp"),
    *(f"os.{kind}{how}" for kind in ("exec", "spawn") for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    *("importlib.util.spec_from_file_location", "importlib.machinery.SourceFileLoader", "pandas.read_pickle"),
}
LOADERS = {"UnsafeLoader", "FullLoader", "CFullLoader", "CUnsafeLoader", "UnsafeConstructor", "FullConstructor"}


def offences(source: str) -> Iterator[str]:
    """What of these a module uses, under whatever name it has there."""
    tree = ast.parse(source)
    meant: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                bound = {name: name for name in (alias.name.partition(".")[0] for alias in aliases)}
                meant |= bound | {alias.asname: alias.name for alias in aliases if alias.asname}
                yield from (alias.name for alias in aliases if is_of(alias.name))
            case ast.ImportFrom(module=str(module), names=aliases):
                meant |= {alias.asname or alias.name: f"{module}.{alias.name}" for alias in aliases}
                yield from (f"{module}.{alias.name}" for alias in aliases if is_of(f"{module}.{alias.name}"))
                yield from (f"{module}.*" for alias in aliases if alias.name == "*")
    for node in ast.walk(tree):
        match node:
            case ast.Name() | ast.Attribute():
                first, dot, rest = ast.unparse(node).partition(".")
                name = meant.get(first, first) + dot + rest
                if name in NAMES or (first in meant and is_of(name)) or name.rpartition(".")[2] in LOADERS:
                    yield name
            case ast.keyword(arg="allow_pickle", value=value) if ast.unparse(value) != "False":
                yield "allow_pickle"


def is_of(name: str) -> bool:
    """Whether it is one of the modules, or in one."""
    return any(name == module or name.startswith(f"{module}.") for module in MODULES)


# It calls a compiler with the program's own source, and reads nothing that somebody else wrote.
COMPILES = Path(nmt.__path__[0], "model", "kernels", "native", "library.py")


@pytest.mark.promise(1, gate=1, full=1)
def test_promise_01_no_reader_that_runs_code_is_used() -> None:
    (package,) = nmt.__path__
    found = [
        f"{path}: {offence}"
        for path in sorted(Path(package).rglob("*.py"))
        if path != COMPILES
        for offence in offences(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import os, dill.source",
        "from pickle import loads",
        "from torch import load\nload(path)",
        "from torch import load as read\nread(path)",
        "import torch as t\nt.load(path)",
        "read = torch.load",
        "torch.jit.load(path)",
        "from torch import jit\njit.load(path)",
        "from torch import *",
        "import runpy",
        "import subprocess as s",
        "os.system(text)",
        "os.execvp(name, [name])",
        "torch.load(path, weights_only=True)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=trusted)",
        "yaml.load(text, Loader=yaml.SafeLoader)",
        "yaml.unsafe_load(text)",
        "class Loader(yaml.FullLoader): ...",
        "def f(): return eval(text)",
        "exec(text)",
    ],
)
def test_each_of_them_would_be_found(source: str) -> None:
    assert list(offences(source))


@pytest.mark.parametrize(
    "source",
    ["model.eval()", "re.compile(x)", "torch.compile(f)", "np.load(p, allow_pickle=False)", "yaml.safe_load(t)"],
)
def test_what_runs_nothing_is_allowed(source: str) -> None:
    assert not list(offences(source))


class Booby:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.target, "ran"))


def pickled(target: Path) -> bytes:
    return pickle.dumps(Booby(target))


def archived(target: Path) -> bytes:
    """What `torch.save` writes today: a zip file with a pickle in it."""
    buffer = io.BytesIO()
    torch.save({"weight": Booby(target)}, buffer)
    return buffer.getvalue()


def archived_once(target: Path) -> bytes:
    """What `torch.save` wrote before that: some pickles one after the other."""
    buffer = io.BytesIO()
    torch.save({"weight": Booby(target)}, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def array(target: Path) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Booby(target)], dtype=object))
    return buffer.getvalue()


def arrays(target: Path) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, weight=np.array([Booby(target)], dtype=object))
    return buffer.getvalue()


def program(target: Path) -> bytes:
    return f"__import__('pathlib').Path({str(target)!r}).write_text('ran')\n".encode()


def tagged(tag: str, arguments: str) -> Callable[[Path], bytes]:
    """A configuration in which a tag of YAML asks for a call."""
    return lambda target: f"name: !!python/{tag} {arguments.format(target)}\n".encode()


# What a loader might open, what it holds, and the words by which it is refused. The first are files of a model.
HOSTILE: list[tuple[str, Callable[[Path], bytes]]] = [
    (WEIGHTS, pickled),
    (WEIGHTS, archived),
    (WEIGHTS, archived_once),
    (WEIGHTS, array),
    (WEIGHTS, arrays),
    (WEIGHTS, lambda target: (1 << 16).to_bytes(8, "little") + pickled(target).ljust(1 << 16)),
    (SHORTLIST, pickled),
    (SHARED_TOKENIZER, pickled),
    (SHARED_TOKENIZER, archived),
    (MANIFEST, pickled),
    (MANIFEST, program),
    (CONFIG, pickled),
    (CONFIG, program),
    (CONFIG, tagged("object/apply:os.system", "['touch {}']")),
    (CONFIG, tagged("object/new:subprocess.Popen", "[[touch, {}]]")),
    (CONFIG, tagged("object/apply:builtins.exec", "[\"open('{}', 'w')\"]")),
]
OF_TRAINING: list[tuple[str, Callable[[Path], bytes]]] = [
    (OPTIMIZER, pickled),
    (OPTIMIZER, archived),
    (STATE, pickled),
    (STATE, program),
]
# What does not belong to a model, and is not opened.
FOREIGN: list[tuple[str, Callable[[Path], bytes]]] = [
    ("__init__.py", program),
    ("conftest.py", program),
    ("sitecustomize.py", program),
    ("torch.py", program),
    ("yaml.py", program),
    ("model.pt", archived),
    ("pytorch_model.bin", archived),
    ("checkpoint.pkl", pickled),
]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "ran"


@pytest.fixture
def run(model: Path, tmp_path: Path) -> Path:
    """A run with a single checkpoint, to be written to."""
    return shutil.copytree(model, tmp_path / "run")


@pytest.mark.parametrize("payload", [pickled, archived, archived_once, array, arrays, program])
def test_the_payloads_do_run_where_they_are_let(payload: Callable[[Path], bytes], target: Path) -> None:
    data = payload(target)
    if payload is program:
        exec(data)
    elif payload in (array, arrays):
        loaded = np.load(io.BytesIO(data), allow_pickle=True)
        assert loaded["weight" if payload is arrays else 0] is not None
    elif payload is pickled:
        pickle.loads(data)  # noqa: S301
    else:
        torch.load(io.BytesIO(data), weights_only=False)
    assert target.read_text() == "ran"


@pytest.mark.promise(1, gate=20, full=20)
def test_promise_01_a_hostile_file_does_nothing(proof, process, forked, run, configuration, target) -> None:
    """In the gate, all but one of the commands are children of a process that has loaded the program."""
    [checkpoint] = (run / "checkpoints").iterdir()
    whole = {path: path.read_bytes() for path in checkpoint.iterdir()}
    chosen = proof.generator.randrange(len(HOSTILE))
    for number, (name, payload) in enumerate(HOSTILE + OF_TRAINING):
        call = process if proof.full or number == chosen else forked
        command = ["translate", checkpoint] if number < len(HOSTILE) else ["train", configuration, "--output", run]
        for path in list(checkpoint.iterdir()):
            path.unlink()
        for path, data in whole.items():
            path.write_bytes(data)
        if name == MANIFEST:
            (checkpoint / MANIFEST).write_bytes(payload(target))
        else:
            put(checkpoint, name, payload(target))
        target.unlink(missing_ok=True)  # the case before this one may have failed
        with proof.case(f"{number}, {name}"):
            done: Finished = call(*command, stdin=b"ba\n")
            assert (done.code, done.out) == (4, b""), done
            assert done.errors and all(f"{checkpoint / name}:" in error for error in done.errors), done
            assert not target.exists()


@pytest.mark.promise(1, gate=2, full=2)
def test_promise_01_foreign_files_are_not_opened(proof, run, target) -> None:
    """Also where the command runs in the model's own directory."""
    [checkpoint] = (run / "checkpoints").iterdir()
    for name, payload in FOREIGN:
        (checkpoint / name).write_bytes(payload(target))
    script = Path(sys.executable).with_name("nmt")
    command = [script] if script.exists() else [sys.executable, "-P", "-m", "nmt"]
    for arguments, code in ((["translate", "."], 0), (["info", "--verify", "."], 4)):
        done = subprocess.run(
            [*command, *arguments], input=b"ba\n", cwd=checkpoint, env=environment(), capture_output=True, timeout=120
        )
        with proof.case(arguments[0]):
            assert done.returncode == code, done
            assert [line.split(b": ")[2] for line in done.stderr.splitlines()] == (
                sorted(os.fsencode(name) for name, _ in FOREIGN) if code else []
            )
            assert not target.exists()
