"""The figures that an export's dimensions hold: those of the analyses, so that nobody computes them a second time.

This is the one place where an archive asks the analyses; import-linter knows of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from impressions_analytics.archive.archive import Archive
    from impressions_analytics.columns import Kind


@dataclass(frozen=True)
class StarFigures:
    """The figures of one archive, as far as the kinds that are exported allow.

    Attributes
    ----------
    archive : Archive
        Where the rows are.
    kinds : sequence of str
        The kinds that are exported and have rows.
    """

    archive: Archive
    kinds: Sequence[Kind]

    def of_mailings(self) -> pd.DataFrame:
        """Return what `mailing_performance` gives; without impressions no rows and no figures."""
        if "impressions" not in self.kinds:
            return pd.DataFrame({"mailing": pd.Series(dtype="int64")})
        from impressions_analytics.analytics.mailings import mailing_performance

        others: dict[str, Any] = {
            kind: self.archive for kind in ("destinations", "deliveries", "clicks", "emailings") if kind in self.kinds
        }
        result: pd.DataFrame = mailing_performance(self.archive, **others, intervals=True)
        return result.drop(columns=["subject", "sent_at"], errors="ignore")  # the dimension has them of its own

    def of_recipients(self) -> pd.DataFrame:
        """Return what `engagement_segments` gives, as of the end of what was loaded; without impressions no rows."""
        if "impressions" not in self.kinds:
            return pd.DataFrame({"profile": pd.Series(dtype="int64"), "segment": pd.Series(dtype="str")})
        from impressions_analytics.analytics.engagement import engagement_segments

        destinations = self.archive if "destinations" in self.kinds else None
        result: pd.DataFrame = engagement_segments(self.archive, as_of=self.as_of(), destinations=destinations)
        return result

    def as_of(self) -> pd.Timestamp:
        """Return the moment until which the archive knows the impressions."""
        return pd.Timestamp(str(self.archive.certificate("impressions")["end"]))

    def meanings(self) -> dict[str, str]:
        """Return the formula of each figure of a mailing."""
        from impressions_analytics.analytics.figures import FIGURES

        ends = ("", ": lower end of the 95% interval", ": upper end of the 95% interval")
        return {
            column: figure.formula + end
            for figure in FIGURES
            for column, end in zip(figure.columns(intervals=True), ends, strict=False)
        }  # fmt: skip
