"""What a check is made of: claims about an answer, and the usual mistakes that explain why one is untrue."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isnan, prod

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Shape:
    """Stands for any float tensor of this shape, where a claim is about no more than that."""

    sides: tuple[int, ...]


@dataclass
class Claim:
    """One sentence about an answer that is true of every right one.

    says       the sentence, such as "Level 0 leaves the clean pictures as they are."
    yours      what came out of the answer: a tensor, a number or a word
    expected   what should have come out, or a Shape
    tolerance  how far numbers may be apart
    picture    the function of `dino.course.figures` that makes a failure visible, if one does
    of         the arguments of that function, if they are not `expected` and `yours`
    clue       what must be wrong if this is untrue, and no usual mistake explains it
    words      what came out instead, where words say more than the numbers that are farthest apart
    """

    says: str
    yours: object
    expected: object
    tolerance: float = 1e-4
    picture: str = ""
    of: dict | None = None
    clue: str = ""
    words: str = ""

    def symptom(self) -> str | None:
        """What is wrong with `yours`, in numbers; None if the claim is true."""
        yours, expected = self.yours, self.expected
        if yours is None and expected is not None:
            return "It is None. Is a `return` missing?"
        if isinstance(expected, Shape):
            return problem(yours, expected.sides)
        if isinstance(expected, Tensor):
            return problem(yours, tuple(expected.shape)) or self.difference()
        if isinstance(expected, float):
            if isinstance(yours, Tensor | np.ndarray | np.generic) and prod(yours.shape) == 1:
                yours = yours.item()
            if isinstance(yours, int | float):
                close = abs(yours - expected) <= self.tolerance or (isnan(yours) and isnan(expected))
                return None if close else f"It should be {expected:.4g}, yours is {yours:.4g}."
        if isinstance(expected, bool):
            return None if yours is expected else "It is not so."
        same = type(yours) is type(expected) and yours == expected
        return None if same else f"It should be {expected}, yours is {yours}."

    def cause(self) -> str | None:
        """What is wrong with `yours` when no usual mistake explains it, if it can be told from the two values alone."""
        given = self.of or {"expected": self.expected, "yours": self.yours}
        yours, expected = given["yours"], given["expected"]
        if self.yours is None:
            return "Nothing is returned: is a `return` missing?"
        if isinstance(self.expected, Shape | Tensor):
            sides = self.expected.sides if isinstance(self.expected, Shape) else tuple(self.expected.shape)
            if wrong := problem(self.yours, sides):
                return f"What comes out is of the wrong kind. {wrong}"
        if isinstance(self.yours, float) and isnan(self.yours):
            return (
                "The result is nan (not a number): is something divided by zero, or a root taken of something negative?"
            )
        if not isinstance(yours, Tensor) or not isinstance(expected, Tensor) or yours.shape != expected.shape:
            return self.clue or None
        yours, expected = yours.detach().double(), expected.detach().double()
        if yours.isnan().any() and not expected.isnan().any():
            return f"{int(yours.isnan().sum())} of {yours.numel()} numbers are nan (not a number): is something divided by zero?"
        # Statistics of random numbers say nothing about each of them.
        related = likeness(yours, expected, self.tolerance) if self.of is None and yours.numel() > 3 else None
        return related or self.clue or None

    def difference(self) -> str | None:
        """Where two tensors of the same shape are farthest apart, if it is too far."""
        yours, expected = self.yours.detach().double(), self.expected.detach().double()
        unknown = yours.isnan() & ~expected.isnan()
        if unknown.any():
            return f"{int(unknown.sum())} of its {yours.numel()} numbers are nan (not a number)."
        difference = (yours - expected).abs()
        difference[yours.isnan() & expected.isnan()] = 0
        difference[yours == expected] = 0
        if bool((difference <= self.tolerance).all()):
            return None
        place = int(difference.argmax())
        where = [int(i) for i in torch.unravel_index(torch.tensor(place), expected.shape)]
        at = f"At {where} it" if expected.numel() > 1 else "It"
        return self.words or f"{at} should be {expected.flatten()[place]:.4g}, yours is {yours.flatten()[place]:.4g}."

    def agrees(self, other: "Claim") -> bool:
        """Whether another answer gave the same result here."""
        if isinstance(self.expected, Shape):
            return self.symptom() == other.symptom()
        return Claim(self.says, self.yours, other.yours, self.tolerance).symptom() is None


def likeness(yours: Tensor, expected: Tensor, tolerance: float) -> str | None:
    """How a wrong result is related to the right one, if it is in a simple way."""

    def same(one: Tensor, other: Tensor) -> bool:
        return one.shape == other.shape and bool(torch.allclose(one, other, rtol=0, atol=tolerance))

    if same(yours, expected.clamp(0, 1)):
        return "The result is right but for a clamp to the range from 0 to 1, which does not belong here."
    if same(yours, expected.clamp(min=0)):
        return "The result is right but for a ReLU or clamp, which cuts off all that is negative."
    if same(yours, -expected):
        return "The result is right but for its sign."
    if yours.max() - yours.min() < tolerance < expected.max() - expected.min():
        return f"The result is the same number everywhere: {yours.flatten()[0]:.4g}."
    right = torch.tensor([same(one, other) for one, other in zip(yours, expected, strict=True)])
    if right.any() and yours.ndim == 4:
        wrong = ", ".join(str(i) for i in range(len(right)) if not right[i])
        return f"Some pictures of the batch are right; wrong are (counted from 0): {wrong}."
    factor = (yours * expected).sum() / (expected * expected).sum()
    if same(yours, factor * expected):
        return f"The result is right but for a factor: it is {factor:.4g} times what it should be."
    shift = (yours - expected).mean()
    if same(yours, expected + shift):
        return f"The result is right but for a shift: it is off by {shift:.4g} everywhere."
    if same(yours.flatten().sort().values, expected.flatten().sort().values):
        return "The right numbers come out, in the wrong order."
    if yours.ndim == 4 and same(yours, expected[:1].expand_as(expected)):
        return "All pictures of the batch come out like the first one."
    ordered = yours.flatten()[expected.flatten().argsort()]
    if (ordered.diff() >= -1e-9).all():
        return (
            "The result is squeezed or stretched by some function that does not belong here (a sigmoid, a square root)."
        )
    return None


def problem(value: object, sides: tuple[int, ...]) -> str | None:
    """Why a value is not a float tensor of this shape, if it is not."""
    if not isinstance(value, Tensor):
        return f"It should be a tensor, yours is a {type(value).__name__}."
    if tuple(value.shape) != sides:
        return f"Its shape should be {sides}, yours is {tuple(value.shape)}."
    if not value.is_floating_point():
        return f"It should hold floats, yours holds {value.dtype}."
    return None


def name_of(value: object, names: dict[str, object], tolerance: float = 1e-4) -> str:
    """The name of the first thing that a value is equal to; the value itself if it is like none of them.

    Answers that throw dice of their own can be compared by such names, though their numbers differ.
    """
    for name, thing in names.items():
        size = max(1.0, abs(thing)) if isinstance(thing, float) else 1.0
        if Claim("", value, thing, tolerance * size).symptom() is None:
            return name
    if isinstance(value, Tensor):
        value = value.item() if value.numel() == 1 else value.detach().flatten()[:3].tolist()
    return f"something else ({value:.4g})" if isinstance(value, float) else f"something else ({value})"


Claims = Iterator[Claim]


@dataclass(eq=False)
class Check:
    """All that the course knows about one exercise, beside its text and its answer.

    reference  the answer in the lesson
    claims     a function that puts an answer to the test and yields claims, on fresh inputs each time
    hints      two hints, the second plainer than the first
    notice     what is worth noticing in the lesson's answer, once one has one's own
    mistakes   wrong answers that people give, under the sentence that explains them: one, or several with the same cause
    """

    reference: Callable
    claims: Callable[[Callable], Claims]
    hints: tuple[str, str]
    notice: str
    mistakes: dict[str, Callable | tuple[Callable, ...]]

    def wrong_answers(self) -> list[tuple[str, Callable]]:
        """All wrong answers, each with its sentence."""
        groups = [(why, given if isinstance(given, tuple) else (given,)) for why, given in self.mistakes.items()]
        return [(why, answer) for why, answers in groups for answer in answers]


CHECKS: dict[str, Check] = {}


def check_of(reference: Callable, *, hints: tuple[str, str], notice: str, mistakes: dict):
    """Register the decorated function, which yields claims about an answer, as the check of an exercise."""

    def register(claims: Callable[[Callable], Claims]) -> Callable[[Callable], Claims]:
        CHECKS[reference.__name__] = Check(reference, claims, hints, notice, mistakes)
        return claims

    return register


def check_for(topic: str, name: str) -> Check:
    """The check of an exercise of the chapter on `topic`."""
    importlib.import_module(f"dino.course.checks.{topic}")
    return CHECKS[name]
