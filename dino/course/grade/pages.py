"""Writes marks as pages for people (HTML): one for each learner, and one about the class, without names."""

import base64
import functools
from collections import Counter
from pathlib import Path

from dino.course.chapters import find_exercise
from dino.course.grade.results import Graded, Mark, number
from dino.course.judge.verdict import FAILED, SIGNS


@functools.cache
def templates():
    """The pages, a `jinja2.Environment`: whatever is filled in is text, and never HTML."""
    import jinja2  # here, so that only those who write pages load it

    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"number": number, "base64": lambda data: base64.b64encode(data).decode()}
    return found


def by_chapter(marks: list[Mark]) -> dict[str, dict[str, list[Mark]]]:
    """Marks by the titles of their chapters and by their exercises, in the order of the course."""
    found: dict[str, dict[str, list[Mark]]] = {}
    for mark in marks:
        found.setdefault(find_exercise(mark.exercise)[0].title, {}).setdefault(mark.exercise, []).append(mark)
    return found


def feedback(graded: Graded) -> str:
    """What a learner should know: each exercise, what is wrong with it, and how it looks."""
    page = templates().get_template("feedback.html")
    return page.render(graded=graded, chapters=by_chapter(graded.marks), signs=SIGNS)


def tally(marks: list[Mark]) -> dict:
    """How a class did on one exercise: how many in each state, which usual mistakes how often, and how many of their own."""
    states = Counter(mark.state for mark in marks)
    return {
        "of": len(marks),
        "counts": {state: states[state] for state in SIGNS if states[state]},
        "usual": Counter(mark.news for mark in marks if mark.mistake).most_common(),
        "own": sum(mark.state == FAILED and not mark.mistake for mark in marks),
    }


def report(results: list[Graded]) -> str:
    """What a class can learn from: how many passed each exercise, and which mistakes were made how often. No names."""
    judged = [graded for graded in results if graded.marks]
    found = by_chapter([mark for graded in judged for mark in graded.marks])
    chapters = {title: {name: tally(marks) for name, marks in these.items()} for title, these in found.items()}
    page = templates().get_template("report.html")
    return page.render(judged=len(judged), handed_in=len(results), chapters=chapters)
