"""The network alone, by everyone who can run it: the same frames, answers that agree, each contestant at its best."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import torch
from benchmark_figures import ENGINE, interleaved
from benchmark_peers import Predict, exported, has_peers, in_batches, peer_settings
from numpy.typing import NDArray

from aurorapt.engine.choices import DEFAULT_BATCH_SIZE
from aurorapt.engine.engine import Engine
from aurorapt.engine.fused_layers import has_bfloat16
from aurorapt.engine.streams import Streams
from aurorapt.errors import AuroraptError
from aurorapt.images.preprocess import Preprocessor
from aurorapt.network.faithful import build_network
from aurorapt.simulation.simulated_archive import simulate_frames
from aurorapt.weights.weights_file import Weights

FAITHFUL = "faithful fp32"
NIGHTFALL, DARK_MINUTES = datetime(2014, 3, 10, 3), 480  # at gill
TRIALS = 3  # counted runs of each setting of a peer
TRIAL_FRAMES = (
    16  # of each processor are enough to choose a setting by, and to check answers: two of the largest batches
)
# of a probability, between a contestant and the faithful network; a network that is wrong differs by far more. bfloat16
# has 8 bits, and what that makes of a probability depends on the weights
MOST_DIFFERENT = {"fp32": 1e-3, "bf16": 0.3}


@dataclass(frozen=True)
class Contestant:
    """Who runs the network: in which setting, and how far its answers are from the faithful network's.

    ``predict`` : (n, channels, rows, columns) float32, the channels equal, to (n, classes) float32
    ``difference`` : largest one of any probability
    ``labels`` : share of the frames that get the same label
    """

    predict: Predict
    setting: str
    difference: float = 0.0
    labels: float = 1.0

    def over(self, images: NDArray[np.float32]) -> Callable[[], Any]:
        """Give what runs the network on these."""
        return lambda: self.predict(images)

    def told(self) -> dict[str, Any]:
        """Give what a reader wants to know of it."""
        return {"setting": self.setting, "largest difference": self.difference, "same labels": self.labels}


def network_input(weights: Weights, frames: int) -> NDArray[np.float32]:
    """Give frames of a simulated night as the network takes them: (n, channels, rows, columns) float32, 0 to 255."""
    times = [NIGHTFALL + timedelta(minutes=DARK_MINUTES * number / frames) for number in range(frames)]
    preprocessor = Preprocessor(weights.elevation_mask, weights.input_shape[1:])
    inputs = preprocessor(simulate_frames("gill", times).images)
    return np.ascontiguousarray(np.repeat(inputs[:, None], weights.input_shape[0], axis=1))


def contestants(weights: Weights, images: NDArray[np.float32], threads: int) -> dict[str, Contestant]:
    """Make ready everyone who can run the network here, each peer in the setting that is fastest with these frames.

    Raises
    ------
    AuroraptError
        If the answers of one are not those of the faithful network.
    """
    setting = f"torch, channels last, batches of {DEFAULT_BATCH_SIZE}"
    faithful = {FAITHFUL: Contestant(_faithful(weights, threads), setting)}
    some = images[: TRIAL_FRAMES * threads]
    answers = faithful[FAITHFUL].predict(some)
    found = {}
    for precision in ("fp32", "bf16") if has_bfloat16() else ("fp32",):
        predict = engine_streams(weights, precision, threads)
        setting = f"{threads} threads, each with batches of {DEFAULT_BATCH_SIZE}"
        found[f"{ENGINE} {precision}"] = Contestant(predict, setting)
    if has_peers():
        with exported(weights) as path:
            for name, settings in peer_settings(path, threads, len(weights.classes)).items():
                found[name] = _fastest(settings, some)
    # of one precision next to each other: a machine's speed drifts by more within a minute than they differ
    in_turn = sorted(found, key=_precision)
    return faithful | {name: _checked(name, found[name], some, answers) for name in in_turn}


def engine_streams(weights: Weights, precision: str, threads: int) -> Predict:
    """Make this engine ready, as a run has it."""
    engine = Engine(weights, precision)
    streams = Streams(lambda batch: engine.predict(np.ascontiguousarray(batch[:, 0])), threads)

    def predict(images: NDArray[np.float32]) -> NDArray[np.float32]:
        futures = [streams.submit(batch) for batch in in_batches(images, DEFAULT_BATCH_SIZE)]
        return np.concatenate([future.result() for future in futures])

    return predict


def _faithful(weights: Weights, threads: int) -> Predict:
    network = build_network(weights).to(memory_format=torch.channels_last)

    def predict(images: NDArray[np.float32]) -> NDArray[np.float32]:
        torch.set_num_threads(threads)
        batches = map(torch.from_numpy, in_batches(images, DEFAULT_BATCH_SIZE))
        with torch.inference_mode():
            answers = [network(batch.contiguous(memory_format=torch.channels_last)).numpy() for batch in batches]
        return np.concatenate(answers)

    return predict


def _fastest(settings: dict[str, Callable[[], Predict]], images: NDArray[np.float32]) -> Contestant:
    """Make a peer ready in the setting with which it takes these frames fastest."""
    ready = {name: Contestant(make(), name) for name, make in settings.items()}
    turns = interleaved({name: one.over(images) for name, one in ready.items()}, TRIALS)
    best = min(ready, key=lambda name: min(turns[name]))
    return ready[best]


def _checked(
    name: str, contestant: Contestant, images: NDArray[np.float32], answers: NDArray[np.float32]
) -> Contestant:
    given = contestant.predict(images)
    difference = float(np.abs(given - answers).max())
    most = MOST_DIFFERENT[_precision(name)]
    if not difference <= most:  # nor is it where that is no number
        raise AuroraptError(
            f"{name} ({contestant.setting}) gives probabilities up to {difference:.1e} from the faithful network's, "
            f"more than {most:g}"
        )
    labels = float((given.argmax(axis=1) == answers.argmax(axis=1)).mean())
    return replace(contestant, difference=difference, labels=labels)


def _precision(name: str) -> str:
    return name.split()[-1]
