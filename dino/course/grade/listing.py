"""Lists what lies in folders and zip archives, as files by path: nothing is unpacked to disk, and links are not followed."""

import functools
import io
import itertools
import os
import stat
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

LARGEST, ALL, MOST = 20 * 2**20, 50 * 2**20, 300  # bytes of one file, bytes of all, and how many
TEXTS = 2**24  # letters of text that are looked at for one learner, about
ENTRIES = 20_000  # files and folders that are looked at for one learner
DIRECTORY = 3 * 2**20  # bytes in which an archive lists its files: about 20,000
DEEPEST = 3  # archives in one another
# What systems and programs put beside the work of people.
BESIDE = ("__MACOSX", "__pycache__", "site-packages", "node_modules")
TOO_MUCH = "was not read in full: there is too much in it"


@dataclass(slots=True)
class File:
    """A file that was handed in.

    problem  why it is not to be read, as the rest of a sentence that begins with its name
    size     bytes
    saved    when it was written, in minutes
    read     gives bytes: from where on, and at most how many
    depth    how many archives it lies in
    inner    what is in it, if it is an archive that was opened
    cost     what listing that took, in bytes of memory
    facts    what is known of its text
    """

    problem: str = ""
    size: int = 0
    saved: int = 0
    read: Callable[[int, int], bytes] = lambda *_: b""
    depth: int = 0
    inner: "Tree | None" = None
    cost: int = 0
    facts: object = None

    def text(self, most: int) -> str:
        """At most so many of its bytes as text; nothing if it cannot be read."""
        try:
            return self.read(0, most).decode("utf-8", "replace")
        except Exception:  # what is damaged raises errors of many kinds
            return ""


# A path that ends in `/` is that of a folder, which may be empty.
Tree = dict[str, File]


class Source(io.RawIOBase):
    """What an archive is read from, a piece at a time: nothing stays open, and no list of files is read that is too long."""

    def __init__(self, file: File) -> None:
        # What is in another archive cannot be read from the middle.
        data = file.read(0, ALL) if file.depth else b""
        self.read_at = (lambda at, count: data[at : at + count]) if file.depth else file.read
        self.file, self.at, self.listing, file.cost = file, 0, True, len(data)

    def seek(self, at: int, whence: int = 0) -> int:
        """Go on reading elsewhere."""
        self.at = max(0, at + (0, self.at, self.file.size)[whence])
        return self.at

    def read(self, count: int = -1) -> bytes:
        """Read a piece. Raises ValueError if it is a list of files that is too long."""
        count = self.file.size - self.at if count < 0 else count
        if self.listing and count > DIRECTORY:
            raise ValueError("it lists too many files: unpack it, and leave out what no learner wrote")
        self.file.cost += 16 * count * self.listing  # about what becomes of it in memory
        data = self.read_at(self.at, count)
        self.at += len(data)
        return data


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


def read_plain(path: str, at: int, count: int) -> bytes:
    """Read a plain file, from some place on. Raises OSError for a link, and for a pipe or a device, for which nobody waits."""
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(path, "rb", opener=lambda path, mode: os.open(path, mode | flags)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is not a plain file")
        file.seek(at)
        return file.read(count)


def on_disk(path: str) -> File:
    """A file on the disk."""
    try:
        known = os.lstat(path)
    except OSError as error:
        return File(f"cannot be read: {reason(error)}")
    if stat.S_ISREG(known.st_mode):
        return File("", known.st_size, int(known.st_mtime / 60), functools.partial(read_plain, path))
    return File(f"was not read: it is {'a link' if stat.S_ISLNK(known.st_mode) else 'not a plain file'}")


def in_folder(folder: Path) -> Tree:
    """The files and folders in a folder.

    Of one folder, and of what lies in a folder in a folder, at most `ENTRIES` are looked at, for they are one learner's; of
    what lies in a folder, which may hold what a group handed in, five times as many.
    """
    found: Tree = {}
    count: Counter[str] = Counter()
    waiting = [""]
    for inner in waiting:  # which grows
        tops = [*itertools.accumulate(f"{part}/" for part in inner.split("/")[:2] if part)]
        if full := [top for top, most in zip(tops, (5 * ENTRIES, ENTRIES), strict=False) if count[top] > most]:
            found[full[0]] = File(TOO_MUCH)
            continue
        found[inner] = File()
        try:
            with os.scandir(f"{folder}/{inner}") as entries:
                for one in itertools.islice(entries, ENTRIES):
                    count.update(tops)
                    if visible(one.name) and one.is_dir(follow_symlinks=False):
                        waiting.append(f"{inner}{one.name}/")
                    elif visible(one.name):
                        found[inner + one.name] = on_disk(one.path)
                if next(entries, None):
                    found[inner or f"{folder.name}/"] = File(TOO_MUCH)
        except OSError as error:
            found[inner] = File(f"was not read: {reason(error)}")
    return tidy(found)


def in_archive(file: File) -> Tree:
    """The files in a zip archive. Raises ValueError, or what a damaged one raises: errors of many kinds."""
    archive = zipfile.ZipFile(source := Source(file))
    source.listing = False  # what is read from here on is limited by who reads it
    found: Tree = {}
    often: Counter[str] = Counter()
    for entry in archive.infolist():
        inner = entry.filename.replace("\\", "/")
        parts = [part for part in inner.split("/") if part not in ("", ".")]
        path = visible("/" * inner.startswith("/") + "/".join(parts) + "/" * entry.is_dir())
        if not parts or not path:
            continue
        while path in found and not path.endswith("/"):  # an archive may hold several of one name
            often[path] += 1
            path = str(PurePosixPath(path).with_stem(f"{PurePosixPath(path).stem} ({often[path]})"))
        problem = ""
        if inner.startswith("/") or ".." in parts:
            problem = "was not read: its path leads out of the archive"
        elif entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others can take very long
            problem = "was not read: it is packed in an unusual way; make the archive with what your system has for it"
        saved = int(time.mktime((*entry.date_time, 0, 0, -1)) / 60)
        read = functools.partial(read_packed, archive, entry)
        found[path] = File(problem, entry.file_size, saved, read, file.depth + 1)
    return tidy(found)


def read_packed(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, at: int, count: int) -> bytes:
    """Read a file in an archive, which is always from its beginning on."""
    with archive.open(entry) as file:
        return file.read(at + count)[at:]


def tidy(found: Tree) -> Tree:
    """The same in order, without the paths of folders that hold something and have no problem."""
    paths = sorted(filter(None, found))
    both = itertools.pairwise([*paths, ""])
    full = {path for path, after in both if path.endswith("/") and after.startswith(path) and not found[path].problem}
    return {path: found[path] for path in paths if path not in full}


def opened(path: str, file: File) -> Tree:
    """What is in a zip archive; any other file alone, and so one that cannot be opened, whose `problem` says why."""
    if file.inner is None and not file.problem and path.lower().endswith(".zip"):
        if file.depth >= DEEPEST:
            file.problem = f"was not read: it lies in {DEEPEST} other archives"
        elif file.depth and file.size > ALL:
            file.problem = "was not read: it is too large"
        else:
            try:
                file.inner = in_archive(file)
            except Exception as error:  # none may cost others their grades
                file.problem = f"cannot be read as a zip archive: {reason(error)}"
    return {path: file} if file.inner is None else file.inner


def unpacked(files: Iterable[tuple[str, File]]) -> Iterator[tuple[str, File]]:
    """Files by path, with what is in archives as if it lay in folders, within the limits of one learner.

    Those at the top come first: where there are too many, they are those that count.
    """
    waiting, left = sorted(files, key=lambda one: one[0].count("/"))[::-1], ALL
    for _ in range(ENTRIES):
        if not waiting:
            return
        path, file = waiting.pop()
        if path.lower().endswith(".zip") and left < 0:
            file = File("was not read: there is too much in archives")
        inner = opened(path, file)
        if file.inner is None:
            yield path, file
        else:
            waiting += [(f"{path[:-4]}/{below}", one) for below, one in reversed(inner.items())]
        left -= file.cost
    if waiting:
        yield "", File(f"holds more than {ENTRIES:,} files: the others were not looked at")
