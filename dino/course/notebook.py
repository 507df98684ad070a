"""`check(answer)`, for notebooks: instant, in the same process, and not a grade."""

import textwrap

import matplotlib.pyplot as plt

from dino.course import figures, workspace
from dino.course.beside import beside
from dino.course.chapters import find_exercise
from dino.course.claims import check_for
from dino.course.judge import judge_in

MARKS = {"passed": "✓", "failed": "✗", "not started": "·"}


def check(answer, variant: int | None = None) -> None:
    """Check your answer to an exercise and say what is wrong with it, if anything is. This is no grade.

    answer   the function or class that you wrote, such as `mix`
    variant  the number of your class's variant of the course, if it has one

    Raises ValueError if no exercise has the name of the answer.
    """
    verdict = judge_in(variant, getattr(answer, "__name__", str(answer)), answer)
    print(f"{MARKS[verdict.state]} {verdict.exercise}: {verdict.news}")
    if verdict.symptom:
        print(f"  {verdict.symptom}")
    if verdict.state == "passed":
        chapter, _ = find_exercise(verdict.exercise)
        print(f"  Worth noticing: {check_for(chapter.topic, verdict.exercise).notice}")
        print(textwrap.indent(beside(verdict.exercise, answer), "  "))
    if verdict.state == "failed":
        print(f"  For a hint, run `dino hint {verdict.exercise}` in a terminal.")
    if verdict.untrue and figures.evidence(verdict.untrue):
        plt.show()
    workspace.record({verdict.exercise: verdict.state})
