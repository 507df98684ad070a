"""Messages between the judge and an answer: plain numbers and words, never objects, so that reading one runs nothing.

A message is a dictionary. It travels as JSON, with the numbers of its tensors behind it, both with their length before.
"""

import json
import math
import socket
import struct
import time
from collections.abc import Callable

import numpy as np
import PIL.Image
import torch
from torch import Tensor

# The kinds of tensors that travel, by the names that they have on the way.
KINDS = {
    str(kind).removeprefix("torch."): kind
    for kind in (
        *(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.bool),
        *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    )
}
PICTURES = ("RGB", "RGBA", "L")  # the modes of pictures that travel
LENGTHS = struct.Struct("!QQ")
# Bytes of one message, and of all: a hundred and thirty times what any check needs.
MOST_WORDS, MOST_NUMBERS, MOST = 2**24, 2**26, 2**28
SHORT = 0.2  # seconds of waiting at a time, so that a timer of this thread can stop it


class BrokenLineError(Exception):
    """The other side sent what is no message, or ended."""


class Other:
    """Stands for something that cannot travel. What is left of it is the name of its type."""


def other(name: str) -> object:
    """An object of a type of this name, of which nothing else is known."""
    return type(name, (Other,), {})()


def raw(tensor: Tensor) -> bytes:
    """The numbers of a tensor."""
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


class Wire:
    """One end of the line between the two.

    line   a connected socket
    pack    describes what is neither numbers nor words, as the name of its kind and a dictionary; or gives None
    unpack  makes something of such a description
    """

    def __init__(self, line: socket.socket):
        self.line = line
        self.received = 0
        self.pack: Callable[[object], tuple[str, dict] | None] = lambda _: None
        self.unpack: Callable[[str, dict], object] = lambda kind, _: other(kind)

    def send(self, message: dict, until: float = math.inf) -> None:
        """Send a message, up to a time of `time.monotonic()`.

        Raises TimeoutError if it was not read by then, and BrokenLineError if nobody is there to read it.
        """
        pieces: list[bytes] = []
        words = json.dumps({key: self.encode(value, pieces) for key, value in message.items()}).encode()
        left = memoryview(b"".join([LENGTHS.pack(len(words), sum(map(len, pieces))), words, *pieces]))
        while left:
            if time.monotonic() > until:
                raise TimeoutError
            try:
                self.line.settimeout(SHORT)
                left = left[self.line.send(left) :]
            except TimeoutError:
                continue
            except OSError as error:
                raise BrokenLineError(str(error)) from error

    def receive(self, until: float = math.inf, most: int = MOST_WORDS) -> dict:
        """Wait for a message with at most so many bytes of words, up to a time of `time.monotonic()`.

        Raises TimeoutError if none has come by then, and BrokenLineError if what comes is none.
        """
        words, numbers = LENGTHS.unpack(self.read(LENGTHS.size, until))
        if words > most or numbers > MOST_NUMBERS:
            raise BrokenLineError(f"It sends {(words + numbers) / 2**20:.0f} MB at once, which is too much.")
        self.received += words + numbers
        if self.received > MOST:  # the judge keeps some of it
            raise BrokenLineError(f"It has sent more than {MOST / 2**20:.0f} MB in all, which is too much.")
        try:
            message = json.loads(self.read(words, until))
            body = self.read(numbers, until)
            return {str(key): self.decode(value, body) for key, value in message.items()}
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, RecursionError) as error:
            raise BrokenLineError(f"What it sends cannot be read: {error}") from error

    def read(self, count: int, until: float) -> bytearray:
        """Read so many bytes."""
        data = bytearray(count)
        view, done = memoryview(data), 0
        while done < count:
            if time.monotonic() > until:
                raise TimeoutError
            try:
                self.line.settimeout(SHORT)
                got = self.line.recv_into(view[done:])
            except TimeoutError:
                continue
            except OSError as error:
                raise BrokenLineError(str(error)) from error
            if not got:
                raise BrokenLineError("The line is closed.")
            done += got
        return data

    def encode(self, value: object, pieces: list[bytes]) -> object:
        """What stands for a value in JSON; the numbers of tensors are added to the pieces."""
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.shape == ()):
            return self.encode(value.item(), pieces)
        if isinstance(value, list | tuple):
            return {
                "of": "list" if isinstance(value, list) else "tuple",
                "items": [self.encode(one, pieces) for one in value],
            }
        if isinstance(value, dict):
            return {"of": "dict", "items": [[self.encode(part, pieces) for part in pair] for pair in value.items()]}
        if isinstance(value, Tensor) and value.layout is not torch.strided:
            return {"of": "other", "name": "sparse tensor"}
        if isinstance(value, Tensor) and str(value.dtype).removeprefix("torch.") in KINDS:
            start = sum(map(len, pieces))
            pieces.append(raw(value))
            kind, shape = str(value.dtype).removeprefix("torch."), list(value.shape)
            return {"of": "tensor", "kind": kind, "shape": shape, "start": start, "follows": value.requires_grad}
        if isinstance(value, PIL.Image.Image) and value.mode in PICTURES:
            pixels = torch.from_numpy(np.array(value))
            return {"of": "picture", "pixels": self.encode(pixels, pieces)}
        name = f"tensor of {value.dtype}" if isinstance(value, Tensor) else type(value).__name__
        kind, described = self.pack(value) or ("other", {"name": name})
        return {"of": kind, **{key: self.encode(part, pieces) for key, part in described.items()}}

    def decode(self, value: object, body: bytearray) -> object:
        """The value that something in JSON stands for."""
        if not isinstance(value, dict):
            if isinstance(value, list):
                raise ValueError("a bare list")
            return value
        match value["of"]:
            case "list" | "tuple":
                items = [self.decode(one, body) for one in value["items"]]
                return items if value["of"] == "list" else tuple(items)
            case "dict":
                return {self.decode(key, body): self.decode(one, body) for key, one in value["items"]}
            case "tensor":
                return self.tensor(value, body)
            case "picture":
                return PIL.Image.fromarray(self.decode(value["pixels"], body).numpy())
        described = {key: self.decode(part, body) for key, part in value.items() if key != "of"}
        return other(described["name"][:80]) if value["of"] == "other" else self.unpack(value["of"], described)

    def tensor(self, packed: dict, body: bytearray) -> Tensor:
        """The tensor that is packed in a body. Raises ValueError if it does not fit."""
        kind, shape, start = KINDS[packed["kind"]], packed["shape"], packed["start"]
        if not all(type(side) is int and side >= 0 for side in [*shape, start]):
            raise ValueError("a tensor of no shape")
        count = math.prod(shape)
        size = count * torch.empty((), dtype=kind).element_size()
        if start + size > len(body):
            raise ValueError("a tensor without its numbers")
        if kind is torch.bool and any(byte > 1 for byte in set(body[start : start + size])):
            raise ValueError("truths that are neither true nor false")
        tensor = torch.empty(shape, dtype=kind)
        if size:
            flat = torch.frombuffer(body, dtype=torch.uint8, count=size, offset=start).clone()
            tensor = flat.view(kind).view(shape)
        return tensor.requires_grad_() if packed["follows"] and kind.is_floating_point else tensor
