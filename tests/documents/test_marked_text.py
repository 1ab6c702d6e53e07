"""Marks are taken out of a line, and put back where the words stand that they stood beside."""

from __future__ import annotations

import numpy as np
import pytest

from made_up_translations import made_up, same
from nmt.documents.document import Told, Units
from nmt.documents.marked_text import InlineMark, LeftAsItWasError, marked
from nmt.documents.placeholders import find_placeholders
from nmt.translation.result import Output, SegmentAttention, Translation

OPEN, CLOSE = InlineMark("<b>", "open", "b"), InlineMark("</b>", "close", "b")


def aligned(source: str, text: str, links: dict[int, int]) -> Translation:
    """A translation each of whose words attends to one word of the source."""
    words, others = source.split(), text.split()
    weights = np.zeros((len(others), len(words) + 1), np.float32)
    for target, one in links.items():
        weights[target, one] = 1
    tokens = tuple(f"▁{word}" for word in others)
    segment = SegmentAttention(weights, tuple(range(len(words))), tuple(range(len(others))), range(len(others)))
    output = Output(text, 0.0, 0.0, tokens, (segment,))
    return Translation(source, (output,), tuple(f"▁{word}" for word in words))


def put_back(parts: list[str | InlineMark], text: str, links: dict[int, int]) -> str:
    line = marked(parts)
    return line.written(aligned(line.line, text, links))


def test_the_model_sees_neither_marks_nor_the_gaps_that_they_leave() -> None:
    assert marked(["Hello {name}, it is (%s) & <b>not</b> ${x}."]).line == "Hello, it is & not."
    assert marked(["the ", OPEN, "red", CLOSE, " cat"]).line == "the red cat"
    assert marked(["re", OPEN, "d", CLOSE, " cat"]).line == "red cat"


@pytest.mark.parametrize("text", ["{name}", " %d ", "<br/>", "{a} – {b}: 12", "https://example.org", "♪ 3.5", ""])
def test_without_a_letter_there_is_nothing_to_translate(text: str) -> None:
    line = marked([text])
    assert line.line == "" and line.written_alone() == text


def test_marks_at_the_ends_stay_there() -> None:
    line = marked([" {a}: <i><b>red cat</b></i> %s\n"])
    assert line.line == "red cat" and not line.has_marks
    assert line.written(same(["rot"])[0]) == " {a}: <i><b>rot</b></i> %s\n"


def test_a_pair_of_tags_goes_to_the_words_that_attend_to_its_own() -> None:
    parts: list[str | InlineMark] = ["the ", OPEN, "red", CLOSE, " cat sleeps"]
    assert put_back(parts, "кот красный спит", {0: 2, 1: 1, 2: 3}) == "кот <b>красный</b> спит"
    assert put_back(parts, "красный кот", {0: 1, 1: 2}) == "<b>красный</b> кот"


def test_a_placeholder_goes_behind_the_word_that_it_stood_behind() -> None:
    links = {0: 2, 1: 0, 2: 1}
    assert put_back(["one two {0} three"], "три один два", links) == "три один два {0}"
    assert put_back(["one {0} two three"], "три один два", links) == "три один {0} два"
    assert put_back(["one {0}, two"], "один, два", {0: 0, 1: 1}) == "один {0}, два"


def test_tags_are_nested_whatever_attends_to_what() -> None:
    inner = [InlineMark("<i>", "open", "i"), "two", InlineMark("</i>", "close", "i")]
    parts: list[str | InlineMark] = ["zero ", OPEN, "one ", *inner, CLOSE, " three"]
    found = put_back(parts, "a b c d", {0: 2, 1: 0, 2: 1, 3: 1})
    assert all(found.count(tag) == 1 for tag in ("<b>", "<i>", "</i>", "</b>"))
    assert found.index("<b>") < found.index("<i>") < found.index("</i>") < found.index("</b>")


@pytest.mark.parametrize(
    ("text", "why"),
    [("  ", "is empty"), ("а %s", "holds '%s'"), ("а <b>", "holds '<b>'"), ("{0} а {0}", "holds '{0}'")],
)
def test_a_translation_with_marks_of_its_own_is_refused(text: str, why: str) -> None:
    line = marked(["the {0} cat"])
    with pytest.raises(LeftAsItWasError, match=why):
        line.written(Translation(line.line, (Output(text, 0.0, 0.0, (), None),)))


def test_a_placeholder_that_a_tag_cuts_is_left() -> None:
    with pytest.raises(LeftAsItWasError, match="inside of a placeholder"):
        marked(["the {", OPEN, "name", CLOSE, "} cat"])
    assert marked(["see http://a.org", OPEN, "cat", CLOSE]).line == "see cat"


@pytest.mark.parametrize(
    "text",
    [
        "{n, plural, one {# apple} other {# apples}}",
        "You have {n, plural,\n one {an apple}\n other {# apples}} here",
        "{who, select, a {he} other {they}} sleeps",
    ],
)
def test_a_text_with_braces_inside_of_braces_is_left_and_told(text: str) -> None:
    warnings: list[str] = []
    units = Units("x", Told(warnings.append))
    assert units.add([text], 3) is None and units.lines == []
    assert warnings == ["x:3: left as it was: it has braces inside of braces, as the plurals of ICU have"]


def test_a_translation_with_fewer_braces_than_its_text_is_refused() -> None:
    line = marked(["the { black cat } {0}"])
    with pytest.raises(LeftAsItWasError, match="braces"):
        line.written(Translation(line.line, (Output("die schwarze Katze", 0.0, 0.0, (), None),)))


def test_more_marks_than_a_text_has_are_left() -> None:
    with pytest.raises(LeftAsItWasError, match="2,000"):
        marked(["a {0} " * 2001])


def test_a_no_break_space_is_white_space_that_comes_back() -> None:
    assert marked(["10&nbsp;km far"]).line == "10 km far"
    assert put_back(["it is&nbsp;far"], "а б в", {0: 0, 1: 1, 2: 2}) == "а б&nbsp;в"


def test_without_attention_marks_go_where_they_stood_in_proportion() -> None:
    line = marked(["one two {0} three four"])
    assert line.written(Translation(line.line, (Output("а б в г", 0.0, 0.0, (), None),))) == "а б {0} в г"


def test_of_scripts_without_spaces_characters_are_told_apart() -> None:
    line = marked(["the ", OPEN, "red", CLOSE, " cat"])
    found = line.written(Translation(line.line, (Output("赤い猫です", 0.0, 0.0, (), None),)))
    assert found.replace("<b>", "").replace("</b>", "") == "赤い猫です" and not found.endswith("</b>")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{name} {0} {} ${x} {{x}} {{ x.y }} #{a}", ["{name}", "{0}", "{}", "${x}", "{{x}}", "{{ x.y }}", "#{a}"]),
        ("%s %1$s %(name)d %-5.2f %% %@ %ld %USER%", ["%s", "%1$s", "%(name)d", "%-5.2f", "%%", "%@", "%ld", "%USER%"]),
        ("5% of 10 %d", ["%d"]),
        ("%s_x% $name $HOME/bin @@name@@ me@@x", ["%s_x%", "$name", "$HOME", "@@name@@"]),
        ("$5 US$a 12:name :name a$ $$x", []),
        ("<b>x</b> <a href='y'> a < b > c <3", ["<b>", "</b>", "<a href='y'>"]),
        ("&nbsp; &#160; &amp AT&T &x", ["&nbsp;", "&#160;"]),
        ("(see https://a.org/b_(c), or www.d.org.) me@a.org", ["https://a.org/b_(c)", "www.d.org", "me@a.org"]),
        ("no {placeholder\n} here { } or }{", []),
    ],
)
def test_what_is_a_placeholder(text: str, found: list[str]) -> None:
    assert [one.text for one in find_placeholders(text)] == found


def test_made_up_translations_have_the_words_of_their_attention() -> None:
    import random

    generator = random.Random(1)
    for _ in range(50):
        translation = made_up("a b c d e f", generator, attention=True)
        segments = translation.outputs[0].segments or ()
        assert sum(len(segment.words) for segment in segments) == len(translation.text.split())
