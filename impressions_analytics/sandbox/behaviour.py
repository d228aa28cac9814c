"""Every way in which the sandbox can misbehave; by default it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args, get_type_hints

Fault = Literal[
    "429", "429_date", "429_bare", "500", "502", "503", "504", "reset", "reset_midway", "empty", "refused",
    "cut", "cut_unmarked", "cut_chunked", "error_200", "html_200", "400", "401", "301", "301_away", "hang",
]  # fmt: skip
"""What a request can meet.

"429", "429_date", "429_bare"
    Too many requests, with Retry-After in seconds, as a date, or without it.
"500", "400", "401"
    An error as JSON; 401 says that the token expired.
"502", "503", "504"
    An HTML page titled "Loadbalancer Error".
"reset", "reset_midway", "empty"
    The connection is reset before the answer or half-way through it, or closed without a byte.
"refused"
    The connection is reset, and for `Behaviour.refused_seconds` nobody listens.
"hang"
    No answer for `Behaviour.hang_seconds`, then the connection is closed without a byte.
"cut", "cut_unmarked", "cut_chunked"
    Half of the body: of a known length, of no stated length (so that nothing looks wrong), or in chunks without an end.
"error_200", "html_200"
    Status 200 with an error as JSON, or with a login page.
"301", "301_away"
    Moved, on this host or to another host name; with the query, and so the token, in the new address.
"""
PASSING_FAULTS: tuple[Fault, ...] = ("429", "429_bare", "502", "503", "504", "reset", "empty", "cut")
"""The faults that a patient client outlives; what a probability alone draws from."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Every way in which the sandbox may behave; the defaults are those of a healthy, documented API.

    Attributes
    ----------
    v2_edition : {"origin", "later"}
        Whether version 2 is that of mid 2019 (``fields[]`` periods, no ``device``, unsubscribes with an address)
        or the later one (``begintime``/``endtime``, ``device``, unsubscribes with a source).
    order : {"id", "reverse", "random", "timestamp"}
        The order of the rows of every list; "random" is one stable shuffle.
    begin_inclusive, end_inclusive : bool
        Whether a row at exactly ``begintime`` or ``endtime`` (and ``from``, ``to``, ``fromdate``, ``todate``) is in.
    ignore_period : bool
        Whether every period is silently ignored.
    refuse_unknown_parameters : bool
        Whether an unknown parameter is a 400 instead of being ignored.
    total_always : bool
        Whether ``total=false`` is ignored.
    most_rows : int
        The most rows that a page holds.
    destinations_need_period : bool
        Whether the destinations of the account are refused without ``from`` and ``to``.
    families : tuple of str
        What the families are called in paths: ("ms", "publisher"), or "html" or "draganddrop" in the place of "ms".
        With both of them, "html" has the emailings with an odd number, and "draganddrop" the others.
    refused_kinds : tuple of str
        Kinds of event whose lists are answered as unknown.
    deleted_emailings : tuple of int
        Emailings that no path finds any more; their events stay in the lists of the account.
    unlisted : tuple of int
        IDs of impressions that no list holds or counts, though the log files have them: events that were lost.
    log_days : int or None
        Of how many days log files are kept; of all when None.
    log_cut_seconds : int
        How long after midnight of the account's wall clock the file of a day begins: as in another zone.
    next_id : bool
        Whether lists carry ``nextid`` beside ``start``.
    clock_offset_seconds : float
        By how much the clock behind the ``Date`` of answers is ahead.
    most_parallel : int or None
        When more requests than this are under way at once, the further ones are answered with 429.
    number_ids : bool
        Whether IDs are JSON numbers instead of JSON strings.
    gzip : bool
        Whether bodies are compressed for clients that accept it.
    arrive_rows, arrive_every, arrive_at, arrive_timestamps, arrive_most
        Before every `arrive_every`-th list of impressions, `arrive_rows` new impressions arrive in the asked emailing,
        destination or account; at the "front" or "end" of the order or at their "natural" place; with timestamps
        "new" (after all others) or "old" (that of a row already there); at most `arrive_most` in all.
    latency_seconds : float
        Waiting time before every answer.
    offset_milliseconds_per_1000 : float
        Extra waiting time for every 1000 rows of ``start``.
    count_off, total_off, total_drift : int
        What is added to ``count``; to ``total``; to ``total`` once more with every request.
    short_pages : int
        Rows left off the end of every page that would be full.
    repeat_rows : int
        Rows of the page before with which every later page begins; as many fall off its end.
    extra_column : str or None
        Name of a column that nobody documented, added to every row of every list.
    malformed : tuple of (int, str, object)
        (offset in the list, key, value): that row carries that value; the value ``...`` leaves the key out.
    statistics_lag_seconds : float
        Events younger than this, seen from the newest event, are not in the statistics yet.
    faults : mapping of int to fault
        The fault that meets the request of that number; the first request in `Sandbox.requests` is 1.
    fault_probability, fault_kinds, fault_seed
        The chance of a fault on each other request, drawn from the kinds; decided by the seed and the request's number.
    outage_requests, outage_seconds, outage_fault
        From now on, that many requests (or all within that many seconds) meet the outage's fault.
    retry_after_seconds : int
        What a 429 tells the client to wait.
    refused_seconds, hang_seconds : float
        How long nobody listens after the fault "refused"; how long the fault "hang" holds a request.
    jwt_framing : {"bare", "string", "object"}
        Whether version 4's token exchange answers with the bare text, a JSON string or a JSON object.
    jwt_seconds : float
        How long a JWT says that it is valid.
    jwt_uses : int or None
        After so many requests a JWT is refused (401) however long it says it is valid.

    Examples
    --------
    >>> Behaviour().order
    'id'
    >>> Behaviour(order="shuffled")
    Traceback (most recent call last):
        ...
    ValueError: order is 'shuffled'; it can be 'id', 'reverse', 'random' or 'timestamp'
    """

    v2_edition: Literal["origin", "later"] = "origin"
    order: Literal["id", "reverse", "random", "timestamp"] = "id"
    begin_inclusive: bool = True
    end_inclusive: bool = True
    ignore_period: bool = False
    refuse_unknown_parameters: bool = False
    total_always: bool = False
    most_rows: int = 1000
    destinations_need_period: bool = False
    families: tuple[str, ...] = ("ms", "publisher")
    refused_kinds: tuple[str, ...] = ()
    deleted_emailings: tuple[int, ...] = ()
    unlisted: tuple[int, ...] = ()
    log_days: int | None = None
    log_cut_seconds: int = 0
    next_id: bool = False
    clock_offset_seconds: float = 0.0
    most_parallel: int | None = None
    number_ids: bool = False
    gzip: bool = False
    arrive_rows: int = 0
    arrive_every: int = 1
    arrive_at: Literal["front", "end", "natural"] = "natural"
    arrive_timestamps: Literal["new", "old"] = "new"
    arrive_most: int | None = None
    latency_seconds: float = 0.0
    offset_milliseconds_per_1000: float = 0.0
    count_off: int = 0
    total_off: int = 0
    total_drift: int = 0
    short_pages: int = 0
    repeat_rows: int = 0
    extra_column: str | None = None
    malformed: tuple[tuple[int, str, Any], ...] = ()
    statistics_lag_seconds: float = 0.0
    faults: Mapping[int, Fault] = field(default_factory=lambda: MappingProxyType({}))
    fault_probability: float = 0.0
    fault_kinds: tuple[Fault, ...] = PASSING_FAULTS
    fault_seed: int = 0
    outage_requests: int = 0
    outage_seconds: float = 0.0
    outage_fault: Fault = "503"
    retry_after_seconds: int = 1
    refused_seconds: float = 0.3
    hang_seconds: float = 60.0
    jwt_framing: Literal["bare", "string", "object"] = "bare"
    jwt_seconds: float = 86_400.0
    jwt_uses: int | None = None

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            _one_of(name, getattr(self, name), choices)
        for fault in (*self.faults.values(), *self.fault_kinds):
            _one_of("fault", fault, get_args(Fault))
        if not 0 <= self.fault_probability <= 1:
            raise ValueError(f"fault_probability is {self.fault_probability}; it lies between 0 and 1")
        if self.arrive_every < 1:
            raise ValueError(f"arrive_every is {self.arrive_every}; it is 1 or more")


CHOICES: dict[str, tuple[Any, ...]] = {
    name: get_args(hint)
    for name, hint in get_type_hints(Behaviour).items()
    if getattr(hint, "__origin__", None) is Literal
}
"""The switches that are a closed choice, with what they can be."""


def _one_of(name: str, value: object, choices: tuple[Any, ...]) -> None:
    if value not in choices:
        *most, last = map(repr, choices)
        raise ValueError(f"{name} is {value!r}; it can be {', '.join(most)} or {last}")
