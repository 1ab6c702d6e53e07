"""Claims about the configuration of the other direction."""

from __future__ import annotations

import pytest

from nmt.config import Config, changed_keys, reversed_config
from nmt.errors import ConfigError

FILES = {"source": ["a.en", "b.en"], "target": ["a.de", "b.de"]}
DATA = {
    "source_language": "en",
    "target_language": "de",
    "train": FILES,
    "validation": {"source": "v.en", "target": "v.de"},
    "test": {"source": "t.en", "target": "t.de"},
}


def config(**others: object) -> Config:
    return Config.model_validate({"name": "mine", "data": DATA, **others})


def test_languages_and_files_change_sides_and_nothing_else_changes() -> None:
    changed = {key: after for key, _, after in changed_keys(config(), reversed_config(config()))}
    assert changed == {
        "name": "mine-reverse",
        "data.source_language": "de",
        "data.target_language": "en",
        **{f"data.{name}.source": files["target"] for name, files in _sets().items()},
        **{f"data.{name}.target": files["source"] for name, files in _sets().items()},
    }


def _sets() -> dict[str, dict[str, tuple[str, ...]]]:
    sets = {"train": FILES, "validation": DATA["validation"], "test": DATA["test"]}
    return {
        name: {side: (paths,) if isinstance(paths, str) else tuple(paths) for side, paths in files.items()}
        for name, files in sets.items()
    }


def test_tokenizers_of_ones_own_change_sides_where_there_are_two() -> None:
    own = {"shared": False, "source_model": "en.model", "target_model": "de.model"}
    found = reversed_config(config(tokenizer=own)).tokenizer
    assert (found.source_model, found.target_model) == ("de.model", "en.model")
    shared = reversed_config(config(tokenizer={"source_model": "both.model"})).tokenizer
    assert (shared.source_model, shared.target_model) == ("both.model", None)


def test_reversed_twice_it_is_the_same_but_for_its_name() -> None:
    twice = reversed_config(reversed_config(config()))
    assert [key for key, _, _ in changed_keys(config(), twice)] == ["name"]


def test_alignments_are_of_one_direction() -> None:
    with pytest.raises(ConfigError, match=r"training\.alignments: are of the other direction"):
        reversed_config(config(training={"alignments": "links", "guided_alignment": 0.1}))
    assert reversed_config(config(training={"guided_alignment": 0.1})).training.guided_alignment == 0.1


def test_without_a_test_set_and_with_a_long_name() -> None:
    without = {key: value for key, value in DATA.items() if key != "test"}
    assert reversed_config(Config.model_validate({"data": without})).data.test is None
    with pytest.raises(ConfigError, match="name"):
        reversed_config(config(name="n" * 198))


def test_a_tokenizer_of_bleu_for_one_language_is_not_taken_for_the_other() -> None:
    expected = r"training\.validation_tokenize: is zh, which is for de; expected auto for en"
    with pytest.raises(ConfigError, match=expected):
        reversed_config(config(training={"validation_tokenize": "zh"}))
    for name in ("auto", "none", "13a", "char"):
        assert reversed_config(config(training={"validation_tokenize": name})).training.validation_tokenize == name
