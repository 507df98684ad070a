"""Archives of files (tar, zip), read as the folders that they are: in place, and without writing anything anywhere."""

import functools
import os
import tarfile
import threading
import weakref
import zipfile
from pathlib import Path, PurePosixPath

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
# No picture is as large as this.
LARGEST = 2**30


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

    members   its files by their path in it; of two files of one path the last counts
    in_order  whether it is compressed as a whole, so that it can be read quickly only in the order of `members`

    Raises OSError, EOFError, zipfile.BadZipFile or tarfile.TarError if it is not whole, or not what its name says.
    """

    def __init__(self, path: Path):
        self.zipped, self.lock = path.suffix.lower() == ".zip", threading.Lock()
        self.file = zipfile.ZipFile(path) if self.zipped else tarfile.open(path)  # noqa: SIM115
        weakref.finalize(self, self.file.close)
        self.in_order = not self.zipped and not hasattr(self.file.fileobj, "raw")
        if self.zipped:
            self.members = {plain(one.filename): one for one in self.file.infolist() if not one.is_dir()}
        else:
            self.members = {plain(one.name): one for one in self.file if not one.isdir()}
            # What cannot be read as the next file looks like the end, which is a block of zeros.
            self.file.fileobj.seek(self.file.offset)
            if any(self.file.fileobj.read(tarfile.BLOCKSIZE) or b"missing"):
                raise tarfile.ReadError(f"after {len(self.members):,} files, it is cut off or damaged")

    def read(self, name: str) -> bytes:
        """What is in one of the members; of a link in a tar, what is in the file that it leads to."""
        if name not in self.members:
            raise FileNotFoundError("there is no such file in the archive")
        with self.lock, (self.file.open if self.zipped else self.file.extractfile)(self.members[name]) as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError(f"more than {LARGEST:,} bytes are too many")
        return content


def plain(name: str) -> str:
    """A path in an archive, written in one way, and such that it can be kept in a data set."""
    return PurePosixPath(name.encode(errors="backslashreplace").decode().lstrip("/")).as_posix()
