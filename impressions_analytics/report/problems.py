"""The part of the page on bounces, unsubscribes and complaints: how many, of which mailings, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from impressions_analytics.charts.language import phrase
from impressions_analytics.charts.numbers import counted
from impressions_analytics.charts.problems import plot_problems
from impressions_analytics.engine import RequiredColumns, open_input
from impressions_analytics.report.inputs import usable
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
_PRIVATE = r"[^\s<>()]*[@\d][^\s<>()]*"
"""A word of a server's answer with a digit or an @: an address, a number of a message. They would name a recipient."""
_MOST_LETTERS = 120


def problems_section(results: Results, inputs: Inputs) -> Section | None:
    """Return the part of the page; None where no kind of trouble was given."""
    says = problems_in_words(results.outcomes)
    if not says:
        return None
    outcomes = results.outcomes
    drawn = ""
    if outcomes[[trouble for trouble in PROBLEMS.values() if trouble in outcomes]].notna().any(axis=None):
        drawn = picture(
            lambda ax: plot_problems(outcomes, ax, names=inputs.names), "problems", says, **heights(len(outcomes))
        )
    return Section(phrase("Bounces, unsubscribes, complaints"), says, drawn, problem_tables(outcomes, inputs))


def problems_in_words(outcomes: pd.DataFrame) -> str:
    """Say how many messages bounced, were unsubscribed from and complained of, over all mailings.

    Examples
    --------
    >>> problems_in_words(pd.DataFrame({"bounced_messages": [3, 1], "bounced": [3 / 90, 1 / 110], "sent": [90, 110]}))
    'Bounced: 4 of 200 messages sent (2.0%).'
    """
    sentences = []
    for trouble in PROBLEMS.values():
        if f"{trouble}_messages" not in outcomes:
            continue
        alone, of_all = _SAYS[trouble]
        known = outcomes.dropna(subset=[trouble]) if trouble in outcomes else outcomes.iloc[:0]
        if known.empty:
            messages = int(outcomes[f"{trouble}_messages"].sum())
            sentences.append(phrase(alone, messages=counted(messages, "messages")))
            continue
        of = known["sent" if trouble == "bounced" else "delivered"]
        some, total = round((known[trouble] * of).sum()), int(of.sum())
        sentences.append(phrase(of_all, some=some, all=total, share=share(some, total)))
        if len(known) < len(outcomes):
            mailings = counted(len(outcomes), "mailings")
            sentences.append(
                phrase("This is known for {some:,} of {mailings} only.", some=len(known), mailings=mailings)
            )
    if "retried_messages" in outcomes and (retried := int(outcomes["retried_messages"].sum())):
        sentences.append(phrase("With an error, but delivered: {messages}.", messages=counted(retried, "messages")))
    return " ".join(sentences)


def problem_tables(outcomes: pd.DataFrame, inputs: Inputs) -> list[HtmlTable]:
    """Return the mailings with the most of each trouble, and the reasons of bounces as far as they are known."""
    known = [trouble for trouble in PROBLEMS.values() if f"{trouble}_messages" in outcomes]
    named = outcomes.assign(
        mailing=[inputs.names.get(number, str(number)) for number in outcomes["mailing"]],
        **{f"{trouble}_share": outcomes[trouble] for trouble in known},
    )
    tables = []
    for trouble in known:
        many = f"{trouble}_messages"
        worst = named.sort_values([trouble, many], ascending=False, kind="stable", na_position="last")
        heads = {"mailing": "mailing", many: "messages", f"{trouble}_share": "share", "sent_at": "sent"}
        tables.append(table_of(worst[worst[many] > 0], phrase(_CAPTIONS[trouble]), heads, most=_MOST))
    return [*tables, *_reasons(outcomes, inputs)]


def _reasons(outcomes: pd.DataFrame, inputs: Inputs) -> list[HtmlTable]:
    """Count the bounced messages by what the receiving server answered, without what may name a recipient."""
    errors = inputs.get("errors")
    known = [] if errors is None else list(usable(errors, "errors", _REASON))
    if not known:
        return []
    source = open_input(errors, RequiredColumns("errors", ("mailing", "destination", *known)))
    covered = outcomes["bounced"].notna()
    mailings = outcomes.loc[covered if covered.any() else ~covered, "mailing"].tolist()
    rows = with_and_without(source, source.table, inputs, without="deliveries")
    rows = rows.filter(rows.mailing.isin(mailings))
    if "description" in known:
        rows = rows.mutate(description=rows.description.re_replace(_PRIVATE, "…").substr(0, _MOST_LETTERS))
    counts = rows.group_by(known).aggregate(messages=rows.destination.nunique())
    found = source.engine.fetch(counts).to_pandas()
    found = found.sort_values(["messages", *known], ascending=[False, *[True] * len(known)], kind="stable")
    heads = {
        "description": "what the mail server said", "status": "status", "errorcode": "code", "messages": "messages",
    }  # fmt: skip
    told = found.fillna(dict.fromkeys(known, phrase("not told")))
    return [table_of(told, phrase("Why messages bounced"), heads, most=_MOST)]
