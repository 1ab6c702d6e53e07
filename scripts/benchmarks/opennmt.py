"""OpenNMT-py 3.5.1, in an environment of its own, for `compare_with_opennmt.py`: installed, trained, translating.

The environment's Python runs this file, too, as a translator:

    ENVIRONMENT/bin/python scripts/benchmarks/opennmt.py MODEL BEAM_SIZE

Each line of standard input is a task in JSON: `lines`, tokens with spaces between them, `batch_type` and `batch_size`
as OpenNMT-py has them. Each line of standard output is the answer: `translations` and `seconds`, the model's loading
left out. So nothing is imported at the top that OpenNMT-py's environment does not have.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from nmt.config import Config

VERSION = "3.5.1"
# Of what OpenNMT-py names as its dependencies, what it imports. Its bound on torch (below 2.3) would make it run with
# another torch than nmt; it works with newer ones.
DEPENDENCIES = (
    "torch",
    "configargparse",
    "fasttext-wheel",
    "pyahocorasick",
    "pyonmttok>=1.37,<2",
    "pyyaml",
    "rapidfuzz",
    "sacrebleu",
    "spacy",
)
REPORT = re.compile(r"Step +\d+/.*; bsz: *\d+/ *(\d+)/ *\d+; *\d+/ *(\d+) tok/s;")


def install(environment: Path, constraints: Path) -> None:
    """Makes the environment, unless it is there; `constraints` names the versions of what nmt uses as well."""
    if (environment / "bin" / "onmt_train").exists():  # which comes last
        return
    print(f"installing OpenNMT-py {VERSION} into {environment} …", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip: list[str | Path] = [environment / "bin" / "python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--constraint", constraints, *DEPENDENCIES], check=True, stdout=sys.stderr)
    subprocess.run([*pip, "--no-deps", f"OpenNMT-py=={VERSION}"], check=True, stdout=sys.stderr)


def padded_batches(lengths: Iterable[tuple[int, int]], batch_size: int) -> list[list[tuple[int, int]]]:
    """Makes the batches that OpenNMT-py makes with `batch_type: tokens`, but for their order.

    It sorts pairs by length and counts what a batch is as a rectangle: pairs times the longest side of any, a target
    side with its begin and end mark. (Of pairs with the same source in one batch it drops all but one; they are too few
    to matter here.)

    Args:
        lengths: tokens of source and target of each pair, without marks.
    """
    batches: list[list[tuple[int, int]]] = [[]]
    longest = 0
    for source, target in sorted(lengths):
        longest = max(longest, source, target + 2)
        if batches[-1] and longest * (len(batches[-1]) + 1) > batch_size:
            batches.append([])
            longest = max(source, target + 2)
        batches[-1].append((source, target))
    return batches


def matching_batch_size(lengths: Sequence[tuple[int, int]], target_tokens: float) -> int:
    """Finds the batch size with which a batch has so many target tokens on average, without padding."""
    total = sum(target + 1 for _, target in lengths)
    low, high = 1, 4 * int(target_tokens)
    while low < high:
        middle = (low + high) // 2
        if total / len(padded_batches(lengths, middle)) < target_tokens:
            low = middle + 1
        else:
            high = middle
    return low


def training_options(config: Config, lengths: Sequence[tuple[int, int]], target_tokens: float) -> dict[str, Any]:
    """Translates the model and training of a configuration of nmt to options of OpenNMT-py, as far as it has them.

    Args:
        lengths: tokens of source and target of each pair, without marks.
        target_tokens: what an update is to have on average.
    """
    model, training = config.model, config.training
    return {
        # An epoch at a time is sorted by length, as in nmt. It is read before its first update, so does not count.
        "bucket_size": len(lengths),
        "num_workers": 0,
        "batch_type": "tokens",
        "batch_size": matching_batch_size(lengths, target_tokens),
        "normalization": "tokens",
        "encoder_type": "brnn",
        "decoder_type": "rnn",
        "rnn_type": "LSTM",
        "input_feed": 1,  # without it, what was attended to never reaches the decoder's state
        "layers": model.encoder.layers,
        "word_vec_size": model.embedding_size,
        "hidden_size": model.decoder.hidden_size,  # of both directions of the encoder, attention and readout, too
        "global_attention": "mlp",
        "share_embeddings": True,
        "dropout": [model.dropout],
        "label_smoothing": training.label_smoothing,
        "optim": "adam",
        "learning_rate": training.learning_rate,
        "adam_beta1": training.adam_betas[0],
        "adam_beta2": training.adam_betas[1],
        "max_grad_norm": training.clip_norm or 0,
    }


def read_log(log: str, report_every: int) -> list[tuple[float, float]]:
    """Reads from each report in a training's log the target tokens since the last one, and their number per second.

    Both count end marks and leave padding out, as nmt does. The log has the mean tokens of a batch.
    """
    return [(report_every * float(tokens), float(rate)) for tokens, rate in REPORT.findall(log)]


def steady_rate(records: Sequence[tuple[float, float]]) -> float:
    """Returns tokens per second over records of tokens and tokens per second, without the first third, the warm-up."""
    counted = records[len(records) // 3 :]
    return sum(tokens for tokens, _ in counted) / sum(tokens / rate for tokens, rate in counted)


def train(
    environment: Path, folder: Path, options: Mapping[str, Any], variables: Mapping[str, str]
) -> list[tuple[float, float]]:
    """Runs `onmt_train`; returns what `read_log` finds in its log, which is `opennmt.log` in the folder."""
    config, log = folder / "opennmt.yaml", folder / "opennmt.log"
    config.write_text(json.dumps(options, indent=1) + "\n", encoding="utf-8")  # JSON is YAML
    with log.open("wb") as output:
        command = [str(environment / "bin" / "onmt_train"), "-config", str(config)]
        status = subprocess.run(command, env=variables, stdout=output, stderr=output, check=False).returncode
    if status:
        raise SystemExit(f"onmt_train failed with status {status}; see {log}")
    return read_log(log.read_text(encoding="utf-8"), options["report_every"])


class RemoteTranslator:
    """A model of OpenNMT-py in a process of its own."""

    def __init__(self, environment: Path, model: Path, beam_size: int, log: Path, variables: Mapping[str, str]) -> None:
        command = [str(environment / "bin" / "python"), __file__, str(model), str(beam_size)]
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, encoding="utf-8"
            )

    def translate(self, lines: Sequence[str], batch_type: str, batch_size: int) -> tuple[float, list[str]]:
        """Returns the seconds that it took, and the translations; tokens have spaces between them."""
        assert self._process.stdin is not None and self._process.stdout is not None
        task = {"lines": lines, "batch_type": batch_type, "batch_size": batch_size}
        try:
            print(json.dumps(task), file=self._process.stdin, flush=True)
            answer = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError) as error:
            raise SystemExit(f"OpenNMT-py's translator failed; see {self._log}") from error
        return answer["seconds"], answer["translations"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # which closes its input, and so ends it


def load_engine(model: str, beam_size: str) -> Any:
    """Sets up the translator of OpenNMT-py's own `onmt_translate`."""
    # Its model files hold their options as such an object, and torch loads none that it is not told to.
    import_module("torch").serialization.add_safe_globals([argparse.Namespace])
    parser = import_module("onmt.utils.parse").ArgumentParser()
    import_module("onmt.opts").translate_opts(parser)
    # It wants a file to read and one to write even where it is given a list.
    files = ["-src", os.devnull, "-output", os.devnull]
    options = parser.parse_args(["-model", model, "-beam_size", beam_size, *files])
    for check in ("validate_translate_opts", "_get_all_transform_translate", "validate_translate_opts_dynamic"):
        getattr(parser, check)(options)
    return import_module("onmt.inference_engine").InferenceEnginePY(options)


def serve(model: str, beam_size: str) -> None:
    """Answers the tasks on standard input."""
    results = sys.stdout
    with redirect_stdout(sys.stderr):
        engine = load_engine(model, beam_size)
        for line in sys.stdin:
            task = json.loads(line)
            engine.opt.batch_type, engine.opt.batch_size = task["batch_type"], task["batch_size"]
            started = time.perf_counter()
            _, found = engine.infer_list(task["lines"])
            seconds = time.perf_counter() - started
            answer = {"seconds": seconds, "translations": [translations[0] for translations in found]}
            print(json.dumps(answer), file=results, flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
