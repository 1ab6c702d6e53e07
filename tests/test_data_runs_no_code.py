"""Nothing that the program reads may run code: the readers that could make it do so are not used anywhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import nmt

MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "torch.load",
    "yaml.load",
    "yaml.load_all",
    "yaml.full_load",
    "yaml.full_load_all",
    "yaml.unsafe_load",
    "yaml.unsafe_load_all",
}
NAMES = {"UnsafeLoader", "FullLoader", "CFullLoader", "CUnsafeLoader", "UnsafeConstructor", "FullConstructor"}


def offences(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases if alias.name.partition(".")[0] in MODULES)
            case ast.ImportFrom(module=str(module), names=aliases):
                yield from (module for _ in range(module.partition(".")[0] in MODULES))
                imported = {f"{module}.{alias.name}" for alias in aliases}
                yield from imported & CALLS
            case ast.Call(func=function) if ast.unparse(function) in CALLS:
                yield ast.unparse(function)
            case ast.keyword(arg="allow_pickle", value=value) if ast.unparse(value) != "False":
                yield "allow_pickle"
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in NAMES:
                yield name


def test_no_reader_that_runs_code_is_used() -> None:
    (package,) = nmt.__path__
    found = [
        f"{path}: {offence}"
        for path in sorted(Path(package).rglob("*.py"))
        for offence in offences(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import os, dill.source",
        "from pickle import loads",
        "from torch import load",
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
