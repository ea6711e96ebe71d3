import csv
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aurorapt.errors import OptionError, ResultsError
from aurorapt.science.summary_files import write_summary
from tests.science.example_nights import blocks, write_file, write_nights


def summary(tmp_path: Path, per: str, model: str = "majority") -> list[dict[str, str]]:
    """Sum up what is in a folder, and read the table back."""
    output = tmp_path / "out" / "summary.csv"
    write_summary([tmp_path / "in"], output, "csv", per, model, lambda path, reason: pytest.fail(reason))
    with output.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_minute_is_one_row_with_everything(tmp_path: Path) -> None:
    rows = blocks("2020-02-18T08:00:30", (1, "pulsating"), (1, "no_aurora"))
    del rows[15]  # of the second minute
    write_nights(tmp_path / "in", "gill_themis", rows)
    found = summary(tmp_path, "minute")
    assert found[1] == {
        "site": "gill",
        "camera": "gill_themis",
        "period_start": "2020-02-18T08:01:00Z",
        "expected": "20",
        "observed": "19",
        "missing": "1",
        "n_bad_viewing": "0",
        "n_no_aurora": "10",
        "n_other_aurora": "0",
        "n_pulsating": "9",
        "fraction_bad_viewing": "0.0",
        "fraction_no_aurora": "0.5263",
        "fraction_other_aurora": "0.0",
        "fraction_pulsating": "0.4737",
        "smoothed_class": "no_aurora",
        "expected_pulsating_min": "0.463",  # 19 frames of 3 s, each 19/39 pulsating
        "mean_confidence": "0.75",
        "flicker": "0.0526",
        "mlt": found[1]["mlt"],
        "mlat": "65.3",
        "solar_elevation": found[1]["solar_elevation"],
        "moon_up": "false",
        "moon_phase": found[1]["moon_phase"],
    }
    assert [row["observed"] for row in found] == ["10", "19", "10"]
    assert [row["expected"] for row in found] == ["10", "20", "10"]
    assert float(found[1]["solar_elevation"]) == pytest.approx(-40, abs=3)
    assert 0.15 < float(found[1]["moon_phase"]) < 0.35


def test_a_gap_gives_rows_without_frames(tmp_path: Path) -> None:
    parts = ((1, "pulsating"), (2, ""), (1, "pulsating"))
    write_nights(tmp_path / "in", "gill_themis", blocks("2020-02-18T08:00:00", *parts))
    found = summary(tmp_path, "minute")
    assert [(row["observed"], row["missing"], row["smoothed_class"]) for row in found] == [
        ("20", "0", "pulsating"),
        ("0", "20", ""),
        ("0", "20", ""),
        ("20", "0", "pulsating"),
    ]
    assert [row["fraction_pulsating"] for row in found] == ["1.0", "", "", "1.0"]
    assert [row["expected_pulsating_min"] for row in found] == ["1.0", "", "", "1.0"]


def test_a_night_is_one_row_across_midnight_and_across_pauses(tmp_path: Path) -> None:
    parts = ((60, "pulsating"), (180, ""), (60, "no_aurora"))
    write_nights(tmp_path / "in", "gill_themis", blocks("2020-02-18T22:30:00", *parts))
    (row,) = summary(tmp_path, "night")
    assert (row["period_start"], row["expected"], row["observed"]) == ("2020-02-18T18:19:00Z", "2400", "2400")
    assert (row["n_pulsating"], row["n_no_aurora"]) == ("1200", "1200")


def test_two_cameras_have_their_own_rows_and_an_empty_file_none(tmp_path: Path) -> None:
    for camera in ("gill_themis19", "gill_themis20"):
        write_nights(tmp_path / "in", camera, blocks("2020-02-18T08:00:00", (60, "pulsating")))
    write_file(tmp_path / "in" / "20200218_snkq_themis_classifications.txt", [])
    found = summary(tmp_path, "hour")
    assert [(row["camera"], row["observed"]) for row in found] == [("gill_themis19", "1200"), ("gill_themis20", "1200")]


def test_the_regression_gives_expected_minutes(tmp_path: Path) -> None:
    write_nights(tmp_path / "in", "gill_themis", blocks("2020-02-18T08:00:00", (240, "pulsating")))
    minutes = [float(row["expected_pulsating_min"]) for row in summary(tmp_path, "hour", "regression")]
    assert all(30 < value < 60 for value in minutes)


def test_parquet_holds_the_same(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow.parquet", exc_type=ImportError)
    for camera in ("gill_themis", "abcd_themis"):  # one of which is not in the table of sites
        write_nights(tmp_path / "in", camera, blocks("2020-02-18T08:00:00", (90, "pulsating")))
    expected = summary(tmp_path, "minute")
    output = tmp_path / "summary.parquet"
    count = write_summary([tmp_path / "in"], output, "parquet", "minute", "majority", lambda *problem: None)
    table = pd.read_parquet(output)
    assert count == len(table) == len(expected)
    assert list(table.columns) == list(expected[0])
    assert table["n_pulsating"].tolist() == [int(row["n_pulsating"]) for row in expected]
    assert table["moon_up"].isna().tolist() == [True] * 90 + [False] * 90
    assert table["period_start"][1] == pd.Timestamp("2020-02-18T08:01:00Z")


def test_what_cannot_be_summed_up_is_refused(tmp_path: Path) -> None:
    write_file(tmp_path / "in" / "20200217_gill_themis_classifications.txt", [])
    with pytest.raises(ResultsError, match="no frames to sum up"):
        summary(tmp_path, "hour")
    with pytest.raises(OptionError, match="--per 'week' is unknown; give minute or hour or night"):
        summary(tmp_path, "week")
    rows = blocks("2020-02-18T06:00:00", (1, "pulsating"))
    write_nights(tmp_path / "in", "gill_themis", rows)
    write_nights(tmp_path / "in", "rank_themis", [row.replace("pulsating", "arc") for row in rows])
    with pytest.raises(OptionError, match="has the classes arc, not bad_viewing"):
        summary(tmp_path, "hour")
    assert not (tmp_path / "out").exists()


def test_memory_does_not_grow_with_the_tree(tmp_path: Path) -> None:
    peaks = []
    for count in (10, 100):
        for night in range(count):
            start = str(np.datetime64("2015-01-01T06:00:00") + np.timedelta64(night, "D"))
            write_nights(tmp_path / str(count), "gill_themis", blocks(start, (20, "pulsating")))
        tracemalloc.start()
        rows = write_summary(
            [tmp_path / str(count)], tmp_path / "s.csv", "csv", "minute", "auto", lambda *problem: None
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert rows == 20 * count
    assert peaks[1] < 1.5 * peaks[0]
