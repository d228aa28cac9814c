"""A process that syncs an archive on request, in a fork of its own that the test may kill, and says each step.

It reads one JSON order per line from its input, and prints `pid N`, then `put PLACE`, `placed PLACE` and
`delete PLACE` as they happen, `done` or `error MESSAGE`, and `ended` when the fork is gone.
"""

import json
import os
import resource
import signal
import sys

import impressions_analytics as ia
from impressions_analytics import loader  # noqa: F401  (imported before the fork, so that each fork starts at once)
from impressions_analytics.archive import archive, intake, partitions, reading, sync  # noqa: F401
from impressions_analytics.archive.row_source import LoaderSource
from impressions_analytics.archive.store import Store


def say(*words):
    os.write(1, (" ".join(words) + "\n").encode())


def announce(name, after=None):
    original = getattr(Store, name)

    def announced(self, relative, *arguments):
        say(name, relative)
        original(self, relative, *arguments)
        if after:
            say(after, relative)

    setattr(Store, name, announced)


def work(order):
    say("pid", str(os.getpid()))
    if order.get("largest_file"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest_file"], order["largest_file"]))
    api = ia.Copernica(order["token"], url=order["url"])
    source = LoaderSource(api, "ms", rows_per_frame=order["rows_per_frame"])
    try:
        ia.Archive(order["folder"]).sync(
            source, begin=order["begin"], end=order["end"], look_back_days=order["look_back_days"]
        )
        say("done")
    except ia.ImpressionsError as error:
        say("error", type(error).__name__, str(error))


announce("put", after="placed")
announce("delete")
for line in sys.stdin:
    if (pid := os.fork()) == 0:
        work(json.loads(line))
        os._exit(0)
    os.waitpid(pid, 0)
    say("ended")
