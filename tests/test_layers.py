"""Imports point down only, and the light parts stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nmt"

# Each part may import from its own and the lower layers. What stands in one layer does not know its neighbours, but
# for those that `NEIGHBOURS` names.
LAYERS = [
    {"errors"},
    {"storage", "strict_json", "sampled_metrics"},
    {"config"},
    {"text", "page"},
    {"corpus", "model", "search", "manifest", "run_directory", "device", "drawing"},
    {"tensor_file"},
    {"tensors"},
    {"build", "checkpoint", "shortlist", "translation"},
    {"loading", "parts"},
    {"translator"},
    {"forcing", "trace"},
    {"evaluation", "alignment", "description"},
    {"revision", "comparison"},
    {"training"},
    {"checking", "verification"},
    {"cli"},
]
NEIGHBOURS = {("run_directory", "manifest")}
FREE = {"__init__", "__main__", "quickstart"}


def imported_parts(path: Path) -> set[str]:
    parts = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "nmt" else [f"nmt.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        parts |= {name.split(".")[1] for name in names if name.startswith("nmt.")}
    return parts


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    part = part_of(path)
    if part in FREE:
        return
    level = {name: number for number, names in enumerate(LAYERS) for name in names}
    for other in imported_parts(path) - {part}:
        assert level[other] < level[part] or (part, other) in NEIGHBOURS, f"{part} imports {other}"


def test_quickstart_stands_alone() -> None:
    for path in (PACKAGE / "quickstart").rglob("*.py"):
        assert imported_parts(path) <= {"quickstart", "storage", "errors"}


@pytest.mark.parametrize(
    "module",
    ["nmt", "nmt.config", "nmt.io.lines", "nmt.corpus.store", "nmt.checkpoint.run_directory", "nmt.checkpoint.verify"],
)
def test_torch_is_not_imported_by(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
