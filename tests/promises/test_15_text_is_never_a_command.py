"""Promise 15: a blank line stays blank and asks no model; whatever a user types is text."""

from __future__ import annotations

import json
import random
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hostile_text import BLANKS, CONTROL_WORDS
from nmt.checkpoint.layout import WEIGHTS
from nmt.checkpoint.manifest import read_file, read_manifest, write_checksummed
from nmt.checkpoint.tensors import encode_tensors, read_tensors
from nmt.corpus.store import Store
from nmt.corpus.subword_sampling import SubwordSampler
from nmt.tokenization.tokenizer import Tokenizer
from nmt.translation.translator import Translator
from program import Call
from proofs import Proof

ASKED = b"ba\n"
TAGS = ["<bt>", "<2fr>"]
WAYS_TO_TRANSLATE = (
    (),
    ("--alignment", "hard"),
    ("--format", "json", "--alignment", "soft"),
    ("--n-best", "2"),
    ("--confidence",),
    ("--sample", "--temperature", "2"),
)


@pytest.fixture(scope="module")
def overflowing(model: Path, call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that can only fail: of whatever it is asked, its scores are no numbers."""
    directory = tmp_path_factory.mktemp("overflowing") / "model"
    assert call("export", model, directory).code == 0
    manifest = read_manifest(directory)
    files = {name: read_file(directory, name, manifest) for name in manifest.files}
    weights = {
        name: torch.full_like(tensor, 3e38) for name, tensor in read_tensors(directory, WEIGHTS, manifest).items()
    }
    shutil.rmtree(directory)
    write_checksummed(directory, files | {WEIGHTS: encode_tensors(weights)}, manifest.summary, replace=False)
    return directory


def blank_line(generator: random.Random) -> str:
    return "".join(generator.choices(BLANKS, k=generator.randint(0, 5)))


def as_bytes(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.mark.promise(15, gate=300, full=12_000)
@pytest.mark.parametrize("options", WAYS_TO_TRANSLATE, ids=" ".join)
def test_promise_15_no_model_is_asked_about_a_blank_line(
    options: tuple[str, ...], proof: Proof, call: Call, overflowing: Path
) -> None:
    assert call("translate", overflowing, *options, stdin=ASKED).code == 4  # this one is asked
    lines = ["", " ", "\t", "\u00a0", "\ufeff", *(blank_line(proof.generator) for _ in range(proof.count))]
    done = call("translate", overflowing, *options, stdin=as_bytes(lines))
    assert done.code == 0, done.err
    answers = done.lines if "--n-best" not in options else done.lines[::2]
    for line, answer in zip(lines, answers, strict=True):
        with proof.case(repr(line)):
            if "json" in options:
                assert (json.loads(answer)["translation"], json.loads(answer)["hypotheses"]) == ("", [])
            elif "--n-best" in options:
                assert answer.partition(" ||| ")[2].split("|||")[0].strip() == ""
            else:
                assert answer.partition("|||")[0].strip() == ""
                assert options or answer == ""


@pytest.mark.promise(15, gate=300, full=12_000)
@pytest.mark.parametrize("command", ["score", "align"])
def test_promise_15_no_model_is_asked_about_a_blank_pair(
    command: str, proof: Proof, call: Call, overflowing: Path, tmp_path: Path
) -> None:
    files = {option: tmp_path / option for option in ("--src", "--tgt")}
    given = (command, overflowing, *(word for pair in files.items() for word in pair))
    for path in files.values():
        path.write_bytes(ASKED)
    assert call(*given).code == 4
    for path in files.values():
        path.write_bytes(as_bytes([blank_line(proof.generator) for _ in range(proof.count)]))
    done = call(*given)
    assert done.code == 0, done.err
    for number, answer in enumerate(done.lines):
        with proof.case(number):
            assert answer == ("0.000000" if command == "score" else "")


@pytest.mark.promise(15, gate=300, full=12_000)
def test_promise_15_blank_lines_stay_blank_among_others(proof: Proof, translator: Translator) -> None:
    lines = [proof.generator.choice((blank_line(proof.generator), "ba ce", "di")) for _ in range(proof.count)]
    for line, translation in zip(lines, translator.translate(lines), strict=True):
        with proof.case(repr(line)):
            assert translation.source == line
            assert (translation.text, translation.outputs) == ("", ()) or line in ("ba ce", "di")


# What a user types


def control_line(generator: random.Random) -> str:
    """Words that look like marks, alone and glued to words of the corpus and to each other."""
    words = (generator.choice((*CONTROL_WORDS, *TAGS, "ba", "ce", "difo")) for _ in range(generator.randint(1, 6)))
    return "".join(generator.choice((" ", "")) + word for word in words)


def controls(tokenizer: Tokenizer) -> set[int]:
    return {tokenizer.special.pad, tokenizer.special.bos, tokenizer.special.eos, *tokenizer.tags.values()}


def as_normalized(text: str) -> str:
    """`text` as the default tokenizer's normalisation leaves it, but for spaces."""
    return " ".join(unicodedata.normalize("NFKC", text.replace("▁", " ")).split())


VARIANTS = [("unigram", True)] + [
    pytest.param(kind, spelled, marks=pytest.mark.slow)
    for kind in ("unigram", "bpe", "char", "word")
    for spelled in (True, False)
    if (kind, spelled) != ("unigram", True)
]


@pytest.mark.promise(15, gate=300, full=1000)
@pytest.mark.parametrize(("kind", "byte_fallback"), VARIANTS)
def test_promise_15_control_words_never_give_control_ids(
    kind: str, byte_fallback: bool, proof: Proof, call: Call, make_configuration: Callable[..., str], tmp_path: Path
) -> None:
    """In training and after it, on both sides, of a corpus that is full of them."""
    lines = [control_line(proof.generator) for _ in range(proof.count)]
    sides = [lines, [" ".join(reversed(line.split())) for line in lines]]
    for name, some in (("train", slice(None)), ("validation", slice(5))):
        for ending, side in zip(("xx", "yy"), sides, strict=True):
            (tmp_path / f"{name}.{ending}").write_bytes(as_bytes(side[some]))
    (tmp_path / "my.yaml").write_text(make_configuration(tmp_path))
    run, pair = tmp_path / "run", ("--src", tmp_path / "train.xx", "--tgt", tmp_path / "train.yy")
    settings = {"tokenizer.kind": kind, "tokenizer.byte_fallback": byte_fallback, "data.max_length": 400}
    settings |= {"data.train.tag": TAGS[0], "data.validation.tag": TAGS[0]}
    values = (word for key, value in settings.items() for word in ("--set", f"{key}={str(value).lower()}"))
    done = call("train", tmp_path / "my.yaml", "--output", run, *values, "--set", "training.max_steps=1")
    assert done.code == 0, done.err

    translator = Translator.load(run)
    tokenizer = translator.tokenizers.source
    assert list(tokenizer.tags) == TAGS[:1]
    stored = Store.open(run / "corpus")
    found = translator.search_lines(lines, translator.options(beam_size=1, max_length=1, translate_all=True))
    scored = call("score", run, *pair, "--format", "json").lines
    assert len(stored) == len(lines) and len(scored) == len(lines)
    sampler = SubwordSampler(translator.tokenizers, 0.2, max_length=400, seed=proof.generator.randrange(100))
    for number, line in enumerate(lines):
        with proof.case(repr(line)):
            trained = [stored.source(number), stored.target(number)]
            drawn = sampler.in_epoch(0)(np.array([number]), trained[:1], trained[1:])
            read = [token for result in found[number] for token in result.segment.ids]
            for ids in (*trained, drawn[0][0], drawn[1][0], read):
                assert len(ids) and controls(tokenizer).isdisjoint(map(int, ids))
                if byte_fallback and ids is not trained[1] and ids is not drawn[1][0]:
                    assert as_normalized(tokenizer.decode([int(token) for token in ids])) == as_normalized(line)
            *tokens, end = (token["token"] for token in json.loads(scored[number])["tokens"])
            assert end == "</s>"
            assert controls(tokenizer).isdisjoint(tokenizer.encode([sides[1][number]])[0])
            assert tokens == list(map(tokenizer.piece, map(int, trained[1])))


@pytest.mark.promise(15, gate=100, full=1000)
def test_promise_15_no_control_id_is_generated(proof: Proof, translator: Translator) -> None:
    """However likely the model finds them; at this temperature all ids are alike."""
    from nmt.search.options import SamplingOptions

    lines = [control_line(proof.generator) for _ in range(proof.count)]
    sampling = SamplingOptions(temperature=100.0, seed=proof.generator.randrange(1000))
    options = translator.options(sampling=sampling, max_length=40, translate_all=True)
    for line, translation in zip(lines, translator.translate(lines, options), strict=True):
        with proof.case(repr(line)):
            assert {"<s>", "</s>", "<pad>"}.isdisjoint(translation.outputs[0].tokens)
