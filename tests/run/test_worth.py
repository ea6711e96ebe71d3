"""Results of higher worth are never replaced by results of lower worth, and nothing that may pass is final."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aurorapt
from aurorapt.archive import packed_file
from aurorapt.archive.minute_file import read_packed
from aurorapt.errors import ArchiveError, ResultsError
from aurorapt.results.companion import companion_path
from aurorapt.results.verify import verify
from aurorapt.run.pipeline import classify
from aurorapt.run.run_summary import Summary
from aurorapt.weights.weights_file import Weights, read_weights, write_weights
from tests.fake_camera import frame_bytes, header, image, write_minute
from tests.tiny_network import tiny_weights

MINUTE = datetime(2014, 3, 10, 6, 0)
NAME = "2014/03/10/20140310_gill_themis_classifications.txt"
UNPACK = packed_file.unpack


def run(stream0: Path, output: Path, weights: Path, **options: Any) -> Summary:
    return classify("2014-03-10", "2014-03-10", stream0=stream0, output=output, weights=weights, workers=0, **options)


@pytest.fixture
def stream0(tmp_path: Path) -> Path:
    for minute in range(2):
        write_minute(tmp_path / "stream0", MINUTE.replace(minute=minute), 3)
    return tmp_path / "stream0"


@pytest.fixture
def simulated(tmp_path: Path) -> Path:
    path = tmp_path / "other.safetensors"
    write_weights(path, replace(tiny_weights(1), name="other", kind="simulated"))
    return path


def unreadable(path: Path) -> bytes:
    if "_0601_" in path.name:
        raise ArchiveError("cannot be read: Input/output error")
    return read_packed(path)


@pytest.mark.filterwarnings("ignore:these weights were trained on simulated frames")
class TestSimulatedWeights:
    def test_do_not_replace_what_converted_ones_made(
        self, stream0: Path, weights_file: Path, simulated: Path, tmp_path: Path
    ) -> None:
        run(stream0, tmp_path, weights_file)
        before = (tmp_path / NAME).read_bytes()
        summary = run(stream0, tmp_path, simulated)
        assert (summary.failed, summary.written) == (1, 0)
        assert not summary.succeeded
        ((reason, count),) = summary.kept.items()
        assert count == 1
        for part in ("converted weights tiny", "simulated weights other", "--weights", "--overwrite"):
            assert part in reason
        assert (tmp_path / NAME).read_bytes() == before
        assert run(stream0, tmp_path, simulated, overwrite=True).written == 1
        assert (tmp_path / NAME).read_bytes() != before

    @pytest.mark.parametrize("folder", ["gill_themis", "gill_themis12"])
    def test_do_not_replace_those_of_another_folder_of_the_site(
        self, stream0: Path, weights_file: Path, simulated: Path, tmp_path: Path, folder: str
    ) -> None:
        run(stream0, tmp_path, weights_file)
        before = (tmp_path / NAME).read_bytes()
        camera = stream0 / "2014/03/10/gill_themis19"
        camera.rename(camera.with_name(folder))
        assert run(stream0, tmp_path, simulated).failed == 1
        assert (tmp_path / NAME).read_bytes() == before

    def test_do_not_replace_a_companion_that_cannot_be_read(
        self, stream0: Path, weights_file: Path, simulated: Path, tmp_path: Path
    ) -> None:
        run(stream0, tmp_path, weights_file)
        (tmp_path / NAME).unlink()
        companion_path(tmp_path / NAME).write_text("{")
        assert run(stream0, tmp_path, simulated).failed == 1

    def test_are_replaced_by_others(self, stream0: Path, weights_file: Path, simulated: Path, tmp_path: Path) -> None:
        run(stream0, tmp_path, simulated)
        assert run(stream0, tmp_path, weights_file).redone == {"weights changed": 1}

    def test_do_not_replace_a_file_that_may_be_the_originals(
        self, stream0: Path, simulated: Path, tmp_path: Path
    ) -> None:
        run(stream0, tmp_path, simulated)
        companion_path(tmp_path / NAME).unlink()
        assert run(stream0, tmp_path, simulated).failed == 1

    def test_do_not_replace_a_result_under_the_other_name(
        self, stream0: Path, weights_file: Path, simulated: Path, tmp_path: Path
    ) -> None:
        run(stream0, tmp_path, weights_file)
        write_minute(stream0, MINUTE, 3, device="themis07")
        summary = run(stream0, tmp_path, simulated)
        assert (summary.written, summary.failed) == (1, 1)
        assert (tmp_path / NAME).exists()


def test_python_callers_are_told_of_simulated_weights(stream0: Path, simulated: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="trained on simulated frames"):
        summary = run(stream0, tmp_path, simulated)
    assert (summary.weights_name, summary.weights_kind) == ("other", "simulated")


def test_converting_again_makes_nothing_stale(stream0: Path, weights_file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    write_weights(again, replace(tiny_weights(), provenance={"date": "another"}, name="renamed"))
    assert read_weights(again).sha256 != read_weights(weights_file).sha256
    run(stream0, tmp_path, weights_file)
    assert run(stream0, tmp_path, again).current == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: replace(weights, classes=("a", "b", "c", "d")),
        lambda weights: replace(weights, elevation_mask=np.zeros((256, 256), np.uint8)),
        lambda weights: replace(weights, tensors={**weights.tensors, "dense/bias": np.ones(4, np.float32)}),
        lambda weights: tiny_weights(1),
    ],
)
def test_weights_that_compute_something_else_have_another_identity(change: Callable[[Weights], Weights]) -> None:
    assert change(tiny_weights()).identity != tiny_weights().identity


def test_results_of_version_0_1_stay_current(stream0: Path, weights_file: Path, tmp_path: Path) -> None:
    run(stream0, tmp_path, weights_file)
    path = companion_path(tmp_path / NAME)
    document = json.loads(path.read_text())
    del document["weights_identity"]
    document["format"] = 1
    document["problems"] = [{"file": "f", "reason": "r", "may_pass": False}]
    path.write_text(json.dumps(document))
    assert run(stream0, tmp_path, weights_file).current == 1
    path.write_text(json.dumps(document | {"weights_sha256": "another"}))
    assert run(stream0, tmp_path, weights_file).redone == {"weights changed": 1}


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "Input/output error"), RuntimeError("who knows")])
def test_what_is_not_understood_is_not_final(
    stream0: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(packed: bytes, path: Path) -> tuple[bytes, str]:
        if "_0601_" in path.name:
            raise error
        return UNPACK(packed, path)

    with monkeypatch.context() as patch:
        patch.setattr("aurorapt.archive.minute_file.unpack", fail)
        summary = run(stream0, tmp_path, weights_file)
    assert (summary.rows, summary.problems, summary.unread, summary.succeeded) == (3, 1, 1, False)
    summary = run(stream0, tmp_path, weights_file)
    assert (summary.rows, summary.redone, summary.succeeded) == (6, {"files that could not be read": 1}, True)


def test_after_something_unexpected_the_twin_is_tried(
    stream0: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_minute(stream0, MINUTE, 3, ending=".pgm")

    def fail(packed: bytes, path: Path) -> tuple[bytes, str]:
        if path.suffix == ".gz" and "_0600_" in path.name:
            raise MemoryError
        return UNPACK(packed, path)

    monkeypatch.setattr("aurorapt.archive.minute_file.unpack", fail)
    assert run(stream0, tmp_path, weights_file).rows == 6


def test_a_night_none_of_whose_files_could_be_read_is_failed(
    stream0: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next(stream0.rglob("*_0600_*")).unlink()
    monkeypatch.setattr("aurorapt.archive.minute_file.read_packed", unreadable)
    summary = run(stream0, tmp_path, weights_file)
    assert (summary.failed, summary.written, summary.unread) == (1, 0, 1)
    assert not (tmp_path / NAME).exists()


def test_a_result_with_more_rows_stays_while_files_cannot_be_read(
    stream0: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(stream0, tmp_path, weights_file)
    before = (tmp_path / NAME).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("aurorapt.archive.minute_file.read_packed", unreadable)
        summary = run(stream0, tmp_path, weights_file, overwrite=True)
    assert (summary.failed, list(summary.kept.values())) == (1, [1])
    assert (tmp_path / NAME).read_bytes() == before
    assert run(stream0, tmp_path, weights_file).current == 1


def test_a_night_for_which_the_network_gives_nothing_is_failed(stream0: Path, tmp_path: Path) -> None:
    weights = tiny_weights()
    huge = {"dense/weight": np.full_like(weights.tensors["dense/weight"], 3e38)}
    path = tmp_path / "huge.safetensors"
    write_weights(path, replace(weights, tensors={**weights.tensors, **huge}))
    summary = run(stream0, tmp_path, path)
    assert (summary.failed, summary.written) == (1, 0)


@pytest.mark.parametrize(("ending", "other_ending"), [(".txt", ".json"), (".json", ".txt")])
def test_a_folder_where_a_file_belongs_is_found_before_the_night_is_classified(
    stream0: Path, weights_file: Path, tmp_path: Path, ending: str, other_ending: str
) -> None:
    run(stream0, tmp_path, weights_file)
    path, other = (tmp_path / NAME).with_suffix(ending), (tmp_path / NAME).with_suffix(other_ending)
    path.unlink()
    path.mkdir()
    before = other.read_bytes()
    summary = run(stream0, tmp_path, weights_file)
    assert (summary.failed, summary.frames) == (1, 0)
    assert other.read_bytes() == before


def test_a_companion_that_is_a_pipe_hangs_nothing(stream0: Path, weights_file: Path, tmp_path: Path) -> None:
    run(stream0, tmp_path, weights_file)
    companion_path(tmp_path / NAME).unlink()
    os.mkfifo(companion_path(tmp_path / NAME))
    assert run(stream0, tmp_path, weights_file).failed == 1


def test_frames_that_share_a_second_are_one_counted_problem_a_file(weights_file: Path, tmp_path: Path) -> None:
    times = [MINUTE.replace(second=second, microsecond=part) for second in range(5) for part in (0, 1000)]
    frames = [frame_bytes(header(time), image(number)) for number, time in enumerate(times)]
    write_minute(tmp_path / "stream0", MINUTE, frames)
    summary = run(tmp_path / "stream0", tmp_path, weights_file)
    assert (summary.rows, summary.problems) == (5, 1)
    (problem,) = json.loads(companion_path(tmp_path / NAME).read_text())["problems"]
    assert problem["count"] == 5
    assert problem["reason"].startswith("5 frames without a row")
    write_minute(tmp_path / "alone", MINUTE, frames[1::2])
    run(tmp_path / "alone", tmp_path / "other", weights_file)
    rows, last = (aurorapt.read_rows(folder / NAME) for folder in (tmp_path, tmp_path / "other"))
    np.testing.assert_array_equal(rows, last)


def test_a_current_night_one_of_whose_folders_cannot_be_listed_is_not_done(
    stream0: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "output"
    run(stream0, output, weights_file)
    later = write_minute(stream0, MINUTE.replace(hour=7), 3).parent
    scandir = os.scandir

    def failing(folder: Any) -> Any:
        if str(folder) == str(later):
            raise OSError(5, "Input/output error")
        return scandir(folder)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", failing)
        summary = run(stream0, output, weights_file)
        assert (summary.current, summary.unread, summary.succeeded) == (0, 1, False)
        assert [fault.kind for fault in verify(output, stream0).faults] == ["stale"]
    assert run(stream0, output, weights_file).rows == 9


def test_what_another_name_left_is_removed_by_the_next_run(
    stream0: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(stream0, tmp_path, weights_file)
    write_minute(stream0, MINUTE, 3, device="themis07")

    def fail(*_: object) -> None:
        raise ResultsError("cannot remove: Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("aurorapt.results.classifications.remove_superseded", fail)
        assert run(stream0, tmp_path, weights_file).failed == 2
    assert any("has another result" in fault.reason for fault in verify(tmp_path).faults)
    assert run(stream0, tmp_path, weights_file).current == 2
    assert not (tmp_path / NAME).exists()
    assert verify(tmp_path, stream0).faults == []


def test_a_better_result_under_the_other_name_stays_while_files_cannot_be_read(
    stream0: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(stream0, tmp_path, weights_file)
    write_minute(stream0, MINUTE, 3, device="themis07")
    monkeypatch.setattr("aurorapt.archive.minute_file.read_packed", unreadable)
    summary = run(stream0, tmp_path, weights_file)
    assert (summary.written, summary.failed) == (1, 1)
    assert len(aurorapt.read_classifications(tmp_path / NAME)) == 6


def test_a_renamed_camera_folder_is_done_anew(stream0: Path, weights_file: Path, tmp_path: Path) -> None:
    run(stream0, tmp_path, weights_file)
    camera = stream0 / "2014/03/10/gill_themis19"
    camera.rename(camera.with_name("gill_themis"))
    assert run(stream0, tmp_path, weights_file).redone == {"camera folder changed": 1}
    assert verify(tmp_path, stream0).faults == []


def test_both_files_or_none_are_replaced(
    stream0: Path, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(stream0, tmp_path, weights_file)
    paths = [tmp_path / NAME, companion_path(tmp_path / NAME)]
    before = [path.read_bytes() for path in paths]
    replace_file = Path.replace

    def failing(path: Path, target: Path) -> Path:
        if target.suffix == ".json":
            raise OSError(5, "Input/output error")
        return replace_file(path, target)

    monkeypatch.setattr(Path, "replace", failing)
    assert run(stream0, tmp_path, weights_file, overwrite=True).failed == 1
    assert [path.read_bytes() for path in paths] == before
