"""Scales pictures by area averaging: a new pixel is the mean of the area that it covers, parts of old pixels included.

Pillow and OpenCV were considered. Pillow's box filter takes a pixel whole or not at all, which differs by up to 43 of
255. OpenCV's INTER_AREA rounds halves differently, does not average if one axis shrinks while the other grows, and
adds 150 MB.
"""

import numpy as np


def area_average(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scales a picture, uint8 (H, W, C), to uint8 (height, width, C), C order.

    The mean is exact and halves are rounded to even, so that the result is the same on every machine.
    """
    rows = _sums(picture, height)
    sums = _sums(rows.transpose(1, 0, 2), width).transpose(1, 0, 2)
    return np.rint(sums / (picture.shape[0] * picture.shape[1])).astype(np.uint8, order="C")


def _sums(values: np.ndarray, new: int) -> np.ndarray:
    """Cuts the first axis into `new` equal parts and sums each: int64 (new, ...), `new` times the sums."""
    old = len(values)
    # The boundaries of the parts: so many whole values, and so many new-ths of the next one.
    whole, part = np.divmod(np.arange(new + 1) * old, new)
    part = part.reshape(-1, *[1] * (values.ndim - 1))
    at_edges = values[np.minimum(whole, old - 1)].astype(np.int64) * part
    between = [values[start:end].sum(axis=0, dtype=np.int64) for start, end in zip(whole[:-1], whole[1:], strict=True)]
    return new * np.stack(between) + at_edges[1:] - at_edges[:-1]
