"""From a file to a few bytes: any picture, decoded as small as is asked for, or what is wrong with it."""

import warnings

import numpy as np
import PIL.Image
import PIL.ImageOps
import torch
from torch import Tensor

from dino.data import crop, on_white
from dino.sources.pictures import open_picture

# Of odd pictures we tell ourselves what matters.
warnings.filterwarnings("ignore", module=r"PIL\.")


def decode(entry: dict | None, size: int, name: str) -> tuple[bytes | None, str | None]:
    """Decode one picture: its pixels (3, size, size) as bytes, or nothing, and a remark: what is wrong with it, or which of
    its numbers were taken for black and white, if that had to be chosen.

    entry  as for `open_picture`
    name   what to call it if it has no name
    """
    name = (entry and entry["path"]) or name
    name = name if name.isprintable() else ascii(name)
    try:
        with open_picture(entry) as picture:
            # Let large photos be decoded at a half or a quarter, but no smaller than twice as large as needed. (At an eighth,
            # each block is one grey, and the picture is off by 3 % on average; at a quarter, by 0.3 %.)
            least = max(2 * size, min(picture.size) // 4)
            picture.draft(None, (least, least))
            chosen = picture.info.get("range chosen")
            return shrink(picture, size), chosen and f"{name} ({chosen})"
    # Files that are damaged on purpose make decoders fail in every way there is.
    except Exception as error:
        return None, f"{name} ({reason(error)})"


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
    square = crop(picture if plain else on_white(picture), size)
    return np.asarray(square).transpose(2, 0, 1).tobytes()


def as_rows(pixels: list[bytes], size: int) -> Tensor:
    """Decoded pictures as one tensor of bytes, (count, 3, size, size)."""
    return torch.from_numpy(np.frombuffer(bytearray(b"".join(pixels)), np.uint8)).view(len(pixels), 3, size, size)


def as_pictures(rows: Tensor, device: torch.device) -> Tensor:
    """Bytes as pictures, in [0, 1]."""
    return rows.to(device).float() / 255
