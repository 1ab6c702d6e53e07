"""The whole way, from corpus to exported model, in every kind of model there is."""

import json
from collections import Counter
from itertools import combinations

import pytest

PARAMETERS = {
    "kind": ("unigram", "bpe", "char", "word"),
    "attention": ("additive", "general", "dot", "none"),
    "layers": (1, 2),
    "shared": (True, False),
    "ending": ("", ".gz"),
}
# Every value of one parameter meets every value of another in some row.
ROWS = [
    ("unigram", "additive", 1, True, ""),
    ("unigram", "general", 2, False, ".gz"),
    ("unigram", "dot", 1, False, ".gz"),
    ("unigram", "none", 2, True, ""),
    ("bpe", "additive", 2, False, ".gz"),
    ("bpe", "general", 1, True, ""),
    ("bpe", "dot", 2, True, ".gz"),
    ("bpe", "none", 1, False, ""),
    ("char", "additive", 1, False, ""),
    ("char", "general", 2, True, ".gz"),
    ("char", "dot", 1, True, ""),
    ("char", "none", 2, False, ".gz"),
    ("word", "additive", 2, True, ".gz"),
    ("word", "general", 1, False, ""),
    ("word", "dot", 2, False, ""),
    ("word", "none", 1, True, ".gz"),
]
# Every value is in some row; the gate tries these.
IN_GATE = [
    ("unigram", "dot", 1, False, ".gz"),
    ("bpe", "general", 1, True, ""),
    ("char", "none", 2, False, ".gz"),
    ("word", "additive", 2, True, ".gz"),
]


def test_rows_cover_all_pairs_of_values():
    names = list(PARAMETERS)
    assert set(IN_GATE) <= set(ROWS)
    assert [set(column) for column in zip(*IN_GATE, strict=True)] == [*map(set, PARAMETERS.values())]
    for first, second in combinations(range(len(names)), 2):
        met = Counter((row[first], row[second]) for row in ROWS)
        wanted = {(a, b) for a in PARAMETERS[names[first]] for b in PARAMETERS[names[second]]}
        assert set(met) == wanted, (names[first], names[second])


def whole_way(call, run, configuration, source, reference, exported):
    """Trains, resumes, translates, scores, exports and translates again; the translation's lines."""
    first = call("train", configuration, "--output", run, "--set", "training.max_steps=15")
    assert (first.code, first.out) == (0, b""), first.err
    second = call("train", configuration, "--output", run, "--set", "training.max_steps=30")
    assert (second.code, second.out) == (0, b""), second.err
    assert "going on from step 15" in second.err
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records if record["split"] == "validation"] == [15, 30]

    translated = call("translate", run, "--input", source)
    assert translated.code == 0, translated.err
    scored = call("eval", run, "--src", source, "--ref", reference, "--format", "json")
    assert scored.code == 0, scored.err
    assert json.loads(scored.out)["sentences"] == len(translated.lines)

    assert call("export", run, exported).code == 0
    again = call("translate", exported, "--input", source)
    assert (again.code, again.out) == (0, translated.out)
    assert call("info", exported).code == 0
    return translated.lines


@pytest.mark.parametrize(
    ("kind", "attention", "layers", "shared", "ending"),
    [row if row in IN_GATE else pytest.param(*row, marks=pytest.mark.slow) for row in ROWS],
)
def test_every_kind_of_model_goes_the_whole_way(
    kind, attention, layers, shared, ending, call, make_corpus, make_configuration, source_lines, tmp_path
):
    make_corpus(tmp_path / "data", ending)
    text = make_configuration(tmp_path / "data", ending)
    text = text.replace("kind: unigram", f"kind: {kind}, shared: {str(shared).lower()}")
    text = text.replace("layers: 1", f"layers: {layers}").replace("model:", f"model:\n  attention: {attention}")
    configuration = tmp_path / "tiny.yaml"
    configuration.write_text(text)
    source, reference = (tmp_path / "data" / f"validation.{side}{ending}" for side in ("xx", "yy"))
    lines = whole_way(call, tmp_path / "run", configuration, source, reference, tmp_path / "exported")
    assert len(lines) == len(source_lines)


def test_a_corpus_of_two_lines_is_enough(call, make_corpus, make_configuration, tmp_path):
    make_corpus(tmp_path / "data", training_pairs=2)
    configuration = tmp_path / "tiny.yaml"
    configuration.write_text(make_configuration(tmp_path / "data"))
    source, reference = (tmp_path / "data" / f"train.{side}" for side in ("xx", "yy"))
    lines = whole_way(call, tmp_path / "run", configuration, source, reference, tmp_path / "exported")
    assert len(lines) == 2
