"""`nmt eval`: sacreBLEU's numbers, of whole files only."""

import gzip
import json

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
    }
    for name, lines in contents.items():
        (directory / name).write_text("".join(f"{line}\n" for line in lines))
    return directory


def evaluate(call, *arguments):
    done = call("eval", *arguments, "--format", "json")
    assert done.code == 0, done.err
    [line] = done.lines
    return json.loads(line)


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


def test_the_same_reference_twice_is_two_references(call, texts):
    first = texts / "first"
    once = evaluate(call, "--hyp", texts / "translation", "--ref", first)
    twice = evaluate(call, "--hyp", texts / "translation", "--ref", first, "--ref", first)
    assert "nrefs:1|" in once["bleu"]["signature"] and "nrefs:2|" in twice["bleu"]["signature"]
    assert twice["bleu"]["score"] == pytest.approx(once["bleu"]["score"])


def test_the_saved_translation_is_none_of_the_files_read(call, model, texts, data, tmp_path):
    for name in ("source", "first"):
        (tmp_path / name).write_bytes((texts / name).read_bytes())
    arguments = ["--src", tmp_path / "source", "--ref", texts / "second", tmp_path / "first"]
    for output in (tmp_path / "source", tmp_path / "first"):
        before = output.read_bytes()
        done = call("eval", model, *arguments, "--save-output", output)
        assert (done.code, done.out) == (2, b"") and "--save-output" in done.errors[0], done.err
        assert output.read_bytes() == before
    test_set = data / "validation.yy"
    before = test_set.read_bytes()
    (tmp_path / "link").symlink_to(test_set)
    assert call("eval", model, "--save-output", tmp_path / "link").code == 2
    assert test_set.read_bytes() == before


def test_a_translation_that_cannot_be_saved_is_told_before_the_work(call, model, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "nmt.translation.translator.Translator.translate", lambda *_, **__: pytest.fail("it was translated")
    )
    done = call("eval", model, "--save-output", tmp_path / "absent" / "out")
    assert done.code == 5 and len(done.errors) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--hyp", "-", "--ref", "-"),
        ("MODEL", "--src", "-", "--ref", "first", "-"),
        ("--hyp", "first", "--ref", "-", "-"),
    ],
)
def test_standard_input_is_read_once(arguments, call, model, texts):
    given = [{"MODEL": model, "first": texts / "first"}.get(word, word) for word in arguments]
    done = call("eval", *given, stdin=(texts / "first").read_bytes())
    assert (done.code, done.out) == (2, b"") and "standard input can be read once" in done.errors[0]
    assert call("eval", "--hyp", "-", "--ref", texts / "first", stdin=(texts / "first").read_bytes()).code == 0


def test_a_test_set_of_several_files_agrees_file_by_file(call, configuration, make_sentences, tmp_path):
    text = configuration.read_text()
    for name, count in (("a.xx", 3), ("b.xx", 5), ("a.yy", 5), ("b.yy", 3), ("c.yy", 3), ("d.yy", 5)):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in make_sentences(count, 3)))

    def trained(*target):
        test = {
            "source": [str(tmp_path / "a.xx"), str(tmp_path / "b.xx")],
            "target": [str(tmp_path / n) for n in target],
        }
        run = tmp_path / target[0]
        run = run.with_suffix(".run")
        lines = [
            line if not line.startswith("  test:") else f"  test: {json.dumps(test)}" for line in text.splitlines()
        ]
        (tmp_path / "my.yaml").write_text("\n".join(lines))
        done = call("train", tmp_path / "my.yaml", "--output", run, "--set", "training.max_steps=1")
        assert done.code == 0, done.err
        return run

    done = call("eval", trained("a.yy", "b.yy"))
    assert (done.code, done.out) == (65, b"")
    assert len(done.errors) == 2 and all(word in done.errors[0] for word in ("a.xx", "a.yy", "3", "5"))
    assert evaluate(call, trained("c.yy", "d.yy"))["sentences"] == 8


def test_a_test_set_that_is_not_here_is_explained(call, model, data, tmp_path):
    exported = tmp_path / "model"
    assert call("export", model, exported).code == 0
    config = exported / "config.yaml"
    assert str(data) in config.read_text()
    moved = data.with_name("moved")
    data.rename(moved)
    try:
        done = call("eval", exported)
    finally:
        moved.rename(data)
    assert done.code == 66
    assert "--src" in done.errors[0]
