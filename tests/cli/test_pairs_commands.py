"""`nmt score` and `nmt align`: given pairs of lines."""

import gzip
import json
import math

import numpy as np
import pytest

SOURCE = [
    "ba ce di",
    "",
    "  fo   gu ha je ",
    "\u00a0",
    "lo\u2028mu 🙂",
    "日本 <s> \0 a",
    " ".join(["bacedi"] * 60),
    "ba",
]
TARGET = ["DI CE BA", "\ufeff", "JE HA GU", "FO", "\u0627\u0644 MU\x85", "</s>  x", " ".join(["BACEDI"] * 60), " "]


def write(path, lines):
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.fixture(scope="session")
def reverse(configuration, data, call, tmp_path_factory):
    """A model of the other direction."""
    run = tmp_path_factory.mktemp("runs") / "reverse"
    files = {name: f"{{source: {data}/{name}.yy, target: {data}/{name}.xx}}" for name in ("train", "validation")}
    other = f"data={{source_language: yy, target_language: xx, train: {files['train']}, test: null}}"
    done = call(
        *("train", configuration, "--output", run, "--set", "training.max_steps=1"),
        *("--set", other, "--set", f"data.validation={files['validation']}"),
    )
    assert done.code == 0, done.err
    return run


@pytest.fixture
def files(tmp_path):
    return ["--src", write(tmp_path / "src", SOURCE), "--tgt", write(tmp_path / "tgt", TARGET)]


def test_a_line_is_scored_for_each_pair(call, model, files):
    done = call("score", model, *files)
    assert done.code == 0, done.err
    scores = [float(line) for line in done.lines]
    assert len(scores) == len(SOURCE) and scores[1] == 0 and all(score < 0 for score in scores[:1] + scores[2:])
    found = [json.loads(line) for line in call("score", model, *files, "--format", "json").lines]
    assert [value["source"] for value in found] == SOURCE and [value["target"] for value in found] == TARGET
    normalized = [float(line) for line in call("score", model, *files, "--normalize", "--length-penalty", "0.5").lines]
    per_token = call("score", model, *files, "--per-token").lines
    for value, score, short, line in zip(found, scores, normalized, per_token, strict=True):
        assert value.keys() == {"source", "target", "score", "log_probability", "tokens"}
        numbers = [token["log_probability"] for token in value["tokens"]]
        assert value["log_probability"] == pytest.approx(sum(numbers)) == pytest.approx(score, abs=1e-6)
        assert short == pytest.approx(score / math.sqrt(max(1, len(numbers))), abs=1e-6)
        assert value["score"] == pytest.approx(score / max(1, len(numbers)), abs=1e-6)
        words = line.partition(" ||| ")[2].split()
        assert [float(word) for word in words[1::2]] == pytest.approx(numbers, abs=1e-6)
        assert value["tokens"] == [] or value["tokens"][-1]["token"] == words[-2] == "</s>"


def test_pairs_are_aligned_as_translations_are(call, model, data):
    source, target = data / "validation.xx", data / "validation.yy"
    options = ["--format", "json", "--alignment", "soft"]
    # The search must begin with the given translation, and may then go on.
    given = ["--input", source, "--prefix", target, "--alignment-unit", "token"]
    found = [json.loads(line) for line in call("translate", model, *options, *given).lines]
    files = ["--src", source, "--tgt", target]
    words = call("align", model, *files).lines
    tokens = call("align", model, *files, "--alignment-unit", "token").lines
    again = [json.loads(line) for line in call("align", model, *files, *options).lines]
    for value, other, line, of_tokens in zip(found, again, words, tokens, strict=True):
        assert other.keys() == {"source", "target", "alignment", "attention", "attention_tokens"}
        assert line == " ".join(f"{source}-{target}" for source, target in other["alignment"])
        assert value["source_tokens"] == value["attention_tokens"]["source_tokens"][:-1]
        steps, whole = len(other["attention_tokens"]["target_tokens"]), len(other["target"].split()) - 1
        assert steps > whole > 0
        # The last word may have gone on.
        for name, parts, rows in (("attention_tokens", "tokens", steps), ("attention", "words", whole)):
            ours, theirs = other[name], value[name]
            assert ours[f"source_{parts}"] == theirs[f"source_{parts}"]
            assert ours[f"target_{parts}"][:rows] == theirs[f"target_{parts}"][:rows]
            np.testing.assert_allclose(ours["weights"][:rows], theirs["weights"][:rows], atol=1e-5)
        links = [(source, target) for source, target in value["alignment"] if target < steps]
        assert of_tokens == " ".join(f"{source}-{target}" for source, target in links)


def test_every_target_word_has_a_link_and_blank_lines_none(call, model, files):
    done = call("align", model, *files)
    assert done.code == 0, done.err
    for source, target, line in zip(SOURCE, TARGET, done.lines, strict=True):
        links = [tuple(map(int, link.split("-"))) for link in line.split()]
        blank = not (source.strip() and target.replace("\ufeff", "").strip())
        assert sorted(link[1] for link in links) == ([] if blank else list(range(len(target.split()))))
        assert all(0 <= link[0] < len(source.split()) for link in links)


def test_two_directions_are_made_one(call, model, reverse, files):
    def align(*options):
        done = call("align", model, *files, *options)
        assert done.code == 0 and "expected" not in done.err, done.err
        return [set(line.split()) for line in done.lines]

    forward, both = align(), ["--reverse", reverse]
    turned = call("align", reverse, "--src", files[3], "--tgt", files[1]).lines
    backward = [{"-".join(reversed(link.split("-"))) for link in line.split()} for line in turned]
    assert align(*both, "--symmetrize", "intersection") == [a & b for a, b in zip(forward, backward, strict=True)]
    assert align(*both, "--symmetrize", "union") == [a | b for a, b in zip(forward, backward, strict=True)]
    assert align(*both) == align(*both, "--symmetrize", "grow-diag-final-and")
    done = call("align", model, *files, "--reverse", model)
    assert (done.code, done.out) == (2, b"") and "expected yy to xx, the other direction" in done.errors[0]


def test_a_reverse_of_other_languages_is_warned_of(call, configuration, model, files, tmp_path):
    run = tmp_path / "other"
    settings = ["--set", "training.max_steps=1", "--set", "data.target_language=zz"]
    assert call("train", configuration, "--output", run, *settings).code == 0
    done = call("align", model, *files, "--reverse", run)
    assert done.code == 0 and len(done.lines) == len(SOURCE) and done.errors == []
    assert "--reverse translates xx to zz; expected yy to xx" in done.err


@pytest.mark.parametrize("command", ["score", "align"])
def test_files_and_gz_and_pipes_give_the_same(command, call, model, files, tmp_path):
    expected = call(command, model, *files).out
    packed = ["--src", write(tmp_path / "src.gz", SOURCE), "--tgt", write(tmp_path / "tgt.gz", TARGET)]
    assert call(command, model, *packed, "--output", tmp_path / "out.gz").out == b""
    assert gzip.decompress((tmp_path / "out.gz").read_bytes()) == expected
    for option, path in (files[:2], files[2:]):
        others = [word for word in files if word not in (option, path)]
        assert call(command, model, *others, option, "-", stdin=path.read_bytes()).out == expected


@pytest.mark.parametrize("command", ["score", "align"])
@pytest.mark.parametrize("counts", [(4, 3), (3, 5), (0, 1)])
def test_files_of_unequal_length_are_65_before_anything_is_written(command, counts, call, model, tmp_path):
    paths = [write(tmp_path / name, ["ba"] * count) for name, count in zip(("src", "tgt"), counts, strict=True)]
    output = write(tmp_path / "out", ["kept"])
    options = ["--src", paths[0], "--tgt", paths[1]]
    done = call(command, model, *options, "--output", output)
    assert (done.code, len(done.errors)) == (65, 1) and output.read_text() == "kept\n"
    assert all(f"{count}" in done.errors[0] for count in (*counts, *paths))
    done = call(command, model, "--src", "-", "--tgt", paths[1], stdin=paths[0].read_bytes())
    assert done.code == 65 and len(done.lines) == min(counts)
    assert f"{counts[0]} lines, but its translation {paths[1]} has {counts[1]};" in done.errors[0]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["score", "--format", "moses"], "--format"),
        (["score", "--length-penalty", "1"], "--length-penalty"),
        (["score", "--normalize", "--length-penalty", "-1"], "--length-penalty"),
        (["score", "--batch-tokens", "0"], "--batch-tokens"),
        (["align", "--alignment", "none"], "--alignment"),
        (["align", "--alignment", "soft"], "--alignment"),
        (["align", "--alignment-unit", "letter"], "--alignment-unit"),
        (["align", "--symmetrize", "union"], "--symmetrize"),
        (["align", "--reverse", "MODEL", "--symmetrize", "grow"], "--symmetrize"),
        (["align", "--reverse", "MODEL", "--alignment-unit", "token"], "--alignment-unit"),
        (["score", "--output", "SRC"], "--output"),
        (["translate", "--alignment-unit", "token"], "--alignment-unit"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_2(options, named, call, model, files):
    command, *given = [{"MODEL": model, "SRC": files[1]}.get(word, word) for word in options]
    pairs = [] if command == "translate" else files
    done = call(command, model, *pairs, *given, stdin=b"ba\n")
    assert (done.code, done.out) == (2, b"")
    [error] = done.errors
    assert error.startswith(f"nmt: error: {named}: ")
    assert files[1].read_bytes().startswith(b"ba ce di")


@pytest.mark.parametrize("command", ["score", "align"])
def test_what_is_missing_is_named(command, call, model, files, tmp_path):
    assert call(command, model, "--src", files[1]).code == 2
    absent = tmp_path / "absent"
    assert call(command, model, "--src", files[1], "--tgt", absent).code == 66
    assert call(command, model, "--src", "-", "--tgt", absent, stdin=b"ba\n").code == 66
    assert call(command, model, "--src", "-", "--tgt", "-", stdin=b"ba\n").code == 2
    assert call(command, absent, *files).code == 4
    assert call(command, model, *files, "--output", tmp_path / "no" / "place").code == 5
    if command == "align":
        assert call(command, model, *files, "--reverse", absent).code == 4


@pytest.mark.parametrize("command", ["score", "align"])
def test_a_giant_line_is_answered_with_an_empty_one_and_65(command, call, model, reverse, tmp_path):
    giant, long = "ba " * 400_000, "ba " * 20_000
    write(tmp_path / "src", ["ba", giant, "ba ce", long, "ba"])
    write(tmp_path / "tgt", ["BA", "BA", long, "BA", giant])
    options = ["--src", tmp_path / "src", "--tgt", tmp_path / "tgt"]
    done = call(command, model, *options)
    assert done.code == 65 and done.lines[0] != "" and done.lines[1:] == [""] * 4
    assert "line 3: too long" in done.err and "line 4: too long" in done.err and "line 2" not in done.err
    files = f"{tmp_path}/src and {tmp_path}/tgt"
    assert done.errors == [
        f"nmt: error: {files}: 4 lines were too long, and left out: the output has an empty line for each"
    ]
    last = json.loads(call(command, model, *options, "--format", "json").lines[-1])
    assert (last["source"], last["target"]) == ("ba", "")
    assert last["alignment" if command == "align" else "score"] is None
    if command == "align":
        both = ["--reverse", reverse, "--quiet"]
        assert call(command, model, *options, *both).lines[1:] == [""] * 4
        soft = json.loads(call(command, model, *options, *both, "--format", "json", "--alignment", "soft").lines[-1])
        assert soft["alignment"] is soft["attention"] is soft["attention_tokens"] is None


def test_a_model_without_attention_scores_and_aligns_nothing(call, configuration, files, tmp_path):
    run = tmp_path / "none"
    steps = ["--set", "training.max_steps=1", "--set", "model.attention=none"]
    assert call("train", configuration, "--output", run, *steps).code == 0
    assert all(float(line) <= 0 for line in call("score", run, *files).lines)
    done = call("align", run, *files)
    assert (done.code, done.lines) == (0, [""] * len(SOURCE)) and "without attention" in done.err


def test_moses_lists_have_alignments_in_their_last_column(call, model):
    done = call("translate", model, "--n-best", "2", "--alignment", "hard", stdin=b"ba ce di\n\n")
    rows = [line.split(" ||| ") for line in done.lines]
    assert [row[0] for row in rows] == ["0", "0", "1", "1"] and all(len(row) == 4 for row in rows)
    for row in rows:
        assert sorted(int(link.split("-")[1]) for link in row[3].split()) == list(range(len(row[1].split())))
