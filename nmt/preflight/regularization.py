"""Checks of the settings that regularise: each is to have something that it can do."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from nmt.config import Config
from nmt.corpus.parallel import CorpusFiles
from nmt.corpus.pharaoh import read_linked_pairs
from nmt.errors import DataError, InputFileError
from nmt.preflight.findings import Findings, Group
from nmt.training.alignments import check_alignment_files

PAIRS_READ = 100_000
"""Pairs whose alignments are read, unless all are."""


def check_regularization(config: Config, findings: Findings) -> None:
    """Warns of settings that do nothing, though they may cost time, or nothing good."""
    model = config.model
    if config.training.r_drop and not (model.dropout or model.word_dropout):
        what = "two passes without dropout are the same: it takes twice the time, and changes nothing"
        advice = "set model.dropout above 0, or training.r_drop to 0"
        findings.warn(Group.TRAINING, "r_drop_without_dropout", "training.r_drop", what, advice)
    if config.training.freeze and config.training.initialize_from is None:
        what, advice = "what is frozen has learned nothing yet", "name a model in training.initialize_from"
        findings.warn(Group.TRAINING, "frozen_untrained", "training.freeze", what, advice)
    if config.training.alignments and not config.training.guided_alignment:
        what, advice = "nothing is guided by them", "set training.guided_alignment above 0, or leave them out"
        findings.warn(Group.TRAINING, "alignments_unused", "training.alignments", what, advice)


def check_alignments(
    config: Config, files: CorpusFiles, full: bool, findings: Findings, tick: Callable[[], None]
) -> None:
    """Checks the alignments that are given for a training corpus, which can be read; of many, unless `full`, some.

    `tick` is called now and then; what it raises ends the work.
    """
    paths = config.training.alignments
    if not paths or not config.training.guided_alignment:
        return
    with findings.catching(Group.FILES, "alignments", DataError, InputFileError):
        check_alignment_files(config, files, tick)
        for _ in islice(read_linked_pairs(files, paths, lambda _: None), None if full else PAIRS_READ):
            tick()
