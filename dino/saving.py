"""Keeps what was learnt: the weights of a denoiser in a file, and those that come with the course."""

import json
from pathlib import Path

import safetensors
import safetensors.torch

from dino.denoiser import Denoiser

# The weights that come with the course, without words and with them; the file beside them says how they were made.
TRAINED = Path(__file__).parent / "weights" / "dinosaurs-32.safetensors"
PROMPTED = TRAINED.with_name("prompts-32.safetensors")
# What makes a denoiser the network that it is; weights from before chapter 8 have no words.
SHAPE = ("widths", "depths", "words")


def save_denoiser(denoiser: Denoiser, path: Path, size: int) -> None:
    """Write the weights of a denoiser, and the size of the pictures it learnt from, to a safetensors file.

    Weights are written in half precision. The file is there whole or not at all.
    """
    weights = {name: weight.half().cpu().contiguous() for name, weight in denoiser.state_dict().items()}
    shape = {name: json.dumps(getattr(denoiser, name)) for name in SHAPE} | {"size": str(size)}
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(safetensors.torch.save(weights, metadata=shape))
    unfinished.replace(path)


def load_denoiser(path: Path = TRAINED) -> Denoiser:
    """Read a denoiser from a file that `save_denoiser` wrote: by default, the one that comes with the course.

    Raises FileNotFoundError if there is no such file, and ValueError if it is not a whole denoiser.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There are no weights at {path}. `dino train` makes some.")
    shape = {}
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            shape = file.metadata() or {}
            denoiser = Denoiser(*(json.loads(shape[name]) for name in SHAPE if name in shape))
            denoiser.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})  # noqa: SIM118
    except (safetensors.SafetensorError, KeyError, ValueError, RuntimeError) as error:
        reason = (
            "it is the checkpoint of a run. `dino sample` draws with it"
            if "settings" in shape
            else "it is damaged, or something else"
        )
        raise ValueError(f"{path} is not a whole file of denoiser weights: {reason}.") from error
    return denoiser


def trained_size(path: Path = TRAINED) -> int:
    """The size of the pictures that the weights in a file were trained on, in pixels."""
    with safetensors.safe_open(path, framework="pt") as file:
        return int(file.metadata()["size"])
