import time

import pytest

from aurorapt.run.run_summary import Summary


def test_parts_are_added() -> None:
    whole = Summary(camera_nights=9, written=1, frames=10, redone={"data changed": 1})
    part = Summary(written=2, current=1, failed=1, frames=20, rows=19, problems=3, unread=1)
    part.redone, part.kept = {"data changed": 1, "damaged": 1}, {"has more rows": 1}
    whole.add(part)
    assert (whole.camera_nights, whole.written, whole.current, whole.failed) == (9, 3, 1, 1)
    assert (whole.frames, whole.rows, whole.problems, whole.unread) == (30, 19, 3, 1)
    assert whole.redone == {"data changed": 2, "damaged": 1}
    assert whole.kept == {"has more rows": 1}


def test_time_is_noted_where_an_error_ends_the_work_too() -> None:
    summary = Summary(frames=10)
    with pytest.raises(ValueError, match="the end"), summary.timed():
        time.sleep(0.05)
        raise ValueError("the end")
    assert summary.seconds >= 0.05
    assert summary.frames_per_second == pytest.approx(10 / summary.seconds, rel=0.01)
