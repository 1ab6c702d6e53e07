"""Claims about our own interface: it tells what `nmt translate --format json` and the attention page tell."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from nmt.search.options import SamplingOptions
from nmt.translation.translator import Translator
from nmt.visualization.attention_page.document import attention_data
from program import Call
from served import Serve, Served


def events(body: bytes) -> list[tuple[str, dict[str, object]]]:
    """The events of a stream: their names and data."""
    found = []
    for block in body.decode().removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_a_sentence_has_the_fields_of_the_command(service: Served, call: Call, model: Path) -> None:
    options = ["--format", "json", "--alignment", "soft", "--confidence", "--n-best", "2", "--beam-size", "3"]
    expected = json.loads(call("translate", model, *options, stdin=b"ba ce di").out)
    asked = {"text": "ba ce di", "alignment": "soft", "confidence": True, "n_best": 2, "beam_size": 3}
    [translation] = service.post("/v1/translate", asked).json["translations"]
    [sentence] = translation["sentences"]
    assert {name: sentence.pop(name) for name in ("start", "source_before", "before")} == {
        "start": 0,
        "source_before": "",
        "before": "",
    }
    assert sentence == expected and sentence["translation"] == translation["translation"]


def test_sentences_know_their_place(service: Served, translator: Translator) -> None:
    text = " ba ce. Di.\n\nfo gu\n"
    [translation] = service.post("/v1/translate", {"text": text}).json["translations"]
    sentences = translation["sentences"]
    assert [text[one["start"] :].startswith(one["source"]) for one in sentences] == [True] * 3
    assert "".join(one["source_before"] + one["source"] for one in sentences) + translation["after"] == text
    joined = "".join(one["before"] + one["translation"] for one in sentences) + translation["after"]
    assert joined == translation["translation"]
    assert [one["translation"] for one in sentences] == [
        str(line) for line in translator.translate([one["source"] for one in sentences])
    ]


def test_lines_stay_whole_where_sentences_are_not_split(service: Served) -> None:
    asked = {"text": "ba ce. Di.\nfo", "split_sentences": False}
    [translation] = service.post("/v1/translate", asked).json["translations"]
    assert [one["source"] for one in translation["sentences"]] == ["ba ce. Di.", "fo"]


def test_a_stream_tells_the_same_sentence_by_sentence(service: Served) -> None:
    asked = {"text": ["ba ce. Di.", "", "fo"]}
    whole = service.post("/v1/translate", asked).json["translations"]
    reply = service.post("/v1/translate", {**asked, "stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    told = events(reply.body)
    assert [name for name, _ in told] == ["sentence", "sentence", "text", "text", "sentence", "text", "end"]
    sentences = [data for name, data in told if name == "sentence"]
    assert [one.pop("text") for one in sentences] == [0, 0, 2]
    assert sentences == [one for translation in whole for one in translation["sentences"]]


def test_sampling_draws_the_same_for_the_same_seed(service: Served) -> None:
    asked = {"text": "ba ce di", "sampling": {"seed": 5}, "n_best": 3}
    assert service.post("/v1/translate", asked).body == service.post("/v1/translate", asked).body


def test_the_one_most_like_all_candidates_is_chosen(service: Served, translator: Translator) -> None:
    asked = {"text": "ba ce di", "sampling": {"seed": 5}, "mbr": 10, "mbr_metric": "bleu"}
    [told] = service.post("/v1/translate", asked).json["translations"]
    options = translator.options(mbr=10, mbr_metric="bleu", sampling=SamplingOptions(seed=5))
    [expected] = translator.translate(["ba ce di"], options)
    assert told["translation"] == expected.text
    assert told["sentences"][0]["utility"] == expected.outputs[0].utility


def test_groups_of_the_beam_avoid_each_others_words(service: Served, translator: Translator) -> None:
    asked = {"text": "ba ce di", "beam_size": 4, "n_best": 4}
    usual, diverse, weaker = (
        service.post("/v1/translate", asked | others).json["translations"][0]["sentences"][0]["hypotheses"]
        for others in ({}, {"diverse": 4, "diversity": 100}, {"diverse": 4, "diversity": 0})
    )
    options = translator.options(beam_size=4, n_best=4, diverse=4, diversity=100)
    [expected] = translator.translate(["ba ce di"], options)
    assert [one["translation"] for one in diverse] == [output.text for output in expected.outputs]
    assert diverse not in (usual, weaker)


def test_attend_gives_the_data_of_the_attention_page(service: Served, translator: Translator) -> None:
    expected = attention_data([translator.attend("ba ce di")], "word", "text")
    assert service.post("/v1/attend", {"text": "ba ce di"}).json == json.loads(json.dumps(expected))


def test_half_a_character_is_attended_to_as_a_sign_for_it(service: Served) -> None:
    attended = service.post("/v1/attend", {"text": "ba \ud800 ce"})
    assert attended.status == 200 and attended.json == service.post("/v1/attend", {"text": "ba \ufffd ce"}).json


def test_models_are_described(service: Served, translator: Translator) -> None:
    [found] = service.ask("GET", "/v1/models").json["models"]
    assert found == {
        "name": "tiny",
        "source": "xx",
        "target": "yy",
        "source_name": "xx",
        "target_name": "yy",
        "attention": "additive",
        "ensemble": 1,
        "beam_size": 2,
        "max_beam_size": 10,
        "shortlist": False,
        "tags": [],
        "is_ready": True,
        "sha256": translator.identity,
    }


def test_several_models_are_described_by_the_attention_they_have(serve: Serve, plain_model: Path, model: Path) -> None:
    with serve([plain_model], ensemble=[model]) as together:
        [found] = together.ask("GET", "/v1/models").json["models"]
        assert (found["ensemble"], found["attention"]) == (2, "additive")
        asked = {"text": "ba ce", "coverage_penalty": 0.5, "alignment": "soft"}
        [translation] = together.post("/v1/translate", asked).json["translations"]
        assert "attention" in translation["sentences"][0]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ([], 400, "the body"),
        ({}, 400, "text"),
        ({"text": "ba", "beam": 3}, 400, "beam: is no field of this request"),
        ({"text": "ba", "beam_size": "3"}, 400, "beam_size"),
        ({"text": "ba", "beam_size": 11}, 400, "beam_size is 11: expected at most 10"),
        ({"text": "ba", "n_best": 11}, 400, "n_best is 11: expected at most 10"),
        ({"text": "ba", "mbr": 11}, 400, "mbr is 11: expected at most 10"),
        ({"text": "ba", "mbr_metric": "ter"}, 400, "mbr_metric"),
        ({"text": "ba", "max_length": 9}, 400, "max_length is 9: expected at most 8"),
        ({"text": "ba", "shortlist": 5}, 400, "shortlist is 5, but the model has no table for it"),
        ({"text": "ba", "tag": "<zz>"}, 400, "tag <zz> is no tag of this model; it knows none"),
        ({"text": "ba", "diverse": 11}, 400, "diverse is 11: expected at most 10"),
        (
            {"text": "ba", "diverse": 2, "beam_size": 3},
            400,
            "diverse is 2: expected a divisor of the width of the beam, 3",
        ),
        ({"text": "ba", "diverse": 2, "sampling": {}}, 400, "diverse is 2: it does not go with samples"),
        ({"text": "ba", "diversity": -1}, 400, "diversity"),
        ({"text": "ba", "copy": ["names"]}, 400, "copy"),
        ({"text": "ba", "model": "other"}, 404, "other is no model here"),
        ({"text": "ba", "target": "zz"}, 404, "nothing is translated to zz"),
        ({"text": "ba", "model": "tiny", "target": "zz"}, 404, "target is zz, but tiny has yy"),
    ],
)
def test_a_mistake_is_named(asked: object, status: int, said: str, service: Served) -> None:
    reply = service.post("/v1/translate", asked)
    assert reply.status == status and reply.json["error"].startswith(said)
    assert str(Path.cwd()) not in reply.json["error"]


@pytest.mark.parametrize("path", ["/v1/translate", "/v1/attend"])
def test_what_needs_attention_is_refused_where_there_is_none(
    path: str, serve: Serve, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Translator, "has_attention", False)
    with serve([model]) as served:
        reply = served.post(path, {"text": "ba", "coverage_penalty": 0.5})
        expected = "coverage_penalty needs a model with attention, which tiny has not"
        assert (reply.status, reply.json["error"]) == (400, expected)
        assert served.post(path, {"text": "ba", "coverage_penalty": 0}).status == 200


def test_what_several_models_fit_needs_more_words(serve: Serve, model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(model, other)
    with serve([model, other]) as served:
        [_, second] = served.models
        second.target = "zz"
        reply = served.post("/v1/translate", {"text": "ba", "source": "xx"})
        assert (reply.status, reply.json["error"]) == (400, "needs target, the code of a language: several are served")
        detected = served.post("/detect", {"q": "ba"}).json
        assert {one["language"] for one in detected} == {"xx", "yy", "zz"}


def test_two_models_of_one_pair_are_asked_by_name(serve: Serve, model: Path, learned: Path) -> None:
    with serve([model, learned]) as served:
        names = [one["name"] for one in served.ask("GET", "/v1/models").json["models"]]
        assert names == ["tiny", "learned"]
        for path, name in ((model, "tiny"), (learned, "learned")):
            expected = str(Translator.load(path).translate(["ba ce di"])[0])
            fields = {"q": "ba ce di", "source": "xx", "target": "yy", "model": name}
            assert served.post("/translate", fields).json["translatedText"] == expected
            [found] = served.post("/v1/translate", {"text": "ba ce di", "model": name}).json["translations"]
            assert (found["model"], found["translation"]) == (name, expected)


def test_metrics_are_in_the_format_of_prometheus(service: Served) -> None:
    service.post("/translate", {"q": "secret ba", "source": "xx", "target": "yy"})
    text = service.ask("GET", "/metrics").body.decode()
    rows = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(len(row.rpartition(" ")) == 3 and float(row.rpartition(" ")[2]) >= 0 for row in rows)
    assert 'nmt_requests_total{path="/translate",status="200"}' in text and "secret" not in text
