"""Claims about a model of several corpora with weights and tags, from its training to its translations."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from nmt.corpus.batch_order import START, BatchOrder
from nmt.corpus.mixture import Mixture
from nmt.corpus.store import Store
from nmt.training.batches import iterate_updates
from nmt.translation.translator import Translator
from program import Call, Finished
from served import Serve

A, B = "<2yy>", "<2zz>"
LIMITS = ("--set", "training={max_steps: 12, validate_every: 6}")


@pytest.fixture(scope="module")
def folder(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of a third language beside those of the others: a column of a compressed table."""
    folder = tmp_path_factory.mktemp("mixed")
    for name in ("train", "validation"):
        lines = (data / f"{name}.xx").read_text().splitlines()
        table = "".join(f"{number}\t{line[::-1]}\t{line}\n" for number, line in enumerate(lines))
        (folder / f"{name}.tsv.xz").write_bytes(lzma.compress(table.encode()))
    return folder


def corpora(data: Path, folder: Path, weight: object = 0.5, tag: str = B) -> list[str]:
    """The options of a mixture of both languages."""
    first = f"{{source: {data}/train.xx, target: {data}/train.yy, tag: {A}}}"
    second = f"{{pairs: {folder}/train.tsv.xz, columns: [3, 2], weight: {weight}, tag: {tag}}}"
    held_out = f"[{{source: {data}/validation.xx, target: {data}/validation.yy, tag: {A}}}, "
    held_out += f"{{pairs: {folder}/validation.tsv.xz, columns: [3, 2], tag: {tag}}}]"
    test = f"{{pairs: {folder}/validation.tsv.xz, source: null, target: null, columns: [3, 2], tag: {tag}}}"
    given = f"data.train=[{first}, {second}]", f"data.validation={held_out}", f"data.test={test}"
    return [word for one in given for word in ("--set", one)]


@pytest.fixture(scope="module")
def mixed(data: Path, folder: Path, configuration: Path, call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "mixed"
    done = call("train", configuration, "--output", run, *corpora(data, folder), *LIMITS)
    assert done.code == 0, done.err
    assert done.err.rstrip().endswith(f"nmt translate {run} --tag '{A}'")
    for text in (f"{A}, 200 pairs by 1, 66.7 % of an epoch", f"{B}, 200 pairs by 0.5, 33.3 % of an epoch"):
        assert text in done.err
    return run


Again = Callable[..., Finished]


@pytest.fixture
def again(data: Path, folder: Path, configuration: Path, call: Call, mixed: Path) -> Again:
    """Calls the training once more, with another weight or tag."""

    def begin(**changed: object) -> Finished:
        return call("train", configuration, "--output", mixed, *corpora(data, folder, **changed), *LIMITS)

    return begin


def test_the_store_has_no_tags_and_the_tokenizer_has_them(mixed: Path) -> None:
    translator, store = Translator.load(mixed), Store.open(mixed / "corpus")
    tags = translator.tokenizers.source.tags
    assert list(tags) == [A, B] and store.report.by_file == (200, 200)
    assert set(tags.values()).isdisjoint(token for number in range(400) for token in store.source(number).tolist())


@pytest.mark.parametrize("alpha", [0.0, 0.2])
def test_training_reads_each_source_behind_the_tag_of_its_corpus(mixed: Path, alpha: float) -> None:
    translator, store = Translator.load(mixed), Store.open(mixed / "corpus")
    sampling = translator.config.tokenizer.model_copy(update={"subword_regularization": alpha})
    config = translator.config.model_copy(update={"tokenizer": sampling})
    source = translator.tokenizers.source
    mixture = Mixture.from_config(config.data.train, store.report.by_file, source)
    order = BatchOrder(store, 300, seed=1, mixture=mixture)
    taken: list[int] = []
    for update in iterate_updates(START, order, store, config, translator.tokenizers):
        for part in update.parts:
            for pair, row, length in zip(part.indices.tolist(), part.source, part.source_lengths, strict=True):
                assert row[0] == source.tags[A if pair < 200 else B]
                text = source.decode(store.source(pair).tolist())
                assert source.decode(row[:length].tolist()) == text and row[length - 1] == source.special.eos
                taken.append(pair)
        if update.following.epoch:
            break
    assert sorted(taken)[:200] == list(range(200)) and len(taken) == 300


def test_the_same_command_finds_a_finished_training(again: Again) -> None:
    done = again()
    assert done.code == 0 and "finished already" in done.err


def test_another_weight_or_tag_is_told_with_both_values(again: Again) -> None:
    done = again(weight=2)
    assert (done.code, done.errors) == (
        2,
        ["nmt: error: data.train[1].weight: was 0.5 when this run began, and is 2.0 now; --restart begins anew"],
    )
    keys = "data.train[1].tag", "data.validation[1].tag"  # of a test set, nobody asks
    was = f'was "{B}" when this run began, and is "<2vv>" now; --restart begins anew'
    done = again(tag="<2vv>")
    assert (done.code, done.errors) == (2, [f"nmt: error: {key}: {was}" for key in keys])


def test_a_changed_table_is_told(mixed: Path, folder: Path, call: Call, configuration: Path, data: Path) -> None:
    table = folder / "train.tsv.xz"
    before, more = table.read_bytes(), ("--set", "training.max_steps=20")
    try:
        table.write_bytes(before + lzma.compress(b"1\tb\ta\n"))
        done = call("train", configuration, "--output", mixed, *corpora(data, folder), *LIMITS, *more)
    finally:
        table.write_bytes(before)
    assert done.code == 65 and f"{table}" in done.err and "changed since this run began" in done.err


def test_each_tag_is_a_translation_of_its_own(mixed: Path, call: Call) -> None:
    text = "ba ce difo\n"
    found = {tag: call("translate", mixed, "--tag", tag, stdin=text.encode()) for tag in (A, B)}
    assert [done.code for done in found.values()] == [0, 0]
    assert found[A].lines != found[B].lines
    described = call("translate", mixed, "--tag", A, "--format", "json", "--alignment", "soft", stdin=text.encode())
    [line] = map(json.loads, described.lines)
    assert line["attention"]["source_words"] == text.split() and A not in described.out.decode()
    assert all(sum(row) == pytest.approx(1, abs=1e-4) for row in line["attention_tokens"]["weights"])


@pytest.mark.parametrize("command", ["translate", "attend", "eval", "score", "align"])
def test_an_unknown_tag_is_refused_and_the_known_ones_are_named(
    command: str, mixed: Path, call: Call, data: Path
) -> None:
    pair = ("--src", f"{data}/validation.xx", "--tgt", f"{data}/validation.yy")
    more = {"score": pair, "align": pair}.get(command, ())
    done = call(command, mixed, *more, "--tag", "<bt>", stdin=b"ba\n")
    assert (done.code, done.out) == (2, b"")
    assert done.errors == [f"nmt: error: --tag: <bt> is no tag of this model; it knows {A}, {B}"]


def test_a_model_without_tags_knows_none(model: Path, call: Call) -> None:
    done = call("translate", model, "--tag", "<bt>", stdin=b"ba\n")
    assert done.errors == ["nmt: error: --tag: <bt> is no tag of this model; it knows none"]


def test_a_test_set_is_read_behind_its_own_tag_or_the_given_one(
    mixed: Path, call: Call, data: Path, tmp_path: Path
) -> None:
    saved = {}
    for name, options in {"own": (), "given": ("--tag", A)}.items():
        done = call("eval", mixed, "--save-output", tmp_path / name, *options)
        assert done.code == 0, done.err
        saved[name] = (tmp_path / name).read_text()
    source = (data / "validation.xx").read_bytes()
    for name, tag in (("own", B), ("given", A)):
        assert call("translate", mixed, "--tag", tag, stdin=source).out.decode() == saved[name]
    compared = call("compare", mixed, mixed, "--test", "none", "--format", "json")
    assert compared.code == 0, compared.err


def test_an_empty_tag_stands_for_none_where_a_test_set_has_one(
    mixed: Path, call: Call, data: Path, tmp_path: Path
) -> None:
    assert call("eval", mixed, "--tag", "", "--save-output", tmp_path / "saved").code == 0
    source = (data / "validation.xx").read_bytes()
    assert call("translate", mixed, stdin=source).out == (tmp_path / "saved").read_bytes()
    assert call("compare", mixed, mixed, "--tag", "", "--test", "none").code == 0
    done = call("translate", mixed, "--tag", "", stdin=b"ba\n")
    assert done.errors == [f"nmt: error: --tag: '' is no tag of this model; it knows {A}, {B}"]


def test_given_translations_are_read_behind_the_tag(mixed: Path, call: Call, data: Path) -> None:
    pair = ("--src", f"{data}/validation.xx", "--tgt", f"{data}/validation.yy")
    scores = {tag: call("score", mixed, *pair, "--tag", tag).lines for tag in (A, B)}
    assert len(scores[A]) == 12 and scores[A] != scores[B]
    aligned = call("align", mixed, *pair, "--tag", A)
    words = [len(line.split()) for line in (data / "validation.xx").read_text().splitlines()]
    links = [[tuple(map(int, link.split("-"))) for link in line.split()] for line in aligned.lines]
    assert all(max(source for source, _ in of_line) < count for of_line, count in zip(links, words, strict=True))
    both = call("align", mixed, *pair, "--tag", A, "--reverse", mixed)
    assert "--reverse" in both.err and both.code == 2  # it is no other direction


def test_tags_are_told_of_a_model_and_go_with_an_exported_one(mixed: Path, call: Call, tmp_path: Path) -> None:
    assert call("export", mixed, tmp_path / "exported").code == 0
    for path in (mixed, tmp_path / "exported"):
        assert f"tags         {A}, {B}" in call("info", path).lines
        assert json.loads(call("info", path, "--format", "json").out)["vocabulary"]["tags"] == [A, B]
    translated = [call("translate", path, "--tag", A, stdin=b"ba ce\n").out for path in (mixed, tmp_path / "exported")]
    assert translated[0] == translated[1]


def test_the_service_reads_behind_a_tag(mixed: Path, call: Call, serve: Serve) -> None:
    with serve([mixed]) as served:
        [described] = served.ask("GET", "/v1/models").json["models"]
        assert described["tags"] == [A, B]
        for tag in (A, B):
            [answer] = served.post("/v1/translate", {"text": "ba ce difo", "tag": tag}).json["translations"]
            assert [answer["translation"]] == call("translate", mixed, "--tag", tag, stdin=b"ba ce difo").lines
            attended = served.post("/v1/attend", {"text": "ba ce difo", "tag": tag}).json
            assert attended["lines"][0]["parts"][0]["source_tokens"][0] == tag
        refused = served.post("/v1/translate", {"text": "ba", "tag": "<de>"})
        assert (refused.status, refused.json["error"]) == (400, f"tag <de> is no tag of this model; it knows {A}, {B}")
        assert served.post("/v1/translate", {"text": "ba", "tag": 3}).status == 400
        # The texts of one batch, each behind its own tag.
        plain = served.post("/v1/translate", {"text": "ba ce difo"}).json["translations"][0]["translation"]
        assert [plain] == call("translate", mixed, stdin=b"ba ce difo").lines


def test_a_shortlist_is_learned_of_the_mixture(mixed: Path, call: Call) -> None:
    done = call("shortlist", mixed)
    assert done.code == 0 and "learned from 300 of 300 pairs" in done.err
    assert call("translate", mixed, "--tag", A, "--shortlist", "5", stdin=b"ba ce\n").code == 0


def test_tags_are_new_where_the_model_that_training_goes_on_from_lacks_them(
    model: Path, mixed: Path, data: Path, folder: Path, configuration: Path, call: Call, tmp_path: Path
) -> None:
    for origin, said in ((model, f"with {A}, {B} as new tags"), (mixed, "tokenizer: that of the model\n")):
        run, more = tmp_path / origin.name, ("--set", f"training.initialize_from={origin}")
        done = call("train", configuration, "--output", run, *corpora(data, folder), *LIMITS, *more)
        assert done.code == 0 and said in done.err, done.err
        assert list(Translator.load(run).tokenizers.source.tags) == [A, B]
    before, after = Translator.load(model), Translator.load(tmp_path / model.name)
    pieces = [
        [one.tokenizers.source.piece(token) for token in range(before.tokenizers.source.size)]
        for one in (before, after)
    ]
    assert pieces[0] == pieces[1]
    # A validation or a test behind a tag that neither knows is told.
    for name in ("validation", "test"):
        sides = f"{{source: {data}/validation.xx, target: {data}/validation.yy, tag: <other>}}"
        options = ["--set", f"data.{name}={sides}", "--set", f"training.initialize_from={model}"]
        done = call("train", configuration, "--output", tmp_path / "other", *options)
        assert done.errors == [f"nmt: error: data.{name}.tag: <other> is no tag of this model; it knows none"]


def test_a_table_without_the_column_ends_training_with_its_line(
    configuration: Path, call: Call, tmp_path: Path
) -> None:
    (tmp_path / "a.tsv").write_text("ba\tBA\nce\n")
    table = f"data.train={{source: null, target: null, pairs: {tmp_path}/a.tsv}}"
    for command, more in (("train", ("--output", tmp_path / "run")), ("check", ("--output", tmp_path / "run"))):
        done = call(command, configuration, "--set", table, *more)
        assert done.code == 65 and f"{tmp_path}/a.tsv:2" in done.err + done.out.decode()
        assert "has no column 2; expected text in columns 1 and 2, parted by tabs" in done.err + done.out.decode()
