"""Train the default classifier on simulated frames, or judge one: python scripts/train_simulated.py --help.

Training takes sites that evaluation never sees, and other seeds: frames of held-out sites calibrate the confidence,
frames of the same sites under further seeds are what the printed figures are measured on.
"""

import argparse
import json
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from residual_network import ResidualNetwork, to_weights
from torch import Tensor, nn
from torch.nn import functional
from training_data import CLASSES, MASK, UNFAMILIAR, Examples, preprocess, simulate_examples, unfamiliar_frame

from aurorapt import __version__
from aurorapt.network.faithful import Network, build_network
from aurorapt.simulation.observatory import SimulatedCamera
from aurorapt.simulation.textures import random_stream
from aurorapt.themis_sites import SITES
from aurorapt.weights.weights_file import Weights, read_weights, write_weights

HELD_OUT_SITES = ("fsim", "gill", "kuuj", "pina")
UNUSED_SITES = ("ekat", "nrsq", "snap", "yknf")  # the default weights were trained before these were in the table
TRAINING_SITES = tuple(site for site in SITES if site not in HELD_OUT_SITES + UNUSED_SITES)
TRAINING_SHARES = {"bad_viewing": 0.34, "no_aurora": 0.22, "other_aurora": 0.22, "pulsating": 0.22}
FRAMES_EACH = 50  # frames of one camera; more cameras are worth more than more frames of one
UNFAMILIAR_EACH = 6
CALIBRATION_SEED, EVALUATION_SEED = 500_000, 600_000  # added to the seed; training seeds stay below them
HELD_OUT_CAMERAS = 100
BATCH = 64
PEAK_LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.03
LABEL_SMOOTHING = 0.04
CALIBRATION_BINS = 15


def main() -> None:
    """Parse the command line and train or evaluate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path, help="weights file to write, or with --evaluate to judge")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cameras", type=int, default=600, help="simulated cameras to train on, 56 frames each")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2, help="torch threads, and processes that simulate")
    parser.add_argument("--precision", choices=["bfloat16", "float32"], default="bfloat16", help="of the training")
    parser.add_argument("--evaluate", action="store_true", help="print the figures of a weights file as JSON")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if not options.evaluate:
        write_weights(options.weights, train(options))
    print(json.dumps(evaluate(read_weights(options.weights), options.seed, options.threads), indent=2))


def train(options: argparse.Namespace) -> Weights:
    """Return weights trained and calibrated on simulated frames."""
    started = time.monotonic()
    torch.manual_seed(options.seed)
    cameras = [(TRAINING_SITES[n % len(TRAINING_SITES)], options.seed + n) for n in range(options.cameras)]
    examples = simulate_examples(cameras, FRAMES_EACH, TRAINING_SHARES, True, UNFAMILIAR_EACH, options.threads)
    log(f"simulated {len(examples.labels)} frames of {len(cameras)} cameras", started)
    network = ResidualNetwork(len(CLASSES)).to(memory_format=torch.channels_last)
    fit(network, examples, options.epochs, getattr(torch, options.precision), started)
    calibration = held_out_examples(options.seed + CALIBRATION_SEED, options.threads)
    temperature = fit_temperature(logits_of(network, calibration.inputs), torch.from_numpy(calibration.labels))
    log(f"calibrated: temperature {temperature:.3f}", started)
    provenance = {
        "source": "simulated frames only: scripts/train_simulated.py",
        "seed": options.seed,
        "training_frames": len(examples.labels),
        "training_cameras": len(cameras),
        "training_sites": list(TRAINING_SITES),
        "epochs": options.epochs,
        "precision": options.precision,
        "temperature": temperature,
        "torch": torch.__version__,
        "aurorapt": __version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    weights = to_weights(network, temperature, CLASSES, MASK, provenance)
    check_same_function(network, temperature, weights, calibration.inputs[:32])
    return weights


def fit(network: nn.Module, examples: Examples, epochs: int, precision: torch.dtype, started: float) -> None:
    """Train a network on examples with AdamW under one cosine cycle of the learning rate."""
    inputs, targets = torch.from_numpy(examples.inputs), soft_targets(examples.labels)
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = len(inputs) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LEARNING_RATE, total_steps=epochs * steps)
    network.train()
    for epoch in range(epochs):
        order = torch.randperm(len(inputs))
        total = 0.0
        for step in range(steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            with torch.autocast("cpu", precision, enabled=precision != torch.float32):
                logits = network(turned(inputs[chosen]))
            loss = functional.cross_entropy(logits.float(), targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        log(f"epoch {epoch + 1} of {epochs}: loss {total / steps:.4f}", started)
    network.eval()


def soft_targets(labels: NDArray[np.int64]) -> Tensor:
    """Return target probabilities, (n, classes) float32: smoothed labels, and all classes alike for the unfamiliar."""
    count = len(CLASSES)
    targets = torch.full((len(labels), count), 1 / count)
    known = torch.from_numpy(labels != UNFAMILIAR)
    one_hot = functional.one_hot(torch.from_numpy(labels)[known], count).float()
    targets[known] = one_hot * (1 - LABEL_SMOOTHING) + LABEL_SMOOTHING / count
    return targets


def turned(inputs: Tensor) -> Tensor:
    """Return a batch, (n, 1, 224, 224) float32, each eighth of it turned or mirrored in one of the square's 8 ways.

    Equalisation works on 8 by 8 tiles, so these turns of its output are nearly its output on turned frames.
    """
    parts = []
    for way, part in enumerate(inputs.chunk(8)):
        part = torch.rot90(part, way % 4, (1, 2))
        parts.append(part.flip(2) if way >= 4 else part)
    return torch.cat(parts)[:, None].float().contiguous(memory_format=torch.channels_last)


def held_out_examples(seed: int, workers: int) -> Examples:
    """Simulate frames of the held-out sites, classes as frequent as they are by night."""
    cameras = [(HELD_OUT_SITES[n % len(HELD_OUT_SITES)], seed + n) for n in range(HELD_OUT_CAMERAS)]
    return simulate_examples(cameras, FRAMES_EACH, None, False, 0, workers)


@torch.inference_mode()
def logits_of(network: nn.Module, inputs: NDArray[np.uint8]) -> Tensor:
    """Return a network's outputs for preprocessed inputs, (n, classes) float32."""
    parts = [network(part[:, None].float()) for part in torch.from_numpy(inputs).split(BATCH)]
    return torch.cat(parts)


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature with the least cross entropy (Guo et al. 2017, ICML)."""
    candidates = torch.logspace(-1, 1, 401)
    losses = torch.stack([functional.cross_entropy(logits / candidate, labels) for candidate in candidates])
    return float(candidates[losses.argmin()])


def check_same_function(network: nn.Module, temperature: float, weights: Weights, inputs: NDArray[np.uint8]) -> None:
    """Stop unless the weights file computes what was trained."""
    trained = torch.softmax(logits_of(network, inputs) / temperature, 1)
    difference = float((logits_of(build_network(weights), inputs) - trained).abs().max())
    if difference > 1e-4:
        sys.exit(f"the weights differ from the trained network by {difference:.2g}")


def evaluate(weights: Weights, seed: int, workers: int) -> dict[str, object]:
    """Return the figures of weights on held-out simulated nights and on frames of unknown kinds."""
    network = build_network(weights)
    examples = held_out_examples(seed + EVALUATION_SEED, workers)
    probabilities = logits_of(network, examples.inputs).numpy()
    predicted = probabilities.argmax(1)
    confusion = np.zeros((len(CLASSES), len(CLASSES)), int)
    np.add.at(confusion, (examples.labels, predicted), 1)
    hits = confusion.diagonal()
    return {
        "weights": weights.name,
        "sites": list(HELD_OUT_SITES),
        "frames": len(examples.labels),
        "classes": list(CLASSES),
        "confusion": confusion.tolist(),
        "accuracy": round(float(hits.sum() / confusion.sum()), 4),
        "recall": dict(zip(CLASSES, np.round(hits / confusion.sum(1), 4).tolist(), strict=True)),
        "precision": dict(zip(CLASSES, np.round(hits / np.maximum(confusion.sum(0), 1), 4).tolist(), strict=True)),
        "expected_calibration_error": round(calibration_error(probabilities, examples.labels), 4),
        "unfamiliar": {
            "kinds trained against": unfamiliar_confidence(network, seed, held_out=False),
            "kinds never seen": unfamiliar_confidence(network, seed, held_out=True),
        },
    }


def calibration_error(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the expected calibration error over 15 bins of confidence (Guo et al. 2017, ICML)."""
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [abs(float((correct[bins == b] - confidence[bins == b]).sum())) for b in range(CALIBRATION_BINS)]
    return sum(gaps) / len(labels)


def unfamiliar_confidence(network: Network, seed: int, held_out: bool) -> dict[str, float]:
    """Return the mean confidence in 200 unfamiliar frames, and the share of them above 0.8."""
    random = random_stream(seed, "unfamiliar", int(held_out))
    camera = SimulatedCamera(HELD_OUT_SITES[0], seed + EVALUATION_SEED)
    frames = np.stack([camera.expose(datetime(2012, 12, day, 8)) for day in range(1, 29)])
    odd = np.stack([unfamiliar_frame(frames, random, held_out) for _ in range(200)])
    confidence = logits_of(network, preprocess(odd)).amax(1)
    return {
        "mean confidence": round(float(confidence.mean()), 4),
        "share above 0.8": float((confidence > 0.8).float().mean()),
    }


def log(message: str, started: float) -> None:
    """Print a line with the minutes since `started` to the error stream."""
    print(f"{(time.monotonic() - started) / 60:6.1f} min  {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
