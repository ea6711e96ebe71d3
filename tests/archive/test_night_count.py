from datetime import date, datetime
from pathlib import Path

import pytest

from aurorapt.archive.camera_nights import camera_nights
from aurorapt.archive.night_count import count_camera_nights
from tests.fake_camera import write_minute


@pytest.fixture
def stream0(tmp_path: Path) -> Path:
    for day in (date(2013, 12, 31), date(2014, 1, 1), date(2014, 3, 10)):
        for site in ("gill", "fsim"):
            write_minute(tmp_path, datetime.combine(day, datetime.min.time()), 1, site=site)
    (tmp_path / "2014/03/10/notes.txt").touch()
    (tmp_path / "2014/readme").touch()
    (tmp_path / "2014/04").touch()
    return tmp_path


@pytest.mark.parametrize("sites", [(), ("gill",), ("nope",)])
@pytest.mark.parametrize(
    ("start", "end"), [("2013-12-31", "2014-03-10"), ("2014-01-01", "2014-03-09"), ("0001-01-01", "9999-12-31")]
)
def test_as_many_are_counted_as_the_walk_finds(stream0: Path, start: str, end: str, sites: tuple[str, ...]) -> None:
    dates = max(date.fromisoformat(start), date(2010, 1, 1)), min(date.fromisoformat(end), date(2020, 1, 1))
    found = list(camera_nights(stream0, *dates, sites))
    assert sum(count_camera_nights(stream0, date.fromisoformat(start), date.fromisoformat(end), sites)) == len(found)


def test_an_archive_that_is_not_there_counts_as_nothing(tmp_path: Path) -> None:
    assert list(count_camera_nights(tmp_path / "nowhere", date(2014, 1, 1), date(2014, 1, 2))) == []
