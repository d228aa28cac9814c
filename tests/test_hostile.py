"""Servers worse than the sandbox can be: rows that vanish, lists without end, answers about others."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

import impressions_analytics as ia
from impressions_analytics.loader import window_load
from impressions_analytics.sandbox import Sandbox

Answer = Callable[[str, dict[str, str]], dict | bytes]


def row(number: int, **more: object) -> dict:
    time = f"2026-01-{1 + number // 1440 % 28:02d} {number // 60 % 24:02d}:{number % 60:02d}:00"
    return {"ID": str(number), "mailing": "1", "timestamp": time, "ip": None, "useragent": "x",
            "destination": "5", "profile": 7, "subprofile": None, **more}  # fmt: skip


def page(rows: list[dict], query: dict[str, str], *, total: int | None = -1) -> dict:
    start, limit = int(query["start"]), int(query["limit"])
    part = rows[start : start + limit]
    return {
        "start": start,
        "limit": limit,
        "count": len(part),
        "total": len(rows) if total == -1 else total,
        "data": part,
    }


@contextmanager
def served(answer: Answer) -> Iterator[tuple[ia.Copernica, list[str]]]:
    """Serve what a function answers to (path, query); gives settings that reach it, and the paths asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            parts = urlsplit(self.path)
            asked.append(parts.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            found = answer(parts.path, query)
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(400 if isinstance(found, dict) and "error" in found else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        yield ia.Copernica("secret-token", url=address, patience_seconds=5, timeout_seconds=5, connections=1), asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_rows_that_vanish_while_they_are_read_cost_no_other_row():
    rows = [row(number) for number in range(3000)]
    gone = iter([[], rows[:5]])

    def answer(path, query):
        for lost in next(gone, []):
            rows.remove(lost)
        return page(rows, query)

    with served(answer) as (api, asked):
        frame = ia.load_impressions(api)
    assert sorted(frame["ID"]) == list(range(5, 3000))
    assert len(asked) == 6  # three pages of what was, and three of what is left: what is gone is not looked for again


def test_a_server_that_answers_the_same_page_for_ever_is_an_error_after_a_few_calls():
    rows = [row(number) for number in range(1000)]

    def answer(path, query):
        return {"start": int(query["start"]), "limit": 1000, "count": 1000, "total": 2500, "data": rows}

    with served(answer) as (api, asked), pytest.raises(ia.IncompleteLoadError):
        ia.load_impressions(api, destination=5)
    assert len(asked) < 60


def test_a_list_without_total_or_end_stops_and_is_unproven():
    rows = [row(number) for number in range(1000)]

    def answer(path, query):
        return {"start": int(query["start"]), "limit": 1000, "count": 1000, "data": rows}

    with served(answer) as (api, asked):
        frame = ia.load_impressions(api, destination=5)
    assert (len(frame), frame.attrs["load"]["verdict"]) == (1000, "unproven")
    assert len(asked) == 2


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "load",
    [
        ia.load_emailings,
        ia.load_impressions,
        lambda api: ia.load_impressions(api, begin="2026-01-01", end="2026-01-02"),
    ],
)
def test_a_total_that_lies_costs_no_memory_and_few_calls(load):
    """Ten billion rows are promised, and five come: nothing is planned that no page has proven."""
    emailing = {"id": "1", "timestamp": "2026-01-01 00:00:00", "template": "1", "subject": "x", "from_address": None,
                "destinations": 1, "type": "x", "target": None}  # fmt: skip

    def answer(path, query):
        rows = [{**emailing, "id": str(number)} if "emailings" in path else row(number) for number in range(5)]
        return {**page(rows, query), "total": 10_000_000_000}

    tracemalloc.start()
    try:
        with served(answer) as (api, asked), pytest.raises(ia.IncompleteLoadError, match=r"10000000000 rows, but 5 "):
            load(api)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert len(asked) < 100


def test_a_list_of_new_rows_without_end_ends_in_words():
    def answer(path, query):
        start = int(query["start"])
        rows = [row(number) for number in range(start, start + 1000)]
        return {"start": start, "limit": 1000, "count": 1000, "total": start + 1500, "data": rows}

    with served(answer) as (api, asked), pytest.raises(ia.IncompleteLoadError, match=r"1,500 were counted .* no end"):
        ia.load_impressions(api, destination=5)
    assert len(asked) < 250


def test_a_total_that_only_the_first_page_tells_still_counts():
    rows = [row(number) for number in range(2500)]

    def answer(path, query):
        found = page(rows, query)
        if found["start"]:
            found["total"] = None
        if found["start"] == 1000:
            found["data"] = found["data"][:400]
            found["count"] = 400
        return found

    with served(answer) as (api, _):
        frame = ia.load_impressions(api)
    assert sorted(frame["ID"]) == list(range(2500))


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("wanted", "column"), [({"emailing": 999}, "mailing"), ({"destination": 999}, "destination")])
def test_rows_of_others_are_refused(wanted, column):
    refused = pytest.raises(ia.MalformedResponseError, match=rf"{column} .* asked for 999")
    with served(lambda path, query: page([row(1)], query)) as (api, _), refused:
        ia.load_impressions(api, **wanted)


def test_one_list_under_two_names_gives_its_rows_once():
    rows = [row(number) for number in range(30)]
    with served(lambda path, query: page(rows, query)) as (api, asked):
        assert len(ia.load_impressions(api, destination=["5", "05", 5])) == 30
        assert len(asked) == 1
        assert len(ia.load_impressions(api, destination=[5, "a1b2c3"])) == 30


def test_a_row_before_all_time_is_a_row_like_any_other():
    rows = [row(number) for number in range(2999)] + [row(2999, timestamp="1970-01-01 00:00:00")]
    with served(lambda path, query: page(rows, query)) as (api, _):
        assert len(ia.load_impressions(api, destination=5)) == 3000


def test_a_certificate_does_not_answer_for_what_has_not_happened():
    rows = [row(1), row(2, timestamp="2099-01-01 00:00:00")]
    with served(lambda path, query: page(rows, query)) as (api, _):
        for end in (None, "2099-06-01"):
            load = ia.load_impressions(api, end=end).attrs["load"]
            assert load["end"] < "2099"
            assert (load["rows"], load["rows_after_end"]) == (2, 1)


def test_a_refusal_that_is_no_unknown_emailing_does_not_pass_for_missing_profiles():
    bare = {name: value for name, value in row(1).items() if "profile" not in name}

    def answer(path, query):
        if path.endswith("destinations"):
            return {"error": {"message": "Too many calls this month"}}
        return page([bare], query)

    with served(answer) as (api, _), pytest.raises(ia.RequestRefusedError, match="Too many calls"):
        ia.load_impressions(api)


def test_an_emailing_that_is_gone_leaves_nulls_that_the_certificate_counts():
    bare = {name: value for name, value in row(1).items() if "profile" not in name}

    def answer(path, query):
        if path.endswith("destinations"):
            return {"error": {"message": "Unknown emailing"}}
        return page([bare], query)

    with served(answer) as (api, _):
        frame = ia.load_impressions(api)
        assert ia.load_impressions(api, profiles=False).attrs["load"]["profiles"] is None
    assert frame["profile"].isna().all()
    assert frame.attrs["load"]["profiles"] == {"matched": 0, "unmatched": 1}


def test_profiles_that_came_are_kept_where_others_did_not():
    sent = [row(number) for number in range(1000, 2000)]
    bare = [{name: value for name, value in row(number).items() if "profile" not in name} for number in range(1000)]

    def answer(path, query):
        return page([] if path.endswith("destinations") else bare + sent, query)

    with served(answer) as (api, _):
        frame = ia.load_impressions(api)
    assert frame["profile"].notna().sum() == 1000


def test_a_period_of_destinations_may_end_within_a_day(reach):
    with Sandbox(impressions=2_000, seed=3) as box:
        sent = sorted(one["timestampsent"] for one in box.truth("destinations"))
        begin, end = sent[100], sent[600]
        wanted = {one["ID"] for one in box.truth("destinations") if begin <= one["timestampsent"] < end}
        assert wanted
        assert set(ia.load_destinations(reach(box), begin=begin, end=end)["ID"]) == wanted


def test_frames_of_several_emailings_certify_one_list_each(reach):
    with Sandbox(impressions=900, seed=3, emailings=3) as box:
        mailings = sorted({one["mailing"] for one in box.truth()})
        parts = list(ia.iter_impressions(reach(box), emailing=mailings, rows_per_frame=10_000))
    assert [part.attrs["load"]["endpoints"] for part in parts] == [[f"ms/emailing/{m}/impressions"] for m in mailings]
    assert sum(map(len, parts)) == 900


@pytest.mark.parametrize("edition", ["origin", "later"])
@pytest.mark.parametrize("strict", [True, False])
def test_a_plan_of_a_period_counts_what_the_load_gives(edition, strict, reach):
    with Sandbox(impressions=900, seed=3, v2_edition=edition, refuse_unknown_parameters=strict) as box:
        times = sorted(one["timestamp"] for one in box.truth())
        period = {"begin": times[300], "end": times[500]}
        plan = ia.plan_load(reach(box), **period)
        loaded = len(ia.load_impressions(reach(box), **period))
        assert loaded <= plan.rows <= loaded + 20  # an API may count the seconds at its ends


def test_a_reconciliation_refuses_what_it_cannot_compare(reach):
    with Sandbox(impressions=600, seed=3, emailings=2) as box:
        api = reach(box)
        mailing = box.truth()[0]["mailing"]
        whole = ia.load_impressions(api, emailing=mailing)
        for frame in (ia.load_impressions(api), ia.load_clicks(api, emailing=mailing)):
            with pytest.raises(ia.AnalysisError):
                ia.reconcile(frame, api, emailing=mailing)
        with pytest.raises(ia.AnalysisError, match="impressions"):
            ia.reconcile(whole, api, emailing=mailing, kind="clicks")
        doubled = whole.loc[whole.index.repeat(2)]
        assert ia.reconcile(doubled, api, emailing=mailing).verdict == "contradicted"


def in_period(rows: list[dict], query: dict[str, str]) -> list[dict]:
    begin, end = query.get("begintime", ""), query.get("endtime", "9")
    return [one for one in rows if begin <= one["timestamp"] <= end]


def test_windows_that_together_hold_less_than_the_whole_list_are_no_load(monkeypatch):
    monkeypatch.setattr(window_load, "DEEP_ROWS", 1000)
    rows = [row(number) for number in range(3000)]

    def answer(path: str, query: dict[str, str]) -> dict:
        asked = [one for one in in_period(rows, query) if one["ID"] != "77" or "begintime" not in query]
        return page(asked, query)

    with served(answer) as (api, _), pytest.raises(ia.IncompleteLoadError, match="counts 3000 rows, but its windows"):
        ia.load_impressions(replace(api, access_token=api.access_token, version=3))


def test_a_looked_up_profile_never_replaces_one_that_a_row_brought(monkeypatch):
    monkeypatch.setattr(window_load, "DEEP_ROWS", 1000)
    rows = [row(number) for number in range(3000)]
    for one in rows[:1500]:
        del one["profile"], one["subprofile"]

    def answer(path: str, query: dict[str, str]) -> dict:
        if path.endswith("/destinations"):
            sent = {"timestampsent": "2026-01-01 00:00:00", "profile": "9", "subprofile": None}
            return page([{"ID": "5", "mailing": "1", **sent}], query)
        return page(in_period(rows, query), query)

    with served(answer) as (api, _):
        found = ia.load_impressions(replace(api, access_token=api.access_token, version=3))
    assert found["profile"].value_counts().to_dict() == {9: 1500, 7: 1500}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("period", [{}, {"end": "2026-02-01"}])
def test_rows_of_the_first_and_the_last_year_are_rows_like_any_other(period, monkeypatch):
    monkeypatch.setattr(window_load, "DEEP_ROWS", 10)
    times = ["0001-01-01 00:00:00", "9999-12-31 23:59:59", *["2026-01-01 00:00:00"] * 20]
    rows = [row(number, timestamp=time) for number, time in enumerate(times)]

    def answer(path: str, query: dict[str, str]) -> dict:
        begin, end = query.get("begintime", ""), query.get("endtime", "99999")
        return page([one for one in rows if begin <= one["timestamp"] <= end], query)

    with served(answer) as (api, _):
        frame = ia.load_impressions(replace(api, access_token=api.access_token, version=3), profiles=False, **period)
    expected = times[:1] + times[2:] + times[1:2] * (not period)
    assert [str(moment) for moment in frame["timestamp"].astype(object)] == expected
    assert frame.attrs["load"]["verdict"] == "complete"


@pytest.mark.parametrize("whose", ["destination", "emailing"])
@pytest.mark.parametrize("call", [ia.load_impressions, ia.load_statistics, ia.plan_load])
def test_an_identifier_that_cannot_be_is_refused_by_name_before_anything_is_asked(call, whose):
    for of in (2**63, 10**5000, "1" * 5000, "1" * 30, -1, True, float("nan"), "\ud800", "\0", "x/../y"):
        with pytest.raises(
            ia.InvalidArgumentError, match=f"^{whose}=.* is no ID: give a whole number from 0"
        ) as caught:
            call(ia.Copernica("secret-token", url="http://127.0.0.1:1"), **{whose: of})
        assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "total", ["1" * 30, "-1", "1.5", "1e400", "NaN", "[]", '"x"', '"' + "9" * 19 + '"', "9" * 5000]
)
def test_a_statistic_that_cannot_be_is_malformed(total):
    body = f'{{"impressions":{{"total":{total}}}}}'.encode()
    with (
        served(lambda _path, _query: body) as (api, _),
        pytest.raises(ia.MalformedResponseError, match="ms/emailing/1/statistics: "),
    ):
        ia.load_statistics(api, emailing=1)


LOADS_AND_TELLS_ITS_PEAK = """
import resource, sys
import impressions_analytics as ia
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
api = ia.Copernica("t", url=sys.argv[1], connections=8)
ia.load_impressions(api, destination=4)
before = peak()
print(len(ia.load_impressions(api, destination=5)), peak() - before)
"""


@pytest.mark.slow
def test_eight_connections_of_98_megabytes_each_stay_within_the_limit():
    """Two are read or wait, one is worked on, and six have begun: 325 MB; without the limit it would be 1,500."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            query = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
            whose = 5 if "destination/5" in self.path else 4
            rows = [row(number, destination=str(whose)) for number in range(16_000 if whose == 5 else 10)]
            body = json.dumps(page(rows, query)).encode()
            padding = 98_000_000 - len(body) if whose == 5 else 0
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + padding))
            self.end_headers()
            self.wfile.write(body)
            for _ in range(padding // 1_000_000):
                self.wfile.write(b" " * 1_000_000)
            self.wfile.write(b" " * (padding % 1_000_000))

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        told = subprocess.run(
            [sys.executable, "-c", LOADS_AND_TELLS_ITS_PEAK, address], capture_output=True, text=True, check=True
        )
        server.shutdown()
        thread.join()
    rows, megabytes = map(int, told.stdout.split())
    assert rows == 16_000
    assert megabytes < 450
