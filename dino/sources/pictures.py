"""One picture, opened with care: whoever made the file may have made a mistake, or mean harm."""

import io
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


@contextmanager
def open_picture(entry: dict | None) -> Iterator[PIL.Image.Image]:
    """Open a picture, undecoded if it has no more than 8 bits.

    entry  what a data set holds of it, {"bytes": the file or nothing, "path": where it is or what it is called}

    Files that are damaged on purpose make decoders fail in every way there is: expect any Exception, here and later.
    """
    with PIL.Image.open(open_file(entry or {"bytes": b"", "path": None}), formats=FORMATS) as picture:
        if picture.width * picture.height > PIL.Image.MAX_IMAGE_PIXELS:
            raise PIL.Image.DecompressionBombError(f"{picture.width} by {picture.height} pixels are too many")
        deep = picture.mode == "F" or picture.mode.startswith("I")
        yield in_eight_bits(PIL.ImageOps.exif_transpose(picture)) if deep else picture


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


def in_eight_bits(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Greys of 16 or 32 bits, or with a point, in 8 bits; raises ValueError if they are out of range."""
    greys = np.asarray(picture).astype(np.float32)
    if not np.isfinite(greys).all() or greys.min() < 0 or greys.max() > 65535:
        raise ValueError("values that are no greys")
    # Numbers with a point may go up to 1; whole numbers of 16 bits always go up to 65535.
    top = 1 if picture.mode == "F" and greys.max() <= 1 else 255
    top = 65535 if picture.mode.startswith("I;16") or greys.max() > 255 else top
    return PIL.Image.fromarray((greys * (255 / top)).round().astype(np.uint8))
