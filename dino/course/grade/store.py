"""The folder of a grading: what was found of each learner, kept as it comes, so that an interrupted one can go on.

grades/gradebook.csv, junit.xml, report.html    about all
grades/learners/NAME/                           about one: feedback.html, and a file for each platform
"""

import contextlib
import json
import os
from pathlib import Path

from dino.course.files import locked, write
from dino.course.grade import pages, platforms
from dino.course.grade.results import Graded


def alone(folder: Path) -> contextlib.AbstractContextManager:
    """Keep others from grading into the same folder. Raises ValueError if somebody does so already."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".lock").touch()
    busy = f"Another `dino grade` is writing to {folder} right now. Wait for it, or name another folder with --out."
    return locked(folder / ".lock", busy)


def keep(folder: Path, graded: Graded, fingerprint: str) -> None:
    """Write all that is about one learner. What the grader broke down over is not kept as done."""
    done = {"fingerprint": "" if graded.broken else fingerprint, "graded": graded.to_json()}
    texts = {
        "feedback.html": pages.feedback(graded),
        "results.json": platforms.gradescope(graded),
        "result.json": platforms.classroom50(graded, os.environ),
        "actions.json": platforms.actions(graded),
        "marks.json": json.dumps(done),  # comes last: where it is, the others are
    }
    for name, text in texts.items():
        write(folder / "learners" / graded.name / name, text.encode())


def kept(folder: Path, name: str, fingerprint: str) -> Graded | None:
    """What was found of a learner before, if nothing has changed since."""
    try:
        done = json.loads((folder / "learners" / name / "marks.json").read_text(encoding="utf-8"))
        return Graded.from_json(done["graded"]) if done["fingerprint"] == fingerprint else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def finish(folder: Path, results: list[Graded]) -> list[Path]:
    """Write all that is about the class, and tell where."""
    texts = {
        "gradebook.csv": "\ufeff" + platforms.gradebook(results),  # the mark lets Excel read letters such as ü
        "junit.xml": platforms.junit(results),
        "report.html": pages.report(results),
    }
    for name, text in texts.items():
        write(folder / name, text.encode())
    return [folder / name for name in texts]
