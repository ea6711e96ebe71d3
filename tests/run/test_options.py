"""Options in Python, as on the command line: what is taken, and what is refused and how."""

from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

import aurorapt
from aurorapt.errors import OptionError
from aurorapt.run.options import check_options, check_path, check_sites, parse_date
from tests.fake_camera import write_minute

DAY = date(2014, 3, 10)


@pytest.fixture
def stream0(tmp_path: Path) -> Path:
    write_minute(tmp_path / "stream0", datetime(2014, 3, 10, 6, 0), 1)
    return tmp_path / "stream0"


@pytest.mark.parametrize(
    "value",
    ["2014-03-10", "20140310", DAY, datetime(2014, 3, 10), datetime(2014, 3, 10, tzinfo=timezone.utc)],
)
def test_a_date_may_be_written_in_several_ways(value: str | date) -> None:
    assert parse_date(value, "START") == DAY
    assert type(parse_date(value, "START")) is date


@pytest.mark.parametrize(
    "value",
    [
        "2014-0310",
        "201403-10",
        "2014-3-10",
        "140310",
        "20140229",
        "\uff12\uff10140310",
        "2014-03-10T06",
        "",
        None,
        20140310,
    ],
)
def test_what_is_no_date_is_refused(value: str) -> None:
    with pytest.raises(OptionError, match=r"START .* is not a date"):
        parse_date(value, "START")


@pytest.mark.parametrize(
    "value",
    [
        datetime(2014, 3, 10, 6, 30),
        datetime(2014, 3, 10, 0, 0, 0, 1),
        datetime(2014, 3, 10, tzinfo=timezone(timedelta(hours=-6))),
    ],
)
def test_a_time_of_day_is_refused_not_dropped(value: datetime) -> None:
    with pytest.raises(OptionError, match="has a time of day; give a whole UT date, such as 2014-03-10"):
        parse_date(value, "END")


def test_the_home_folder_may_be_written_as_a_tilde(
    stream0: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "tiny.safetensors").write_bytes(weights_file.read_bytes())
    options = check_options(DAY, DAY, stream0="~/stream0", output="~/out", weights="~/tiny.safetensors")
    assert (options.archive, options.output) == (stream0, tmp_path / "out")
    monkeypatch.setenv("AURORAPT_STREAM0", "~/stream0")
    monkeypatch.setenv("AURORAPT_OUTPUT", "~/elsewhere")
    monkeypatch.setenv("AURORAPT_WEIGHTS", "~/tiny.safetensors")
    options = check_options(DAY, DAY)
    assert (options.archive, options.output) == (stream0, tmp_path / "elsewhere")
    assert options.weights.name == "tiny"
    assert aurorapt.Classifier("~/tiny.safetensors").classes == options.weights.classes


def test_the_home_folder_of_nobody_is_refused() -> None:
    with pytest.raises(OptionError, match="there is no such user"):
        check_path("--output", "~no_such_user_at_all/out")


def test_sites_are_taken_in_any_case_and_once() -> None:
    assert check_sites(["GILL", "gill", "Fsim"]) == ("gill", "fsim")
    assert check_sites("GILL") == ("gill",)


@pytest.mark.parametrize("part", ["2014", "2014/03", "2014/03/10", "2014/03/10/gill_themis19"])
def test_a_part_of_an_archive_gets_a_hint_which_folder_is_meant(stream0: Path, part: str) -> None:
    with pytest.raises(OptionError, match=f"lies inside an archive; name the folder that holds the years: {stream0}$"):
        check_options(DAY, DAY, stream0=stream0 / part)


def test_an_archive_that_is_called_like_a_year_is_one(tmp_path: Path, weights_file: Path) -> None:
    write_minute(tmp_path / "2014", datetime(2014, 3, 10, 6, 0), 1)
    assert check_options(DAY, DAY, stream0=tmp_path / "2014", weights=weights_file).archive == tmp_path / "2014"


def test_as_many_workers_as_processors_unless_said(stream0: Path, weights_file: Path) -> None:
    options = check_options(DAY, DAY, stream0=stream0, weights=weights_file)
    assert options.workers == options.threads


def test_a_site_that_is_not_there_is_an_error_in_python(stream0: Path, weights_file: Path, tmp_path: Path) -> None:
    options = {"stream0": stream0, "weights": weights_file, "output": tmp_path / "out", "workers": 0}
    with pytest.raises(OptionError, match="no camera folder of nope on these dates; sites there: gill"):
        aurorapt.classify(DAY, DAY, sites="nope", **options)
    summary = aurorapt.classify(DAY, DAY, sites=["nope", "gill"], **options)
    assert (summary.written, summary.sites_not_found, summary.sites_there) == (1, ["nope"], ["gill"])
