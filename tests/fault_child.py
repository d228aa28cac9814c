"""A process that does one operation on an archive per order, each in a fork of its own that the campaign may kill.

It reads one JSON order per line, and prints `pid N`, then `done RESULT`, `error TYPE MESSAGE` or `foreign TRACEBACK`,
and `ended` when the fork is gone.
"""

import json
import os
import pickle
import resource
import signal
import sys
import traceback
from datetime import datetime
from pathlib import Path

import duckdb
import ibis.backends.duckdb  # noqa: F401  (imported before the fork, so that each fork starts at once)
import pandas as pd
from archive_account import Account, archive_at

import impressions_analytics as ia
from impressions_analytics import engine  # noqa: F401
from impressions_analytics.analytics import breakdown, over_time  # noqa: F401
from impressions_analytics.archive import checks, erasure, export, intake, lease, reading, sync  # noqa: F401

KINDS = ["impressions", "deliveries"]


def sync_all(archive, order):
    account = Account(rows_per_frame=150)
    account.kinds = pickle.loads(Path(order["world"]).read_bytes())
    begin = datetime.fromisoformat(order["begin"])
    account.first_moment = lambda emailing, end: begin
    return archive.sync(account, kinds=KINDS).verdict


def export_all(archive, order):
    exported = archive.export(order["out"], format=order["format"], kinds="impressions")
    read = {
        "parquet": lambda: len(pd.read_parquet(f"{order['out']}/impressions.parquet")),
        "csv": lambda: len(pd.read_csv(f"{order['out']}/impressions.csv")),
        "duckdb": lambda: len(duckdb.connect(order["out"], read_only=True).sql("FROM impressions").fetchall()),
    }[order["format"]]
    try:
        read = read()
    except (OSError, duckdb.IOException):  # an erasure or a retention has removed it since
        return -1
    assert read == exported.tables["impressions"], (read, exported)
    return read


def count_lazily(table):
    """Ask DuckDB, as a notebook would; the table is its user's, and so are DuckDB's own errors."""
    try:
        return table.count().to_pyarrow().as_py()
    except duckdb.IOException:  # a retention has removed a month since
        return -1


def of_file(order):
    """Analyse the bare month files, as another program would."""
    return int(ia.impressions_over_time(f"{order['folder']}/impressions", every="month")["impressions"].sum())


OPERATIONS = {
    "sync": sync_all,
    "again": lambda archive, _: archive.erase(again=True).rows,
    "erase": lambda archive, order: archive.erase(**{order["by"]: order["number"]}).rows,
    "retain": lambda archive, order: archive.retain(order["days"]).rows,
    "export": export_all,
    "verify": lambda archive, _: archive.verify().ok,
    "read": lambda archive, _: len(archive.read()),
    "scan": lambda archive, _: count_lazily(archive.scan()),
    "over time": lambda archive, _: int(ia.impressions_over_time(archive, every="week")["impressions"].sum()),
    "clients": lambda archive, _: int(ia.user_agent_breakdown(archive, by="client")["impressions"].sum()),
    "files": lambda _, order: of_file(order),
}


def say(*words):
    os.write(1, (" ".join(words).replace("\n", "\\n") + "\n").encode())


def work(order):
    say("pid", str(os.getpid()))
    try:
        archive = archive_at(order["folder"], order["now"])
        vars(lease).update(order.get("lease", {}))
        if order.get("largest_file"):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest_file"], order["largest_file"]))
        say("done", json.dumps(OPERATIONS[order["operation"]](archive, order)))
    except ia.ImpressionsError as error:
        say("error", type(error).__name__, str(error))
    except BaseException:  # noqa: BLE001 - whatever is no error of the tree is what the campaign looks for
        say("foreign", traceback.format_exc())


if __name__ == "__main__":
    for line in sys.stdin:
        if (pid := os.fork()) == 0:
            work(json.loads(line))
            os._exit(0)
        os.waitpid(pid, 0)
        say("ended")
