"""An account whose rows a test makes up: the archive's tests talk to it where no HTTP is needed."""

import itertools
from datetime import UTC, datetime

import numpy as np
import pandas as pd

import impressions_analytics as ia
from impressions_analytics.columns import columns_of


class Account:
    """Rows of every kind that a test makes up, given out as a loader would; it notes what it is asked."""

    def __init__(self, rows_per_frame=1000):
        self.kinds = {}
        self.rows_per_frame = rows_per_frame
        self.asked = []
        self.fail_after = None

    def add(self, kind, rows):
        self.kinds[kind] = pd.concat([self.kinds[kind], rows], ignore_index=True) if kind in self.kinds else rows

    def first_moment(self, emailing, *, end):
        return datetime(2026, 1, 1)

    def total(self, kind, begin, end, *, expected):
        return len(self._between(kind, None, begin, end))

    def rows(self, kind, *, emailing, begin, end):
        self.asked.append((kind, emailing, str(begin), str(end)))
        rows = self._between(kind, emailing, begin, end)
        edges = [begin, *rows["timestamp"].iloc[self.rows_per_frame :: self.rows_per_frame].tolist(), end]
        for given, (start, stop) in enumerate(itertools.pairwise(edges)):
            if self.fail_after is not None and given >= self.fail_after:
                raise ia.ApiUnavailableError("the account went away")
            frame = self._between(kind, emailing, start, stop)
            frame.attrs["load"] = certificate(kind, start, stop, len(frame))
            yield frame

    def _between(self, kind, emailing, begin, end):
        rows = self.kinds.get(kind, opens(0))
        chosen = (rows["timestamp"] >= begin) & (rows["timestamp"] < end)
        if emailing is not None:
            chosen &= rows["mailing"] == emailing
        return rows[chosen].sort_values(["timestamp", "ID"], ignore_index=True)


def certificate(kind, begin, end, rows, **more):
    return {
        "kind": kind, "family": "ms", "begin": str(begin), "end": str(end), "rows": rows, "verdict": "complete",
        "requests": 1, **more,
    }  # fmt: skip


def opens(
    count, *, first_id=1, begin="2026-01-01", every="1h", profile=None, destination=None, useragent="Mozilla/5.0"
):
    """Impressions one after another; destinations 1, 2, 3 and so on, unless one is given."""
    ids = np.arange(first_id, first_id + count)
    agents = pd.Categorical([useragent] * count, categories=pd.Index([useragent] if count else [], dtype="str"))
    devices = pd.Categorical(["mobile"] * count, categories=pd.Index(["mobile"] if count else [], dtype="str"))
    return pd.DataFrame({
        "ID": ids,
        "mailing": 400 + ids % 2,
        "timestamp": np.datetime64(begin, "us") + np.arange(count) * pd.Timedelta(every).to_timedelta64(),
        "ip": pd.array([f"192.0.2.{number % 250}" for number in ids], dtype="str"),
        "useragent": agents,
        "device": devices,
        "destination": ids if destination is None else np.full(count, destination),
        "profile": pd.array(ids % 100 if profile is None else [profile] * count, dtype="Int64"),
        "subprofile": pd.array([None] * count, dtype="Int64"),
    })[[column.name for column in columns_of("impressions")]]  # fmt: skip


def archive_at(path, now="2026-03-01 12:00", **options):
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    return ia.Archive(
        path, timezone="UTC" if "timezone" not in options else options.pop("timezone"), clock=lambda: moment, **options
    )
