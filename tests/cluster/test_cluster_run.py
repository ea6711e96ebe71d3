import errno
import json
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aurorapt.archive.camera_nights import CameraNight
from aurorapt.archive.frames import Minute
from aurorapt.cluster import worker
from aurorapt.cluster.admission import versions
from aurorapt.cluster.scheduler import _ClusterRun, run_on_cluster
from aurorapt.cluster.staff import Staff
from aurorapt.errors import AuroraptError, OutputFullError
from aurorapt.machine.locks import Locks
from aurorapt.machine.whole_files import WriteError
from aurorapt.run.options import RunOptions
from aurorapt.run.pending_nights import lock_path
from aurorapt.run.pipeline import classify
from aurorapt.run.run_summary import Summary
from tests.cluster.conftest import csv_files, left_behind, options_of

NIGHTS = 8


@pytest.fixture
def options(stream0: Path, tmp_path: Path, weights_file: Path) -> RunOptions:
    given: RunOptions = options_of(stream0, tmp_path / "output", weights_file)
    return given


def run(options: RunOptions, scheduler: str) -> Summary:
    summary = Summary(options.weights.name, options.weights.kind)
    run_on_cluster(options, scheduler, summary, quiet=True)
    assert not left_behind(options.output)
    return summary


def test_a_cluster_writes_what_a_plain_run_writes_and_sums_it_up_alike(
    options: RunOptions, scheduler: str, stream0: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    summary = run(options, scheduler)
    assert csv_files(options.output) == expected
    plain = classify(options.start, options.end, stream0=stream0, output=tmp_path / "plain", workers=0)
    for name in ("camera_nights", "written", "current", "failed", "frames", "rows", "problems", "unread", "redone"):
        assert getattr(summary, name) == getattr(plain, name), name
    assert summary.camera_nights == summary.written == NIGHTS
    assert summary.problems == 1
    assert summary.seconds > 0
    assert summary.frames_per_second == pytest.approx(summary.frames / summary.seconds, abs=0.02)


def test_local_and_cluster_runs_leave_each_others_results_alone(
    options: RunOptions, scheduler: str, stream0: Path, weights_file: Path
) -> None:
    classify("2014-03-01", "2014-03-10", stream0=stream0, output=options.output, weights=weights_file, workers=0)
    summary = run(options, scheduler)
    assert (summary.written, summary.current) == (4, 4)
    again = classify(options.start, options.end, stream0=stream0, output=options.output, weights=weights_file)
    assert (again.written, again.current) == (0, NIGHTS)


def test_relative_paths_are_those_of_the_user(
    stream0: Path, tmp_path: Path, weights_file: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = options_of(Path(os.path.relpath(stream0)), Path("output"), weights_file)
    assert run(options, scheduler).written == NIGHTS
    document = json.loads(next((tmp_path / "output").rglob("20140310_gill*.json")).read_text())
    assert document["problems"][0]["file"].startswith("/"), "what another machine understands"


def test_the_log_has_the_lines_of_a_plain_run(
    options: RunOptions, scheduler: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "aurorapt"):
        run(options, scheduler)
    messages = [record.getMessage() for record in caplog.records]
    assert sum(": written " in message for message in messages) == NIGHTS
    (problem,) = (message for message in messages if "problem: " in message)
    assert "20140310_0601_gill_themis19_full.pgm.gz" in problem


def test_camera_nights_are_given_out_through_a_window(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, only so many are known to Dask."""
    monkeypatch.setattr("aurorapt.cluster.scheduler.window", lambda threads: 3)
    most = 0
    receive = _ClusterRun.receive

    def count(self: Any) -> None:
        nonlocal most
        most = max(most, len(self.given))
        receive(self)

    monkeypatch.setattr(_ClusterRun, "receive", count)
    assert run(options, scheduler).written == NIGHTS
    assert most == 3


def test_another_version_is_refused_before_anything_is_written(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = iter([{**versions(), "torch": "1.0"}])
    monkeypatch.setattr("aurorapt.cluster.admission.versions", lambda: next(own, versions()))
    with pytest.raises(
        AuroraptError, match=r"^worker \S+ \(process \d+\) has torch \S+, and this machine 1\.0; "
    ) as caught:
        run(options, scheduler)
    assert "(and 1 more, see the log)" in str(caught.value)
    assert not csv_files(options.output)
    assert not left_behind(options.output)


def test_damaged_weights_are_refused(options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = worker.Assignment
    monkeypatch.setattr(
        "aurorapt.cluster.scheduler.Assignment", lambda run, options, identity, probe: made(run, options, "0", probe)
    )
    with pytest.raises(AuroraptError, match="weights that have arrived damaged"):
        run(options, scheduler)


def test_an_unexpected_error_costs_one_camera_night(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from aurorapt.run.open_night import OpenNight

    write = OpenNight.write

    def fail(self: OpenNight, options: RunOptions) -> object:
        if str(self.night) == "20140311 gill_themis19":
            raise ZeroDivisionError("a fault nobody foresaw")
        return write(self, options)

    monkeypatch.setattr(OpenNight, "write", fail)
    summary = run(options, scheduler)
    assert (summary.written, summary.failed, summary.succeeded) == (NIGHTS - 1, 1, False)
    (line,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert line.getMessage().startswith("20140311 gill_themis19: failed: unexpected error on ")


def test_a_full_disk_ends_the_run(options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(contents: object) -> None:
        raise WriteError(errno.ENOSPC, "No space left on device", "a file")

    monkeypatch.setattr("aurorapt.results.classifications.write_whole", refuse)
    with pytest.raises(OutputFullError, match="No space left"):
        run(options, scheduler)
    assert not csv_files(options.output)
    assert not left_behind(options.output)


def test_a_stalled_file_is_given_up_in_a_thread_too(
    stream0: Path, tmp_path: Path, weights_file: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aurorapt.loader import dataset

    read = dataset.read_minute

    def stall(minute_file: Any, *arguments: Any) -> Minute:
        if "20140309_0600_gill" in minute_file.path.name:
            time.sleep(5)
        return read(minute_file, *arguments)

    monkeypatch.setattr(dataset, "read_minute", stall)
    summary = run(options_of(stream0, tmp_path / "output", weights_file, file_timeout=1), scheduler)
    assert (summary.written, summary.unread, summary.problems) == (NIGHTS, 1, 2)
    document = json.loads(next((tmp_path / "output").rglob("20140309_gill*.json")).read_text())
    assert document["problems"][0]["reason"] == "not read within 2 s"


def test_what_another_run_is_at_is_waited_for(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("aurorapt.cluster.scheduler.LOOK_AGAIN_AFTER", 0.2)
    night = CameraNight(options.start.replace(day=9), "gill", "themis19", options.archive / "2014/03/09/gill_themis19")
    path = lock_path(options.output, night)
    path.parent.mkdir(parents=True)
    others = Locks()
    assert others.acquire(path)
    threading.Timer(1.5, others.close).start()
    assert run(options, scheduler).written == NIGHTS
    assert "waiting for another run, which is at 20140309 gill_themis19" in capsys.readouterr().err


def test_a_lock_of_a_process_of_this_run_that_died_is_taken_over_at_once_and_the_third_time_fails(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Locks as processes on another host left them, which nothing but the name of the run shows to be dead."""
    name = "0123456789abcdef"
    monkeypatch.setattr("aurorapt.cluster.scheduler.run_name", lambda: name)
    for day, deaths in ((9, 0), (10, 1), (11, 2)):
        folder = options.archive / f"2014/03/{day:02}/gill_themis19"
        path = lock_path(options.output, CameraNight(options.start.replace(day=day), "gill", "themis19", folder))
        path.parent.mkdir(parents=True)
        signature = {"host": "elsewhere 1 2", "machine": "m", "process": 1, "token": "t", "run": name, "deaths": deaths}
        path.write_text(json.dumps(signature))
    summary = run(options, scheduler)
    assert (summary.written, summary.failed) == (NIGHTS - 1, 1)
    (error,) = (record.getMessage() for record in caplog.records if record.levelno == logging.ERROR)
    assert error.startswith("20140311 gill_themis19: failed: 3 worker processes died at it")


def test_a_worker_that_cannot_work_is_refused_before_work_begins(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aurorapt.engine.engine.has_bfloat16", lambda: False)
    with pytest.raises(AuroraptError, match=r"cannot work for this run: --precision bf16: this processor does not"):
        run(replace(options, precision="bf16"), scheduler)


def test_a_worker_that_is_refused_later_gets_nothing_and_the_others_do_it_all(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first worker is admitted alone; the second one, found when the first has forgotten the run, is refused."""
    answers = iter([None, "sees another archive", None])
    calls.clear()
    monkeypatch.setattr("aurorapt.cluster.staff.assign", note_assignment)
    attempt, why_refused, count = worker._attempt, worker._why_refused, Staff.count

    def count_one_at_first(self: Any) -> None:
        count(self)
        if not calls["assign"]:
            self._threads = dict([min(self._threads.items())])

    def forget_once(duty: Any, night: CameraNight, summary: Summary) -> tuple[str, str]:
        calls["attempt"] += 1
        if calls["attempt"] == 1:
            worker._duties.clear()
        return attempt(duty, night, summary)

    def answer(assignment: worker.Assignment) -> str | None:
        return next(answers, None) or why_refused(assignment)

    monkeypatch.setattr(Staff, "count", count_one_at_first)
    monkeypatch.setattr(worker, "_attempt", forget_once)
    monkeypatch.setattr(worker, "_why_refused", answer)
    assert run(options, scheduler).written == NIGHTS
    assert any(record.getMessage().endswith(" sees another archive") for record in caplog.records)


def test_what_only_workers_may_do_that_have_gone_is_given_to_others(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = iter([["tcp://127.0.0.1:9"]])
    looks = iter(range(200))

    def receive(self: Any, look: Callable[[Any], None] = _ClusterRun.receive) -> None:
        assert next(looks, None) is not None, "it waits for ever"
        look(self)

    monkeypatch.setattr(Staff, "permitted", lambda self: next(gone, None))
    monkeypatch.setattr("aurorapt.cluster.scheduler.LOOK_EVERY", 0.05)
    monkeypatch.setattr(_ClusterRun, "receive", receive)
    assert run(options, scheduler).written == NIGHTS


def test_no_worker_left_that_can_work_is_one_line(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Any) -> None:
        self.count()
        self.refused = dict.fromkeys(self._threads, "elsewhere (process 1) sees another archive")

    monkeypatch.setattr(Staff, "take_on", refuse)
    monkeypatch.setattr(Staff, "refuse_all_or_none", lambda self: None)
    with pytest.raises(AuroraptError, match=r"no worker is left that can work .*: elsewhere \(process 1\) sees"):
        run(options, scheduler)


# what Dask is given is pickled: what it is to note stands here, and not within a test
calls: Counter[str] = Counter()


async def note_assignment(assignment: worker.Assignment) -> worker.Answer:
    calls["assign"] += 1
    return await worker.assign(assignment)


def lose_some(run: str, night: CameraNight) -> worker.Outcome:
    """Fail as Dask does where workers die: each night of one site once, one of them for ever."""
    calls[str(night)] += 1
    if night.site == "gill" and (night.date.day == 9 or calls[str(night)] == 1):
        raise RuntimeError("lost")
    return worker.classify_on_worker(run, night)


def lose_all(run: str, night: CameraNight) -> worker.Outcome:
    raise RuntimeError("lost")


def test_a_worker_that_has_forgotten_the_run_is_told_again(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that joins late, or was started anew after its death."""
    attempt = worker._attempt

    def forget(duty: Any, night: CameraNight, summary: Summary) -> tuple[str, str]:
        if str(night) == "20140309 gill_themis19":
            worker._duties.clear()
        return attempt(duty, night, summary)

    calls.clear()
    monkeypatch.setattr("aurorapt.cluster.staff.assign", note_assignment)
    monkeypatch.setattr(worker, "_attempt", forget)
    assert run(options, scheduler).written == NIGHTS
    assert calls["assign"] > 2


def test_a_camera_night_that_dask_gives_up_is_given_out_again_and_at_last_fails(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls.clear()
    monkeypatch.setattr("aurorapt.cluster.scheduler.classify_on_worker", lose_some)
    summary = run(options, scheduler)
    assert (summary.written, summary.failed) == (NIGHTS - 1, 1)
    assert calls["20140309 gill_themis19"] == 3
    assert calls["20140310 gill_themis19"] == 2


def test_workers_that_die_whatever_they_are_given_end_the_run(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aurorapt.cluster.scheduler.classify_on_worker", lose_all)
    with pytest.raises(AuroraptError, match=r"workers die whatever they are given \(RuntimeError: lost\)"):
        run(options, scheduler)


def test_an_interruption_ends_what_is_under_way_within_a_batch_and_leaves_nothing(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aurorapt.classifier import Classifier

    predict = Classifier.predict_visible
    under_way = threading.Event()

    def slowly(self: Classifier, visible: Any) -> Any:
        under_way.set()
        time.sleep(0.3)
        return predict(self, visible)

    def interrupt(self: Any) -> None:
        assert under_way.wait(20)
        raise KeyboardInterrupt

    monkeypatch.setattr(Classifier, "predict_visible", slowly)
    monkeypatch.setattr("aurorapt.cluster.scheduler._ClusterRun.receive", interrupt)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(options, scheduler)
    assert time.monotonic() - started < 20
    assert not csv_files(options.output)
    assert not left_behind(options.output)
    assert not worker._duties


def test_a_scheduler_that_is_lost_while_it_is_asked_something_is_one_line(
    options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed.comm.core import CommClosedError

    def lose(self: Any) -> None:
        raise CommClosedError("Connection reset by peer")

    monkeypatch.setattr(Staff, "count", lose)
    with pytest.raises(AuroraptError, match=r"^the scheduler is lost; the same command goes on"):
        run(options, scheduler)


def test_newest_first(options: RunOptions, scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    hand_out = "aurorapt.cluster.scheduler._ClusterRun.hand_out"
    plain = _ClusterRun.hand_out

    def note(self: Any, nights: list[CameraNight]) -> None:
        given.extend(night.date.day for night in nights)
        plain(self, nights)

    monkeypatch.setattr(hand_out, note)
    assert run(replace(options, order="newest"), scheduler).written == NIGHTS
    assert given == [12, 12, 11, 11, 10, 10, 9, 9]


def test_an_empty_range_finds_nothing(options: RunOptions, scheduler: str) -> None:
    summary = run(replace(options, sites=("atha",)), scheduler)
    assert (summary.camera_nights, summary.sites_not_found) == (0, ["atha"])


def test_an_address_at_which_nobody_listens_is_one_line_soon(
    options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aurorapt.cluster.connection.CONNECT_WITHIN", 0.5)
    with pytest.raises(AuroraptError, match=r"^--scheduler tcp://127.0.0.1:9: no scheduler answers there within 0.5 s"):
        run(options, "tcp://127.0.0.1:9")


def test_without_dask_the_extra_is_named(options: RunOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from aurorapt.errors import OptionError

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(OptionError, match=r"pip install 'aurorapt\[cluster\]'"):
        run(options, "tcp://127.0.0.1:9")
