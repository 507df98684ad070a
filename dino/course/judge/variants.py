"""Variants of the recipe: a class gets its own, so that a solution found elsewhere is the answer to another question.

A variant counts one input of some exercises in another way: the level from the other end, or in per cent. The chapter says
so, at the exercise. The checks stay as they are; between them and an answer, the input is counted over.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from dino.course.chapters import find_exercise
from dino.course.checks import check_for


@dataclass(frozen=True)
class Twist:
    """How one exercise differs in a variant.

    parameter  of the exercise, which is counted in another way
    over       from how the course counts to how the variant does
    says       what the learner has to know
    stub       passages of the docstring and of the steps, and what stands there instead
    """

    exercise: str
    parameter: str
    over: Callable
    says: str
    stub: dict[str, str]

    def adapted(self, answer: Callable) -> Callable:
        """The answer, as one to the published exercise."""
        chapter, _ = find_exercise(self.exercise)
        signature = inspect.signature(check_for(chapter.topic, self.exercise).reference)

        @functools.wraps(answer)
        def call(*inputs, **named):
            bound = signature.bind(*inputs, **named)
            bound.apply_defaults()
            bound.arguments[self.parameter] = self.over(bound.arguments[self.parameter])
            return answer(*bound.args, **bound.kwargs)

        return call


@functools.cache
def slower(times: int) -> Twist:
    """The average warms up more slowly."""
    return Twist(
        "update_average",
        "n",
        lambda n: n * times,
        f"the average warms up {times} times as slowly, so the share that it keeps is min(0.95, n / {10 * times}).",
        {"0, 0.1, 0.2, and so on up to 0.95": f"0, {0.1 / times:.4g}, {0.2 / times:.4g}, and so on up to 0.95"},
    )


of_mix, of_sample = functools.partial(Twist, "mix", "level"), functools.partial(Twist, "sample", "stretch")
LEVELS = (
    of_mix(
        lambda level: 1 - level,
        "levels count from the other end, so level 1 leaves the pictures clean, and level 0 leaves nothing but noise.",
        {
            "level 0 leaves them clean, level 1 leaves nothing but noise": "level 1 leaves them clean, level 0 leaves nothing but noise",
            "0.75\n": "0.25\n",
        },
    ),
    of_mix(
        lambda level: 100 * level,
        "levels are per cent, so level 0 leaves the pictures clean, and level 100 leaves nothing but noise.",
        {
            "level 0 leaves them clean, level 1 leaves nothing but noise": "level 0 leaves them clean, level 100 leaves nothing but noise",
            "one noise level per picture, in [0, 1]": "one noise level per picture, in [0, 100]",
            "torch.tensor([[[[0.25]]]])": "torch.tensor([[[[25.0]]]])",
        },
    ),
)
STRETCHES = (
    of_sample(
        lambda stretch: stretch - 1,
        "the stretch says how far *beyond* each guess to go, so 0 takes it as it is, and 1 goes as far again.",
        {
            "stretch: float = 2.0": "stretch: float = 1.0",
            "how far each guess is pushed on from the one before: 1 takes it as it is, 2 goes twice as far": (
                "how far beyond each guess to go, away from the one before: 0 takes it as it is, 1 goes as far again"
            ),
        },
    ),
    of_sample(
        lambda stretch: 100 * stretch,
        "the stretch is per cent, so 100 takes each guess as it is, and 200 goes twice as far.",
        {
            "stretch: float = 2.0": "stretch: float = 200.0",
            "1 takes it as it is, 2 goes twice as far": "100 takes it as it is, 200 goes twice as far",
        },
    ),
)


def variant(seed: int | None) -> dict[str, Twist]:
    """The twists of a variant, by exercise; none without a seed. There are 16 variants."""
    if seed is None:
        return {}
    random = Random(seed)
    chosen = [random.choice(LEVELS), slower(random.choice((2, 4, 5, 8))), random.choice(STRETCHES)]
    return {twist.exercise: twist for twist in chosen}
