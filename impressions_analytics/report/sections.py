"""The parts of the page: a chart, what it says in words, and its figures as a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from impressions_analytics.charts.breakdown import NAMELESS, plot_user_agents
from impressions_analytics.charts.decay import plot_open_decay
from impressions_analytics.charts.hours import plot_hour_of_week
from impressions_analytics.charts.language import phrase, word, written
from impressions_analytics.charts.mailings import plot_mailing_performance
from impressions_analytics.charts.numbers import counted
from impressions_analytics.charts.over_time import plot_impressions_over_time
from impressions_analytics.charts.palette import KIND_OF_OPEN
from impressions_analytics.charts.profiles import by_range, plot_impressions_per_profile
from impressions_analytics.report.headlines import long_time
from impressions_analytics.report.pictures import picture
from impressions_analytics.report.problems import problems_section
from impressions_analytics.report.recipients import countries_section, providers_section
from impressions_analytics.report.results import SETTLED_HOURS
from impressions_analytics.report.section import Section, heights
from impressions_analytics.report.tables import between, kinds_counted, share, table_of, whole

if TYPE_CHECKING:
    from impressions_analytics.report.inputs import Inputs
    from impressions_analytics.report.results import Results

_MOST_NUMBERS = 40
_OF_MAILINGS = {
    "open_rate_high": "{mailings}. The open rate of each is a range of what was seen: the lower end leaves out what "
    "only machines opened, the upper counts all.",
    "open_rate_of_sent": "{mailings}. Without deliveries the open rate is of the sent messages, machines included.",
}
_COUNTS_OF_MAILINGS = (
    "{mailings}. Without deliveries there is no open rate of the delivered messages, and the range is one of counts."
)
_COUNTED = {
    "impressions": "impressions",
    "destinations": "messages opened",
    "share_of_destinations": "share of opened messages",
}
_MOST_OPENS = {
    "hour": "{opens} from {begin} to {end}, by the hour; the most, {most:,}, in the hour of {period}.",
    "day": "{opens} from {begin} to {end}, by the day; the most, {most:,}, on {period}.",
    "week": "{opens} from {begin} to {end}, by the week; the most, {most:,}, in the week of {period}.",
    "month": "{opens} from {begin} to {end}, by the month; the most, {most:,}, in the month of {period}.",
}
_PER = {
    "hour": "Impressions per hour", "day": "Impressions per day",
    "week": "Impressions per week", "month": "Impressions per month",
}  # fmt: skip
_KIND_MEANS = {
    "person": "no sign of a machine; not proof of a person",
    "proxy": "fetched by the mailbox when the message is opened (Gmail, Yahoo)",
    "prefetch": "fetched by the mailbox before anybody looked (Apple Mail Privacy Protection): cannot tell",
    "bot": "a scanner, a crawler or a program",
    "unknown": "no rule knew the user agent: cannot tell",
}


def sections(results: Results, inputs: Inputs) -> list[Section]:
    """Return the parts that the results allow, in the order of the page."""
    made = (make(results, inputs) for make in _SECTIONS)
    return [section for section in made if section is not None]


def _over_time(results: Results, inputs: Inputs) -> Section:
    kinds, firsts = results.over_time, results.first_opens
    table = kinds.pivot_table(index="period", columns="kind", values="impressions", aggfunc="sum")
    table = table[[kind for kind in KIND_OF_OPEN if kind in table]].reset_index()
    table.insert(1, "impressions", table.drop(columns="period").sum(axis=1).astype("int64"))
    says = phrase("No impressions.")
    if results.value_range:
        top = table.iloc[int(table["impressions"].argmax())]
        says = phrase(
            _MOST_OPENS[results.every], opens=counted(int(table["impressions"].sum()), "impressions"),
            begin=_day(results.value_range[0]), end=_day(results.value_range[1]), most=int(top["impressions"]),
            period=_day(top["period"]),
        )  # fmt: skip
        says += " " + phrase(
            "Prefetched images were fetched before anybody looked, so they tell no reader; a proxy fetches when a "
            "message is opened."
        )
    heads = {"period": results.every, "impressions": "impressions", "first_opens": "first opens"}
    heads |= {kind: kind for kind in KIND_OF_OPEN}
    outcomes = results.outcomes.dropna(subset=["sent_at"])
    few = results.every != "month" and 0 < len(outcomes) <= _MOST_NUMBERS
    sent_at = dict(zip(outcomes["mailing"], outcomes["sent_at"], strict=True)) if few else None
    if few:
        says += " " + phrase("The numbers in the chart are those of mailings, above the time of their sending.")
    drawn = picture(
        lambda ax: plot_impressions_over_time(
            kinds, ax, zone=inputs.zone, known_until=results.known_until, sent_at=sent_at,
        ),
        "time", says,
    )  # fmt: skip
    joined = table.merge(firsts, on="period", how="left")
    return Section(
        phrase("Opens over time"), says, drawn, [table_of(joined, phrase(_PER[results.every]), heads, last=True)]
    )


def _machines(results: Results, inputs: Inputs) -> Section:
    total, low, high = results.impressions(), results.impressions("person"), results.impressions("person", "proxy")
    machines = {kind: results.impressions(kind) for kind in ("prefetch", "bot", "unknown")}
    says = phrase(
        "Taken for a person's: {range} of {opens} ({shares}). Fetched by scanners, crawlers and programs: {bot:,}. "
        "Nobody can tell of those fetched by the mailbox before anybody looked, {prefetch:,}, and by something that no "
        "rule knew, {unknown:,}.",
        range=between(whole(low), whole(high)), opens=counted(total, "impressions"),
        shares=between(share(low, total), share(high, total)), **machines,
    )  # fmt: skip
    kinds = results.kinds.assign(
        share_of_impressions=results.kinds["impressions"] / max(1, total),
        meaning=[word(_KIND_MEANS[kind]) for kind in results.kinds["kind"]],
    )
    heads = {
        "impressions": "impressions",
        "share_of_impressions": "share of impressions",
        "destinations": "messages opened",
    }
    table = table_of(kinds, phrase("Impressions by kind of open"), {"kind": "kind", **heads, "meaning": "meaning"})
    drawn = picture(lambda ax: plot_user_agents(results.kinds, ax), "kinds", says, height=2.4, narrow_height=2.8)
    return Section(phrase("People and machines"), says, drawn, [table])


def _programs(results: Results, inputs: Inputs) -> Section:
    total = results.impressions()
    known = results.clients[results.clients["client"] != "unknown"].nlargest(3, "impressions")
    counts = zip(known["client"], known["impressions"], strict=True)
    parts = ", ".join(f"{client} {share(count, total)}" for client, count in counts)
    says = phrase("No mail program is known.")
    if parts:
        says = phrase("The most impressions are from {programs}.", programs=parts)
    says += " " + phrase("In the table, a message opened in two programs counts in both.")
    tables = [
        table_of(_named_programs(results), phrase("Mail programs"), {"client": "program", **_COUNTED}),
        table_of(results.systems, phrase("Systems"), {"os": "system", **_COUNTED}),
        table_of(results.devices, phrase("Devices, as the user agent tells"), {"device": "device", **_COUNTED}),
    ]
    drawn = picture(lambda ax: plot_user_agents(results.clients_by_kind, ax), "clients", says, height=4.2)
    return Section(phrase("Mail programs"), says, drawn, tables)


def _named_programs(results: Results) -> pd.DataFrame:
    """Return the programs as the chart names them: those without a name by the kind of their opens."""
    nameless = results.clients_by_kind[results.clients_by_kind["client"] == "unknown"]
    named = results.clients[results.clients["client"] != "unknown"]
    both = pd.concat([named, nameless.assign(client=nameless["kind"].map(NAMELESS).fillna("unknown"))[named.columns]])
    return both.sort_values("impressions", ascending=False, kind="stable", ignore_index=True)


def _mailings(results: Results, inputs: Inputs) -> Section:
    result = results.performance
    words = next((said for column, said in _OF_MAILINGS.items() if column in result), _COUNTS_OF_MAILINGS)
    says = phrase(words, mailings=counted(len(result), "mailings"))
    if words is not _COUNTS_OF_MAILINGS:
        says += " " + phrase("Thin lines are 95% intervals.")
    heads = {
        "mailing": "mailing", "impressions": "impressions", "unique_opens": "unique opens",
        "unique_opens_not_only_machines": "not only machines", "sent": "sent", "open_rate_of_sent": "opened of sent",
        "delivered": "delivered", "open_rate_low": "open rate, low",
        "open_rate_high": "open rate, high",
        "unique_clicks": "unique clicks", "click_through_rate": "click-through rate",
        "click_to_open_rate": "click-to-open rate",
    }  # fmt: skip
    named = result.assign(mailing=result["mailing"].map(lambda number: inputs.names.get(number, str(number))))
    drawn = picture(
        lambda ax: plot_mailing_performance(result, ax, names=inputs.names), "mailings", says, **heights(len(result))
    )
    return Section(phrase("Mailings"), says, drawn, [table_of(named, phrase("Mailings"), heads, last=True)])


def _decay(results: Results, inputs: Inputs) -> Section | None:
    result = results.decay
    if result is None:
        return None
    last, half_lives = result[result["hours"] == result["hours"].max()], results.half_lives()
    waiting = int((~last["mature"]).sum())
    says = phrase(
        "Of no mailing are the opens of a whole week after sending known, by the certificate or else by the latest "
        "impression."
    ) if half_lives.empty else phrase(
        "Half of the opens within a week came within {least} for the quickest of {mailings} and within {most} for the "
        "slowest.",
        least=long_time(half_lives.min()), most=long_time(half_lives.max()),
        mailings=counted(len(half_lives), "mailings"),
    )  # fmt: skip
    if waiting and len(half_lives):
        left_out = counted(waiting, "mailings")
        says += " " + phrase("Left out for want of a whole week that is known: {mailings}.", mailings=left_out)
    says += kinds_counted(result)
    heads = {"mailing": "mailing", "opens": "opens within a week", "half_life_hours": "half-life in hours"}
    named = last.assign(mailing=last["mailing"].map(lambda number: inputs.names.get(number, str(number))))
    drawn = ""
    if len(half_lives):
        drawn = picture(lambda ax: plot_open_decay(result, ax, names=inputs.names), "decay", says)
    return Section(
        phrase("How quickly mail is opened"), says, drawn, [table_of(named, phrase("Half-lives"), heads, last=True)]
    )


def _hours(results: Results, inputs: Inputs) -> Section:
    result = results.hours
    exposed = "impressions_per_message_hour" in result
    says = phrase(
        "Impressions from {begin} hours to a week after sending, per 1,000 messages that were out for the hour: the "
        "readers' own hours, apart from those of sending.", begin=SETTLED_HOURS,
    ) if exposed else phrase("All impressions; the hours at which mail was sent weigh in.")  # fmt: skip
    says += kinds_counted(result)
    measure = "impressions_per_message_hour" if exposed else "impressions"
    cells = result.pivot_table(index="hour", columns="weekday", values=measure, aggfunc="sum", min_count=1)
    cells = (cells * 1000 if exposed else cells.astype("Int64")).rename(columns=str).reset_index()
    heads = {"hour": "hour", **dict(zip("1234567", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True))}
    drawn = picture(lambda ax: plot_hour_of_week(result, ax, zone=inputs.zone), "hours", says, height=4.2)
    return Section(phrase("Hours of the week"), says, drawn, [table_of(cells, phrase("By hour and weekday"), heads)])


def _profiles(results: Results, inputs: Inputs) -> Section:
    result = results.profiles
    without = result.attrs.get("impressions_without_profile", 0)
    profiles = counted(len(result), "profiles")
    says = phrase("{profiles} with an impression.", profiles=profiles)
    if len(result):
        median = float(result["impressions"].median())
        words = "{profiles} with an impression, half of them {median} or more."
        says = phrase(words, profiles=profiles, median=written(median, ",.3g" if median < 1000 else ",.0f"))
    if without:
        left_out = counted(without, "impressions")
        says += " " + phrase("Not counted, since they carry no profile: {opens}.", opens=left_out)
    counts = by_range(result["impressions"]).rename("profiles").rename_axis("impressions").reset_index()
    heads = {"impressions": "impressions of one profile", "profiles": "profiles"}
    drawn = picture(lambda ax: plot_impressions_per_profile(result, ax), "profiles", says, height=3.4)
    return Section(
        phrase("Impressions per profile"), says, drawn, [table_of(counts, phrase("Profiles by impressions"), heads)]
    )


def _unrecognised(results: Results, inputs: Inputs) -> Section | None:
    result = results.unrecognised
    if result.empty:
        return None
    heads = {"useragent": "user agent", "impressions": "impressions", "destinations": "messages opened"}
    says = phrase("The most frequent user agents that no rule knew. They count as unknown above.")
    return Section(phrase("Unrecognised user agents"), says, "", [table_of(result, phrase("User agents"), heads)])


def _day(moment: pd.Timestamp) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment != moment.normalize() else f"{moment:%Y-%m-%d}"


_SECTIONS: tuple[Callable[[Results, Inputs], Section | None], ...] = (
    _over_time, _mailings, problems_section, providers_section, _machines, _programs, countries_section, _decay, _hours,
    _profiles, _unrecognised,
)  # fmt: skip
