"""How the first human open, or the first click, of each message followed the sending of its mailing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impressions_analytics.analytics.classes import with_classes
from impressions_analytics.analytics.covered import Covered, read_covered
from impressions_analytics.engine import AnalysisInput, RequiredColumns, known_until, open_input

if TYPE_CHECKING:
    from impressions_analytics.columns import Kind

MINUTE = 60  # seconds
_DAY = pd.Timedelta(days=1)
_KEYS = ["mailing", "destination"]


@dataclass(frozen=True, slots=True)
class Sending:
    """One mailing: when it was sent, and how old it was at the first open (or click) of each opened message.

    Attributes
    ----------
    mailing : int
        Its number.
    sent_at : Timestamp
        When its first message was sent.
    last_sent_at : Timestamp
        When its last message was sent.
    delivered : int
        Its delivered messages.
    minutes : ndarray
        The age of the mailing at each first open, in whole minutes rounded up, in order.
    """

    mailing: int
    sent_at: pd.Timestamp
    last_sent_at: pd.Timestamp
    delivered: int
    minutes: np.ndarray[Any, np.dtype[np.int64]]

    def reached(self, minutes: Any) -> Any:
        """Return how many messages were opened within so many minutes of the sending."""
        return np.searchsorted(self.minutes, minutes, side="right")


def read_sendings(
    opens: Any, destinations: Any, deliveries: Any, clicks: Any, kinds: Sequence[str], *, horizon: pd.Timedelta
) -> tuple[dict[str, list[Sending]], pd.Timestamp, Covered]:
    """Return the mailings in order of sending, by opens and by clicks; until when the opens are known; what is lacking.

    Mailings that the inputs do not cover from the sending to the horizon are left out.
    """
    columns = ("mailing", "destination", "timestamp", "useragent")
    source = open_input(opens, RequiredColumns("impressions", columns))
    sent = source.also(destinations, RequiredColumns("destinations", ("ID", "mailing", "timestampsent")))
    arrived = source.also(deliveries, RequiredColumns("deliveries", ("mailing", "destination")))
    mailed = _mailed(source, sent, arrived)
    rows = with_classes(source, ("kind",))
    read = {"opens": _sendings(source, mailed, rows.filter(rows.classified_kind.isin(kinds)), arrived)}
    if clicks is not None:
        table = source.also(clicks, RequiredColumns("clicks", columns))
        rows = with_classes(AnalysisInput(table, source.engine), ("kind",))
        read["clicks"] = _sendings(source, mailed, rows.filter(rows.classified_kind != "bot"), arrived)
    first, latest = _outer(source)
    given: dict[Kind, Any] = {
        "impressions": opens,
        "destinations": destinations,
        "deliveries": deliveries,
        "clicks": clicks,
    }
    known = read_covered(source, given, mailed["mailing"].tolist(), settled=horizon.to_pytimedelta())
    begin = first - _DAY if "impressions" in known.doubts and not pd.isna(first) else pd.Timestamp.min
    sendings = {
        name: [one for one in sent if one.mailing not in known.lacks and one.sent_at >= begin]
        for name, sent in read.items()
    }
    return sendings, known_until(opens, "impressions") or latest, known


def _mailed(source: AnalysisInput, sent: Any, arrived: Any) -> pd.DataFrame:
    """Return when each mailing was sent and how much of it was delivered, in order of sending."""
    times = sent.group_by("mailing").aggregate(sent_at=sent.timestampsent.min(), last_sent_at=sent.timestampsent.max())
    delivered = arrived.group_by("mailing").aggregate(delivered=arrived.destination.nunique())
    joined = times.left_join(delivered, "mailing").select(*times.columns, delivered=delivered.delivered.fill_null(0))
    frame: pd.DataFrame = source.engine.fetch(joined).to_pandas()
    return frame[frame["sent_at"].notna()].sort_values(["sent_at", "mailing"], ignore_index=True)


def _sendings(source: AnalysisInput, mailed: pd.DataFrame, rows: Any, arrived: Any) -> list[Sending]:
    ages = _ages(source, mailed, rows, arrived)
    grouped = ages.groupby("mailing")["minutes"]
    groups: dict[Any, Any] = {mailing: np.sort(group.to_numpy()) for mailing, group in grouped}
    known: list[dict[Any, Any]] = mailed.to_dict("records")
    return [Sending(**row, minutes=groups.get(row["mailing"], np.zeros(0, np.int64))) for row in known]


def _ages(source: AnalysisInput, mailed: pd.DataFrame, rows: Any, arrived: Any) -> pd.DataFrame:
    """Return the age of the mailing at the first row of each delivered message."""
    firsts = rows.group_by(_KEYS).aggregate(first=rows.timestamp.min())
    firsts = firsts.filter(firsts["first"].notnull()).semi_join(arrived, _KEYS)
    frame: pd.DataFrame = source.engine.fetch(firsts.select("mailing", "first")).to_pandas()
    frame = frame.merge(mailed[["mailing", "sent_at"]], on="mailing")
    seconds = (frame["first"] - frame["sent_at"]).dt.total_seconds().clip(lower=0)
    return frame.assign(minutes=np.ceil(seconds / MINUTE).astype("int64"))


def _outer(source: AnalysisInput) -> tuple[pd.Timestamp, pd.Timestamp]:
    times = source.table.timestamp
    (row,) = source.engine.fetch(source.table.aggregate(first=times.min(), latest=times.max())).to_pylist()
    return pd.Timestamp(row["first"]), pd.Timestamp(row["latest"])
