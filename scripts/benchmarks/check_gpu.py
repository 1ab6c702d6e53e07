"""Checks on a GPU whatever a processor cannot, and measures how fast training and translation are there.

    python scripts/benchmarks/check_gpu.py [--device cuda] [--json FILE] [--only checks|speed] [--tiny]

Each check is reported; the exit code is 1 when one fails. Takes less than ten minutes on a large GPU. With `--device
cpu --tiny` it tests itself.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nmt  # noqa: F401 (sets what torch reads when it is loaded)

# isort: split

import torch

from gpu_checks import CONFIGS, LARGE, MULTI30K, Checks, SkippedError
from gpu_training import Corpus, matrix_rate, measure, operations, synchronize
from nmt.config import load_config
from nmt.model.kernels import dispatch
from nmt.translation.translator import Translator


def run_checks(checks: Checks) -> list[dict[str, str]]:
    """Runs each check, whatever the others found."""
    results = []
    for check in checks.all():
        started = time.perf_counter()
        try:
            result, text = "passed", check()
        except SkippedError as error:
            result, text = "skipped", str(error)
        except Exception as error:
            result, text = "FAILED", f"{type(error).__name__}: {error}"
            traceback.print_exc()
        name = check.__name__.replace("_", " ")
        results.append({"check": name, "result": result, "found": text})
        print(f"{result:<8} {name}: {text[:300]} ({time.perf_counter() - started:.1f} s)", flush=True)
    return results


def training_speed(name: str, corpus: Corpus, count: int, checks: Checks, rate: float) -> Iterator[dict[str, Any]]:
    """Measures training with a configuration's sizes, in all ways, and its share of the products' rate."""
    config, device = load_config(CONFIGS / f"{name}.yaml"), checks.device
    if checks.tiny:
        config, corpus, count = checks.config, checks.corpus, 2
    config = config.model_copy(update={"training": config.training.model_copy(update={"precision": "bf16"})})
    batches = corpus.batches(config.training.batch_tokens, count)
    work = operations(config, corpus.vocabulary, batches[:2], device) / sum(b.target_tokens for b in batches[:2])
    for speed in measure(config, corpus.vocabulary, batches, device):
        share = speed.tokens_a_second * work / rate
        print(
            f"{name}, bf16, {speed.way}: {speed.tokens_a_second:,.0f} target tokens/s, {speed.milliseconds:.2f} ms a "
            f"step, {share:.1%} of the products' rate; first two rounds {speed.preparing_seconds:.1f} s",
            flush=True,
        )
        steps = config.training.max_steps or 0
        yield {
            "configuration": name,
            **asdict(speed),
            "operations_a_token": work,
            "share_of_matrix_rate": share,
            "seconds_for_all_steps": steps * speed.milliseconds / 1000,
        }


def decoding_speed(checks: Checks) -> dict[str, Any]:
    """Measures translation with the model that the checks have trained."""
    lines = (checks.folder / "valid.xx").read_text().splitlines() * (1 if checks.tiny else 20)
    translator = Translator.load(checks.folder / "whole", device=str(checks.device))
    translator.translate(lines[:100])
    synchronize(checks.device)
    started = time.perf_counter()
    translator.translate(lines)
    rate = len(lines) / (time.perf_counter() - started)
    print(f"decoding, small model, beam 4: {rate:,.0f} sentences/s")
    return {"configuration": "small model of the checks, beam 4", "sentences_a_second": rate}


def machine(device: torch.device) -> dict[str, Any]:
    """Describes the machine and the libraries."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    kernels = dispatch.triton_kernels(device) is not None if device.type == "cuda" else False
    return {"device": name, "torch": torch.__version__, "cuda": torch.version.cuda, "kernels": kernels}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--json", type=Path, help="where to put all results")
    parser.add_argument("--only", choices=("checks", "speed"))
    parser.add_argument("--tiny", action="store_true", help="toy sizes, to test the script")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", 0)
    report: dict[str, Any] = {"machine": machine(device)}
    print(report["machine"], flush=True)
    with tempfile.TemporaryDirectory() as folder:
        checks = Checks(device, arguments.tiny, Path(folder))
        if arguments.only != "speed":
            report["checks"] = run_checks(checks)
        if arguments.only != "checks":
            rate = matrix_rate(device, torch.bfloat16, 128 if arguments.tiny else 8192)
            print(f"products in bf16: {rate / 1e12:,.1f} TFLOP/s", flush=True)
            report["matrix_rate"] = rate
            report["speed"] = list(training_speed("multi30k_en_fr", MULTI30K, 40, checks, rate))
            if not arguments.tiny:
                report["speed"] += training_speed("large_gpu", LARGE, 12, checks, rate)
            if (Path(folder) / "whole" / "best").exists():
                report["speed"].append(decoding_speed(checks))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    failed = [check["check"] for check in report.get("checks", []) if check["result"] == "FAILED"]
    print("failed: " + "; ".join(failed) if failed else "no check failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
