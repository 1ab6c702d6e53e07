"""The punctuation at the edges of words, which `str.split()` leaves on them."""

from __future__ import annotations

from collections.abc import Sequence

OPENING = "([{<\"'«“„‘‚‹¿¡「『（【"
CLOSING = ".,;:!?…)]}>\"'»”’‘“›、。，．！？；：」』）】"


def bare(word: str) -> str:
    """Returns a word without the punctuation at its edges; the word itself if it is nothing else."""
    return word.lstrip(OPENING).rstrip(CLOSING) or word


def holds(words: Sequence[str], start: int, term: Sequence[str]) -> bool:
    """Returns whether the words of a term stand at `start` among `words`, with any punctuation before and behind."""
    last = start + len(term) - 1
    if last >= len(words):
        return False
    if len(term) == 1:
        return _is_edged(words[start], term[0])
    first_word, last_word = words[start], words[last]
    return (
        first_word.endswith(term[0])
        and not first_word.removesuffix(term[0]).strip(OPENING)
        and last_word.startswith(term[-1])
        and not last_word.removeprefix(term[-1]).strip(CLOSING)
        and all(word == own for word, own in zip(words[start + 1 : last], term[1:-1], strict=True))
    )


def _is_edged(word: str, own: str) -> bool:
    if word == own:
        return True
    place = word.find(own)
    # The first place is enough: what stands before another would hold the word itself.
    return place >= 0 and not word[:place].strip(OPENING) and not word[place + len(own) :].strip(CLOSING)
