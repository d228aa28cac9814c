"""Join what each user agent is to the rows that carry it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from impressions_analytics.engine import Source

CLASSES = ("client", "client_version", "os", "device", "kind")
KINDS_OF_OPEN = ("person", "proxy", "prefetch", "bot", "unknown")
MACHINES = ("prefetch", "bot")
"""The kinds that are known to be a machine's."""


def classes_of(useragents: pd.Series[Any]) -> pd.DataFrame:
    """Classify distinct user agents; what is not told is ``"unknown"``, so that it is a class of its own.

    Returns
    -------
    DataFrame
        One row per user agent: ``useragent`` and the columns of `CLASSES`.
    """
    from impressions_analytics.user_agents import classify_user_agents

    known = classify_user_agents(useragents)
    told = {name: known[name].astype("str").fillna("unknown") for name in CLASSES}
    return pd.DataFrame({"useragent": known["useragent"].astype("str"), **told})


def with_classes(source: Source, columns: Sequence[str], table: Any = None) -> Any:
    """Return the rows of a source with these classes added under the same names.

    The distinct user agents are fetched, classified here, and joined back where the rows are.
    """
    import ibis
    import pyarrow as pa

    rows = source.table if table is None else table
    distinct = source.fetch(rows.select("useragent").distinct().filter(lambda t: t.useragent.notnull()))
    wanted = ["useragent", *dict.fromkeys(columns)]
    classes = classes_of(pd.Series(distinct["useragent"].to_pylist(), dtype="str"))[wanted]
    dimension = ibis.memtable(pa.Table.from_pandas(classes, preserve_index=False))
    kept = [rows[name].name(f"copernica_{name}" if name in wanted[1:] else name) for name in rows.columns]
    rows = rows.select(kept)
    joined = rows.left_join(dimension, "useragent")
    return joined.select(*rows.columns, **{name: joined[name].fill_null("unknown") for name in wanted[1:]})
