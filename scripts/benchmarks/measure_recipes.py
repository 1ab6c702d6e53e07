"""Measures what recipes are worth: BLEU of `nmt init`'s settings, and of plain ones, after the same minutes.

    .venv/bin/python scripts/benchmarks/measure_recipes.py CONFIG [--pairs N] [--minutes M…] [--folder DIR]
        [--only recipe|plain] [--threads N]

CONFIG names the files, as one of `nmt prepare` does; with `--pairs`, so many training pairs are drawn from its training
set. The plain settings are those of a middling model with a constant learning rate (`PLAIN`). Both are trained for the
same minutes, one after the other, on a machine that should do nothing else, and scored on CONFIG's test set. A run that
is finished is only scored.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from compare_precisions import nmt
from nmt.config import Config, load_config
from nmt.corpus.parallel import CorpusFiles, read_pairs

# What a configuration with nothing but files stood for before there were recipes.
PLAIN = {
    "tokenizer.vocabulary_size": 8000,
    "model": "{attention_size: 512, embedding_size: 256, readout_size: 256, encoder: {hidden_size: 256}, "
    "decoder: {hidden_size: 512, conditional: false}, dropout: 0.3}",
    "training.batch_tokens": 4096,
    "training.learning_rate": 1e-3,
    "training.schedule": "constant",
    "training.warmup_ratio": "null",
    "training.average_decay": 0,
    "training.validate_every": 125,
    "training.max_epochs": 30,
    "training.patience": 10,
}


def drawn(config: Config, pairs: int | None, folder: Path) -> tuple[Path, Path]:
    """Writes the training pairs, or so many of them, beside the runs; returns their files."""
    files = CorpusFiles.from_config(*config.data.train)
    all_pairs = [(pair.source, pair.target) for pair in read_pairs(files, print)]
    chosen = all_pairs if pairs is None else random.Random(config.seed).sample(all_pairs, pairs)
    both = folder / "train.source", folder / "train.target"
    for side, path in enumerate(both):
        path.write_text("".join(f"{pair[side]}\n" for pair in chosen), encoding="utf-8")
    return both


def write_recipe(
    config: Config, training: tuple[Path, Path], minutes: float, path: Path, threads: list[object]
) -> None:
    """Has `nmt init` write a configuration, unless it is there."""
    if path.exists():
        return
    data = config.data
    sources, targets = data.validation[0].paths
    nmt(
        *("init", "--source", training[0], "--target", training[1], "--minutes", minutes, "--output", path),
        *("--source-language", data.source_language, "--target-language", data.target_language),
        *("--validation-source", sources[0], "--validation-target", targets[0]),
        *threads,
    )


def score(config: Config, name: str, path: Path, overrides: dict[str, object], threads: list[object]) -> None:
    """Trains a run, and prints its BLEU on the test set."""
    run = path.parent / name
    given = [part for key, value in overrides.items() for part in ("--set", f"{key}={value}")]
    nmt("train", path, "--output", run, "--quiet", *given, *threads)
    test = config.data.test
    assert test is not None, "checked before"
    sources, references = test.paths
    scored = nmt("eval", run, "--src", *sources, "--ref", *references, "--format", "json", "--quiet", *threads)
    steps = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["step"]
    print(f"{name}: {steps:,} updates, BLEU {json.loads(scored)['bleu']['score']:.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("config")
    parser.add_argument("--pairs", type=int, help="training pairs to draw; all by default")
    parser.add_argument("--minutes", type=float, nargs="+", default=[5.0, 20.0, 60.0])
    parser.add_argument("--folder", type=Path, default=Path("runs/measure-recipes"))
    parser.add_argument("--only", choices=("recipe", "plain"))
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    config = load_config(arguments.config)
    if config.data.test is None:
        parser.error(f"{arguments.config} names no test set to score on")
    folder = arguments.folder / str(arguments.pairs or "all")
    folder.mkdir(parents=True, exist_ok=True)
    training = drawn(config, arguments.pairs, folder)
    threads = ["--threads", arguments.threads] if arguments.threads else []
    for minutes in arguments.minutes:
        recipe = folder / f"recipe-{minutes:g}.yaml"
        write_recipe(config, training, minutes, recipe, threads)
        if arguments.only != "plain":
            score(config, f"recipe-{minutes:g}", recipe, {}, threads)
        if arguments.only != "recipe":
            score(config, f"plain-{minutes:g}", recipe, PLAIN, threads)


if __name__ == "__main__":
    main()
