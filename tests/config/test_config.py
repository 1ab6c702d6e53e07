"""A configuration means what it says, and says where it does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from nmt.config import CHANGEABLE, Config, as_documentation, changed_keys, check_search, from_yaml, load_config
from nmt.config.reference import all_keys
from nmt.config.yaml12 import MAXIMUM_BYTES, flow, plain_value, read, write
from nmt.errors import ConfigError

CONFIGS = Path(__file__).parents[2] / "configs"

DATA = """\
data:
  source_language: en
  target_language: fr
  train: {source: train.en, target: train.fr}
  validation: {source: validation.en, target: validation.fr}
"""

SAMPLE = """\
name: multi30k-en-fr
seed: 1
data:
  source_language: en
  target_language: fr
  train:      {source: data/multi30k/train.en.gz, target: data/multi30k/train.fr.gz}
  validation: {source: data/multi30k/val.en.gz,   target: data/multi30k/val.fr.gz}
  test:       {source: data/multi30k/test.en.gz,  target: data/multi30k/test.fr.gz}
  max_length: 100            # tokens
tokenizer:
  kind: unigram
  vocabulary_size: 4000
  shared: true
model:
  attention: additive
  attention_size: 256
  embedding_size: 256
  readout_size: 256
  tie_embeddings: all
  encoder: {hidden_size: 192, layers: 1}
  decoder: {hidden_size: 384, layers: 1}
  dropout: 0.3
training:
  batch_tokens: 1024
  accumulation: 1
  max_epochs: 30
  max_steps: null
  max_minutes: null
  learning_rate: 5.0e-3
  schedule: cosine
  warmup_ratio: 0.08
  average_decay: 0.99
  label_smoothing: 0.1
  precision: auto
  log_every: 20
  validate_every: 500
  save_every_minutes: 10
  patience: null
search:
  beam_size: 5
  length_penalty: 1.0
"""


def configured(more: str = "", *overrides: str, folder: Path | None = None) -> Config:
    if folder is None:
        assert not overrides
        return from_yaml(DATA + more, "my.yaml")
    path = folder / "my.yaml"
    path.write_text(DATA + more, encoding="utf-8")
    return load_config(str(path), overrides)


def mistakes(source: str | bytes) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        from_yaml(source, "my.yaml")
    assert caught.value.exit_code == 2
    return [str(problem) for problem in caught.value.problems]


def override_mistakes(folder: Path, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        configured("", *overrides, folder=folder)
    return [str(problem) for problem in caught.value.problems]


# What a good configuration gives


def test_defaults_are_those_of_the_documented_sample() -> None:
    sample = from_yaml(SAMPLE, "sample.yaml")
    assert {key for key, _, _ in changed_keys(sample, configured())} == {
        "name",
        "data.train.source",
        "data.train.target",
        "data.validation.source",
        "data.validation.target",
        "data.test",
    }


def test_every_key_has_a_default_except_the_data() -> None:
    required = {key.dotted for key in all_keys() if key.required}
    assert required and all(key.split(".")[0] == "data" for key in required)
    assert "data.test" not in required and "data.max_length" not in required


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_configurations_load(path: Path) -> None:
    assert load_config(str(path)).data.test is not None


def test_the_shipped_configurations_are_all_there() -> None:
    names = {"quickstart.yaml", "multi30k_en_fr.yaml", "multi30k_en_de.yaml", "large_gpu.yaml"}
    assert names <= {path.name for path in CONFIGS.iterdir()}
    assert load_config(str(CONFIGS / "quickstart.yaml")).name == "quickstart"


def test_a_configuration_survives_writing_and_reading() -> None:
    config = configured('model: {readout_size: 128}\nname: "1e3"\nseed: 9007199254740993\ntraining: {patience: null}\n')
    text = config.as_yaml()
    assert from_yaml(text, "config.yaml") == config
    assert from_yaml(text, "config.yaml").as_yaml() == text
    assert set(re.findall(r"^ *(\w+):", text, re.M)) == {key.path[-1] for key in all_keys()}


def test_one_file_and_a_list_of_files_are_the_same_kind() -> None:
    config = from_yaml(DATA.replace("{source: train.en, target: train.fr}", "{source: [a, b], target: [c, d]}"), "")
    [train], [validation] = config.data.train, config.data.validation
    assert train.source == ("a", "b")
    assert validation.source == ("validation.en",)


def test_a_configuration_cannot_be_changed() -> None:
    config = configured()
    for section, name in ((config, "seed"), (config.training, "max_steps"), (config.model.encoder, "layers")):
        with pytest.raises(ValidationError):
            setattr(section, name, 3)
    assert hash(config) == hash(configured())


@pytest.mark.parametrize(
    ("more", "tie"),
    [
        ("", "all"),
        ("tokenizer: {shared: false}", "output"),
        ("model: {readout_size: 512}", "inputs"),
        ("tokenizer: {shared: false}\nmodel: {readout_size: 512}", "none"),
        ("model: {tie_embeddings: none}", "none"),
    ],
)
def test_embeddings_are_tied_as_far_as_they_fit(more: str, tie: str) -> None:
    config = configured(more)
    assert config.model.tie_embeddings == tie
    assert f"tie_embeddings: {tie}\n" in config.as_yaml()


def test_whole_numbers_may_be_written_as_floats() -> None:
    value = configured("training: {batch_tokens: 4e3, max_steps: 8000.0}").training.batch_tokens
    assert value == 4000 and isinstance(value, int)


# YAML 1.2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, None) for text in ("", "~", "null", "Null", "NULL")),
        *((text, True) for text in ("true", "True", "TRUE")),
        *((text, False) for text in ("false", "False", "FALSE")),
        *((text, text) for text in ("no", "No", "NO", "yes", "on", "off", "y", "n", "nUll", "tRue")),
        *((text, text) for text in ("1:30", "1_000", "2001-01-01", "0b1", "0o8", "0xg", "-0x1", "1e", ".", "+", "inf")),
        *((text, text) for text in ("١٢", "<<", "=", "nan", "1 2")),
        ("012", 12),
        ("-7", -7),
        ("+7", 7),
        ("0o17", 15),
        ("0xFf", 255),
        ("1e-3", 0.001),
        ("4E3", 4000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.5e+1", -5.0),
        (".inf", float("inf")),
        ("-.INF", float("-inf")),
    ],
)
def test_plain_scalars_follow_the_core_schema(text: str, value: object) -> None:
    found = plain_value(text)
    assert found == value and type(found) is type(value)


def test_no_is_a_language() -> None:
    assert from_yaml(DATA.replace("language: en", "language: no"), "").data.source_language == "no"


def test_quotes_make_text() -> None:
    assert configured('name: "2024"').name == "2024"
    assert mistakes(DATA + "name: 2024")[0].endswith("got 2024 (quotes make it text)")


def test_a_byte_order_mark_at_the_start_is_no_text() -> None:
    assert from_yaml(b"\xef\xbb\xbf" + DATA.encode(), "") == configured()


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**90), 10**90)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["1e3", "012", "0o17", "null", "~", "True", ".inf", ".NaN", "no", "9" * 200, "...", "\u2028"])
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES | st.lists(VALUES)))
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_again(tree: dict[str, object]) -> None:
    document = read(write(tree))
    assert not document.mistakes
    assert repr(document.value or {}) == repr(tree)


# What is refused, and where


def test_several_mistakes_are_told_at_once_with_their_lines() -> None:
    more = 'name: x\nmodel:\n  atention: dot\n  dropout: "0.3"\ntraining: {batch_tokens: 0}\n'
    assert mistakes(DATA + more) == [
        "my.yaml:8: model.atention: unknown key (did you mean attention?)",
        'my.yaml:9: model.dropout: expected a number from 0 to below 1, got "0.3"',
        "my.yaml:10: training.batch_tokens: expected a whole number of at least 1, got 0",
    ]


def test_a_conflict_is_told_beside_a_wrong_value() -> None:
    more = (
        "training: {max_epochs: null,\n  schedule: cosine}\nsearch:\n  beam_size: x\n"
        "model: {attention: dot, encoder: {hidden_size: 100}}"
    )
    assert mistakes(DATA + more) == [
        "my.yaml:7: training.schedule: cosine needs one of training.max_epochs, training.max_steps, "
        "training.max_minutes",
        'my.yaml:9: search.beam_size: expected a whole number from 1 to 1000, got "x"',
        "my.yaml:10: model.attention: dot needs model.decoder.hidden_size (384) equal to twice "
        "model.encoder.hidden_size (100)",
    ]


def test_a_wrong_value_is_told_once_without_the_conflict_it_would_make() -> None:
    assert len(mistakes(DATA + "training: {schedule: cosine, max_epochs: null, max_steps: x}")) == 1
    assert len(mistakes(DATA + "training: {schedule: cosine, max_epochs: null, max_stepz: 9}")) == 1
    assert len(mistakes(DATA.replace("train:", "trian:"))) == 1


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("tokenizer: {shared: false}\nmodel: {tie_embeddings: all}", "model.tie_embeddings"),
        ("tokenizer: {shared: false}\nmodel: {tie_embeddings: inputs}", "model.tie_embeddings"),
        ("name: x\nmodel: {tie_embeddings: output, readout_size: 100}", "model.tie_embeddings"),
        ("name: x\nmodel: {attention: dot, decoder: {hidden_size: 500}}", "model.attention"),
        ("name: x\ntraining: {weight_decay: 0.1}", "training.weight_decay"),
        ("name: x\ntraining: {schedule: cosine, max_epochs: null}", "training.schedule"),
        ("name: x\ntraining: {schedule: constant, warmup_ratio: 0.1, max_epochs: null}", "training.warmup_ratio"),
        ("name: x\ntraining: {warmup_ratio: 0.1, warmup_steps: 9}", "training.warmup_ratio"),
        ("name: x\ntraining: {minimum_learning_rate: 1}", "training.minimum_learning_rate"),
        ("name: x\ntraining: {max_epochs: null}", "training.schedule"),
        ("name: x\ntraining: {schedule: constant, max_epochs: null}", "training.max_epochs"),
        ("model: {attention: none}\nsearch: {coverage_penalty: 0.2}", "search.coverage_penalty"),
        ("name: x\ntokenizer: {target_model: a}", "tokenizer.target_model"),
        ("name: x\ntokenizer: {shared: false, source_model: a}", "tokenizer.source_model"),
        ("name: x\ntokenizer: {shared: false, target_model: a}", "tokenizer.target_model"),
        ("name: x\ntokenizer: {kind: char, subword_regularization: 0.1}", "tokenizer.subword_regularization"),
        ("name: x\ntokenizer: {kind: bpe, subword_regularization: 1.1}", "tokenizer.subword_regularization"),
        ("model: {attention: none}\ntraining: {guided_alignment: 0.1}", "training.guided_alignment"),
        ("tokenizer: {subword_regularization: 0.1}\ntraining: {guided_alignment: 0.1}", "training.guided_alignment"),
    ],
)
def test_keys_that_do_not_go_together_are_refused_at_one_of_them(more: str, key: str) -> None:
    (mistake,) = mistakes(DATA + more)
    assert mistake.startswith(f"my.yaml:7: {key}: ")


@pytest.mark.parametrize(
    "more",
    [
        "training: {optimizer: adamw, weight_decay: 0.1}",
        "training: {schedule: cosine, max_steps: 100}",
        "training: {schedule: cosine}",
        "training: {schedule: cosine, warmup_ratio: 0.1, max_epochs: null, max_minutes: 5}",
        "training: {max_epochs: null, patience: null, max_minutes: 0.5}",
        "model: {attention: dot, encoder: {hidden_size: 100}, decoder: {hidden_size: 200}}",
        "tokenizer: {source_model: a}",
        "tokenizer: {shared: false, source_model: a, target_model: b}",
        "tokenizer: {kind: bpe, subword_regularization: 0.1}",
        "training: {guided_alignment: 0.1, r_drop: 2.5, alignments: links}",
        "model: {attention: none}\ntraining: {r_drop: 2.5, alignments: links}",
    ],
)
def test_keys_that_go_together_are_taken(more: str) -> None:
    configured(more)


def test_both_sides_need_as_many_files() -> None:
    (mistake,) = mistakes(DATA.replace("source: train.en", "source: [a, b]"))
    assert mistake.startswith("my.yaml:4: data.train.target: expected as many files as data.train.source has (2), got")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", "-1"),
        ("seed", "true"),
        ("seed", '"1"'),
        ("seed", "1.5"),
        ("seed", "0xffffffffffffffffff"),
        ("name", "a/b"),
        ("name", ".."),
        ("name", '""'),
        ("name", '"a\\nb"'),
        ("name", "x" * 300),
        ("model", "null"),
        ("model", "[]"),
        ("model.dropout", "1"),
        ("model.dropout", "true"),
        ("model.dropout", ".nan"),
        ("model.layer_norm", "1"),
        ("model.layer_norm", "yes"),
        ("model.attention", "Additive"),
        ("model.encoder.layers", "0"),
        ("model.tie_embeddings", "null"),
        ("training.batch_tokens", "4096.5"),
        ("training.batch_tokens", "1e999"),
        ("training.batch_tokens", "99999999999"),
        ("training.batch_tokens", "9" * 5000),
        ("training.max_steps", "0"),
        ("training.max_minutes", ".inf"),
        ("training.max_minutes", "0"),
        ("training.adam_betas", "[0.9]"),
        ("training.adam_betas", "0.9"),
        ("training.learning_rate", "1_000"),
        ("training.plateau_factor", "1"),
        ("tokenizer.vocabulary_size", "7"),
        ("tokenizer.character_coverage", "0.9"),
        ("data.source_language", "12"),
        ("data.source_language", "e n"),
        ("data.train.source", "[]"),
        ("data.train.source", "{a: b}"),
        ("data.train.source", '""'),
        ("data.train.source", '"a\\0"'),
        ("data.max_length_ratio", "1.0"),
        ("data.max_length_ratio", "1e308"),
        ("tokenizer.vocabulary_size", "2147483647"),
        ("model.encoder.hidden_size", "2000000000"),
        ("model.decoder.hidden_size", "1000001"),
        ("model.embedding_size", "1e9"),
        ("model.decoder.layers", "65"),
        ("training.accumulation", "2147483647"),
        ("search.beam_size", "1001"),
        ("search.length_penalty", "400"),
        ("search.coverage_penalty", "1e30"),
        ("search.max_length", "2147483647"),
        ("search.max_length_ratio", "1e30"),
    ],
)
def test_a_wrong_type_or_value_is_refused(tmp_path: Path, key: str, value: str) -> None:
    (mistake,) = override_mistakes(tmp_path, f"{key}={value}")
    assert mistake.startswith(f"--set: {key}: ")


def test_an_item_of_a_list_has_its_own_line() -> None:
    source = DATA.replace(
        "{source: train.en, target: train.fr}", "\n    target: [a, b]\n    source:\n      - a\n      - 3"
    )
    assert mistakes(source)[0].startswith("my.yaml:8: data.train.source[1]: expected a path")


def test_each_wrong_item_of_a_list_is_told() -> None:
    assert len(mistakes(DATA.replace("source: train.en", "source: [1, 2, a, null]"))) == 3
    assert len(mistakes(DATA + "training: {adam_betas: [2, 3]}")) == 2


@pytest.mark.parametrize(
    ("more", "guess"),
    [
        ("training: {BATCH_TOKENS: 1}", "batch_tokens"),
        ("model: {Dropout: 0.1}", "dropout"),
        ("model: {tie-embeddings: all}", "tie_embeddings"),
        ("model: {batch_tokens: 1}", "training.batch_tokens or search.batch_tokens"),
        ("trainning: {}", "training"),
        ("search: {beam: 4}", "beam_size"),
    ],
)
def test_an_unknown_key_suggests_a_known_one(more: str, guess: str) -> None:
    (mistake,) = mistakes(DATA + more)
    assert mistake.endswith(f"unknown key (did you mean {guess}?)")


def test_a_key_like_no_other_suggests_none() -> None:
    assert mistakes(DATA + "zzz: 1") == ["my.yaml:6: zzz: unknown key"]


def test_what_is_missing_is_told_at_its_section() -> None:
    assert mistakes("name: x\ndata:\n  source_language: en\n  train: {source: a}\n") == [
        "my.yaml:2: data.target_language: missing; expected a language code, such as en",
        "my.yaml:2: data.validation: missing; expected a mapping of keys or a list of these",
        "my.yaml:4: data.train.target: missing; expected a path or a list of paths",
    ]
    assert mistakes("") == ["my.yaml:1: data: missing; expected a mapping of keys"]


HOSTILE = {
    "alias": ("a: &x 1\nb: *x", 6),
    "merge": ("model: &m {dropout: 0}\nsearch: {<<: *m}", 6),
    "recursive alias": ("a: &x [*x]", 6),
    "duplicate key": ("seed: 1\nname: x\nseed: 2", 8),
    "duplicate key by quotes": ('seed: 1\n"seed": 1', 7),
    "duplicate section": ("model: {}\nmodel: {}", 7),
    "object": ("name: !!python/object/apply:os.system [ls]", 6),
    "standard tag": ("seed: !!int 1", 6),
    "local tag": ("seed: !x 1", 6),
    "non-specific tag": ("seed: ! 1", 6),
    "integer key": ("1: x", 6),
    "null key": ("~: x", 6),
    "mapping as key": ("? {a: 1}\n: x", 6),
    "list as key": ("[a]: x", 6),
    "second document": ("---\nname: x", 6),
    "tab": ("model:\n\tdropout: 0", 7),
    "unclosed": ("name: x\nmodel: {dropout: 0\n\n", 7),
    "unclosed quote": ('name: x\nname: "x\n\n', 7),
    "list after keys": ("- a", 6),
    "deep": ("a: " + "[" * 5000, 6),
    "NUL": ("name: x\0", 6),
    "control character": ("name: x\x1b[0m", 6),
    "line separator": ("name: x\u2028y", 6),
    "escape out of range": ('name: "\\UFFFFFFFF"', 6),
    "surrogate": ('name: "\\ud800"', 6),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_what_yaml_could_hide_is_refused_with_its_line(hostile: tuple[str, int]) -> None:
    more, line = hostile
    assert f"my.yaml:{line}:" in [mistake.split(" ")[0] for mistake in mistakes(DATA + more)]


def test_half_a_surrogate_pair_is_no_text() -> None:
    assert "surrogate" in read('"\\ud800"').mistakes[0].what


def test_a_number_of_absurd_length_is_refused() -> None:
    for number in ("9" * 5000, "0x" + "f" * 5000, "1." + "0" * 5000):
        assert "characters is too long" in read(number).mistakes[0].what
    assert plain_value("9" * 100) == 10**100 - 1


def test_a_duplicate_key_is_refused_and_named() -> None:
    assert mistakes(DATA + "seed: 1\nseed: 2") == ["my.yaml:7: seed: duplicate key (line 6 has it)"]


def test_no_tag_runs_code(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    mistakes(DATA + f"name: !!python/object/apply:os.mkdir [{touched}]")
    assert not touched.exists()


def test_other_directives_than_yaml_1_2_are_refused() -> None:
    assert from_yaml("%YAML 1.2\n---\n" + DATA, "") == configured()
    for directive in ("%YAML 1.1", "%TAG ! tag:x,2000:", "%YAML 99999999999999999.1"):
        assert len(mistakes(f"{directive}\n---\n{DATA}")) == 1


def test_bytes_that_are_no_utf8_are_refused_with_their_line() -> None:
    assert mistakes(DATA.encode() + b"name: \xff") == ["my.yaml:6: byte 0xff is not UTF-8"]
    assert len(mistakes(DATA.encode("utf-16"))) == 1


def test_more_than_a_megabyte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_text(DATA + "#" * (MAXIMUM_BYTES - len(DATA)), encoding="utf-8")
    load_config(str(path))
    path.write_text(DATA + "#" * (MAXIMUM_BYTES - len(DATA) + 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"big\.yaml:1: larger than 1,000,000 bytes"):
        load_config(str(path))


def test_twenty_levels_are_read_and_more_refused() -> None:
    assert not read("[" * 20 + "]" * 20).mistakes
    assert "more than 20 levels" in read("[" * 21 + "]" * 21).mistakes[0].what
    for opening in ("[", "{", "- ", "? ", "{a: ", "[[], "):
        assert read(opening * (MAXIMUM_BYTES // len(opening))).broken


def test_very_many_values_are_refused_soon() -> None:
    assert "more than 20,000 keys and values" in read("[" + "1," * 400_000 + "]").mistakes[0].what


def test_very_many_mistakes_are_counted() -> None:
    found = mistakes(DATA + "".join(f"key{number}: 1\n" for number in range(5000)))
    assert len(found) == 101 and found[-1] == "my.yaml: and 4,900 mistakes more"


def test_a_duplicate_key_is_told_without_the_conflict_its_value_would_make() -> None:
    assert mistakes(DATA + "model:\n  tie_embeddings: all\n  readout_size: 1\n  readout_size: 256") == [
        "my.yaml:9: model.readout_size: duplicate key (line 8 has it)"
    ]


@pytest.mark.parametrize("path", ["absent.yaml", ".", "absent/my.yaml", "a\0b"])
def test_a_file_that_cannot_be_read_is_an_error_of_the_configuration(path: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read|no such file"):
        load_config(path)


# Overrides


def test_an_override_wins_over_the_file(tmp_path: Path) -> None:
    config = configured("training: {max_steps: 5, log_every: 7}", "training.max_steps=100", "seed = 2", folder=tmp_path)
    assert (config.training.max_steps, config.training.log_every, config.seed) == (100, 7, 2)


def test_a_later_override_wins(tmp_path: Path) -> None:
    assert configured("", "seed=2", "seed=3", folder=tmp_path).seed == 3


def test_a_mapping_is_merged_key_by_key(tmp_path: Path) -> None:
    config = configured(
        "model: {dropout: 0.1, encoder: {layers: 2}}", "model={encoder: {hidden_size: 64}}", folder=tmp_path
    )
    assert config.model.dropout == 0.1
    assert (config.model.encoder.layers, config.model.encoder.hidden_size) == (2, 64)
    config = configured("", "data.test={source: a.en, target: a.fr}", "data.train.source=[b.en]", folder=tmp_path)
    assert config.data.test is not None and config.data.test.source == ("a.en",)
    [train] = config.data.train
    assert (train.source, train.target) == (("b.en",), ("train.fr",))


def test_an_override_can_take_a_section_away(tmp_path: Path) -> None:
    more = "training: {max_epochs: 3}"
    path = tmp_path / "my.yaml"
    path.write_text(DATA + "  test: {source: a, target: b}\n" + more, encoding="utf-8")
    assert load_config(str(path), ["data.test=null"]).data.test is None


def test_an_override_mends_the_file(tmp_path: Path) -> None:
    assert configured("seed: x", "seed=4", folder=tmp_path).seed == 4


def test_an_override_follows_the_same_yaml(tmp_path: Path) -> None:
    assert configured("", "data.source_language=no", folder=tmp_path).data.source_language == "no"
    assert configured("", "training.learning_rate=1e-4", folder=tmp_path).training.learning_rate == 1e-4


@pytest.mark.parametrize(
    ("override", "start"),
    [
        ("training.max_stepz=1", "--set: training.max_stepz: unknown key (did you mean max_steps?)"),
        ("model={encoder: {layer: 2}}", "--set: model.encoder.layer: unknown key (did you mean layers?)"),
        ("training", "--set: expected KEY=VALUE"),
        ("=1", "--set: expected KEY=VALUE"),
        ("training..max_steps=1", "--set: expected KEY=VALUE"),
        ("a." * 10_000 + "b=1", "--set: expected KEY=VALUE"),
        ("training.max_steps=[1", "--set: training.max_steps: not YAML"),
        ("training.max_steps=&a 1", "--set: training.max_steps: anchors"),
        ("training={max_steps: 1, max_steps: 2}", "--set: training.max_steps: duplicate key"),
        ("training.max_steps.more=1", "--set: training.max_steps: expected a whole number"),
        ("seed=\udcff", "--set: seed: character U+DCFF"),
        ("training={schedule: cosine, max_epochs: null}", "--set: training.schedule: cosine needs"),
        ("data.train.source=[a, b]", "my"),
    ],
)
def test_a_wrong_override_is_named(tmp_path: Path, override: str, start: str) -> None:
    (mistake,) = override_mistakes(tmp_path, override)
    assert mistake.removeprefix(f"{tmp_path}{os.sep}").startswith(start)


def test_an_item_given_on_the_command_line_is_not_sought_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(DATA.replace("source: train.en", "source: [a, b]"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(str(path), ["data.train.source=[a, 3]"])
    assert {problem.where for problem in caught.value.problems} == {"--set"}


def test_an_unreadable_override_is_not_missing_as_well(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(DATA.replace("source: train.en, ", ""), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(str(path), ["data.train.source=[a"])
    assert [problem.where for problem in caught.value.problems] == ["--set"]


def test_mistakes_of_file_and_overrides_come_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        configured("seed: x\nname: a/b", "search.beam_size=0", "what", folder=tmp_path)
    assert [problem.where.removeprefix(str(tmp_path)) for problem in caught.value.problems] == [
        f"{os.sep}my.yaml:6",
        f"{os.sep}my.yaml:7",
        "--set",
        "--set",
    ]


# What may change on the way


def test_an_option_for_a_key_is_named_by_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(DATA + "training: {precision: fp32, batch_tokens: x}\n")
    options: dict[str, tuple[str, object]] = {
        "--precision": ("training.precision", "bf16"),
        "--batch-tokens": ("training.batch_tokens", 7),
    }
    training = load_config(str(path), ["training.precision=auto"], options).training
    assert (training.precision, training.batch_tokens) == ("bf16", 7)
    options["--precision"] = ("training.precision", "{a: b}")
    with pytest.raises(ConfigError) as caught:
        load_config(str(path), ["seed=-1"], options)
    assert [str(problem) for problem in caught.value.problems] == [
        "--set: seed: expected a whole number of at least 0, got -1",
        '--precision: expected one of auto, fp32, bf16, got "{a: b}"',
    ]


def test_options_of_the_search_have_the_rules_of_its_keys() -> None:
    given = {"beam_size": 3, "n_best": 1000, "length_penalty": 0, "max_length_ratio": 1.5, "no_repeat_ngram": 0}
    assert check_search(given) == given
    with pytest.raises(ConfigError) as caught:
        check_search({"beam_size": 0, "n_best": 10**20, "length_penalty": float("inf"), "max_length_ratio": 0.0})
    assert [str(problem) for problem in caught.value.problems] == [
        "--beam-size: expected a whole number from 1 to 1000, got 0",
        f"--n-best: expected a whole number from 1 to 1000, got {10**20}",
        "--length-penalty: expected a number from 0 to 5, got inf",
        "--max-length-ratio: expected a number above 0, at most 1000, got 0.0",
    ]


def test_a_value_on_one_line_is_yaml() -> None:
    assert flow(None) == "null" and flow(True) == "true" and flow("no") == "no" and flow("1") == '"1"'
    value = {"source": ["a", "b, c"], "target": [], "more": {"x": 1.5}}
    assert flow(value) == '{source: [a, "b, c"], target: [], more: {x: 1.5}}'
    assert read(flow(value)).value == value


def test_changed_keys_give_both_values(tmp_path: Path) -> None:
    old = configured()
    new = configured("", "training.max_steps=9", "seed=2", "data.test={source: a, target: b}", folder=tmp_path)
    assert changed_keys(old, old) == []
    assert changed_keys(old, new) == [
        ("seed", 1, 2),
        ("data.test", None, {"source": ("a",), "target": ("b",), "pairs": None, "columns": (1, 2), "tag": None}),
        ("training.max_steps", None, 9),
    ]


def test_writing_a_default_changes_nothing() -> None:
    assert changed_keys(configured(), configured("model: {tie_embeddings: all}\nseed: 1.0")) == []


def test_limits_and_intervals_may_change_and_exist() -> None:
    assert {key.dotted for key in all_keys()} >= CHANGEABLE
    assert "training.max_steps" in CHANGEABLE and "training.batch_tokens" not in CHANGEABLE


# The whole of it


def test_the_documentation_names_every_key() -> None:
    table = as_documentation()
    for key in all_keys():
        assert key.meaning
        if key.section is None:
            row = next(line for line in table.splitlines() if line.startswith(f"| `{key.dotted}` |"))
            assert len(re.findall(r"(?<!\\)\|", row)) == 5


def test_reading_a_configuration_does_not_load_torch() -> None:
    code = "import sys, nmt.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("training", "ratio"),
    [
        ("{max_steps: 9}", 0.08),
        ("{warmup_steps: 3}", None),
        ("{warmup_steps: 0}", None),
        ("{schedule: constant}", None),
        ("{schedule: constant, warmup_ratio: 0.2}", 0.2),
        ("{warmup_ratio: null}", None),
    ],
)
def test_the_usual_share_of_warm_up_gives_way_to_what_is_said(training: str, ratio: float | None) -> None:
    config = configured(f"training: {training}")
    assert config.training.warmup_ratio == ratio
    assert from_yaml(config.as_yaml(), "written").training == config.training
