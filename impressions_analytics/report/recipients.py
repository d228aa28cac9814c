"""The parts of the page on providers and countries: what an archive can tell that keeps the daily log files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics import analytics
from impressions_analytics.charts.language import phrase, value_word
from impressions_analytics.charts.numbers import counted
from impressions_analytics.charts.recipients import plot_country_breakdown, plot_provider_breakdown
from impressions_analytics.errors import ImpressionsError
from impressions_analytics.report.pictures import picture
from impressions_analytics.report.section import Section, heights
from impressions_analytics.report.tables import between, share, table_of

if TYPE_CHECKING:
    from impressions_analytics.report.inputs import Inputs
    from impressions_analytics.report.results import Results

LOG_DAYS = 90
"""So many last days of the logs are read: they are large, and the question is how things stand now."""
_LOGS = ("impressions", "deliveries", "errors")


@dataclass(frozen=True)
class Recipients:
    """The results that need log files, and the first day that they are of."""

    since: pd.Timestamp
    providers: pd.DataFrame
    countries: pd.DataFrame


def recipients_of(archive: Any, last: pd.Timestamp | None) -> Recipients | None:
    """Return the results of the last days before the last impression; None where no log files are kept."""
    if archive is None or last is None or not callable(getattr(archive, "read_log", None)):
        return None
    since = (last - pd.Timedelta(days=LOG_DAYS)).normalize()
    try:
        opens, deliveries, errors = (archive.read_log(kind, begin=since) for kind in _LOGS)
    except ImpressionsError:  # an archive that was synced without log files says so
        return None
    if opens.empty or deliveries.empty:
        return None
    begin = max(since, opens["timestamp"].min().normalize())
    providers = analytics.provider_breakdown(opens, deliveries=deliveries, errors=errors)
    return Recipients(begin, providers, analytics.country_breakdown(opens))


def providers_section(results: Results, inputs: Inputs) -> Section | None:
    """Return the part on providers; None where no log files are kept."""
    if results.recipients is None:
        return None
    result, since = results.recipients.providers, results.recipients.since
    says = phrase("By the log files since {since:%Y-%m-%d}.", since=since)
    known = result[result["messages_delivered"] > 0]
    if len(known):
        top = known.iloc[0]
        rate = between(share(top["open_rate_low"], 1), share(top["open_rate_high"], 1))
        says += " " + phrase(
            "The most were delivered at {provider}: {messages}, of which {rate} were opened.",
            provider=value_word(top["provider"]), rate=rate,
            messages=counted(int(top["messages_delivered"]), "messages"),
        )  # fmt: skip
    heads = {
        "provider": "provider", "messages_delivered": "delivered", "messages_bounced": "bounced",
        "open_rate_low": "open rate, low", "open_rate_high": "open rate, high", "bounce_rate": "bounce rate",
    }  # fmt: skip
    drawn = picture(lambda ax: plot_provider_breakdown(result, ax), "providers", says, **heights(min(12, len(known))))
    return Section(phrase("Providers of the recipients"), says, drawn, [table_of(result, phrase("Providers"), heads)])


def countries_section(results: Results, inputs: Inputs) -> Section | None:
    """Return the part on countries; None where no log files are kept, or where they tell of no country."""
    if results.recipients is None or results.recipients.countries.empty:
        return None
    result, since = results.recipients.countries, results.recipients.since
    says = phrase(
        "By the log files since {since:%Y-%m-%d}, of the opens by persons: where the address that opened is.",
        since=since,
    )
    heads = {
        "country": "country", "impressions": "impressions", "opened_messages": "messages opened",
        "share_of_messages": "share of opened messages",
    }  # fmt: skip
    drawn = picture(lambda ax: plot_country_breakdown(result, ax), "countries", says, **heights(min(12, len(result))))
    return Section(phrase("Countries"), says, drawn, [table_of(result, phrase("Countries"), heads)])
