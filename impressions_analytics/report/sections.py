"""The parts of the page: a chart, what it says in words, and its figures as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from impressions_analytics.certificate import counted
from impressions_analytics.charts.breakdown import plot_user_agents
from impressions_analytics.charts.decay import plot_open_decay
from impressions_analytics.charts.hours import plot_hour_of_week
from impressions_analytics.charts.mailings import plot_mailing_performance
from impressions_analytics.charts.over_time import plot_impressions_over_time
from impressions_analytics.charts.palette import KIND_OF_OPEN
from impressions_analytics.charts.profiles import by_range, plot_impressions_per_profile
from impressions_analytics.charts.recipients import plot_country_breakdown, plot_provider_breakdown
from impressions_analytics.report.headlines import hours
from impressions_analytics.report.pictures import picture
from impressions_analytics.report.problems import problem_tables, problems_in_words
from impressions_analytics.report.results import SETTLED_HOURS
from impressions_analytics.report.tables import HtmlTable, between, kinds_counted, share, table_of, whole

if TYPE_CHECKING:
    from impressions_analytics.report.inputs import Inputs
    from impressions_analytics.report.results import Results

_COUNTED = {
    "impressions": "impressions",
    "destinations": "messages opened",
    "share_of_destinations": "share of opened messages",
}
_WITHIN = {"hour": "in the hour of", "day": "on", "week": "in the week of", "month": "in the month of"}
_KIND_MEANS = {
    "person": "no sign of a machine; not proof of a person",
    "proxy": "fetched by the mailbox when the message is opened (Gmail, Yahoo)",
    "prefetch": "fetched by the mailbox before anybody looked (Apple Mail Privacy Protection): cannot tell",
    "bot": "a scanner, a crawler or a program",
    "unknown": "no rule knew the user agent: cannot tell",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page.

    Attributes
    ----------
    title : str
        Its heading.
    says : str
        What the chart shows, in words that do without it.
    picture : str
        The chart as SVG, or nothing.
    tables : list of HtmlTable
        The figures.
    """

    title: str
    says: str
    picture: str = ""
    tables: list[HtmlTable] = field(default_factory=list)


def sections(results: Results, inputs: Inputs) -> list[Section]:
    """Return the parts that the results allow, in the order of the page."""
    made = (make(results, inputs) for make in _SECTIONS)
    return [section for section in made if section is not None]


def _over_time(results: Results, inputs: Inputs) -> Section:
    kinds, firsts = results.over_time, results.first_opens
    table = kinds.pivot_table(index="period", columns="kind", values="impressions", aggfunc="sum")
    table = table[[kind for kind in KIND_OF_OPEN if kind in table]].reset_index()
    table.insert(1, "impressions", table.drop(columns="period").sum(axis=1).astype("int64"))
    says = "No impressions."
    if results.value_range:
        top = table.iloc[int(table["impressions"].argmax())]
        says = (
            f"{counted(int(table['impressions'].sum()), 'impressions')} from {_day(results.value_range[0])} to "
            f"{_day(results.value_range[1])}, by the {results.every}; the most, {whole(top['impressions'])}, "
            f"{_WITHIN[results.every]} {_day(top['period'])}. A first open is the earliest impression of a message."
        )
    heads = {"period": results.every, "impressions": "impressions", "first_opens": "first opens"}
    heads |= {kind: kind for kind in KIND_OF_OPEN}
    drawn = picture(
        lambda ax: plot_impressions_over_time(kinds, ax, zone=inputs.zone, known_until=results.known_until),
        "time", says,
    )  # fmt: skip
    joined = table.merge(firsts, on="period", how="left")
    return Section(
        "Opens over time", says, drawn, [table_of(joined, f"Impressions per {results.every}", heads, last=True)]
    )


def _machines(results: Results, inputs: Inputs) -> Section:
    total, low, high = results.impressions(), results.impressions("person"), results.impressions("person", "proxy")
    prefetch, bot, unknown = (whole(results.impressions(kind)) for kind in ("prefetch", "bot", "unknown"))
    says = (
        f"Taken for a person's: {between(whole(low), whole(high))} of {counted(total, 'impressions')} "
        f"({between(share(low, total), share(high, total))}). Fetched by scanners, crawlers and programs: {bot}. "
        f"Nobody can tell of those fetched by the mailbox before anybody looked, {prefetch}, and by something that no "
        f"rule knew, {unknown}."
    )
    kinds = results.kinds.assign(
        share_of_impressions=results.kinds["impressions"] / max(1, total),
        meaning=results.kinds["kind"].map(_KIND_MEANS),
    )
    heads = {
        "impressions": "impressions",
        "share_of_impressions": "share of impressions",
        "destinations": "messages opened",
    }
    table = table_of(kinds, "Impressions by kind of open", {"kind": "kind", **heads, "meaning": "meaning"})
    drawn = picture(lambda ax: plot_user_agents(results.kinds, ax), "kinds", says, height=2.4, narrow_height=2.8)
    return Section("People and machines", says, drawn, [table])


def _programs(results: Results, inputs: Inputs) -> Section:
    known = results.clients[results.clients["client"] != "unknown"].head(3)
    parts = [
        f"{client} {part:.1%}" for client, part in zip(known["client"], known["share_of_destinations"], strict=True)
    ]
    says = (
        f"Of the messages opened, the most were opened in {', '.join(parts)}." if parts else "No mail program is known."
    )
    tables = [
        table_of(results.clients, "Mail programs", {"client": "program", **_COUNTED}),
        table_of(results.systems, "Systems", {"os": "system", **_COUNTED}),
        table_of(results.devices, "Devices, as the user agent tells", {"device": "device", **_COUNTED}),
    ]
    drawn = picture(lambda ax: plot_user_agents(results.clients_by_kind, ax), "clients", says, height=4.2)
    return Section("Mail programs", f"{says} A message opened in two programs counts in both.", drawn, tables)


def _mailings(results: Results, inputs: Inputs) -> Section:
    result = results.performance
    says = f"{counted(len(result), 'mailings')}. " + (
        "The open rate of each is a range: the lower end leaves out what only machines opened, the upper counts all."
        if "open_rate_high" in result
        else "Without deliveries there is no open rate of the delivered messages, and the range is one of counts."
    )
    heads = {
        "mailing": "mailing", "impressions": "impressions", "unique_opens": "unique opens",
        "unique_opens_not_only_machines": "not only machines", "sent": "sent", "open_rate_of_sent": "opened of sent",
        "delivered": "delivered", "open_rate_low": "open rate, low",
        "open_rate_high": "open rate, high",
        "unique_clicks": "unique clicks", "click_through_rate": "click-through rate",
        "click_to_open_rate": "click-to-open rate",
    }  # fmt: skip
    named = result.assign(mailing=result["mailing"].map(lambda number: inputs.names.get(number, str(number))))
    rows = min(20, len(result))
    drawn = picture(
        lambda ax: plot_mailing_performance(result, ax, names=inputs.names), "mailings", says,
        height=1.8 + 0.28 * max(4, rows), narrow_height=2.2 + 0.25 * max(4, rows),
    )  # fmt: skip
    return Section("Mailings", says, drawn, [table_of(named, "Mailings", heads, last=True)])


def _problems(results: Results, inputs: Inputs) -> Section | None:
    says = problems_in_words(results.outcomes)
    return (
        Section("Bounces, unsubscribes, complaints", says, "", problem_tables(results.outcomes, inputs))
        if says
        else None
    )


def _providers(results: Results, inputs: Inputs) -> Section | None:
    if results.recipients is None:
        return None
    result, since = results.recipients.providers, results.recipients.since
    says = f"By the log files since {since:%Y-%m-%d}. "
    known = result[result["messages_delivered"] > 0]
    if len(known):
        top = known.iloc[0]
        rate = between(share(top["open_rate_low"], 1), share(top["open_rate_high"], 1))
        messages = counted(int(top["messages_delivered"]), "messages")
        says += f"The most were delivered at {top['provider']}: {messages}, of which {rate} were opened."
    heads = {
        "provider": "provider", "messages_delivered": "delivered", "messages_bounced": "bounced",
        "open_rate_low": "open rate, low", "open_rate_high": "open rate, high", "bounce_rate": "bounce rate",
    }  # fmt: skip
    drawn = picture(lambda ax: plot_provider_breakdown(result, ax), "providers", says)
    return Section("Providers of the recipients", says, drawn, [table_of(result, "Providers", heads)])


def _countries(results: Results, inputs: Inputs) -> Section | None:
    if results.recipients is None or results.recipients.countries.empty:
        return None
    result, since = results.recipients.countries, results.recipients.since
    says = f"By the log files since {since:%Y-%m-%d}, of the opens by persons: where the address that opened is."
    heads = {
        "country": "country", "impressions": "impressions", "opened_messages": "messages opened",
        "share_of_messages": "share of opened messages",
    }  # fmt: skip
    drawn = picture(lambda ax: plot_country_breakdown(result, ax), "countries", says)
    return Section("Countries", says, drawn, [table_of(result, "Countries", heads)])


def _decay(results: Results, inputs: Inputs) -> Section | None:
    result = results.decay
    if result is None:
        return None
    last, half_lives = result[result["hours"] == result["hours"].max()], results.half_lives()
    waiting = int((~last["mature"]).sum())
    says = (
        "Of no mailing are the opens of a whole week after sending known, by the certificate or else by the latest "
        "impression."
    ) if half_lives.empty else (
        f"Half of the opens within a week came within {hours(half_lives.min())} for the quickest of "
        f"{counted(len(half_lives), 'mailings')} and within {hours(half_lives.max())} for the slowest."
    )  # fmt: skip
    if waiting and len(half_lives):
        says += f" Left out for want of a whole week that is known: {counted(waiting, 'mailings')}."
    says += kinds_counted(result)
    heads = {"mailing": "mailing", "opens": "opens within a week", "half_life_hours": "half-life in hours"}
    named = last.assign(mailing=last["mailing"].map(lambda number: inputs.names.get(number, str(number))))
    drawn = picture(lambda ax: plot_open_decay(result, ax, names=inputs.names), "decay", says)
    return Section("How quickly mail is opened", says, drawn, [table_of(named, "Half-lives", heads, last=True)])


def _hours(results: Results, inputs: Inputs) -> Section:
    result = results.hours
    exposed = "impressions_per_message_hour" in result
    says = (
        f"Impressions from {SETTLED_HOURS} hours to a week after sending, per 1,000 messages that were out for the "
        "hour: the readers' own hours, apart from those of sending."
        if exposed
        else "All impressions; the hours at which mail was sent weigh in."
    )
    says += kinds_counted(result)
    measure = "impressions_per_message_hour" if exposed else "impressions"
    cells = result.pivot_table(index="hour", columns="weekday", values=measure, aggfunc="sum", min_count=1)
    cells = (cells * 1000 if exposed else cells.astype("Int64")).rename(columns=str).reset_index()
    heads = {"hour": "hour", **dict(zip("1234567", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True))}
    drawn = picture(lambda ax: plot_hour_of_week(result, ax, zone=inputs.zone), "hours", says, height=4.2)
    return Section("Hours of the week", says, drawn, [table_of(cells, "By hour and weekday", heads)])


def _profiles(results: Results, inputs: Inputs) -> Section:
    result = results.profiles
    without = result.attrs.get("impressions_without_profile", 0)
    says = f"{counted(len(result), 'profiles')} with an impression"
    says += f", half of them {result['impressions'].median():.3g} or more." if len(result) else "."
    if without:
        says += f" Not counted, since they carry no profile: {counted(without, 'impressions')}."
    counts = by_range(result["impressions"]).rename("profiles").rename_axis("impressions").reset_index()
    heads = {"impressions": "impressions of one profile", "profiles": "profiles"}
    drawn = picture(lambda ax: plot_impressions_per_profile(result, ax), "profiles", says, height=3.4)
    return Section("Impressions per profile", says, drawn, [table_of(counts, "Profiles by impressions", heads)])


def _unrecognised(results: Results, inputs: Inputs) -> Section | None:
    result = results.unrecognised
    if result.empty:
        return None
    heads = {"useragent": "user agent", "impressions": "impressions", "destinations": "messages opened"}
    says = "The most frequent user agents that no rule knew. They count as unknown above."
    return Section("Unrecognised user agents", says, "", [table_of(result, "User agents", heads)])


def _day(moment: pd.Timestamp) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment != moment.normalize() else f"{moment:%Y-%m-%d}"


_SECTIONS: tuple[Callable[[Results, Inputs], Section | None], ...] = (
    _over_time, _mailings, _problems, _providers, _machines, _programs, _countries, _decay, _hours, _profiles,
    _unrecognised,
)  # fmt: skip
