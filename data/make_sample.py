"""Make everything in data/sample anew from the sandbox: `python data/make_sample.py`."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import impressions_analytics as ia
from impressions_analytics.sandbox import Sandbox

SAMPLE = Path(__file__).parent / "sample"


def main() -> None:
    """Write one page as the API sends it, the same rows as a snapshot, and README's picture."""
    SAMPLE.mkdir(exist_ok=True)
    with Sandbox(impressions=300, seed=412, emailings=3, v2_edition="later") as box:
        address = f"{box.url}/v2/ms/impressions?limit=1000&access_token={box.access_token}"
        with urllib.request.urlopen(address) as answer:
            (SAMPLE / "impressions.json").write_bytes(answer.read())
        ia.write_snapshot(
            ia.load_impressions(ia.Copernica(box.access_token, url=box.url)), SAMPLE / "impressions.parquet"
        )
    with Sandbox(impressions=40_000, seed=1) as box:
        opens = ia.load_impressions(ia.Copernica(box.access_token, url=box.url))
    axes = ia.plot_impressions_over_time(ia.impressions_over_time(opens, every="week", by="kind"))
    axes.figure.savefig(SAMPLE / "impressions_over_time.png", dpi=110)


if __name__ == "__main__":
    main()
