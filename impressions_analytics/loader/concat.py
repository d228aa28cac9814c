"""Join loads to one frame, with a certificate that says whether they fit together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from impressions_analytics.certificate import Certificate, certificate_of, counted, fingerprint
from impressions_analytics.columns import time_column
from impressions_analytics.errors import InvalidArgumentError

Period = tuple[str, str]
"""Wall clock as a certificate writes it; such texts are in the order of time, and the beginning of all is empty."""
_ALIKE = ("kind", "family", "zone")
_ADDED = ("windows", "edge_rows_dropped", "total_before", "total_after", "requests", "retries")


def concat_loads(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join loads of one kind to one frame that carries a certificate.

    ``pd.concat`` loses the certificates, or hands on the first one, which is then not believed.

    Parameters
    ----------
    frames : iterable of DataFrame
        Frames as the loaders return them, in any order.

    Returns
    -------
    DataFrame
        Every row once, by time and ID. ``attrs["load"]`` is a certificate. Its verdict is "complete" where every load
        is, and where they fit together: periods of the same list without a gap, or lists of the same period (an end
        that was left open counts until the first of the loads). Rows that two loads share are dropped once. Else the
        verdict is "unproven", and ``why`` says what does not fit.

    Raises
    ------
    InvalidArgumentError
        There is no frame, none carries a certificate, or they are of different kinds, families, zones or columns.

    Examples
    --------
    >>> from impressions_analytics.sandbox import Sandbox
    >>> from impressions_analytics.api.settings import Copernica
    >>> from impressions_analytics.loader import load_impressions
    >>> with Sandbox(impressions=300, seed=1) as box:
    ...     api = Copernica(box.access_token, url=box.url)
    ...     autumn = load_impressions(api, end="2026-01-01")
    ...     spring = load_impressions(api, begin="2026-01-01", end="2026-07-01")
    ...     summer = load_impressions(api, begin="2026-08-01")
    >>> concat_loads([autumn, spring]).attrs["load"]["verdict"], len(concat_loads([autumn, spring]))
    ('complete', 300)
    >>> concat_loads([autumn, summer]).attrs["load"]["why"]
    'nothing is known from 2026-01-01 00:00:00 to 2026-08-01 00:00:00'
    """
    given = list(frames)
    loads = [certificate_of(frame) for frame in given]
    known = [load for load in loads if load is not None]
    _check(given, known)
    time = time_column(known[0]["kind"])
    joined = pd.concat(_with_all_words(given), ignore_index=True)
    joined = joined.sort_values([time, "ID"], kind="stable").drop_duplicates("ID", keep="last", ignore_index=True)
    joined.attrs = {"load": _certificate(joined, given, loads)}
    return joined


def _check(frames: Sequence[pd.DataFrame], loads: Sequence[Mapping[str, Any]]) -> None:
    if not loads:
        raise InvalidArgumentError(
            f"none of the {len(frames)} frames carries a certificate of its rows; join frames of your own with "
            "pd.concat"
        )
    for name in _ALIKE:
        found = list(dict.fromkeys(str(load.get(name)) for load in loads))
        if len(found) > 1:
            raise InvalidArgumentError(f"loads of one {name} can be joined, and these are of {' and '.join(found)}")
    for frame in frames:
        if list(frame.columns) != list(frames[0].columns):
            differ = set(frame.columns) ^ set(frames[0].columns)
            raise InvalidArgumentError(f"the frames differ in their columns: {', '.join(map(str, sorted(differ)))}")


def _with_all_words(frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Give the category columns of all frames the same categories, so that they stay categories."""
    words: dict[str, pd.Index[Any]] = {}
    for frame in frames:
        for name in frame.columns[frame.dtypes == "category"]:
            own = frame[name].cat.categories
            words[name] = words[name].union(own, sort=False) if name in words else own
    return [
        frame.assign(**{name: frame[name].cat.set_categories(known) for name, known in words.items()})
        for frame in frames
    ]


def _certificate(
    joined: pd.DataFrame, frames: Sequence[pd.DataFrame], loads: Sequence[Mapping[str, Any] | None]
) -> Certificate:
    known = [load for load in loads if load is not None]
    periods = _periods(known)
    why = _not_proven(loads) or _no_fit(periods, open_end=all(load.get("open_end") for load in known))
    why = why or _differ([frame.set_index(time_column(known[0]["kind"]))["ID"] for frame in frames], known)
    begin = min(one[0][0] for one in periods.values())
    end = (max if why else min)(one[-1][1] for one in periods.values())
    sums = {name: [load.get(name) for load in known] for name in _ADDED}
    added = {name: None if None in found else sum(map(int, filter(None, found))) for name, found in sums.items()}
    repeats = sum(map(len, frames)) - len(joined)
    if repeats:  # the totals of loads that overlap count the same rows
        added |= {"total_before": None, "total_after": None}
    return Certificate(
        {name: known[0].get(name) for name in _ALIKE},
        endpoints=list(dict.fromkeys(path for load in known for path in load.get("endpoints") or ())),
        begin=begin or None,
        end=end,
        open_end=all(bool(load.get("open_end")) for load in known),
        rows_after_end=int((joined[time_column(known[0]["kind"])] >= pd.Timestamp(end)).sum()),
        rows=len(joined),
        ids=fingerprint(joined["ID"].to_numpy()),
        repeats_dropped=repeats,
        **added,
        verdict="unproven" if why else "complete",
        loaded_at=min(str(load.get("loaded_at") or "") for load in known),
        package=known[0].get("package"),
        joined=len(frames),
        **({"why": why, **_covered(periods)} if why else {}),
    )


def _periods(loads: Sequence[Mapping[str, Any]]) -> dict[str, list[Period]]:
    """Return the periods of each list, joined where they touch; the account's own list has an empty name."""
    periods: dict[str, list[Period]] = {}
    for load in loads:
        for path in load.get("endpoints") or [""]:
            whole = "" if path.count("/") < 2 else str(path)
            periods.setdefault(whole, []).append((str(load.get("begin") or ""), str(load.get("end") or "")))
    return {path: _joined(found) for path, found in periods.items()}


def _joined(periods: Iterable[Period]) -> list[Period]:
    joined: list[Period] = []
    for begin, end in sorted(periods):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def _not_proven(loads: Sequence[Mapping[str, Any] | None]) -> str:
    for number, load in enumerate(loads, start=1):
        if load is None:
            return f"frame {number} of {len(loads)} has no certificate of its rows"
        if load.get("verdict") != "complete":
            return f"frame {number} of {len(loads)} has the verdict {load.get('verdict')!r}"
    return ""


def _no_fit(periods: Mapping[str, Sequence[Period]], *, open_end: bool) -> str:
    """Say what keeps the loads from being all rows of some lists in one period."""
    for found in periods.values():
        if len(found) > 1:
            return f"nothing is known from {found[0][1]} to {found[1][0]}"
    if len(periods) > 1 and "" in periods:
        return "some loads are of the whole account, and some of single lists"
    begins, ends = {found[0][0] for found in periods.values()}, {found[-1][1] for found in periods.values()}
    if len(begins) > 1 or (len(ends) > 1 and not open_end):
        (one, first), (other, second) = _two_unlike(periods)
        return f"{one} is known {_said(first)}, and {other} {_said(second)}"
    return ""


def _two_unlike(periods: Mapping[str, Sequence[Period]]) -> list[tuple[str, Period]]:
    first = next(iter(periods))
    other = next(path for path, found in periods.items() if found[0] != periods[first][0])
    return [(path, periods[path][0]) for path in (first, other)]


def _said(period: Period) -> str:
    return f"from {period[0] or 'the beginning'} to {period[1]}"


def _differ(ids: Sequence[pd.Series[int]], loads: Sequence[Mapping[str, Any]]) -> str:
    """Say whether two loads of the same list and time do not hold the same rows; the IDs are told by their time."""
    for place, (one, load) in enumerate(zip(ids, loads, strict=True)):
        for other, second in zip(ids[place + 1 :], loads[place + 1 :], strict=True):
            begin = max(str(load.get("begin") or ""), str(second.get("begin") or ""))
            end = min(str(load.get("end")), str(second.get("end")))
            if load.get("endpoints") == second.get("endpoints") and begin < end:
                differ = _between(one, begin, end) ^ _between(other, begin, end)
                if differ:
                    return f"two loads differ in {counted(len(differ), 'rows')} of the time that both cover, to {end}"
    return ""


def _between(ids: pd.Series[int], begin: str, end: str) -> set[int]:
    inside = ids.index < pd.Timestamp(end)
    return set(ids[inside & (ids.index >= pd.Timestamp(begin)) if begin else inside].tolist())


def _covered(periods: Mapping[str, Sequence[Period]]) -> dict[str, Any]:
    """Return the periods as a certificate tells them, so that figures know what is not covered."""
    of_emailings = {
        path.split("/emailing/")[1].split("/")[0]: [(begin or None, end) for begin, end in found]
        for path, found in periods.items()
        if "/emailing/" in path
    }
    whole = [(begin or None, end) for begin, end in periods.get("", [])]
    return {"covered": whole, "covered_emailings": of_emailings}
