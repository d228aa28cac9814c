"""Which of two or more mailings won a split test, whatever machines did to the opens."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from impressions_analytics.analytics.choices import whole_number
from impressions_analytics.analytics.classes import with_classes
from impressions_analytics.analytics.covered import Covered, read_covered
from impressions_analytics.analytics.kinds_of_open import OPENED_BY_READER, chosen_kinds
from impressions_analytics.analytics.quantiles import normal_quantile
from impressions_analytics.analytics.split_answer import DELTAS, answer_row
from impressions_analytics.analytics.split_test import Arm
from impressions_analytics.engine import AnalysisInput, RequiredColumns, open_input
from impressions_analytics.errors import AnalysisError, InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

    from impressions_analytics.columns import Kind

FALSE_WINS = 0.05
ASSUMPTION = (
    "The recipients were split at random and the arms were sent at the same time. Among recipients whose images only "
    "machines fetched, the hidden open rates of two arms differ by at most delta. Messages are independent."
)
_DTYPES = {
    "a": "int64", "b": "int64",
    "delivered_a": "int64", "delivered_b": "int64",
    "messages_human_a": "int64", "messages_human_b": "int64",
    "messages_machine_only_a": "int64", "messages_machine_only_b": "int64",
    "difference": "float64",
    **{f"difference_{end}_delta_{name}": "float64" for name in DELTAS for end in ("low", "high")},
    "winner": "Int64", "largest_delta": "float64",
    "messages_clicked_a": "Int64", "messages_clicked_b": "Int64",
    "click_difference": "float64", "click_difference_low": "float64", "click_difference_high": "float64",
    "winner_by_clicks": "Int64",
    "deliveries_to_decide": "Int64", "deliveries_to_decide_by_clicks": "Int64",
    "caution": "str", "not_covered": "str", "answer": "str",
}  # fmt: skip


_COUNTED = [name for name in _DTYPES if name in {"a", "b"} or name.startswith(("delivered_", "messages_"))]


def compare_mailings(
    opens: Any,
    deliveries: Any,
    *,
    a: int,
    b: int,
    others: Sequence[int] = (),
    clicks: Any = None,
    delta: float = 0.05,
    kinds: str | Sequence[str] | None = OPENED_BY_READER,
) -> pd.DataFrame:
    """Say which mailing of a split test won, with all that machine opens leave open.

    Apple's and other machines hide whether a recipient read. Nobody can know the open rate among those recipients, but
    it is somewhere from 0 to 1 in each arm, and in a random split it is nearly the same in both. `delta` bounds how far
    the two hidden rates may differ. An arm wins if it is ahead wherever the hidden rates lie within that bound.

    Parameters
    ----------
    opens : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``mailing``, ``destination``, ``useragent``.
    deliveries : frame, path or Archive
        Deliveries (``mailing``, ``destination``, ``timestamp``).
    a, b : int
        The two mailings to compare.
    others : sequence of int
        Further arms of the same test: every pair is compared, and all pairs hold together.
    clicks : frame, path or Archive, optional
        Clicks (``mailing``, ``destination``, ``useragent``). The arms are also compared by them, and a message that
        somebody clicked counts as a human open. Clicks by bots do not count.
    delta : float
        How far the hidden open rates of two arms may differ, from 0 to 1 ("whatever the machines did").
    kinds : str or sequence of str, optional
        The kinds of open that count as a human's; all of them when None.

    Returns
    -------
    DataFrame
        One row per pair of arms, in the order given. Columns:

        =================================== ======= ===============================================================
        ``a``, ``b``                        int64   the two mailings
        ``delivered_a``, ``_b``             int64   delivered messages
        ``messages_human_a``, ``_b``        int64   delivered messages with an impression of `kinds`, or a click
        ``messages_machine_only_a``, ``_b`` int64   delivered messages with impressions, but none of `kinds`
        ``difference``                      float64 human open rate of delivered, a less b
        ``difference_low_delta_0``,         float64 the ends of the difference of the true open rates, for delta 0,
        ``difference_high_delta_0``, ``_5``,        0.05, 0.1 and 1; each end holds in 95 of 100 tests
        ``_10``, ``_100``
        ``winner``                          Int64   the mailing that wins at `delta`; null if nothing is decided
        ``largest_delta``                   float64 up to which delta the leader wins; null if not even at 0
        ``messages_clicked_a``, ``_b``      Int64   delivered messages with a click; null without `clicks`
        ``click_difference``, ``_low``,     float64 the click rate of delivered, a less b, with its ends
        ``_high``
        ``winner_by_clicks``                Int64   the mailing that wins by clicks
        ``deliveries_to_decide``            Int64   deliveries per arm that would decide in 4 of 5 tests if the rates
                                                    stay as they are; null if no number would
        ``deliveries_to_decide_by_clicks``  Int64   the same by clicks
        ``caution``                         str     what speaks against a split test; empty if nothing
        ``not_covered``                     str     which input does not cover an arm, since or until when; the
                                                    figures are null then. Null where all do, see `mailing_performance`
        ``answer``                          str     the answer in words
        =================================== ======= ===============================================================

        ``attrs["assumption"]`` says what all of it rests on, ``attrs["not_proven"]`` which inputs came without a proof
        of the time that they cover.

    Raises
    ------
    AnalysisError
        A mailing has no deliveries.
    InvalidArgumentError
        `delta`, `kinds` or the mailings cannot be used.
    MissingColumnError
        A needed column is absent or of a wrong type.

    Notes
    -----
    With h the share of human opens, m the share of machine-only messages and q the hidden open rate, the open rate of
    an arm is h + q m. The difference of two arms is least at one of two corners of what delta allows: q_a = 0 and
    q_b = delta, or q_a = 1 - delta and q_b = 1. Both must exceed 1.645 standard errors: an intersection-union test, so
    an arm that is not ahead wins at most 5 of 100 tests. Of two arms that are exactly equal either may win, 10 in 100.
    One success and one failure are added to each arm, so that small arms are not too sure. With more arms the 5 in
    100 hold for all pairs together (Bonferroni).

    References
    ----------
    R. L. Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24 (1982).
    C. F. Manski, "Partial Identification of Probability Distributions" (2003).
    A. Agresti and B. Caffo, "Simple and effective confidence intervals", American Statistician 54 (2000).

    Examples
    --------
    >>> import pandas as pd
    >>> outlook = "Microsoft Outlook 2007, WinXP"
    >>> opens = pd.DataFrame({"mailing": 411, "destination": range(60), "useragent": outlook})
    >>> deliveries = pd.DataFrame({
    ...     "mailing": [411] * 100 + [412] * 100,
    ...     "destination": range(200),
    ...     "timestamp": pd.Timestamp("2026-01-05 09:00"),
    ... })
    >>> result = compare_mailings(opens, deliveries, a=411, b=412)
    >>> int(result["winner"].iloc[0]), float(result["largest_delta"].iloc[0])
    (411, 1.0)
    """
    import pandas as pd

    mailings = _mailings(a, b, others)
    if isinstance(delta, bool) or not isinstance(delta, int | float) or not 0 <= delta <= 1:
        raise InvalidArgumentError(f"delta must be a number from 0 to 1, got {delta!r}")
    given: dict[Kind, Any] = {"impressions": opens, "deliveries": deliveries, "clicks": clicks}
    covered = read_covered(open_input(opens, RequiredColumns("impressions", ("mailing",))), given, mailings)
    arms = _arms(given, mailings, chosen_kinds(kinds), covered)
    pairs = list(itertools.combinations(arms, 2))
    z = normal_quantile(1 - FALSE_WINS / len(pairs))
    rows = [_answered(one, other, delta, z, covered) for one, other in pairs]
    result = pd.DataFrame(rows, columns=list(_DTYPES)).astype(_DTYPES)
    told: dict[Any, Any] = {"assumption": ASSUMPTION, "delta": delta, "kinds": list(chosen_kinds(kinds))}
    result.attrs = {**told, "not_proven": covered.attrs(mailings)["not_proven"]}
    return result


def _answered(one: Arm, other: Arm, delta: float, z: float, covered: Covered) -> dict[str, Any]:
    """Return the row of a pair of arms; counts alone where an input does not cover one of them."""
    row = answer_row(one, other, delta, z)
    lacking = [f"mailing {arm.mailing} ({words})" for arm in (one, other) if (words := covered.words(arm.mailing))]
    if not lacking:
        return row
    counts = {name: value for name, value in row.items() if name in _COUNTED}
    words = " and ".join(lacking)
    return {**counts, "caution": "", "not_covered": words, "answer": f"Nothing is decided: the data lack {words}."}


def _mailings(a: int, b: int, others: Sequence[int]) -> list[int]:
    mailings = [a, b, *others]
    for name, mailing in zip(("a", "b", *["others"] * len(others)), mailings, strict=True):
        whole_number(name, int(mailing) if isinstance(mailing, np.integer) else mailing, least=0)
    if len(set(mailings)) < len(mailings):
        raise InvalidArgumentError(f"the mailings to compare must all differ, got {', '.join(map(str, mailings))}")
    return [int(mailing) for mailing in mailings]


def _arms(given: Mapping[Kind, Any], mailings: list[int], kinds: tuple[str, ...], covered: Covered) -> list[Arm]:
    """Count what happened to the delivered messages of each mailing."""
    source = open_input(given["impressions"], RequiredColumns("impressions", ("mailing", "destination", "useragent")))
    sent = source.also(given["deliveries"], RequiredColumns("deliveries", ("mailing", "destination", "timestamp")))
    counted = source.engine.fetch(_counts(source, sent, _clicked(source, given["clicks"]), mailings, kinds)).to_pylist()
    found = {row.pop("mailing"): row for row in counted}
    missing = [mailing for mailing in mailings if mailing not in found]
    if missing:
        why = f" ({words})" if (words := covered.words(missing[0])) else ""
        raise AnalysisError(
            f"there are no deliveries of mailing {missing[0]}{why}: load the deliveries of every mailing that is "
            "compared"
        )
    absent = {"clicked": None} if given["clicks"] is None else {}
    return [Arm(mailing, **{**found[mailing], **absent}) for mailing in mailings]


def _counts(source: AnalysisInput, sent: Any, clicked: Any, mailings: list[int], kinds: tuple[str, ...]) -> Any:
    """Define the counts: each delivered message once, with its opens and clicks beside it."""
    keys = ["mailing", "destination"]
    sent = sent.filter(sent.mailing.isin(mailings)).group_by(keys).aggregate(delivered_at=sent.timestamp.min())
    opened = source.table.filter(source.table.mailing.isin(mailings))
    rows = with_classes(AnalysisInput(opened, source.engine), ("kind",))
    opened = rows.group_by(keys).aggregate(human=rows.classified_kind.isin(kinds).cast("int64").max())
    joined = sent.left_join(opened, keys).select(*sent.columns, human=opened.human)
    clicked = sent.limit(0).select(*keys).mutate(clicked=1) if clicked is None else clicked
    joined = joined.left_join(clicked, keys).select(*joined.columns, clicked=clicked.clicked.fill_null(0))
    human = (joined.human.fill_null(0) == 1) | (joined.clicked == 1)
    return joined.group_by("mailing").aggregate(
        delivered=joined.count(),
        human=human.cast("int64").sum(),
        machine_only=(joined.human.notnull() & ~human).cast("int64").sum(),
        clicked=joined.clicked.sum().cast("int64"),
        first_delivery=joined.delivered_at.min(),
    )


def _clicked(source: AnalysisInput, clicks: Any) -> Any:
    """Return the messages that somebody clicked, bots left out; None without clicks."""
    if clicks is None:
        return None
    table = source.also(clicks, RequiredColumns("clicks", ("mailing", "destination", "useragent")))
    rows = with_classes(AnalysisInput(table, source.engine), ("kind",))
    return rows.filter(rows.classified_kind != "bot").select("mailing", "destination").distinct().mutate(clicked=1)
