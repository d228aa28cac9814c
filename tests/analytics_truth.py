"""Ten impressions, what was sent and done, and every analysis of them counted by hand.

They are chosen to find wrong engines out: rows in no order; one destination on both sides of midnight, of the week, of
the ISO week year and of a partition; Sundays, which some engines begin the week with; hours that the clocks skip in New
York and repeat in Amsterdam; null keys; a profile's number that no float can hold; every kind of open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

import impressions_analytics as ia

BIG = 2**53 + 1
MINUTES = [step / 12 for step in range(12)]
"""The first hour in steps of five minutes, in hours."""
OUTLOOK = "Microsoft Outlook 2007, WinXP"
APPLE = "Mozilla/5.0"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
ROWS = [
    (6, 2, "2025-03-09 02:45:00", APPLE, "desktop", 20, 1),
    (1, 1, "2024-12-29 23:59:59", OUTLOOK, "desktop", 10, 1),
    (9, 2, "2025-10-26 02:30:00", None, None, 22, BIG),
    (4, 1, "2025-01-01 00:00:00", GMAIL, None, 12, None),
    (8, 2, "2025-03-30 03:00:00", "foo", "mobile", 21, 2),
    (5, 2, "2025-03-09 02:30:00", OUTLOOK, "mobile", 20, 1),
    (2, 1, "2024-12-30 00:00:00", OUTLOOK, "desktop", 10, 1),
    (10, 2, "2025-10-26 02:30:00", None, None, 22, BIG),
    (7, 2, "2025-03-30 01:59:59", "curl/8.4.0", "unknown", 21, 2),
    (3, 1, "2024-12-31 12:00:00", APPLE, "desktop", 11, 2),
]
SENT = [
    (10, 1, "2024-12-29 20:00:00", 1),
    (11, 1, "2024-12-29 20:00:00", 2),
    (12, 1, "2024-12-29 20:00:00", None),
    (13, 1, "2024-12-29 20:00:00", 3),
    (20, 2, "2025-03-09 02:00:00", 1),
    (21, 2, "2025-03-09 02:00:00", 2),
    (22, 2, "2025-10-26 02:45:00", BIG),  # opened "before": the clocks went back
]


LATEST = pd.Timestamp("2025-10-26 02:30")
"""The latest of the impressions: a lazy table does not say until when they are known."""


def impressions() -> pd.DataFrame:
    frame = pd.DataFrame(ROWS, columns=["ID", "mailing", "timestamp", "useragent", "device", "destination", "profile"])
    return frame.assign(
        timestamp=frame["timestamp"].astype("datetime64[us]"),
        useragent=frame["useragent"].astype("category"),
        device=frame["device"].astype("category"),
        profile=pd.array([row[-1] for row in ROWS], dtype="Int64"),
    )


def destinations() -> pd.DataFrame:
    frame = pd.DataFrame(SENT, columns=["ID", "mailing", "timestampsent", "profile"])
    sent = frame["timestampsent"].astype("datetime64[us]")
    return frame.assign(timestampsent=sent, profile=pd.array([row[-1] for row in SENT], dtype="Int64"))


def events(*pairs: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["mailing", "destination"], dtype="int64").assign(useragent=OUTLOOK)


DELIVERIES = events((1, 10), (1, 10), (1, 11), (1, 12), (2, 20), (2, 21), (2, 22), (2, 23))
CLICKS = events((1, 10), (1, 10), (2, 23))


def clicks() -> pd.DataFrame:
    """Two clicks on one message, one on a message that nobody opened, one by a program."""
    rows = [
        (1, "2024-12-30 08:00:00", OUTLOOK, 10, 1), (1, "2024-12-30 08:00:00", OUTLOOK, 10, 1),
        (1, "2025-01-02 00:00:00", OUTLOOK, 13, 3), (2, "2025-03-30 01:00:00", "curl/8.4.0", 21, 2),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["mailing", "timestamp", "useragent", "destination", "profile"])
    return frame.astype({"timestamp": "datetime64[us]", "profile": "Int64"})


def day(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass(frozen=True, eq=False)
class Case:
    name: str
    run: Callable[[Any], Any]
    rows: list[tuple]
    count: int | None = None  # of all rows, where only those with impressions are listed
    columns: tuple[str, ...] = ()  # those compared, where not all are


Q = 14399 / 3600
CASES = [
    Case("day", ia.impressions_over_time, [
        (day("2024-12-29"), 1, 1, 1), (day("2024-12-30"), 1, 1, 1), (day("2024-12-31"), 1, 1, 1),
        (day("2025-01-01"), 1, 1, 0), (day("2025-03-09"), 2, 1, 1), (day("2025-03-30"), 2, 1, 1),
        (day("2025-10-26"), 2, 1, 1),
    ], 302),
    Case("hour", lambda data: ia.impressions_over_time(data, every="hour"), [
        (day("2024-12-29 23:00"), 1, 1, 1), (day("2024-12-30"), 1, 1, 1), (day("2024-12-31 12:00"), 1, 1, 1),
        (day("2025-01-01"), 1, 1, 0), (day("2025-03-09 02:00"), 2, 1, 1), (day("2025-03-30 01:00"), 1, 1, 1),
        (day("2025-03-30 03:00"), 1, 1, 1), (day("2025-10-26 02:00"), 2, 1, 1),
    ], 7204),
    Case("week", lambda data: ia.impressions_over_time(data, every="week"), [
        (day("2024-12-23"), 1, 1, 1), (day("2024-12-30"), 3, 3, 2), (day("2025-03-03"), 2, 1, 1),
        (day("2025-03-24"), 2, 1, 1), (day("2025-10-20"), 2, 1, 1),
    ], 44),
    Case("month", lambda data: ia.impressions_over_time(data, every="month"), [
        (day("2024-12-01"), 3, 2, 2), (day("2025-01-01"), 1, 1, 0), (day("2025-03-01"), 4, 2, 2),
        (day("2025-10-01"), 2, 1, 1),
    ], 11),
    Case("quarter", lambda data: ia.impressions_over_time(data, every="quarter"), [
        (day("2024-10-01"), 3, 2, 2), (day("2025-01-01"), 5, 3, 2), (day("2025-04-01"), 0, 0, 0),
        (day("2025-07-01"), 0, 0, 0), (day("2025-10-01"), 2, 1, 1),
    ]),
    Case("year", lambda data: ia.impressions_over_time(data, every="year"), [
        (day("2024-01-01"), 3, 2, 2), (day("2025-01-01"), 7, 4, 3),
    ]),
    Case("year by mailing", lambda data: ia.impressions_over_time(data, every="year", by="mailing"), [
        (day("2024-01-01"), 1, 3, 2, 2), (day("2024-01-01"), 2, 0, 0, 0),
        (day("2025-01-01"), 1, 1, 1, 0), (day("2025-01-01"), 2, 6, 3, 3),
    ]),
    Case("year by device, null last", lambda data: ia.impressions_over_time(data, every="year", by=["device"]), [
        (day("2024-01-01"), "desktop", 3, 2, 2), (day("2024-01-01"), "mobile", 0, 0, 0),
        (day("2024-01-01"), "unknown", 0, 0, 0), (day("2024-01-01"), None, 0, 0, 0),
        (day("2025-01-01"), "desktop", 1, 1, 1), (day("2025-01-01"), "mobile", 2, 2, 2),
        (day("2025-01-01"), "unknown", 1, 1, 1), (day("2025-01-01"), None, 3, 2, 1),
    ]),
    Case("year by kind of open", lambda data: ia.impressions_over_time(data, every="year", by="kind"), [
        (day("2024-01-01"), "bot", 0, 0, 0), (day("2024-01-01"), "person", 2, 1, 1),
        (day("2024-01-01"), "prefetch", 1, 1, 1), (day("2024-01-01"), "proxy", 0, 0, 0),
        (day("2024-01-01"), "unknown", 0, 0, 0),
        (day("2025-01-01"), "bot", 1, 1, 1), (day("2025-01-01"), "person", 1, 1, 1),
        (day("2025-01-01"), "prefetch", 1, 1, 1), (day("2025-01-01"), "proxy", 1, 1, 0),
        (day("2025-01-01"), "unknown", 3, 2, 2),
    ]),
    Case("rows alone", lambda data: ia.impressions_over_time(data, every="year", count="rows"), [
        (day("2024-01-01"), 3), (day("2025-01-01"), 7),
    ]),
    Case("rows alone by kind so far",
         lambda data: ia.impressions_over_time(data, every="year", by="kind", count="rows", cumulative=True), [
        (day("2024-01-01"), "bot", 0), (day("2024-01-01"), "person", 2), (day("2024-01-01"), "prefetch", 1),
        (day("2024-01-01"), "proxy", 0), (day("2024-01-01"), "unknown", 0),
        (day("2025-01-01"), "bot", 1), (day("2025-01-01"), "person", 3), (day("2025-01-01"), "prefetch", 2),
        (day("2025-01-01"), "proxy", 1), (day("2025-01-01"), "unknown", 3),
    ]),
    Case("first opens", lambda data: ia.impressions_over_time(data, every="year", count="first"), [
        (day("2024-01-01"), 2), (day("2025-01-01"), 4),
    ]),
    Case("so far", lambda data: ia.impressions_over_time(data, every="quarter", cumulative=True), [
        (day("2024-10-01"), 3, 2, 2), (day("2025-01-01"), 8, 5, 2), (day("2025-04-01"), 8, 5, 2),
        (day("2025-07-01"), 8, 5, 2), (day("2025-10-01"), 10, 6, 3),
    ]),
    Case(
        "first opens so far by mailing",
        lambda data: ia.impressions_over_time(data, every="year", count="first", by="mailing", cumulative=True),
        [(day("2024-01-01"), 1, 2), (day("2024-01-01"), 2, 0), (day("2025-01-01"), 1, 3), (day("2025-01-01"), 2, 3)],
    ),
    Case("profiles", ia.impressions_per_profile, [
        (1, 4, 2, day("2024-12-29 23:59:59"), day("2025-03-09 02:45")),
        (2, 3, 2, day("2024-12-31 12:00"), day("2025-03-30 03:00")),
        (BIG, 2, 1, day("2025-10-26 02:30"), day("2025-10-26 02:30")),
    ]),
    Case("destinations", lambda data: ia.impressions_per_profile(data, by="destination"), [
        (10, 2, 1, day("2024-12-29 23:59:59"), day("2024-12-30")),
        (11, 1, 1, day("2024-12-31 12:00"), day("2024-12-31 12:00")),
        (12, 1, 1, day("2025-01-01"), day("2025-01-01")),
        (20, 2, 1, day("2025-03-09 02:30"), day("2025-03-09 02:45")),
        (21, 2, 1, day("2025-03-30 01:59:59"), day("2025-03-30 03:00")),
        (22, 2, 1, day("2025-10-26 02:30"), day("2025-10-26 02:30")),
    ]),
    Case("clients", ia.user_agent_breakdown, [
        ("unknown", 4, 2 / 6, 2), ("Outlook", 3, 2 / 6, 2), ("Apple Mail", 2, 2 / 6, 2), ("Gmail", 1, 1 / 6, 1),
    ]),
    Case("kinds", lambda data: ia.user_agent_breakdown(data, by="kind"), [
        ("person", 3, 2 / 6, 2), ("unknown", 3, 2 / 6, 2), ("prefetch", 2, 2 / 6, 2), ("bot", 1, 1 / 6, 1),
        ("proxy", 1, 1 / 6, 1),
    ]),
    Case(
        "clients and systems without machines",
        lambda data: ia.user_agent_breakdown(data, by=["client", "os"], kinds=["person", "proxy"]),
        [("Outlook", "Windows", 3, 2 / 3, 2), ("Gmail", "unknown", 1, 1 / 3, 1)],
    ),
    Case("human opens", ia.human_opens, [(6, 2, 3, 10, 3, 4, 3, 1, 2, 1, 3)]),
    Case("human opens by mailing", lambda data: ia.human_opens(data, by="mailing"), [
        (1, 3, 1, 2, 4, 2, 3, 2, 1, 1, 0, 0), (2, 3, 1, 1, 6, 1, 1, 1, 0, 1, 1, 3),
    ]),
    Case("unrecognised", ia.unrecognised_user_agents, [("foo", 1, 1)]),
    Case("devices", ia.compare_devices, [
        (None, "unknown", 3, 0.3, 2, False), ("desktop", "desktop", 2, 0.2, 1, True),
        ("desktop", "unknown", 2, 0.2, 2, False), ("mobile", "desktop", 1, 0.1, 1, False),
        ("mobile", "unknown", 1, 0.1, 1, False), ("unknown", "unknown", 1, 0.1, 1, True),
    ]),
    Case("year, opened by readers", lambda data: ia.impressions_over_time(
        data, every="year", kinds=["person", "proxy"]
    ), [(day("2024-01-01"), 2, 1, 1), (day("2025-01-01"), 2, 2, 1)]),
    Case("profiles, persons", lambda data: ia.impressions_per_profile(data, kinds="person"), [
        (1, 3, 2, day("2024-12-29 23:59:59"), day("2025-03-09 02:30")),
    ]),
    Case("hours of the week", ia.impressions_by_hour_of_week, [
        (1, 0, 1), (3, 0, 1), (7, 2, 1), (7, 23, 1),
    ], 168),
    Case("hours of the week, all kinds", lambda data: ia.impressions_by_hour_of_week(data, kinds=None), [
        (1, 0, 1), (2, 12, 1), (3, 0, 1), (7, 1, 1), (7, 2, 4), (7, 3, 1), (7, 23, 1),
    ], 168),
    Case("hours of the week per message out", lambda data: ia.impressions_by_hour_of_week(
        data, destinations=destinations(), horizon_hours=48, as_of=LATEST.ceil("h"), kinds=None
    ), [(1, 0, 1, 6, 1 / 6), (2, 12, 1, 4, 1 / 4), (7, 2, 4, 3, 4 / 3), (7, 23, 1, 6, 1 / 6)], 168),
    Case("hours of the week per delivered message out", lambda data: ia.impressions_by_hour_of_week(
        data, destinations=destinations(), deliveries=DELIVERIES, horizon_hours=48, as_of=LATEST.ceil("h")
    ), [(1, 0, 1, 5, 1 / 5), (7, 2, 1, 3, 1 / 3), (7, 23, 1, 5, 1 / 5)], 168),
    Case("time to open", lambda data: ia.time_to_open(data, destinations()), [(3, Q, 52.0)]),
    Case("time to open by mailing", lambda data: ia.time_to_open(data, destinations(), by="mailing"), [
        (1, 2, Q, 52.0), (2, 1, 0.5, 0.5),
    ]),
    Case("time to open, all kinds", lambda data: ia.time_to_open(data, destinations(), kinds=None), [
        (6, Q, 1814399 / 3600),
    ]),
    Case("time to open by mailing, all kinds", lambda data: ia.time_to_open(
        data, destinations(), by="mailing", kinds=None
    ), [(1, 3, 40.0, 52.0), (2, 3, 0.5, 1814399 / 3600)]),
    Case("decay by mailing", lambda data: ia.open_decay(data, destinations(), horizon_hours=4, as_of=LATEST), [
        *[(1, hours, 0, 0.0, Q, True) for hours in (*MINUTES, 1, 2, 3)], (1, 4, 1, 1.0, Q, True),
        *[(2, hours, 0, None, None, False) for hours in MINUTES[:6]],  # the first after half an hour
        *[(2, hours, 1, None, None, False) for hours in (*MINUTES[6:], 1, 2, 3, 4)],
    ]),
    Case(
        "decay of all",
        lambda data: ia.open_decay(data, destinations(), by=None, horizon_hours=4, as_of="2026-01-01", kinds=None),
        [*[(hours, 1, 1 / 3, 0.5, True) for hours in MINUTES[:6]],
         *[(hours, 2, 2 / 3, 0.5, True) for hours in (*MINUTES[6:], 1, 2, 3)], (4, 3, 1.0, 0.5, True)],
    ),
    Case(
        "decay until a moment",  # the open of destination 20 comes later
        lambda data: ia.open_decay(data, destinations(), by=None, horizon_hours=4, as_of="2025-03-09 02:29"),
        [(hours, int(hours == 4), None, None, False) for hours in (*MINUTES, 1, 2, 3, 4)],
    ),
    Case(
        "segments",
        lambda data: ia.engagement_segments(data, as_of="2025-04-01"),
        [(1, 2, "active"), (2, 0, "perhaps opened")],
        columns=("profile", "mailings_opened", "segment"),
    ),
    Case(
        "segments of the received",
        lambda data: ia.engagement_segments(data, as_of="2025-04-01", destinations=destinations()),
        [
            (1, day("2025-03-09 02:30"), 22, 2, 2, 1.0, "active"),
            (2, None, None, 0, 2, 0.0, "perhaps opened"),
            (3, None, None, 0, 1, 0.0, "never opened"),
        ],
        columns=("profile", "last_impression", "recency_days", "mailings_opened", "mailings_received",
                 "share_of_mailings_opened", "segment"),
    ),
    Case(
        "segments with clicks",
        lambda data: ia.engagement_segments(
            data, as_of="2025-04-01", destinations=destinations(), clicks=clicks(), kinds="person"
        ),
        [
            (1, 22, 2, day("2024-12-30 08:00"), 2, 0, 1.0, "active"),
            (2, None, 0, None, 0, 1, 0.0, "perhaps opened"),
            (3, 89, 1, day("2025-01-02 00:00"), 1, 0, 1.0, "active"),
        ],
        columns=("profile", "recency_days", "mailings_opened", "last_click", "clicks", "clicks_by_bots",
                 "share_of_mailings_opened", "segment"),
    ),
    Case(
        "mailings",
        lambda data: ia.mailing_performance(
            data, destinations=destinations(), deliveries=DELIVERIES, clicks=CLICKS, intervals=True, estimate=True
        ),
        [
            (1, 4, 3, 4 / 3, 1, 1 / 4, 2, 1 / 3, 4, 3 / 4, 3, 1.0, 2 / 3, 1.0, 1, 0, 1 / 3, 3, 1 / 3, None),
            (2, 6, 3, 2.0, 2, 1 / 3, 3, 0.0, 3, 1.0, 4, 3 / 4, 3 / 4, 3 / 4, 1, 1, 0.0, 4, 1 / 4, None),
        ],
        columns=("mailing", "impressions", "unique_opens", "reopen_ratio", "machine_impressions",
                 "machine_share_of_impressions", "unique_opens_not_only_machines", "machine_share_of_unique_opens",
                 "sent", "open_rate_of_sent", "delivered", "open_rate_high", "open_rate_low",
                 "estimated_open_rate", "unique_clicks", "clicked_not_opened", "click_to_open_rate",
                 "effective_opens", "click_through_rate", "not_covered"),
    ),
    Case(
        "dominant results",
        lambda data: ia.dominant_results(
            destinations(), impressions=data, clicks=events((1, 11), (2, 20)),
            unsubscribes=events((1, 10), (2, 20)), abuses=events((1, 10)), errors=events((1, 12), (1, 13)),
        ),
        [(1, 4, 1, 0, 1, 1, 1, 0, 0.5), (2, 3, 0, 1, 0, 2, 0, 0, 0.0)],
        columns=("mailing", "destinations", "complaints", "unsubscribes", "clicks", "impressions", "errors",
                 "no_response", "copernica_click_through_rate"),
    ),
]  # fmt: skip


def check(case: Case, result: pd.DataFrame) -> None:
    """Compare a result with what was counted by hand: values, order, and how many rows there are."""
    if case.count is not None:
        assert len(result) == case.count
        result = result[result["impressions"] > 0]
    result = result[list(case.columns)] if case.columns else result
    values = result.astype(object).where(result.notna(), None).itertuples(index=False, name=None)
    got = [
        tuple(value.to_pydatetime() if isinstance(value, pd.Timestamp) else value for value in row) for row in values
    ]
    assert len(got) == len(case.rows)
    for row, wanted in zip(got, case.rows, strict=True):
        assert _same(row, wanted), f"{case.name}: got {row}, not {wanted}"


def _same(row: tuple, wanted: tuple) -> bool:
    return len(row) == len(wanted) and all(
        abs(one - other) < 1e-12 if isinstance(other, float) and one is not None else one == other
        for one, other in zip(row, wanted, strict=True)
    )
