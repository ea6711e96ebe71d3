"""The script that fits the smoothing: on simulated nights, whose labels say what was there."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.science.example_nights import blocks, write_nights

pytest.importorskip("sklearn")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2] / "scripts")
    return importlib.import_module("fit_smoothing")


def test_it_learns_what_labels_say_and_writes_what_it_learned_from(tmp_path: Path, script: Any) -> None:
    parts = ((120, "bad_viewing"), (120, "no_aurora"), (120, "other_aurora"), (120, "pulsating"))
    lines = ["date,site,start,end,class,confidence"]
    for site in ("gill", "fsmi", "rank"):
        write_nights(tmp_path / "in", f"{site}_themis", blocks("2020-02-18T02:00:00", *parts))
        for hour, (_, name) in zip((2, 4, 6, 8), parts, strict=True):
            lines.append(f"20200218,{site},2020-02-18 {hour:02}:00:00,2020-02-18 {hour + 1:02}:59:57,{name},sure")
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(lines) + "\n")
    nights = script.read_nights(tmp_path / "in", labels)
    variants = {"regression": script.Variant()}
    script.VARIANTS.clear()
    script.VARIANTS.update(variants)
    script.FOLDS.pop("leave_one_date_out")  # all nights are of one date
    document = script.document_of(nights, labels, lambda line: None)
    assert document["scores"]["leave_one_site_out"]["all"]["accuracy"] > 0.9
    assert sorted(document["training"]["nights"]) == ["20200218 fsmi", "20200218 gill", "20200218 rank"]
    assert document["sites"]["gill"]["validated"] == ["bad_viewing", "no_aurora", "other_aurora", "pulsating"]
    assert script.document_of(nights, labels, lambda line: None) == document
    json.dumps(document, allow_nan=False)
