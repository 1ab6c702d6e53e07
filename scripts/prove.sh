#!/usr/bin/env bash
# Proves the promises of docs/promises.md at their full counts, those whose numbers are given or all of them, and prints
# a table: cases tried, failures, seconds. Other arguments go to pytest: scripts/prove.sh 6 12 --seed 7
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/install.sh dev
export PATH="$PWD/.venv/bin:$PATH"

chosen=()
while [[ ${1:-} =~ ^[0-9]+$ ]]; do
    chosen+=(--promise "$1")
    shift
done
[ ${#chosen[@]} -gt 0 ] || chosen=(-m "promise or slow")
exec pytest --full -n "${NMT_TEST_PROCESSES:-2}" --dist worksteal "${chosen[@]}" "$@"
