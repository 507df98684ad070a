"""What a check is made of: claims about an answer, and the usual mistakes that explain why one is untrue."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from math import isnan, prod

import numpy as np
import torch
from torch import Tensor

from dino.course.checks.mistakes import Edit, mistaken


@dataclass(frozen=True)
class Shape:
    """Stands for any float tensor of this shape, where a claim is about no more than that."""

    sides: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Figure:
    """Shows what was expected beside what came out; `across` and `up` label the axes of a plot."""

    expected: Tensor
    yours: Tensor
    across: str = ""
    up: str = ""


class Pictures(Figure):
    """Shows pictures, (count, channels, height, width), and the difference."""


class Histogram(Figure):
    """Shows how often levels come."""


class Bars(Figure):
    """Shows two rows of numbers as bars, side by side."""


@dataclass(frozen=True, eq=False)
class Curve(Figure):
    """Shows two rows of numbers as points: over their place in the row, which `ticks` may name, or over `x`."""

    x: Tensor | None = None
    ticks: Sequence | None = None


@dataclass
class Claim:
    """One sentence about an answer that is true of every right one.

    says       the sentence, such as "Level 0 leaves the clean pictures as they are."
    yours      what came out of the answer: a tensor, a number or a word
    expected   what should have come out, or a Shape
    tolerance  how far numbers may be apart
    figure     what makes a failure visible, if something does; `Pictures` alone means those of `expected` and `yours`
    clue       what must be wrong if this is untrue, and no usual mistake explains it
    words      what came out instead, where words say more than the numbers that are farthest apart
    of         the exercise whose check claims it: a check may ask for all that an earlier one does
    """

    says: str
    _: KW_ONLY
    yours: object
    expected: object
    tolerance: float = 1e-4
    figure: Figure | type[Pictures] | None = None
    clue: str = ""
    words: str = ""
    of: str = ""

    def __post_init__(self) -> None:
        if self.figure is Pictures:
            self.figure = Pictures(self.expected, self.yours)

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
        if isinstance(yours, complex) and not isinstance(expected, complex):
            return f"It should be a number such as {expected}, yours is a complex one."
        if isinstance(expected, bool):
            return None if yours is expected else "It is not so."
        same = type(yours) is type(expected) and yours == expected
        return None if same else f"It should be {expected}, yours is {yours}."

    def difference(self) -> str | None:
        """Where two tensors of the same shape are farthest apart, if it is too far."""
        yours, expected = self.yours.detach().double(), self.expected.detach().double()
        unknown = yours.isnan() & ~expected.isnan()
        if unknown.any():
            return f"{int(unknown.sum())} of its {yours.numel()} numbers are nan (not a number)."
        close = torch.isclose(yours, expected, rtol=0, atol=self.tolerance, equal_nan=True)
        if close.all():
            return None
        place = (yours - expected).abs().masked_fill(close, 0).argmax()
        where = [int(i) for i in np.unravel_index(int(place), expected.shape)]
        at = f"At {where} it" if expected.numel() > 1 else "It"
        return self.words or f"{at} should be {expected.flatten()[place]:.4g}, yours is {yours.flatten()[place]:.4g}."

    def agrees(self, other: "Claim") -> bool:
        """Whether another answer gave the same result here."""
        if isinstance(self.expected, Shape):
            return self.symptom() == other.symptom()
        yours, theirs = self.yours, other.yours
        tensors = all(isinstance(one, Tensor) and one.is_floating_point() for one in (yours, theirs))
        if tensors and yours.shape == theirs.shape:
            # Numbers above 1 may differ in proportion: losses that are far too large, with N or N - 1.
            size = theirs.detach().abs().clamp(min=1).nan_to_num(nan=1, posinf=1)
            yours, theirs = yours.detach() / size, theirs.detach() / size
        return Claim(self.says, yours=yours, expected=theirs, tolerance=self.tolerance).symptom() is None


def problem(value: object, sides: tuple[int, ...]) -> str | None:
    """Why a value is not a float tensor of this shape, if it is not."""
    if not isinstance(value, Tensor):
        return f"It should be a tensor, yours is a {type(value).__name__}."
    if tuple(value.shape) != sides:
        return f"Its shape should be {sides}, yours is {tuple(value.shape)}."
    if not value.is_floating_point():
        return f"It should hold floats, yours holds {value.dtype}."
    return None


def how_many(result: object) -> str:
    """How many things an answer gives, in words."""
    if isinstance(result, tuple | list):
        return {1: "a list of one thing", 2: "two things"}.get(len(result), f"{len(result)} things")
    if isinstance(result, Tensor):
        return "one tensor" if result.is_floating_point() else "one tensor of whole numbers"
    return "nothing" if result is None else f"a {type(result).__name__}"


def name_of(value: object, names: dict[str, object], tolerance: float = 1e-4) -> str:
    """The name of the first thing that a value is equal to; the value itself if it is like none of them.

    Answers that draw random numbers of their own can be compared by such names, though their numbers differ.
    """
    for name, thing in names.items():
        size = max(1.0, abs(thing)) if isinstance(thing, float) else 1.0
        if Claim("", yours=value, expected=thing, tolerance=tolerance * size).symptom() is None:
            return name
    if isinstance(value, Tensor):
        value = value.item() if value.numel() == 1 else value.detach().flatten()[:3].tolist()
    return f"something else ({value:.4g})" if isinstance(value, float) else f"something else ({value})"


Claims = Iterator[Claim]
Mistake = Edit | Callable


@dataclass(eq=False)
class Check:
    """All that the course knows about one exercise, beside its text and its answer.

    reference  the answer in the lesson
    claims     a function that puts an answer to the test and yields claims, on fresh inputs each time
    hints      two hints, the second plainer than the first
    notice     what is worth noticing in the lesson's answer, once one has one's own
    mistakes   wrong answers that people give, under the sentence that explains them: one, or several with the same cause; each is
               an edit of the reference, or, if no edit can say it, a function or class
    """

    reference: Callable
    claims: Callable[[Callable], Claims]
    hints: tuple[str, str]
    notice: str
    mistakes: dict[str, Mistake | tuple[Mistake, ...]]

    @functools.cached_property
    def wrong_answers(self) -> list[tuple[str, Callable]]:
        """All wrong answers, each with its sentence."""
        groups = [(why, given if isinstance(given, tuple) else (given,)) for why, given in self.mistakes.items()]
        pairs = [(why, one) for why, group in groups for one in group]
        return [(why, mistaken(self.reference, one) if isinstance(one, dict) else one) for why, one in pairs]


CHECKS: dict[str, Check] = {}


def check_of(reference: Callable, *, hints: tuple[str, str], notice: str, mistakes: dict):
    """Register the decorated function, which yields claims about an answer, as the check of an exercise."""

    def register(claims: Callable[[Callable], Claims]) -> Callable[[Callable], Claims]:
        @functools.wraps(claims)
        def signed(answer: Callable) -> Claims:
            for claim in claims(answer):
                claim.of = claim.of or reference.__name__
                yield claim

        CHECKS[reference.__name__] = Check(reference, signed, hints, notice, mistakes)
        return signed

    return register
