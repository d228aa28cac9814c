"""What happened to each message of an archive's recent mailings, and which client its recipient used before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impressions_analytics.analytics.classes import with_classes
from impressions_analytics.engine import AnalysisInput, RequiredColumns, open_input

if TYPE_CHECKING:
    from impressions_analytics.columns import Kind

NEEDED: tuple[Kind, ...] = ("impressions", "destinations", "deliveries")
OPTIONAL: tuple[Kind, ...] = ("clicks", "errors", "abuses")
_KEYS = ["mailing", "destination"]
_HAPPENED: dict[Kind, str] = {
    "deliveries": "delivered",
    "clicks": "clicked",
    "errors": "failed",
    "abuses": "complained",
}


def read_messages(
    archive: Any, kinds_there: Sequence[Kind], *, begin: pd.Timestamp, horizon_hours: int, kinds: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the messages sent since a moment, and the impressions of each of their mailings by the hour.

    Returns
    -------
    messages : DataFrame
        One row per destination: ``mailing``, ``destination``, ``profile``, ``sent_at`` and ``last_sent_at`` of its
        mailing, whether within the horizon it was ``fetched``, opened by a ``human`` or a ``bot``, ``delivered``,
        ``clicked``, ``failed``, ``complained``, and the ``client`` and time (``opened_at``) of its first human open.
    hours : DataFrame
        ``mailing``, ``hour`` and ``impressions``, of all kinds of open.
    """
    source = open_input(archive, RequiredColumns("impressions", (*_KEYS, "timestamp", "useragent")))
    sent = source.also(archive, RequiredColumns("destinations", ("ID", "mailing", "timestampsent", "profile")))
    sent = sent.filter(sent.timestampsent >= begin).rename(destination="ID").distinct()
    times = sent.group_by("mailing").aggregate(sent_at=sent.timestampsent.min(), last_sent_at=sent.timestampsent.max())
    rows = source.table.filter(source.table.timestamp >= begin)
    rows = with_classes(AnalysisInput(rows, source.engine), ("kind", "client"))
    messages = sent.drop("timestampsent").join(times, "mailing")
    messages = _with(messages, _opened(rows, times, horizon_hours, kinds))
    for kind, name in _HAPPENED.items():
        if kind in kinds_there:
            happened = _happened(source, archive, kind, times, horizon_hours)
            messages = _with(messages, happened.mutate(**{name: 1}))
    hours = rows.semi_join(times, "mailing").select("mailing", hour=lambda row: row.timestamp.truncate("h"))
    hours = hours.group_by("mailing", "hour").aggregate(impressions=hours.count())
    return _plain(source.engine.fetch(messages)), source.engine.fetch(hours).to_pandas()


def _opened(rows: Any, times: Any, horizon_hours: int, kinds: Sequence[str]) -> Any:
    """Return what fetched each message within the horizon, and its first human open at any time."""
    rows = rows.join(times, "mailing")
    soon = _soon(rows, horizon_hours)
    human = rows.classified_kind.isin(kinds)
    return rows.group_by(_KEYS).aggregate(
        fetched=soon.cast("int64").max(),
        human=(soon & human).cast("int64").max(),
        bot=(soon & (rows.classified_kind == "bot")).cast("int64").max(),
        opened_at=rows.timestamp.min(where=human),
        client=rows.classified_client.argmin(rows.timestamp, where=human),
    )


def _happened(source: AnalysisInput, archive: Any, kind: Kind, times: Any, horizon_hours: int) -> Any:
    """Return the messages that an event of this kind happened to within the horizon; clicks of bots left out."""
    columns = (*_KEYS, "timestamp", *(("useragent",) if kind == "clicks" else ()))
    table = source.also(archive, RequiredColumns(kind, columns))
    if kind == "clicks":
        table = with_classes(AnalysisInput(table, source.engine), ("kind",))
        table = table.filter(table.classified_kind != "bot")
    table = table.join(times, "mailing")
    return table.filter(_soon(table, horizon_hours)).select(*_KEYS).distinct()


def _soon(table: Any, horizon_hours: int) -> Any:
    import ibis

    return table.timestamp <= table.sent_at + ibis.interval(hours=horizon_hours)


def _with(messages: Any, more: Any) -> Any:
    joined = messages.left_join(more, _KEYS)
    return joined.select(*messages.columns, *(name for name in more.columns if name not in _KEYS))


def _plain(table: Any) -> pd.DataFrame:
    """Return whole numbers as such: what did not happen is 0; a message without a profile has -1."""
    frame: pd.DataFrame = table.to_pandas()
    for name in ("fetched", "human", "bot", *_HAPPENED.values()):
        if name in frame.columns:
            frame[name] = frame[name].fillna(0).astype("int64")
    frame["profile"] = frame["profile"].fillna(-1).astype("int64")
    return frame.sort_values(["sent_at", "mailing", "destination"], ignore_index=True)


def with_cohorts(messages: pd.DataFrame) -> pd.DataFrame:
    """Return the messages with ``cohort``: the client of the last human open of their recipient before the sending.

    Examples
    --------
    >>> messages = pd.DataFrame({
    ...     "profile": [7, 7], "sent_at": pd.to_datetime(["2026-01-05", "2026-01-12"]),
    ...     "opened_at": pd.to_datetime(["2026-01-06", None]), "client": ["Gmail", None],
    ... })
    >>> with_cohorts(messages)["cohort"].tolist()
    [nan, 'Gmail']
    """
    known = messages["profile"] >= 0
    opened = messages.loc[known & messages["opened_at"].notna(), ["profile", "opened_at", "client"]]
    opened = opened.sort_values("opened_at", kind="stable").rename(columns={"client": "cohort"})
    placed = messages.assign(place=np.arange(len(messages))).sort_values("sent_at", kind="stable")
    joined = pd.merge_asof(
        placed, opened, left_on="sent_at", right_on="opened_at", by="profile", allow_exact_matches=False,
        suffixes=("", "_before"),
    )  # fmt: skip
    return joined.sort_values("place", ignore_index=True).drop(columns=["place", "opened_at_before"])
