"""Judges one answer: runs its check, and finds the sentence that helps most."""

import contextlib
import functools
import inspect
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from dino.course.chapters import Chapter, chapters, find_exercise
from dino.course.checks import check_for
from dino.course.judge.diagnose import cause, find_mistake
from dino.course.judge.errors import explain
from dino.course.judge.loader import load
from dino.course.judge.timeout import PATIENCE, StillBusyError, at_most
from dino.course.judge.trial import OWN_WORDS, RefusedError, is_the_reference, make_claims, only_the_learners_code
from dino.course.judge.variants import variant
from dino.course.judge.verdict import FAILED, NOT_STARTED, PASSED, Verdict

# Where `use_own` has put a learner's answer in the place of the lesson's: the names of a module, one of them, the
# lesson's answer and the learner's.
replaced: list[tuple[dict, str, object, object]] = []


@contextlib.contextmanager
def the_reference() -> Iterator[None]:
    """In here the lesson is as it comes, whatever `use_own` puts into it: no answer is compared with itself."""
    for space, name, reference, _ in replaced:
        space[name] = reference
    try:
        yield
    finally:
        for space, name, _, own in replaced:
            space[name] = own


@the_reference()
def judge(name: str, answer: Callable, seed: int | None = None) -> Verdict:
    """Put an answer to the test on fresh inputs, or on those of a seed.

    Raises ValueError if there is no exercise of that name.
    """
    chapter, _ = find_exercise(name)
    check = check_for(chapter.topic, name)
    verdict = functools.partial(Verdict, name, answer=answer)
    if inspect.isclass(answer) != inspect.isclass(check.reference) or not callable(answer):
        kind = "class" if inspect.isclass(check.reference) else "function"
        return verdict(FAILED, f"{name} should be a {kind}.")
    if is_the_reference(answer, check.reference):
        return verdict(FAILED, OWN_WORDS.format("is", name))
    seed = secrets.randbelow(2**31) if seed is None else seed
    held = 0
    try:
        with only_the_learners_code(check.reference), at_most(PATIENCE):
            for claim in make_claims(check, answer, seed):
                if symptom := claim.symptom():
                    break
                held += 1
            else:
                return verdict(PASSED, f"All {held} claims hold.")
    except RefusedError as error:
        return verdict(FAILED, str(error))
    except StillBusyError as error:
        return verdict(FAILED, explain(error, name))
    except Exception as error:
        # torch, too, raises NotImplementedError: of kinds of numbers that it cannot work with.
        if isinstance(error, NotImplementedError) and re.split(r"\W", str(error))[0] == name:
            return verdict(NOT_STARTED, f"{error}.")
        if isinstance(error, NotImplementedError) and str(error).endswith("is yours to write"):
            return verdict(FAILED, f"{name} needs another exercise first: {error}.")
        place, mistake = explain(error, name), find_mistake(check, answer, seed)
        return verdict(FAILED, mistake, place) if mistake else verdict(FAILED, place)
    if mistake := find_mistake(check, answer, seed):
        return verdict(FAILED, mistake, f"{claim.says} {symptom}", claim)
    if why := cause(claim):
        return verdict(FAILED, why, claim.says if why == symptom else f"{claim.says} {symptom}", claim)
    return verdict(FAILED, f"Not true yet: {claim.says}", symptom, claim)


def judge_in(seed: int | None, name: str, answer: Callable) -> Verdict:
    """Judge an answer in the variant of a seed; without one, as `judge` does. Raises ValueError as it does."""
    twist = variant(seed).get(name)
    if twist is None or not callable(answer):
        return judge(name, answer)
    verdict = judge(name, twist.adapted(answer))
    if verdict.state == FAILED:
        if judge(name, answer).state == PASSED:
            news = f"This answers the published exercise, not the one of your class: {twist.says}"
            verdict = Verdict(name, FAILED, news)
        else:
            verdict.symptom += f" (That is how the course counts. In your class, {twist.says})"
    verdict.answer = answer
    return verdict


def judge_file(path: Path, chapter: Chapter | None = None, seed: int | None = None) -> list[Verdict]:
    """Judge the answers in a learner's file, in the order of the chapter, perhaps in the variant of a seed.

    An exercise that is not passed, or not as published, is then taken from the lesson for those that need it.
    Raises FileNotFoundError or ValueError if the file cannot be read or holds no exercise.
    """
    answers = load(path)
    if chapter is None:
        chapter = max(chapters(), key=lambda chapter: sum(answers.mentions(one.name) for one in chapter.exercises))
        if not any(answers.mentions(one.name) for one in chapter.exercises):
            raise ValueError(f"{path} holds none of the exercises of this course.")
    verdicts = []
    for exercise in chapter.exercises:
        name = exercise.name
        if name in answers.names:
            verdict = judge_in(seed, name, answers.names[name])
        else:
            verdict = Verdict(name, FAILED, answers.problem_with(name))
        verdict.symptom = f"{verdict.symptom} {answers.notes.get(name, '')}".strip()
        verdicts.append(verdict)
        if verdict.state != PASSED or name in variant(seed):
            answers.names[name] = check_for(chapter.topic, name).reference
    return verdicts
