"""Text that is written without spaces between words, in which BLEU finds no words by its default tokenizer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nmt.io.scripts import HAN_AND_KANA, UNSPACED

_KANA = re.compile("[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_HAN_OR_KANA = re.compile(f"[{HAN_AND_KANA}]")

# Where a text in these scripts has been cut into words by a program, a word has about two characters of Chinese or
# Japanese, and about five of the others.
_LONGEST_HAN_WORD, _LONGEST_OTHER_WORD = 4.0, 9.0

BLEU_ORDER = 4
"""The number of words in the longest sequences that BLEU counts."""


def unspaced_tokenizer(lines: Sequence[str]) -> str | None:
    """Returns sacreBLEU's tokenizer for a text that is written without spaces; None for one written with spaces.

    `zh` for Chinese, `char` for the others. A text in such a script that has been cut into words has spaces.
    """
    unspaced = han = kana = others = parts = 0
    for line in lines:
        rest = _UNSPACED.sub("", line)
        unspaced += len(line) - len(rest)
        others += sum(map(str.isalpha, rest))
        if len(rest) < len(line):
            han += len(_HAN_OR_KANA.findall(line))
            kana += len(_KANA.findall(line))
            parts += sum(_UNSPACED.search(part) is not None for part in line.split())
    if not unspaced or unspaced < others:
        return None
    longest_word = _LONGEST_HAN_WORD if 2 * han > unspaced else _LONGEST_OTHER_WORD
    if unspaced <= longest_word * parts and parts >= 2 * len(lines):
        return None
    # Chinese text may name something in kana; a twentieth is far less than Japanese has.
    return "zh" if 2 * han > unspaced and 20 * kana < han else "char"


def mean_sequences(lines_of_words: Sequence[Sequence[str]]) -> float:
    """Returns the mean number of sequences of four words in a line: BLEU is 0 where hardly any line has one."""
    return sum(max(0, len(words) - BLEU_ORDER + 1) for words in lines_of_words) / max(1, len(lines_of_words))
