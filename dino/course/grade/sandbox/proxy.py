"""The side of the judge: makes an answer that runs elsewhere look like one that runs here, so that checks need not know.

A function becomes a function that sends its arguments away and waits. A network becomes one with the same parts and the
same weights that lives here; it is run there, and what went through its parts is played back here, with all hooks.
"""

import inspect
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from dino.course.grade.sandbox.mirror import Elsewhere, Mirror, describe, furnish, gradients_of, weights_of
from dino.course.grade.sandbox.protocol import (
    MOST_NUMBERS,
    Ask,
    Call,
    Connection,
    Failure,
    Network,
    Optimizer,
    ProtocolError,
    Reply,
)
from dino.course.judge.timeout import StillBusyError

MOST = 10_000  # questions from one answer: eighty times what any right one needs


class AnswerError(Exception):
    """The answer stopped with an error over there; `sentence` says which, and in which line."""

    sentence = ""


class RemoteModule(nn.Module):
    """A part of a network that runs elsewhere; its children can be gone through, whatever it is over there."""

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
        return self._dino_remote.run(self._dino_network, self._dino_part, arguments, named)


class Remote:
    """An answer in another process.

    connection  to it
    name        of the exercise
    until       when all time is over, by `time.monotonic()`
    """

    def __init__(self, connection: Connection, name: str, until: float = math.inf):
        self.connection, self.name, self.until = connection, name, until
        connection.pack, connection.unpack = self.pack, self.unpack
        self.mirror = Mirror()
        self.results: list[tuple[Tensor, list[Tensor]]] = []  # of calls of what was given, and what they depend on
        self.networks: list[list[RemoteModule]] = []
        self.events: Iterator | None = None
        self.broken, self.stuck, self.asked, self.called = "", False, 0, 0

    def answer(self, kind: str, parameters: list[str]) -> object:
        """What the checks should take for the answer: a function or a class to call, if it is one."""

        def call(*arguments, **named):
            return self.request(None, arguments, named)

        if kind == "class":
            return type(self.name, (), {"__new__": lambda _, *arguments, **named: call(*arguments, **named)})
        if kind != "function":
            return None
        names = dict.fromkeys(filter(str.isidentifier, parameters))
        parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
        call.__signature__ = inspect.Signature(parameters)
        return call

    def run(self, network: int, part: int, arguments: tuple, named: dict) -> object:
        """Run a network, or a part of one, over there, with the weights that it has here."""
        parts = self.networks[network]
        modes = [one.training for one in parts]
        watch = any(part._forward_pre_hooks or part._forward_hooks for part in parts)
        weights, recording = weights_of(parts[0]), torch.is_grad_enabled()
        tensors = [one for one in arguments if isinstance(one, Tensor)]

        def run(gradient: Tensor | None = None) -> object:
            with torch.set_grad_enabled(recording):
                return self.request((network, part, weights, modes), arguments, named, watch, gradient)

        if recording and any(one.requires_grad for one in tensors):
            return Elsewhere.apply(lambda *_: (run(), run), *tensors, *weights)
        return run()

    def request(
        self, target: tuple | None, arguments: tuple, named: dict, watch: bool = False, gradient: Tensor | None = None
    ) -> object:
        """Have something called over there, and answer what it asks on the way.

        gradient  of what came out before: instead of that, give the gradients of all tensors among the arguments and of all weights

        Raises AnswerError if it stops with an error, ProtocolError if what it sends is no reply, and StillBusyError if it
        takes too long; it is then not called again, for what it says later answers nothing.
        """
        if self.stuck:
            raise StillBusyError
        self.stuck, self.called = True, self.called + 1
        for thing in [*arguments, *named.values()]:
            can_be_asked = not isinstance(thing, Tensor) and (callable(thing) or hasattr(thing, "param_groups"))
            if can_be_asked and not any(one is thing for one in self.mirror.things.values()):
                self.mirror.things[len(self.mirror.things)] = thing
        # Random numbers over there are as they would be here, but what they will be here cannot be told over there.
        seed, recording = torch.initial_seed() % 2**31, torch.is_grad_enabled()
        weights = self.mirror.state()
        call = Call(self.called, target, list(arguments), named, seed, recording, watch, weights, gradient)
        try:
            reply = self.exchange(call)
        except TimeoutError:
            raise StillBusyError from None
        except ProtocolError as error:
            self.broken = str(error)
            raise
        self.stuck = False
        if isinstance(reply, Failure):
            raise the_error(reply)
        return reply.result

    def exchange(self, call: Call) -> Reply | Failure:
        """Send a call, serve what is asked on the way, and give the reply, with all that changed on the way here, too."""
        self.connection.send(call, self.until)
        while True:
            match self.connection.receive(self.until):
                case Ask() as question:
                    self.asked += 1
                    if self.asked > MOST:  # what was asked is kept for the claims
                        raise ProtocolError(f"It asks what it was given more than {MOST:,} times.")
                    self.connection.send(self.serve(question), self.until)
                case Failure(number=call.number) as failure:
                    return failure
                case Reply(number=call.number) as reply:
                    try:
                        self.take(call, reply)
                    except Exception as error:  # whatever comes of what was sent
                        raise ProtocolError(f"What it sends does not fit: {error}") from error
                    return reply
                case message:
                    raise ProtocolError(f"It sends a {type(message).__name__} that nobody waits for.")

    def take(self, call: Call, reply: Reply) -> None:
        """Let happen here what happened there. Raises errors of all kinds if it does not fit."""
        self.mirror.take(reply.weights)
        for i, now in reply.changed:
            one = call.arguments[i]
            if one.shape == now.shape:
                one.data.copy_(now)
            else:  # in memory of its own, for what is around it is not the answer's to write
                one.data = now.clone()
        if call.watch:
            self.parts, self.events = self.networks[call.target[0]], iter(reply.trace)
            self.play()
            self.events = None

    def play(self) -> object:
        """Play back what went through a network, from the beginning of a part to its end, and give what came out."""
        for begins, part, value in self.events:
            if not begins:
                return value
            self.parts[part](value)
        return None

    def serve(self, question: Ask) -> Reply | Failure:
        """Do what the answer asks of something that it was given."""
        try:
            self.mirror.take(question.weights)
            number = result = None
            match question:
                case Ask(method="call"):
                    number, result = self.call(question)
                case Ask(method="backward", arguments=[gradient]):
                    came_out, sources = self.results[question.number]
                    result = gradients_of(sources, came_out, gradient)
                case Ask(method="zero_grad" | "step" as method):
                    getattr(self.mirror.things[question.number], method)()
                case _:
                    raise AttributeError(question.method)
            return Reply(number, result, self.mirror.state())
        except Exception as error:
            return Failure(type(error).__name__, str(error))

    def call(self, question: Ask) -> tuple[int | None, object]:
        """Call something that the answer was given: its number if gradients go back through it, and what comes out."""
        thing = self.mirror.things[question.number]
        with torch.set_grad_enabled(question.recording):
            result = thing(*question.arguments, **question.named)
        if isinstance(result, Tensor) and result.nbytes > MOST_NUMBERS:
            raise ValueError(f"what comes out takes {result.nbytes / 2**20:.0f} MB, which is too much")
        if not (isinstance(result, Tensor) and result.requires_grad):
            return None, result
        sources = [one for one in question.arguments if isinstance(one, Tensor)] + self.mirror.followed(thing)
        self.results.append((result, sources))
        return len(self.results) - 1, result.detach()

    def pack(self, value: object) -> Network | Optimizer | None:
        """What stands over there for something that the answer is given, and that stays here."""
        things = self.mirror.things
        number = next((number for number, thing in things.items() if thing is value), None)
        if number is None:
            return None
        if not hasattr(value, "param_groups"):
            return describe(value, number) if isinstance(value, nn.Module) else Network(number, [], [])
        (group,) = value.param_groups
        places = {id(weight): (i, j) for i, thing in things.items() for j, weight in enumerate(weights_of(thing))}
        return Optimizer(number, [places[id(one)] for one in group["params"] if id(one) in places], group["lr"])

    def unpack(self, thing: object) -> RemoteModule:
        """The image of a network that the answer made. Raises ValueError if it is none, or out of order."""
        if not isinstance(thing, Network) or thing.number != len(self.networks):
            raise ValueError(f"a {type(thing).__name__} that nobody waits for")
        parts = [RemoteModule(self, thing.number, i) for i in range(len(thing.parts))]
        furnish(parts, thing)
        self.networks.append(parts)
        return parts[0]


def the_error(failure: Failure) -> BaseException:
    """The error with which the answer stopped."""
    kinds = (AnswerError, NotImplementedError) if failure.error == "NotImplementedError" else (AnswerError,)
    error = type(failure.error, kinds, {})(failure.text)
    if failure.error == "StillBusyError":
        error = StillBusyError()
    error.sentence = failure.sentence
    return error
