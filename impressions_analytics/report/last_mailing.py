"""The first screen: how the last mailing did, against the ten before it, and whether anything is wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics.charts.language import counted, long_date, phrase, translated
from impressions_analytics.errors import ImpressionsError
from impressions_analytics.report.tables import between, small_share, whole

if TYPE_CHECKING:
    from impressions_analytics.report.inputs import Inputs
    from impressions_analytics.report.results import Results

_FEWEST = 3
_BY_CHANCE = 1.96  # standard deviations of a share, by counting alone
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
    "Retried": "of the sent messages; delivered after an error: {retried:,}",
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
    count = counted(int(last[messages]), "messages")
    if pd.isna(last[high]):
        unknown = pd.isna(last["not_covered"])
        why = phrase("nothing tells how many were delivered") if unknown else translated(last["not_covered"])
        return Measure(phrase(label), whole(last[messages]), phrase("messages"), phrase("no share: {why}", why=why))
    value = between(small_share(last[low]), small_share(last[high]))
    meaning = f"{count}, {phrase(_MEANS[label])}" if label in _MEANS else count
    if label == "Bounced" and last.get("retried_messages", 0):
        meaning = f"{count}, {phrase(_MEANS['Retried'], retried=int(last['retried_messages']))}"
    return Measure(phrase(label), value, meaning, _usual(last, before, low, high, of))


def _usual(last: pd.Series[Any], before: pd.DataFrame, low: str, high: str, of: str) -> str:
    """Say the median of the mailings before, and how many of them were higher or lower.

    A difference that is no larger than what chance alone makes of that many messages in nineteen of twenty mailings is
    called about the same.
    """
    known = before.dropna(subset=[low, high])
    if len(known) < _FEWEST:
        return phrase("too few mailings before it to compare: {many}", many=len(known))
    usual = between(small_share(known[low].median()), small_share(known[high].median()))
    more, less = int((last[low] > known[low]).sum()), int((last[low] < known[low]).sum())
    median, messages = float(known[low].median()), float(last.get(of, last.get("sent", 0)) or 0)
    if abs(last[low] - median) <= _BY_CHANCE * math.sqrt(median * (1 - median) / max(1.0, messages)):
        return phrase("usually {usual}; about the same", usual=usual)
    if len(known) in {more, less}:
        words = "usually {usual}; higher than all {all}" if more else "usually {usual}; lower than all {all}"
        return phrase(words, usual=usual, all=len(known))
    if more >= less:
        return phrase("usually {usual}; higher than {many} of {all}", usual=usual, many=more, all=len(known))
    return phrase("usually {usual}; lower than {many} of {all}", usual=usual, many=less, all=len(known))


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
    young = "The data ends {since} after sending. Opens still come in, so a lower figure is no bad sign yet."
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
    week, until = last["sent_at"] + _SETTLED, results.known_until if results.is_newest else None
    moments = [week if until is None else min(week, until)]
    moments += [until] if until is not None and until > week else []
    try:
        said = [_found(inputs.archive, moment) for moment in moments]
    except ImpressionsError as problem:
        return [phrase("Not searched for what is out of line: {problem}.", problem=translated(str(problem)))]
    wrong = {_subject_of(row): in_words(row) for found, _ in said for row in found.to_dict("records")}
    if wrong:
        return [translated(told) for told in wrong.values()]
    return [nothing for _, nothing in said if nothing] or [phrase("No mailing could be judged yet.")]


def _subject_of(row: dict[Any, Any]) -> tuple[str, ...]:
    """Return what a finding is about: what both weeks hold is told once, as the later one sees it."""
    return (*(str(row[name]) for name in ("finding", "cohort", "mailing", "since")), row["rows"].split(" to ")[0])


def _found(archive: Any, as_of: pd.Timestamp) -> tuple[pd.DataFrame, str]:
    """Return what is out of line in the week up to a moment, and what to say if nothing is and mailings were judged."""
    from impressions_analytics import analytics

    found = analytics.find_anomalies(archive, as_of=as_of)
    judged = counted(len(found.attrs["looked_at"]), "mailings")
    words = "Nothing out of line was found in {mailings} of the week to {as_of:%Y-%m-%d %H:%M}."
    nothing = phrase(words, mailings=judged, as_of=as_of) if found.attrs["looked_at"] else ""
    return found, nothing
