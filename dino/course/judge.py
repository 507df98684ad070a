"""Judges one answer: runs its check, and finds the sentence that helps most."""

import contextlib
import functools
import inspect
import itertools
import re
import secrets
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from dino.course.answers import load
from dino.course.chapters import LESSON, Chapter, chapters, find_exercise
from dino.course.claims import Check, Claim, check_for
from dino.course.errors import explain
from dino.course.limit import StillBusyError, at_most
from dino.course.variants import variant

PASSED, FAILED, NOT_STARTED = "passed", "failed", "not started"

# How long a check waits for an answer, in seconds. A right answer takes a fraction of one.
PATIENCE = 20


@dataclass
class Verdict:
    """What became of one answer.

    state     PASSED, FAILED or NOT_STARTED
    news      the sentence that matters most
    symptom   what came out of the answer and what should have, or where it stopped
    untrue    the first claim that is untrue, if it came to that
    answer    the answer itself
    """

    exercise: str
    state: str
    news: str
    symptom: str = ""
    untrue: Claim | None = None
    answer: object = None


class UsesTheReferenceError(Exception):
    """The answer runs the lesson's own code instead of the learner's."""


def codes_of(thing: Callable) -> set:
    """The code objects of a function, or of the methods of a class."""
    members = vars(thing).values() if inspect.isclass(thing) else [thing]
    return {inspect.unwrap(member).__code__ for member in members if inspect.isfunction(member)}


@contextlib.contextmanager
def only_the_learners_code(reference: Callable) -> Iterator[None]:
    """Raise UsesTheReferenceError when anything but the course itself calls the reference in here."""
    forbidden = codes_of(reference)
    torch_folder = str(Path(torch.__file__).parent)

    def look(frame, event: str, _argument) -> None:
        if event != "call" or frame.f_code not in forbidden:
            return
        caller = frame.f_back
        while caller is not None and caller.f_code.co_filename.startswith(torch_folder):
            caller = caller.f_back
        if caller is not None and not caller.f_code.co_filename.startswith(str(LESSON)):
            raise UsesTheReferenceError

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def is_the_reference(answer: Callable, reference: Callable) -> bool:
    """Whether an answer is the lesson's own, under whatever name."""
    if inspect.isclass(answer) and inspect.isclass(reference):
        return reference in answer.__mro__ or bool(codes_of(answer) & codes_of(reference))
    return inspect.isfunction(inspect.unwrap(answer)) and bool(codes_of(inspect.unwrap(answer)) & codes_of(reference))


class InputChangedError(Exception):
    """The answer writes into what it was given."""


def careful(answer: Callable) -> Callable:
    """The same answer, on copies of its inputs; raises InputChangedError if it changes one of them."""

    def call(*inputs, **named):
        copies = [value.clone() if isinstance(value, torch.Tensor) else value for value in inputs]
        # Each call throws dice of its own, so that it does not matter where the answer runs.
        seed = int(torch.randint(2**31, ()))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            result = answer(*copies, **named)
        for i, (value, now) in enumerate(zip(inputs, copies, strict=True)):
            if isinstance(value, torch.Tensor) and not torch.equal(value, now):
                names = list(inspect.signature(answer).parameters)
                name = names[i] if i < len(names) else "its input"
                raise InputChangedError(
                    f"It changes `{name}` itself, which others still need. Work on a copy, or without `+=` and the like."
                )
        return result

    return call


def make_claims(check: Check, answer: Callable, seed: int) -> Iterator[Claim]:
    """The claims about an answer, on inputs that depend on the seed alone; the program's own dice are left alone."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # What torch merely warns of, the claims judge.
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        yield from check.claims(careful(answer))


def outcome(check: Check, answer: Callable, seed: int) -> Iterator[Claim | str]:
    """All claims about an answer; if it stopped with an error, the last is what the error says, in sorted words."""
    try:
        yield from make_claims(check, answer, seed)
    except Exception as error:
        yield " ".join(sorted(f"{type(error).__name__} {error}".split()))


def find_mistake(check: Check, answer: Callable, seed: int) -> str | None:
    """The sentence about the usual mistake that an answer makes; None if it is none of them, or is too slow to compare.

    A mistake that gives the same everywhere is that for sure. Answers with two mistakes, or with other numbers in one,
    are like none of them everywhere; but if a mistake gives the same up to the first claim that is untrue, it is
    perhaps that. Where that holds for several, the one that goes on agreeing most is told, if there is just one.
    """
    try:
        with at_most(PATIENCE / 2):
            return most_similar(check, answer, seed)
    except StillBusyError:
        return None


def most_similar(check: Check, answer: Callable, seed: int) -> str | None:
    """As `find_mistake`, without a limit."""
    yours = list(outcome(check, answer, seed))
    first = next((i for i, one in enumerate(yours) if not isinstance(one, Claim) or one.symptom()), len(yours))
    similar: dict[str, int] = {}
    for sentence, mistake in check.wrong_answers():
        agreed = []
        with contextlib.closing(outcome(check, mistake, seed)) as results:
            for mine, theirs in itertools.zip_longest(yours, results):
                agreed.append(agree(mine, theirs))
                if not agreed[-1] and len(agreed) <= first + 1:
                    break
        if all(agreed):
            return sentence
        if len(agreed) > first + 1:
            similar[sentence] = max(sum(agreed), similar.get(sentence, 0))
    most = [sentence for sentence, count in similar.items() if count == max(similar.values())]
    return f"Perhaps this: {most[0]}" if len(most) == 1 else None


def agree(yours: Claim | str | None, theirs: Claim | str | None) -> bool:
    """Whether two answers gave the same result, or stopped with the same kind of error."""
    if isinstance(yours, Claim) and isinstance(theirs, Claim):
        return yours.agrees(theirs)
    return yours == theirs


# Where `use_own` has put a learner's answer in the place of the lesson's: the names of a module, one of them, the
# lesson's answer and the learner's.
replaced: list[tuple[dict, str, object, object]] = []


@contextlib.contextmanager
def the_reference() -> Iterator[None]:
    """In here the lesson is as it comes, whatever `use_own` has put into it: no answer is compared with itself."""
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
    own_words = f"This is the library's own {name}, which is always right. Write yours, and check that."
    if is_the_reference(answer, check.reference):
        return verdict(FAILED, own_words)
    seed = secrets.randbelow(2**31) if seed is None else seed
    held = 0
    try:
        with only_the_learners_code(check.reference), at_most(PATIENCE):
            for claim in make_claims(check, answer, seed):
                symptom = claim.symptom()
                if symptom:
                    break
                held += 1
            else:
                return verdict(PASSED, f"All {held} claims hold.")
    except UsesTheReferenceError:
        return verdict(FAILED, own_words.replace("is the", "calls the"))
    except InputChangedError as error:
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
    mistake = find_mistake(check, answer, seed)
    if mistake:
        return verdict(FAILED, mistake, f"{claim.says} {symptom}", claim)
    if cause := claim.cause():
        return verdict(FAILED, cause, claim.says if cause == symptom else f"{claim.says} {symptom}", claim)
    return verdict(FAILED, f"Not true yet: {claim.says}", symptom, claim)


def judge_in(seed: int | None, name: str, answer: Callable) -> Verdict:
    """Judge an answer in the variant of a seed; without one, as `judge` does. Raises ValueError as it does."""
    twist = variant(seed).get(name)
    if twist is None or not callable(answer):
        return judge(name, answer)
    verdict = judge(name, twist.adapted(answer))
    if verdict.state == FAILED:
        if judge(name, answer).state == PASSED:
            verdict.news, verdict.symptom, verdict.untrue = twist.news, "", None
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
            gone = (
                f"There is no {name} in {path.name}. Was it renamed or deleted? `dino start` in a new folder brings it."
            )
            verdict = Verdict(name, FAILED, answers.problem_with(name) or gone)
        verdicts.append(verdict)
        if verdict.state != PASSED or name in variant(seed):
            answers.names[name] = check_for(chapter.topic, name).reference
    return verdicts
