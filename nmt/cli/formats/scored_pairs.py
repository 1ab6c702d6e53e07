"""Scores of given translations as lines of text or JSON, of `nmt score`."""

from __future__ import annotations

import re

from nmt.io.json_lines import encoded
from nmt.translation.forced_decoding import ForcedPair

_SPACE = re.compile(r"\s")


def as_text(pair: ForcedPair, length_penalty: float | None, *, per_token: bool) -> str:
    """Formats the log-probability, or the score by a length penalty; empty for a pair that is too large.

    With `per_token`, log-probabilities of the tokens follow behind ` ||| `, each behind its token, all between spaces:
    white space in a token becomes `▁`, as which SentencePiece writes a space.
    """
    if pair.scores is None:
        return ""
    text = f"{pair.log_probability if length_penalty is None else pair.score(length_penalty):.6f}"
    if not per_token:
        return text
    values = pair.scores.log_probabilities.tolist()
    tokens = [f"{_SPACE.sub('▁', token)} {value:.6f}" for token, value in zip(pair.tokens, values, strict=True)]
    return f"{text} ||| {' '.join(tokens)}"


def as_json(pair: ForcedPair, length_penalty: float) -> str:
    """Formats one object; both numbers are null for a pair that is too large."""
    lines = {"source": pair.source, "target": pair.target}
    if pair.scores is None:
        return encoded(lines | {"score": None, "log_probability": None, "tokens": []})
    scored = zip(pair.tokens, pair.scores.log_probabilities.tolist(), strict=True)
    tokens = [{"token": token, "log_probability": value} for token, value in scored]
    scores = {"score": pair.score(length_penalty), "log_probability": pair.log_probability, "tokens": tokens}
    return encoded(lines | scores)
