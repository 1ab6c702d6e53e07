"""The names of the files that a run and a model consist of."""

from __future__ import annotations

from typing import Final

# A checkpoint or an exported model: a folder with a manifest and the files that it names.
MANIFEST = "manifest.json"
WEIGHTS = "model.safetensors"
CONFIG = "config.yaml"
OPTIMIZER = "optimizer.safetensors"
STATE = "state.json"
SHORTLIST = "shortlist.safetensors"
SHARED_TOKENIZER = "shared.model"
SOURCE_TOKENIZER = "source.model"
TARGET_TOKENIZER = "target.model"
CARD = "README.md"
"""The model card of an exported model."""

UNLISTED = frozenset({CARD, "LICENSE", ".gitattributes"})
"""Files beside a model's that its manifest does not name: whoever has the model may write and edit them."""

MODEL_FILES = frozenset({WEIGHTS, CONFIG})
TRAINING_FILES = frozenset({OPTIMIZER, STATE})
TENSOR_FILES = frozenset({WEIGHTS, OPTIMIZER, SHORTLIST})
TOKENIZER_FILES = frozenset({SHARED_TOKENIZER, SOURCE_TOKENIZER, TARGET_TOKENIZER})
TOKENIZER_SETS = (frozenset({SHARED_TOKENIZER}), frozenset({SOURCE_TOKENIZER, TARGET_TOKENIZER}))

_MEBIBYTE = 1 << 20

LARGEST_FILES = {
    MANIFEST: _MEBIBYTE,
    CONFIG: _MEBIBYTE,
    STATE: 8 * _MEBIBYTE,
    SHARED_TOKENIZER: 64 * _MEBIBYTE,
    SOURCE_TOKENIZER: 64 * _MEBIBYTE,
    TARGET_TOKENIZER: 64 * _MEBIBYTE,
    SHORTLIST: 1024 * _MEBIBYTE,
    WEIGHTS: 16 * 1024 * _MEBIBYTE,
    OPTIMIZER: 64 * 1024 * _MEBIBYTE,
}
"""Maximum size of each file in bytes: far above what the program writes, far below what would hurt to read."""

LARGEST_OTHER_FILE = _MEBIBYTE
"""Maximum size in bytes of any other file that is read: a pointer, say."""

# A run directory; it has a `CONFIG`, too.
CHECKPOINTS = "checkpoints"
BEST: Final = "best"
LAST: Final = "last"
TOKENIZER = "tokenizer"
FINGERPRINT = "fingerprint.json"
CORPUS = "corpus"
ALIGNMENTS = "alignments"
METRICS = "metrics.jsonl"
LOG = "train.log"
TENSORBOARD = "tensorboard"
STASH = ".nmt-before-restart"
"""The folder that `--restart` keeps the files of the training before in."""
