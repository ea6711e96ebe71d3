"""The parts of scripts/train_simulated.py; the training itself takes too long for a test."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import residual_network
import train_simulated
import training_data

from aurorapt.images.preprocess import Preprocessor
from aurorapt.network.faithful import build_network
from aurorapt.simulation.simulated_archive import simulate_frames
from aurorapt.weights.weights_file import read_weights, write_weights


def random_network() -> residual_network.ResidualNetwork:
    torch.manual_seed(3)
    network = residual_network.ResidualNetwork(4)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, 0, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


def test_the_weights_file_computes_what_was_trained(tmp_path: Path) -> None:
    network = random_network()
    weights = residual_network.to_weights(network, 1.7, training_data.CLASSES, training_data.MASK, {"seed": 3})
    write_weights(tmp_path / "w.safetensors", weights)
    found = read_weights(tmp_path / "w.safetensors")
    inputs = np.random.default_rng(0).integers(0, 256, (3, 224, 224)).astype(np.uint8)
    trained = torch.softmax(train_simulated.logits_of(network, inputs) / 1.7, 1)
    assert torch.allclose(train_simulated.logits_of(build_network(found), inputs), trained, atol=1e-5)
    assert trained.std() > 0.01
    assert found.kind == "simulated"
    assert (tmp_path / "w.safetensors").stat().st_size < 12e6
    with pytest.raises(SystemExit, match="differ"):
        train_simulated.check_same_function(network, 1.0, weights, inputs)


def test_unfamiliar_frames_are_frames_unlike_the_ones_they_are_made_of() -> None:
    random = np.random.default_rng(0)
    image = np.full((256, 256), 4000.0) + random.normal(0, 30, (256, 256)) + np.arange(256)
    for maker in (*training_data.TRAINING_MAKERS, *training_data.HELD_OUT_MAKERS):
        assert np.abs(maker(image, random) - image).mean() > 30, maker.__name__
    for held_out in (False, True):
        frame = training_data.unfamiliar_frame(image[None].astype(np.uint16), random, held_out)
        assert (frame.dtype, frame.shape) == (np.uint16, (256, 256))


def test_turned_inputs_are_inputs_of_turned_frames() -> None:
    frames = simulate_frames("gill", [train_simulated.datetime(2014, 3, 10, 6)]).images
    preprocess = Preprocessor(training_data.MASK)
    inputs = torch.from_numpy(preprocess(frames)).repeat(8, 1, 1)
    found = train_simulated.turned(inputs)
    assert found.shape == (8, 1, 224, 224)
    ways = [np.rot90(frames, way % 4, (1, 2)) for way in range(8)]
    ways[4:] = [frame[:, :, ::-1] for frame in ways[4:]]
    for turned, frame in zip(found[:, 0].numpy(), ways, strict=True):
        assert np.abs(turned - preprocess(np.ascontiguousarray(frame))[0]).mean() < 2
    assert len({turned.numpy().tobytes() for turned in found}) == 8


def test_targets_are_smoothed_and_even_for_unfamiliar_frames() -> None:
    targets = train_simulated.soft_targets(np.array([2, training_data.UNFAMILIAR]))
    assert targets[0].tolist() == pytest.approx([0.01, 0.01, 0.97, 0.01])
    assert targets[1].tolist() == [0.25] * 4


def test_temperature_undoes_overconfidence() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4000, 4, generator=generator) * 2
    labels = torch.multinomial(torch.softmax(logits, 1), 1, generator=generator)[:, 0]
    assert train_simulated.fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.1)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.tile(np.float32([0.9, 0.1, 0, 0]), (100, 1))
    labels = np.repeat([0, 1], [60, 40])
    assert train_simulated.calibration_error(probabilities, labels) == pytest.approx(0.3, abs=1e-6)
    assert train_simulated.calibration_error(probabilities, np.repeat([0, 1], [90, 10])) == pytest.approx(0, abs=1e-6)


def test_fitting_learns_and_repeats_itself(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_simulated, "BATCH", 16)
    labels = np.arange(48) % 2
    inputs = np.random.default_rng(0).integers(0, 40, (48, 224, 224)).astype(np.uint8)
    inputs[labels == 1, 60:160, 60:160] += 120
    examples = training_data.Examples(inputs, labels.astype(np.int64))
    answers = []
    for _ in range(2):
        torch.manual_seed(0)
        network = residual_network.ResidualNetwork(4)
        train_simulated.fit(network, examples, 2, torch.float32, started=0.0)
        answers.append(train_simulated.logits_of(network, inputs[:32]))
    assert torch.equal(*answers)
    losses = [float(line.split()[-1]) for line in capsys.readouterr().err.splitlines()]
    assert losses[:2] == losses[2:]
    assert losses[1] < 0.5 * losses[0]


def test_examples_are_simulated_the_same_whatever_the_number_of_workers() -> None:
    cameras = [("gill", 4), ("fsim", 5)]
    one, two = (training_data.simulate_examples(cameras, 3, None, True, 2, workers) for workers in (1, 2))
    assert one.inputs.shape == (10, 224, 224)
    assert (one.inputs == two.inputs).all()
    assert one.labels.tolist() == two.labels.tolist()
    assert one.labels.tolist().count(training_data.UNFAMILIAR) == 4
