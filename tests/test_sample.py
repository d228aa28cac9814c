"""The invented sample in data/: what the API would send, and the snapshot of it, are the same rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import impressions_analytics as ia
from impressions_analytics.loader.decode import Decoder, build_frame

SAMPLE = Path(__file__).parent.parent / "data" / "sample"


def test_the_page_and_the_snapshot_hold_the_same_rows():
    decoder = Decoder("impressions")
    page = decoder.decode((SAMPLE / "impressions.json").read_bytes())
    sent = build_frame(decoder, [pa_table(page.rows)])
    kept = ia.read_snapshot(SAMPLE / "impressions.parquet")
    pd.testing.assert_frame_equal(sent, kept)
    assert len(kept) == 300
    assert kept["mailing"].nunique() == 3


def pa_table(rows):
    import pyarrow as pa

    return pa.Table.from_batches([rows])
