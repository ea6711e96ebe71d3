import json
from pathlib import Path
from typing import Any

import pytest

from aurorapt.companion import NOT_DONE, companion_path, why_stale
from aurorapt.results import write_results
from tests.example_results import GOLDEN, companion

WANTED = {"fingerprint": "print", "weights_sha256": "hash", "precision": "fp32", "salvage": False}


def test_current_means_same_files_weights_options_and_content(tmp_path: Path) -> None:
    path = tmp_path / "a_classifications.txt"
    assert why_stale(path, WANTED) == NOT_DONE
    write_results(path, GOLDEN, companion(GOLDEN))
    assert why_stale(path, WANTED) is None
    assert why_stale(path, {}) is None
    assert why_stale(path, WANTED | {"fingerprint": "other"}) == "changed data"
    assert why_stale(path, WANTED | {"weights_sha256": "other"}) == "other weights"
    assert why_stale(path, WANTED | {"precision": "bf16"}) == "other precision"
    assert why_stale(path, WANTED | {"salvage": True}) == "other salvage"
    path.write_text(GOLDEN.replace("pulsating", "no_aurora"))
    assert why_stale(path, WANTED) == "damaged"
    path.unlink()
    assert why_stale(path, WANTED) == "damaged"


def test_a_file_that_may_be_readable_now_makes_stale(tmp_path: Path) -> None:
    path = tmp_path / "a_classifications.txt"
    problem = {"file": "f", "reason": "r", "may_pass": True}
    write_results(path, GOLDEN, companion(GOLDEN, problems=[problem]))
    assert why_stale(path, WANTED) == "files that could not be read"
    write_results(path, GOLDEN, companion(GOLDEN, problems=[problem | {"may_pass": False}]))
    assert why_stale(path, WANTED) is None


@pytest.mark.parametrize(
    "changes",
    [{"problems": 3}, {"problems": ["text"]}, {"problems": [{}]}, {"format": 2}, {"rows": "2"}, {"extra": 1}],
)
def test_a_companion_that_lies_about_its_shape_is_damaged(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "a_classifications.txt"
    write_results(path, GOLDEN, companion(GOLDEN))
    document = json.loads(companion_path(path).read_text()) | changes
    companion_path(path).write_text(json.dumps(document))
    assert why_stale(path, WANTED) == "damaged"


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"format": 99}'])
def test_a_companion_that_is_none_makes_nothing_current(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a_classifications.txt"
    write_results(path, GOLDEN, companion(GOLDEN))
    companion_path(path).write_bytes(content)
    assert why_stale(path, WANTED) == "damaged"
