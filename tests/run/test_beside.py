"""What a run writes beside the CSV where it is asked to: probabilities and texture."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import aurorapt
from aurorapt.results.beside import beside_paths, probabilities_path, texture_path
from aurorapt.results.probabilities import read_probabilities
from aurorapt.run.pipeline import classify
from aurorapt.run.run_summary import Summary
from tests.fake_camera import write_minute

CSV = "2014/03/10/20140310_gill_themis_classifications.txt"
MINUTE = datetime(2014, 3, 10, 6, 0)


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stream0 = tmp_path_factory.mktemp("stream0")
    for number in range(3):
        write_minute(stream0, MINUTE + timedelta(minutes=number))
    return stream0


def run(stream0: Path, output: Path, weights: Path, workers: int = 0, **options: bool) -> Summary:
    return classify(
        "2014-03-10", "2014-03-10", stream0=stream0, output=output, weights=weights, workers=workers, **options
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_both_have_the_rows_of_the_csv(night: Path, weights_file: Path, tmp_path: Path, workers: int) -> None:
    run(night, tmp_path, weights_file, workers, probabilities=True, texture=True)
    rows = aurorapt.read_rows(tmp_path / CSV)
    times, probabilities, _ = read_probabilities(probabilities_path(tmp_path / CSV))
    np.testing.assert_array_equal(times, rows["time"])
    np.testing.assert_array_equal(probabilities.argmax(axis=1), rows["prediction"])
    np.testing.assert_array_equal(probabilities.max(axis=1), rows["confidence"])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    with texture_path(tmp_path / CSV).open(newline="") as file:
        texture = list(csv.DictReader(file))
    assert list(texture[0]) == ["date", "time", "brightness", "variance", "active_fraction"]
    assert [f"{row['date']},{row['time']}" for row in texture] == [
        f"{time:%Y%m%d,%H:%M:%S}" for time in rows["time"].tolist()
    ]
    assert [row["variance"] == "" for row in texture] == [number < 9 for number in range(60)]
    assert all(float(row["brightness"]) > 0 for row in texture)


def test_the_csv_is_the_same_without_them(night: Path, weights_file: Path, tmp_path: Path) -> None:
    run(night, tmp_path / "with", weights_file, probabilities=True, texture=True)
    run(night, tmp_path / "without", weights_file)
    one, other = ((tmp_path / name / CSV).read_text().splitlines()[1:] for name in ("with", "without"))
    assert one == other
    assert not any(path.exists() for path in beside_paths(tmp_path / "without" / CSV))


def test_a_night_without_them_is_redone_when_they_are_asked_for(
    night: Path, weights_file: Path, tmp_path: Path
) -> None:
    run(night, tmp_path, weights_file)
    assert run(night, tmp_path, weights_file, probabilities=True).redone == {"no probabilities yet": 1}
    assert run(night, tmp_path, weights_file, probabilities=True).current == 1
    assert run(night, tmp_path, weights_file).current == 1
    assert run(night, tmp_path, weights_file, texture=True).redone == {"no texture yet": 1}


def test_none_stays_beside_a_csv_it_does_not_belong_to(night: Path, weights_file: Path, tmp_path: Path) -> None:
    run(night, tmp_path, weights_file, probabilities=True, texture=True)
    assert all(path.exists() for path in beside_paths(tmp_path / CSV))
    run(night, tmp_path, weights_file, overwrite=True)
    assert not any(path.exists() for path in beside_paths(tmp_path / CSV))
