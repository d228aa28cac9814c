"""Ctrl-C and other ends of a load: at once, without a traceback, a half file, or a thread that stays."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import impressions_analytics as ia
from impressions_analytics.api.fetching import Fetcher
from impressions_analytics.sandbox import Sandbox

FOREVER_SECONDS = 60  # what is slow here is so slow that waiting for it would fail the test
SOON_SECONDS = 20  # and this is far less, yet enough for a busy machine


@pytest.fixture(autouse=True)
def _ctrl_c_works():
    """A shell that runs tests in the background has them ignore Ctrl-C, and the processes that they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def fetching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "impressions-fetch"]


def wait_for_request(box: Sandbox, count: int = 1) -> None:
    pause, last = threading.Event(), time.monotonic() + SOON_SECONDS
    while len(box.requests) < count:
        assert time.monotonic() < last, "nothing was asked"
        pause.wait(0.01)


SLOW = {
    "a slow answer": {"latency_seconds": FOREVER_SECONDS},
    "a long wait that the API asked for": {"outage_requests": 99, "outage_fault": "429", "retry_after_seconds": 100},
    "a server that answers nothing": {"outage_requests": 9999, "outage_fault": "empty"},
}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize(
    ("behaviour", "version"),
    [
        ("a slow answer", "2"),
        pytest.param("a server that answers nothing", "4", marks=pytest.mark.slow),
        pytest.param("a slow answer", "4", marks=pytest.mark.slow),
        pytest.param("a server that answers nothing", "2", marks=pytest.mark.slow),
        *(pytest.param("a long wait that the API asked for", version, marks=pytest.mark.slow) for version in "24"),
    ],
)
def test_ctrl_c_ends_the_command_at_once_and_leaves_nothing(behaviour, version, tmp_path):
    with Sandbox(impressions=100, emailings=1, **SLOW[behaviour]) as box:
        environment = {
            **os.environ, "COPERNICA_ACCESS_TOKEN": box.access_token, "COPERNICA_API_URL": box.url,
            "COPERNICA_AUTH_URL": box.auth_url,
        }  # fmt: skip
        command = [sys.executable, "-m", "impressions_analytics.cli", "load", "--version", version]
        with subprocess.Popen(
            [*command, "--out", str(tmp_path / "opens.parquet")],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            wait_for_request(box)
            process.send_signal(signal.SIGINT)
            out, told = process.communicate(timeout=SOON_SECONDS)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in told
    assert "Exception" not in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_ctrl_c_in_a_notebook_raises_at_once_and_a_new_load_works(reach):
    with Sandbox(impressions=100, emailings=1, latency_seconds=FOREVER_SECONDS) as box:

        def interrupt():
            wait_for_request(box)
            os.kill(os.getpid(), signal.SIGINT)

        hand = threading.Thread(target=interrupt)
        hand.start()
        with pytest.raises(KeyboardInterrupt):
            ia.load_impressions(reach(box, timeout_seconds=FOREVER_SECONDS))
        hand.join()
        box.behave(latency_seconds=0)
        assert len(ia.load_impressions(reach(box))) == 100
    for thread in fetching():  # the sandbox is gone, and so is what they waited for
        thread.join(SOON_SECONDS)
    assert fetching() == []


def test_a_load_leaves_no_thread_and_no_socket(reach):
    with Sandbox(impressions=3_000, emailings=1) as box:
        ia.load_impressions(reach(box))
        assert fetching() == []
        for version in (3, 4):
            ia.load_impressions(reach(box, version=version))
        assert fetching() == []
    gc.collect()  # an open socket would warn now, and warnings are errors


@pytest.mark.sampled(2)
@pytest.mark.parametrize("fault", ["400", "html_200", "reset", "301_away"])
def test_a_load_that_fails_leaves_no_thread_and_no_socket(fault, reach):
    with Sandbox(impressions=9_000, emailings=1) as box:
        box.behave(faults=dict.fromkeys(range(3, 99), fault))
        with pytest.raises(ia.ApiError):
            ia.load_impressions(reach(box, patience_seconds=0))
        for thread in fetching():
            thread.join(SOON_SECONDS)
        assert fetching() == []
    gc.collect()


def test_frames_that_nobody_asks_for_any_more_cost_nothing(reach, monkeypatch):
    from impressions_analytics.loader import slicing, window_load

    monkeypatch.setattr(window_load, "PAGE_ROWS", 50)
    monkeypatch.setattr(window_load, "DEEP_ROWS", 1000)
    monkeypatch.setattr(slicing, "FULL_ROWS", 480)
    with Sandbox(impressions=20_000, emailings=1) as box:
        frames = ia.iter_impressions(reach(box), rows_per_frame=500)
        assert len(next(frames)) >= 500
        frames.close()
        assert fetching() == []
        asked = len(box.requests)
        assert asked < 200
        assert len(box.requests) == asked
    gc.collect()


def test_a_load_that_ends_waits_for_a_fetch_that_ends_soon():
    before = set(fetching())
    with Fetcher(2) as fetcher:
        fetcher.submit("a", lambda: b"" if threading.Event().wait(0.05) else b"late")
    assert set(fetching()) <= before
