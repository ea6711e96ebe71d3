"""The command line: what it writes, prints and refuses."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from aurorapt.network.faithful import build_network
from aurorapt.weights.weights_file import read_weights
from convert.__main__ import main
from tests.convert.tiny_keras import (
    CLASSES,
    SHAPE,
    archive_members,
    tiny_arrays,
    tiny_h5,
    write_archive,
    write_elevation,
    write_folder,
)

TOLERANCE = 1e-6  # one matrix product and a softmax in float32 against float64


def expected_probabilities(images: np.ndarray) -> np.ndarray:
    """Compute what the tiny model gives, in float64."""
    arrays = tiny_arrays()
    exponentials = np.exp(images.reshape(len(images), -1).astype(float) @ arrays["kernel"] + arrays["bias"])
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def recorded(path: Path, **changes: np.ndarray) -> Path:
    images = np.random.default_rng(0).uniform(-1, 1, (11, *SHAPE)).astype(np.float32)
    np.savez(path, **{"x": images, "y": expected_probabilities(images).astype(np.float32), **changes})
    return path


def options(folder: Path) -> list[str]:
    write_elevation(folder / "angles.npy")
    return ["--classes", ",".join(CLASSES), "--elevation", str(folder / "angles.npy")]


def test_converts_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, output = write_folder(tmp_path / "CNN_model"), tmp_path / "tiny.safetensors"
    assert main([str(folder), "-o", str(output)]) == 0
    weights = read_weights(output)
    assert weights.name == "CNN_tiny"
    assert weights.kind == "converted"
    assert weights.classes == CLASSES
    assert weights.input_shape == (SHAPE[2], *SHAPE[:2])
    assert weights.provenance["source"] == "CNN_tiny.model"
    assert weights.provenance["keras_version"] == "2.12.0"
    angles = np.load(folder / "T_angle.npy")
    np.testing.assert_array_equal(weights.elevation_mask, angles >= 15)
    printed = capsys.readouterr().out
    for fact in ("CNN_tiny", "converted", "pulsating", weights.sha256, str(output), str(weights.parameter_count)):
        assert fact in printed


@pytest.mark.parametrize("ending", [".h5", ".model", ".keras", ".zip", ""])
def test_goes_by_content_and_not_by_name(ending: str, tmp_path: Path) -> None:
    source, output = tmp_path / f"source{ending}", tmp_path / "tiny.safetensors"
    if ending in (".keras", ".zip"):
        write_archive(source, archive_members())
    else:
        with tiny_h5(source):
            pass
    assert main([str(source), "-o", str(output), *options(tmp_path)]) == 0
    images = np.random.default_rng(1).uniform(-1, 1, (5, *SHAPE)).astype(np.float32)
    network = build_network(read_weights(output))
    with torch.inference_mode():
        found = network(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()
    expected = expected_probabilities(images)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def test_check_against_a_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, output = write_folder(tmp_path / "CNN_model"), tmp_path / "tiny.safetensors"
    recording = recorded(tmp_path / "recording.npz")
    assert main([str(folder), "-o", str(output), "--check", str(recording)]) == 0
    check = read_weights(output).provenance["check"]
    assert check["reference"] == "recording.npz"
    assert check["images"] == 11
    assert 0 < check["largest_difference"] < TOLERANCE
    assert f"{check['largest_difference']:.3g}" in capsys.readouterr().out


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="--check keras needs Keras (extra: oracle)")
def test_check_against_keras(tmp_path: Path) -> None:
    folder, output = write_folder(tmp_path / "CNN_model"), tmp_path / "tiny.safetensors"
    assert main([str(folder), "-o", str(output), "--check", "keras"]) == 0
    check = read_weights(output).provenance["check"]
    assert check["reference"].startswith("Keras 3")
    assert check["largest_difference"] < TOLERANCE


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"y": np.full((11, 4), 0.25, np.float32)}, "differ by up to"),
        ({"y": np.full((11, 4), np.nan, np.float32)}, "differ by up to"),
        ({"y": np.zeros((11, 3), np.float32)}, "expects outputs of"),
        ({"y": np.zeros((10, 4), np.float32)}, "expects outputs of"),
        ({"x": np.zeros((11, 5, 4, 3), np.float32)}, "images must be"),
        ({"x": np.zeros((0, *SHAPE), np.float32)}, "no images"),
        ({"x": np.array(["a"])}, "not a .npz file"),
        ({"x": np.array([{}], object)}, "not a .npz file"),
    ],
)
def test_check_that_fails_writes_nothing(
    changes: dict[str, np.ndarray], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, output = write_folder(tmp_path / "CNN_model"), tmp_path / "tiny.safetensors"
    recording = recorded(tmp_path / "recording.npz", **changes)
    assert main([str(folder), "-o", str(output), "--check", str(recording)]) == 1
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1
    assert not output.exists()


def test_check_against_a_recording_that_claims_terabytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_folder(tmp_path / "CNN_model")
    recording = recorded(tmp_path / "recording.npz")
    content = recording.read_bytes().replace(b"(11, 4, 5, 3), }", b"(11, 99999999),}")
    recording.write_bytes(content)
    assert main([str(folder), "-o", str(tmp_path / "t.safetensors"), "--check", str(recording)]) == 1
    assert "recording.npz" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "SOURCE"),
        (["SOURCE", "-o", "nowhere/out.safetensors"], "nowhere"),
        (["SOURCE", "-o", "."], "--output"),
        (["FILE", "-o", "out.safetensors"], "--classes"),
        (["FILE", "-o", "out.safetensors", "--classes", "a,b,c,d"], "--elevation"),
        (["SOURCE", "-o", "out.safetensors", "--check", "nowhere.npz"], "nowhere.npz"),
        (["SOURCE", "-o", "out.safetensors", "--base-url", "http://x"], "--base-url"),
        (["SOURCE", "--published"], "--published"),
        (["--published", "--base-url", "ftp://x", "-o", "out.safetensors"], "ftp://x"),
        (["SOURCE", "-o", "SOURCE/model/CNN_tiny.model"], "would replace"),
        (["SOURCE", "-o", "SOURCE/model/lb_4c.pickle"], "would replace"),
        (["SOURCE", "-o", "SOURCE/T_angle.npy"], "would replace"),
        (["SOURCE", "-o", "FILE", "--check", "FILE"], "would replace"),
        (["FILE", "-o", "FILE", "--classes", "a,b,c,d", "--elevation", "SOURCE/T_angle.npy"], "would replace"),
        (["FILE", "-o", "PIPE", "--classes", "a,b,c,d", "--elevation", "SOURCE/T_angle.npy"], "PIPE"),
        (["s" * 300, "-o", "out.safetensors"], "too long"),
        (["SOURCE", "-o", "o" * 300], "too long"),
        (["--no-such-option"], "--no-such-option"),
        (["a", "b"], "b"),
    ],
)
def test_fault_of_the_options(
    arguments: list[str],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "SOURCE")
    with tiny_h5(tmp_path / "FILE"):
        pass
    os.mkfifo(tmp_path / "PIPE")
    before = content_of(tmp_path)
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert complaint in printed.err
    assert printed.err.count("\n") == 1
    assert content_of(tmp_path) == before


def content_of(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize("arguments", [["-o", "o" * 250], ["-o", "out.safetensors", "--check", "c" * 300]])
def test_name_that_the_disk_cannot_keep(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "SOURCE")
    assert main(["SOURCE", *arguments]) == 1
    error = capsys.readouterr().err
    assert "too long" in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["SOURCE"]


@pytest.mark.parametrize("spoil", ["no model", "two models", "no labels", "no map"])
def test_folder_that_is_not_whole(spoil: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_folder(tmp_path / "CNN_model")
    if spoil == "two models":
        (folder / "model" / "other.model").touch()
    else:
        name = {"no model": "model/CNN_tiny.model", "no labels": "model/lb_4c.pickle", "no map": "T_angle.npy"}[spoil]
        (folder / name).unlink()
    assert main([str(folder), "-o", str(tmp_path / "t.safetensors")]) == 1
    assert "must hold one file" in capsys.readouterr().err


def test_runs_as_a_module_of_the_clone(tmp_path: Path) -> None:
    project = Path(__file__).resolve().parents[2]
    folder, output = write_folder(tmp_path / "CNN_model"), tmp_path / "tiny.safetensors"
    command = [sys.executable, "-m", "convert", str(folder), "-o", str(output)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert read_weights(output).sha256 in done.stdout


def test_stand_in_of_the_original(shared_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "standin.safetensors"
    assert main([str(shared_folder / "CNN_model"), "-o", str(output)]) == 0
    weights = read_weights(output)
    assert weights.kind == "converted"  # it has the published name, and is not the published file
    assert weights.input_shape == (3, 224, 224)
    assert len(weights.classes) == 4


@pytest.mark.parametrize("name", ["plain_sequential", "nested_transfer"])
def test_recorded_models(name: str, shared_folder: Path, tmp_path: Path) -> None:
    models, output = shared_folder / "keras_models", tmp_path / "model.safetensors"
    arguments = [str(models / f"{name}.h5"), "-o", str(output), "--check", str(models / f"{name}.npz")]
    assert main([*arguments, *options(tmp_path)]) == 0
    # builds without the library of Intel, such as Debian's, sum in another order: 1.24e-5 was seen
    bound = 1e-5 if torch.backends.mkl.is_available() else 2e-5
    assert read_weights(output).provenance["check"]["largest_difference"] < bound


def test_lambda_model_is_refused_by_name(
    shared_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = shared_folder / "keras_models" / "lambda_model.h5"
    assert main([str(source), "-o", str(tmp_path / "model.safetensors"), *options(tmp_path)]) == 1
    assert "layer lambda (Lambda)" in capsys.readouterr().err
