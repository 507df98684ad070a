"""Pictures to learn from: the dinosaurs that come with the course, a folder of your own, or a data set from a hub.

Whatever the source, it is a `datasets.Dataset` with a column `image`, and it becomes one tensor.
"""

import io
import warnings
from pathlib import Path
from random import Random

import datasets
import huggingface_hub
import numpy as np
import PIL.Image
import PIL.ImageOps
import torch
from torch import Tensor

from dino.drawing import SPECIES, draw
from dino.pen import COLOURS


def dinosaurs(count: int = 4096, size: int = 32, seed: int = 0) -> datasets.Dataset:
    """Draw dinosaurs: columns `image` (size by size pixels), `label` (the species in `SPECIES`) and `colour`.

    The same seed draws the same pictures for ever, and a longer set begins with the shorter one.
    """
    dice = Random(seed)
    images, labels, colours = map(list, zip(*(draw(dice, size) for _ in range(count)), strict=True))
    kinds = {"label": datasets.ClassLabel(names=list(SPECIES)), "colour": datasets.ClassLabel(names=list(COLOURS))}
    features = datasets.Features({"image": datasets.Image(), **kinds})
    return datasets.Dataset.from_dict({"image": images, "label": labels, "colour": colours}, features=features)


def load(source: str | Path | datasets.Dataset = "dinosaurs", size: int = 32) -> Tensor:
    """Load pictures as one tensor, (count, 3, size, size), in [0, 1].

    source  "dinosaurs", a folder of pictures, the name of a data set on the Hugging Face hub, or a `Dataset`
    size    of the pictures, in pixels: others are cropped to their middle square and scaled

    Warns of files that are not pictures, by name, and leaves them out.
    Raises FileNotFoundError for a missing folder, ValueError for one without pictures or a data set without a
    column `image`, and ConnectionError for a hub that cannot be reached.
    """
    if isinstance(source, str) and source == "dinosaurs":
        source = dinosaurs(size=size)
    elif not isinstance(source, datasets.Dataset):
        source = open_folder(Path(source)) if Path(source).is_dir() else open_hub(str(source))
    if "image" not in source.column_names:
        raise ValueError(f"The data set has no column `image`; it has {', '.join(source.column_names)}.")
    pictures = []
    # Decode the files here rather than in `datasets`, so that one broken file does not end everything.
    for i, row in enumerate(source.select_columns("image").cast_column("image", datasets.Image(decode=False))):
        try:
            file = io.BytesIO(row["image"]["bytes"]) if row["image"]["bytes"] else row["image"]["path"]
            with PIL.Image.open(file) as picture:
                pictures.append(to_tensor(picture, size))
        except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
            name = row["image"]["path"] or f"picture {i}"
            warnings.warn(f"{name} is left out, because it cannot be read as a picture: {error}", stacklevel=2)
    if not pictures:
        raise ValueError("None of the pictures can be read. Is it the right folder or data set?")
    return torch.stack(pictures)


def to_tensor(picture: PIL.Image.Image, size: int) -> Tensor:
    """Turn any picture into a tensor, (3, size, size), in [0, 1]: upright, on white, its middle square."""
    upright = PIL.ImageOps.exif_transpose(picture).convert("RGBA")
    on_white = PIL.Image.alpha_composite(PIL.Image.new("RGBA", upright.size, "white"), upright).convert("RGB")
    square = PIL.ImageOps.fit(on_white, (size, size), PIL.Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(square)).permute(2, 0, 1).float() / 255


def open_folder(folder: Path) -> datasets.Dataset:
    """The pictures in a folder and the folders in it, in the order of their names."""
    known = PIL.Image.registered_extensions()
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    strays = [path.name for path in files if path.suffix.lower() not in known]
    if strays:
        warnings.warn(f"Not pictures, and left out: {', '.join(strays)}", stacklevel=3)
    files = [str(path) for path in files if path.suffix.lower() in known]
    if not files:
        raise ValueError(f"There are no pictures in {folder}. Put PNG or JPEG files into it, or name another folder.")
    return datasets.Dataset.from_dict({"image": files}).cast_column("image", datasets.Image())


def open_hub(name: str) -> datasets.Dataset:
    """The split `train` of a data set on the Hugging Face hub."""
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise FileNotFoundError(f"There is no folder {name}. (A data set on the hub is called owner/name.)")
    try:
        # This answers at once, where `load_dataset` would try again and again.
        huggingface_hub.HfApi().dataset_info(name, timeout=10)
    except huggingface_hub.errors.RepositoryNotFoundError as error:
        raise FileNotFoundError(f"{name} is neither a folder here nor a data set that the hub knows.") from error
    except Exception as error:
        raise ConnectionError(
            f"{name} is no folder here, and the Hugging Face hub cannot be reached to look it up there. "
            "Check the spelling, or the network."
        ) from error
    return datasets.load_dataset(name, split="train")


def sheet(pictures: Tensor, columns: int = 8, scale: int = 2) -> PIL.Image.Image:
    """Lay pictures out side by side, `columns` in a row, each pixel `scale` pixels wide.

    pictures  (count, 3, height, width), in [0, 1]
    """
    count, _, height, width = pictures.shape
    rows = -(-count // columns)
    canvas = torch.ones(rows * columns, 3, height, width)
    canvas[:count] = pictures.detach().float().cpu().clamp(0, 1)
    tiled = (
        canvas.view(rows, columns, 3, height, width).permute(0, 3, 1, 4, 2).reshape(rows * height, columns * width, 3)
    )
    image = PIL.Image.fromarray((tiled * 255).round().byte().numpy())
    return image.resize((image.width * scale, image.height * scale), PIL.Image.Resampling.NEAREST)
