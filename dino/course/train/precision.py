"""Training with less memory or in fewer bits, around the loop of `dino.training`, which stays as it is."""

import copy
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dino.course.train.distributed import Alone
from dino.training import Run


class Frugal(nn.Module):
    """A network that answers a question in parts, in another precision, or both; its gradient stays that of the whole.

    The memory that gradients need is that of one part alone, because each part is forgotten, and calculated once more on
    the way back (Chen et al., arXiv 1604.06174): a step takes about a third longer.

    parts      how many, at most
    precision  "float32", "bfloat16" or "float16"; "auto" leaves it to whoever asks
    scaler     makes gradients larger, so that float16 can hold them
    """

    def __init__(self, network: nn.Module, parts: int, precision: str, scaler: torch.amp.GradScaler | None):
        super().__init__()
        self.network, self.parts, self.precision, self.scaler = network, parts, precision, scaler

    def forward(self, noisy: Tensor, level: Tensor) -> Tensor:
        dtype = getattr(torch, self.precision, torch.float32)
        precision = torch.autocast(noisy.device.type, dtype, enabled=dtype != torch.float32)
        with nullcontext() if self.precision == "auto" else precision:
            if self.parts == 1:
                guess = self.network(noisy, level)
            else:
                parts = zip(noisy.chunk(self.parts), level.chunk(self.parts), strict=True)
                guess = torch.cat([checkpoint(self.network, *part, use_reentrant=False) for part in parts])
        if self.scaler and guess.requires_grad:
            guess = guess.float()
            guess.register_hook(self.scaler.scale)
        return guess


class Unscaled:
    """An optimizer for gradients that a scaler has made larger: they are made small again first, and no step is taken when
    they were too large for float16 (Micikevicius et al., arXiv 1710.03740)."""

    def __init__(self, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler):
        self.optimizer, self.scaler = optimizer, scaler
        self.param_groups, self.zero_grad = optimizer.param_groups, optimizer.zero_grad

    def step(self) -> None:
        self.scaler.unscale_(self.optimizer)
        self.scaler.step(self.optimizer)
        self.scaler.update()


def at_scale(
    run: Run, team: Alone, parts: int, precision: str, remembered: dict | None = None
) -> tuple[Run, torch.amp.GradScaler | None]:
    """The same run for the training loop to work with: it changes the same weights, but asks the network in another way.

    remembered  what the scaler of float16 remembers from before

    Returns it, and the scaler if there is one.
    """
    working = copy.copy(run)
    scaler = torch.amp.GradScaler(team.device.type) if precision == "float16" else None
    if scaler and remembered:
        scaler.load_state_dict(remembered)
    if scaler:
        working.optimizer = Unscaled(run.optimizer, scaler)
    if parts > 1 or precision != "auto":
        working.denoiser = Frugal(run.denoiser, parts, precision, scaler)
    working.denoiser = team.share(working.denoiser)
    return working, scaler
