"""Arguments that several commands share, under one name and with one meaning.

The dataclasses are groups of options, which `nmt.cli.parsing.expand_groups` makes from a command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmt.errors import ConfigError, Problem

if TYPE_CHECKING:
    from nmt.config import Config
    from nmt.search.options import SamplingOptions
    from nmt.tokenization.tokenizers import Tokenizers
    from nmt.translation.options import TranslateOptions

Model = Annotated[
    Path, typer.Argument(metavar="MODEL", readable=False, help="Run directory, checkpoint or exported model.")
]
Configuration = Annotated[str, typer.Argument(metavar="CONFIG.yaml", help="The configuration.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Threads = Annotated[int | None, typer.Option(min=1, max=1024, help="Threads of the processor to compute with.")]
OutputFormat = Annotated[str, typer.Option("--format", help="text or json.")]
AlignmentUnit = Annotated[str, typer.Option(help="What alignments count: word or token.")]
LengthPenalty = Annotated[float | None, typer.Option(help="A in score = log-probability / length^A.", metavar="A")]
Tag = Annotated[str | None, typer.Option(metavar="TAG", help="Put before each source sentence, such as <2fr>.")]
Metrics = Annotated[list[str] | None, typer.Option("--metric", help="bleu, chrf or ter; repeatable. All by default.")]
BleuTokenizer = Annotated[str, typer.Option("--tokenize", help="sacreBLEU's BLEU tokenizer: 13a, none, intl, zh, …")]
SourceFile = Annotated[str | None, typer.Option("--src", metavar="FILE", help="Text to translate.")]
ReferenceFiles = Annotated[
    list[str] | None, typer.Option("--ref", metavar="FILE…", help="References: several files, or --ref several times.")
]


@dataclass(frozen=True)
class LoggingArguments:
    """The level of messages on standard error."""

    quiet: Annotated[bool, typer.Option("--quiet", help="Warnings and errors only.")] = False
    verbose: Annotated[bool, typer.Option("--verbose", help="Say more, tracebacks of faults too.")] = False


@dataclass(frozen=True)
class ComputeArguments:
    """The device and the arithmetic of a command that loads a model."""

    device: Device = "auto"
    precision: Annotated[str, typer.Option(help="Of matrix products: auto, fp32, bf16 or int8.")] = "auto"
    threads: Threads = None


@dataclass(frozen=True)
class SearchArguments:
    """Options of the search; those that are None stay as the model's configuration has them."""

    beam_size: Annotated[int | None, typer.Option(help="Hypotheses kept in the search; 1 is greedy.")] = None
    length_penalty: LengthPenalty = None
    max_length: Annotated[int | None, typer.Option(help="Longest translation in tokens.")] = None
    shortlist: Annotated[
        int | None, typer.Option(help="Translations of each source token that a sentence may use; 0 for all tokens.")
    ] = None


@dataclass(frozen=True)
class BatchedSearchArguments(SearchArguments):
    """Options of the search and the size of its batches, for commands that translate many lines."""

    batch_tokens: Annotated[int | None, typer.Option(help="Source tokens of the sentences translated at once.")] = None


@dataclass(frozen=True)
class EnsembleArguments:
    """Other models that translate together with MODEL."""

    ensemble: Annotated[
        list[Path] | None,
        typer.Option(metavar="MODEL", readable=False, help="Another model that translates with it; repeatable."),
    ] = None
    ensemble_average: Annotated[
        str | None, typer.Option(help="Of --ensemble: probabilities, the default, or log-probabilities.")
    ] = None

    def check(self) -> None:
        """Raises ConfigError for an unknown average, or one without models."""
        if self.ensemble_average is None:
            return
        from nmt.config.types import AVERAGED

        check_choice("--ensemble-average", self.ensemble_average, AVERAGED)
        if not self.ensemble:
            raise ConfigError("--ensemble-average", "does nothing without --ensemble MODEL")

    @property
    def average(self) -> str:
        """What is averaged."""
        return self.ensemble_average or "probabilities"

    def joint_name(self, model: Path) -> str:
        """Returns the name of a model together with those that join it."""
        return " + ".join(map(str, (model, *(self.ensemble or ()))))

    def load_options(self) -> dict[str, Any]:
        """Returns the arguments of `Translator.load`."""
        return {"ensemble": self.ensemble or (), "ensemble_average": self.average}


@dataclass(frozen=True)
class SamplingArguments:
    """Random draws in place of the search."""

    sample: Annotated[bool, typer.Option("--sample", help="Draw at random instead of searching for the best.")] = False
    temperature: Annotated[float | None, typer.Option(help="Of --sample: below 1, the likely becomes likelier.")] = None
    top_k: Annotated[int | None, typer.Option(help="Of --sample: the K most probable tokens only; 0 for all.")] = None
    top_p: Annotated[float | None, typer.Option(help="Of --sample: the most probable tokens that add up to P.")] = None
    seed: Annotated[int | None, typer.Option(help="Of --sample: another draw; 1 by default.")] = None

    def sampling(self) -> SamplingOptions | None:
        """Returns how to sample; None where that is not asked for.

        Raises:
            ConfigError: some of the options are impossible, or useless without --sample.
        """
        values = {name: getattr(self, name) for name in ("temperature", "top_k", "top_p", "seed")}
        given: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
        if not self.sample:
            if given:
                what = "does nothing without --sample"
                raise ConfigError.from_problems([Problem(option_of(name), what) for name in given])
            return None
        from nmt.search.options import SamplingOptions

        with naming_options():
            return SamplingOptions(**{"seed": 1, **given})


@dataclass(frozen=True)
class ChoiceArguments:
    """The choice among many candidates by expected utility."""

    mbr: Annotated[
        int | None, typer.Option(help="Of N samples, or of a beam, choose the one that is most like all of them.")
    ] = None
    mbr_metric: Annotated[str | None, typer.Option(help="What alike means: chrf or bleu; chrf by default.")] = None

    def check(self) -> None:
        """Raises ConfigError for an unknown metric, and for one without a use."""
        if self.mbr_metric is not None:
            from nmt.config.types import UTILITIES

            check_choice("--mbr-metric", self.mbr_metric, UTILITIES)
            if not self.uses_metric():
                raise ConfigError("--mbr-metric", "does nothing without --mbr")

    def uses_metric(self) -> bool:
        """Returns whether candidates are compared."""
        return bool(self.mbr)

    def metric(self) -> dict[str, str]:
        """Returns the metric, if it is given, for `Translator.options`."""
        return {} if self.mbr_metric is None else {"mbr_metric": self.mbr_metric}


@dataclass(frozen=True)
class LineArguments:
    """What of a line is translated at once, which lines are, and behind which tag."""

    split_sentences: Annotated[
        bool, typer.Option("--split-sentences", help="Translate the sentences of a line one by one.")
    ] = False
    translate_all: Annotated[
        bool, typer.Option("--translate-all", help="Translate lines without a letter too, which else pass unchanged.")
    ] = False
    tag: Tag = None


@dataclass(frozen=True)
class RunArguments:
    """Keys of the configuration of a training, and its run directory."""

    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Overrides a key of the configuration; repeatable."),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="DIR", readable=False, help="Run directory; runs/NAME by default."),
    ] = None

    reverse: Annotated[
        bool, typer.Option("--reverse", help="The other direction: swap languages and files; the run is NAME-reverse.")
    ] = False

    def directory(self, config: Config) -> Path:
        """Returns the run directory of a training with that configuration."""
        return self.output or Path("runs") / config.name


@dataclass(frozen=True)
class TrainingComputeArguments:
    """The device and the arithmetic of a training."""

    device: Device = "auto"
    precision: Annotated[str | None, typer.Option(help="In place of training.precision: auto, fp32 or bf16.")] = None
    threads: Threads = None
    batch_tokens: Annotated[int | None, typer.Option(help="In place of training.batch_tokens.")] = None


def load_configuration(path: str, run: RunArguments, compute: TrainingComputeArguments) -> Config:
    """Loads the configuration of a training, with the keys that the command line overrides.

    Raises:
        ConfigError: it has every mistake found.
    """
    from nmt.config import load_config, reversed_config

    given = {
        "--precision": ("training.precision", compute.precision),
        "--batch-tokens": ("training.batch_tokens", compute.batch_tokens),
    }
    shortcuts = {option: (key, value) for option, (key, value) in given.items() if value is not None}
    config = load_config(path, run.overrides or (), shortcuts)
    return reversed_config(config) if run.reverse else config


def search_options(**values: Any) -> dict[str, Any]:
    """Checks options of the search, and returns those that are not None, for `Translator.options`.

    Raises:
        ConfigError: a configuration would not take some values; it names each option.
    """
    from nmt.config import check_search

    return check_search({name: value for name, value in values.items() if value is not None})


def of_translation(*groups: Any) -> list[Problem]:
    """Finds the options given in groups that all mean nothing where finished translations are scored."""
    values = {name: value for group in groups for name, value in asdict(group).items()}
    given = [name for name, value in values.items() if not (value is None or value is False or value == [])]
    return [Problem(option_of(name), "does nothing with --hyp: nothing is translated") for name in given]


def check_tag(tokenizers: Tokenizers, tag: str | None) -> None:
    """Raises ConfigError, which names the tags that the model knows, for another one."""
    if tag is not None:
        tokenizers.source.tag(tag, "--tag")


def own_options(options: Callable[..., TranslateOptions], **given: Any) -> TranslateOptions:
    """Returns what `Translator.options` of a model makes of what is given.

    Raises:
        ConfigError: options do not go together.
        ModelError: a shortlist is asked for, and the model has no table for it.
    """
    with naming_options():
        return options(**given)


@contextmanager
def naming_options() -> Iterator[None]:
    """Raises ConfigError, which names the option, in place of a ValueError that begins with the name of a field."""
    try:
        yield
    except ValueError as error:
        name, _, what = str(error).partition(" ")
        raise ConfigError(option_of(name), what) from error


def option_of(field: str) -> str:
    """Returns the option of a field: `--beam-size` of `beam_size`."""
    return "--" + field.replace("_", "-")


def check_choice(option: str, value: str, allowed: Sequence[str]) -> None:
    """Raises ConfigError for a value of the option that is not allowed."""
    if value not in allowed:
        raise ConfigError(option, f"is {' or '.join(allowed)}, not {value!r}")
