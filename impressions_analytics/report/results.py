"""The analyses that a report shows, each computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from impressions_analytics import analytics
from impressions_analytics.engine import RequiredColumns, open_input
from impressions_analytics.report.inputs import Inputs
from impressions_analytics.report.outcomes import mailing_outcomes

_STEPS = ((3, "hour"), (130, "day"), (1100, "week"), (10**9, "month"))
"""The longest span in days that is shown by each period."""
SETTLED_HOURS = 24
"""Hours of the week are counted from this long after sending, when readers' habits show."""


@dataclass(frozen=True)
class Results:
    """The result frames of the analyses; None where an input is missing. `span` are the first and last impression."""

    value_range: tuple[pd.Timestamp, pd.Timestamp] | None
    every: str
    over_time: pd.DataFrame
    first_opens: pd.DataFrame
    kinds: pd.DataFrame
    clients: pd.DataFrame
    systems: pd.DataFrame
    devices: pd.DataFrame
    unrecognised: pd.DataFrame
    performance: pd.DataFrame
    outcomes: pd.DataFrame
    profiles: pd.DataFrame
    hours: pd.DataFrame
    decay: pd.DataFrame | None

    def half_lives(self) -> pd.Series[float]:
        """Return the hours within which half of the opens of each mailing came; those not known yet are left out."""
        if self.decay is None:
            return pd.Series(dtype="float64")
        return self.decay.groupby("mailing")["half_life_hours"].first().dropna()

    def impressions(self, *kinds: str) -> int:
        """Return the impressions of these kinds of open, or of all."""
        rows = self.kinds if not kinds else self.kinds[self.kinds["kind"].isin(kinds)]
        return int(rows["impressions"].sum())


def compute(inputs: Inputs) -> Results:
    """Run every analysis that the inputs allow."""
    opens, sent = inputs.get("impressions"), inputs.get("destinations")
    every, over_time, first_opens = _over_time(opens)
    performance = analytics.mailing_performance(
        opens,
        destinations=sent,
        deliveries=inputs.get("deliveries"),
        clicks=inputs.get("clicks"),
        emailings=inputs.get("emailings"),
    )
    hours = {} if sent is None else {"destinations": sent, "after_hours": SETTLED_HOURS}
    return Results(
        value_range=_span(opens),
        every=every,
        over_time=over_time,
        first_opens=first_opens,
        kinds=analytics.user_agent_breakdown(opens, by="kind"),
        clients=analytics.user_agent_breakdown(opens, by="client"),
        systems=analytics.user_agent_breakdown(opens, by="os"),
        devices=analytics.user_agent_breakdown(opens, by="device"),
        unrecognised=analytics.unrecognised_user_agents(opens, limit=10),
        performance=performance,
        outcomes=mailing_outcomes(inputs, performance),
        profiles=analytics.impressions_per_profile(opens),
        hours=analytics.impressions_by_hour_of_week(opens, **hours),
        decay=None if sent is None else analytics.open_decay(opens, sent),
    )


def _span(opens: Any) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    source = open_input(opens, RequiredColumns("impressions", ("timestamp",)))
    timestamp = source.table.timestamp
    ends = source.engine.fetch(source.table.aggregate(first=timestamp.min(), last=timestamp.max())).to_pylist()[0]
    return None if ends["first"] is None else (pd.Timestamp(ends["first"]), pd.Timestamp(ends["last"]))


def _over_time(opens: Any) -> tuple[str, pd.DataFrame, pd.DataFrame]:
    """Count impressions and first opens by the period that suits their span; both add up over days."""
    days = analytics.impressions_over_time(opens, every="day")[["period", "impressions"]]
    every = next(step for most, step in _STEPS if len(days) <= most)
    if every == "hour":
        hours = analytics.impressions_over_time(opens, every="hour")[["period", "impressions"]]
        return every, hours, analytics.impressions_over_time(opens, every="hour", count="first")
    firsts = analytics.impressions_over_time(opens, every="day", count="first")
    return every, _added_up(days, every), _added_up(firsts, every)


def _added_up(days: pd.DataFrame, every: str) -> pd.DataFrame:
    """Add days up to weeks that begin on Monday, or to months."""
    if every == "day":
        return days
    starts = days["period"].dt.to_period({"week": "W-SUN", "month": "M"}[every]).dt.start_time.dt.as_unit("us")
    return days.drop(columns="period").groupby(starts).sum().reset_index()
