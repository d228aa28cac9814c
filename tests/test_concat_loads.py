"""Joined loads say whether they are a complete load, and why not."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest

import impressions_analytics as ia
from impressions_analytics.sandbox import Sandbox


@pytest.fixture(scope="module")
def api() -> Iterator[ia.Copernica]:
    with Sandbox(impressions=1_000, seed=2) as box:
        yield ia.Copernica(box.access_token, url=box.url)


@pytest.fixture(scope="module")
def whole(api: ia.Copernica) -> pd.DataFrame:
    return ia.load_impressions(api, begin="2025-09-01", end="2026-07-01")


def loaded(api: ia.Copernica, begin: str, end: str) -> pd.DataFrame:
    return ia.load_impressions(api, begin=begin, end=end)


def said(*frames: pd.DataFrame) -> tuple[str, str | None]:
    load = ia.concat_loads(frames).attrs["load"]
    return load["verdict"], load.get("why")


def test_periods_without_a_gap_are_the_same_complete_load_in_any_order(api: ia.Copernica, whole: pd.DataFrame) -> None:
    first, second = loaded(api, "2025-09-01", "2026-02-10"), loaded(api, "2026-02-10", "2026-07-01")
    for frames in ([first, second], [second, first]):
        joined = ia.concat_loads(frames)
        pd.testing.assert_frame_equal(joined, whole, check_categorical=False)
        same = ("begin", "end", "rows", "ids", "verdict", "kind", "family", "zone", "total_after", "rows_after_end")
        assert {name: joined.attrs["load"][name] for name in same} == {name: whole.attrs["load"][name] for name in same}
    assert isinstance(joined["useragent"].dtype, pd.CategoricalDtype)


def test_rows_of_two_loads_that_overlap_stand_once(api: ia.Copernica, whole: pd.DataFrame) -> None:
    first, second = loaded(api, "2025-09-01", "2026-03-01"), loaded(api, "2026-01-01", "2026-07-01")
    joined = ia.concat_loads([first, second])
    assert joined["ID"].tolist() == whole["ID"].tolist()
    load = joined.attrs["load"]
    assert (load["verdict"], load["repeats_dropped"]) == ("complete", len(first) + len(second) - len(whole))


def test_a_gap_is_named_and_figures_know_of_it(api: ia.Copernica) -> None:
    first, second = loaded(api, "2025-09-01", "2026-01-01"), loaded(api, "2026-02-01", "2026-07-01")
    assert said(first, second) == ("unproven", "nothing is known from 2026-01-01 00:00:00 to 2026-02-01 00:00:00")
    sent = ia.load_destinations(api, begin="2025-09-01", end="2026-07-01")
    result = ia.mailing_performance(ia.concat_loads([first, second]), destinations=sent).set_index("mailing")
    assert (
        result.loc[406, "not_covered"] == "impressions: known until 2026-01-01 and from 2026-02-01"
    )  # sent 20 January
    assert result["open_rate_of_sent"].isna()[406]
    assert not result["open_rate_of_sent"].isna()[[402, 407]].any()


def test_lists_of_mailings_fit_together_where_their_periods_do(api: ia.Copernica, whole: pd.DataFrame) -> None:
    lists = [ia.load_impressions(api, emailing=number) for number in (401, 402)]
    joined = ia.concat_loads(lists)
    assert joined.attrs["load"]["verdict"] == "complete"
    assert len(joined) == int(whole["mailing"].isin([401, 402]).sum())
    shorter = ia.load_impressions(api, emailing=402, end="2026-01-01")
    verdict, why = said(lists[0], shorter)
    assert verdict == "unproven"
    assert why is not None
    assert why.startswith("ms/emailing/401/impressions is known from the beginning to ")
    assert said(whole, lists[0]) == ("unproven", "some loads are of the whole account, and some of single lists")


def test_what_is_not_proven_alone_is_not_proven_together(api: ia.Copernica) -> None:
    first, second = loaded(api, "2025-09-01", "2026-02-10"), loaded(api, "2026-02-10", "2026-07-01")
    assert said(first[first["mailing"] == 402], second) == ("unproven", "frame 1 of 2 has the verdict 'part'")
    doubled = pd.concat([second, second])
    assert said(first, doubled) == ("unproven", "frame 2 of 2 has no certificate of its rows")
    changed = second.iloc[1:].reset_index(drop=True)
    changed.attrs["load"] = {**second.attrs["load"], "rows": len(changed), "ids": None}
    assert said(second, changed)[1] == "two loads differ in 1 row of the time that both cover, to 2026-07-01 00:00:00"


def test_after_pandas_own_concat_nothing_is_claimed(api: ia.Copernica, tmp_path: object) -> None:
    first, second = loaded(api, "2025-09-01", "2026-02-10"), loaded(api, "2026-02-10", "2026-07-01")
    deliveries = ia.load_deliveries(api, begin="2025-09-01", end="2026-07-01")
    result = ia.mailing_performance(pd.concat([first, second]), deliveries=deliveries)
    assert result.attrs["not_proven"].endswith("impressions (no certificate came with them)")


def test_loads_of_other_things_are_refused(api: ia.Copernica, whole: pd.DataFrame) -> None:
    with pytest.raises(ia.InvalidArgumentError, match=r"of one kind can be .* of impressions and clicks"):
        ia.concat_loads([whole, ia.load_clicks(api, begin="2026-01-01", end="2026-02-01")])
    with pytest.raises(ia.InvalidArgumentError, match="the frames differ in their columns: ip"):
        ia.concat_loads([whole, whole.drop(columns="ip")])
    with pytest.raises(ia.InvalidArgumentError, match="none of the 0 frames carries a certificate"):
        ia.concat_loads([])
