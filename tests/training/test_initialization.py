"""A training goes on from another model: with its network, its tokenizers and its weights, or what of them fits."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from nmt.checkpoint.checkpoint import load_checkpoint
from nmt.checkpoint.loading import open_model
from nmt.config import Config, from_yaml, load_config
from nmt.errors import ConfigError, ModelError
from nmt.tokenization.tokenizer import Tokenizer
from nmt.training.initialization import unsuited_tokenizers
from nmt.training.pipeline import train
from nmt.translation.translator import Translator

PARTS = {
    "embeddings": ("source_embedding", "target_embedding", "output_embedding"),
    "encoder": ("encoder.",),
    "attention": ("decoder.attention.",),
    "decoder": ("decoder.",),
}
STILL = {"learning_rate": 1e-30, "average_decay": 0.0}


@pytest.fixture
def configured(make_configuration: Callable[..., str], data: Path, learned: Path) -> Callable[..., Config]:
    """Makes a configuration that goes on from the model that has learned something."""

    def make(model: dict[str, Any] | None = None, tokenizer: dict[str, Any] | None = None, **training: Any) -> Config:
        values = from_yaml(make_configuration(data), "c").model_dump()
        values["training"] |= {"max_steps": 2, "validate_every": 1, "initialize_from": str(learned), **training}
        values["model"] |= model or {}
        values["tokenizer"] |= tokenizer or {}
        values["search"] = Translator.load(learned).config.search.model_dump()
        return Config.model_validate(values)

    return make


def weights_of(run: Path) -> dict[str, torch.Tensor]:
    return open_model(run, print, torch.device("cpu")).model.state_dict()


def translations(run: Path, lines: list[str]) -> list[str]:
    return [str(one) for one in Translator.load(run).translate(lines)]


def test_it_begins_as_the_other_model_whatever_sizes_are_configured(
    configured: Callable[..., Config], learned: Path, tmp_path: Path, source_lines: list[str], caplog
) -> None:
    caplog.set_level("INFO", "nmt")
    config = configured(model={"embedding_size": 24, "readout_size": 24, "tie_embeddings": "all"}, **STILL)
    train(config, tmp_path / "run")
    assert translations(tmp_path / "run", source_lines) == translations(learned, source_lines)
    before, after = weights_of(learned), weights_of(tmp_path / "run")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert (
        f"the network is that of {learned}, whatever the section `model` says: " in caplog.text
        and "embedding_size" in caplog.text
    )
    assert "tensors taken from" in caplog.text and "; new:" not in caplog.text


def test_dropout_and_all_of_the_training_are_its_own(configured: Callable[..., Config], tmp_path: Path) -> None:
    train(configured(model={"dropout": 0.45}, label_smoothing=0.2), tmp_path / "run")
    config = Translator.load(tmp_path / "run").config
    assert (config.model.dropout, config.training.label_smoothing) == (0.45, 0.2)


def test_with_a_tokenizer_of_its_own_it_keeps_the_pieces_that_both_have(
    configured: Callable[..., Config], learned: Path, tmp_path: Path, caplog
) -> None:
    caplog.set_level("INFO", "nmt")
    own = {"kind": "char", "vocabulary_size": 300, "shared": True}
    train(configured(tokenizer=own, initialize_tokenizers=False, **STILL), tmp_path / "run")
    old, new = (open_model(path, print, torch.device("cpu")) for path in (learned, tmp_path / "run"))
    assert new.config.tokenizer.kind == "char" != old.config.tokenizer.kind
    rows = {piece: row for row, piece in enumerate(map(old.tokenizers.source.piece, range(old.tokenizers.source.size)))}
    table, former = (one.model.source_embedding.weight for one in (new, old))
    both = 0
    for token in range(new.tokenizers.source.size):
        row = rows.get(new.tokenizers.source.piece(token))
        if row is not None:
            both += 1
            assert torch.equal(table[token], former[row])
    assert 10 < both <= new.tokenizers.source.size
    assert f"{both:,} of {new.tokenizers.source.size:,} embeddings" in caplog.text
    assert torch.equal(new.model.decoder.bias, old.model.decoder.bias)


def test_an_own_tokenizer_may_be_one_for_each_language(
    configured: Callable[..., Config], learned: Path, tmp_path: Path
) -> None:
    own = {"kind": "char", "vocabulary_size": 290, "shared": False}
    train(configured({"tie_embeddings": "none"}, own, initialize_tokenizers=False, **STILL), tmp_path / "run")
    new, old = (open_model(path, print, torch.device("cpu")) for path in (tmp_path / "run", learned))
    assert not new.tokenizers.are_shared
    for side, table in ((0, new.model.source_embedding), (1, new.model.target_embedding)):
        eos = new.tokenizers[side].special.eos
        assert torch.equal(table.weight[eos], old.model.source_embedding.weight[old.tokenizers[side].special.eos])


@pytest.mark.parametrize("part", PARTS)
def test_a_frozen_part_does_not_learn_and_all_others_do(
    part: str, configured: Callable[..., Config], learned: Path, tmp_path: Path
) -> None:
    train(configured(freeze=[part], learning_rate=0.01), tmp_path / "run")
    before, after = weights_of(learned), weights_of(tmp_path / "run")
    for name in before:
        of = next(one for one, names in PARTS.items() if name.startswith(names))
        assert torch.equal(before[name], after[name]) is (of == part), name


def test_a_training_with_frozen_parts_resumes_exactly(configured: Callable[..., Config], tmp_path: Path) -> None:
    train(configured(freeze=["encoder"], max_steps=4), tmp_path / "whole")
    train(configured(freeze=["encoder"], max_steps=2), tmp_path / "parts")
    train(configured(freeze=["encoder"], max_steps=4), tmp_path / "parts")
    whole, parts = (weights_of(tmp_path / name) for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_resuming_does_not_need_the_other_model(
    configured: Callable[..., Config], learned: Path, tmp_path: Path
) -> None:
    origin = tmp_path / "origin"
    shutil.copytree(learned, origin)
    model = {"embedding_size": 24, "readout_size": 24}
    train(configured(model=model, initialize_from=str(origin)), tmp_path / "run")
    shutil.rmtree(origin)
    config = configured(model=model, initialize_from=str(origin), max_steps=3)
    assert train(config, tmp_path / "run") == "max_steps 3 reached"
    with pytest.raises(ModelError, match="origin"):
        train(configured(initialize_from=str(origin)), tmp_path / "anew")


def test_what_began_from_nothing_gets_no_other_beginning(configured: Callable[..., Config], tmp_path: Path) -> None:
    train(configured(initialize_from=None), tmp_path / "run")
    with pytest.raises(ConfigError, match=r"training\.initialize_from: was null when this run began"):
        train(configured(max_steps=3), tmp_path / "run")


def test_a_run_does_not_go_on_from_itself(configured: Callable[..., Config], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this run itself"):
        train(configured(initialize_from=str(tmp_path / "run" / "best")), tmp_path / "run")


def test_the_checkpoint_tells_where_it_came_from(
    configured: Callable[..., Config], learned: Path, tmp_path: Path, call: Any
) -> None:
    identity = Translator.load(learned).identity
    for steps in (2, 3):  # and does so after it was resumed
        train(configured(max_steps=steps), tmp_path / "run")
        [newest] = (tmp_path / "run" / "checkpoints").glob(f"*{steps}")
        origin = load_checkpoint(newest).summary["initialized_from"]
        assert isinstance(origin, dict) and origin["sha256"] == identity
    call("export", tmp_path / "run", tmp_path / "exported")
    for model in (tmp_path / "run", tmp_path / "exported"):
        assert f"(sha256 {identity[:12]}…)" in call("info", model).out.decode()
        told = json.loads(call("info", model, "--format", "json").out)
        assert told["training"]["initialized_from"]["sha256"] == identity


@pytest.mark.slow
def test_check_reckons_with_the_network_that_training_would_have(
    configured: Callable[..., Config], learned: Path, tmp_path: Path, call: Any
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(configured(model={"embedding_size": 512, "readout_size": 512}).as_yaml())
    report = json.loads(call("check", path, "--output", tmp_path / "run", "--no-trial", "--format", "json").out)
    parameters = json.loads(call("info", learned, "--format", "json").out)["parameters"]
    assert report["expected"]["parameters"] == parameters
    path.write_text(configured(initialize_from=str(tmp_path / "none")).as_yaml())
    report = json.loads(call("check", path, "--output", tmp_path / "run", "--no-trial", "--format", "json").out)
    assert "initialize_from" in {finding["kind"] for finding in report["findings"]}


@pytest.mark.slow
def test_two_processes_begin_as_one_does(
    configured: Callable[..., Config], user_environment: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(configured({"dropout": 0.0, "word_dropout": 0.0}, freeze=["embeddings"], max_steps=3).as_yaml())
    train(load_config(path), tmp_path / "one")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "nmt"]
    command += ["train", str(path), "--output", str(tmp_path / "two"), "--quiet"]
    done = subprocess.run(
        command, env=user_environment(OMP_NUM_THREADS="1"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    one, two = (weights_of(tmp_path / name) for name in ("one", "two"))
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("given", ["encodr", "[encoder, 5]", "{encoder: true}"])
def test_what_is_no_part_is_named_with_those_that_there_are(
    given: str, make_configuration: Callable[..., str], data: Path, tmp_path: Path
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(make_configuration(data))
    expected = "training.freeze.*expected a list of embeddings, encoder, attention, decoder"
    with pytest.raises(ConfigError, match=expected):
        load_config(path, [f"training.freeze={given}"])
    assert load_config(path, ["training.freeze=encoder"]).training.freeze == ("encoder",)


@pytest.mark.parametrize("attention", ["additive", "general", "dot", "none"])
def test_all_parts_frozen_is_refused(configured: Callable[..., Config], attention: str) -> None:
    model = {"attention": attention, "encoder": {"hidden_size": 8}, "decoder": {"hidden_size": 16}}
    with pytest.raises(ValueError, match="nothing is left to learn"):
        configured(model, freeze=list(PARTS))
    others = [part for part in PARTS if part != "attention"]
    if attention in ("dot", "none"):  # they have nothing to learn
        with pytest.raises(ValueError, match="nothing is left to learn"):
            configured(model, freeze=others)
    else:
        assert configured(model, freeze=others).training.freeze == tuple(others)


def test_new_embeddings_that_are_frozen_are_told(
    configured: Callable[..., Config], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = configured(freeze=["embeddings"]).model_dump()
    values["data"]["train"] |= {"tag": "<bt>"}
    tagged = Config.model_validate(values)
    train(tagged, tmp_path / "tagged")
    assert "training.freeze: 1 embeddings are new, and stay as they were drawn" in caplog.text
    caplog.clear()
    train(configured(freeze=["embeddings"]), tmp_path / "untagged")
    assert "are new" not in caplog.text


@pytest.mark.parametrize(
    ("shared", "languages", "new", "told"),
    [
        (False, ("yy", "xx"), False, True),
        (False, ("yy", "xx"), True, False),
        (True, ("yy", "xx"), False, False),
        (False, ("xx", "yy"), False, False),
        (False, ("xx", "zz"), False, False),
    ],
)
def test_tokenizers_of_the_other_direction_are_told(
    make_configuration: Callable[..., str], data: Path, shared: bool, languages: tuple[str, str], new: bool, told: bool
) -> None:
    values = from_yaml(make_configuration(data), "c").model_dump()
    values["model"]["tie_embeddings"] = "none"
    values["tokenizer"]["shared"] = shared
    values["data"] |= {"source_language": "xx", "target_language": "yy"}
    origin = Config.model_validate(values)
    values["data"] |= dict(zip(("source_language", "target_language"), languages, strict=True))
    values["training"]["initialize_tokenizers"] = not new
    found = unsuited_tokenizers(Config.model_validate(values), origin)
    expected = "its tokenizers read xx and write yy, which is the other direction"
    assert found == (f"{expected}; training.initialize_tokenizers=false makes new ones" if told else None)


def test_the_tokenizer_of_another_program_has_its_marks_by_their_roles(tmp_path: Path) -> None:
    from nmt.training.initialization import _spellings

    spellings = dict(_spellings(Tokenizer.load(_foreign_model(tmp_path))))
    assert {"\0pad", "\0bos", "\0eos", "\0unk"} <= set(spellings.values())


def _foreign_model(folder: Path) -> str:
    import sentencepiece

    text = folder / "text"
    text.write_text("".join(f"ba ce di fo gu ha {number}\n" for number in range(200)))
    sentencepiece.SentencePieceTrainer.train(
        input=str(text),
        model_prefix=str(folder / "foreign"),
        vocab_size=40,
        hard_vocab_limit=False,
        pad_id=-1,
        minloglevel=9,
    )
    return str(folder / "foreign.model")
