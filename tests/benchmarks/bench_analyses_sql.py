"""Run one SQL text on several embedded engines, on a frame or a Parquet file, to a pandas frame; for the benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

Run = Callable[[], pd.DataFrame]


def of_duckdb(query: str, opens: pd.DataFrame | Path, clients: pd.DataFrame) -> Run:
    connection = duckdb.connect()
    connection.register("clients", clients)
    if isinstance(opens, pd.DataFrame):
        connection.register("opens", opens)
    text = query.format(opens="opens" if isinstance(opens, pd.DataFrame) else f"'{opens}'", clients="clients")
    return lambda: connection.sql(text).df()


def of_chdb(query: str, opens: pd.DataFrame | Path, clients: pd.DataFrame) -> Run:
    import chdb

    known = pa.Table.from_pandas(clients, preserve_index=False)
    source = "Python(rows)" if isinstance(opens, pd.DataFrame) else f"file('{opens}', Parquet)"
    text = query.format(opens=source, clients="Python(names)")

    def run() -> pd.DataFrame:
        names = known  # noqa: F841 - chdb finds a table by the name of the variable
        if isinstance(opens, pd.DataFrame):
            rows = pa.Table.from_pandas(opens, preserve_index=False)  # noqa: F841
        return chdb.query(text, "ArrowTable").to_pandas()

    return run


def of_datafusion(query: str, opens: pd.DataFrame | Path, clients: pd.DataFrame) -> Run:
    import datafusion

    text = query.format(opens="opens", clients="clients")

    def run() -> pd.DataFrame:
        context = datafusion.SessionContext()
        context.from_arrow(pa.Table.from_pandas(clients, preserve_index=False), name="clients")
        if isinstance(opens, pd.DataFrame):
            context.from_arrow(pa.Table.from_pandas(opens, preserve_index=False), name="opens")
        else:
            context.register_parquet("opens", str(opens))
        return context.sql(text).to_pandas()

    return run


ENGINES: dict[str, Callable[[str, Any, pd.DataFrame], Run]] = {"DuckDB": of_duckdb}
for name, module, engine in (("chdb", "chdb", of_chdb), ("DataFus.", "datafusion", of_datafusion)):
    if find_spec(module):
        ENGINES[name] = engine
