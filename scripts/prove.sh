#!/usr/bin/env bash
# The slow proofs at their full counts: kills, damage, random inputs. Arguments go to pytest: scripts/prove.sh tests/text
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/install.sh dev
exec .venv/bin/pytest -m slow "$@"
