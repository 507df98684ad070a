"""Lists what lies in folders and zip archives, as files by path: nothing is unpacked to disk, and links are not followed."""

import io
import itertools
import os
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

LARGEST, ALL, MOST = 20 * 2**20, 100 * 2**20, 2_000  # bytes of one file, bytes of all, and how many
DEEPEST = 3  # archives in one another
# What systems and programs put beside the work of people.
BESIDE = ("__MACOSX", "__pycache__", "site-packages", "node_modules")


@dataclass
class File:
    """A file that was handed in.

    size     bytes
    read     gives at most so many of its bytes
    problem  why it is not to be read, such as "it is a link"
    place    where on the disk it is
    depth    how many archives it lies in
    """

    size: int
    read: Callable[[int], bytes]
    problem: str = ""
    place: Path | None = None
    depth: int = 0

    def text(self, most: int) -> str:
        """At most so many of its bytes as text; nothing if it cannot be read."""
        try:
            return self.read(most).decode("utf-8", "replace")
        except Exception:  # what is damaged raises errors of many kinds
            return ""


Tree = dict[str, File]


def hidden(path: str) -> bool:
    """Whether people did not put a file where it lies: it is hidden, or was made by a system or a program."""
    return any(part in BESIDE or (part.startswith(".") and part != "..") for part in path.split("/"))


def readable(name: str) -> str:
    """A name that can be written down, whatever letters a file system calls a file by."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def reason(error: Exception) -> str:
    """Why something cannot be read, as the rest of a sentence."""
    return str(getattr(error, "strerror", None) or error).rstrip(".")


def on_disk(path: Path) -> File:
    """A file on the disk."""
    try:
        known = path.lstat()
    except OSError as error:
        return File(0, lambda _: b"", reason(error))
    if stat.S_ISLNK(known.st_mode):
        return File(0, lambda _: b"", "it is a link")
    if not stat.S_ISREG(known.st_mode):
        return File(0, lambda _: b"", "it is not a plain file")
    return File(known.st_size, lambda most: path.read_bytes()[:most], place=path)


def in_folder(folder: Path) -> Tree:
    """The files in a folder; a folder that is empty, a link or closed to us has a path that ends in `/`."""
    found: Tree = {}

    def closed(error: OSError) -> None:
        found[f"{Path(error.filename).relative_to(folder).as_posix()}/"] = File(0, lambda _: b"", reason(error))

    for place, folders, names in os.walk(folder, onerror=closed):
        inner = Path(place).relative_to(folder)
        for name in names:
            found[(inner / name).as_posix()] = on_disk(Path(place, name))
        for name in folders:
            if Path(place, name).is_symlink():
                found[f"{(inner / name).as_posix()}/"] = File(0, lambda _: b"", "it is a link")
        if not folders and not names and inner.parts:
            found[f"{inner.as_posix()}/"] = File(0, lambda _: b"")
    return dict(sorted(found.items()))


def in_archive(file: File) -> Tree:
    """The files in a zip archive. Raises ValueError with the rest of a sentence that begins with its name."""
    if file.depth >= DEEPEST:
        raise ValueError(f"was not read: it lies in {DEEPEST} other archives")
    if file.place is None and file.size > ALL:
        raise ValueError("was not read: it is too large")
    found: Tree = {}
    try:
        archive = zipfile.ZipFile(file.place or io.BytesIO(file.read(ALL)))
        for entry in archive.infolist()[: 10 * MOST]:
            inner = PurePosixPath(entry.filename.replace("\\", "/"))
            outside = inner.is_absolute() or ".." in inner.parts
            problem = "its path leads out of the archive" if outside else ""

            def read(most: int, entry=entry) -> bytes:
                with archive.open(entry) as opened:
                    return opened.read(most)

            if not entry.is_dir():
                # An archive may hold several of one name.
                paths = (f"{inner.with_suffix('')} ({n}){inner.suffix}" for n in itertools.count(1))
                path = next(path for path in itertools.chain([str(inner)], paths) if path not in found)
                found[path] = File(entry.file_size, read, problem, depth=file.depth + 1)
        if len(archive.infolist()) > 10 * MOST:
            found["and more"] = File(0, lambda _: b"", f"the archive holds more than {10 * MOST:,} files")
    except Exception as error:  # a damaged one raises errors of many kinds, and none may cost others their grades
        raise ValueError(f"cannot be read as a zip archive: {reason(error)}") from error
    return found
