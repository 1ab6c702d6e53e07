"""Paired tests are sacreBLEU's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from nmt.errors import ConfigError
from nmt.evaluation.metrics import METRICS, build_metric, stripped
from nmt.evaluation.significance import check_test, paired_scores

NAMES = {"bleu": "BLEU", "chrf": "chrF2", "ter": "TER"}

# sacreBLEU's command, which cannot print its JSON when a mean is one of NumPy's numbers.
COMMAND = """
import json
from sacrebleu.sacrebleu import main
json.JSONEncoder.default = lambda _, value: float(value)
main()
"""


def sacrebleu(folder, texts, names, *options):
    """What sacreBLEU's command says of `a` and of `b`."""
    for name in (*names, "a", "b"):
        (folder / name).write_text("".join(f"{line}\n" for line in texts[name]))
    files = [*(str(folder / name) for name in names), "-i", str(folder / "a"), str(folder / "b")]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *files, "-m", *METRICS, "-f", "json", *options],
        capture_output=True,
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("SACREBLEU")},
    )
    return json.loads(done.stdout)


def scores_of(texts, names, test, samples, metrics=METRICS, tokenize="13a"):
    return paired_scores(
        *(stripped(texts[name]) for name in ("a", "b")),
        [stripped(texts[name]) for name in names],
        metrics={name: build_metric(name, tokenize, lowercase=False) for name in metrics},
        test=test,
        samples=samples,
    )


@pytest.mark.parametrize(
    ("names", "test", "options"),
    [
        (["first"], "bootstrap", ["--paired-bs", "--paired-bs-n", "40"]),
        (["first", "second"], "randomization", ["--paired-ar", "--paired-ar-n", "60"]),
    ],
)
def test_scores_and_p_values_are_those_of_sacrebleus_command(names, test, options, texts, tmp_path):
    theirs_a, theirs_b = sacrebleu(tmp_path, texts, names, *options)
    samples = int(options[-1])
    ours = scores_of(texts, names, test, samples)
    assert list(ours) == list(METRICS)
    for metric, score in ours.items():
        name = NAMES[metric]
        assert score.p_value == pytest.approx(theirs_b[name]["p_value"], abs=1e-9)
        for one, expected in ((score.a, theirs_a[name]), (score.b, theirs_b[name])):
            assert one.score == pytest.approx(expected["score"], abs=1e-9)
            assert f"|{'bs' if test == 'bootstrap' else 'ar'}:{samples}|seed:12345|" in one.signature
            if test == "bootstrap":
                low, high = one.bootstrap.interval
                assert one.bootstrap.mean == pytest.approx(expected["mean"], abs=1e-9)
                assert (high - low) / 2 == pytest.approx(expected["ci"], abs=1e-9)
            else:
                assert one.bootstrap is None
    assert ours["bleu"].difference > 0 > ours["ter"].difference


@pytest.mark.parametrize(("old", "new"), [("", ""), (" ", "  ")], ids=["the same", "other white space"])
def test_a_translation_does_not_differ_from_itself(old, new, texts):
    same = texts | {"b": [line.replace(old, new) + " " for line in texts["a"]]}
    for test in ("bootstrap", "randomization"):
        for score in scores_of(same, ["first"], test, 20).values():
            assert (score.difference, score.p_value, score.is_significant) == (0, None, False)


def test_without_a_test_there_are_scores_alone(texts):
    plain, tested = (scores_of(texts, ["first"], *how) for how in (("none", 0), ("bootstrap", 10)))
    for metric in METRICS:
        assert plain[metric].a.score == pytest.approx(tested[metric].a.score, abs=1e-9)
        assert plain[metric].p_value is None and plain[metric].a.bootstrap is None


def test_a_test_that_would_fill_the_memory_is_refused():
    check_test(METRICS, "bootstrap", 1000, 50_000)
    check_test(METRICS, "none", 0, 10**9)
    with pytest.raises(ConfigError, match="at most 536, or --test none"):
        check_test(METRICS, "bootstrap", 1000, 100_000)
    with pytest.raises(ConfigError, match="GiB"):
        check_test(["ter"], "randomization", 10_000, 100_000)


def test_the_seed_that_sacrebleu_ignores_is_refused(monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", "0")
    with pytest.raises(ConfigError, match="SACREBLEU_SEED"):
        check_test(METRICS, "bootstrap", 10, 10)
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    check_test(METRICS, "bootstrap", 10, 10)
