"""The decoding trace: the best hypothesis of a line, run through the decoder once more and recorded step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from nmt.io.lines import output_line
from nmt.model.seq2seq import Seq2Seq, TracedStep
from nmt.search.hypothesis import Hypothesis
from nmt.tokenization.special_tokens import SpecialTokens
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.segments import EncodedSegments, SegmentResult
from nmt.translation.trace import Candidate, Choice, Floats, SegmentTrace

MOST_PROBABLE = 5
"""Number of next tokens recorded of each step."""


def trace_decoding(
    model: Seq2Seq, tokenizers: Tokenizers, result: SegmentResult, encoded: EncodedSegments
) -> SegmentTrace:
    """Traces the best hypothesis of a segment, which `encoded` holds alone; to be called in `Translator.computing`.

    `model` is the first of those that found the hypothesis.
    """
    source, target = tokenizers
    segment, hypotheses = result
    ids = [*segment.ids, source.special.eos]
    text, of_words = target.decode_with_words(hypotheses[0].tokens)
    steps, choices = _run(model, target, encoded, hypotheses[0])
    memory, restricted = encoded.state.members[0].memory, encoded.vocabularies
    return SegmentTrace(
        text=output_line(text),
        source_tokens=(*([] if encoded.tag is None else [encoded.tag]), *map(source.piece, ids)),
        source_words=tuple(segment.words),
        target_words=tuple(of_words),
        states=_array(memory.annotations[0]),
        summary=_array(memory.summary[0]),
        queries=_rows(step.query for step in steps),
        scores=_rows(step.scores for step in steps),
        weights=_rows(step.weights for step in steps),
        contexts=_rows(step.context for step in steps),
        choices=choices,
        vocabulary=target.size if restricted is None else int(restricted.lengths[0]),
        candidates=tuple(_candidate(target, hypothesis) for hypothesis in hypotheses),
    )


def _run(
    model: Seq2Seq, target: Tokenizer, encoded: EncodedSegments, hypothesis: Hypothesis
) -> tuple[list[TracedStep], tuple[Choice, ...]]:
    """Feeds the tokens of a hypothesis to the model, one after the other, in place of its own choices."""
    state, restricted = encoded.state.members[0], encoded.vocabularies
    special = target.special if restricted is None else restricted.special
    tokens = hypothesis.tokens if restricted is None else restricted.restricted([hypothesis.tokens])[0]
    spelled = range(target.size) if restricted is None else restricted.tokens[0].tolist()
    device = encoded.source_lengths.device
    steps, choices, last = [], [], special.bos
    for token in [*tokens, *[special.eos] * hypothesis.finished]:
        step = model.trace_step(torch.tensor([[last]], device=device), state)
        steps.append(step)
        choices.append(_choice(step.logits[0, 0].float(), token, special, lambda one: target.piece(spelled[one])))
        state, last = step.state, token
    return steps, tuple(choices)


def _choice(logits: Tensor, token: int, special: SpecialTokens, spell: Callable[[int], str]) -> Choice:
    """Records the choice of a token by logits (V,)."""
    normaliser = logits.logsumexp(0)
    never = torch.tensor(special.never_written, device=logits.device)
    allowed = logits.index_fill(0, never, float("-inf"))
    rank = 1 + int((allowed > logits[token]).sum())
    # The token stands at its rank, before others of the same logit.
    others = allowed.index_fill(0, torch.tensor([token], device=logits.device), float("-inf"))
    values, places = others.topk(min(MOST_PROBABLE, len(others)))
    best = list(zip(places.tolist(), (values - normaliser).exp().tolist(), strict=True))
    probability = (logits[token] - normaliser).exp().item()
    best.insert(rank - 1, (token, probability))
    return Choice(
        token=spell(token),
        probability=probability,
        rank=rank,
        best=tuple((spell(place), value) for place, value in best[:MOST_PROBABLE] if value),
    )


def _candidate(target: Tokenizer, hypothesis: Hypothesis) -> Candidate:
    text = output_line(target.decode(hypothesis.tokens))
    return Candidate(text, hypothesis.score, hypothesis.log_probability, hypothesis.finished)


def _rows(of_steps: Iterable[Tensor]) -> Floats:
    """Joins the rows of all steps: T times (1, 1, ·) -> (T, ·)."""
    return _array(torch.cat([of_step[0] for of_step in of_steps]))


def _array(values: Tensor) -> Floats:
    array = values.float().cpu().numpy()
    array.flags.writeable = False
    return array
