"""Scores are sacreBLEU's own, of whole files, without a network."""

from __future__ import annotations

import logging
import math
import subprocess
import sys

import pytest

from nmt.errors import ConfigError, DataError
from nmt.evaluation.metrics import METRICS, check_counts, check_metrics, evaluate, perplexity

HYPOTHESES = [
    "The cat sat on the mat.",
    "",
    "Two men, one dog; none of them \u2028 speaks.",
    "   ",
    'He said: "no" .',
    "Ein Mann f\u00e4hrt \u4e00\u4e2a\u4eba Rad\x1c",
    "it rains a lot in the north of the country\t",
] * 3
REFERENCES = [
    "The cat is sitting on the mat.",
    "",
    "Two men and one dog; none of them speaks.",
    "Not blank here.",
    '"No", he said.',
    "",
    "It rains a lot in the North of the country",
] * 3


def test_one_metric_alone_can_be_asked_for():
    assert set(evaluate(HYPOTHESES, [REFERENCES], metrics=["chrf"]).scores) == {"chrf"}


def test_chrf_is_chrf2_without_words():
    assert "nc:6|nw:0" in evaluate(HYPOTHESES, [REFERENCES], metrics=["chrf"])["chrf"].signature


def test_a_perfect_translation_is_perfect():
    scores = evaluate(REFERENCES, [REFERENCES])
    assert [round(scores[metric].score, 9) for metric in METRICS] == [100.0, 100.0, 0.0]


def test_blank_lines_everywhere_are_scores_and_no_errors():
    scores = evaluate(["", ""], [["", ""]], bootstrap=5)
    assert [scores[metric].score for metric in METRICS] == [0.0, 0.0, 0.0]
    assert scores["bleu"].bootstrap.interval == (0.0, 0.0)


def test_samples_in_which_nothing_matches_count_in_an_interval():
    scores = evaluate(["hello world", "xyz"], [["hello world", ""]], bootstrap=20)
    for metric in ("chrf", "ter"):
        assert 0 < scores[metric].bootstrap.mean < 100, metric
    for of_none in evaluate(["hello world"], [["xyz"]], metrics=["chrf", "ter"], bootstrap=20).scores.values():
        assert of_none.bootstrap.interval == (of_none.score, of_none.score)


@pytest.mark.promise(18, gate=1, full=1)
@pytest.mark.parametrize("count", [0, 1, 20, 22, 42])
def test_promise_18_another_number_of_lines_is_refused_with_both(count):
    with pytest.raises(DataError, match=rf"r\.fr: {count} sentences, but h\.fr has 21") as caught:
        evaluate(HYPOTHESES, [(REFERENCES * 2)[:count]], hypotheses_name="h.fr", reference_names=["r.fr"])
    assert caught.value.exit_code == 65


def test_every_reference_with_another_number_of_lines_is_named():
    with pytest.raises(DataError) as caught:
        check_counts(("h", 3), [("a", 3), ("b", 2), ("b", 4)])
    assert [str(problem) for problem in caught.value.problems] == [
        "b: 2 sentences, but h has 3",
        "b: 4 sentences, but h has 3",
    ]


def test_nothing_to_score_is_refused():
    with pytest.raises(DataError, match="h: no sentences to score"):
        evaluate([], [[]], hypotheses_name="h")
    with pytest.raises(DataError, match="no references"):
        evaluate(["a"], [])


def test_an_unknown_tokenizer_or_metric_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        evaluate(["a"], [["a"]], metrics=["bleu", "meteor"], tokenize="moses", bootstrap=1)
    assert caught.value.exit_code == 2
    metric, bootstrap, tokenizer = map(str, caught.value.problems)
    assert metric == "--metric: unknown metric 'meteor': expected one of bleu, chrf, ter"
    assert bootstrap == "--bootstrap: 1 samples: expected 0 or at least 2"
    assert tokenizer.startswith("--tokenize: unknown tokenizer 'moses': expected one of none, zh, 13a, intl, char")


def test_no_metric_at_all_is_refused():
    with pytest.raises(ConfigError, match="none given"):
        check_metrics([])


@pytest.mark.parametrize(("tokenize", "extra"), [("ja-mecab", "ja"), ("ko-mecab", "ko")])
def test_a_tokenizer_without_its_package_is_refused_with_what_to_install(monkeypatch, tokenize, extra):
    module = f"sacrebleu.tokenizers.tokenizer_{tokenize.replace('-', '_')}"
    pytest.importorskip(module)
    monkeypatch.setattr(f"{module}.MeCab", None)
    with pytest.raises(ConfigError, match=rf"'{tokenize}' cannot be loaded.*pip install 'sacrebleu\[{extra}\]'"):
        check_metrics(["bleu"], tokenize)
    check_metrics(["chrf", "ter"], tokenize)  # they have no use for it


@pytest.mark.parametrize("tokenize", ["spm", "flores101", "flores200", "spBLEU-1K"])
def test_promise_21_a_tokenizer_that_would_be_downloaded_is_refused(monkeypatch, tmp_path, tokenize):
    def download(*_):
        pytest.fail("downloaded")

    monkeypatch.setattr("sacrebleu.utils.SACREBLEU_DIR", str(tmp_path))
    monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_spm.SACREBLEU_DIR", str(tmp_path))
    monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_spm.download_file", download)
    with pytest.raises(ConfigError, match=rf"'{tokenize}' needs {tmp_path}/models/\S+, which sacreBLEU would download"):
        evaluate(["a"], [["a"]], tokenize=tokenize)
    assert not list(tmp_path.iterdir())


def test_a_downloaded_tokenizer_that_is_damaged_is_refused(monkeypatch, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "flores200sacrebleuspm").write_bytes(b"no model")
    monkeypatch.setattr("sacrebleu.utils.SACREBLEU_DIR", str(tmp_path))
    monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_spm.SACREBLEU_DIR", str(tmp_path))
    with pytest.raises(ConfigError, match="'flores200' cannot be loaded"):
        check_metrics(["bleu"], "flores200")


def test_a_seed_that_is_no_number_is_refused(monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", "often")
    check_metrics(["bleu"])
    with pytest.raises(ConfigError, match="SACREBLEU_SEED: 'often'"):
        check_metrics(["bleu"], bootstrap=10)


def test_a_translation_that_looks_tokenized_is_one_warning_and_standard_output_stays_empty(capfd, caplog):
    evaluate(["Left as it is ."] * 150, [["Left as it is."] * 150], hypotheses_name="h.fr")
    assert [record.getMessage() for record in caplog.records] == [
        "h.fr: 150 lines end in ' .': tokenized, unlike the references?"
    ]
    caplog.clear()
    evaluate(["Left as it is ."] * 150, [["Left as it is ."] * 150])
    assert not caplog.records
    assert capfd.readouterr().out == ""


def test_importing_evaluation_imports_neither_sacrebleu_nor_torch():
    code = "import sys, nmt.evaluation.metrics; print(sorted({'sacrebleu', 'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.split() == [b"[]"]


def test_perplexity_is_the_exponential_of_the_mean_loss():
    assert perplexity(20 * math.log(7), 20) == pytest.approx(7)
    assert perplexity(1e9, 1) == math.inf
    assert math.isnan(perplexity(math.nan, 1))
    with pytest.raises(ValueError, match="0 tokens"):
        perplexity(1.0, 0)


@pytest.fixture(autouse=True)
def _warnings_are_seen(caplog):
    caplog.set_level(logging.WARNING)
