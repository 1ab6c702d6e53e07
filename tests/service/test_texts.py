"""Claims about texts, keys, hosts and languages: the small parts of the service."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nmt.errors import ConfigError, InputFileError
from nmt.preflight.languages import language_name
from nmt.service.detection import detect
from nmt.service.hosts import Hosts, host_of, is_loopback, is_same_origin, origin_of
from nmt.service.keys import Keys, key_of, read_keys
from nmt.service.texts import cut_text

KEY = "0123456789abcdef"


def test_a_text_of_untranslated_sentences_is_the_text() -> None:
    generator = random.Random(1)
    for _ in range(300):
        text = "".join(generator.choices(["Ba ce.", "di", " ", "\n", "\t", "\r\n", "!", "\u3000", "Fo? "], k=12))
        cut = cut_text(text, "en", "ja")
        assert cut.joined([one.text for one in cut.sentences]) == text
        assert all(text[one.start :].startswith(one.text) for one in cut.sentences)
        assert all("\n" not in one.text and one.text.strip() == one.text for one in cut.sentences)


def test_languages_with_spaces_get_one_between_sentences_that_had_none() -> None:
    cut = cut_text("你好。再见。", "zh", "en")
    assert [one.before for one in cut.sentences] == ["", " "]
    assert [one.before for one in cut_text("你好。再见。", "zh", "ja").sentences] == ["", ""]


def test_a_key_is_admitted_and_nothing_else_is() -> None:
    keys = Keys([KEY, KEY[::-1]])
    assert keys and keys.admit(KEY) and keys.admit(KEY[::-1])
    assert not any(map(keys.admit, ["", KEY[:-1], f"{KEY}x", KEY.upper(), f" {KEY}", "\ud800", "ключ"]))


def test_keys_are_read_from_lines_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"\ufeff# of the office\n\n{KEY}\n  {KEY}2  \n", encoding="utf-8")
    keys = read_keys(path)
    assert keys.admit(KEY) and keys.admit(f"{KEY}2") and not keys.admit("# of the office")
    path.write_text(f"\ufeff{KEY}\n", encoding="utf-8")
    assert read_keys(path).admit(KEY)


@pytest.mark.parametrize(("text", "said"), [("", "holds no key"), ("# x\n", "no key"), ("short\n", ":1: is no key")])
def test_a_file_without_a_good_key_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_keys(tmp_path / "keys")
    with pytest.raises(InputFileError, match="none"):
        read_keys(tmp_path / "none")


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (f"Bearer {KEY}", KEY),
        (f"bearer  {KEY} ", KEY),
        ("Basic YW55Om5lOnR3bw==", None),
        (KEY, None),
        ("", None),
    ],
)
def test_a_key_stands_behind_its_scheme(header: str, key: str | None) -> None:
    assert key_of(header) == key


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost:5000", "localhost"),
        ("LocalHost.", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]:80", "::1"),
        ("[::1]", "::1"),
        ("[::1", None),
        ("[::1]x", None),
        ("[evil]", None),
        ("", None),
        ("a:b", None),
        ("a:999999", None),
    ],
)
def test_the_name_in_a_host(header: str, name: str | None) -> None:
    assert host_of(header) == name


def test_names_that_were_not_given_are_not_admitted() -> None:
    hosts = Hosts(["Translate.example"])
    admitted = ["translate.example:80", "localhost", "192.0.2.1:5000", "[::1]:1"]
    assert all(map(hosts.admit, admitted))
    assert not any(map(hosts.admit, ["evil.example", "localhost.evil.example", "xlocalhost", "", "localhost,evil"]))


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Pages.Example", "https://pages.example"),
        ("HTTPS://pages.example:443", "https://pages.example"),
        ("http://pages.example:80", "http://pages.example"),
        ("http://pages.example:443", "http://pages.example:443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("pages.example", None),
        ("ftp://pages.example", None),
        ("https://pages.example/", None),
    ],
)
def test_an_origin_is_known_as_browsers_write_it(given: str, origin: str | None) -> None:
    assert origin_of(given) == origin


def test_loopback_and_origins() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.8.9.1", "::1", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "192.0.2.1", "example.org"]))
    assert is_same_origin("http://localhost:5000", "localhost:5000")
    assert not any(
        is_same_origin(origin, "localhost:5000")
        for origin in ("null", "http://localhost", "http://evil:5000", "file://localhost:5000", "")
    )


def test_languages_are_told_by_words_and_letters() -> None:
    assert detect("The cat is in the house and that is it.", ["de", "en", "ru"])[0].language == "en"
    assert detect("Der Hund ist nicht in dem Haus.", ["en", "de"])[0].language == "de"
    assert detect("Кошка спит.", ["en", "ru"])[0].language == "ru"
    assert detect("12 — 3", ["en", "ru"])[0].confidence == 0
    sure, unsure = (
        detect(text, ["en"])[0].confidence for text in ("That is what it was for.", "Le chat est dans la rue.")
    )
    assert sure > 60 > 30 > unsure


def test_names_of_languages() -> None:
    assert [*map(language_name, ["en", "pt-BR", "zh_Hant", "xx"])] == [
        "English",
        "Portuguese (BR)",
        "Chinese (Hant)",
        "xx",
    ]
