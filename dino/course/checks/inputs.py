"""What the checks share: inputs for answers, and a look at what goes on in a network."""

import contextlib
import functools
import itertools
import operator
from collections.abc import Iterable, Iterator
from random import Random

import numpy as np
import torch
from torch import Tensor, nn

from dino.drawing import draw


@functools.cache
def drawn(size: int) -> Tensor:
    """Sixty dinosaurs, (60, 3, size, size): drawing takes longer than most checks."""
    generator = Random(0)
    pictures = np.stack([np.asarray(draw(generator, size)[0]) for _ in range(60)])
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


def pictures(count: int, height: int, width: int) -> Tensor:
    """Dinosaurs, (count, 3, height, width), in [0, 1], no two alike; torch's random generator decides which."""
    size = -(-max(height, width) // 4) * 4  # of few sizes, for each is drawn only once
    some = drawn(size)[torch.randperm(60)[:count]]
    return some[:, :, size - height :, size - width :].contiguous()


def between(low: int, high: int) -> int:
    """A whole number from low to high; torch's random generator decides which."""
    return int(torch.randint(low, high + 1, ()))


def any_size(low: int, high: int) -> int:
    """A whole number from low to high, small ones as likely as large ones: the logarithm is drawn evenly."""
    return min(high, int(low * ((high + 1) / low) ** torch.rand(()).item()))


def spread_levels(count: int) -> Tensor:
    """Noise levels, (count, 1, 1, 1), that lie well apart and away from 0 and 1, in a random order.

    If there are four or more, the first and the last are neither the lowest nor the highest.
    """
    levels = (torch.arange(count) + 0.5 + 0.4 * torch.rand(count)) / (count + 0.5)
    order = torch.randperm(count)
    while count > 3 and {int(order[0]), int(order[-1])} & {0, count - 1}:
        order = torch.randperm(count)
    return levels[order].view(count, 1, 1, 1)


def shares(result: Tensor, *parts: Tensor, tolerance: float = 1e-4) -> tuple[float, ...] | None:
    """How much of each part is in a result that is a mix of them; None if it is none."""
    if not isinstance(result, Tensor) or result.shape != parts[0].shape or not result.isfinite().all():
        return None
    basis = torch.stack([part.flatten() for part in parts], dim=1).double()
    target = result.detach().flatten().double()
    found = torch.linalg.lstsq(basis, target).solution
    if (basis @ found - target).abs().max() > tolerance:
        return None
    # Rounded, for what is told of them must not depend on the last digits, which differ from run to run.
    return tuple(round(share, 4) + 0.0 for share in found.tolist())  # + 0.0 makes 0 of -0


@contextlib.contextmanager
def tap(modules: Iterable[nn.Module]) -> Iterator[tuple[list, dict, dict]]:
    """Listen to modules while they run.

    Yields the modules in the order in which they begin, and by module what goes in and what comes out the first time.
    """
    order, given, came = [], {}, {}

    def begin(module: nn.Module, inputs: tuple, named: dict) -> None:
        order.append(module)
        first, *_ = [*inputs, *named.values()]
        given.setdefault(module, first.detach().clone())

    def end(module: nn.Module, _, result: Tensor) -> None:
        came.setdefault(module, result.detach().clone())

    with contextlib.ExitStack() as hooks:
        for module in modules:
            hooks.enter_context(module.register_forward_pre_hook(begin, with_kwargs=True))
            hooks.enter_context(module.register_forward_hook(end))
        yield order, given, came


def run_order(module: nn.Module, *inputs: Tensor) -> list[nn.Module]:
    """The innermost modules that have weights of their own, in the order in which a forward pass uses them."""
    with tap(part for part in module.modules() if part._parameters) as (order, *_), torch.no_grad():
        module(*inputs)
    return list(dict.fromkeys(order))


def laid_out(weight: Tensor, shape: torch.Size) -> list[Tensor]:
    """The ways in which the numbers of a weight may lie in another shape, each side whole; the plainest comes first."""
    ways = []
    for order in itertools.permutations(range(weight.dim())):
        ends = set(itertools.accumulate((weight.shape[side] for side in order), operator.mul))
        if weight.numel() == shape.numel() and set(itertools.accumulate(shape, operator.mul)) <= ends | {1}:
            ways.append(weight.permute(order).reshape(shape))
    return ways


def same_weights(reference: nn.Module, yours: nn.Module, *inputs: Tensor) -> None:
    """Copy the weights of one network into another that may name, order and lay out its own in another way.

    Layers are matched by when they are used, not by name; where that does not fit, weights are matched by order. If the two
    then give different results, weights of as many numbers are tried in each other's place, and laid out in other ways.
    """
    layers = zip(run_order(reference, *inputs), run_order(yours, *inputs), strict=False)
    with torch.no_grad():
        for source, target in [(reference, yours), *layers]:
            for weight, mine in zip(source.parameters(), target.parameters(), strict=False):
                if weight.shape == mine.shape:
                    mine.copy_(weight)
        theirs, mine = list(reference.parameters()), list(yours.parameters())
        if len(theirs) != len(mine) or len(mine) > 4:
            return
        right = reference(*inputs)
        before = [weight.clone() for weight in mine]
        ways = (
            itertools.product(*(laid_out(one, weight.shape) for one, weight in zip(some, mine, strict=True)))
            for some in itertools.permutations(theirs)
        )
        for some in [before, *itertools.islice(itertools.chain.from_iterable(ways), 300), before]:
            for weight, numbers in zip(mine, some, strict=True):
                weight.copy_(numbers)
            result = yours(*(one.clone() for one in inputs))
            if isinstance(result, Tensor) and result.shape == right.shape and torch.allclose(result, right, atol=1e-4):
                return


def gradients(network: nn.Module, first: Tensor, *others: Tensor) -> tuple[Tensor, list[Tensor]]:
    """How gradients go back through a network: that of the first input, and those of its weights, 0 where there is none."""
    first = first.clone().requires_grad_()
    result, sources = network(first, *others), [first, *network.parameters()]
    if not result.requires_grad:
        result = result + 0 * first.sum()
    found = torch.autograd.grad(result.square().sum(), sources, allow_unused=True)
    found = [torch.zeros_like(one) if slope is None else slope for slope, one in zip(found, sources, strict=True)]
    return found[0], found[1:]
