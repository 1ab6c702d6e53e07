"""Mending: damage of known kinds is undone, and right text in any script stays as it is."""

import html
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.corpus.mending import MEND_MEANINGS, Mend, mend

RIGHT = [
    "It's 5 o'clock; AT&T and R&D pay <b>£5</b> for m², 10⁶, ½, … and ™.",
    "«À la carte» coûte 10 € – déjà»… “IRMÔ” ‘MÃ’ BORÐ” ESPAÑ… Nº 1ª",
    "می‌روم به خانه",  # U+200C parts letters
    "क्‍ष र्‍य",  # U+200D joins them
    "ភាសា\u200bខ្មែរ ภาษา\u200bไทย",  # the space without width parts words
    "\u200fשלום (hello)\u200e עולם\u200f",
    "日本語の「文章」、です。",
    "👨‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️",
    "Ðúrið er opið á Ísafirði, sagði hún Þóra.",
    "Ä… ich weiß nicht. Sie sagte „Ä“. ÅSA HETER ”ÅÄÖ”, IKEÅ®",
    "Ψάχνω για δουλειά. Привет, мир! Xin chào các bạn, tôi là Nguyễn.",
    "a &b; c &notit d",
]

DAMAGED = {
    "d&apos;accord": "d'accord",
    "&amp;quot;so&amp;quot;": '"so"',
    "&#38;#38;amp;": "&",
    "&" + 50 * "amp;" + "quot;": '"',
    "& quot ; so & quot ;": '" so "',
    "&#233;t&#xE9; &eacute;": "été é",
    "&amp;unknown;": "&unknown;",
    "CafÃ© dÃ©jÃ\xa0 vu": "Café déjà vu",
    "â€œItâ€™s hereâ€\x9d â€“ she saidâ€¦": "“It’s here” – she said…",
    "Ð¿Ñ€Ð¸Ð²ÐµÑ‚": "привет",
    "ä½\xa0å¥½": "你好",
    "CafÃƒÂ©": "Café",
    "Å“uvre, cÅ“ur, wÅ‚adza, ksiÄ…Å¼ka": "œuvre, cœur, władza, książka",
    "ðŸ˜€": "😀",
    "ï»¿First": "First",
    "It\x92s \x93so\x94\x85": "It’s “so”…",
    "\ufeffco\u00adoperate\u200b": "cooperate",
    "left\u200eright": "leftright",
    "\tone \u00a0 two\u3000three\u2028 ": "one two three",
    "\x00 \ufeff": "",
    "a\x00b": "ab",
    "&nbsp;x&#13;&#10;y": "x y",
}


@pytest.mark.parametrize("text", RIGHT)
def test_right_text_stays(text):
    assert mend(text) == (text, ())


@pytest.mark.parametrize(("damaged", "right"), DAMAGED.items())
def test_damage_is_undone(damaged, right):
    mended, kinds = mend(damaged)
    assert mended == right and kinds


def test_each_kind_is_named():
    found = {kind for damaged in DAMAGED for kind in mend(damaged)[1]}
    assert found == set(Mend) == set(MEND_MEANINGS)


PIECES = st.sampled_from(
    [*DAMAGED, *RIGHT, "&", "amp;", "#38;", "quot", ";", " ", "Ã", "©", "â", "€", "\x80", "\u200b", "ก"]
)


@given(st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join))
def test_what_was_mended_is_right(text):
    mended, _ = mend(text)
    assert mend(mended) == (mended, ())


@given(st.text(st.characters(categories=["L", "M", "N", "P"], exclude_characters="&"), max_size=20))
def test_words_are_neither_joined_nor_split(text):
    words = [text[start : start + 4] for start in range(0, len(text), 4)]
    assert len(mend(" ".join(words))[0].split()) == len(" ".join(words).split())


@given(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="&"), max_size=30), st.integers(1, 4))
def test_escaping_is_undone_however_often_it_was_done(text, times):
    escaped = text
    for _ in range(times):
        escaped = html.escape(escaped)
    assert mend(escaped)[0] == mend(text)[0]


@pytest.mark.parametrize(
    "text", ["&amp;" * 200_000, "&" * 1_000_000, "&amp" * 200_000, "Ã" * 500_000, "& quot" * 100_000]
)
def test_a_hostile_line_takes_no_longer_than_another(text):
    began = time.monotonic()
    mend(text)
    assert time.monotonic() - began < 5
