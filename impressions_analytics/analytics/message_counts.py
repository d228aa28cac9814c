"""Count what happened to the messages of each mailing, from rows of several kinds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from impressions_analytics.analytics.classes import KINDS_OF_OPEN, MACHINES
from impressions_analytics.analytics.kinds_of_open import marked_by_kind
from impressions_analytics.engine import ColumnBatch, RequiredColumns, UnsuitedError, batches_together
from impressions_analytics.engine.marks import Marked, by_marks

if TYPE_CHECKING:
    import pyarrow as pa

    from impressions_analytics.columns import Kind

REQUIRED: dict[Kind, RequiredColumns] = {
    "impressions": RequiredColumns("impressions", ("mailing", "destination", "useragent")),
    "destinations": RequiredColumns("destinations", ("ID", "mailing")),
    "deliveries": RequiredColumns("deliveries", ("mailing", "destination")),
    "clicks": RequiredColumns("clicks", ("mailing", "destination", "useragent")),
}
_FLAGS: dict[Kind, str] = {"destinations": "sent", "deliveries": "delivered", "clicks": "clicked"}
_TALLIES = ("impressions", "machine", *_FLAGS.values(), "clicked_by_bot")
_OPENED = ("opened_by_reader", "opened_by_machine")
_CLICKED = ("clicked", "clicked_by_bot")
_MARKS = (*_OPENED, "sent", "delivered", *_CLICKED)
"""What may have happened to a message."""


def count_messages(told: Any) -> Any:
    """Count, per mailing in any of the inputs, its messages by what happened to them.

    Parameters
    ----------
    told : ibis.Table
        What `told_of_messages` or `told_at_hand` gives.

    Returns
    -------
    ibis.Table
        One row per mailing: ``impressions`` and ``machine_impressions`` in rows, and distinct messages. A row without
        a mailing counts nowhere; one without a destination is an impression and no message.
    """
    human, machine, sent, delivered, clicked, clicked_by_bot = (told[mark] for mark in _MARKS)
    opened = human | machine
    counted = {
        "unique_opens": opened,
        "unique_opens_not_only_machines": human,
        "machine_only_opens": opened & ~human,
        "sent": sent,
        "opened_not_sent": opened & ~sent,
        "opened_and_sent": opened & sent,
        "delivered": delivered,
        "opened_not_delivered": opened & ~delivered,
        "opened_and_delivered": opened & delivered,
        "human_and_delivered": human & delivered,
        "delivered_less_machine_only": delivered & ~(opened & ~human),
        "unique_clicks": clicked,
        "unique_clicks_only_by_bots": clicked_by_bot & ~clicked,
        "clicked_not_opened": clicked & ~opened,
        "clicked_and_opened": clicked & opened,
        "clicked_not_delivered": clicked & ~delivered,
        "clicked_and_delivered": clicked & delivered,
        "effective_opens": clicked | opened,
    }
    return told.group_by("mailing").aggregate(
        impressions=told.impressions.sum().cast("int64"),
        machine_impressions=told.machine.sum().cast("int64"),
        **{name: (which.cast("int64") * told.messages).sum().cast("int64") for name, which in counted.items()},
    )


def told_of_messages(rows: Any, others: Mapping[Kind, Any]) -> Any:
    """Define what happened to the messages: one row per message.

    Parameters
    ----------
    rows : ibis.Table
        Impressions with their ``classified_kind``.
    others : mapping of str to ibis.Table
        The destinations, deliveries and clicks that there are, by their kind; clicks with their ``classified_kind``.

    Returns
    -------
    ibis.Table
        ``mailing``, the ``messages`` that a row is about (0 or 1), their ``impressions`` and those by a ``machine``,
        and a flag for each thing that may have happened to them.
    """
    import ibis

    machine = rows.classified_kind.isin(MACHINES).cast("int64")
    opened = rows.group_by("mailing", "destination").aggregate(impressions=rows.count(), machine=machine.sum())
    parts = [_tallied(opened, impressions=opened.impressions.cast("int64"), machine=opened.machine.cast("int64"))]
    for kind, table in others.items():
        if kind == "clicks":
            bot = table.classified_kind == "bot"
            parts += [_marked(table.filter(~bot), "clicked"), _marked(table.filter(bot), "clicked_by_bot")]
        else:
            parts.append(_marked(table.rename(destination="ID") if kind == "destinations" else table, _FLAGS[kind]))
    told = ibis.union(*parts) if len(parts) > 1 else parts[0]
    told = told.filter(told.mailing.notnull())
    told = told.group_by("mailing", "destination").aggregate(**{name: told[name].sum() for name in _TALLIES})
    flags = [told.impressions > told.machine, told.machine > 0, *(told[name] > 0 for name in _MARKS[2:])]
    messages = told.destination.notnull().cast("int64")
    return told.select("mailing", "impressions", "machine", messages=messages, **dict(zip(_MARKS, flags, strict=True)))


def _marked(table: Any, flag: str) -> Any:
    """Return one row per message of a table, with a flag."""
    return _tallied(table.select("mailing", "destination").distinct(), **{flag: 1})


def _tallied(table: Any, **tallies: Any) -> Any:
    """Give a table every tally, 0 where it does not know it."""
    import ibis

    columns = {
        name: ibis.literal(tallies.get(name, 0), "int64") if isinstance(tallies.get(name, 0), int) else tallies[name]
        for name in _TALLIES
    }
    return table.select("mailing", "destination", **columns)


def told_at_hand(given: Mapping[Kind, Any]) -> pa.Table | None:
    """Return what `told_of_messages` defines, with many messages in a row; None for what the pass cannot take."""
    import pyarrow as pa

    kinds = [kind for kind in REQUIRED if given[kind] is not None]
    together = batches_together([(given[kind], REQUIRED[kind]) for kind in kinds])
    if together is None:
        return None
    marked = chain.from_iterable(map(_with_marks, kinds, together))
    try:
        rows, messages = by_marks(marked, "mailing")
    except UnsuitedError:
        return None
    none = np.zeros(len(rows.counts), "int64"), np.zeros(len(messages.counts), "int64")
    counts = {
        "mailing": (rows.groups, messages.groups),
        "messages": (none[0], messages.counts),
        "impressions": (np.where(rows.what < len(_OPENED), rows.counts, 0), none[1]),
        "machine": (np.where(rows.what == _MARKS.index("opened_by_machine"), rows.counts, 0), none[1]),
    }
    flags = {mark: (none[0] > 0, messages.what >> bit & 1 > 0) for bit, mark in enumerate(_MARKS)}
    columns = {name: np.concatenate(parts) for name, parts in (counts | flags).items()}
    return pa.table(columns).filter(pa.array(~np.concatenate([rows.without, messages.without])))


def _with_marks(kind: Kind, batches: Iterable[ColumnBatch]) -> Iterator[Marked]:
    """Yield the rows of a kind with what they say of a message."""
    if kind == "impressions":
        yield from marked_by_kind(batches, {name: _MARKS.index(_OPENED[name in MACHINES]) for name in KINDS_OF_OPEN})
    elif kind == "clicks":
        yield from marked_by_kind(batches, {name: _MARKS.index(_CLICKED[name == "bot"]) for name in KINDS_OF_OPEN})
    else:
        message = "ID" if kind == "destinations" else "destination"
        for batch in batches:
            yield Marked(batch, message, np.full(batch.batch.num_rows, _MARKS.index(_FLAGS[kind]), "uint8"))
