from datetime import date
from pathlib import Path

import pytest

from aurorapt.archive.camera_nights import Problem, camera_nights, find_archive
from aurorapt.errors import ArchiveError
from tests.archive.touched_minutes import DAY, night_of


def test_walks_dates_in_order_both_ends_included_and_accepts_missing_days(tmp_path: Path) -> None:
    for day in (
        "2014/03/09/gill_themis19",
        "2014/03/11/fsim_themis",
        "2014/03/11/atha_themis02",
        "2014/03/12/x_themis",
    ):
        (tmp_path / day).mkdir(parents=True)
    nights = list(camera_nights(tmp_path, date(2014, 3, 9), date(2014, 3, 11)))
    assert [(str(night), night.site, night.device) for night in nights] == [
        ("20140309 gill_themis19", "gill", "themis19"),
        ("20140311 atha_themis02", "atha", "themis02"),
        ("20140311 fsim_themis", "fsim", "themis"),
    ]


def test_walks_back_from_the_newest_date(tmp_path: Path) -> None:
    for day in ("2014/03/08/x_themis", "2014/03/09/gill_themis19", "2014/03/11/atha_themis", "2014/03/11/fsim_themis"):
        (tmp_path / day).mkdir(parents=True)
    nights = camera_nights(tmp_path, date(2014, 3, 9), date(2014, 3, 11), newest_first=True)
    assert [str(night) for night in nights] == [
        "20140311 atha_themis",
        "20140311 fsim_themis",
        "20140309 gill_themis19",
    ]


def test_the_first_and_the_last_date_of_the_calendar_end_the_walk(tmp_path: Path) -> None:
    for newest_first in (False, True):
        assert not list(camera_nights(tmp_path, date(9999, 12, 30), date.max, newest_first=newest_first))
        assert not list(camera_nights(tmp_path, date.min, date(1, 1, 2), newest_first=newest_first))


def test_chooses_sites_and_knows_which_share_one(tmp_path: Path) -> None:
    for camera in ("gill_themis", "gill_themis19", "fsim_themis05"):
        (tmp_path / "2014/03/10" / camera).mkdir(parents=True)
    assert [night.shares_site for night in camera_nights(tmp_path, DAY, DAY)] == [False, True, True]
    assert [night.site for night in camera_nights(tmp_path, DAY, DAY, {"fsim"})] == ["fsim"]
    assert list(camera_nights(tmp_path, DAY, DAY, {"none"})) == []


def test_ten_years_start_at_once(tmp_path: Path) -> None:
    (tmp_path / "2010/01/01/gill_themis19").mkdir(parents=True)
    nights = camera_nights(tmp_path, date(2010, 1, 1), date(9999, 12, 31))
    assert next(nights).date == date(2010, 1, 1)


def test_what_stands_beside_the_cameras_is_skipped_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "2014/03/10/gill_themis19").mkdir(parents=True)
    (tmp_path / "2014/03/10/rego_luck").mkdir()
    (tmp_path / "2014/03/10/fsim_themis05").write_text("a plain file")
    assert [night.site for night in camera_nights(tmp_path, DAY, DAY)] == ["gill"]
    assert "rego_luck" in caplog.text
    assert "fsim_themis05" in caplog.text


def test_a_date_that_is_no_folder_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "2014/03").mkdir(parents=True)
    (tmp_path / "2014/03/10").write_text("not a folder")
    problems: list[Problem] = []
    assert list(camera_nights(tmp_path, DAY, DAY, on_problem=problems.append)) == []
    assert [problem.file for problem in problems] == [str(tmp_path / "2014/03/10")]


def test_an_archive_that_has_gone_is_an_error(tmp_path: Path) -> None:
    nights = camera_nights(tmp_path / "gone", DAY, DAY)
    with pytest.raises(ArchiveError, match="has gone"):
        next(nights)


@pytest.mark.parametrize("link", ["2014", "2014/03", "2014/03/10", "2014/03/10/gill_themis19"])
def test_a_link_to_nowhere_is_a_problem_and_no_missing_day(tmp_path: Path, link: str) -> None:
    path = tmp_path / link
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("/nowhere/at/all")
    problems: list[Problem] = []
    assert list(camera_nights(tmp_path, DAY, DAY, on_problem=problems.append)) == []
    assert [problem.file for problem in problems] == [str(path)]


def test_two_names_of_one_folder_are_one_camera(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "2014/03/10/gill_themis19").mkdir(parents=True)
    (tmp_path / "2014/03/10/gill_themis").symlink_to("gill_themis19")
    assert str(night_of(tmp_path)) == "20140310 gill_themis19"
    assert not night_of(tmp_path).shares_site
    assert "gill_themis: another name of gill_themis19" in caplog.text


def test_finds_the_archive_in_a_download_root(tmp_path: Path) -> None:
    assert find_archive(tmp_path) == tmp_path
    (tmp_path / "THEMIS_ASI_RAW").mkdir()
    assert find_archive(tmp_path) == tmp_path / "THEMIS_ASI_RAW"
    (tmp_path / "2014").mkdir()
    with pytest.raises(ArchiveError, match="name one of the two"):
        find_archive(tmp_path)


def test_an_archive_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match=r"no folder .*nowhere"):
        find_archive(tmp_path / "nowhere")
    with pytest.raises(ArchiveError, match="not a folder"):
        find_archive(tmp_path / "file")
