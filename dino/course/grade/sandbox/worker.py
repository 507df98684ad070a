"""The side of the answer: loads a learner's file and calls what the judge asks for. It never judges.

It runs in the sandbox, together with the learner's code, so nothing here is to be trusted. What the judge hands in stays
on the judge's side (a denoiser, an optimizer); here, something stands in its place that asks back.
"""

import builtins
import contextlib
import importlib
import inspect
import random
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dino.course.grade.results import listed
from dino.course.grade.sandbox.mirror import Elsewhere, Mirror, describe, furnish, gradients_of, weights_of
from dino.course.grade.sandbox.protocol import Ask, Call, Connection, Failure, Hello, Job, Network, ProtocolError, Reply
from dino.course.judge.errors import explain
from dino.course.judge.loader import load
from dino.course.judge.timeout import at_most, uncompiled


class Given(nn.Module):
    """Stands for a network or a function of the judge's; its weights are copies that are kept alike on both sides."""

    def __init__(self, worker: "Worker", number: int):
        super().__init__()
        self.worker, self.number = worker, number

    def forward(self, *arguments, **named):
        always, recording = torch.zeros((), requires_grad=True), torch.is_grad_enabled()
        own = weights_of(self)
        tensors = [one for one in arguments if isinstance(one, Tensor)] + self.worker.mirror.followed(self)
        follows = [one.requires_grad for one in tensors]

        def run(_always: Tensor, *tensors: Tensor) -> tuple[object, Callable | None]:
            left = (one.detach().requires_grad_(follow) for one, follow in zip(tensors, follows, strict=True))
            given = [next(left) if isinstance(one, Tensor) else one for one in arguments]
            reply = self.worker.ask("call", self.number, given, named, recording, [*left] if own else [])
            # A view of what was received could not be changed in place.
            result = reply.result.clone() if isinstance(reply.result, Tensor) else reply.result
            if reply.number is None:
                return result, None
            return result, lambda gradient: [None, *self.worker.ask("backward", reply.number, [gradient]).result]

        return Elsewhere.apply(run, always, *tensors)


class GivenOptimizer:
    """Stands for an optimizer of the judge's."""

    def __init__(self, worker: "Worker", number: int, weights: list[Tensor], rate: float):
        self.worker, self.number, self.param_groups = worker, number, [{"params": weights, "lr": rate}]

    def zero_grad(self, set_to_none: bool = True) -> None:  # noqa: ARG002 - both come to the same here
        """Forget the gradients."""
        self.worker.ask("zero_grad", self.number)

    def step(self, closure: Callable | None = None):
        """Change the weights."""
        with torch.enable_grad():
            loss = closure and closure()
        self.worker.ask("step", self.number)
        return loss


class Worker:
    """Serves the judge: calls what it asks for, and asks it back on the way.

    connection  to the judge
    job         what it is to serve
    names       what the learner's file defines
    """

    def __init__(self, connection: Connection, job: Job, names: dict[str, object]):
        self.connection, self.job, self.names = connection, job, names
        connection.pack, connection.unpack = self.pack, self.unpack
        self.mirror = Mirror()
        self.made: list[list[nn.Module]] = []
        self.one_at_a_time = threading.Lock()

    def __deepcopy__(self, _) -> "Worker":
        """A copy of something that asks still asks over the same connection."""
        return self

    def ask(self, method: str, number: int, arguments=(), named=None, recording=False, weights=()) -> Reply:
        """Ask the judge's side, and bring what it gave to its new state.

        weights  with which a network is asked: its own, or what `torch.func` has put in their place
        """
        with self.one_at_a_time:  # an answer may have threads
            state = self.mirror.state()
            if weights:
                mode, own = state[number]
                state[number] = mode, [(one, *rest) for one, (_, *rest) in zip(weights, own, strict=True)]
            self.connection.send(Ask(method, number, list(arguments), named or {}, recording, state))
            match self.connection.receive():
                case Reply() as reply:
                    if weights:
                        del reply.weights[number]
                    self.mirror.take(reply.weights)
                    return reply
                case Failure(error=name, text=text):
                    kind = getattr(builtins, name, None)
                    raise (kind if inspect.isclass(kind) and issubclass(kind, Exception) else RuntimeError)(text)
                case message:
                    raise ProtocolError(f"The judge sends a {type(message).__name__} instead of a reply.")

    def pack(self, value: object) -> Network | None:
        """What stands at the judge's for a network of the learner's."""
        if not isinstance(value, nn.Module):
            return None
        described = describe(value, len(self.made))
        self.made.append(list(value.modules()))
        return described

    def unpack(self, thing: object) -> object:
        """What stands here for something of the judge's."""
        things, number = self.mirror.things, thing.number
        if number not in things and isinstance(thing, Network):
            parts = [Given(self, number), *(nn.Module() for _ in thing.parts[1:])]
            furnish(parts[: len(thing.parts)], thing)
            things[number] = parts[0]
        elif number not in things:
            weights = [[*things[owner].parameters()][i] for owner, i in thing.weights]
            things[number] = GivenOptimizer(self, number, weights, thing.rate)
        # A plain function should be one here, too: it has no weights to ask for.
        is_function = isinstance(thing, Network) and not thing.parts
        return things[number].forward if is_function else things[number]

    def serve(self) -> None:
        """Answer until the judge hangs up."""
        while isinstance(call := self.connection.receive(), Call):
            try:
                self.connection.send(self.call(call))
            except ProtocolError:
                raise
            except BaseException as error:  # of the answer, or because what came out cannot be sent
                self.connection.send(failure(error, self.job.exercise, call.number))

    def call(self, call: Call) -> Reply:
        """Call an answer, or a network that an answer made."""
        torch.manual_seed(call.seed)
        random.seed(call.seed)
        np.random.seed(call.seed % 2**32)
        self.mirror.take(call.weights)
        parts, trace, arguments = [], [], call.arguments
        if call.target is None:
            target = self.names[self.job.exercise]
        else:
            network, part, weights, modes = call.target
            parts = self.made[network]
            target = parts[part]
            for one, mode in zip(parts, modes, strict=True):
                one.training = mode
            for weight, numbers in zip(parts[0].parameters(), weights, strict=True):
                weight.data.copy_(numbers)
        before = [one.detach().clone() if isinstance(one, Tensor) else None for one in arguments]
        with (
            torch.set_grad_enabled(call.recording),
            at_most(self.job.patience),
            warnings.catch_warnings(action="ignore"),
            uncompiled(),
        ):
            with watching(parts if call.watch else [], target, trace):
                result = target(*arguments, **call.named)
            if call.gradient is not None:
                sources = [one for one in arguments if isinstance(one, Tensor)] + weights_of(parts[0])
                result = gradients_of(sources, result, call.gradient)
        changed = [
            (i, one.detach())
            for i, (one, was) in enumerate(zip(arguments, before, strict=True))
            if was is not None and not torch.equal(one.detach(), was)
        ]
        return Reply(call.number, result, self.mirror.state(), changed, trace)


@contextlib.contextmanager
def watching(parts: list[nn.Module], root: nn.Module, trace: list):
    """Write down what goes into each part of a network and what comes out, in the order in which it happens."""

    def note(begins: bool, i: int, value=None, *_) -> None:
        trace.append([begins, i, value.detach().clone() if isinstance(value, Tensor) else value])

    with contextlib.ExitStack() as hooks:
        for i, part in enumerate(parts):
            if part is not root:
                begin = lambda _, inputs, named, i=i: note(True, i, *inputs, *named.values())  # noqa: E731
                end = lambda _, __, result, i=i: note(False, i, result)  # noqa: E731
                hooks.enter_context(part.register_forward_pre_hook(begin, with_kwargs=True))
                hooks.enter_context(part.register_forward_hook(end))
        yield


def failure(error: BaseException, name: str, number: int = 0) -> Failure:
    """An error in an exercise of this name, as words."""
    try:
        sentence, text = explain(error, name), str(error)
    except BaseException:  # an error of the learner's own can do anything when it is to speak
        sentence = text = ""
    return Failure(str(type(error).__name__), text, sentence, number)


def put(files: dict[str, str], folder: Path) -> list[str]:
    """Write files into a folder, and give sentences on those that cannot be, such as one whose name is too long."""
    problems = []
    for name, text in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            problems.append(f"{listed([name])} could not be brought into the sandbox: {why}.")
    return problems


def answer(connection: Connection, job: Job, folder: Path) -> None:
    """Load a learner's file from an empty folder, and serve the judge."""
    problems = put(job.files, folder)
    for name in [name for name in sys.modules if name.partition(".")[0] == "dino"]:
        del sys.modules[name]
    # The learner's folder comes last, so that a file of theirs called torch.py hides nothing.
    sys.path[:] = [str(folder / "lesson"), *sys.path, str(folder)]
    try:
        with at_most(job.patience):
            lesson = importlib.import_module(f"dino.{job.topic}")
            given = {name: getattr(lesson, name) for name in job.replaced}
            answers = load(Path(job.file), given, job.later)
    except BaseException as error:
        connection.send(failure(error, job.exercise))
        return
    found = answers.names.get(job.exercise)
    kind = "class" if inspect.isclass(found) else "function" if callable(found) else type(found).__name__
    try:
        parameters = list(inspect.signature(found).parameters) if kind == "function" else []
    except Exception:  # it may say of itself what it likes
        parameters = []
    problem = "" if job.exercise in answers.names else answers.problem_with(job.exercise)
    note = answers.notes.get(job.exercise, "")
    connection.send(Hello(problem, kind, parameters, problems + answers.problems, note))
    Worker(connection, job, answers.names).serve()
