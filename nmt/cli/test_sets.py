"""The test sets that `nmt eval` and `nmt compare` read and translate."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.cli.arguments import check_tag
from nmt.cli.files import check_files
from nmt.cli.glossary import TermWatch
from nmt.cli.logs import logger
from nmt.errors import DataError, InputFileError

if TYPE_CHECKING:
    from nmt.config.parallel_files import ParallelFiles
    from nmt.evaluation.metrics import Text
    from nmt.translation.options import TranslateOptions
    from nmt.translation.translator import Translator

LINES_AT_ONCE = 1024
"""Maximum number of lines translated together."""


def read_text(path: str) -> Text:
    """Reads the lines of a file.

    Raises:
        DataError: a line is longer than is read.
    """
    from nmt.evaluation.metrics import Text
    from nmt.io.streams import read_lines

    lines = []
    for line in read_lines(path, logger.warning):
        if line.too_long:
            raise DataError(f"{path}:{line.number}", "is too long to be scored")
        lines.append(line.text)
    return Text(path, lines)


def read_given(
    src: str | None,
    ref: Sequence[str],
    *,
    others: Sequence[tuple[str, str]] = (),
    output: tuple[str, str] | None = None,
) -> tuple[Text | None, list[Text]]:
    """Reads the source, where there is one, and each reference; `others` and the output are those of `check_files`."""
    source = [] if src is None else [("--src", src)]
    check_files([*others, *source, *(("--ref", path) for path in ref)], output)
    # sacreBLEU allows the same reference twice.
    return None if src is None else read_text(src), [read_text(path) for path in ref]


def read_configured(
    test: ParallelFiles, *, others: Sequence[tuple[str, str]] = (), output: tuple[str, str] | None = None
) -> tuple[Text, list[Text]]:
    """Reads source and reference of the test set that a configuration names; otherwise as `read_given`.

    Raises:
        ConfigError: the files cannot be used together.
        DataError: files that belong together have unequal numbers of lines, or a line is longer than is read.
        InputFileError: a file is missing or cannot be read.
    """
    from nmt.corpus.parallel import CorpusFiles, read_pairs
    from nmt.evaluation.metrics import Text

    files = CorpusFiles.from_config(test)
    check_files([*others, *(("data.test", path) for path in files.paths)], output)
    for path in files.paths:
        if not Path(path).exists():
            what = "no such file, though the model's configuration names it as test set; use --src and --ref"
            raise InputFileError(path, what)
    # File by file: sums that agree would hide lines that do not belong together.
    source: list[str] = []
    target: list[str] = []
    for pair in read_pairs(files, logger.warning):
        if pair.too_long:
            raise DataError(
                f"{files.source[pair.file]}:{pair.number}", "it or its translation is too long to be scored"
            )
        source.append(pair.source)
        target.append(pair.target)
    return Text(", ".join(files.source), source), [Text(", ".join(files.target), target)]


def test_tag(translator: Translator, given: str | None, *, is_configured: bool) -> str | None:
    """Returns the tag before each source of a test set: the given one, or that of the set in the configuration.

    An empty one stands for none.
    """
    if not given and given is not None:
        return None
    check_tag(translator.tokenizers, given)
    test = translator.config.data.test
    return test.tag if given is None and is_configured and test is not None else given


def translate_lines(
    translator: Translator, lines: Sequence[str], options: TranslateOptions, *, quiet: bool
) -> list[str]:
    """Returns the best translation of each line; shows a progress bar on a terminal, and warns of missing terms."""
    from nmt.training.progress import CountProgress

    translations: list[str] = []
    watch = TermWatch()
    with closing(CountProgress("translating", "lines", quiet=quiet)) as progress:
        for start in range(0, len(lines), LINES_AT_ONCE):
            batch = lines[start : start + LINES_AT_ONCE]
            found = translator.translate(batch, options, numbers=range(start + 1, start + 1 + len(batch)))
            translations += [translation.text for translation in found]
            for translation in found:
                watch.look_at(translation)
            progress.show(len(translations))
    watch.warn()
    return translations
