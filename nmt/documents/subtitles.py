"""Subtitles (SubRip and WebVTT): cues that hold one sentence are translated together, and cut again at their ends.

Times, numbers, settings, notes and styles stay, to the byte. A cue has two lines at most, as long as those of the
original were.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from operator import ge
from typing import NamedTuple

from nmt.documents.correspondence import Correspondence
from nmt.documents.document import TextEdit, Told, Warn, edited, silent
from nmt.documents.entities import text_parts
from nmt.documents.marked_text import InlineMark, LeftAsItWasError, MarkedLine, marked, unescaped, written_pieces
from nmt.documents.placeholders import find_placeholders
from nmt.errors import DataError
from nmt.io.scripts import HAN_AND_KANA
from nmt.translation.result import Translation

USUAL_LENGTH = 42
"""Characters of a line, where no cue of the original has two lines that would tell."""

_MOST_CUES = 6  # of one sentence
_LONGEST_PAUSE = 2.0  # seconds within a sentence
_PAUSE_OF_TITLE = 0.5  # seconds behind what ends without a mark, where a capital letter follows
_SHORTEST_LIMIT, _LONGEST_LIMIT = 20, 80
_NEAR = 8  # places before the middle of a text where it may be broken as well

_LINE = re.compile(r"[^\r\n]*(\r\n|\n|\r|\Z)")
_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:[ \t].*)?$")
_TAGS = r"(?:<[^<>]*>|\{\\[^{}]*\})"
_POSITION = re.compile(r"\{\\an?\d{1,2}\}")
_TURN = re.compile(rf"((?:{_TAGS}|\s)*)((?:[-–—‐]|>>|[♪♫♬#])\s*)(?=\S)")
# Who speaks, in capitals, as far as `_turn` finds no others in it.
_NAME = re.compile(rf"((?:{_TAGS}|\s)*)([^\W_][^\W_]*(?:[ .'’&-]{{1,2}}[^\W_]+){{0,4}}\.?:\s*)(?=\S)")
_LEADING_TAGS = re.compile(rf"(?:{_TAGS}|\s)*")
_EMPTY_PAIR = re.compile(r"<([A-Za-z]\w*)[^<>]*></\1\s*>")
_STAMP = re.compile(r"<\d[\d:.]*>|<(?P<close>/)?(?P<name>[cv])(?:[. ][^<>]*)?>|[♪♫♬]")
# In WebVTT, a sign that looks like a tag and is none is written as an entity.
_VTT_MARK = re.compile(r"<(?P<close>/)?(?P<name>[A-Za-z]+)?[^<>]*>|[♪♫♬]")
_SENTENCE_END = re.compile(r"[.!?…。！？♪♫♬:\]】)）][\"'»”’」』]*$")
_PIECE = re.compile(rf"{_TAGS}|\s+|[^\s<{{]+|[<{{]")
_UNSPACED = re.compile(f"[{HAN_AND_KANA}]")


class _Text(NamedTuple):
    """What one speaker says in a cue: its place, and its lines."""

    start: int
    stop: int
    line_number: int


@dataclass
class _Cue:
    """A cue: its times, and its lines as they stand."""

    begin: float
    end: float
    lines: list[tuple[int, int, int]] = field(default_factory=list)  # start, stop, number


@dataclass
class _Group:
    """Texts that are translated together, as one line of the document."""

    texts: list[_Text]
    marked: list[MarkedLine]
    offsets: list[int]
    number: int  # of the line


class SubtitleDocument:
    """Subtitles of a film."""

    def __init__(self, text: str, name: str, warn: Warn = silent, *, kind: str = "srt") -> None:
        """Reads subtitles of a kind, srt or vtt; `name` is that of warnings and errors, which `warn` receives.

        Raises:
            DataError: they are broken; with the line.
        """
        self._text = text
        self._name = name
        self._warn = warn
        self._told = Told(warn)
        self._end = "\r\n" if "\r\n" in text else "\n" if "\n" in text or "\r" not in text else "\r"
        self._is_vtt = kind == "vtt"
        self._lines: list[str] = []
        self._attended: list[bool] = []
        self._groups: list[_Group] = []
        cues = list(_vtt_cues(text, name) if self._is_vtt else _srt_cues(text, name))
        self._limit = self._length_limit(cues)
        self._too_long = 0
        self._add_groups(cues)

    @property
    def lines(self) -> list[str]:
        """The lines to translate: sentences as far as cues tell them, one or several."""
        return self._lines

    @property
    def attended(self) -> list[bool]:
        """For each line whether it is cut, or has marks in it."""
        return self._attended

    def written(self, translations: Sequence[Translation | None]) -> str:
        """Returns the subtitles with the translations of their lines; None leaves the cues of a line as they are."""
        edits: list[TextEdit] = []
        self._too_long = 0
        for group in self._groups:
            translation = translations[group.number]
            if translation is None or translation.text == self._lines[group.number]:
                continue
            try:
                edits += list(self._edits(group, translation))  # all of them or none
            except LeftAsItWasError as error:
                self._told.left(f"{self._name}:{group.texts[0].line_number}", str(error))
        self._told.finish(self._name)
        if self._too_long:
            what = f"{self._too_long:,} translations are longer than two lines of {self._limit} characters"
            self._warn(f"{self._name}: {what}")
        return edited(self._text, edits)

    def _edits(self, group: _Group, translation: Translation) -> Iterator[TextEdit]:
        if len(group.texts) == 1:
            pieces = [group.marked[0].written(translation)]
        else:
            by = Correspondence(translation)
            pieces = written_pieces(group.marked, group.offsets, translation, _cuts(by, group.offsets))
        for text, piece in zip(group.texts, pieces, strict=True):
            if _EMPTY_PAIR.search(piece) and not _EMPTY_PAIR.search(self._text[text.start : text.stop]):
                raise LeftAsItWasError("the translation has no word for a pair of tags")
            lines = _in_two_lines(piece, self._limit)
            self._too_long += any(_visible_length(line) > self._limit for line in lines)
            yield TextEdit(text.start, text.stop, self._end.join(lines))

    def _length_limit(self, cues: Sequence[_Cue]) -> int:
        lengths = [
            _visible_length(self._text[start:stop])
            for cue in cues
            if len(cue.lines) > 1
            for start, stop, _ in cue.lines
        ]
        longest = max(lengths, default=USUAL_LENGTH)
        return min(longest, _LONGEST_LIMIT) if longest >= _SHORTEST_LIMIT else USUAL_LENGTH

    def _add_groups(self, cues: Sequence[_Cue]) -> None:
        pending: list[tuple[_Text, MarkedLine]] = []
        last: _Cue | None = None
        for cue in cues:
            texts = list(self._turns(cue))
            is_alone = len(texts) != 1 or _TURN.match(self._text, texts[0].start, texts[0].stop) is not None
            is_apart = last is None or is_alone or self._is_apart(last, cue)
            if pending and (is_apart or len(pending) >= _MOST_CUES):
                self._add_group(pending)
                pending = []
            for text in texts:
                line = self._marked(text)
                if line is None or not line.line:
                    if pending:
                        self._add_group(pending)
                        pending = []
                    continue
                pending.append((text, line))
                if is_alone or _SENTENCE_END.search(line.line):
                    self._add_group(pending)
                    pending = []
            last = cue
        if pending:
            self._add_group(pending)

    def _is_apart(self, last: _Cue, cue: _Cue) -> bool:
        """Returns whether a cue seems not to go on with the sentence of the last one."""
        if not (last.lines and cue.lines):
            return True
        pause = cue.begin - last.end
        begin, stop = cue.lines[0][0], cue.lines[-1][1]
        tags = [_tags_at_beginning(self._text[one.lines[0][0] : one.lines[-1][1]]) for one in (last, cue)]
        first = self._text[begin:stop][_leading(self._text[begin:stop]) :][:1]
        is_title = pause >= _PAUSE_OF_TITLE and first.isupper()
        is_turn = _turn(self._text, begin, cue.lines[0][1]) is not None
        return not 0 <= pause <= _LONGEST_PAUSE or is_title or is_turn or tags[0] != tags[1]

    def _add_group(self, found: Sequence[tuple[_Text, MarkedLine]]) -> None:
        texts = [line.line for _, line in found]
        offsets = [0, *accumulate(len(text) + 1 for text in texts[:-1])]
        self._groups.append(_Group([text for text, _ in found], [line for _, line in found], offsets, len(self._lines)))
        self._lines.append(" ".join(texts))
        self._attended.append(len(found) > 1 or found[0][1].has_marks)

    def _turns(self, cue: _Cue) -> Iterator[_Text]:
        """Yields what each speaker says: a text of its own begins at each line with a dash, a name or a note."""
        begin = 0
        for place in range(1, len(cue.lines) + 1):
            if place == len(cue.lines) or _turn(self._text, *cue.lines[place][:2]):
                yield _Text(cue.lines[begin][0], cue.lines[place - 1][1], cue.lines[begin][2])
                begin = place

    def _marked(self, text: _Text) -> MarkedLine | None:
        raw = self._text[text.start : text.stop]
        parts: list[str | InlineMark] = []
        if turn := _turn(raw, 0, len(raw)):
            parts += [InlineMark(one) for one in (turn[1], turn[2]) if one]
            raw = raw[turn.end() :]
        # Where a cue is shown is said of all of it.
        parts[:0] = [InlineMark(one) for one in _POSITION.findall(raw)]
        raw = _POSITION.sub("", raw)
        place = 0
        for found in (_VTT_MARK if self._is_vtt else _STAMP).finditer(raw):
            role = "close" if found["close"] else "open" if found["name"] else "alone"
            parts += [*self._plain(raw[place : found.start()]), InlineMark(found[0], role, found["name"] or "")]
            place = found.end()
        parts += self._plain(raw[place:])
        try:
            return marked([part for part in parts if part], _escaped_vtt if self._is_vtt else unescaped)
        except LeftAsItWasError as error:
            self._told.left(f"{self._name}:{text.line_number}", str(error))
            return None

    def _plain(self, raw: str) -> list[str | InlineMark]:
        text = re.sub(r"[ \t]*[\r\n]+[ \t]*", " ", raw)
        return text_parts(text) if self._is_vtt else [text]


def _turn(text: str, start: int, stop: int) -> re.Match[str] | None:
    """Finds what tells that somebody begins to speak: a dash, or a name in capitals with a colon."""
    if found := _TURN.match(text, start, stop):
        return found
    found = _NAME.match(text, start, stop)
    return found if found and found[2].isupper() and found[2][0].isalpha() else None


def _leading(text: str) -> int:
    found = _LEADING_TAGS.match(text)
    return found.end() if found else 0


def _tags_at_beginning(text: str) -> list[str]:
    """Returns the tags that a cue begins with, but times."""
    return [tag for tag in re.findall(_TAGS, text[: _leading(text)]) if not tag[1].isdigit()]


def _escaped_vtt(text: str) -> str:
    return html.escape(text, quote=False)


def _numbered(text: str) -> Iterator[tuple[int, int, int]]:
    """Yields start, stop and number of each line."""
    place, number = 0, 1
    while place < len(text):
        found = _LINE.match(text, place)
        assert found is not None
        stop = found.end() - len(found[1])
        yield place + (number == 1 and text.startswith("\ufeff")), stop, number
        place, number = found.end(), number + 1


def _srt_cues(text: str, name: str) -> Iterator[_Cue]:
    cue: _Cue | None = None
    lines = [*_numbered(text), (len(text), len(text), 0)]
    for (start, stop, number), (next_start, next_stop, _) in pairwise(lines):
        line = text[start:stop]
        if not line.strip():
            continue
        if timing := _TIMING.match(line):
            if cue is not None:
                yield cue
            cue = _Cue(_seconds(timing.groups()[:4]), _seconds(timing.groups()[4:]))
        elif line.strip().isdigit() and _TIMING.match(text[next_start:next_stop]):
            continue
        elif "-->" in line:
            raise DataError(f"{name}:{number}", f"is no time of a subtitle: {line[:60]!r}")
        elif cue is None:
            raise DataError(f"{name}:{number}", "is no subtitle: expected a number, and a time in the next line")
        else:
            cue.lines.append((start, stop, number))
    if cue is not None:
        yield cue


def _vtt_cues(text: str, name: str) -> Iterator[_Cue]:
    lines = list(_numbered(text))
    if not lines or not re.match(r"WEBVTT(?![^\s])", text[lines[0][0] : lines[0][1]]):
        raise DataError(f"{name}:1", "is no WebVTT: its first line is not WEBVTT")
    block: list[tuple[int, int, int]] = []
    is_first = True
    for line in [*lines, (len(text), len(text), 0)]:
        if text[line[0] : line[1]].strip():
            block.append(line)
            continue
        if block and not is_first:
            yield from _vtt_block(text, name, block)
        is_first = is_first and not block
        block = []


def _vtt_block(text: str, name: str, block: list[tuple[int, int, int]]) -> Iterator[_Cue]:
    if re.match(r"(NOTE|STYLE|REGION)(?!\S)", text[block[0][0] : block[0][1]]):
        return
    for place, (start, stop, _) in enumerate(block[:2]):
        if timing := _TIMING.match(text[start:stop]):
            cue = _Cue(_seconds(timing.groups()[:4]), _seconds(timing.groups()[4:]), block[place + 1 :])
            if cue.lines:
                yield cue
            return
    start, stop, number = block[0]
    raise DataError(f"{name}:{number}", f"is no cue: expected a time, not {text[start:stop][:60]!r}")


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + float(f"0.{fraction}")


def _cuts(by: Correspondence, offsets: Sequence[int]) -> list[int]:
    """Returns the gaps where a translation is cut so that each text gets something of it, at white space.

    Raises LeftAsItWasError if there are fewer words than texts.
    """
    allowed = [gap for gap in range(1, len(by.target)) if _may_cut(by, gap)]
    parts = len(offsets)
    if len(allowed) < parts - 1:
        raise LeftAsItWasError("the translation has fewer words than there are cues")
    cuts: list[int] = []
    first = 0
    for place, offset in enumerate(offsets[1:], 1):
        last = len(allowed) - (parts - 1 - place)
        gap = by.gap(offset - 1, [(gap, gap) for gap in allowed[first:last]])
        cuts.append(gap)
        first = allowed.index(gap) + 1
    return cuts


def _may_cut(by: Correspondence, gap: int) -> bool:
    before, after = by.target[gap - 1], by.target[gap]
    if before.stop < after.start:
        return True
    following = by.text[after.start]
    return bool(_UNSPACED.match(following)) and bool(
        _UNSPACED.match(by.text[before.start]) or by.text[before.start] in "。、，！？"
    )


def _visible_length(line: str) -> int:
    return len(re.sub(_TAGS, "", line).strip())


def _in_two_lines(text: str, limit: int) -> list[str]:
    """Breaks a text where it is longer than a line: into two of like length."""
    if _visible_length(text) <= limit:
        return [text]
    places = list(_break_places(text))
    # The first line grows from place to place, and the second one shrinks.
    middle = bisect_left(places, True, key=lambda place: ge(*_halves(text, place)))
    near = [(*_halves(text, place), place) for place in places[max(0, middle - _NEAR) : middle + 1]]
    found = [(max(first, second), place) for first, second, place in near if first and second]
    if not found:
        return [text]
    _, place = min(found)
    return [text[:place].rstrip(), text[place:].lstrip()]


def _halves(text: str, place: int) -> tuple[int, int]:
    """Returns how long the two lines are that a text is broken into."""
    return _visible_length(text[:place]), _visible_length(text[place:])


def _break_places(text: str) -> Iterator[int]:
    marks = deque((mark.start, mark.stop) for mark in find_placeholders(text))
    for found in _PIECE.finditer(text):
        while marks and marks[0][1] <= found.start():
            marks.popleft()
        if marks and marks[0][0] < found.end():
            continue
        if found[0].isspace():
            yield found.end()
        elif _UNSPACED.search(found[0]) and not found[0].startswith(("<", "{")):
            for place in range(found.start() + 1, found.end()):
                if _UNSPACED.match(text[place]) and (
                    _UNSPACED.match(text[place - 1]) or text[place - 1] in "。、，！？"
                ):
                    yield place
