"""Takes system calls and files away from a process for ever, on Linux: no privileges, no daemon, no package is needed.

See seccomp(2) and landlock(7). Who grades where namespaces are refused still has these.
"""

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from dino.course.grade.sandbox.isolation import NOBODY, system

MACHINES = ("x86_64", "aarch64")
MACHINE = MACHINES.index(os.uname().machine) if os.uname().machine in MACHINES else None
ARCHITECTURE = (0xC000003E, 0xC00000B7)  # <linux/audit.h>
# System calls that no answer needs, by their numbers on each of these machines; see <asm/unistd.h>.
DENIED = {
    # Memory, queues and locks that no limit counts.
    "shmget": (29, 194), "shmat": (30, 196), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmctl": (31, 195), "semctl": (66, 191), "semop": (65, 193),
    "semtimedop": (220, 192), "msgctl": (71, 187), "msgsnd": (69, 189), "msgrcv": (70, 188),
    # Sockets but for pairs, with which a program talks to itself; and the keys of the login.
    "socket": (41, 198), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # What looks into other processes, or at what they do.
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "inotify_init": (253, None), "inotify_init1": (294, 26),
    # Wide doors into the kernel.
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "bpf": (321, 280),
    "userfaultfd": (323, 282), "perf_event_open": (298, 241), "fanotify_init": (300, 262), "personality": (135, 92),
    # Namespaces inside of ours, and what is mounted in them.
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fspick": (433, 433),
    "mount_setattr": (442, 442),
    # What changes how others run.
    "setpriority": (141, 140), "sched_setparam": (142, 118), "sched_setscheduler": (144, 119), "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
}  # fmt: skip
# What changes who may use a file, and when it was used: Landlock does not keep a user from doing so to files of its own.
DENIED_TO_OWNERS = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
}  # fmt: skip
# Those that are allowed if their first argument is this: AF_UNIX, or 0, which is the process itself.
ALLOWED_WITH = {"socketpair": ((53, 199), 1), "prlimit64": ((302, 261), 0), "sched_setaffinity": ((203, 122), 0)}
CLONE, CLONE3, SECCOMP, SET_FILTER = (56, 220), 435, (317, 277), 1
NEW_NAMESPACES, OTHER_NUMBERS = 0x7E020000, 0x40000000  # of any kind; and those of x32, see syscall(2)
# Instructions, what they load, and what they give: <linux/filter.h>, <linux/seccomp.h>.
LOAD, EQUAL, AT_LEAST, ANY_BIT, GIVE = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ITS_ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
ALLOW, KILL, FORBIDDEN, UNKNOWN = 0x7FFF0000, 0x80000000, 0x50001, 0x50026  # the last two: EPERM and ENOSYS

# Rights over files and folders, and what else a process can be kept from: <linux/landlock.h>.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF, VERSION, BENEATH = 444, 445, 446, 1, 1
RUN, READ, LIST, OF_FILES = 0x1, 0x4, 0x8, 0xC007
RIGHTS = (0x1FFF, 0x3FFF, 0x7FFF, 0x7FFF, 0xFFFF)  # all, by version; from the fifth on they are the same
SIGNALS_TOO, SIGNALS_AND_SOCKETS = 6, 0x3  # the version that has them


def without_calls() -> None:
    """Forbid this process, and all that it starts, the calls above; the second list if it is a user who owns other files.

    Raises OSError where that cannot be done.
    """
    if MACHINE is None:
        raise OSError(f"no filter is known for {os.uname().machine}")

    def when(test: int, value: int, verdict: int) -> list[tuple[int, int, int, int]]:
        return [(test, 0, 1, value), (GIVE, 0, 0, verdict)]

    def by_argument(number: int, *test: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
        return [(EQUAL, 0, 4, number), (LOAD, 0, 0, FIRST_ARGUMENT), *test, (GIVE, 0, 0, ALLOW)]

    program = [(LOAD, 0, 0, ITS_ARCHITECTURE), (EQUAL, 1, 0, ARCHITECTURE[MACHINE]), (GIVE, 0, 0, KILL)]
    program += [(LOAD, 0, 0, NUMBER), *when(AT_LEAST, OTHER_NUMBERS, UNKNOWN)]
    denied = [*DENIED.values(), *(DENIED_TO_OWNERS.values() if os.getuid() < NOBODY else ())]
    for number in filter(None, (numbers[MACHINE] for numbers in denied)):
        program += when(EQUAL, number, FORBIDDEN)
    program += when(EQUAL, CLONE3, UNKNOWN)  # its arguments cannot be seen; who does not find it takes clone
    program += by_argument(CLONE[MACHINE], *when(ANY_BIT, NEW_NAMESPACES, FORBIDDEN))
    for numbers, value in ALLOWED_WITH.values():
        program += by_argument(numbers[MACHINE], (EQUAL, 1, 0, value), (GIVE, 0, 0, FORBIDDEN))
    program += [(GIVE, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in program))
    whole = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(code)))
    system(SECCOMP[MACHINE], SET_FILTER, 0, whole)


def shown(path: Path, hidden: list[Path]) -> Iterator[tuple[Path, int]]:
    """What is to be seen of a file or a folder, each with the rights over it: what holds something hidden can be listed."""
    if not any(place.is_relative_to(path) for place in hidden):
        yield path, READ | LIST | RUN
    elif path not in hidden:
        yield path, LIST
        for inner in path.iterdir():
            yield from shown(inner, hidden)


def only_files(seen: list[Path], hidden: list[Path], own: list[Path]) -> None:
    """Let this process, and all that it starts, read these files and folders, write into its own, and see no others.

    hidden  what cannot be read, even where it lies in one of them

    Raises OSError where that cannot be done, or where it could still send signals to who grades.
    """
    version = system(CREATE_RULESET, None, 0, VERSION)
    if os.getuid() < NOBODY and version < SIGNALS_TOO:
        raise OSError("this version of Landlock lets processes send signals to others of the same user")
    rights = RIGHTS[min(version, len(RIGHTS)) - 1]
    handled = struct.pack("QQQ", rights, 0, SIGNALS_AND_SOCKETS)[: 24 if version >= SIGNALS_TOO else 8]
    rules = system(CREATE_RULESET, handled, len(handled), 0)
    places = [one for path in seen if path.exists() for one in shown(path.resolve(), [one.resolve() for one in hidden])]
    for path, allowed in [*places, *((path, rights) for path in own)]:
        with contextlib.suppress(FileNotFoundError, PermissionError):
            place = os.open(path, os.O_PATH)
            allowed &= rights if path.is_dir() else rights & OF_FILES
            system(ADD_RULE, rules, BENEATH, struct.pack("=Qi", allowed, place), 0)
            os.close(place)
    system(RESTRICT_SELF, rules, 0)
    os.close(rules)
