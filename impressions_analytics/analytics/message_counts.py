"""Count what happened to the messages of each mailing, from rows of several kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from impressions_analytics.analytics.classes import MACHINES
from impressions_analytics.engine import RequiredColumns

if TYPE_CHECKING:
    from impressions_analytics.columns import Kind

REQUIRED: dict[Kind, RequiredColumns] = {
    "destinations": RequiredColumns("destinations", ("ID", "mailing")),
    "deliveries": RequiredColumns("deliveries", ("mailing", "destination")),
    "clicks": RequiredColumns("clicks", ("mailing", "destination", "useragent")),
}
_FLAGS: dict[Kind, str] = {"destinations": "sent", "deliveries": "delivered", "clicks": "clicked"}
_TALLIES = ("impressions", "machine", *_FLAGS.values(), "clicked_by_bot")


def count_messages(rows: Any, others: Mapping[Kind, Any]) -> Any:
    """Count, per mailing in any of the inputs, its messages by what happened to them.

    Parameters
    ----------
    rows : ibis.Table
        Impressions with their ``classified_kind``.
    others : mapping of str to ibis.Table
        The destinations, deliveries and clicks that there are, by their kind; clicks with their ``classified_kind``.

    Returns
    -------
    ibis.Table
        One row per mailing: ``impressions`` and ``machine_impressions`` in rows, and distinct messages. A row without
        a mailing counts nowhere; one without a destination is an impression and no message.
    """
    told = _messages(rows, others)
    message = told.destination.notnull()
    opened, human = message & (told.impressions > 0), message & (told.machine < told.impressions)
    sent, delivered, clicked = (message & (told[flag] > 0) for flag in _FLAGS.values())
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
        "unique_clicks_only_by_bots": message & (told.clicked_by_bot > 0) & ~clicked,
        "clicked_not_opened": clicked & ~opened,
        "clicked_and_opened": clicked & opened,
        "clicked_not_delivered": clicked & ~delivered,
        "clicked_and_delivered": clicked & delivered,
        "effective_opens": clicked | opened,
    }
    return told.group_by("mailing").aggregate(
        impressions=told.impressions.sum().cast("int64"),
        machine_impressions=told.machine.sum().cast("int64"),
        **{name: which.cast("int64").sum().cast("int64") for name, which in counted.items()},
    )


def _messages(rows: Any, others: Mapping[Kind, Any]) -> Any:
    """Define one row per message: its impressions, those by machines, and whether it was sent and so on."""
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
    return told.group_by("mailing", "destination").aggregate(**{name: told[name].sum() for name in _TALLIES})


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
