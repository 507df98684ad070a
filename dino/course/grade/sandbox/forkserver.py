"""A process that has imported torch and waits, so that each answer can be run in a fresh one without waiting for torch.

It never runs a learner's code itself, and it has never seen the lesson's answers. For each job it starts a guard, which
starts the worker, and sees to it that nothing of it is left when the job is over.

    python -I -c "...; main()" SOCKET LESSON HIDDEN...    # started by `dino.course.grade.sandbox.client`
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dino.course.grade.sandbox import filters, isolation, limits
from dino.course.grade.sandbox.protocol import Connection, Failure, Job, ProtocolError

MEGABYTES = 64  # that the learner's files may take
MEMORY = 3 * 2**30
PROCESSES = 100


def prepare() -> None:
    """Import what answers import, and read what is read of the course, as long as it can be found."""
    import datasets  # noqa: F401
    import huggingface_hub  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import torch

    from dino.course.grade.sandbox import worker  # noqa: F401
    from dino.course.judge.loader import exercise_names, given_names

    torch.set_num_threads(1)
    exercise_names(), given_names()


def start(run: Callable[..., object], *arguments) -> int:
    """Run a function in a process of its own, and give its number. Its exit code is 0, or 70 if it stops with an error."""
    child = os.fork()
    if not child:
        try:
            run(*arguments)
            os._exit(0)
        finally:
            os._exit(70)
    return child


def succeeds(run: Callable[..., object], *arguments) -> bool:
    """Whether a function comes to its end, in a process of its own."""
    return os.waitpid(start(run, *arguments), 0)[1] == 0


class Sandbox(NamedTuple):
    """How a worker is isolated: WHOLE, LANDLOCK, USER or LIMITS; where its world is built; and what it must not see."""

    how: str
    root: Path
    hidden: list[Path]


def enter(sandbox: Sandbox, folder: Path, user: int) -> None:
    """Isolate this process, which gets a folder of its own and becomes a user of this number, if we may.

    For WHOLE, it has to be the first process in new namespaces. Raises OSError where the system forbids it.
    """
    how, root, hidden = sandbox
    if how == isolation.WHOLE:
        isolation.build_world(root, hidden, MEGABYTES, user)
    seen = [*map(Path, isolation.SYSTEM), *isolation.python_folders()]
    isolation.drop_privileges(user)
    if how == isolation.LANDLOCK:
        filters.only_files(seen, hidden, [folder, *map(Path, isolation.DEVICES)])
    for place in (os.__file__, np.__file__):  # or else nothing could be imported any more
        os.close(os.open(place, os.O_RDONLY))
    if how == isolation.USER and any(os.access(place, os.R_OK) or os.access(place, os.X_OK) for place in hidden):
        raise OSError("what is hidden can be read by everybody")
    try:
        filters.without_calls()
    except OSError:
        if how != isolation.LIMITS:
            raise


def best_sandbox(root: Path, hidden: list[Path]) -> Sandbox:
    """The first of WHOLE, LANDLOCK, USER and LIMITS that this system allows."""

    def works(how: str) -> bool:
        return succeeds(enter, Sandbox(how, root, hidden), root, isolation.NOBODY)

    def in_namespaces() -> None:
        isolation.unshare(isolation.NOBODY)
        os._exit(not works(isolation.WHOLE))

    how = isolation.LIMITS
    if sys.platform == "linux":
        if succeeds(in_namespaces):
            how = isolation.WHOLE
        elif works(isolation.LANDLOCK):
            how = isolation.LANDLOCK
        elif os.geteuid() == 0 and works(isolation.USER):
            how = isolation.USER
    return Sandbox(how, root, hidden)


def work(sandbox: Sandbox, connection: socket.socket, job: Job, folder: Path, user: int, group: Path | None) -> None:
    """Become the worker: enter the sandbox, and answer."""
    from dino.course.grade.sandbox.worker import answer

    os.setsid()  # a signal to its group must not reach those who grade
    if group:
        with contextlib.suppress(OSError):  # to make one is easier than to move into it
            (group / "cgroup.procs").write_text("0")
    try:
        enter(sandbox, folder, user)
    except OSError as error:
        Connection(connection).send(Failure("ValueError", f"The sandbox could not be made ready: {error}."))
        raise
    processes = PROCESSES + (limits.threads_of(os.getuid()) if os.getuid() < isolation.NOBODY else 0)
    limits.limit(job.seconds, MEMORY, MEGABYTES * 2**20, processes)
    os.chdir(folder)
    os.environ.update(HOME=str(folder), TMPDIR=str(folder), MPLCONFIGDIR=str(folder))
    tempfile.tempdir = None
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)
    kept = connection.fileno()
    os.closerange(3, kept)
    os.closerange(kept + 1, 2**16)
    with contextlib.suppress(ProtocolError):
        answer(Connection(connection), job, folder)


def takes_too_much(age: float) -> bool:
    """Whether all processes of an answer together take more than one answer may, at an age in seconds.

    It needs one core, and MEMORY at most. Its /proc shows all that it has started and nothing else, once it is isolated.
    """
    if not isolation.HOME.is_dir():
        return False
    memory, seconds = limits.usage()
    return memory > MEMORY or seconds > 5 + 1.2 * age


def wait_for(child: int, control: socket.socket, too_much: Callable[[float], bool]) -> int:
    """Wait until a process has ended, and give its exit code, or minus the number of the signal that ended it.

    It is killed when the judge has done with it, or if it takes too much, at an age in seconds.
    """
    begun, look = time.monotonic(), 0.0
    while True:
        over, _, _ = select.select([control], [], [], 0.01)
        ended, code = os.waitpid(child, os.WNOHANG)
        if not ended and (age := time.monotonic() - begun) > look:
            over, look = over or too_much(age), time.monotonic() - begun + 0.25
        if over and not ended:
            os.kill(child, signal.SIGKILL)
            ended, code = os.waitpid(child, 0)
        if ended:
            return os.waitstatus_to_exitcode(code)


def guard(jobs: socket.socket, sandbox: Sandbox, connection: socket.socket, control: socket.socket) -> None:
    """Watch over a worker until it ends or the judge has done with it, leave nothing of it, and say how it ended.

    That is its exit code, or minus the number of the signal that ended it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs.close()  # the fork server's alone: who waits for it should notice when it is gone
    job = Connection(connection).receive(time.monotonic() + 60, most=2**28)
    # Limits on processes are those of a user, so jobs that run at the same time must not share one.
    folder, user = isolation.HOME, isolation.NOBODY + os.getpid() % 5_000
    group, whole = None, sandbox.how == isolation.WHOLE
    if sys.platform == "linux":
        isolation.system("prctl", isolation.ADOPT_ORPHANS, 1, 0, 0, 0)
        if group := limits.cgroup(MEMORY):
            groups = os.open(group.parent, os.O_DIRECTORY)  # when the worker has left its root, so have we
    if whole:
        isolation.unshare(user)
    else:
        folder = Path(tempfile.mkdtemp())
        if os.geteuid() == 0:
            os.chown(folder, user, user)
    child = start(work, sandbox, connection, job, folder, user, group)
    connection.close()
    watch = takes_too_much if whole else lambda _: limits.is_larger(folder, MEGABYTES * 2**20, isolation.FILES)
    status = wait_for(child, control, watch)
    if not whole:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        limits.kill_children()
        subprocess.run(["rm", "-rf", folder], check=False)  # Python's own would stop at folders many levels deep
    if group:
        for _ in range(100):  # those who have ended may take a moment to leave
            with contextlib.suppress(OSError):
                os.rmdir(group.name, dir_fd=groups)
                break
            time.sleep(0.01)
    with contextlib.suppress(OSError):
        control.sendall(str(status).encode())


def main(number: int, *hidden: str) -> None:
    """Serve jobs that come over an inherited socket, each with a connection and a control of its own, until it is closed."""
    prepare()
    os.umask(0o022)  # what is built for workers, who are other users, they have to be able to read
    jobs = socket.socket(fileno=number)
    lesson, *others = map(Path, hidden)
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    try:
        sandbox = best_sandbox(root, [*isolation.copies(lesson), *others])
        jobs.sendall(sandbox.how.encode().ljust(8))
        while len((received := socket.recv_fds(jobs, 8, 2))[0]) == 8:
            sockets = [socket.socket(fileno=descriptor) for descriptor in received[1]]
            # Twice, so that the guard is nobody's child and nobody has to wait for it.
            succeeds(start, guard, jobs, sandbox, *sockets)
            for one in sockets:
                one.close()
    finally:
        root.rmdir()
