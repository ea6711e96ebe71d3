"""The command report as a user runs it."""

import os
from pathlib import Path

import pytest

from tests.cli.test_science import ROWS
from tests.command_line import aurorapt_here
from tests.science.example_nights import write_nights

pytest.importorskip("jinja2")
pytest.importorskip("plotly")


def test_a_page_is_written_and_said(tmp_path: Path) -> None:
    write_nights(tmp_path / "in", "fsmi_themis", ROWS)
    page = tmp_path / "new" / "report.html"
    result = aurorapt_here("report", tmp_path / "in", "-o", page)
    assert (
        result.stdout
        == f"1 camera-night, 1 of them new or changed; written {page} ({page.stat().st_size / 1e6:.1f} MB)\n"
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert page.read_text().startswith("<!doctype html>")
    assert "0 of them new" in aurorapt_here("report", tmp_path / "in", "-o", page).stdout


def test_a_damaged_file_is_named_and_the_exit_status_says_so(tmp_path: Path) -> None:
    write_nights(tmp_path / "in", "fsmi_themis", ROWS)
    (tmp_path / "in" / "20200219_fsmi_themis_classifications.txt").write_text("nonsense\n")
    for _ in range(2):
        result = aurorapt_here("report", tmp_path / "in", "-o", tmp_path / "report.html")
        assert result.returncode == 1
        assert result.stderr.startswith("aurorapt: not used: 20200219_fsmi_themis_classifications.txt: ")
        assert "2 camera-nights, " in result.stdout


def test_an_empty_folder_gives_a_page_that_says_so_and_an_exit_status_too(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    result = aurorapt_here("report", tmp_path / "in", "-o", tmp_path / "report.html")
    assert result.returncode == 1
    assert result.stderr == (
        f"aurorapt: {tmp_path / 'in'} holds no results; name a folder with files ..._classifications.txt\n"
    )
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("output", "page", "status", "message"),
    [
        ("nowhere", "report.html", 2, "nowhere is not there; name a classification file or a folder"),
        ("in", "in", 1, "in: something else than a file has that name"),
        ("in", "20200218_fsmi_themis_classifications.txt", 2, "has the name of a result"),
        ("in", "in/2020/02/18/20200218_fsmi_themis_classifications.txt/r.html", 1, "r.html: "),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    tmp_path: Path, output: str, page: str, status: int, message: str
) -> None:
    write_nights(tmp_path / "in", "fsmi_themis", ROWS)
    result = aurorapt_here("report", tmp_path / output, "-o", tmp_path / page)
    assert result.returncode == status
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_folder_whose_name_is_no_text_is_reported_too(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xffgill")
    write_nights(Path(folder), "fsmi_themis", ROWS)
    page = tmp_path / "report.html"
    result = aurorapt_here("report", folder, "-o", page)
    assert (result.returncode, result.stderr) == (0, "")
    assert "<title>\\udcffgill - aurorapt report</title>" in page.read_text()


def test_what_is_kept_beside_the_page_is_checked_before_the_work_begins(tmp_path: Path) -> None:
    write_nights(tmp_path / "in", "fsmi_themis", ROWS)
    (tmp_path / "report.html.cache").mkdir()
    result = aurorapt_here("report", tmp_path / "in", "-o", tmp_path / "report.html")
    assert result.returncode == 1
    assert result.stderr.endswith("report.html.cache: something else than a file has that name\n")
    assert not (tmp_path / "report.html").exists()


def test_a_part_of_an_archive_is_no_archive(tmp_path: Path) -> None:
    write_nights(tmp_path / "in", "fsmi_themis", ROWS)
    result = aurorapt_here("report", tmp_path / "in", "-o", tmp_path / "r.html", "--stream0", tmp_path / "nowhere")
    assert result.returncode == 2
    assert "--stream0" in result.stderr
    assert not (tmp_path / "r.html").exists()
