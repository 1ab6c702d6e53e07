"""The model card: the `README.md` of an exported model, in the layout that model hubs read."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import yaml

from nmt.cli.counting import counted
from nmt.errors import ConfigError, DataError
from nmt.evaluation.metrics import TITLES
from nmt.io.lines import without_surrogates
from nmt.preflight.languages import language_name

UNKNOWN = "unknown"
"""What hubs call a licence that nobody stated."""


class CardScore(NamedTuple):
    """A score that `nmt eval` gave a model."""

    test_set: str
    metric: str
    score: float
    signature: str


def name_test_sets(paths: Sequence[Path]) -> list[str]:
    """Returns the names of the test sets that files of scores are of: those of the files, without their suffixes.

    Files of one name are told apart by as many of their folders as that takes, of those that the paths name. Raises
    ConfigError for a file that is given twice, or differs from another by its suffix alone.
    """
    parts = [(*path.parent.parts, path.stem) for path in paths]
    for path, own in zip(paths, parts, strict=True):
        if parts.count(own) > 1:
            raise ConfigError("--scores", f"{path}: several files have this name; expected one for each test set")
    return [_ending(own, parts) for own in parts]


def _ending(own: tuple[str, ...], all_parts: Sequence[tuple[str, ...]]) -> str:
    """Returns the name of a path with as many of its folders as tell it from all others."""
    others = [other for other in all_parts if other != own]
    endings = (own[-depth:] for depth in range(1, len(own)))
    unique = (ending for ending in endings if all(other[-len(ending) :] != ending for other in others))
    return PurePath(*next(unique, own)).as_posix()


def read_scores(document: object, where: str, test_set: str) -> list[CardScore]:
    """Returns the scores in what `nmt eval --format json` prints; `where` is the file's path.

    Raises DataError if it is something else.
    """
    scores = []
    fields = document if isinstance(document, dict) else {}
    for metric in TITLES:
        value = fields.get(metric)
        if value is None:
            continue
        score, signature = map(value.get, ("score", "signature")) if isinstance(value, dict) else (None, None)
        score = _finite(score)
        if score is None or not isinstance(signature, str):
            raise DataError(where, f"{metric} is {value!r:.80}: expected its score and signature")
        scores.append(CardScore(test_set, metric, score, signature))
    if not scores:
        raise DataError(where, "has no scores: expected what nmt eval --format json prints")
    return scores


def _finite(value: Any) -> float | None:
    """Returns a number of JSON as a float; None for anything else, an infinity, and a number too large for one."""
    if type(value) not in (int, float):  # the exact type: in Python, True is an int
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def model_card(description: Mapping[str, Any], licence: str | None, scores: Sequence[CardScore]) -> str:
    """Formats the card of a model that `nmt.checkpoint.describe` describes: YAML for programs, Markdown for readers."""
    head = yaml.safe_dump(_metadata(description, licence, scores), allow_unicode=True, sort_keys=False, width=1000)
    parts = [
        _introduction(description),
        _use(description),
        _data(description),
        _scores(description, scores),
        _training(description),
        _limits(description, licence),
    ]
    return f"---\n{head}---\n\n" + "\n".join("\n".join([*part, ""]) for part in parts)


def _metadata(description: Mapping[str, Any], licence: str | None, scores: Sequence[CardScore]) -> dict[str, Any]:
    languages = description["source_language"], description["target_language"]
    metadata: dict[str, Any] = {
        "language": list(dict.fromkeys(languages)),
        "license": licence or UNKNOWN,
        "library_name": "nmt",
        "pipeline_tag": "translation",
        "tags": ["translation", "lstm", *(["attention"] if _has_attention(description) else [])],
    }
    if scores:
        metadata["metrics"] = list(dict.fromkeys(score.metric for score in scores))
        results = [
            {
                "task": {"type": "translation", "name": f"Translation {languages[0]}-{languages[1]}"},
                "dataset": dict.fromkeys(("name", "type"), _line(test_set)),
                "metrics": [
                    {"type": one.metric, "value": round(one.score, 2), "name": TITLES[one.metric]}
                    for one in scores
                    if one.test_set == test_set
                ],
            }
            for test_set in dict.fromkeys(score.test_set for score in scores)
        ]
        metadata["model-index"] = [{"name": _line(description["name"]), "results": results}]
    return metadata


def _introduction(description: Mapping[str, Any]) -> list[str]:
    codes = description["source_language"], description["target_language"]
    source, target = (_plain(language_name(code)) for code in codes)
    model, vocabulary = description["configuration"]["model"], description["vocabulary"]
    pieces = f"{vocabulary['source']:,} pieces for both languages"
    if not vocabulary["shared"]:
        pieces = f"{vocabulary['source']:,} and {vocabulary['target']:,} pieces"
    attention = f"with {model['attention']} attention" if _has_attention(description) else "without attention"
    return [
        f"# {_plain(description['name'])}: {source} to {target}",
        "",
        f"A translator from {source} to {target}: an LSTM encoder-decoder {attention}, {description['parameters']:,} "
        f"parameters, a vocabulary of {pieces}. It was made by `nmt`, which translates with it.",
    ]


def _has_attention(description: Mapping[str, Any]) -> bool:
    return bool(description["configuration"]["model"]["attention"] != "none")


def _use(description: Mapping[str, Any]) -> list[str]:
    text = "The text to translate, a line a sentence."
    tags = description["vocabulary"].get("tags", ())
    usual = next((files.get("tag") for files in _sets(description["configuration"]["data"]["validation"])), None)
    option = f" --tag {shlex.quote(usual)}" if usual else ""
    argument = f", translator.options(tag={usual!r})" if usual else ""
    return [
        "## Use",
        "",
        "```bash",
        f'echo "{text}" | nmt translate DIR{option}',
        "```",
        "",
        "```python",
        "from nmt import Translator",
        "",
        'translator = Translator.load("DIR")',
        f'print(translator.translate(["{text}"]{argument})[0].text)',
        "```",
        "",
        "DIR is this folder. `nmt info DIR --verify` says whether it is whole.",
        *(["", f"It knows tags before a sentence, by `--tag`: {', '.join(map(_code, tags))}."] if tags else []),
    ]


def _data(description: Mapping[str, Any]) -> list[str]:
    data, pairs = description["configuration"]["data"], description["training"].get("training_pairs")
    size = f"{pairs:,} sentence pairs, after cleaning" if pairs is not None else "not recorded"
    rows = [("training", _names(data["train"]), size), ("validation", _names(data["validation"]), "")]
    if data["test"] is not None:
        rows.append(("test", _names(data["test"]), ""))
    return ["## Data", "", "| set | files | size |", "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in rows)]


def _sets(sets: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    return [sets] if isinstance(sets, Mapping) else sets


def _names(sets: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    """Lists names of files, with the tag and weight of each set.

    Of their folders, which are somebody's own, there are only those that tell files of one name apart.
    """
    found = []
    of_each = [files.get("pairs") or [*files["source"], *files["target"]] for files in _sets(sets)]
    parts = [PurePath(path).parts for paths in of_each for path in paths]
    for files, paths in zip(_sets(sets), of_each, strict=True):
        names = ", ".join(_code_in_table(_ending(PurePath(path).parts, parts)) for path in paths)
        notes = [f"tag {_code_in_table(files['tag'])}"] if files.get("tag") else []
        if (weight := files.get("weight", 1)) != 1:
            notes.append(f"weight {weight:g}")
        found.append(f"{names} ({', '.join(notes)})" if notes else names)
    return "; ".join(found)


def _scores(description: Mapping[str, Any], scores: Sequence[CardScore]) -> list[str]:
    lines = ["## Scores", ""]
    if scores:
        lines += ["| test set | metric | score | sacreBLEU's signature |", "| --- | --- | --- | --- |"]
        for one in scores:
            row = [_plain(one.test_set), TITLES[one.metric], f"{one.score:.2f}", _code_in_table(one.signature)]
            lines.append(f"| {' | '.join(row)} |")
        lines.append("")
    training = description["training"]
    if training["best_score"] is None:
        return [*lines, "It has not been validated."]
    tokenize = f", tokenizer {training.get('validation_tokenize', '13a')}" if training["metric"] == "bleu" else ""
    score = f"{training['metric']} {abs(training['best_score']):.2f}{tokenize}"
    if training["step"] == training["best_step"]:
        return [*lines, f"The checkpoint was chosen by the validation set: {score}, at step {training['best_step']:,}."]
    return [
        *lines,
        f"It is the checkpoint of step {training['step']:,}, which the validation set did not choose: the best of its "
        f"run until then, at step {training['best_step']:,}, had {score}.",
    ]


def _training(description: Mapping[str, Any]) -> list[str]:
    training, settings = description["training"], description["configuration"]["training"]
    lines = [
        "## Training",
        "",
        f"{training['step']:,} updates of about {settings['batch_tokens']:,} target tokens in "
        f"{counted(max(1, round(training['training_seconds'] / 60)), 'minute')}. `config.yaml` has all settings.",
    ]
    if origin := training.get("initialized_from"):
        lines += ["", f"It went on from {_origin(origin)}."]
    if origins := training.get("averaged"):
        parts = "; ".join(map(_origin, origins))
        lines += ["", f"Its weights are the mean of those of {len(origins)} models: {parts}."]
    return lines


def _origin(origin: Mapping[str, Any]) -> str:
    """Tells of a model that this one was made from."""
    step = "" if origin.get("step") is None else f", step {origin['step']:,}"
    return f"{_code(origin['name'])}{step} (SHA-256 {_plain(origin['sha256'])})"


def _limits(description: Mapping[str, Any], licence: str | None) -> list[str]:
    longest = description["configuration"]["data"]["max_length"]
    stated = f"The licence is {_code(licence)}." if licence else "No licence is stated."
    return [
        "## Limits",
        "",
        f"It was trained on single sentences of up to {longest} tokens. Names and words that its training text has not "
        "are often wrong, and a fluent translation may be wrong, too. It may repeat what its training text says, "
        "private or unkind as that may be.",
        "",
        f"{stated} Texts that it was trained on may have terms of their own.",
    ]


# Backslashes, too, as one before a mark that is escaped would take the escape away.
_ESCAPES = {ord(mark): f"\\{mark}" for mark in "\\|["} | {ord("`"): "'", ord("<"): "‹", ord(">"): "›"}


def _plain(text: str) -> str:
    """Makes a text harmless in a table or a heading of Markdown."""
    return _line(text).translate(_ESCAPES)


def _code(text: str) -> str:
    """Makes a text a code span of Markdown, which shows it as it is, outside of tables."""
    line = _line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if not line or "`" in (line[0], line[-1]) else ""
    return f"{fence}{space}{line}{space}{fence}"


def _code_in_table(text: str) -> str:
    """Makes a text a code span in a table, where a bar ends a cell even there; backslashes before one are doubled."""
    return re.sub(r"(\\*)\|", r"\1\1\|", _code(text))


def _line(text: str) -> str:
    """Puts a text on one line of UTF-8, as a line of three hyphens would end the YAML."""
    return " ".join(without_surrogates(text).split())
