#!/usr/bin/env bash
# Makes .venv and installs nmt into it, in the versions that constraints.txt names; with the argument "dev", also what
# its tests need. The other scripts run it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

extra=${1:-}
if [ $# -gt 1 ] || { [ -n "$extra" ] && [ "$extra" != dev ]; }; then
    echo "usage: scripts/install.sh [dev]" >&2
    exit 2
fi

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

versions=$(cat pyproject.toml constraints.txt)
wanted="$versions $extra $PWD"
installed=$(cat .venv/.installed 2>/dev/null || true)
# Where the tests can run, nmt itself can, too.
if [ "$installed" != "$wanted" ] && [ "$installed" != "$versions ${extra:-dev} $PWD" ]; then
    echo "Installing into .venv (once; torch is large) …" >&2
    # Where ensurepip was missing (Debian has it in python3-venv), a .venv without pip is left behind.
    .venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
    pip() { .venv/bin/python -m pip --quiet "$@" >&2; }
    compile=
    if [ "$extra" = dev ]; then
        # The tests compile what they import, of all that is installed a small part. A user's shell may forbid Python to
        # write what it compiled, which then would be done again at each start.
        compile=--no-compile
        # PySpark comes as source: to pack it takes one processor about as long as all the rest takes another.
        pip wheel --no-deps --constraint constraints.txt --wheel-dir .venv/wheels pyspark & packing=$!
    fi
    pip install $compile --constraint constraints.txt --editable ".${extra:+[$extra]}"
    if [ "$extra" = dev ]; then
        wait "$packing"
        pip install $compile --constraint constraints.txt --find-links .venv/wheels pyspark
        rm -r .venv/wheels
    fi
    printf '%s' "$wanted" >.venv/.installed
fi
