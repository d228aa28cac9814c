"""The first screen: how the last mailing did, against the ten before it, and whether anything is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics.analytics.unusual import by_chance
from impressions_analytics.charts.language import phrase, translated
from impressions_analytics.charts.numbers import counted, long_date
from impressions_analytics.errors import ImpressionsError
from impressions_analytics.report.findings import SETTLED, findings
from impressions_analytics.report.tables import between, small_share, whole

if TYPE_CHECKING:
    from impressions_analytics.report.inputs import Inputs
    from impressions_analytics.report.results import Results

_FEWEST = 3
_BY_CHANCE = 0.05
"""What happens by chance alone more often than this is nothing to point at."""


@dataclass(frozen=True, slots=True)
class _Share:
    """A share of the messages of a mailing.

    Attributes
    ----------
    label : str
        What the page calls it.
    low, high : str
        The columns of the ends of its range; the same twice where it is one figure.
    messages : str
        The column of the messages that have it.
    of : str
        The column of the messages that it is a share of.
    means : str
        What else to know of it.
    """

    label: str
    low: str
    high: str
    messages: str
    of: str
    means: str = ""


_WITHOUT_MACHINES = "the lower share leaves machines out"
_SHARES = (
    _Share(
        "Opened", "opened_low", "opened_high", "opened_messages", "delivered", "the lower share leaves machines out"
    ),
    _Share("Clicked", "clicked", "clicked", "clicked_messages", "delivered"),
    _Share("Bounced", "bounced", "bounced", "bounced_messages", "sent", "of the sent messages"),
    _Share("Unsubscribed", "unsubscribed", "unsubscribed", "unsubscribed_messages", "delivered"),
    _Share("Complained", "complained", "complained", "complained_messages", "delivered"),
)
_OF_SENT = {"Opened": {"of": "sent", "means": "of the sent messages, machines included"}}
"""What a share is where nothing tells which messages were delivered."""


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
    shares = [one for one in _SHARES if {one.low, one.messages} <= set(last.index)]
    if "delivered" not in last:
        shares = [replace(one, **_OF_SENT.get(one.label, {})) for one in shares]
    measures += [_measure(last, before, one) for one in shares]
    number = int(last["mailing"])
    subject = str(last["subject"]) or phrase("Mailing {number}", number=number)
    heading = phrase("Last mailing: {subject}" if results.is_newest else "Mailing: {subject}", subject=subject)
    words = "Mailing {number}, sent {moment}."
    if not _sending_known(number, inputs):
        words = "Mailing {number}, first opened {moment}."
    sent = phrase(words, number=number, moment=long_date(last["sent_at"]))
    remarks = _remarks(last, results, inputs)
    return LastMailing(heading, sent, measures, remarks, findings(last, results, inputs))


def _delivered(last: pd.Series[Any], before: pd.DataFrame) -> Measure:
    of = phrase("messages")
    if "sent" in last:
        of = phrase("of {messages} sent", messages=counted(int(last["sent"]), "messages"))
    usual = phrase("no mailing before it")
    if len(before):
        usual = phrase("usually {usual}", usual=whole(before["delivered"].median()))
    return Measure(phrase("Delivered"), whole(last["delivered"]), of, usual)


def _measure(last: pd.Series[Any], before: pd.DataFrame, share: _Share) -> Measure:
    label, low, high = phrase(share.label), last[share.low], last[share.high]
    if pd.isna(high):
        why = phrase("no share: {why}", why=_why(last, share.of))
        many, _, messages = counted(int(last[share.messages]), "messages").partition(" ")
        return Measure(label, many, messages, why)
    members = last[share.messages] if pd.isna(last.get(share.of)) else round(high * last[share.of])
    meaning = [counted(int(members), "messages")]
    if share.means:
        meaning.append(phrase(share.means))
    if share.label == "Bounced" and last.get("retried_messages", 0):
        meaning.append(phrase("with an error, but delivered: {retried:,}", retried=int(last["retried_messages"])))
    value = between(small_share(low), small_share(high))
    return Measure(label, value, ", ".join(meaning), _usual(last, before, share))


def _why(last: pd.Series[Any], of: str) -> str:
    """Say why a share is not known."""
    if not pd.isna(last["not_covered"]):
        return translated(last["not_covered"])
    if pd.isna(last.get(of)):
        return phrase("nothing tells how many were sent" if of == "sent" else "nothing tells how many were delivered")
    return phrase("none was sent" if of == "sent" else "none was delivered")


def _usual(last: pd.Series[Any], before: pd.DataFrame, share: _Share) -> str:
    """Say the median of the mailings before, and how many of them were higher or lower.

    What chance alone makes of that many messages in more than one of twenty mailings is called about the same.
    """
    known = before.dropna(subset=[share.low, share.high])
    if len(known) < _FEWEST:
        return phrase("too few mailings before it to compare: {many}", many=len(known))
    medians = {end: float(known[end].median()) for end in (share.low, share.high)}
    usual = between(small_share(medians[share.low]), small_share(medians[share.high]))
    if all(_about_the_same(last, known, end, share.of) for end in medians):
        return phrase("usually {usual}; about the same", usual=usual)
    end = share.low if last[share.low] != medians[share.low] else share.high
    higher = bool(last[end] > medians[end])
    many = int((known[end] < last[end]).sum() if higher else (known[end] > last[end]).sum())
    if many == len(known):
        words = "usually {usual}; higher than all {all}" if higher else "usually {usual}; lower than all {all}"
        return phrase(words, usual=usual, all=many)
    words = "usually {usual}; higher than {many} of {all}" if higher else "usually {usual}; lower than {many} of {all}"
    return phrase(words, usual=usual, many=many, all=len(known))


def _about_the_same(last: pd.Series[Any], known: pd.DataFrame, share: str, of: str) -> bool:
    """Whether chance alone takes a share so far from that of all mailings before it together."""
    if last[share] == known[share].median():
        return True
    if pd.isna(last.get(of)) or of not in known or not known[of].sum():
        return False
    total = int(last[of])
    usual = float((known[share] * known[of]).sum() / known[of].sum())
    return by_chance(round(last[share] * total), total, usual) >= _BY_CHANCE


def _remarks(last: pd.Series[Any], results: Results, inputs: Inputs) -> list[str]:
    """Say what a forecast says of a mailing whose opens still come in."""
    seen = results.known_until
    if seen is None or seen - last["sent_at"] >= SETTLED:
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
    if not _sending_known(int(last["mailing"]), inputs):
        young = "The data ends {since} after the first open. Opens still come in, so these figures are not final."
    return [phrase(young, since=since), *answer]


def _sending_known(mailing: int, inputs: Inputs) -> bool:
    """Whether anything tells when a mailing was sent; its first open is the moment that stands for it otherwise."""
    return mailing in inputs.sent_at or inputs.get("destinations") is not None


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
