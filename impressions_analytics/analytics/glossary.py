"""Every figure of the package: what it is called, its formula, and what it needs."""

from __future__ import annotations

import pandas as pd


def metrics() -> pd.DataFrame:
    """List every figure with its formula.

    Returns
    -------
    DataFrame
        One row per figure. Columns, all str: ``figure``, ``formula``, ``function`` (that computes it), ``column``
        (of its result), ``needs`` (besides impressions), ``source`` (of the definition).
    """
    raise NotImplementedError
