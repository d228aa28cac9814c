"""What became of each mailing: when it was sent, and the share of it that was opened, clicked, bounced and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics.engine import RequiredColumns, open_input

if TYPE_CHECKING:
    from impressions_analytics.columns import Kind
    from impressions_analytics.report.inputs import Inputs

PROBLEMS: dict[Kind, str] = {"errors": "bounced", "unsubscribes": "unsubscribed", "abuses": "complained"}
"""The kinds of rows that tell of trouble, and the word for a message that has one."""
_RATES = {
    "opened_low": ("open_rate_low", "open_rate_of_sent"),
    "opened_high": ("open_rate_high", "open_rate_of_sent"),
    "clicked": ("click_through_rate",),
}
"""What the page calls a rate, and the figures that give it, the better one first."""
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
        (``bounced_messages``). Bounces are a share of the sent messages, the others of the delivered.
    """
    result = performance[["mailing"]].assign(
        subject=[inputs.subjects.get(number, "") for number in performance["mailing"]]
    )
    result["sent_at"] = performance["mailing"].map(_sent_at(inputs))
    for name, column in _COUNTS.items():
        if column in performance:
            result[name] = performance[column]
    for name, columns in _RATES.items():
        found = next((column for column in columns if column in performance), None)
        if found:
            result[name] = performance[found]
    for kind, word in PROBLEMS.items():
        if inputs.get(kind) is not None:
            messages = performance["mailing"].map(_messages(inputs.get(kind), kind)).fillna(0).astype("int64")
            result[f"{word}_messages"] = messages
            result[word] = _share(messages, result.get("sent" if kind == "errors" else "delivered"))
    return result.sort_values(["sent_at", "mailing"], kind="stable", na_position="first").reset_index(drop=True)


def _share(messages: pd.Series[int], of: pd.Series[Any] | None) -> pd.Series[float]:
    """Divide; no share is guessed where there is nothing to divide by, or too little."""
    if of is None:
        return pd.Series(float("nan"), index=messages.index)
    return (messages / of.where(of > 0)).where(messages <= of)


def _messages(source: Any, kind: Kind) -> dict[int, int]:
    """Count the messages of each mailing that have a row of a kind."""
    opened = open_input(source, RequiredColumns(kind, ("mailing", "destination")))
    counted = opened.table.group_by("mailing").aggregate(messages=opened.table.destination.nunique())
    return {row["mailing"]: row["messages"] for row in opened.engine.fetch(counted).to_pylist()}


def _sent_at(inputs: Inputs) -> dict[int, pd.Timestamp]:
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
