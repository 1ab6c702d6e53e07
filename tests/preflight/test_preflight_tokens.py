"""Claims about `nmt.preflight.tokens`: pairs that are left out, and a vocabulary that does not suit."""

import shutil

import pytest

import nmt.preflight.reading as reading_module
from nmt.corpus.store import Store
from nmt.io.lines import Line
from nmt.preflight.files import check_files, pair_sets
from nmt.preflight.findings import Findings
from nmt.preflight.reading import LinePair
from nmt.preflight.reservoir import Reservoir
from nmt.preflight.scan import scan
from nmt.preflight.tokens import tokenize_sample
from nmt.training.preparation import corpus_files, prepare_corpus, train_tokenizers
from nmt.training.signals import StopRequest


@pytest.fixture
def tokens(corpus, tmp_path):
    """Tokenises the training text, and returns the sample and the findings."""

    def made(config):
        sample, findings = Reservoir(seed=1), Findings()
        lines = zip(corpus.lines("training.en"), corpus.lines("training.fr"), strict=True)
        for number, (source, target) in enumerate(lines, 1):
            sample.add(LinePair(0, Line(number, source), Line(number, target)))
        folder = tmp_path / "made"
        folder.mkdir()
        tokenized = tokenize_sample(config, sample, pair_sets(config)[0].files, None, folder, findings, StopRequest())
        return tokenized, findings.sorted()

    return made


def small(**sections):
    return {"tokenizer": {"vocabulary_size": 300, "byte_fallback": False}, **sections}


def test_of_a_small_corpus_the_tokens_are_those_of_training(corpus, tokens, tmp_path):
    config = corpus.config(**small())
    tokenized, findings = tokens(config)
    assert findings == []
    run = tmp_path / "run"
    run.mkdir()
    files = corpus_files(config)
    text = train_tokenizers(config, run, files, StopRequest())
    store = prepare_corpus(config, run, files, text, StopRequest(), quiet=True)
    assert tokenized.tokenizers.source.model == text.source.model and tokenized.sizes == (text.source.size,) * 2
    assert tokenized.store.digests == store.digests
    size = sum(path.stat().st_size for path in (run / "corpus").iterdir() if path.suffix != ".json")
    assert tokenized.bytes_per_pair == pytest.approx(size / len(store))


def test_the_longest_pairs_make_one_update(corpus, tokens, tmp_path):
    config = corpus.config(**small(training={"batch_tokens": 500}))
    tokenized, _ = tokens(config)
    longest = Store.open(tmp_path / "made" / "longest")
    assert 500 < longest.target_tokens < 560
    lengths = [len(longest.source(n)) + len(longest.target(n)) for n in range(len(longest))]
    every = [len(tokenized.store.source(n)) + len(tokenized.store.target(n)) for n in range(len(tokenized.store))]
    assert sorted(lengths) == sorted(every)[-len(lengths) :]


def test_pairs_that_are_left_out_are_counted_and_named(corpus, tokens):
    lines = corpus.lines("training.en")
    lines[1] = lines[1] * 40
    lines[99:199] = [f"{line} " * 6 for line in lines[99:199]]
    corpus.write("training.en", lines)
    _, findings = tokens(corpus.config(**small(data={"max_length_ratio": 3, "max_length": 400})))
    length, ratio = sorted(findings, key=lambda finding: finding.kind)
    assert (length.kind, length.severity, length.where) == (
        "left_out_length",
        "information",
        f"{corpus.path('training.en')}:2",
    )
    assert (ratio.kind, ratio.severity, ratio.where) == (
        "left_out_ratio",
        "warning",
        f"{corpus.path('training.en')}:100",
    )


def test_a_corpus_of_which_no_pair_is_left_is_an_error(corpus, tokens):
    tokenized, findings = tokens(corpus.config(**small(data={"max_length": 1})))
    assert tokenized is None
    assert [(finding.kind, finding.exit_code) for finding in findings if finding.severity == "error"] == [
        ("nothing_left", 65)
    ]


def test_of_a_corpus_whose_beginning_alone_was_read_a_sample_is_not_the_whole(corpus, monkeypatch):
    monkeypatch.setattr(reading_module, "HEAD_CHARACTERS", 5000)
    config, findings = corpus.config(), Findings()
    for full in (False, True):
        files = check_files(config, full, findings, lambda: None)
        sample = scan(config, files, full=full, findings=findings, progress=lambda _: None)["training"]
        assert sample.is_whole == full


def test_a_vocabulary_that_the_corpus_cannot_fill_is_told(corpus, tokens):
    _, findings = tokens(corpus.config(tokenizer={"vocabulary_size": 30000}))
    assert "vocabulary_changed" in [finding.kind for finding in findings]


@pytest.mark.parametrize(
    ("suitable", "expected"), [(1500, {"vocabulary_too_large", "rewritten"}), (2000, {"rewritten"})]
)
def test_a_vocabulary_of_rare_words_is_a_warning_unless_a_recipe_would_have_it(
    suitable, expected, corpus, tokens, monkeypatch
):
    monkeypatch.setattr("nmt.preflight.tokens.vocabulary_size", lambda _: suitable)
    for side in ("en", "fr"):
        lines = corpus.lines(f"training.{side}")
        corpus.write(f"training.{side}", [f"{line} {number * 7919:x}" for number, line in enumerate(lines)])
    _, findings = tokens(corpus.config(tokenizer={"kind": "word", "vocabulary_size": 2000, "byte_fallback": False}))
    # Words that do not fit into the vocabulary cannot come out, either.
    assert {finding.kind for finding in findings if finding.severity == "warning"} == expected


def test_two_vocabularies_are_made_where_none_is_shared(corpus, tokens):
    config = corpus.config(tokenizer={"vocabulary_size": 400, "byte_fallback": False, "shared": False})
    tokenized, _ = tokens(config)
    assert tokenized.tokenizers.source.model != tokenized.tokenizers.target.model


def test_target_lines_that_the_tokenizer_rewrites_are_reported(corpus, tokens):
    lines = corpus.lines("training.fr")
    lines[6] = "un chat de 3 m² noirs"
    corpus.write("training.fr", lines)
    _, findings = tokens(corpus.config(tokenizer={"vocabulary_size": 600, "target_normalization": "nmt_nfkc"}))
    (finding,) = [finding for finding in findings if finding.kind == "rewritten"]
    assert finding.where.endswith("training.fr:7") and 'where "m²" becomes "m2"' in finding.what
    assert finding.severity == ("warning" if len(lines) < 100 else "information")


def test_by_default_no_target_line_is_rewritten(corpus, tokens):
    lines = corpus.lines("training.fr")
    lines[6] = "un chat de 3 m² … می\u200cروم \u200b ½"
    corpus.write("training.fr", lines)
    _, findings = tokens(corpus.config(tokenizer={"vocabulary_size": 600}))
    assert [finding for finding in findings if finding.kind == "rewritten"] == []


def test_tags_are_part_of_the_vocabulary_and_those_that_lack_are_told(corpus, tokens):
    plain, _ = tokens(corpus.config(**small()))
    sides = {"source": str(corpus.path("training.en")), "target": str(corpus.path("training.fr"))}
    held_out = {"source": str(corpus.path("validation.en")), "target": str(corpus.path("validation.fr"))}
    shutil.rmtree(corpus.path("made"))
    data = {"train": {**sides, "tag": "<bt>"}, "validation": held_out}
    tokenized, (untagged,) = tokens(corpus.config(data=data, **small()))
    assert tokenized.sizes == (plain.sizes[0] + 1, plain.sizes[1] + 1)
    assert list(tokenized.tokenizers.source.tags) == ["<bt>"]
    assert (untagged.kind, untagged.severity, untagged.where) == ("untagged", "warning", "data.validation")
    shutil.rmtree(corpus.path("made"))
    data["validation"] = {**held_out, "tag": "<fr>"}  # of the model that the training would go on from, but lacks
    _, (unknown,) = tokens(corpus.config(data=data, **small(training={"initialize_from": "model"})))
    assert (unknown.kind, unknown.exit_code) == ("unknown_tag", 2)
    assert unknown.what == "<fr> is no tag of this model; it knows <bt>"
    shutil.rmtree(corpus.path("made"))
    data |= {"validation": {**held_out, "tag": "<bt>"}, "test": data["validation"]}
    _, (unknown,) = tokens(corpus.config(data=data, **small(training={"initialize_from": "model"})))
    assert (unknown.where, unknown.exit_code) == ("data.test.tag", 2)


def test_the_longest_pairs_of_several_files_are_told_apart(corpus, tokens, tmp_path):
    sides = {"source": str(corpus.path("training.en")), "target": str(corpus.path("training.fr"))}
    data = {"train": [sides, {**sides, "weight": 0.001, "tag": "<bt>"}]}
    tokenized, _ = tokens(corpus.config(data=data, **small()))
    longest = Store.open(tmp_path / "made" / "longest")
    assert longest.report.by_file == (len(longest), 0) and tokenized.report.by_file == (1000, 0)
