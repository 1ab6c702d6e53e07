"""Search for good translations, given a function that scores the next token; it knows no model."""

from nmt.search.beam import beam_search
from nmt.search.hypothesis import Hypothesis, NonFiniteScoresError, SearchOptions, State, Step, StepFunction
from nmt.search.sampling import SamplingOptions, sample

__all__ = [
    "Hypothesis",
    "NonFiniteScoresError",
    "SamplingOptions",
    "SearchOptions",
    "State",
    "Step",
    "StepFunction",
    "beam_search",
    "sample",
]
