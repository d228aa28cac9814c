"""Facts that a check has kept save calls; one that a load contradicts is dropped, and the load is right without it."""

import tomllib

import pytest

import impressions_analytics as ia
from impressions_analytics.api.facts import write_facts
from impressions_analytics.sandbox import Sandbox

PERIOD = {"begin": "2025-09-20", "end": "2025-10-20"}


@pytest.fixture
def told(tmp_path):
    """Settings from an environment whose facts say something of a sandbox, and what the file says afterwards."""
    path = tmp_path / "facts.toml"

    def settings(box, facts):
        write_facts(path, facts, url=box.url, version=2)
        environment = {"COPERNICA_ACCESS_TOKEN": box.access_token, "COPERNICA_API_URL": box.url,
                       "COPERNICA_FACTS": str(path)}  # fmt: skip
        return ia.Copernica.from_env(environment)

    return settings, lambda: tomllib.loads(path.read_text(encoding="utf-8"))["facts"]


def rows_of(box):
    return sorted(row["ID"] for row in box.truth() if PERIOD["begin"] <= row["timestamp"][:10] < PERIOD["end"])


def test_the_kept_style_of_period_saves_a_call_and_proves_the_same(told, reach):
    settings, _ = told
    with Sandbox(impressions=3_000, emailings=6, seed=1, v2_edition="later") as box:
        plain = ia.load_impressions(reach(box), **PERIOD)
        kept = ia.load_impressions(settings(box, {"period_style": "begintime"}), **PERIOD)
        assert kept.attrs["load"]["requests"] == plain.attrs["load"]["requests"] - 1
        assert sorted(kept["ID"]) == sorted(plain["ID"]) == rows_of(box)
        assert kept.attrs["load"]["verdict"] == "complete"


def test_a_style_of_period_that_is_not_obeyed_any_more_is_dropped_with_a_warning(told):
    settings, facts = told
    with Sandbox(impressions=3_000, emailings=6, seed=1, v2_edition="origin") as box:
        api = settings(box, {"period_style": "begintime", "page_limit": 1_000})
        with pytest.warns(UserWarning, match="the kept fact 'period_style' does not hold any more"):
            opens = ia.load_impressions(api, **PERIOD)
        assert sorted(opens["ID"]) == rows_of(box)
        assert facts() == {"page_limit": 1_000}
        assert len(ia.load_impressions(api, **PERIOD)) == len(opens)  # a second warning would be an error here


def test_kept_paths_are_asked_at_once_and_dropped_when_nobody_answers_them(told):
    settings, facts = told
    families = {"families": ["html", "publisher"]}
    with Sandbox(impressions=600, emailings=2, seed=1, families=("html", "publisher")) as box:
        opens = ia.load_impressions(settings(box, families))
        assert (len(opens), opens.attrs["load"]["requests"]) == (600, 1)
        assert opens.attrs["load"]["editors"] == ["html"]
    with Sandbox(impressions=600, emailings=2, seed=1) as box:
        api = settings(box, families)
        with pytest.warns(UserWarning, match="the kept fact 'families' does not hold any more"):
            assert len(ia.load_impressions(api)) == 600
        assert facts() == {}
        box.clear_requests()
        assert len(ia.load_impressions(api)) == 600
        assert len(box.requests) == 1


@pytest.mark.parametrize("facts", [{"period_style": "both"}, {"families": []}, {"period_style": 7}, {}])
def test_facts_that_advise_nothing_change_nothing(told, facts):
    settings, _ = told
    with Sandbox(impressions=100, emailings=2, seed=1) as box:
        assert settings(box, facts).learnt == {}
