"""The choice of a recipe: from the size of the corpus, the time, and the speed of the machine to settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

from nmt.recipes.networks import LARGE, MEDIUM, NETWORKS, SMALL, TINY, Network
from nmt.recipes.recipe import CorpusSize, Recipe, Setting

Number = TypeVar("Number", int, float)

MOST_EPOCHS = 100
"""Passes over the corpus after which more of them make no better translator."""

LONGEST_SENTENCE = 250
"""Tokens of a side up to which a recipe takes pairs."""

_TRAINING_SHARE = 0.9  # of the time; the rest goes to validations

FEW_UPDATES = 500
"""Updates below which hardly anything is learned."""

ENOUGH_UPDATES = 1_500
"""Updates from which on a translator makes some sense, if its corpus is large enough."""

_SMALLEST_BATCH = 512


def vocabulary_size(pairs: int, tokens: float = math.inf) -> int:
    """Returns the entries of a vocabulary that a corpus of so many pairs can teach, in a training of so many tokens."""
    by_pairs = _step(pairs, ((15_000, 2_000), (60_000, 4_000), (500_000, 6_000), (3_000_000, 16_000)), 32_000)
    return min(by_pairs, _step(tokens, ((5e5, 2_000), (2e6, 3_000), (4e6, 4_000)), by_pairs))


def _step(value: float, steps: Sequence[tuple[float, Number]], beyond: Number) -> Number:
    """Returns what stands beside the first of the rising steps that `value` does not exceed."""
    return next((result for most, result in steps if value <= most), beyond)


def choose(corpus: CorpusSize, minutes: float, speed: float) -> Recipe:
    """Chooses the settings that make the best translator of a corpus in a time.

    Args:
        corpus: its size, in tokens of the vocabulary that is chosen, if only about.
        minutes: of training that one has.
        speed: target tokens a second that the small network trains on the machine.
    """
    network = _network(corpus, minutes, speed)
    epoch_tokens = corpus.pairs * corpus.target_tokens
    epochs = min(60 * _TRAINING_SHARE * minutes * speed / network.slowness / epoch_tokens, MOST_EPOCHS)
    tokens = epochs * epoch_tokens
    batch_tokens = _batch_tokens(tokens)
    updates = max(1, round(tokens / batch_tokens))
    used = tokens * network.slowness / speed / 60 / _TRAINING_SHARE
    settings = [
        *_of_data(corpus),
        *_of_tokenizer(corpus, tokens),
        *_of_model(network, epochs, minutes),
        *_of_training(network, minutes, updates, epochs, batch_tokens),
    ]
    return Recipe(tuple(settings), network.name, used, updates, epochs)


def enough_minutes(corpus: CorpusSize, speed: float) -> int | None:
    """Returns the minutes from which on a recipe makes enough updates; None where no time does, of so small a corpus.

    The arguments are those of `choose`.
    """
    tokens = ENOUGH_UPDATES * _SMALLEST_BATCH
    if tokens > MOST_EPOCHS * corpus.pairs * corpus.target_tokens:
        return None
    return math.ceil(tokens * TINY.slowness / speed / 60 / _TRAINING_SHARE)


def _network(corpus: CorpusSize, minutes: float, speed: float) -> Network:
    """Returns the largest network that sees enough of the corpus in the time to be better than a smaller one."""
    epoch_tokens = corpus.pairs * corpus.target_tokens
    for network, least_tokens, least_epochs in ((LARGE, 12e6, 3.0), (MEDIUM, 5e6, 2.0), (SMALL, 2e6, 0.0)):
        tokens = 60 * _TRAINING_SHARE * minutes * speed / network.slowness
        if tokens >= least_tokens and tokens / epoch_tokens >= least_epochs:
            return network
    return TINY


def _batch_tokens(tokens: float) -> int:
    """Returns the size of an update: small while few updates fit into the time, larger where many do."""
    size = _SMALLEST_BATCH
    while size < 16_384 and tokens / size > (4_000 if size == _SMALLEST_BATCH else 12_000):
        size *= 2
    return size


def _dropout(epochs: float) -> float:
    """Returns the dropout for a corpus that is read so often: the more often, the more is needed."""
    return _step(epochs, ((1, 0.0), (4, 0.1), (12, 0.2), (30, 0.3)), 0.4)


def _of_data(corpus: CorpusSize) -> list[Setting]:
    longest = min(LONGEST_SENTENCE, max(20, 10 * math.ceil(1.1 * corpus.longest / 10)))
    why = f"tokens a side; all but one pair in a thousand have at most {corpus.longest}; longer ones are left out"
    return [Setting("data.max_length", longest, why)]


def _of_tokenizer(corpus: CorpusSize, tokens: float) -> list[Setting]:
    size = vocabulary_size(corpus.pairs, tokens)
    teacher = (
        f"{corpus.pairs:,} pairs" if size == vocabulary_size(corpus.pairs) else f"{tokens:,.0f} tokens of training"
    )
    why = f"as many as {teacher} can teach: each entry has to occur often enough to be learned"
    return [Setting("tokenizer.vocabulary_size", size, why)]


def _of_model(network: Network, epochs: float, minutes: float) -> list[Setting]:
    why = (
        f"the {network.name} one of {len(NETWORKS)} networks: it makes the best of {minutes:g} minutes on this machine"
    )
    first, *others = network.settings().items()
    dropout = _dropout(epochs)
    why_dropout = (
        f"each pair is seen {_times(epochs)}; the more often, the more dropout keeps it from being learned by heart"
        if dropout
        else "hardly a pair is seen twice, so nothing can be learned by heart"
    )
    return [
        Setting(*first, why),
        *(Setting(key, value, "") for key, value in others),
        Setting("model.dropout", dropout, why_dropout),
    ]


def _of_training(network: Network, minutes: float, updates: int, epochs: float, batch_tokens: int) -> list[Setting]:
    capped = epochs >= MOST_EPOCHS
    validations = 1 if minutes <= 10 else 7
    return [
        Setting("training.batch_tokens", batch_tokens, f"target tokens of an update: about {updates:,} updates"),
        Setting("training.max_minutes", round(minutes, 3), "the time you have"),
        Setting(
            "training.max_epochs",
            MOST_EPOCHS if capped else None,
            "more passes over so small a corpus gain nothing" if capped else "the time ends the training",
        ),
        Setting("training.patience", None, "the learning rate is meant to come down to its end"),
        Setting("training.schedule", "cosine", "it falls to 0 where the training ends"),
        Setting("training.warmup_ratio", 0.08, "the share of the training over which it rises"),
        Setting("training.learning_rate", network.learning_rate, "high for small updates, lower for a larger network"),
        Setting(
            "training.average_decay", _average_decay(updates), "what translates is a moving average of the weights"
        ),
        Setting(
            "training.validate_every",
            # Well off the end, where there is one in any case, however wrong the number of updates is.
            max(20, round(updates / (validations + 0.4))),
            f"about {validations} on the way, and one at the end; each takes time from the training",
        ),
    ]


def _average_decay(updates: int) -> float:
    """Returns the decay of an average over about the last twentieth of the updates."""
    return round(1 - 1 / max(10, min(1_000, updates / 20)), 4)


def _times(epochs: float) -> str:
    return "once at most" if epochs < 1.1 else "about once" if epochs < 1.5 else f"about {epochs:.0f} times"
