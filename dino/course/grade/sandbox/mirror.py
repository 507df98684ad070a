"""What both sides share: weights that are kept alike, networks described for the other side, and gradients through both."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from dino.course.grade.sandbox.protocol import Network


def weights_of(thing: object) -> list[Tensor]:
    """The weights of a network; nothing else has any."""
    return list(thing.parameters()) if isinstance(thing, nn.Module) else []


class Elsewhere(torch.autograd.Function):
    """Lets gradients go back through what is run on the other side, to the tensors that it depends on; in `torch.func`, too.

    run  given the tensors, gives what comes out, and a function that gives their gradients, given that of it; or None
    """

    @staticmethod
    def forward(run: Callable[..., tuple[object, Callable | None]], *tensors):
        result, run.back = run(*tensors)
        return result

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.back = inputs[0].back
        if ctx.back is None and isinstance(output, Tensor):
            ctx.mark_non_differentiable(output)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        # Once more, for inside of `torch.func` this is what gives plain tensors to what is run.
        return None, *Elsewhere.apply(lambda gradient: (tuple(ctx.back(gradient)), None), gradient)


def gradients_of(sources: list[Tensor], result: Tensor, gradient: Tensor) -> list[Tensor | None]:
    """The gradients of what a result was made of, given that of the result; None for what it does not depend on."""
    follow = [one for one in sources if one.requires_grad and result.requires_grad]
    found = follow and torch.autograd.grad(result, follow, gradient, retain_graph=True, allow_unused=True)
    gradients = dict(zip(map(id, follow), found, strict=True))
    return [gradients.get(id(one)) for one in sources]


class Mirror:
    """What the judge gave, by number. Each message brings the state that it has on the other side."""

    def __init__(self):
        self.things: dict[int, object] = {}
        self.known: dict[int, list[Tensor]] = {}

    def weights(self, number: int) -> list[Tensor]:
        """The weights of a thing; those that it had before, where `torch.func` has put others in their place for a while."""
        now = weights_of(self.things[number])
        if all(isinstance(weight, nn.Parameter) for weight in now):
            self.known[number] = now
        return self.known[number]

    def followed(self, thing: object) -> list[Tensor]:
        """The weights that gradients may reach through a thing: a network's own, or all, for a function may be around any."""
        return weights_of(thing) or [weight for _, one in sorted(self.things.items()) for weight in weights_of(one)]

    def state(self) -> dict[int, object]:
        """The settings of each optimizer, and of each network whether its parts are in training mode, and its weights.

        Of a weight, that is its numbers, which want gradients or not, its gradient, and with which earlier one it shares
        memory, or its own place.
        """
        places: dict[int, tuple[int, int]] = {}
        state: dict[int, object] = {}
        for number, thing in self.things.items():
            if hasattr(thing, "param_groups"):
                state[number] = {name: one for name, one in thing.param_groups[0].items() if name != "params"}
            elif weights := self.weights(number):
                modes = [part.training for part in thing.modules()]
                now = [
                    (
                        one.detach().requires_grad_(one.requires_grad),
                        one.grad,
                        places.setdefault(one.data_ptr(), (number, i)),
                    )
                    for i, one in enumerate(weights)
                ]
                state[number] = modes, now
        return state

    def take(self, state: dict[int, object]) -> None:
        """Bring all to a state; weights that share memory on the other side, and no others, do so here.

        Raises errors of all kinds if it does not fit.
        """
        places: dict[int, tuple[int, int]] = {}
        for number, now in state.items():
            thing = self.things[number]
            if hasattr(thing, "param_groups"):
                (group,) = thing.param_groups
                weights = group["params"]
                group.clear()
                group.update(now, params=weights)
                continue
            modes, values = now
            for part, mode in zip(thing.modules(), modes, strict=True):
                part.training = mode
            for i, (weight, (numbers, gradient, first)) in enumerate(zip(self.weights(number), values, strict=True)):
                if places.setdefault(weight.data_ptr(), (number, i)) != first:
                    shared = first != (number, i)
                    own = self.weights(first[0])[first[1]].data if shared else numbers.detach()
                    weight.data = own.view_as(weight)
                elif not torch.equal(weight.data, numbers):
                    weight.data.copy_(numbers)
                weight.requires_grad_(numbers.requires_grad)
                if gradient is None or weight.grad is None or not torch.equal(weight.grad, gradient):
                    weight.grad = gradient


def describe(network: nn.Module, number: int) -> Network:
    """A network, for the other side to furnish an image of it."""
    parts, weights = list(network.modules()), list(network.parameters())
    part_at = {id(part): i for i, part in enumerate(parts)}
    weight_at = {id(weight): i for i, weight in enumerate(weights)}
    described = [
        (
            {name: part_at[id(child)] for name, child in part._modules.items() if child is not None},
            {name: None if one is None else weight_at[id(one)] for name, one in part._parameters.items()},
            {name: one for name, one in part._buffers.items() if one is not None},
            part.training,
        )
        for part in parts
    ]
    return Network(number, described, weights)


def furnish(parts: list[nn.Module], network: Network) -> None:
    """Give empty parts what those of a network have. Raises errors of all kinds if it does not fit."""
    weights = [nn.Parameter(one.detach(), requires_grad=one.requires_grad) for one in network.weights]
    for part, (children, places, buffers, mode) in zip(parts, network.parts, strict=True):
        part.training = mode
        for name, i in places.items():
            part.register_parameter(name, None if i is None else weights[i])
        for name, buffer in buffers.items():
            part.register_buffer(name, buffer)
        for name, i in children.items():
            part.add_module(name, parts[i])
