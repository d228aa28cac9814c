"""The part of the page on bounces, unsubscribes and complaints: how many, of which mailings, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from impressions_analytics.charts.language import counted, phrase
from impressions_analytics.charts.problems import plot_problems
from impressions_analytics.engine import RequiredColumns, open_input
from impressions_analytics.report.outcomes import PROBLEMS, with_and_without
from impressions_analytics.report.pictures import picture
from impressions_analytics.report.section import Section, heights
from impressions_analytics.report.tables import HtmlTable, share, table_of

if TYPE_CHECKING:
    from impressions_analytics.report.inputs import Inputs
    from impressions_analytics.report.results import Results

_MOST = 20
_SAYS = {
    "bounced": ("Bounced: {messages}.", "Bounced: {some:,} of {all:,} messages sent ({share})."),
    "unsubscribed": ("Unsubscribed: {messages}.", "Unsubscribed: {some:,} of {all:,} messages delivered ({share})."),
    "complained": ("Complained: {messages}.", "Complained: {some:,} of {all:,} messages delivered ({share})."),
}
_CAPTIONS = {
    "bounced": "Mailings with the largest share of bounces",
    "unsubscribed": "Mailings with the largest share of unsubscribes",
    "complained": "Mailings with the largest share of complaints",
}
_REASON = ("description", "status", "errorcode")


def problems_section(results: Results, inputs: Inputs) -> Section | None:
    """Return the part of the page; None where no kind of trouble was given."""
    says = problems_in_words(results.outcomes)
    if not says:
        return None
    outcomes = results.outcomes
    drawn = ""
    if outcomes[[word for word in PROBLEMS.values() if word in outcomes]].notna().any(axis=None):
        drawn = picture(
            lambda ax: plot_problems(outcomes, ax, names=inputs.names), "problems", says, **heights(len(outcomes))
        )
    return Section(phrase("Bounces, unsubscribes, complaints"), says, drawn, problem_tables(outcomes, inputs))


def problems_in_words(outcomes: pd.DataFrame) -> str:
    """Say how many messages bounced, were unsubscribed from and complained of, over all mailings.

    Examples
    --------
    >>> problems_in_words(pd.DataFrame({"bounced_messages": [3, 1], "sent": [90, 110]}))
    'Bounced: 4 of 200 messages sent (2.0%).'
    """
    sentences = []
    for word in PROBLEMS.values():
        if f"{word}_messages" not in outcomes:
            continue
        of = "sent" if word == "bounced" else "delivered"
        messages = int(outcomes[f"{word}_messages"].sum())
        alone, of_all = _SAYS[word]
        if of not in outcomes:
            sentences.append(phrase(alone, messages=counted(messages, "messages")))
            continue
        total = int(outcomes[of].sum())
        sentences.append(phrase(of_all, some=messages, all=total, share=share(messages, total)))
    if "retried_messages" in outcomes and (retried := int(outcomes["retried_messages"].sum())):
        sentences.append(phrase("Delivered after an error: {messages}.", messages=counted(retried, "messages")))
    return " ".join(sentences)


def problem_tables(outcomes: pd.DataFrame, inputs: Inputs) -> list[HtmlTable]:
    """Return the mailings with the most of each trouble, and the reasons of bounces as far as they are known."""
    known = [word for word in PROBLEMS.values() if f"{word}_messages" in outcomes]
    named = outcomes.assign(
        mailing=[inputs.names.get(number, str(number)) for number in outcomes["mailing"]],
        **{f"{word}_share": outcomes[word] for word in known},
    )
    tables = []
    for word in known:
        worst = named.sort_values([word, f"{word}_messages"], ascending=False, kind="stable", na_position="last")
        worst = worst[worst[f"{word}_messages"] > 0]
        heads = {"mailing": "mailing", f"{word}_messages": "messages", f"{word}_share": "share", "sent_at": "sent"}
        tables.append(table_of(worst, phrase(_CAPTIONS[word]), heads, most=_MOST))
    return [*tables, *_reasons(inputs)]


def _reasons(inputs: Inputs) -> list[HtmlTable]:
    """Count the bounced messages by what the receiving server answered."""
    errors = inputs.get("errors")
    known = [name for name in _REASON if name in getattr(errors, "columns", ())]
    if not known:
        return []
    source = open_input(errors, RequiredColumns("errors", ("mailing", "destination", *known)))
    rows = with_and_without(source, source.table, inputs, without="deliveries")
    counts = rows.group_by(known).aggregate(messages=rows.destination.nunique())
    found = source.engine.fetch(counts).to_pandas().sort_values("messages", ascending=False, kind="stable")
    heads = {
        "description": "what the mail server said", "status": "status", "errorcode": "code", "messages": "messages",
    }  # fmt: skip
    told = found.fillna(dict.fromkeys(known, phrase("not told")))
    return [table_of(told, phrase("Why messages bounced"), heads, most=_MOST)]
