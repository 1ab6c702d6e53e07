#!/usr/bin/env bash
# Makes .venv and installs nmt into it, in the versions that constraints.txt names. Sourced by the other scripts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=
for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
    if command -v "$candidate" >/dev/null &&
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "nmt needs Python 3.11 or newer, and found none." >&2
    exit 1
fi

# What is to be installed: nmt itself, or with "dev" what its tests need, too.
extra=${1:-}
wanted="$(cat pyproject.toml constraints.txt) $extra $PWD"
if [ "$(cat .venv/.installed 2>/dev/null || true)" != "$wanted" ]; then
    echo "Installing into .venv (once; torch is large) …" >&2
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --constraint constraints.txt --editable ".${extra:+[$extra]}" >&2
    printf '%s' "$wanted" >.venv/.installed
fi
