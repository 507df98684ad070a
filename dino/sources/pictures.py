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
# The order of two bytes, and the order that has the other byte first; N is that of this machine.
LOW_BYTES = {";16B": "L", ";16L": "B", ";16N": "B" if sys.byteorder == "little" else "L"}


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
            picture = in_eight_bits(greys_of(picture))
        elif raw_mode(picture).endswith(tuple(LOW_BYTES)):
            picture = brightened(picture, entry)
        if tell and (words := picture.info.get("range chosen")):
            warnings.warn(f"Pictures have numbers whose range was chosen: {words}", stacklevel=4)
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


def greys_of(picture: PIL.Image.Image) -> np.ndarray:
    """The greys of a picture as they are in the file, upright."""
    greys = np.asarray(PIL.ImageOps.exif_transpose(picture))
    # Pillow takes all whole numbers of 32 bits for signed ones; the tag SampleFormat (339) of TIFF is 1 if they are not.
    unsigned = picture.format == "TIFF" and greys.dtype == np.int32 and picture.tag_v2.get(339, (1,))[0] == 1
    return greys.view(np.uint32) if unsigned else greys


def raw_mode(picture: PIL.Image.Image) -> str:
    """How Pillow calls the order in which the numbers of a picture are in its file, such as `RGB;16B`."""
    how = picture.tile[0].args if picture.tile else ""
    return str(how[0] if isinstance(how, tuple) and how else how)


def brightened(picture: PIL.Image.Image, entry: dict) -> PIL.Image.Image:
    """A picture with colours of 16 bits, of which Pillow keeps the upper 8. If it is dark because it needs fewer bits, the
    lower ones are read, too (but not of grey with transparency, for which Pillow has no way).
    """
    mode = raw_mode(picture)
    if max(most for _, most in picture.getextrema()[:3]) >= 64:
        return picture
    with PIL.Image.open(open_file(entry), formats=FORMATS) as lower:
        if mode.startswith("RGB"):
            lower.tile = [tile._replace(args=swapped(tile.args, mode)) for tile in lower.tile]
        high, low = (np.asarray(PIL.ImageOps.exif_transpose(one)) for one in (picture, lower))
    numbers = high[..., :3].astype(np.uint16) * 256 + low[..., :3]
    colours = in_eight_bits(numbers)
    if high.shape[2] == 4:
        colours.putalpha(PIL.Image.fromarray(high[..., 3]))
    return colours


def swapped(args: str | tuple, mode: str) -> str | tuple:
    """How to read the lower 8 of 16 bits, where `args` says how to read the upper ones."""
    other = mode[:-1] + LOW_BYTES[mode[-4:]]
    return other if isinstance(args, str) else (other, *args[1:])


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
