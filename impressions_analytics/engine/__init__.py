"""What may come in, and what goes out: any kind of data becomes an Ibis table, and a result becomes the input's kind.

Pandas, Polars and Arrow frames, Parquet paths and globs and archives are computed by DuckDB in this process, and give
pandas frames. Ibis tables and Spark frames are computed where they live, and give their own kind, still lazy. Data
crosses through Arrow, only the columns that an analysis needs, and nullable integers stay integers.
"""

from __future__ import annotations

from impressions_analytics.engine.claims import check_family, claim_of, known_until
from impressions_analytics.engine.expressions import nulls_last, whole_numbers
from impressions_analytics.engine.needs import Need, column_list
from impressions_analytics.engine.results import dtype_of
from impressions_analytics.engine.rows import Integers, Piece, UnsuitedError, pieces
from impressions_analytics.engine.source import Source, open_source

__all__ = [
    "Integers",
    "Need",
    "Piece",
    "Source",
    "UnsuitedError",
    "check_family",
    "claim_of",
    "column_list",
    "dtype_of",
    "known_until",
    "nulls_last",
    "open_source",
    "pieces",
    "whole_numbers",
]
