"""The side of the judge: makes an answer that runs elsewhere look like one that runs here, so that checks need not know.

A function becomes a function that sends its arguments away and waits. A network becomes one with the same parts and the
same weights that lives here; it is run there, and what went through its parts is played back here, with all hooks.
"""

import inspect
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from dino.course.grade.sandbox.protocol import BrokenLineError, Wire
from dino.course.judge.timeout import StillBusyError

METHODS = ("zero_grad", "step")
MOST = 10_000  # questions from one answer: eighty times what any right one needs


class AnswerError(Exception):
    """The answer stopped with an error over there; `sentence` says which, and in which line."""

    sentence = ""


class Mirror(nn.Module):
    """A part of a network that runs elsewhere."""

    def __init__(self, remote: "Remote", network: int, part: int):
        super().__init__()
        # Under names that no part of a learner's network has.
        self._dino_remote, self._dino_network, self._dino_part = remote, network, part

    def __iter__(self) -> Iterator[nn.Module]:
        return iter(self._modules.values())

    def __len__(self) -> int:
        return len(self._modules)

    def __bool__(self) -> bool:
        return True

    def forward(self, *arguments, **named):
        """Let it run over there; or, while that is played back, go on to what comes out of this part."""
        if self._dino_remote.events is not None:
            return self._dino_remote.play()
        return self._dino_remote.run(self, arguments, named)


class Remote:
    """An answer in another process.

    wire      the line to it
    name      of the exercise
    patience  how many seconds it may be busy with one call before it is told to stop
    until     when all time is over, by `time.monotonic()`
    """

    def __init__(self, wire: Wire, name: str, patience: float, until: float = math.inf):
        self.wire, self.name, self.patience, self.until = wire, name, patience, until
        wire.pack, wire.unpack = self.pack, self.unpack
        self.given: list[object] = []
        self.calls: list[tuple[Tensor, list[Tensor]]] = []
        self.networks: list[list[Mirror]] = []
        self.events: Iterator | None = None
        self.broken, self.stuck, self.asked = "", False, 0

    def send(self, message: dict) -> None:
        """Send a message. Raises StillBusyError when time is over, and BrokenLineError if the other side is gone."""
        try:
            self.wire.send(message, self.until)
        except TimeoutError:
            raise StillBusyError from None
        except BrokenLineError as error:
            self.broken = str(error)
            raise

    def receive(self) -> dict:
        """The next message. Raises StillBusyError when time is over, and BrokenLineError if the other side is gone."""
        try:
            return self.wire.receive(self.until)
        except TimeoutError:
            raise StillBusyError from None
        except BrokenLineError as error:
            self.broken = str(error)
            raise

    def answer(self, kind: str, parameters: list[str]) -> object:
        """What the checks should take for the answer: a function or a class to call, if it is one."""

        def call(*arguments, **named):
            return self.request({}, arguments, named)

        if kind == "class":
            return type(self.name, (), {"__new__": lambda _, *arguments, **named: call(*arguments, **named)})
        if kind != "function":
            return None
        names = dict.fromkeys(name for name in parameters if isinstance(name, str) and name.isidentifier())
        call.__signature__ = inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
        )
        return call

    def run(self, mirror: Mirror, arguments: tuple, named: dict) -> object:
        """Run a network, or a part of one, over there, with the weights that it has here."""
        parts = self.networks[mirror._dino_network]
        watched = any(part._forward_pre_hooks or part._forward_hooks for part in parts)
        target = {"network": mirror._dino_network, "part": mirror._dino_part, "watch": watched}
        target["numbers"] = [weight.detach() for weight in parts[0].parameters()]
        return self.request(target, arguments, named)

    def request(self, target: dict, arguments: tuple, named: dict) -> object:
        """Have something called over there, and answer what it asks on the way.

        Raises StillBusyError if it takes too long; it is then not asked again, for what it says later answers nothing.
        """
        if self.stuck:
            raise StillBusyError
        self.stuck = True
        reply = self.exchange(target, arguments, named)
        self.stuck = False
        if "error" in reply:
            raise the_error(reply)
        return self.result(reply, target, arguments)

    def exchange(self, target: dict, arguments: tuple, named: dict) -> dict:
        """Send a request, serve what is asked on the way, and give the reply."""
        for thing in [*arguments, *named.values()]:
            self.register(thing)
        # Dice over there fall as they would here, but how they will fall here cannot be told over there.
        message = {**target, "name": self.name, "seed": torch.initial_seed() % 2**31, "patience": self.patience}
        message |= {"recording": torch.is_grad_enabled(), "arguments": list(arguments), "named": named}
        self.send({**message, "weights": self.weights()})
        while "ask" in (reply := self.receive()) or "back" in reply:
            self.asked += 1
            if self.asked > MOST:  # what was asked is kept for the claims
                self.broken = f"It asks what it was given more than {MOST:,} times."
                raise BrokenLineError(self.broken)
            self.send(self.serve(reply))
        return reply

    def result(self, reply: dict, target: dict, arguments: tuple) -> object:
        """What a reply says came out, with all that changed on the way. Raises BrokenLineError if it does not fit."""
        try:
            self.take(reply["weights"])
            for i, now in reply["changed"]:
                arguments[i].data.copy_(now)
            if reply["trace"] is not None:
                self.parts, self.events = self.networks[target["network"]], iter(reply["trace"])
                self.play()
            return reply["result"]
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError) as error:
            raise BrokenLineError(f"What it sends does not fit: {error}") from error
        finally:
            self.events = None

    def play(self) -> object:
        """Play back what went through a network, from the beginning of a part to its end, and give what came out."""
        for begins, part, value in self.events:
            if not begins:
                return value
            self.parts[part](value)
        return None

    def serve(self, reply: dict) -> dict:
        """Do what the answer asks of something that it was given."""
        try:
            self.take(reply["weights"])
            if "back" in reply:
                result, sources = self.calls[reply["back"]]
                follow = [source for source in sources if source.requires_grad]
                found = torch.autograd.grad(result, follow, reply["gradient"], retain_graph=True, allow_unused=True)
                gradients = dict(zip(map(id, follow), found, strict=True))
                answer = {"gradients": [gradients.get(id(source)) for source in sources]}
            else:
                answer = self.call(reply)
            return {**answer, "weights": self.weights()}
        except Exception as error:
            return {"error": type(error).__name__, "text": str(error), "weights": self.weights()}

    def call(self, reply: dict) -> dict:
        """Call something that the answer was given."""
        thing, arguments = self.given[reply["ask"]], reply["arguments"]
        if reply.get("method") is not None:
            if reply["method"] not in METHODS:
                raise AttributeError(reply["method"])
            getattr(thing, reply["method"])()
            return {"result": None, "call": None}
        with torch.set_grad_enabled(bool(reply["recording"])):
            result = thing(*arguments, **reply["named"])
        number = None
        if isinstance(result, Tensor) and result.requires_grad:
            number = len(self.calls)
            self.calls.append((result, [one for one in arguments if isinstance(one, Tensor)] + weights_of(thing)))
        return {"result": result.detach() if isinstance(result, Tensor) else result, "call": number}

    def register(self, thing: object) -> None:
        """Remember what the answer is given, if it is to be asked for it."""
        can_be_asked = not isinstance(thing, Tensor) and (callable(thing) or hasattr(thing, "param_groups"))
        if can_be_asked and not any(one is thing for one in self.given):
            self.given.append(thing)

    def pack(self, value: object) -> tuple[str, dict] | None:
        """What describes something that the answer is given, and that stays here."""
        number = next((i for i, thing in enumerate(self.given) if thing is value), None)
        if number is None:
            return None
        if isinstance(value, nn.Module):
            return "network", {
                "number": number,
                "weights": {name: one.detach() for name, one in value.named_parameters()},
            }
        if hasattr(value, "param_groups"):
            (group,) = value.param_groups
            places = [
                (i, j)
                for one in group["params"]
                for i, thing in enumerate(self.given)
                for j, weight in enumerate(weights_of(thing))
                if weight is one
            ]
            return "optimizer", {"number": number, "weights": places, "rate": group["lr"]}
        return "function", {"number": number, "weights": {}}

    def unpack(self, kind: str, described: dict) -> Mirror:
        """The image of a network that the answer made."""
        if kind != "network" or described["number"] != len(self.networks):
            raise ValueError(f"there is nothing called {kind}")
        weights = [nn.Parameter(one.detach(), requires_grad=one.requires_grad) for one in described["weights"]]
        parts = [Mirror(self, described["number"], i) for i in range(len(described["parts"]))]
        for part, one in zip(parts, described["parts"], strict=True):
            for name, i in one["weights"].items():
                part.register_parameter(name, None if i is None else weights[i])
            for name, buffer in one["buffers"].items():
                part.register_buffer(name, buffer)
            for name, i in one["children"].items():
                part.add_module(name, parts[i])
        self.networks.append(parts)
        return parts[0]

    def weights(self) -> dict[int, list[tuple]]:
        """The numbers and gradients of all weights of what the answer was given."""
        found = {i: weights_of(thing) for i, thing in enumerate(self.given)}
        return {i: [(one.detach(), one.grad, None) for one in some] for i, some in found.items() if some}

    def take(self, weights: dict[int, list[tuple]]) -> None:
        """Give weights the numbers and gradients that the answer gave them, and let them share memory if they do there."""
        for i, values in weights.items():
            for j, (weight, (numbers, gradient, first)) in enumerate(
                zip(weights_of(self.given[i]), values, strict=True)
            ):
                if first != (i, j):
                    weight.data = weights_of(self.given[first[0]])[first[1]].data
                elif not torch.equal(weight.data, numbers):
                    weight.data.copy_(numbers)
                weight.grad = gradient


def weights_of(thing: object) -> list[Tensor]:
    """The weights of a network; nothing else has any."""
    return list(thing.parameters()) if isinstance(thing, nn.Module) else []


def the_error(reply: dict) -> BaseException:
    """The error with which the answer stopped."""
    name = str(reply["error"])
    kinds = (AnswerError, NotImplementedError) if name == "NotImplementedError" else (AnswerError,)
    error = StillBusyError() if name == "StillBusyError" else type(name, kinds, {})(str(reply["text"]))
    error.sentence = str(reply["sentence"])
    return error
