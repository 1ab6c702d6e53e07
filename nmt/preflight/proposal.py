"""A proposal of settings of the right size, where the configuration makes little of its time."""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np

from nmt.config import Config
from nmt.preflight.estimates import TrainingLength
from nmt.preflight.findings import Findings, Group
from nmt.preflight.tokens import TokenizedSample
from nmt.preflight.trial import TrialOutcome
from nmt.recipes.choice import choose
from nmt.recipes.networks import slowness
from nmt.recipes.recipe import CorpusSize, Recipe
from nmt.training.progress import duration

# A recipe is worth a warning if it makes so many times the updates in the same time, and a training ends with fewer
# than so many.
_MORE_UPDATES = 2.0
_ENOUGH_UPDATES = 3_000
_LONG_MINUTES = 60.0
_SHORT_MINUTES = 20.0
_LONG = 99.9  # percentile of the lengths that is not thought too long


def corpus_size(tokenized: TokenizedSample, pairs: int) -> CorpusSize:
    """Returns the size of a corpus of which about `pairs` pairs are kept, by its tokenised sample."""
    store = tokenized.store
    numbers = np.arange(len(store))
    lengths = np.maximum(store.source_lengths(numbers), store.target_lengths(numbers))
    return CorpusSize(max(1, pairs), store.target_tokens / len(store), int(np.percentile(lengths, _LONG)))


def propose(
    config: Config,
    length: TrainingLength,
    tokenized: TokenizedSample,
    outcome: TrialOutcome,
    seconds: float | None,
    findings: Findings,
) -> dict[str, Any]:
    """Proposes settings for the time that the training will take; returns them as estimates by name.

    A training that would take long is shown what a short one takes. Nothing is proposed where `seconds`, the expected
    time of the training, is None: nobody knows when it ends.
    """
    if seconds is None:
        return {}
    minutes = seconds / 60
    is_long = minutes > _LONG_MINUTES and config.training.max_minutes is None
    speed = outcome.target_tokens / outcome.seconds * slowness(config.model, tokenized.sizes[1])
    recipe = choose(corpus_size(tokenized, length.pairs), _SHORT_MINUTES if is_long else minutes, speed)
    overrides = changed(recipe, config)
    updates = seconds * outcome.updates / outcome.seconds
    if is_long:
        what = f"for a translator in {_SHORT_MINUTES:.0f} minutes, {_description(recipe)}"
        findings.inform(Group.TRAINING, "recipe", "", what, as_options(overrides))
    elif updates < _ENOUGH_UPDATES and recipe.updates > _MORE_UPDATES * updates:
        what = f"about {updates:,.0f} updates in {duration(seconds)}; {_description(recipe)}, and would learn more"
        findings.warn(Group.TRAINING, "recipe", "training", what, as_options(overrides))
    return {"recipe": {"minutes": recipe.minutes, "updates": recipe.updates, "overrides": overrides}}


def changed(recipe: Recipe, config: Config) -> list[str]:
    """Returns `KEY=VALUE` for the settings of a recipe that differ from a configuration."""
    values = config.model_dump()
    return [setting.override for setting in recipe.settings if _differs(setting.value, _value(values, setting.key))]


def as_options(overrides: list[str]) -> str:
    """Writes overrides as a shell takes them."""
    return " ".join(f"--set {shlex.quote(override)}" for override in overrides)


def _value(values: dict[str, Any], key: str) -> Any:
    for name in key.split("."):
        values = values[name]
    return values


def _differs(wanted: object, value: Any) -> bool:
    if isinstance(wanted, dict):
        return any(_differs(part, value[name]) for name, part in wanted.items())
    return bool(wanted != value)


def _description(recipe: Recipe) -> str:
    return f"the {recipe.network} network makes about {recipe.updates:,} updates in {recipe.minutes:.3g} minutes"
