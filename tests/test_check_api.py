"""`impressions check` finds how a sandbox behaves, however it behaves, and keeps it where a load reads it."""

import datetime as dt
import json

import pytest
from typer.testing import CliRunner

import impressions_analytics as ia
from impressions_analytics.cli.commands import app
from impressions_analytics.loader.check import FACTS, check_api
from impressions_analytics.loader.check_steps import MOST_CALLS
from impressions_analytics.sandbox import Sandbox

BOXES = {
    "origin": (2, {}, {
        "period_style": "fields", "begin_included": "undecided", "order": "ID, rising", "page_limit": 1000,
        "total_optional": "yes", "totals_agree": "yes", "statistics_agree": "yes", "families": ["ms", "publisher"],
    }),
    "ends left out": (3, {"begin_inclusive": False, "end_inclusive": True, "order": "random"}, {
        "period_style": "begintime", "begin_included": "no", "end_included": "yes", "order": "none",
        "destinations_need_period": "no",
    }),
    "ignores periods": (4, {"ignore_period": True, "total_always": True, "most_rows": 500, "total_off": 3}, {
        "period_style": "undecided", "total_optional": "no", "page_limit": 500, "totals_agree": "no",
    }),
    "strict": (3, {
        "refuse_unknown_parameters": True, "destinations_need_period": True, "order": "reverse", "most_parallel": 3,
        "clock_offset_seconds": 400, "latency_seconds": 0.05,
    }, {
        "unknown_period": "refused", "destinations_need_period": "yes", "order": "ID, falling",
        "clock_offset_seconds": 400, "zone": "not Europe/Amsterdam",
    }),
    "one editor": (3, {"families": ("html", "publisher"), "statistics_lag_seconds": 30 * 864_000}, {
        "families": ["html", "publisher"], "statistics_agree": "no", "period_style": "begintime",
    }),
}  # fmt: skip


@pytest.mark.parametrize("name", BOXES)
def test_every_fact_is_what_the_sandbox_does_and_costs_at_most_25_calls(name, reach):
    version, behaviour, expected = BOXES[name]
    with Sandbox(impressions=3_000, seed=2, **behaviour) as box:
        if name == "strict":
            box.add_impressions(1, timestamps=["2026-03-29 02:30:00"], destination=112)
        found = check_api(reach(box, version=version))
        assert len(box.requests) == found.calls <= MOST_CALLS
    assert {key: found.facts[key].value for key in expected} == expected
    if name == "strict":  # refuses a fourth; how much two are faster than one depends on this machine's load
        assert found.facts["connections"].value in (1, 2)
    assert tuple(found.facts) == FACTS
    assert all(fact.why for fact in found.facts.values())


def test_rows_newer_than_utc_exclude_utc_and_the_days_of_log_files_are_counted(reach):
    ahead = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0) + dt.timedelta(minutes=50)
    with Sandbox(impressions=3_000, seed=2, log_days=20) as box:
        box.add_impressions(1, timestamps=[str(ahead)], destination=112)
        found = check_api(reach(box, version=3))
        days = ia.log_days(reach(box))
    assert found.facts["zone"].value == "not UTC"
    assert found.facts["log_days_kept"].value == len(days) == 20
    assert str(days[0]) in found.facts["log_days_kept"].why
    assert found.calls <= MOST_CALLS


def test_an_account_without_emailings_leaves_facts_undecided(reach):
    with Sandbox(impressions=0, emailings=0) as box:
        found = check_api(reach(box))
    assert found.facts["order"].value == "undecided"
    assert found.facts["families"].value == ["ms", "publisher"]


def test_the_command_prints_facts_without_a_row_and_saves_what_later_settings_read(monkeypatch, tmp_path):
    facts = tmp_path / "a folder" / "facts.toml"
    with Sandbox(impressions=3_000, seed=2, latency_seconds=0.05, most_parallel=3) as box:
        for name, value in {
            "ACCESS_TOKEN": box.access_token, "API_URL": box.url, "FACTS": str(facts), "API_VERSION": "3",
        }.items():  # fmt: skip
            monkeypatch.setenv(f"COPERNICA_{name}", value)
        done = CliRunner().invoke(app, ["check", "--json", "--save"])
        told = json.loads(done.stdout)
        assert set(told["facts"]) == set(FACTS)
        assert set(told["facts"]["order"]) == {"value", "decided_by", "why"}
        assert told["calls"] <= MOST_CALLS
        addresses = {row["ip"] for row in box.truth()}
        assert not any(ip in done.stdout for ip in addresses if ip)
        assert box.access_token not in done.output + facts.read_text()
        assert ia.Copernica.from_env().connections == told["facts"]["connections"]["value"]
        assert ia.Copernica.from_env(connections=5).connections == 5
        assert ia.Copernica.from_env(version=2).connections == 8
        facts.write_text("no TOML [")
        with pytest.warns(UserWarning, match="cannot be read"):
            assert ia.Copernica.from_env().connections == 8


def test_the_consumption_of_a_month_is_asked_in_one_call_and_what_is_not_told_is_none(reach):
    from test_hostile import served

    with Sandbox(impressions=300, emailings=2, seed=1) as box:
        used = ia.consumption(reach(box, version=4))
        sent = len(box.truth("destinations"))
        [asked] = [one.query for one in box.requests if one.path.endswith("consumption")]
    assert (used.emails, used.texts) == (sent, 0)
    assert asked["begin"].endswith("-01") and asked["begin"] < asked["end"]
    with served(lambda path, query: {"emails": "12", "apicalls": None}) as (api, _):
        told = ia.consumption(api, begin="2026-01-01", end="2026-02-01")
        assert (told.emails, told.api_calls) == (12, None)
        assert str(told) == "from 2026-01-01 to 2026-02-01: 12 emails"
        with pytest.raises(ia.InvalidArgumentError, match="must be after"):
            ia.consumption(api, begin="2026-02-01", end="2026-02-01")
    with (
        served(lambda path, query: {"apicalls": "many"}) as (api, _),
        pytest.raises(ia.MalformedResponseError, match="apicalls is 'many'"),
    ):
        ia.consumption(api)
