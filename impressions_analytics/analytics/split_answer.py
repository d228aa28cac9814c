"""The answer of a split test, as a row in numbers and in words."""

from __future__ import annotations

import math
from typing import Any

from impressions_analytics.analytics.split_test import (
    Arm,
    deliveries_to_decide,
    difference_bounds,
    largest_delta,
    winner,
)

DELTAS = {"0": 0.0, "5": 0.05, "10": 0.1, "100": 1.0}
"""The deltas for which the difference is told, by their name in points."""
TOGETHER_HOURS = 1.0
"""The arms of a split test leave together; later than this they meet other people at other hours."""


def answer_row(a: Arm, b: Arm, delta: float, z: float) -> dict[str, Any]:
    """Return the row of a pair of arms."""
    low, high = difference_bounds(a, b, list(DELTAS.values()), z)
    ends = {f"difference_low_delta_{name}": float(low[place]) for place, name in enumerate(DELTAS)}
    ends |= {f"difference_high_delta_{name}": float(high[place]) for place, name in enumerate(DELTAS)}
    by_opens = winner(a, b, delta, z)
    row: dict[str, Any] = {
        **_counted(a, "a"),
        **_counted(b, "b"),
        "difference": a.human / a.delivered - b.human / b.delivered,
        **ends,
        "winner": by_opens, "largest_delta": largest_delta(a, b, z),
        "deliveries_to_decide": deliveries_to_decide(a, b, delta, z),
        **_by_clicks(a, b, z),
        "caution": _caution(a, b),
    }  # fmt: skip
    return {**row, "answer": _answer(a, b, row, delta, z)}


def _counted(arm: Arm, side: str) -> dict[str, Any]:
    return {
        side: arm.mailing,
        f"delivered_{side}": arm.delivered,
        f"messages_human_{side}": arm.human,
        f"messages_machine_only_{side}": arm.machine_only,
        f"messages_clicked_{side}": arm.clicked,
    }


def _by_clicks(a: Arm, b: Arm, z: float) -> dict[str, Any]:
    """Compare by clicks, which no machine hides: nothing is machine-only."""
    if a.clicked is None or b.clicked is None:
        return {}
    one, other = Arm(a.mailing, a.delivered, a.clicked, 0), Arm(b.mailing, b.delivered, b.clicked, 0)
    low, high = difference_bounds(one, other, 0.0, z)
    return {
        "click_difference": a.clicked / a.delivered - b.clicked / b.delivered,
        "click_difference_low": float(low),
        "click_difference_high": float(high),
        "winner_by_clicks": winner(one, other, 0.0, z),
        "deliveries_to_decide_by_clicks": deliveries_to_decide(one, other, 0.0, z),
    }


def _caution(a: Arm, b: Arm) -> str:
    """Say what speaks against a random split: arms that did not leave together."""
    if a.first_delivery is None or b.first_delivery is None:
        return ""
    hours = abs((a.first_delivery - b.first_delivery).total_seconds()) / 3600
    if hours <= TOGETHER_HOURS:
        return ""
    return (
        f"The arms were sent {hours:,.0f} hours apart: this is no split test, and the hour or the day may explain "
        "the difference."
    )


def _answer(a: Arm, b: Arm, row: dict[str, Any], delta: float, z: float) -> str:
    """Say in words what was decided."""
    said = [_by_opens_in_words(a, b, row, delta=delta, z=z)]
    if "winner_by_clicks" in row:
        said.append(_by_clicks_in_words(row))
    said.append(row["caution"] or "This holds only if the recipients were split at random.")
    return " ".join(said)


def _by_opens_in_words(a: Arm, b: Arm, row: dict[str, Any], *, delta: float, z: float) -> str:
    rates = [f"{arm.human / arm.delivered:.1%} of {arm.delivered:,}" for arm in (a, b)]
    seen = f"{rates[0]} delivered against {rates[1]}"
    if row["winner"] is not None:
        return f"Mailing {row['winner']} has the higher open rate, {_bound(row['largest_delta'])} ({seen})."
    low, high = (100 * float(end) for end in difference_bounds(a, b, delta, z))
    between = f"{a.mailing} less {b.mailing} is between {low:+.1f} and {high:+.1f} points"
    return f"Nothing can be decided by opens ({seen}): {between}.{_nearly(a, b, row)}{_needed(row)}"


def _bound(largest: float) -> str:
    """Say up to where the leader wins."""
    if largest == 1:
        return "whatever the machines did"
    points = math.floor(100 * largest)
    if not points:
        return "if the open rates that machines hide are the same in both arms"
    unit = "point" if points == 1 else "points"
    return f"as long as the open rates that machines hide differ by at most {points} {unit} between the arms"


def _nearly(a: Arm, b: Arm, row: dict[str, Any]) -> str:
    """Say that the leader wins under a stronger assumption, if it does."""
    if row["largest_delta"] is None:
        return ""
    leader = a.mailing if row["difference_low_delta_0"] > 0 else b.mailing
    return f" Mailing {leader} wins only {_bound(row['largest_delta'])}."


def _needed(row: dict[str, Any]) -> str:
    needed = row["deliveries_to_decide"]
    if not needed:
        return " No number of deliveries decides it by opens at these rates."
    return f" About {needed:,} deliveries per arm would decide it, if the rates stay as they are."


def _by_clicks_in_words(row: dict[str, Any]) -> str:
    low, high = 100 * row["click_difference_low"], 100 * row["click_difference_high"]
    between = f"{row['a']} less {row['b']} is between {low:+.2f} and {high:+.2f} points"
    if row["winner_by_clicks"] is not None:
        return f"Mailing {row['winner_by_clicks']} has the higher click rate: {between}."
    needed = row["deliveries_to_decide_by_clicks"]
    more = f"; about {needed:,} deliveries per arm would decide it" if needed else ""
    return f"Clicks decide nothing either way: {between}{more}."
