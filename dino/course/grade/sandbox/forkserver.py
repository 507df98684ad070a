"""A process that has imported torch and waits, so that each answer can be run in a fresh one without waiting for torch.

It never runs a learner's code itself, and it has never seen the lesson's answers. For each job it starts a guard, which
starts the process that is locked in, and sees to it that nothing of it is left when the job is over.

    python -I -c "...; main()" SOCKET HIDDEN...    # started by `dino.course.grade.sandbox.client`
"""

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

from dino.course.grade.sandbox import isolation as jail
from dino.course.grade.sandbox.protocol import BrokenLineError, Wire

MEGABYTES = 64  # that the learner's files may take
MEMORY = 3 * 2**30
PROCESSES = 100


def prepare() -> None:
    """Import what answers import, and read what is read of the course, as long as it can be found."""
    import datasets  # noqa: F401
    import huggingface_hub  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import safetensors.torch  # noqa: F401
    import torch

    from dino.course.grade.sandbox import worker  # noqa: F401
    from dino.course.judge.loader import exercise_names, given_names

    torch.set_num_threads(1)
    exercise_names(), given_names()


def isolation(root: Path, hidden: list[Path]) -> str:
    """How well a process can be locked in here: WHOLE, USER or LIMITS."""
    if sys.platform == "linux":
        child = os.fork()
        if not child:
            with contextlib.suppress(OSError):
                jail.unshare(jail.NOBODY)
                if not (inner := os.fork()):
                    with contextlib.suppress(OSError):
                        jail.build_world(root, hidden, 1)
                        jail.drop_privileges(jail.NOBODY)
                        os._exit(0)
                    os._exit(1)
                os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]))
            os._exit(1)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            return jail.WHOLE
        if os.geteuid() == 0:
            return jail.USER
    return jail.LIMITS


def locked_in(how: str, root: Path, hidden: list[Path], line: socket.socket, job: dict) -> None:
    """Become the process of the learner: lock everything, and answer. This never returns."""
    from dino.course.grade.sandbox.worker import answer

    folder = jail.HOME
    if how == jail.WHOLE:
        jail.build_world(root, hidden, MEGABYTES)
    else:
        folder = Path(job["folder"])
    if sys.platform == "linux":
        jail.drop_privileges(job["user"])
    elif os.geteuid() == 0:
        jail.become_nobody(job["user"])
    jail.limit(
        job["seconds"],
        MEMORY,
        MEGABYTES * 2**20,
        PROCESSES + (0 if how != jail.LIMITS else jail.threads_of(os.getuid())),
    )
    os.chdir(folder)
    os.environ.update(HOME=str(folder), TMPDIR=str(folder), MPLCONFIGDIR=str(folder))
    tempfile.tempdir = None
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)
    kept = line.fileno()
    os.closerange(3, kept)
    os.closerange(kept + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    with contextlib.suppress(BrokenLineError):
        answer(Wire(line), job, folder)
    os._exit(0)


def takes_too_much(age: float) -> bool:
    """Whether all processes of an answer together take more than one answer may, at an age in seconds.

    It needs one core, and MEMORY at most. Its /proc shows all that it has started and nothing else, once it is locked in.
    """
    if not jail.HOME.is_dir():
        return False
    memory, seconds = jail.usage()
    return memory > MEMORY or seconds > 5 + 1.2 * age


def wait_for(child: int, control: socket.socket, watched: bool) -> int:
    """Wait until a process has ended, and give its exit code, or minus the number of the signal that ended it.

    It is killed when the judge has done with it, or if it is watched and takes too much.
    """
    start, look = time.monotonic(), 0.0
    while True:
        over, _, _ = select.select([control], [], [], 0.01)
        ended, code = os.waitpid(child, os.WNOHANG)
        if not ended and watched and (age := time.monotonic() - start) > look:
            over, look = over or takes_too_much(age), time.monotonic() - start + 0.25
        if over and not ended:
            os.kill(child, signal.SIGKILL)
            ended, code = os.waitpid(child, 0)
        if ended:
            return os.waitstatus_to_exitcode(code)


def guard(how: str, root: Path, hidden: list[Path], line: socket.socket, control: socket.socket, job: dict) -> None:
    """Watch over a process that is locked in, until it ends or the judge has done with it, and leave nothing of it.

    Says, as JSON, how it ended: `status` is its exit code, or minus the number of the signal that ended it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Limits on processes are those of a user, so jobs that run at the same time must not share one.
    folder, user = None, jail.NOBODY + os.getpid() % 5_000
    if sys.platform == "linux":
        jail.system("prctl", jail.ADOPT_ORPHANS, 1, 0, 0, 0)
    if how == jail.WHOLE:
        jail.unshare(user)
    else:
        folder = tempfile.mkdtemp()
        Path(folder).chmod(0o777)
    child = os.fork()
    if not child:
        control.close()
        os.setsid()  # a signal to its group must not reach those who grade
        try:
            locked_in(how, root, hidden, line, {**job, "folder": folder, "user": user})
        finally:
            os._exit(70)
    line.close()
    status = wait_for(child, control, watched=how == jail.WHOLE)
    if how != jail.WHOLE:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        jail.kill_children()
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        control.sendall(json.dumps({"status": status}).encode())


def main(number: int, *hidden: str) -> None:
    """Serve jobs that come over an inherited socket, each with a line and a control of its own, until it is closed."""
    prepare()
    jobs = socket.socket(fileno=number)
    places = [Path(place) for place in hidden]
    # The lesson is out of sight where namespaces hide it; elsewhere it is at least not where Python looks.
    sys.path[:] = [path for path in sys.path if not any(Path(path, "dino").resolve() == place for place in places)]
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if "editable" not in getattr(finder, "__module__", str(finder))
    ]
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    try:
        how = isolation(root, places)
        jobs.sendall(how.encode().ljust(8))
        while True:
            data, descriptors, _, _ = socket.recv_fds(jobs, 8, 2)
            if len(data) < 8:
                return
            line, control = (socket.socket(fileno=descriptor) for descriptor in descriptors)
            if not os.fork():
                jobs.close()
                # Twice, so that the guard is nobody's child and nobody has to wait for it.
                if os.fork():
                    os._exit(0)
                try:
                    job = Wire(line).receive(time.monotonic() + 60, most=2**28)
                    guard(how, root, places, line, control, job)
                finally:
                    os._exit(0)
            os.wait()
            line.close()
            control.close()
    finally:
        root.rmdir()
