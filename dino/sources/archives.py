"""Archives of files (tar, zip), read as the folders that they are: in place, and without writing anything anywhere."""

import functools
import os
import posixpath
import stat
import tarfile
import threading
import weakref
import zipfile
from pathlib import Path, PurePosixPath

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
# No picture is as large as this, and no archive of pictures unpacks to so many times its own size.
LARGEST, RATIO = 2**30, 200


def is_archive(file: Path) -> bool:
    """Whether a file is an archive, to judge by its name."""
    return file.name.lower().endswith(ENDINGS) and file.is_file()


def archive_of(path: str | Path) -> Path | None:
    """The archive that holds the file of a path such as photos.zip/holiday/beach.jpg, if there is one."""
    return next((parent for parent in Path(path).parents if is_archive(parent)), None)


def read_member(path: str | Path) -> bytes:
    """What is in a file of an archive. Raises FileNotFoundError if there is no such file."""
    archive = archive_of(path)
    if archive is None:
        raise FileNotFoundError("there is no such file")
    return open_archive(archive).read(Path(path).relative_to(archive).as_posix())


def open_archive(path: Path) -> "Archive":
    """An archive, which stays open for the next time."""
    about = path.stat()
    # Processes that share an open file would move each other's place in it.
    return kept_open(path, about.st_size, about.st_mtime_ns, os.getpid())


@functools.lru_cache(maxsize=4)
def kept_open(path: Path, *_: int) -> "Archive":
    return Archive(path)


class Archive:
    """An open archive.

    members   its files by their path in it; links count as what they lead to, and of two files of one path the last counts
    left_out  why others cannot be read, by their path
    in_order  whether it is compressed as a whole, so that it can be read quickly only in the order of `members`

    Raises OSError, EOFError, ValueError, zipfile.BadZipFile or tarfile.TarError if it is not whole, or a bomb.
    """

    def __init__(self, path: Path):
        self.zipped = zipfile.is_zipfile(path) or (path.suffix.lower() == ".zip" and not tarfile.is_tarfile(path))
        self.file = zipfile.ZipFile(path) if self.zipped else tarfile.open(path)  # noqa: SIM115
        weakref.finalize(self, self.file.close)
        self.lock = threading.Lock()
        self.in_order = not self.zipped and not hasattr(self.file.fileobj, "raw")
        self.members, self.left_out = {}, {}
        links, total = {}, 0
        for member in self.file.infolist() if self.zipped else self.file:
            name, size = (member.filename, member.file_size) if self.zipped else (member.name, member.size)
            name = plain(name)
            total += size
            if total > max(LARGEST, RATIO * path.stat().st_size):
                raise ValueError(f"it unpacks to more than {RATIO} times its size")
            for kept in (links, self.members, self.left_out):
                kept.pop(name, None)
            if (target := self.target(member, name)) is not None:
                links[name] = target
            elif size > LARGEST:
                self.left_out[name] = f"{size:,} bytes are too many"
            elif self.zipped and member.flag_bits & 1:
                self.left_out[name] = "locked with a password"
            elif not (member.is_dir() if self.zipped else member.isdir()):
                if self.zipped or member.isfile():
                    self.members[name] = member
                else:
                    self.left_out[name] = "no file, but a device"
        if not self.zipped:
            self.look_at_end()
        for name, target in links.items():
            for _ in links:
                target = links.get(target, target)
            if target in self.members:
                self.members[name] = self.members[target]
            else:
                self.left_out[name] = "a link that leads to no file in the archive"

    def target(self, member: zipfile.ZipInfo | tarfile.TarInfo, name: str) -> str | None:
        """Where in the archive a member leads to, if it is a link."""
        if self.zipped:
            # A link is a file that holds a path.
            is_link = stat.S_ISLNK(member.external_attr >> 16) and member.file_size < 5000
            target = self.file.read(member).decode(errors="backslashreplace") if is_link else None
        elif member.islnk():
            return plain(member.linkname)
        else:
            target = member.linkname if member.issym() else None
        return target and posixpath.normpath(posixpath.join(posixpath.dirname(name), target))

    def look_at_end(self) -> None:
        """Raise tarfile.ReadError if what follows the last member that could be read is not the end of the archive."""
        self.file.fileobj.seek(self.file.offset)
        if any(self.file.fileobj.read(tarfile.BLOCKSIZE) or b"missing"):
            raise tarfile.ReadError(f"after {len(self.members):,} files, something else comes than the next or the end")

    def read(self, name: str) -> bytes:
        """What is in one of the members."""
        if name not in self.members:
            raise FileNotFoundError("there is no such file in the archive")
        with self.lock:
            return (self.file.open if self.zipped else self.file.extractfile)(self.members[name]).read()


def plain(name: str) -> str:
    """A path in an archive, written in one way, and such that it can be kept in a data set."""
    return PurePosixPath(name.encode(errors="backslashreplace").decode().lstrip("/")).as_posix()
