"""Writes the built-in corpus: `python -m examples.quickstart_corpus`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from examples.quickstart_corpus.corpus import write_corpus
from nmt.errors import NmtError


def main() -> int:
    """Reads the command line and writes the corpus; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.quickstart_corpus",
        description="Write the built-in English-French corpus: train, validation and test pairs, and test.align.",
    )
    parser.add_argument("--output", type=Path, default=Path("data/quickstart"), help="directory (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sentences (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        is_new = write_corpus(arguments.output, arguments.seed)
    except NmtError as error:
        for problem in error.problems:
            print(f"nmt: error: {problem}", file=sys.stderr)
        return error.exit_code
    print(f"{arguments.output}: {'written' if is_new else 'is already there, unchanged'}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
