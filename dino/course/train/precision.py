"""Training with less memory or in fewer bits, around the loop of `dino.training`, which stays as it is."""

import copy

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dino.course.train.distributed import ProcessGroup
from dino.training import Run


class MicroBatches(nn.Module):
    """A network that works through a batch in micro-batches; its gradient stays that of the whole batch.

    The memory that gradients need is that of one micro-batch alone, because what was calculated for each is forgotten, and
    calculated once more on the way back (Chen et al., arXiv 1604.06174): a step takes about a third longer.

    count  how many micro-batches, at most
    """

    def __init__(self, network: nn.Module, count: int):
        super().__init__()
        self.network, self.count = network, count

    def forward(self, noisy: Tensor, level: Tensor) -> Tensor:
        micro_batches = zip(noisy.chunk(self.count), level.chunk(self.count), strict=True)
        return torch.cat([checkpoint(self.network, *some, use_reentrant=False) for some in micro_batches])


class MixedPrecision(nn.Module):
    """A network that calculates in a precision of its own, whatever the one is that it is called in.

    precision  "float32", "bfloat16" or "float16"
    scaler     makes gradients larger, so that float16 can hold them
    """

    def __init__(self, network: nn.Module, precision: str, scaler: torch.amp.GradScaler | None = None):
        super().__init__()
        self.network, self.dtype, self.scaler = network, getattr(torch, precision), scaler

    def forward(self, noisy: Tensor, level: Tensor) -> Tensor:
        with torch.autocast(noisy.device.type, self.dtype, enabled=self.dtype != torch.float32):
            guess = self.network(noisy, level)
        if self.scaler and guess.requires_grad:
            guess = guess.float()
            guess.register_hook(self.scaler.scale)
        return guess


class ScaledOptimizer:
    """An optimizer for gradients that a scaler has made larger: they are made small again first, and no step is taken when
    they were too large for float16 (Micikevicius et al., arXiv 1710.03740)."""

    def __init__(self, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler):
        self.optimizer, self.scaler = optimizer, scaler
        self.param_groups, self.zero_grad = optimizer.param_groups, optimizer.zero_grad

    def step(self) -> None:
        self.scaler.unscale_(self.optimizer)
        self.scaler.step(self.optimizer)
        self.scaler.update()


def prepare(
    run: Run, group: ProcessGroup, micro_batches: int = 1, precision: str = "auto", state: dict | None = None
) -> tuple[Run, torch.amp.GradScaler | None]:
    """The same run for the training loop to work with: it changes the same weights, but calls the network in another way.

    micro_batches  how many, at most, the batch of each process is divided into
    precision      as of `MixedPrecision`; "auto" leaves it to the training loop
    state          what the gradient scaler of float16 remembers from before

    Returns it, and the gradient scaler if there is one.
    """
    working, scaler = copy.copy(run), None
    if precision == "float16":
        scaler = torch.amp.GradScaler(group.device.type)
        if state:
            scaler.load_state_dict(state)
        working.optimizer = ScaledOptimizer(run.optimizer, scaler)
    if micro_batches > 1:
        working.denoiser = MicroBatches(working.denoiser, micro_batches)
    if precision != "auto":
        working.denoiser = MixedPrecision(working.denoiser, precision, scaler)
    working.denoiser = group.parallel(working.denoiser)
    return working, scaler
