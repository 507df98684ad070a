"""Training for the command line: settings, progress, checkpoints and sheets around `dino.training.train`."""

import contextlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from dino.course.train import checkpoints
from dino.course.train.cached import open_album
from dino.course.train.distributed import Alone, team_of
from dino.course.train.draw import draw_sheet
from dino.course.train.interrupt import asked_to_stop, ended_are_named
from dino.course.train.precision import at_scale
from dino.denoiser import Denoiser
from dino.saving import save_denoiser
from dino.training import Run, train


@dataclass(frozen=True)
class Settings:
    """What makes a run the run that it is: two runs with the same settings give the same weights."""

    data: str
    size: int
    steps: int
    batch: int
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    seed: int
    split: str = "train"
    column: str = "image"
    stream: bool = False
    flip: bool = True
    precision: str = "auto"


def new_run(settings: Settings, device: torch.device) -> Run:
    """A run that has taken no step. Raises ValueError if the pictures cannot be halved as often as the network does."""
    torch.manual_seed(settings.seed)
    denoiser = Denoiser(settings.widths, settings.depths).to(device)
    if settings.size % denoiser.multiple:
        raise ValueError(
            f"Pictures of {settings.size} pixels cannot be halved {len(settings.widths) - 1} times. Choose a --size that is "
            f"a multiple of {denoiser.multiple}, or fewer --widths and --depths."
        )
    return Run(denoiser)


def open_images(settings: Settings, team: Alone) -> Any:
    """The pictures to learn from, whole or as a stream."""
    return open_album(
        settings.data, settings.size, settings.split, settings.column, settings.stream, team.device,
        process=team.number, processes=team.count,
    )  # fmt: skip


def tell_all(images: Any, settings: Settings, team: Alone) -> None:
    """Let the process that speaks know of what the others have left out of a stream."""
    for wrong in team.gather(images.wrong) if settings.stream else ():
        images.wrong |= wrong


def learn(
    run: Run, images: Any, settings: Settings, folder: Path, every: int, parts: int, team: Alone, scaler: Any
) -> bool:
    """Train, and write checkpoints and sheets; returns whether all steps were taken."""
    working, scaler = at_scale(run, team, parts, settings.precision, scaler)
    tell_all(images, settings, team)
    shared = team.share_stream(images) if settings.stream else images
    smooth = None
    bar = tqdm(
        total=settings.steps, initial=run.taken, desc="training", unit="step", smoothing=0.05, disable=not team.main
    )
    with asked_to_stop(again=team.count == 1) as stop, bar:
        for loss in train(working, shared, settings.steps, settings.batch, seed=settings.seed, flip=settings.flip):
            run.taken = working.taken
            smooth = loss if smooth is None else 0.98 * smooth + 0.02 * loss
            bar.set_postfix(loss=f"{smooth:.4f}", refresh=False)
            bar.update()
            stopped = team.wished(stop.is_set())
            if run.taken % every == 0 or run.taken == settings.steps or stopped:
                tell_all(images, settings, team)
                streams = team.gather(images.state()) if settings.stream else []
                with team.agreed():
                    if team.main:
                        memory = scaler and scaler.state_dict()
                        checkpoints.save(folder, run, settings, memory, streams, len(images))
                        path = folder / f"sheet-{run.taken:06d}.png"
                        with checkpoints.explained(path):
                            if not stopped:
                                draw_sheet(run.average, path, settings.size, team.device)
            if stopped:
                return False
    return True


def run_training(settings: Settings, folder: Path, every: int, parts: int = 1) -> bool:
    """Train in a folder, going on from its checkpoint if it has one; returns whether the run is complete.

    every  how many steps lie between checkpoints
    parts  in how many parts each question is answered, which saves memory and costs time

    Raises ValueError or OSError, with a sentence: before anything is written, if it is about what was asked for.
    """
    with team_of(settings.batch) as team, ended_are_named(team, folder), contextlib.ExitStack() as stack:
        with team.agreed():
            run = new_run(settings, team.device)
        images = team.in_turn(lambda: open_images(settings, team))
        with team.agreed():
            if team.main:
                stack.enter_context(checkpoints.held(folder))
                checkpoints.tidy(folder)
        with team.agreed():
            more = checkpoints.load(folder, run, settings)
            if settings.stream and run.taken:
                if len(more["streams"]) != team.count:
                    raise ValueError(
                        f"The checkpoint in {folder} comes from {len(more['streams'])} processes that shared a stream, and "
                        f"here {'is' if team.count == 1 else 'are'} {team.count}. Start as many, or name another folder with --out."
                    )
                images.restore(more["streams"][team.number])
            count = len(images)  # fills the window of a stream, so that what cannot be read is told now
            if run.taken and count != more["count"] and not settings.stream:
                warnings.warn(
                    f"The pictures are not those of the checkpoint: {more['count']:,} then, {count:,} now. This goes on all the "
                    "same, but to other weights than a run on either of the two.",
                    stacklevel=2,
                )
        taken = team.gather(run.taken)
        with team.agreed():
            if len(set(taken)) > 1:
                raise ValueError(
                    f"The processes do not find the same in {folder}. Put it on a disk that all machines share."
                )
        if settings.data != "dinosaurs":
            print(f"{settings.data}: {images.about}.")
        pictures = "A stream of pictures" if settings.stream else f"{len(images)} picture{'s' * (len(images) > 1)}"
        print(f"{pictures} of {settings.size}x{settings.size}; {settings.steps} steps, {run.taken} of them taken.")
        if not learn(run, images, settings, folder, every, parts, team, more["scaler"]):
            return False
        with team.agreed():
            if team.main:
                path = folder / "weights.safetensors"
                with checkpoints.explained(path):
                    save_denoiser(run.average, path, settings.size)
        return True
