"""What each recipient did: recency and frequency, as a definition on any engine and for rows that are at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impressions_analytics.analytics.classes import KINDS_OF_OPEN, with_classes
from impressions_analytics.analytics.kinds_of_open import marked_by_kind
from impressions_analytics.engine import AnalysisInput, RequiredColumns, UnsuitedError, batches_together
from impressions_analytics.engine.acts import NEVER, by_act
from impressions_analytics.engine.marks import Marked

if TYPE_CHECKING:
    import pyarrow as pa

_PERHAPS = ("prefetch", "unknown")
_ACTS = ("opened", "perhaps", "fetched by a machine", "clicked", "clicked by a bot")
ACTIVE = ("opened", "clicked")


def defined_acts(source: AnalysisInput, clicked: Any, kinds: Sequence[str]) -> Any:
    """Return what each profile did and when: opened, perhaps opened, clicked, or what a machine did."""
    import ibis

    rows = with_classes(source, ("kind",))
    kind = rows.classified_kind
    act = ibis.cases((kind.isin(kinds), "opened"), (kind.isin(_PERHAPS), "perhaps"), else_="fetched by a machine")
    opened = rows.select("profile", "mailing", "timestamp", act=act)
    if clicked is None:
        return opened
    rows = with_classes(AnalysisInput(clicked, source.engine), ("kind",))
    act = ibis.ifelse(rows.classified_kind == "bot", "clicked by a bot", "clicked")
    return ibis.union(opened, rows.select("profile", "mailing", "timestamp", act=act))


def defined_frequency(acts: Any, since: pd.Timestamp) -> Any:
    """Define recency and frequency of each profile that did anything."""
    active = acts.act.isin(ACTIVE)
    return acts.group_by("profile").aggregate(
        last_impression=acts.timestamp.max(where=acts.act == "opened"),
        last_click=acts.timestamp.max(where=acts.act == "clicked"),
        last_active=acts.timestamp.max(where=active),
        mailings_opened=acts.mailing.nunique(where=active & (acts.timestamp > since)),
        clicks=(acts.act == "clicked").cast("int64").sum().cast("int64"),
        clicks_by_bots=(acts.act == "clicked by a bot").cast("int64").sum().cast("int64"),
        perhaps=(acts.act == "perhaps").cast("int64").max(),
    )


def frequency_at_hand(
    inputs: Sequence[tuple[Any, RequiredColumns]], kinds: Sequence[str], since: pd.Timestamp, until: pd.Timestamp
) -> pa.Table | None:
    """Return what `defined_frequency` gives for impressions and perhaps clicks; None for what the pass cannot take."""
    import pyarrow as pa

    together = batches_together(inputs)
    if together is None:
        return None
    number = _ACTS.index
    opened = {kind: number(_act_of_open(kind, kinds)) for kind in KINDS_OF_OPEN}
    clicked = {kind: number("clicked by a bot" if kind == "bot" else "clicked") for kind in KINDS_OF_OPEN}
    marked = chain.from_iterable(map(marked_by_kind, together, (opened, clicked)))
    begin, end = (int(moment.as_unit("us").asm8.astype("int64")) for moment in (since, until))
    try:
        found = by_act(
            _until(marked, end), "profile", acts=len(_ACTS), active=[number(act) for act in ACTIVE], since=begin
        )
    except UnsuitedError:
        return None
    last = {act: found.last[:, number(act)] for act in ACTIVE}
    times = {
        "last_impression": last["opened"],
        "last_click": last["clicked"],
        "last_active": np.maximum(*last.values()),
    }
    return pa.table({
        "profile": found.keys,
        **{name: pa.array(time, mask=time == NEVER).cast(pa.timestamp("us")) for name, time in times.items()},
        "mailings_opened": found.mailings,
        "clicks": found.rows[:, number("clicked")],
        "clicks_by_bots": found.rows[:, number("clicked by a bot")],
        "perhaps": (found.rows[:, number("perhaps")] > 0).astype("int64"),
    })  # fmt: skip


def _act_of_open(kind: str, kinds: Sequence[str]) -> str:
    return "opened" if kind in kinds else "perhaps" if kind in _PERHAPS else "fetched by a machine"


def _until(rows: Iterator[Marked], end: int) -> Iterator[Marked]:
    """Yield the rows up to a moment."""
    for found in rows:
        early = found.batch.integers("timestamp") <= end
        yield found if early.all() else Marked(found.batch.where(early), found.message, found.marks[early])
