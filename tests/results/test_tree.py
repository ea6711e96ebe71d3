import json
from pathlib import Path
from typing import Any

import pytest

from aurorapt.results.classifications import write_results
from aurorapt.results.companion import companion_path
from aurorapt.results.tree import NOT_DONE, Result
from tests.example_results import GOLDEN, companion

WANTED = {
    "fingerprint": "print",
    "weights_identity": "identity",
    "weights_sha256": "hash",
    "precision": "fp32",
    "salvage": False,
}


def test_current_means_same_files_weights_options_and_content(tmp_path: Path) -> None:
    path = tmp_path / "a_classifications.txt"
    assert Result(path).why_stale(WANTED) == NOT_DONE
    write_results(path, GOLDEN, companion(GOLDEN))
    assert Result(path).why_stale(WANTED) is None
    assert Result(path).why_stale({}) is None
    assert Result(path).why_stale(WANTED | {"fingerprint": "other"}) == "data changed"
    assert Result(path).why_stale(WANTED | {"weights_identity": "other"}) == "weights changed"
    assert Result(path).why_stale(WANTED | {"precision": "bf16"}) == "precision changed"
    assert Result(path).why_stale(WANTED | {"salvage": True}) == "--salvage changed"
    path.write_text(GOLDEN.replace("pulsating", "no_aurora"))
    assert Result(path).why_stale(WANTED) == "damaged"
    path.unlink()
    assert Result(path).why_stale(WANTED) == "damaged"


def test_a_file_that_may_be_readable_now_makes_stale(tmp_path: Path) -> None:
    path = tmp_path / "a_classifications.txt"
    problem = {"file": "f", "reason": "r", "may_pass": True, "count": 1}
    write_results(path, GOLDEN, companion(GOLDEN, problems=[problem]))
    assert Result(path).why_stale(WANTED) == "files that could not be read"
    write_results(path, GOLDEN, companion(GOLDEN, problems=[problem | {"may_pass": False}]))
    assert Result(path).why_stale(WANTED) is None


@pytest.mark.parametrize(
    "changes",
    [{"problems": 3}, {"problems": ["text"]}, {"problems": [{}]}, {"format": 3}, {"rows": "2"}, {"extra": 1}],
)
def test_a_companion_that_lies_about_its_shape_is_damaged(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "a_classifications.txt"
    write_results(path, GOLDEN, companion(GOLDEN))
    document = json.loads(companion_path(path).read_text()) | changes
    companion_path(path).write_text(json.dumps(document))
    assert Result(path).why_stale(WANTED) == "damaged"


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"format": 99}'])
def test_a_companion_that_is_none_makes_nothing_current(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a_classifications.txt"
    write_results(path, GOLDEN, companion(GOLDEN))
    companion_path(path).write_bytes(content)
    assert Result(path).why_stale(WANTED) == "damaged"
