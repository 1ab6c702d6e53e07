"""What our own interface takes, as types that check it and describe it in OpenAPI."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from nmt.config.types import LARGEST, Utility
from nmt.translation.options import DIVERSITY


def _without_fraction(value: object) -> object:
    # JSON has one kind of numbers.
    return int(value) if isinstance(value, float) and value.is_integer() else value


# Behind the bounds, so that the description has them.
_WHOLE = BeforeValidator(_without_fraction)
_Number = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Sampling(_Strict):
    """A random draw in place of the search."""

    temperature: Annotated[_Number, Field(gt=0, le=100)] = 1.0
    top_k: Annotated[int, Field(ge=0, le=LARGEST), _WHOLE] = 0
    top_p: Annotated[_Number, Field(gt=0, le=1)] = 1.0
    seed: Annotated[int, Field(ge=0, le=LARGEST), _WHOLE] = 1


class SearchFields(_Strict):
    """The model, and options of its search; what is left out is as the model is configured."""

    model: str | None = Field(default=None, description="name of a model, of /v1/models")
    source: str | None = Field(default=None, description="code of the language of the text; `auto` to guess it")
    target: str | None = Field(default=None, description="code of the language to translate to")
    tag: str | None = Field(default=None, description="put before each sentence; one of the tags of /v1/models")
    beam_size: Annotated[int, Field(ge=1, le=1000), _WHOLE] | None = None
    length_penalty: Annotated[_Number, Field(ge=0, le=5)] | None = None
    coverage_penalty: Annotated[_Number, Field(ge=0, le=1000)] | None = None
    max_length: Annotated[int, Field(ge=1, le=1_000_000), _WHOLE] | None = None
    max_length_ratio: Annotated[_Number, Field(gt=0, le=1000)] | None = None
    no_repeat_ngram: Annotated[int, Field(ge=0, le=LARGEST), _WHOLE] | None = None
    shortlist: Annotated[int, Field(ge=0, le=LARGEST), _WHOLE] | None = None


class TranslationRequest(SearchFields):
    """Texts to translate, and what to tell of their translations."""

    text: str | Annotated[list[str], Field(min_length=1)] = Field(description="a text, or several")
    n_best: Annotated[int, Field(ge=1, le=1000), _WHOLE] = Field(default=1, description="translations of each sentence")
    sampling: Sampling | None = None
    mbr: Annotated[int, Field(ge=0, le=1000), _WHOLE] = Field(
        default=0, description="samples, or hypotheses of the beam, of which the one most like all of them is chosen"
    )
    mbr_metric: Utility = "chrf"
    diverse: Annotated[int, Field(ge=1, le=1000), _WHOLE] = Field(
        default=1,
        description="groups of the beam that avoid each other's words: a divisor of its width, which is the largest of "
        "`beam_size`, `n_best` and `mbr`; 1 with `sampling`",
    )
    diversity: Annotated[_Number, Field(ge=0, le=1000)] = Field(
        default=DIVERSITY, description="log-probability that each use of a word takes from it in the groups behind"
    )
    split_sentences: bool = True
    translate_all: bool = False
    alignment: Literal["none", "hard", "soft"] = "none"
    alignment_unit: Literal["word", "token"] = "word"
    confidence: bool = False
    replace_unknown: bool = False
    carried_over: tuple[Literal["numbers", "urls", "tags"], ...] = Field(default=(), alias="copy", strict=False)
    stream: bool = Field(default=False, description="answers with events, a sentence each")


class AttentionRequest(SearchFields):
    """A sentence whose decoding is shown."""

    text: str
    unit: Literal["word", "token"] = "word"
