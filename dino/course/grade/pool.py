"""Grades what a whole class handed in, several learners side by side, so that no one's crash costs another a mark."""

import contextlib
import dataclasses
import hashlib
import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from dino.course.chapters import LESSON, chapters
from dino.course.grade.results import Graded, Settings
from dino.course.grade.sandbox import isolation
from dino.course.grade.sandbox.client import ForkServer
from dino.course.grade.submissions import Submission

MEMORY = 8 * 2**30  # bytes that a grader may take, should an answer ask it for too much
LONGEST = 70  # seconds that an exercise can take, everything included


def work(line: Connection, settings: Settings) -> None:
    """Grade what comes over a line, until it is closed: this is a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        isolation.system("prctl", isolation.DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    with ForkServer() as server:
        # Torch is loaded here, and not in the process that watches; the fork server does the same meanwhile.
        import torch

        from dino.course.grade.grading import grade

        torch.set_num_threads(1)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
        with contextlib.suppress(EOFError, OSError):  # when nobody is there any more, that is the end
            while True:
                line.send(grade(server, line.recv(), settings))


@dataclasses.dataclass
class Grader:
    """A process that grades, and what it is at.

    tries  how often this submission was begun
    until  when it must be done with it, by `time.monotonic()`
    """

    process: BaseProcess
    submission: Submission
    tries: int
    until: float


def grade_all(
    submissions: list[Submission], settings: Settings, side_by_side: int
) -> Iterator[tuple[Submission, Graded]]:
    """Grade all submissions, and give each result as it comes. If a grader breaks down, another tries once more."""
    context = multiprocessing.get_context("spawn")
    os.environ["PYTHONSAFEPATH"] = "1"  # so that graders import nothing that lies where the teacher is
    waiting = [(submission, 1) for submission in reversed(submissions)]
    count = sum(len(chapter.exercises) for chapter in chapters() if chapter.topic in settings.topics)
    busy: dict[Connection, Grader] = {}

    def hand_out(line: Connection, process: BaseProcess) -> None:
        submission, tries = waiting.pop()
        busy[line] = Grader(process, submission, tries, time.monotonic() + 120 + LONGEST * count)
        with contextlib.suppress(OSError):  # a grader that is gone is found by `wait`
            line.send(submission)

    def begin() -> None:
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, settings))
        process.start()
        theirs.close()
        hand_out(ours, process)

    try:
        while waiting or busy:
            while waiting and len(busy) < side_by_side:
                begin()
            ready = wait(list(busy), timeout=1)
            late = [line for line, grader in busy.items() if line not in ready and time.monotonic() > grader.until]
            for line in [*ready, *late]:
                grader = busy.pop(line)
                try:
                    if line in late:
                        raise EOFError
                    graded = line.recv()
                except (EOFError, OSError):
                    grader.process.kill()
                    line.close()
                    if grader.tries < 2:
                        waiting.append((grader.submission, grader.tries + 1))
                        continue
                    words = "The grader broke down twice over what was handed in. Grade it by hand."
                    graded = Graded(grader.submission.name, problems=grader.submission.problems, broken=words)
                else:
                    if waiting:
                        hand_out(line, grader.process)
                    else:
                        line.close()
                        grader.process.join(15)
                yield grader.submission, graded
    finally:
        for line, grader in busy.items():
            line.close()
            grader.process.kill()  # what it started ends by itself, for nobody is there to talk to


def fingerprint(submission: Submission, settings: Settings) -> str:
    """A word that changes with what was handed in, with how it is graded, and with the course that grades it."""
    parts = [submission.name, submission.digest(), json.dumps(dataclasses.asdict(settings), sort_keys=True)]
    parts += [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(LESSON.rglob("*.py"))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
