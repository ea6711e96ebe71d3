"""asilib's copy of the archive: the minute files of a site side by side, of all dates."""

import logging
import os
import shutil
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from aurorapt.archive import flat_archive
from aurorapt.archive.camera_nights import CameraNight, Problem, camera_nights, find_archive, folder_in
from aurorapt.archive.night_count import count_camera_nights
from aurorapt.archive.night_listing import list_minute_files
from aurorapt.errors import ArchiveError

START, END = date(2014, 3, 1), date(2014, 3, 31)


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"content")


def minute_name(when: datetime) -> str:
    return f"{when:%Y%m%d_%H%M}_gill_themis19_full.pgm.gz"


def minute(day: int, number: int, camera: str = "gill_themis19", ending: str = ".pgm.gz") -> str:
    return f"201403{day:02}_06{number:02}_{camera}_full{ending}"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Make asilib's folder of images, of two sites and three dates."""
    folder = tmp_path / "asilib-data/themis/images"
    touch(folder / "gill", minute(10, 1), minute(10, 0), minute(11, 0), minute(11, 0, ending=".pgm"))
    touch(folder / "fsim", minute(10, 0, "fsim_themis05"), minute(12, 0, "fsim_themis05"))
    return folder


def walk(archive: Path, *sites: str, start: date = START, end: date = END) -> list[CameraNight]:
    return list(camera_nights(archive, start, end, sites))


@pytest.mark.parametrize("above", ["", "..", "../.."])
def test_it_is_found_from_any_of_asilibs_folders(images: Path, above: str) -> None:
    assert find_archive((images / above).resolve()) == images


def test_its_camera_nights_are_known_from_the_names_of_its_files(images: Path) -> None:
    nights = walk(images)
    assert [str(night) for night in nights] == [
        "20140310 fsim_themis05",
        "20140310 gill_themis19",
        "20140311 gill_themis19",
        "20140312 fsim_themis05",
    ]
    assert [(night.site, night.device, night.folder, night.shares_site) for night in nights[:2]] == [
        ("fsim", "themis05", images / "fsim", False),
        ("gill", "themis19", images / "gill", False),
    ]
    assert [str(night) for night in walk(images, "gill", start=date(2014, 3, 11))] == ["20140311 gill_themis19"]
    assert walk(images, "atha") == []
    assert folder_in(images, nights[0]) == images / "fsim"


def test_the_sites_of_each_date_are_told(images: Path) -> None:
    there: set[str] = set()
    list(camera_nights(images, date(2014, 3, 12), END, ("gill",), on_sites=there.update))
    assert there == {"fsim"}


def test_minutes_are_listed_in_order_with_twins(images: Path) -> None:
    first, second = walk(images, "gill")
    listing = list_minute_files(first)
    assert [file.path.name for file in listing.minute_files] == [minute(10, 0), minute(10, 1)]
    assert (listing.file_count, listing.size_bytes, listing.problems) == (2, 14, [])
    (file,) = list_minute_files(second).minute_files
    assert (file.path.name, [twin.name for twin in file.twins]) == (minute(11, 0), [minute(11, 0, ending=".pgm")])


def test_the_fingerprint_is_that_of_its_own_date(images: Path) -> None:
    first, second = walk(images, "gill")
    before = [list_minute_files(night).fingerprint for night in (first, second)]
    touch(images / "gill", minute(11, 1))
    after = [list_minute_files(night).fingerprint for night in (first, second)]
    assert after[0] == before[0]
    assert after[1] != before[1]
    os.utime(images / "gill" / minute(10, 0), (0, 0))
    assert list_minute_files(first).fingerprint != before[0]


def test_two_cameras_of_a_site_share_it(images: Path) -> None:
    touch(images / "gill", minute(10, 0, "gill_themis07"), minute(12, 0, "gill_themis07"))
    nights = walk(images, "gill")
    assert [(str(night), night.shares_site) for night in nights] == [
        ("20140310 gill_themis07", True),
        ("20140310 gill_themis19", True),
        ("20140311 gill_themis19", False),
        ("20140312 gill_themis07", False),
    ]
    assert [file.path.name for file in list_minute_files(nights[0]).minute_files] == [minute(10, 0, "gill_themis07")]


def test_what_is_no_minute_is_skipped_and_counted_once(images: Path, caplog: pytest.LogCaptureFixture) -> None:
    touch(images / "gill", "20140310_06_gill_themis19_full-average.pgm.gz", *(f"{number}.txt" for number in range(4)))
    touch(images / "gill", "20140231_0600_gill_themis19_full.pgm.gz", "20140310_06_gill_themis19_dark.pgm.gz")
    touch(images / "gill", ".20140310_0602_gill_themis19_full.pgm.gz")
    (images / "gill" / "old").mkdir()
    (images / "not_a_site").mkdir()
    with caplog.at_level(logging.WARNING):
        nights = walk(images)
        assert sum(count_camera_nights(images, date(2014, 1, 1), END)) == 4
    assert len(nights) == 4
    assert [record.getMessage() for record in caplog.records] == [
        f"{images}/not_a_site: not the folder of a site, skipped",
        f"{images}/gill: skipped, by name no minute file: 8 files, 0.txt, 1.txt, 2.txt, ...",
    ]


def test_minutes_of_another_site_are_a_problem(images: Path) -> None:
    touch(images / "gill", minute(10, 5, "fsim_themis05"))
    problems: list[Problem] = []
    nights = list(camera_nights(images, START, END, on_problem=problems.append))
    assert len(nights) == 4
    (problem,) = problems
    assert problem.file == str(images / "gill")
    assert problem.reason == f"minutes of other sites are not read here: 1 file, {minute(10, 5, 'fsim_themis05')}"
    assert not list(camera_nights(images, START, START, ("atha",), on_problem=pytest.fail))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_site_that_cannot_be_listed_is_a_problem(images: Path) -> None:
    (images / "gill").chmod(0)
    problems: list[Problem] = []
    try:
        nights = list(camera_nights(images, START, END, on_problem=problems.append))
    finally:
        (images / "gill").chmod(0o755)
    assert [night.site for night in nights] == ["fsim", "fsim"]
    assert [problem.file for problem in problems] == [str(images / "gill")]


def test_a_site_that_cannot_be_listed_now_is_a_problem(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listdir = os.listdir

    def failing(folder: Path) -> list[str]:
        if Path(folder) == images / "gill":
            raise OSError(5, "Input/output error")
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", failing)
    problems: list[Problem] = []
    nights = list(camera_nights(images, START, END, on_problem=problems.append))
    assert [night.site for night in nights] == ["fsim", "fsim"]
    assert [problem.reason for problem in problems] == ["cannot list the folder: Input/output error"]


def test_a_site_that_has_gone_is_an_error_of_its_nights(images: Path) -> None:
    night, *_ = walk(images, "gill")
    shutil.rmtree(images / "gill")
    with pytest.raises(ArchiveError, match=r"cannot list .*gill: No such file"):
        list_minute_files(night)


def test_a_pipe_and_a_broken_link_are_problems(images: Path) -> None:
    os.mkfifo(images / "gill" / minute(10, 7))
    (images / "gill" / minute(10, 8)).symlink_to("nowhere")
    night, *_ = walk(images, "gill")
    listing = list_minute_files(night)
    assert len(listing.minute_files) == 2
    assert [(Path(problem.file).name, problem.may_pass) for problem in listing.problems] == [
        (minute(10, 7), False),
        (minute(10, 8), False),
    ]


def test_it_is_counted_as_it_is_walked(images: Path) -> None:
    for sites in ((), ("gill",), ("atha",)):
        for start, end in ((START, END), (date(2014, 3, 11), date(2014, 3, 11)), (END, END)):
            assert sum(count_camera_nights(images, start, end, sites)) == len(
                walk(images, *sites, start=start, end=end)
            )


class TestTwoArchives:
    def test_years_beside_sites_are_refused(self, images: Path) -> None:
        (images / "2014/03/10/gill_themis19").mkdir(parents=True)
        with pytest.raises(
            ArchiveError, match="holds years and minute files side by side in sites; name one of the two"
        ):
            find_archive(images)

    @pytest.mark.parametrize(("beside", "told"), [("2014", "years"), ("THEMIS_ASI_RAW", "THEMIS_ASI_RAW")])
    def test_another_archive_beside_asilibs_folders_is_refused(self, images: Path, beside: str, told: str) -> None:
        (images.parent / beside).mkdir()
        with pytest.raises(ArchiveError, match=f"holds {told} and minute files side by side in {images}; name one"):
            find_archive(images.parent)

    def test_a_folder_without_minutes_of_a_site_is_no_archive(self, tmp_path: Path) -> None:
        touch(tmp_path / "images/gill", "picture.png", minute(10, 0, "fsim_themis05"))
        touch(tmp_path / "2014/03/10/gill_themis19/ut06", minute(10, 0))
        assert find_archive(tmp_path) == tmp_path
        assert find_archive(tmp_path / "2014/03/10/gill_themis19") == tmp_path / "2014/03/10/gill_themis19"


class TestListedOnce:
    @pytest.fixture
    def listings(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        listings: list[str] = []
        listdir = os.listdir

        def counting(folder: Path) -> list[str]:
            listings.append(Path(folder).name)
            return listdir(folder)

        monkeypatch.setattr(os, "listdir", counting)
        return listings

    def test_a_folder_that_rests_is_listed_once_for_all_its_dates(self, images: Path, listings: list[str]) -> None:
        for site in ("gill", "fsim"):
            os.utime(images / site, (0, 0))
        for night in walk(images):
            list_minute_files(night)
        assert sum(count_camera_nights(images, START, END)) == 4
        assert sorted(listings) == ["fsim", "gill"]
        touch(images / "gill", minute(10, 9))
        assert len(list_minute_files(walk(images, "gill")[0]).minute_files) == 3

    def test_a_folder_that_has_just_changed_is_listed_again(self, images: Path, listings: list[str]) -> None:
        """Its time may not tell of a change within the same tick of the clock."""
        night, *_ = walk(images, "gill")
        status = (images / "gill").stat()
        touch(images / "gill", minute(10, 9))
        os.utime(images / "gill", ns=(status.st_atime_ns, status.st_mtime_ns))
        assert len(list_minute_files(night).minute_files) == 3


def test_a_hundred_thousand_names_take_seconds_and_little_memory(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = datetime(2010, 1, 1)
    names = [minute_name(first + timedelta(minutes=number)) for number in range(70 * 1440)]
    monkeypatch.setattr(os, "listdir", lambda folder: names)
    os.utime(images / "gill", (0, 0))
    started = time.process_time()
    assert len(walk(images, "gill", start=date(2010, 1, 1), end=date(2010, 12, 31))) == 70
    assert time.process_time() - started < 3
    kept = flat_archive._known[images / "gill"][1].names.values()
    assert sum(map(sys.getsizeof, kept)) < 45 * len(names)  # bytes
