from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from nmt.checkpoint.checkpoint import (
    CheckpointContents,
    export_model,
    load_checkpoint,
    read_config,
    read_tokenizer_models,
    save_checkpoint,
    save_with_pointers,
)
from nmt.checkpoint.layout import WEIGHTS
from nmt.checkpoint.manifest import read_manifest, verify
from nmt.checkpoint.run_directory import set_pointer
from nmt.checkpoint.tensors import TensorKind, check_tensors, read_tensors, tensor_kinds
from nmt.errors import ConfigError, ModelError, NonFiniteError, RunInUseError, StorageError
from sealing import put

CONTENTS = CheckpointContents(
    weights={
        "embedding.weight": torch.arange(12.0).reshape(3, 4),
        "attention.energy": torch.tensor([0.1, -2.5], dtype=torch.bfloat16),
        "transposed": torch.arange(6.0).reshape(2, 3).t(),
        "scale": torch.tensor(3.0),
    },
    optimizer={"embedding.weight.moment": torch.full((3, 4), 1e-30), "generator": torch.arange(9, dtype=torch.uint8)},
    state={"step": 7, "best": None, "history": [1.5, 0.1 + 0.2]},
    config="name: tïny\n",
    tokenizers={"source.model": b"source", "target.model": b"\0target"},
    summary={"bleu": 12.5},
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return save_checkpoint(tmp_path / "run", 7, CONTENTS)


def safetensors(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def assert_same(found: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor)


def test_what_was_saved_is_loaded(checkpoint: Path) -> None:
    loaded = load_checkpoint(checkpoint)
    assert_same(loaded.weights, CONTENTS.weights)
    assert_same(loaded.optimizer, CONTENTS.optimizer)
    assert (loaded.state_values, loaded.config_yaml, loaded.tokenizer_models, loaded.summary) == (
        CONTENTS.state,
        CONTENTS.config,
        CONTENTS.tokenizers,
        CONTENTS.summary,
    )


def test_a_checkpoint_holds_the_files_it_should(checkpoint: Path) -> None:
    assert checkpoint.parts[-3:] == ("run", "checkpoints", "step-00000007")
    assert {path.name for path in checkpoint.iterdir()} == {
        "model.safetensors",
        "optimizer.safetensors",
        "state.json",
        "config.yaml",
        "source.model",
        "target.model",
        "manifest.json",
    }


def test_equal_contents_are_equal_bytes(checkpoint: Path, tmp_path: Path) -> None:
    shuffled = replace(CONTENTS, weights=dict(reversed(CONTENTS.weights.items())))
    other = save_checkpoint(tmp_path / "other", 7, shuffled)
    for path in checkpoint.iterdir():
        assert (other / path.name).read_bytes() == path.read_bytes()


def test_saving_a_step_again_leaves_the_same_and_replaces_the_rest(checkpoint: Path) -> None:
    run, before = checkpoint.parents[1], checkpoint.stat()
    save_checkpoint(run, 7, CONTENTS)
    assert checkpoint.stat() == before
    save_checkpoint(run, 7, replace(CONTENTS, state={"step": 7, "best": 1.0}))
    assert load_checkpoint(checkpoint).state_values["best"] == 1.0
    assert [path.name for path in checkpoint.parent.iterdir()] == [checkpoint.name]


def test_loaded_tensors_may_be_changed(checkpoint: Path) -> None:
    weights = load_checkpoint(checkpoint).weights
    weights["scale"].add_(1)
    assert weights["scale"] == 4 and verify(checkpoint) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("part", ["weights", "optimizer"])
def test_nothing_that_is_not_finite_is_saved(tmp_path: Path, part: str, value: float) -> None:
    tensors = {"fine": torch.ones(2), "broken": torch.tensor([1.0, value], dtype=torch.bfloat16)}
    parts: dict[str, Any] = {part: tensors}
    with pytest.raises(NonFiniteError, match="broken holds NaN or an infinity"):
        save_checkpoint(tmp_path, 1, replace(CONTENTS, **parts))
    assert not any(tmp_path.iterdir())


def test_a_tensor_that_is_not_finite_is_not_loaded(checkpoint: Path) -> None:
    header = {"scale": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    put(checkpoint, "model.safetensors", safetensors(header, struct.pack("<f", math.nan)))
    with pytest.raises(ModelError, match=r"model.safetensors: scale holds NaN"):
        load_checkpoint(checkpoint)


def test_a_failed_save_leaves_the_one_before(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for step in (7, 8):
        with pytest.raises(StorageError, match=f"step-0000000{step}: cannot be written: No space left"):
            save_checkpoint(checkpoint.parents[1], step, replace(CONTENTS, config="name: new\n"))
    assert [path.name for path in checkpoint.parent.iterdir()] == [checkpoint.name]
    assert_same(load_checkpoint(checkpoint).weights, CONTENTS.weights)


def test_an_exported_model_stands_alone(checkpoint: Path, tmp_path: Path) -> None:
    export_model(checkpoint, tmp_path / "models" / "exported", "a card")
    (tmp_path / "run").rename(tmp_path / "gone")
    exported = tmp_path / "models" / "exported"
    manifest = read_manifest(exported)
    assert_same(read_tensors(exported, WEIGHTS, manifest), CONTENTS.weights)
    assert (read_config(exported, manifest), manifest.summary) == (CONTENTS.config, CONTENTS.summary)
    assert read_tokenizer_models(exported, manifest) == CONTENTS.tokenizers
    names = {path.name for path in exported.iterdir()}
    assert names == {"model.safetensors", "config.yaml", "source.model", "target.model", "manifest.json", "README.md"}


def test_an_exported_model_cannot_be_trained_further(checkpoint: Path, tmp_path: Path) -> None:
    export_model(checkpoint, tmp_path / "exported", "a card")
    with pytest.raises(ModelError, match=r"optimizer.safetensors: not in the manifest"):
        load_checkpoint(tmp_path / "exported")


def test_an_export_fills_an_empty_directory_even_through_a_link(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    export_model(checkpoint, tmp_path / "link", "a card")
    assert verify(tmp_path / "empty") == []


def test_an_export_overwrites_nothing(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    for name in ("file", "full"):
        with pytest.raises(ConfigError, match="exists already"):
            export_model(checkpoint, tmp_path / name, "a card")
    assert (tmp_path / "file").read_text() == (tmp_path / "full" / "note").read_text() == "mine"


def test_a_damaged_checkpoint_is_not_exported(checkpoint: Path, tmp_path: Path) -> None:
    (checkpoint / "target.model").write_bytes(b"damage!")
    with pytest.raises(ModelError, match=r"target.model: damaged"):
        export_model(checkpoint, tmp_path / "exported", "a card")
    assert not (tmp_path / "exported").exists()


def kinds(checkpoint: Path) -> dict[str, TensorKind]:
    return tensor_kinds(checkpoint / WEIGHTS, read_manifest(checkpoint).files[WEIGHTS].size)


def test_the_header_tells_the_shapes_without_the_numbers(checkpoint: Path) -> None:
    found = kinds(checkpoint)
    assert found["transposed"] == TensorKind((3, 2), torch.float32)
    assert found["attention.energy"] == TensorKind((2,), torch.bfloat16)
    assert found["scale"] == TensorKind((), torch.float32)
    check_tensors(found, CONTENTS.weights, checkpoint)


def test_tensors_that_do_not_fit_are_named_with_both_shapes() -> None:
    expected = {"a": torch.zeros(2, 3), "b": torch.zeros(1), "c": torch.zeros(1)}
    found = {"a": torch.zeros(3, 2), "b": torch.zeros(1, dtype=torch.bfloat16), "d": torch.zeros(1)}
    with pytest.raises(ModelError) as caught:
        check_tensors(found, expected, Path("model.safetensors"))
    assert str(caught.value) == (
        "model.safetensors: does not fit the model of its configuration: a is [3, 2] float32, expected [2, 3] float32; "
        "b is [1] bfloat16, expected [1] float32; c is missing; and 1 more"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        safetensors(b"[" * 5000),
        safetensors([]),
        safetensors({"a": 1}),
        safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}}, bytes(8)),
        safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(4)),
        safetensors({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, bytes(4)),
        safetensors({"a": {"dtype": "F32", "shape": [1 << 62, 4, 0], "data_offsets": [0, 0]}}),
        safetensors({"a": {"dtype": "PY", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
        safetensors({"a": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}, bytes(1)),
        safetensors({"a": {"dtype": "C64", "shape": [1], "data_offsets": [0, 8]}}, bytes(8)),
        safetensors(b'{"a": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}}' + b" " * (2 << 20)),
    ],
    ids=lambda data: repr(data[8:40]),
)
def test_a_hostile_tensor_file_is_refused(checkpoint: Path, data: bytes) -> None:
    put(checkpoint, "model.safetensors", data)
    for read in (kinds, load_checkpoint):
        with pytest.raises(ModelError, match=r"model\.safetensors"):
            read(checkpoint)


ORIGINAL = save({name: tensor.contiguous() for name, tensor in CONTENTS.weights.items()})


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, len(ORIGINAL) - 1), st.integers(0, 255)), max_size=3),
    st.integers(len(ORIGINAL) // 2, len(ORIGINAL)),
)
def test_a_mutated_tensor_file_gives_tensors_or_an_error_that_names_it(
    checkpoint: Path, changes: list[tuple[int, int]], length: int
) -> None:
    mutated = bytearray(ORIGINAL)
    for place, value in changes:
        mutated[place] = value
    put(checkpoint, "model.safetensors", bytes(mutated[:length]))
    for read in (kinds, load_checkpoint):
        where = None
        try:
            read(checkpoint)
        except ModelError as error:
            where = error.problems[0].where
        assert where in (None, str(checkpoint / "model.safetensors"))


@pytest.mark.parametrize("text", [b"[]", b"NaN", b"{", b"[" * 99_999, b'{"a": "\xff"}'])
def test_a_hostile_state_is_refused(checkpoint: Path, text: bytes) -> None:
    put(checkpoint, "state.json", text)
    with pytest.raises(ModelError, match=r"state\.json"):
        load_checkpoint(checkpoint)


def test_a_configuration_that_is_not_utf8_is_refused(checkpoint: Path) -> None:
    put(checkpoint, "config.yaml", b"name: \xff\n")
    with pytest.raises(ModelError, match=r"config\.yaml: not UTF-8"):
        load_checkpoint(checkpoint)


def test_two_tensors_of_one_memory_are_one_tensor_to_the_caller(tmp_path: Path) -> None:
    tied = torch.ones(2, 2)
    with pytest.raises(RuntimeError, match="share memory"):
        save_checkpoint(tmp_path, 1, replace(CONTENTS, weights={"input": tied, "output": tied}))
    directory = save_checkpoint(tmp_path, 1, replace(CONTENTS, weights={"input": tied}))
    set_pointer(tmp_path, "last", directory.name)
    assert_same(load_checkpoint(directory).weights, {"input": tied})


def test_who_lost_the_run_while_it_wrote_changes_nothing_there(tmp_path: Path) -> None:
    """Also where it is asked again, before the pointers: what they name is that of another by then."""
    run = tmp_path / "run"
    save_with_pointers(run, 1, CONTENTS, is_best=True, keep=3)

    def lose_at(call: int) -> Callable[[], None]:
        calls = iter(range(1, 9))

        def check() -> None:
            if next(calls) == call:
                raise RunInUseError(str(run), "lost")

        return check

    for call, written in ((1, []), (2, ["step-00000002"])):
        with pytest.raises(RunInUseError):
            save_with_pointers(run, 2, CONTENTS, is_best=True, keep=0, check=lose_at(call))
        assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["step-00000001", *written]
        assert (run / "last").read_text() == (run / "best").read_text() == "step-00000001\n"
