"""A warning of lines that hold several sentences, of which a model of single sentences leaves some out."""

from __future__ import annotations

from collections.abc import Iterable

from nmt.cli.arguments import LineArguments
from nmt.cli.logs import logger
from nmt.translation.sentences import missing_sentencex, require_sentencex, sentence_starts


def check_sentences(given: LineArguments) -> None:
    """Raises ConfigError if sentences are to be split, and the library for it is not installed."""
    if given.split_sentences:
        require_sentencex("--split-sentences")


class SentenceWatch:
    """Warns once, of the first line that seems to hold several sentences, unless they are split or all is quiet."""

    def __init__(self, where: str, given: LineArguments, *, quiet: bool) -> None:
        self._where = where
        self._is_over = given.split_sentences or quiet

    def look_at(self, lines: Iterable[tuple[int, str]]) -> None:
        """Looks at lines, each with its number."""
        if self._is_over:
            return
        found = next((number for number, text in lines if sentence_starts(text)), None)
        if found is not None:
            self._is_over = True
            what = "seems to hold several sentences, of which the translation may leave some out"
            remedy = "--split-sentences translates them one by one"
            if missing := missing_sentencex():
                remedy += f", and needs {missing}"
            logger.warning("%s:%d: %s; %s", self._where, found, what, remedy)
