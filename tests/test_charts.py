"""Every chart: draws what it is given, whatever that is, and leaves nothing open."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import impressions_analytics as ia
from impressions_analytics.charts.palette import COLOURS, SERIES

NASTY = "<b>$\\frac{1}{0}$</b> \u6f22\x00\n" + "very long name " * 40


def over_time(days: int = 3, **more: Any) -> pd.DataFrame:
    period = pd.date_range("2026-01-01", periods=days, unit="us")
    return pd.DataFrame({"period": period, "impressions": range(5, 5 + days), "destinations": range(days)} | more)


def over_time_by_group(groups: list[Any], days: int = 2) -> pd.DataFrame:
    one, times = over_time(days), len(groups)
    rows = pd.concat([one] * times, ignore_index=True)
    sizes = [index + 1 for index in range(times) for _ in range(days)]
    return rows.assign(mailing=[group for group in groups for _ in range(days)], impressions=sizes)


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


CHARTS: dict[str, tuple[Callable[..., Axes], list[pd.DataFrame]]] = {
    "over_time": (
        ia.plot_impressions_over_time,
        [
            over_time(),
            over_time(1),
            over_time(800),
            over_time_by_group([NASTY, None]),
            over_time_by_group(list(range(3_000))),
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
            breakdown({f"client {number}": 1 for number in range(2_000)}),
        ],
    ),
}
CASES = [
    pytest.param(plot, result, id=f"{name}-{index}")
    for name, (plot, results) in CHARTS.items()
    for index, result in enumerate([*results, results[0].iloc[:0]])
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


def test_the_largest_groups_have_a_line_each_and_the_others_one_together() -> None:
    ax = ia.plot_impressions_over_time(over_time_by_group(list(range(10))))
    lines = {line.get_label(): list(line.get_ydata()) for line in ax.lines}
    assert len(lines) == 7
    assert lines["mailing 9"] == [10, 10]
    assert lines["4 others together"] == [1 + 2 + 3 + 4] * 2


def test_groups_can_be_called_by_names() -> None:
    result = over_time_by_group([401, 402])
    ax = ia.plot_impressions_over_time(result, names={401: "October news"})
    assert [line.get_label() for line in ax.lines] == ["mailing 402", "401 October news"]


@pytest.mark.parametrize(
    "subject", ["Weekly news", "A long beginning that " + "is as long " * 9 + "as its end that all share"]
)
def test_mailings_of_one_subject_keep_a_line_each_and_no_impression_is_lost(subject: str) -> None:
    numbers = list(range(1_000_401, 1_000_413))
    ax = ia.plot_impressions_over_time(over_time_by_group(numbers), names=dict.fromkeys(numbers, subject))
    lines = {str(line.get_label()): list(line.get_ydata()) for line in ax.lines}
    shown = [(label.split()[0], values) for label, values in lines.items()]
    assert shown == [(str(1_000_400 + size), [size, size]) for size in (12, 11, 10, 9, 8, 7)] + [("6", [21, 21])]
    assert len(ax.lines) == 7


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
    assert [line.get_label() for line in ax.lines] == ["impressions", "first opens"]
    assert list(ax.lines[1].get_ydata()) == [3, 0, 1]
    assert ax.get_ylabel() == "impressions and first opens per day"


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
    assert ax.get_yscale() == "log"


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
        ia.InvalidArgumentError, match="measure must be 'share_of_destinations' or 'impressions', got 'rows'"
    ):
        ia.plot_user_agents(breakdown({"Gmail": 1}), measure="rows")


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

    assert label("2026-01-03", "D").endswith("\ngrey: weekends")
    assert "grey" not in label("2026-01-05", "D")
    assert label("2026-01-05", "h").endswith("\ndarker: nights, 22:00 to 6:00")
    assert label("2026-01-03", "h").endswith("nights, 22:00 to 6:00; grey: weekends")


def test_only_what_tells_nothing_at_all_is_hatched_as_unknown() -> None:
    names = {"client": ["unknown", "unknown"], "os": ["unknown", "iOS"]}
    ax = ia.plot_user_agents(pd.DataFrame({**names, "impressions": [5, 3], "share_of_destinations": [0.6, 0.4]}))
    assert [bool(bar.get_hatch()) for bar in ax.patches] == [True, False]


def test_the_legend_of_mailings_fits_a_phone() -> None:
    figure = Figure(figsize=(4.6, 3.4))
    ax = figure.subplots()
    performance = pd.DataFrame(
        {"mailing": [411, 412], "unique_opens": [40, 50], "unique_opens_not_only_machines": [30, 45]}
    )
    ia.plot_mailing_performance(performance, ax, names={411: "a subject that is long enough to be shortened"})
    figure.tight_layout(pad=0.4)
    figure.canvas.draw()
    assert ax.get_legend().get_window_extent().x0 >= ax.bbox.x0


def test_hours_in_which_no_message_was_out_are_hatched() -> None:
    rates = [float("nan")] + [0.1] * 167
    assert ia.plot_hour_of_week(hours_of_week(impressions_per_message_hour=rates)).patch.get_hatch()
    assert not ia.plot_hour_of_week(hours_of_week()).patch.get_hatch()


def test_each_mailing_has_its_curve_and_its_half_life() -> None:
    ax = ia.plot_open_decay(decay([401, 402]), names={402: "October"})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "mailing 401: half of 4 within 1 h",
        "402 October: half of 4 within 1 h",
    ]
    assert [list(line.get_ydata()) for line in ax.lines][:2] == [[0, 0.5, 1], [0.5]]


def test_of_many_mailings_the_quickest_and_the_slowest_are_drawn() -> None:
    result = decay(list(range(9)))
    result["half_life_hours"] = [1.0 + (5 - number) ** 2 for number in range(9) for _ in range(3)]
    ax = ia.plot_open_decay(result)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "the middle 80% of 9",
        "mailing 5: half of 4 within 1 h",
        "mailing 0: half of 4 within 26 h",
    ]


def test_what_is_not_mature_is_named_and_not_drawn() -> None:
    result = pd.concat([decay([1]), decay([2, 3, 4, 5, 6], mature=False)], ignore_index=True)
    ax = ia.plot_open_decay(result)
    assert len(ax.get_legend().get_texts()) == 1
    assert "not mature yet, so not drawn: mailing 2, mailing 3, mailing 4 and 2 more" in ax.get_xlabel()
    assert ia.plot_open_decay(decay([2], mature=False)).texts[0].get_text().endswith("give open_decay as_of=...")


def test_the_open_rate_of_a_mailing_is_a_range_with_its_uncertainty() -> None:
    ax = ia.plot_mailing_performance(mailings(1))
    segments = {bars.get_label(): bars.get_segments()[0][:, 0].tolist() for bars in ax.collections}
    assert segments["opened: machines left out, up to machines counted"] == pytest.approx([0.3, 0.4])
    assert segments["95% interval"] == pytest.approx([0.29, 0.41])
    points = {line.get_label(): list(line.get_xdata()) for line in ax.lines}
    assert points == {"estimate between them": [0.34], "click-through rate": [0.05]}
    assert ax.get_xlabel() == "share of the delivered messages"


def test_without_deliveries_a_mailing_shows_what_is_known() -> None:
    sent = mailings(1)[["mailing", "unique_opens_not_only_machines", "unique_opens", "open_rate_of_sent"]]
    assert ia.plot_mailing_performance(sent).get_xlabel() == "share of the sent messages"
    assert ia.plot_mailing_performance(sent.drop(columns="open_rate_of_sent")).get_xlabel() == "messages"


def test_the_newest_mailings_are_drawn_and_the_rest_is_said() -> None:
    ax = ia.plot_mailing_performance(mailings(30), most=5)
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"mailing {number}" for number in range(26, 31)]
    assert "the last 5 of 30 mailings" in ax.get_xlabel()


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
