"""Measure how well the texture of ``aurorapt classify --texture`` tells simulated skies apart.

    python scripts/measure_texture.py

Three minutes of each kind of aurora of each simulated camera and night, where they are seen; each is judged by its
last frame. The separation of pulsating from another kind is the share of pairs in which the pulsating sky has the
larger value: 1 where they never overlap, 0.5 where they look the same.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from aurorapt.images.texture import BlockMeans, texture
from aurorapt.simulation.observatory import SimulatedCamera

SITES = ("gill", "fsmi")
FRAMES = 60
STEP = 4  # minutes between the moments that are looked at
EVENING = datetime(2014, 1, 5, 2)


def kind_at(camera: SimulatedCamera, time: datetime) -> str:
    """Give what is seen: the kind of aurora, or the class where there is none to see."""
    class_name = camera.class_at(time)
    if class_name in ("bad_viewing", "no_aurora"):
        return class_name
    return camera.aurora_at(time)


def skies(cameras: int) -> Iterator[tuple[str, NDArray[np.uint16]]]:
    """Give (FRAMES, 256, 256) uint16 [frame, y, x] of each kind that each camera has in a night."""
    for number in range(cameras):
        camera = SimulatedCamera(SITES[number % len(SITES)], number)
        start = EVENING + timedelta(days=number)
        met: set[str] = set()
        for minute in range(0, 600, STEP):
            times = [start + timedelta(minutes=minute, seconds=3 * frame) for frame in range(FRAMES)]
            if not all(map(camera.is_dark, times)):
                continue
            kinds = {kind_at(camera, time) for time in times}
            if len(kinds) == 1 and not kinds & met:
                met |= kinds
                yield kinds.pop(), np.stack([camera.expose(time) for time in times])


def main(cameras: Annotated[int, typer.Option(help="Simulated cameras, a night of each.")] = 24) -> None:
    """Print the texture of each kind of sky, and how well it tells pulsating aurora from it."""
    block_means = BlockMeans(np.ones((256, 256), np.uint8))
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for kind, images in skies(cameras):
        seen = texture(np.arange(FRAMES) * 3.0, block_means(images))
        found[kind].append((seen.variance[-1], seen.active_fraction[-1]))
    pulsating = np.array(found.pop("pulsating"))
    typer.echo(f"pulsating: {len(pulsating)} skies, {_quartiles(pulsating)}")
    for kind, rows in sorted(found.items()):
        others = np.array(rows)
        shares = (pulsating[:, None] > others[None]).mean(axis=(0, 1)) + (pulsating[:, None] == others[None]).mean(
            axis=(0, 1)
        ) / 2
        typer.echo(
            f"{kind}: {len(others)} skies, {_quartiles(others)}; separation by variance {shares[0]:.2f}, "
            f"by active fraction {shares[1]:.2f}"
        )


def _quartiles(rows: NDArray[np.float64]) -> str:
    variance, active = np.percentile(rows, (25, 50, 75), axis=0).T
    return "quartiles of variance {:.0f}, {:.0f}, {:.0f}, of active fraction {:.2f}, {:.2f}, {:.2f}".format(
        *variance, *active
    )


if __name__ == "__main__":
    typer.run(main)
