"""Lines in, translations out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import torch

from nmt.checkpoint.ensembles import joint_identity, open_ensemble
from nmt.checkpoint.layout import CONFIG, WEIGHTS
from nmt.checkpoint.run_directory import Warn, model_name
from nmt.config import Config, check_path
from nmt.config.types import AVERAGED, Averaged, Utility
from nmt.device import choose_device, choose_precision, own_settings
from nmt.errors import ConfigError, ModelError, NmtError, NonFiniteError
from nmt.model.kernels.dispatch import compile_early
from nmt.model.seq2seq import Seq2Seq
from nmt.search.hypothesis import Hypothesis
from nmt.search.options import SamplingOptions
from nmt.search.shortlist import Shortlist
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.arguments import (
    check_count,
    check_lines,
    check_numbers,
    check_options,
    check_text,
)
from nmt.translation.choosing import closest_first
from nmt.translation.decoding_trace import trace_decoding
from nmt.translation.ensemble import Ensemble
from nmt.translation.glossary import Glossary
from nmt.translation.options import DIVERSITY, TranslateOptions
from nmt.translation.result import Translation
from nmt.translation.segment_search import SegmentSearch
from nmt.translation.segments import LineSegmenter, Segment, SegmentResult
from nmt.translation.sentences import require_sentencex
from nmt.translation.tags import tag_ids
from nmt.translation.terms import GlossaryTerms
from nmt.translation.trace import Trace


class Translator:
    """A model, or several together, with tokenizers, ready to translate. Its weights must not change from then on.

    Several threads may use one translator. A translator that was loaded is pickled by the path of its model, so other
    processes load it from there; see `load`.
    """

    def __init__(
        self,
        model: Seq2Seq | Ensemble,
        tokenizers: Tokenizers,
        config: Config,
        dtype: torch.dtype = torch.float32,
        *,
        shortlist: Shortlist | None = None,
        directories: Sequence[Path] = (),
        identity: str = "",
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        """Makes a translator of a model in evaluation mode; the search options of its `config` are the defaults.

        Matrix products run in `dtype`, and errors name the `directories` that the models were loaded from, which with
        their `identity` (see `joint_identity`) are what is pickled. `tick` is called
        before each step of a search, and before each batch of given pairs; what it raises ends them.
        """
        self.ensemble = model if isinstance(model, Ensemble) else Ensemble([model])
        self.model = self.ensemble.first
        self.tokenizers = tokenizers
        self.config = config
        self.device = self.model.output_weight.device
        self.shortlist = shortlist
        self.directories = tuple(directories)
        self.identity = identity
        self.terms = GlossaryTerms(tokenizers, config.data.target_language)
        self._segmenter = LineSegmenter(tokenizers, config, shortlist, self.has_attention, self.terms)
        self._search = SegmentSearch(self.ensemble, tokenizers, self.terms, dtype, tick)
        self._dtype = dtype

    @property
    def tick(self) -> Callable[[], None]:
        """The function that is called before each step; another may be put in its place at any time."""
        return self._search.tick

    @tick.setter
    def tick(self, tick: Callable[[], None]) -> None:
        self._search.tick = tick

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        device: str = "auto",
        precision: str = "auto",
        ensemble: Iterable[Path | str] = (),
        ensemble_average: Averaged = "probabilities",
        warn: Warn = lambda _: None,
    ) -> Self:
        """Loads the translator in a run directory (its best checkpoint), a checkpoint or an exported model.

        Args:
            path: of its directory.
            device: auto, cpu, cuda or cuda:N.
            precision: auto, fp32, bf16 or int8, of matrix products.
            ensemble: paths of other models that translate together with it; see `Ensemble`. They need its languages
                and vocabularies. Everything that only one can tell, such as the options of the search, is the first's.
            ensemble_average: what they average of each token, `probabilities` or `log-probabilities`.
            warn: called with a message when a damaged checkpoint had to be passed over.

        Raises:
            TypeError: an argument is of another type.
            ConfigError: there is no device, precision or average of that name, or a model cannot join the first.
            ModelError: there is no model, or it is damaged or does not fit this program.
            DeviceError: there is no such device.
        """
        if isinstance(ensemble, (str, Path)):
            raise TypeError(f"ensemble is {ensemble!r}: expected a list of paths")
        paths = [Path(check_path(one)) for one in (path, *ensemble)]
        device, precision = check_text(device, "device"), check_text(precision, "precision")
        if ensemble_average not in AVERAGED:
            raise ConfigError("ensemble_average", f"is {' or '.join(AVERAGED)}, not {ensemble_average!r:.80}")
        with own_settings():
            where = choose_device(device)
            compile_early(where)  # while the weights are read
            bundles = open_ensemble(paths, warn, where)
            dtype = choose_precision(precision, where, training=False)
            for bundle in bundles:
                bundle.model.hold_matrices_in(dtype)
        first = bundles[0]
        return cls(
            Ensemble([bundle.model for bundle in bundles], ensemble_average),
            first.tokenizers,
            first.config,
            dtype,
            shortlist=first.shortlist,
            directories=[bundle.directory for bundle in bundles],
            identity=joint_identity(bundles, ensemble_average),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.directories:
            raise TypeError("a Translator that was not loaded from a directory cannot be pickled: save its model first")
        precision = {torch.bfloat16: "bf16", torch.int8: "int8"}.get(self._dtype, "fp32")
        directories = [directory.absolute() for directory in self.directories]
        how = {"device": str(self.device), "precision": precision, "ensemble_average": self.ensemble.averaged}
        return _load_again, (type(self), directories, how, self.identity)

    @property
    def directory(self) -> Path | None:
        """The directory that the model, or the first of several, was loaded from; None if it was made otherwise."""
        return self.directories[0] if self.directories else None

    @property
    def has_attention(self) -> bool:
        """True if the model, or one of several, has attention."""
        return self.ensemble.has_attention

    @property
    def name(self) -> str:
        """Name of the model's run directory, or of its configuration if it was not loaded from a directory."""
        return self.config.name if self.directory is None else model_name(self.directory)

    def options(
        self,
        *,
        n_best: int = 1,
        sampling: SamplingOptions | None = None,
        mbr: int = 0,
        mbr_metric: Utility = "chrf",
        diverse: int = 1,
        diversity: float = DIVERSITY,
        attention: bool = False,
        split_sentences: bool = False,
        translate_all: bool = False,
        tag: str | None = None,
        glossary: Glossary | None = None,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        coverage_penalty: float | None = None,
        max_length: int | None = None,
        max_length_ratio: float | None = None,
        no_repeat_ngram: int | None = None,
        shortlist: int | None = None,
        batch_tokens: int | None = None,
    ) -> TranslateOptions:
        """Returns the options that the model was configured with, with what is given in place of them.

        Args:
            n_best: number of translations of each line; the beam is at least as wide.
            sampling: draws translations at random instead of searching for the best.
            mbr: candidates, 0 to 1000, of which the one with the highest expected utility is chosen: samples where
                `sampling` is given (64 is usual), else the best of the beam, which is at least as wide; 0 is off.
            mbr_metric: the utility, chrf or bleu; of `mbr`, and of the choice by references.
            diverse: groups that the beam is cut into, which avoid each other's tokens; it divides the beam's width.
            diversity: log-probability that each use of a token in the groups before takes from it, 0 to 1000.
            attention: keeps the attention of each translation.
            split_sentences: translates the sentences of a line one by one; needs the extra `sentences`.
            translate_all: translates lines without a letter, too, which otherwise pass unchanged.
            tag: put before each source sentence, as before those of a training corpus with this tag.
            glossary: terms that translations have where a line has them, as `nmt.read_glossary` reads them.
            beam_size: hypotheses kept, 1 to 1000; 1 is greedy.
            length_penalty: A in score = log-probability / length ^ A, 0 to 5.
            coverage_penalty: weight of GNMT's coverage penalty, 0 to 1000; needs attention in the model.
            max_length: longest translation in tokens, 1 to 1,000,000.
            max_length_ratio: longest translation is also this times the source's tokens, plus 10.
            no_repeat_ngram: no n-gram of this length occurs twice; 0 is off.
            shortlist: translations of each source token that a sentence may use; 0 is the whole vocabulary.
            batch_tokens: source tokens of the sentences translated at once.

        Raises:
            TypeError: a value is of another type.
            ValueError: a number is out of its range, which is that of the configuration, or options do not go together.
            ConfigError: the model does not know the tag.
            ModelError: a shortlist is asked for, and the model has no table for it.
        """
        keys: dict[str, object] = {
            "beam_size": beam_size,
            "length_penalty": length_penalty,
            "coverage_penalty": coverage_penalty,
            "max_length": max_length,
            "max_length_ratio": max_length_ratio,
            "no_repeat_ngram": no_repeat_ngram,
            "shortlist": shortlist,
            "batch_tokens": batch_tokens,
        }
        options = TranslateOptions.from_config(
            self.config.search,
            n_best=n_best,
            sampling=sampling,
            mbr=mbr,
            mbr_metric=mbr_metric,
            diverse=diverse,
            diversity=diversity,
            attention=attention,
            split_sentences=split_sentences,
            translate_all=translate_all,
            tag=tag,
            glossary=glossary,
            **{name: value for name, value in keys.items() if value is not None},
        )
        tag_ids(self.tokenizers.source, options.tag)
        if shortlist is not None or self.directory is None:
            self._check_shortlist(options)
        else:
            self._check_shortlist(options, f"{self.directory / CONFIG}: search.shortlist")
        return options

    def not_finite(self, number: int) -> NmtError:
        """Makes the error for the line of a number, for which the model, being broken, gives NaN or infinities."""
        if self.directory is None:
            return NonFiniteError(f"line {number}", "the model's scores are not finite: expected numbers")
        names = " or ".join(str(directory / WEIGHTS) for directory in self.directories)
        return ModelError(names, f"its scores are not finite, of line {number}")

    def translate(
        self,
        lines: Iterable[str],
        options: TranslateOptions | None = None,
        *,
        prefixes: Iterable[str] | None = None,
        numbers: Iterable[int] | None = None,
        references: Iterable[str] | None = None,
    ) -> list[Translation]:
        """Translates `lines`, in their order; blank lines have an empty translation, without asking the model.

        A line without a letter passes unchanged, as its own translation, unless `options.translate_all` is set or it
        has a prefix. A line of more tokens than training pairs had is translated in segments, cut at white space; with
        `options.split_sentences`, each sentence is a segment, or several. The best translations of all segments are
        joined to the first translation of the line, the second-best to another, and so on; all after the first are
        sorted by score.

        Args:
            lines: of text; no line changes the translation of another. A generator is read to its end first.
            options: of the search; the model's own configuration by default.
            prefixes: for each line the beginning of its translation.
            numbers: for each line its number, by which errors name it and which decides, with the seed, what sampling
                draws; counted from 1 by default.
            references: for each line a text; of the translations in the beam, or of as many samples, those that are
                closest to it by `options.mbr_metric` come first. A blank one leaves them in their order.

        Raises:
            TypeError: an argument or a text is of another type; `lines`, `prefixes` or `references` is a single text.
            ValueError: not as many prefixes, numbers or references as lines; references and `options.mbr`.
            ConfigError: sentences are to be split, and sentencex is not installed, or the model does not know the tag.
            ModelError: a shortlist is asked for, and the model has no table for it.
            DeviceError: this process was made by fork, and the model is on a CUDA device of its parent.
            MemoryExhaustedError: memory does not suffice for one sentence.
            ModelError, NonFiniteError: the model's scores are not finite; the former of a model that was loaded.
        """
        lines, options = check_lines(lines), check_options(options) or self.options()
        search = options
        if references is not None:
            references = check_lines(references, "references")
            check_count(lines, references=references)
            if options.mbr:
                raise ValueError(f"mbr is {options.mbr}: expected 0 with references, which are another way to choose")
            search = replace(options, n_best=max(options.n_best, options.search.beam_size))
        of_lines = self.search_lines(lines, search, prefixes=prefixes, numbers=numbers)
        translation = self._segmenter.translation
        found = [translation(line, results, search) for line, results in zip(lines, of_lines, strict=True)]
        if references is None:
            return found
        return [closest_first(one, reference, options) for one, reference in zip(found, references, strict=True)]

    def search_lines(
        self,
        lines: Sequence[str],
        options: TranslateOptions,
        *,
        prefixes: Iterable[str] | None = None,
        numbers: Iterable[int] | None = None,
    ) -> list[list[SegmentResult]]:
        """Finds the hypotheses of each line's segments; a blank line has none. The rest is as in `translate`.

        A segment that passes unchanged has no hypotheses.
        """
        lines = check_lines(lines)
        prefixes = None if prefixes is None else check_lines(prefixes, "prefixes")
        numbers = list(range(1, len(lines) + 1)) if numbers is None else check_numbers(numbers)
        check_count(lines, prefixes=prefixes, numbers=numbers)
        if options.split_sentences:
            require_sentencex()
        self._check_shortlist(options)

        def find(segments: list[Segment]) -> list[list[Hypothesis]]:
            return self._search.find(segments, options, self.not_finite)

        return self._segmenter.results(lines, prefixes, numbers, options, find)

    def attend(self, text: str, options: TranslateOptions | None = None) -> Trace:
        """Translates a line, and traces the decoding of its best translation: states, scores, weights, contexts.

        Of a line of one segment, as nearly all are: `states` (S, C), `queries` (T, H), `scores` and `weights` (T, S)
        and `contexts` (T, C), for S source tokens with the end mark, and T steps of the decoder.

        Errors are those of `translate`.
        """
        return self.attend_lines([check_text(text, "text")], options)[0]

    def attend_lines(
        self, lines: Iterable[str], options: TranslateOptions | None = None, *, numbers: Iterable[int] | None = None
    ) -> list[Trace]:
        """Translates lines as `translate` does, and traces the decoding of the best translation of each.

        All hypotheses that the beam is wide enough for are kept. A line or a sentence that passes unchanged has no
        trace. Of several models, the first one's reading of the translation that all have chosen is traced. Arguments
        and errors are those of `translate`.
        """
        lines, options = check_lines(lines), check_options(options) or self.options()
        options = replace(options, n_best=options.candidates if options.mbr else options.width, attention=True)
        of_lines = self.search_lines(lines, options, numbers=numbers)
        traced = []
        with self.computing():
            for line, results in zip(lines, of_lines, strict=True):
                traces = [
                    trace_decoding(
                        self.model, self.tokenizers, result, self._search.encode([result.segment], options.tag)
                    )
                    for result in results
                    if not result.segment.unchanged
                ]
                translation = self._segmenter.translation(line, results, options)
                traced.append(Trace(translation, tuple(traces), self.config, options, self.name))
        return traced

    def computing(self) -> AbstractContextManager[None]:
        """Returns a context to run the model in; see `SegmentSearch.computing`."""
        return self._search.computing()

    def _check_shortlist(self, options: TranslateOptions, where: str = "shortlist") -> None:
        if options.search.shortlist and self.shortlist is None:
            count = options.search.shortlist
            what = f"is {count}, but the model has no table for it; `nmt shortlist` makes one, and 0 is off"
            raise ModelError(where, what)


def _load_again(kind: type[Translator], directories: list[Path], how: dict[str, Any], identity: str) -> Translator:
    """Loads a translator that was pickled.

    Raises ModelError, and DeviceError, where `Translator.load` does, or if the directory holds another model by now.
    """
    translator = kind.load(directories[0], ensemble=directories[1:], **how)
    if translator.identity != identity:
        names = " or ".join(map(str, directories))
        raise ModelError(names, "holds another model than when the Translator was pickled; load it anew")
    return translator
