"""Events as those who work in Python see them."""

from pathlib import Path

import pytest

import aurorapt
from aurorapt.errors import OptionError
from tests.science.example_nights import blocks, write_file, write_nights

ROWS = blocks("2020-02-18T06:00:00", (60, "no_aurora"), (90, "pulsating"), (60, "other_aurora"))


def test_events_can_be_counted_iterated_and_put_in_a_table(tmp_path: Path) -> None:
    write_nights(tmp_path, "fsmi_themis", ROWS)
    events = aurorapt.find_events(tmp_path, model="majority")
    (event,) = events
    assert (len(events), event.camera, event.class_name) == (1, "fsmi_themis", "pulsating")
    assert repr(events) == "Events(1 event of pulsating, 0 of good quality, in 3.5 hours observed)"
    assert events.methods["event_rule"]["min_duration_s"] == 600
    (row,) = events.to_pandas().to_dict("records")
    assert row["start"].isoformat() == event.start.replace("Z", "+00:00")
    assert row["duration_min"] == event.duration_min
    assert len(aurorapt.find_events([str(tmp_path)], min_duration=6000, model="majority")) == 0


def test_a_notebook_shows_the_first_events_and_what_a_reader_has_to_know(tmp_path: Path) -> None:
    parts = [part for _ in range(25) for part in ((20, "pulsating"), (20, "no_aurora"))]
    write_nights(tmp_path, "fsmi_themis", blocks("2020-02-18T02:00:00", *parts))
    write_file(tmp_path / "20200220_fsmi_themis_classifications.txt", ["<b>damaged</b>"])
    events = aurorapt.find_events(tmp_path, model="majority", close=60)
    shown = events._repr_html_()
    assert len(events) == 25
    assert shown.count("<tr>") == 1 + 20
    assert "<p>and 5 more: see to_pandas()</p>" in shown
    assert "the plain majority of 601 frames was used" in shown
    assert "&lt;b&gt;damaged" in shown and "<b>" not in shown
    assert list(events.problems) == [str(tmp_path / "20200220_fsmi_themis_classifications.txt")]


def test_a_class_that_is_nowhere_is_said(tmp_path: Path) -> None:
    write_nights(tmp_path, "fsmi_themis", ROWS)
    with pytest.raises(OptionError, match="'arc' is none of these results"):
        aurorapt.find_events(tmp_path, class_name="arc")
