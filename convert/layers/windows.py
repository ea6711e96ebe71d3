"""Padding of sliding windows."""

from ..builder import Value


def padding_sides(
    padding: str, image: Value, size: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> tuple[int, int, int, int]:
    """Count the pixels that Keras adds at the top, bottom, left and right.

    'same' makes the output ``ceil(size / stride)`` pixels and puts the odd pixel of padding after the image, as
    TensorFlow documents it for ``tf.nn.convolution``.
    """
    if padding == "valid":
        return 0, 0, 0, 0
    sides = []
    for length, window, step, spread in zip(image.shape[1:], size, stride, dilation, strict=True):
        outputs = -(-length // step)
        missing = max((outputs - 1) * step + (window - 1) * spread + 1 - length, 0)
        sides += [missing // 2, missing - missing // 2]
    return sides[0], sides[1], sides[2], sides[3]
