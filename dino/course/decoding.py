"""From a file to a few bytes: any picture, decoded as small as is asked for, or what is wrong with it."""

import io
import warnings
from pathlib import Path

import fsspec
import numpy as np
import PIL.Image
import PIL.ImageOps
import torch
from torch import Tensor

from dino.data import crop, on_white

# Of odd pictures we tell ourselves what matters.
warnings.filterwarnings("ignore", module=r"PIL\.")
PIL.Image.init()
# Those that are pictures. PostScript is a program, and reading it would run it.
FORMATS = ["JPEG", "PNG", *sorted(set(PIL.Image.OPEN) - {"JPEG", "PNG", "EPS"})]


def decode(entry: dict | None, size: int, name: str) -> tuple[bytes | None, str | None]:
    """Decode one picture: its pixels (3, size, size) as bytes, and nothing, or nothing, and what is wrong with it.

    entry  what a data set holds of it, {"bytes": the file or nothing, "path": where it is or what it is called}
    name   what to call it if it has no name
    """
    entry = entry or {"bytes": b"", "path": None}
    try:
        with PIL.Image.open(open_entry(entry), formats=FORMATS) as picture:
            if picture.width * picture.height > PIL.Image.MAX_IMAGE_PIXELS:
                raise PIL.Image.DecompressionBombError(f"{picture.width} by {picture.height} pixels are too many")
            # Let large photos be decoded at a half or a quarter, but no smaller than twice as large as needed. (At an eighth,
            # each block is one grey, and the picture is off by 3 % on average; at a quarter, by 0.3 %.)
            least = max(2 * size, min(picture.size) // 4)
            picture.draft(None, (least, least))
            return shrink(picture, size), None
    # Files that are damaged on purpose make decoders fail in every way there is.
    except Exception as error:
        name = entry["path"] or name
        return None, f"{name if name.isprintable() else ascii(name)} ({reason(error)})"


def open_entry(entry: dict) -> str | io.BytesIO:
    """What Pillow can open: a path, or the bytes of a file, fetched if they are elsewhere."""
    if entry["bytes"]:
        return io.BytesIO(entry["bytes"])
    if entry["bytes"] is not None or not entry["path"]:
        raise ValueError("empty")
    if "://" in entry["path"]:
        with fsspec.open(entry["path"], "rb") as file:
            return io.BytesIO(file.read())
    # A pipe or a device would keep us waiting.
    if not Path(entry["path"]).is_file():
        raise FileNotFoundError("there is no such file")
    return entry["path"]


def reason(error: Exception) -> str:
    """What went wrong, in a few words."""
    if isinstance(error, PIL.UnidentifiedImageError):
        return "cannot identify image file"
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return words.splitlines()[0]


def shrink(picture: PIL.Image.Image, size: int) -> bytes:
    """The pixels of a picture, (3, size, size): upright, on white, its middle square."""
    PIL.ImageOps.exif_transpose(picture, in_place=True)
    plain = picture.mode == "RGB" and "transparency" not in picture.info
    square = crop(picture if plain else on_white(in_eight_bits(picture)), size)
    return np.asarray(square).transpose(2, 0, 1).tobytes()


def in_eight_bits(picture: PIL.Image.Image) -> PIL.Image.Image:
    """A picture whose greys have 16 bits, 32 bits or a point, with 8 bits; raises ValueError if they are out of range."""
    if picture.mode != "F" and not picture.mode.startswith("I"):
        return picture
    greys = np.asarray(picture).astype(np.float32)
    if not np.isfinite(greys).all() or greys.min() < 0 or greys.max() > 65535:
        raise ValueError("values that are no greys")
    # Numbers with a point may go up to 1; whole numbers of 16 bits always go up to 65535.
    top = 1 if picture.mode == "F" and greys.max() <= 1 else 255
    top = 65535 if picture.mode.startswith("I;16") or greys.max() > 255 else top
    return PIL.Image.fromarray((greys * (255 / top)).round().astype(np.uint8))


def as_rows(pixels: list[bytes], size: int) -> Tensor:
    """Decoded pictures as one tensor of bytes, (count, 3, size, size)."""
    return torch.from_numpy(np.frombuffer(bytearray(b"".join(pixels)), np.uint8)).view(len(pixels), 3, size, size)


def as_pictures(rows: Tensor, device: torch.device) -> Tensor:
    """Bytes as pictures, in [0, 1]."""
    return rows.to(device).float() / 255
