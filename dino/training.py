"""Chapter 3: learn from questions. `noise` asks, `denoiser` answers, and here it learns from how far off it was."""

import copy
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dino.denoiser import Denoiser, in_bfloat16
from dino.noise import make_question, mix


def training_step(denoiser: Callable, optimizer: torch.optim.Optimizer, clean: Tensor) -> float:
    """Let the denoiser answer one question, and change its weights so that it would answer it a little better.

    denoiser   takes noisy pictures and their levels, returns its guess at the clean pictures
    optimizer  changes the denoiser's weights, given their gradients
    clean      (batch, 3, height, width), in [0, 1]

    Returns the loss: the mean squared error of the guess, over all pixels and colours.
    """
    # Ask.
    noisy, level = make_question(clean)
    # See how far the guess is from the truth.
    loss = F.mse_loss(denoiser(noisy, level), clean)
    # Forget the gradients of the step before, work out those of this one, and follow them.
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@torch.no_grad()
def update_average(average: nn.Module, denoiser: nn.Module, n: int) -> None:
    """Move an average of the denoiser's weights towards the weights that it has now (Polyak averaging).

    average   a copy of the denoiser, which this changes in place
    denoiser  the denoiser, which stays as it is
    n         how many updates there were before this one
    """
    # Keep little of the average at first, when it knows nothing: 0, 0.1, 0.2, and so on up to 0.95.
    keep = min(0.95, n / 10)
    # Mix each weight, in place.
    for old, new in zip(average.parameters(), denoiser.parameters(), strict=True):
        old.copy_(keep * old + (1 - keep) * new)


@torch.no_grad()
def loss_by_level(denoiser: Callable, clean: Tensor, levels: Tensor) -> Tensor:
    """Measure the denoiser's mean squared error at each of some levels, with fresh noise.

    denoiser  takes noisy pictures and their levels, returns its guess at the clean pictures
    clean     (batch, 3, height, width), in [0, 1]
    levels    (count,), in [0, 1]

    Returns the losses, (count,).
    """
    losses = []
    for level in levels:
        # Mix noise into all pictures at this one level.
        same = level.expand(len(clean), 1, 1, 1)
        noisy = mix(clean, torch.rand_like(clean), same)
        # See how far the guess is from the truth.
        losses.append(F.mse_loss(denoiser(noisy, same), clean))
    return torch.stack(losses)


class ClippedAdamW(torch.optim.AdamW):
    """AdamW (Loshchilov & Hutter, arXiv 1711.05101) that cuts wild gradients short (Pascanu et al., arXiv 1211.5063)."""

    def step(self) -> None:
        nn.utils.clip_grad_norm_(self.param_groups[0]["params"], max_norm=0.2)
        super().step()


class Run:
    """All that a training run has to remember. Keep this, and you can go on as if you had never stopped.

    denoiser   the network that learns
    average    the average of its weights over the last steps: this is the one that draws
    optimizer  what follows the gradients
    taken      how many steps were taken
    """

    def __init__(self, denoiser: Denoiser):
        # Channels side by side in memory: the same numbers, but processors like this order better.
        self.denoiser = denoiser.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.denoiser)
        # A shorter memory for how large gradients are (0.99, not 0.999), for runs of a few thousand steps.
        self.optimizer = ClippedAdamW(self.denoiser.parameters(), betas=(0.9, 0.99), fused=True)
        self.taken = 0


def shaken(denoiser: Callable) -> Callable:
    """The same denoiser, asked about pictures a little off, as those are that it draws (Ning et al., arXiv 2301.11706)."""

    def ask(noisy: Tensor, level: Tensor) -> Tensor:
        return denoiser(noisy + torch.rand_like(level) * (torch.rand_like(noisy) - 0.5), level)

    return ask


def train(
    run: Run, images: Tensor, steps: int, batch: int = 16, rate: float = 1.5e-3, seed: int = 0, flip: bool = True,
    ask: Callable = shaken,
) -> Iterator[float]:  # fmt: skip
    """Train until `steps` steps were taken, and yield the loss of each: a loop over it can plot, save or stop.

    run           what is trained; steps that it has taken already are not taken again
    images        (count, 3, height, width), in [0, 1], on the device of the run's denoiser
    steps, batch  how many steps the whole run has, and how many pictures are in one question
    rate          the learning rate, apart from its rise in the first 200 steps and its fall to 0 over the whole run
    seed          every step has random numbers of its own, which depend on the seed and on its number alone
    flip          turn half of the pictures to face the other way; not for text, or anything else with a left and a right
    ask           wraps the denoiser before it is asked
    """
    for n in range(run.taken, steps):
        # Learn in large strides, but gently at first, and in ever smaller strides towards the end.
        run.optimizer.param_groups[0]["lr"] = rate * min(1, (n + 1) / 200) * (1 - n / steps)
        with torch.random.fork_rng([images.device] if images.device.type == "cuda" else []):
            torch.manual_seed(seed * 1_000_000_007 + n)
            # Pick some pictures, and turn half of them round.
            clean = images[torch.randint(len(images), (batch,))]
            clean = torch.where(flip & (torch.rand(batch, 1, 1, 1, device=clean.device) < 0.5), clean.flip(3), clean)
            loss = training_step(ask(in_bfloat16(run.denoiser, clean.device)), run.optimizer, clean)
        if n % 10 == 0:
            update_average(run.average, run.denoiser, n // 10)
        run.taken = n + 1
        yield loss
