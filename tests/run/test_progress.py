import io
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from aurorapt.archive.camera_nights import CameraNight, camera_nights
from aurorapt.run.options import RunOptions, check_options
from aurorapt.run.progress import RunProgress
from tests.fake_camera import write_minute


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def open_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in place of standard error; within the test, since pytest replaces that before it."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


@pytest.fixture
def options(tmp_path: Path, weights_file: Path) -> RunOptions:
    """Options of a run over a year in which two days are there, with four camera-nights."""
    for day in (10, 11):
        for site in ("gill", "fsim"):
            write_minute(tmp_path / "stream0", datetime(2014, 3, day, 6, 0), 1, site=site)
    return check_options("2014-01-01", "2014-12-31", stream0=tmp_path / "stream0", weights=weights_file)


def nights(options: RunOptions) -> list[CameraNight]:
    return list(camera_nights(options.archive, options.start, options.end))


def test_the_bar_counts_camera_nights_that_there_are(options: RunOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    progress = RunProgress(options, quiet=False)
    first, second, *_ = nights(options)
    progress.finish(first, 20)
    deadline = time.monotonic() + 30
    while "25%" not in terminal.getvalue() and time.monotonic() < deadline:
        progress.show(second, 0, 20)
        time.sleep(0.01)
    assert "25%" in terminal.getvalue(), "one of four, not one day of a year"
    progress.show(second, 0.5, 40)
    progress.close()
    assert " 38%" in terminal.getvalue()
    assert "40 frames" in terminal.getvalue()


def test_what_is_said_stands_on_a_line_of_its_own(options: RunOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    progress = RunProgress(options, quiet=False)
    progress.show(nights(options)[0], 0.5, 20)
    progress.say("waiting")
    progress.close()
    assert "\raurorapt: waiting\n" in terminal.getvalue()


def test_without_standard_error_nothing_is_shown_and_nothing_fails(
    options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    progress = RunProgress(options, quiet=True)
    progress.finish(nights(options)[0], 20)
    progress.say("waiting")
    progress.close()
