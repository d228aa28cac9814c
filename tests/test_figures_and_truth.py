"""What each figure says of mailings of which is known who read them."""

from __future__ import annotations

import pandas as pd
import pytest
from figure_worlds import WORLDS, table


@pytest.fixture(scope="module")
def told() -> pd.DataFrame:
    return table(size=20_000).set_index("world")


def test_without_machines_and_with_images_every_figure_is_the_truth(told: pd.DataFrame) -> None:
    row = told.loc["no machines, images on"]
    figures = row[["unique_opens", "H", "open_rate_low", "open_rate_high", "estimate", "human_high"]]
    assert (figures == row["truth"]).all()
    assert row["human_low"] < row["truth"]  # Gmail's proxy is no person, and fetches for one


@pytest.mark.parametrize(
    "world", [world.name for world in WORLDS if not world.images_off and not world.scanned_as_browser]
)
def test_the_range_holds_the_truth_where_images_load_and_scanners_give_their_name(
    told: pd.DataFrame, world: str
) -> None:
    row = told.loc[world]
    assert row["open_rate_low"] <= row["truth"] <= row["open_rate_high"]
    assert row["human_high"] == row["open_rate_low"]


def test_the_range_misses_the_truth_where_images_are_off_or_scanners_name_a_browser(told: pd.DataFrame) -> None:
    off, scanned = told.loc["images off for 40% of Outlook"], told.loc["scanners that name a browser fetch 10%"]
    assert off["open_rate_high"] < off["truth"]
    assert scanned["open_rate_low"] > scanned["truth"]


def test_the_estimate_is_right_only_where_the_hidden_people_read_like_the_others(told: pd.DataFrame) -> None:
    alike, otherwise = (told.loc[WORLDS[place].name] for place in (1, 2))
    assert alike["estimate"] == pytest.approx(alike["truth"], abs=0.01)  # three standard errors of 12,000 messages
    assert otherwise["estimate"] - otherwise["truth"] > 0.04
    partly = told.loc["Apple prefetches nine of ten of its mail"]
    assert partly["estimate"] - partly["truth"] < -0.005  # an Apple message without a fetch was not read
