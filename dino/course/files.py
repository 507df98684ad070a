"""Files that are there whole or not at all, locks on folders, and how many processors there are. Without torch."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def write(path: Path, content: bytes, previous: Path | None = None) -> None:
    """Write a file so that it is there as a whole or not at all, whatever happens on the way.

    previous  where to keep the file that was there before; at every moment, one of the two is whole on the disk

    Raises OSError; what was there stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".unfinished")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)  # it can only be read by setting it
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        if previous and path.exists():
            path.replace(previous)
        temporary.replace(path)
        if hasattr(os, "O_DIRECTORY"):  # Windows cannot open a folder
            sync(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def sync(folder: Path) -> None:
    """See to it that the names of a folder's files are on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path, busy: str = "") -> Iterator[None]:
    """Hold a file or folder alone; it is let go when this process ends, however.

    busy  the sentence for those who find it held; without one, they wait

    Raises ValueError with that sentence if another process holds it. Windows and some network drives have no such locks.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            raise ValueError(busy) from None
        except OSError:
            pass
        yield
    finally:
        os.close(descriptor)


def processors() -> int:
    """How many processors there are for us."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
