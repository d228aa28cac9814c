"""The ready views of an exported DuckDB file: a row each, with the tables that it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """One view.

    Attributes
    ----------
    name : str
        Its name in the database.
    needs : tuple of str
        The tables without which it is left out.
    query : str
        The SQL of it.
    """

    name: str
    needs: tuple[str, ...]
    query: str


VIEWS = (
    View(
        "impressions_per_day",
        ("impressions",),
        """
        SELECT timestamp::DATE AS day, count(*) AS impressions, count(DISTINCT destination) AS destinations,
               count(DISTINCT profile) AS profiles
        FROM impressions GROUP BY day ORDER BY day
        """,
    ),
    View(
        "impressions_per_profile",
        ("impressions",),
        """
        SELECT profile, count(*) AS impressions, count(DISTINCT mailing) AS mailings,
               min(timestamp) AS first_impression, max(timestamp) AS last_impression
        FROM impressions WHERE profile IS NOT NULL GROUP BY profile ORDER BY impressions DESC, profile
        """,
    ),
    View(
        "impressions_with_user_agent",
        ("impressions", "user_agents"),
        """
        SELECT impressions.*, client, client_version, os, user_agents.device AS agent_device, kind
        FROM impressions LEFT JOIN user_agents USING (useragent)
        """,
    ),
    View(
        "impressions_per_client",
        ("impressions", "user_agents"),
        """
        SELECT coalesce(client, 'unknown') AS client, count(*) AS impressions,
               count(DISTINCT destination) AS destinations
        FROM impressions LEFT JOIN user_agents USING (useragent)
        GROUP BY ALL ORDER BY impressions DESC, client
        """,
    ),
    View(
        "impressions_per_mailing",
        ("impressions", "emailings"),
        """
        SELECT emailings.ID AS mailing, emailings.subject, emailings.timestamp AS sent,
               count(impressions.ID) AS impressions, count(DISTINCT destination) AS opened_destinations
        FROM emailings LEFT JOIN impressions ON impressions.mailing = emailings.ID
        GROUP BY ALL ORDER BY sent, mailing
        """,
    ),
)
"""Every view, in the order in which they are made."""
