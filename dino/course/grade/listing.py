"""Lists what lies in folders and zip archives, as files by path: nothing is unpacked to disk, and links are not followed."""

import functools
import io
import itertools
import os
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

LARGEST, ALL, MOST = 20 * 2**20, 100 * 2**20, 2_000  # bytes of one file, bytes of all, and how many
DEEPEST = 3  # archives in one another
# What systems and programs put beside the work of people.
BESIDE = ("__MACOSX", "__pycache__", "site-packages", "node_modules")


@dataclass
class File:
    """A file that was handed in.

    problem  why it is not to be read, as the rest of a sentence that begins with its name
    size     bytes, of which `read` gives at most so many
    place    where on the disk it is; or else `depth` is how many archives it lies in
    """

    problem: str = ""
    size: int = 0
    read: Callable[[int], bytes] = lambda _: b""
    place: Path | None = None
    depth: int = 0

    def is_archive(self, path: str) -> bool:
        """Whether it can be opened, if this is its path."""
        return path.lower().endswith(".zip") and not self.problem

    def text(self, most: int) -> str:
        """At most so many of its bytes as text; nothing if it cannot be read."""
        try:
            return self.read(most).decode("utf-8", "replace")
        except Exception:  # what is damaged raises errors of many kinds
            return ""


# A path that ends in `/` is that of a folder, which may be empty.
Tree = dict[str, File]


def visible(path: str) -> str:
    """A path as far as people put it there: not into what is hidden, or was made by a system or a program."""
    parts = path.split("/")
    seen = [*itertools.takewhile(lambda part: part not in BESIDE and (part == ".." or part[:1] != "."), parts)]
    return path if len(seen) == len(parts) else "".join(f"{part}/" for part in seen)


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
        return File(f"cannot be read: {reason(error)}")
    if stat.S_ISREG(known.st_mode):
        return File("", known.st_size, lambda most: path.read_bytes()[:most], path)
    return File(f"was not read: it is {'a link' if stat.S_ISLNK(known.st_mode) else 'not a plain file'}")


def in_folder(folder: Path) -> Tree:
    """The files and folders in a folder, but for the results of an earlier grading."""
    found: Tree = {}

    def closed(error: OSError) -> None:
        found[f"{Path(error.filename).relative_to(folder).as_posix()}/"] = File(f"was not read: {reason(error)}")

    for place, folders, names in os.walk(folder, onerror=closed):
        inner = Path(place).relative_to(folder)
        if ".lock" in names and "learners" in folders:
            folders.clear()
            continue
        found[visible(f"{inner.as_posix()}/")] = File()
        links = [name for name in folders if Path(place, name).is_symlink()]
        found |= {(inner / name).as_posix(): on_disk(Path(place, name)) for name in names + links if visible(name)}
        folders[:] = filter(visible, folders)
    return tidy(found)


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
            problem = "was not read: its path leads out of the archive" if outside else ""
            path = visible(f"{inner}/" if entry.is_dir() else str(inner))
            if path in found and not path.endswith("/"):  # an archive may hold several of one name
                names = (f"{inner.with_suffix('')} ({n}){inner.suffix}" for n in itertools.count(1))
                path = next(name for name in names if name not in found)
            read = functools.partial(lambda entry, most: archive.open(entry).read(most), entry)
            found[path] = File(problem, entry.file_size, read, depth=file.depth + 1)
        if len(archive.infolist()) > 10 * MOST:
            found["and more"] = File(f"was not read: the archive holds more than {10 * MOST:,} files")
    except Exception as error:  # a damaged one raises errors of many kinds, and none may cost others their grades
        raise ValueError(f"cannot be read as a zip archive: {reason(error)}") from error
    return tidy(found)


def tidy(found: Tree) -> Tree:
    """The same in order, without the paths of folders that hold something."""
    paths = sorted(filter(None, found))
    both = itertools.pairwise([*paths, ""])
    return {path: found[path] for path, after in both if not (path.endswith("/") and after.startswith(path))}


def opened(path: str, file: File) -> Tree:
    """The files in a zip archive that can be opened; any other file alone."""
    try:
        return in_archive(file) if file.is_archive(path) else {path: file}
    except ValueError:
        return {path: file}


def unpacked(files: Iterable[tuple[str, File]]) -> Iterator[tuple[str, File]]:
    """Files by path, with what is in archives as if it lay in folders; of archives in archives no more than `ALL`."""
    waiting, left = [*files][::-1], ALL
    while waiting:
        path, file = waiting.pop()
        if not file.is_archive(path):
            yield path, file
            continue
        try:
            left -= file.size if file.depth and file.size <= ALL else 0
            if left < 0:
                raise ValueError("was not read: there is too much in archives")
            waiting += [(f"{path[:-4]}/{below}", one) for below, one in reversed(in_archive(file).items())]
        except ValueError as error:
            yield path, File(str(error))
