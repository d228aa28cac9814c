"""Rates with what is needed to judge them: a denominator that holds, and a 95% Wilson interval."""

from __future__ import annotations

from typing import Any

_Z = 1.959963984540054  # the normal distribution's 97.5% point


def wilson(name: str, count: Any, total: Any) -> dict[str, Any]:
    """Return the expressions of a rate and its 95% Wilson interval, named `name`, ``..._ci_low``, ``..._ci_high``.

    All are null where the total is 0. The count must be of members of the total.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    import ibis

    n = total.nullif(0).cast("float64")
    share = count / n
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * (share * (1 - share) / n + _Z**2 / (4 * n * n)).sqrt() / (1 + _Z**2 / n)
    # At a share of 0 or 1 the interval ends there exactly; the formula leaves a rounding error.
    return {
        name: share,
        f"{name}_ci_low": ibis.ifelse(share == 0, 0.0, centre - half),
        f"{name}_ci_high": ibis.ifelse(share == 1, 1.0, centre + half),
    }


def interval_names(name: str) -> tuple[str, str, str]:
    """Return the columns that `wilson` gives for a rate.

    Examples
    --------
    >>> interval_names("open_rate")
    ('open_rate', 'open_rate_ci_low', 'open_rate_ci_high')
    """
    return name, f"{name}_ci_low", f"{name}_ci_high"
