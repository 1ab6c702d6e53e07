"""Claims about the rooms of `nmt`: imports point down only, the light rooms stay light, and names occur once."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nmt"
MODULES = sorted(PACKAGE.rglob("*.py"))

# From the ground up. A room imports from itself and from lower layers; rooms of one layer do not know each other.
LAYERS = [
    {"errors", "libraries"},
    {"model"},
    {"io"},
    {"device"},
    {"config"},
    {"tokenization", "build"},
    {"corpus"},
    {"search"},
    {"checkpoint"},
    {"translation"},
    {"alignment", "light"},
    {"evaluation", "postprocessing", "documents"},
    {"training", "visualization"},
    {"recipes"},
    {"preflight"},
    {"bulk", "preparation", "service"},
    {"cli"},
]
LEVEL = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}
AT_THE_ROOT = 6  # modules at most that have no room
BY_NAME = {"nmt/__init__.py"}  # the only file that imports modules by their names, when they are asked for


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> Iterator[str]:
    """The modules of nmt that a file imports, wherever in it, as far as they can be told by their names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "nmt":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if is_module(inner) else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "nmt")


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_every_room_has_its_layer() -> None:
    assert {room_of(path) for path in MODULES} - {"__init__", "__main__"} == set(LEVEL)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    for module in imported_modules(path):
        other = module.split(".")[1]
        assert other == room or LEVEL[other] < LEVEL[room], f"{room} imports {module}"


def test_no_circle_of_imports() -> None:
    imports = {module_of(path): set(imported_modules(path)) - {module_of(path)} for path in MODULES}
    while imports:
        leaves = [module for module, others in imports.items() if not others & imports.keys()]
        assert leaves, f"these import each other: {', '.join(sorted(imports))}"
        for module in leaves:
            del imports[module]


def test_the_kernels_know_nothing_above_them() -> None:
    for path in (PACKAGE / "model" / "kernels").glob("*.py"):
        for module in imported_modules(path):
            assert module.startswith("nmt.model.kernels"), f"{name_of(path)} imports {module}"


def test_only_few_modules_have_no_room() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= AT_THE_ROOT


def test_the_model_can_be_read_in_a_sitting() -> None:
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (PACKAGE / "model").glob("*.py"))
    assert lines < 900


def test_no_class_name_occurs_twice() -> None:
    names = Counter(
        node.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_commands_print(path: Path) -> None:
    if room_of(path) == "cli":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        written = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        assert written not in ("print", "sys.stdout.write", "sys.stderr.write", "typer.echo"), f"line {node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_imported_by_statements(path: Path) -> None:
    found = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    }
    by_name = found & {"import_module", "importlib.import_module", "__import__"}
    assert bool(by_name) == (name_of(path) in BY_NAME)


def test_only_checkpoint_knows_the_names_of_files_in_a_run() -> None:
    names = {"manifest.json", "model.safetensors", "optimizer.safetensors", "state.json", "metrics.jsonl"}
    for path in MODULES:
        if room_of(path) == "checkpoint":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Constant) and node.value in names), f"{name_of(path)}:{node.lineno}"


def test_the_corpus_of_the_quick_start_stands_alone() -> None:
    for path in (ROOT / "examples" / "quickstart_corpus").rglob("*.py"):
        assert {module.split(".")[1] for module in imported_modules(path)} <= {"io", "errors"}


@pytest.mark.parametrize(
    "module",
    [
        "nmt",
        "nmt.config",
        "nmt.io.lines",
        "nmt.corpus.store",
        "nmt.checkpoint.run_directory",
        "nmt.checkpoint.verify",
        "nmt.light.translator",
        "nmt.cli.formats.translations",
    ],
)
def test_torch_is_not_imported_by(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
