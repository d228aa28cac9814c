"""The analyses that a report shows, each computed once."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from impressions_analytics import analytics
from impressions_analytics.report.inputs import Inputs

_STEPS: tuple[tuple[int, analytics.over_time.Every], ...] = (
    (3, "hour"),
    (130, "day"),
    (1100, "week"),
    (10**9, "month"),
)
"""The longest span in days that is shown by each period."""
SETTLED_HOURS = 24
"""Hours of the week are counted from this long after sending, when readers' habits show."""


@dataclass(frozen=True)
class Results:
    """The result frames of the analyses; None where an input is missing."""

    every: str
    over_time: pd.DataFrame
    first_opens: pd.DataFrame
    human: pd.DataFrame
    kinds: pd.DataFrame
    clients: pd.DataFrame
    systems: pd.DataFrame
    devices: pd.DataFrame
    unrecognised: pd.DataFrame
    performance: pd.DataFrame
    profiles: pd.DataFrame
    hours: pd.DataFrame
    decay: pd.DataFrame | None
    opening: pd.DataFrame | None


def compute(inputs: Inputs) -> Results:
    """Run every analysis that the inputs allow."""
    opens, sent = inputs.get("impressions"), inputs.get("destinations")
    days = analytics.impressions_over_time(opens, every="day")
    span = len(days)
    every = next(step for most, step in _STEPS if span <= most)
    others = {name: inputs.get(name) for name in ("destinations", "deliveries", "clicks")}
    hours = {"destinations": sent, "after_hours": SETTLED_HOURS} if sent is not None else {}
    return Results(
        every=every,
        over_time=days if every == "day" else analytics.impressions_over_time(opens, every=every),
        first_opens=analytics.impressions_over_time(opens, every=every, count="first"),
        human=analytics.human_opens(opens),
        kinds=analytics.user_agent_breakdown(opens, by="kind"),
        clients=analytics.user_agent_breakdown(opens, by="client"),
        systems=analytics.user_agent_breakdown(opens, by="os"),
        devices=analytics.user_agent_breakdown(opens, by="device"),
        unrecognised=analytics.unrecognised_user_agents(opens, limit=10),
        performance=analytics.mailing_performance(opens, **others),
        profiles=analytics.impressions_per_profile(opens),
        hours=analytics.impressions_by_hour_of_week(opens, **hours),
        decay=None if sent is None else analytics.open_decay(opens, sent),
        opening=None if sent is None else analytics.time_to_open(opens, sent),
    )
