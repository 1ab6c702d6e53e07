"""Learning-rate schedules, as functions of the step and of the length of the training."""

from __future__ import annotations

import math
from collections.abc import Callable

from nmt.config import TrainingConfig

Schedule = Callable[[int, float, int], float]
"""(step about to be taken, counted from 1; steps of the whole training; reductions on a plateau) -> learning rate.

The number of steps of the whole training need not be whole, and may change on the way: where time ends the training,
it is estimated from the pace so far (`TrainingState.expected_steps`).
"""


def make_schedule(config: TrainingConfig) -> Schedule:
    """Makes the schedule of a configuration.

    All rise linearly over `warmup_steps`, or over the share `warmup_ratio` of the training. Then `constant` stays;
    `inverse_sqrt` falls with the square root of the step (Vaswani et al. 2017, section 5.3, without the model's size);
    `cosine` falls along half a cosine to `minimum_learning_rate` at the end of the training (Loshchilov and Hutter
    2017); `plateau` is multiplied by `plateau_factor` after each plateau of the validation score.
    """

    def rate(step: int, length: float, reductions: int) -> float:
        warmup = config.warmup_ratio * length if config.warmup_ratio else config.warmup_steps
        if step < warmup:
            return config.learning_rate * step / warmup
        share = _decay(config, step, warmup, length, reductions)
        return max(config.minimum_learning_rate, config.learning_rate * share)

    return rate


def _decay(config: TrainingConfig, step: int, warmup: float, length: float, reductions: int) -> float:
    """Returns the share of the highest learning rate that applies after `warmup` steps."""
    if config.schedule == "inverse_sqrt":
        return math.sqrt(max(1, warmup) / step)
    if config.schedule == "plateau":
        return config.plateau_factor**reductions
    if config.schedule == "cosine":
        progress = min(1.0, (step - warmup) / max(1, length - warmup))
        lowest = config.minimum_learning_rate / config.learning_rate
        return lowest + (1 - lowest) * (1 + math.cos(math.pi * progress)) / 2
    return 1.0
