"""The words of a translation that the comparison report marks, since no reference has them; run by Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import nmt.visualization.comparison_report

REPORT = Path(nmt.visualization.comparison_report.__file__).with_name("report.js")
NODE = shutil.which("node")
# In place of an element of a page: what is in it, in brackets.
STAND_IN = "const element = (_tag, _attributes, text) => `[${text}]`;\n"


@pytest.mark.skipif(NODE is None, reason="needs Node, which runs the functions of the page")
@pytest.mark.parametrize(
    ("translation", "references", "expected"),
    [
        ("Il écoute attentivement", ["Elle écoute attentivement."], "[Il] écoute attentivement"),
        ("Il écoute attentivement.", ["Il écoute attentivement"], "Il écoute attentivement."),
        ("« Oui » , (peut-être) !", ['Oui, "peut-être" «  » , !'], "« Oui » , (peut-être) !"),
        ("Oui …", ["oui."], "[Oui] […]"),
        ("l'eau", ["eau"], "[l'eau]"),
        ("chats", ["chat", "deux chats!"], "chats"),
        ("5 €", ["5€"], "5 [€]"),
        ("", ["a"], "[(empty)]"),
        ("猫。", ["猫"], "猫。"),
    ],
)
def test_punctuation_makes_no_other_word(translation: str, references: list[str], expected: str) -> None:
    lines = REPORT.read_text(encoding="utf-8")
    functions = lines[lines.index("const bare =") : lines.index("const look =")]
    call = f"console.log([marked('a', {json.dumps(translation)}, {json.dumps(references)})].flat().join(''))"
    done = subprocess.run([str(NODE), "-e", STAND_IN + functions + call], capture_output=True, text=True, check=True)
    assert done.stdout == f"{expected}\n"
