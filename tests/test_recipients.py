"""Opens and bounces by the recipients' provider and by country, counted by hand on a few messages."""

import pandas as pd
import pytest

import impressions_analytics as ia
from impressions_analytics.sandbox import Sandbox

READER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.11.0"
APPLE = "Mozilla/5.0"  # fetched by the mailbox before anybody looked
# Seven messages: a, b, c, d delivered at ziggo.nl, e at icloud.com, f and g never.
DELIVERED = pd.DataFrame({"message": [*"abcde", "a"], "email_domain": ["ziggo.nl"] * 4 + ["icloud.com", "ziggo.nl"]})
FAILED = pd.DataFrame({"message": ["f", "f", "g", "a"], "email_domain": ["ziggo.nl", "ziggo.nl", None, "ziggo.nl"]})
OPENED = pd.DataFrame({
    "message": ["a", "a", "b", "e", "e", "z"],
    "useragent": [READER, APPLE, APPLE, APPLE, APPLE, READER],
    "country": ["NL", "US", "US", "US", None, "BE"],
})  # fmt: skip
DESTINATIONS = pd.DataFrame({"message": list("abcefg"), "mailing": [7, 7, 8, 7, 8, 8]})


def test_opens_and_bounces_are_counted_by_message_at_each_provider():
    result = ia.provider_breakdown(OPENED, deliveries=DELIVERED, errors=FAILED)
    counts = ["provider", "messages_delivered", "opened_messages", "opened_not_only_by_machines", "messages_bounced"]
    assert result[counts].to_numpy().tolist() == [
        ["ziggo.nl", 4, 2, 1, 1],  # a by a reader too, b by a mailbox only; f bounced twice
        ["icloud.com", 1, 1, 0, 0],
        ["unknown", 0, 0, 0, 1],  # g has no address
    ]  # fmt: skip
    assert result["open_rate_low"].tolist()[:2] == [0.25, 0.0]
    assert result["open_rate_high"].tolist()[:2] == [0.5, 1.0]
    assert result["bounce_rate"].tolist() == [0.2, 0.0, 1.0]
    assert pd.isna(result.loc[2, "open_rate_high"])
    assert result.loc[0, "open_rate_high_ci_low"] == pytest.approx(0.15004, abs=1e-5)
    assert result.attrs["opened_not_delivered"] == 1  # z


def test_destinations_tie_the_messages_to_mailings():
    result = ia.provider_breakdown(OPENED, deliveries=DELIVERED, errors=FAILED, destinations=DESTINATIONS)
    counts = ["mailing", "provider", "messages_delivered", "opened_messages", "messages_bounced"]
    assert result[counts].to_numpy().tolist() == [
        [7, "ziggo.nl", 2, 2, 0], [7, "icloud.com", 1, 1, 0], [8, "ziggo.nl", 1, 0, 1], [8, "unknown", 0, 0, 1],
    ]  # fmt: skip
    countries = ia.country_breakdown(OPENED, destinations=DESTINATIONS, kinds=("person", "prefetch"))
    assert countries.to_numpy().tolist() == [
        [7, "US", 3, 3, 1.0], [7, "NL", 1, 1, 1 / 3], [7, "unknown", 1, 1, 1 / 3],
    ]  # fmt: skip


def test_the_country_is_that_of_persons_unless_other_kinds_are_asked_for():
    assert ia.country_breakdown(OPENED).to_numpy().tolist() == [["BE", 1, 1, 0.5], ["NL", 1, 1, 0.5]]
    with pytest.raises(ia.InvalidArgumentError, match="kinds must be one of"):
        ia.country_breakdown(OPENED, kinds="human")


def test_no_rows_give_the_same_columns_and_a_wrong_log_is_refused():
    nothing = {"deliveries": DELIVERED.head(0), "errors": FAILED.head(0)}
    empty = ia.provider_breakdown(OPENED.head(0), **nothing)
    full = ia.provider_breakdown(OPENED, deliveries=DELIVERED, errors=FAILED)
    assert empty.empty and empty.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict()
    none = ia.country_breakdown(OPENED.head(0), destinations=DESTINATIONS)
    assert none.empty and list(none.columns)[:2] == ["mailing", "country"]
    told = DELIVERED.copy()
    told.attrs["load"] = {"kind": "log of retries"}
    with pytest.raises(ia.AnalysisError, match="log of retries was given where the log of deliveries is needed"):
        ia.provider_breakdown(OPENED, deliveries=told, errors=FAILED)
    with pytest.raises(ia.MissingColumnError, match="no column 'message'"):
        ia.provider_breakdown(OPENED, deliveries=DELIVERED, errors=FAILED, destinations=pd.DataFrame({"ID": [1]}))


def test_destinations_without_messages_are_refused_and_not_taken_for_nobody():
    blind = DESTINATIONS.assign(message=None)
    with pytest.raises(ia.AnalysisError, match="carry no message"):
        ia.country_breakdown(OPENED, destinations=blind)
    assert ia.country_breakdown(OPENED, destinations=DESTINATIONS.head(0)).empty


@pytest.mark.slow
def test_an_archive_that_keeps_logs_tells_the_providers_of_every_mailing(tmp_path, reach):
    with Sandbox(impressions=1_500, emailings=2, seed=1, first_day="2026-06-01") as box:
        archive = ia.Archive(tmp_path / "mail")
        kinds = ("impressions", "deliveries", "errors", "destinations")
        archive.sync(reach(box, version=3), kinds=kinds, begin="2026-06-01", logs=True)
        result = ia.provider_breakdown(archive, deliveries=archive, errors=archive, destinations=archive)
        truth = pd.DataFrame(box.truth())
    opened = truth.groupby("mailing")["destination"].nunique()
    assert result.groupby("mailing")["opened_messages"].sum().to_dict() == opened.to_dict()
    assert {"gmail.com", "icloud.com", "ziggo.nl"} <= set(result["provider"])
    apple = result[result["provider"] == "icloud.com"]
    assert (apple["open_rate_high"] > 2 * apple["open_rate_low"]).all()
