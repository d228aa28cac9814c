"""Which share of which mailing is judged, and the words for what is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impressions_analytics.analytics.covered import Covered
from impressions_analytics.analytics.unusual import Direction, Surprise, logit, offsets_of_others, surprise

if TYPE_CHECKING:
    from impressions_analytics.columns import Kind

LEAST_DELIVERED = 50
LEAST_IN_COHORT = 30
HISTORY = 60
"""How many earlier mailings a mailing is held against at most."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One share of a mailing that can be out of line.

    Attributes
    ----------
    name : str
        What a finding is called.
    count, total : str
        The columns of the messages whose sums make the share.
    direction : {"low", "high"}
        On which side it is a finding.
    needs : str
        The kind of rows beyond those that are always needed.
    what, could_also_be : str
        The finding in words, and what else may explain it.
    rows : str
        Which rows to look at.
    """

    name: str
    count: str
    total: str
    direction: Direction
    needs: Kind
    what: str
    could_also_be: str
    rows: str


MEASURES = (
    Measure(
        "client_stopped_opening", "human", "delivered", "low", "impressions",
        "{cohort} recipients opened far less of mailing {mailing} than usual: {observed} of {total:,}, "
        "{expected} expected",
        "the provider of these recipients blocks images or filters the mail as spam; the client changed how it fetches "
        "images; the user agent of the client changed and is classified otherwise",
        "impressions of mailing {mailing} and of the mailing before, by client",
    ),
    Measure(
        "opens_fell", "human", "delivered", "low", "impressions",
        "people opened far less of mailing {mailing} than of others: {observed} of {total:,}, {expected} expected",
        "a weak subject; another audience than usual; mail in the spam folder; images that do not load",
        "impressions and clicks of mailing {mailing}",
    ),
    Measure(
        "images_broken", "fetched_and_clicked", "clicked", "low", "clicks",
        "the images of mailing {mailing} seem not to load, for all or for some: of {total:,} clicked "
        "messages {observed} have an impression, {expected} expected",
        "a provider that blocks images; clicks of scanners that pass for people; more recipients who read without "
        "images",
        "clicks of mailing {mailing} whose destination has no impression",
    ),
    Measure(
        "bots_surged", "bot", "delivered", "high", "impressions",
        "bots fetched far more of mailing {mailing} than usual: {observed} of {total:,}, {expected} expected",
        "a new security scanner at a large recipient; a user agent that is newly classified as a bot",
        "impressions of mailing {mailing} of the kind bot, by user agent",
    ),
    Measure(
        "errors_rose", "failed_only", "sent", "high", "errors",
        "far more messages of mailing {mailing} failed than usual: {observed} of {total:,}, {expected} expected",
        "an old or bought list of addresses; a provider that refuses mail for a while; deliveries still to come",
        "errors of mailing {mailing}, by status and description",
    ),
    Measure(
        "complaints_rose", "complained", "delivered", "high", "abuses",
        "far more recipients of mailing {mailing} complained than usual: {observed} of {total:,}, {expected} expected",
        "another audience than usual; an unsubscribe link that does not work",
        "abuses of mailing {mailing}",
    ),
)  # fmt: skip
"""What is looked at for each mailing, in the order in which it is told."""
COHORT, *WHOLE = MEASURES
UNSEEN = ("opens_fell", "images_broken")
"""Where these fell by more than half, the impressions of the mailing say nothing of its clients and bots."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One share of one mailing, and how unusual it is."""

    measure: Measure
    place: int
    cohort: str | None
    count: int
    total: int
    found: Surprise


def count_mailings(messages: pd.DataFrame) -> pd.DataFrame:
    """Return one row per mailing that was sent at once, in order of sending, with the sums of what happened."""
    told = messages.assign(sent=1)
    if "clicked" in told.columns:
        told = told.assign(fetched_and_clicked=told["fetched"] * told["clicked"])
    if "failed" in told.columns:
        told = told.assign(failed_only=told["failed"] * (1 - told["delivered"]))
    told["human"] *= told["delivered"]
    told["bot"] *= told["delivered"]
    if "complained" in told.columns:
        told["complained"] *= told["delivered"]
    kept = [name for name in told.columns if name not in _NOT_SUMMED]
    keys = ["sent_at", "mailing", "last_sent_at"]
    counts = told.groupby(keys, sort=True)[kept].sum().reset_index()
    at_once = counts["last_sent_at"] - counts["sent_at"] <= pd.Timedelta(days=1)
    return counts[at_once & (counts["delivered"] >= LEAST_DELIVERED)].reset_index(drop=True)


_NOT_SUMMED = {
    "mailing", "destination", "profile", "sent_at", "last_sent_at", "opened_at", "client", "cohort"
}  # fmt: skip


def judge(
    mailings: pd.DataFrame, messages: pd.DataFrame, measures: tuple[Measure, ...], level: float, covered: Covered
) -> list[Judgement]:
    """Judge each share of each mailing by the mailings before it, those aside in which it was out of line.

    `level` is the probability below which a share is out of line, so that it is no part of what is usual. A share is
    left out of the mailings that its kind of rows does not cover.
    """
    judged: list[Judgement] = []
    unseen: set[int] = set()
    for measure in measures:
        known = [covered.by(mailing, (measure.needs,)) for mailing in mailings["mailing"]]
        totals = mailings[measure.total].where(pd.Series(known, index=mailings.index, dtype="bool"), 0)
        series = _Series(measure, None, mailings[measure.count].to_numpy(), totals.to_numpy())
        judged += _judged(series, level, unseen if measure.name == "bots_surged" else set())
        if measure.name in UNSEEN:
            unseen |= {one.place for one in judged if one.measure == measure and is_unseen(one, level)}
    for series in _cohorts(mailings, messages):
        judged += _judged(series, level, unseen)
    return judged


@dataclass(frozen=True, slots=True)
class _Series:
    """One share of all mailings; for a cohort, with what the other cohorts suggest."""

    measure: Measure
    cohort: str | None
    counts: Any
    totals: Any
    offsets: Any = None
    variances: Any = None


def _cohorts(mailings: pd.DataFrame, messages: pd.DataFrame) -> Iterator[_Series]:
    """Yield the open rates of each cohort; nothing where fewer than three can be compared."""
    counted, sized = _by_cohort(mailings, messages)
    if len(counted.columns) < 3:
        return
    counts, totals = counted.to_numpy("float64"), sized.to_numpy("float64")
    rates = (counts + 0.5) / (totals + 1)
    odds = np.where(totals >= LEAST_IN_COHORT, logit(counts, totals), np.nan)
    offsets, variances = offsets_of_others(odds, 1 / np.maximum(totals * rates * (1 - rates), 0.25))
    for place, cohort in enumerate(counted.columns):
        column = (values[:, place] for values in (counts, totals, offsets, variances))
        yield _Series(COHORT, str(cohort), *column)


def _by_cohort(mailings: pd.DataFrame, messages: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return opened and delivered messages, one row per mailing, one column per cohort."""
    delivered = messages[messages["delivered"] == 1]
    grouped = delivered.groupby(["mailing", "cohort"])["human"]
    both = (grouped.sum(), grouped.size())
    counts, totals = (values.unstack(fill_value=0).reindex(mailings["mailing"], fill_value=0) for values in both)
    large = totals.columns[(totals >= LEAST_IN_COHORT).sum() > 1]
    return counts[large].reset_index(drop=True), totals[large].reset_index(drop=True)


def is_unseen(one: Judgement, level: float) -> bool:
    """Return whether a mailing is one whose opens hardly anybody could see."""
    fell = one.count < one.found.expected * one.total / 2
    return one.measure.name in UNSEEN and one.found.probability < level and fell


def _judged(series: _Series, level: float, unseen: set[int]) -> Iterator[Judgement]:
    """Yield the judgements of one share, mailing after mailing; those that nobody could see are left out."""
    usable = series.totals >= (LEAST_IN_COHORT if series.cohort else 1)
    if series.offsets is not None:
        usable = usable & ~np.isnan(series.offsets)
    usual: list[int] = []
    for place in sorted(set(np.flatnonzero(usable).tolist()) - unseen):
        rows = [*usual[-HISTORY:], place]
        beside = [None if values is None else values[rows] for values in (series.offsets, series.variances)]
        counts, totals = series.counts[rows], series.totals[rows]
        found = surprise(counts, totals, series.measure.direction, offsets=beside[0], offset_variances=beside[1])
        if found is None or found.probability >= level:
            usual.append(place)
        if found is not None:
            yield Judgement(series.measure, place, series.cohort, int(counts[-1]), int(totals[-1]), found)
