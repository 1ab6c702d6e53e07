"""Very many rows: tables of any size translated by Ray Data or Spark, each row once."""

from nmt.bulk.batches import BulkTranslator
from nmt.bulk.columns import Columns
from nmt.bulk.spark import SparkTranslator, spark_translator

__all__ = ["BulkTranslator", "Columns", "SparkTranslator", "spark_translator"]
