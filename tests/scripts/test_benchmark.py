"""scripts/benchmark.py as it is called; what the figures are is for whoever runs it on a quiet machine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from aurorapt.errors import AuroraptError
from aurorapt.network.faithful import build_network
from aurorapt.weights.weights_file import read_weights

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import benchmark
import benchmark_network
import benchmark_peers

DIFFERENCES = ("processor time beyond the network",)  # of two runs: below 0 where other work disturbs one of them


def run_benchmark(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, benchmark.__file__, *map(str, arguments)], capture_output=True, text=True)


def document_of(name: str, *arguments: object) -> dict[str, Any]:
    run = run_benchmark(name, "--runs", 1, "--json", *arguments)
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    assert set(document) - {"contestants"} == {"benchmark", "machine", "results"}
    assert document["benchmark"].startswith(name)
    assert document["machine"]["processors"] >= 1
    assert document["machine"]["instruction_sets"]
    assert document["machine"]["versions"]["torch"] == torch.__version__
    for result in document["results"]:
        assert set(result) == {"name", "unit", "median", "min", "max", "runs"}
        assert result["runs"] == 1
        assert result["min"] == result["median"] == result["max"]
        assert result["min"] > 0 or result["name"] in DIFFERENCES
    return document


def by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {result["name"]: result for result in document["results"]}


def test_network(weights_file: Path) -> None:
    """The contestants that are always there, on the same frames, with answers that agree."""
    document = document_of("network", "--weights", weights_file, "--frames", 16)
    results = by_name(document)
    assert {"engine fp32", "faithful fp32", "engine fp32 / faithful fp32"} <= set(results)
    ratio = results["engine fp32"]["median"] / results["faithful fp32"]["median"]
    assert results["engine fp32 / faithful fp32"]["median"] == pytest.approx(ratio, rel=1e-2)
    assert document["contestants"]["engine fp32"]["largest difference"] < 1e-4
    assert document["contestants"]["engine fp32"]["same labels"] == 1


def test_peers_at_their_best(weights_file: Path) -> None:
    """Each peer that is installed runs in every mode, with the faithful network's answers."""
    if not benchmark_peers.has_peers():
        pytest.skip("neither onnxruntime nor openvino is installed; the extra benchmark brings them")
    weights = read_weights(weights_file)
    images = benchmark_network.network_input(weights, 16)
    with torch.inference_mode():
        answers = build_network(weights)(torch.from_numpy(images)).numpy()
    with benchmark_peers.exported(weights) as path:
        for name, settings in benchmark_peers.peer_settings(path, 2, answers.shape[1]).items():
            assert any("at once" in setting or "throughput" in setting for setting in settings)
            for make in settings.values():
                np.testing.assert_allclose(make()(images), answers, atol=1e-4 if name.endswith("fp32") else 0.1)


def test_a_contestant_with_other_answers_is_refused(weights_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = read_weights(weights_file)
    images = benchmark_network.network_input(weights, 16)
    wrong = np.full((16, len(weights.classes)), 0.25, np.float32)
    monkeypatch.setattr(benchmark_network, "engine_streams", lambda *_: lambda _: wrong)
    with pytest.raises(AuroraptError, match=r"engine fp32 .* gives probabilities up to"):
        benchmark_network.contestants(weights, images, 1)


def test_end_to_end(weights_file: Path) -> None:
    pytest.importorskip("psutil", reason="psutil is not installed; the extra benchmark brings it")
    results = by_name(document_of("end-to-end", "--weights", weights_file, "--minutes", 1, "--times", 2))
    assert results["2 times as long / 2 times"]["unit"] == "ratio"
    assert {"aurorapt", "network alone", "aurorapt / network alone"} <= set(results)
    assert results["whole command for one frame"]["unit"] == "s"
    assert results["processor time beyond the network"]["unit"] == "ms/frame"
    assert 50 < results["peak memory of all processes"]["median"] < 5000


def test_preprocess_as_a_table(weights_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "EXPOSURES", benchmark.EXPOSURES[:4])
    run = CliRunner().invoke(benchmark.app, ["preprocess", "--runs", "1", "--weights", str(weights_file)])
    assert run.exit_code == 0, run.output
    assert [line.split("  ")[0] for line in run.stdout.splitlines()[2:]] == ["aurorapt", "opencv", "aurorapt / opencv"]


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
