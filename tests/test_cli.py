"""The command line as a person and as cron use it: output, errors and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import impressions_analytics as ia
from impressions_analytics.parquet.files import check_place, replace_file

ROOT = Path(__file__).parent.parent
COMMANDS = ["demo", "load", "sync", "report", "export", "verify", "watch", "erase", "sandbox", "mailings"]


@pytest.fixture
def account(box, monkeypatch, tmp_path):
    monkeypatch.setenv("COPERNICA_ACCESS_TOKEN", box.access_token)
    monkeypatch.setenv("COPERNICA_API_URL", box.url)
    monkeypatch.setenv("COPERNICA_AUTH_URL", box.auth_url)
    monkeypatch.chdir(tmp_path)
    return box


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
        (["report", "nowhere.parquet"], 2, "nowhere.parquet"),
        (["report", "nowhere.parquet", "--language", "de"], 2, "'nl'"),
        (["load", "--out", "."], 2, "must end in .parquet"),
        (["load", "--out", ""], 2, "must end in .parquet"),
        (["load", "--out", "x.csv"], 2, "'x.csv' must end in .parquet"),
        (["load", "--out", "x"], 2, "must end in .parquet"),
        (["load", "--out", "folder.parquet"], 1, "folder.parquet is a folder"),
        (["load", "--out", "file/x.parquet"], 1, "file/x.parquet could not be written"),
        (["demo", "--out", "file"], 1, "file cannot be a folder"),
        (["demo", "--out", "file/below"], 1, "file/below cannot be a folder"),
    ],
)
def test_an_expected_error_is_told_without_a_traceback(account, impressions, arguments, code, words):
    Path("folder.parquet").mkdir()
    Path("file").touch()
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
    assert impressions("export", "archive", "--out", "bi", "--partitioned")[0] == 0
    assert list(Path("bi/impressions").glob("month=*/*.parquet"))
    assert impressions("export", "archive", "--out", "bi")[0] == 0
    assert Path("bi/impressions.parquet").exists()
    profile = account.truth()[0]["profile"]
    assert impressions("erase", "archive", "--profile", str(profile))[0] == 0
    assert profile not in set(ia.Archive("archive").read("impressions")["profile"])
    next(Path("archive/impressions").rglob("impressions-*.parquet")).unlink()
    assert impressions("verify", "archive")[0] == 1


def test_mailings_are_listed_newest_first_from_the_api_and_the_same_from_an_archive(account, impressions):
    code, out, _ = impressions("mailings", "--json")
    rows = json.loads(out)["mailings"]
    assert (code, len(rows)) == (0, len(account.truth("emailings")))
    dates = [row["date"] for row in rows]
    assert dates == sorted(dates, reverse=True)
    known = {
        int(row["ID"]): (row["timestamp"], row["subject"], int(row["destinations"]))
        for row in account.truth("emailings")
    }
    assert {row["mailing"]: (row["date"], row["subject"], row["sent"]) for row in rows} == known
    assert impressions("sync", "archive")[0] == 0
    code, _, err = impressions("mailings", "archive")
    assert (code, "--kind emailings" in err) == (1, True)
    assert impressions("sync", "archive", "--kind", "emailings")[0] == 0
    assert impressions("mailings", "archive", "--json")[1] == out
    first = impressions("mailings", "archive")[1].splitlines()[0]
    assert first.split("\t") == [str(value) for value in rows[0].values()]


def test_a_report_of_an_archive_without_impressions_is_refused(account, impressions):
    assert impressions("sync", "archive", "--kind", "clicks")[0] == 0
    code, out, err = impressions("report", "archive", "-o", "report.html")
    assert (code, out) == (1, "")
    assert "impressions were never synced" in err
    assert not Path("report.html").exists()


@pytest.mark.slow
def test_a_report_can_be_of_one_mailing_and_opens_in_the_browser(account, impressions, monkeypatch):
    assert impressions("load", "--out", "opens.parquet")[0] == 0
    Path("browser").write_text('#!/bin/sh\necho "$1" > shown\n')  # a browser that only says which page it was given
    Path("browser").chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{Path('browser').resolve()} %s")
    asked = ("report", "opens.parquet", "--emailing", "412", "--title", "October", "--open")
    assert impressions(*asked) == (0, "report.html\n", "")
    assert Path("shown").read_text() == f"{Path('report.html').resolve().as_uri()}\n"
    page = Path("report.html").read_text(encoding="utf-8")
    assert "<h1>October</h1>" in page and "1 mailing." in page
    assert impressions("report", "opens.parquet", "--language", "nl")[0] == 0
    assert "<h1>E-mailimpressies</h1>" in Path("report.html").read_text(encoding="utf-8")
    code, out, err = impressions("report", "opens.parquet", "--emailing", "7")
    assert (code, out) == (2, "") and "there is no mailing 7" in err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command, impressions):
    code, out, _ = impressions(command, "--help")
    assert code == 0
    assert f"impressions {command}" in out.replace("\n", " ")


def test_help_costs_no_heavy_import():
    script = (
        "import sys\nsys.argv=['impressions','--help']\nfrom impressions_analytics.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'pandas','numpy','pyarrow','requests','matplotlib','ibis'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_the_demo_shows_tables_and_writes_a_report_an_archive_a_snapshot_and_charts(impressions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = impressions("demo", "--impressions", "2000", "--out", "shown")
    assert code == 0
    assert len(ia.read_snapshot("shown/opens.parquet")) == 2_000
    assert {path.name for path in Path("shown").iterdir()} == {
        "report.html", "archive", "opens.parquet", "impressions_over_time.png", "user_agents.png",
    }  # fmt: skip
    assert "COPERNICA_ACCESS_TOKEN=..." in out
    assert "<strong>Data: complete</strong>" in Path("shown/report.html").read_text("utf-8")
    assert max(map(len, out.partition("Written")[0].splitlines())) <= 60


@pytest.mark.parametrize(
    ("given", "code", "name"),
    [
        (["sync", "none", "--json"], 2, "settings_error"),
        (["verify", "--nosuch", "--json"], 2, "wrong_usage"),
        (["export", "none", "--out", "bi", "--json"], 1, "archive_error"),
    ],
)
def test_a_failure_is_json_too_for_a_script(impressions, given, code, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COPERNICA_ACCESS_TOKEN", raising=False)
    ended, out, err = impressions(*given)
    failure = json.loads(out)["error"]
    assert (ended, failure["code"]) == (code, name)
    assert failure["message"] in err


def test_ctrl_c_says_that_the_next_sync_goes_on(impressions, monkeypatch):
    def stopped(*_given, **_more):
        raise KeyboardInterrupt

    monkeypatch.setenv("COPERNICA_ACCESS_TOKEN", "t0ken")
    monkeypatch.setattr(ia.Archive, "sync", stopped)
    code, out, err = impressions("sync", "mail")
    assert (code, out) == (130, "")
    assert err == "Stopped. What came is kept in mail; the next sync goes on from there.\n"


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


@pytest.mark.parametrize("out", ["no/x.parquet", "folder.parquet", "x.csv"])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_asked(out, account, impressions):
    Path("folder.parquet").mkdir()
    asked = len(account.requests)
    assert impressions("load", "--out", out)[0] in (1, 2)
    assert len(account.requests) == asked


@pytest.fixture
def without_total(account, monkeypatch):
    """An account whose API answers 50 impressions and no total, whatever it is asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            first = "start=0&" in self.path
            rows = [{"ID": str(number), "mailing": "1", "timestamp": "2026-01-01 00:00:00", "ip": None,
                     "useragent": "x", "device": None, "destination": "5", "profile": None, "subprofile": None}
                    for number in range(50 * first)]  # fmt: skip
            body = json.dumps({"start": 0 if first else 50, "limit": 1000, "count": len(rows), "data": rows}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    monkeypatch.setenv("COPERNICA_API_URL", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_load_that_is_not_proven_complete_is_written_and_ends_with_1(as_json, without_total, impressions):
    code, out, err = impressions("load", "--out", "opens.parquet", *as_json)
    assert code == 1
    assert "unproven" in out
    assert err == (
        "impressions: opens.parquet is written, but the load is unproven: "
        "the API gave no total to hold the rows against\n"
    )
    assert len(ia.read_snapshot("opens.parquet")) == 50


def test_a_sync_that_is_not_proven_complete_ends_with_1_and_keeps_what_came(without_total, impressions):
    code, out, err = impressions("sync", "archive", "--begin", "2026-01-01")
    assert (code, "unproven" in out) == (1, True)
    assert "what came is in archive, but the load is unproven" in err
    assert len(ia.Archive("archive").read("impressions")) == 50


def test_a_port_in_use_is_told(account, impressions):
    port = account.url.rsplit(":")[-1]
    assert impressions("sandbox", "--port", port) == (
        2, "", f"impressions: --port {port} is in use; give another, or 0 for a free one\n"
    )  # fmt: skip


def in_a_shell(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script of a shell in which `impressions` is the command."""
    command = f'impressions() {{ {sys.executable} -m impressions_analytics.cli "$@"; }}; {script}'
    return subprocess.run(
        ["/bin/bash", "-c", command], capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip


def slow(value: str) -> object:
    """A like case that `.ci/run` tests too."""
    return pytest.param(value, marks=pytest.mark.slow)


SHELL = pytest.mark.skipif(
    not Path("/bin/bash").exists() or not Path("/dev/full").exists(), reason="needs a Linux shell"
)


@SHELL
@pytest.mark.parametrize("command", ["load --out a.parquet --json", slow("load --plan"), slow("--help")])
def test_a_reader_that_has_seen_enough_is_no_failure(command, account):
    done = in_a_shell(f"impressions {command} | true; echo ${{PIPESTATUS[0]}}")
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.slow
@SHELL
@pytest.mark.parametrize("unbuffered", [slow(""), "1"])
def test_a_reader_that_leaves_does_not_hide_a_failure(unbuffered, account):
    done = in_a_shell("impressions verify nowhere | true; echo ${PIPESTATUS[0]}", PYTHONUNBUFFERED=unbuffered)
    assert (done.stdout, done.stderr) == ("1\n", "")


@pytest.mark.slow
@SHELL
@pytest.mark.parametrize("command", ["load --plan", slow("load --out a.parquet --json"), slow("--version")])
def test_a_full_disk_behind_stdout_is_told_in_one_line(command, account):
    done = in_a_shell(f"impressions {command} > /dev/full; echo $?")
    assert done.stdout == "1\n"
    assert done.stderr == "impressions: the operating system refused: No space left on device\n"


@pytest.mark.slow
@SHELL
@pytest.mark.parametrize("closed", ["1", slow("2")])
def test_closed_standard_streams_stop_no_load(closed, account):
    done = in_a_shell(f"impressions load --out a.parquet {closed}>&-; code=$?; echo $code")
    assert done.stdout.endswith("0\n")
    assert done.stderr == ""
    assert len(ia.read_snapshot("a.parquet")) == 3_000


@SHELL
@pytest.mark.slow
def test_what_is_said_goes_nowhere_and_not_among_the_data_where_stderr_is_closed(account):
    done = in_a_shell("impressions load --out x.csv 2>&-; echo $?")
    assert (done.stdout, done.stderr) == ("2\n", "")


@SHELL
@pytest.mark.slow
def test_a_letter_that_the_terminal_has_not_stops_no_output(account):
    done = in_a_shell("impressions load --out \u00e9.parquet", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("\\xe9.parquet: <complete: 3,000 impressions")
    assert Path("\u00e9.parquet").exists()
