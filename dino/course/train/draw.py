"""Drawing for the command line: sheets and animations of what a denoiser draws."""

import io
from pathlib import Path

import torch
from PIL import Image

from dino.course.files import write
from dino.data import sheet
from dino.denoiser import Denoiser, in_bfloat16
from dino.sampling import Watched, sample


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


def draw_run(denoiser: Denoiser, noise: torch.Tensor, steps: int, stretch: float, path: Path) -> list[Path]:
    """Draw pictures, and write a sheet of them and, beside it, the run from noise to pictures as an animation."""
    watched = Watched(in_bfloat16(denoiser, noise.device))
    pictures = sample(watched, noise, steps, stretch).float()
    write_picture(sheet(pictures, scale=3), path)
    frames = [sheet(frame.float()) for frame in [*watched.pictures[:: max(1, steps // 40)], pictures]]
    durations = [80] * (len(frames) - 1) + [3000]
    film = path.with_suffix(".webp")
    options = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0, "quality": 40}
    write_picture(frames[0], film, **options)
    return [path, film]
