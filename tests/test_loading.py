"""Loads against every way in which the API might behave: complete, or an exception."""

from __future__ import annotations

import itertools
import re

import pandas as pd
import pytest

import impressions_analytics as ia
from impressions_analytics.loader import slicing, window_load
from impressions_analytics.sandbox import Sandbox

COLUMNS = ["ID", "mailing", "timestamp", "ip", "useragent", "device", "destination", "profile", "subprofile"]


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch):
    """Cut lists as if the API were a twentieth of its size, so that small sandboxes show what large accounts do."""
    monkeypatch.setattr(window_load, "PAGE_ROWS", 50)
    monkeypatch.setattr(window_load, "DEEP_ROWS", 1000)
    monkeypatch.setattr(slicing, "FULL_ROWS", 480)


def as_truth(frame: pd.DataFrame) -> list[tuple]:
    """The frame's rows as plain values in ID order, to hold against the sandbox's."""
    plain = frame.astype({"profile": object, "subprofile": object, "useragent": object, "ip": object, "device": object})
    plain = plain.assign(timestamp=frame["timestamp"].astype(str)).sort_values("ID")
    names = [
        name
        for name in COLUMNS
        if name in ("ID", "mailing", "timestamp", "ip", "useragent", "destination", "profile", "subprofile")
    ]
    return [tuple(None if pd.isna(v) else v for v in row) for row in plain[names].itertuples(index=False)]


def truth_of(box: Sandbox, kind="impressions", family="ms") -> list[tuple]:
    names = ("ID", "mailing", "timestamp", "ip", "useragent", "destination", "profile", "subprofile")
    return [tuple(row[name] for name in names) for row in box.truth(kind, family)]


HEALTHY = {
    "as it is": {},
    "newest first": {"order": "reverse"},
    "shuffled": {"order": "random"},
    "ends exclusive": {"begin_inclusive": False, "end_inclusive": False},
    "end inclusive, begin not": {"begin_inclusive": False},
    "numbers for IDs": {"number_ids": True},
    "compressed": {"gzip": True},
    "later version 2": {"v2_edition": "later"},
    "period ignored": {"ignore_period": True},
    "unknown parameters refused": {"refuse_unknown_parameters": True},
    "later version 2, unknown parameters refused": {"v2_edition": "later", "refuse_unknown_parameters": True},
    "short pages": {"short_pages": 3},
    "repeats across pages": {"repeat_rows": 2},
}


@pytest.mark.sampled(14)
@pytest.mark.parametrize("version", [2, 3, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", HEALTHY)
def test_a_whole_account_is_loaded_row_for_row_however_the_api_behaves(name, version, reach):
    with Sandbox(impressions=1_500, seed=3, **HEALTHY[name]) as box:
        frame = ia.load_impressions(reach(box, version=version))
        assert as_truth(frame) == truth_of(box)
        assert list(frame.columns) == COLUMNS
        assert frame.attrs["load"]["verdict"] == "complete"
        assert frame["timestamp"].is_monotonic_increasing


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    "behaviour",
    [
        "as it is",
        "newest first",
        "ends exclusive",
        "shuffled",
        "period ignored",
        "later version 2",
        "later version 2, unknown parameters refused",
    ],
)
@pytest.mark.parametrize("version", [2, 3])
def test_a_period_holds_its_first_second_and_not_its_end(behaviour, version, reach):
    with Sandbox(impressions=1_500, seed=3, **HEALTHY[behaviour]) as box:
        every = sorted(row["timestamp"] for row in box.truth())
        begin, end = every[250], every[1_200]  # both are seconds in which something happened
        frame = ia.load_impressions(reach(box, version=version), begin=begin, end=end)
        wanted = [row["ID"] for row in box.truth() if begin <= row["timestamp"] < end]
        assert sorted(frame["ID"]) == sorted(wanted)
        assert frame.attrs["load"]["period_ignored"] == (behaviour == "period ignored")


ARRIVALS = itertools.product(["front", "end", "natural"], ["new", "old"], ["id", "random"])


@pytest.mark.parametrize(
    ("at", "timestamps", "order"),
    [
        ("front", "new", "random"),
        ("end", "old", "id"),
        ("natural", "new", "random"),
        *(pytest.param(*how, marks=pytest.mark.slow) for how in ARRIVALS),
    ],
)
def test_rows_that_arrive_meanwhile_cost_no_row_that_was_there(at, timestamps, order, reach):
    with Sandbox(
        impressions=1_500, seed=4, order=order,
        arrive_rows=7, arrive_every=5, arrive_at=at, arrive_timestamps=timestamps, arrive_most=140,
    ) as box:  # fmt: skip
        before = truth_of(box)
        frame = ia.load_impressions(reach(box))
        loaded = as_truth(frame)
        assert set(before) <= set(loaded)
        assert set(loaded) <= set(truth_of(box))
        assert frame["ID"].is_unique
        assert frame.attrs["load"]["verdict"] == "complete"


FAULTS = ["429", "429_date", "429_bare", "500", "502", "503", "504", "reset", "reset_midway", "empty", "refused",
          "cut", "cut_unmarked", "cut_chunked", "html_200", "301"]  # fmt: skip


@pytest.mark.sampled(2)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_costs_no_row(fault, reach):
    with Sandbox(impressions=300, seed=5, faults={2: fault, 4: fault}, retry_after_seconds=0) as box:
        frame = ia.load_impressions(reach(box))
        assert as_truth(frame) == truth_of(box)
        if fault != "301":
            assert frame.attrs["load"]["retries"] >= 1


def test_faults_at_random_cost_no_row(reach):
    with Sandbox(impressions=2_500, seed=6, fault_probability=0.2, fault_seed=2, retry_after_seconds=0) as box:
        assert as_truth(ia.load_impressions(reach(box, patience_seconds=60))) == truth_of(box)


@pytest.mark.parametrize("behaviour", [{"total_off": 3}, {"total_drift": 1}])
def test_a_total_that_lies_is_an_error_that_names_both_figures(behaviour, reach):
    with Sandbox(impressions=400, seed=7, **behaviour) as box, pytest.raises(ia.IncompleteLoadError) as caught:
        ia.load_impressions(reach(box), destination=box.truth()[0]["destination"])
    counted, came = re.search(r"counts (\d+) rows, but (\d+)", str(caught.value)).groups()
    assert counted != came


def test_a_total_that_is_too_low_is_an_error(reach):
    with Sandbox(impressions=400, seed=7, total_off=-3) as box, pytest.raises(ia.ApiError, match=r"rows|total"):
        ia.load_impressions(reach(box))


def test_a_count_that_lies_is_an_error(reach):
    with (
        Sandbox(impressions=40, seed=7, count_off=1) as box,
        pytest.raises(ia.MalformedResponseError, match="count is 41"),
    ):
        ia.load_impressions(reach(box))


@pytest.mark.sampled(10)
@pytest.mark.parametrize("family", ["ms", "publisher"])
@pytest.mark.parametrize("kind", ["clicks", "deliveries", "errors", "abuses", "unsubscribes"])
@pytest.mark.parametrize("version", [2, pytest.param(3, marks=pytest.mark.slow), 4])
def test_every_kind_of_event_of_every_family_is_loaded(kind, family, version, reach):
    with Sandbox(impressions=1_000, seed=8) as box:
        frame = getattr(ia, f"load_{kind}")(reach(box, version=version), family=family)
        truth = box.truth(kind, family)
        assert sorted(frame["ID"]) == [row["ID"] for row in truth]
        assert sorted(map(str, frame["timestamp"])) == sorted(row["timestamp"] for row in truth)
        if "profile" in frame.columns:
            assert dict(zip(frame["ID"], frame["profile"], strict=True)) == {row["ID"]: row["profile"] for row in truth}


def test_ids_choose_what_is_loaded(box, reach, opens):
    api = reach(box)
    one, other = opens["destination"].value_counts().index[:2]
    rows = opens[opens["destination"].isin([one, other])]
    assert sorted(ia.load_impressions(api, destination=[one, str(other)])["ID"]) == sorted(rows["ID"])
    mailing = opens["mailing"].iloc[0]
    assert len(ia.load_impressions(api, emailing=mailing)) == (opens["mailing"] == mailing).sum()


def test_profiles_come_from_the_destinations_where_rows_carry_none(reach):
    with Sandbox(impressions=1_200, seed=9) as box:
        frame = ia.load_impressions(reach(box, version=3))
        assert as_truth(frame) == truth_of(box)
        assert frame.attrs["load"]["profiles"] == {"matched": 1_200, "unmatched": 0}


def test_frames_of_bounded_size_are_together_the_whole_load(reach):
    with Sandbox(impressions=2_500, seed=10) as box:
        parts = list(ia.iter_impressions(reach(box), rows_per_frame=700))
        periods = [(part.attrs["load"]["begin"], part.attrs["load"]["end"]) for part in parts]
        assert len(parts) > 2
        assert [end for _, end in periods[:-1]] == [begin for begin, _ in periods[1:]]
        assert as_truth(pd.concat(parts)) == truth_of(box)


@pytest.mark.parametrize("limit", [1, 7, 100, 1000])
def test_the_frame_does_not_depend_on_the_size_of_pages(limit, reach, monkeypatch):
    monkeypatch.setattr(window_load, "PAGE_ROWS", limit)
    with Sandbox(impressions=120, seed=11) as box:
        assert as_truth(ia.load_impressions(reach(box))) == truth_of(box)


def test_no_impressions_make_an_empty_typed_frame(box, reach, opens):
    empty = ia.load_impressions(reach(box), begin="2030-01-01")
    assert empty.dtypes.drop(["useragent", "device"]).equals(opens.dtypes.drop(["useragent", "device"]))
    assert len(empty) == 0
    assert isinstance(empty["useragent"].dtype, pd.CategoricalDtype)
    assert empty.attrs["load"]["verdict"] == "complete"


def test_a_plan_costs_one_call_and_tells_what_the_load_takes(monkeypatch, reach):
    monkeypatch.undo()
    with Sandbox(impressions=3_200, seed=12) as box:
        plan = ia.plan_load(reach(box))
        assert (plan.rows, plan.calls, len(box.requests)) == (3_200, 4, 1)
        box.clear_requests()
        ia.load_impressions(reach(box))
        assert len(box.requests) == 4


def test_a_plan_tells_what_looking_profiles_up_costs_at_most(monkeypatch, reach):
    monkeypatch.undo()
    with Sandbox(impressions=3_200, seed=12) as box:
        plan = ia.plan_load(reach(box, version=3))
        assert (plan.calls, plan.lookup_calls) == (4, -(-len(box.truth("destinations")) // 1000))
        assert len(box.requests) == plan.calls_spent == 2
        assert ia.plan_load(reach(box, version=3), profiles=False).lookup_calls == 0


def test_reconciliation_states_the_difference_with_copernicas_own_figures(reach):
    with Sandbox(impressions=1_000, seed=13) as box:
        api = reach(box)
        mailing = box.truth()[0]["mailing"]
        frame = ia.load_impressions(api, emailing=mailing)
        agreed = ia.reconcile(frame, api, emailing=mailing)
        assert (agreed.verdict, agreed.total_difference, agreed.unique_difference) == ("complete", 0, 0)
        short = ia.reconcile(frame.iloc[:-2], api, emailing=mailing)
        assert (short.verdict, short.total_difference) == ("contradicted", -2)
