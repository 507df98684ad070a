"""One picture, opened with care: whoever made the file may have made a mistake, or mean harm."""

import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
import numpy as np
import PIL.Image
import PIL.ImageOps

from dino.sources.archives import read_member

PIL.Image.init()
# Those that are pictures. PostScript is a program, and reading it would run it.
FORMATS = ["JPEG", "PNG", *sorted(set(PIL.Image.OPEN) - {"JPEG", "PNG", "EPS"})]
# How Pillow reads the upper 8 bits of 16, and what makes it read the lower ones: the other order of the two bytes.
LOWER = {"RGB;16B": "RGB;16L", "RGB;16L": "RGB;16B", "RGB;16N": f"RGB;16{'B' if sys.byteorder == 'little' else 'L'}"}


@contextmanager
def open_picture(entry: dict | None, tell: bool = False) -> Iterator[PIL.Image.Image]:
    """Open a picture, undecoded if it has no more than 8 bits. Others get 8: where it had to be chosen which numbers are black
    and white, `info["range chosen"]` says it in words.

    entry  what a data set holds of it, {"bytes": the file or nothing, "path": where it is or what it is called}
    tell   warn of what was chosen, without the name of the picture: so this is seen once, and not for each of many

    Files that are damaged on purpose make decoders fail in every way there is: expect any Exception, here and later.
    """
    entry = entry or {"bytes": b"", "path": None}
    with PIL.Image.open(open_file(entry), formats=FORMATS) as picture:
        if picture.width * picture.height > PIL.Image.MAX_IMAGE_PIXELS:
            raise PIL.Image.DecompressionBombError(f"{picture.width} by {picture.height} pixels are too many")
        if picture.mode == "F" or picture.mode.startswith("I"):
            picture = in_eight_bits(np.asarray(PIL.ImageOps.exif_transpose(picture)))
        elif picture.mode == "RGB" and "RGB;16" in str(picture.tile):
            picture = brightened(picture, entry)
        if tell and (words := picture.info.get("range chosen")):
            warnings.warn(
                f"Pictures have an unusual range of numbers, so black and white were chosen: {words}", stacklevel=4
            )
        yield picture


def open_file(entry: dict) -> str | io.BytesIO:
    """What Pillow can open: a path, or the bytes of a file, fetched if they are elsewhere."""
    if entry["bytes"]:
        return io.BytesIO(entry["bytes"])
    if entry["bytes"] is not None or not entry["path"]:
        raise ValueError("empty")
    if "://" in entry["path"]:
        with fsspec.open(entry["path"], "rb") as file:
            return io.BytesIO(file.read())
    # A pipe or a device would keep us waiting.
    return entry["path"] if Path(entry["path"]).is_file() else io.BytesIO(read_member(entry["path"]))


def brightened(picture: PIL.Image.Image, entry: dict) -> PIL.Image.Image:
    """A picture with colours of 16 bits, of which Pillow keeps the upper 8. If it is dark because it needs fewer bits, the
    lower ones are read, too.
    """
    if max(most for _, most in picture.getextrema()) >= 64:
        return picture
    with PIL.Image.open(open_file(entry), formats=FORMATS) as lower:
        for i, tile in enumerate(lower.tile):
            mode, *others = tile.args if isinstance(tile.args, tuple) else [tile.args]
            lower.tile[i] = tile._replace(args=(LOWER[mode], *others))
        high, low = (np.asarray(PIL.ImageOps.exif_transpose(one)) for one in (picture, lower))
    return in_eight_bits(high.astype(np.uint16) * 256 + low)


def in_eight_bits(numbers: np.ndarray) -> PIL.Image.Image:
    """A picture of numbers, (height, width) or (height, width, 3); its `info["range chosen"]` says what is black and white in it."""
    black, white, usual = choose_range(numbers)
    scaled = (numbers.astype(np.float64).clip(black, white) - black) * (255 / (white - black))
    picture = PIL.Image.fromarray(scaled.round().astype(np.uint8))
    picture.info["range chosen"] = None if usual else f"{black:,.10g} is black, {white:,.10g} white"
    return picture


def choose_range(numbers: np.ndarray) -> tuple[float, float, bool]:
    """Which numbers are black and white, to judge by their type and by how large they are, and whether that is usual.

    Raises ValueError if they are no greys.
    """
    if wrong := numbers.size - np.isfinite(numbers).sum():
        raise ValueError(f"{wrong:,} of its {numbers.size:,} values are no greys: not a number, or endless")
    least, most = float(numbers.min()), float(numbers.max())
    point = (numbers % 1 != 0).any()
    # Values may lie a little, and highlights far, above 1.
    if least >= 0 and (most <= 1 or (point and (most <= 1.5 or (numbers <= 1).mean() > 0.9))):
        return 0, 1, most == 0 or (most <= 1 and numbers.dtype.kind == "f")
    # Whole numbers have as many bits as they need; others may lie a little above what those can hold.
    for bits in (2, 4, 8, 10, 12, 14, 16) if not point else (8, 10, 12, 14, 16):
        white = 2**bits - 1
        if least >= 0 and most <= white * (1.2 if point else 1) and (not point or most > 63):
            return 0, white, most <= white and (bits == 16 or (bits == 8 and numbers.dtype.itemsize > 2))
    if least == most:
        raise ValueError("values that are no greys")
    if least < 0 and least >= -1.2 and most <= 1.2 and point:
        return -1, 1, False
    return min(least, 0), most, False
