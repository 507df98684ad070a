"""Isolates a process before it runs code that nobody has read: whole on Linux; elsewhere only limits hold.

A namespace of its own gives a process its own view of the machine: of its processes, its network, its files. See
user_namespaces(7), mount_namespaces(7) and capabilities(7). Nothing here needs privileges where the system lets users
make namespaces.
"""

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

# From <linux/sched.h>, <sys/mount.h>, <linux/mount.h>, <linux/prctl.h>.
NEW_MOUNTS, NEW_IPC, NEW_USER, NEW_PROCESSES, NEW_NETWORK = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SETUID, NO_DEVICES, BIND, RECURSIVE, PRIVATE = 0x1, 0x2, 0x4, 0x1000, 0x4000, 0x40000
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(os.uname().machine, -1)
SYS_MOUNT_SETATTR, HERE, WHOLE_TREE = 442, -100, 0x8000
SYS_KEYCTL, JOIN_NEW_KEYRING = {"x86_64": 250, "aarch64": 219}.get(os.uname().machine, -1), 1
DIE_WITH_PARENT, DUMPABLE, DROP_BOUND, NO_NEW_PRIVILEGES, ADOPT_ORPHANS = 1, 4, 24, 38, 36
DETACH = 2
NOBODY = 60_000  # and the five thousand after it: users whom no system gives to anyone

# Where a learner's files are, and where the old root hangs for a moment; no Python lives in folders of such names.
HOME, OLD = Path("/dino-learner"), ".dino-old"

# What programs need of a system: their libraries, and no more.
SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

WHOLE, USER, LIMITS = "whole", "user", "limits"


def system(call: str | int, *arguments) -> None:
    """Call a function of the C library, or what has none by the number of its system call. Raises OSError."""
    words = [word.encode() if isinstance(word, str) else word for word in arguments]
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    done = getattr(library, call)(*words) if isinstance(call, str) else library.syscall(ctypes.c_long(call), *words)
    if done < 0:
        raise OSError(ctypes.get_errno(), f"system call {call}: {os.strerror(ctypes.get_errno())}")


def become_nobody(user: int) -> None:
    """Give up being root, if we are, and become a user of this number, who nobody else should be: limits hold for each."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        if sys.platform == "linux":
            system("prctl", DUMPABLE, 1, 0, 0, 0)  # or /proc/self would stay root's


def unshare(user: int) -> None:
    """Enter new namespaces: as a user who may make them, or as root without a namespace of users; if not even root may, as
    the user of this number.

    Processes started from here on are in a world of their own. Raises OSError where the system forbids it.
    """
    inner = NEW_MOUNTS | NEW_IPC | NEW_PROCESSES | NEW_NETWORK
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            system("unshare", inner)
            return
    become_nobody(user)
    user, group = os.geteuid(), os.getegid()
    system("unshare", inner | NEW_USER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {group} 1")


def python_folders() -> list[Path]:
    """Where this Python and its packages live; not where a package stands that is only linked to, such as this course."""
    here = [sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path]
    kept = {Path(part).resolve() for part in here if part and Path(part).is_dir()}
    roots = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    return sorted(path for path in kept if path in roots or path.name in ("site-packages", "dist-packages"))


def build_world(root: Path, hidden: list[Path], megabytes: int) -> None:
    """Make a file system in which there is nothing but Python and its packages, all read-only, and an empty folder, HOME.

    root       an empty folder to build it on
    hidden     folders that are empty in it, even where they are part of what Python needs
    megabytes  how much HOME holds

    Raises OSError where the system forbids it.
    """
    system("mount", "none", "/", None, RECURSIVE | PRIVATE, None)
    system("mount", "tmpfs", str(root), "tmpfs", NO_SETUID | NO_DEVICES, f"size={megabytes}m,mode=755")
    for path in [*map(Path, SYSTEM), *python_folders(), *map(Path, DEVICES)]:
        place = root / path.relative_to("/")
        if path.is_symlink() and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path.readlink())
        elif path.exists() and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.mkdir() if path.is_dir() else place.touch()
            system("mount", str(path), str(place), None, BIND | RECURSIVE, None)
    for path in hidden:
        place = root / path.resolve().relative_to("/")
        if place.is_dir():
            system("mount", "tmpfs", str(place), "tmpfs", READ_ONLY, "size=4k,mode=555")
    for name in ("proc", "tmp", "dev/shm", HOME.name, OLD):
        (root / name).mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):  # inside a container, /proc may not be ours to show
        system("mount", "proc", str(root / "proc"), "proc", NO_SETUID | NO_DEVICES, None)
    attributes = (ctypes.c_uint64 * 4)(READ_ONLY | NO_SETUID, 0, 0, 0)
    system(SYS_MOUNT_SETATTR, HERE, str(root), WHOLE_TREE, ctypes.byref(attributes), ctypes.c_size_t(32))
    system("mount", "tmpfs", str(root / HOME.name), "tmpfs", NO_SETUID | NO_DEVICES, f"size={megabytes}m,mode=777")
    # Here lie the locks that processes share, see sem_overview(7).
    system("mount", "tmpfs", str(root / "dev/shm"), "tmpfs", NO_SETUID | NO_DEVICES, "size=1m,mode=1777")
    os.chdir(root)
    system(SYS_PIVOT_ROOT, ".", OLD)
    os.chdir("/")
    system("umount2", f"/{OLD}", DETACH)


def drop_privileges(user: int) -> None:
    """Give up all rights over the system, for ever, and become the user of this number."""
    if sys.platform != "linux":
        become_nobody(user)
        return
    for capability in range(64):  # forty or so; those that the system does not know are an error, see capabilities(7)
        with contextlib.suppress(OSError):
            system("prctl", DROP_BOUND, capability, 0, 0, 0)
    become_nobody(user)
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    system("capset", ctypes.byref(header), ctypes.byref(none))
    with contextlib.suppress(OSError):  # a keyring of its own, instead of that of the login; some kernels have none
        system(SYS_KEYCTL, JOIN_NEW_KEYRING, None)
    system("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    system("prctl", DIE_WITH_PARENT, 9, 0, 0, 0)


def limit(seconds: int, memory: int, file: int, processes: int) -> None:
    """Set limits that cannot be raised again.

    seconds    of processor time
    memory     bytes of data
    file       bytes of the largest file
    processes  and threads, of one user
    """
    bounds = {"CPU": seconds, "DATA": memory, "FSIZE": file, "CORE": 0, "NOFILE": 256, "NPROC": processes}
    for name, bound in bounds.items():
        with contextlib.suppress(ValueError, OSError):  # a lower limit may hold already
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (bound, bound))


def processes() -> Iterator[tuple[Path, list[str]]]:
    """All processes that /proc shows: the folder of each, and what its `stat` says from the state on; see proc_pid_stat(5)."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may end meanwhile
            yield place, (place / "stat").read_text(errors="replace").rpartition(")")[2].split()


def memory_of(place: Path) -> int:
    """Bytes of memory of a process, given its folder in /proc; what it shares with others is divided among them.

    See proc_pid_smaps(5). A process that hides this is taken to have all that it sees for itself.
    """
    try:
        return int((place / "smaps_rollup").read_text().split("\nPss:")[1].split()[0]) * 1024
    except PermissionError:
        return int((place / "statm").read_text().split()[1]) * resource.getpagesize()


def usage() -> tuple[int, float]:
    """Bytes of memory and seconds of processor time of all processes that /proc shows; 0 and 0 where it shows none."""
    memory, time = 0, 0.0
    for place, fields in processes():
        with contextlib.suppress(OSError, ValueError, IndexError):
            time += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
            memory += memory_of(place)
    return memory, time


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
