"""Network inputs to train on and to judge by: simulated frames with their classes, and frames unlike any of them."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aurorapt.images.preprocess import RECIPE, Preprocessor
from aurorapt.simulation.camera import BIAS, COUNTS_PER_ELECTRON
from aurorapt.simulation.observatory import SimulatedCamera
from aurorapt.simulation.optics import elevation_mask
from aurorapt.simulation.textures import noise_tile, random_stream
from aurorapt.themis import CLASSES, FRAME_SIZE

INPUT_SIZE = 224  # pixels along each edge of the network's input
UNFAMILIAR = -1  # label of a frame that belongs to no class
FIRST_NIGHT = datetime(2006, 1, 1)
NIGHTS = 14 * 365
MASK = elevation_mask(RECIPE["minimum_elevation_degrees"])


class Examples(NamedTuple):
    """Network inputs and their labels.

    Attributes
    ----------
    inputs : (n, 224, 224) uint8 [frame, y, x], preprocessed and rounded
    labels : (n,) int64, a place in CLASSES or UNFAMILIAR
    """

    inputs: NDArray[np.uint8]
    labels: NDArray[np.int64]

    @staticmethod
    def joined(parts: Sequence["Examples"]) -> "Examples":
        """Return all parts as one."""
        return Examples(
            np.concatenate([part.inputs for part in parts]), np.concatenate([part.labels for part in parts])
        )


def preprocess(images: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return the network input of raw frames, (n, 224, 224) uint8 [frame, y, x]."""
    return np.rint(Preprocessor(MASK, (INPUT_SIZE, INPUT_SIZE))(images)).astype(np.uint8)


def simulate_examples(
    cameras: Sequence[tuple[str, int]],
    frames_each: int,
    shares: Mapping[str, float] | None,
    vary: bool,
    unfamiliar_each: int,
    workers: int,
) -> Examples:
    """Simulate frames at random dark moments of 14 years, a few from each of many cameras.

    Parameters
    ----------
    cameras : (site, seed) of each camera
    frames_each : frames of each camera
    shares : share of each class; None leaves the classes as frequent as they are by night
    vary : whether to vary gain, sky brightness and pointing beyond what the simulated cameras do
    unfamiliar_each : further frames of each camera that show no sky that could be
    workers : processes
    """
    make = partial(_camera_examples, frames_each=frames_each, shares=shares, vary=vary, unfamiliar_each=unfamiliar_each)
    with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
        return Examples.joined(list(pool.map(make, cameras, chunksize=2)))


def _camera_examples(
    camera: tuple[str, int],
    frames_each: int,
    shares: Mapping[str, float] | None,
    vary: bool,
    unfamiliar_each: int,
) -> Examples:
    site, seed = camera
    random = random_stream(seed, site, "training")
    simulated = SimulatedCamera(site, seed)
    times, labels = _choose_times(simulated, frames_each, shares, random)
    images = np.stack([simulated.expose(time) for time in times])
    odd = [unfamiliar_frame(images, random) for _ in range(unfamiliar_each)]
    if vary:
        images = np.stack([_varied(image, random) for image in images])
    labels = labels + [UNFAMILIAR] * len(odd)
    return Examples(preprocess(np.concatenate([images, *[image[None] for image in odd]])), np.array(labels))


def _choose_times(
    camera: SimulatedCamera, count: int, shares: Mapping[str, float] | None, random: np.random.Generator
) -> tuple[list[datetime], list[int]]:
    """Return random dark moments and the label of each; a class that a camera hardly ever shows stays short."""
    quota = {name: count if shares is None else round(count * shares[name]) for name in CLASSES}
    times: list[datetime] = []
    labels: list[int] = []
    for _ in range(60 * count):
        time = FIRST_NIGHT + timedelta(seconds=float(random.uniform(0, 86400 * NIGHTS)))
        if len(times) == count:
            break
        if not camera.is_dark(time):
            continue
        name = camera.class_at(time)
        if quota[name] > 0:
            quota[name] -= 1
            times.append(time)
            labels.append(CLASSES.index(name))
    return times, labels


def _varied(image: NDArray[np.uint16], random: np.random.Generator) -> NDArray[np.uint16]:
    """Return a frame with another gain, more skylight and another optical centre, which shifts the horizon too."""
    light = (image - BIAS) * np.exp(random.normal(0, 0.25))
    if random.uniform() < 0.3:
        skylight = random.exponential(300)
        light += skylight + random.normal(0, np.sqrt(COUNTS_PER_ELECTRON * skylight), image.shape)
    light = np.roll(light, random.integers(-6, 7, 2), axis=(0, 1))
    return np.clip(light + BIAS + random.normal(0, 60), 0, 65535).astype(np.uint16)


def unfamiliar_frame(
    images: NDArray[np.uint16], random: np.random.Generator, held_out: bool = False
) -> NDArray[np.uint16]:
    """Return one raw frame that no camera under a night sky takes.

    Parameters
    ----------
    images : (n, 256, 256) uint16 [frame, y, x], frames that some kinds are made of
    random : numpy.random.Generator
    held_out : whether to take the kinds that are never trained on
    """
    makers = HELD_OUT_MAKERS if held_out else TRAINING_MAKERS
    maker = makers[int(random.integers(len(makers)))]
    frame = maker(images[int(random.integers(len(images)))].astype(np.float64), random)
    return np.clip(frame, 0, 65535).astype(np.uint16)


def _scaled(pattern: NDArray, random: np.random.Generator) -> NDArray:
    """Return a pattern of about unit size as counts with noise."""
    level, size = np.exp(random.uniform(np.log(200), np.log(20000), 2))
    return BIAS + level + size * pattern + random.normal(0, np.sqrt(1.7 * level), pattern.shape)


def _coordinates(random: np.random.Generator) -> tuple[NDArray, NDArray]:
    y, x = np.mgrid[:FRAME_SIZE, :FRAME_SIZE].astype(float)
    turn = random.uniform(0, np.pi)
    return x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)


def _noise(frame: NDArray, random: np.random.Generator) -> NDArray:
    low, high = np.sort(random.uniform(0, 65535, 2))
    return random.uniform(low, high, frame.shape)


def _constant(frame: NDArray, random: np.random.Generator) -> NDArray:
    level = random.choice([0, 65535, random.uniform(0, 65535)])
    return level + random.normal(0, random.choice([0.0, 3.0, 100.0]), frame.shape)


def _stripes(frame: NDArray, random: np.random.Generator) -> NDArray:
    along, _ = _coordinates(random)
    wave = np.sin(2 * np.pi * along / np.exp(random.uniform(np.log(4), np.log(120))))
    return _scaled(np.sign(wave) if random.uniform() < 0.5 else wave, random)


def _checkerboard(frame: NDArray, random: np.random.Generator) -> NDArray:
    along, across = _coordinates(random)
    edge = np.exp(random.uniform(np.log(4), np.log(64)))
    return _scaled((along // edge + across // edge) % 2, random)


def _texture(frame: NDArray, random: np.random.Generator) -> NDArray:
    tile = noise_tile(int(random.integers(60, 64)), float(random.choice([1.0, 2.0, 3.5])))
    return _scaled(np.roll(tile, random.integers(0, FRAME_SIZE, 2), axis=(0, 1)), random)


def _rectangles(frame: NDArray, random: np.random.Generator) -> NDArray:
    pattern = np.zeros_like(frame)
    for _ in range(int(random.integers(3, 40))):
        (top, left), (height, width) = random.integers(0, 230, 2), random.integers(4, 120, 2)
        pattern[top : top + height, left : left + width] = random.uniform(0, 1)
    return _scaled(pattern, random)


def _shuffled_tiles(frame: NDArray, random: np.random.Generator) -> NDArray:
    edge = int(random.choice([16, 32, 64]))
    count = FRAME_SIZE // edge
    tiles = frame.reshape(count, edge, count, edge).swapaxes(1, 2).reshape(-1, edge, edge)
    tiles = tiles[random.permutation(len(tiles))]
    return tiles.reshape(count, count, edge, edge).swapaxes(1, 2).reshape(frame.shape)


def _negative(frame: NDArray, random: np.random.Generator) -> NDArray:
    return np.percentile(frame, 99.5) + BIAS - frame


def _torn(frame: NDArray, random: np.random.Generator) -> NDArray:
    row = int(random.integers(60, 200))
    return np.concatenate([frame[:row], np.roll(frame[row:], int(random.integers(60, 200)), axis=1)])


def _rings(frame: NDArray, random: np.random.Generator) -> NDArray:
    along, across = _coordinates(random)
    radius = np.hypot(along - random.uniform(40, 200), across - random.uniform(-60, 100))
    return _scaled(np.sin(2 * np.pi * radius / random.uniform(6, 60)), random)


def _side_by_side(frame: NDArray, random: np.random.Generator) -> NDArray:
    half = frame[:, ::2]
    return np.concatenate([half, half[:, ::-1]], axis=1)


def _interleaved(frame: NDArray, random: np.random.Generator) -> NDArray:
    return np.where(np.arange(FRAME_SIZE)[:, None] // 8 % 2, frame, frame[::-1, ::-1])


Maker = Callable[[NDArray, np.random.Generator], NDArray]
TRAINING_MAKERS: Sequence[Maker] = (
    _noise,
    _constant,
    _stripes,
    _checkerboard,
    _texture,
    _rectangles,
    _shuffled_tiles,
    _negative,
    _torn,
)
HELD_OUT_MAKERS: Sequence[Maker] = (_rings, _side_by_side, _interleaved)
