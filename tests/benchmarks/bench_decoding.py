"""Pages to a typed frame on one core: ours against what people write, a fast reader, and bare decoding.

    python tests/benchmarks/bench_decoding.py [pages]

Every side gets the same page bodies (1000 impressions each, as the sandbox sends them) and ends in one frame; the
least seconds of a processor in several rounds count, the sides taking turns. Left out: the network. Only ours checks
what it reads: numbers, times and addresses are validated, unknown and missing keys are noticed.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
import urllib.request

import msgspec
import pandas as pd
import pyarrow as pa

from impressions_analytics.loader.decode import Decoder, build_frame
from impressions_analytics.sandbox import Sandbox

os.environ["POLARS_MAX_THREADS"] = "1"  # read when Polars is first imported
ROUNDS = 9
IDS = ["ID", "mailing", "destination", "profile", "subprofile"]


def bodies(pages: int) -> list[bytes]:
    """Pages of version 3, whose emailing level carries every column."""
    with Sandbox(impressions=pages * 1000, emailings=1) as box:
        address = f"{box.url}/v3/ms/emailing/401/impressions?access_token={box.access_token}&limit=1000&total=true"
        found = []
        for start in range(0, pages * 1000, 1000):
            with urllib.request.urlopen(f"{address}&start={start}") as answer:
                found.append(answer.read())
    return found


def ours(pages: list[bytes]) -> pd.DataFrame:
    decoder = Decoder("impressions")
    return build_frame(decoder, [pa.Table.from_batches([decoder.decode(page).rows]) for page in pages])


def cast(frame: pd.DataFrame) -> pd.DataFrame:
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], format="%Y-%m-%d %H:%M:%S").astype("datetime64[us]")
    for name in IDS:
        frame[name] = pd.to_numeric(frame[name]).astype("int64" if name in IDS[:3] else "Int64")
    for name in ("useragent", "device"):
        frame[name] = frame[name].astype("category")
    return frame


def json_and_pandas(pages: list[bytes]) -> pd.DataFrame:
    """What people write: every page into a frame, all of them joined, then cast."""
    return cast(pd.concat([pd.DataFrame(json.loads(page)["data"]) for page in pages], ignore_index=True))


def json_and_one_frame(pages: list[bytes]) -> pd.DataFrame:
    """The same with one frame of all rows."""
    return cast(pd.DataFrame([row for page in pages for row in json.loads(page)["data"]]))


def polars_json(pages: list[bytes]) -> object:
    """`polars.read_json` of every page with a schema, and casts; it stays a Polars frame."""
    import polars as pl

    row = dict.fromkeys(["ID", "mailing", "timestamp", "ip", "useragent", "device", "destination"], pl.String)
    row |= {"profile": pl.String, "subprofile": pl.String}
    schema = {"data": pl.List(pl.Struct(row))}
    frames = [pl.read_json(io.BytesIO(page), schema=schema).explode("data").unnest("data") for page in pages]
    return pl.concat(frames).with_columns(
        pl.col("timestamp").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us"),
        *(pl.col(name).cast(pl.Int64) for name in IDS),
        *(pl.col(name).cast(pl.Categorical) for name in ("useragent", "device")),
    )


def polars_to_pandas(pages: list[bytes]) -> pd.DataFrame:
    """The same, handed over to pandas as ours is."""
    return polars_json(pages).to_pandas(use_pyarrow_extension_array=True)  # type: ignore[attr-defined]


def decode_only(pages: list[bytes]) -> int:
    """msgspec's own decoding of the same rows into structs, and nothing else: the floor for ours."""
    decoder = Decoder("impressions")
    return sum(len(decoder._envelopes.decode(page).data) for page in pages)


def decode_untyped(pages: list[bytes]) -> int:
    """msgspec's decoding into plain lists and dictionaries."""
    return sum(len(msgspec.json.decode(page)["data"]) for page in pages)


SIDES = [ours, json_and_pandas, json_and_one_frame, polars_json, polars_to_pandas, decode_only, decode_untyped]


def measured(pages: list[bytes]) -> dict[str, float]:
    """The least seconds of every side, the sides taking turns."""
    least: dict[str, float] = {}
    for _ in range(ROUNDS):
        for side in SIDES:
            try:
                began = time.process_time()
                side(pages)
                spent = time.process_time() - began
            except ImportError:
                continue
            least[side.__name__] = min(spent, least.get(side.__name__, spent))
    return least


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    pages = bodies(count)
    frame = ours(pages)
    assert len(frame) == count * 1000
    assert frame["ID"].sum() == json_and_pandas(pages)["ID"].sum()
    print(f"{count} pages of 1000 impressions, {sum(map(len, pages)) / count / 1000:.0f} kB each, one core, least of")
    print(f"{ROUNDS} rounds; times as much as ours:\n")
    least = measured(pages)
    for name, seconds in least.items():
        print(f"{name:>20} {1e3 * seconds / count:7.3f} ms a page {seconds / least['ours']:7.2f} x ours")
    print(f"\naims: json_and_pandas >= 3.3, polars_json >= 1.0, decode_only >= 0.5 (ours: {least['ours']:.3f} s)")


if __name__ == "__main__":
    main()
