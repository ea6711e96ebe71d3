"""The commands compare, events and summary as a user runs them."""

import csv
import json
from pathlib import Path

import pytest

from tests.command_line import aurorapt_here
from tests.science.example_nights import blocks, write_file, write_nights

ROWS = blocks("2020-02-18T06:00:00", (60, "no_aurora"), (90, "pulsating"), (60, "other_aurora"))


def test_events_writes_a_table_and_what_a_methods_section_needs(tmp_path: Path) -> None:
    write_nights(tmp_path / "in", "fsmi_themis", ROWS)
    result = aurorapt_here(
        "events", tmp_path / "in", "-o", tmp_path / "events.csv", "--close", "5m", "--min-duration", "90s"
    )
    assert result.returncode == 0
    assert "1 event of pulsating" in result.stdout
    with (tmp_path / "events.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert ",".join(row) == (
        "event_id,site,camera,start,end,duration_min,observed_min,frames,class,p_mean,raw_fraction,flicker,mlt_start,"
        "mlt_end,mlat,start_censored,end_censored,site_validated,quality,weights_sha256,model_id,network_p_mean"
    )
    assert (row["class"], row["start_censored"], row["network_p_mean"]) == ("pulsating", "false", "")
    document = json.loads((tmp_path / "events_methods.json").read_text())
    assert document["event_rule"]["close_s"] == 300
    assert document["event_rule"]["min_duration_s"] == 90
    assert document["hours_observed"] == {"all": 3.5, "fsmi": 3.5}


def test_events_as_json_and_smoothed_files(tmp_path: Path) -> None:
    (path,) = write_nights(tmp_path / "in", "fsmi_themis", ROWS)
    result = aurorapt_here("events", tmp_path / "in", "-o", tmp_path / "e.json", "--smooth", tmp_path / "smooth")
    assert result.returncode == 0
    (event,) = json.loads((tmp_path / "e.json").read_text())
    assert (event["class"], event["end_censored"], event["network_p_mean"]) == ("pulsating", False, None)
    assert (tmp_path / "smooth" / path.relative_to(tmp_path / "in")).exists()
    again = aurorapt_here("compare", tmp_path / "in", tmp_path / "smooth", "--json")
    assert json.loads(again.stdout)["brier"]["from"] == "probabilities"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--close", "ten"), "--close 'ten' is not a duration"),
        (("--min-duration", "25h"), "--min-duration '25h' is not a duration"),
        (("--format", "xml"), "--format 'xml' is unknown; give csv or json or parquet"),
        (("--model", "markov"), "--model 'markov' is unknown"),
        (("--class", "arc"), "--class 'arc' is none of these results"),
    ],
)
def test_events_refuses_what_it_cannot_do_in_one_line(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    write_nights(tmp_path / "in", "fsmi_themis", ROWS)
    result = aurorapt_here("events", tmp_path / "in", "-o", tmp_path / "events.csv", *options)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "events.csv").exists()


def test_a_damaged_file_is_named_and_the_exit_status_says_so(tmp_path: Path) -> None:
    write_nights(tmp_path / "in", "fsmi_themis", ROWS)
    (tmp_path / "in" / "20200219_fsmi_themis_classifications.txt").write_text("nonsense\n")
    for words in (("events", "-o", tmp_path / "e.csv"), ("summary", "-o", tmp_path / "s.csv")):
        result = aurorapt_here(words[0], tmp_path / "in", *words[1:])
        assert result.returncode == 1
        assert "not used: " in result.stderr
        assert Path(words[2]).exists()


def test_no_results_is_one_line(tmp_path: Path) -> None:
    for command in ("events", "summary"):
        result = aurorapt_here(command, tmp_path)
        assert result.returncode == 2
        assert "holds no results" in result.stderr


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        (ROWS, 0),
        (ROWS[::-1], 0),
        (ROWS[:-300], 1),
        ([row.replace("3,pulsating", "2,other_aurora") for row in ROWS], 1),
        (blocks("2020-02-18T06:00:01", (210, "pulsating")), 1),
    ],
)
def test_expected_agreement_decides_the_exit_status(tmp_path: Path, changed: list[str], status: int) -> None:
    one, other = write_file(tmp_path / "a.txt", ROWS), write_file(tmp_path / "b.txt", changed)
    assert aurorapt_here("compare", one, other).returncode == 0
    result = aurorapt_here("compare", one, other, "--expect-agreement", "0.999")
    assert result.returncode == status
    assert (result.stderr.count("\n") == 1) == (status == 1)


def test_compare_says_what_is_the_same_and_what_is_not(tmp_path: Path) -> None:
    one = write_file(tmp_path / "a.txt", ROWS)
    result = aurorapt_here("compare", one, one)
    assert "4200 rows in common, 0 only in the reference" in result.stdout
    assert "agreement 1.0000" in result.stdout
    shifted = aurorapt_here(
        "compare", one, write_file(tmp_path / "b.txt", blocks("2020-02-18T06:00:01", (210, "pulsating")))
    )
    assert "0 rows in common, 4200 only in the reference, 4200 only in what is judged" in shifted.stdout
    assert "times off by +1 s" in shifted.stdout


@pytest.mark.parametrize("per", ["minute", "hour", "night"])
def test_summary_writes_a_table(tmp_path: Path, per: str) -> None:
    write_nights(tmp_path / "in", "fsmi_themis", ROWS)
    result = aurorapt_here("summary", tmp_path / "in", "--per", per, "-o", tmp_path / "summary.csv")
    count = {"minute": 210, "hour": 4, "night": 1}[per]
    assert result.stdout == f"{count} row{'s' if count > 1 else ''} written to {tmp_path / 'summary.csv'}\n"
    with (tmp_path / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["observed"]) for row in rows) == len(ROWS)
