"""The ready views of an exported DuckDB file: a row each, with the tables that it needs.

Each is called as the function of this package that gives the same figures; only keys are called as in the tables.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """One view.

    Attributes
    ----------
    name : str
        Its name in the database.
    meaning : str
        What one row is.
    needs : tuple of str
        The tables without which it is left out.
    query : str
        The SQL of it; ``{opens}`` stands for the impressions with their user agents, and ``{figures}`` for the figures
        of the table of mailings.
    """

    name: str
    meaning: str
    needs: tuple[str, ...]
    query: str


_OPENS = "impressions JOIN user_agents USING (user_agent)"

VIEWS = (
    View(
        "impressions_over_time",
        'one row is a day and a kind of open: impressions_over_time(..., by="kind")',
        ("impressions", "user_agents", "calendar"),
        """
        WITH counted AS (
            SELECT opened_on AS period, open_kind AS kind, count(*) AS impressions,
                   count(DISTINCT destination_id) AS destinations, count(DISTINCT profile_id) AS profiles
            FROM {opens} GROUP BY ALL
        )
        SELECT period, kind, coalesce(impressions, 0) AS impressions, coalesce(destinations, 0) AS destinations,
               coalesce(profiles, 0) AS profiles
        FROM (SELECT day AS period FROM calendar
              WHERE day BETWEEN (SELECT min(period) FROM counted) AND (SELECT max(period) FROM counted))
        CROSS JOIN (SELECT DISTINCT kind FROM counted)
        LEFT JOIN counted USING (period, kind)
        ORDER BY period, kind
        """,
    ),
    View(
        "impressions_per_profile",
        "one row is a recipient with an impression: impressions_per_profile",
        ("impressions",),
        """
        SELECT profile_id, count(*) AS impressions, count(DISTINCT mailing_id) AS mailings,
               min(opened_at) AS first_impression, max(opened_at) AS last_impression
        FROM impressions WHERE profile_id IS NOT NULL GROUP BY profile_id ORDER BY profile_id
        """,
    ),
    View(
        "user_agent_breakdown",
        'one row is a program and a kind of open: user_agent_breakdown(..., by=["client", "kind"])',
        ("impressions", "user_agents"),
        """
        SELECT coalesce(client, 'unknown') AS client, coalesce(open_kind, 'unknown') AS kind,
               count(*) AS impressions,
               count(DISTINCT destination_id) / (SELECT count(DISTINCT destination_id) FROM impressions)
                   AS share_of_destinations,
               count(DISTINCT destination_id) AS destinations
        FROM {opens} GROUP BY ALL ORDER BY impressions DESC, client, kind
        """,
    ),
    View(
        "human_opens",
        'one row is a mailing with an impression: human_opens(..., by="mailing")',
        ("impressions", "user_agents"),
        """
        SELECT mailing_id, count(DISTINCT destination_id) AS messages,
               count(DISTINCT destination_id) FILTER (open_kind = 'person') AS messages_low,
               count(DISTINCT destination_id) FILTER (open_kind IN ('person', 'proxy')) AS messages_high,
               count(*) AS impressions,
               count(*) FILTER (open_kind = 'person') AS impressions_low,
               count(*) FILTER (open_kind IN ('person', 'proxy')) AS impressions_high,
               count(*) FILTER (open_kind = 'person') AS impressions_person,
               count(*) FILTER (open_kind = 'proxy') AS impressions_proxy,
               count(*) FILTER (open_kind = 'prefetch') AS impressions_prefetch,
               count(*) FILTER (open_kind = 'bot') AS impressions_bot,
               count(*) FILTER (open_kind = 'unknown') AS impressions_unknown
        FROM {opens} GROUP BY mailing_id ORDER BY mailing_id
        """,
    ),
    View(
        "mailing_performance",
        "one row is a mailing with its rates and their ranges: mailing_performance",
        ("impressions", "mailings"),
        "SELECT mailing_id, {figures} FROM mailings WHERE impressions IS NOT NULL ORDER BY mailing_id",
    ),
)
"""Every view, in the order in which they are made."""


def views_of(tables: Collection[str], figures: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the meaning and the SQL of each view whose tables are there.

    Examples
    --------
    >>> list(views_of({"impressions"}, []))
    ['impressions_per_profile']
    """
    there = [view for view in VIEWS if set(view.needs) <= set(tables)]
    return {view.name: (view.meaning, view.query.format(opens=_OPENS, figures=", ".join(figures))) for view in there}
