import base64
import json
import zlib

import numpy as np
from numpy.typing import NDArray

from aurorapt.pictures.report.packing import NO_CLASS, pack_minutes


def unpack(packed: str, minutes: int, classes: int) -> tuple[list[object], NDArray[np.uint8]]:
    """Give what was packed: the head, and (planes, minutes) uint8."""
    content = zlib.decompress(base64.b64decode(packed), -zlib.MAX_WBITS)
    length = int.from_bytes(content[:4], "little")
    planes = np.frombuffer(content[4 + length :], np.uint8).reshape(2 * classes + 1 if minutes else 0, minutes)
    return json.loads(content[4 : 4 + length]), planes


def test_what_is_packed_is_there_to_a_hundredth_and_a_gap_is_a_gap() -> None:
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 11, (600, 4))
    counts[200:230] = 0
    probabilities = rng.dirichlet(np.ones(4), 600)
    frames = counts.sum(axis=1)
    head, planes = unpack(pack_minutes(["a", [1]], counts, probabilities * frames[:, None]), 600, 4)
    assert head == ["a", [1]]
    assert np.array_equal(planes[:4].T, counts)
    curves = planes[4:8].astype(int).cumsum(axis=1).T % 256 / 100
    seen = frames > 0
    assert np.abs(curves - probabilities)[seen].max() <= 0.005 + 1e-9
    assert np.array_equal(planes[8][seen], probabilities.argmax(axis=1)[seen])
    assert (planes[8][~seen] == NO_CLASS).all()


def test_a_night_without_frames_is_its_head() -> None:
    assert unpack(pack_minutes(["a"], np.zeros((0, 0), np.int64), np.zeros((0, 0))), 0, 0)[0] == ["a"]


def test_a_steady_night_takes_few_bytes() -> None:
    counts = np.zeros((900, 4), np.int64)
    counts[:, 1] = 20
    assert len(pack_minutes([], counts, counts.astype(float))) < 100
