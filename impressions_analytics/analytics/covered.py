"""Which mailings the inputs of an analysis cover, from their sending to the horizon."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics.certificate import over_mailings
from impressions_analytics.engine import AnalysisInput, Coverage, RequiredColumns, coverage_of
from impressions_analytics.engine.coverage import EARLIEST, PART
from impressions_analytics.errors import MissingColumnError

if TYPE_CHECKING:
    from impressions_analytics.columns import Kind

SETTLED: dict[str, timedelta] = {"destinations": timedelta(days=7), "deliveries": timedelta(days=7)}
"""How long after its sending rows of a mailing still come that change a rate."""
_SETTLED_OTHERS = timedelta(days=30)
APART = timedelta(hours=1)
"""So much earlier than the other inputs an input may end: they are loaded one after the other."""
_SENDING: tuple[tuple[Kind, str, str, timedelta], ...] = (
    ("destinations", "mailing", "timestampsent", timedelta(hours=1)),
    ("emailings", "ID", "timestamp", timedelta(0)),
    ("deliveries", "mailing", "timestamp", timedelta(days=1)),
    ("impressions", "mailing", "timestamp", timedelta(days=7)),
    ("clicks", "mailing", "timestamp", timedelta(days=7)),
)
"""What tells when a mailing was sent, the best first: a kind, its columns of mailing and time, and how long after the
beginning of the kind the first row of a mailing may belong to a mailing that was sent before."""
_LISTS_MAILINGS: tuple[Kind, ...] = ("destinations", "emailings")
_SECOND = timedelta(seconds=1)
_NO_MAILING = -1

Firsts = Mapping["Kind", Mapping[int, datetime]]


@dataclass(frozen=True, slots=True)
class Covered:
    """What the inputs of an analysis lack.

    Attributes
    ----------
    lacks : mapping
        For each mailing that is not covered, the words of each kind that does not cover it.
    doubts : mapping
        The kinds that nobody proved, and why.
    """

    lacks: Mapping[int, Mapping[Kind, str]] = field(default_factory=dict)
    doubts: Mapping[Kind, str] = field(default_factory=dict)

    def words(self, mailing: int) -> str | None:
        """Return what a mailing lacks, in words; None where it is covered."""
        kinds: dict[str, list[Kind]] = {}
        for kind, words in self.lacks.get(mailing, {}).items():
            kinds.setdefault(words, []).append(kind)
        return "; ".join(f"{', '.join(lacking)}: {words}" for words, lacking in kinds.items()) or None

    def by(self, mailing: int, kinds: Iterable[Kind]) -> bool:
        """Return whether all of these kinds cover a mailing."""
        return self.lacks.get(mailing, {}).keys().isdisjoint(kinds)

    def attrs(self, mailings: Iterable[int]) -> dict[str, str]:
        """Return what the result says of itself: over how many mailings it is, and what nobody proved."""
        known = list(mailings)
        whole = sum(mailing not in self.lacks for mailing in known)
        doubts = ", ".join(f"{kind} ({why})" for kind, why in self.doubts.items())
        return {
            "covered": over_mailings(whole, len(known)),
            "not_proven": f"nobody proved which time these inputs cover: {doubts}" if doubts else "",
        }


def read_covered(
    source: AnalysisInput, given: Mapping[Kind, Any], mailings: Iterable[int], *, settled: timedelta | None = None
) -> Covered:
    """Hold the certificates of some inputs against the mailings.

    An input has to cover a mailing from its sending until its rows have settled, or until shortly before the latest
    moment that any of the inputs knows, if that is sooner.

    Parameters
    ----------
    source : AnalysisInput
        The impressions; the other inputs are read where they are.
    given : mapping
        The inputs by their kind. Emailings tell when a mailing was sent; they are not required to cover it.
    mailings : iterable of int
        The mailings.
    settled : timedelta, optional
        How long after the sending each input has to cover; by default `SETTLED`.
    """
    inputs = {kind: data for kind, data in given.items() if data is not None}
    required: list[Kind] = [kind for kind in inputs if kind != "emailings"]
    coverages = {kind: coverage_of(data, kind) for kind, data in _with_emailings(inputs).items()}
    doubts = {kind: coverages[kind].doubt for kind in required if coverages[kind].doubt}
    limited = [coverage for coverage in coverages.values() if coverage.limited]
    if source.lazy or not limited:
        return Covered(doubts=doubts)
    firsts = _firsts(source, _with_emailings(inputs))
    latest = max((coverage.end or EARLIEST for coverage in limited), default=EARLIEST)
    lacks: dict[int, dict[Kind, str]] = {}
    for mailing in mailings:
        sent = _sent(mailing, firsts, coverages)
        if sent is None:
            doubts = {**dict.fromkeys(required, "nothing tells when a mailing was sent"), **doubts}
        for kind in required:
            after = settled or SETTLED.get(kind, _SETTLED_OTHERS)
            words = _lacks(coverages[kind], mailing, sent, _until(sent, after, latest), firsts.get(kind))
            if words:
                lacks.setdefault(mailing, {})[kind] = words
    return Covered(lacks, doubts)


def only_covered(
    result: pd.DataFrame, rates: Iterable[tuple[Sequence[str], Sequence[Kind]]], covered: Covered
) -> pd.DataFrame:
    """Take away the rates of mailings that an input does not cover, and say in ``not_covered`` which input that is.

    Parameters
    ----------
    result : DataFrame
        One row per ``mailing``.
    rates : iterable of (columns, kinds)
        The columns of each rate, and the inputs that it needs.
    covered : Covered
        What the inputs lack.
    """
    mailings = result["mailing"].tolist()
    for columns, kinds in rates if covered.lacks else ():
        unknown = [not covered.by(mailing, kinds) for mailing in mailings]
        result.loc[unknown, list(columns)] = float("nan")
    result["not_covered"] = pd.Series([covered.words(mailing) for mailing in mailings], result.index, dtype="str")
    result.attrs |= covered.attrs(mailings)
    return result


def _until(sent: datetime | None, settled: timedelta, latest: datetime) -> datetime | None:
    """Return until when a mailing has to be covered."""
    if sent is None:
        return None
    until = sent + settled
    return max(until if latest == EARLIEST else min(until, latest - APART), sent + _SECOND)


def _lacks(
    coverage: Coverage, mailing: int, sent: datetime | None, until: datetime | None, rows: Mapping[int, Any] | None
) -> str:
    """Say what an input lacks of a mailing; of a part of a load without its rows, that the others may have them."""
    if coverage.doubt == PART and rows is not None and mailing not in rows:
        return "the rows are a part of a load, without this mailing"
    return coverage.lacks(mailing, sent, until) if sent is not None and until is not None else ""


def window_lacks(given: Mapping[Kind, Any], begin: datetime, end: datetime) -> tuple[str | None, str]:
    """Say what the inputs lack of a window of time, and which of them nobody proved; None where they cover it.

    The window ends shortly before the latest moment that any of the inputs knows, if that is sooner.
    """
    coverages = {kind: coverage_of(data, kind) for kind, data in given.items() if data is not None}
    latest = max((one.end for one in coverages.values() if one.end is not None), default=None)
    until = end if latest is None else min(end, latest - APART)
    lacks = {kind: words for kind, one in coverages.items() if (words := one.lacks(_NO_MAILING, begin, until))}
    covered = Covered({_NO_MAILING: lacks}, {kind: one.doubt for kind, one in coverages.items() if one.doubt})
    return covered.words(_NO_MAILING), covered.attrs([])["not_proven"]


def emailings_of(inputs: Mapping[Kind, Any]) -> Any:
    """Return the emailings that were given, or else those of an archive among the inputs; None without any."""
    given = inputs.get("emailings")
    if given is not None:
        return given
    return next((data for data in inputs.values() if "emailings" in getattr(data, "kinds", ())), None)


def _with_emailings(inputs: Mapping[Kind, Any]) -> dict[Kind, Any]:
    """Add the emailings of an archive: nothing else tells as well when a mailing was sent."""
    emailings = emailings_of(inputs)
    return {**inputs, **({} if emailings is None else {"emailings": emailings})}


def _firsts(source: AnalysisInput, inputs: Mapping[Kind, Any]) -> Firsts:
    """Return the time of the first row of each mailing, by kind; nothing of a kind without the columns."""
    firsts: dict[Kind, Mapping[int, datetime]] = {}
    for kind, key, time, _ in _SENDING:
        if kind in inputs:
            with contextlib.suppress(MissingColumnError):
                table = source.also(inputs[kind], RequiredColumns(kind, (key, time)))
                table = table.filter(table[key].notnull() & table[time].notnull())
                found = source.engine.fetch(table.group_by(mailing=table[key]).aggregate(first=table[time].min()))
                firsts[kind] = {row["mailing"]: row["first"] for row in found.to_pylist()}
    return firsts


def _sent(mailing: int, firsts: Firsts, coverages: Mapping[Kind, Coverage]) -> datetime | None:
    """Return when a mailing was sent, or a moment just before an input begins; None where nothing tells."""
    known: list[datetime] = []
    before: list[datetime] = []
    for kind, _, _, margin in _SENDING:
        first = firsts.get(kind, {}).get(mailing)
        if first is None:
            continue
        begin = coverages[kind].begin(mailing)
        known.append(first)
        if begin == EARLIEST or first >= begin + margin:
            return min(
                known if kind in _LISTS_MAILINGS else [*known, *_unlisted(mailing, firsts, coverages, min(known))]
            )
        before.append(begin - _SECOND)
    return min([*known, *before], default=None)


def _unlisted(mailing: int, firsts: Firsts, coverages: Mapping[Kind, Coverage], at: datetime) -> Iterator[datetime]:
    """Yield a moment before each list that does not name a mailing, though it would if that was sent later."""
    for kind in _LISTS_MAILINGS:
        if kind in firsts and mailing not in firsts[kind]:
            coverage, begin = coverages[kind], coverages[kind].begin(mailing)
            if begin > EARLIEST and coverage.doubt != PART and (coverage.end is None or at < coverage.end):
                yield begin - _SECOND
