"""Beam search (Sutskever, Vinyals and Le 2014, arXiv:1409.3215, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from nmt.model.kernels.dispatch import search_kernels
from nmt.search.decoding import Beam, Extend, Prediction, check_sentences, decode
from nmt.search.diverse import diverse_extensions
from nmt.search.hypothesis import NEG_INF, Expansion, Hypothesis, S, StepFunction
from nmt.search.options import SearchOptions
from nmt.search.scoring import best_endings, first_largest, most_probable_words


def beam_search(
    step: StepFunction[S],
    state: S,
    options: SearchOptions,
    *,
    max_lengths: Tensor,
    source_lengths: Tensor | None = None,
    forced_prefixes: Sequence[Sequence[int]] | None = None,
) -> list[list[Hypothesis]]:
    """Finds the `n_best` best hypotheses in a beam for each sentence, best first.

    Each step extends the K hypotheses of a sentence by every token and ranks the results by log-probability. An end
    mark among the first K finishes a hypothesis; the best K others go on. A sentence is done

    - when K hypotheses have finished, and no unfinished one scores more at its present length than the worst of them;
    - or at its limit, where one more step has shown which hypotheses end there. The others are cut: they are returned,
      with `finished` false and after all finished ones, only if fewer than `n_best` have finished.

    The hypotheses of a sentence do not depend on the other sentences. There is at least one, and `n_best` if so many
    exist. Of equal candidates, the one that continues the better hypothesis wins, and the end mark wins against a word.

    A beam in `groups` is that of `nmt.search.diverse`: what is said of the K hypotheses holds for those of each group,
    and the best of all groups are returned, none twice.

    Args:
        step: maps the last tokens (B, K) and the state to logits over the next tokens.
        state: the state before the first word, with one hypothesis a sentence.
        options: of the search.
        max_lengths: (B,) int64, maximum number of tokens, the end mark not counted, at least 1; on the model's device.
        source_lengths: (B,) int64, the widths that attention is trimmed to; needed for a coverage penalty.
        forced_prefixes: for each sentence the tokens that every hypothesis begins with. They count in its
            log-probability and its length.

    Raises ValueError if options or arguments do not fit together, and NonFiniteScoresError if the logits hold a NaN or
    an infinity that leaves no probabilities.
    """
    if options.n_best > options.beam_size:
        raise ValueError(f"n_best is {options.n_best}: expected at most beam_size, {options.beam_size}")
    sentences = check_sentences(options, max_lengths, source_lengths, forced_prefixes)
    width, groups = options.beam_size, options.groups
    extend = _best_extensions(width // groups, options, sentences.device)
    if groups > 1:
        extend = diverse_extensions(extend, options)
    return decode(step, state, extend, sentences, options, width=width, groups=groups, ranked=True)


def _best_extensions(width: int, options: SearchOptions, device: torch.device) -> Extend:
    eos = options.eos
    excluded = torch.tensor([eos, *options.forbidden], device=device)

    def extend(prediction: Prediction, _beam: Beam, _length: int) -> Expansion:
        logits, offset = prediction.allowed, prediction.offset
        kernels = search_kernels(logits)
        if kernels is None:
            return extensions_by_torch(logits, offset, excluded, eos, width)
        return Expansion(*kernels.best_extensions(logits, offset, excluded, eos, width))

    return extend


def extensions_by_torch(logits: Tensor, offset: Tensor, excluded: Tensor, eos: int, width: int) -> Expansion:
    """Chooses the best extensions; arguments are those of `nmt.model.kernels.interface.SearchKernels`."""
    count = width + len(excluded)
    endings = logits[..., eos].float() + offset  # (B, K)
    totals, tokens = most_probable_words(logits, offset, excluded, width)
    missing = count - tokens.size(-1)
    if missing > 0:
        totals, tokens = pad(totals, (0, missing), value=NEG_INF), pad(tokens, (0, missing), value=eos)

    # Of equal totals, that of the better hypothesis comes first.
    ranked, places = first_largest(totals.flatten(1), width)
    return Expansion(
        parents=places // count,
        tokens=tokens.flatten(1).gather(1, places),
        log_probabilities=ranked,
        endings=best_endings(endings, ranked, width),
    )
