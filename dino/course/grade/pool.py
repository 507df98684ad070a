"""Grades what a whole class handed in, with a pool of workers, so that no one's crash costs another a mark."""

import contextlib
import dataclasses
import functools
import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path

from dino.course.chapters import LESSON, chapters
from dino.course.grade.results import Graded, Settings, plain
from dino.course.grade.sandbox import isolation
from dino.course.grade.sandbox.client import SETTINGS, ForkServer
from dino.course.grade.submissions import Submission

MEMORY = 8 * 2**30  # bytes that a worker may take, should an answer ask it for too much
BY_HAND = "Grade it by hand."
LONGEST = 70  # seconds that an exercise can take, everything included


def work(connection: Connection, settings: Settings, hidden: list[Path]) -> None:
    """Grade what comes over a connection, until it is closed: this is a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        isolation.system("prctl", isolation.DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    with ForkServer(*hidden) as server:
        # Torch is loaded here, and not in the process that watches; the fork server does the same meanwhile.
        import torch

        from dino.course.grade.grading import grade

        torch.set_num_threads(1)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
        with contextlib.suppress(EOFError, OSError):  # when nobody is there any more, that is the end
            while True:
                submission = connection.recv()
                try:
                    graded = grade(server, submission, settings)
                except Exception as error:
                    words = f"The grader broke down over what was handed in ({type(error).__name__}: {error}). "
                    graded = Graded(submission.name, problems=submission.problems, broken=plain(words + BY_HAND))
                connection.send(graded)


class Worker:
    """A process that grades one submission after the other.

    submission  what it is at
    tries       how often this submission was begun
    until       when it must be done with it, by `time.monotonic()`
    """

    def __init__(self, settings: Settings, hidden: list[Path], folder: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, settings, hidden))
        with contextlib.chdir(folder):
            self.process.start()
        theirs.close()

    def begin(self, submission: Submission, tries: int, seconds: float) -> None:
        """Hand it a submission, and give it some seconds."""
        self.submission, self.tries, self.until = submission, tries, time.monotonic() + seconds
        with contextlib.suppress(OSError):  # a worker that is gone is found by `wait`
            self.connection.send(submission)

    def result(self) -> Graded | None:
        """What came of the submission; None if the worker broke down or is not done, and then it is ended."""
        with contextlib.suppress(EOFError, OSError):
            if self.connection.poll():
                return self.connection.recv()
        self.kill()
        return None

    def kill(self) -> None:
        """End it at once; what it started ends by itself, for nobody is there to talk to."""
        self.connection.close()
        self.process.kill()
        self.process.join()


def grade_all(
    submissions: list[Submission], settings: Settings, workers: int, hidden: Iterable[Path] = ()
) -> Iterator[tuple[Submission, Graded]]:
    """Grade all submissions, and give each result as it comes. If a worker breaks down, another tries once more.

    Workers are in an empty folder, for where the teacher is may lie what a learner handed in: no worker imports it, or takes
    its settings from there.

    hidden  files and folders that no answer may see: what others handed in, and the grades
    """
    hidden, here = [path.resolve() for path in hidden], Path.cwd()
    sys.path[:] = [path for path in sys.path if Path(path) != here or here == LESSON.parent]
    os.environ.pop("PYTHONPATH", "")  # workers get our `sys.path`
    os.environ.update(PYTHONSAFEPATH="1", **SETTINGS)
    seconds = 120 + LONGEST * sum(len(one.exercises) for one in chapters() if one.topic in settings.topics)
    waiting = [(submission, 1) for submission in reversed(submissions)]
    busy: dict[Connection, Worker] = {}
    folder = tempfile.mkdtemp()
    try:
        while waiting or busy:
            while waiting and len(busy) < workers:
                worker = Worker(settings, hidden, folder)
                busy[worker.connection] = worker
                worker.begin(*waiting.pop(), seconds)
            ready, now = wait(list(busy), timeout=1), time.monotonic()
            for done in [one for one, worker in busy.items() if one in ready or now > worker.until]:
                worker = busy.pop(done)
                submission, tries, graded = worker.submission, worker.tries, worker.result()
                if graded and waiting:
                    busy[done] = worker
                    worker.begin(*waiting.pop(), seconds)
                elif graded:
                    done.close()  # it would keep its memory until the slowest is done
                elif tries == 1:
                    waiting.append((submission, 2))
                    continue
                else:
                    words = f"The grader broke down twice over what was handed in. {BY_HAND}"
                    graded = Graded(submission.name, problems=submission.problems, broken=words)
                yield submission, graded
    finally:
        for worker in busy.values():
            worker.kill()
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def course_digest() -> str:
    """A word that changes with the course that grades: with its programs and its pages."""
    files = [path for path in sorted(LESSON.rglob("*")) if path.suffix in (".py", ".html")]
    return hashlib.sha256("".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in files).encode()).hexdigest()


def fingerprint(submission: Submission, settings: Settings) -> str:
    """A word that changes with what was handed in, with how it is graded, and with the course that grades it."""
    how = json.dumps(dataclasses.asdict(settings), sort_keys=True)
    parts = [submission.name, submission.digest(), how, course_digest()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
