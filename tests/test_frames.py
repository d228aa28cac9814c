"""Strict decoding: a page becomes exactly what it says, typed, or an error that names what does not fit."""

from __future__ import annotations

import datetime as dt
import json
import random
import warnings

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import impressions_analytics as ia
from impressions_analytics.columns import EVENT_KINDS, KINDS, columns_of
from impressions_analytics.loader.decode import Decoder, NotJsonError, build_frame, in_time_order
from impressions_analytics.loader.values import CODES, READERS, WIRE_TYPES, why_unfit

PUBLISHED = {
    "ID": "1", "mailing": "412", "timestamp": "2014-10-09 13:41:46", "ip": "2a03:e280:0:1::1",
    "useragent": "Mozilla/5.0 (Ubuntu; X11; Linux x86_64; rv:8.0) Gecko/20100101 Firefox/8.0",
    "device": "desktop", "destination": "112", "profile": 13453, "subprofile": None,
}  # fmt: skip
LEFT_OUT = object()


def row(**changes):
    """The impression as published, with changes."""
    return {key: value for key, value in {**PUBLISHED, **changes}.items() if value is not LEFT_OUT}


def body(*rows, **envelope) -> bytes:
    return json.dumps(
        {"start": 0, "limit": 1000, "count": len(rows), "total": len(rows), "data": rows, **envelope}
    ).encode()


def load(*pages: bytes, kind="impressions", family="ms", may_lack=()) -> pd.DataFrame:
    """All pages through one decoder into one frame."""
    decoder = Decoder(kind, family, may_lack=frozenset(may_lack))
    decoded = [decoder.decode(page, page=number) for number, page in enumerate(pages)]
    return build_frame(decoder, [pa.Table.from_batches([page.rows]) for page in decoded])


def refusal(*rows, kind="impressions", family="ms") -> str:
    with pytest.raises(ia.MalformedResponseError) as caught:
        Decoder(kind, family).decode(body(*rows), page=3)
    return str(caught.value)


def test_the_published_impression_becomes_one_typed_row():
    frame = load(body(PUBLISHED))
    assert frame.dtypes.astype(str).to_dict() == {
        "ID": "int64", "mailing": "int64", "timestamp": "datetime64[us]", "ip": "str", "useragent": "category",
        "device": "category", "destination": "int64", "profile": "Int64", "subprofile": "Int64",
    }  # fmt: skip
    assert frame.loc[0, ["ID", "mailing", "destination", "profile"]].tolist() == [1, 412, 112, 13453]
    assert frame.loc[0, "timestamp"] == pd.Timestamp(2014, 10, 9, 13, 41, 46)
    assert frame.loc[0, "ip"] == "2a03:e280:0:1::1"
    assert frame.loc[0, "useragent"] == PUBLISHED["useragent"]
    assert frame.loc[0, "subprofile"] is pd.NA


@pytest.mark.parametrize("family", ["ms", "publisher"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_rows_are_an_empty_frame_of_the_same_types(kind, family):
    empty = load(body(), kind=kind, family=family)
    assert len(empty) == 0
    assert list(empty.columns) == [column.name for column in columns_of(kind, family)]
    assert [str(dtype) for dtype in empty.dtypes] == [column.pandas_type for column in columns_of(kind, family)]
    assert load(kind=kind, family=family).equals(empty)


@pytest.mark.parametrize("family", ["ms", "publisher"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_every_column_fits_it(kind, family):
    example = {}
    for column in columns_of(kind, family):
        outer, _, within = column.wire_names[0].partition(".")
        example[outer] = {**example.get(outer, {}), within: column.example} if within else column.example
    frame = load(body(example), kind=kind, family=family)
    assert [str(dtype) for dtype in frame.dtypes] == [column.pandas_type for column in columns_of(kind, family)]
    assert len(frame) == 1


NO_NUMBERS = [
    "1.0", 1.5, 1.0, True, False, "", " ", "-1", -1, "-0", "007", "0x1F", "+5", " 5", "5 ", "1e3", 1e3, "1_000", "٣",
    "null", "NaN", 2**63, str(2**63), 10**30, "9" * 5000, [], {}, ["1"],
]  # fmt: skip


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("column", ["ID", "mailing", "destination", "profile", "subprofile"])
def test_what_is_no_whole_number_is_refused_by_column_value_page_and_row(column, value):
    told = refusal(row(), row(**{column: value}))
    assert told.startswith(f"impressions, page 3, row 1: column '{column}' is {repr(value)[:57]}")
    assert "expected a whole number of 0 to 2^63-1" in told
    assert "no row of this load was kept" in told
    assert len(told) < 250


NO_TIMES = [
    "2014-02-30 00:00:00", "2014-13-01 00:00:00", "0000-00-00 00:00:00", "0000-01-01 00:00:00", "2014-10-09",
    "2014-10-09T13:41:46", "2014-10-09 13:41:46Z", "2014-10-09 13:41:4Z", "2014-10-09  3:41:46", "2014-10-09 24:00:00",
    "2014-10-09 13:41:60", "2014-10-09 13:41", "2014-10-09 13:41:46.5", "2014/10/09 13:41:46", "09-10-2014 13:41:46",
    "\uff12014-10-09 13:41", "2014-10-09 13:41:\0\0", " 2014-10-09 13:41:4", "-014-10-09 13:41:46", "", None,
    1412862106, 1.5, True, {},
]  # fmt: skip


@pytest.mark.parametrize("value", NO_TIMES, ids=repr)
def test_what_is_no_time_is_refused(value):
    told = refusal(row(), row(timestamp=value))
    shown = "null" if value is None else repr(value)
    assert f"page 3, row 1: column 'timestamp' is {shown}, expected an existing time as 'YYYY-MM-DD HH:MM:SS'" in told


@pytest.mark.parametrize("place", range(19))
def test_every_letter_of_a_time_counts(place):
    good = "2014-10-09 13:41:46"
    for letter in set("0123456789-:. TZ+/x") - {good[place]}:
        if not (good[place].isdigit() and letter.isdigit()):
            assert "column 'timestamp' is" in refusal(row(timestamp=good[:place] + letter + good[place + 1 :]))


NO_ADDRESSES = ["", " ", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4\0", "1.2.3.4 ", "::1%lo", ":::", "host", "é", 5,
                True, []]  # fmt: skip


@pytest.mark.parametrize("value", NO_ADDRESSES, ids=repr)
def test_what_is_no_address_is_refused(value):
    assert f"row 1: column 'ip' is {value!r}, expected an IPv4 or IPv6 address or null" in refusal(row(), row(ip=value))


@pytest.mark.parametrize("value", ["0.0.0.0", "255.255.255.255", "::", "::ffff:192.0.2.1", "2001:DB8::1", None])
def test_an_address_is_kept_as_it_was_sent(value):
    kept = load(body(row(ip=value)))["ip"]
    assert kept.astype(object).where(kept.notna(), None).tolist() == [value]


@pytest.mark.parametrize("column", ["useragent", "device"])
@pytest.mark.parametrize("value", [5, True, [], {}, 1.5], ids=repr)
def test_what_is_no_text_is_refused(column, value):
    assert f"row 1: column '{column}' is {value!r}, expected a text or null" in refusal(row(), row(**{column: value}))


@pytest.mark.parametrize("column", ["ID", "mailing", "timestamp", "destination"])
def test_null_is_refused_where_it_is_not_legal(column):
    assert f"row 1: column '{column}' is null, expected" in refusal(row(), row(**{column: None}))


@pytest.mark.parametrize("column", [name for name in PUBLISHED if name != "device"])
@pytest.mark.parametrize("others", [0, 1])
def test_a_missing_key_is_refused(column, others):
    told = refusal(*[row()] * others, row(**{column: LEFT_OUT}))
    assert told == (f"impressions, page 3, row {others}: column '{column}' is missing; no row of this load was kept")


def test_the_first_wrong_value_of_several_is_named():
    assert "row 1: column 'ip' is 'x'" in refusal(row(), row(ip="x", profile=-1), row(ID="y"))


def test_a_long_value_is_shown_shortened():
    told = refusal(row(ip="x" * 100_000))
    assert "'xxx" in told
    assert "..." in told
    assert len(told) < 200


@pytest.mark.parametrize("value", [None, 5, "text", [], True], ids=repr)
def test_a_row_that_is_no_object_is_refused(value):
    assert "page 3, row 1: a row is an object, got" in refusal(row(), value)


NO_LISTS = {
    "null": b"null",
    "number": b"5",
    "list": b"[]",
    "empty object": b"{}",
    "no data": b'{"start":0,"limit":1,"count":0}',
    "data is no list": b'{"start":0,"limit":1,"count":0,"data":{}}',
    "start is a text": body(PUBLISHED, start="0"),
    "start is null": body(PUBLISHED, start=None),
    "count is missing": b'{"start":0,"limit":1,"data":[]}',
    "total is a text": body(PUBLISHED, total="1"),
    "limit is a fraction": body(PUBLISHED, limit=1.5),
}


@pytest.mark.parametrize("name", NO_LISTS)
def test_what_is_no_list_is_refused(name):
    with pytest.raises(ia.MalformedResponseError, match="impressions, page 0: ") as caught:
        load(NO_LISTS[name])
    assert not isinstance(caught.value, NotJsonError)


NO_JSON = {
    "nothing": b"",
    "cut": body(PUBLISHED)[:-5],
    "page for people": b"<html><title>Loadbalancer Error</title></html>",
    "more behind it": body(PUBLISHED) + b"x",
    "two of them": body(PUBLISHED) * 2,
    "byte order mark": b"\xef\xbb\xbf" + body(PUBLISHED),
    "another encoding": body(PUBLISHED).decode().encode("utf-16"),
    "latin-1": body(row(useragent="Q")).replace(b"Q", b"\xe9"),
    "half a surrogate pair": body(row(useragent="\ud800")),
    "no number of JSON": body(PUBLISHED).replace(b"13453", b"NaN"),
    "a number of 5000 digits": body(PUBLISHED).replace(b"13453", b"9" * 5000),
    "bottomless": b'{"data":' + b"[" * 200_000,
    "a bottomless column": body(row(more=7)).replace(b"7}", b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "a control character": body(row(useragent="Q")).replace(b"Q", b"\x01"),
}


@pytest.mark.parametrize("name", NO_JSON)
def test_what_is_no_json_may_be_asked_again_and_tells_its_size(name):
    with pytest.raises(NotJsonError, match=rf"page 0: the answer is not whole JSON \({len(NO_JSON[name])} bytes"):
        load(NO_JSON[name])


@pytest.mark.parametrize("error", [{"message": "Invalid access token"}, "Invalid access token"])
@pytest.mark.parametrize("rows", [None, [PUBLISHED]])
def test_an_error_is_an_error_even_beside_rows(error, rows):
    answer = body(*rows, error=error) if rows else json.dumps({"error": error}).encode()
    with pytest.raises(ia.RequestRefusedError, match="answered with an error: Invalid access token"):
        load(answer)


def test_an_error_that_says_nothing_is_none():
    assert len(load(body(PUBLISHED, error=None))) == 1


def test_numbers_and_texts_of_numbers_may_be_mixed_in_one_column():
    frame = load(body(row(ID=1, profile="5"), row(ID="2", profile=None), row(ID=3, profile=7)))
    assert frame["ID"].tolist() == [1, 2, 3]
    assert frame["profile"].tolist() == [5, pd.NA, 7]


@pytest.mark.parametrize("value", [0, "0", 2**63 - 1, str(2**63 - 1)])
def test_the_smallest_and_the_greatest_number_are_kept(value):
    frame = load(body(row(ID=value, profile=value, subprofile=value)))
    assert frame[["ID", "profile", "subprofile"]].iloc[0].tolist() == [int(value)] * 3


@pytest.mark.parametrize("word", ["", " ", "a\0", "\0", "é", "\u202e", "\U0001f4a9", "\\/", "null", "x" * 70_000])
def test_a_user_agent_is_kept_character_for_character(word):
    frame = load(body(row(ID=1, useragent=word), row(ID=2, useragent=None), row(ID=3, useragent=word)))
    assert frame["useragent"].cat.categories.tolist() == [word]
    assert frame["useragent"].cat.codes.tolist() == [0, -1, 0]


def test_categories_are_sorted_and_only_those_used():
    frame = load(body(row(ID=1, useragent="b")), body(row(ID=2, useragent="")), body(row(ID=3, useragent="a\0")))
    assert frame["useragent"].cat.categories.tolist() == ["", "a\0", "b"]
    decoder = Decoder("impressions")
    decoder.decode(body(row(useragent="of a page that was dropped")))
    kept = decoder.decode(body(row(useragent="kept")))
    frame = build_frame(decoder, [pa.Table.from_batches([kept.rows])])
    assert frame["useragent"].cat.categories.tolist() == ["kept"]


def test_of_two_equal_keys_the_last_counts_as_in_every_json_reader():
    doubled = body(PUBLISHED).replace(b'"ID": "1"', b'"ID": "1", "ID": "2"')
    assert load(doubled)["ID"].tolist() == [2]


@pytest.mark.parametrize("first", ["mailing", "emailing"])
def test_each_row_may_spell_mailing_as_it_likes(first):
    other = {"mailing": "emailing", "emailing": "mailing"}[first]
    rows = [{**row(mailing=LEFT_OUT), key: value} for key, value in ((first, "5"), (other, 6))]
    assert load(body(*rows), family="publisher")["mailing"].tolist() == [5, 6]


def test_publisher_destinations_go_by_their_number_and_not_by_their_hash():
    sent = {"ID": "6c0a99", "internal": "7", "mailing": "1", "timestampsent": "2026-01-01 00:00:00",
            "profile": 1, "subprofile": None}  # fmt: skip
    assert load(body(sent), kind="destinations", family="publisher")["ID"].tolist() == [7]


def test_columns_that_an_endpoint_may_lack_are_null_and_said_to_be_absent():
    decoder = Decoder("impressions", may_lack=frozenset({"profile", "subprofile"}))
    page = decoder.decode(body(row(profile=LEFT_OUT, subprofile=LEFT_OUT, device=LEFT_OUT)))
    assert page.absent == {"profile", "subprofile", "device"}
    frame = build_frame(decoder, [pa.Table.from_batches([page.rows])])
    assert frame[["profile", "subprofile", "device"]].isna().all().all()


def test_an_emailing_may_come_without_what_is_not_required():
    frame = load(
        body(
            {"id": 1, "timestamp": "2026-01-01 00:00:00", "from_address": {"name": "Shop", "email": "a@example.com"}},
            {"id": 2, "timestamp": "2026-01-02 00:00:00", "from_address": {"name": "Shop"}},
            {"id": 3, "timestamp": "2026-01-03 00:00:00", "from_address": None},
            {"id": 4, "timestamp": "2026-01-04 00:00:00"},
        ),
        kind="emailings",
    )
    assert frame["from_name"].fillna("-").tolist() == ["Shop", "Shop", "-", "-"]
    assert frame["from_email"].fillna("-").tolist() == ["a@example.com", "-", "-", "-"]


@pytest.mark.parametrize("value", [True, 1.5, [], {}], ids=repr)
def test_what_lies_within_an_object_is_checked_too(value):
    sent = {"id": 1, "timestamp": "2026-01-01 00:00:00", "from_address": {"name": value}}
    assert "column 'from_name' is" in refusal(sent, kind="emailings")


def test_complaints_are_kept_as_json_text():
    complaint = {"ID": 1, "mailing": 1, "timestamp": "2026-01-01 00:00:00", "destination": 1, "profile": 1,
                 "subprofile": None, "report": {"type": "abuse", "n": [1, 10**30, 1.5], "é": None}}  # fmt: skip
    frame = load(
        body(complaint, {**complaint, "ID": 2, "report": {}}, {**complaint, "ID": 3, "report": None}), kind="abuses"
    )
    assert json.loads(frame["report"].iloc[0]) == complaint["report"]
    assert frame["report"].iloc[1] == "{}"
    assert pd.isna(frame["report"].iloc[2])


def test_an_unknown_column_is_left_out_with_one_warning():
    decoder = Decoder("impressions")
    with pytest.warns(UserWarning, match="a column 'country' of impressions that this package does not know") as caught:
        decoder.decode(body(row(country="NL"), row(ID=2, country="BE")))
        page = decoder.decode(body(row(ID=3, country="BE")))
    assert len(caught) == 1
    assert "country" not in page.rows.schema.names


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_columns_of_the_other_family_need_no_warning(kind):
    other = {}
    for family in ("ms", "publisher"):
        other |= {column.wire_names[0]: column.example for column in columns_of(kind, family)}
    with warnings.catch_warnings(record=True) as caught:
        load(body(other), kind=kind)
    assert caught == []


def test_rows_come_in_the_order_of_time_and_then_of_id():
    early, late = "2026-01-01 00:00:00", "2026-01-02 00:00:00"
    frame = load(body(row(ID=3, timestamp=late), row(ID=9, timestamp=early), row(ID=2, timestamp=late)))
    assert frame["ID"].tolist() == [9, 2, 3]
    table = pa.table({"ID": [1, 2], "timestamp": pa.array([1, 1], pa.timestamp("us"))})
    assert in_time_order(table, "impressions") is table


# What holds for all input.

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers(0, 2**63 - 1)
IDS = NUMBERS | NUMBERS.map(str)
TIMES = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)).map(
    lambda moment: f"{moment.year:04}-{moment:%m-%d %H:%M:%S}"
)
GOOD_ROWS = st.fixed_dictionaries(
    {"ID": IDS, "mailing": IDS, "timestamp": TIMES, "ip": st.none() | st.ip_addresses().map(str),
     "useragent": st.none() | WORDS, "destination": IDS, "profile": st.none() | IDS, "subprofile": st.none() | IDS},
    optional={"device": st.none() | WORDS},
)  # fmt: skip
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS | IDS | TIMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
ANY_ROWS = st.builds(
    lambda good, changes, gone: {key: value for key, value in {**good, **changes}.items() if key not in gone},
    GOOD_ROWS,
    st.dictionaries(st.sampled_from([*PUBLISHED, "emailing", "user-agent", "news"]), JSONS, max_size=2),
    st.sets(st.sampled_from(list(PUBLISHED)), max_size=1),
)


def as_sent(rows: list[dict]) -> list[tuple]:
    """What the frame must hold: numbers as numbers, the rest as sent, in the order of time and ID."""
    number = {"ID", "mailing", "destination", "profile", "subprofile"}
    plain = [
        tuple(
            int(value) if name in number and value is not None else value
            for name, value in ((name, one.get(name)) for name in PUBLISHED)
        )
        for one in rows
    ]
    return sorted(plain, key=lambda one: (one[2], one[0]))


def as_loaded(frame: pd.DataFrame) -> list[tuple]:
    columns = [frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in PUBLISHED]
    columns[2] = [f"{moment.year:04}-{moment:%m-%d %H:%M:%S}" for moment in frame["timestamp"]]
    return list(zip(*columns, strict=True))


@given(st.lists(GOOD_ROWS, max_size=8))
def test_good_rows_of_any_content_come_back_as_they_were_sent(rows):
    key = {(one["timestamp"], int(one["ID"])) for one in rows}
    loaded = as_loaded(load(body(*rows)))
    if len(key) == len(rows):
        assert loaded == as_sent(rows)
    else:
        assert sorted(map(repr, loaded)) == sorted(map(repr, as_sent(rows)))


@given(st.lists(ANY_ROWS, max_size=4))
def test_any_rows_are_either_what_was_sent_or_a_malformed_response(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            frame = load(body(*rows))
        except ia.MalformedResponseError as problem:
            assert str(problem).startswith("impressions, page 0")
            return
    sent = [{**one, "mailing": one["mailing"] if "mailing" in one else one["emailing"]} for one in rows]
    assert sorted(map(repr, as_loaded(frame))) == sorted(map(repr, as_sent(sent)))


@given(JSONS)
def test_any_json_is_no_list_and_nothing_else(value):
    with pytest.raises(ia.ApiError):
        load(json.dumps(value).encode())


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(bytes_):
    with pytest.raises(ia.ApiError):
        load(bytes_)


@pytest.mark.parametrize("kind", KINDS)
@given(value=JSONS)
def test_the_readers_and_the_explanation_agree_on_what_fits(kind, value):
    # A text may share its key with a number (Publisher's hashed ID): then it takes what the number takes.
    plain = [column for column in columns_of(kind, "publisher") if "." not in column.wire_names[0]]
    plain = [column for column in plain if column.wire_names != ("ID", "id") or column.type == "integer"]
    example = {column.wire_names[0]: column.example for column in plain}
    for column in plain:
        unfit = why_unfit(column, value)
        try:
            load(body({**example, column.wire_names[0]: value}), kind=kind, family="publisher")
        except ia.MalformedResponseError as problem:
            assert unfit is not None
            assert unfit[:40] in str(problem)
        else:
            assert unfit is None


@given(rows=st.lists(GOOD_ROWS, max_size=12, unique_by=lambda one: int(one["ID"])), size=st.integers(1, 12))
def test_the_frame_does_not_depend_on_pages_or_on_the_order_of_rows(rows, size):
    shuffled = random.Random(size).sample(rows, len(rows))
    pages = [body(*shuffled[first : first + size]) for first in range(0, len(shuffled), size)]
    pd.testing.assert_frame_equal(load(*pages), load(body(*rows)))


def test_every_type_of_column_has_what_it_needs():
    used = {column.type for columns in KINDS.values() for column in columns}
    assert set(WIRE_TYPES) == used == {*READERS, *CODES}
