"""A translator of a few lines, which needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from nmt.checkpoint.layout import SHORTLIST, WEIGHTS
from nmt.checkpoint.manifest import Manifest, read_manifest
from nmt.checkpoint.model_files import read_config_and_tokenizers
from nmt.checkpoint.run_directory import use_model
from nmt.checkpoint.tensor_file import read_arrays
from nmt.config import Config
from nmt.errors import ModelError
from nmt.light.beam import find_hypotheses
from nmt.light.network import LightNetwork, weight_shapes
from nmt.search.hypothesis import Hypothesis
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.options import TranslateOptions
from nmt.translation.result import Translation
from nmt.translation.segments import LineSegmenter, Segment, longest_translation
from nmt.translation.terms import GlossaryTerms


@dataclass(frozen=True)
class LightTranslator:
    """A model that translates line by line in NumPy, as `nmt.translation.translator.Translator` does in float32.

    It knows the usual search alone: see `can`.
    """

    directory: Path  # of the model
    manifest: Manifest
    config: Config
    tokenizers: Tokenizers

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Loads all but the weights of the model that the user means by MODEL; None if it is not the one meant first.

        Raises ModelError if it is damaged, or has a shortlist.
        """
        remarks: list[str] = []
        translator = use_model(path, remarks.append, cls._read)
        return None if remarks else translator

    @classmethod
    def _read(cls, directory: Path) -> Self:
        manifest = read_manifest(directory)
        if SHORTLIST in manifest.files:
            raise ModelError(str(directory / SHORTLIST), "is not used here")
        return cls(directory, manifest, *read_config_and_tokenizers(directory, manifest))

    @property
    def has_attention(self) -> bool:
        """True if the model has attention."""
        return self.config.model.attention != "none"

    def options(self, **given: Any) -> TranslateOptions:
        """Returns the options that the model was configured with, with what is given in place of them.

        Arguments and errors are those of `Translator.options`.
        """
        known = {name: value for name, value in given.items() if value is not None}
        return TranslateOptions.from_config(self.config.search, **known)

    @staticmethod
    def can(options: TranslateOptions) -> bool:
        """Returns whether translations with these options can be found: by the usual search, without attention."""
        search = options.search
        others = options.sampling or options.mbr or options.diverse > 1 or options.attention or options.split_sentences
        constraints = search.coverage_penalty or search.no_repeat_ngram or search.shortlist
        return not (others or constraints or options.tag is not None or options.glossary is not None)

    def translate(
        self, lines: Sequence[str], options: TranslateOptions, *, numbers: Sequence[int]
    ) -> list[Translation]:
        """Translates lines with these numbers; blank ones, and those without a letter, as `Translator.translate` does.

        Raises ModelError if the weights are damaged or not in float32, and NonFiniteScoresError if they give NaN or
        infinities.
        """
        search = options.for_search(self.tokenizers.target.special)
        end = self.tokenizers.source.special.eos

        def find(segments: list[Segment]) -> list[list[Hypothesis]]:
            return [
                find_hypotheses(self.network, [*one.ids, end], search, longest_translation(one, options))
                for one in segments
            ]

        of_lines = self._segmenter.results(lines, None, numbers, options, find)
        return [
            self._segmenter.translation(line, results, options) for line, results in zip(lines, of_lines, strict=True)
        ]

    @cached_property
    def network(self) -> LightNetwork:
        """The weights, which are read when they are first needed; raises ModelError as `translate` does."""
        weights = read_arrays(self.directory, WEIGHTS, self.manifest)
        sizes = self.tokenizers.source.size, self.tokenizers.target.size
        if {name: array.shape for name, array in weights.items()} != weight_shapes(self.config.model, *sizes):
            raise ModelError(str(self.directory / WEIGHTS), "does not fit the model of its configuration")
        return LightNetwork(self.config.model, weights)

    @cached_property
    def _segmenter(self) -> LineSegmenter:
        terms = GlossaryTerms(self.tokenizers, self.config.data.target_language)
        return LineSegmenter(self.tokenizers, self.config, None, self.has_attention, terms)
