"""Spark frames: the same expressions, on the cluster that holds the data, classic or by Spark Connect.

Spark keeps instants and shows them in the session's zone. The wall clock of the account is no instant, so it is taken
as what the user's session shows when an analysis is called, in the type that has no zone (``timestamp_ntz``). From
there on nothing looks at the session's zone, no setting of the session is changed, and no view is left in it.
"""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from impressions_analytics.engine.backend import Engine
from impressions_analytics.engine.required_columns import RequiredColumns

_ZONE = "spark.sql.session.timeZone"


def open_spark(frame: Any, required: RequiredColumns) -> tuple[Any, Engine]:
    """Return the needed columns of a Spark frame as an Ibis table, and its session as an engine."""
    required.check_names(frame.columns)
    engine = _engine(frame.sparkSession)
    return _table(_wall_clock(frame.select(*required.names)), engine.backend), engine


def _engine(session: Any) -> Engine:
    backend = _backend(session)

    def wrap(expression: Any) -> Any:
        return _frame(session, backend, expression)

    def small(table: Any) -> Any:
        return _table(_small(session, table), backend)

    return Engine(backend, fetch=lambda expression: wrap(expression).toArrow(), small=small, wrap=wrap)


@cache
def _backend(session: Any) -> Any:
    """Return the one Ibis backend of a session, so that tables of the same session are known to be joinable."""
    import ibis

    from impressions_analytics.engine.spark_sql import SessionBackend

    _ = ibis.pyspark  # Ibis knows Spark's options only when its own backend was asked for
    return SessionBackend().connect(session)


def _table(frame: Any, backend: Any) -> Any:
    """Make a Spark frame an Ibis table that holds on to it."""
    import ibis
    from ibis.backends.pyspark.datatypes import PySparkType

    from impressions_analytics.engine.spark_sql import FrameRows

    name = f"impressions_{uuid.uuid4().hex}"
    schema = ibis.schema(PySparkType.to_ibis(frame.schema))
    return FrameRows(name=name, schema=schema, source=backend, frame=frame).to_expr()


def _frame(session: Any, backend: Any, expression: Any) -> Any:
    """Make an Ibis expression a Spark frame; the frames that it is computed from are given beside its query."""
    from impressions_analytics.engine.spark_sql import FrameRows

    frames = {rows.name: rows.frame for rows in expression.op().find(FrameRows)}
    query = backend.compile(expression).replace("{", "{{").replace("}", "}}")
    for name in frames:
        query = query.replace(f"`{name}`", f"{{{name}}}")
    return session.sql(query, **frames)


def _small(session: Any, table: Any) -> Any:
    """Make a small Arrow table a Spark frame; its wall clocks cross as microseconds, which no zone changes."""
    import pyarrow as pa

    clocks = [field.name for field in table.schema if pa.types.is_timestamp(field.type)]
    for name in clocks:
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table.column(name).cast(pa.timestamp("us")).cast(pa.int64()))
    frame = session.createDataFrame(table)
    return frame.selectExpr(
        *(_clock_of(f"`{name}`", name) if name in clocks else f"`{name}`" for name in frame.columns)
    )


def _wall_clock(frame: Any) -> Any:
    """Turn instants into what the session shows of them now; timestamps without a zone are that already."""
    instants = [name for name, type_ in frame.dtypes if type_ == "timestamp"]
    if not instants:
        return frame
    zone = frame.sparkSession.conf.get(_ZONE)
    return frame.selectExpr(*(
        _clock_of(f"unix_micros(`{name}`)", name, zone) if name in instants else f"`{name}`" for name in frame.columns
    ))  # fmt: skip


def _clock_of(microseconds: str, name: str, zone: str = "UTC") -> str:
    """Return SQL for what a clock in a zone shows so many microseconds after 1970 began in UTC."""
    since = f"make_dt_interval(0, 0, 0, CAST({microseconds} AS DECIMAL(20, 0)) / 1000000)"
    clock = f"TIMESTAMP_NTZ '1970-01-01' + {since}"
    return f"convert_timezone('UTC', '{zone}', {clock}) AS `{name}`" if zone != "UTC" else f"{clock} AS `{name}`"
