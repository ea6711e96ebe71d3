"""The network made fast on a CPU: fused convolutions on weights packed once, the same function as the faithful one."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from aurorapt.engine.building import build_stretches, leave_out_of_stretches
from aurorapt.engine.choices import PRECISIONS
from aurorapt.engine.fused_layers import has_bfloat16, has_fused_convolutions
from aurorapt.engine.fusion import fuse
from aurorapt.engine.streams import one_thread
from aurorapt.engine.stretches import Stretch, run_stretches
from aurorapt.engine.winograd import has_winograd
from aurorapt.errors import OptionError
from aurorapt.images.preprocess import visible_in_input
from aurorapt.weights.weights_file import Weights

# between the two largest probabilities in bfloat16; below it, labels may differ from float32's. With the simulated
# weights no probability differed by more than 0.03, so that no larger margin than 0.06 can turn.
CLOSE_CALL = 0.25


def describe_engine() -> str:
    """Say in words how networks are run with this torch on this processor."""
    convolutions = "oneDNN's fused convolutions" if has_fused_convolutions() else "plain torch convolutions"
    winograd = ", Winograd's for 3 by 3 of many channels" if has_winograd() else ""
    return f"{convolutions}{winograd}; {'fp32 and bf16' if has_bfloat16() else 'fp32 only'}"


class Engine:
    """Network inputs in, class probabilities out; each batch in one thread, as `Streams` runs it.

    A frame gets the same probabilities, bit for bit, whatever frames are given with it. Each stretch of the network
    computes a number of frames of its own at once, `aurorapt.engine.choices.DEFAULT_BATCH_SIZE` at most. What sees
    nothing but the black beyond the elevation mask is computed once.

    Parameters
    ----------
    weights : the network to run
    precision : "fp32"; "bf16" for convolutions in bfloat16; "auto" for bfloat16, and float32 again for the frames whose
        two best classes are closer than `CLOSE_CALL` then

    Raises
    ------
    OptionError
        If this processor does not compute in that precision.
    """

    def __init__(self, weights: Weights, precision: str) -> None:
        self._dtypes: list[torch.dtype] = [getattr(torch, name) for name in PRECISIONS[precision]]
        if torch.bfloat16 in self._dtypes and not has_bfloat16():
            raise OptionError(f"--precision {precision}: this processor does not compute in bfloat16; use fp32")
        fused = fuse(weights.graph, weights.tensors, weights.input_shape)
        self._channels = fused.input_shape[0]
        visible = visible_in_input(weights.elevation_mask, weights.input_shape[1:])
        self._hidden = ~visible.ravel()
        # oneDNN packs weights for as many threads as it would use now; with another number, it packs them anew for each
        # batch: packed for 16 threads, a ResNet-50 in streams ran at 8 instead of 21 frames/s on 2 processors
        with one_thread():
            self._networks = [build_stretches(fused, dtype) for dtype in self._dtypes]
            self._visible_networks = [
                leave_out_of_stretches(stretches, fused, visible, dtype)
                for stretches, dtype in zip(self._networks, self._dtypes, strict=True)
            ]

    def predict(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the probabilities of each class for each frame.

        Parameters
        ----------
        inputs : (n, rows, columns) float32 [frame, y, x], 0 to 255, as `Preprocessor` gives them; frames that are
            not 0 beyond the elevation mask take 3 to 4 % more time

        Returns
        -------
        (n, classes) float32, 0 to 1
        """
        probabilities = self._run(0, inputs)
        for number in range(1, len(self._networks)):
            second, best = np.partition(probabilities, -2, axis=1)[:, -2:].T
            close = best - second < CLOSE_CALL
            if close.any():
                probabilities[close] = self._run(number, inputs[close])
        return probabilities

    def _run(self, number: int, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        masked = ~np.logical_and(inputs.reshape(len(inputs), -1), self._hidden).any(axis=1)
        if masked.all():
            return self._compute(self._visible_networks[number], self._dtypes[number], inputs)
        probabilities = self._compute(self._networks[number], self._dtypes[number], inputs)
        if masked.any():
            probabilities[masked] = self._run(number, inputs[masked])
        return probabilities

    def _compute(
        self, stretches: Sequence[Stretch], dtype: torch.dtype, inputs: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        images = torch.from_numpy(inputs)[:, None].expand(-1, self._channels, -1, -1)
        with torch.inference_mode():
            probabilities: NDArray[np.float32] = run_stretches(stretches, images.to(dtype)).float().numpy()
        return probabilities
