"""The folder of a grading: what was found of each learner, kept as it comes, so that an interrupted one can go on.

grades/gradebook.csv, junit.xml, report.html    about all
grades/learners/NAME/                           about one: feedback.html, and a file for each platform
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from dino.course.files import write
from dino.course.grade import pages
from dino.course.grade import platforms as formats
from dino.course.grade.results import Graded


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep others from grading into the same folder. Raises ValueError if somebody does so already."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(
                f"Another `dino grade` is writing to {folder} right now. Wait for it, or name another folder with --out."
            ) from None
        yield


def keep(folder: Path, graded: Graded, fingerprint: str) -> None:
    """Write all that is about one learner. What the grader broke down over is not kept as done."""
    place = folder / "learners" / graded.name
    write(place / "feedback.html", pages.feedback(graded).encode())
    write(place / "results.json", formats.gradescope(graded).encode())
    write(place / "result.json", formats.classroom50(graded, os.environ).encode())
    write(place / "actions.json", formats.actions(graded).encode())
    done = {"fingerprint": "" if graded.broken else fingerprint, "graded": graded.to_json()}
    write(place / "marks.json", json.dumps(done).encode())


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
        "gradebook.csv": "\ufeff" + formats.gradebook(results),  # the mark lets Excel read letters such as ü
        "junit.xml": formats.junit(results),
        "report.html": pages.report(results),
    }
    for name, text in texts.items():
        write(folder / name, text.encode())
    return [folder / name for name in texts]
