"""Every figure of the package: what it is called, its formula, what it counts, and what it needs."""

from __future__ import annotations

import pandas as pd

from impressions_analytics.analytics.figures import COMMON, FIGURES, OWN, SCREENS

_WILSON = "E. B. Wilson, JASA 22 (1927)"
_BERGER = "R. L. Berger, Technometrics 24 (1982)"
_SHAFER = "G. Shafer and V. Vovk, JMLR 9 (2008)"
_COLUMNS = ("figure", "formula", "function", "column", "needs", "source", "unit")
_OTHERS = (
    ("impressions in a period", "impression rows", "impressions_over_time", "impressions", "", SCREENS, "impressions"),
    ("unique opens in a period", "distinct destinations; they do not add up across periods",
     "impressions_over_time", "destinations", "", COMMON, "destinations"),
    ("profiles in a period", "distinct profiles; they do not add up across periods",
     "impressions_over_time", "profiles", "", COMMON, "profiles"),
    ("first opens", "destinations by the period of their earliest impression; they add up to U",
     "impressions_over_time", "first_opens", "", COMMON, "destinations"),
    ("impressions of a profile", "impression rows",
     "impressions_per_profile", "impressions", "", COMMON, "impressions"),
    ("mailings opened", "distinct mailings with an impression",
     "impressions_per_profile", "mailings", "", COMMON, "mailings"),
    ("share of a class", "U of the class / U of all classes counted",
     "user_agent_breakdown", "share_of_destinations", "", COMMON, "share of destinations"),
    ("messages taken for opened by a person, low", "distinct destinations with an impression of the kind person",
     "human_opens", "messages_low", "", OWN, "destinations"),
    ("messages taken for opened by a person, high", "distinct destinations with one of the kinds person and proxy",
     "human_opens", "messages_high", "", OWN, "destinations"),
    ("impressions taken for a person's, low", "impression rows of the kind person",
     "human_opens", "impressions_low", "", OWN, "impressions"),
    ("impressions taken for a person's, high", "impression rows of the kinds person and proxy",
     "human_opens", "impressions_high", "", OWN, "impressions"),
    ("open rate of a provider, low", "delivered messages opened not only by machines / delivered messages",
     "provider_breakdown", "open_rate_low", "logs of deliveries and errors", OWN, "share of messages"),
    ("open rate of a provider, high", "delivered messages with an impression / delivered messages",
     "provider_breakdown", "open_rate_high", "logs of deliveries and errors", COMMON, "share of messages"),
    ("bounce rate of a provider", "messages with an error that were not delivered / those and the delivered",
     "provider_breakdown", "bounce_rate", "logs of deliveries and errors", COMMON, "share of messages"),
    ("share of a country", "messages opened in the country / messages opened, by the kinds counted",
     "country_breakdown", "share_of_messages", "", COMMON, "share of messages"),
    ("device compared", "impression rows of the pair / all impression rows",
     "compare_devices", "share_of_impressions", "", OWN, "share of impressions"),
    ("recency", "whole days since the last impression that is not a machine's",
     "engagement_segments", "recency_days", "", COMMON, "days"),
    ("frequency", "distinct mailings opened in the window, by impressions that are not a machine's",
     "engagement_segments", "mailings_opened", "", COMMON, "mailings"),
    ("opened share", "mailings opened / mailings received in the window",
     "engagement_segments", "share_of_mailings_opened", "destinations", COMMON, "share of mailings"),
    ("impressions by hour of week", "impression rows per weekday and hour",
     "impressions_by_hour_of_week", "impressions", "", COMMON, "impressions"),
    ("impressions per message exposed", "impression rows / hours that messages were out",
     "impressions_by_hour_of_week", "impressions_per_message_hour",
     "destinations", OWN, "impressions per destination and hour"),
    ("time to open, median", "least time within which half of the opened were opened; never a mean",
     "time_to_open", "median_hours", "destinations", COMMON, "hours"),
    ("time to open, p90", "least time within which nine tenths of the opened were opened",
     "time_to_open", "p90_hours", "destinations", COMMON, "hours"),
    ("open decay", "F(t), the share of the opens within the horizon that came within t after sending",
     "open_decay", "share_of_opens", "destinations", COMMON, "share of destinations"),
    ("half-life", "least t with F(t) >= 0.5; null while the horizon has not passed",
     "open_decay", "half_life_hours", "destinations", COMMON, "hours"),
    ("dominant result", "one per destination: complaint > unsubscribe > click > impression > error > no response",
     "dominant_results", "complaints ... no_response",
     "destinations, clicks, unsubscribes, abuses, errors", SCREENS, "destinations"),
    ("Copernica's click-through rate", "clickers / (openers only + clickers), over dominant results",
     "dominant_results", "copernica_click_through_rate",
     "destinations, clicks, unsubscribes, abuses, errors", SCREENS, "share of destinations"),
    ("difference of two arms", "(h_a + q_a m_a) - (h_b + q_b m_b), least and most for |q_a - q_b| <= delta",
     "compare_mailings", "difference_low_delta_..., difference_high_delta_...", "deliveries", _BERGER,
     "share of destinations"),
    ("winner of a split test", "the arm whose lower end is above 0 at delta",
     "compare_mailings", "winner", "deliveries", _BERGER, "mailing"),
    ("forecast of final opens", "so far x exp(mean growth of comparable mailings), Student or conformal interval",
     "forecast_opens", "forecast_low, forecast, forecast_high", "destinations, deliveries", _SHAFER, "destinations"),
    ("probability of a finding", "Student's, of log odds against earlier mailings and other cohorts; Bonferroni",
     "find_anomalies", "probability", "destinations, deliveries", OWN, "probability"),
    ("95% interval of a rate", "Wilson's score interval, from the rate and its n",
     "mailing_performance", "..._ci_low, ..._ci_high", "", _WILSON, "as the rate"),
)  # fmt: skip


def metrics() -> pd.DataFrame:
    """List every figure with its formula.

    Returns
    -------
    DataFrame
        One row per figure. Columns, all str: ``figure``, ``formula``, ``function`` (that computes it), ``column``
        (of its result), ``needs`` (besides impressions; empty if nothing), ``source`` (of the definition), ``unit``
        (what it counts, or is a share of).

    Examples
    --------
    >>> metrics().set_index("column").loc["click_to_open_rate", ["formula", "needs", "unit"]].tolist()
    ['UC / U of those in both', 'clicks', 'share of destinations']
    """
    of_mailings = [
        (
            figure.name.replace("_", " "),
            figure.formula,
            "mailing_performance",
            figure.name,
            ", ".join(figure.needs),
            figure.source,
            figure.unit or ("share of destinations" if figure.over else "destinations"),
        )
        for figure in FIGURES
    ]
    return pd.DataFrame([*of_mailings, *_OTHERS], columns=list(_COLUMNS), dtype="str")
