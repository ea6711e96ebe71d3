"""An archive drawn."""

from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from aurorapt.errors import OptionError
from aurorapt.pictures.tree_data import NightSum, Overview, read_overview
from aurorapt.pictures.tree_plot import MOST_CELLS, cells, choose_period, period_starts, plot_tree
from aurorapt.science.stretches import find_night_files
from tests.pictures.drawn import all_texts, assert_as_stored, panel, texts
from tests.science.example_nights import blocks, write_nights

FIRST = date(2020, 1, 6)


def refuse(path: Path, reason: str) -> None:
    pytest.fail(f"{path}: {reason}")


def overview(days: int, sites: tuple[str, ...] = ("gill", "rank", "nowhere"), every: int = 1) -> Overview:
    """Give nights of some sites, each ten minutes of eight hours; the last site saw no pulsating aurora."""
    dates = [FIRST + timedelta(days=number) for number in range(0, days, every)]
    nights = {site: {day: NightSum(0.0 if site == sites[-1] else 10.0, 8.0) for day in dates} for site in sites}
    return Overview(nights, {"w (published, 01234567)"})


def test_a_tree_is_summed_up_by_night_from_noon_to_noon(tmp_path: Path) -> None:
    rows = blocks("2020-02-18T02:00:00", (60, "pulsating"), (20 * 60, ""), (180, "no_aurora"))
    write_nights(tmp_path, "gill_themis", rows)
    found = read_overview(find_night_files([tmp_path]), refuse)
    nights = found.nights["gill"]
    assert {str(day): night.hours for day, night in nights.items()} == {"2020-02-17": 1, "2020-02-18": 3}
    assert nights[date(2020, 2, 17)].minutes > 30 > nights[date(2020, 2, 18)].minutes
    assert (found.weights, found.simulated) == ({"unknown"}, False)


def test_of_two_cameras_of_a_site_the_one_that_saw_more_counts(tmp_path: Path) -> None:
    for camera, minutes in (("gill_themis", 60), ("gill_themis11", 120)):
        write_nights(tmp_path, camera, blocks("2020-02-18T02:00:00", (minutes, "pulsating")))
    assert read_overview(find_night_files([tmp_path]), refuse).nights["gill"][date(2020, 2, 17)].hours == 2


@pytest.mark.parametrize(
    ("days", "period"), [(1, "night"), (260, "night"), (261, "week"), (1820, "week"), (1830, "month")]
)
def test_nights_are_added_up_where_there_are_many(days: int, period: str) -> None:
    last = FIRST + timedelta(days=days - 1)
    assert choose_period(FIRST, last) == period
    starts = period_starts(FIRST, last, period)
    assert starts[0] <= np.datetime64(FIRST) and starts[-2] <= np.datetime64(last) < starts[-1]
    assert len(starts) - 1 <= MOST_CELLS
    minutes, hours = cells(overview(days), starts)
    assert minutes.shape == (3, len(starts) - 1)
    assert (np.nansum(minutes), np.nansum(hours)) == (20 * days, 24 * days), "nothing is lost, nothing counted twice"


def test_sites_stand_from_north_to_south_and_unknown_ones_last() -> None:
    assert overview(1).sites == ["rank", "gill", "nowhere"]
    assert {"rank 72°", "gill 66°", "nowhere"} <= set(texts(plot_tree(overview(1))))


def strips(image: NDArray[np.uint8], sites: int) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Give, for each site, where the strip of minutes is white and where that of hours is."""
    height = len(image) / sites
    white = (image == 255).all(axis=2)
    return [(white[round(height * (n + 0.4))], white[round(height * (n + 0.82))]) for n in range(sites)]


def test_no_data_is_white_and_no_aurora_is_not() -> None:
    figure = plot_tree(overview(100, every=2))
    for minutes, hours in strips(panel(figure, figure.axes[0], inside=0), 3):
        for strip in (minutes, hours):
            assert strip[3:-3].mean() == pytest.approx(0.5, abs=0.03)
            assert not strip[round(0.3 * len(strip) / 99)], "the first night was observed"
            assert strip[round(1.5 * len(strip) / 99)]


def test_no_aurora_anywhere_is_drawn_too() -> None:
    plot_tree(overview(3, ("gill",)))


@pytest.mark.parametrize("width", [84, 180])
def test_no_text_is_smaller_than_eight_points_or_leaves_the_picture(width: int) -> None:
    figure = plot_tree(overview(40), width)
    shown = [text for text in all_texts(figure) if text.get_text() and text.get_visible()]
    for text in shown:
        box = text.get_window_extent()
        assert text.get_fontsize() >= 8
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1, text.get_text()
    assert any(text.startswith("120 nights of 3 sites, 960 h observed") for text in texts(figure))
    boxes = [text.get_window_extent() for text in (*figure.texts, *(axes.xaxis.label for axes in figure.axes[1:]))]
    assert len(boxes) > 4
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other), "the names of the colour bars stand clear of each other and of the small print"


def test_simulated_weights_and_other_classes(tmp_path: Path) -> None:
    found = overview(2)
    found.simulated = True
    assert any("not for science" in text for text in texts(plot_tree(found)))
    with pytest.raises(OptionError, match="from 84"):
        plot_tree(found, 40)


def test_a_tree_is_drawn_as_stored() -> None:
    found = overview(100, every=3)
    for number, day in enumerate(found.nights["gill"]):
        found.nights["gill"][day] = NightSum(10.0 * number, 2.0 + number % 10)
    assert_as_stored(plot_tree(found, 150), "tree.png")
