"""Checkpoints: all that a training run remembers, in one file that is there whole or not at all, whatever happens.

A checkpoint holds the weights, their average, what the optimiser remembers, and how many steps were taken. It needs no
state of a random generator and no place in the pictures, because those of every step follow from the seed and its number
alone; only pictures that are streamed have a place. Reading one never runs code: it is tensors and JSON.
"""

import json
import os
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from dino.course import files
from dino.denoiser import Denoiser
from dino.training import Run

NAME, PREVIOUS, DAMAGED = (f"checkpoint{what}.safetensors" for what in ("", "-previous", "-damaged"))
# Raised whenever older files cannot be understood any more.
FORMAT = "3"


class DamagedError(ValueError):
    """A file that is no whole checkpoint."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an error of the system, while a file is written, into a sentence that names the file and a remedy."""
    try:
        yield
    except OSError as error:
        raise OSError(
            f"{path} cannot be written: {error.strerror or error}. Make room there, or name another folder with --out. "
            "What was kept before, if anything, is still whole, and the same command goes on from it."
        ) from error


def held(folder: Path) -> AbstractContextManager:
    """Make a folder, and hold it, so that no other training writes there; it is let go when this process ends, however.

    Raises ValueError if another process holds it or it is a file, and OSError if it cannot be made.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: name a folder with --out.")
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    busy = f"Another training is at work in {folder}. Let it finish, or name another folder with --out."
    return files.locked(folder, busy)


def checksum(about: dict[str, str], state: dict[str, Tensor]) -> str:
    """A number that changes when anything in a checkpoint does: the header knows its length, but not what is in it."""
    number = zlib.crc32(repr(sorted(item for item in about.items() if item[0] != "checksum")).encode())
    for name, tensor in sorted(state.items()):
        number = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy(), zlib.crc32(name.encode(), number))
    return str(number)


def save(
    folder: Path, run: Run, settings: Any, scaler: dict | None = None, streams: Sequence[dict] = (), count: int = 0,
    examples: Sequence[str] = (),
) -> None:  # fmt: skip
    """Write the checkpoint of a run, and keep the one before it as `PREVIOUS`: one of the two is always whole on the disk.

    settings  a dataclass: what makes the run the run that it is
    scaler    what the gradient scaler of float16 remembers
    streams   where each process is in its stream: tensors, and what JSON can hold, by name
    count     how many pictures there are to learn from
    examples  captions to draw sheets with

    Raises OSError, with a sentence.
    """
    groups = {"denoiser": run.denoiser.state_dict(), "average": run.average.state_dict()}
    groups |= {f"optimizer.{i}": moments for i, moments in run.optimizer.state_dict()["state"].items()}
    groups |= {f"stream.{i}": place for i, place in enumerate(streams)}
    state = {
        f"{group}.{name}": value.detach().cpu().contiguous()
        for group, values in groups.items()
        for name, value in values.items()
        if isinstance(value, Tensor)
    }
    places = [{name: value for name, value in place.items() if not isinstance(value, Tensor)} for place in streams]
    more = {"count": count, "scaler": scaler, "streams": places, "place": place_of(settings.data)}
    more |= {"words": run.denoiser.words, "examples": list(examples)}
    about = {
        "format": FORMAT,
        "settings": json.dumps(asdict(settings)),
        "taken": str(run.taken),
        "more": json.dumps(more),
    }
    about["checksum"] = checksum(about, state)
    with explained(folder / NAME):
        files.write(folder / NAME, safetensors.torch.save(state, metadata=about), folder / PREVIOUS)


def read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """What a checkpoint says about itself, and its tensors.

    Raises DamagedError, ValueError if it is whole, but of another version, and OSError if it cannot be read now.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            if "settings" in about and about.get("format") != FORMAT:
                raise ValueError(
                    f"The checkpoint {path} was written by another version of dino. Name another folder with --out, or go "
                    "on with the version that wrote it."
                )
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if about.get("checksum") != checksum(about, state):
            raise safetensors.SafetensorError("checksum")
    except PermissionError as error:
        raise PermissionError(f"The checkpoint {path} cannot be read: {error.strerror or error}.") from error
    except (safetensors.SafetensorError, OSError) as error:
        raise DamagedError(f"The checkpoint {path} is damaged, or something else.") from error
    return about, state


def steps_kept(folder: Path) -> int | None:
    """How many steps the newest whole checkpoint of a folder has taken; None if there is none."""
    for name in (NAME, PREVIOUS):
        with suppress(ValueError):
            return int(read(folder / name)[0]["taken"])
    return None


def header(path: Path) -> dict[str, Any] | None:
    """What a checkpoint, or the newest one in a folder, says about itself; its tensors are not read. None if there is none."""
    for file in (path / NAME, path / PREVIOUS) if path.is_dir() else (path,):
        with (
            suppress(safetensors.SafetensorError, OSError, KeyError, ValueError),
            safetensors.safe_open(file, framework="pt") as checkpoint,
        ):
            about = checkpoint.metadata() or {}
            return {name: json.loads(about[name]) for name in ("taken", "settings", "more")}
    return None


def progress(path: Path) -> tuple[int, int]:
    """How many steps a checkpoint says that its run has taken, and how many there are; no steps if it is no checkpoint."""
    about = header(path)
    return (about["taken"], about["settings"]["steps"]) if about else (0, 0)


def words_kept(folder: Path) -> tuple[list[str], list[str]]:
    """The words that the network in a folder's checkpoint can be told, and the captions of its sheets; none if there are none."""
    about = header(folder)
    return tuple(about["more"].get(name, []) if about else [] for name in ("words", "examples"))


def pictures_kept(path: Path) -> dict[str, Any] | None:
    """What a run was trained on, as `open_pictures` is told it, from a checkpoint or the folder of one; None if there is none."""
    about = header(path)
    if about is None:
        return None
    settings, place = about["settings"], about["more"].get("place")
    moved = not place or (os.path.lexists(settings["data"]) and not os.path.lexists(place))
    told = {name: settings[name] for name in ("size", "split", "column", "stream")}
    return told | {"source": settings["data"] if moved else place}


def average(path: Path) -> tuple[Denoiser, int]:
    """The average of the weights in a checkpoint, and the size of its pictures; raises what `read` raises."""
    about, state = read(path)
    settings = json.loads(about["settings"])
    denoiser = Denoiser(settings["widths"], settings["depths"], json.loads(about["more"]).get("words", ()))
    weights = {name: tensor for name, tensor in state.items() if name.startswith("average.")}
    denoiser.load_state_dict({name.removeprefix("average."): tensor for name, tensor in weights.items()})
    return denoiser, settings["size"]


def tidy(folder: Path) -> None:
    """Clear away what killed writers left, and make sure that `NAME` is the newest checkpoint that is whole.

    A damaged one is set aside as `DAMAGED`, with a warning. Raises ValueError if there are checkpoints, and none is whole,
    and OSError if the folder cannot be written to.
    """
    newest, previous = folder / NAME, folder / PREVIOUS
    # Find out now that nothing can be written here, and not at the first checkpoint.
    with explained(newest):
        (folder / f".{NAME}.unfinished").touch()
        for pattern in (".checkpoint*.unfinished", ".weights*.unfinished", ".sheet-*.png.*"):
            for left in folder.glob(pattern):
                left.unlink()
    if not newest.exists() and not previous.exists():
        return
    try:
        read(newest)
        return
    except DamagedError as error:
        kept, too = steps_kept(folder), " So is the one before it." if previous.exists() else ""
        if kept is None:
            raise ValueError(f"{error}{too} Name another folder with --out.") from error
    if newest.exists():
        newest.replace(folder / DAMAGED)
        warnings.warn(
            f"The checkpoint {newest} is damaged, so this goes on from the one before, of step {kept}.", stacklevel=2
        )
    previous.replace(newest)


def place_of(data: str) -> str | None:
    """Where pictures lie on this disk, written in the same way whatever they were called; None if they come from elsewhere."""
    return os.path.realpath(data) if data != "dinosaurs" and os.path.lexists(data) else None


def same_pictures(mine: str, theirs: str, there: str | None) -> bool:
    """Whether two names of pictures mean the same ones: the same place, or the same name where the place is gone or is none.

    there  the place that `theirs` was
    """
    here = place_of(mine)
    return here == there if here and there and os.path.lexists(there) else mine == theirs


def load(folder: Path, run: Run, settings: Any, column: str | None = None) -> dict:
    """Put a run back to where it was when its newest checkpoint was written, if there is one.

    column  what the column of pictures is really called, if it was not named

    Returns what was saved as `count`, `scaler` and `streams`. Raises ValueError if it belongs to a run with other settings.
    """
    path, another = folder / NAME, "Name another folder with --out."
    if not path.exists():
        return {"count": 0, "scaler": None, "streams": []}
    about, state = read(path)
    theirs, more = json.loads(about["settings"]), json.loads(about["more"])
    asked = json.loads(json.dumps(asdict(settings)))
    there = more.get("place", place_of(theirs["data"]))  # older checkpoints do not tell it
    if same_pictures(asked["data"], theirs["data"], there):
        asked["data"] = theirs["data"]
    elif asked["data"] == theirs["data"]:
        theirs["data"], asked["data"] = there, place_of(asked["data"])
    if theirs["column"] == column:
        asked["column"] = column
    for name, mine in asked.items():
        # What was not there yet when a checkpoint was written was as it is by default.
        before = theirs.get(name, getattr(type(settings), name, None))
        if before != mine:
            raise ValueError(
                f"The checkpoint {path} comes from a run with {name} {before}, and you ask for {mine}. {another}"
            )

    def group(name: str) -> dict[str, Tensor]:
        return {key.removeprefix(f"{name}."): tensor for key, tensor in state.items() if key.startswith(f"{name}.")}

    try:
        run.denoiser.load_state_dict(group("denoiser"))
        run.average.load_state_dict(group("average"))
        moments = {i: group(f"optimizer.{i}") for i, _ in enumerate(run.denoiser.parameters())}
        run.optimizer.load_state_dict(run.optimizer.state_dict() | {"state": moments})
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"The checkpoint {path} does not fit a network of these widths and depths. {another}"
        ) from error
    # The same order in memory as before, so that the same sums are added up in the same order.
    for weight, moment in run.optimizer.state.items():
        for name, tensor in moment.items():
            if tensor.shape == weight.shape:
                moment[name] = torch.empty_like(weight).copy_(tensor)
    for i, place in enumerate(more["streams"]):
        place |= group(f"stream.{i}")
    run.taken = int(about["taken"])
    return more
