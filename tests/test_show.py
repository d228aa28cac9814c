"""A result is shown as people read it, and is not changed."""

from __future__ import annotations

import re

import pandas as pd
import pytest

import impressions_analytics as ia


def cells(shown):
    return re.findall(r"<td [^>]*>([^<]*)</td>", shown.to_html())


def test_shares_counts_days_numbers_of_mailings_and_what_is_missing_are_written_for_people():
    result = pd.DataFrame({
        "mailing": pd.array([4123, None], dtype="Int64"),
        "sent_at": pd.to_datetime(["2026-03-01 09:30:00", None]),
        "period": pd.to_datetime(["2026-03-01", "2026-03-02"]),
        "impressions": [12345, 1],
        "open_rate_high": [0.4567, None],
        "subject": ["A <b> & c", ""],
    })  # fmt: skip
    before = result.copy(deep=True)
    assert cells(ia.show(result)) == [
        "4123", "2026-03-01 09:30", "2026-03-01", "12,345", "45.7%", "A &lt;b&gt; &amp; c",
        "", "", "2026-03-02", "1", "", "",
    ]  # fmt: skip
    pd.testing.assert_frame_equal(result, before)


def test_a_long_result_says_how_much_of_it_is_shown():
    result = pd.DataFrame({"impressions": range(30)})
    assert "20 of 30 rows" in ia.show(result).to_html()
    assert len(cells(ia.show(result, rows=None))) == 30
    assert cells(ia.show(result.iloc[:0])) == []


@pytest.mark.parametrize(("result", "rows"), [([1, 2], 20), (pd.DataFrame(), 0), (pd.DataFrame(), True)])
def test_what_cannot_be_shown_is_refused(result, rows):
    with pytest.raises(ia.InvalidArgumentError):
        ia.show(result, rows=rows)
