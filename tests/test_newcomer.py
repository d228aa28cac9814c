"""What a newcomer gets who follows README's own lines, held against the truth of the whole account."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import impressions_analytics as ia
from impressions_analytics.cli.commands import app
from impressions_analytics.columns import KINDS
from impressions_analytics.sandbox import Sandbox

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
CRON = next(line for line in README.splitlines() if line.startswith("15 3 * * *"))
BEGIN = "2026-01-01"
RATES = ["open_rate_low", "open_rate_high", "click_through_rate", "click_to_open_rate"]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(impressions=3_000, seed=1) as box:
        yield box


@pytest.fixture(scope="module")
def truth(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The rates of every mailing, when everything of the account is known."""
    archive = ia.Archive(tmp_path_factory.mktemp("whole"))
    archive.sync(ia.Copernica(box.access_token, url=box.url), kinds=tuple(KINDS))
    return rates(archive)


@pytest.fixture
def folder(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COPERNICA_ACCESS_TOKEN", box.access_token)
    monkeypatch.setenv("COPERNICA_API_URL", box.url)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rates(archive: ia.Archive) -> pd.DataFrame:
    return ia.mailing_performance(archive, destinations=archive, deliveries=archive, clicks=archive).set_index(
        "mailing"
    )


def command(*lines: str) -> None:
    for line in lines:
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}"


def agrees_or_says_why(found: pd.DataFrame, truth: pd.DataFrame) -> None:
    for rate in RATES:
        given = found[rate].dropna()
        pd.testing.assert_series_equal(given, truth.loc[given.index, rate])
        assert found.loc[found[rate].isna(), "not_covered"].notna().all()


def banner(report: Path) -> str:
    found = re.search(r'<details class="verdict ([\w-]+)">', report.read_text("utf-8"))
    assert found is not None
    return found[1]


@pytest.mark.slow
def test_readmes_nightly_line_gives_every_kind_one_beginning_and_a_report(folder: Path, truth: pd.DataFrame) -> None:
    nightly = [line.strip() for line in CRON.split(";") if line.strip().startswith("impressions ")]
    assert [shlex.split(line)[1] for line in nightly] == ["sync", "report"]
    command(*nightly, *nightly)  # two nights
    archive = ia.Archive("data/archive")
    assert {archive.certificate(kind)["begin"] for kind in KINDS} == {f"{BEGIN} 00:00:00"}
    found = rates(archive)
    agrees_or_says_why(found, truth)
    after = archive.read("emailings")["ID"]
    assert found["not_covered"].isna()[after].all()
    assert banner(Path("report.html")) == ("complete" if found["not_covered"].isna().all() else "partly-covered")


@pytest.mark.slow
def test_kinds_that_are_added_later_begin_where_the_first_sync_began(folder: Path, truth: pd.DataFrame) -> None:
    command(f"impressions sync data/archive --begin {BEGIN}", "impressions sync data/archive --kind all")
    archive = ia.Archive("data/archive")
    assert {archive.certificate(kind)["begin"] for kind in KINDS} == {f"{BEGIN} 00:00:00"}
    agrees_or_says_why(rates(archive), truth)


@pytest.mark.slow
def test_kinds_that_begin_before_the_impressions_give_no_rate_of_mailings_sent_before_them(
    folder: Path, truth: pd.DataFrame
) -> None:
    others = " ".join(f"--kind {kind}" for kind in ("clicks", "deliveries", "destinations", "emailings"))
    command(f"impressions sync archive --begin {BEGIN}", f"impressions sync archive {others} --begin 2025-09-01")
    archive = ia.Archive("archive")
    found = rates(archive)
    agrees_or_says_why(found, truth)
    sent = archive.read("emailings").set_index("ID")["timestamp"]
    before = sent.index[sent < BEGIN]
    assert found.loc[before, "not_covered"].unique().tolist() == [f"impressions: known from {BEGIN}"]
    assert found["not_covered"].drop(before).isna().all()
    assert found.loc[before, "click_through_rate"].notna().all()  # it needs no impressions


@pytest.mark.slow
def test_a_cron_line_that_brings_only_impressions_leaves_later_mailings_without_a_rate(
    folder: Path, truth: pd.DataFrame
) -> None:
    api = ia.Copernica.from_env()
    archive = ia.Archive("data/archive")
    archive.sync(api, kinds=tuple(KINDS), begin="2025-09-01", end="2026-03-01")
    command("impressions sync data/archive", "impressions report data/archive -o report.html")
    found = rates(archive)
    agrees_or_says_why(found, truth)
    late = found.index[found["not_covered"].notna()]
    assert found.loc[late, "not_covered"].str.contains("clicks: known until 2026-03-01").all()
    assert 0 < len(late) < len(found)
    page = Path("report.html").read_text("utf-8")
    assert banner(Path("report.html")) == "partly-covered"
    assert f"rates are over {len(found) - len(late)} of {len(found)} mailings" in page
    archive.sync(api, kinds="destinations")
    judged = ia.find_anomalies(archive, as_of="2026-06-24")
    assert judged.attrs["looked_at"] == []
    assert any(words.startswith("mailing 412: deliveries") for words in judged.attrs["not_checked"])
