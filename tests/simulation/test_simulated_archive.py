import csv
import time as clock
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import themis_imager_readfile

from aurorapt.ephemeris import solar_depression
from aurorapt.errors import OptionError
from aurorapt.simulation.observatory import SimulatedCamera
from aurorapt.simulation.simulated_archive import frame_times, simulate_archive, simulate_frames
from aurorapt.themis_sites import SITES

DAY = date(2014, 3, 10)
CLASSES = {"bad_viewing", "no_aurora", "other_aurora", "pulsating"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cameras, one minute of every third hour of one UT date."""
    output = tmp_path_factory.mktemp("simulated") / "stream0"
    simulate_archive(output, DAY, DAY, ["gill", "gbay"], seed=7, minutes_per_hour=1, hours=range(0, 24, 3))
    return output


def minute_files(archive: Path, site: str) -> list[Path]:
    return sorted(archive.glob(f"2014/03/10/{site}_*/ut*/*.pgm.gz"))


def test_files_lie_where_the_archive_has_them(archive: Path) -> None:
    assert [str(path.relative_to(archive)) for path in minute_files(archive, "gill")] == [
        f"2014/03/10/gill_themis19/ut{hour:02}/20140310_{hour:02}00_gill_themis19_full.pgm.gz" for hour in (3, 6, 9)
    ]


def test_one_ut_date_holds_the_end_of_one_night_and_the_start_of_the_next(archive: Path) -> None:
    assert [path.parent.name for path in minute_files(archive, "gbay")] == ["ut00", "ut03", "ut06", "ut09"]
    camera = SimulatedCamera("gbay", 7)
    dark = [camera.is_dark(datetime(2014, 1, 10, hour)) for hour in range(24)]
    assert [hour for hour in range(24) if dark[hour] != dark[hour - 1]] == [12, 22]
    for path in minute_files(archive, "gbay"):
        moment = datetime.strptime(path.name[:13], "%Y%m%d_%H%M")
        assert solar_depression(moment, SITES["gbay"].latitude, SITES["gbay"].longitude) >= 9


def test_a_minute_file_reads_back_as_the_frames_it_was_made_of(archive: Path) -> None:
    path = minute_files(archive, "gill")[1]
    images, headers, problems = themis_imager_readfile.read(str(path), workers=1, quiet=True)
    times = [datetime.strptime(header["Image request start"], "%Y-%m-%d %H:%M:%S.%f UTC") for header in headers]
    assert not problems
    assert images.shape == (256, 256, 20)
    assert times == frame_times("gill", datetime(2014, 3, 10, 6), seed=7)
    frames = simulate_frames("gill", times[::6], seed=7)
    assert (np.moveaxis(images, 2, 0)[::6] == frames.images).all()
    assert frames.images.dtype == np.uint16


def test_headers_say_which_camera_it_is_and_that_it_is_simulated(archive: Path) -> None:
    _, headers, _ = themis_imager_readfile.read(str(minute_files(archive, "gbay")[0]), workers=1, quiet=True)
    assert len(headers) == 20
    assert {(header["Site unique ID"], header["Imager unique ID"]) for header in headers} == {("gbay", "themis08")}
    assert "simulated" in headers[0]["Imager comment"]
    assert headers[0]["Geodetic latitude"] == "53.3000"
    numbers = [int(header["Mode sequence number"]) for header in headers]
    assert numbers == list(range(numbers[0], numbers[0] + 20))
    for header in headers:
        request, readout = (
            datetime.strptime(header[f"Image {moment} start"], "%Y-%m-%d %H:%M:%S.%f UTC")
            for moment in ("request", "readout")
        )
        exposure = float(header["Exposure plus initial readout"].removesuffix(" ms"))
        assert (readout - request) / timedelta(milliseconds=1) == pytest.approx(exposure, abs=0.01)


def test_a_minute_is_the_same_bytes_alone_or_in_a_run(archive: Path, tmp_path: Path) -> None:
    simulate_archive(tmp_path / "alone", DAY, DAY, ["gill"], seed=7, minutes_per_hour=1, hours=[9])
    (alone,) = minute_files(tmp_path / "alone", "gill")
    assert alone.read_bytes() == minute_files(archive, "gill")[2].read_bytes()


def test_another_seed_is_another_world() -> None:
    times = [datetime(2014, 3, 10, 6), datetime(2014, 3, 10, 6, 0, 3)]
    first, second = (simulate_frames("gill", times, seed).images.astype(int) for seed in (0, 1))
    assert np.abs(first - second).mean() > 20
    assert (first[0] != first[1]).mean() > 0.9


def test_truth_covers_every_frame_once(archive: Path) -> None:
    with (archive / "truth.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["site", "start", "end", "class"]
    for site in ("gill", "gbay"):
        camera = SimulatedCamera(site, 7)
        for path in minute_files(archive, site):
            for time in frame_times(site, datetime.strptime(path.name[:13], "%Y%m%d_%H%M"), seed=7):
                second = f"{time:%Y-%m-%d %H:%M:%S}"
                names = [row["class"] for row in rows if row["site"] == site and row["start"] <= second <= row["end"]]
                assert names == [camera.class_at(time)]


def test_minutes_are_spread_over_the_hour(tmp_path: Path) -> None:
    count = simulate_archive(tmp_path / "a", DAY, DAY, ["gill"], minutes_per_hour=3, hours=[6])
    assert count == 3
    assert [path.name[9:13] for path in minute_files(tmp_path / "a", "gill")] == ["0600", "0620", "0640"]


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"end": date(2014, 3, 9)}, "before the start"),
        ({"start": date(1900, 1, 1)}, "between 1990 and 2100"),
        ({"sites": []}, "at least one site"),
        ({"sites": ["gill", "gill"]}, "twice"),
        ({"sites": ["oslo"]}, "no site 'oslo'"),
        ({"seed": -1}, "0 or above"),
        ({"minutes_per_hour": 0}, "1 to 60"),
        ({"minutes_per_hour": 61}, "1 to 60"),
        ({"hours": [24]}, "0 to 23"),
        ({"hours": []}, "0 to 23"),
    ],
)
def test_options_that_cannot_be_used_are_refused(tmp_path: Path, changed: dict, complaint: str) -> None:
    options = {"output": tmp_path / "out", "start": DAY, "end": DAY, "sites": ["gill"], **changed}
    with pytest.raises(OptionError, match=complaint):
        simulate_archive(**options)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    with pytest.raises(OptionError, match="not an empty folder"):
        simulate_archive(tmp_path, DAY, DAY, ["gill"])
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def first_frames(site: str, wanted: str, count: int, cadence: float) -> np.ndarray:
    """Consecutive frames of the first dark moment of a class that lasts, away from the horizon, as float."""
    camera = SimulatedCamera(site, 0)
    time = datetime(2014, 1, 1)
    while True:
        time += timedelta(minutes=17)
        around = [time + timedelta(minutes=minutes) for minutes in (-5, 0, 5)]
        if all(camera.is_dark(moment) and camera.class_at(moment) == wanted for moment in around):
            times = [time + timedelta(seconds=cadence * number) for number in range(count)]
            return simulate_frames(site, times).images[:, 64:192, 64:192].astype(float)


def smooth_change(frames: np.ndarray) -> float:
    """Root mean square change between frames after averaging 8 by 8 pixels, counts."""
    coarse = frames.reshape(len(frames), 16, 8, 16, 8).mean((2, 4))
    return float(np.sqrt((np.diff(coarse, axis=0) ** 2).mean()))


def test_pulsating_aurora_blinks_and_the_empty_sky_does_not() -> None:
    assert smooth_change(first_frames("gill", "pulsating", 5, 3.0)) > 3 * smooth_change(
        first_frames("gill", "no_aurora", 5, 3.0)
    )


def test_stars_turn_and_return_after_a_sidereal_day() -> None:
    camera = SimulatedCamera("fsim", 3)
    start = datetime(2014, 12, 18, 6)  # near new moon
    sidereal_day = timedelta(hours=23, minutes=56, seconds=4)

    def clear(time: datetime) -> bool:
        return camera.is_dark(time) and camera.class_at(time) == "no_aurora"

    moments = (start + timedelta(minutes=10 * number) for number in range(1000))
    moment = next(time for time in moments if all(map(clear, (time, time + sidereal_day))))
    frames = simulate_frames("fsim", [moment, moment + sidereal_day, moment + timedelta(minutes=20)], seed=3)
    tiles = frames.images[:, 48:208, 48:208].astype(float).reshape(3, 20, 8, 20, 8)
    points = (tiles - np.median(tiles, axis=(2, 4), keepdims=True)).reshape(3, -1) > 150
    stars = points & ~points.all(axis=0)  # hot pixels stay
    again, turned = ((stars[0] & stars[other]).sum() / stars[0].sum() for other in (1, 2))
    assert stars[0].sum() > 30
    assert again > 0.6
    assert turned < 0.3


def test_every_class_happens_and_has_its_name() -> None:
    camera = SimulatedCamera("gill", 0)
    times = (datetime(2014, 1, 1) + timedelta(minutes=41 * number) for number in range(1500))
    names = [camera.class_at(time) for time in times if camera.is_dark(time)]
    shares = {name: names.count(name) / len(names) for name in CLASSES}
    assert set(names) == CLASSES
    assert min(shares.values()) > 0.04
    assert shares["bad_viewing"] < 0.7


@pytest.mark.slow
def test_a_night_of_one_camera_takes_less_than_five_minutes(tmp_path: Path) -> None:
    started = clock.process_time()
    count = simulate_archive(tmp_path / "a", DAY, DAY, ["gill"], minutes_per_hour=6)
    assert (clock.process_time() - started) / (20 * count) * 18000 < 300
