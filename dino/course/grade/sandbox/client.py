"""Starts an answer in a process of its own, for the judge to talk to."""

import contextlib
import functools
import json
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


class Warm:
    """A warm process, that starts others. Use it in a `with` statement, which does not wait until it is warm."""

    def __enter__(self) -> "Warm":
        if not hasattr(os, "fork"):
            raise ValueError("Grading needs Linux or macOS. On Windows, use WSL, which is Linux.")
        self.jobs, theirs = socket.socketpair()
        start = START.format(path=[path for path in sys.path if path], number=theirs.fileno(), hidden=[str(LESSON)])
        environment = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "MPLBACKEND": "Agg",
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", start], env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
        )
        theirs.close()
        return self

    @functools.cached_property
    def isolation(self) -> str:
        """How well answers are locked in: "whole", "user" or "limits". Raises OSError if the process did not start."""
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
    def running(self, job: dict):
        """Run a job (see `answering.answer`): gives the line to it, and a function that ends it and says how it ended."""
        from dino.course.grade.sandbox.protocol import (  # here, for torch should load while the other warms up
            BrokenLineError,
            Wire,
        )

        line, line_there = socket.socketpair()
        control, control_there = socket.socketpair()
        socket.send_fds(self.jobs, [b"one job."], [line_there.fileno(), control_there.fileno()])
        line_there.close()
        control_there.close()

        def end() -> tuple[int | None, bool]:
            # A process that has ended by itself is told of within this time; to give back gigabytes takes a while.
            by_itself = bool(select.select([control], [], [], 3)[0])
            with contextlib.suppress(OSError):
                control.shutdown(socket.SHUT_WR)
            ready, _, _ = select.select([control], [], [], 30)
            words = control.recv(1000) if ready else b""
            return (json.loads(words)["status"] if words else None), by_itself

        try:
            wire = Wire(line)
            with contextlib.suppress(BrokenLineError, TimeoutError):
                wire.send(job, time.monotonic() + 60)
            yield wire, end
        finally:
            with contextlib.suppress(OSError):  # it may have ended already
                control.shutdown(socket.SHUT_WR)
            select.select([control], [], [], 30)
            line.close()
            control.close()


def how_it_ended(status: int | None, by_itself: bool) -> str:
    """The end of a process, in words; one that had to be ended was still running, and did not do as it should."""
    if not by_itself:
        return "what it sent was no answer"
    if status is None:
        return "it could not be stopped in time"
    if status >= 0:
        return f"it ended the program, with exit code {status}"
    names = {signal.SIGXCPU: "it used up its processor time", signal.SIGSEGV: "it crashed (a segmentation fault)"}
    names |= {
        signal.SIGKILL: "it was killed: its memory or its processor time was used up",
        signal.SIGXFSZ: "it wrote a file that is too large",
    }
    return names.get(-status, f"it was ended by signal {-status}")
