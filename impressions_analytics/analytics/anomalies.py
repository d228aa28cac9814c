"""Is something wrong: clients that stop opening, broken images, silent nights, bots, errors and complaints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics.analytics.choices import moment, whole_number
from impressions_analytics.analytics.covered import Covered, read_covered
from impressions_analytics.analytics.findings import finding, not_loaded, silent
from impressions_analytics.analytics.judged_mailings import (
    LEAST_DELIVERED,
    MEASURES,
    WHOLE,
    Judgement,
    count_mailings,
    is_unseen,
    judge,
)
from impressions_analytics.analytics.kinds_of_open import OPENED_BY_READER, chosen_kinds
from impressions_analytics.analytics.silence import find_silences
from impressions_analytics.analytics.unusual import LEAST_HISTORY
from impressions_analytics.analytics.watched_messages import NEEDED, OPTIONAL, read_messages, with_cohorts
from impressions_analytics.engine import RequiredColumns, known_until, open_input
from impressions_analytics.errors import AnalysisError, InvalidArgumentError

if TYPE_CHECKING:
    from impressions_analytics.columns import Kind

ASSUMPTION = (
    "If nothing is wrong, a mailing is like the earlier mailings: its shares vary around theirs as much as theirs vary "
    "among each other, and a client's recipients follow the recipients of the other clients. A probability tells how "
    "often chance alone goes so far, not how probable it is that something is wrong."
)
_DTYPES = {
    "finding": "str", "cohort": "str", "mailing": "Int64", "sent_at": "datetime64[us]", "since": "datetime64[us]",
    "observed": "float64", "expected": "float64", "probability": "float64", "what": "str", "could_also_be": "str",
    "rows": "str",
}  # fmt: skip


def find_anomalies(
    archive: Any,
    *,
    days: int = 7,
    as_of: Any = None,
    false_alarms: float = 0.01,
    horizon_hours: int = 24,
    history_days: int = 180,
    kinds: str | Sequence[str] | None = OPENED_BY_READER,
) -> pd.DataFrame:
    """Find what is out of line in the mailings of the last days.

    Each mailing is judged once, when it is `horizon_hours` old, by what had happened until then.

    Parameters
    ----------
    archive : Archive
        With impressions, destinations and deliveries; clicks, errors and abuses are looked at where they were synced.
    days : int
        Mailings that became old enough within so many days are judged.
    as_of : datetime-like or str, optional
        The moment of the judgement, wall clock; by default until when the impressions are known.
    false_alarms : float
        How often a run may find anything although nothing is wrong.
    horizon_hours : int
        How old a mailing must be, and how long its opens are counted.
    history_days : int
        How far back before those `days` the mailings reach that tell what is usual.
    kinds : str or sequence of str, optional
        The kinds of open that count as a human's; all of them when None.

    Returns
    -------
    DataFrame
        One row per finding, the newest mailing first, then the least probable. Columns:

        ================= ============== =======================================================================
        ``finding``       str            ``client_stopped_opening``, ``opens_fell``, ``images_broken``,
                                         ``bots_surged``, ``errors_rose``, ``complaints_rose``, ``silence``,
                                         ``not_loaded``
        ``cohort``        str            the client whose recipients it concerns; null for all
        ``mailing``       Int64          the mailing; null for what concerns no single one
        ``sent_at``       datetime64[us] when it was sent
        ``since``         datetime64[us] since when it has been so, in mailings without a break
        ``observed``      float64        the share, or the number of impressions
        ``expected``      float64        what was expected of it
        ``probability``   float64        how often chance alone goes so far; null for what needs no test
        ``what``          str            the finding in words
        ``could_also_be`` str            what else may explain it
        ``rows``          str            which rows to look at
        ================= ============== =======================================================================

        ``attrs``: ``assumption``; ``looked_at``, the mailings that were judged; ``not_checked``, what could not be
        looked at and why, such as a mailing that the archive does not cover from its sending to the horizon; ``as_of``;
        ``tests``, among how many tests the false alarms are shared.

    Raises
    ------
    AnalysisError
        The archive has no impressions, destinations or deliveries.
    ArchiveError
        There is no archive.
    InvalidArgumentError
        An argument cannot be used.

    Notes
    -----
    A cohort is the recipients whose last human open before the mailing came from one client. The log odds of their open
    rate, less the median of the other cohorts, are held against the same difference in earlier mailings. So are the
    other shares of a mailing, against those of at least six earlier mailings. The variance is the one expected from
    counting, plus what earlier mailings varied more. The probability is Student's, and a finding needs one below
    `false_alarms` divided by all tests of the run (Bonferroni). A silence is a run of hours without any impression.

    References
    ----------
    D. C. Montgomery, "Introduction to Statistical Quality Control", chapter 7, for charts of shares that vary more than
    binomially. C. E. Bonferroni, "Teoria statistica delle classi e calcolo delle probabilita" (1936).

    Examples
    --------
    >>> import tempfile, impressions_analytics as ia
    >>> archive = ia.Archive(tempfile.mkdtemp())
    >>> with ia.sandbox.Sandbox(impressions=2000, seed=1) as box:
    ...     api = ia.Copernica(box.access_token, url=box.url)
    ...     summary = archive.sync(api, kinds=("impressions", "destinations", "deliveries"))
    >>> find_anomalies(archive)["finding"].tolist()
    []
    """
    _check(false_alarms, days=days, horizon_hours=horizon_hours, history_days=history_days)
    there = _kinds_there(archive)
    now = known_until(archive, "impressions") if as_of is None else moment("as_of", as_of)
    if now is None:
        return _result([])
    since = now - pd.Timedelta(days=days)
    begin = since - pd.Timedelta(days=history_days)
    horizon, chosen = pd.Timedelta(hours=horizon_hours), chosen_kinds(kinds)
    messages, hours = read_messages(archive, there, begin=begin, horizon_hours=horizon_hours, kinds=chosen)
    old_enough = messages[messages["sent_at"] + horizon <= now]
    covered = _covered(archive, there, old_enough, horizon)
    lacking = [mailing for mailing in old_enough["mailing"].unique() if not covered.by(mailing, NEEDED)]
    messages = old_enough[~old_enough["mailing"].isin(lacking)]
    mailings = count_mailings(messages)
    recent = mailings["sent_at"] + horizon > since
    level = false_alarms / max(1, int(recent.sum()) * len(MEASURES))
    measures = tuple(one for one in WHOLE if one.needs in there)
    judged = judge(mailings, with_cohorts(messages), measures, level, covered)
    found, tests = _out_of_line([one for one in judged if recent.iloc[one.place]], false_alarms)
    level = false_alarms / tests
    # A mailing whose images do not load is silent by itself: that is told once.
    told = [one.place for one in found if is_unseen(one, level)]
    silences = find_silences(hours, mailings.drop(told), begin=_first(hours, begin), since=since, until=now)
    rows = not_loaded(archive, there, since, now)
    rows += [silent(one) for one in silences if one.probability < level]
    rows += [finding(one, mailings, judged, level) for one in found]
    result = _result(rows)
    not_checked = _not_checked(there, mailings, recent) + _left_out(messages, mailings, since - horizon)
    not_checked += _not_covered(old_enough, covered, since - horizon)
    result.attrs |= {"as_of": now, "tests": tests, "kinds": list(chosen), "not_checked": not_checked}
    result.attrs["looked_at"] = mailings.loc[recent & (mailings.index >= LEAST_HISTORY), "mailing"].tolist()
    return result


def _out_of_line(judged: Sequence[Judgement], false_alarms: float) -> tuple[list[Judgement], int]:
    """Return what is out of line among the shares that were judged, and among how many tests, that of silences too."""
    tests = len(judged) + 1
    return [one for one in judged if one.found.probability < false_alarms / tests], tests


def _check(false_alarms: float, **whole_numbers: int) -> None:
    for name, value in whole_numbers.items():
        whole_number(name, value, least=1)
    if isinstance(false_alarms, bool) or not isinstance(false_alarms, float) or not 0 < false_alarms < 1:
        raise InvalidArgumentError(f"false_alarms must be a share between 0 and 1, got {false_alarms!r}")


def _kinds_there(archive: Any) -> list[Kind]:
    """Return the kinds that can be looked at, or say which one is missing."""
    if not callable(getattr(archive, "scan", None)) or not callable(getattr(archive, "read", None)):
        raise InvalidArgumentError(f"find_anomalies needs an Archive, got {type(archive).__name__}")
    if not archive.kinds:
        archive.scan("impressions")  # which says that there is no archive, or nothing in it
    missing = [kind for kind in NEEDED if kind not in archive.kinds]
    if missing:
        raise AnalysisError(
            f"the archive has no {' and no '.join(missing)}: sync all kinds, as in impressions sync FOLDER --kind all"
        )
    return [*NEEDED, *(kind for kind in OPTIONAL if kind in archive.kinds)]


def _covered(archive: Any, there: Sequence[Kind], messages: pd.DataFrame, horizon: pd.Timedelta) -> Covered:
    """Hold the periods of the archive against the mailings, from their sending to the horizon."""
    source = open_input(archive, RequiredColumns("impressions", ("mailing",)))
    mailings = messages["mailing"].unique().tolist()
    return read_covered(source, dict.fromkeys(there, archive), mailings, settled=horizon.to_pytimedelta())


def _not_covered(messages: pd.DataFrame, covered: Covered, since: pd.Timestamp) -> list[str]:
    """Say what the archive lacks of each mailing sent after `since`."""
    sent_at = messages.groupby("mailing")["sent_at"].first()
    late = sent_at.index[sent_at > since]
    return [f"mailing {mailing}: {words}" for mailing in late if (words := covered.words(mailing))]


def _first(hours: pd.DataFrame, begin: pd.Timestamp) -> pd.Timestamp:
    return begin if hours.empty else max(begin, pd.Timestamp(hours["hour"].min()))


def _not_checked(there: Sequence[Kind], mailings: pd.DataFrame, recent: pd.Series[bool]) -> list[str]:
    said = [f"{kind} were never synced" for kind in OPTIONAL if kind not in there]
    early = mailings.loc[recent & (mailings.index < LEAST_HISTORY), "mailing"]
    return said + [f"mailing {mailing} has fewer than {LEAST_HISTORY} mailings before it" for mailing in early]


def _left_out(messages: pd.DataFrame, mailings: pd.DataFrame, since: pd.Timestamp) -> list[str]:
    """Name the recent mailings that are too small, or whose messages left over more than a day."""
    others = messages.loc[(messages["sent_at"] > since) & ~messages["mailing"].isin(mailings["mailing"]), "mailing"]
    listed = ", ".join(str(mailing) for mailing in others.drop_duplicates().head(5))
    return [f"fewer than {LEAST_DELIVERED} messages delivered, or not sent within a day: mailing {listed}"] * bool(
        listed
    )


def _result(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the findings, the newest first."""
    frame = pd.DataFrame(rows, columns=list(_DTYPES)).astype(_DTYPES)
    newest = frame["sent_at"].fillna(frame["since"])
    order = frame.assign(newest=newest).sort_values(["newest", "probability"], ascending=[False, True], kind="stable")
    result = frame.loc[order.index].reset_index(drop=True)
    result.attrs = {"assumption": ASSUMPTION, "as_of": None, "tests": 0, "looked_at": [], "not_checked": []}
    return result
