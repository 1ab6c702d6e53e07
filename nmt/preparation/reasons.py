"""The reasons for which a preparation leaves out pairs, and their meaning."""

from __future__ import annotations

from enum import StrEnum

from nmt.corpus.faults import Fault


class SetReason(StrEnum):
    """A reason that lies in the other pairs of a corpus, by the name that reports give it."""

    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near_duplicate"
    LENGTH_DEVIATES = "length_deviates"
    HELD_OUT_SOURCE = "held_out_source"
    HELD_OUT_TARGET = "held_out_target"


Reason = Fault | SetReason

MEANINGS: dict[Reason, str] = {
    Fault.HEADER: "the first row names the columns",
    Fault.BLANK: "a side is blank",
    Fault.LINE_BREAK: "a side holds a line break",
    Fault.TOO_LONG: "a side has more words or characters than can be learned from",
    Fault.DAMAGED: "a side holds U+FFFD, what an earlier conversion could not read",
    Fault.NO_LETTERS: "a side has no letter",
    Fault.MARKUP: "a side is mostly tags, templates or addresses",
    Fault.UNTRANSLATED: "both sides are the same",
    Fault.WRONG_SCRIPT: "a side is not in the script of its language",
    Fault.RATIO: "one side is far longer than the other",
    Fault.WRONG_LANGUAGE: "a side is in another language",
    Fault.NUMBERS: "the numbers of both sides differ",
    Fault.ADDRESSES: "the addresses of both sides differ",
    Fault.PUNCTUATION: "one side is a question and the other is not",
    Fault.ALL_CAPS: "a side is in capitals",
    Fault.DIGITS: "a side is mostly digits",
    SetReason.DUPLICATE: "the same pair occurs elsewhere",
    SetReason.NEAR_DUPLICATE: "the same pair but for case and punctuation occurs elsewhere",
    SetReason.LENGTH_DEVIATES: "the lengths do not fit each other as those of the other pairs do",
    SetReason.HELD_OUT_SOURCE: "another translation of a sentence of the validation or test set",
    SetReason.HELD_OUT_TARGET: "its target sentence is one of the validation or test set",
}
"""What each reason says of a pair."""
