"""`nmt compare`: two translations of the same sentences, of whole files only."""

from __future__ import annotations

import json
import math

import pytest

from nmt.translation.translator import Translator


@pytest.fixture(scope="session")
def other_model(configuration, call, tmp_path_factory):
    """Another tiny model of the same languages, which names the same test set."""
    run = tmp_path_factory.mktemp("runs") / "other"
    done = call("train", configuration, "--output", run, "--set", "training.max_steps=5", "--set", "seed=2")
    assert done.code == 0, done.err
    return run


@pytest.fixture(scope="session")
def texts(data, tmp_path_factory):
    """A source, two references and two translations, one of them worse."""
    directory = tmp_path_factory.mktemp("texts")
    source = (data / "validation.xx").read_text().splitlines()
    first = (data / "validation.yy").read_text().splitlines()
    contents = {
        "source": source,
        "first": first,
        "second": [f"{line} !" for line in source],
        "a": [" ".join([*line.split()[:2], "BA", "ce ,"]) if n % 3 else "" for n, line in enumerate(first)],
        "b": [f"{line} DI" if n % 2 else line for n, line in enumerate(first)],
        "short": first[:-1],
        "empty": [],
        "counted": source * 3 + first,
    }
    for name, lines in contents.items():
        (directory / name).write_text("".join(f"{line}\n" for line in lines))
    return directory


def placed(arguments, texts, **others):
    """The arguments, with files and models in place of their names."""
    names = {path.name: path for path in texts.iterdir()} | others
    return [names.get(word, word) for word in arguments]


def compare(call, *arguments):
    done = call("compare", *arguments, "--format", "json")
    assert done.code == 0, done.err
    [line] = done.lines
    return json.loads(line)


def test_finished_translations_have_the_scores_of_eval(call, texts):
    references = ["--ref", texts / "first", texts / "second"]
    found = compare(
        call, "--hyp", texts / "a", texts / "b", *references, "--samples", 20, "--src", texts / "source", "--lowercase"
    )
    assert found["test"] == {"name": "bootstrap", "samples": 20, "seed": "12345"}
    assert (found["a"], found["b"], found["sentences"]) == (str(texts / "a"), str(texts / "b"), 12)
    for side in "ab":
        alone = json.loads(call("eval", "--hyp", texts / side, *references, "--format", "json", "--lowercase").lines[0])
        for metric in ("bleu", "chrf", "ter"):
            assert found["metrics"][metric][side]["score"] == pytest.approx(alone[metric]["score"], abs=1e-9)
            assert "bs:20|seed:12345" in found["metrics"][metric][side]["signature"]
    assert found["metrics"]["bleu"]["difference"] > 0 and 0 < found["metrics"]["bleu"]["p_value"] < 0.1
    assert found["lengths"]["of"] == "source" and sum(one["sentences"] for one in found["lengths"]["bins"]) == 12
    assert found["frequencies"]["of"] == str(texts / "first")
    lines = (texts / "b").read_text().splitlines()
    assert found["differences"]
    for one in found["differences"]:
        assert one["b"]["translation"] == lines[one["line"] - 1] and "attention" not in one["b"]


def test_models_alone_take_the_test_set_that_both_name(call, model, other_model):
    found = compare(call, model, other_model, "--samples", 10, "--attention")
    for side, one in (("a", model), ("b", other_model)):
        alone = json.loads(call("eval", one, "--format", "json").lines[0])
        assert found[side] == str(one)
        for metric in ("bleu", "chrf", "ter"):
            assert found["metrics"][metric][side]["score"] == pytest.approx(alone[metric]["score"], abs=1e-9)
    assert found["differences"] and found["attention"] == {"a": "additive", "b": "additive"}
    for one in found["differences"]:
        for side in "ab":
            attention = one[side]["attention"]
            assert attention["source_words"] == one["source"].split()
            assert attention["target_words"] == one[side]["translation"].split()
            assert len(attention["weights"]) == len(attention["target_words"])
            for row in attention["weights"]:
                assert len(row) == len(attention["source_words"]) and sum(row) == pytest.approx(1, abs=1e-6)


def test_a_model_is_compared_with_a_finished_translation(call, model, texts):
    given = ["--src", texts / "source", "--ref", texts / "first", "--test", "none", "--attention"]
    found = compare(call, model, "--hyp", texts / "b", *given)
    assert found["test"] is None and found["metrics"]["bleu"]["p_value"] is None
    assert found["a"] == str(model) and found["b"] == str(texts / "b")
    assert all("attention" not in one["b"] for one in found["differences"])
    assert any("attention" in one["a"] for one in found["differences"])


def test_an_ensemble_has_the_attention_and_the_names_of_its_models(call, model, plain_model, tmp_path):
    report, given = tmp_path / "x.html", ["--attention", "--test", "none", "--metric", "chrf"]
    done = call("compare", plain_model, plain_model, "--ensemble", model, *given, "--output", report)
    text = done.out.decode()
    assert done.code == 0 and "attention of A" in text, done.err
    assert "A has no attention" not in text and "B has no attention" in text
    assert f"A: {plain_model} + {model}\nB: {plain_model}\n" in text and "compared with itself" not in done.err
    assert (
        '"attention":{"a":"additive","b":"none"}' in report.read_text()
        and f"{plain_model} + {model}" in report.read_text()
    )
    found = compare(call, plain_model, plain_model, "--ensemble", model, *given)
    assert (found["a"], found["b"]) == (f"{plain_model} + {model}", str(plain_model))
    assert found["attention"] == {"a": "additive", "b": "none"}
    assert all(one["a"]["attention"]["weights"] for one in found["differences"])


def test_a_model_without_attention_says_so(call, model, plain_model, tmp_path):
    done = call("compare", plain_model, model, "--attention", "--test", "none", "--output", tmp_path / "x.html")
    assert done.code == 0 and "A has no attention" in done.out.decode() and "attention of B" in done.out.decode()
    assert '"attention":{"a":"none","b":"additive"}' in (tmp_path / "x.html").read_text()


def test_words_are_counted_where_asked(call, texts):
    given = ["--hyp", texts / "a", texts / "b", "--ref", texts / "first", "--test", "none"]
    found = compare(call, *given, "--frequency", texts / "counted")
    assert found["frequencies"]["of"] == str(texts / "counted")
    assert found["frequencies"]["bins"] != compare(call, *given)["frequencies"]["bins"]


def test_text_is_for_people(call, texts):
    done = call(
        "compare", "--hyp", texts / "a", texts / "b", "--ref", texts / "first", "--samples", 10, "--sentences", 1
    )
    assert done.code == 0, done.err
    text = done.out.decode()
    for part in ("BLEU by length of the reference", "Words by frequency in", "B has better than A", "seed 12345"):
        assert part in text
    assert text.count("\nline ") <= 2


def test_text_does_not_steer_the_terminal(call, tmp_path):
    for name, line in (("a", "\x1b[31mred\x9b2J"), ("b", "blue \u202edlo"), ("first", "\x1b]0;title\x07")):
        (tmp_path / name).write_text(line + "\n")
    done = call("compare", "--hyp", tmp_path / "a", tmp_path / "b", "--ref", tmp_path / "first", "--test", "none")
    assert done.code == 0 and "␛[31mred" in done.out.decode()
    assert not set(done.out.decode()) & set("\x1b\x9b\x07\u202e")


def test_no_sentences_and_none_that_differ_are_told_apart(call, texts):
    arguments = ("compare", "--hyp", texts / "a", texts / "b", "--ref", texts / "first", "--test", "none")
    for count, claimed in ((0, False), (1, False)):
        done = call(*arguments, "--sentences", count)
        assert done.code == 0 and ("No sentence is translated better" in done.out.decode()) is claimed
    done = call("compare", "--hyp", texts / "a", texts / "a", "--ref", texts / "first", "--test", "none")
    assert "No sentence is translated better" in done.out.decode()


def test_the_same_score_is_not_called_different(call, texts, tmp_path):
    (tmp_path / "wide").write_text((texts / "b").read_text().replace(" ", "  "))
    files = ("--hyp", texts / "b", tmp_path / "wide", "--ref", texts / "first", "--samples", 20)
    text = call("compare", *files).out.decode()
    assert "both have the same score" in text and " *" not in text.partition("\np: ")[0]


def test_what_is_the_same_does_not_differ(call, model, texts):
    samples = ["--samples", 20]
    done = call("compare", model, model, "--src", texts / "source", "--ref", texts / "first", *samples)
    assert done.code == 0 and "compared with itself" in done.err and "nothing to test" in done.out.decode()
    found = compare(call, "--hyp", texts / "a", texts / "a", "--ref", texts / "first", *samples)
    assert found["identical"] and not found["differences"]
    assert all(score["p_value"] is None and score["difference"] == 0 for score in found["metrics"].values())


@pytest.mark.parametrize(
    ("arguments", "counts"),
    [
        (("--hyp", "a", "short", "--ref", "first"), ("11", "12")),
        (("--hyp", "short", "b", "--ref", "first"), ("11", "12")),
        (("--hyp", "a", "b", "--ref", "first", "short"), ("11", "12")),
        (("--hyp", "a", "b", "--ref", "first", "--src", "short"), ("11", "12")),
        (("MODEL", "MODEL", "--ref", "short", "--src", "source"), ("11", "12")),
        (("MODEL", "--hyp", "short", "--ref", "first", "--src", "source"), ("11", "12")),
        (("--hyp", "empty", "empty", "--ref", "empty"), ("no sentences",)),
        (("--hyp", "a", "b", "--ref", "empty"), ("0", "12")),
    ],
)
def test_half_a_file_is_never_compared(arguments, counts, call, model, texts):
    done = call("compare", *placed(arguments, texts, MODEL=model))
    assert (done.code, done.out) == (65, b"")
    assert done.errors and all(word in error for error in done.errors for word in counts)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        (("MODEL",), 2),
        (("--hyp", "a", "--ref", "first"), 2),
        (("--hyp", "a", "b", "first", "--ref", "first"), 2),
        (("MODEL", "MODEL", "--hyp", "a"), 2),
        (("--hyp", "a", "b"), 2),
        (("MODEL", "MODEL", "--src", "source"), 2),
        (("MODEL", "--hyp", "a", "--ref", "first"), 2),
        (("--hyp", "a", "b", "--ref", "first", "--attention"), 2),
        (("--hyp", "a", "b", "--ref", "first", "--test", "t"), 2),
        (("--hyp", "a", "b", "--ref", "first", "--metric", "blue"), 2),
        (("--hyp", "a", "b", "--ref", "first", "--tokenize", "klingon", "--metric", "ter"), 2),
        (("--hyp", "a", "b", "--ref", "first", "--format", "xml"), 2),
        (("--hyp", "a", "b", "--ref", "first", "--samples", "1"), 2),
        (("--hyp", "a", "b", "--ref", "first", "--samples", "9", "--test", "none"), 2),
        (("--hyp", "a", "b", "--ref", "first", "--output", "report.txt"), 2),
        (("--hyp", "a", "b", "--ref", "first", "--beam-size", "3"), 2),
        (("--hyp", "a", "-", "--ref", "-"), 2),
        (("--hyp", "a", "absent", "--ref", "first"), 66),
        (("--hyp", "a", "b", "--ref", "first", "--frequency", "absent"), 66),
        (("--hyp", "a", "b", "--ref", "first", "--output", "absent/x.html"), 5),
        (("MODEL", "absent.model"), 4),
    ],
)
def test_wrong_use_is_told(arguments, code, call, model, texts, monkeypatch):
    monkeypatch.chdir(texts)
    done = call("compare", *placed(arguments, texts, MODEL=model))
    assert (done.code, done.out) == (code, b""), done.err
    assert "Traceback" not in done.err and done.err


def test_models_of_other_languages_or_test_sets_are_refused(call, model, configuration, texts, tmp_path):
    text = configuration.read_text()
    for name, changed in (
        ("language", text.replace("target_language: yy", "target_language: zz")),
        ("tests", "\n".join(line for line in text.splitlines() if not line.startswith("  test:"))),
    ):
        (tmp_path / f"{name}.yaml").write_text(changed)
        done = call("train", tmp_path / f"{name}.yaml", "--output", tmp_path / name, "--set", "training.max_steps=1")
        assert done.code == 0, done.err
    given = ["--src", texts / "source", "--ref", texts / "first"]
    done = call("compare", model, tmp_path / "language", *given)
    assert done.code == 2 and "translates xx to zz" in done.errors[0]
    done = call("compare", model, tmp_path / "tests")
    assert done.code == 2 and "no test set" in done.errors[0]
    assert call("compare", model, tmp_path / "tests", *given, "--test", "none").code == 0


def test_a_model_whose_scores_are_not_finite_is_named(call, model, other_model, monkeypatch):
    load = Translator.load.__func__

    def broken(cls, path, **others):
        translator = load(cls, path, **others)
        if path == other_model:
            translator.model.output_weight.data.fill_(math.nan)
        return translator

    monkeypatch.setattr(Translator, "load", classmethod(broken))
    done = call("compare", model, other_model)
    assert (done.code, done.out) == (4, b"")
    [error] = done.errors
    assert str(other_model) in error and "line " in error and str(model) not in error


def test_the_report_is_none_of_the_files_read(call, texts, tmp_path):
    reference = tmp_path / "first.html"
    reference.write_bytes((texts / "first").read_bytes())
    done = call("compare", "--hyp", texts / "a", texts / "b", "--ref", reference, "--output", reference)
    assert done.code == 2 and "--output" in done.errors[0]
    assert reference.read_bytes() == (texts / "first").read_bytes()


@pytest.mark.parametrize(("suffix", "beginning"), [("svg", b"<?xml"), ("PNG", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_scores_by_length_are_a_figure(suffix, beginning, call, texts, tmp_path):
    pytest.importorskip("matplotlib")
    figure = tmp_path / f"lengths.{suffix}"
    given = ["--hyp", texts / "a", texts / "b", "--ref", texts / "first"]
    done = call("compare", *given, "--output", figure)
    assert done.code == 0, done.err
    assert figure.read_bytes().startswith(beginning)
    assert done.out == call("compare", *given).out


def test_of_few_sentences_a_test_says_little(call, tmp_path):
    for count, warned in ((29, True), (30, False)):
        for name in "ab":
            (tmp_path / name).write_text(f"one two three four {name}\n" * count)
        given = ["--hyp", tmp_path / "a", tmp_path / "b", "--ref", tmp_path / "a", "--samples", "9"]
        done = call("compare", *given)
        assert done.code == 0 and ("too few for a test" in done.err) is warned, done.err
        text = done.out.decode()
        assert ("too few sentences" in text) is warned and (" *" in text) is not warned
        assert "too few" not in call("compare", *given[:-2], "--test", "none").err


def test_every_mistake_is_told_at_once(call):
    done = call("compare", "--hyp", "a", "--attention", "--output", "report.txt")
    assert done.code == 2
    assert [error.split(": ")[2] for error in done.errors] == ["compare", "--ref", "--attention", "--output"]


def test_without_matplotlib_a_figure_is_refused_at_once(call, tmp_path, monkeypatch):
    monkeypatch.setattr("nmt.cli.graphics.version", lambda _: "3.10")
    done = call("compare", "absent.a", "absent.b", "--output", tmp_path / "x.svg")
    assert done.code == 5 and "[plot]" in done.errors[0]


def test_the_report_shows_attention_unasked(call, model, other_model, tmp_path):
    report = tmp_path / "report.html"
    found = compare(call, model, other_model, "--output", report, "--test", "none")
    data = report.read_text().partition('id="data">')[2].partition("</script>")[0]
    shown = json.loads(data)
    assert all("attention" not in one["a"] for one in found["differences"])
    assert shown["differences"] and all("attention" in one["a"] for one in shown["differences"])
    assert math.isclose(shown["metrics"]["bleu"]["a"]["score"], found["metrics"]["bleu"]["a"]["score"])


def test_finished_translations_are_compared_without_torch(process, texts, user_environment):
    given = [texts / "a", texts / "b", "--ref", texts / "first", "--format", "json"]
    done = process("compare", "--hyp", *given, env=user_environment(PYTHONPROFILEIMPORTTIME="1"))
    modules = {line.rpartition("|")[2].strip() for line in done.err.splitlines() if line.startswith("import time:")}
    assert done.code == 0 and "nmt.cli.formats.comparison" in modules and "torch" not in modules
