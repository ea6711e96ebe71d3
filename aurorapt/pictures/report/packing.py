"""Numbers and texts made small enough that thousands of nights fit into one page."""

import base64
import json
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

PROBABILITY_STEPS = 100  # of which one is the smallest change that the page's curves show
NO_CLASS = 255  # smoothed class of a minute without frames


def pack(content: bytes) -> str:
    """Compress bytes as the page unpacks them: base64 of a raw deflate stream."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(compressor.compress(content) + compressor.flush()).decode("ascii")


def pack_json(document: Any) -> str:
    """Compress a document."""
    return pack(plain_json(document).encode())


def plain_json(document: Any) -> str:
    """Write a document in as few ASCII characters as can be.

    Raises
    ------
    ValueError
        If a number is not finite: JSON has none.
    """
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def pack_minutes(head: list[Any], counts: NDArray[np.int64], sums: NDArray[np.float64]) -> str:
    """Compress what each minute of a camera-night holds, with anything that JSON can say before it.

    Parameters
    ----------
    head : for the page
    counts : (minutes, classes) frames of each class [minute, class]
    sums : (minutes, classes) sums over the frames of a minute of the smoothed probabilities [minute, class]

    Returns
    -------
    text, packed: the length of the head as four bytes, little-endian; the head; then, a byte a minute, the counts
    of one class after another, the changes of mean probabilities of one class after another in steps of 1 /
    `PROBABILITY_STEPS`, modulo 256, and the most probable class, `NO_CLASS` where there is no frame
    """
    text = plain_json(head).encode()
    content = len(text).to_bytes(4, "little") + text
    if not counts.size:
        return pack(content)
    frames = counts.sum(axis=1)
    steps = np.rint(sums / np.maximum(frames, 1)[:, None] * PROBABILITY_STEPS).astype(np.int64)
    steps = steps[_last_observed(frames)]  # no jump to zero and back at each gap
    changes = np.diff(steps, axis=0, prepend=0) % 256
    likeliest = np.where(frames > 0, sums.argmax(axis=1), NO_CLASS)
    return pack(content + b"".join(_bytes(plane) for plane in (np.minimum(counts, 255).T, changes.T, likeliest)))


def _last_observed(frames: NDArray[np.int64]) -> NDArray[np.intp]:
    """Give, for each minute, the place of the last one up to it that has frames, or of the first minute."""
    places: NDArray[np.intp] = np.maximum.accumulate(np.where(frames > 0, np.arange(len(frames)), 0))
    return places


def _bytes(values: NDArray[np.int64]) -> bytes:
    return values.astype(np.uint8).tobytes()
