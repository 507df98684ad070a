"""What a check is made of: claims about an answer, and the usual mistakes that explain why one is untrue."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isnan

import torch
from torch import Tensor


@dataclass
class Claim:
    """One sentence about an answer that is true of every right one.

    says       the sentence, such as "Level 0 leaves the clean pictures as they are."
    yours      what came out of the answer: a tensor, a number or a word
    expected   what should have come out
    tolerance  how far numbers may be apart
    picture    whether both are pictures, (batch, 3, height, width), that are worth looking at
    """

    says: str
    yours: object
    expected: object
    tolerance: float = 1e-4
    picture: bool = False

    def symptom(self) -> str | None:
        """What is wrong with `yours`, in numbers; None if the claim is true."""
        yours, expected = self.yours, self.expected
        if isinstance(expected, float) and isinstance(yours, Tensor) and yours.numel() == 1:
            yours = yours.item()
        if isinstance(expected, float) and isinstance(yours, int):
            yours = float(yours)
        if isinstance(expected, float) and isinstance(yours, float):
            close = abs(yours - expected) <= self.tolerance or (isnan(yours) and isnan(expected))
            return None if close else f"It should be {expected:.4g}, yours is {yours:.4g}."
        if not isinstance(expected, Tensor):
            return (
                None
                if type(yours) is type(expected) and yours == expected
                else f"It should be {expected}, yours is {yours}."
            )
        if yours is None:
            return "It returns None. Is the `return` missing?"
        if not isinstance(yours, Tensor):
            return f"It should be a tensor, yours is a {type(yours).__name__}."
        if yours.shape != expected.shape:
            return f"Its shape should be {tuple(expected.shape)}, yours is {tuple(yours.shape)}."
        if not yours.is_floating_point():
            return f"It should hold floats, yours holds {yours.dtype}."
        yours, expected = yours.detach().double(), expected.detach().double()
        if bool(yours.isnan().any() & ~expected.isnan().any()):
            return f"{int(yours.isnan().sum())} of its {yours.numel()} numbers are nan (not a number)."
        difference = (yours - expected).abs()
        difference[yours.isnan() & expected.isnan()] = 0
        if bool((difference <= self.tolerance).all()):
            return None
        place = int(difference.argmax())
        where = [int(i) for i in torch.unravel_index(torch.tensor(place), expected.shape)]
        at = f"At {where} it" if where and expected.numel() > 1 else "It"
        return f"{at} should be {expected.flatten()[place]:.4g}, yours is {yours.flatten()[place]:.4g}."

    def agrees(self, other: "Claim") -> bool:
        """Whether another answer gave the same result here."""
        return Claim(self.says, self.yours, other.yours, self.tolerance).symptom() is None


Claims = Iterator[Claim]


@dataclass
class Check:
    """All that the course knows about one exercise, beside its text and its answer.

    reference  the answer in the lesson
    claims     a function that puts an answer to the test and yields claims, on fresh inputs each time
    hints      two hints, the second plainer than the first
    mistakes   wrong answers that people give, each under the sentence that explains it
    """

    reference: Callable
    claims: Callable[[Callable], Claims]
    hints: tuple[str, str]
    mistakes: dict[str, Callable]


CHECKS: dict[str, Check] = {}


def check_of(reference: Callable, *, hints: tuple[str, str], mistakes: dict[str, Callable]):
    """Register the decorated function, which yields claims about an answer, as the check of an exercise."""

    def register(claims: Callable[[Callable], Claims]) -> Callable[[Callable], Claims]:
        CHECKS[reference.__name__] = Check(reference, claims, hints, mistakes)
        return claims

    return register


def check_for(topic: str, name: str) -> Check:
    """The check of an exercise of the chapter on `topic`."""
    importlib.import_module(f"dino.course.checks.{topic}")
    return CHECKS[name]
