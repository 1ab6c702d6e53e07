"""The options of a translation; the defaults of the search are those of the configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self, get_type_hints

from nmt.config import SearchConfig, check_argument
from nmt.config.types import BeamWidth, Switch
from nmt.search.hypothesis import SearchOptions
from nmt.search.sampling import SamplingOptions
from nmt.tokenization.special_tokens import SpecialTokens
from nmt.translation.glossary import Glossary


@dataclass(frozen=True)
class TranslateOptions:
    """The options of a translation.

    Attributes:
        search: the section `search` of the configuration, which documents its keys and has their defaults. Those that a
            model was configured with come from `Translator.options`.
        n_best: number of translations of each line, 1 to 1000; the beam is at least as wide.
        sampling: draws translations at random instead of searching for the best.
        attention: keeps the attention of each translation.
        split_sentences: translates the sentences of a line one by one; needs the extra `sentences`.
        translate_all: translates lines without a letter, too, which otherwise pass unchanged.
        glossary: terms that translations must hold where the line has them; not together with sampling.

    Raises:
        TypeError: a value is of another type.
        ValueError: a number is out of its range, or sampling has a glossary.
    """

    search: SearchConfig = field(default_factory=SearchConfig)
    n_best: int = 1
    sampling: SamplingOptions | None = None
    attention: bool = False
    split_sentences: bool = False
    translate_all: bool = False
    glossary: Glossary | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.search, SearchConfig):
            raise TypeError(f"search is {self.search!r:.200}: expected the section `search` of a configuration")
        if not isinstance(self.sampling, SamplingOptions | None):
            raise TypeError(f"sampling is {self.sampling!r:.200}: expected SamplingOptions or None")
        if not isinstance(self.glossary, Glossary | None):
            raise TypeError(f"glossary is {self.glossary!r:.200}: expected what read_glossary returns, or None")
        if self.glossary is not None and self.sampling is not None:
            raise ValueError("glossary is given together with sampling: samples cannot be made to hold terms")
        kinds = {"n_best": BeamWidth, **dict.fromkeys(("attention", "split_sentences", "translate_all"), Switch)}
        for name, kind in kinds.items():
            object.__setattr__(self, name, check_argument(name, getattr(self, name), kind))

    @classmethod
    def from_config(cls, search: SearchConfig, **others: Any) -> Self:
        """Takes the options of a configuration, with `others` in place of its keys or of the attributes above.

        Raises:
            TypeError: one of `others` is neither, or of another type than that.
            ValueError: a number is out of its range.
        """
        hints = get_type_hints(SearchConfig, include_extras=True)
        keys = {name: check_argument(name, value, hints[name]) for name, value in others.items() if name in hints}
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
