"""A check of the tokenizer: target lines that it cannot give back as the corpus has them."""

from __future__ import annotations

from collections.abc import Sequence

from nmt.corpus.parallel import CorpusFiles, Pair
from nmt.preflight.findings import Findings, Group, share
from nmt.tokenization.tokenizer import Tokenizer

# Share of lines that is worth a warning.
SERIOUS_REWRITING = 0.01
_SHOWN = 20


def report_rewritten(pairs: Sequence[Pair], files: CorpusFiles, tokenizer: Tokenizer, findings: Findings) -> None:
    """Reports the share of target lines of which the tokenizer makes other text; white space aside."""
    rewritten = [pair for pair in pairs if not tokenizer.reproduces(pair.target)]
    if not rewritten:
        return
    first = rewritten[0]
    comes_out = tokenizer.decode(tokenizer.encode([first.target])[0])
    before, after = _first_difference(first.target.split(), comes_out.split())
    what = (
        f"{share(len(rewritten), len(pairs))} target lines cannot come out as they are: the tokenizer rewrites them; "
        f"the first is this one, where {before} becomes {after}"
    )
    advice = "target_normalization: identity and byte_fallback: true keep all text; an existing model has its own rule"
    serious = len(rewritten) > SERIOUS_REWRITING * len(pairs)
    where = f"{files.target[first.file]}:{first.number}"
    findings.grade(serious, Group.TOKENS, "rewritten", where, what, advice)


def _first_difference(before: Sequence[str], after: Sequence[str]) -> tuple[str, str]:
    place = 0
    while place < min(len(before), len(after)) and before[place] == after[place]:
        place += 1
    one, other = (" ".join(words[place : place + 1])[:_SHOWN] for words in (before, after))
    return _visible(one), _visible(other)


def _visible(word: str) -> str:
    """Quotes a word; a character that does not show is written by its number."""
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in word) + '"'
