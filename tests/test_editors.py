"""An account that answers the paths of the Marketing Suite's editors in the place of ms/ loads as any other."""

import pytest

import impressions_analytics as ia
from impressions_analytics.sandbox import Sandbox

PLACES = [("html", "publisher"), ("draganddrop", "publisher"), ("html", "draganddrop", "publisher")]


@pytest.mark.parametrize("families", PLACES)
def test_the_editors_paths_are_learnt_once_from_a_refusal_and_every_row_is_loaded(families, reach):
    editors = [name for name in families if name != "publisher"]
    with Sandbox(impressions=1_500, emailings=3, seed=1, families=families) as box:
        api = reach(box, version=3)
        opens = ia.load_impressions(api)
        assert sorted(opens["ID"]) == sorted(row["ID"] for row in box.truth())
        assert opens["profile"].notna().all()
        assert opens.attrs["load"]["editors"] == editors
        assert (opens.attrs["load"]["verdict"], opens.attrs["load"]["emailings_gone"]) == ("complete", [])
        box.clear_requests()
        one = ia.load_impressions(api, emailing=402)
        assert len(one) == sum(row["mailing"] == 402 for row in box.truth())
        assert ia.reconcile(one, api, emailing=402).verdict == "complete"
        assert len(ia.load_emailings(api)) == 3
        assert len(ia.load_destinations(api)) == len(box.truth("destinations"))
        assert ia.plan_load(api).rows == 1_500
        assert not [asked.path for asked in box.requests if "/ms/" in asked.path]
        assert ia.load_impressions(api, family="publisher").attrs["load"]["verdict"] == "complete"


def test_an_archive_of_two_editors_holds_the_rows_of_both(tmp_path, reach):
    with Sandbox(impressions=1_500, emailings=4, seed=1, families=("html", "draganddrop", "publisher")) as box:
        archive = ia.Archive(tmp_path / "mail")
        summary = archive.sync(reach(box, version=4), kinds=("impressions", "emailings"), begin="2025-09-01")
        assert summary.verdict == "complete"
        assert sorted(archive.read("impressions")["ID"]) == sorted(row["ID"] for row in box.truth())
        assert archive.verify(reach(box, version=4)).ok


def test_a_kind_that_nobody_knows_is_refused_as_before_and_an_account_that_answers_ms_is_asked_nothing_else(reach):
    with Sandbox(impressions=600, emailings=2, seed=1, refused_kinds=("clicks",)) as box:
        api = reach(box)
        with pytest.raises(ia.RequestRefusedError, match=r"ms/clicks: .*Invalid method"):
            ia.load_clicks(api)
        assert len(ia.load_impressions(api)) == 600
        assert not [asked.path for asked in box.requests if "html" in asked.path or "draganddrop" in asked.path]
