"""Checks of the text as tokens: pairs that would be left out, a vocabulary that does not suit the corpus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.checkpoint.layout import SHARED_TOKENIZER, SOURCE_TOKENIZER, TARGET_TOKENIZER
from nmt.config import Config
from nmt.config.parallel_files import distinct_tags
from nmt.corpus.build import write_pairs
from nmt.corpus.encoding import Encoded, EncodedPairs, id_type
from nmt.corpus.parallel import CorpusFiles
from nmt.corpus.report import Reason, Report
from nmt.corpus.store import FILES, Store, StoreWriter
from nmt.errors import ConfigError, DataError, ModelError
from nmt.preflight.fidelity import report_rewritten
from nmt.preflight.findings import Findings, Group, share
from nmt.preflight.reservoir import Reservoir
from nmt.recipes.choice import vocabulary_size
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizer_training import EOS_ID
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.preparation import pair_filter_from_config, train_on_texts
from nmt.training.signals import StopRequest

CORPUS, LONGEST = "corpus", "longest"

# Shares of pairs left out, and of rare entries, that are worth a warning.
SERIOUS_LOSS = 0.05
SERIOUS_RARITY = 0.5
RARE = 10
_BYTES = 256


class TokenizedSample(NamedTuple):
    """A sample of the training corpus as ids, in a folder."""

    tokenizers: Tokenizers  # of source and target
    sizes: tuple[int, int]  # entries of the vocabularies that training would have, source and target
    store: Store  # the pairs of the sample that training would keep
    report: Report  # the pairs of the sample that were kept and left out

    @property
    def bytes_per_pair(self) -> float:
        """Size of a kept pair on disk."""
        return sum((self.store.directory / name).stat().st_size for name in FILES) / len(self.store)


def tokenize_sample(
    config: Config,
    sample: Reservoir,
    files: CorpusFiles,
    given: Tokenizers | None,
    folder: Path,
    findings: Findings,
    stop: StopRequest,
) -> TokenizedSample | None:
    """Encodes a sample, as training would the corpus, by tokenizers that are given or trained on it.

    The folder receives the encoded sample, and its longest pairs. Returns None if nothing is left of the sample.

    Raises:
        StoppedError: a signal came.
    """
    try:
        tokenizers, sizes = _with_tags(config, *_tokenizers(config, sample, given, findings, stop), findings)
    except DataError as error:
        findings.error(Group.TOKENS, "nothing_left", error)
        return None
    except ModelError:  # among the findings of the files
        return None

    def tick(_: int) -> None:
        stop.check()

    with _writer(folder / CORPUS, tokenizers) as writer:
        report = write_pairs(
            writer, sample.pairs, files.source, tokenizers, pair_filter_from_config(config), processes=1, progress=tick
        )
        if report.kept:
            writer.finish("check", report)
    _report_left_out(report, sample.is_whole, files, findings)
    report_rewritten(sample.pairs, files, tokenizers.target, findings)
    if not report.kept:
        return None
    store = Store.open(folder / CORPUS)
    if given is None and config.tokenizer.source_model is None:
        _report_rarity(config, store, tokenizers, sample, findings)
    _write_longest(store, tokenizers, folder / LONGEST, config.training.batch_tokens, report)
    return TokenizedSample(tokenizers, sizes, store, report)


def _tokenizers(
    config: Config, sample: Reservoir, given: Tokenizers | None, findings: Findings, stop: StopRequest
) -> tuple[Tokenizers, tuple[int, int]]:
    options = config.tokenizer
    if given is not None:
        return given, (given.source.size, given.target.size)
    if options.source_model is not None:
        source = Tokenizer.load(options.source_model)
        tokenizers = Tokenizers(
            source, Tokenizer.load(options.target_model) if options.target_model else source.for_target()
        )
        return tokenizers, (tokenizers.source.size, tokenizers.target.size)
    sides = [[pair.source for pair in sample.pairs], [pair.target for pair in sample.pairs]]
    together = {SHARED_TOKENIZER: sides}
    if not options.shared:
        together = {SOURCE_TOKENIZER: sides[:1], TARGET_TOKENIZER: sides[1:]}
    trained = [train_on_texts(config, name, texts, stop) for name, texts in together.items()]
    if sample.is_whole:  # of a part, a vocabulary may be smaller
        for model in trained:
            if model.warning:
                findings.inform(Group.TOKENS, "vocabulary_changed", "tokenizer.vocabulary_size", model.warning)
    wanted = 0 if sample.is_whole else options.vocabulary_size
    sizes = [max(model.size, wanted) for model in trained]
    return Tokenizers.from_models(*(model.model for model in trained)), (sizes[0], sizes[-1])


def _with_tags(
    config: Config, tokenizers: Tokenizers, sizes: tuple[int, int], findings: Findings
) -> tuple[Tokenizers, tuple[int, int]]:
    """Adds the tags of training to tokenizers and their sizes; reports those that validations would lack."""
    data = config.data
    tagged = tokenizers.with_tags(distinct_tags(data.train))
    for tag in distinct_tags(data.validation):
        with findings.catching(Group.TOKENS, "unknown_tag", ConfigError):
            tagged.source.tag(tag, "data.validation.tag")
    if data.test is not None and data.test.tag is not None:
        with findings.catching(Group.TOKENS, "unknown_tag", ConfigError):
            tagged.source.tag(data.test.tag, "data.test.tag")
    if all(one.tag for one in data.train) and not all(one.tag for one in data.validation):
        what = "has no tag, though every training corpus has one: the model has not learned to translate without"
        findings.warn(Group.TOKENS, "untagged", "data.validation", what, "give it the tag that it is to be read behind")
    more = tagged.source.size - tokenizers.source.size
    return tagged, (sizes[0] + more, sizes[1] + more * tagged.are_shared)


def _writer(directory: Path, tokenizers: Tokenizers) -> StoreWriter:
    directory.mkdir()
    return StoreWriter(directory, id_type(tokenizers.source.size), id_type(tokenizers.target.size))


_ADVICE = {
    Reason.LENGTH: "raise data.max_length, or split long lines",
    Reason.RATIO: "see whether these lines belong together; data.max_length_ratio decides",
}


def _report_left_out(report: Report, whole: bool, files: CorpusFiles, findings: Findings) -> None:
    of_what = "pairs" if whole else "sampled pairs"
    for left_out in report.left_out:
        if left_out.reason in _ADVICE:
            number = share(left_out.count, report.read)
            what = f"{number} {of_what} are left out: {left_out.reason}; the first is this one"
            serious = left_out.count > SERIOUS_LOSS * report.read
            kind = f"left_out_{left_out.reason.name.lower()}"
            findings.grade(serious, Group.TOKENS, kind, str(left_out.examples[0]), what, _ADVICE[left_out.reason])
    if not report.kept:
        what = "no pair is left to train on: " + "; ".join(report.lines())
        if not whole:
            findings.warn(Group.TOKENS, "nothing_left", files.source[0], f"of a sample, {what}")
        elif not findings.has("nothing_left"):
            findings.error(Group.TOKENS, "nothing_left", DataError(files.source[0], what))


def _report_rarity(config: Config, store: Store, tokenizers: Tokenizers, sample: Reservoir, findings: Findings) -> None:
    """Reports a vocabulary with many entries that are too rare to be learned, if a recipe would have a smaller one."""
    suitable = vocabulary_size(sample.pairs_met)
    if config.tokenizer.vocabulary_size <= suitable:
        return
    numbers = range(len(store))
    sides = [
        np.bincount(np.concatenate([get(number) for number in numbers]), minlength=tokenizer.size)
        for get, tokenizer in ((store.source, tokenizers.source), (store.target, tokenizers.target))
    ]
    counted: list[NDArray[Any]] = [sides[0] + sides[1]] if config.tokenizer.shared else sides
    marks = EOS_ID + 1 + (_BYTES if config.tokenizer.byte_fallback else 0)
    for counts in counted:
        entries = counts[marks:] * (sample.pairs_met / len(sample.pairs))
        rare = int((entries < RARE).sum())
        if rare > SERIOUS_RARITY * len(entries):
            what = f"{share(rare, len(entries))} entries would occur fewer than {RARE} times, too few to be learned"
            advice = f"lower it, to {suitable:,} for so many pairs, or find more text"
            findings.warn(Group.TOKENS, "vocabulary_too_large", "tokenizer.vocabulary_size", what, advice)


def _write_longest(store: Store, tokenizers: Tokenizers, directory: Path, batch_tokens: int, report: Report) -> None:
    """Writes a store of the longest pairs for one update, the one that takes most memory."""
    numbers = np.arange(len(store))
    target = store.target_lengths(numbers) + 1
    order = np.argsort(-(store.source_lengths(numbers) + target), kind="stable")
    chosen = np.sort(order[: 1 + int(np.searchsorted(np.cumsum(target[order]), batch_tokens, side="right"))])
    files = np.searchsorted(np.cumsum(report.by_file), chosen, side="right")
    by_file = np.bincount(files, minlength=len(report.by_file)).tolist()
    with _writer(directory, tokenizers) as writer:
        writer.append(EncodedPairs(_side(store.source, chosen.tolist()), _side(store.target, chosen.tolist())))
        writer.finish("check", replace(report, kept=len(chosen), by_file=tuple(by_file)))


def _side(get: Callable[[int], NDArray[Any]], numbers: list[int]) -> Encoded:
    sentences = [get(number) for number in numbers]
    return Encoded(np.concatenate(sentences), np.array(list(map(len, sentences)), np.int64))
