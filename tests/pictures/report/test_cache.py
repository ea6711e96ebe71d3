"""What is kept beside the page spares work, and can do no harm."""

import gzip
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aurorapt.pictures.report import cache
from aurorapt.pictures.report.build import write_report
from aurorapt.pictures.report.cache import cache_path
from tests.pictures.report.example_tree import EVENING, write_tree

pytest.importorskip("jinja2")
pytest.importorskip("plotly")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for day in ("2020-02-18", "2020-02-25"):
        write_tree(tmp_path / "in", "gill_themis19", f"{day}T06:00:00", *EVENING)
    return tmp_path / "in"


def without_time(page: Path) -> str:
    """Give the page less the time at which it was made."""
    lines = page.read_text().splitlines()
    return "\n".join(line for line in lines if '"created"' not in line and "(local time)" not in line)


def test_a_page_made_from_what_is_kept_is_the_same(tree: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert write_report(tree, page).anew == 2
    first = without_time(page)
    assert write_report(tree, page).anew == 0
    assert without_time(page) == first
    write_tree(tree, "fsmi_themis10", "2020-02-18T06:00:00", *EVENING)
    made = write_report(tree, page)
    assert (made.camera_nights, made.anew) == (3, 1)


@pytest.mark.parametrize("damage", ["cut", "flipped", "nonsense", "empty", "other lines", "other fields", "a folder"])
def test_what_is_damaged_is_made_anew(tree: Path, tmp_path: Path, damage: str) -> None:
    page = tmp_path / "report.html"
    write_report(tree, page)
    first, kept = without_time(page), cache_path(page)
    content = kept.read_bytes()
    head, lines = gzip.decompress(content).split(b"\n", 1)
    damaged = {
        "cut": content[: len(content) // 2],
        "flipped": content[:200] + bytes([content[200] ^ 255]) + content[201:],
        "nonsense": b"nonsense",
        "empty": b"",
        "other lines": gzip.compress(head + b"\n[1, 2]\n"),
        "other fields": gzip.compress(head + b"\n" + lines.replace(b'"frames"', b'"pictures"')),
    }
    kept.unlink()
    if damage == "a folder":
        kept.mkdir()
        (kept / "file").touch()
        assert cache.read_cache(page) == {}
        return
    kept.write_bytes(damaged[damage])
    assert write_report(tree, page).anew == 2
    assert without_time(page) == first


def test_what_other_code_has_made_is_made_anew(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "report.html"
    write_report(tree, page)
    monkeypatch.setattr(cache, "maker", lambda: "other code")
    assert write_report(tree, page).anew == 2


def test_runs_at_the_same_time_do_each_other_no_harm(tree: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda _: write_report(tree, page).camera_nights, range(3)))
    assert made == [2, 2, 2]
    assert write_report(tree, page).anew == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "report.html", "report.html.cache"]
