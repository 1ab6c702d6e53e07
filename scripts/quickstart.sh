#!/usr/bin/env bash
# The main job on a corpus that needs no download: trains an English-French translator, translates, scores, and shows
# the attention of one sentence. Run again, it goes on where it stopped. Arguments go to nmt train; with few steps, which
# learn next to nothing, it only shows that all works: scripts/quickstart.sh --set training.max_steps=20
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/install.sh
export PATH="$PWD/.venv/bin:$PATH"

step() { printf '\n== %s\n' "$1" >&2; }

step "The built-in corpus: data/quickstart"
python -m examples.quickstart_corpus

step "Training: nmt train configs/quickstart.yaml${*:+ $*}"
nmt train configs/quickstart.yaml "$@"

step "Translating from standard input: nmt translate runs/quickstart"
sentences=$(printf '%s\n' "The black cat sleeps." "She sees him." "We do not eat the old bread.")
printf '%s\n' "$sentences" >&2
printf '%s\n' "$sentences" | nmt translate runs/quickstart

step "Scoring the held-out test: nmt eval runs/quickstart"
nmt eval runs/quickstart

step "Attention: nmt attend runs/quickstart 'The black cat sleeps.'"
nmt attend runs/quickstart "The black cat sleeps."

step "Your turn"
printf 'So that your shell finds nmt, and to translate a sentence of your own:\n  cd %q\n  %s\n  %s\n' "$PWD" \
    "source .venv/bin/activate" "nmt translate runs/quickstart 'We do not see the black cat.'" >&2
printf 'To translate in the browser, as you type, and see where each word looked:\n  %s\n  %s\n' \
    "pip install --constraint constraints.txt --editable '.[serve]'" "nmt serve runs/quickstart" >&2
