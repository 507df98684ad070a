"""The side of the answer: loads a learner's file and calls what the judge asks for. It never judges.

It runs in a process that is locked in, together with the learner's code, so nothing here is to be trusted. What the judge
hands in stays on the judge's side (a denoiser, an optimizer); here, something stands in its place that asks back.
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
from torch.autograd.function import once_differentiable

from dino.course.grade.sandbox.protocol import BrokenLineError, Wire
from dino.course.judge.errors import explain
from dino.course.judge.loader import load
from dino.course.judge.timeout import at_most


class Ask(torch.autograd.Function):
    """Asks the judge's side for a result, and later for the gradients that go back through it."""

    @staticmethod
    def forward(ctx, given, recording, arguments, named, _always, *tensors):
        tensors = iter(tensors)
        arguments = [next(tensors) if isinstance(one, Tensor) else one for one in arguments]
        reply = given.line.ask({"ask": given.number, "recording": recording, "arguments": arguments, "named": named})
        if isinstance(reply["result"], Tensor):
            reply["result"] = reply["result"].clone()  # a view of what came over the line could not be changed in place
        ctx.line, ctx.call = given.line, reply["call"]
        if reply["call"] is None and isinstance(reply["result"], Tensor):
            ctx.mark_non_differentiable(reply["result"])
        return reply["result"]

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        reply = ctx.line.ask({"back": ctx.call, "gradient": gradient})
        return None, None, None, None, None, *reply["gradients"]


class Given(nn.Module):
    """Stands for a network or a function of the judge's; its weights are copies that are kept alike on both sides."""

    def __init__(self, line: "Line", number: int, weights: dict[str, Tensor]):
        super().__init__()
        object.__setattr__(self, "line", line)
        self.number = number
        for name, weight in weights.items():
            self.register_parameter(name, nn.Parameter(weight.detach()))

    def forward(self, *arguments, **named):
        always = torch.zeros((), requires_grad=True)
        tensors = [one for one in arguments if isinstance(one, Tensor)]
        recording = torch.is_grad_enabled()
        return Ask.apply(self, recording, arguments, named, always, *tensors, *self.parameters())


class GivenOptimizer:
    """Stands for an optimizer of the judge's."""

    def __init__(self, line: "Line", number: int, groups: list[dict]):
        self.line, self.number, self.param_groups = line, number, groups

    def zero_grad(self, set_to_none: bool = True) -> None:  # noqa: ARG002 - both come to the same here
        """Forget the gradients."""
        self.line.ask({"ask": self.number, "method": "zero_grad", "arguments": [], "named": {}})

    def step(self, closure: Callable | None = None):
        """Change the weights."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.line.ask({"ask": self.number, "method": "step", "arguments": [], "named": {}})
        return loss


class Line:
    """Serves the judge: calls what it asks for, and asks it back on the way."""

    def __init__(self, wire: Wire):
        self.wire = wire
        wire.pack, wire.unpack = self.pack, self.unpack
        self.given: dict[int, nn.Module | GivenOptimizer] = {}
        self.made: list[list[nn.Module]] = []
        self.one_at_a_time = threading.Lock()

    def __deepcopy__(self, _) -> "Line":
        """A copy of something that asks still asks over the same line."""
        return self

    def ask(self, message: dict) -> dict:
        """Ask the judge's side, and bring the weights of what it gave to their new state."""
        with self.one_at_a_time:  # an answer may have threads
            return self.ask_alone(message)

    def ask_alone(self, message: dict) -> dict:
        """Ask, while nobody else does."""
        self.wire.send({**message, "weights": self.weights()})
        reply = self.wire.receive()
        if "error" in reply:
            kind = getattr(builtins, reply["error"], RuntimeError)
            raise (kind if isinstance(kind, type) and issubclass(kind, Exception) else RuntimeError)(reply["text"])
        self.renew(reply["weights"])
        return reply

    def weights(self) -> dict[int, list[tuple]]:
        """All weights of what the judge gave: their numbers, their gradients, and with which earlier one they share memory."""
        places: dict[int, tuple[int, int]] = {}
        found = {}
        for number, thing in self.given.items():
            if isinstance(thing, Given):
                found[number] = [
                    (weight.detach(), weight.grad, places.setdefault(weight.data_ptr(), (number, i)))
                    for i, weight in enumerate(thing.parameters())
                ]
        return found

    def renew(self, weights: dict[int, list[tuple]]) -> None:
        """Give weights the numbers and gradients that they have on the judge's side."""
        for number, values in weights.items():
            for weight, (numbers, gradient, _) in zip(self.given[number].parameters(), values, strict=True):
                if not torch.equal(weight.data, numbers):
                    weight.data.copy_(numbers)
                if gradient is None or weight.grad is None or not torch.equal(weight.grad, gradient):
                    weight.grad = gradient

    def unpack(self, kind: str, described: dict) -> object:
        """What stands here for something of the judge's."""
        number = described["number"]
        if number in self.given:
            pass
        elif kind == "optimizer":
            weights = [[*self.given[owner].parameters()][i] for owner, i in described["weights"]]
            self.given[number] = GivenOptimizer(self, number, [{"params": weights, "lr": described["rate"]}])
        else:
            self.given[number] = Given(self, number, described["weights"])
        thing = self.given[number]
        # A plain function should be one here, too: it has no weights to ask for.
        return thing if kind != "function" else lambda *arguments, **named: thing(*arguments, **named)

    def pack(self, value: object) -> tuple[str, dict] | None:
        """What describes a network of the learner's: its parts, each with the places of its children and its weights."""
        if not isinstance(value, nn.Module):
            return None
        parts, weights = list(value.modules()), list(value.parameters())
        part_at = {id(part): i for i, part in enumerate(parts)}
        weight_at = {id(weight): i for i, weight in enumerate(weights)}
        self.made.append(parts)
        described = [
            {
                "children": {name: part_at[id(child)] for name, child in part._modules.items() if child is not None},
                "weights": {
                    name: None if one is None else weight_at[id(one)] for name, one in part._parameters.items()
                },
                "buffers": {name: one for name, one in part._buffers.items() if one is not None},
            }
            for part in parts
        ]
        return "network", {"number": len(self.made) - 1, "parts": described, "weights": weights}

    def serve(self, names: dict[str, object]) -> None:
        """Answer until the judge hangs up."""
        while True:
            request = self.wire.receive()
            try:
                reply = self.call(request, names)
            except BrokenLineError:
                raise
            except BaseException as error:
                reply = what_went_wrong(error, request["name"])
            self.wire.send({**reply, "weights": self.weights()})

    def call(self, request: dict, names: dict[str, object]) -> dict:
        """Call an answer, or a network that an answer made."""
        torch.manual_seed(request["seed"])
        random.seed(request["seed"])
        np.random.seed(request["seed"] % 2**32)
        self.renew(request.get("weights", {}))
        target, trace = names.get(request["name"]), None
        if request.get("network") is not None:
            parts = self.made[request["network"]]
            for weight, numbers in zip(parts[0].parameters(), request["numbers"], strict=True):
                weight.data.copy_(numbers)
            target = parts[request["part"]]
            trace = [] if request["watch"] else None
        arguments = request["arguments"]
        before = [one.detach().clone() if isinstance(one, Tensor) else None for one in arguments]
        with torch.set_grad_enabled(request["recording"]), at_most(request["patience"]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with watching(parts, target, trace) if trace is not None else contextlib.nullcontext():
                result = target(*arguments, **request["named"])
        changed = [
            [i, one.detach()]
            for i, (one, was) in enumerate(zip(arguments, before, strict=True))
            if was is not None and not torch.equal(one.detach(), was)
        ]
        return {"result": result, "changed": changed, "trace": trace}


@contextlib.contextmanager
def watching(parts: list[nn.Module], root: nn.Module, trace: list):
    """Write down what goes into each part of a network and what comes out, in the order in which it happens."""
    handles = []

    def first(value=None, *_):
        return value.detach().clone() if isinstance(value, Tensor) else value

    for i, part in enumerate(parts):
        if part is not root:
            begin = lambda _, inputs, named, i=i: trace.append([True, i, first(*inputs, *named.values())])  # noqa: E731
            end = lambda _, __, result, i=i: trace.append([False, i, first(result)])  # noqa: E731
            handles += [part.register_forward_pre_hook(begin, with_kwargs=True), part.register_forward_hook(end)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def what_went_wrong(error: BaseException, name: str) -> dict:
    """An error, as words."""
    try:
        sentence, text = explain(error, name), str(error)
    except Exception:
        sentence = text = ""
    return {"error": type(error).__name__[:80], "text": text[:2000], "sentence": sentence[:2000]}


def answer(wire: Wire, job: dict, folder: Path) -> None:
    """Load a learner's file from an empty folder, and serve the judge.

    job  `file` and `text`, `beside` (other files, by name), `lesson` (the part of the lesson that may be used, by path),
         `exercise`, `replaced` (exercises before it that are to be taken from the lesson), and `later` (those after it)
    """
    for name, text in {**job["lesson"], **job["beside"], job["file"]: job["text"]}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "dino"]:
        del sys.modules[name]
    # The learner's folder comes last, so that a file of theirs called torch.py hides nothing.
    sys.path[:] = [str(folder / "lesson"), *sys.path, str(folder)]
    line = Line(wire)
    try:
        with at_most(job["patience"]):
            lesson = importlib.import_module(f"dino.{job['topic']}")
            given = {name: getattr(lesson, name) for name in job["replaced"]}
            answers = load(Path(job["file"]), given, job["later"])
    except BaseException as error:
        wire.send(what_went_wrong(error, job["exercise"]))
        return
    found = answers.names.get(job["exercise"])
    kind = "class" if inspect.isclass(found) else "function" if callable(found) else type(found).__name__
    try:
        parameters = list(inspect.signature(found).parameters) if kind == "function" else []
    except (TypeError, ValueError):
        parameters = []
    there, problem = job["exercise"] in answers.names, answers.problem_with(job["exercise"])
    wire.send({"there": there, "problem": problem, "kind": kind, "parameters": parameters})
    line.serve(answers.names)
