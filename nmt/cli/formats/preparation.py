"""Format of the report of a preparation, for people to read."""

from __future__ import annotations

import shlex
from pathlib import Path

from nmt.corpus.mending import MEND_MEANINGS, Mend
from nmt.preparation.prepare import Prepared
from nmt.preparation.reasons import MEANINGS
from nmt.preparation.right_size import RightSize

_MEANINGS: dict[str, str] = {str(reason): meaning for reason, meaning in MEANINGS.items()}
_MENDS: dict[str, str] = {str(kind): MEND_MEANINGS[kind] for kind in Mend}


def as_text(prepared: Prepared) -> list[str]:
    """Formats the main numbers of a report, and the recipe."""
    report = prepared.report
    lines = [f"{report.read:,} pairs read, {report.kept:,} kept"]
    for reason, count in report.rejected.counts.most_common():
        lines.append(f"  {count:,} left out: {_MEANINGS[reason]} ({reason})")
    for kind, count in report.mended.counts.most_common():
        lines.append(f"  {count:,} {'line' if count == 1 else 'lines'} mended: {_MENDS[kind]}")
    sets = f"{report.training:,} for training, {report.validation:,} for validation"
    lines.append(f"{sets}, {report.test:,} for test" if report.test else f"{sets}, no test set")
    lines.append(f"config.yaml trains {recipe_line(prepared.sized)}")
    return lines


def recipe_line(sized: RightSize) -> str:
    """Says what will be trained, and how long."""
    return f"the {sized.recipe.network} network: {sized.updates()}; each choice has its reason beside it"


def next_steps(output: Path) -> list[str]:
    """Formats what there is now, and what to do next."""
    config = shlex.quote(f"{output}/config.yaml")
    return [
        f"{output} has them, what was left out (rejected.tsv.gz) and a report (report.json); next:",
        f"  nmt check {config}  # finds lines that are not beside their translations, and more",
        f"  nmt train {config}",
    ]
