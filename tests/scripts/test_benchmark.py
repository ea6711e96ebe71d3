"""scripts/benchmark.py as it is called; what the figures are is for whoever runs it on a quiet machine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import benchmark


def run_benchmark(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, benchmark.__file__, *map(str, arguments)], capture_output=True, text=True)


def results_of(name: str, *arguments: object) -> dict[str, dict[str, Any]]:
    run = run_benchmark(name, "--runs", 1, "--json", *arguments)
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    assert set(document) == {"benchmark", "machine", "results"}
    assert document["benchmark"].startswith(name)
    for result in document["results"]:
        assert set(result) == {"name", "unit", "median", "min", "max", "runs"}
        assert result["runs"] == 1
        assert 0 < result["min"] == result["median"] == result["max"]
    return {result["name"]: result for result in document["results"]}


def test_network(weights_file: Path) -> None:
    results = results_of("network", "--weights", weights_file)
    assert {"engine fp32", "faithful fp32", "engine fp32 / faithful fp32"} <= set(results)
    ratio = results["engine fp32"]["median"] / results["faithful fp32"]["median"]
    assert results["engine fp32 / faithful fp32"]["median"] == pytest.approx(ratio, rel=1e-2)


def test_end_to_end(weights_file: Path) -> None:
    pytest.importorskip("psutil", reason="psutil is not installed; the extra benchmark brings it")
    results = results_of("end-to-end", "--weights", weights_file, "--minutes", 1, "--times", 2)
    assert results["2 times as long / 2 times"]["unit"] == "ratio"
    assert {"aurorapt", "network alone", "aurorapt / network alone"} <= set(results)
    assert results["whole command for one frame"]["unit"] == "s"
    assert 50 < results["peak memory of all processes"]["median"] < 5000


def test_preprocess_as_a_table(weights_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "EXPOSURES", benchmark.EXPOSURES[:4])
    run = CliRunner().invoke(benchmark.app, ["preprocess", "--runs", "1", "--weights", str(weights_file)])
    assert run.exit_code == 0, run.output
    assert [line.split("  ")[0] for line in run.stdout.splitlines()[1:]] == ["aurorapt", "opencv", "aurorapt / opencv"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["network", "--weights", "nowhere.safetensors"], "nowhere.safetensors"),
        (["end-to-end", "--precision", "fp31"], "fp31"),
    ],
)
def test_wrong_options_are_refused(arguments: list[str], complaint: str) -> None:
    run = run_benchmark(*arguments)
    assert run.returncode != 0
    assert complaint in run.stderr
    assert "Traceback" not in run.stderr
