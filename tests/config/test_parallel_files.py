"""Claims about the corpora that a configuration names: lists of them, columns of pairs, weights and tags."""

from __future__ import annotations

import pytest

from nmt.config import Config, changed_keys, from_yaml, load_config, reversed_config
from nmt.errors import ConfigError

FRAME = """\
data:
  source_language: en
  target_language: fr
  train: TRAIN
  validation: VALIDATION
"""
FILES = "{source: a, target: b}"
MIXED = """
    - {source: [a, b], target: [c, d]}
    - {pairs: bt.tsv.gz, columns: [3, 1], weight: 0.5, tag: <bt>}
    - {source: e, target: f, weight: 2, tag: <2fr>}"""


def read(train: str, validation: str = FILES, more: str = "") -> Config:
    return from_yaml(FRAME.replace("TRAIN", train).replace("VALIDATION", validation) + more, "my.yaml")


def mistakes(train: str, validation: str = FILES, more: str = "") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(train, validation, more)
    return [str(problem) for problem in caught.value.problems]


def test_one_mapping_and_a_list_of_one_are_the_same() -> None:
    assert read(FILES) == read(f"[{FILES}]")
    [files] = read(FILES).data.train
    assert (files.paths, files.weight, files.tag) == ((("a",), ("b",)), 1.0, None)


def test_corpora_have_weights_tags_and_columns() -> None:
    config = read(MIXED, "{pairs: v.tsv, tag: <bt>}")
    first, second, third = config.data.train
    assert (first.weight, second.weight, third.weight) == (1, 0.5, 2)
    assert (first.tag, second.tag, third.tag) == (None, "<bt>", "<2fr>")
    assert second.paths == (("bt.tsv.gz",), ("bt.tsv.gz",)) and second.columns == (3, 1)
    [validation] = config.data.validation
    assert (validation.paths, validation.columns, validation.tag) == ((("v.tsv",), ("v.tsv",)), (1, 2), "<bt>")


@pytest.mark.parametrize("train", [FILES, MIXED, "{pairs: [a, b], weight: 3}"])
def test_it_survives_writing_and_reading(train: str) -> None:
    config = read(train)
    assert from_yaml(config.as_yaml(), "config.yaml") == config


def test_the_configuration_of_an_earlier_version_is_the_same_still() -> None:
    earlier = FRAME.replace("TRAIN", "\n    source: [a]\n    target: [b]").replace("VALIDATION", FILES)
    assert changed_keys(from_yaml(earlier, "config.yaml"), read(FILES)) == []


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ("{source: a}", "my.yaml:4: data.train.target: missing; expected a path or a list of paths"),
        (f"[{FILES}, {{source: a}}]", "my.yaml:4: data.train[1].target: missing; expected a path or a list of paths"),
        (
            f"\n    - {FILES}\n    - {{sorce: a, target: b}}",
            "my.yaml:6: data.train[1].sorce: unknown key (did you mean source?)",
        ),
        (
            f"\n    - {FILES}\n    - {{source: [a, b], target: b}}",
            "my.yaml:6: data.train[1].target: expected as many files as data.train.source has (2), got 1",
        ),
        (
            "{pairs: a, source: b}",
            "my.yaml:4: data.train.source: stands beside pairs, which hold both sides; expected one of them",
        ),
        (
            "{source: a, target: b, weight: 0}",
            "my.yaml:4: data.train.weight: expected a number above 0, at most 1000, got 0",
        ),
        (
            f"[{FILES}, {{source: a, target: b, weight: many}}]",
            'my.yaml:4: data.train[1].weight: expected a number above 0, at most 1000, got "many"',
        ),
        ("{pairs: a, columns: [0, 1]}", "my.yaml:4: data.train.columns[0]: expected a list of two numbers of columns"),
        ("{pairs: a, columns: [1]}", "my.yaml:4: data.train.columns: missing; expected a list of two numbers of"),
        ("[]", "my.yaml:4: data.train: expected a mapping of keys or a list of these, got a list of 0"),
        ("[3]", "my.yaml:4: data.train[0]: expected a mapping of keys or a list of these, got 3"),
        ("3", "my.yaml:4: data.train: expected a mapping of keys or a list of these, got 3"),
    ],
)
def test_a_mistake_is_named_with_its_place(train: str, expected: str) -> None:
    (mistake,) = mistakes(train)
    assert mistake.startswith(expected)


def test_several_mistakes_of_several_corpora_are_told_at_once() -> None:
    train = "\n    - {source: a, target: b, weight: -1, tag: x}\n    - {source: 1, target: b, wight: 2}"
    assert [one.partition(": ")[0] + " " + one.split(": ")[1] for one in mistakes(train)] == [
        "my.yaml:5 data.train[0].tag",
        "my.yaml:5 data.train[0].weight",
        "my.yaml:6 data.train[1].source",
        "my.yaml:6 data.train[1].wight",
    ]


@pytest.mark.parametrize(
    "tag", ["bt", "<>", "<s>", "</s>", "<pad>", "<unk>", "<0x41>", "<a b>", "<a><b>", "< a>", "<▁>"]
)
def test_what_is_no_tag_is_refused(tag: str) -> None:
    (mistake,) = mistakes(f"{{source: a, target: b, tag: '{tag}'}}")
    assert mistake.startswith("my.yaml:4: data.train.tag: expected a tag in angle brackets, such as <bt>")


def test_columns_are_of_pairs_and_are_two() -> None:
    assert mistakes("{source: a, target: b, columns: [2, 1]}") == [
        "my.yaml:4: data.train.columns: are those of pairs, which is missing"
    ]
    assert mistakes("{pairs: a, columns: [2, 2]}") == [
        "my.yaml:4: data.train.columns: expected two columns, got 2 twice"
    ]
    read("{source: a, target: b, columns: [1, 2]}")  # as each run's configuration has them


def test_a_tag_of_the_validation_is_one_of_training_or_of_another_model() -> None:
    assert mistakes(FILES, "{source: a, target: b, tag: <bt>}") == [
        "my.yaml:5: data.validation.tag: <bt> is no tag of data.train; none of the training corpora has one"
    ]
    assert mistakes(MIXED, FILES, "  test: {pairs: t, tag: <de>}\n") == [
        "my.yaml:9: data.test.tag: <de> is no tag of data.train; expected one of <bt>, <2fr>"
    ]
    read(FILES, "{source: a, target: b, tag: <bt>}", "training: {initialize_from: model}\n")


def test_reversed_lists_and_columns_change_sides_and_tags_stay() -> None:
    config = read(MIXED, f"[{FILES}, {{pairs: v, tag: <bt>}}]", "  test: {pairs: t, columns: [4, 2]}\n")
    other = reversed_config(config)
    first, second, third = other.data.train
    assert first.paths == (("c", "d"), ("a", "b")) and third.paths == (("f",), ("e",))
    assert (second.pairs, second.columns) == (("bt.tsv.gz",), (1, 3))
    assert [one.tag for one in other.data.train] == [None, "<bt>", "<2fr>"]
    assert [one.weight for one in other.data.train] == [1, 0.5, 2]
    assert [one.columns for one in other.data.validation] == [(1, 2), (2, 1)]
    assert other.data.test is not None and other.data.test.columns == (2, 4)
    assert [key for key, _, _ in changed_keys(config, reversed_config(other))] == ["name"]


def test_changes_of_one_corpus_are_named(tmp_path) -> None:
    changed = MIXED.replace("0.5", "0.25").replace("<2fr>", "<fr>").replace("[3, 1]", "[3, 2]")
    assert changed_keys(read(MIXED), read(changed)) == [
        ("data.train[1].columns", (3, 1), (3, 2)),
        ("data.train[1].weight", 0.5, 0.25),
        ("data.train[2].tag", "<2fr>", "<fr>"),
    ]
    assert [key for key, _, _ in changed_keys(read(MIXED), read(FILES))] == ["data.train"]
    path = tmp_path / "my.yaml"
    path.write_text(FRAME.replace("TRAIN", FILES).replace("VALIDATION", FILES))
    [files] = load_config(str(path), ["data.train.weight=2", "data.train.tag=<bt>"]).data.train
    assert (files.source, files.weight, files.tag) == (("a",), 2, "<bt>")
