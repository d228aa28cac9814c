"""What is promised of classified user agents, in the hands of a user."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import impressions_analytics as ia
from impressions_analytics.user_agents import RULES_VERSION, classify_user_agents, rules, with_user_agents
from impressions_analytics.user_agents.judge import REMEMBERED, remembered_judgement

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"
OUTLOOK = "Microsoft Outlook 2007, WinXP"
PREFETCH = "Mozilla/5.0"
COLUMNS = ["useragent", "client", "client_version", "is_mail", "os", "device", "kind", "rule"]
WORDS = {
    "os": {"Windows", "macOS", "iOS", "Android", "Linux", "Chrome OS", "other", "unknown"},
    "device": {"desktop", "mobile", "tablet", "unknown"},
    "kind": {"person", "proxy", "prefetch", "bot", "unknown"},
}


def values(frame):
    """The rows as tuples, with None for a null."""
    return [tuple(None if pd.isna(value) else value for value in row) for row in frame.itertuples(index=False)]


def test_each_distinct_user_agent_is_one_row_in_order_with_the_null_last():
    found = classify_user_agents([PREFETCH, None, OUTLOOK, PREFETCH, float("nan"), OUTLOOK])
    assert values(found) == [
        (OUTLOOK, "Outlook", "2007", True, "Windows", "desktop", "person", "outlook"),
        (PREFETCH, "Apple Mail", None, True, "unknown", "unknown", "prefetch", "apple-privacy"),
        (None, None, None, False, "unknown", "unknown", "unknown", "blank"),
    ]


@pytest.mark.parametrize(
    "given_as",
    [
        list,
        tuple,
        pd.Series,
        pd.Index,
        pa.array,
        lambda agents: pa.chunked_array([agents[:1], agents[1:]]),
        lambda agents: pa.array(agents).dictionary_encode(),
        lambda agents: pd.Series(agents, dtype="str"),
        lambda agents: pd.Series(agents, dtype="object"),
        lambda agents: pd.Series(agents, dtype="category"),
        lambda agents: pd.array(agents, dtype="string"),
        lambda agents: pd.DataFrame({"useragent": agents, "ID": 1}),
        lambda agents: pa.table({"useragent": agents}),
    ],
)
def test_however_the_user_agents_come_the_answer_is_the_same(given_as):
    found = classify_user_agents(given_as([PREFETCH, None, OUTLOOK]))
    assert found["useragent"].tolist()[:2] == [OUTLOOK, PREFETCH]
    assert found["kind"].tolist() == ["person", "prefetch", "unknown"]
    assert found["useragent"].isna().tolist() == [False, False, True]


def test_polars_columns_and_frames_are_welcome():
    polars = pytest.importorskip("polars")
    assert classify_user_agents(polars.Series([OUTLOOK, None]))["rule"].tolist() == ["outlook", "blank"]
    assert classify_user_agents(polars.DataFrame({"useragent": [OUTLOOK]}))["rule"].tolist() == ["outlook"]


@pytest.mark.parametrize(
    "nothing", [[], pd.Series([], dtype="str"), pd.Series([], dtype="category"), pa.array([], "str")]
)
def test_of_nothing_comes_an_empty_frame_of_the_same_types(nothing):
    found = classify_user_agents(nothing)
    assert len(found) == 0
    assert found.dtypes.equals(classify_user_agents([OUTLOOK]).dtypes)


def test_every_column_is_text_but_for_whether_it_is_mail():
    found = classify_user_agents([OUTLOOK, None, "?"])
    assert found.columns.tolist() == COLUMNS
    assert {str(dtype) for dtype in found.drop(columns="is_mail").dtypes} == {"str"}
    assert str(found["is_mail"].dtype) == "bool"


def test_categories_that_no_row_has_are_left_out():
    series = pd.Series([OUTLOOK, FIREFOX], dtype="category")
    assert classify_user_agents(series[series == FIREFOX])["useragent"].tolist() == [FIREFOX]


def test_a_user_agent_that_no_rule_knows_has_no_rule():
    (row,) = values(classify_user_agents(["?!"]))
    assert row == ("?!", None, None, False, "unknown", "unknown", "unknown", None)


@pytest.mark.parametrize(
    ("bad", "told"), [([7], "got 7: it is of type int"), ([b"x"], "got b'x'"), (["\ud800"], "half of a surrogate pair")]
)
def test_what_is_not_text_is_refused_by_its_value(bad, told):
    with pytest.raises(ia.InvalidArgumentError, match=told):
        classify_user_agents(bad)


def test_a_frame_without_user_agents_is_refused_by_its_columns():
    with pytest.raises(ia.MissingColumnError, match="needs a column 'useragent'; the frame has 'ID', 'ip'"):
        classify_user_agents(pd.DataFrame({"ID": [1], "ip": [None]}))


def test_a_user_agent_is_judged_once_in_a_process():
    remembered_judgement.cache_clear()
    classify_user_agents([FIREFOX, OUTLOOK, FIREFOX])
    classify_user_agents(pd.Series([FIREFOX, OUTLOOK], dtype="category"))
    assert remembered_judgement.cache_info().misses == 2


def test_what_is_remembered_is_bounded():
    assert remembered_judgement.cache_info().maxsize == REMEMBERED == 250_000


def test_the_columns_are_added_to_the_rows_as_they_stand():
    opens = pd.DataFrame(
        {"ID": [3, 1, 2], "useragent": [PREFETCH, None, OUTLOOK], "device": ["desktop", "mobile", None]},
        index=[7, 7, 9],
    ).astype({"useragent": "category", "device": "category"})
    before = opens.copy()
    found = with_user_agents(opens)
    pd.testing.assert_frame_equal(opens, before)
    pd.testing.assert_frame_equal(found[["ID", "useragent", "device"]], before)
    assert found.columns.tolist()[3:] == [
        "client", "client_version", "is_mail", "os", "useragent_device", "kind", "rule",
    ]  # fmt: skip
    assert {str(dtype) for dtype in found.dtypes[3:]} == {"category", "bool"}
    assert found["is_mail"].tolist() == [True, False, True]
    assert found["useragent_device"].tolist() == ["unknown", "unknown", "desktop"]
    assert found["rule"].tolist() == ["apple-privacy", "blank", "outlook"]
    assert found["client"].isna().tolist() == [False, True, False]


def test_an_empty_frame_gets_the_columns_too():
    found = with_user_agents(pd.DataFrame({"useragent": pd.Series([], dtype="category")}))
    assert len(found) == 0
    assert str(found["kind"].dtype) == "category"


agents = st.lists(
    st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.just(OUTLOOK))
)


@given(agents, st.sampled_from(["object", "str", "category"]))
def test_rows_get_what_their_user_agent_was_classified_as(given_agents, dtype):
    frame = pd.DataFrame({"useragent": pd.Series(given_agents, dtype="object").astype(dtype)})
    of_rows = with_user_agents(frame).rename(columns={"useragent_device": "device"})[COLUMNS]
    distinct = {row[0]: row for row in values(classify_user_agents(frame))}
    assert len(distinct) == len({*given_agents})
    assert values(of_rows) == [distinct[agent] for agent in given_agents]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_gets_the_words_that_are_promised(agent):
    (row,) = classify_user_agents([agent]).to_dict("records")
    assert all(row[column] in words for column, words in WORDS.items())


def test_the_rule_table_is_shown_in_the_order_in_which_it_is_asked():
    shown = rules()
    assert shown["id"].tolist()[:2] == ["blank", "apple-privacy"]
    assert shown.loc[shown["kind"] == "prefetch", "client"].tolist() == ["Apple Mail", "Gmail"]
    assert {str(dtype) for dtype in shown.drop(columns="is_mail").dtypes} == {"str"}


def test_the_version_names_the_rules_and_the_lists_behind_them():
    assert RULES_VERSION.startswith("2 ")
    assert "ua-parser-builtins" in RULES_VERSION
    assert "crawler-user-agents" in RULES_VERSION
