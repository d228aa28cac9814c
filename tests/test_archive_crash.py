"""A sync that is killed, or finds the disk full, loses nothing, doubles nothing and fetches nothing twice."""

import collections
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import impressions_analytics as ia
from impressions_analytics.sandbox import Sandbox

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")

PERIOD = {"begin": "2025-09-01", "end": "2026-08-01", "look_back_days": 3}


class Worker:
    """A process that syncs on request and can be killed at a step."""

    def __init__(self):
        child = Path(__file__).with_name("archive_crash_child.py")
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(child)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def sync(self, box, folder, *, kill_at=None, delay=0.0, rows_per_frame=1500, **more):
        """Sync, killing at a step when asked, and return the steps."""
        order = {"token": box.access_token, "url": box.url, "folder": str(folder), "rows_per_frame": rows_per_frame}
        self.process.stdin.write(json.dumps({**order, **PERIOD, **more}) + "\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline().split()[1])
        steps = []
        while (line := self.process.stdout.readline().strip()) != "ended":
            assert line, "the worker died"
            steps.append(line)
            if len(steps) == kill_at:
                time.sleep(delay)
                with contextlib.suppress(ProcessLookupError):  # it may have come to its end by itself
                    os.kill(pid, signal.SIGKILL)
        return steps


def where(steps):
    """Say in a few words what a kill hit."""
    if not steps or steps[-1] == "done":
        return "after the end"
    verb, place = steps[-1].split(maxsplit=1)
    thing = "piece" if place.endswith(".piece") else "month"
    return {"put": f"writing a {thing}", "placed": f"after a {thing}", "delete": "dropping pieces"}[verb]


def kill_repeatedly(tmp_path, *, kills, archives, impressions, seed):
    """Kill syncs of several archives, check each time what is there, and return what the kills hit."""
    hit, chance, rows = collections.Counter(), random.Random(seed), 0
    with Sandbox(impressions=impressions, seed=seed) as box, Worker() as worker:
        for number in range(archives):
            folder = tmp_path / f"archive-{number}"
            box.clear_requests()
            more: dict = {}
            for _ in range(kills // archives):
                steps = worker.sync(box, folder, kill_at=chance.randint(1, 9), delay=chance.uniform(0, 0.012), **more)
                hit[where(steps)] += 1
                check_what_is_there(folder, box)
                if "done" in steps:  # there must be more to fetch for the next one to be killed at
                    box.add_impressions(3000)
                    more = {"look_back_days": 4000}
            worker.sync(box, folder, **more)
            rows += check_what_is_there(folder, box, whole=True)
    return hit, rows


def check_what_is_there(folder, box, *, whole=False):
    archive = ia.Archive(folder)
    found = archive.read()["ID"] if archive.kinds else pd.Series(dtype="int64")
    truth = {row["ID"] for row in box.truth("impressions")}
    assert found.is_unique and set(found) <= truth
    verification = archive.verify()
    expected = ("wait to be merged", "there is no archive here")
    assert [found for found in verification.findings if not any(text in found.what for text in expected)] == []
    if whole:
        assert len(found) == len(truth) and verification.ok
        assert list(folder.rglob("*.piece")) == [] and list(folder.rglob("*.tmp")) == []
    return len(found)


def test_a_killed_sync_loses_and_doubles_nothing(tmp_path):
    hit, rows = kill_repeatedly(tmp_path, kills=3, archives=1, impressions=8_000, seed=5)
    assert hit.total() == 3 and rows >= 8_000


@pytest.mark.slow
def test_many_kills_at_every_step_lose_and_double_nothing(tmp_path, capsys):
    hit, rows = kill_repeatedly(tmp_path, kills=48, archives=4, impressions=40_000, seed=11)
    with capsys.disabled():
        print(f"\n{hit.total()} kills: {dict(hit)}; {rows} rows at the end, all there once")
    assert hit.total() == 48
    assert {"writing a piece", "writing a month", "dropping pieces"} <= set(hit)


@pytest.mark.slow
def test_what_was_safe_before_a_kill_is_not_fetched_again(tmp_path):
    with Sandbox(impressions=15_000, seed=2) as box, Worker() as worker:
        worker.sync(box, tmp_path / "whole")
        whole = len(box.requests)
        box.clear_requests()
        worker.sync(box, tmp_path / "killed", kill_at=30)
        before = len(box.requests)
        box.clear_requests()
        worker.sync(box, tmp_path / "killed")
        after = len(box.requests)
        check_what_is_there(tmp_path / "killed", box, whole=True)
    # eight requests may be under way at the kill, and both halves plan their own windows
    assert before + after <= whole + 8 + 12


@pytest.mark.slow
def test_a_full_disk_is_said_and_leaves_the_archive_as_it_was(tmp_path):
    with Sandbox(impressions=20_000, seed=4) as box, Worker() as worker:
        steps = worker.sync(box, tmp_path, rows_per_frame=8000, largest_file=20_000)
        assert steps[-1].startswith("error ArchiveError")
        assert "File too large; what was there is unchanged" in steps[-1]
        check_what_is_there(tmp_path, box)
        assert list(tmp_path.rglob("*.tmp")) == []
        worker.sync(box, tmp_path)
        check_what_is_there(tmp_path, box, whole=True)
