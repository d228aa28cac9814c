"""The first screen: how the last mailing did, against the ten before it, and whether anything is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics.analytics.unusual import by_chance
from impressions_analytics.charts.language import counted, long_date, phrase, translated
from impressions_analytics.errors import ImpressionsError
from impressions_analytics.report.tables import between, small_share, whole

if TYPE_CHECKING:
    from impressions_analytics.report.inputs import Inputs
    from impressions_analytics.report.results import Results

_FEWEST = 3
_BY_CHANCE = 0.05
"""What happens by chance alone more often than this is nothing to point at."""
_SETTLED = pd.Timedelta(days=7)
_MEASURES = (
    ("Opened", "opened_low", "opened_high", "opened_messages", "delivered"),
    ("Clicked", "clicked", "clicked", "clicked_messages", "delivered"),
    ("Bounced", "bounced", "bounced", "bounced_messages", "sent"),
    ("Unsubscribed", "unsubscribed", "unsubscribed", "unsubscribed_messages", "delivered"),
    ("Complained", "complained", "complained", "complained_messages", "delivered"),
)
"""What the page calls a figure, the columns of the ends of its range, of its messages, and of what it is a share."""
_MEANS = {
    "Opened": "the lower share leaves machines out",
    "Bounced": "of the sent messages",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of the last mailing.

    Attributes
    ----------
    label : str
        What happened to the messages.
    value : str
        The share, a range where machines leave it open.
    meaning : str
        How many messages, and of what the share is.
    usual : str
        The same of the mailings before, and how the last one compares.
    """

    label: str
    value: str
    meaning: str
    usual: str


@dataclass(frozen=True, slots=True)
class LastMailing:
    """The last mailing in words. `remarks` are sentences on how final the figures are; `findings` on what is wrong."""

    heading: str
    number: int
    sent: str
    measures: list[Measure]
    remarks: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def last_mailing(results: Results, inputs: Inputs) -> LastMailing | None:
    """Return what the first screen says; None where there is no mailing."""
    outcomes = results.outcomes
    if outcomes.empty or pd.isna(outcomes["sent_at"].iloc[-1]):
        return None
    last, before = outcomes.iloc[-1], results.before
    measures = [_delivered(last, before)] if "delivered" in last else []
    measures += [
        _measure(last, before, measure) for measure in _MEASURES if {measure[1], measure[3]} <= set(last.index)
    ]
    number = int(last["mailing"])
    subject = str(last["subject"]) or phrase("Mailing {number}", number=number)
    heading = phrase("Last mailing: {subject}" if results.is_newest else "Mailing: {subject}", subject=subject)
    sent = long_date(last["sent_at"])
    remarks = _remarks(last, results, inputs)
    return LastMailing(heading, number, sent, measures, remarks, _findings(last, results, inputs))


def _delivered(last: pd.Series[Any], before: pd.DataFrame) -> Measure:
    of = phrase("messages")
    if "sent" in last:
        of = phrase("of {messages} sent", messages=counted(int(last["sent"]), "messages"))
    usual = phrase("no mailing before it")
    if len(before):
        usual = phrase("usually {usual}", usual=whole(before["delivered"].median()))
    return Measure(phrase("Delivered"), whole(last["delivered"]), of, usual)


def _measure(last: pd.Series[Any], before: pd.DataFrame, names: tuple[str, str, str, str, str]) -> Measure:
    label, low, high, messages, of = names
    if pd.isna(last[high]):
        return Measure(
            phrase(label), whole(last[messages]), phrase("messages"), phrase("no share: {why}", why=_why(last, of))
        )
    value = between(small_share(last[low]), small_share(last[high]))
    members = last[messages] if pd.isna(last.get(of)) else round(last[high] * last[of])
    meaning = [counted(int(members), "messages")] + ([phrase(_MEANS[label])] if label in _MEANS else [])
    if label == "Bounced" and last.get("retried_messages", 0):
        meaning.append(phrase("with an error, but delivered: {retried:,}", retried=int(last["retried_messages"])))
    return Measure(phrase(label), value, ", ".join(meaning), _usual(last, before, low, high, of))


def _why(last: pd.Series[Any], of: str) -> str:
    """Say why a share is not known."""
    if not pd.isna(last["not_covered"]):
        return translated(last["not_covered"])
    if pd.isna(last.get(of)):
        return phrase("nothing tells how many were sent" if of == "sent" else "nothing tells how many were delivered")
    return phrase("none was sent" if of == "sent" else "none was delivered")


def _usual(last: pd.Series[Any], before: pd.DataFrame, low: str, high: str, of: str) -> str:
    """Say the median of the mailings before, and how many of them were higher or lower.

    What chance alone makes of that many messages in more than one of twenty mailings is called about the same.
    """
    known = before.dropna(subset=[low, high])
    if len(known) < _FEWEST:
        return phrase("too few mailings before it to compare: {many}", many=len(known))
    usual = between(small_share(known[low].median()), small_share(known[high].median()))
    if all(_about_the_same(last, known, end, of) for end in (low, high)):
        return phrase("usually {usual}; about the same", usual=usual)
    end = low if last[low] != known[low].median() else high
    higher = bool(last[end] > known[end].median())
    many = int((known[end] < last[end]).sum() if higher else (known[end] > last[end]).sum())
    if many == len(known):
        words = "usually {usual}; higher than all {all}" if higher else "usually {usual}; lower than all {all}"
        return phrase(words, usual=usual, all=many)
    if higher:
        return phrase("usually {usual}; higher than {many} of {all}", usual=usual, many=many, all=len(known))
    return phrase("usually {usual}; lower than {many} of {all}", usual=usual, many=many, all=len(known))


def _about_the_same(last: pd.Series[Any], known: pd.DataFrame, share: str, of: str) -> bool:
    """Whether chance alone takes a share so far from that of all mailings before it together."""
    if pd.isna(last.get(of)) or of not in known or not known[of].sum():
        return bool(last[share] == known[share].median())
    total = int(last[of])
    usual = float((known[share] * known[of]).sum() / known[of].sum())
    return by_chance(round(last[share] * total), total, usual) >= _BY_CHANCE


def _remarks(last: pd.Series[Any], results: Results, inputs: Inputs) -> list[str]:
    """Say what a forecast says of a mailing whose opens still come in."""
    seen = results.known_until
    if seen is None or seen - last["sent_at"] >= _SETTLED:
        return []
    answer, final = _forecast(int(last["mailing"]), inputs)
    if final:
        return []
    age = max(0.0, (seen - last["sent_at"]) / pd.Timedelta(hours=1))
    since = counted(round(age), "hours") if age < 48 else counted(round(age / 24), "days")
    young = (
        "The data ends {since} after sending. Opens still come in, and messages with an error may still be delivered, "
        "so these figures are not final."
    )
    return [phrase(young, since=since), *answer]


def _forecast(mailing: int, inputs: Inputs) -> tuple[list[str], bool]:
    """Return the forecast in words, and whether it is no forecast any more but the final count."""
    from impressions_analytics import analytics

    sources = [inputs.get(kind) for kind in ("impressions", "destinations", "deliveries")]
    if any(source is None for source in sources):
        return [], False
    try:
        forecast = analytics.forecast_opens(*sources, mailing=mailing)
    except ImpressionsError as problem:
        return [phrase("There is no forecast: {problem}.", problem=translated(str(problem)))], False
    return [translated(str(forecast["answer"].iloc[0]))], str(forecast["method"].iloc[0]) == "counted"


def _findings(last: pd.Series[Any], results: Results, inputs: Inputs) -> list[str]:
    """Return what is out of line; only an archive can be searched for it.

    The week after the last mailing was sent is searched, with the mailings before it as its history, and where the
    archive goes further its last week too, which is what `impressions watch` looks at.
    """
    from impressions_analytics.analytics.findings import in_words

    if inputs.archive is None:
        return [phrase("This was not looked for: only an archive, which `impressions sync` makes, can be searched.")]
    if results.last_impression is None:
        return []
    try:
        said = [_found(inputs.archive, as_of, days) for as_of, days in _weeks(last, results)]
    except ImpressionsError as problem:
        return [phrase("Not searched for what is out of line: {problem}.", problem=translated(str(problem)))]
    wrong = {_subject_of(row): in_words(row) for found in said for row in found.to_dict("records")}
    return [translated(told) for told in wrong.values()] or [_nothing(int(last["mailing"]), said[0])]


def _weeks(last: pd.Series[Any], results: Results) -> list[tuple[pd.Timestamp, int]]:
    """Return the ends of the weeks to search, and how many days of each are not searched yet."""
    week, until = last["sent_at"] + _SETTLED, results.known_until or last["sent_at"] + _SETTLED
    if until <= week or not results.is_newest:
        return [(min(week, until), _SETTLED.days)]
    return [(week, _SETTLED.days), (until, min(_SETTLED, until - week).ceil("D").days)]


def _subject_of(row: dict[Any, Any]) -> tuple[str, ...]:
    """Return what a finding is about: what both weeks hold is told once, as the later one sees it."""
    if not pd.isna(row["mailing"]):
        return row["finding"], str(row["cohort"]), str(row["mailing"])
    return row["finding"], str(row["since"]), row["rows"].split(" to ")[0]


def _found(archive: Any, as_of: pd.Timestamp, days: int) -> pd.DataFrame:
    from impressions_analytics import analytics

    found: pd.DataFrame = analytics.find_anomalies(archive, as_of=as_of, days=days)
    return found


def _nothing(mailing: int, found: pd.DataFrame) -> str:
    """Say that nothing was found, and whether the mailing itself could be judged."""
    judged, as_of = found.attrs["looked_at"], found.attrs["as_of"]
    if mailing in judged:
        others = counted(len(judged), "mailings")
        words = "Nothing out of line was found in {mailings} of the week to {as_of:%Y-%m-%d %H:%M}."
        return phrase(words, mailings=others, as_of=as_of)
    why = [words for words in found.attrs["not_checked"] if str(mailing) in re.findall(r"\d+", words)]
    if not why:
        return phrase("Mailing {mailing} cannot be judged yet: it is younger than a day.", mailing=mailing)
    return phrase("Mailing {mailing} could not be judged: {why}.", mailing=mailing, why=translated(why[0]))
