"""Downloads from a server on this machine that fails in every way."""

import errno
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aurorapt.archive import calgary_server
from aurorapt.archive import download as download_module
from aurorapt.archive.camera_nights import camera_nights, find_archive
from aurorapt.archive.download import DownloadSummary, archive_in, download
from aurorapt.archive.minute_file import fault_of
from aurorapt.archive.night_listing import list_minute_files
from aurorapt.errors import ArchiveError, DownloadError, OptionError, OutputFullError
from tests.archive.fake_server import FakeServer, serving

pytest.importorskip("pyucalgarysrs", reason="PyUCalgarySRS is not installed")

DAY = date(2014, 3, 10)
MINUTE = datetime(2014, 3, 10, 6, 0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(calgary_server, "WAITS", (0.01, 0.01, 0.01))
    with serving() as fake:
        yield fake


@pytest.fixture
def paths(server: FakeServer, tmp_path: Path) -> list[str]:
    """Four minutes of gill on the server."""
    return server.add_minutes(tmp_path / "server", MINUTE, 4)


def fetch(server: FakeServer, output: Path, **options: Any) -> DownloadSummary:
    days = options.pop("days", (DAY, DAY))
    return download(*days, output, server=server.url, **{"sites": ("gill",), **options})


def files_in(folder: Path) -> dict[str, bytes]:
    """Give all files below a folder, hidden ones too."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_lie_as_an_archive_has_them(server: FakeServer, paths: list[str], tmp_path: Path) -> None:
    summary = fetch(server, tmp_path / "data")
    assert (summary.files, summary.fetched, summary.present, summary.failed) == (4, 4, 0, 0)
    assert summary.bytes == sum(map(len, server.files.values()))
    assert files_in(tmp_path / "data/THEMIS_ASI_RAW") == server.files
    (night,) = camera_nights(find_archive(tmp_path / "data"), DAY, DAY)
    assert str(night) == "20140310 gill_themis19"
    assert len(list_minute_files(night).minute_files) == 4
    assert summary.archive == str(find_archive(tmp_path / "data"))


def test_what_is_whole_is_not_fetched_again(server: FakeServer, paths: list[str], tmp_path: Path) -> None:
    fetch(server, tmp_path / "data")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.gz")}
    summary = fetch(server, tmp_path / "data")
    assert (summary.fetched, summary.present, summary.bytes, summary.succeeded) == (0, 4, 0, True)
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("spoil", [lambda c: c[:-100], lambda c: b"", lambda c: c[:300] + bytes(99) + c[399:]])
def test_what_is_there_damaged_is_fetched_again(
    server: FakeServer, paths: list[str], tmp_path: Path, spoil: Any
) -> None:
    fetch(server, tmp_path / "data")
    spoiled = tmp_path / "data/THEMIS_ASI_RAW" / paths[1]
    spoiled.write_bytes(spoil(spoiled.read_bytes()))
    summary = fetch(server, tmp_path / "data")
    assert (summary.fetched, summary.replaced, summary.present) == (1, 1, 3)
    assert files_in(tmp_path / "data/THEMIS_ASI_RAW") == server.files


@pytest.mark.parametrize("fault", [500, 503, 429, "cut", "short", "spoiled", "unanswered"])
def test_what_may_pass_is_tried_again(server: FakeServer, paths: list[str], tmp_path: Path, fault: Any) -> None:
    listings = () if fault in ("short", "spoiled") else ("urls", "sites")
    server.faults = {name: [fault, fault, None] for name in (*paths, *listings)}
    summary = fetch(server, tmp_path / "data")
    assert (summary.fetched, summary.failed) == (4, 0)
    assert files_in(tmp_path / "data/THEMIS_ASI_RAW") == server.files
    assert server.asked[paths[0]] == 3


@pytest.mark.parametrize(
    ("fault", "reason", "tries"),
    [
        (500, "HTTP status 500", 4),
        (404, "HTTP status 404", 1),
        (403, "HTTP status 403", 1),
        ("html", "gives a page instead of the file", 1),
        ("spoiled", "gives is damaged: cannot be read", 4),
        ("cut", r"gave \d+ of \d+ bytes|connection to .* broke", 4),
        ("short", "gives is damaged: cannot be read", 4),
        ("unanswered", "connection to .* broke", 4),
    ],
)
def test_what_does_not_pass_costs_its_file_and_leaves_nothing_of_it(
    server: FakeServer, paths: list[str], tmp_path: Path, fault: Any, reason: str, tries: int
) -> None:
    server.faults = {paths[2]: [fault]}
    summary = fetch(server, tmp_path / "data")
    assert (summary.fetched, summary.failed, summary.succeeded) == (3, 1, False)
    assert files_in(tmp_path / "data/THEMIS_ASI_RAW") == {
        path: content for path, content in server.files.items() if path != paths[2]
    }
    (problem,) = summary.problems
    assert problem["file"].endswith(paths[2])
    assert re.search(reason, problem["reason"])
    assert server.asked[paths[2]] == tries
    server.faults = {}
    assert fetch(server, tmp_path / "data").fetched == 1


def test_a_file_without_a_length_is_taken_where_its_checksum_holds(
    server: FakeServer, paths: list[str], tmp_path: Path
) -> None:
    server.faults = {path: ["no length"] for path in paths}
    assert fetch(server, tmp_path / "data").fetched == 4
    assert files_in(tmp_path / "data/THEMIS_ASI_RAW") == server.files


def test_a_server_that_trickles_is_given_up(
    server: FakeServer, paths: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calgary_server, "FILE_WITHIN", 0.2)
    monkeypatch.setattr(calgary_server, "WAITS", (0.01,))
    server.faults = {paths[0]: ["slow"]}
    summary = fetch(server, tmp_path / "data")
    assert (summary.fetched, summary.failed) == (3, 1)
    assert "bytes in 0.2 s" in summary.problems[0]["reason"]


def test_a_server_that_fails_file_after_file_is_given_up(server: FakeServer, tmp_path: Path) -> None:
    paths = server.add_minutes(tmp_path / "server", MINUTE, 14)
    server.faults = {path: [404] for path in paths}
    with pytest.raises(DownloadError, match=r"^10 files in a row could not be had; the last: \S+gz: 127\S+ answers"):
        fetch(server, tmp_path / "data", parallel=1)
    assert files_in(tmp_path).keys() == {f"server/{path}" for path in paths}


def test_offline_is_one_line(tmp_path: Path, server: FakeServer) -> None:
    with pytest.raises(DownloadError, match=r"^cannot reach 127\.0\.0\.1:9; is this machine offline\?$"):
        download(DAY, DAY, tmp_path / "data", ("gill",), server="http://127.0.0.1:9")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("what", ["urls", "sites"])
@pytest.mark.parametrize(
    ("fault", "message"),
    [(500, "HTTP status 500"), (403, "HTTP status 403"), ("html", "an answer that makes no sense")],
)
def test_a_list_that_cannot_be_had_is_one_line(
    server: FakeServer, paths: list[str], tmp_path: Path, what: str, fault: Any, message: str
) -> None:
    server.faults = {what: [fault]}
    with pytest.raises(DownloadError, match=message) as error:
        fetch(server, tmp_path / "data")
    assert "\n" not in str(error.value)


def test_an_unknown_site_is_refused_with_those_there_are(server: FakeServer, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"^--site gil: 127.* has no THEMIS camera there; give fsim, gill$"):
        fetch(server, tmp_path / "data", sites=("gill", "gil"))


def test_dates_and_sites_are_those_asked_for(server: FakeServer, tmp_path: Path) -> None:
    for day in range(9, 13):
        for site in ("gill", "fsim"):
            server.add_minutes(tmp_path / "server", datetime(2014, 3, day, 23, 58), 2, site)
    days = (date(2014, 3, 10), date(2014, 3, 11))
    assert fetch(server, tmp_path / "one", days=days).files == 4
    assert fetch(server, tmp_path / "all", days=days, sites=()).files == 8
    assert fetch(server, tmp_path / "none", days=(date(2015, 1, 1), date(2015, 1, 2))).files == 0
    assert not (tmp_path / "none").exists()


def test_names_from_the_server_lead_nowhere_else(server: FakeServer, paths: list[str], tmp_path: Path) -> None:
    content = server.files[paths[0]]
    evil = "20140310_0600_gill_themis19_full.pgm.gz"
    for path in (f"../../{evil}", f"2014/03/10/../../../{evil}", f"2014/03/11/gill_themis19/ut06/{evil}x"):
        server.files[path] = content
    server.files["2014/03/10/gill_themis19/ut06/20140310_06_gill_themis19_full-average.pgm.gz"] = content
    assert fetch(server, tmp_path / "data").files == 4
    server.files = {f"elsewhere/{evil}": content}
    with pytest.raises(DownloadError, match="lists 1 file, none where an archive has minute files"):
        fetch(server, tmp_path / "data")


def test_no_more_at_once_than_asked_for(server: FakeServer, tmp_path: Path) -> None:
    paths = server.add_minutes(tmp_path / "server", MINUTE, 9)
    server.faults = {path: ["late"] for path in paths}
    assert fetch(server, tmp_path / "data", parallel=3).fetched == 9
    assert server.most_at_once == 3


class TestRoom:
    def test_a_day_that_will_not_fit_is_not_begun(
        self, server: FakeServer, paths: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room = shutil.disk_usage(tmp_path)._replace(free=download_module.RESERVE_BYTES + 4 * 2_000_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: room)
        with pytest.raises(OutputFullError, match=r"has room for 0\.0 GB, and 2014-03-10 takes 0\.0 GB; make room"):
            fetch(server, tmp_path / "data")
        assert not (tmp_path / "data").exists()

    def test_a_full_disk_is_no_fault_where_nothing_is_missing(
        self, server: FakeServer, paths: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fetch(server, tmp_path / "data")
        full = shutil.disk_usage(tmp_path)._replace(free=0)
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
        assert fetch(server, tmp_path / "data").present == 4
        assert fetch(server, tmp_path / "data", days=(date(2015, 1, 1), date(2015, 1, 1))).files == 0

    def test_a_disk_that_fills_meanwhile_is_one_line(
        self, server: FakeServer, paths: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage(tmp_path)
        looks = iter([usage, usage])
        full = usage._replace(free=0)
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: next(looks, full))
        with pytest.raises(OutputFullError, match=r"is full; make room, and the same command goes on$"):
            fetch(server, tmp_path / "data")
        monkeypatch.undo()
        assert len(files_in(tmp_path / "data")) == 1

    def test_a_write_that_fails_is_one_line_and_leaves_nothing(
        self, server: FakeServer, paths: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(contents: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(download_module, "write_whole", full)
        with pytest.raises(OutputFullError, match=r"cannot write .*: No space left on device; make room"):
            fetch(server, tmp_path / "data")

    def test_a_read_only_disk_is_one_line_without_advice_to_make_room(
        self, server: FakeServer, paths: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read_only(contents: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(download_module, "write_whole", read_only)
        with pytest.raises(OutputFullError, match=r"^cannot write .*: Read-only file system$"):
            fetch(server, tmp_path / "data")


class TestFolder:
    @pytest.mark.parametrize("place", ["data", "data/THEMIS_ASI_RAW/2014"])
    def test_a_file_in_the_place_of_a_folder_is_one_line(
        self, server: FakeServer, paths: list[str], tmp_path: Path, place: str
    ) -> None:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("")
        with pytest.raises(ArchiveError, match=f"^{tmp_path / place} is a file where a folder has to be; name another"):
            fetch(server, tmp_path / "data/THEMIS_ASI_RAW")
        assert not server.asked[paths[0]]

    def test_years_are_added_to_where_they_are(self, server: FakeServer, paths: list[str], tmp_path: Path) -> None:
        (tmp_path / "stream0/2013").mkdir(parents=True)
        fetch(server, tmp_path / "stream0")
        assert files_in(tmp_path / "stream0") == server.files
        assert archive_in(tmp_path / "data/THEMIS_ASI_RAW") == tmp_path / "data/THEMIS_ASI_RAW"

    def test_a_year_of_an_archive_is_refused(self, server: FakeServer, paths: list[str], tmp_path: Path) -> None:
        fetch(server, tmp_path / "2014")  # which only has such a name
        years = tmp_path / "2014/THEMIS_ASI_RAW"
        with pytest.raises(ArchiveError, match=f"2014 is a year of an archive; name the folder .*: {years}$"):
            fetch(server, years / "2014")
        assert files_in(years) == server.files

    def test_both_are_refused(self, server: FakeServer, tmp_path: Path) -> None:
        (tmp_path / "data/2013").mkdir(parents=True)
        (tmp_path / "data/THEMIS_ASI_RAW").mkdir()
        with pytest.raises(ArchiveError, match="name one of the two"):
            fetch(server, tmp_path / "data")

    def test_a_folder_in_a_files_place_costs_that_file(
        self, server: FakeServer, paths: list[str], tmp_path: Path
    ) -> None:
        (tmp_path / "data/THEMIS_ASI_RAW" / paths[0]).mkdir(parents=True)
        summary = fetch(server, tmp_path / "data")
        assert (summary.fetched, summary.failed) == (3, 1)
        assert summary.problems[0]["reason"].startswith("is there and cannot be read: "), "the file is named beside it"

    def test_asilibs_folder_is_refused(self, server: FakeServer, paths: list[str], tmp_path: Path) -> None:
        folder = tmp_path / "asilib-data/themis/images/gill"
        shutil.copytree((tmp_path / "server" / paths[0]).parent, folder)
        for above in folder.parents[:3]:
            with pytest.raises(ArchiveError, match="is asilib's, whose files lie otherwise; name another folder"):
                fetch(server, above)


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyucalgarysrs", None)
    with pytest.raises(OptionError, match=r"needs PyUCalgarySRS: pip install 'aurorapt\[download\]'"):
        download(DAY, DAY, tmp_path)


def test_what_is_written_when_the_run_ends_is_whole(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add_minutes(tmp_path / "server", MINUTE, 12)

    def stop_soon(day: date, share: float, summary: DownloadSummary) -> None:
        if summary.fetched == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path / "data", on_progress=stop_soon)
    found = files_in(tmp_path / "data/THEMIS_ASI_RAW")
    assert 2 <= len(found) < 12
    assert all(server.files[path] == content for path, content in found.items())
    for thread in threading.enumerate():
        if thread.daemon and "_work" in thread.name:
            thread.join(5)
    assert files_in(tmp_path / "data/THEMIS_ASI_RAW") == found


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.pgm", b"", "it is empty"),
        ("a.pgm.gz", b"", "it is empty"),
        ("a.pgm", b"P5\n256 256\n65535\n" + bytes(131072), ""),
        ("a.pgm", b"P5\n256 256\n65535\n" + bytes(131071), "it is cut short"),
        ("a.pgm", b"nothing of the kind", "it is cut short"),
        ("a.pgm.gz", b"<html>", "HTML in a .gz file"),
    ],
)
def test_faults_of_bytes(name: str, content: bytes, fault: str) -> None:
    assert fault_of(content, Path(name)) == fault


def test_progress_reaches_the_end_of_each_day(server: FakeServer, paths: list[str], tmp_path: Path) -> None:
    shown: list[tuple[date, float]] = []
    days = (DAY, DAY + timedelta(days=1))
    fetch(server, tmp_path / "data", days=days, on_progress=lambda day, share, summary: shown.append((day, share)))
    assert [share for day, share in shown if day == DAY] == [0.25, 0.5, 0.75, 1, 1]
    assert [share for day, share in shown if day != DAY] == [1]
