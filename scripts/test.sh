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

# Thousands of processes would compile the program again, and pytest the tests.
unset PYTHONDONTWRITEBYTECODE

made=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$made"' EXIT
step() { printf '\n== %s\n' "$1" >&2; }
# Waits for work in the background; shows what it wrote only if it failed.
finished() { wait "$2" || { cat "$made/$1.log" >&2; exit 1; }; }

# Beside mypy, which takes one processor. By mkdocs.yml a link that leads nowhere fails the documentation (though not with
# --quiet, which hides warnings).
NO_MKDOCS_2_WARNING=1 mkdocs build --site-dir "$made/site" >"$made/mkdocs.log" 2>&1 & mkdocs=$!
# That all tests can be loaded is known soon, and the processes that run them find them compiled.
pytest --collect-only -q -m "not slow" >"$made/collected.log" 2>&1 & collected=$!
step "ruff format" && ruff format --check .
step "ruff check" && ruff check .
step "mypy" && mypy
step "mkdocs" && finished mkdocs "$mkdocs"
finished collected "$collected"
wait "$java"
step "pytest" && pytest -n "${NMT_TEST_PROCESSES:-4}" --dist worksteal -m "not slow" "$@"
