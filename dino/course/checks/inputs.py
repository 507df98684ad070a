"""One module of checks per chapter, named like the chapter. Here is what they share."""

import functools
from collections.abc import Iterable
from random import Random

import numpy as np
import torch
from torch import Tensor, nn

from dino.drawing import draw


@functools.cache
def drawn(size: int) -> Tensor:
    """Sixty dinosaurs, (60, 3, size, size): drawing takes longer than most checks."""
    dice = Random(0)
    pictures = np.stack([np.asarray(draw(dice, size)[0]) for _ in range(60)])
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


def pictures(count: int, height: int, width: int) -> Tensor:
    """Dinosaurs, (count, 3, height, width), in [0, 1], no two alike; which ones, depends on torch's dice alone."""
    size = max(height, width)
    some = drawn(size)[torch.randperm(60)[:count]]
    return some[:, :, size - height :, size - width :].contiguous()


def spread_levels(count: int) -> Tensor:
    """Noise levels, (count, 1, 1, 1), that lie well apart and away from 0 and 1, in a random order.

    If there are four or more, the first and the last are neither the lowest nor the highest.
    """
    levels = (torch.arange(count) + 0.5 + 0.4 * torch.rand(count)) / (count + 0.5)
    order = torch.randperm(count)
    while count > 3 and {int(order[0]), int(order[-1])} & {0, count - 1}:
        order = torch.randperm(count)
    return levels[order].view(count, 1, 1, 1)


def shares(result: Tensor, one: Tensor, other: Tensor) -> tuple[float, float] | None:
    """How much of each of two things is in a result that is a mix of them; None if it is none."""
    if not isinstance(result, Tensor) or result.shape != one.shape or not result.isfinite().all():
        return None
    two = torch.stack([one.flatten(), other.flatten()], dim=1).double()
    target = result.detach().flatten().double()
    found = torch.linalg.lstsq(two, target).solution
    if (two @ found - target).abs().max() > 1e-4:
        return None
    # Rounded, for what is told of them must not depend on the last digits, which differ from run to run.
    return tuple(round(share, 4) + 0.0 for share in found.tolist())  # + 0.0 makes 0 of -0


class Tap:
    """Listens to modules while they run.

    seen   by module: what went in and what came out, as a pair for each time that it ran
    order  the modules, in the order in which they began to run
    """

    def __init__(self, modules: Iterable[nn.Module]):
        self.seen: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {module: [] for module in modules}
        self.order: list[nn.Module] = []
        self.given: list[Tensor] = []

    def __enter__(self) -> "Tap":
        self.handles = [module.register_forward_pre_hook(self.begin, with_kwargs=True) for module in self.seen]
        self.handles += [module.register_forward_hook(self.end) for module in self.seen]
        return self

    def __exit__(self, *_) -> None:
        for handle in self.handles:
            handle.remove()

    def begin(self, module: nn.Module, inputs: tuple, named: dict) -> None:
        self.order.append(module)
        first, *_ = [*inputs, *named.values()]
        self.given.append(first.detach().clone())

    def end(self, module: nn.Module, _, result: Tensor) -> None:
        self.seen[module].append((self.given.pop(), result.detach().clone()))


def run_order(module: nn.Module, inputs: tuple) -> list[nn.Module]:
    """The innermost modules that have weights of their own, in the order in which a forward pass uses them."""
    with Tap([part for part in module.modules() if part._parameters]) as tap, torch.no_grad():
        module(*inputs)
    return list(dict.fromkeys(tap.order))


def same_weights(reference: nn.Module, yours: nn.Module, *inputs: Tensor) -> None:
    """Copy the weights of one network into another that may name or define its layers in another way.

    Layers are matched by when they are used, not by name; where that does not fit, weights are matched by order.
    """
    pairs = list(zip(run_order(reference, inputs), run_order(yours, inputs), strict=False))
    with torch.no_grad():
        for weight, mine in zip(reference.parameters(), yours.parameters(), strict=False):
            if weight.shape == mine.shape:
                mine.copy_(weight)
        for source, target in pairs:
            for weight, mine in zip(source.parameters(), target.parameters(), strict=False):
                if weight.shape == mine.shape:
                    mine.copy_(weight)
