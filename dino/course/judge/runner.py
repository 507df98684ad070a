"""Judges one answer: runs its check, and finds the sentence that helps most."""

import contextlib
import functools
import inspect
import itertools
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from torch import Tensor

from dino.course.chapters import Chapter, chapters, find_exercise
from dino.course.checks import check_for
from dino.course.checks.claims import Check, Claim
from dino.course.judge.apart import CrashError, apart, can_fork
from dino.course.judge.diagnose import cause, find_mistake
from dino.course.judge.errors import explain
from dino.course.judge.loader import load
from dino.course.judge.timeout import PATIENCE, StillBusyError, at_most, uncompiled
from dino.course.judge.trial import (
    OWN_WORDS,
    Printed,
    RefusedError,
    is_the_reference,
    make_claims,
    only_the_learners_code,
    outcome,
    source_of,
)
from dino.course.judge.variants import variant
from dino.course.judge.verdict import FAILED, NOT_STARTED, PASSED, Verdict

AT_FAULT = (
    "The course is at fault here, not your answer: on this machine its check of {} turns down the lesson's own answer, "
    "too. Please report that, with the next line."
)

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
    if inspect.isclass(answer) != inspect.isclass(check.reference) or not callable(answer):
        kind = "class" if inspect.isclass(check.reference) else "function"
        return Verdict(name, FAILED, f"{name} should be a {kind}.")
    if is_the_reference(answer, check.reference):
        return Verdict(name, FAILED, OWN_WORDS.format("is", name))
    seed = secrets.randbelow(2**31) if seed is None else seed
    with contextlib.redirect_stdout(Printed()) as printed:
        for fresh in range(seed, seed + 3):
            verdict = first_untrue(check, name, answer, fresh)
            # Inputs on which the lesson's own answer would not pass say nothing.
            fault = untrue_of_the_reference(check, fresh) if verdict.state == FAILED else None
            if not fault:
                break
        else:
            verdict = Verdict(name, FAILED, AT_FAULT.format(name), fault)
    verdict.printed = printed.told()
    return verdict


def first_untrue(check: Check, name: str, answer: Callable, seed: int) -> Verdict:
    """The verdict on an answer: what the first untrue claim about it comes from, or where it stopped."""
    verdict = functools.partial(Verdict, name)
    held = 0
    try:
        with only_the_learners_code(check.reference), at_most(PATIENCE), uncompiled():
            for claim in make_claims(check, answer, seed):
                if symptom := claim.symptom():
                    break
                held += 1
            else:
                return verdict(PASSED, f"All {held} claims hold.", source=source_of(answer, name))
    except RefusedError as error:
        return verdict(FAILED, str(error))
    except StillBusyError as error:
        return verdict(FAILED, explain(error, name))
    except (Exception, SystemExit) as error:
        # torch, too, raises NotImplementedError: of kinds of numbers that it cannot work with.
        if isinstance(error, NotImplementedError) and re.split(r"\W", str(error))[0] == name:
            return verdict(NOT_STARTED, f"{error}.")
        if isinstance(error, NotImplementedError) and str(error).endswith("is yours to write"):
            return verdict(FAILED, f"{name} needs another exercise first: {error}.")
        place, mistake = explain(error, name), find_mistake(check, answer, seed)
        return verdict(FAILED, mistake, place) if mistake else verdict(FAILED, place)
    figure = claim.figure if claim.figure and isinstance(claim.figure.yours, Tensor) else None
    if mistake := find_mistake(check, answer, seed):
        return verdict(FAILED, mistake, f"{claim.says} {symptom}", figure)
    if why := cause(claim):
        return verdict(FAILED, why, claim.says if why == symptom else f"{claim.says} {symptom}", figure)
    return verdict(FAILED, f"Not true yet: {claim.says}", symptom, figure)


def untrue_of_the_reference(check: Check, seed: int) -> str | None:
    """What the check would turn down in the lesson's own answer, which is right; None if all is well."""
    for claim in outcome(check, check.reference, seed):
        if not isinstance(claim, Claim):
            return f"It stops with: {claim}"
        if symptom := claim.symptom():
            return f"{claim.says} {symptom}"
    return None


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
    return verdict


def judge_apart(seed: int | None, name: str, answer: Callable) -> Verdict:
    """Judge an answer as `judge_in` does, in a process of its own if it can have one. Raises ValueError as it does."""
    find_exercise(name)
    if not can_fork():
        return judge_in(seed, name, answer)
    try:
        (verdict,) = apart(4 * PATIENCE, lambda: iter([judge_in(seed, name, answer)]))
    except CrashError as error:
        return Verdict(name, FAILED, str(error))
    return verdict


def judge_file(path: Path, chapter: Chapter | None = None, seed: int | None = None) -> list[Verdict]:
    """Judge the answers in a learner's file, in the order of the chapter, perhaps in the variant of a seed.

    That is done in another process; if it dies of an answer, the next one goes on with those that come after.
    Raises FileNotFoundError or ValueError if the file cannot be read or holds no exercise.
    """
    verdicts: list[Verdict] = []
    while chapter is None or len(verdicts) < len(chapter.exercises):
        try:
            results = apart(4 * PATIENCE, judge_answers, path, chapter, seed, verdicts.copy())
            chapter = next(results)
            verdicts += results
        except CrashError as error:
            if chapter is None:
                raise ValueError(f"{path}: {error}") from None
            verdicts.append(Verdict(chapter.exercises[len(verdicts)].name, FAILED, str(error)))
    return verdicts


def judge_answers(
    path: Path, chapter: Chapter | None, seed: int | None, known: list[Verdict]
) -> Iterator[Chapter | Verdict]:
    """Judge the answers in a file in this process: yields the chapter that it is, and then one verdict after the other.

    An exercise that is not passed, or not as published, is then taken from the lesson for those that need it.

    known  what became of the first exercises already

    Raises FileNotFoundError or ValueError if the file cannot be read or holds no exercise.
    """
    try:
        with at_most(PATIENCE):
            answers = load(path)
    except StillBusyError:
        raise ValueError(f"The imports and definitions of {path} never finish: is there a loop in them?") from None
    if chapter is None:
        chapter = max(chapters(), key=lambda chapter: sum(answers.mentions(one.name) for one in chapter.exercises))
        if not any(answers.mentions(one.name) for one in chapter.exercises):
            raise ValueError(f"{path} holds none of the exercises of this course.")
    yield chapter
    for exercise, verdict in itertools.zip_longest(chapter.exercises, known):
        name = exercise.name
        if verdict is None:
            if name in answers.names:
                verdict = judge_in(seed, name, answers.names[name])
            else:
                verdict = Verdict(name, FAILED, answers.problem_with(name))
            verdict.symptom = f"{verdict.symptom} {answers.notes.get(name, '')}".strip()
            yield verdict
        if verdict.state != PASSED or name in variant(seed):
            answers.names[name] = check_for(chapter.topic, name).reference
