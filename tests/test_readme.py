"""Every code block of README.md does what it says, in the order in which it stands, against a sandbox."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from impressions_analytics.sandbox import Sandbox

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^(<!-- not run: [^\n]*-->\n)?```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
SET_UP = 2  # the first two blocks make an environment of their own; the checks run them in a fresh clone


@pytest.fixture
def account(tmp_path, monkeypatch):
    """An account as README's reader has one: in the environment."""
    with Sandbox(impressions=3_000, seed=1) as box:
        monkeypatch.setenv("COPERNICA_ACCESS_TOKEN", box.access_token)
        monkeypatch.setenv("COPERNICA_API_URL", box.url)
        monkeypatch.setenv("COPERNICA_AUTH_URL", box.auth_url)
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
        monkeypatch.chdir(tmp_path)
        yield box


@pytest.mark.slow
def test_every_block_runs(account):
    names: dict[str, object] = {}
    for mark, language, text in BLOCKS[SET_UP:]:
        if mark or language not in ("python", "sh"):
            continue
        if language == "python":
            exec(compile(text, "README.md", "exec"), names)
        else:
            for line in text.replace("\\\n", " ").splitlines():
                run(line)


def run(line: str) -> None:
    """Run one line of a shell block, with the command `impressions` of this checkout."""
    if not line.strip() or line.startswith("#"):
        return
    command = re.sub(
        r"\bimpressions(?= )", f"{shlex.quote(sys.executable)} -m impressions_analytics.cli", line, count=1
    )
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def test_the_first_two_blocks_are_one_line_each():
    assert [(language, text.count("\n")) for _, language, text in BLOCKS[:SET_UP]] == [("sh", 1), ("sh", 1)]


def test_only_marked_blocks_are_left_out():
    left_out = [language for mark, language, _ in BLOCKS if mark or language not in ("python", "sh")]
    assert left_out == ["sh", "text", "text", "python"]
