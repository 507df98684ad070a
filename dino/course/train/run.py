"""Training for the command line: settings, progress, checkpoints and sheets around `dino.training.train`."""

import contextlib
import ctypes
import functools
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from dino.course.train import checkpoints
from dino.course.train.cached import open_pictures
from dino.course.train.captions import as_on_sheets, choose_words, short
from dino.course.train.classic import ClassicRun, train_classic
from dino.course.train.distributed import ProcessGroup, process_group
from dino.course.train.draw import draw_sheet
from dino.course.train.interrupt import asked_to_stop, ended_are_named
from dino.course.train.precision import prepare
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
    text: str | None = None
    classic: bool = False


def check_size(settings: Settings) -> None:
    """Raise ValueError if the pictures cannot be halved as often as the network does."""
    halvings = len(settings.widths) - 1
    if settings.size % 2**halvings:
        raise ValueError(
            f"Pictures of {settings.size} pixels cannot be halved {halvings} times. Choose a --size that is "
            f"a multiple of {2**halvings}, or fewer --widths and --depths."
        )


def new_run(settings: Settings, device: torch.device, words: Sequence[str] = ()) -> Run:
    """A run that has taken no step, of a network that can be told these words."""
    torch.manual_seed(settings.seed)
    return (ClassicRun if settings.classic else Run)(Denoiser(settings.widths, settings.depths, words).to(device))


def keep_memory() -> None:
    """Let this process keep what memory a step frees for the next one, rather than give it back and ask for it anew.

    Where the C library is glibc; others have no `mallopt`.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):
            mallopt = ctypes.CDLL(None).mallopt
            # M_TRIM_THRESHOLD: give back only what is over 1 GiB at the end of the heap.
            mallopt(-1, 2**30)
            # M_MMAP_THRESHOLD: take from the heap what has up to 32 MiB.
            mallopt(-3, 2**25)


def open_images(settings: Settings, group: ProcessGroup) -> Any:
    """The pictures to learn from, cached or as a stream."""
    return open_pictures(
        settings.data, settings.size, settings.split, settings.column, settings.stream, group, text=settings.text
    )


def teach_words(images: Any, column: str, folder: Path, group: ProcessGroup) -> None:
    """Let pictures know which words of their captions count: those of the folder's checkpoint, or of the captions themselves.

    Prints a line about them. Raises ValueError if there are none.
    """
    # All take what the main process finds, and choose the same words from the captions of all.
    words, examples = group.gather(checkpoints.words_kept(folder))[0]
    told = f"Captions in column {column}: the checkpoint knows {len(words)} words."
    if not words:
        texts = images.captions()
        with group.failing_together():
            words, examples, told = choose_words(texts, column)
    print(told)
    print(f"Sheets have a row for each of these: {'; '.join(map(short, examples))}.")
    images.learn_words(words, examples)


def learn(
    run: Run, images: Any, settings: Settings, folder: Path, interval: int, micro_batches: int, group: ProcessGroup,
    scaler_state: dict | None = None,
) -> bool:  # fmt: skip
    """Train, and write checkpoints and sheets; returns whether all steps were taken."""
    working, scaler = prepare(run, group, micro_batches, settings.precision, scaler_state)
    images.share()
    known = replace(settings, column=images.column)
    average, asked = as_on_sheets(run.average, images.examples), {"ask": images.ask} if settings.text else {}
    loop = train_classic if settings.classic else functools.partial(train, flip=settings.flip, **asked)
    smooth = None
    bar = tqdm(
        total=settings.steps, initial=run.taken, desc="training", unit="step", smoothing=0.05, disable=not group.main
    )
    with asked_to_stop(again=group.world_size == 1) as stop, bar:
        for loss in loop(working, images, settings.steps, settings.batch, seed=settings.seed):
            run.taken = working.taken
            smooth = loss if smooth is None else 0.98 * smooth + 0.02 * loss
            bar.set_postfix(loss=f"{smooth:.4f}", refresh=False)
            bar.update()
            stopped = group.any(stop.is_set())
            if run.taken % interval == 0 or run.taken == settings.steps or stopped:
                images.share()
                states = [state for state in group.gather(images.state()) if state]
                with group.failing_together():
                    if group.main:
                        remembered = scaler and scaler.state_dict()
                        checkpoints.save(folder, run, known, remembered, states, len(images), images.examples)
                    if group.main and not stopped:
                        path = folder / f"sheet-{run.taken:06d}.png"
                        with checkpoints.explained(path):
                            draw_sheet(average, path, settings.size, group.device)
            if stopped:
                return False
    return True


def resume(run: Run, images: Any, settings: Settings, folder: Path, group: ProcessGroup) -> dict | None:
    """Go on from the checkpoint of a folder, if it has one; returns what the gradient scaler remembers."""
    with group.failing_together():
        more = checkpoints.load(folder, run, settings, images.column)
        if states := more["streams"]:
            if len(states) != group.world_size:
                raise ValueError(
                    f"The checkpoint in {folder} comes from {len(states)} processes that shared a stream, and now there "
                    f"{'is' if group.world_size == 1 else 'are'} {group.world_size}. Start {len(states)} again, or name another folder with --out."
                )
            images.restore(states[group.rank])
        count = len(images)  # fills the window of a stream, so that what cannot be read is told now
        if run.taken and not states and count != more["count"]:
            warnings.warn(
                f"The pictures are not those of the checkpoint: {more['count']:,} then, {count:,} now. This goes on "
                "anyway, but the weights will differ from those of a run on either set.",
                stacklevel=2,
            )
    taken = group.gather(run.taken)
    with group.failing_together():
        if len(set(taken)) > 1:
            raise ValueError(
                f"The processes do not see the same checkpoint in {folder}. Put it on a disk that all machines share."
            )
    return more["scaler"]


def run_training(settings: Settings, folder: Path, interval: int, micro_batches: int = 1) -> bool:
    """Train in a folder, going on from its checkpoint if it has one; returns whether the run is complete.

    interval       how many steps lie between checkpoints
    micro_batches  into how many each batch is divided, which saves memory and costs time

    Raises ValueError or OSError, with a sentence: before anything is written, if it is about what was asked for.
    """
    keep_memory()
    with (
        process_group(settings.batch) as group,
        ended_are_named(group, folder),
        contextlib.ExitStack() as stack,
    ):
        with group.failing_together():
            check_size(settings)
        images = group.main_first(lambda: open_images(settings, group))
        with group.failing_together():
            if group.main:
                stack.enter_context(checkpoints.held(folder))
                checkpoints.tidy(folder)
        if settings.data != "dinosaurs":
            print(f"{settings.data}: {images.about}.")
        if settings.text:
            teach_words(images, settings.text, folder, group)
        run = new_run(settings, group.device, images.words)
        scaler_state = resume(run, images, settings, folder, group)
        print(f"{images} of {settings.size}x{settings.size}; {settings.steps} steps, {run.taken} of them taken.")
        if not learn(run, images, settings, folder, interval, micro_batches, group, scaler_state):
            return False
        with group.failing_together():
            if group.main:
                path = folder / "weights.safetensors"
                with checkpoints.explained(path):
                    save_denoiser(run.average, path, settings.size)
        return True
