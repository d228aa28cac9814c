"""What the API sends is shown, and never obeyed by a terminal or a page."""

import traceback

import pandas as pd
import pytest
from archive_account import Account, archive_at, opens

import impressions_analytics as ia

EVIL = "Sale\x1b]0;owned\x07\x1b[2J\x9b31m\r\u202eevil\x00\x7f"
OBEYED = set("\x1b\x07\x9b\r\u202e\x00\x7f")


def emailings():
    texts = {"subject": EVIL, "from_name": EVIL, "from_email": EVIL, "type": EVIL, "target": None, "tags": None}
    rows = {"ID": [400, 401], "timestamp": pd.to_datetime(["2026-01-01", "2026-01-10"]), "template": 1}
    frame = pd.DataFrame({**rows, **{name: pd.array([text] * 2, dtype="str") for name, text in texts.items()}})
    return frame.assign(destinations=100)[
        ["ID", "timestamp", "template", "subject", "from_name", "from_email", "destinations", "type", "target", "tags"]
    ]


@pytest.fixture
def archive(tmp_path):
    account = Account()
    account.add("impressions", opens(400, useragent=EVIL))
    account.add("emailings", emailings())
    archive = archive_at(tmp_path / "mail")
    archive.sync(account, kinds=["impressions", "emailings"])
    assert set(archive.read("emailings")["subject"]) == {EVIL}  # the data itself stays as it was sent
    return archive


COMMANDS = (
    ["mailings"], ["agents"], ["watch"], ["verify"],
    pytest.param(["report", "-o", "page.html"], marks=pytest.mark.slow),
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_command_writes_what_a_terminal_obeys(archive, tmp_path, monkeypatch, impressions, command):
    monkeypatch.chdir(tmp_path)
    _, out, err = impressions(command[0], str(tmp_path / "mail"), *command[1:])
    assert out + err and not OBEYED & set(out + err)
    if command[0] in ("mailings", "agents"):
        assert "Sale\\x1b]0;owned\\x07" in out


@pytest.mark.slow
def test_a_report_shows_what_it_would_be_turned_around_by(archive, tmp_path):
    page = ia.write_report(archive, tmp_path / "page.html").read_text(encoding="utf-8")
    assert not OBEYED & set(page) and "Sale\\x1b]0;owned" in page


def test_a_traceback_of_an_error_of_the_tree_holds_nothing_that_a_terminal_obeys():
    for error in (ia.RequestRefusedError(EVIL), ia.InvalidArgumentError(EVIL), ia.DamagedFileError(f"a\nb\t{EVIL}")):
        shown = "".join(traceback.format_exception(error))
        assert not OBEYED & set(shown) and "owned" in shown
