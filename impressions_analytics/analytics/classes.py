"""Join what each user agent is to the rows that carry it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from impressions_analytics.engine import Source

CLASSES = ("client", "client_version", "os", "device", "kind", "rule")
KINDS_OF_OPEN = ("person", "proxy", "prefetch", "bot", "unknown")
MACHINES = ("prefetch", "bot")
"""The kinds that are known to be a machine's."""


def classes_of(useragents: pd.Series[Any]) -> pd.DataFrame:
    """Classify distinct user agents; what is not told is ``"unknown"``, so that it is a class of its own.

    Returns
    -------
    DataFrame
        One row per user agent: ``useragent``, and each column of `CLASSES` as ``classified_...``.
    """
    from impressions_analytics.user_agents import classify_user_agents

    known = classify_user_agents(useragents)
    told = {f"classified_{name}": known[name].astype("str").fillna("unknown") for name in CLASSES}
    return pd.DataFrame({"useragent": known["useragent"].astype("str"), **told})


def with_classes(source: Source, classes: Sequence[str]) -> Any:
    """Return the rows of a source with ``classified_...`` columns added.

    The distinct user agents are fetched, classified here, and joined back where the rows are.
    """
    import ibis
    import pyarrow as pa

    rows = source.table
    distinct = source.fetch(rows.filter(rows.useragent.notnull()).select("useragent").distinct())
    added = [f"classified_{name}" for name in dict.fromkeys(classes)]
    known = classes_of(pd.Series(distinct["useragent"].to_pylist(), dtype="str"))[["useragent", *added]]
    joined = rows.left_join(ibis.memtable(pa.Table.from_pandas(known, preserve_index=False)), "useragent")
    return joined.select(*rows.columns, **{name: joined[name].fill_null("unknown") for name in added})
