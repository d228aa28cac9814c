"""Show how time and memory of the analyses grow with the rows of a Parquet file, up to more than fits in memory.

    python tests/benchmarks/bench_analyses_large.py FOLDER [ROWS ...]

Each analysis runs in a process of its own; memory is the most that the process ever held, the libraries included. The
files are made where they are missing: 200 million rows take some minutes, 6 GB of memory and 1.8 GB of disk.
Classifying the user agents (some 3,000 distinct ones) is counted; making the files is left out.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench_analyses_rows import write

ANALYSES = {
    "impressions_over_time": "ia.impressions_over_time(path)",
    "impressions_per_profile": "ia.impressions_per_profile(path)",
    "user_agent_breakdown": "ia.user_agent_breakdown(path)",
    "over_time by mailing": "ia.impressions_over_time(path, every='month', by='mailing')",
    "human_opens by mailing": "ia.human_opens(path, by='mailing')",
    "hour_of_week": "ia.impressions_by_hour_of_week(path)",
    "mailing_performance": "ia.mailing_performance(path)",
}
MEASURE = """
import resource, sys, time
import impressions_analytics as ia
path = sys.argv[1]
begin = time.perf_counter()
result = {call}
taken = time.perf_counter() - begin
print(taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, len(result))
"""


def made(rows: int, folder: str) -> Path:
    """Make the file in a process of its own: what a process held stays the least that its children are said to hold."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        return other.submit(write, rows, Path(folder)).result()


def measured(call: str, path: Path) -> tuple[float, float, int]:
    command = [sys.executable, "-c", MEASURE.format(call=call), str(path)]
    seconds, gigabytes, rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), float(gigabytes), int(rows)


def main(folder: str, *sizes: str) -> None:
    counts = [int(size) for size in sizes] or [2_000_000, 10_000_000, 50_000_000, 200_000_000]
    print(f"{'analysis':26}{'rows':>14}{'seconds':>9}{'ns a row':>9}{'GB':>6}{'result':>11}")
    for name, call in ANALYSES.items():
        for count in counts:
            seconds, gigabytes, rows = measured(call, made(count, folder))
            line = f"{name:26}{count:14,}{seconds:9.2f}{seconds / count * 1e9:9.0f}{gigabytes:6.2f}{rows:11,}"
            print(line, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
