"""Drawing for the command line: sheets and animations of what a denoiser draws, alone or from a picture."""

import difflib
import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from dino.captions import FILLERS, words_of
from dino.conditioning import prompted, read
from dino.course.files import write
from dino.course.train import checkpoints
from dino.course.train.cached import open_pictures
from dino.data import crop, dinosaurs, on_white, sheet, to_tensor
from dino.denoiser import Denoiser, in_bfloat16
from dino.editing import keep_known, sample_known
from dino.sampling import Watched, sample
from dino.saving import PROMPTED, TRAINED, load_denoiser, trained_size
from dino.sources import open_picture


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


def some_real(path: Path, count: int, seed: int) -> tuple[Tensor, str]:
    """Some of the pictures that a denoiser was trained on, at random, and what to say of all.

    path   as of `open_denoiser`
    count  how many; fewer if there are no more

    Raises ValueError if it is not known which ones they were, and what `open_pictures` raises.
    """
    if path.resolve() in (TRAINED.resolve(), PROMPTED.resolve()):
        known = {"source": "dinosaurs", "size": trained_size(path)}
    else:
        known = checkpoints.pictures_kept(path)
    if known is None:
        raise ValueError(
            f"{path} does not tell which pictures it was trained on. Name the folder of its run, with the checkpoint in it."
        )
    images = open_pictures(**known)
    chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:count]
    return images[chosen], f"Real ones from {known['source']}: {images.about}."


def read_prompt(text: str, words: Sequence[str]) -> Tensor:
    """Turn a prompt into numbers, as `read` does, and warn of words in it that are not known, with the nearest that are.

    Raises ValueError if none of its words is known.
    """
    said = [word for word in words_of(text) if word.strip("-_")]
    unknown = [word for word in dict.fromkeys(said) if word not in {*words, *FILLERS}]
    prompt = read(text, words)
    if unknown and not prompt.any():
        more = f", and {len(words) - 40} more" if len(words) > 40 else ""
        raise ValueError(f"These weights know no word of {text!r}. They know: {', '.join(words[:40])}{more}.")
    if unknown:
        nearest = (difflib.get_close_matches(word, words, n=1) for word in unknown)
        named = (f"{word} (nearest: {near[0]})" if near else word for word, near in zip(unknown, nearest, strict=True))
        warnings.warn(f"Not known to these weights, and passed over: {', '.join(named)}.", stacklevel=2)
    return prompt


def told(denoiser: Denoiser, prompt: str = "", avoid: str = "", guidance: float = 1.0) -> Callable:
    """The denoiser as the sampler wants it: told a prompt if it knows words, even if it is one without any.

    Raises ValueError if none of the words of the prompt is known, or none of what is to be avoided.
    """
    if not denoiser.words:
        return denoiser
    device = next(denoiser.parameters()).device
    wanted, unwanted = (read_prompt(text, denoiser.words).to(device) for text in (prompt, avoid))
    return prompted(denoiser, wanted, guidance, unwanted)


def told_captions(denoiser: Denoiser, count: int, seed: int) -> Callable:
    """The denoiser of the course, told the captions of so many dinosaurs: then species and colours come as often as in the data."""
    texts = dinosaurs(count, size=8, seed=seed)["text"]
    return prompted(denoiser, torch.stack([read(text, denoiser.words) for text in texts]))


def draw_sheet(denoiser: Callable, path: Path, size: int, device: torch.device, count: int = 64) -> None:
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


def read_picture(path: Path) -> Image.Image:
    """Read a picture that somebody made: the right way up and on white paper.

    Raises FileNotFoundError if there is none, and ValueError if it cannot be read.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Name a picture in it.")
    if not path.exists():
        raise FileNotFoundError(f"There is no picture {path}. Name one that is there.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # such a picture is refused below
            with open_picture({"bytes": None, "path": str(path)}, tell=True) as picture:
                return on_white(picture)
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path} has too many pixels. Scale it down first.") from error
    except Exception as error:  # damaged files make decoders fail in every way there is
        reason = str(error) or type(error).__name__
        raise ValueError(
            f"{path} cannot be read as a picture ({reason}). If it opens elsewhere, save it there as .png."
        ) from error


def read_mask(path: Path, picture: Image.Image, size: int) -> Tensor:
    """Read what is to be kept of a picture: 1 where the mask, scaled to `size`, is at least half white, and 0 elsewhere.

    Returns (1, 1, size, size), with both in it. Raises FileNotFoundError or ValueError for a mask that cannot be used.
    """
    mask = read_picture(path)
    if mask.size != picture.size:
        raise ValueError(
            f"{path} is {mask.width} by {mask.height} pixels, and the picture {picture.width} by {picture.height}. "
            "Make the mask as large as the picture."
        )
    known = (to_tensor(crop(mask, size)).mean(dim=0) >= 0.5).float().expand(1, 1, -1, -1)
    if not known.any():
        raise ValueError(f"{path} keeps nothing of the picture. Paint white what is to stay, or leave out --keep.")
    if known.all():
        raise ValueError(f"{path} leaves nothing to draw: it is white or transparent. Paint black what is to be drawn.")
    return known


def files_of_run(path: Path) -> tuple[Path, Path]:
    """Where a sheet and its animation are written. A still picture beside the sheet is never taken for an animation."""
    film = path.with_suffix(".webp")
    if path.suffix.lower() == ".webp" or is_still(film):
        film = path.with_name(f"{path.stem}-animation.webp")
    return path, film


def write_run(run: list[Tensor], pictures: Tensor, given: Tensor, path: Path) -> tuple[Path, Path]:
    """Write a sheet of pictures and, beside it, the run from noise to pictures as an animation.

    run       how the pictures were at each step, each (count, 3, height, width)
    given     what they were made from, (any number up to 8, 3, height, width): it stands in a row of its own, above them
    """
    row = torch.cat([given, torch.ones(-len(given) % 8, *given.shape[1:])])
    path, film = files_of_run(path)
    write_picture(sheet(torch.cat([row, pictures.float()]), scale=3), path)
    frames = [sheet(torch.cat([row, frame.float()])) for frame in [*run[:: max(1, len(run) // 40)], pictures]]
    durations = [80] * (len(frames) - 1) + [3000]
    options = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0, "quality": 40}
    write_picture(frames[0], film, **options)
    return path, film


def draw_run(denoiser: Callable, noise: Tensor, steps: int, stretch: float, path: Path) -> tuple[Path, Path]:
    """Draw pictures, and write them as a sheet and an animation."""
    watched = Watched(in_bfloat16(denoiser, noise.device))
    pictures = sample(watched, noise, steps, stretch)
    return write_run(watched.pictures, pictures, noise[:0], path)


def draw_beside(real: Tensor, denoiser: Callable, noise: Tensor, steps: int, stretch: float, path: Path) -> None:
    """Draw pictures, and write them to the right of real ones, as one picture with titles."""
    drawn = sample(in_bfloat16(denoiser, noise.device), noise, steps, stretch)
    sides = {"Real": sheet(real, scale=3), "Drawn by the model": sheet(drawn, scale=3)}
    width, height = sides["Real"].width, max(side.height for side in sides.values())
    unit = max(24, width // 32)
    longest = max(map(ImageFont.load_default(unit).getlength, sides))
    font = ImageFont.load_default(min(unit, unit * 0.9 * width / longest))
    picture = Image.new("RGB", (2 * width + 2 * unit, height + 2 * unit), "white")
    for left, (title, side) in zip((0, width + 2 * unit), sides.items(), strict=True):
        picture.paste(side, (left, 2 * unit))
        ImageDraw.Draw(picture).text((left + width // 2, unit), title, fill="black", font=font, anchor="mm")
    write_picture(picture, path)


def draw_edit(
    denoiser: Callable,
    picture: Tensor,
    known: Tensor,
    noise: Tensor,
    strength: float,
    times: int,
    steps: int,
    stretch: float,
    path: Path,
) -> tuple[Path, Path]:
    """Draw pictures from one, and write them as a sheet and an animation, below the picture and what was kept of it.

    known  (1, 1, height, width), as for `sample_known`; all 0 keeps nothing
    """
    watched = Watched(in_bfloat16(denoiser, noise.device))
    pictures = sample_known(watched, picture, known, noise, strength, times, steps, stretch)
    given = [picture, keep_known(torch.full_like(picture, 0.5), picture, known)] if known.any() else [picture]
    # At each step the denoiser is asked about the picture, and then about its own guesses, which are no part of the run.
    return write_run(watched.pictures[:: times + 1], pictures, torch.cat(given), path)
