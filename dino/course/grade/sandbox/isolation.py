"""Isolates a process before it runs code that nobody has read: whole on Linux; elsewhere only limits hold.

A namespace of its own gives a process its own view of the machine: of its processes, its network, its files. See
user_namespaces(7), mount_namespaces(7) and capabilities(7). Nothing here needs privileges where the system lets users
make namespaces.
"""

import contextlib
import ctypes
import functools
import os
import sys
from pathlib import Path

# From <linux/sched.h>, <sys/mount.h>, <linux/mount.h>, <linux/prctl.h>.
NEW_MOUNTS, NEW_IPC, NEW_USER, NEW_PROCESSES, NEW_NETWORK = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SETUID, NO_DEVICES, BIND, RECURSIVE, PRIVATE = 0x1, 0x2, 0x4, 0x1000, 0x4000, 0x40000
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(os.uname().machine, -1)
SYS_MOUNT_SETATTR, HERE, WHOLE_TREE = 442, -100, 0x8000
DIE_WITH_PARENT, DUMPABLE, DROP_BOUND, NO_NEW_PRIVILEGES, ADOPT_ORPHANS = 1, 4, 24, 38, 36
DETACH = 2
NOBODY = 60_000  # and the five thousand after it: users whom no system gives to anyone

# Where a learner's files are, and where the old root hangs for a moment; no Python lives in folders of such names.
HOME, OLD = Path("/dino-learner"), ".dino-old"
FILES = 10_000

# What programs need of a system: their libraries, and no more.
SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

# How well a process is isolated: in namespaces; by Landlock; as a user of its own who may not read what is hidden; or not.
WHOLE, LANDLOCK, USER, LIMITS = "whole", "landlock", "user", "limits"


def system(call: str | int, *arguments) -> int:
    """Call a function of the C library, or what has none by the number of its system call. Raises OSError."""
    words = [word.encode() if isinstance(word, str) else word for word in arguments]
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    done = getattr(library, call)(*words) if isinstance(call, str) else library.syscall(ctypes.c_long(call), *words)
    if done < 0:
        raise OSError(ctypes.get_errno(), f"system call {call}: {os.strerror(ctypes.get_errno())}")
    return done


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


@functools.cache  # asked for first by who may still look everywhere
def python_folders() -> list[Path]:
    """Where this Python and its packages live; not where a package stands that is only linked to, such as this course."""
    here = [sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path]
    kept = {Path(part).resolve() for part in here if part and Path(part).is_dir()}
    roots = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    return sorted(path for path in kept if path in roots or path.name in ("site-packages", "dist-packages"))


def copies(package: Path) -> list[Path]:
    """A package, and all other copies of it that are installed where a process in the sandbox can look."""
    places = [place for root in (Path("/usr"), *python_folders()) for place in (root, root / "local")]
    found = [one for place in places for one in place.glob(f"lib*/python*/*-packages/{package.name}")]
    return [*{one.resolve() for one in (package, *found, *(one / package.name for one in python_folders()))}]


def build_world(root: Path, hidden: list[Path], megabytes: int, user: int) -> None:
    """Make a file system in which there is nothing but Python and its packages, all read-only, and an empty folder, HOME.

    root       an empty folder to build it on
    hidden     folders and files that are empty in it, even where they are part of what Python needs
    megabytes  how much HOME holds, in no more than `FILES` files
    user       the number of the user whose home it is

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
        place = root / path.relative_to("/")
        if any(needed.is_relative_to(path) for needed in python_folders()):
            continue  # of what is around Python, nothing but Python is here
        if place.is_dir():
            system("mount", "tmpfs", str(place), "tmpfs", READ_ONLY, "size=4k,mode=555")
        elif place.exists():
            system("mount", "/dev/null", str(place), None, BIND, None)
    for name in ("proc", "tmp", "etc", "dev/shm", HOME.name, OLD):
        (root / name).mkdir(parents=True, exist_ok=True)
    known = (
        f"learner:x:{number}:{number}::{HOME}:/bin/sh\n" for number in (user, NOBODY)
    )  # as in a namespace of users
    (root / "etc/passwd").write_text("".join(known))
    with contextlib.suppress(OSError):  # inside a container, /proc may not be ours to show
        system("mount", "proc", str(root / "proc"), "proc", NO_SETUID | NO_DEVICES, None)
    attributes = (ctypes.c_uint64 * 4)(READ_ONLY | NO_SETUID, 0, 0, 0)
    system(SYS_MOUNT_SETATTR, HERE, str(root), WHOLE_TREE, ctypes.byref(attributes), ctypes.c_size_t(32))
    # Beside HOME, there is the place of locks that processes share, see sem_overview(7).
    for name, most in ((HOME.name, f"size={megabytes}m,nr_inodes={FILES}"), ("dev/shm", "size=1m,nr_inodes=100")):
        system("mount", "tmpfs", str(root / name), "tmpfs", NO_SETUID | NO_DEVICES, f"{most},mode=1777")
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
    system("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    system("prctl", DIE_WITH_PARENT, 9, 0, 0, 0)
