"""What each recipient opened."""

from __future__ import annotations

from typing import Any, Literal


def impressions_per_profile(data: Any, *, by: Literal["profile", "subprofile", "destination"] = "profile") -> Any:
    """Count the impressions of each profile.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``mailing``, ``timestamp`` and the one named by `by`.
    by : {"profile", "subprofile", "destination"}
        Whose impressions one row counts.

    Returns
    -------
    DataFrame
        One row per profile (subprofile, destination) with an impression, ordered by it. Columns:

        ==================== ============== ==========================================
        `by`                 int64          the profile, subprofile or destination
        ``impressions``      int64          impression rows
        ``mailings``         int64          distinct mailings with an impression
        ``first_impression`` datetime64[us] earliest impression, wall clock
        ``last_impression``  datetime64[us] latest impression, wall clock
        ==================== ============== ==========================================

        Impressions without a profile are left out; ``attrs["impressions_without_profile"]`` says how many they were
        (``..._subprofile``, ``..._destination`` for the other keys; pandas results only).

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        `by` cannot be used.
    """
    raise NotImplementedError
