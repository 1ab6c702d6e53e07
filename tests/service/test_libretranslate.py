"""Claims about LibreTranslate's interface: its clients work unchanged, and its errors have its form."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error

import pytest
from deep_translator import LibreTranslator
from libretranslatepy import LibreTranslateAPI

from nmt.translation.translator import Translator
from served import Served

PAIR = {"source": "xx", "target": "yy"}


def translated(translator: Translator, *lines: str) -> list[str]:
    return [str(line) for line in translator.translate(lines)]


def test_a_text_is_translated_as_by_the_command(service: Served, translator: Translator) -> None:
    reply = service.post("/translate", {"q": "ba ce di", **PAIR})
    assert (reply.status, reply.json) == (200, {"translatedText": translated(translator, "ba ce di")[0]})


def test_a_list_is_answered_with_a_list(service: Served, translator: Translator) -> None:
    lines = ["ba ce", "", "fo gu ha", "7"]
    assert service.post("/translate", {"q": lines, **PAIR}).json == {"translatedText": translated(translator, *lines)}


def test_white_space_between_sentences_is_kept(service: Served, translator: Translator) -> None:
    first, second = translated(translator, "ba ce.", "Di fo.")
    reply = service.post("/translate", {"q": " ba ce.\n\n\tDi fo.  ba ce.\r\n", **PAIR})
    assert reply.json["translatedText"] == f" {first}\n\n\t{second}  {first}\r\n"


def test_a_blank_text_stays_as_it_is(service: Served) -> None:
    assert service.post("/translate", {"q": " \n ", **PAIR}).json == {"translatedText": " \n "}


def test_a_form_a_query_and_a_form_of_parts_say_the_same_as_json(service: Served, translator: Translator) -> None:
    expected = {"translatedText": translated(translator, "ba ce")[0]}
    form = "q=ba+ce&source=xx&target=yy"
    kind = "application/x-www-form-urlencoded"
    assert service.ask("POST", "/translate", form, content_type=kind).json == expected
    assert service.ask("POST", f"/translate?{form}").json == expected
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {"q": "ba ce", **PAIR}.items()
    )
    reply = service.ask("POST", "/translate", f"{parts}--b--\r\n", content_type="multipart/form-data; boundary=b")
    assert reply.json == expected


def test_of_a_page_the_text_is_translated_and_the_rest_stays(service: Served, translator: Translator) -> None:
    pages = ['<p class="a">ba ce</p>\n<script>ba ce</script>', "fo <b>gu</b> &amp; ha", ""]
    reply = service.post("/translate", {"q": pages, "format": "html", "alternatives": 1, **PAIR})
    first, second, third = reply.json["translatedText"]
    assert first == f'<p class="a">{translated(translator, "ba ce")[0]}</p>\n<script>ba ce</script>'
    assert second.count("<b>") == second.count("</b>") == 1 and second != pages[1]
    assert third == "" and reply.json["alternatives"] == [[], [], []]


def test_half_a_character_in_a_page_becomes_a_sign_for_it(service: Served) -> None:
    reply = service.post("/translate", {"q": "<p title=7\ud800>7</p><!-- \udc00 -->", "format": "html", **PAIR})
    assert (reply.status, reply.json) == (200, {"translatedText": "<p title=7\ufffd>7</p><!-- \ufffd -->"})


def test_the_blocks_of_a_page_are_counted_as_sentences_are(service: Served) -> None:
    reply = service.post("/translate", {"q": "<p>ba</p>" * 1001, "format": "html", **PAIR})
    assert reply.status == 413 and "1001 sentences: expected at most 1000" in reply.json["error"]


def test_auto_names_the_language_that_was_found(service: Served) -> None:
    reply = service.post("/translate", {"q": ["ba", "ce"], "source": "auto", "target": "yy"}).json
    assert [one["language"] for one in reply["detectedLanguage"]] == ["xx", "xx"]
    assert all(0 <= one["confidence"] <= 100 for one in reply["detectedLanguage"])
    assert service.post("/translate", {"q": "ba", "source": "auto", "target": "yy"}).json["detectedLanguage"]


def test_alternatives_are_those_of_the_beam(service: Served, translator: Translator) -> None:
    outputs = translator.translate(["ba ce di"], translator.options(n_best=2))[0].outputs
    reply = service.post("/translate", {"q": "ba ce di", "alternatives": 1, **PAIR}).json
    others = [output.text for output in outputs[1:] if output.text != outputs[0].text]
    assert reply == {"translatedText": outputs[0].text, "alternatives": others}


def test_languages_settings_and_health(service: Served) -> None:
    assert service.ask("GET", "/languages").json == [
        {"code": "xx", "name": "xx", "targets": ["yy"]},
        {"code": "yy", "name": "yy", "targets": []},
    ]
    settings = service.ask("GET", "/frontend/settings").json
    assert settings["charLimit"] == 20_000 and settings["keyRequired"] is False
    assert service.ask("GET", "/health").json == {"status": "ok"}


def test_detect_ranks_the_languages_served(service: Served) -> None:
    found = service.post("/detect", {"q": "ba ce di"}).json
    assert [one["language"] for one in found] == ["xx", "yy"]  # of both nothing is known
    assert 0 < found[0]["confidence"] == found[1]["confidence"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "missing q"),
        ({"q": "ba"}, "missing target"),
        ({"q": "ba", "target": "yy"}, "missing source"),
        ({"q": "ba", "source": "", "target": "yy"}, "missing source"),
        ({"q": 5, **PAIR}, "q must be a text"),
        ({"q": [], **PAIR}, "q must be"),
        ({"q": ["ba", 5], **PAIR}, "q must be"),
        ({"q": "ba", "source": "de", "target": "yy"}, "de to yy is not translated here: expected xx to yy"),
        ({"q": "ba", "source": "auto", "target": "de"}, "nothing is translated to de"),
        ({"q": "ba", "format": "pdf", **PAIR}, "format is pdf: expected text or html"),
        ({"q": "<p>ba <!-- ce", "format": "html", **PAIR}, "q:1: is broken HTML"),
        ({"q": "ba", "model": "other", **PAIR}, "other is no model here: expected tiny"),
        ({"q": "ba", "alternatives": -1, **PAIR}, "alternatives must be"),
        ({"q": "ba", "alternatives": "x", **PAIR}, "alternatives must be"),
    ],
)
def test_a_mistake_is_an_error_of_400(fields: dict[str, object], said: str, service: Served) -> None:
    reply = service.post("/translate", fields)
    assert reply.status == 400 and set(reply.json) == {"error"} and said in reply.json["error"]


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff", b"[" * 100_000, b'{"q": NaN'])
def test_a_body_that_is_no_object_is_an_error_of_400(body: bytes, service: Served) -> None:
    reply = service.ask("POST", "/translate", body, content_type="application/json")
    assert reply.status == 400 and "JSON" in reply.json["error"]


def test_a_form_that_cannot_be_read_is_an_error_of_400(service: Served) -> None:
    for body in (b"", b"no part at all", b"--b\r\nContent-Disposition: form-data; name=q", b"--b\r\n\r\nx\r\n--b--"):
        reply = service.ask("POST", "/translate", body, content_type="multipart/form-data; boundary=b")
        assert reply.status == 400 and reply.json["error"]
    file = b'--b\r\nContent-Disposition: form-data; name="q"; filename="f"\r\n\r\nba\r\n--b--\r\n'
    assert service.ask("POST", "/translate", file, content_type="multipart/form-data; boundary=b").status == 400


@pytest.mark.parametrize("charset", ["punycode", "undefined", "unicode_escape", "utf-16"])
def test_a_form_in_another_encoding_is_an_error_of_400(charset: str, service: Served) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="q-"\r\n\r\n' + b"\\d" * 100_000 + b"\r\n--b--\r\n"
    kind = f"multipart/form-data; boundary=b; charset={charset}"
    start = time.process_time()
    reply = service.ask("POST", "/translate", body, content_type=kind)
    assert time.process_time() - start < 1
    assert reply.status == 400 and "expected UTF-8" in reply.json["error"]


def test_libretranslatepy_works_unchanged(service: Served, translator: Translator) -> None:
    client = LibreTranslateAPI(service.url)
    assert client.translate("ba ce", "xx", "yy") == translated(translator, "ba ce")[0]
    assert client.languages()[0]["code"] == "xx"
    assert client.detect("ba")[0]["language"] == "xx"
    with pytest.raises(urllib.error.HTTPError, match="400"):
        client.translate("ba", "yy", "xx")


def test_deep_translator_works_unchanged(service: Served, translator: Translator, monkeypatch) -> None:
    monkeypatch.setattr("deep_translator.base.BaseTranslator._map_language_to_code", lambda _, *codes: codes)
    client = LibreTranslator(source="xx", target="yy", api_key="none needed", custom_url=service.url)
    assert client.translate("ba ce") == translated(translator, "ba ce")[0]
    assert client.translate_batch(["ba", "ce"]) == translated(translator, "ba", "ce")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_works(service: Served, translator: Translator) -> None:
    fields = ["-d", "q=ba ce", "-d", "source=xx", "-d", "target=yy"]
    done = subprocess.run(["curl", "-sS", f"{service.url}translate", *fields], capture_output=True, check=True)
    assert json.loads(done.stdout) == {"translatedText": translated(translator, "ba ce")[0]}
