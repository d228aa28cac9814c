"""The figures of a mailing as a table: adding a row adds the column, its formula in `metrics` and its test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from impressions_analytics.analytics.rates import interval_names, wilson

if TYPE_CHECKING:
    from impressions_analytics.columns import Kind

OWN = "this package's own convention"
SCREENS = "Copernica's result screens"
COMMON = "common among mail platforms"
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
    source : str
        Who defines it so.
    unit : str
        What it counts, or is a share of; destinations when empty.
    """

    name: str
    formula: str
    needs: tuple[Kind, ...] = ()
    over: tuple[str, ...] = ()
    interval: bool = False
    source: str = COMMON
    unit: str = ""

    def columns(self, *, intervals: bool) -> tuple[str, ...]:
        """Return the columns that it gives, with or without the ends of its interval."""
        return interval_names(self.name) if self.interval and intervals else (self.name,)

    @property
    def inputs(self) -> tuple[Kind, ...]:
        """The inputs that have to cover a mailing for it."""
        return self.needs if self.over and set(self.over) <= _WITHOUT_OPENS else ("impressions", *self.needs)

    @property
    def dtype(self) -> str:
        """The pandas type of its columns."""
        return "float64" if self.over else "int64"

    def expressions(self, table: Any) -> dict[str, Any]:
        """Return its columns, from a table of counts."""
        if not self.over:
            return {self.name: table[self.name]}
        count, total = (table[name] for name in self.over)
        return wilson(self.name, count, total) if self.interval else {self.name: count / total.nullif(0)}


_WITHOUT_OPENS = {"clicked_and_delivered", "delivered"}
_DELIVERED: tuple[Kind, ...] = ("deliveries",)
_CLICKS: tuple[Kind, ...] = ("clicks",)
_SENT: tuple[Kind, ...] = ("destinations",)

FIGURES = (
    Figure("impressions", "O, the impression rows", source=SCREENS, unit="impressions"),
    Figure("unique_opens", "U, the distinct destinations with an impression"),
    Figure("reopen_ratio", "O / U", over=("impressions", "unique_opens"),
           source=OWN, unit="impressions per destination"),
    Figure("machine_impressions", "the impression rows of the kinds prefetch and bot",
           source=OWN, unit="impressions"),
    Figure("machine_share_of_impressions", "machine_impressions / O",
           over=("machine_impressions", "impressions"), source=OWN, unit="share of impressions"),
    Figure("unique_opens_not_only_machines",
           "H, the distinct destinations with an impression not known to be a machine's", source=OWN),
    Figure("machine_share_of_unique_opens", "(U - H) / U", over=("machine_only_opens", "unique_opens"), interval=True,
           source=OWN),
    Figure("sent", "S, the distinct destinations", _SENT),
    Figure("opened_not_sent", "those of U that are not in S", _SENT),
    Figure("open_rate_of_sent", "U / S of those in both, Copernica's percentage opened", _SENT,
           ("opened_and_sent", "sent"), interval=True, source=SCREENS),
    Figure("delivered", "D, the distinct delivered destinations", _DELIVERED),
    Figure("opened_not_delivered", "those of U that are not in D", _DELIVERED),
    Figure("open_rate_high", "U / D of those in both, all that were opened", _DELIVERED,
           ("opened_and_delivered", "delivered"), interval=True),
    Figure("open_rate_low", "H / D of those in both, those opened not only by machines", _DELIVERED,
           ("human_and_delivered", "delivered"), interval=True, source=OWN),
    Figure("estimated_open_rate", "H / (D - (U - H)) of those in D, an estimate between low and high", _DELIVERED,
           ("human_and_delivered", "delivered_less_machine_only"), source=OWN),
    Figure("unique_clicks", "UC, the distinct destinations with a click, those of bots left out", _CLICKS),
    Figure("unique_clicks_only_by_bots", "the distinct destinations whose clicks are all by scanners and programs",
           _CLICKS, source=OWN),
    Figure("clicked_not_opened", "those of UC that are not in U: their images were not seen to load", _CLICKS),
    Figure("click_to_open_rate", "UC / U of those in both", _CLICKS, ("clicked_and_opened", "unique_opens"),
           interval=True),
    Figure("effective_opens", "the distinct destinations with an impression or a click", _CLICKS, source=OWN),
    Figure("clicked_not_delivered", "those of UC that are not in D", ("clicks", "deliveries")),
    Figure("click_through_rate", "UC / D of those in both", ("clicks", "deliveries"),
           ("clicked_and_delivered", "delivered"), interval=True),
)  # fmt: skip
"""Every figure of a mailing, in the order of the columns; a rate counts only members of its denominator."""
NARROW = (
    "unique_opens", "unique_opens_not_only_machines", "sent", "open_rate_of_sent", "delivered", "open_rate_low",
    "open_rate_high", "unique_clicks", "click_through_rate", "click_to_open_rate",
)  # fmt: skip
"""The figures that people read, and that are given when nothing else is asked for."""
OUTSIDE = ("opened_not_sent", "opened_not_delivered", "clicked_not_opened", "clicked_not_delivered")
"""What falls outside the denominators of rates; it is always told."""
ON_REQUEST = ("estimated_open_rate",)
"""What rests on an assumption that nothing in the data can bear out."""
