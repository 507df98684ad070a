"""One module of checks per chapter, named like the chapter. Here is what they share."""

from random import Random

import numpy as np
import torch
from torch import Tensor, nn

from dino.drawing import draw


def pictures(count: int, height: int, width: int) -> Tensor:
    """Freshly drawn dinosaurs, (count, 3, height, width), in [0, 1], depending on torch's dice alone."""
    size = max(height, width)
    dice = Random(int(torch.randint(2**31, ())))
    drawn = np.stack([np.asarray(draw(dice, size)[0]) for _ in range(count)])
    squares = torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 255
    return squares[:, :, size - height :, size - width :].contiguous()


def spread_levels(count: int) -> Tensor:
    """Noise levels, (count, 1, 1, 1), that lie well apart and away from 0 and 1, in a random order."""
    levels = (torch.arange(count) + 0.5 + 0.4 * torch.rand(count)) / (count + 0.5)
    return levels[torch.randperm(count)].view(count, 1, 1, 1)


def run_order(module: nn.Module, inputs: tuple) -> list[nn.Module]:
    """The innermost modules that have weights of their own, in the order in which a forward pass uses them."""
    used: list[nn.Module] = []
    inner = [part for part in module.modules() if part._parameters]
    handles = [part.register_forward_hook(lambda part, *_: used.append(part)) for part in inner]
    try:
        with torch.no_grad():
            module(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return list(dict.fromkeys(used))


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
