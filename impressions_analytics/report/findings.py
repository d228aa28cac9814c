"""Is anything wrong? What is out of line in the week of the last mailing, and in the last days of the archive."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics.charts.language import phrase, translated
from impressions_analytics.charts.numbers import counted
from impressions_analytics.errors import ImpressionsError

if TYPE_CHECKING:
    from impressions_analytics.report.inputs import Inputs
    from impressions_analytics.report.results import Results

SETTLED = pd.Timedelta(days=7)
"""How long after its sending the opens of a mailing still come in."""


def findings(last: pd.Series[Any], results: Results, inputs: Inputs) -> list[str]:
    """Return what is out of line; only an archive can be searched for it.

    The week after the last mailing was sent is searched, with the mailings before it as its history, and where the
    archive goes further its last week too, which is what `impressions watch` looks at.
    """
    from impressions_analytics import analytics
    from impressions_analytics.analytics.findings import in_words

    if inputs.archive is None:
        return [phrase("This was not looked for: only an archive, which `impressions sync` makes, can be searched.")]
    if results.last_impression is None:
        return []
    try:
        said = [analytics.find_anomalies(inputs.archive, as_of=end, days=days) for end, days in _weeks(last, results)]
    except ImpressionsError as problem:
        return [phrase("Not searched for what is out of line: {problem}.", problem=translated(str(problem)))]
    wrong = {_subject_of(row): in_words(row) for found in said for row in found.to_dict("records")}
    return [translated(told) for told in wrong.values()] or [_nothing(int(last["mailing"]), said[0])]


def _weeks(last: pd.Series[Any], results: Results) -> list[tuple[pd.Timestamp, int]]:
    """Return where each search ends, and how many days before that it begins; no hour is searched twice."""
    week, until = last["sent_at"] + SETTLED, results.known_until or last["sent_at"] + SETTLED
    if until <= week or not results.is_newest:
        return [(min(week, until), SETTLED.days)]
    return [(week, SETTLED.days), (until, min(SETTLED, until - week).ceil("D").days)]


def _subject_of(row: dict[Any, Any]) -> tuple[str, ...]:
    """Return what a finding is about: what both weeks hold is told once, as the later one sees it."""
    if not pd.isna(row["mailing"]):
        return row["finding"], str(row["cohort"]), str(row["mailing"])
    return row["finding"], str(row["since"]), row["rows"].split(" to ")[0]


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
