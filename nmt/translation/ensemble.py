"""Several models that translate together: each reads the same words, and they choose the next one by their average."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor

from nmt.config.types import Averaged
from nmt.model.kernels.matmul import accurate, mm, outside_autocast
from nmt.model.restricted_output import RestrictedOutput
from nmt.model.seq2seq import ROWS_OF_LOGITS, SearchState, Seq2Seq, TeacherForced

_ROWS_AT_A_TIME = 32  # rows of logits averaged at a time on a CPU: few enough to stay in its cache


class EnsembleState(NamedTuple):
    """The state of search of each model."""

    members: tuple[SearchState, ...]

    @property
    def output(self) -> RestrictedOutput | None:
        """The restricted vocabularies, which are those of all models; None for the whole one."""
        return self.members[0].output

    def select(self, sentences: Tensor | None, hypotheses: Tensor) -> Self:
        """Keeps some sentences and hypotheses of each model's state; see `SearchState.select`."""
        return type(self)(tuple(state.select(sentences, hypotheses) for state in self.members))


class ForcedOutput(NamedTuple):
    """What models say of given translations."""

    log_probabilities: Tensor  # (B, T) float32
    weights: Tensor | None  # (T, B, S) attention; None if no model has any


class Ensemble:
    """Models of the same vocabularies as one; a single model is an ensemble of one, and costs nothing more.

    The average of probabilities follows a model that is certain; that of log-probabilities any model that is certain
    of the contrary. Attention weights are averaged over the models that have attention.
    """

    def __init__(self, members: Sequence[Seq2Seq], averaged: Averaged = "probabilities") -> None:
        """Joins models, of which the first is asked for all that only one can tell."""
        self.members = tuple(members)
        self.averaged = averaged

    @property
    def first(self) -> Seq2Seq:
        """The first model."""
        return self.members[0]

    @property
    def attention(self) -> str:
        """Kind of the attention of the first model that has some; `none` if no model has any."""
        kinds = [model.decoder.attention.kind for model in self.members]
        return next((kind for kind in kinds if kind != "none"), "none")

    @property
    def has_attention(self) -> bool:
        """True if one of the models has attention."""
        return self.attention != "none"

    def start(self, source: Tensor, lengths: Tensor, vocabularies: tuple[Tensor, Tensor] | None) -> EnsembleState:
        """Encodes source tokens (B, S), right-padded, of `lengths` (B,), and returns the state before the first word.

        With `vocabularies`, a sentence uses these target tokens (B, C) only, so many of them as the second (B,) says.
        """
        states = []
        for model in self.members:
            state = model.start(model.encode(source, lengths))
            if vocabularies is not None:
                output = RestrictedOutput.from_candidates(model.output_weight, *vocabularies)
                state = state._replace(output=output)
            states.append(state)
        return EnsembleState(tuple(states))

    def word_gates(self) -> tuple[Tensor | None, ...]:
        """Makes the table of each model; see `Seq2Seq.word_gates`."""
        return tuple(model.word_gates() for model in self.members)

    def step(
        self, tokens: Tensor, state: EnsembleState, word_gates: tuple[Tensor | None, ...] | None = None
    ) -> tuple[Tensor, EnsembleState, Tensor | None]:
        """Runs a step of search of each model; arguments and results are those of `Seq2Seq.step`.

        The logits of several models are logarithms of average probabilities, or average logarithms, up to a number for
        each hypothesis.
        """
        tables = word_gates or (None,) * len(self.members)
        if len(self.members) == 1:
            logits, after, weights = self.first.step(tokens, state.members[0], tables[0])
            return logits, EnsembleState((after,)), weights
        total: Tensor | None = None
        states, attention = [], []
        for model, before, table in zip(self.members, state.members, tables, strict=True):
            logits, after, weights = model.step(tokens, before, table)
            total = self._add(total, logits)
            states.append(after)
            attention += [] if weights is None else [accurate(weights)]
            del logits  # before the next model's are made
        assert total is not None
        return self._logits(total, state.output), EnsembleState(tuple(states)), _mean(attention)

    def force(self, source: Tensor, lengths: Tensor, target_input: Tensor, target_output: Tensor) -> ForcedOutput:
        """Computes the log-probability of each token of given translations, and the attention.

        Arguments are the source (B, S), its lengths (B,), and the translations (B, T) with the begin mark and with the
        end mark.
        """
        forced = [model(source, lengths, target_input) for model in self.members]
        attention = _mean([accurate(one.weights) for one in forced if one.weights.shape[-1]])
        if len(forced) == 1:
            return ForcedOutput(self.first.log_probabilities(forced[0].readouts, target_output), attention)
        if self.averaged == "probabilities":
            of_each = [
                model.log_probabilities(one.readouts, target_output)
                for model, one in zip(self.members, forced, strict=True)
            ]
            return ForcedOutput(torch.stack(of_each).logsumexp(0) - math.log(len(of_each)), attention)
        return ForcedOutput(self._mean_log_probabilities(forced, target_output), attention)

    def _add(self, total: Tensor | None, logits: Tensor) -> Tensor:
        """Adds what is averaged of a model's `logits` (B, K, V) to the sum over the models before, in float32."""
        if total is None:
            total = torch.zeros(logits.shape, dtype=torch.float32, device=logits.device)
        size = _ROWS_AT_A_TIME if logits.device.type == "cpu" else total.shape[0] * total.shape[1]
        for rows, part in zip(total.flatten(0, 1).split(size), logits.flatten(0, 1).split(size), strict=True):
            if self.averaged == "probabilities":
                rows += part.softmax(-1, dtype=torch.float32)
            else:
                rows += part.log_softmax(-1, dtype=torch.float32)
        return total

    def _logits(self, total: Tensor, output: RestrictedOutput | None) -> Tensor:
        """Makes logits of the sum over all models, in its place."""
        if self.averaged == "log-probabilities":
            return total.div_(len(self.members))
        # What no model gives a probability that float32 can hold is as improbable as that, but not impossible.
        logits = total.clamp_(min=torch.finfo(torch.float32).tiny).log_()
        return logits if output is None else output.without_missing(logits)

    def _mean_log_probabilities(self, forced: Sequence[TeacherForced], target_output: Tensor) -> Tensor:
        """Computes the log-probability of each target token where log-probabilities are averaged: (B, T) -> (B, T).

        The average over the whole vocabulary is normalised again.
        """
        targets = target_output.t().flatten()
        parts = []
        with torch.no_grad(), outside_autocast(targets.device):
            chunks = [accurate(one.readouts.flatten(0, 1)).split(ROWS_OF_LOGITS) for one in forced]
            for *rows, chosen in zip(*chunks, targets.split(ROWS_OF_LOGITS), strict=True):
                total: Tensor | None = None
                for model, part in zip(self.members, rows, strict=True):
                    weight = accurate(model.output_weight)
                    total = self._add(total, mm(part.to(weight.dtype), weight.t())[:, None])
                assert total is not None
                average = self._logits(total, None)[:, 0].log_softmax(-1)
                parts.append(average.gather(1, chosen[:, None])[:, 0])
        return torch.cat(parts).view(target_output.shape[1], -1).t()


def _mean(values: Sequence[Tensor]) -> Tensor | None:
    """Returns the mean of tensors of one shape; None of none."""
    if len(values) < 2:
        return values[0] if values else None
    return torch.stack(list(values)).mean(0)
