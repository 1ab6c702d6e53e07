"""The translator without torch: its network, its search and its translations are those of the one with torch."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from nmt.build import outline_model
from nmt.checkpoint.layout import WEIGHTS
from nmt.checkpoint.manifest import FileRecord, Manifest, read_manifest, write_checksummed
from nmt.checkpoint.tensor_file import read_arrays
from nmt.checkpoint.tensors import encode_tensors
from nmt.config import Config, ModelConfig
from nmt.errors import ModelError
from nmt.light.beam import find_hypotheses
from nmt.light.network import LightNetwork, weight_shapes
from nmt.light.translator import LightTranslator
from nmt.model.seq2seq import Seq2Seq
from nmt.search.hypothesis import NonFiniteScoresError
from nmt.search.options import SamplingOptions
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.glossary import Glossary
from nmt.translation.translator import Translator
from random_models import make_lines, make_model, make_tokenizer, small_config

SIZES = {"embedding_size": 12, "readout_size": 12, "attention_size": 10}
NETWORKS: dict[str, dict[str, Any]] = {
    "additive, conditional": {},
    "general": {"attention": "general", "decoder": {"conditional": False}},
    "dot": {"attention": "dot", "encoder": {"hidden_size": 8}, "decoder": {"hidden_size": 16}},
    "none": {"attention": "none"},
    "deep": {"encoder": {"layers": 2}, "decoder": {"layers": 3}, "layer_norm": True},
    "untied": {"tie_embeddings": "none", "readout_size": 7},
    "tied inputs": {"tie_embeddings": "inputs", "readout_size": 7},
    "tied output": {"tie_embeddings": "output"},
}
each_network = pytest.mark.parametrize("kind", NETWORKS)


def model_config(kind: str) -> ModelConfig:
    given = NETWORKS[kind]
    encoder = {"hidden_size": 9} | given.get("encoder", {})
    decoder = {"hidden_size": 14, "conditional": True} | given.get("decoder", {})
    return ModelConfig.model_validate(
        {**SIZES, "tie_embeddings": "all", **given, "encoder": encoder, "decoder": decoder}
    )


def network_of(model: Seq2Seq, config: ModelConfig) -> LightNetwork:
    return LightNetwork(config, {name: weight.detach().numpy() for name, weight in model.named_parameters()})


def configured(kind: str, **search: Any) -> Config:
    config = small_config(12, 9, languages=("en", "en"), search={"max_length": 20, **search})
    return config.model_copy(update={"model": model_config(kind)})


@each_network
def test_the_names_and_shapes_of_weights_are_those_of_the_model(kind: str) -> None:
    config = model_config(kind)
    size = 40 if config.tie_embeddings in ("all", "inputs") else 41
    expected = {name: tuple(weight.shape) for name, weight in outline_model(config, 40, size).named_parameters()}
    assert weight_shapes(config, 40, size) == expected


@each_network
def test_every_step_has_the_logits_of_the_model(kind: str) -> None:
    tokenizer = make_tokenizer(make_lines(100))
    config = configured(kind)
    model = make_model(config, tokenizer, tokenizer)
    network = network_of(model, config.model)
    generator = np.random.default_rng(3)
    source = generator.integers(4, tokenizer.size, 7).tolist()
    sentence = network.encode(source)
    ours = network.start(sentence)
    with torch.inference_mode():
        theirs = model.start(model.encode(torch.tensor([source]), torch.tensor([7])))
        for width in (1, 1, 3, 2):
            tokens = generator.integers(0, tokenizer.size, ours.hidden.shape[1])
            expected, theirs, _ = model.step(torch.from_numpy(tokens)[None], theirs)
            found, ours = network.step(tokens, ours, sentence)
            assert np.abs(found - expected[0].numpy()).max() < 1e-4 * max(1, float(expected.abs().max()))
            parents = generator.integers(0, len(tokens), width)
            ours, theirs = ours.select(parents), theirs.select(None, torch.from_numpy(parents)[None])


@each_network
@pytest.mark.parametrize(
    "options",
    [
        {"beam_size": 5},
        {"beam_size": 1},
        {"beam_size": 2, "n_best": 2, "length_penalty": 0.0},
        {"beam_size": 7, "n_best": 7, "length_penalty": 2.5, "max_length": 4},
        {"beam_size": 80, "n_best": 80, "max_length": 2},
        {"max_length_ratio": 0.1, "n_best": 3},
    ],
)
def test_translations_are_those_of_the_translator(kind: str, options: dict[str, Any]) -> None:
    tokenizer = make_tokenizer(make_lines(100))
    tokenizers, config = Tokenizers(tokenizer, tokenizer), configured(kind)
    model = make_model(config, tokenizer, tokenizer)
    translator = Translator(model, tokenizers, config)
    light = LightTranslator(Path("model"), Manifest({}, {}), config, tokenizers)
    vars(light)["network"] = network_of(model, config.model)
    lines = [*make_lines(8, seed=2), "", "7 8", "ba ce di fo gu " * 30, "ba"]
    expected = translator.translate(lines, translator.options(**options))
    assert light.can(light.options(**options))
    found = light.translate(lines, light.options(**options), numbers=range(len(lines)))
    for ours, theirs in zip(found, expected, strict=True):
        assert [one.text for one in ours.outputs] == [one.text for one in theirs.outputs]
        for one, other in zip(ours.outputs, theirs.outputs, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-4)
            assert (one.end_marks, one.is_cut, one.tokens) == (other.end_marks, other.is_cut, other.tokens)


def test_what_is_not_the_usual_search_is_left_to_the_other(learned: Path) -> None:
    light = LightTranslator.load(learned)
    assert light is not None and light.can(light.options())
    for given in (
        {"sampling": SamplingOptions()},
        {"mbr": 4},
        {"diverse": 2},
        {"attention": True},
        {"split_sentences": True},
        {"tag": "<a>"},
        {"glossary": Glossary.from_terms([("a", ["b"])])},
        {"coverage_penalty": 0.1},
        {"no_repeat_ngram": 2},
        {"shortlist": 10},
    ):
        assert not light.can(light.options(**given)), given


def test_scores_that_are_not_finite_are_told() -> None:
    tokenizer = make_tokenizer(make_lines(100))
    config = configured("general")
    model = make_model(config, tokenizer, tokenizer)
    with torch.no_grad():
        model.decoder.bias[0] = torch.nan
    network = network_of(model, config.model)
    options = Translator(model, Tokenizers(tokenizer, tokenizer), config).options().for_search(tokenizer.special)
    with pytest.raises(NonFiniteScoresError):
        find_hypotheses(network, [4, 5], options, 5)


@pytest.mark.parametrize(
    ("tensor", "what"),
    [
        (torch.ones(2, dtype=torch.bfloat16), "a holds numbers of the type BF16; expected F32"),
        (torch.tensor([1.0, torch.inf]), "a holds NaN or an infinity"),
    ],
)
def test_weights_that_are_not_finite_numbers_of_float32_are_an_error(
    tensor: torch.Tensor, what: str, tmp_path: Path
) -> None:
    data = encode_tensors({"a": tensor})
    (tmp_path / WEIGHTS).write_bytes(data)
    manifest = Manifest({WEIGHTS: FileRecord(len(data), hashlib.sha256(data).hexdigest())}, {})
    with pytest.raises(ModelError, match=what):
        read_arrays(tmp_path, WEIGHTS, manifest)


def test_weights_of_another_network_are_an_error(learned: Path, call: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert call("export", learned, copy).code == 0
    manifest = read_manifest(copy)
    files = {name: (copy / name).read_bytes() for name in manifest.files}
    weights = load_file(copy / WEIGHTS)
    weights["decoder.bias"] = weights["decoder.bias"][:-4]
    files[WEIGHTS] = encode_tensors(weights)
    write_checksummed(tmp_path / "model", files, manifest.summary, replace=False)
    light = LightTranslator.load(tmp_path / "model")
    assert light is not None
    with pytest.raises(ModelError, match="does not fit the model of its configuration"):
        light.translate(["ba"], light.options(), numbers=[1])
