"""Pictures that a data set keeps as arrays of numbers, made into files like all others."""

import io

import datasets
import numpy as np
import PIL.Image


def is_array(feature: object) -> bool:
    """Whether a column of a data set holds arrays of numbers with two or three directions."""
    if isinstance(feature, datasets.Array2D | datasets.Array3D):
        return True
    directions = 0
    while isinstance(feature, datasets.List | datasets.LargeList):
        feature, directions = feature.feature, directions + 1
    return (
        directions in (2, 3)
        and isinstance(feature, datasets.Value)
        and feature.dtype.startswith(("int", "uint", "float"))
    )


def array_to_file(values: list | None, row: int) -> dict:
    """Write one array as a PNG file: what the column `image` holds for it.

    values  (h, w), (h, w, 3) or (3, h, w), in 0..1 if they are no whole numbers and none is above 1, else in 0..255
    row     its number in the data set

    Values that are no picture become an empty file, whose name says why.
    """
    try:
        picture = PIL.Image.fromarray(to_bytes(values))
    except (ValueError, TypeError) as error:
        return {"image": {"bytes": b"", "path": f"row {row}: {error}"}}
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return {"image": {"bytes": file.getvalue(), "path": f"row {row}"}}


def to_bytes(values: list | None) -> np.ndarray:
    """The same picture as bytes, (h, w) or (h, w, 3); raises ValueError if it is none."""
    array = np.asarray(values)
    if array.ndim == 3 and array.shape[0] == 3 and array.shape[2] != 3:
        array = array.transpose(1, 2, 0)
    if (array.ndim != 2 and array.shape[2:] != (3,)) or not array.size:
        raise ValueError(f"the shape {array.shape} is not that of a picture")
    if not np.isfinite(array).all():
        raise ValueError("not all values are finite")
    if array.min() < 0 or array.max() > 255:
        raise ValueError("the values lie outside of 0 to 255")
    scale = 255 if array.dtype.kind == "f" and array.max() <= 1 else 1
    return (array * scale).round().astype(np.uint8)
