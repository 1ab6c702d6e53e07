"""Format of the report of a preparation, for people to read."""

from __future__ import annotations

import shlex
from pathlib import Path

from nmt.corpus.mending import MEND_MEANINGS, Mend
from nmt.preparation.prepare import Prepared
from nmt.preparation.reasons import MEANINGS
from nmt.training.progress import duration

_MEANINGS: dict[str, str] = {str(reason): meaning for reason, meaning in MEANINGS.items()}
_MENDS: dict[str, str] = {str(kind): MEND_MEANINGS[kind] for kind in Mend}


def as_text(prepared: Prepared, output: Path) -> list[str]:
    """Formats the main numbers of a report, the recipe, and what to do next."""
    report, recipe = prepared.report, prepared.sized.recipe
    lines = [f"{report.read:,} pairs read, {report.kept:,} kept"]
    for reason, count in report.rejected.counts.most_common():
        lines.append(f"  {count:,} left out: {_MEANINGS[reason]} ({reason})")
    for kind, count in report.mended.counts.most_common():
        lines.append(f"  {count:,} lines mended: {_MENDS[kind]}")
    sets = f"{report.training:,} for training, {report.validation:,} for validation"
    lines.append(f"{sets}, {report.test:,} for test" if report.test else f"{sets}, no test set")
    what = f"about {recipe.updates:,} updates in {duration(60 * recipe.minutes)}"
    lines.append(f"config.yaml trains the {recipe.network} network: {what}, each choice with its reason")
    folder = shlex.quote(str(output))
    lines.append(f"{output} has them, what was left out (rejected.tsv.gz) and a report (report.json); next:")
    lines.append(f"  nmt train {folder}/config.yaml")
    return lines
