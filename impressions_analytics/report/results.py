"""The analyses that a report shows, each computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from impressions_analytics import analytics
from impressions_analytics.engine import RequiredColumns, known_until, open_input
from impressions_analytics.report.inputs import Inputs
from impressions_analytics.report.outcomes import mailing_outcomes
from impressions_analytics.report.recipients import Recipients, recipients_of

_STEPS = ((3, "hour"), (130, "day"), (1100, "week"), (10**9, "month"))
"""The longest span in days that is shown by each period."""
BEFORE = 10
"""With how many earlier mailings the last one is compared."""
SETTLED_HOURS = 24
"""Hours of the week are counted from this long after sending, when readers' habits show."""


@dataclass(frozen=True)
class Results:
    """The result frames of the analyses; None where an input is missing.

    `value_range` are the first and the last impression shown. `last_impression` is the last one of all mailings, and
    `known_until` until when the impressions are known: by the certificate, or else the last impression. `before`
    are the outcomes of up to ten mailings before the last one shown, and `is_newest` whether none was sent after it.
    """

    value_range: tuple[pd.Timestamp, pd.Timestamp] | None
    every: str
    known_until: pd.Timestamp | None
    over_time: pd.DataFrame
    first_opens: pd.DataFrame
    kinds: pd.DataFrame
    clients: pd.DataFrame
    clients_by_kind: pd.DataFrame
    systems: pd.DataFrame
    devices: pd.DataFrame
    unrecognised: pd.DataFrame
    performance: pd.DataFrame
    outcomes: pd.DataFrame
    before: pd.DataFrame
    is_newest: bool
    last_impression: pd.Timestamp | None
    profiles: pd.DataFrame
    hours: pd.DataFrame
    decay: pd.DataFrame | None
    recipients: Recipients | None

    def half_lives(self) -> pd.Series[float]:
        """Return the hours within which half of the opens of each mailing came; those not known yet are left out."""
        if self.decay is None:
            return pd.Series(dtype="float64")
        return self.decay.groupby("mailing")["half_life_hours"].first().dropna()

    def impressions(self, *kinds: str) -> int:
        """Return the impressions of these kinds of open, or of all."""
        rows = self.kinds if not kinds else self.kinds[self.kinds["kind"].isin(kinds)]
        return int(rows["impressions"].sum())


def compute(inputs: Inputs, *, everything: Inputs | None = None) -> Results:
    """Run every analysis that the inputs allow.

    Parameters
    ----------
    inputs : Inputs
        What the page shows.
    everything : Inputs, optional
        The inputs with all mailings, where `inputs` are those of some: the last mailing is held against those before
        it, shown or not.
    """
    opens, sent = inputs.get("impressions"), inputs.get("destinations")
    everything = everything or inputs
    span = _span(opens)
    every, over_time, first_opens = _over_time(opens, span)
    performance = _performance(inputs)
    outcomes = mailing_outcomes(inputs, performance)
    all_outcomes = outcomes if everything is inputs else mailing_outcomes(everything, _performance(everything))
    last_impression = span[1] if everything is inputs and span else _last(everything)
    hours = {} if sent is None else {"destinations": sent, "after_hours": SETTLED_HOURS}
    if hours and "deliveries" not in " ".join(performance["not_covered"].dropna()):
        hours["deliveries"] = inputs.get("deliveries")  # else mail whose deliveries were never loaded would be left out
    return Results(
        value_range=span,
        every=every,
        over_time=over_time,
        first_opens=first_opens,
        kinds=analytics.user_agent_breakdown(opens, by="kind"),
        clients=analytics.user_agent_breakdown(opens, by="client"),
        clients_by_kind=analytics.user_agent_breakdown(opens, by=["client", "kind"]),
        systems=analytics.user_agent_breakdown(opens, by="os"),
        devices=analytics.user_agent_breakdown(opens, by="device"),
        unrecognised=analytics.unrecognised_user_agents(opens, limit=10),
        performance=performance,
        outcomes=outcomes,
        before=_before(all_outcomes, outcomes),
        is_newest=all_outcomes["mailing"].tail(1).tolist() == outcomes["mailing"].tail(1).tolist(),
        last_impression=last_impression,
        profiles=analytics.impressions_per_profile(opens),
        hours=analytics.impressions_by_hour_of_week(opens, **hours),
        known_until=known_until(everything.get("impressions"), "impressions") or last_impression,
        recipients=recipients_of(inputs.archive, span[1] if span else None) if everything is inputs else None,
        decay=None if sent is None else analytics.open_decay(opens, sent),
    )


def _performance(inputs: Inputs) -> pd.DataFrame:
    result: pd.DataFrame = analytics.mailing_performance(
        inputs.get("impressions"),
        destinations=inputs.get("destinations"),
        deliveries=inputs.get("deliveries"),
        clicks=inputs.get("clicks"),
        emailings=inputs.get("emailings"),
        intervals=True,
    )
    return result


def _before(everything: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """Return the outcomes of the mailings before the last one shown."""
    if shown.empty:
        return shown
    (place,) = (everything["mailing"] == shown["mailing"].iloc[-1]).to_numpy().nonzero()[0]
    return everything.iloc[max(0, place - BEFORE) : place]


def _last(inputs: Inputs) -> pd.Timestamp | None:
    span = _span(inputs.get("impressions"))
    return None if span is None else span[1]


def _span(opens: Any) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    source = open_input(opens, RequiredColumns("impressions", ("timestamp",)))
    timestamp = source.table.timestamp
    ends = source.engine.fetch(source.table.aggregate(first=timestamp.min(), last=timestamp.max())).to_pylist()[0]
    return None if ends["first"] is None else (pd.Timestamp(ends["first"]), pd.Timestamp(ends["last"]))


def _over_time(opens: Any, span: tuple[pd.Timestamp, pd.Timestamp] | None) -> tuple[str, pd.DataFrame, pd.DataFrame]:
    """Count impressions by kind of open, and first opens, by the period that suits their span."""
    days = (span[1] - span[0]).days + 1 if span else 0
    every = next(step for most, step in _STEPS if days <= most)
    counted: Literal["hour", "day"] = "hour" if every == "hour" else "day"
    kinds = analytics.impressions_over_time(opens, every=counted, by="kind", count="rows")
    firsts = analytics.impressions_over_time(opens, every=counted, count="first")
    return every, _added_up(kinds, every, ["kind"]), _added_up(firsts, every, [])


def _added_up(counts: pd.DataFrame, every: str, keys: list[str]) -> pd.DataFrame:
    """Add days up to weeks that begin on Monday, or to months."""
    if every in {"hour", "day"}:
        return counts
    starts = counts["period"].dt.to_period({"week": "W-SUN", "month": "M"}[every]).dt.start_time.dt.as_unit("us")
    return counts.assign(period=starts).groupby(["period", *keys]).sum().reset_index()
