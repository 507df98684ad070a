"""How the checks do: `python tests/benchmarks/checks.py`, with nothing else running.

For each exercise: how many wrong answers the bank holds and how many are called by their own name; how often the
lesson's own answer is turned down in 200 runs, each on other inputs; and how long one check takes when torch is loaded,
of a right answer, and how long, in the median, it takes to find what is wrong with a wrong one.
"""

import itertools
import statistics
import tempfile
import time
from pathlib import Path

from dino.course.chapters import chapters, solved
from dino.course.checks import check_for
from dino.course.judge.diagnose import find_mistake
from dino.course.judge.loader import load
from dino.course.judge.runner import judge
from dino.course.judge.verdict import PASSED


def seconds(do) -> float:
    """How long something takes."""
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def main() -> None:
    """Print one line for each exercise."""
    print("exercise          wrong  named  turned down of 200   right      wrong")
    total = named = 0
    for chapter in chapters():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / chapter.path.name
            path.write_text(solved(chapter), encoding="utf-8")
            answers = load(path).names
            for exercise in chapter.exercises:
                name, seed = exercise.name, itertools.count()
                check = check_for(chapter.topic, name)
                mistakes = check.wrong_answers
                right = [answer for why, answer in mistakes if find_mistake(check, answer, next(seed)) == why]
                down = sum(judge(name, answers[name], seed).state != PASSED for seed in range(200))
                good = seconds(lambda: judge(name, answers[name]))  # noqa: B023 - called at once
                bad = statistics.median(
                    seconds(lambda: find_mistake(check, answer, 0))  # noqa: B023 - called at once
                    for _, answer in mistakes
                )
                print(f"{name:16}{len(mistakes):7}{len(right):7}{down:21}{good:7.2f} s{bad:9.2f} s")
                total, named = total + len(mistakes), named + len(right)
    print(f"{'all':16}{total:7}{named:7}")


if __name__ == "__main__":
    main()
