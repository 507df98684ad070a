"""Finds the sentence that helps most with an answer that is wrong: the usual mistake that it makes, or what is telling in
what came out of it."""

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from math import isnan

import torch
from torch import Tensor

from dino.course.checks.claims import Check, Claim, Pictures, Shape, problem
from dino.course.judge.timeout import PATIENCE, StillBusyError, at_most, uncompiled
from dino.course.judge.trial import outcome


def find_mistake(check: Check, answer: Callable, seed: int) -> str | None:
    """The sentence about the usual mistake that an answer makes; None if it is none of them, or is too slow to compare."""

    def bank() -> Iterator[tuple[str, Iterable[Claim | str]]]:
        for sentence, mistake in check.wrong_answers:
            with contextlib.closing(outcome(check, mistake, seed)) as results:  # it may be left before its end
                yield sentence, results

    with contextlib.suppress(StillBusyError), at_most(PATIENCE / 2), uncompiled(), contextlib.closing(bank()) as others:
        return most_similar(list(outcome(check, answer, seed)), others)
    return None


def most_similar(yours: list[Claim | str], bank: Iterable[tuple[str, Iterable[Claim | str]]]) -> str | None:
    """The sentence of the wrong answer that gave most nearly what yours did.

    yours  the outcome of an answer on the inputs of a seed
    bank   sentences, each with the outcome of a wrong answer on the same inputs, which is looked at no further than needed

    A mistake that gives the same everywhere is that for sure. Answers with two mistakes, or with other numbers in one,
    are like none of them everywhere; but if a mistake gives the same up to the first claim that is untrue, it is
    perhaps that. Where that holds for several, the one that goes on agreeing most is told, if there is just one.
    """
    first = next((i for i, one in enumerate(yours) if not isinstance(one, Claim) or one.symptom()), len(yours))
    similar: dict[str, int] = {}
    for sentence, theirs in bank:
        agreed = []
        for mine, their in itertools.zip_longest(yours, theirs):
            # They gave the same result, or stopped with the same kind of error.
            both = isinstance(mine, Claim) and isinstance(their, Claim)
            agreed.append(mine.agrees(their) if both else mine == their)
            if not agreed[-1] and len(agreed) <= first + 1:
                break
        if all(agreed):
            return sentence
        if len(agreed) > first + 1:
            similar[sentence] = max(sum(agreed), similar.get(sentence, 0))
    most = [sentence for sentence, count in similar.items() if count == max(similar.values())]
    return f"Perhaps this: {most[0]}" if len(most) == 1 else None


def cause(claim: Claim) -> str | None:
    """What is wrong with what came out when no usual mistake explains it, if it can be told from the two values alone."""
    shown = claim.figure or claim
    yours, expected = shown.yours, shown.expected
    if claim.yours is None:
        return "Nothing is returned: is a `return` missing?"
    if isinstance(claim.expected, Shape | Tensor):
        sides = claim.expected.sides if isinstance(claim.expected, Shape) else tuple(claim.expected.shape)
        if wrong := problem(claim.yours, sides):
            return f"What comes out is of the wrong kind. {wrong}"
    if isinstance(claim.yours, float) and isnan(claim.yours):
        return "The result is nan (not a number): is something divided by zero, or a root taken of something negative?"
    if not isinstance(yours, Tensor) or not isinstance(expected, Tensor) or yours.shape != expected.shape:
        return claim.clue or None
    yours, expected = yours.detach().double(), expected.detach().double()
    if yours.isnan().any() and not expected.isnan().any():
        return f"{int(yours.isnan().sum())} of {yours.numel()} numbers are nan (not a number): is something divided by zero?"
    own = claim.figure is None or (isinstance(claim.figure, Pictures) and claim.figure.yours is claim.yours)
    # Statistics of random numbers say nothing about each of them.
    related = likeness(yours, expected, claim.tolerance) if own and yours.numel() > 3 else None
    return related or claim.clue or None


def likeness(yours: Tensor, expected: Tensor, tolerance: float) -> str | None:
    """How a wrong result is related to the right one of the same shape, if it is in a simple way."""
    same = functools.partial(torch.allclose, rtol=0, atol=tolerance)
    if same(yours, expected.clamp(0, 1)):
        return "The result is right except for a clamp to the range from 0 to 1, which does not belong here."
    if same(yours, expected.clamp(min=0)):
        return "The result is right except for a ReLU or clamp, which cuts off all that is negative."
    if same(yours, -expected):
        return "The result is right except for its sign."
    if yours.max() - yours.min() < tolerance < expected.max() - expected.min():
        return f"The result is the same number everywhere: {yours.flatten()[0]:.4g}."
    right = torch.tensor([same(one, other) for one, other in zip(yours, expected, strict=True)])
    if right.any() and yours.ndim == 4:
        for which, same in (
            ("Only one picture of the batch is right", right),
            ("All but one picture of the batch are right", ~right),
        ):
            if same.sum() == 1:
                return f"{which}: that is number {int(same.nonzero())}, counted from 0."
        return "Some pictures of the batch are right, and others are not."
    factor = (yours * expected).sum() / (expected * expected).sum()
    if same(yours, factor * expected):
        return f"The result is right except for a factor: it is {factor:.4g} times what it should be."
    shift = (yours - expected).mean()
    if same(yours, expected + shift):
        return f"The result is right except for a shift: it is off by {shift:.4g} everywhere."
    middle, centre = yours - yours.mean(), expected - expected.mean()
    factor = (middle * centre).sum() / (centre * centre).sum()
    if same(middle, factor * centre):
        shift = yours.mean() - factor * expected.mean()
        return f"The result is right except for a factor and a shift: {factor:.3g} times what it should be, and {shift:+.3g}."
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
