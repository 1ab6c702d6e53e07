#!/usr/bin/env bash
# The whole gate: formatter, linter, types, documentation and tests. Sets up what it needs; run it as often as you like.
# As root it installs Java by apt-get, for the test with Spark, and with --browser as the first argument a Chromium, too.
# Other arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = --browser ]; then
    shift
    bash scripts/install_browser.sh --browser & browser=$!
else
    bash scripts/install_browser.sh # asks, on a terminal
    browser=
fi
bash scripts/install.sh dev || { wait; exit 1; }
[ -z "$browser" ] || wait "$browser"
bash scripts/install_java.sh & java=$! # not before the other is done, since apt-get works for one at a time
export PATH="$PWD/.venv/bin:$PATH"

step() { printf '\n== %s\n' "$1" >&2; }
step "ruff format" && ruff format --check .
step "ruff check" && ruff check .
step "mypy" && mypy
step "mkdocs" # strict, by mkdocs.yml: a link that leads nowhere fails it, though not with --quiet, which hides warnings
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
report=$(NO_MKDOCS_2_WARNING=1 mkdocs build --site-dir "$site" 2>&1) || { printf '%s\n' "$report" >&2; exit 1; }
wait "$java"
step "pytest" && pytest -n "${NMT_TEST_PROCESSES:-3}" --dist worksteal -m "not slow" "$@"
