"""Some pixels of images, laid out as other images."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aurorapt.engine.hidden_pixels import Gathering


class Gather(nn.Module):
    """The pixels that are wanted of an image, of those that there are; if they are not there, those of a black frame.

    Parameters
    ----------
    gathering : what there is, and what is wanted
    black : (channel, y, x) what the whole image is where a frame is black
    """

    def __init__(self, gathering: Gathering, black: Tensor) -> None:
        super().__init__()
        places = _places(gathering, black)
        self.size = gathering.wanted.size
        self.cut = _cut_out(places.reshape(self.size), gathering.there.size)
        self.places = torch.from_numpy(np.maximum(places, 0))
        self.missing = torch.from_numpy(np.flatnonzero(places < 0))
        self.black = black.flatten(1).T[torch.from_numpy(gathering.wanted.numbers)[self.missing]].contiguous()

    def forward(self, images: Tensor) -> Tensor:
        if self.cut is not None:
            rows, columns = self.cut
            return images[:, :, rows, columns].clone(memory_format=torch.channels_last)
        pixels = images.permute(0, 2, 3, 1).flatten(1, 2).index_select(1, self.places)
        if len(self.missing):
            pixels.index_copy_(1, self.missing, self.black.expand(len(pixels), -1, -1))
        return pixels.view(len(pixels), *self.size, -1).permute(0, 3, 1, 2)


def _places(gathering: Gathering, black: Tensor) -> NDArray[np.int64]:
    """Tell where among those that are there each wanted pixel is, or one that equals it in every frame; or -1."""
    there = np.full(gathering.seen.size, -1)
    there[gathering.there.numbers] = np.arange(len(gathering.there.numbers))
    places: NDArray[np.int64] = there[gathering.wanted.numbers]
    missing = np.flatnonzero(places < 0)
    if not len(missing):
        return places
    values = black.flatten(1).T.float().numpy()
    alike = {
        values[number].tobytes(): there[number] for number in np.flatnonzero(~gathering.seen.ravel() & (there >= 0))
    }
    for place in missing:
        places[place] = alike.get(values[gathering.wanted.numbers[place]].tobytes(), -1)
    return places


def _cut_out(places: NDArray[np.int64], size: tuple[int, int]) -> tuple[slice, slice] | None:
    """Give the rows and columns of an image that are wanted, if a rectangle is."""
    (top, left), (rows, columns) = np.divmod(places[0, 0], size[1]), places.shape
    cut = slice(top, top + rows), slice(left, left + columns)
    numbers = np.arange(size[0] * size[1]).reshape(size)
    return cut if np.array_equal(numbers[cut], places) else None
