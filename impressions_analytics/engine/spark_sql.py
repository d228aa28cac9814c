"""Spark's SQL for wall clocks: the same moments in whatever zone the session is.

Spark's `date_trunc` and `unix_timestamp` turn a timestamp without a zone into an instant of the session's zone first,
so hours are moved where that zone skips one. What is written here asks for the day, hour, minute and second that the
clock shows, which no zone changes.
"""

from __future__ import annotations

from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.pyspark import Backend
from ibis.backends.sql.compilers.pyspark import PySparkCompiler

_LONG_UNITS = {"Y": "YEAR", "Q": "QUARTER", "M": "MONTH", "W": "WEEK"}
_CLOCK_PARTS = {"D": (), "h": ("hour",), "m": ("hour", "minute"), "s": ("hour", "minute", "second")}
_SECONDS = {"hour": 3600, "minute": 60, "second": 1}


class FrameRows(ops.DatabaseTable):  # type: ignore[misc]  # Ibis has no types
    """The rows of a Spark frame, which lives as long as anything that is computed from it.

    Attributes
    ----------
    frame : pyspark.sql.DataFrame
        The frame, classic or of Spark Connect.
    """

    frame: Any


class WallClockCompiler(PySparkCompiler):  # type: ignore[misc]
    """Ibis expressions to Spark's SQL, without the session's zone."""

    __slots__ = ()

    def visit_FrameRows(self, op: Any, *, name: str, **_: Any) -> Any:  # noqa: N802
        """Name the rows of a frame; the frame itself is given beside the query."""
        return sge.table_(name, quoted=self.quoted)

    def visit_TimestampTruncate(self, op: Any, *, arg: Any, unit: Any) -> Any:  # noqa: N802
        """Return the begin of the period that the clock is in."""
        day = self.cast(arg, dt.date)
        if unit.short in _LONG_UNITS:
            return self._clock(self.f.anon.trunc(day, _LONG_UNITS[unit.short]))
        parts = [self.f.anon[part](arg) for part in _CLOCK_PARTS[unit.short]]
        return self._clock(day) + self.f.anon.make_dt_interval(0, *parts) if parts else self._clock(day)

    def visit_ExtractEpochSeconds(self, op: Any, *, arg: Any) -> Any:  # noqa: N802
        """Return the seconds of the clock since 1970, as if it ran in UTC."""
        seconds = self.cast(self.f.anon.unix_date(self.cast(arg, dt.date)), dt.int64) * 86_400
        for part, length in _SECONDS.items():
            seconds += self.f.anon[part](arg) * length
        return sge.paren(seconds)

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: Any) -> Any:  # noqa: N802
        """Write a moment as one without a zone."""
        if dtype.is_timestamp():
            return self._clock(sge.convert(value.isoformat(sep=" ")))
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802
        """Cast to a timestamp without a zone where one is asked for."""
        return self._clock(arg) if to.is_timestamp() else super().visit_Cast(op, arg=arg, to=to)

    def _clock(self, arg: Any) -> Any:
        return sge.cast(arg, "timestamp_ntz", dialect="spark")


class SessionBackend(Backend):  # type: ignore[misc]
    """Ibis on a Spark session of which no setting is changed."""

    compiler = WallClockCompiler()

    def do_connect(self, session: Any) -> None:
        """Take the session as it is: Ibis itself would set its zone to UTC."""
        self._session = session
        self._mode = "batch"
