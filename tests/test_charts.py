"""Every chart: draws what it is given, whatever that is, and leaves nothing open."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import impressions_analytics as ia
from impressions_analytics.charts.palette import COLOURS, SERIES
from impressions_analytics.charts.problems import plot_problems
from impressions_analytics.charts.tips import tips_of

NASTY = "<b>$\\frac{1}{0}$</b> \u6f22\x00\n" + "very long name " * 40


def over_time(days: int = 3, **more: Any) -> pd.DataFrame:
    period = pd.date_range("2026-01-01", periods=days, unit="us")
    return pd.DataFrame({"period": period, "impressions": range(5, 5 + days), "destinations": range(days)} | more)


def over_time_by_group(groups: list[Any], days: int = 2) -> pd.DataFrame:
    one, times = over_time(days), len(groups)
    rows = pd.concat([one] * times, ignore_index=True)
    sizes = [index + 1 for index in range(times) for _ in range(days)]
    return rows.assign(mailing=[group for group in groups for _ in range(days)], impressions=sizes)


def over_time_by_kind(days: int = 2, kinds: tuple[str, ...] = ("bot", "person", "proxy")) -> pd.DataFrame:
    return over_time_by_group(list(kinds), days).rename(columns={"mailing": "kind"})


def heights(ax: Axes) -> dict[str, list[float]]:
    """The height of each bar of each layer, by the layer's name."""
    found: dict[str, list[float]] = {}
    for patch in ax.patches:
        top, _, below = patch.get_data()
        if patch.get_label() and not str(patch.get_label()).startswith("_"):
            found[str(patch.get_label())] = [float(h) for h in top - below if h == h]
    return found


def per_profile(counts: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"profile": range(len(counts)), "impressions": pd.Series(counts, dtype="int64")})


def breakdown(counts: dict[str, int], by: str = "client") -> pd.DataFrame:
    impressions = pd.Series(list(counts.values()), dtype="int64")
    return pd.DataFrame({by: list(counts), "impressions": impressions, "share_of_destinations": impressions / 100})


def hours_of_week(most: int = 9, **more: Any) -> pd.DataFrame:
    cells = pd.MultiIndex.from_product([range(1, 8), range(24)], names=["weekday", "hour"]).to_frame(index=False)
    return cells.assign(impressions=[most * hour for hour in cells["hour"]], **more)


def decay(mailings: list[Any], *, mature: bool = True, final: int = 4) -> pd.DataFrame:
    reached = [0, final // 2, final]
    shares = [opens / final for opens in reached] if mature and final else [float("nan")] * 3
    curve = {"hours": [0, 1, 2], "unique_opens": reached, "share_of_opens": shares, "mature": mature}
    frame = pd.concat([pd.DataFrame(curve)] * len(mailings), ignore_index=True)
    numbers = [mailing for mailing in mailings for _ in reached]
    return frame.assign(mailing=numbers, half_life_hours=1.0 if mature else float("nan"))


def forecast(*, observed: int = 2, many: int = 20) -> pd.DataFrame:
    counts = {"forecast_low": [0, many, many], "forecast": [0, many, 2 * many], "forecast_high": [0, many, 3 * many]}
    seen = [hour < observed for hour in range(3)]
    return pd.DataFrame({"mailing": 412, "measure": "opens", "hours": [0, 1, 2], "observed": seen, **counts})


def rated(name: str, share: float) -> dict[str, float]:
    return {name: share, f"{name}_ci_low": share - 0.01, f"{name}_ci_high": share + 0.01}


def mailings(count: int) -> pd.DataFrame:
    rates = {
        **rated("open_rate_of_sent", 0.39),
        **rated("open_rate_high", 0.4),
        **rated("open_rate_low", 0.3),
        "estimated_open_rate": 0.34,
        **rated("click_through_rate", 0.05),
    }
    return pd.DataFrame(
        {"mailing": range(1, count + 1), "unique_opens": 40, "unique_opens_not_only_machines": 30, **rates}
    )


def providers(count: int) -> pd.DataFrame:
    rates = {"open_rate_low": 0.2, "open_rate_high": 0.4, "bounce_rate": 0.05}
    return pd.DataFrame({"provider": [f"{n}.example" for n in range(count)], "messages_delivered": 1_000, **rates})


def countries(count: int) -> pd.DataFrame:
    names = [f"C{number}" for number in range(count)]
    return pd.DataFrame({"country": names, "opened_messages": 50, "share_of_messages": 1 / count})


CHARTS: dict[str, tuple[Callable[..., Axes], list[pd.DataFrame]]] = {
    "over_time": (
        ia.plot_impressions_over_time,
        [
            over_time(),
            over_time(1),
            over_time(800),
            over_time_by_group([NASTY, None]),
            over_time_by_group(list(range(3_000))),
            over_time_by_kind(),
            over_time_by_kind(400),
            over_time_by_kind(1),
            over_time_by_kind(kinds=("person", "robot")),
            over_time().assign(
                period=pd.to_datetime(["2026-01-01", None, "2026-01-03"]).tz_localize("Europe/Amsterdam")
            ),
            over_time().drop(columns="destinations").rename(columns={"impressions": "first_opens"}),
        ],
    ),
    "per_profile": (ia.plot_impressions_per_profile, [per_profile([1, 1, 2]), per_profile([1]), per_profile([10**9])]),
    "hour_of_week": (
        ia.plot_hour_of_week,
        [
            hours_of_week(),
            hours_of_week(0),
            hours_of_week(1).head(1),
            hours_of_week(10**9, message_hours=0, impressions_per_message_hour=[float("nan")] * 100 + [0.25] * 68),
        ],
    ),
    "open_decay": (
        ia.plot_open_decay,
        [
            decay([401, 402]),
            decay([NASTY, None]),
            decay([1], mature=False),
            decay([1], final=0),
            decay(list(range(3_000))),
            pd.concat([decay([1]), decay([2, 3, 4, 5, 6], mature=False)]),
            decay([1]).drop(columns="mailing"),
        ],
    ),
    "mailing_performance": (
        ia.plot_mailing_performance,
        [
            mailings(2),
            mailings(1),
            mailings(3_000),
            mailings(2)[["mailing", "unique_opens_not_only_machines", "unique_opens"]],
            mailings(2).assign(open_rate_high=float("nan"), open_rate_low=float("nan")),
        ],
    ),
    "forecast": (
        ia.plot_forecast,
        [
            forecast(),
            forecast(observed=3),
            forecast(observed=1),
            forecast(many=0),
            forecast(many=10**9),
            forecast().assign(measure="clicks"),
        ],
    ),
    "user_agents": (
        ia.plot_user_agents,
        [
            breakdown({"Gmail": 60, "unknown": 40}),
            breakdown({NASTY: 1}),
            breakdown({"person": 0}, by="kind"),
            breakdown({"person": 1}, by="kind"),
            breakdown({"Gmail": 6, "unknown": 4}).assign(kind=["proxy", "bot"]),
            breakdown({"person": 6, "robot": 4}, by="kind"),
            breakdown({f"client {number}": 1 for number in range(2_000)}),
        ],
    ),
    "providers": (
        ia.plot_provider_breakdown,
        [
            providers(3),
            providers(1).assign(provider=NASTY),
            providers(2_000),
            providers(2).assign(open_rate_low=0.0, open_rate_high=1.0, bounce_rate=float("nan"), mailing=[1, 2]),
            providers(2).assign(messages_delivered=[0, 1], open_rate_high=[float("nan"), 0.5]),
        ],
    ),
    "countries": (
        ia.plot_country_breakdown,
        [countries(3), countries(1).assign(country=NASTY), countries(300), countries(1).assign(opened_messages=0)],
    ),
}
CASES = [
    pytest.param(plot, result, id=f"{name}-{index}", marks=[pytest.mark.slow] if index > 1 else [])
    for name, (plot, results) in CHARTS.items()
    for index, result in enumerate([results[0].iloc[:0], *results])
]


def drawn(ax: Axes) -> bytes:
    buffer = BytesIO()
    ax.figure.savefig(buffer, format="png", dpi=40)
    return buffer.getvalue()


@pytest.mark.parametrize(("plot", "result"), CASES)
def test_every_chart_is_drawn_from_any_result_without_a_warning(
    plot: Callable[..., Axes], result: pd.DataFrame
) -> None:
    before = result.copy()
    ax = plot(result)
    assert isinstance(ax, Axes)
    assert drawn(ax).startswith(b"\x89PNG")
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()
    pd.testing.assert_frame_equal(result, before)


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_draws_on_the_axes_it_is_given(name: str) -> None:
    plot, (result, *_) = CHARTS[name]
    axes = Figure(layout="constrained").subplots(1, 2)
    assert plot(result, axes[1]) is axes[1]
    assert not axes[0].has_data()


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_says_which_analysis_gives_what_it_draws(name: str) -> None:
    plot, _ = CHARTS[name]
    with pytest.raises(ia.MissingColumnError, match="give the result of "):
        plot(pd.DataFrame({"something": [1]}))
    with pytest.raises(ia.InvalidArgumentError, match="give the result of "):
        plot([1, 2, 3])


def test_an_empty_result_is_said_to_be_empty() -> None:
    for plot, results in CHARTS.values():
        ax = plot(results[0].iloc[:0])
        assert len(ax.texts) == 1
        assert ax.texts[0].get_text().startswith("no ")


def test_names_are_drawn_as_they_stand_and_shortened_in_the_middle() -> None:
    ax = ia.plot_user_agents(breakdown({"costs $5 or $6": 3, NASTY: 1}))
    first, second = (label.get_text() for label in ax.get_yticklabels())
    assert first == r"costs \$5 or \$6"
    assert len(second) <= 45
    assert "…" in second


def test_the_largest_groups_have_a_bar_each_and_the_others_one_together() -> None:
    bars = heights(ia.plot_impressions_over_time(over_time_by_group(list(range(10)))))
    assert len(bars) == 7
    assert bars["mailing 9"] == [10, 10]
    assert bars["4 others together"] == [1 + 2 + 3 + 4] * 2


def test_groups_can_be_called_by_names() -> None:
    result = over_time_by_group([401, 402])
    ax = ia.plot_impressions_over_time(result, names={401: "October news"})
    assert list(heights(ax)) == ["mailing 402", "401 October news"]


@pytest.mark.parametrize(
    "subject", ["Weekly news", "A long beginning that " + "is as long " * 9 + "as its end that all share"]
)
def test_mailings_of_one_subject_keep_a_bar_each_and_no_impression_is_lost(subject: str) -> None:
    numbers = list(range(1_000_401, 1_000_413))
    ax = ia.plot_impressions_over_time(over_time_by_group(numbers), names=dict.fromkeys(numbers, subject))
    shown = [(label.split()[0], values) for label, values in heights(ax).items()]
    assert shown == [(str(1_000_400 + size), [size, size]) for size in (12, 11, 10, 9, 8, 7)] + [("6", [21, 21])]


def test_mailings_of_one_subject_keep_a_curve_each() -> None:
    ax = ia.plot_open_decay(decay([401, 402]), names={401: "Weekly news", 402: "Weekly news"})
    assert [text.get_text().split()[0] for text in ax.get_legend().get_texts()] == ["401", "402"]
    assert [list(line.get_ydata()) for line in ax.lines][:4] == [[0, 0.5, 1], [0.5], [0, 0.5, 1], [0.5]]


@pytest.mark.parametrize(
    ("freq", "word"), [("h", "hour"), ("D", "day"), ("W", "week"), ("MS", "month"), ("QS", "quarter"), ("YS", "year")]
)
def test_the_length_of_the_periods_is_in_the_labels(freq: str, word: str) -> None:
    period = pd.date_range("2025-01-01", periods=3, freq=freq, unit="us")
    ax = ia.plot_impressions_over_time(pd.DataFrame({"period": period, "impressions": [1, 2, 3]}), zone="UTC")
    assert ax.get_ylabel() == f"impressions per {word}"
    assert ax.get_xlabel().splitlines()[0] == f"{word}, UTC"


def test_first_opens_are_drawn_beside_all_impressions() -> None:
    firsts = over_time().drop(columns=["destinations", "impressions"]).assign(first_opens=[3, 0, 1])
    ax = ia.plot_impressions_over_time(over_time(), first_opens=firsts)
    assert heights(ax) == {"impressions": [5, 6, 7], "first opens": [3, 0, 1]}
    assert not any(np.nansum(patch.get_data().baseline) for patch in ax.patches)  # one before the other, not on top
    assert ax.get_ylabel() == "impressions and first opens per day"


def test_kinds_of_open_are_stacked_in_one_order_with_the_same_colours_everywhere() -> None:
    ax = ia.plot_impressions_over_time(over_time_by_kind())
    assert heights(ax) == {"person": [2, 2], "proxy": [3, 3], "bot": [1, 1]}
    assert [float(patch.get_data().baseline[0]) for patch in ax.patches] == [0, 2, 5]
    bars = ia.plot_user_agents(breakdown({"bot": 1, "proxy": 3, "person": 2}, by="kind"))
    of_kind = {str(bar.get_label()).split()[0]: bar[0].get_facecolor() for bar in bars.containers[:5]}
    assert {str(patch.get_label()): patch.get_facecolor() for patch in ax.patches}.items() <= of_kind.items()


def test_a_last_period_that_is_not_over_is_pale_and_said() -> None:
    def pale(until: str | None) -> tuple[int, bool]:
        ax = ia.plot_impressions_over_time(over_time(), known_until=until)
        return sum(patch.get_alpha() is not None for patch in ax.patches), "pale: the last day" in ax.get_xlabel()

    one = ia.plot_impressions_over_time(over_time(1), known_until="2026-01-01 09:00")
    assert drawn(one) and heights(one) == {"impressions": [5], "destinations with an impression": [0]}
    assert pale("2026-01-03 12:00") == (2, True)
    assert pale("2026-01-04 00:00") == pale(None) == (0, False)


def test_lines_take_the_place_of_bars_only_where_periods_are_dense() -> None:
    dense, sparse = over_time(200), over_time(200).assign(impressions=[300] + [1] * 199)
    assert len(ia.plot_impressions_over_time(dense).lines) == 2
    assert len(ia.plot_impressions_over_time(sparse.drop(columns="destinations")).lines) == 0
    assert len(ia.plot_impressions_over_time(dense.head(30)).lines) == 0
    assert len(ia.plot_impressions_over_time(dense.head(30), cumulative=True).lines) == 2


def test_five_years_by_the_hour_are_added_up_to_weeks_and_nothing_is_lost() -> None:
    hours = pd.date_range("2021-01-01", "2025-12-31 23:00", freq="h", unit="us")
    ax = ia.plot_impressions_over_time(pd.DataFrame({"period": hours, "impressions": 2, "destinations": 1}))
    (line,) = ax.lines
    assert sum(line.get_ydata()) == 2 * len(hours)
    assert ax.get_ylabel() == "impressions per week"


def test_mailings_that_are_few_are_named_at_their_peaks() -> None:
    result = over_time_by_group([401, 402], days=40)
    result.loc[(result["mailing"] == 401) & (result["period"] == "2026-01-05"), "impressions"] = 90
    result.loc[(result["mailing"] == 402) & (result["period"] == "2026-02-01"), "impressions"] = 50
    ax = ia.plot_impressions_over_time(result, names={401: "October", 402: "November"})
    assert [text.get_text() for text in ax.texts] == ["401 October", "402 November"]
    assert ax.get_legend() is None


def test_a_month_of_bars_spans_the_month() -> None:
    period = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"])
    ax = ia.plot_impressions_over_time(pd.DataFrame({"period": period, "impressions": 1}))
    edges = ax.patches[0].get_data().edges
    assert (edges[1::2] - edges[::2]).tolist() == pytest.approx([31 * 0.86, 28 * 0.86, 31 * 0.86])


def test_programs_without_a_name_whose_kind_is_known_are_not_unknown() -> None:
    result = breakdown({"unknown": 6, "Gmail": 4}).assign(kind=["bot", "proxy"])
    more = breakdown({"unknown": 1}).assign(kind="unknown")
    ax = ia.plot_user_agents(pd.concat([result, more], ignore_index=True))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["bots", "Gmail", "unknown"]


def test_emoji_are_left_out_and_no_box_is_drawn() -> None:
    emoji = "\U0001f389 Sale \U0001f3f3\ufe0f\u200d\U0001f308 now"
    ax = ia.plot_user_agents(breakdown({emoji: 3, "\u6f22\u5b57": 1}))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Sale now", "··"]


def test_the_scale_of_the_hours_is_even_and_cells_of_few_messages_do_not_set_it() -> None:
    out = [10] + [5_000] * 167
    rates = [0.9] + [0.007] * 167
    ax = ia.plot_hour_of_week(hours_of_week(message_hours=out, impressions_per_message_hour=rates))
    (mesh,) = ax.collections
    assert list(mesh.norm.boundaries) == pytest.approx([0, 1, 2, 3, 4, 5, 6, 7])
    (dots,) = ax.lines
    assert (list(dots.get_xdata()), list(dots.get_ydata())) == ([0.5], [0.5])
    assert "dotted: fewer than 500 messages" in ax.get_xlabel()


def test_weekends_and_nights_lie_on_a_darker_ground() -> None:
    hours = pd.date_range("2026-01-02", "2026-01-04 23:00", freq="h", unit="us")  # Friday to Sunday
    ax = ia.plot_impressions_over_time(pd.DataFrame({"period": hours, "impressions": 1}))
    weekends, nights = ([path.get_extents() for path in bars.get_paths()] for bars in ax.collections)
    assert [(band.x0 % 7, band.width) for band in weekends] == [(2, 1), (3, 1)]  # day 0, 1970-01-01, was a Thursday
    assert [band.width * 24 for band in nights] == pytest.approx([8] * 4)
    assert [band.x0 % 1 * 24 for band in nights] == pytest.approx([22] * 4)


def test_profiles_are_counted_into_ranges_that_cover_all() -> None:
    ax = ia.plot_impressions_per_profile(per_profile([1, 1, 10, 11, 20, 21, 1_000]))
    bars = {label.get_text(): bar.get_height() for label, bar in zip(ax.get_xticklabels(), ax.patches, strict=True)}
    assert {name: height for name, height in bars.items() if height} == {
        "1": 2, "10": 1, "11-20": 2, "21-50": 1, "501-1,000": 1,
    }  # fmt: skip
    assert ax.get_yscale() == "linear"


def test_impressions_that_can_be_a_persons_are_a_range() -> None:
    result = breakdown({"person": 50, "prefetch": 25, "proxy": 20, "bot": 5}, by="kind")
    ax = ia.plot_user_agents(result)
    assert ax.texts[-1].get_text() == "taken for a person's: 50% to 70%"
    assert "impressions" in ax.get_xlabel()


def test_what_is_not_drawn_is_said() -> None:
    ax = ia.plot_user_agents(breakdown({f"client {number}": 20 - number for number in range(15)}))
    assert len(ax.patches) == 12
    assert "3 more below 8% each" in ax.get_xlabel()


def test_a_measure_that_is_none_is_refused() -> None:
    with pytest.raises(
        ia.InvalidArgumentError, match="measure must be one of 'share_of_destinations', 'impressions', got 'rows'"
    ):
        ia.plot_user_agents(breakdown({"Gmail": 1}), measure="rows")


@pytest.mark.slow
def test_outside_a_notebook_charts_leave_no_figure_open() -> None:
    code = """if True:
        import sys, pandas as pd, impressions_analytics as ia
        ax = ia.plot_impressions_per_profile(pd.DataFrame({"profile": [1], "impressions": [1]}))
        assert "matplotlib.pyplot" not in sys.modules
        print(type(ax.figure).__name__)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Figure\n"


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
def test_colours_stand_out_from_the_page_and_text_more_so(page: int) -> None:
    ground = COLOURS["page"][page]
    for name in ("blue", "vermilion", "green", "purple", "ochre", "slate"):
        assert contrast(COLOURS[name][page], ground) >= 3, name
    for name in ("ink", "muted"):
        assert contrast(COLOURS[name][page], ground) >= 4.5, name


@pytest.mark.parametrize(("page", "direction"), [(0, -1), (1, 1)], ids=["light", "dark"])
def test_heat_steps_keep_their_order_in_greyscale(page: int, direction: int) -> None:
    steps = [direction * luminance(values[page]) for name, values in COLOURS.items() if name.startswith("heat")]
    assert steps == sorted(steps)


def test_series_differ_without_colour() -> None:
    assert len({(str(look.dash), look.marker) for look in SERIES}) == len(SERIES)
    assert len({look.hatch for look in SERIES}) == len(SERIES)


def test_the_hour_of_week_is_a_map_of_seven_days_by_24_hours() -> None:
    result = hours_of_week().assign(impressions=range(168))
    ax = ia.plot_hour_of_week(result, zone="Europe/Amsterdam")
    (mesh,) = ax.collections
    assert mesh.get_array().tolist() == [list(range(day * 24, day * 24 + 24)) for day in range(7)]
    assert ax.get_yticklabels()[0].get_text() == "Mon"
    assert ax.get_ylim() == (7, 0)  # Monday on top
    assert "Europe/Amsterdam" in ax.get_xlabel()


def test_the_hour_of_week_is_held_against_the_messages_where_it_can_be() -> None:
    exposed = hours_of_week(impressions_per_message_hour=0.002)
    assert ia.plot_hour_of_week(exposed).collections[0].get_array().max() == pytest.approx(2.0)
    assert ia.plot_hour_of_week(exposed, measure="impressions").collections[0].get_array().max() == 9 * 23
    with pytest.raises(ia.InvalidArgumentError, match=r"measure must be one of .* got 'opens'"):
        ia.plot_hour_of_week(exposed, measure="opens")
    with pytest.raises(ia.MissingColumnError, match="impressions_per_message_hour"):
        ia.plot_hour_of_week(hours_of_week(), measure="impressions_per_message_hour")


def test_weekends_and_nights_on_grey_are_explained() -> None:
    def label(begin: str, freq: str) -> str:
        period = pd.date_range(begin, periods=3, freq=freq, unit="us")
        return ia.plot_impressions_over_time(pd.DataFrame({"period": period, "impressions": 1})).get_xlabel()

    assert label("2026-01-03", "D").endswith("\nshaded: weekends")
    assert "grey" not in label("2026-01-05", "D")
    assert label("2026-01-05", "h").endswith("\nshaded: nights, 22:00 to 6:00")
    assert label("2026-01-03", "h").endswith("nights, 22:00 to 6:00, and more faintly weekends")


def test_only_what_tells_nothing_at_all_is_hatched_as_unknown() -> None:
    names = {"client": ["unknown", "unknown"], "os": ["unknown", "iOS"]}
    ax = ia.plot_user_agents(pd.DataFrame({**names, "impressions": [5, 3], "share_of_destinations": [0.6, 0.4]}))
    hatched = {round(bar.get_y() + 0.36): bool(bar.get_hatch()) for bar in ax.patches}
    assert hatched == {0: True, 1: False}


def test_labels_and_figures_of_mailings_fit_a_phone() -> None:
    figure = Figure(figsize=(4.6, 3.4))
    ax = figure.subplots()
    names = dict.fromkeys(range(1, 9), "a subject that is long enough to be shortened")
    ia.plot_mailing_performance(mailings(8), ax, names=names)
    figure.tight_layout(pad=0.4)
    figure.canvas.draw()
    _, clicks = figure.axes
    assert ax.get_window_extent().x1 < clicks.get_window_extent().x0
    assert min(label.get_window_extent().x0 for label in ax.get_yticklabels()) >= 0
    for panel in (ax, clicks):
        right = max(bars.get_window_extent().x1 for bars in panel.collections)
        assert right <= min(text.get_window_extent().x0 for text in panel.texts if "%" in text.get_text())
        assert panel.xaxis.label.get_window_extent().x1 <= figure.bbox.x1


def test_hours_in_which_no_message_was_out_are_hatched() -> None:
    rates = [float("nan")] + [0.1] * 167
    assert ia.plot_hour_of_week(hours_of_week(impressions_per_message_hour=rates)).patch.get_hatch()
    assert not ia.plot_hour_of_week(hours_of_week()).patch.get_hatch()


def test_a_chart_says_which_kinds_of_open_were_counted_if_not_all() -> None:
    result = decay([401])
    result.attrs["kinds"] = ["person", "proxy"]
    assert ia.plot_open_decay(result).get_xlabel().endswith("\ncounted: opens of the kinds person, proxy")
    result.attrs["kinds"] = ["person", "proxy", "prefetch", "bot", "unknown"]
    assert "counted" not in ia.plot_open_decay(result).get_xlabel()


def test_each_mailing_has_its_curve_and_its_half_life() -> None:
    ax = ia.plot_open_decay(decay([401, 402]), names={402: "October"})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "mailing 401: half of 4 within 1 h",
        "402 October: half of 4 within 1 h",
    ]
    assert [list(line.get_ydata()) for line in ax.lines][:2] == [[0, 0.5, 1], [0.5]]


def test_of_many_mailings_the_last_is_held_against_the_others() -> None:
    result = decay(list(range(9)))
    result.loc[result["mailing"] == 8, "share_of_opens"] = [0.0, 0.9, 1.0]
    ax = ia.plot_open_decay(result)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "the middle 80% of the 8 others, and their median",
        "mailing 8: half of 4 within 1 h",
    ]
    assert [list(line.get_ydata()) for line in ax.lines][:2] == [[0, 0.5, 1], [0, 0.9, 1]]  # the median, the last


def test_what_is_not_mature_is_named_and_not_drawn() -> None:
    result = pd.concat([decay([1]), decay([2, 3, 4, 5, 6], mature=False)], ignore_index=True)
    ax = ia.plot_open_decay(result)
    assert len(ax.get_legend().get_texts()) == 1
    assert "not mature yet, so not drawn: mailing 2, mailing 3, mailing 4 and 2 more" in ax.get_xlabel()
    assert ia.plot_open_decay(decay([2], mature=False)).texts[0].get_text().endswith("give open_decay as_of=...")


def test_the_open_rate_of_a_mailing_is_a_range_with_its_uncertainty() -> None:
    ax = ia.plot_mailing_performance(mailings(1))
    interval, opened = (bars.get_segments()[0][:, 0].tolist() for bars in ax.collections)
    assert (interval, opened) == (pytest.approx([0.29, 0.41]), pytest.approx([0.3, 0.4]))
    assert [text.get_text() for text in ax.texts] == ["30% to 40%"]
    _, clicks = ax.figure.axes
    assert [list(line.get_xdata()) for line in clicks.lines] == [[0.05]]
    assert [text.get_text() for text in clicks.texts] == ["5%"]
    assert ax.get_xlabel().startswith("opened, of the delivered")


def test_lines_stand_at_the_medians_of_the_mailings() -> None:
    rates = mailings(3).assign(open_rate_low=[0.1, 0.2, 0.6], open_rate_high=[0.3, 0.4, 0.6])
    ax = ia.plot_mailing_performance(rates)
    assert [line.get_xdata() for line in ax.lines] == [[0.2, 0.2], [0.4, 0.4]]  # without and with machines
    assert ax.texts[-1].xy == (pytest.approx(0.3), 1)


def test_the_panel_of_clicks_stays_within_the_room_that_was_given() -> None:
    figure = Figure(figsize=(9, 4))
    ax = figure.add_axes((0.3, 0.2, 0.6, 0.7))
    ia.plot_mailing_performance(mailings(2), ax)
    assert figure.axes[1].get_position().x1 == pytest.approx(0.9)
    assert ax.get_position().x1 < figure.axes[1].get_position().x0


def test_without_deliveries_a_mailing_shows_what_is_known() -> None:
    sent = mailings(1)[["mailing", "unique_opens_not_only_machines", "unique_opens", "open_rate_of_sent"]]
    assert ia.plot_mailing_performance(sent).get_xlabel() == "opened, of the sent, machines included"
    counts = ia.plot_mailing_performance(sent.drop(columns="open_rate_of_sent"))
    assert counts.get_xlabel() == "messages opened, without and with machines"


def test_the_newest_mailings_are_drawn_and_the_rest_is_said() -> None:
    ax = ia.plot_mailing_performance(mailings(30), most=5)
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"mailing {number}" for number in range(26, 31)]
    assert "the last 5 of 30 mailings" in ax.get_xlabel()


def test_the_numbers_of_mailings_stand_above_the_periods_in_which_they_were_sent() -> None:
    sent_at = {401: "2026-01-01 09:00", 402: "2026-01-01 11:00", 403: "2026-01-03 23:59", 404: "2026-01-05"}
    ax = ia.plot_impressions_over_time(over_time(3), sent_at=sent_at)
    tops = over_time(3)["impressions"].tolist()
    assert {(text.get_text(), text.xy[1]) for text in ax.texts} == {("401, 402", tops[0]), ("403", tops[2])}
    flat = over_time(400).assign(impressions=5, destinations=1)
    assert len(ia.plot_impressions_over_time(flat, sent_at={900: "2026-02-01", 901: "2026-02-02"}).texts) == 1
    three = dict.fromkeys((905, 904, 906), "2026-02-01")  # too many for one period
    assert len(ia.plot_impressions_over_time(flat, sent_at=three).texts) == 0
    hidden = flat.assign(impressions=[9 if place == 33 else 5 for place in range(400)])
    assert len(ia.plot_impressions_over_time(hidden, sent_at={900: "2026-02-01"}).texts) == 0  # a higher bar beside it


def test_no_tick_stands_below_the_figures_at_the_right() -> None:
    rates = mailings(3).drop(columns=[name for name in mailings(3) if "_ci_" in name])
    opened, clicked = ia.plot_mailing_performance(rates).figure.axes
    assert max(opened.get_xticks()) <= 0.4 * 1.03 and max(clicked.get_xticks()) <= 0.05 * 1.03


def test_a_decay_curve_says_which_share_was_reached_beside_the_others() -> None:
    words = [tip.words for tip in tips_of(ia.plot_open_decay(decay([1, 2, 3, 4, 5])))]
    reached = {"15 min": "0%", "1 h": "50%", "2 h": "100%"}
    assert words == [
        f"{age} after sending: mailing 5 {one}, median of the others {one}" for age, one in reached.items()
    ]
    assert tips_of(ia.plot_open_decay(decay([7])))[-1].words == "2 h after sending: mailing 7 100%"


def test_troubles_have_a_panel_each_and_those_that_are_not_known_have_none() -> None:
    outcomes = pd.DataFrame({"mailing": [1, 2, 3], "bounced": [0.02, None, 0.031], "complained": [0, 0.0004, 0.0011]})
    outcomes["unsubscribed"], outcomes["not_covered"] = float("nan"), [None, "errors: known until 2026-05-31", None]
    bounced, complained = plot_problems(outcomes, names={3: "March"}).figure.axes
    assert [label.get_text() for label in bounced.get_yticklabels()] == ["mailing 1", "mailing 2", "3 March"]
    assert [text.get_text() for text in bounced.texts] == ["2%", "not covered", "3.1%", "median"]
    assert [text.get_text() for text in complained.texts] == ["0%", "0.04%", "0.11%", "median"]
    assert bounced.get_xlabel() == "bounced, of the sent"
    assert [tip.words for tip in tips_of(complained)][2] == "3 March: complained 0.11%"
    nothing = plot_problems(outcomes[["mailing"]])
    assert [text.get_text() for text in nothing.texts] == ["no data"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_in_a_notebook_a_chart_shows_below_its_cell_and_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    monkeypatch.setenv("PYTHONPATH", str(Path(ia.__file__).parent.parent))
    result = "pd.DataFrame({'profile': [1], 'impressions': [1]})"
    draw = f"import pandas as pd, impressions_analytics as ia\nax = ia.plot_impressions_per_profile({result})"
    cells = [draw, "from matplotlib import pyplot\npyplot.get_fignums()"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120).execute()
    drawn, open_figures = (cell.outputs for cell in notebook.cells)
    assert [sorted(output["data"]) for output in drawn] == [["image/png", "text/plain"]]
    assert open_figures[0]["data"]["text/plain"] == "[]"


def test_a_program_whose_system_is_unknown_keeps_its_name() -> None:
    result = pd.DataFrame({
        "client": ["Gmail", "unknown"], "os": ["unknown", "unknown"], "kind": ["proxy", "bot"], "impressions": [3, 1],
        "share_of_destinations": [0.75, 0.25],
    })  # fmt: skip
    first, second = (label.get_text() for label in ia.plot_user_agents(result).get_yticklabels())
    assert "Gmail" in first
    assert "unknown" not in second
