"""What may come in, and what goes out: any kind of data becomes an Ibis table, and a result becomes the input's kind.

Pandas, Polars and Arrow frames, Parquet paths and globs and archives are computed by DuckDB in this process, and give
pandas frames. Ibis tables and Spark frames are computed where they live, and give their own kind, still lazy. Data
crosses through Arrow, only the columns that an analysis needs, and nullable integers stay integers.
"""

from __future__ import annotations

from impressions_analytics.engine.column_batches import (
    ColumnBatch,
    Integers,
    UnsuitedError,
    batches_together,
    column_batches,
)
from impressions_analytics.engine.coverage import Coverage, coverage_of, known_from, known_until
from impressions_analytics.engine.expressions import nulls_last, whole_numbers
from impressions_analytics.engine.inputs import AnalysisInput, open_input
from impressions_analytics.engine.origins import check_family, origin_of
from impressions_analytics.engine.required_columns import RequiredColumns, column_list
from impressions_analytics.engine.results import dtype_of

__all__ = [
    "AnalysisInput",
    "ColumnBatch",
    "Coverage",
    "Integers",
    "RequiredColumns",
    "UnsuitedError",
    "batches_together",
    "check_family",
    "column_batches",
    "column_list",
    "coverage_of",
    "dtype_of",
    "known_from",
    "known_until",
    "nulls_last",
    "open_input",
    "origin_of",
    "whole_numbers",
]
