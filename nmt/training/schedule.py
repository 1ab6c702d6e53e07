"""Learning-rate schedules, as functions of the step."""

from __future__ import annotations

import math
from collections.abc import Callable

from nmt.config import TrainingConfig

Schedule = Callable[[int, int], float]
"""(step about to be taken, counted from 1; reductions on a plateau so far) -> learning rate."""


def make_schedule(config: TrainingConfig) -> Schedule:
    """Makes the schedule of a configuration.

    All rise linearly over `warmup_steps`. Then `constant` stays; `inverse_sqrt` falls with the square root of the step
    (Vaswani et al. 2017, section 5.3, without the model's size); `cosine` falls along half a cosine to
    `minimum_learning_rate` at `max_steps` (Loshchilov and Hutter 2017); `plateau` is multiplied by `plateau_factor`
    after each plateau of the validation score.
    """

    def rate(step: int, reductions: int) -> float:
        warmup = config.warmup_steps
        if step < warmup:
            return config.learning_rate * step / warmup
        return max(config.minimum_learning_rate, config.learning_rate * _decay(config, step, reductions))

    return rate


def _decay(config: TrainingConfig, step: int, reductions: int) -> float:
    """Returns the share of the highest learning rate that applies after warm-up."""
    if config.schedule == "inverse_sqrt":
        return math.sqrt(max(1, config.warmup_steps) / step)
    if config.schedule == "plateau":
        return config.plateau_factor**reductions
    if config.schedule == "cosine":
        assert config.max_steps is not None
        after_warmup = max(1, config.max_steps - config.warmup_steps)
        progress = min(1.0, (step - config.warmup_steps) / after_warmup)
        lowest = config.minimum_learning_rate / config.learning_rate
        return lowest + (1 - lowest) * (1 + math.cos(math.pi * progress)) / 2
    return 1.0
