"""Whether a load agrees with Copernica's own statistics."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from impressions_analytics.api.settings import Copernica
from impressions_analytics.api.windows import SECOND
from impressions_analytics.certificate import Verdict
from impressions_analytics.columns import Family, Kind
from impressions_analytics.errors import AnalysisError, MissingColumnError
from impressions_analytics.loader.assembly import wall_clock
from impressions_analytics.loader.selection import given_api, want_events
from impressions_analytics.loader.totals import load_statistics

LAG_SECONDS = 2 * 24 * 3600  # Copernica's figures lag behind its rows; by how much is not known


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A load held against Copernica's own statistics of the same emailing or destination.

    Attributes
    ----------
    rows, destinations : int
        What the load holds: distinct rows by their ID, and distinct destinations.
    doubled : int
        Rows more than that: rows whose ID is there before.
    total, unique : int or None
        What Copernica counts.
    total_difference, unique_difference : int or None
        The load's figure less Copernica's: above zero where Copernica's lags, below zero where the load lacks rows.
    newest_row_age_seconds : float or None
        How old the newest row is: Copernica's figures lag, so a difference of a young load means little.
    verdict : str
        "complete" when both agree, or the load has more and rows so young that Copernica may not have counted them;
        "contradicted" when they do not, or a row is there twice; else, when Copernica gives no figure, "unproven".
    """

    kind: Kind
    rows: int
    destinations: int
    doubled: int
    total: int | None
    unique: int | None
    total_difference: int | None
    unique_difference: int | None
    newest_row_age_seconds: float | None
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return asdict(self)


def reconcile(
    frame: pd.DataFrame,
    api: Copernica | None = None,
    *,
    emailing: int | str | None = None,
    destination: int | str | None = None,
    kind: Kind = "impressions",
    family: Family = "ms",
) -> Reconciliation:
    """Hold a load against Copernica's own statistics of the same emailing or destination.

    Parameters
    ----------
    frame : pandas.DataFrame
        All events of the kind that were loaded for that emailing or destination. Where its certificate names a
        period, the statistics are asked for the same period.
    api, emailing, destination, family
        As for `load_statistics`.
    kind : str
        What the frame holds.

    Returns
    -------
    Reconciliation

    Raises
    ------
    AnalysisError
        When the frame, by its certificate, holds something else.
    """
    api = given_api(api)
    whose = want_events(kind, api, emailing=emailing, destination=destination, family=family)
    _check_whole(frame, kind, whose.endpoints[0].path)
    begin, end = _period_of(frame)
    statistics = load_statistics(api, emailing=emailing, destination=destination, begin=begin, end=end, family=family)
    counted = statistics.set_index("kind").loc[kind]
    doubled = int(frame["ID"].duplicated().sum())
    frame = frame.drop_duplicates("ID")
    rows, destinations = len(frame), int(frame["destination"].nunique())
    total, unique = _known(counted["total"]), _known(counted["unique"])
    inner = _inside(frame, begin, end)
    total_difference = _less(rows, len(inner), total)
    unique_difference = _less(destinations, int(inner["destination"].nunique()), unique)
    return Reconciliation(
        kind, rows, destinations, doubled, total, unique, total_difference, unique_difference,
        age := _age_seconds(frame, wall_clock(api)),
        "contradicted" if doubled else _verdict(total_difference, unique_difference, age),
    )  # fmt: skip


def _check_whole(frame: pd.DataFrame, kind: Kind, path: str) -> None:
    """Refuse a frame that, by its certificate, is not all the events of the kind that the statistics count."""
    for column in ("ID", "destination", "timestamp"):
        if column not in frame.columns:
            raise MissingColumnError(f"the frame has no column {column!r}; give the frame as it was loaded")
    load = frame.attrs.get("load")
    if load is None:
        return
    if load.get("kind") != kind or load.get("endpoints") != [path]:
        raise AnalysisError(
            f"the frame holds {load.get('kind')} of {load.get('endpoints')}, asked to hold it to {path}"
        )


def _known(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _period_of(frame: pd.DataFrame) -> tuple[str | None, str | None]:
    """Return the period that a frame was loaded for, by its certificate."""
    load = frame.attrs.get("load") or {}
    return load.get("begin"), load.get("end") if load.get("open_end") is False else None


def _inside(frame: pd.DataFrame, begin: str | None, end: str | None) -> pd.DataFrame:
    """Return the rows that the statistics count in any case: those of the period without its first and last second."""
    times = frame["timestamp"]
    inside = pd.Series(True, index=frame.index)
    if begin is not None:
        inside &= times > pd.Timestamp(begin)
    if end is not None:
        inside &= times < pd.Timestamp(end) - SECOND
    return frame[inside]


def _less(ours: int, at_least: int, theirs: int | None) -> int | None:
    """Return how many rows we have more than Copernica.

    It is 0 when Copernica's number lies between ours without and with the first and last second of the period.
    """
    if theirs is None:
        return None
    return 0 if at_least <= theirs <= ours else ours - theirs


def _verdict(total: int | None, unique: int | None, age_seconds: float | None) -> Verdict:
    known = [difference for difference in (total, unique) if difference is not None]
    lagging = age_seconds is not None and age_seconds < LAG_SECONDS
    if any(difference < 0 or (difference > 0 and not lagging) for difference in known):
        return "contradicted"
    return "complete" if known else "unproven"


def _age_seconds(frame: pd.DataFrame, now: dt.datetime) -> float | None:
    return None if frame.empty else (now - frame["timestamp"].max().to_pydatetime()).total_seconds()
