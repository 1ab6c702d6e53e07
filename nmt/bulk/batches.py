"""Translation of the batches of a dataset of Ray Data, by a class that its actors hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nmt.bulk.columns import Columns, identity_number
from nmt.bulk.model import ModelSource
from nmt.bulk.rows import RowTranslator, added_columns
from nmt.errors import DataError

if TYPE_CHECKING:
    from nmt.translation.options import TranslateOptions
    from nmt.translation.translator import Translator


class BulkTranslator:
    """Adds translations to batches of rows; for `ray.data.Dataset.map_batches`, whose actors load the model once.

    A batch is a table of pyarrow, a DataFrame of pandas or a dictionary of NumPy arrays, whichever `batch_format` says;
    what comes back is of the same kind, with the columns that it had. (NumPy has no type for texts of which some are
    null: a batch of it without an error has a column `error` of the type null. The others have the same types always.)

    Rows are sorted by length inside a batch, so that batches of some thousands of rows are the quickest. A row's
    translation does not depend on its batch.

    A row that cannot be translated, since it is null, no text or too long, has the reason in the column `error`.
    """

    def __init__(
        self,
        model: Path | str,
        columns: Columns | None = None,
        *,
        threads: int = 1,
        device: str = "auto",
        precision: str = "auto",
        **options: Any,
    ) -> None:
        """Loads the model.

        Args:
            model: path of a run directory, a checkpoint or an exported model, on each machine of the cluster.
            columns: which is translated and which are added; by default, `text` is translated to `translation`.
            threads: of the processor to compute with; as many as the `num_cpus` of the actor.
            device: auto, cpu or cuda.
            precision: auto, fp32, bf16 or int8.
            options: of the search, as `Translator.options` takes them. Samples need columns with an `id`, so that what
                a row draws does not depend on its batch.

        Raises:
            TypeError, ValueError: an option is none, or out of its range, or samples lack an `id`.
            ModelError: there is no model, or it cannot be loaded.
            DeviceError: there is no such device.
        """
        self._columns = columns or Columns()
        translator = ModelSource((Path(model),), device, precision, threads=threads).load()
        self._rows = table_translator(translator, self._columns, translator.options(**options))

    def __call__(self, batch: Any) -> Any:
        """Returns a batch with the columns that are added.

        Raises DataError if it has no column to translate, or one already of a name that is added.
        """
        return with_translations(batch, self._columns, self._rows)


def table_translator(translator: Translator, columns: Columns, options: TranslateOptions) -> RowTranslator:
    """Makes what translates the rows of tables; raises ValueError for samples of rows without an `id`."""
    from nmt.postprocessing.postprocess import Postprocessor

    if options.sampling is not None and columns.id is None:
        raise ValueError("sampling needs columns with an id: what a row draws must not depend on its batch")
    postprocessor = Postprocessor(confidence=columns.confidence)
    return RowTranslator(translator, replace(options, attention=columns.confidence), postprocessor)


def with_translations(batch: Any, columns: Columns, rows: RowTranslator) -> Any:
    """Returns a batch of any of the kinds that `BulkTranslator` takes with the columns that are added; see there."""
    if isinstance(batch, Mapping):
        import numpy

        added = _added(columns, rows, list(batch), lambda name: numpy.asarray(batch[name], dtype=object).tolist())
        for name, values in added.items():  # of which those of numbers have NaN for None
            batch = {**batch, name: numpy.array(values, dtype=object if columns.is_text(name) else float)}
        return batch
    if hasattr(batch, "append_column"):  # a table of pyarrow
        added = _added(columns, rows, batch.column_names, lambda name: batch.column(name).to_pylist())
        for name, values in added.items():
            batch = batch.append_column(name, arrow_array(values, is_text=columns.is_text(name)))
        return batch
    import pandas

    added = _added(columns, rows, list(batch.columns), lambda name: batch[name].tolist())
    kinds = {name: "string" if columns.is_text(name) else "float64" for name in added}
    return batch.assign(
        **{name: pandas.Series(values, batch.index, dtype=kinds[name]) for name, values in added.items()}
    )


def arrow_array(values: Sequence[Any], *, is_text: bool) -> Any:
    """Makes an array of pyarrow, of a type that does not depend on which values are null."""
    import pyarrow

    return pyarrow.array(values, type=pyarrow.string() if is_text else pyarrow.float64())


def _added(
    columns: Columns, rows: RowTranslator, names: Sequence[str], values: Callable[[str], list[Any]]
) -> dict[str, list[Any]]:
    """Returns the columns that are added to a table with columns of these names, whose values a function gives."""
    if problems := columns.problems("batch", names):
        raise DataError.from_problems(problems)
    texts = values(columns.source)
    if columns.id is None:
        return added_columns(columns, rows.translate(texts, range(1, len(texts) + 1), {}))
    ids = values(columns.id)
    return added_columns(columns, rows.translate(texts, list(map(identity_number, ids)), columns.id_errors(ids)))
