"""The options of a translation; the defaults of the search are those of the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from nmt.config import SearchConfig
from nmt.search.hypothesis import SearchOptions
from nmt.search.sampling import SamplingOptions
from nmt.tokenization.special_tokens import SpecialTokens


@dataclass(frozen=True)
class TranslateOptions:
    """The options of a translation.

    Attributes:
        search: the section `search` of the configuration, which documents its keys and has their defaults.
        n_best: number of translations of each line; the beam is at least as wide.
        sampling: draws translations at random instead of searching for the best.
        attention: keeps the attention of each translation.
    """

    search: SearchConfig
    n_best: int = 1
    sampling: SamplingOptions | None = None
    attention: bool = False

    @classmethod
    def from_config(cls, search: SearchConfig, **others: Any) -> Self:
        """Takes the options of a configuration, with `others` in place of its keys or of the attributes above.

        Raises:
            TypeError: one of `others` is neither.
        """
        keys = {name: value for name, value in others.items() if name in SearchConfig.model_fields}
        rest = {name: value for name, value in others.items() if name not in keys}
        return cls(search.model_copy(update=keys), **rest)

    @property
    def width(self) -> int:
        """Number of hypotheses that the search keeps of a sentence, or of samples that it draws."""
        return self.n_best if self.sampling else max(self.search.beam_size, self.n_best)

    def for_search(self, special: SpecialTokens) -> SearchOptions:
        """Returns the options of the search, for a vocabulary with these special tokens."""
        return SearchOptions(
            bos=special.bos,
            eos=special.eos,
            forbidden=special.never_written,
            beam_size=self.width,
            n_best=self.n_best,
            length_penalty=self.search.length_penalty,
            coverage_penalty=self.search.coverage_penalty,
            no_repeat_ngram=self.search.no_repeat_ngram,
            keep_attention=self.attention,
        )
