"""Image stacks piece by piece: arrays, lists, generators, xarray's and Dask's, each looked at as frames with times.

Neither xarray nor Dask is imported here: whoever passes what is theirs has done so.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aurorapt.images.layouts import FRAME_SHAPE, as_counts, as_frames, find_layout

# names of the axes of a DataArray, by what each is
AXES = {"frame": ("time", "frame"), "y": ("y", "row"), "x": ("x", "column")}

Times = NDArray[np.datetime64]


class Chunk(NamedTuple):
    """Some frames of a stack.

    ``frames`` : (n, 256, 256) [frame, y, x], as `aurorapt.images.layouts.as_frames` gives them
    ``times`` : (n,) datetime64[us], UTC; None where nothing says them
    """

    frames: NDArray[Any]
    times: Times | None = None


def chunks(images: Any, layout: str) -> Iterator[Chunk]:
    """Take a stack apart, as far as it is not one array in memory.

    Parameters
    ----------
    images : an array of NumPy or of Dask, a DataArray of xarray, a pair (times, images) as asilib gives it, or anything
        that yields these or single frames
    layout : a name in `aurorapt.images.layouts.LAYOUTS`; the order of the axes of a DataArray follows from their names

    Yields
    ------
    Chunk
        In the order of the frames; chunks of Dask are computed one after another.

    Raises
    ------
    OptionError
        If there is no such layout.
    ValueError
        If the images are something else, saying what would make them right.
    """
    find_layout(layout)
    if _is_one_stack(images):
        yield from _chunks_of(images, layout)
        return
    if isinstance(images, (str, bytes, Mapping)) or not isinstance(images, Iterable):
        as_frames(images, layout)  # type: ignore[arg-type]  # says what would be right
    for item in images:
        yield from _chunks_of(item, layout, may_be_single=True)


def as_times(times: Any) -> Times:
    """Make datetimes, NumPy's or Python's, naive ones being UTC, an array.

    Returns
    -------
    (n,) datetime64[us], UTC

    Raises
    ------
    ValueError
        If they are no datetimes.
    """
    given = np.atleast_1d(np.asarray(times if isinstance(times, np.ndarray) or np.ndim(times) == 0 else list(times)))
    if given.dtype == object:
        given = np.array([_naive(time) for time in given.ravel()])
    found: Times | None = None
    try:
        if given.dtype.kind in "MO" or not given.size:
            found = given.astype("datetime64[us]")
    except (TypeError, ValueError):
        pass
    if found is None or np.isnat(found).any():
        raise ValueError("times must be one datetime, or datetime64, a frame")
    return found


def with_times(found: Iterable[Chunk], times: Times) -> Iterator[Chunk]:
    """Give frames their times.

    Parameters
    ----------
    times : (n,) datetime64[us], of the frames of all chunks

    Raises
    ------
    ValueError
        If there are more or fewer of them than frames, at the latest after the last chunk; or the frames have others.
    """
    place = 0
    for chunk in found:
        if chunk.times is not None:
            raise ValueError("the images come with times of their own; leave the other times out")
        end = place + len(chunk.frames)
        if end > len(times):
            raise ValueError(f"times must be one a frame, and there are more frames than the {len(times)} times")
        yield Chunk(chunk.frames, times[place:end])
        place = end
    if place < len(times):
        raise ValueError(f"times must be one a frame, and there are {len(times)} of {place} frames")


def batches(frames: Iterable[NDArray[Any]], size: int) -> Iterator[NDArray[np.uint16]]:
    """Gather frames into batches, the same however long the chunks are in which they come.

    Parameters
    ----------
    frames : chunks, each (n, 256, 256) [frame, y, x]; n may be 0
    size : frames in a batch; only the last one has fewer

    Yields
    ------
    (size, 256, 256) uint16 [frame, y, x], a copy: a generator may use its memory for the next chunk
    """
    waiting = np.empty((size, *FRAME_SHAPE), np.uint16)
    count = 0
    for chunk in frames:
        place = 0
        while place < len(chunk):
            piece = chunk[place : place + size - count]
            waiting[count : count + len(piece)] = as_counts(piece)
            place, count = place + len(piece), count + len(piece)
            if count == size:
                yield waiting
                waiting, count = np.empty_like(waiting), 0
    if count:
        yield waiting[:count]


def _is_one_stack(images: Any) -> bool:
    return isinstance(images, np.ndarray) or _is_pair(images) or _is_dask(images) or _is_named(images)


def _is_dask(images: Any) -> bool:
    module = sys.modules.get("dask.array")
    return module is not None and isinstance(images, module.Array)


def _is_named(images: Any) -> bool:
    module = sys.modules.get("xarray")
    return module is not None and isinstance(images, module.DataArray)


def _is_pair(images: Any) -> bool:
    """Whether these are times and images, such as asilib's ``asi.data``, and not two images."""
    return isinstance(images, tuple) and len(images) == 2 and np.ndim(images[0]) < 2 and np.ndim(images[1]) >= 2


def _chunks_of(images: Any, layout: str, may_be_single: bool = False) -> Iterator[Chunk]:
    if _is_pair(images):
        times, stack = images
        yield from with_times(_chunks_of(stack, layout, may_be_single=True), as_times(times))
    elif _is_named(images):
        single = may_be_single and images.ndim == len(FRAME_SHAPE)
        yield from _named_chunks(images.expand_dims("time") if single else images, layout)
    elif _is_dask(images):
        yield from _computed_chunks(images, layout)
    elif may_be_single and isinstance(images, np.ndarray) and images.shape == FRAME_SHAPE:
        yield Chunk(as_frames(np.expand_dims(images, find_layout(layout).frame_axis), layout))
    else:
        yield Chunk(as_frames(images, layout))


def _named_chunks(images: Any, layout: str) -> Iterator[Chunk]:
    """Take a DataArray apart, whose axes are known by their names; the layout says only whether rows are flipped."""
    found = {axis: [name for name in images.dims if name in names] for axis, names in AXES.items()}
    if len(images.dims) != len(AXES) or any(len(names) != 1 for names in found.values()):
        wanted = ", ".join(" or ".join(names) for names in AXES.values())
        raise ValueError(f"images must have three axes, named {wanted}, not {images.dims}; rename them, with rename()")
    (frame,), (y,), (x,) = found.values()
    ordered = images.transpose(y, x, frame) if find_layout(layout).frame_axis else images.transpose(frame, y, x)
    found_chunks = _chunks_of(ordered.data, layout)
    if frame in images.coords and images.coords[frame].dtype.kind == "M":
        found_chunks = with_times(found_chunks, as_times(images.coords[frame].values))
    yield from found_chunks


def _computed_chunks(images: Any, layout: str) -> Iterator[Chunk]:
    """Compute an array of Dask chunk by chunk; where its shape is wrong, that is said before anything is computed."""
    axis = find_layout(layout).frame_axis
    if images.ndim != 1 + len(FRAME_SHAPE) or not np.isnan(images.shape).any():
        as_frames(np.broadcast_to(np.zeros((), images.dtype), images.shape), layout)
    for place in range(images.numblocks[axis]):
        yield Chunk(as_frames(images.blocks[(slice(None),) * axis + (place,)].compute(), layout))


def _naive(time: Any) -> Any:
    if isinstance(time, datetime) and time.tzinfo is not None:
        return time.astimezone(timezone.utc).replace(tzinfo=None)
    return time


def whole_times(times: Sequence[Times | None]) -> Times | None:
    """Put the times of all chunks together.

    Raises
    ------
    ValueError
        If some chunks have times and others have none.
    """
    known = [some for some in times if some is not None]
    if known and len(known) < len(times):
        raise ValueError("some chunks come with times and others without; give times with all of them or with none")
    return np.concatenate(known) if known else None
