"""The texture of every row of a classification file, in a CSV beside it."""

import numpy as np
from numpy.typing import NDArray

TEXTURE_HEADER = "date,time,brightness,variance,active_fraction"


def texture_text(times: NDArray[np.datetime64], texture: NDArray[np.float64]) -> str:
    """Render texture.

    Parameters
    ----------
    times : (n,) datetime64[s], UTC
    texture : (n, 3) float64 [row, column] as `aurorapt.images.texture.Texture` describes them: brightness and variance
        with one digit after the point, the fraction with four; what is NaN is left empty
    """
    lines = [TEXTURE_HEADER]
    for time, (brightness, variance, active) in zip(times.tolist(), texture.tolist(), strict=True):
        flicker = f"{variance:.1f},{active:.4f}" if np.isfinite(variance) else ","
        lines.append(f"{time:%Y%m%d,%H:%M:%S},{brightness:.1f},{flicker}")
    return "\n".join(lines) + "\n"
