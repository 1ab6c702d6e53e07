"""Translation of the rows of a DataFrame of Spark, in the Python processes of its executors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nmt.bulk.batches import table_translator, with_translations
from nmt.bulk.columns import Columns
from nmt.bulk.model import ModelSource

if TYPE_CHECKING:
    from nmt.translation.options import TranslateOptions
    from nmt.translation.translator import Translator


@dataclass(frozen=True)
class SparkTranslator:
    """Adds translations to the rows of a DataFrame; `spark_translator` makes it, and `DataFrame.mapInPandas` takes it.

    Attributes:
        model: where it is, and which.
        columns: which is translated, and which are added.
        options: of the search.
    """

    model: ModelSource
    columns: Columns
    options: TranslateOptions

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yields DataFrames of pandas with the columns that are added; errors are those of `BulkTranslator`."""
        rows = table_translator(_loaded(self.model), self.columns, self.options)
        for batch in batches:
            yield with_translations(batch, self.columns, rows)

    def schema(self, schema: Any) -> Any:
        """Returns the schema of a DataFrame with the columns that are added."""
        from pyspark.sql.types import DoubleType, StringType, StructField, StructType

        kinds = {name: StringType() if self.columns.is_text(name) else DoubleType() for name in self.columns.added}
        return StructType([*schema.fields, *(StructField(name, kind) for name, kind in kinds.items())])


def spark_translator(
    model: Path | str,
    columns: Columns | None = None,
    *,
    threads: int = 1,
    device: str = "auto",
    precision: str = "auto",
    **options: Any,
) -> SparkTranslator:
    """Makes what translates the rows of a DataFrame of Spark by `DataFrame.mapInPandas`.

    The model is loaded here once, to check it and the options; each Python process of an executor loads it again from
    the same path, and must find the same model there. Arguments and errors are those of `BulkTranslator`; `threads`
    are those that Spark gives a task, `spark.task.cpus`.
    """
    columns = columns or Columns()
    translator = ModelSource((Path(model).absolute(),), "cpu", threads=None).load()
    chosen = translator.options(**options)
    table_translator(translator, columns, chosen)
    source = ModelSource(translator.directories, device, precision, threads=threads, identity=translator.identity)
    return SparkTranslator(source, columns, chosen)


@lru_cache(maxsize=1)
def _loaded(model: ModelSource) -> Translator:
    """Loads a model, unless it was the last that this process has loaded.

    Spark gives a process of Python many tasks, one after the other, and nothing to keep between them.
    """
    return model.load()
