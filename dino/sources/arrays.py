"""Pictures that a data set keeps as arrays of numbers, made into files like all others."""

import io

import datasets
import numpy as np
import PIL.Image
import PIL.PngImagePlugin

from dino.sources.pictures import in_eight_bits


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

    values  (h, w), (h, w, 3) or (3, h, w); whole numbers in 0..255, or others, whose range is chosen as that of a file
    row     its number in the data set

    Values that are no picture become an empty file, whose name says why.
    """
    try:
        picture = to_picture(values)
    except (ValueError, TypeError) as error:
        return {"image": {"bytes": b"", "path": f"row {row}: {error}"}}
    file, about = io.BytesIO(), PIL.PngImagePlugin.PngInfo()
    if picture.info.get("range chosen"):
        about.add_text("range chosen", picture.info["range chosen"])
    picture.save(file, format="PNG", pnginfo=about)
    return {"image": {"bytes": file.getvalue(), "path": f"row {row}"}}


def to_picture(values: list | None) -> PIL.Image.Image:
    """The same picture with 8 bits; raises ValueError if it is none."""
    array = np.asarray(values)
    if array.ndim == 3 and array.shape[0] == 3 and array.shape[2] != 3:
        array = array.transpose(1, 2, 0)
    if (array.ndim != 2 and array.shape[2:] != (3,)) or not array.size:
        raise ValueError(f"the shape {array.shape} is not that of a picture")
    if not np.isfinite(array).all():
        raise ValueError("not all values are finite")
    if array.min() < 0 or array.max() > 255:
        raise ValueError("the values lie outside of 0 to 255")
    return in_eight_bits(array) if array.dtype.kind == "f" else PIL.Image.fromarray(array.astype(np.uint8))
