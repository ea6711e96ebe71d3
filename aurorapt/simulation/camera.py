"""A simulated camera: its optics, its horizon, and a sensor that counts as the real ones do."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aurorapt.simulation.horizon import Horizon, make_horizon
from aurorapt.simulation.optics import Optics, SkyGrid
from aurorapt.simulation.textures import Array, random_stream
from aurorapt.themis import FRAME_SIZE

BIAS = 3400.0  # counts without light; the real header's "Ccd background" says 3300
COUNTS_PER_ELECTRON = 1.72  # slope of variance over level in real consecutive frames
READ_NOISE = 10.0  # counts, standard deviation; real frames have 14 in corners that get 90 counts of stray light
# Relative illumination of a uniform overcast over the distance from the optical centre, pixels.
VIGNETTING_RADII = (0, 60, 76, 84, 92, 100, 108, 116, 124, 130)
VIGNETTING = (1.0, 0.98, 0.96, 0.92, 0.82, 0.66, 0.53, 0.45, 0.37, 0.33)


@dataclass(frozen=True)
class Camera:
    """One simulated camera: where it points, what surrounds it, and how its sensor counts.

    Attributes
    ----------
    optics, grid : how it maps directions to pixels, and the directions in which its sky is computed
    horizon : what stands round it
    sensitivity : counts relative to the nominal camera's
    bias : counts without light
    response : (256, 256) float32 [y, x], vignetting times the pixels' relative sensitivity
    offset : (256, 256) float32 [y, x], fixed pattern and hot pixels, counts
    """

    optics: Optics
    grid: SkyGrid = field(repr=False)
    horizon: Horizon = field(repr=False)
    sensitivity: float
    bias: float
    response: Array = field(repr=False)
    offset: Array = field(repr=False)

    def expose(self, light: Array, lamps_lit: Array, random: np.random.Generator) -> NDArray[np.uint16]:
        """Return the frame that the sensor reads out.

        Parameters
        ----------
        light : (256, 256) float32 [y, x], the sky's light in counts of the nominal camera at the zenith
        lamps_lit : (number of lamps,) float32, how bright each lamp of the horizon is just now, 0 to 1
        random : generator of the shot and read noise

        Returns
        -------
        (256, 256) uint16 [y, x], raw counts
        """
        mean_light = float(np.minimum(light, 20000)[::4, ::4].mean())
        signal = light * self.horizon.openness
        signal += mean_light * self.horizon.rim_reflection
        signal *= self.response * self.sensitivity
        signal += (mean_light * self.sensitivity) * self.horizon.stray_light
        for lamp, lit in zip(self.horizon.lamps, lamps_lit, strict=True):
            if lit > 0:
                signal += lit * lamp
        np.maximum(signal, 0, out=signal)
        noise = random.standard_normal(signal.shape, dtype=np.float32)
        noise *= np.sqrt(COUNTS_PER_ELECTRON * signal + READ_NOISE**2)
        signal += noise
        signal += self.offset
        signal += self.bias + 0.5
        return np.clip(signal, 0, 65535).astype(np.uint16)


def make_camera(seed: int, site: str) -> Camera:
    """Return the camera of a site: its own centre, rotation, sensitivity, sensor and horizon."""
    random = random_stream(seed, site, "camera")
    optics = Optics(
        centre_x=127.5 + random.uniform(-5, 5),
        centre_y=127.5 + random.uniform(-5, 5),
        rotation=float(np.radians(random.normal(0, 12))),
        scale=random.uniform(0.985, 1.015),
    )
    pixel_response = random.normal(1, 0.006, (FRAME_SIZE, FRAME_SIZE))
    vignetting = np.interp(optics.distance(), VIGNETTING_RADII, VIGNETTING)
    return Camera(
        optics=optics,
        grid=SkyGrid(optics),
        horizon=make_horizon(optics, random),
        sensitivity=float(np.exp(random.normal(0, 0.2))),
        bias=BIAS + random.normal(0, 40),
        response=(vignetting * pixel_response).astype(np.float32),
        offset=_fixed_pattern(random),
    )


def _fixed_pattern(random: np.random.Generator) -> Array:
    """Return what the sensor adds to every frame: pixel and column offsets and hot pixels, counts."""
    offset = random.normal(0, 3, (FRAME_SIZE, FRAME_SIZE))
    offset += random.normal(0, 1.5, FRAME_SIZE)
    offset[:, 1] += random.uniform(15, 30)  # the second column reads high on real frames
    count = int(random.integers(30, 160))
    rows, columns = random.integers(0, FRAME_SIZE, (2, count))
    offset[rows, columns] += np.minimum(np.exp(random.normal(4.8, 1.0, count)), 8000)
    return offset.astype(np.float32)
