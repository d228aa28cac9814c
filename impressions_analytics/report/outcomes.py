"""What became of each mailing: when it was sent, and the share of it that was opened, clicked, bounced and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics.analytics.covered import read_covered
from impressions_analytics.engine import AnalysisInput, RequiredColumns, open_input

if TYPE_CHECKING:
    from impressions_analytics.columns import Kind
    from impressions_analytics.report.inputs import Inputs

PROBLEMS: dict[Kind, str] = {"errors": "bounced", "unsubscribes": "unsubscribed", "abuses": "complained"}
"""The kinds of rows that tell of trouble, and the word for a message that has one."""
_RATE_OF: dict[Kind, tuple[Kind, ...]] = {
    "errors": ("destinations", "deliveries"),
    "unsubscribes": ("deliveries",),
    "abuses": ("deliveries",),
}
"""What else has to cover a mailing so that the share of a trouble is known."""
_RATES = {
    "opened_low": ("open_rate_low", "open_rate_of_sent"),
    "opened_high": ("open_rate_high", "open_rate_of_sent"),
    "clicked": ("click_through_rate",),
}
"""What the page calls a rate, and the figures that give it, the better one first."""
_TOTALS: dict[Kind, str] = {"destinations": "sent", "deliveries": "delivered"}
_COUNTS = {
    "sent": "sent",
    "delivered": "delivered",
    "opened_messages": "unique_opens",
    "clicked_messages": "unique_clicks",
}


def mailing_outcomes(inputs: Inputs, performance: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each mailing, in the order in which they were sent.

    Parameters
    ----------
    inputs : Inputs
        The data of each kind.
    performance : DataFrame
        What `mailing_performance` gave.

    Returns
    -------
    DataFrame
        ``mailing``, ``subject``, ``sent_at``; as far as known ``sent``, ``delivered``, ``opened_low``, ``opened_high``,
        ``clicked``, ``bounced``, ``unsubscribed`` and ``complained``, which are shares, and the messages of each share
        (``bounced_messages``). Bounces are a share of the sent messages, the others of the delivered. A message with
        an error has bounced if it was not delivered too; those that were are ``retried_messages``, where deliveries
        were given. A share is null where an input does not cover the mailing; ``not_covered`` says which one.
    """
    result = performance[["mailing"]].assign(
        subject=[inputs.subjects.get(number, "") for number in performance["mailing"]]
    )
    result["sent_at"] = performance["mailing"].map(sent_at(inputs))
    for name, column in _COUNTS.items():
        if column in performance:
            result[name] = performance[column]
    for name, columns in _RATES.items():
        found = next((column for column in columns if column in performance), None)
        if found:
            result[name] = performance[found]
    source = open_input(inputs.get("impressions"), RequiredColumns("impressions", ("mailing",)))
    covered = read_covered(source, inputs.sources, performance["mailing"])
    for kind, trouble in PROBLEMS.items():
        if inputs.get(kind) is not None:
            of: Kind = "destinations" if kind == "errors" else "deliveries"
            without: Kind | None = "deliveries" if kind == "errors" else None
            result[f"{trouble}_messages"] = _counted(inputs, kind, performance, without=without)
            members = _counted(inputs, kind, performance, of=of, without=without)
            needs = (kind, *_RATE_OF[kind])
            known = pd.Series([covered.by(one, needs) for one in performance["mailing"]], result.index, dtype="bool")
            result[trouble] = _share(members, result.get(_TOTALS[of])).where(known)
    if inputs.get("errors") is not None and inputs.get("deliveries") is not None:
        result["retried_messages"] = _counted(inputs, "errors", performance, of="deliveries")
    words = [covered.words(mailing) for mailing in performance["mailing"]]
    result["not_covered"] = pd.Series(words, result.index, dtype="str")
    return result.sort_values(["sent_at", "mailing"], kind="stable", na_position="first").reset_index(drop=True)


def _share(members: pd.Series[int], of: pd.Series[Any] | None) -> pd.Series[float]:
    """Divide; no share is guessed where there is nothing to divide by."""
    if of is None:
        return pd.Series(float("nan"), index=members.index)
    return members / of.where(of > 0)


def _counted(
    inputs: Inputs, kind: Kind, performance: pd.DataFrame, *, of: Kind | None = None, without: Kind | None = None
) -> pd.Series[int]:
    """Count the messages of each mailing that have a row of a kind, one of `of` too, and none of `without`."""
    source = open_input(inputs.get(kind), RequiredColumns(kind, ("mailing", "destination")))
    rows = with_and_without(source, source.table, inputs, of=of, without=without)
    counted = rows.group_by("mailing").aggregate(messages=rows.destination.nunique())
    found = {row["mailing"]: row["messages"] for row in source.engine.fetch(counted).to_pylist()}
    return performance["mailing"].map(found).fillna(0).astype("int64")


def with_and_without(
    source: AnalysisInput, rows: Any, inputs: Inputs, *, of: Kind | None = None, without: Kind | None = None
) -> Any:
    """Keep the rows whose message has a row of the kind `of`, and none of the kind `without`, where these are given."""
    for kind, join in ((of, "semi_join"), (without, "anti_join")):
        if kind is not None and inputs.get(kind) is not None:
            name = "ID" if kind == "destinations" else "destination"
            others = source.also(inputs.get(kind), RequiredColumns(kind, ("mailing", name))).rename(destination=name)
            rows = getattr(rows, join)(others, ["mailing", "destination"])
    return rows


def sent_at(inputs: Inputs) -> dict[int, pd.Timestamp]:
    """Return when each mailing was sent, or was first opened where nothing tells when it was sent."""
    known = _first("impressions", "timestamp", inputs)
    if inputs.get("destinations") is not None:
        known |= _first("destinations", "timestampsent", inputs)
    return known | {int(str(number)): moment for number, moment in inputs.sent_at.items() if not pd.isna(moment)}


def _first(kind: Kind, column: str, inputs: Inputs) -> dict[int, pd.Timestamp]:
    opened = open_input(inputs.get(kind), RequiredColumns(kind, ("mailing", column)))
    firsts = opened.table.group_by("mailing").aggregate(first=opened.table[column].min())
    rows = opened.engine.fetch(firsts).to_pylist()
    return {row["mailing"]: pd.Timestamp(row["first"]) for row in rows if row["first"] is not None}
