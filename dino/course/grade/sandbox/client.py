"""Starts each answer in a worker of its own, for the judge to talk to."""

import contextlib
import functools
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from dino.course.chapters import LESSON, Chapter, chapters, cut, stubs, unwritten

START = "import sys; sys.path[:] = {path!r}; from dino.course.grade.sandbox.forkserver import main; main({number}, *{hidden!r})"

# Matplotlib as it comes: its settings may name modules to import.
SETTINGS = {"MPLBACKEND": "Agg", "MATPLOTLIBRC": os.devnull}

# What a chapter imports from the course. Nothing of it is of use to an answer.
COURSE = """
def check(answer, variant=None): pass
def show(*arguments, **named): pass
def use_own(): pass
"""


def earlier(topic: str) -> list[Path]:
    """The modules of the lesson that a chapter may use: its own and those before, and data; none that needs a later one."""
    topics = [chapter.topic for chapter in chapters()]
    later = set(topics[topics.index(topic) + 1 :]) - {"data"}
    modules = {path.stem: path for path in sorted(LESSON.glob("*.py"))}
    needs = {
        name: {word for word in modules if f"dino.{word} " in path.read_text(encoding="utf-8")}
        for name, path in modules.items()
    }
    while unfit := {name for name in modules if name not in later and needs[name] & later}:
        later |= unfit
    return [path for name, path in modules.items() if name not in later]


def lesson_for(chapter: Chapter, exercise: str) -> dict[str, str]:
    """The part of the lesson that an answer may build on, as files by path: neither this exercise nor what comes after it."""
    files = {"lesson/dino/course/__init__.py": COURSE}
    order = [(one, name.name) for one in chapters() for name in one.exercises]
    later = order[order.index((chapter, exercise)) :]
    for path in earlier(chapter.topic):
        unsolved = set().union(*(unwritten(stubs(one)[name]) for one, name in later if one.topic == path.stem))
        text = path.read_text(encoding="utf-8")
        files[f"lesson/dino/{path.name}"] = cut(text, unsolved) if unsolved else text
    return files


class ForkServer:
    """Starts workers, from a process that has loaded torch. Use it in a `with` statement, which does not wait for that.

    hidden  files and folders that no answer may see, such as what others handed in
    """

    def __init__(self, *hidden: Path):
        self.hidden = [str(path.resolve()) for path in (LESSON, *hidden)]

    def __enter__(self) -> "ForkServer":
        if not hasattr(os, "fork"):
            raise ValueError("Grading needs Linux or macOS. On Windows, use WSL, which is Linux.")
        self.jobs, theirs = socket.socketpair()
        start = START.format(path=[path for path in sys.path if path], number=theirs.fileno(), hidden=self.hidden)
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        # For `getpass.getuser()`, as the system does not know these users; to compile takes longer than all that is checked.
        environment |= {"USER": "learner", "LOGNAME": "learner", "TORCH_COMPILE_DISABLE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", start],
            cwd=sys.prefix,  # where nobody puts settings but who installed Python
            env=environment | SETTINGS,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        return self

    @functools.cached_property
    def isolation(self) -> str:
        """How well workers are isolated: "whole", "user" or "limits". Raises OSError if the process did not start."""
        words = self.jobs.recv(8).decode().strip()
        if not words:
            raise OSError("The process that runs answers could not be started; what it says stands above.")
        return words

    def __exit__(self, *_) -> None:
        self.jobs.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @contextlib.contextmanager
    def worker(self, job):
        """Start a worker on a `Job`: gives the connection to it, and a function that ends it and says how it ended."""
        # Here, for torch should load while the fork server does.
        from dino.course.grade.sandbox.protocol import Connection, ProtocolError

        ours, theirs = socket.socketpair()
        control, control_there = socket.socketpair()
        socket.send_fds(self.jobs, [b"one job."], [theirs.fileno(), control_there.fileno()])
        theirs.close()
        control_there.close()

        def end() -> tuple[int | None, bool]:
            # A process that has ended by itself is told of within this time; to give back gigabytes takes a while.
            by_itself = bool(select.select([control], [], [], 3)[0])
            status = control.recv(100) if close() else b""
            return (int(status) if status else None), by_itself

        def close() -> bool:
            with contextlib.suppress(OSError):  # it may have ended already
                control.shutdown(socket.SHUT_WR)
            return bool(select.select([control], [], [], 30)[0])

        try:
            connection = Connection(ours)
            with contextlib.suppress(ProtocolError, TimeoutError):
                connection.send(job, time.monotonic() + 60)
            yield connection, end
        finally:
            close()
            ours.close()
            control.close()


def how_it_ended(status: int | None, by_itself: bool) -> str:
    """The end of a process, in words; one that had to be ended was still running, and did not do as it should."""
    if not by_itself:
        return "what it sent was no answer"
    if status is None:
        return "it could not be stopped in time"
    if status >= 0:
        return f"it ended the program, with exit code {status}"
    names = {
        signal.SIGXCPU: "it used up its processor time",
        signal.SIGSEGV: "it crashed (a segmentation fault)",
        signal.SIGKILL: "it was killed: its memory or its processor time was used up",
        signal.SIGXFSZ: "it wrote a file that is too large",
    }
    return names.get(-status, f"it was ended by signal {-status}")
