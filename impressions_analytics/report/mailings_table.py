"""The table of mailings that stands open on the page: the newest first, with a bar for the opens of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from impressions_analytics.charts.language import phrase, word
from impressions_analytics.charts.texts import shortened
from impressions_analytics.report.tables import between, small_share, whole

MOST_MAILINGS = 1_000
_MOST_LETTERS = 90
_SHARES = ("clicked", "bounced", "unsubscribed", "complained")


@dataclass(frozen=True, slots=True)
class MailingsTable:
    """The mailings as text.

    Attributes
    ----------
    header : list of (str, bool)
        The headings, and whether the cells below are sorted as numbers.
    opened : int or None
        Which column has the bars.
    rows : list of list of str
        The cells, the newest mailing first.
    bars : list of (int, int) or None
        The range of opens of each row in percent of the delivered messages; None where it is not known.
    caption : str
        Of what the shares are, what the bars show, and what is left out.
    """

    header: list[tuple[str, bool]]
    opened: int | None
    rows: list[list[str]]
    bars: list[tuple[int, int] | None]
    caption: str


def mailings_table(outcomes: pd.DataFrame, *, most: int = MOST_MAILINGS) -> MailingsTable:
    """Make the table of the newest mailings.

    Examples
    --------
    >>> outcomes = pd.DataFrame({"mailing": [411, 412], "subject": ["May", "June"],
    ...                          "sent_at": pd.to_datetime(["2026-05-01", "2026-06-01"]), "delivered": [90, 1200],
    ...                          "opened_low": [0.2, 0.25], "opened_high": [0.2, 0.5]})
    >>> mailings_table(outcomes).rows
    [['2026-06-01', '412', 'June', '1,200', '25.0% to 50.0%'], ['2026-05-01', '411', 'May', '90', '20.0%']]
    """
    newest = outcomes.iloc[::-1].head(most)
    columns: dict[str, list[str]] = {
        "sent": ["" if pd.isna(moment) else f"{moment:%Y-%m-%d}" for moment in newest["sent_at"]],
        "mailing": newest["mailing"].astype("str").tolist(),
    }
    if newest["subject"].astype(bool).any():
        columns["subject"] = [shortened(str(subject), _MOST_LETTERS) for subject in newest["subject"]]
    if "delivered" in newest:
        columns["delivered"] = [whole(count) for count in newest["delivered"]]
    bars: list[tuple[int, int] | None] = [None] * len(newest)
    if "opened_high" in newest:
        ends = list(zip(newest["opened_low"], newest["opened_high"], strict=True))
        columns["opened"] = [
            "" if pd.isna(high) else between(small_share(low), small_share(high)) for low, high in ends
        ]
        bars = [None if pd.isna(high) else (round(100 * low), max(1, round(100 * high))) for low, high in ends]
    for name in _SHARES:
        if name in newest:
            columns[name] = ["" if pd.isna(value) else small_share(value) for value in newest[name]]
    header = [(word(name), name not in {"sent", "subject"}) for name in columns]
    opened = list(columns).index("opened") if "opened" in columns else None
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    return MailingsTable(header, opened, rows, bars, _caption(columns, len(outcomes), most))


def _caption(columns: Mapping[str, object], mailings: int, most: int) -> str:
    said = []
    if "bounced" in columns:
        said.append(phrase("Bounces are a share of the sent messages, the other shares are of the delivered."))
    if "opened" in columns:
        said.append(phrase("The bar shows the opens: its stronger part is without machines."))
    if mailings > most:
        said.append(phrase("The newest {most:,} of {all:,}.", most=most, all=mailings))
    return " ".join(said)
