"""Which time an input covers, by its certificate, the periods of an archive or what its files say of themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from impressions_analytics.archive.periods import Stretch, join, subtract
from impressions_analytics.certificate import certificate_of
from impressions_analytics.columns import Kind
from impressions_analytics.engine.origins import certificates

EARLIEST, LATEST = datetime.min, datetime.max
"""The ends of a load that was asked without a beginning or an end."""
PART = "they are a part of a load"
_NOT_PROVEN = "they are not proven"
_ALL: list[Stretch] = [(EARLIEST, LATEST)]
_SINGLE_LIST = re.compile(r"/(emailing|destination)/([^/]+)/")


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which time the rows of one input cover.

    Attributes
    ----------
    kind : Kind
        What its rows are.
    doubt : str
        Why nobody proved what it covers; empty where its certificate proves it.
    stretches : list of (datetime, datetime)
        The periods that were loaded for the whole account.
    of_mailings : mapping
        The periods that were loaded for single mailings.
    """

    kind: Kind
    doubt: str = ""
    stretches: list[Stretch] = field(default_factory=lambda: list(_ALL))
    of_mailings: Mapping[int, list[Stretch]] = field(default_factory=dict)

    @property
    def limited(self) -> bool:
        """Whether there is any time or mailing that it is known not to cover."""
        return self.stretches != _ALL

    @property
    def end(self) -> datetime | None:
        """Until when anything of it is known; None where that is not said."""
        ends = [end for stretches in (self.stretches, *self.of_mailings.values()) for _, end in stretches]
        last = max(ends, default=LATEST)
        return None if last == LATEST else last

    def of(self, mailing: int) -> list[Stretch]:
        """Return the periods in which the rows of a mailing are known."""
        return join([*self.stretches, *self.of_mailings.get(mailing, [])])

    def begin(self, mailing: int) -> datetime:
        """Return from when on the rows of a mailing are known."""
        return min((begin for begin, _ in self.of(mailing)), default=EARLIEST)

    def lacks(self, mailing: int, begin: datetime, end: datetime) -> str:
        """Say in words what it lacks of a mailing in a period; empty when it covers that.

        Examples
        --------
        >>> may = Coverage("deliveries", stretches=[(datetime(2026, 1, 1), datetime(2026, 5, 31))])
        >>> may.lacks(412, datetime(2026, 5, 29), datetime(2026, 6, 5))
        'known until 2026-05-31'
        >>> may.lacks(402, datetime(2025, 12, 29), datetime(2026, 1, 5))
        'known from 2026-01-01'
        """
        known = self.of(mailing)
        if not known:
            others = ", ".join(map(str, sorted(self.of_mailings)[:3]))
            return f"loaded for mailing {others} only" if others else "not loaded for it"
        gaps = subtract((begin, end), known)
        if not gaps:
            return ""
        before = max((stop for _, stop in known if stop <= gaps[0][0]), default=None)
        after = min((start for start, _ in known if start >= gaps[0][1]), default=None)
        if before is None:
            return f"known from {_moment(known[0][0])}"
        until = f"known until {_moment(before)}"
        return until if after is None else f"{until} and from {_moment(after)}"


def coverage_of(data: Any, kind: Kind) -> Coverage:
    """Return which time an input covers. What says nothing of itself counts as covering everything, in doubt.

    Examples
    --------
    >>> deliveries = pd.DataFrame({"ID": [1]})
    >>> coverage_of(deliveries, "deliveries").doubt
    'no certificate came with them'
    >>> deliveries.attrs["load"] = {"begin": "2026-01-01 00:00:00", "end": "2026-05-31 00:00:00", "rows": 1,
    ...                             "verdict": "complete"}
    >>> coverage_of(deliveries, "deliveries").end
    datetime.datetime(2026, 5, 31, 0, 0)
    """
    parts = [_understood(certificate, kind) for certificate in _held(data, kind)]
    if not parts or any(part is None for part in parts):
        return Coverage(kind, "no certificate came with them")
    said = [part for part in parts if part is not None]
    of_mailings = {
        mailing: join(stretch for part in said for stretch in part.of_mailings.get(mailing, []))
        for mailing in sorted({mailing for part in said for mailing in part.of_mailings})
    }
    stretches = join(stretch for part in said for stretch in part.stretches)
    return Coverage(kind, next((part.doubt for part in said if part.doubt), ""), stretches, of_mailings)


def known_until(data: Any, kind: Kind) -> pd.Timestamp | None:
    """Return until when rows of a kind are known by their certificate; None where no certificate came with them.

    Examples
    --------
    >>> opens = pd.DataFrame({"ID": [1, 2]})
    >>> opens.attrs["load"] = {"end": "2026-05-31 00:00:00", "rows": 2}
    >>> known_until(opens, "impressions"), known_until(pd.concat([opens, opens]), "impressions")
    (Timestamp('2026-05-31 00:00:00'), None)
    """
    end = coverage_of(data, kind).end
    return None if end is None else pd.Timestamp(end).as_unit("us")


def known_from(data: Any, kind: Kind) -> pd.Timestamp | None:
    """Return from when on rows of a kind are known by their certificate; None where it does not say, or from the first.

    Examples
    --------
    >>> opens = pd.DataFrame({"ID": [1, 2]})
    >>> opens.attrs["load"] = {"begin": "2026-01-01 00:00:00", "end": "2026-05-31 00:00:00", "rows": 2}
    >>> known_from(opens, "impressions")
    Timestamp('2026-01-01 00:00:00')
    """
    coverage = coverage_of(data, kind)
    begins = [begin for known in (coverage.stretches, *coverage.of_mailings.values()) for begin, _ in known]
    begin = min(begins, default=EARLIEST)
    return None if begin == EARLIEST else pd.Timestamp(begin).as_unit("us")


def _held(data: Any, kind: Kind) -> list[Mapping[str, Any]]:
    """Return the certificates of an input; that of a frame only as far as it belongs to the frame's rows."""
    if isinstance(data, pd.DataFrame):
        held = certificate_of(data)
        return [] if held is None else [held]
    if callable(getattr(data, "certificate", None)):
        return [data.certificate(kind)]
    return list(certificates(data))


def _understood(certificate: Mapping[str, Any], kind: Kind) -> Coverage | None:
    """Return what a certificate says; nothing of one that another program wrote or changed, and that makes no sense."""
    try:
        return _said(certificate, kind)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


def _said(certificate: Mapping[str, Any], kind: Kind) -> Coverage | None:
    """Return what one certificate says, or the certificate and the periods of a file; None where it says nothing."""
    load = certificate.get("load") or certificate
    doubt = {"complete": "", "part": PART}.get(str(load.get("verdict")), _NOT_PROVEN)
    if certificate.get("periods"):
        periods = certificate["periods"]
        alone = {int(period["emailing"]) for period in periods if period.get("emailing") is not None}
        whole = [_stretch(period) for period in periods if period.get("emailing") is None]
        of = {one: [_stretch(period) for period in periods if period.get("emailing") == one] for one in alone}
        proven = all(period.get("verdict") == "complete" for period in periods)
        return Coverage(kind, "" if proven else _NOT_PROVEN, join(whole), of)
    if load.get("covered") is not None:
        of = {int(one): join(map(_pair, pairs)) for one, pairs in (load.get("covered_emailings") or {}).items()}
        return Coverage(kind, doubt, join(map(_pair, load["covered"])), of)
    if load.get("begin") is None and load.get("end") is None:
        return None
    return _of_load(load, kind, doubt)


def _of_load(load: Mapping[str, Any], kind: Kind, doubt: str) -> Coverage:
    """Return what a load covers: its period, of the account or of the mailings that it was asked for."""
    paths = [str(path) for path in load.get("endpoints") or ()]
    lists = [found for path in paths if (found := _SINGLE_LIST.search(path))]
    if not lists or len(lists) < len(paths):
        return Coverage(kind, doubt, [_stretch(load)])
    asked = [int(found[2]) for found in lists if found[1] == "emailing" and found[2].isdecimal()]
    return Coverage(kind, doubt, [], {mailing: [_stretch(load)] for mailing in asked})


def _stretch(said: Mapping[str, Any]) -> Stretch:
    return _pair((said.get("begin"), said.get("end")))


def _pair(pair: Sequence[Any]) -> Stretch:
    begin, end = pair
    first = datetime.fromisoformat(str(begin)) if begin else EARLIEST
    last = datetime.fromisoformat(str(end)) if end else LATEST
    if first.tzinfo or last.tzinfo:
        raise ValueError(f"{begin} to {end} is no wall clock")
    return first, last


def _moment(moment: datetime) -> str:
    """Write a moment; midnight as its day."""
    return f"{moment:%Y-%m-%d %H:%M}".removesuffix(" 00:00")
