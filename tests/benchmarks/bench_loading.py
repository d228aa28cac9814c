"""A whole load over HTTP: ours against the loops that people write, an asynchronous client and a general tool.

    python tests/benchmarks/bench_loading.py [pages] [--curve]

The sandbox runs in a process of its own, with 30 ms before every answer; every side runs in a process of its own,
in turns, and tells its seconds (without imports) and its peak memory. The sides end in one typed pandas frame, but
for dlt, which ends in Parquet, and "bytes", which is our own client throwing away what it fetched. Only ours proves
its rows against the API's totals. With --curve: calls for evenly spread rows, and time against a server on which a
large offset is slow. Left out: a real network, and the limits of the real API, which nobody has published.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from statistics import median

LATENCY_SECONDS = 0.03
ROUNDS = 5
NUMBERS = ["ID", "mailing", "destination"]
NULLABLE = ["profile", "subprofile"]


# The sides. Each gets address, token and pages, and gives its rows and the sum of their IDs.


def ours(url, token, pages):
    import impressions_analytics as ia

    frame = ia.load_impressions(ia.Copernica(token, url=url))
    assert frame.attrs["load"]["verdict"] == "complete"
    return frame


def typed(frames):
    import pandas as pd

    frame = pd.concat(frames, ignore_index=True)
    frame = frame.astype({**dict.fromkeys(NUMBERS, "int64"), "useragent": "category"})
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], format="%Y-%m-%d %H:%M:%S").astype("datetime64[us]")
    for name in NULLABLE:
        frame[name] = pd.to_numeric(frame[name]).astype("Int64")
    return frame


def sequential(url, token, pages):
    import pandas as pd
    import requests

    frames = []
    with requests.Session() as session:
        while not frames or len(frames[-1]) == 1000:
            asked = {"access_token": token, "start": 1000 * len(frames), "limit": 1000, "total": "false"}
            answer = session.get(f"{url}/v2/ms/impressions", params=asked, timeout=30)
            answer.raise_for_status()
            frames.append(pd.DataFrame(answer.json()["data"]))
    return typed(frames)


def httpx_16(url, token, pages):
    import httpx
    import pandas as pd

    async def fetch():
        limits = httpx.Limits(max_connections=16, max_keepalive_connections=16)
        async with httpx.AsyncClient(limits=limits, timeout=30) as client:

            async def page(number):
                asked = {"access_token": token, "start": 1000 * number, "limit": 1000, "total": "false"}
                answer = await client.get(f"{url}/v2/ms/impressions", params=asked)
                answer.raise_for_status()
                return pd.DataFrame(answer.json()["data"])

            return await asyncio.gather(*map(page, range(pages)))

    return typed(asyncio.run(fetch()))


def dlt_to_parquet(url, token, pages):
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    import dlt
    import pyarrow.dataset as ds
    from dlt.sources.rest_api import rest_api_source

    with tempfile.TemporaryDirectory() as folder:
        paginator = {"type": "offset", "limit": 1000, "offset_param": "start", "limit_param": "limit",
                     "total_path": "total"}  # fmt: skip
        endpoint = {"path": "v2/ms/impressions", "params": {"access_token": token}, "data_selector": "data",
                    "paginator": paginator}  # fmt: skip
        source = rest_api_source(
            {"client": {"base_url": url}, "resources": [{"name": "impressions", "endpoint": endpoint}]}
        )
        pipeline = dlt.pipeline(
            "bench", destination=dlt.destinations.filesystem(f"file://{folder}/out"), dataset_name="opens",
            pipelines_dir=f"{folder}/state",
        )  # fmt: skip
        pipeline.run(source, loader_file_format="parquet")
        return ds.dataset(f"{folder}/out/opens/impressions", format="parquet").to_table(columns=["id"]).to_pandas()


def bytes_only(url, token, pages):
    from impressions_analytics.api.fetching import Fetcher
    from impressions_analytics.api.session import Transport
    from impressions_analytics.api.settings import Copernica

    api = Copernica(token, url=url)
    with Transport(api) as transport, Fetcher[int](api.connections) as fetcher:

        def fetch(number):
            asked = [("start", str(1000 * number)), ("limit", "1000"), ("total", "false")]
            return lambda: transport.get("ms/impressions", asked)

        waiting, size = list(range(pages)), 0
        while waiting or fetcher.under_way:
            while waiting and fetcher.has_room:
                fetcher.submit(number := waiting.pop(0), fetch(number))
            size += len(fetcher.next()[1])
    return range(pages * 1000)


SIDES = {
    "ours": ours, "sequential": sequential, "httpx_16": httpx_16, "dlt_to_parquet": dlt_to_parquet,
    "bytes_only": bytes_only,
}  # fmt: skip
MODULES = {"httpx_16": "httpx", "dlt_to_parquet": "dlt"}


def run_side(name: str, url: str, token: str, pages: int) -> None:
    """In a process of its own: run one side once, and tell what it took as JSON."""
    import pandas  # noqa: F401 -- every side needs it, none is charged for it
    import requests  # noqa: F401

    if name in ("ours", "bytes_only"):
        import impressions_analytics.loader.load  # noqa: F401
    if name in MODULES:
        __import__(MODULES[name])
    began = time.perf_counter()
    rows = SIDES[name](url, token, pages)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "megabytes": peak, "rows": len(rows)}))


class Served:
    """A sandbox in a process of its own."""

    def __init__(self, **options):
        command = [sys.executable, "-m", "impressions_analytics.cli", "sandbox", "--json"]
        command += ["--behave", json.dumps(options.pop("behave"))]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        where = json.loads(self.process.stdout.readline())
        self.url, self.token = where["url"], where["access_token"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def run(name: str, box: Served, pages: int) -> dict | None:
    done = subprocess.run(
        [sys.executable, __file__, "--side", name, box.url, box.token, str(pages)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        print(f"{name} is left out: {done.stderr.strip().splitlines()[-1][:110]}")
        return None
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["rows"] == pages * 1000, (name, told)
    return told


def compare(pages: int) -> None:
    found: dict[str, list[dict]] = {}
    with Served(impressions=pages * 1000, behave={"latency_seconds": LATENCY_SECONDS}) as box:
        for name in ("sequential", "ours"):  # the sandbox has seen every page once
            run(name, box, pages)
        for turn in range(ROUNDS):
            for name in SIDES:
                told = run(name, box, pages) if not turn or name in found else None
                if told and (name != "dlt_to_parquet" or turn < 2):
                    found.setdefault(name, []).append(told)
    print(f"{pages} pages of 1000 impressions, 30 ms before every answer, {os.cpu_count()} cores, {ROUNDS} rounds")
    print(f"\n{'':>16} {'least s':>8} {'median s':>9} {'x ours':>7} {'median x':>9} {'peak MB':>8}")
    least = {name: min(one["seconds"] for one in told) for name, told in found.items()}
    middle = {name: median(one["seconds"] for one in told) for name, told in found.items()}
    for name, told in found.items():
        peak = max(one["megabytes"] for one in told)
        print(f"{name:>16} {least[name]:8.2f} {middle[name]:9.2f} {least[name] / least['ours']:7.2f} "
              f"{middle[name] / middle['ours']:9.2f} {peak:8.0f}")  # fmt: skip
    print("\naims: sequential >= 7, httpx_16 >= 1.2, dlt_to_parquet >= 12, bytes_only >= 0.6; peak <= sequential's")


def count_calls() -> None:
    import impressions_analytics as ia
    from impressions_analytics.sandbox import Sandbox

    print("\nevenly spread rows in a closed period: calls, and the aim 1.2 x ceil(n / 1000) + 5")
    for rows in (0, 500, 1_000, 20_000, 50_000, 200_000):
        with Sandbox(impressions=0, emailings=1) as box:
            seconds = [1_767_225_600 + int(place * 2_592_000 / max(rows, 1)) for place in range(rows)]
            times = [time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second)) for second in seconds]
            if rows:
                box.add_impressions(rows, timestamps=times)
            frame = ia.load_impressions(
                ia.Copernica(box.access_token, url=box.url), begin="2026-01-01", end="2026-02-01"
            )
            assert len(frame) == rows
            aim = 1.2 * -(-rows // 1000) + 5
            print(f"{rows:>9} rows {len(box.requests):>5} calls   aim {aim:6.0f}   certificate {frame.attrs['load']!r}")


def draw_curve() -> None:
    print("\na server on which every 1000 rows of offset cost 0.2 ms: seconds, and per page")
    for pages in (10, 100, 1000):
        with Served(impressions=pages * 1000, behave={"offset_milliseconds_per_1000": 0.2}) as box:
            run("ours", box, pages)
            told = {name: run(name, box, pages) for name in ("ours", "sequential")}
        for name, one in told.items():
            each = 1e3 * one["seconds"] / pages
            print(f"{pages:>6} pages {name:>11} {one['seconds']:8.2f} s {each:8.1f} ms a page")


if __name__ == "__main__":
    if "--side" in sys.argv:
        run_side(*sys.argv[2:5], int(sys.argv[5]))
    else:
        given = [int(one) for one in sys.argv[1:] if one.isdecimal()]
        compare(given[0] if given else 200)
        if "--curve" in sys.argv:
            count_calls()
            draw_curve()
