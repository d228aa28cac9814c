"""The command line as a person and as cron use it: output, errors and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import impressions_analytics as ia
from impressions_analytics import cli
from impressions_analytics.files import check_place, replace_file

ROOT = Path(__file__).parent.parent
COMMANDS = ["demo", "load", "sync", "report", "export", "verify", "erase", "sandbox"]


@pytest.fixture
def account(box, monkeypatch, tmp_path):
    monkeypatch.setenv("COPERNICA_ACCESS_TOKEN", box.access_token)
    monkeypatch.setenv("COPERNICA_API_URL", box.url)
    monkeypatch.setenv("COPERNICA_AUTH_URL", box.auth_url)
    monkeypatch.chdir(tmp_path)
    return box


@pytest.fixture
def impressions(monkeypatch, capsys):
    """Run the command in this process; gives its exit code, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["impressions", *arguments])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        told = capsys.readouterr()
        return int(stopped.value.code or 0), told.out, told.err

    return run


def test_load_writes_one_file_and_tells_what_it_holds(account, impressions):
    code, out, err = impressions("load", "--out", "opens.parquet")
    assert (code, err) == (0, "")
    assert out.startswith("opens.parquet: <complete: 3,000 impressions, ")
    assert len(ia.read_snapshot("opens.parquet")) == 3_000


def test_json_is_one_object_on_stdout(account, impressions):
    _, out, _ = impressions("load", "--emailing", "412", "--version", "3", "--out", "opens.parquet", "--json")
    told = json.loads(out)
    assert (told["verdict"], told["path"], told["version"]) == ("complete", "opens.parquet", 3)
    assert told["rows"] == sum(row["mailing"] == 412 for row in account.truth())


def test_a_period_is_half_open(account, impressions):
    _, out, _ = impressions("load", "--begin", "2026-01-01", "--end", "2026-02-01", "--out", "a.parquet", "--json")
    assert json.loads(out)["rows"] == sum(row["timestamp"].startswith("2026-01-") for row in account.truth())


def test_plan_loads_nothing(account, impressions):
    code, out, _ = impressions("load", "--plan")
    assert (code, out) == (0, "3,000 impressions: about 3 calls (this plan took 1)\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["load"], 2, "--out"),
        (["load", "--out", "x.parquet", "--begin", "yesterday"], 2, "'2026-01-31'"),
        (["load", "--out", "x.parquet", "--begin", "2026-02-01", "--end", "2026-01-01"], 2, "is not before"),
        (["load", "--out", "x.parquet", "--destination", "1", "--emailing", "1"], 2, "not both"),
        (["load", "--out", "x.parquet", "--destination", "a-b"], 2, "a-b"),
        (["load", "--out", "x.parquet", "--kind", "opens"], 2, "'impressions'"),
        (["load", "--out", "x.parquet", "--family", "sms"], 2, "'publisher'"),
        (["load", "--out", "x.parquet", "--destination", "999999999"], 1, "refused"),
        (["load", "--out", "no/such/folder/x.parquet"], 1, "no/such/folder"),
        (["load", "--out", "x.parquet", "--version", "5"], 2, "less than or equal to 4"),
        (["unknown"], 2, "unknown"),
        (["report", "nowhere.parquet"], 1, "nowhere.parquet"),
    ],
)
def test_an_expected_error_is_told_without_a_traceback(account, impressions, arguments, code, words):
    got, out, err = impressions(*arguments)
    assert (got, out) == (code, "")
    assert words in err
    assert "Traceback" not in err
    assert not Path("x.parquet").exists()


def test_no_token_is_a_usage_error_that_says_where_it_goes(impressions):
    code, _, err = impressions("load", "--out", "x.parquet")
    assert code == 2
    assert "COPERNICA_ACCESS_TOKEN" in err


def test_an_archive_is_synced_verified_exported_and_forgets_a_person(account, impressions):
    code, out, _ = impressions("sync", "archive", "--json")
    assert (code, json.loads(out)["kinds"][0]["new_rows"]) == (0, 3_000)
    assert json.loads(impressions("sync", "archive", "--json")[1])["kinds"][0]["new_rows"] == 0
    assert impressions("verify", "archive")[0] == 0
    assert impressions("export", "archive", "--out", "bi")[0] == 0
    assert Path("bi/impressions.parquet").exists()
    profile = account.truth()[0]["profile"]
    assert impressions("erase", "archive", "--profile", str(profile))[0] == 0
    assert profile not in set(ia.Archive("archive").read("impressions")["profile"])


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command, impressions):
    code, out, _ = impressions(command, "--help")
    assert code == 0
    assert f"impressions {command}" in out.replace("\n", " ")


def test_help_costs_no_heavy_import():
    script = "import sys\nsys.argv=['impressions','--help']\nfrom impressions_analytics.cli import main\ntry: main()\nfinally: print(sorted({'pandas','numpy','pyarrow','requests','matplotlib','ibis'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_demo_shows_tables_and_writes_a_snapshot_and_charts(impressions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = impressions("demo", "--impressions", "2000", "--out", "shown")
    assert code == 0
    assert len(ia.read_snapshot("shown/opens.parquet")) == 2_000
    assert {path.name for path in Path("shown").iterdir()} == {
        "opens.parquet", "impressions_over_time.png", "user_agents.png",
    }  # fmt: skip
    assert "COPERNICA_ACCESS_TOKEN=..." in out


def test_a_link_stays_and_leads_to_the_new_file(tmp_path):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    assert replace_file(tmp_path / "link", lambda path: path.write_text("new")) == tmp_path / "link"
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "target").read_text()) == (True, "new")


def test_a_link_to_nothing_yet_leads_to_the_new_file(tmp_path):
    (tmp_path / "link").symlink_to("target")
    replace_file(tmp_path / "link", lambda path: path.write_text("new"))
    assert (tmp_path / "target").read_text() == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes with a name are those of POSIX")
def test_what_is_no_file_is_never_replaced_by_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, words in (("pipe", "is a device"), ("folder", "is a folder"), ("pipe/below", "could not be written")):
        for attempt in (check_place, lambda path: replace_file(path, lambda _: None)):
            with pytest.raises(ia.ArchiveError, match=words):
                attempt(tmp_path / name)
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]
