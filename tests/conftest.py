"""What the tests share: a sandbox, settings that reach it, and the frame of all its impressions."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pandas as pd
import pytest

import impressions_analytics as ia
import impressions_analytics.loader
from impressions_analytics import cli
from impressions_analytics.api.settings import ENVIRONMENT
from impressions_analytics.archive.suppression import KEY_FILE_VARIABLE, KEY_VARIABLE
from impressions_analytics.sandbox import Sandbox

# What tests share is no test itself, though doctest would look into every file.
collect_ignore = [path.name for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("test_")]

hypothesis.settings.register_profile("quick", max_examples=6, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=100, deadline=None)  # of .ci/run
hypothesis.settings.load_profile("quick")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run the whole suite on every core, and one process more: some tests only wait.

    A file or test that is named runs at once, in this process.
    """
    return (os.cpu_count() or 1) + 1 if config.args_source is pytest.Config.ArgsSource.TESTPATHS else 0


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep so many cases of a test as its mark `sampled` says, spread evenly; the others are slow."""
    found: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sampled"):
            found.setdefault(item.nodeid.split("[")[0], []).append(item)
    for cases in found.values():
        wanted = cases[0].get_closest_marker("sampled").args[0]
        quick = {(2 * number + 1) * len(cases) // (2 * wanted) for number in range(wanted)}
        for number, case in enumerate(cases):
            if number not in quick:
                case.add_marker(pytest.mark.slow)
    gc.collect()
    gc.freeze()  # thousands of tests are there to stay: looking through them again and again costs seconds


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have an account of their own: it stays out of them."""
    for name in (*ENVIRONMENT.values(), KEY_VARIABLE, KEY_FILE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COPERNICA_FACTS", str(Path(__file__).parent / "no-facts-here.toml"))


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    """A healthy sandbox of 3,000 impressions, shared: do not change how it behaves."""
    with Sandbox(impressions=3_000, seed=1) as running:
        yield running


@pytest.fixture
def reach() -> Callable[..., ia.Copernica]:
    """Settings that reach a sandbox, quick to give up."""

    def settings(box: Sandbox, **more: object) -> ia.Copernica:
        values = {"url": box.url, "auth_url": box.auth_url, "patience_seconds": 20, "timeout_seconds": 5, **more}
        return ia.Copernica(box.access_token, **values)

    return settings


@pytest.fixture
def impressions(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple]:
    """Run the command in this process; gives its exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["impressions", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        told = capsys.readouterr()
        return int(stopped.value.code or 0), told.out, told.err

    return run


@pytest.fixture(scope="session")
def opens(box: Sandbox) -> pd.DataFrame:
    """All impressions of the shared sandbox, as loaded."""
    return ia.load_impressions(ia.Copernica(box.access_token, url=box.url))
