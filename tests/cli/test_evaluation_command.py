"""`nmt eval`: sacreBLEU's numbers, of whole files only."""

import gzip
import json
import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def texts(data, tmp_path_factory):
    """A source, two references and a translation that has something right."""
    directory = tmp_path_factory.mktemp("test-set")
    source = (data / "validation.xx").read_text().splitlines()
    first = (data / "validation.yy").read_text().splitlines()
    contents = {
        "source": source,
        "first": first,
        "second": [f"{line} !" for line in source],
        "translation": [" ".join([*line.split()[:3], "ba", "Ce ,"]) if n % 2 else line for n, line in enumerate(first)],
        "short": first[:-1],
    }
    for name, lines in contents.items():
        (directory / name).write_text("".join(f"{line}\n" for line in lines))
    return directory


def sacrebleu(references, hypothesis, *options):
    """The scores that sacreBLEU's own command prints, by metric."""
    command = [sys.executable, "-m", "sacrebleu", *map(str, references), "-i", str(hypothesis)]
    done = subprocess.run(
        [*command, "-m", "bleu", "chrf", "ter", "-w", "17", *options], capture_output=True, check=True, text=True
    )
    return {score["name"].lower()[:4].rstrip("2"): score for score in json.loads(done.stdout)}


def evaluate(call, *arguments):
    done = call("eval", *arguments, "--format", "json")
    assert done.code == 0, done.err
    [line] = done.lines
    return json.loads(line)


@pytest.mark.parametrize("options", [(), ("--tokenize", "intl"), ("--lowercase",)])
def test_scores_are_those_of_sacrebleu(options, call, texts):
    references = [texts / "first", texts / "second"]
    theirs = sacrebleu(references, texts / "translation", *(option.replace("--lowercase", "-lc") for option in options))
    ours = evaluate(call, "--hyp", texts / "translation", "--ref", *references, *options)
    assert ours.keys() == {"bleu", "chrf", "ter", "sentences"}
    assert ours["bleu"]["score"] > 1
    assert ours["bleu"]["score"] == pytest.approx(theirs["bleu"]["score"], abs=1e-9)
    assert ours["bleu"]["signature"] == theirs["bleu"]["signature"]
    if not options:
        for metric in ("chrf", "ter"):
            assert ours[metric]["score"] == pytest.approx(theirs[metric]["score"], abs=1e-9)
            assert ours[metric]["signature"] == theirs[metric]["signature"]


def test_several_references_may_be_given_in_any_way(call, model, texts):
    a, b, source = texts / "first", texts / "second", texts / "source"
    for hypothesis in (["--hyp", texts / "translation"], [model, "--src", source]):
        one, *others = [
            evaluate(call, *arguments)
            for arguments in (
                [*hypothesis, "--ref", a, "--ref", b],
                [*hypothesis, "--ref", a, b],
                ["--ref", a, b, *hypothesis],
                [f"--ref={a}", b, *hypothesis],
            )
        ]
        for other in others:
            assert other["bleu"] == one["bleu"] and other["ter"] == one["ter"]
    only = evaluate(call, "--hyp", texts / "translation", "--ref", a)
    assert only["bleu"]["score"] != one["bleu"]["score"]


def test_a_model_alone_takes_its_test_set(call, model, data, translator, tmp_path):
    saved = tmp_path / "saved.gz"
    alone = evaluate(call, model, "--save-output", saved)
    assert alone.keys() == {"bleu", "chrf", "ter", "sentences", "seconds", "sentences_per_second"}
    assert alone["sentences"] == 12 and alone["seconds"] > 0 and alone["sentences_per_second"] > 0
    lines = (data / "validation.xx").read_text().splitlines()
    assert gzip.decompress(saved.read_bytes()).decode().split("\n")[:-1] == [
        str(t) for t in translator.translate(lines)
    ]
    again = evaluate(call, "--hyp", saved, "--ref", data / "validation.yy")
    assert all(again[metric] == alone[metric] for metric in ("bleu", "chrf", "ter"))


def test_metrics_can_be_chosen(call, texts):
    chosen = evaluate(
        call, "--hyp", texts / "translation", "--ref", texts / "first", "--metric", "ter", "--metric", "chrf"
    )
    assert chosen.keys() == {"chrf", "ter", "sentences"}


def test_text_is_for_people(call, model):
    done = call("eval", model)
    assert [line.split()[0] for line in done.lines[:3]] == ["BLEU", "chrF2", "TER"]
    assert done.lines[3].startswith("12 sentences in ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--hyp", "translation", "--ref", "short"),
        ("--hyp", "translation", "--ref", "first", "short"),
        ("MODEL", "--src", "source", "--ref", "short"),
        ("MODEL", "--src", "source", "--ref", "first", "--ref", "short"),
    ],
)
def test_half_a_file_is_never_scored(arguments, call, model, texts):
    given = [{"MODEL": model}.get(word, word if word.startswith("--") else texts / word) for word in arguments]
    done = call("eval", *given)
    assert (done.code, done.out) == (65, b"")
    assert len(done.errors) == 1
    assert all(word in done.errors[0] for word in ("11", "12", "short"))


@pytest.mark.parametrize("hypothesis", [0, 1, 5, 11, 13, 40])
def test_all_unequal_lengths_are_refused(hypothesis, call, texts, tmp_path):
    (tmp_path / "hypothesis").write_text("ba\n" * hypothesis)
    assert call("eval", "--hyp", tmp_path / "hypothesis", "--ref", texts / "first").code == 65


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--ref", "first"), 2),
        (("MODEL", "--hyp", "translation", "--ref", "first"), 2),
        (("MODEL", "--src", "source"), 2),
        (("MODEL", "--ref", "first"), 2),
        (("--hyp", "translation"), 2),
        (("--hyp", "translation", "--ref", "first", "--metric", "blue"), 2),
        (("--hyp", "translation", "--ref", "first", "--tokenize", "klingon"), 2),
        (("--hyp", "translation", "--ref", "first", "--format", "xml"), 2),
        (("--hyp", "translation", "--ref", "absent"), 66),
        (("absent", "--src", "source", "--ref", "first"), 4),
        (("first", "--src", "source", "--ref", "first"), 4),
        (("MODEL", "--src", "absent", "--ref", "first"), 66),
    ],
)
def test_wrong_use_is_told(arguments, code, call, model, texts):
    names = {path.name for path in texts.iterdir()} | {"absent"}
    given = [{"MODEL": model}.get(word, texts / word if word in names else word) for word in arguments]
    done = call("eval", *given)
    assert (done.code, done.out) == (code, b""), done.err
    assert len(done.errors) == 1
    assert "Traceback" not in done.err


def test_a_giant_line_is_not_scored(call, tmp_path):
    giant = tmp_path / "giant"
    giant.write_text("ba " * 400_000 + "\n")
    done = call("eval", "--hyp", giant, "--ref", giant)
    assert done.code == 65 and f"{giant}:1" in done.errors[0]
