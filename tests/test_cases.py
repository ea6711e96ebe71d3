"""Minute files as disks, networks and other programs leave them; what is right for each stands beside them."""

import json
from pathlib import Path

import pytest

from aurorapt.run.pipeline import classify

# rows, and the frames that each problem counts, of a plain run; rows with --salvage
RIGHT = {
    "07_mode_wide_inside_full": (9, [3], 9),
    "10_upper_case_ending": (40, [], 40),
    "14_site_of_camera_config_stale": (20, [], 20),
    "24_pgm_is_gz": (0, [1], 20),
    "27_member_per_frame_cut": (0, [1], 19),
    "36_other_compressions": (0, [1], 0),
    "42_comment_between_size_and_maxval": (20, [], 20),
    "46_non_ascii_comment": (0, [1], 19),
    "47_comment_ends_in_P5": (20, [], 20),
    "49_key_case": (0, [20], 0),
    "61_duplicate_seconds": (10, [10], 10),
    "63_clock_stepped_back": (14, [6], 14),
    "72b_byte_lost_mid_image": (19, [1], 19),
    "73_two_image_sizes": (19, [1], 19),  # 20 records, one of them 376x1
    "76_stream2_average_beside": (20, [], 20),
}


@pytest.mark.parametrize("case", RIGHT)
@pytest.mark.parametrize("salvage", [False, True])
def test_case(case: str, salvage: bool, shared_folder: Path, weights_file: Path, tmp_path: Path) -> None:
    stream0 = shared_folder / "cases" / case
    if not stream0.is_dir():
        pytest.skip(f"no {stream0}")
    rows, counts, salvaged_rows = RIGHT[case]
    options = {"stream0": stream0, "output": tmp_path, "weights": weights_file, "workers": 0, "salvage": salvage}
    summary = classify("2013-01-01", "2013-12-31", **options)
    (companion,) = tmp_path.rglob("*.json")
    problems = json.loads(companion.read_text())["problems"]
    assert summary.rows == (salvaged_rows if salvage else rows)
    assert not any(problem["may_pass"] for problem in problems)
    if not salvage:
        assert [problem["count"] for problem in problems] == counts
