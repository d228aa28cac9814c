"""A first sync and a nightly one over HTTP from the sandbox: peak memory, calls, rewritten months, rows per second.

    python tests/benchmarks/bench_archive.py [ROWS]

The sandbox and the sync are processes of their own, so that the peak is the sync's alone. The nightly sync finds 1% new
rows on the day after the first. It leaves out the network: the sandbox answers from this machine.
"""

import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

LAST_DAY = datetime(2026, 6, 27, 23, 59, 59, tzinfo=UTC)


def sync(url: str, token: str, folder: str, now: datetime) -> None:
    """Sync in this process, and print what it took as JSON."""
    import impressions_analytics as ia

    before = peak_megabytes()
    start = time.perf_counter()
    archive = ia.Archive(folder, clock=lambda: now)
    [kind] = archive.sync(ia.Copernica(token, url=url), begin="2025-09-01").kinds
    took = time.perf_counter() - start
    found = {
        "seconds": took, "imported_mb": before, "peak_mb": peak_megabytes(), "new": kind.new_rows, "rows": kind.rows,
        "calls": kind.requests, "partitions": len(kind.partitions), "verdict": kind.verdict,
    }  # fmt: skip
    print(json.dumps(found))


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def serve(rows: int, pipe) -> None:
    """Serve the sandbox until told to add rows, and then until told to end."""
    from impressions_analytics.sandbox import Sandbox

    with Sandbox(impressions=rows, seed=1) as box:
        pipe.send((box.url, box.access_token))
        new = pipe.recv()
        moments = [LAST_DAY + timedelta(seconds=1 + number * 80_000 / new) for number in range(new)]
        box.add_impressions(new, timestamps=[f"{moment:%Y-%m-%d %H:%M:%S}" for moment in moments])
        pipe.send("added")
        pipe.recv()


def run_sync(url: str, token: str, folder: str, now: datetime) -> dict:
    command = [sys.executable, __file__, "--sync", url, token, folder, now.isoformat()]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(rows: int) -> None:
    here, there = multiprocessing.get_context("spawn").Pipe()
    box = multiprocessing.get_context("spawn").Process(target=serve, args=(rows, there))
    box.start()
    url, token = here.recv()
    with tempfile.TemporaryDirectory() as folder:
        first = run_sync(url, token, folder, LAST_DAY)
        size = sum(file.stat().st_size for file in Path(folder).rglob("*.parquet"))
        here.send(max(rows // 100, 1))
        here.recv()
        nightly = run_sync(url, token, folder, LAST_DAY + timedelta(days=1))
    here.send("end")
    box.join()
    for name, found in (("first", first), ("nightly", nightly)):
        print(f"{name}: {found}")
    print(f"peak of the first sync: {first['peak_mb']:.0f} MB ({first['imported_mb']:.0f} MB before it begins)")
    print(f"rows per second of the first sync: {first['new'] / first['seconds']:,.0f}; bytes a row {size / rows:.2f}")
    print(f"nightly calls: {nightly['calls'] / first['calls']:.3f} of the first; months {nightly['partitions']}")


if __name__ == "__main__":
    if "--sync" in sys.argv:
        *_, address, secret, place, moment = sys.argv
        sync(address, secret, place, datetime.fromisoformat(moment))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
