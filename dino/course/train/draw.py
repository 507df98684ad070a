"""Drawing for the command line: sheets and animations of what a denoiser draws."""

import io
from pathlib import Path

import torch
from PIL import Image

from dino.course.files import write
from dino.course.train import checkpoints
from dino.data import sheet
from dino.denoiser import Denoiser, in_bfloat16
from dino.sampling import Watched, sample
from dino.saving import load_denoiser, trained_size


def open_denoiser(path: Path) -> tuple[Denoiser, int, str | None]:
    """The denoiser in a file of weights, a checkpoint or the folder of a run, the size of its pictures, and what to say of it.

    Raises FileNotFoundError if there is none, and ValueError if it is damaged.
    """
    weights = path / "weights.safetensors"
    inside = (weights, path / checkpoints.NAME, path / checkpoints.PREVIOUS)
    files = [file for file in (inside if path.is_dir() else (path,)) if file.exists()]
    for file in files:
        taken, steps = checkpoints.progress(file)
        if file == weights or (file == path and not taken):
            return load_denoiser(file), trained_size(file), None
        try:
            return *checkpoints.average(
                file
            ), f"Drawn with the average of the weights in {file}, after {taken:,} of {steps:,} steps."
        except checkpoints.DamagedError:
            if file == files[-1]:
                raise
    raise FileNotFoundError(f"There are no weights at {path}. `dino train` makes some.")


def draw_sheet(denoiser: Denoiser, path: Path, size: int, device: torch.device, count: int = 64) -> None:
    """Draw pictures with the denoiser, always from the same noise, and write them as one sheet."""
    noise = torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0)).to(device)
    with torch.no_grad():
        pictures = sample(in_bfloat16(denoiser, noise.device), noise, steps=25)
    write_picture(sheet(pictures.float()), path)


def write_picture(picture: Image.Image, path: Path, **options) -> None:
    """Write a picture, whole or not at all, in the format that its name asks for."""
    buffer = io.BytesIO()
    picture.save(buffer, format=Image.registered_extensions()[path.suffix.lower()], **options)
    write(path, buffer.getvalue())


def is_still(path: Path) -> bool:
    """Whether a file is a picture that is no animation, such as a sheet that was drawn earlier."""
    if not path.is_file():
        return False
    try:
        with Image.open(path) as picture:
            return getattr(picture, "n_frames", 1) == 1
    except OSError:
        return False


def draw_run(denoiser: Denoiser, noise: torch.Tensor, steps: int, stretch: float, path: Path) -> list[Path]:
    """Draw pictures, and write a sheet of them and, beside it, the run from noise to pictures as an animation."""
    watched = Watched(in_bfloat16(denoiser, noise.device))
    pictures = sample(watched, noise, steps, stretch).float()
    write_picture(sheet(pictures, scale=3), path)
    frames = [sheet(frame.float()) for frame in [*watched.pictures[:: max(1, steps // 40)], pictures]]
    durations = [80] * (len(frames) - 1) + [3000]
    film = path.with_suffix(".webp")
    if path.suffix.lower() == ".webp" or is_still(film):
        film = path.with_name(f"{path.stem}-animation.webp")
    options = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0, "quality": 40}
    write_picture(frames[0], film, **options)
    return [path, film]
