"""Careful reading of numpy's array files: only numbers, and only a shape that the bytes can fill."""

import math
from tokenize import TokenError
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

# of a made-up header, some from Python's own tokenizer
_FAULTS = (TypeError, OverflowError, RecursionError, SyntaxError, MemoryError, EOFError, TokenError)


def read_npy(file: IO[bytes], size: int) -> NDArray[Any]:
    """Read an array of numbers.

    Parameters
    ----------
    file : open at its beginning
    size : bytes that the array may claim

    Raises
    ------
    ValueError
        If the file is not sound, or claims more.
    """
    try:
        version = np.lib.format.read_magic(file)  # type: ignore[no-untyped-call]
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran_order, dtype = read_header(file)  # type: ignore[no-untyped-call]
        claimed = math.prod(shape) * dtype.itemsize
        if dtype.kind not in "fiu" or min(shape, default=0) < 0 or claimed > size:
            raise ValueError(f"claims shape {shape} of {dtype} in {size} bytes")
        order: Literal["C", "F"] = "F" if fortran_order else "C"
        array: NDArray[Any] = np.frombuffer(file.read(claimed), dtype).reshape(shape, order=order)
        return array
    except _FAULTS as error:
        raise ValueError(str(error)) from None
