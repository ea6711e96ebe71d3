"""Where a row of the image looks: the elevation angle along the meridian of a THEMIS camera."""

import numpy as np
from numpy.typing import NDArray

from aurorapt.themis import FRAME_SIZE

# The nominal all-sky lens, looking straight up: its zenith angle in degrees is a cubic of the distance in pixels from
# the middle of the image. On the meridian of the elevation map that the published network was trained with it is wrong
# by 2.0 degrees at most. Other cameras may stand as crookedly; for measurements their sky maps are the reference.
PLATE_LINEAR = 0.6825  # degrees a pixel
PLATE_CUBIC = 2.54e-6  # degrees a pixel cubed
CENTRE = (FRAME_SIZE - 1) / 2  # pixels


def meridian_elevations() -> NDArray[np.float64]:
    """Give the elevation angle of each row on the meridian of the nominal camera.

    Returns
    -------
    (256,) float64 [y], degrees above the horizon, from the northern edge over the zenith to the southern edge; negative
    below the horizon
    """
    distance = np.abs(np.arange(FRAME_SIZE) - CENTRE)
    elevations: NDArray[np.float64] = 90 - (PLATE_LINEAR * distance + PLATE_CUBIC * distance**3)
    return elevations


def rows_at(elevations: NDArray[np.float64], degrees: float) -> tuple[float, float]:
    """Give the rows, in pixels, in which the meridian crosses an elevation angle: in the north, and in the south.

    Parameters
    ----------
    elevations : (256,) float64 [y], degrees, rising to one maximum, as `meridian_elevations` gives them
    degrees : at most the maximum; what is above it is there
    """
    top = int(elevations.argmax())
    north = np.interp(degrees, elevations[: top + 1], np.arange(top + 1))
    south = np.interp(degrees, elevations[top:][::-1], np.arange(top, len(elevations))[::-1])
    return float(north), float(south)
