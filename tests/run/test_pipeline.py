import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import weakref
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aurorapt
from aurorapt.archive.frames import Minute
from aurorapt.archive.night_listing import MinuteFile
from aurorapt.archive.packed_file import read_packed
from aurorapt.engine.engine import Engine
from aurorapt.errors import ArchiveError, OptionError, OutputFullError
from aurorapt.run.open_night import OpenNight
from aurorapt.run.options import RunOptions
from aurorapt.run.pipeline import classify
from aurorapt.run.run_summary import Summary
from tests.fake_camera import frame_bytes, frame_times, header, image, minute_frames, without, write_minute

CONFIDENCE_TOLERANCE = 1e-6  # float32 sums in batches of another size differ in their last digits


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three dates, one missing; two cameras, one of them on one date only; hours with odd numbers of frames."""
    stream0 = tmp_path_factory.mktemp("stream0")
    for minute in (datetime(2014, 3, 9, 23, 59), datetime(2014, 3, 11, 0, 0), datetime(2014, 3, 11, 5, 7)):
        write_minute(stream0, minute, 7)
    write_minute(stream0, datetime(2014, 3, 11, 0, 1), 3, ending=".pgm")
    write_minute(stream0, datetime(2014, 3, 11, 0, 1), 5, site="fsim", device="themis05")
    return stream0


def files(output: Path) -> dict[str, list[str]]:
    """Relative path of every CSV to its lines, less the one with the time of writing."""
    return {str(path.relative_to(output)): path.read_text().splitlines()[1:] for path in sorted(output.rglob("*.txt"))}


def companion(output: Path, name: str) -> dict[str, object]:
    (path,) = output.rglob(f"{name}_themis_classifications.json")
    return dict(json.loads(path.read_text()))


def classify_all(archive: Path, output: Path, weights_file: Path, **options: object) -> Summary:
    arguments = {"stream0": archive, "output": output, "weights": weights_file, "workers": 0} | options
    return classify("2014-03-08", "2014-03-12", **arguments)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def expected(archive: Path, weights_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Give what an undisturbed run writes."""
    output = tmp_path_factory.mktemp("expected")
    classify_all(archive, output, weights_file)
    return files(output)


def test_writes_one_csv_a_camera_night_with_every_frame_in_order(
    archive: Path, weights_file: Path, tmp_path: Path
) -> None:
    summary = classify_all(archive, tmp_path, weights_file)
    assert (summary.camera_nights, summary.written, summary.current, summary.failed) == (3, 3, 0, 0)
    assert (summary.frames, summary.rows, summary.problems) == (29, 29, 0)
    assert summary.redone == {}
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()], "no lock and nothing half written is left"
    assert summary.succeeded
    rows = aurorapt.read_rows(tmp_path / "2014/03/11/20140311_gill_themis_classifications.txt")
    times = [
        *frame_times(datetime(2014, 3, 11, 0, 0), 7),
        *frame_times(datetime(2014, 3, 11, 0, 1), 3),
        *frame_times(datetime(2014, 3, 11, 5, 7), 7),
    ]
    np.testing.assert_array_equal(rows["time"], np.array(times, "datetime64[s]"))


def test_rows_are_the_classifiers_answers(archive: Path, weights_file: Path, tmp_path: Path) -> None:
    minute = datetime(2014, 3, 9, 23, 59)
    classify_all(archive, tmp_path, weights_file)
    rows = aurorapt.read_rows(tmp_path / "2014/03/09/20140309_gill_themis_classifications.txt")
    pixels = [np.frombuffer(frame[-131072:], ">u2").reshape(256, 256) for frame in minute_frames(minute, 7)]
    classifier = aurorapt.Classifier(weights_file)
    probabilities = classifier.predict(np.stack(pixels).astype(np.uint16))
    assert len(set(rows["prediction"])) > 1, "the tiny network must tell frames apart"
    np.testing.assert_array_equal(rows["prediction"], probabilities.argmax(1))
    np.testing.assert_allclose(rows["confidence"], probabilities.max(1), rtol=0, atol=CONFIDENCE_TOLERANCE)
    assert [classifier.classes[number] for number in rows["prediction"]] == rows["prediction_str"].tolist()


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_change_nothing(
    archive: Path, weights_file: Path, tmp_path: Path, expected: dict[str, list[str]], workers: int
) -> None:
    classify_all(archive, tmp_path, weights_file, workers=workers)
    assert files(tmp_path) == expected


@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_batch_size_changes_nothing(
    archive: Path, weights_file: Path, tmp_path: Path, expected: dict[str, list[str]], batch_size: int
) -> None:
    classify_all(archive, tmp_path, weights_file, batch_size=batch_size)
    assert files(tmp_path) == expected


def test_current_nights_are_skipped_unread(
    archive: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classify_all(archive, tmp_path, weights_file)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}

    def refuse(*arguments: object) -> None:
        raise AssertionError("a minute file was read")

    monkeypatch.setattr("aurorapt.loader.dataset.read_minute", refuse)
    summary = classify_all(archive, tmp_path, weights_file)
    assert (summary.written, summary.current, summary.frames) == (0, 3, 0)
    assert summary.succeeded
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == before


def test_what_changed_is_redone(archive: Path, weights_file: Path, tmp_path: Path) -> None:
    stream0, output = tmp_path / "stream0", tmp_path / "output"
    shutil.copytree(archive, stream0)
    classify_all(stream0, output, weights_file)
    write_minute(stream0, datetime(2014, 3, 11, 6, 0), 2)
    summary = classify_all(stream0, output, weights_file)
    assert (summary.written, summary.current, summary.rows) == (1, 2, 19)
    assert summary.redone == {"data changed": 1}
    next(output.rglob("*fsim*.txt")).write_text("damaged")
    assert classify_all(stream0, output, weights_file).redone == {"damaged": 1}
    assert classify_all(stream0, output, weights_file, overwrite=True).redone == {"--overwrite": 3}


def test_other_weights_make_every_night_stale(archive: Path, weights_file: Path, tmp_path: Path) -> None:
    from aurorapt.weights.weights_file import write_weights
    from tests.tiny_network import tiny_weights

    classify_all(archive, tmp_path, weights_file)
    write_weights(tmp_path / "other.safetensors", tiny_weights(seed=1))
    summary = classify_all(archive, tmp_path, tmp_path / "other.safetensors")
    assert (summary.written, summary.redone) == (3, {"weights changed": 3})


def test_the_companion_says_how_the_csv_was_made(archive: Path, weights_file: Path, tmp_path: Path) -> None:
    classify_all(archive, tmp_path, weights_file)
    document = companion(tmp_path, "20140311_gill")
    assert document["aurorapt_version"] == aurorapt.__version__
    assert document["weights_name"] == "tiny"
    assert (document["input_files"], document["frames"], document["rows"], document["problems"]) == (3, 17, 17, [])
    assert document["precision"] == "fp32"
    counts = document["counts"]
    assert isinstance(counts, dict)
    assert sum(counts.values()) == 17
    assert list(counts) == document["classes"]


def test_one_bad_frame_or_file_costs_only_itself(weights_file: Path, tmp_path: Path) -> None:
    stream0, output = tmp_path / "stream0", tmp_path / "output"
    minute = datetime(2014, 3, 10, 6, 0)
    frames = minute_frames(minute)
    frames[4] = frame_bytes(without(header(frame_times(minute)[4]), "Image request start"), image(4))
    write_minute(stream0, minute, frames)
    truncated = write_minute(stream0, minute + timedelta(minutes=1))
    truncated.write_bytes(truncated.read_bytes()[:-1000])
    write_minute(stream0, minute + timedelta(minutes=2))
    summary = classify_all(stream0, output, weights_file)
    assert (summary.written, summary.rows, summary.problems) == (1, 39, 2)
    problems = companion(output, "20140310_gill")["problems"]
    assert isinstance(problems, list)
    assert [Path(problem["file"]).name for problem in problems] == [
        "20140310_0600_gill_themis19_full.pgm.gz",
        truncated.name,
    ]
    assert [problem["reason"][:15] for problem in problems] == ["frame 5 of 20: ", "cannot be read:"]


def test_a_night_without_frames_gets_a_header_row(weights_file: Path, tmp_path: Path) -> None:
    stream0, output = tmp_path / "stream0", tmp_path / "output"
    (stream0 / "2014/03/10/gill_themis19/ut06").mkdir(parents=True)
    summary = classify_all(stream0, output, weights_file)
    assert (summary.written, summary.rows) == (1, 0)
    ((_, lines),) = files(output).items()
    assert lines[-1] == "date,time,prediction,prediction_str,confidence"


def test_two_cameras_of_a_site_keep_their_own_files(weights_file: Path, tmp_path: Path) -> None:
    stream0, output = tmp_path / "stream0", tmp_path / "output"
    for device in ("themis19", "themis20"):
        write_minute(stream0, datetime(2014, 3, 10, 6, 0), 2, device=device)
    classify_all(stream0, output, weights_file)
    assert [Path(name).name for name in files(output)] == [
        "20140310_gill_themis19_classifications.txt",
        "20140310_gill_themis20_classifications.txt",
    ]


def test_nothing_found_is_no_success(weights_file: Path, tmp_path: Path) -> None:
    assert not classify_all(tmp_path, tmp_path, weights_file).succeeded


def test_a_night_that_cannot_be_written_fails_and_the_others_stand(
    archive: Path, weights_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "2014/03").mkdir(parents=True)
    (tmp_path / "2014/03/09").write_text("in the way")
    summary = classify_all(archive, tmp_path, weights_file)
    assert (summary.camera_nights, summary.written, summary.failed) == (3, 2, 1)
    assert not summary.succeeded


def test_a_csv_that_cannot_be_written_fails_its_night_only(archive: Path, weights_file: Path, tmp_path: Path) -> None:
    (tmp_path / "2014/03/09/20140309_gill_themis_classifications.txt").mkdir(parents=True)
    summary = classify_all(archive, tmp_path, weights_file)
    assert (summary.written, summary.failed) == (2, 1)


def test_a_full_disk_ends_the_run_and_leaves_the_old_results(
    archive: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classify_all(archive, tmp_path, weights_file)
    before = files(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputFullError, match="No space left on device"):
        classify_all(archive, tmp_path, weights_file, overwrite=True)
    assert files(tmp_path) == before
    assert list(tmp_path.rglob("*.tmp")) == []


def test_a_file_that_could_not_be_read_makes_its_night_stale(
    weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's size and time say nothing of it: what failed was the disk or a permission."""
    stream0, output = tmp_path / "stream0", tmp_path / "output"
    paths = [write_minute(stream0, datetime(2014, 3, 10, 6, minute), 2, ending=".pgm") for minute in range(2)]

    def out_of_reach(path: Path) -> bytes:
        if path == paths[1]:
            raise ArchiveError("cannot be read: Permission denied")
        return read_packed(path)

    with monkeypatch.context() as patch:
        patch.setattr("aurorapt.archive.minute_file.read_packed", out_of_reach)
        summary = classify_all(stream0, output, weights_file)
    assert (summary.written, summary.rows, summary.problems, summary.unread) == (1, 2, 1, 1)
    assert not summary.succeeded
    summary = classify_all(stream0, output, weights_file)
    assert (summary.written, summary.rows, summary.problems, summary.unread) == (1, 4, 0, 0)
    assert summary.succeeded
    assert classify_all(stream0, output, weights_file).current == 1


def test_a_camera_folder_that_goes_away_fails_its_night(
    weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream0, output = tmp_path / "stream0", tmp_path / "output"
    folder = write_minute(stream0, datetime(2014, 3, 10, 6, 0), 2).parent.parent
    monkeypatch.setattr(
        "aurorapt.loader.dataset.read_minute",
        lambda *_: folder.exists() and folder.rename(tmp_path / "gone") and Minute(),
    )
    summary = classify_all(stream0, output, weights_file)
    assert (summary.written, summary.failed) == (0, 1)
    assert files(output) == {}


def test_a_second_camera_of_a_site_replaces_the_results_under_the_short_name(
    weights_file: Path, tmp_path: Path
) -> None:
    stream0, output = tmp_path / "stream0", tmp_path / "output"
    write_minute(stream0, datetime(2014, 3, 10, 6, 0), 2)
    classify_all(stream0, output, weights_file)
    write_minute(stream0, datetime(2014, 3, 10, 6, 0), 2, device="themis20")
    classify_all(stream0, output, weights_file)
    assert len(files(output)) == 2
    assert all("themis_c" not in name for name in files(output))
    shutil.rmtree(stream0 / "2014/03/10/gill_themis20")
    classify_all(stream0, output, weights_file)
    assert [Path(name).name for name in files(output)] == [
        "20140310_gill_themis20_classifications.txt",
        "20140310_gill_themis_classifications.txt",
    ], "what stands for a camera whose data have gone is not ours to remove"


def test_a_current_night_needs_no_writable_folder(
    archive: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classify_all(archive, tmp_path, weights_file)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert classify_all(archive, tmp_path, weights_file).current == 3
    assert classify_all(archive, tmp_path, weights_file, overwrite=True).failed == 3


def test_one_site_may_be_a_string(archive: Path, weights_file: Path, tmp_path: Path) -> None:
    assert classify_all(archive, tmp_path, weights_file, sites="fsim").camera_nights == 1


@pytest.mark.parametrize(
    ("option", "value"), [("batch_size", "8"), ("workers", 1.5), ("threads", True), ("batch_size", 10**6)]
)
def test_numbers_that_are_none_are_refused(
    archive: Path, weights_file: Path, tmp_path: Path, option: str, value: object
) -> None:
    with pytest.raises(OptionError, match=f"--{option.replace('_', '-')} {value!r}"):
        classify_all(archive, tmp_path, weights_file, **{option: value})


def test_options_are_checked(archive: Path, weights_file: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--workers -1"):
        classify_all(archive, tmp_path, weights_file, workers=-1)


def start_run(stream0: Path, output: Path, weights_file: Path, log_file: Path) -> "subprocess.Popen[str]":
    """Start the command with one worker; where another run is at the last nights, it looks again often."""
    code = (
        "import aurorapt.cli.main, aurorapt.run.pipeline\n"
        "aurorapt.run.pipeline.LOOK_AGAIN_AFTER = 0.1\n"
        "aurorapt.cli.main.main()"
    )
    dates = ["2014-03-01", "2014-03-12"]
    options = ["--stream0", stream0, "--output", output, "--weights", weights_file, "--log-file", log_file]
    command = [sys.executable, "-c", code, "classify", *dates, *map(str, options), "--workers", "1", "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def write_twelve_nights(stream0: Path, minutes: int) -> None:
    """Write nights of forty pictures, which each night shows in another order, not packed: both take long otherwise."""
    for day in range(1, 13):
        for minute in range(minutes):
            times = frame_times(datetime(2014, 3, day, 6, minute))
            pictures = [image((3 * day + minute + number) % 40) for number in range(len(times))]
            frames = [frame_bytes(header(time), pixels) for time, pixels in zip(times, pictures, strict=True)]
            write_minute(stream0, datetime(2014, 3, day, 6, minute), frames, ending=".pgm")


def test_killed_and_started_again_equals_an_undisturbed_run(weights_file: Path, tmp_path: Path) -> None:
    stream0 = tmp_path / "stream0"
    write_twelve_nights(stream0, minutes=3)

    def start(name: str) -> "subprocess.Popen[str]":
        return start_run(stream0, tmp_path / name, weights_file, tmp_path / f"{name}.log")

    assert start("undisturbed").wait() == 0
    killed = start("killed")
    deadline = time.monotonic() + 300
    while len(files(tmp_path / "killed")) < 2 and time.monotonic() < deadline:
        time.sleep(0.002)
    killed.kill()
    killed.communicate(timeout=120)  # its output stays open for as long as a worker of it lives
    finished = files(tmp_path / "killed")
    assert 2 <= len(finished) < 12, "killed too late to be in mid-run"
    again = start("killed")
    summary = json.loads(again.communicate()[0])
    assert again.returncode == 0
    assert files(tmp_path / "killed") == files(tmp_path / "undisturbed")
    assert summary["current"] >= len(finished) - 1, "only a night between its CSV and its companion may be redone"
    assert summary["written"] + summary["current"] == 12


def test_salvaged_rows_are_marked_and_make_other_results(weights_file: Path, tmp_path: Path) -> None:
    stream0, output = tmp_path / "stream0", tmp_path / "output"
    minute = datetime(2014, 3, 10, 6, 0)
    write_minute(stream0, minute)
    truncated = write_minute(stream0, minute + timedelta(minutes=1))
    truncated.write_bytes(truncated.read_bytes()[: truncated.stat().st_size // 2])
    assert classify_all(stream0, output, weights_file).rows == 20
    assert companion(output, "20140310_gill")["salvaged_rows"] == []
    summary = classify_all(stream0, output, weights_file, salvage=True)
    assert summary.redone == {"--salvage changed": 1}
    document = companion(output, "20140310_gill")
    salvaged = document["salvaged_rows"]
    assert isinstance(salvaged, list)
    assert 5 < len(salvaged) < 15
    assert document["rows"] == 20 + len(salvaged) == summary.rows
    times = frame_times(minute + timedelta(minutes=1))[: len(salvaged)]
    assert salvaged == [f"{time:%Y-%m-%d %H:%M:%S}" for time in times]
    assert classify_all(stream0, output, weights_file, salvage=True).current == 1
    assert classify_all(stream0, output, weights_file).redone == {"--salvage changed": 1}


def test_two_runs_at_once_share_the_work(weights_file: Path, tmp_path: Path) -> None:
    stream0, output = tmp_path / "stream0", tmp_path / "output"
    write_twelve_nights(stream0, minutes=2)
    runs = [start_run(stream0, output, weights_file, tmp_path / f"{name}.log") for name in ("first", "second")]
    summaries = [json.loads(run.communicate(timeout=600)[0]) for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sum(summary["written"] for summary in summaries) == 12, "each night was done by one of them"
    for summary in summaries:
        assert summary["written"] + summary["current"] == 12, "each run ended when all nights were done"
        assert summary["redone"] == {}
    assert not list(output.rglob(".*"))
    assert classify("2014-03-01", "2014-03-12", stream0=stream0, output=output, weights=weights_file).current == 12


def test_a_night_in_the_hands_of_another_run_is_waited_for(
    archive: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "2014/03/11/.20140311_gill_themis19.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text('{"host": "another", "process": 1, "token": "other"}')
    looks = 0

    def look(seconds: float) -> None:
        nonlocal looks
        looks += 1
        assert len(files(tmp_path)) == 2, "all others are done and free by then"
        assert list(tmp_path.rglob(".*.lock")) == [lock]
        if looks == 3:
            lock.unlink()

    monkeypatch.setattr("aurorapt.run.pipeline.sleep", look)
    summary = classify_all(archive, tmp_path, weights_file)
    assert (looks, summary.camera_nights, summary.written, summary.current) == (3, 3, 3, 0)


def test_the_lock_of_a_run_that_was_killed_when_all_but_done_is_removed(
    archive: Path, weights_file: Path, tmp_path: Path
) -> None:
    classify_all(archive, tmp_path, weights_file)
    lock = tmp_path / "2014/03/11/.20140311_gill_themis19.lock"
    lock.write_text('{"host": "another", "process": 1, "token": "other"}')
    classify_all(archive, tmp_path, weights_file)
    assert lock.exists(), "that run may be alive"
    os.utime(lock, (0, 0))
    assert classify_all(archive, tmp_path, weights_file).current == 3
    assert not lock.exists()


def test_a_night_that_was_taken_over_is_left_to_the_other_run(
    archive: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(seconds: float) -> None:
        assert files(tmp_path) == {}
        monkeypatch.undo()

    monkeypatch.setattr("aurorapt.run.pipeline.sleep", look)
    monkeypatch.setattr("aurorapt.machine.locks.Lock.is_held", lambda lock: lock.path.unlink(missing_ok=True) or False)
    assert classify_all(archive, tmp_path, weights_file).written == 3


def test_a_lost_worker_changes_nothing(
    archive: Path,
    weights_file: Path,
    tmp_path: Path,
    expected: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = aurorapt.archive.frames.read_minute

    def die_once(minute_file: MinuteFile, *arguments: Any) -> Minute:
        with contextlib.suppress(FileExistsError):
            (tmp_path / f"{minute_file.path.name}.mark").touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)
        return read(minute_file, *arguments)

    monkeypatch.setattr("aurorapt.loader.dataset.read_minute", die_once)
    assert classify_all(archive, tmp_path / "output", weights_file, workers=2).problems == 0
    assert files(tmp_path / "output") == expected


def test_a_night_keeps_nothing_that_streams_allocated(
    weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small arrays that stay among a stream's large blocks for a night split them: 4 GB after 12 000 frames."""
    write_minute(tmp_path / "stream0", datetime(2014, 3, 10, 6, 0), 20)
    answers: list[weakref.ref[Any]] = []
    predict, write = Engine.predict, OpenNight.write
    still_there: list[int] = []

    def predict_and_follow(self: Engine, inputs: Any) -> Any:
        probabilities = predict(self, inputs)
        answers.append(weakref.ref(probabilities))
        return probabilities

    def count_and_write(self: OpenNight, options: RunOptions) -> Any:
        still_there.append(sum(answer() is not None for answer in answers))
        return write(self, options)

    monkeypatch.setattr(Engine, "predict", predict_and_follow)
    monkeypatch.setattr(OpenNight, "write", count_and_write)
    classify("2014-03-10", "2014-03-10", stream0=tmp_path / "stream0", output=tmp_path, weights=weights_file, workers=0)
    assert len(answers) == 2
    assert still_there == [0]
