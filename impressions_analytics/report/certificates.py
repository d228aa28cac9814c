"""What the page says at its top of how far its data can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from impressions_analytics.certificate import VERDICTS
from impressions_analytics.charts.language import phrase, translated, word, written
from impressions_analytics.charts.numbers import counted, over_mailings
from impressions_analytics.report.inputs import Inputs

_GRADES = ("complete", "partly covered", "part", "unproven", "unknown", "contradicted")
_MEANS: dict[str, str] = {
    **{str(verdict): words for verdict, words in VERDICTS.items()},
    "unknown": "no certificate came with the data, so nobody can tell whether rows are missing",
}
_MOST_GAPS = 10


@dataclass(frozen=True, slots=True)
class Certified:
    """The certificate of one kind of rows, in words.

    Attributes
    ----------
    kind : str
        What the rows are.
    verdict : str
        One of complete, part, unproven, unknown and contradicted.
    why : str
        What the verdict means here.
    got : str
        How many rows there are, and when they were loaded.
    facts : list of (str, str)
        What was asked, got and checked.
    """

    kind: str
    verdict: str
    why: str
    got: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)


def certified(inputs: Inputs) -> list[Certified]:
    """Return what is known of each kind of rows."""
    return [_of_kind(kind, certificate) for kind, certificate in inputs.certificates.items()]


def overall(certificates: list[Certified], *, lacking: bool = False) -> str:
    """Return the worst verdict: a figure is no better than the weakest of its inputs.

    Data that lack something of a mailing (`lacking`) are partly covered, however complete each kind of rows is.

    Examples
    --------
    >>> overall([Certified("impressions", "complete", ""), Certified("clicks", "unknown", "")])
    'unknown'
    >>> overall([Certified("impressions", "complete", "")], lacking=True)
    'partly covered'
    """
    worst = max((certificate.verdict for certificate in certificates), key=_GRADES.index)
    return "partly covered" if lacking and worst != "contradicted" else worst


def not_covered(outcomes: pd.DataFrame) -> list[str]:
    """Say over how many mailings the rates are, and what the others lack; nothing where all are covered.

    Examples
    --------
    >>> not_covered(pd.DataFrame({"mailing": [411, 412], "not_covered": [None, "deliveries: known until 2026-05-31"]}))
    ['rates are over 1 of 2 mailings', 'deliveries: known until 2026-05-31 (1 mailing)']
    """
    lacking = outcomes["not_covered"].dropna()
    if lacking.empty:
        return []
    reasons = lacking.str.split("; ").explode().value_counts(sort=True)
    over = over_mailings(len(outcomes) - len(lacking), len(outcomes))
    return [
        phrase("rates are {over}", over=over),
        *(f"{translated(str(words))} ({counted(int(many), 'mailings')})" for words, many in reasons.items()),
    ]


def grouped(certificates: list[Certified]) -> list[tuple[str, str, str]]:
    """Return the kinds of each verdict, the verdict and what it means here.

    Examples
    --------
    >>> grouped([Certified("impressions", "complete", "all here"), Certified("clicks", "complete", "all here")])
    [('impressions, clicks', 'complete', 'all here')]
    """
    kinds: dict[tuple[str, str], list[str]] = {}
    for certificate in certificates:
        kind = word(certificate.kind)
        words = f"{kind} ({certificate.got})" if certificate.got else kind
        kinds.setdefault((certificate.verdict, certificate.why), []).append(words)
    return [(", ".join(words), verdict, why) for (verdict, why), words in kinds.items()]


def _of_kind(kind: str, certificate: Mapping[str, Any] | None) -> Certified:
    if not certificate:
        return Certified(kind, "unknown", phrase(_MEANS["unknown"]))
    verdict = str(certificate.get("verdict"))
    verdict = verdict if verdict in _GRADES else "unknown"
    texts = {key: _fact(value) for key, value in certificate.items() if key != "gaps"}
    facts = [(word(key.replace("_", " ")), text) for key, text in texts.items() if text]
    return Certified(kind, verdict, _why(certificate, verdict), _got(certificate, verdict), facts)


def _why(certificate: Mapping[str, Any], verdict: str) -> str:
    """Say what a verdict means here: which periods were never loaded, or what the certificate says itself."""
    gaps = [_period(one) for one in certificate.get("gaps") or ()]
    if not gaps:
        return translated(str(certificate.get("why") or _MEANS[verdict]))
    why = phrase("not loaded: {periods}", periods="; ".join(gaps[:_MOST_GAPS]))
    more = len(gaps) - _MOST_GAPS
    return f"{why}; {phrase('and {more:,} more periods', more=more)}" if more > 0 else why


def _got(certificate: Mapping[str, Any], verdict: str) -> str:
    """Say how many rows there are, of how many, and when they were loaded."""
    rows, all_rows = certificate.get("rows"), certificate.get("rows_of_load")
    if verdict == "part" and isinstance(rows, int) and isinstance(all_rows, int):
        got = phrase("{some:,} of {rows}", some=rows, rows=counted(all_rows, "rows"))
    else:
        got = counted(rows, "rows") if isinstance(rows, int) else ""
    day = str(certificate.get("loaded_at") or "")[:10]
    return ", ".join(filter(None, [got, phrase("loaded {day}", day=day) if day else ""]))


def _fact(value: Any) -> str:
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(_period(one) if isinstance(one, list | tuple) and len(one) == 2 else str(one) for one in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return written(value, ",")
    return translated(word(str(value)))


def _period(ends: Sequence[Any]) -> str:
    """Say from when to when; what has no end reaches from the beginning, or until now."""
    low, high = ends
    return phrase("{low} to {high}", low=word(str(low or "the beginning")), high=word(str(high or "now")))
