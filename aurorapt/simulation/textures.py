"""Smooth random textures of the simulated sky: periodic noise, made once and sampled at any drift."""

import zlib
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Number = TypeVar("Number", float, NDArray[np.float32], NDArray[np.float64])

TILE_SIZE = 256  # cells along one edge of a periodic tile; a power of two, so that wrapping is a bit mask
LINE_SIZE = 2048  # cells of a periodic line; a power of two


def random_stream(*key: int | str) -> np.random.Generator:
    """Return the random generator that belongs to ``key``, the same one whatever was drawn before it."""
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in key]
    return np.random.Generator(np.random.SFC64(words))


@lru_cache(maxsize=32)
def noise_tile(number: int, spectral_index: float) -> Array:
    """Return a periodic Gaussian random field.

    Parameters
    ----------
    number : of the field; the same number is always the same field
    spectral_index : p in the two-dimensional power spectrum k**-p. Turbulent clouds have 8/3, which is the -5/3 law of
        one-dimensional cuts (Davis et al. 1996, J. Atmos. Sci. 53, 1538); larger is smoother

    Returns
    -------
    (256, 256) float32 [y, x], zero mean, unit variance, periodic along both axes
    """
    white = random_stream("tile", number).standard_normal((TILE_SIZE, TILE_SIZE))
    frequency = np.hypot(np.fft.fftfreq(TILE_SIZE)[:, None], np.fft.rfftfreq(TILE_SIZE)[None])
    frequency[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(white) * frequency ** (-spectral_index / 2), s=white.shape)
    normalised: Array = (field / field.std()).astype(np.float32)
    return normalised


@lru_cache(maxsize=32)
def noise_line(number: int, longest: float, shortest: float) -> Array:
    """Return a periodic random function of one coordinate with wavelengths between two limits.

    Parameters
    ----------
    number : of the function; the same number is always the same one
    longest, shortest : wavelengths in cells; between them the amplitude grows in proportion to the wavelength

    Returns
    -------
    (2048,) float32, zero mean, unit variance, periodic
    """
    spectrum = np.fft.rfft(random_stream("line", number).standard_normal(LINE_SIZE))
    frequency = np.fft.rfftfreq(LINE_SIZE)
    band = (frequency >= 1 / longest) & (frequency <= 1 / shortest)
    amplitude = np.divide(1, frequency, out=np.zeros_like(frequency), where=band)
    line = np.fft.irfft(spectrum * amplitude, LINE_SIZE)
    normalised: Array = (line / line.std()).astype(np.float32)
    return normalised


def sample_tile(tile: Array, x: Array, y: Array) -> Array:
    """Return the bilinear value of a periodic square tile, edge a power of two, at (x, y) in cells."""
    size = tile.shape[0]
    column, row = np.floor(x), np.floor(y)
    right, down = x - column, y - row
    left_column = column.astype(np.int32) & (size - 1)
    top = (row.astype(np.int32) & (size - 1)) * size
    right_column = (left_column + 1) & (size - 1)
    bottom = (top + size) & (size * size - 1)
    cells = tile.ravel()
    upper_left = cells[top + left_column]
    lower_left = cells[bottom + left_column]
    upper = upper_left + right * (cells[top + right_column] - upper_left)
    lower = lower_left + right * (cells[bottom + right_column] - lower_left)
    value: Array = upper + down * (lower - upper)
    return value


def sample_line(line: Array, x: Array) -> Array:
    """Return the value of a periodic line of 2048 cells at the cell that holds x."""
    value: Array = line[np.floor(x).astype(np.int32) & (LINE_SIZE - 1)]
    return value


def smooth_step(x: Number) -> Number:
    """Return 0 below 0, 1 above 1, and the cubic 3x^2 - 2x^3 between."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def double_size(grid: Array) -> Array:
    """Return a grid bilinearly enlarged to twice its rows and columns, pixel centres aligned, edges repeated."""
    padded = np.pad(grid, ((1, 1), (0, 0)), mode="edge")
    rows = np.empty((2 * grid.shape[0], grid.shape[1]), np.float32)
    rows[0::2] = 0.75 * padded[1:-1] + 0.25 * padded[:-2]
    rows[1::2] = 0.75 * padded[1:-1] + 0.25 * padded[2:]
    padded = np.pad(rows, ((0, 0), (1, 1)), mode="edge")
    full = np.empty((rows.shape[0], 2 * rows.shape[1]), np.float32)
    full[:, 0::2] = 0.75 * padded[:, 1:-1] + 0.25 * padded[:, :-2]
    full[:, 1::2] = 0.75 * padded[:, 1:-1] + 0.25 * padded[:, 2:]
    return full
