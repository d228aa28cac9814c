"""The calls of a check, step by step: each asks a few, and hands the answers to the rules."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from impressions_analytics.api.session import Transport
from impressions_analytics.api.settings import Copernica
from impressions_analytics.errors import AccessDeniedError, ApiError, RequestRefusedError
from impressions_analytics.loader.check_logs import ask_logs
from impressions_analytics.loader.check_rules import (
    UNDECIDED,
    Fact,
    decide_connections,
    decide_ends,
    decide_order,
    decide_period_style,
    decide_statistics,
    decide_totals,
    decide_zone,
    spring_hour,
)

MOST_CALLS = 25
PAGE_ROWS = 1000
BATCHES = (2, 8)  # requests at once that are tried
SETTLED_DAYS = 7  # an emailing that old hardly gets rows while it is looked at
Parameters = Sequence[tuple[str, str]]


@dataclass(slots=True)
class Asker:
    """Asks one call at a time, within the number of calls; keeps how long each took."""

    transport: Transport
    seconds: list[float] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many calls may still be made."""
        return MOST_CALLS - self.transport.requests

    def first(self, path: str) -> dict[str, Any]:
        """Ask a call that must be answered."""
        return self.transport.get_object(path)

    def ask(self, path: str, parameters: Parameters = ()) -> dict[str, Any] | str:
        """Return the answered object, or why there is none."""
        if self.left < 1:
            return "no calls were left"
        began = time.monotonic()
        try:
            answer = self.transport.get_object(path, parameters)
        except ApiError as problem:
            return ("refused: " if _is_refusal(problem) else "not answered: ") + str(problem)[:150]
        self.seconds.append(time.monotonic() - began)
        return answer


def _is_refusal(problem: ApiError) -> bool:
    return isinstance(problem, RequestRefusedError) and not isinstance(problem, AccessDeniedError)


@dataclass(slots=True)
class Findings:
    """What is known so far, which the next steps build on."""

    asker: Asker
    api: Copernica
    facts: dict[str, Fact] = field(default_factory=dict)
    family: str = "ms"
    emailing: str | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    total: int | None = None

    @property
    def path(self) -> str:
        """Where the impressions of the picked emailing are."""
        return f"{self.family}/emailing/{self.emailing}/impressions"

    def decide(self, name: str, value: Any, why: str, *decided_by: str) -> None:
        """Note a fact."""
        self.facts[name] = Fact(value, decided_by, why)

    def listed(self, path: str, *parameters: tuple[str, str]) -> dict[str, Any] | str:
        """Return a list's answer with its rows as a list, or why there is none."""
        answer = self.asker.ask(path, parameters)
        if isinstance(answer, dict) and not isinstance(answer.get("data"), list):
            return "not answered: the answer is no list"
        return answer


def _families(found: Findings) -> None:
    """Ask which families answer, and pick a finished emailing whose rows fit on one page."""
    answers = {
        family: found.listed(f"{family}/emailings", ("limit", "100" if family == "ms" else "20"))
        for family in ("ms", "publisher")
    }
    if isinstance(answers["ms"], str):
        answers |= {family: found.listed(f"{family}/emailings", ("limit", "100")) for family in ("html", "draganddrop")}
    rows = {family: answer["data"] for family, answer in answers.items() if isinstance(answer, dict)}
    known = sorted(rows, key=lambda family: family == "publisher")
    calls = [f"{family}/emailings" for family in answers]
    found.decide("families", known or UNDECIDED, "their lists of emailings were answered", *calls)
    for family in known:
        picked = _finished(rows[family])
        if picked is not None:
            found.family, found.emailing = family, picked
            return


def _finished(rows: list[Any]) -> str | None:
    """Return the largest emailing that surely fits on a page and is old enough, or else the smallest one."""
    latest = str(dt.datetime.now() - dt.timedelta(days=SETTLED_DAYS))
    sized = []
    for row in rows:
        identifier, size = row.get("id", row.get("ID")), str(row.get("destinations", ""))
        if identifier is not None and size.isdecimal() and str(row.get("timestamp", "9")) < latest and int(size) > 0:
            sized.append((int(size), str(identifier)))
    fitting = [one for one in sized if one[0] <= PAGE_ROWS // 2]
    return max(fitting)[1] if fitting else min(sized)[1] if sized else None


def _emailing_rows(found: Findings) -> None:
    if found.emailing is None:
        return
    answer = found.listed(found.path, ("limit", str(PAGE_ROWS)), ("total", "true"))
    if isinstance(answer, str):
        return
    found.rows = [row for row in answer["data"] if isinstance(row, dict)]
    found.total = answer.get("total")
    found.facts["totals_agree"] = decide_totals(answer, found.path)
    found.facts["order"] = decide_order(found.rows, found.path)


def _paging(found: Findings) -> None:
    if found.emailing is None:
        return
    many = found.listed(found.path, ("limit", "5000"))
    if isinstance(many, dict) and isinstance(many.get("limit"), int):
        found.decide("page_limit", many["limit"], "the limit that was answered to limit=5000", found.path)
    bare = found.listed(found.path, ("limit", "1"), ("total", "false"))
    if isinstance(bare, dict):
        obeyed = "total" not in bare
        why = "total=false leaves the total out" if obeyed else "total=false is ignored"
        found.decide("total_optional", "yes" if obeyed else "no", why, found.path)


def _statistics(found: Findings) -> None:
    if found.emailing is None:
        return
    path = f"{found.family}/emailing/{found.emailing}/statistics"
    answer = found.asker.ask(path)
    if isinstance(answer, dict):
        found.facts["statistics_agree"] = decide_statistics(answer, found.rows, found.total, path)


def _periods(found: Findings) -> None:
    """Ask for the middle of the emailing's time in both styles, and with a parameter that nobody knows."""
    times = sorted({str(row.get("timestamp")) for row in found.rows})
    whole = found.total is not None and found.total == len(found.rows)
    if len(times) < 4 or not whole:
        why = "the emailing has too few opens, or more than a page"
        for name in ("period_style", "begin_included", "end_included", "unknown_period"):
            found.decide(name, UNDECIDED, why, found.path)
        return
    begin, end = times[len(times) // 3], times[2 * len(times) // 3]
    page = ("limit", str(PAGE_ROWS))
    asked = {
        "begintime": found.listed(found.path, page, ("begintime", begin), ("endtime", end)),
        "fields": found.listed(
            found.path, page, ("fields[]", f"timestamp>={begin}"), ("fields[]", f"timestamp<={end}")
        ),
    }
    found.facts["period_style"] = decide_period_style(asked, found.rows, begin, end, found.path)
    found.facts["begin_included"] = decide_ends(asked["begintime"], found.rows, (begin, end), begin, found.path)
    found.facts["end_included"] = decide_ends(asked["begintime"], found.rows, (begin, end), end, found.path)
    other = found.listed(found.path, page, ("beginmoment", begin))
    if isinstance(other, str):
        value = "refused" if other.startswith("refused") else UNDECIDED
        found.decide("unknown_period", value, other, found.path)
    else:
        ignored = len(other["data"]) == len(found.rows)
        value = "ignored" if ignored else UNDECIDED
        found.decide(
            "unknown_period", value, f"a parameter that nobody knows gave {len(other['data'])} rows", found.path
        )


def _destinations(found: Findings) -> None:
    path = f"{found.family}/destinations"
    answer = found.listed(path, ("limit", "1"))
    name = "destinations_need_period"
    if isinstance(answer, str):
        refused = answer.startswith("refused")
        found.decide(name, "yes" if refused else UNDECIDED, answer, path)
    elif answer["data"]:
        found.decide(name, "no", "a call without from and to gives rows", path)
    else:
        sent = found.emailing is not None
        found.decide(name, "yes" if sent else UNDECIDED, "a call without from and to gives no rows", path)


def _zone(found: Findings) -> None:
    """Look for a row in the hour that the clock skips in spring, and for rows newer than UTC's now."""
    style = found.facts.get("period_style", Fact(UNDECIDED, (), "")).value
    if style not in ("begintime", "fields", "both"):
        found.decide("zone", UNDECIDED, "no style of period is known to be obeyed", f"{found.family}/impressions")
        return
    path = f"{found.family}/impressions"
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
    if found.asker.transport.clock_offset_seconds is not None:
        now += dt.timedelta(seconds=round(found.asker.transport.clock_offset_seconds))
    newer = (now + dt.timedelta(minutes=2), now + dt.timedelta(hours=3))

    def rows_in(period: tuple[dt.datetime, dt.datetime]) -> list[str] | None:
        answer = found.listed(path, ("limit", "100"), *_said(style, period))
        return None if isinstance(answer, str) else [str(row.get("timestamp")) for row in answer["data"]]

    found.facts["zone"] = decide_zone(rows_in(spring_hour(now)), spring_hour(now), rows_in(newer), newer, path)


def _said(style: str, period: tuple[dt.datetime, dt.datetime]) -> list[tuple[str, str]]:
    begin, end = map(str, period)
    if style == "fields":
        return [("fields[]", f"timestamp>={begin}"), ("fields[]", f"timestamp<={end}")]
    return [("begintime", begin), ("endtime", end)]


def _speed(found: Findings) -> None:
    asker = found.asker
    offset = asker.transport.clock_offset_seconds
    if offset is not None:
        found.decide(
            "clock_offset_seconds", round(offset), "from the Date of the last answer, to about a second", "all"
        )
    if not asker.seconds:
        return
    latency = statistics.median(asker.seconds)
    found.decide("latency_seconds", round(latency, 3), f"the median of {len(asker.seconds)} answers", "all")
    if found.emailing is not None:
        found.facts["connections"] = decide_connections(
            [_batch(found, size) for size in BATCHES if size <= asker.left], latency, found.path
        )


def _batch(found: Findings, size: int) -> tuple[int, float, str | None]:
    """Ask several calls at once; return how many, the seconds that they took, and what one of them met."""
    if size > found.asker.left:
        return size, 0.0, "no calls were left"

    def one(_number: int) -> str | None:
        answer = found.listed(found.path, ("limit", "1"))
        return answer if isinstance(answer, str) else None

    began = time.monotonic()
    with ThreadPoolExecutor(size) as pool:
        met = [trouble for trouble in pool.map(one, range(size)) if trouble]
    return size, time.monotonic() - began, met[0] if met else None


STEPS = (_families, _emailing_rows, _paging, _statistics, _periods, _destinations, _zone, _speed, ask_logs)
"""What a check asks, in order: later steps build on what earlier ones found."""
