"""The demonstration: the whole main job against the sandbox, in one go."""

from __future__ import annotations

import time
import webbrowser
from pathlib import Path

import pandas as pd

import impressions_analytics as ia
from impressions_analytics.certificate import counted
from impressions_analytics.columns import KINDS
from impressions_analytics.sandbox import Sandbox


def run_demo(folder: Path, *, impressions: int, show: bool = False) -> None:
    """Load invented rows over HTTP, print the core analyses, and write an archive, a report, a snapshot and charts.

    Parameters
    ----------
    folder : Path
        Where the files go; it is made if need be.
    impressions : int
        How many to invent.
    show : bool
        Whether to open the report in a browser.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ia.ArchiveError(f"{folder} cannot be a folder: {problem.strerror}; give another --out") from None
    began = time.monotonic()
    with Sandbox(impressions=impressions, seed=1) as box:
        api = ia.Copernica(box.access_token, url=box.url)
        opens = ia.load_impressions(api)
        took = time.monotonic() - began
        archive = ia.Archive(folder / "archive")
        archive.sync(api, kinds=KINDS)
    print(f"Loaded over HTTP in {took:.1f} s: {opens.attrs['load']['verdict']}, {counted(len(opens), 'impressions')}\n")

    weeks = ia.impressions_over_time(opens, every="week")
    clients = ia.user_agent_breakdown(opens, by="client")
    _print("Impressions over time, the last weeks", weeks.tail(8))
    _print("Impressions per profile, the most active", _most(ia.impressions_per_profile(opens), 8)[_OF_PROFILE])
    _print("User agents: which client fetched the images", clients[_OF_CLIENT].head(8))
    kinds = ia.human_opens(opens).T.reset_index().set_axis(["was it a person?", "count"], axis=1)
    _print("Low to high are taken for a person; others may be one", kinds)

    page = Path(ia.write_report(archive, folder / "report.html"))
    written = [
        page,
        folder / "archive",
        ia.write_snapshot(opens, folder / "opens.parquet"),
        _save(ia.plot_impressions_over_time(weeks), folder / "impressions_over_time.png"),
        _save(ia.plot_user_agents(clients), folder / "user_agents.png"),
    ]
    print("Written:", *(f"  {path}" for path in written), sep="\n")
    print(f"\nOpen {page} in a browser first, or give --open.\n{_NEXT}")
    if show:
        webbrowser.open(page.resolve().as_uri())


_OF_PROFILE = ["profile", "impressions", "mailings", "last_impression"]
_OF_CLIENT = ["client", "impressions", "share_of_destinations"]
_NEXT = """
Next, with an access token from your Copernica dashboard:
  export COPERNICA_ACCESS_TOKEN=...
  impressions check
  impressions load --destination 112 --out opens.parquet
or in a notebook:
  import impressions_analytics as ia
  opens = ia.load_impressions(destination=112)"""


def _print(title: str, frame: pd.DataFrame) -> None:
    as_percent = {name: "{:.1%}".format for name in frame.columns if name.startswith("share_of_")}
    print(f"{title}\n{frame.to_string(index=False, formatters=as_percent)}\n")


def _most(profiles: pd.DataFrame, rows: int) -> pd.DataFrame:
    return profiles.sort_values("impressions", ascending=False, kind="stable").head(rows)


def _save(axes: object, path: Path) -> Path:
    axes.figure.savefig(path, dpi=150)  # type: ignore[attr-defined]
    return path
