"""Lets the lesson run on the learner's own answers instead of the reference."""

import inspect
import sys

from dino.course import workspace
from dino.course.chapters import chapters
from dino.course.checks import check_for
from dino.course.judge.loader import load
from dino.course.judge.runner import judge_file, replaced, the_reference
from dino.course.judge.trial import functions_of
from dino.course.judge.verdict import PASSED


@the_reference()  # which it puts back first, and whose place the answers take at the end
def use_own() -> None:
    """From here on, run on your own answers wherever they pass, and on the lesson's where they do not; say which.

    The answers are those in your chapters as they are saved now. Checks still compare with the lesson.
    Raises ValueError outside a folder that `dino start` made.
    """
    files = [(workspace.answer_file(chapter), chapter) for chapter in chapters()]
    replaced.clear()
    own, others = {}, []
    for path, chapter in files:
        if not path.is_file():
            others += [f"{exercise.name} (no {path.name})" for exercise in chapter.exercises]
            continue
        if note := workspace.passed_over(path, chapter):
            print(f"Note: {note}")
        verdicts = judge_file(path, chapter)
        references = {verdict.exercise: check_for(chapter.topic, verdict.exercise).reference for verdict in verdicts}
        lessons = {verdict.exercise: references[verdict.exercise] for verdict in verdicts if verdict.state != PASSED}
        answers = load(path, given=lessons).names
        for verdict in verdicts:
            reference, answer = references[verdict.exercise], answers[verdict.exercise]
            if verdict.state == PASSED and fits(answer, reference):
                own[reference] = answer
            else:
                layers = "its layers have other names than the weights that come with the course"
                others.append(f"{verdict.exercise} ({layers if verdict.state == PASSED else verdict.state})")
    modules = [module for name, module in sys.modules.items() if name.startswith("dino.") and "course" not in name]
    spaces = [vars(module) for module in modules] + [vars(sys.modules["__main__"])]
    spaces += [function.__globals__ for answer in own.values() for function in functions_of(answer)]
    for space in {id(space): space for space in spaces}.values():
        for name, value in space.items():
            if (inspect.isfunction(value) or inspect.isclass(value)) and value in own:
                replaced.append((space, name, value, own[value]))
    print(f"Yours: {', '.join(reference.__name__ for reference in own) or 'none'}.")
    if others:
        print(f"The lesson's: {', '.join(others)}.")


def fits(answer, reference) -> bool:
    """Whether the weights of the lesson's network can be read into the learner's."""
    if not inspect.isclass(reference):
        return True
    arguments = (6,) if "width" in inspect.signature(reference).parameters else ((4, 4), (1, 1))
    theirs, ours = (network(*arguments).state_dict() for network in (answer, reference))
    return theirs.keys() == ours.keys() and all(theirs[name].shape == ours[name].shape for name in ours)
