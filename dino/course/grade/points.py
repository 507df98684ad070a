"""`points(mix, 2)`, the last line of a graded cell of nbgrader: silent, in the same process, and so easily fooled.

nbgrader runs learners' code and its own in one process. Trust it with handing out and collecting, and `dino grade` with
the marks.
"""

from dino.course.judge.runner import judge_apart
from dino.course.judge.verdict import PASSED


def points(answer, of: float, variant: int | None = None) -> float:
    """The points for an answer: `of` if it is right, and 0 otherwise.

    answer   the function or class that the learner wrote, such as `mix`
    of       how many points there are
    variant  the seed of the variant that the class has, if it has one
    """
    return of if judge_apart(variant, getattr(answer, "__name__", str(answer)), answer).state == PASSED else 0.0
