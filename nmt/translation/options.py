"""The options of a translation; the defaults of the search are those of the configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from nmt.config import SearchConfig, check_argument, search_kinds
from nmt.config.types import BeamWidth, Candidates, Switch, Utility, Weight
from nmt.search.options import SamplingOptions, SearchOptions
from nmt.tokenization.special_tokens import SpecialTokens
from nmt.translation.glossary import Glossary

DIVERSITY = 0.5
"""The strength of diversity that Vijayakumar et al. 2018 (arXiv:1610.02424) found good for many models, and the usual
one."""

_KINDS: dict[str, Any] = {
    "n_best": BeamWidth,
    "mbr": Candidates,
    "mbr_metric": Utility,
    "diverse": BeamWidth,
    "diversity": Weight,
    **dict.fromkeys(("attention", "split_sentences", "translate_all"), Switch),
}


@dataclass(frozen=True)
class TranslateOptions:
    """The options of a translation.

    Attributes:
        search: the section `search` of the configuration, which documents its keys and has their defaults. Those that a
            model was configured with come from `Translator.options`.
        n_best: number of translations of each line, 1 to 1000; the beam is at least as wide.
        sampling: draws translations at random instead of searching for the best.
        mbr: number of candidates, 0 to 1000, of which the one with the highest expected utility is chosen (minimum
            Bayes risk, see `nmt.translation.choosing`): so many samples where `sampling` is given, else the best of a
            beam that is at least as wide; at least `n_best` in any case. 0 chooses the most probable.
        mbr_metric: the utility, chrf or bleu; of `mbr`, and of the choice by references.
        diverse: number of groups of equal size that the beam is cut into, 1 to 1000, which avoid each other's tokens
            (see `nmt.search.diverse`); 1 is the usual search.
        diversity: log-probability, 0 to 1000, that each use of a token in the groups before takes from it.
        attention: keeps the attention of each translation.
        split_sentences: translates the sentences of a line one by one; needs the extra `sentences`.
        translate_all: translates lines without a letter, too, which otherwise pass unchanged.
        tag: put before each source sentence; the model has to know it.
        glossary: terms that translations have where the line has them; neither with samples nor with groups.

    Raises:
        TypeError: a value is of another type.
        ValueError: a number is out of its range, or options do not go together.
    """

    search: SearchConfig = field(default_factory=SearchConfig)
    n_best: int = 1
    sampling: SamplingOptions | None = None
    mbr: int = 0
    mbr_metric: Utility = "chrf"
    diverse: int = 1
    diversity: float = DIVERSITY
    attention: bool = False
    split_sentences: bool = False
    translate_all: bool = False
    tag: str | None = None
    glossary: Glossary | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.search, SearchConfig):
            raise TypeError(f"search is {self.search!r:.200}: expected the section `search` of a configuration")
        if not isinstance(self.sampling, SamplingOptions | None):
            raise TypeError(f"sampling is {self.sampling!r:.200}: expected SamplingOptions or None")
        if not isinstance(self.tag, str | None):
            raise TypeError(f"tag is {self.tag!r:.200}: expected text, a str, or None")
        if not isinstance(self.glossary, Glossary | None):
            raise TypeError(f"glossary is {self.glossary!r:.200}: expected what read_glossary returns, or None")
        for name, kind in _KINDS.items():
            object.__setattr__(self, name, check_argument(name, getattr(self, name), kind))
        if self.sampling and self.diverse > 1:
            raise ValueError(f"diverse is {self.diverse}: it does not go with samples, which are drawn one by one")
        if self.glossary is not None and (self.sampling or self.diverse > 1):
            other = "samples" if self.sampling else "diverse groups of the beam"
            raise ValueError(f"glossary does not go with {other}: only the usual search puts terms in")
        if self.width % self.diverse:
            raise ValueError(f"diverse is {self.diverse}: expected a divisor of the width of the beam, {self.width}")

    @classmethod
    def from_config(cls, search: SearchConfig, **others: Any) -> Self:
        """Takes the options of a configuration, with `others` in place of its keys or of the attributes above.

        Raises:
            TypeError: one of `others` is neither, or of another type than that.
            ValueError: a number is out of its range.
        """
        kinds = search_kinds()
        keys = {name: check_argument(name, value, kinds[name]) for name, value in others.items() if name in kinds}
        rest = {name: value for name, value in others.items() if name not in keys}
        return cls(search.model_copy(update=keys), **rest)

    @property
    def width(self) -> int:
        """Number of hypotheses that the search keeps of a sentence, or of samples that it draws."""
        return self.candidates if self.sampling else max(self.search.beam_size, self.candidates)

    @property
    def candidates(self) -> int:
        """Number of hypotheses that the search returns of a sentence."""
        return max(self.mbr, self.n_best)

    def for_search(self, special: SpecialTokens) -> SearchOptions:
        """Returns the options of the search, for a vocabulary with these special tokens."""
        return SearchOptions(
            bos=special.bos,
            eos=special.eos,
            forbidden=special.never_written,
            beam_size=self.width,
            n_best=self.candidates,
            length_penalty=self.search.length_penalty,
            coverage_penalty=self.search.coverage_penalty,
            no_repeat_ngram=self.search.no_repeat_ngram,
            keep_attention=self.attention,
            groups=self.diverse,
            diversity=self.diversity,
        )
