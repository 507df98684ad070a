"""The recipe of *Dino Diffusion* to the letter, for `dino train --classic`. The course's own is `dino.training.train`.

Ollin Boer Bohan, https://github.com/madebyollin/dino-diffusion, MIT. `docs/origin.md` has a table of all that differs.
"""

from collections.abc import Iterator
from typing import Any

import torch

from dino.denoiser import Denoiser
from dino.training import Run, training_step, update_average

# What it is given on the command line.
SETTINGS = {"size": 64, "batch": 16, "widths": (64,) * 5, "depths": (2,) * 5}
SETTINGS |= {"flip": True, "precision": "float32", "stream": False, "text": None}
# How many pictures are in an epoch, at least: fewer come again and again.
EPOCH = 2**20


class ClassicRun(Run):
    """A run with the classic optimizer; it remembers what every run does."""

    def __init__(self, denoiser: Denoiser):
        super().__init__(denoiser)
        self.optimizer = torch.optim.AdamW(self.denoiser.parameters(), 3e-4, amsgrad=True)


def train_classic(run: Run, images: Any, steps: int, batch: int, seed: int) -> Iterator[float]:
    """Train as `dino.training.train` does, but at one rate, on pictures that are not shaken, and in shuffled epochs."""
    length, shuffled = max(len(images), EPOCH), None
    for n in range(run.taken, steps):
        # What is left of an epoch when no whole batch is, is left out.
        epoch, index = divmod(n, length // batch)
        if shuffled is None or index == 0:
            generator = torch.Generator().manual_seed(-1 - seed * 1_000_000_007 - epoch)
            shuffled = torch.randperm(length, generator=generator) % len(images)
        clean = images[shuffled[index * batch : (index + 1) * batch]]
        with torch.random.fork_rng([clean.device] if clean.device.type == "cuda" else []):
            torch.manual_seed(seed * 1_000_000_007 + n)
            clean = torch.where(torch.rand(batch, 1, 1, 1, device=clean.device) < 0.5, clean.flip(3), clean)
            loss = training_step(run.denoiser, run.optimizer, clean)
        if n % 10 == 0:
            update_average(run.average, run.denoiser, n // 10)
        run.taken = n + 1
        yield loss
