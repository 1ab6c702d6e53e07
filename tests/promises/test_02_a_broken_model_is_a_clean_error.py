"""Promise 2: a broken model is a clean error that names the file, soon, and without taking memory."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from mutations import Mutation, mutate
from nmt.build import build_model
from nmt.checkpoint.checkpoint import CheckpointContents, add_shortlist, export_model, save_checkpoint
from nmt.checkpoint.layout import CARD, CONFIG, MANIFEST, MODEL_FILES, SHORTLIST, TOKENIZER_FILES
from nmt.config import from_yaml
from nmt.search.shortlist import Shortlist
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizer_training import train_tokenizer
from sealing import put

SECONDS = 5  # of the processor
PATIENCE = 60  # seconds, on a machine that has other things to do
MEMORY = 1 << 30
FILES = {MANIFEST, *MODEL_FILES, *TOKENIZER_FILES, SHORTLIST}
LINE = "ba cedi <s> Ωmega\n".encode()
PARTS = 4

OTHER = """\
data: {source_language: xx, target_language: yy, train: {source: a, target: b}, validation: {source: a, target: b}}
tokenizer: {kind: bpe, shared: false, vocabulary_size: 400}
model:
  {attention: general, attention_size: 8, embedding_size: 8, readout_size: 6, tie_embeddings: none, layer_norm: true,
   encoder: {hidden_size: 4, layers: 2}, decoder: {hidden_size: 8, layers: 2, conditional: true}}
search: {max_length: 8, beam_size: 2, shortlist: 5, coverage_penalty: 0.2}
"""
ORIGIN = {"name": "before", "step": 1, "sha256": "0123456789abcdef" * 4}
SUMMARY = {
    "step": 1,
    "epoch": 1,
    "training_seconds": 1.0,
    "metric": "bleu",
    "best_score": 1.0,
    "best_step": 1,
    "initialized_from": ORIGIN,
    "averaged": [ORIGIN, ORIGIN],
}


def untrained(directory: Path, lines: list[str]) -> None:
    """Exports a model of another kind than the trained one: two tokenizers, two layers, a shortlist."""
    config = from_yaml(OTHER, "other.yaml")
    models = {
        name: train_tokenizer(
            lines,
            kind=kind,
            vocabulary_size=400,
            character_coverage=1.0,
            byte_fallback=fallback,
            normalization="nmt_nfkc_cf",
            training_lines=1000,
            seed=1,
        ).model
        for name, kind, fallback in (("source.model", "bpe", True), ("target.model", "word", False))
    }
    source, target = (Tokenizer(models[name]).size for name in ("source.model", "target.model"))
    torch.manual_seed(1)
    model = build_model(config.model, source, target)
    weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
    contents = CheckpointContents(weights, {}, {}, config.as_yaml(), models, SUMMARY)
    checkpoint = save_checkpoint(directory / "run", 1, contents)
    table = np.arange(source * 8, dtype=np.int32).reshape(source, 8) % target
    add_shortlist(checkpoint, Shortlist(table, np.arange(9, dtype=np.int32)).tensors())
    export_model(checkpoint, directory / "model", "a card")


@pytest.fixture(scope="module")
def bases(model, call, make_sentences, tmp_path_factory):
    """Two exported models that are whole."""
    folder = tmp_path_factory.mktemp("bases")
    assert call("export", model, folder / "trained").code == 0
    untrained(folder / "other", make_sentences(100, 3))
    found = [folder / "trained", folder / "other" / "model"]
    for directory in found:
        (directory / CARD).unlink()  # anybody may change it, and it breaks nothing
    return found


def check(done, directory: Path, mutation: Mutation) -> None:
    """What may come of a broken model: a translation where it does no harm, or an error that names the file."""
    told = f"{mutation.what}: {done}"
    assert "Traceback" not in done.err and "Fatal Python error" not in done.err, told
    assert all(line.startswith(("nmt: error: ", "nmt: warning: ")) for line in done.err.splitlines()), told
    if done.code == 0:
        assert mutation.damaged is None and not done.errors, told
        assert done.out.count(b"\n") == 1 and done.out.endswith(b"\n"), told
        return
    assert done.code == 4 and done.out == b"" and done.errors, told
    named = FILES if mutation.damaged is None else {mutation.damaged}
    places = tuple(f"nmt: error: {directory / name}:" for name in named)
    if not (directory / MANIFEST).exists():
        places += (f"nmt: error: {directory}: holds neither {MANIFEST} ",)
    assert all(error.startswith(places) for error in done.errors), told


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.promise(2, gate=6, full=10_000 // PARTS)
def test_promise_02_a_broken_model_is_a_clean_error(part, proof, forked, bases, tmp_path):
    for number in range(proof.count):
        directory = tmp_path / f"model-{number}"
        mutation = mutate(bases[number % 2], directory, proof.generator)
        done = forked("translate", directory, stdin=LINE, timeout=PATIENCE, memory=MEMORY)
        with proof.case(f"{part}.{number}"):
            check(done, directory, mutation)
            assert done.processor_seconds < SECONDS, f"{mutation.what}: {done}"
            assert done.memory < MEMORY, f"{mutation.what}: {done}"
        if number % 5 == 0:  # of both models
            check_verification(forked, directory, mutation, proof)
        check_export(forked, directory, tmp_path / "exported", mutation, proof)
        shutil.rmtree(directory)


def check_verification(forked, directory: Path, mutation: Mutation, proof) -> None:
    done = forked("info", "--verify", directory, timeout=PATIENCE, memory=MEMORY)
    with proof.case(f"{mutation.what}, verified"):
        assert done.code in ((0, 4) if mutation.damaged is None else (4,)), f"{mutation.what}: {done}"
        assert all(line.startswith(f"nmt: error: {directory}") for line in done.err.splitlines()), done
        assert bool(done.errors) == bool(done.code), done


def check_export(forked, directory: Path, exported: Path, mutation: Mutation, proof) -> None:
    """Describes the model, too, whose summary and configuration the model card is made of."""
    done = forked("export", "--quiet", directory, exported, timeout=PATIENCE, memory=MEMORY)
    with proof.case(f"{mutation.what}, exported"):
        assert done.code in ((0, 4) if mutation.damaged is None else (4,)), f"{mutation.what}: {done}"
        assert done.out == b"" and bool(done.errors) == bool(done.code), f"{mutation.what}: {done}"
        assert all(line.startswith(f"nmt: error: {directory}") for line in done.err.splitlines()), done
        assert exported.exists() == (done.code == 0), f"{mutation.what}: {done}"
    shutil.rmtree(exported, ignore_errors=True)


@pytest.mark.promise(2, gate=1, full=1)
def test_promise_02_a_configuration_cut_short_is_not_that_of_the_tokenizers(proof, call, bases, tmp_path):
    """What is left of it may be a configuration, whose default is one tokenizer for both languages."""
    directory = tmp_path / "model"
    shutil.copytree(bases[1], directory)
    beginning, _, _ = (directory / CONFIG).read_bytes().partition(b"tokenizer:")
    put(directory, CONFIG, beginning)
    with proof.case("without what follows the data"):
        done = call("translate", directory, stdin=LINE)
        assert (done.code, done.out) == (4, b""), done.err
        assert done.errors and done.errors[0].startswith(f"nmt: error: {directory / CONFIG}: tokenizer.shared is true")


@pytest.mark.promise(2, gate=1, full=50)
def test_promise_02_the_real_command_says_the_same(proof, process, bases, tmp_path):
    for number in range(proof.count):
        directory = tmp_path / f"model-{number}"
        mutation = mutate(bases[number % 2], directory, proof.generator)
        with proof.case(number):
            check(process("translate", directory, stdin=LINE), directory, mutation)
        shutil.rmtree(directory)
