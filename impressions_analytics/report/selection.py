"""A report of some mailings: which they are, and the rows of them alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from impressions_analytics.analytics.choices import moment
from impressions_analytics.certificate import Certificate
from impressions_analytics.columns import Kind
from impressions_analytics.engine import RequiredColumns, dtype_of, open_input
from impressions_analytics.errors import InvalidArgumentError
from impressions_analytics.report.inputs import NEEDED, Inputs, usable
from impressions_analytics.report.outcomes import sent_at


def chosen_mailings(inputs: Inputs, *, emailing: int | Sequence[int] | None, begin: Any, end: Any) -> set[int] | None:
    """Return the mailings that are asked for: by number, by when they were sent, or both; None for all."""
    if emailing is None and begin is None and end is None:
        return None
    known = sent_at(inputs)
    chosen = set(known) if emailing is None else {int(one) for one in _several(emailing)}
    absent = sorted(chosen - set(known))
    if absent:
        raise InvalidArgumentError(
            f"there is no mailing {', '.join(map(str, absent))} in the data; it has {_listed(sorted(known))}"
        )
    if begin is not None:
        chosen = {number for number in chosen if known[number] >= moment("begin", begin)}
    if end is not None:
        chosen = {number for number in chosen if known[number] < moment("end", end)}
    if not chosen:
        last = max(known.values(), default=None)
        told = f"; the last one was sent {last:%Y-%m-%d}" if last is not None else ""
        raise InvalidArgumentError(f"no mailing was sent from {begin or 'the beginning'} to {end or 'now'}{told}")
    return chosen


def _several(emailing: int | Sequence[int]) -> Sequence[int]:
    return [emailing] if isinstance(emailing, int | str) else emailing


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[-10:]))
    return shown if len(numbers) <= 10 else f"{len(numbers):,}, the newest of which are {shown}"


def of_mailings(inputs: Inputs, mailings: Collection[int]) -> Inputs:
    """Return the inputs with the rows of some mailings alone. Their certificates still say what was loaded."""
    kept: dict[Kind, Any] = {
        kind: _rows(source, kind, mailings) for kind, source in inputs.sources.items() if kind != "emailings"
    }
    return replace(inputs, sources={**inputs.sources, **kept})


def _rows(source: Any, kind: Kind, mailings: Collection[int]) -> Any:
    """Return the rows of some mailings. All rows of them are there, so the certificate of the load holds for them."""
    if isinstance(source, pd.DataFrame):
        rows = source[source["mailing"].isin(mailings)].copy()
        certificate = source.attrs.get("load")
    else:
        required = RequiredColumns(kind, usable(source, kind, NEEDED[kind]))
        opened = open_input(source, required)
        table = opened.table.filter(opened.table.mailing.isin(list(mailings)))
        rows = opened.deliver(table, {name: dtype_of(name, required, table) for name in required.names})
        certificate = source.certificate(kind) if callable(getattr(source, "certificate", None)) else None
    rows.attrs = {"load": Certificate({**certificate, "rows": len(rows), "ids": None})} if certificate else {}
    return rows
