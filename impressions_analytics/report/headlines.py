"""The figures at the top of the page, each with its definition; what machines leave uncertain stays a range."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from impressions_analytics.charts.language import phrase
from impressions_analytics.charts.numbers import counted, over_mailings, quantity
from impressions_analytics.report.results import Results
from impressions_analytics.report.tables import between, share, whole

_NOT_ONLY_MACHINES = "unique_opens_not_only_machines"


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure.

    Attributes
    ----------
    label : str
        What it is called.
    value : str
        The figure, or the range.
    meaning : str
        Its definition, with its denominator.
    """

    label: str
    value: str
    meaning: str


def headlines(results: Results) -> list[Headline]:
    """Return the figures of the whole, from those of each mailing.

    A destination belongs to one mailing, so that counts of destinations add up over mailings. A rate is taken over the
    mailings that have the rate: those that their inputs cover.
    """
    performance = results.performance
    return [*_opens(results), *_rates(performance), *_clicks(performance), *_half_life(results.half_lives())]


def _half_life(half_lives: pd.Series[float]) -> list[Headline]:
    if half_lives.empty:
        return []
    low, high = (long_time(float(half_lives.quantile(share))) for share in (0.1, 0.9))
    meaning = phrase(
        "after sending, half of a mailing's opens within a week have come: the median of {mailings}; for the middle "
        "80% of them {between}", mailings=counted(len(half_lives), "mailings"), between=between(low, high),
    )  # fmt: skip
    return [Headline(phrase("Half-life of opens"), long_time(float(half_lives.median())), meaning)]


def _opens(results: Results) -> list[Headline]:
    total, low, high = results.impressions(), results.impressions("person"), results.impressions("person", "proxy")
    unique, with_person = (int(results.performance[name].sum()) for name in ("unique_opens", _NOT_ONLY_MACHINES))
    possible = between(share(low, total), share(high, total))
    untold = share(results.impressions("prefetch", "unknown"), total)
    return [
        Headline(
            phrase("Impressions"), whole(total),
            phrase("downloads of the images of a message; several per message are normal"),
        ),
        Headline(phrase("Unique opens"), whole(unique), phrase("messages with at least one impression")),
        Headline(
            phrase("Taken for a person's"), possible,
            phrase("of the impressions: persons alone, up to persons and mailbox proxies; of a further {untold} nobody "
                   "can tell", untold=untold),
        ),
        Headline(
            phrase("Machine-only opens"), share(unique - with_person, unique),
            phrase("of the unique opens: every impression is a prefetch's, a scanner's or a crawler's"),
        ),
    ]  # fmt: skip


def _rates(performance: pd.DataFrame) -> list[Headline]:
    if "open_rate_high" in performance:
        rows = performance[performance["open_rate_high"].notna()]
        delivered = rows["delivered"].sum()
        human, opened = _members(rows, "open_rate_low", "delivered"), _members(rows, "open_rate_high", "delivered")
        low, high = share(human, delivered), share(opened, delivered)
        meaning = phrase("of the delivered messages: machine-only opens left out, up to counted")
        return [Headline(phrase("Open rate"), between(low, high), meaning + _of(rows, performance))]
    if "open_rate_of_sent" in performance:
        rows = performance[performance["open_rate_of_sent"].notna()]
        value = share(_members(rows, "open_rate_of_sent", "sent"), rows["sent"].sum())
        meaning = phrase("of the sent messages, machine-only opens counted, as Copernica shows it")
        return [Headline(phrase("Percentage opened"), value, meaning + _of(rows, performance))]
    return []


def _clicks(performance: pd.DataFrame) -> list[Headline]:
    kinds = (
        ("click_through_rate", "delivered", "Click-through rate",
         "messages with a click, of the delivered messages"),
        ("click_to_open_rate", "unique_opens", "Click-to-open rate",
         "messages with a click, of the opened, machine-only counted"),
    )  # fmt: skip
    figures = []
    for column, total, label, meaning in kinds:
        if column in performance:
            rows = performance[performance[column].notna()]
            value = share(_members(rows, column, total), rows[total].sum())
            figures.append(Headline(phrase(label), value, phrase(meaning) + _of(rows, performance)))
    return figures


def _members(rows: pd.DataFrame, rate: str, total: str) -> float:
    """Return how many of a total have what a rate counts."""
    return float((rows[rate] * rows[total]).sum())


def _of(rows: pd.DataFrame, performance: pd.DataFrame) -> str:
    """Say over how many mailings a rate is taken, where that is not all."""
    if len(rows) == len(performance):
        return ""
    over = over_mailings(len(rows), len(performance))
    return "; " + phrase("{over}, since the data do not cover the others", over=over)


def long_time(value: float) -> str:
    """Write a time in hours, or in minutes or days where these say more.

    Examples
    --------
    >>> long_time(0.5), long_time(12.3), long_time(96)
    ('30 minutes', '12 hours', '4 days')
    """
    if value < 1:
        return quantity(value * 60, ".0f", "minutes")
    if value < 72:
        return quantity(value, ".2g" if value < 10 else ".0f", "hours")
    return quantity(value / 24, ".2g", "days")
