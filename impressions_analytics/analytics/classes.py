"""Join what each user agent is to the rows that carry it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from impressions_analytics.engine import AnalysisInput, ColumnBatch

if TYPE_CHECKING:
    import pyarrow as pa

Values = npt.NDArray[Any]

CLASSES = ("client", "client_version", "os", "device", "kind", "rule")
KINDS_OF_OPEN: tuple[str, ...] = ("person", "proxy", "prefetch", "bot", "unknown")
MACHINES = ("prefetch", "bot")
"""The kinds that are known to be a machine's."""


def classes_of(useragents: pd.Series[Any], *, rules: str | Path | None = None) -> pd.DataFrame:
    """Classify distinct user agents; what is not told is ``"unknown"``, so that it is a class of its own.

    Returns
    -------
    DataFrame
        One row per user agent: ``useragent``, and each column of `CLASSES` as ``classified_...``.
    """
    from impressions_analytics.user_agents import classify_user_agents

    known = classify_user_agents(useragents, rules=rules)
    told = {f"classified_{name}": known[name].astype("str").fillna("unknown") for name in CLASSES}
    return pd.DataFrame({"useragent": known["useragent"].astype("str"), **told})


def with_classes(source: AnalysisInput, classes: Sequence[str], *, rules: str | Path | None = None) -> Any:
    """Return the rows of a source with ``classified_...`` columns added.

    The distinct user agents are fetched, classified here, and joined back where the rows are. A frame in memory knows
    its distinct user agents, and gets the columns beside its rows without a join.
    """
    import pyarrow as pa

    added = [f"classified_{name}" for name in dict.fromkeys(classes)]
    if source.frame is not None:
        return source.frame.opened(source.engine, **_classes_beside(source.frame.table, added, rules))
    rows = source.table
    distinct = source.engine.fetch(rows.filter(rows.useragent.notnull()).select("useragent").distinct())
    texts = pd.Series(distinct["useragent"].to_pylist(), dtype="str")
    known = classes_of(texts, rules=rules)[["useragent", *added]]
    dimension = source.engine.small(pa.Table.from_pandas(known, preserve_index=False))
    joined = rows.left_join(dimension, "useragent")
    return joined.select(*rows.columns, **{name: joined[name].fill_null("unknown") for name in added})


def _classes_beside(table: Any, names: Sequence[str], rules: str | Path | None) -> dict[str, Any]:
    """Return the classes of the rows of an Arrow table as columns of small numbers and what they stand for."""
    import pyarrow as pa

    column = table.column("useragent")
    column = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    column = column.unify_dictionaries().combine_chunks()
    texts = column.dictionary.to_pylist()
    places = column.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    used = np.flatnonzero(np.bincount(places, minlength=len(texts) + 1)[:-1])
    known = classes_of(pd.Series([texts[place] for place in used], dtype="str"), rules=rules).set_index("useragent")
    columns = {}
    for name in names:
        classes, distinct = pd.factorize(known[name].reindex([texts[place] for place in used]))
        numbers = np.full(len(texts) + 1, len(distinct), dtype="int32")
        numbers[used] = classes
        columns[name] = pa.DictionaryArray.from_arrays(numbers.take(places), [*distinct, "unknown"])
    return columns


_NOT_ASKED = -2


class ClassNumbers:
    """Numbers for the classes that occur, given out as they come.

    Each distinct user agent is looked up once; those whose kind is not chosen have no class.
    """

    def __init__(self, columns: Sequence[str], chosen: Sequence[str]) -> None:
        self._columns = [f"classified_{name}" for name in columns]
        self._chosen = chosen
        self._texts: pa.Array | None = None
        self._of_place = np.zeros(0, dtype="int32")
        self._of_text: dict[str | None, int] = {}
        self._of_class: dict[tuple[str, ...], int] = {}

    def names(self) -> list[tuple[str, ...]]:
        """Return what the classes are, by number."""
        return list(self._of_class)

    def numbered(self, column_batches: Iterable[ColumnBatch]) -> Iterator[tuple[Values, Values]]:
        """Yield the class number and the destination of each row that has a class."""
        for batch in column_batches:
            destination, numbers = batch.integers("destination"), self.of(batch)
            if (numbers < 0).any():
                destination, numbers = destination[numbers >= 0], numbers[numbers >= 0]
            yield numbers, destination

    def of(self, batch: ColumnBatch) -> Values:
        """Return the class number of each row of a batch; -1 where its kind is not chosen."""
        places, texts = batch.texts("useragent")
        if self._texts is None or not texts.equals(self._texts):
            self._texts, self._of_place = texts, np.full(len(texts) + 1, _NOT_ASKED, dtype="int32")
        numbers = self._of_place.take(places)
        if (numbers == _NOT_ASKED).any():
            self._learn(texts, np.flatnonzero(np.bincount(places, minlength=len(texts) + 1)))
            numbers = self._of_place.take(places)
        return numbers

    def _learn(self, texts: pa.Array, used: Values) -> None:
        """Find the class number of each text that rows have; of those that no row has, none is looked up."""
        found = [*texts.take(used[used < len(texts)]).to_pylist(), *([None] if used[-1] == len(texts) else [])]
        new = [text for text in found if text not in self._of_text]
        if new:
            known = classes_of(pd.Series(new, dtype="str"))
            kinds, names = known["classified_kind"], known[self._columns].itertuples(index=False, name=None)
            for text, kind, name in zip(known["useragent"], kinds, names, strict=True):
                number = self._of_class.setdefault(name, len(self._of_class)) if kind in self._chosen else -1
                self._of_text[None if pd.isna(text) else text] = number
        self._of_place[used] = [self._of_text[text] for text in found]
