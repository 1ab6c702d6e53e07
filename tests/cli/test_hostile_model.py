"""A model whose files are whole and whose content is not: a clean error, soon, that names the file."""

import json
import shutil
import time

import pytest

from nmt.checkpoint.layout import CONFIG, MANIFEST
from nmt.config import from_yaml
from nmt.config.reference import all_keys
from sealing import put, reseal

SIZES = [
    key.dotted for key in all_keys() if key.dotted.startswith("model.") and key.dotted.endswith(("size", "layers"))
]

ORIGIN = {"name": "before", "step": 3, "sha256": "0123456789abcdef" * 4}


@pytest.fixture
def hostile(call, model, tmp_path):
    """Makes a copy of the model with another configuration or summary, sealed as if it had been so from the start."""

    def make(config=None, summary=None):
        directory = tmp_path / "hostile"
        shutil.rmtree(directory, ignore_errors=True)
        assert call("export", model, directory).code == 0
        if config is not None:
            put(directory, CONFIG, config((directory / CONFIG).read_text()).encode())
        if summary is not None:
            reseal(directory, lambda document: document.update(summary=summary(document["summary"])))
        return directory

    return make


def with_values(text, values):
    """A configuration's text with other values of some keys."""
    tree = from_yaml(text, CONFIG).model_dump()
    for key, value in values.items():
        *above, name = key.split(".")
        place = tree
        for outer in above:
            place = place[outer]
        place[name] = value
    return json.dumps(tree)  # YAML, too


def assert_refused(call, directory, name):
    for command in (["info", directory], ["translate", directory]):
        started = time.monotonic()
        done = call(*command, stdin=b"ba\n")
        assert (done.code, done.out) == (4, b""), done.err
        assert done.errors and all(str(directory / name) in error for error in done.errors)
        assert time.monotonic() - started < 5


def test_the_copy_itself_is_a_model(call, hostile):
    directory = hostile(config=lambda text: with_values(text, {"name": "other"}), summary=lambda summary: summary)
    assert call("info", directory).lines[0].startswith("other:")
    assert call("translate", directory, stdin=b"ba\n").code == 0


@pytest.mark.parametrize("keys", [*([key] for key in SIZES), SIZES], ids=" ".join)
@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.promise(2, gate=1, full=1)
def test_promise_02_sizes_beyond_reason_are_refused_at_once(keys, allowed, call, hostile):
    largest = {key: 64 if key.endswith("layers") else 1_000_000 for key in keys}
    values = {key: value if allowed else value + 1 for key, value in largest.items()}
    changes = values | {"model.tie_embeddings": "none"}
    assert_refused(
        call, hostile(config=lambda text: with_values(text, changes)), "model.safetensors" if allowed else CONFIG
    )


def test_a_configuration_that_is_of_other_tokenizers_is_refused(call, hostile):
    values = {"tokenizer.shared": False, "model.tie_embeddings": "output"}
    assert_refused(call, hostile(config=lambda text: with_values(text, values)), CONFIG)


@pytest.mark.parametrize(
    "change",
    [
        {"step": "x"},
        {"step": 1.5},
        {"step": True},
        {"best_score": "x"},
        {"best_score": 10**400},
        {"best_step": None},
        {"training_seconds": 10**400},
        {"training_seconds": None},
        {"metric": 5},
        {"metric": "\x1b[2J"},
        {"validation_tokenize": 5},
        {"validation_tokenize": "\x1b[2J"},
        {"validation_tokenize": []},
        {"training_pairs": "x"},
        {"initialized_from": ORIGIN | {"sha256": "`\n---\n"}},
        {"initialized_from": ORIGIN | {"step": "3"}},
        {"initialized_from": [ORIGIN]},
        {"averaged": 5},
        {"averaged": "abc"},
        {"averaged": ORIGIN},
        {"averaged": [1]},
        {"averaged": [ORIGIN, ORIGIN | {"name": 1}]},
        {"averaged": [ORIGIN | {"step": "a`|\n# b"}]},
        {"averaged": [ORIGIN | {"step": True}]},
        {"averaged": [ORIGIN | {"sha256": ORIGIN["sha256"] + "\n"}]},
        {"averaged": [{"name": "x"}]},
    ],
    ids=lambda change: f"{change!r:.60}",
)
def test_a_foreign_summary_is_refused(change, call, hostile, tmp_path):
    directory = hostile(summary=lambda summary: summary | change)
    for command in (["info", directory], ["export", directory, tmp_path / "exported"]):
        done = call(*command)
        assert (done.code, done.out) == (4, b""), done.err
        [error] = done.errors
        assert str(directory / MANIFEST) in error and next(iter(change)) in error
    assert not (tmp_path / "exported").exists()


@pytest.mark.parametrize("step", [3, None])
def test_what_a_model_was_made_from_is_described(step, call, hostile, tmp_path):
    origin = ORIGIN | {"step": step}
    made = hostile(summary=lambda summary: summary | {"initialized_from": origin, "averaged": [origin, origin]})
    assert call("info", made).code == 0
    assert call("export", made, tmp_path / "exported").code == 0


@pytest.mark.parametrize("summary", [{}, {"step": 5}, {"best_score": 1.0}], ids=str)
def test_an_incomplete_summary_is_refused(summary, call, hostile):
    done = call("info", hostile(summary=lambda _: summary))
    assert (done.code, done.out) == (4, b"") and len(done.errors) == 1, done.err


def test_a_model_that_was_never_validated_is_described(call, hostile):
    done = call("info", hostile(summary=lambda summary: summary | {"best_score": None}))
    assert done.code == 0 and not any(line.startswith("validation") for line in done.lines)
