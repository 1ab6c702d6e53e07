"""The table of a shortlist, made from the corpus that a run was trained on, and put beside its weights."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from nmt.checkpoint.checkpoint import add_shortlist
from nmt.checkpoint.layout import CHECKPOINTS, CORPUS, MANIFEST, STATE
from nmt.checkpoint.loading import ModelBundle, read_outline
from nmt.checkpoint.manifest import read_manifest
from nmt.checkpoint.run_directory import use_model
from nmt.checkpoint.training_state import TrainingState, read_state
from nmt.corpus.fingerprint import is_intact
from nmt.corpus.ibm_model1 import learn_lexicon
from nmt.corpus.mixture import Mixture
from nmt.corpus.store import Store
from nmt.errors import DataError, ModelError
from nmt.io.locks import RunLock
from nmt.search.shortlist import Shortlist

logger = logging.getLogger(__name__)


def make_table(run: Path) -> Path:
    """Makes the table of a run's best checkpoint, replaces one that is there, and returns the checkpoint.

    Raises:
        ModelError: there is no run with a checkpoint, or it is damaged.
        DataError: the corpus is missing, damaged, or not the one that the checkpoint was trained on.
        RunInUseError: a training runs there.
        StorageError: the table cannot be written; nothing has changed then.
    """
    if os.path.lexists(run / MANIFEST) or not (run / CHECKPOINTS).is_dir():
        raise ModelError(str(run), "expected a run directory, whose corpus the table is made from")
    with RunLock(run):
        bundle, state = use_model(run, logger.warning, _read, verify_first=True)
        store = Store.open(run / CORPUS)
        if store.fingerprint != state.corpus:
            raise DataError(str(store.directory), f"not the corpus that {bundle.directory.name} was trained on")
        if not is_intact(store, tick=lambda: None):
            raise DataError(str(store.directory), "damaged; `nmt train` makes it anew")
        source, target = bundle.tokenizers
        mixture = Mixture.from_config(bundle.config.data.train, store.report.by_file, source)
        sizes = source.size, target.size, source.special.eos
        lexicon = learn_lexicon(store, *sizes, bundle.config.seed, mixture=mixture)
        add_shortlist(bundle.directory, Shortlist(lexicon.translations, lexicon.frequent).tensors())
    logger.info("shortlist: learned from %s of %s pairs", f"{lexicon.pairs:,}", f"{mixture.size(0):,}")
    return bundle.directory


def _read(checkpoint: Path) -> tuple[ModelBundle, TrainingState]:
    """Reads a checkpoint without its weights, and the state of its training."""
    manifest = read_manifest(checkpoint)
    bundle = read_outline(checkpoint, manifest)
    return bundle, TrainingState.from_json(read_state(checkpoint, manifest), checkpoint / STATE)
