"""Messages between the judge and an answer: dataclasses of plain values, so that reading one runs nothing.

A message travels as JSON, with its tensors behind it as safetensors, and the lengths of both before it. What is read is
one of the dataclasses below, with all of its fields and each of its type; there is nothing else that it could name.
"""

import json
import math
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields

import numpy as np
import PIL.Image
import safetensors.torch
import torch
from torch import Tensor

# The kinds of tensors that travel.
DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.bool)
DTYPES += (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
ARRAYS = {str(dtype).removeprefix("torch.") for dtype in DTYPES}  # what numpy calls them
PICTURES = ("RGB", "RGBA", "L")  # the modes of pictures that travel
LENGTHS, LENGTH = struct.Struct("!QQ"), struct.Struct("<Q")
# Bytes of one message, and of all: a hundred and thirty times what any check needs.
MOST_WORDS, MOST_NUMBERS, MOST = 2**24, 2**26, 2**28
LONGEST, NAME, PARTS = 2000, 80, 1000  # letters of a sentence and of a name, and entries of a table
# Bytes of what tells of tensors, their dimensions, and things that JSON tells of, of which each takes a hundred times its words.
MOST_OF_TENSORS, DIMENSIONS, MOST_THINGS = 2**21, 64, 300_000
SHORT = 0.2  # seconds of waiting at a time, so that a timer of this thread can stop it


class ProtocolError(Exception):
    """The other side sent what is no message, or not now, or it ended."""


def texts(values: list, longest: int) -> list[str]:
    """The first texts of a list, none of them longer than so many letters."""
    return [value[:longest] for value in values[:PARTS] if isinstance(value, str)]


# The messages. `weights` are those of what the judge gave, and its modes and rates, as `mirror.Mirror.state` has them.


@dataclass
class Job:
    """Load a learner's file, and be ready for calls: the judge's first."""

    exercise: str
    topic: str
    file: str
    files: dict  # by path: the learner's file, and all that it may import
    replaced: list  # exercises before this one that are to be taken from the lesson
    later: list  # exercises after this one
    patience: int | float  # seconds for loading, and for each call
    seconds: int  # of processor time for everything


@dataclass
class Hello:
    """The file is loaded: the worker's first."""

    problem: str  # why the exercise is not there; empty if it is
    kind: str  # "function", "class", or the name of another type
    parameters: list
    causes: list = field(default_factory=list)  # sentences about what of the file could not be run
    note: str = ""  # which definition was taken, where there are several

    def __post_init__(self):
        self.problem, self.note, self.kind = self.problem[:LONGEST], self.note[:LONGEST], self.kind[:NAME]
        self.parameters, self.causes = texts(self.parameters, NAME), texts(self.causes, LONGEST)


@dataclass
class Call:
    """Call the exercise, or run a part of a network that it made: the judge's, to be replied to."""

    number: int
    target: tuple | None  # the numbers of the network and of the part; the weights and modes of the network now
    arguments: list
    named: dict
    seed: int
    recording: bool  # of gradients
    watch: bool  # whether to tell what goes through all other parts of the network
    weights: dict
    gradient: Tensor | None = None  # of what came out of this call before, to be followed back to arguments and weights


@dataclass
class Ask:
    """Do something with what the judge gave: the worker's, to be replied to while it is called."""

    method: str  # "call", "zero_grad", "step"; "backward" gives the gradients that go back through a call
    number: int
    arguments: list
    named: dict
    recording: bool
    weights: dict


@dataclass
class Reply:
    """What came out."""

    number: int | None  # of the call; None from the judge if no gradients go back through it
    result: object
    weights: dict
    changed: list = field(default_factory=list)  # arguments that were changed: the place of each and its new value
    trace: list = field(default_factory=list)  # what is watched: whether it goes in, the number of the part, the value


@dataclass
class Failure:
    """It stopped with an error."""

    error: str
    text: str
    sentence: str = ""  # that says in which line of the learner's
    number: int = 0  # of the call

    def __post_init__(self):
        self.error, self.text, self.sentence = self.error[:NAME], self.text[:LONGEST], self.sentence[:LONGEST]


# What stands in a message for what stays where it is.


@dataclass
class Network:
    """A network of either side; or a function of the judge's, which has no parts."""

    number: int
    parts: list  # of each: its children and weights (by their places in the lists), its buffers, and its mode
    weights: list


@dataclass
class Optimizer:
    """An optimizer of the judge's."""

    number: int
    weights: list  # of each: the number of its network, and its place there
    rate: int | float


MESSAGES = {kind.__name__: kind for kind in (Job, Hello, Call, Ask, Reply, Failure)}
THINGS = {kind.__name__: kind for kind in (Network, Optimizer)}


def made(kind: type, values: list) -> object:
    """A message or a thing with these values. Raises ValueError if they are too few, too many or of other types."""
    known = fields(kind)
    needed = [one for one in known if one.default is one.default_factory is MISSING]
    for one, value in zip(known if len(values) > len(needed) else needed, values, strict=True):
        if not isinstance(value, one.type):
            raise ValueError(f"a {kind.__name__} whose {one.name} is a {type(value).__name__}")
    return kind(*values)


def saved(tensors: list[Tensor]) -> bytes:
    """Tensors as safetensors, by number, each with numbers of its own."""
    own = [one.detach().cpu().clone(memory_format=torch.contiguous_format) for one in tensors]
    return safetensors.torch.save({str(i): one for i, one in enumerate(own)}) if own else b""


def loaded(data: bytes) -> dict[str, Tensor]:
    """The tensors that `saved` was given, by number. Raises ValueError and others if it is nothing that it would make."""
    if not data:
        return {}
    if LENGTH.unpack_from(data)[0] > MOST_OF_TENSORS:
        raise ValueError("too many tensors")
    tensors = safetensors.torch.load(data)
    for tensor in tensors.values():
        if tensor.ndim > DIMENSIONS:  # torch takes hours for many thousands
            raise ValueError("a tensor of too many dimensions")
        if tensor.dtype not in DTYPES:
            raise ValueError(f"a tensor of {tensor.dtype}")
        if tensor.dtype is torch.bool and (tensor.view(torch.uint8) > 1).any():
            raise ValueError("booleans that are neither true nor false")
    return tensors


class Connection:
    """One end of the connection between the two.

    socket  a connected socket

    Each side sets `pack`, which gives a thing that stands for what is no plain value, or None, and `unpack`, which gives what
    a thing stands for there.
    """

    def __init__(self, socket: socket.socket):
        self.socket, self.received, self.things = socket, 0, 0
        socket.settimeout(SHORT)
        self.pack: Callable[[object], Network | Optimizer | None] = lambda _: None
        self.unpack: Callable[[Network | Optimizer], object] = lambda thing: thing

    def send(self, message: object, until: float = math.inf) -> None:
        """Send a message, up to a time of `time.monotonic()`.

        Raises TimeoutError if it was not read by then, and ProtocolError if nobody is there to read it.
        """
        tensors: list[Tensor] = []
        values = [self.encode(value, tensors) for value in vars(message).values()]
        words, numbers = json.dumps([type(message).__name__, *values]).encode(), saved(tensors)
        left = memoryview(b"".join([LENGTHS.pack(len(words), len(numbers)), words, numbers]))
        while left:
            left = left[self.patiently(self.socket.send, left, until) :]

    def receive(self, until: float = math.inf, most: int = MOST_WORDS) -> object:
        """Wait for a message with at most so many bytes of words, up to a time of `time.monotonic()`.

        Raises TimeoutError if none has come by then, and ProtocolError if what comes is none.
        """
        words, numbers = LENGTHS.unpack(self.read(LENGTHS.size, until))
        if words > most or numbers > MOST_NUMBERS:
            raise ProtocolError(f"It sends {(words + numbers) / 2**20:.0f} MB at once, which is too much.")
        self.received += words + numbers
        if self.received > MOST:  # the judge keeps some of it
            raise ProtocolError(f"It has sent more than {MOST / 2**20:.0f} MB in all, which is too much.")
        body = self.read(words + numbers, until)
        try:
            tensors = loaded(bytes(memoryview(body)[words:]))
            kind, *values = json.loads(body[:words], object_hook=lambda value: self.decode(value, tensors))
            message = made(MESSAGES[kind], values)
            if tensors:
                raise ValueError("tensors that belong to nothing")
        except Exception as error:  # whatever it is, it comes from what was sent
            raise ProtocolError(f"What it sends cannot be read: {error}") from error
        return message

    def read(self, count: int, until: float) -> bytearray:
        """Read so many bytes."""
        data = bytearray(count)
        left = memoryview(data)
        while left:
            got = self.patiently(self.socket.recv_into, left, until)
            if not got:
                raise ProtocolError("The connection is closed.")
            left = left[got:]
        return data

    def patiently(self, move: Callable[[memoryview], int], view: memoryview, until: float) -> int:
        """Send from a view or receive into it, and give how many bytes that were."""
        while time.monotonic() <= until:
            try:
                return move(view)
            except TimeoutError:
                continue
            except OSError as error:
                raise ProtocolError(str(error)) from error
        raise TimeoutError

    def encode(self, value: object, tensors: list[Tensor]) -> object:
        """What stands for a value in JSON; its tensors are added to the list."""
        match value:
            case None | bool() | int() | float() | str():
                return value
            case list():
                return [self.encode(one, tensors) for one in value]
            case tuple():
                return {"tuple": [self.encode(one, tensors) for one in value]}
            case dict() if len(value) <= PARTS:
                return {"dict": [[self.encode(one, tensors) for one in pair] for pair in value.items()]}
            case np.generic() | np.ndarray(shape=()):
                return self.encode(value.item(), tensors)
            case deque():
                return {"deque": [self.encode(one, tensors) for one in value]}
            case np.ndarray() if value.dtype.name in ARRAYS:
                return {"array": self.encode(torch.from_numpy(np.ascontiguousarray(value)), tensors)}
            case Tensor() if value.layout is not torch.strided:
                return {"other": "sparse tensor"}
            case Tensor() if value.dtype not in DTYPES:
                return {"other": f"tensor of {value.dtype}"}
            case Tensor():
                tensors.append(value)
                return {"tensor": [len(tensors) - 1, value.requires_grad]}
            case PIL.Image.Image(mode=mode) if mode in PICTURES:
                return {"picture": self.encode(torch.from_numpy(np.array(value)), tensors)}
        if thing := self.pack(value):
            return {type(thing).__name__: [self.encode(one, tensors) for one in vars(thing).values()]}
        return {"other": type(value).__name__}

    def decode(self, value: dict, tensors: dict[str, Tensor]) -> object:
        """What an object in JSON stands for; what is in it is decoded. Each tensor is there once, and taken out."""
        self.things += 1
        if self.things > MOST_THINGS:
            raise ValueError("more than any check needs")
        ((kind, value),) = value.items()
        match kind, value:
            case "tuple", list():
                return tuple(value)
            case "dict", list() if len(value) <= PARTS:  # numbers can be chosen so that a table of many takes hours
                return dict(value)
            case "tensor", [int(number), bool(follows)]:
                tensor = tensors.pop(str(number))
                return tensor.requires_grad_() if follows and tensor.is_floating_point() else tensor
            case "deque", list():
                return deque(value)
            case "array", Tensor():
                return value.numpy()
            case "picture", Tensor():
                return PIL.Image.fromarray(value.numpy())
            case "other", str():
                return type(value[:NAME], (), {})()  # an object of a type of this name, of which nothing else is known
        return self.unpack(made(THINGS[kind], value))
