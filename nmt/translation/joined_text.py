"""The text of a line, joined of what its segments were translated to."""

from __future__ import annotations


class JoinedText:
    """The translations of a line's segments, one behind the other, and their words."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.first_word = 0  # the word of the whole text that the last piece begins with
        self._words = 0

    def append(self, text: str, before: str) -> range:
        """Adds a piece, if it is not empty, behind what stands before it; returns the words that it adds."""
        start = self.first_word = self._words
        if not text:
            return range(start, start)
        if self.pieces:
            is_apart = before or self.pieces[-1][-1].isspace() or text[0].isspace()
            self.first_word -= not is_apart
            self.pieces.append(before)
        self.pieces.append(text)
        self._words = self.first_word + len(text.split())
        return range(start, self._words)
