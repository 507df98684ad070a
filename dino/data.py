"""Chapter 6: pictures to learn from: the dinosaurs that come with the course, or your own.

Whatever the source, it is a `datasets.Dataset` with a column `image`, and it becomes one tensor.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random

import datasets
import numpy as np
import PIL.Image
import PIL.ImageOps
import torch
from torch import Tensor

from dino.captions import caption
from dino.drawing import SPECIES, draw
from dino.pen import COLOURS


def to_tensor(picture: PIL.Image.Image) -> Tensor:
    """Turn a picture in red, green and blue into a tensor, (3, height, width), in [0, 1]."""
    # Pillow gives (height, width, 3), whole numbers from 0 to 255.
    numbers = torch.from_numpy(np.array(picture))
    return numbers.permute(2, 0, 1).float() / 255


def crop(picture: PIL.Image.Image, size: int) -> PIL.Image.Image:
    """Cut the largest square out of the middle of a picture, and scale it to `size` by `size` pixels."""
    side = min(picture.size)
    # What is too much goes in equal parts from both ends.
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side)).resize((size, size), PIL.Image.Resampling.BICUBIC)


def overfit(step: Callable[[Tensor], float], picture: Tensor, steps: int, batch: int = 16) -> list[float]:
    """Train on one single picture, and return the loss of each step.

    A network that cannot learn even one picture by heart has a fault that no data and no patience will cure.

    step     takes one step of training on a batch of clean pictures, and returns its loss
    picture  (3, height, width), in [0, 1]
    batch    how many times the picture is in each batch
    """
    clean = picture.expand(batch, -1, -1, -1)
    return [step(clean) for _ in range(steps)]


def yardstick(clean: Tensor, levels: Tensor) -> Tensor:
    """The mean squared error, at each level, of the best guesser that looks at each pixel alone and mixes it with the mean.

    It knows how bright each pixel is on average, and how much it varies; no more (a Wiener filter, pixel by pixel).

    clean   (count, 3, height, width), in [0, 1]
    levels  (count,), above 0 and up to 1

    Returns the losses, (count,).
    """
    # How much each pixel varies, and how much its noise does: numbers that are uniform in [0, 1] vary by 1/12.
    signal = clean.var(dim=0, correction=0).flatten()
    noise = levels[:, None] ** 2 / 12
    # What is left of the variation, once one has seen the noisy pixel.
    seen = (1 - levels[:, None]) ** 2 * signal
    return (signal * noise / (seen + noise)).mean(dim=1)


def dinosaurs(count: int = 4096, size: int = 32, seed: int = 0) -> datasets.Dataset:
    """Draw dinosaurs: columns `image` (size by size pixels), `label` (of `SPECIES`), `colour` (of `COLOURS`) and `text`, a caption.

    The same seed draws the same pictures for ever, and a longer set begins with the shorter one.
    """
    random, words = Random(seed), Random(f"captions {seed}")
    rows = [(*one[:3], caption(one, words)) for one in (draw(random, size) for _ in range(count))]
    kinds = {"label": datasets.ClassLabel(names=list(SPECIES)), "colour": datasets.ClassLabel(names=list(COLOURS))}
    features = datasets.Features({"image": datasets.Image(), **kinds, "text": datasets.Value("string")})
    columns = dict(zip(features, map(list, zip(*rows, strict=True)), strict=True))
    return datasets.Dataset.from_dict(columns, features=features)


def on_white(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Turn any picture the right way up, lay it on white paper, and give it red, green and blue."""
    upright = PIL.ImageOps.exif_transpose(picture).convert("RGBA")
    return PIL.Image.alpha_composite(PIL.Image.new("RGBA", upright.size, "white"), upright).convert("RGB")


def load(source: str | Path | list | datasets.Dataset = "dinosaurs", size: int = 32) -> Tensor:
    """Load pictures as one tensor, (count, 3, size, size), in [0, 1].

    source  "dinosaurs", a folder, files, the name of a data set on the Hugging Face hub, or a `Dataset`
    size    of the pictures, in pixels: others are cropped to their middle square and scaled

    Warns of files that are not pictures, by name, and leaves them out. Raises FileNotFoundError for what is missing,
    ValueError for a source without pictures, and ConnectionError for a hub that cannot be reached.
    """
    from dino.sources import open_picture, open_source  # here, for drawing dinosaurs does without it

    if isinstance(source, str) and source == "dinosaurs":
        source = dinosaurs(size=size)
    if not isinstance(source, datasets.Dataset):
        source = open_source(source).dataset
    if "image" not in source.column_names:
        raise ValueError(f"The data set has no column `image`; it has {', '.join(source.column_names)}.")
    pictures, left_out = [], []
    # Decode the files here rather than in `datasets`, so that one broken file does not end everything.
    for i, row in enumerate(source.select_columns("image").cast_column("image", datasets.Image(decode=False))):
        try:
            with open_picture(row["image"], tell=True) as picture:
                pictures.append(to_tensor(crop(on_white(picture), size)))
        except Exception as error:  # damaged files make decoders fail in every way there is
            name = row["image"] and row["image"]["path"]
            left_out.append(f"{name or f'picture {i}'} ({error})")
    if left_out:
        warnings.warn(f"Not read as pictures, and left out: {'; '.join(left_out)}", stacklevel=2)
    if not pictures:
        raise ValueError("None of the pictures can be read. Is it the right folder or data set?")
    return torch.stack(pictures)


def sheet(pictures: Tensor, columns: int = 8, scale: int = 2) -> PIL.Image.Image:
    """Lay pictures out side by side, `columns` in a row, each pixel `scale` pixels wide.

    pictures  (count, 3, height, width), in [0, 1]
    """
    blank = torch.ones(-len(pictures) % columns, *pictures.shape[1:])
    cells = torch.cat([pictures.detach().float().cpu().clamp(0, 1), blank])
    rows = [torch.cat(list(row), dim=2) for row in cells.split(columns)]
    image = PIL.Image.fromarray((torch.cat(rows, dim=1).permute(1, 2, 0) * 255).round().byte().numpy())
    return image.resize((image.width * scale, image.height * scale), PIL.Image.Resampling.NEAREST)
