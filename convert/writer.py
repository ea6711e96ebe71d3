"""The program that wrote a Keras file: what a few layers compute is its decision, and not in their options.

Read in the sources of the versions named here, and measured with some of them.
"""

import re
from dataclasses import dataclass

from aurorapt.errors import ConversionError

BACKENDS = {2: ("tensorflow",), 3: ("tensorflow", "jax", "torch", "numpy", "openvino")}
FUSED_EPSILON = 1.001e-5  # the least that TensorFlow's fused batch normalisation took until 2.11


@dataclass(frozen=True)
class Writer:
    """The program that wrote a file, as far as the file tells.

    Attributes
    ----------
    version : of Keras; that of early TensorFlow ends in ``-tf``
    backend : of Keras; empty where the file does not tell, as archives do not
    """

    version: str
    backend: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[23](\.[0-9A-Za-z.+-]{1,40})?", self.version):
            raise ConversionError(f"was written by Keras {self.version!r:.40}; versions 2 and 3 can be converted")
        if self.backend and self.backend not in BACKENDS[self.major]:
            raise ConversionError(
                f"was written by Keras {self.version} on {self.backend!r:.40}, which may compute otherwise; "
                f"files written on {' or '.join(BACKENDS[self.major])} can be converted"
            )

    @property
    def major(self) -> int:
        """2 or 3."""
        return int(self.version[0])

    @property
    def release(self) -> tuple[int, int]:
        """The first two numbers of the version."""
        second = re.match(r"[23]\.(\d+)", self.version)
        return self.major, int(second[1]) if second else 0

    @property
    def is_tensorflow(self) -> bool:
        """Tell whether this is the Keras within TensorFlow; from 2.4 on there was no other until Keras 3."""
        return self.major == 2 and (self.version.endswith("-tf") or self.release >= (2, 4))

    def may_be_of(self, backend: str) -> bool:
        """Tell whether Keras ran on this backend, for all that the file says."""
        return self.backend == backend or (not self.backend and backend in BACKENDS[self.major])

    def bilinear_is_centred(self) -> bool:
        """Tell whether a file that asks UpSampling2D for bilinear interpolation means it between centres of pixels.

        The other meaning, between their corners, is that of Keras up to 2.3. It was that of TensorFlow up to 1.14 too,
        but those wrote no files that ask for it: theirs say nothing of interpolation, and they read them as nearest.
        """
        return self.major == 3 or self.is_tensorflow

    def batch_norm_epsilons(self, epsilon: float, rank: int, channels_last: bool) -> tuple[float, ...]:
        """Give what is added to the variance for an option ``epsilon``; several numbers if in doubt.

        Parameters
        ----------
        epsilon : the layer's option
        rank : number of axes of the input, with the batch
        channels_last : whether the last axis is normalised
        """
        raised = max(epsilon, FUSED_EPSILON)
        if rank != 4 or self.release >= (2, 12):
            return (epsilon,)
        if self.is_tensorflow:
            return (raised,)
        if self.release < (2, 2):
            return (epsilon,)
        # channels first were fused where a GPU could be seen
        return (raised,) if channels_last else tuple({epsilon, raised})
