"""Limits on what a process may take, and what counts it: of memory, of time, of processes."""

import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path


def limit(seconds: int, memory: int, file: int, processes: int) -> None:
    """Set limits that cannot be raised again.

    seconds    of processor time
    memory     bytes of data
    file       bytes of the largest file
    processes  and threads, of one user
    """
    bounds = {"CPU": seconds, "DATA": memory, "FSIZE": file, "CORE": 0, "NOFILE": 128, "NPROC": processes}
    for name, bound in bounds.items():
        with contextlib.suppress(ValueError, OSError):  # a lower limit may hold already
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (bound, bound))


def cgroup(memory: int) -> Path | None:
    """A new cgroup, for processes that may take so many bytes of memory together, with all that the kernel keeps for them.

    See cgroups(7). None where the system offers none: it does to root, and to users in sessions that systemd made.
    """
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        top = Path("/sys/fs/cgroup", controllers)
        own = top / path.lstrip("/")
        # In the second version, processes lie only where no cgroups lie below: then one above may take ours.
        for folder in [own] if controllers else [own, *own.parents]:
            if folder.is_relative_to(top) and (found := made(folder / f"dino-{os.getpid()}", memory)):
                return found
    return None


def made(folder: Path, memory: int) -> Path | None:
    """A new cgroup with a limit on memory, if it can be made there and entered from here."""
    try:
        folder.mkdir()
        limits = folder / "memory.limit_in_bytes", folder / "memory.max"
        next(one for one in limits if one.exists()).write_text(str(memory))
        for swap, most in (("memory.memsw.limit_in_bytes", memory), ("memory.swap.max", 0)):
            with contextlib.suppress(OSError):  # there may be no swap
                (folder / swap).write_text(str(most)) if (folder / swap).exists() else None
        return folder
    except (OSError, StopIteration):
        with contextlib.suppress(OSError):
            folder.rmdir()
        return None


def processes() -> Iterator[tuple[Path, list[str]]]:
    """All processes that /proc shows: the folder of each, and what its `stat` says from the state on; see proc_pid_stat(5)."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may end meanwhile
            yield place, (place / "stat").read_text(errors="replace").rpartition(")")[2].split()


def memory_of(place: Path) -> int:
    """Bytes of memory of a process, given its folder in /proc; what it shares with others is divided among them.

    See proc_pid_smaps(5). A process that hides this is taken to have all that it sees for itself. The tables by which it
    finds its memory count, too.
    """
    try:
        kilobytes = (place / "smaps_rollup").read_text().split("\nPss:")[1]
    except PermissionError:
        kilobytes = (place / "status").read_text().split("\nVmRSS:")[1]
    tables = (place / "status").read_text().split("\nVmPTE:")[1]
    return (int(kilobytes.split()[0]) + int(tables.split()[0])) * 1024


def usage() -> tuple[int, float]:
    """Bytes of memory and seconds of processor time of all processes that /proc shows; 0 and 0 where it shows none."""
    memory, time = 0, 0.0
    for place, fields in processes():
        with contextlib.suppress(OSError, ValueError, IndexError):
            time += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
            memory += memory_of(place)
    return memory, time


def is_larger(folder: Path, most: int, files: int) -> bool:
    """Whether there are more bytes, or more files, in a folder, however deep."""
    waiting = [str(folder)]
    for place in waiting:  # which grows
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                known = entry.stat(follow_symlinks=False)
                most, files = most - known.st_blocks * 512, files - 1
                if most < 0 or files < 0:
                    return True
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return False


def threads_of(user: int) -> int:
    """How many threads a user has now."""
    threads = 0
    for place, fields in processes():
        with contextlib.suppress(OSError):
            threads += int(fields[17]) if place.stat().st_uid == user else 0
    return threads


def kill_children() -> None:
    """Kill all children of this process, and theirs, which become ours, until there are none."""
    while children := [int(place.name) for place, fields in processes() if int(fields[1]) == os.getpid()]:
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, 9)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)
