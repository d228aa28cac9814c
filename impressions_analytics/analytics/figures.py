"""The figures of a mailing as a table: adding a row adds the column, its formula in `metrics` and its test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from impressions_analytics.analytics.rates import interval_names, wilson

ESTIMATE_ASSUMES = (
    "estimated_open_rate assumes that recipients whose mail only machines were seen to fetch "
    "opened as often as all other recipients"
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a mailing, from the counts of the inputs.

    Attributes
    ----------
    name : str
        Its column.
    formula : str
        How it is computed, for people.
    needs : tuple of str
        The inputs it needs besides impressions.
    over : tuple of str
        The counts that it divides; a single one is shown as it is.
    interval : bool
        Whether it is a share of messages, and so has a Wilson interval; rows of one message are not independent.
    """

    name: str
    formula: str
    needs: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    interval: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it gives."""
        return interval_names(self.name) if self.interval else (self.name,)

    @property
    def dtype(self) -> str:
        """The pandas type of its columns."""
        return "float64" if self.over else "int64"

    def expressions(self, table: Any) -> dict[str, Any]:
        """Return its columns, from a table of counts."""
        if not self.over:
            return {self.name: table[self.name]}
        count, total = (_COUNTS.get(name, lambda table, name=name: table[name])(table) for name in self.over)
        return wilson(self.name, count, total) if self.interval else {self.name: count / total.nullif(0)}


def _machine_only(table: Any) -> Any:
    return table.unique_opens - table.unique_opens_not_only_machines


def _not_machine_only(table: Any) -> Any:
    """Count the delivered that were not fetched by machines only; null where more opened than were delivered."""
    import ibis

    fits = table.unique_opens <= table.delivered
    return ibis.ifelse(fits, table.delivered - _machine_only(table), ibis.null("int64"))


_COUNTS: dict[str, Any] = {"machine_only_opens": _machine_only, "delivered_less_machine_only": _not_machine_only}
_DELIVERED, _CLICKS, _SENT = ("deliveries",), ("clicks",), ("destinations",)

FIGURES = (
    Figure("impressions", "O, the impression rows"),
    Figure("unique_opens", "U, the distinct destinations with an impression"),
    Figure("reopen_ratio", "O / U", over=("impressions", "unique_opens")),
    Figure("machine_impressions", "the impression rows of the kinds prefetch and bot"),
    Figure("machine_share_of_impressions", "machine_impressions / O",
           over=("machine_impressions", "impressions")),
    Figure("unique_opens_not_only_machines",
           "H, the distinct destinations with an impression not known to be a machine's"),
    Figure("machine_share_of_unique_opens", "(U - H) / U", over=("machine_only_opens", "unique_opens"), interval=True),
    Figure("sent", "S, the distinct destinations", _SENT),
    Figure("open_rate_of_sent", "U / S, Copernica's percentage opened", _SENT, ("unique_opens", "sent"), interval=True),
    Figure("delivered", "D, the distinct delivered destinations", _DELIVERED),
    Figure("open_rate_high", "U / D, all that were opened", _DELIVERED,
           ("unique_opens", "delivered"), interval=True),
    Figure("open_rate_low", "H / D, those opened not only by machines", _DELIVERED,
           ("unique_opens_not_only_machines", "delivered"), interval=True),
    Figure("estimated_open_rate", "H / (D - (U - H)), an estimate between low and high", _DELIVERED,
           ("unique_opens_not_only_machines", "delivered_less_machine_only")),
    Figure("unique_clicks", "UC, the distinct destinations with a click", _CLICKS),
    Figure("click_to_open_rate", "UC / U", _CLICKS, ("unique_clicks", "unique_opens"), interval=True),
    Figure("effective_opens", "the distinct destinations with an impression or a click", _CLICKS),
    Figure("click_through_rate", "UC / D", ("clicks", "deliveries"),
           ("unique_clicks", "delivered"), interval=True),
)  # fmt: skip
"""Every figure of a mailing, in the order of the columns."""
