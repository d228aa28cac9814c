"""The demonstration: the whole main job against the sandbox, in one go."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd

import impressions_analytics as ia
from impressions_analytics.sandbox import Sandbox


def run_demo(folder: Path, *, impressions: int) -> None:
    """Load invented impressions over HTTP, print the three core analyses, and write a snapshot and charts.

    Parameters
    ----------
    folder : Path
        Where ``opens.parquet`` and the charts go; it is made if need be.
    impressions : int
        How many to invent.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ia.ArchiveError(f"{folder} cannot be a folder: {problem.strerror}; give another --out") from None
    began = time.monotonic()
    with Sandbox(impressions=impressions, seed=1) as box:
        api = ia.Copernica(box.access_token, url=box.url)
        opens = ia.load_impressions(api)
    print(f"Loaded over HTTP in {time.monotonic() - began:.1f} s: {opens.attrs['load']!r}\n")

    weeks = ia.impressions_over_time(opens, every="week")
    clients = ia.user_agent_breakdown(opens, by="client")
    _print("Impressions over time, the last weeks", weeks.tail(8))
    _print("Impressions per profile, the most active", _most(ia.impressions_per_profile(opens), 8))
    _print("User agents: which client fetched the images", clients.head(8))
    _print("Was it a person? Low to high are taken for one; prefetch and unknown may be people", ia.human_opens(opens))

    written = [
        ia.write_snapshot(opens, folder / "opens.parquet"),
        _save(ia.plot_impressions_over_time(weeks), folder / "impressions_over_time.png"),
        _save(ia.plot_user_agents(clients), folder / "user_agents.png"),
    ]
    print("Written:", *(f"  {path}" for path in written), sep="\n")
    print(
        "\nNext, with your own account (Copernica's dashboard gives an access token):\n"
        "  COPERNICA_ACCESS_TOKEN=... impressions load --destination 112 --out opens.parquet\n"
        "or in a notebook:\n"
        "  import impressions_analytics as ia\n"
        '  opens = ia.load_impressions(ia.Copernica(access_token="..."), destination=112)'
    )


def _print(title: str, frame: pd.DataFrame) -> None:
    as_percent = {name: "{:.1%}".format for name in frame.columns if name.startswith("share_of_")}
    print(f"{title}\n{frame.to_string(index=False, formatters=as_percent)}\n")


def _most(profiles: pd.DataFrame, rows: int) -> pd.DataFrame:
    return profiles.sort_values("impressions", ascending=False, kind="stable").head(rows)


def _save(axes: object, path: Path) -> Path:
    axes.figure.savefig(path, dpi=150)  # type: ignore[attr-defined]
    return path
