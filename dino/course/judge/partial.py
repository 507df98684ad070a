"""The part of the points that an answer deserves which is not right: as much as what is true of it says.

Most claims are true of many wrong answers. Each counts the more, the more of the usual mistakes it finds, and an answer that
does nothing has no part at all.
"""

import contextlib
import functools
import secrets
from collections.abc import Callable, Iterator

import torch
from PIL.Image import Image
from torch import Tensor, nn

from dino.course.checks import check_for
from dino.course.checks.claims import Check, Claim
from dino.course.judge.timeout import PATIENCE, StillBusyError, at_most
from dino.course.judge.trial import outcome

MOST = 0.9  # for an answer that is not right


class Same(nn.Module):
    """A network of no weights that gives back what it is given, times a number."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor

    def forward(self, first, *_, **__):
        return self.factor * first


def blank(thing: object, shade: float) -> object:
    """A thing of the same kind and size, which is the same everywhere."""
    match thing:
        case Tensor():
            return torch.zeros_like(thing) + shade
        case Image():
            return thing.point(lambda _: round(255 * shade))
        case nn.Module():
            return Same(shade)
        case tuple() | list():
            return type(thing)(blank(one, shade) for one in thing)
    return float(shade)


def idle(reference: Callable) -> Iterator[Callable]:
    """Answers that do nothing: they give nothing, or what they were given, or what looks right and is the same everywhere."""
    yield lambda *_, **__: None
    yield lambda *given, **__: given[0]
    yield lambda *given, **__: given[-1]
    for shade in (0, 0.5, 1):
        # What works with others (a denoiser, an optimizer) would not do nothing.
        yield (
            lambda *given, at=shade, **more: (
                None if any(map(callable, [*given, *more.values()])) else blank(reference(*given, **more), at)
            )
        )


def held(check: Check, answer: Callable, seed: int) -> set[str]:
    """What is true of an answer: the claims that hold, by what they say."""
    claims = [one for one in outcome(check, answer, seed) if isinstance(one, Claim)]
    return {one.says for one in claims} - {one.says for one in claims if one.symptom()}


@functools.cache
def worth(topic: str, name: str) -> tuple[int, dict[str, float], float]:
    """How much each claim of a check counts, on the inputs of a seed that nobody knows.

    Returns the seed, the worth of each claim, and how much of it answers that do nothing have.
    """
    check, seed = check_for(topic, name), secrets.randbelow(2**31)
    wrong = [held(check, answer, seed) for _, answer in check.wrong_answers]
    worth = {says: sum(says not in one for one in wrong) ** 2 for says in held(check, check.reference, seed)}
    nothing = max(sum(worth.get(says, 0) for says in held(check, one, seed)) for one in idle(check.reference))
    return seed, worth, nothing


def true_share(topic: str, name: str, answer: Callable) -> float:
    """Which part of its points an answer deserves that is not right, from 0 to 0.9; 0 if it takes too long."""
    seed, worth_of, nothing = worth(topic, name)
    with contextlib.suppress(StillBusyError), at_most(PATIENCE):
        true = sum(worth_of.get(says, 0) for says in held(check_for(topic, name), answer, seed))
        return MOST * max(0, true - nothing) / (sum(worth_of.values()) - nothing)
    return 0
