"""Spark frames: the same expressions, on the cluster that holds the data.

Spark keeps instants and shows them in the session's zone, and its calendar functions compute in that zone. The wall
clock of the account is no instant, so it is taken as what the user's session shows, and everything is then computed as
if that clock ran in UTC, where no hour is skipped or repeated. The session's own zone is put back before anything
returns; timestamps in results are of the type that has no zone (``timestamp_ntz``).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from impressions_analytics.engine.backend import Engine
from impressions_analytics.engine.required_columns import RequiredColumns
from impressions_analytics.errors import InvalidArgumentError

_ZONE = "spark.sql.session.timeZone"


def open_spark(frame: Any, required: RequiredColumns) -> tuple[Any, Engine]:
    """Return the needed columns of a Spark frame as an Ibis table, and its session as an engine.

    Raises
    ------
    InvalidArgumentError
        The frame belongs to a Spark Connect session, which looks at the zone too late to be told.
    """
    if ".connect." in type(frame).__module__:
        raise InvalidArgumentError(
            "a Spark Connect frame cannot be analysed here: its zone is settled only when it is computed; "
            "use a classic session, or write the data to Parquet and give the path"
        )
    required.check_names(frame.columns)
    engine = _engine(frame.sparkSession)
    return _table(_wall_clock(frame.select(*required.names)), engine.backend), engine


def _engine(session: Any) -> Engine:
    with _utc(session):
        backend = _backend(session)

    def wrap(expression: Any) -> Any:
        with _utc(session):  # a plan keeps the zone that it was made in
            return _wall_clock(session.sql(backend.compile(expression)))

    def small(table: Any) -> Any:
        with _utc(session):
            return _table(_wall_clock(session.createDataFrame(table)), backend)

    return Engine(backend, fetch=lambda expression: wrap(expression).toArrow(), small=small, wrap=wrap)


@cache
def _backend(session: Any) -> Any:
    """Return the one Ibis backend of a session, so that tables of the same session are known to be joinable."""
    import ibis

    return ibis.pyspark.connect(session)


@contextmanager
def _utc(session: Any) -> Iterator[None]:
    """Let the session's clock run in UTC for a while."""
    zone = session.conf.get(_ZONE)
    session.conf.set(_ZONE, "UTC")
    try:
        yield
    finally:
        session.conf.set(_ZONE, zone)


def _table(frame: Any, backend: Any) -> Any:
    """Make a Spark frame a table; the view is only a name for its plan, and holds no rows."""
    view = f"impressions_{uuid.uuid4().hex}"
    frame.createOrReplaceTempView(view)
    return backend.table(view)


def _wall_clock(frame: Any) -> Any:
    """Turn instants into what the session shows of them; timestamps without a zone are that already."""
    casts = {name: frame[name].cast("timestamp_ntz") for name, type_ in frame.dtypes if type_ == "timestamp"}
    return frame.withColumns(casts) if casts else frame
