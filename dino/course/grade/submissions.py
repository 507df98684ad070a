"""Finds what learners handed in: files, folders and zip archives, read into memory as they are and never unpacked to disk."""

import hashlib
import itertools
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dino.course.chapters import Chapter, chapters, find_chapter
from dino.course.grade.results import plain

ANSWERS, PACKED = (".py", ".ipynb"), (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
HAND_INS = (*ANSWERS, *PACKED, ".zip")
UNREADABLE = "was not read: hand in .py, .ipynb or .zip."
# What defines, assigns or imports names, in a text or inside the quotes of a notebook.
DEFINES = re.compile(r"(?:\b|\\n)(?:def|class)\s+(\w+)")
ASSIGNS = re.compile(r'(?:^|"|\\n)(\w+)\s*=(?!=)', re.MULTILINE)
IMPORTS = re.compile(r"\bimport\s+([\w, ()]+)")
LARGEST, ALL, MOST = 20 * 2**20, 100 * 2**20, 2_000  # bytes of one file, bytes of all, and how many


@dataclass
class Submission:
    """What one learner handed in.

    files     the texts, as bytes, by path
    problems  what could not be read, as sentences
    """

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name = plain(readable(self.name))[:60].strip(" .") or "somebody"
        self.problems, early = [], self.problems
        for problem in early:
            self.tell(problem)

    def tell(self, problem: str) -> None:
        """Keep a problem as a sentence on one line; of many, the first ten."""
        if len(self.problems) < 10:
            self.problems.append(plain(readable(problem))[:200])

    def digest(self) -> str:
        """A number that changes with any of the files."""
        parts = [f"{path}\0{len(data)}\0".encode() + data for path, data in sorted(self.files.items())]
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def add(self, path: str, size: int, read) -> None:
        """Take a file, if it is one that can hold answers and is not too large."""
        inner = PurePosixPath(path)
        ending = inner.suffix.lower()
        if "/." in f"/{path}" or "__MACOSX" in path:
            return
        if ending in PACKED:
            self.tell(f"{path} {UNREADABLE}")
        if ending not in ANSWERS:
            return
        path = readable(str(inner.with_suffix(ending)))
        if size > LARGEST or sum(map(len, self.files.values())) + size > ALL or len(self.files) >= MOST:
            self.tell(f"{path} was not read: it is too large, or there are too many files.")
            return
        self.files[path] = read()[:LARGEST]

    def add_file(self, name: str, path: Path) -> None:
        """Take a file from the disk; a zip archive is opened."""
        if path.suffix.lower() == ".zip":
            self.add_zip(path, under=name.rpartition(".")[0])
            return
        try:
            self.add(name, path.stat().st_size, path.read_bytes)
        except OSError as error:
            self.tell(f"{name} cannot be read: {error.strerror}.")

    def add_zip(self, path: Path, under: str = "") -> None:
        """Take the files of a zip archive, and put them under a folder."""
        try:
            with zipfile.ZipFile(path) as archive:
                for entry in archive.infolist()[: 10 * MOST]:
                    inner = PurePosixPath(entry.filename)
                    if inner.is_absolute() or ".." in inner.parts:
                        self.tell(f"{inner} was not read: its path leads out of the archive.")
                        continue

                    def read(entry=entry) -> bytes:
                        with archive.open(entry) as file:
                            return file.read(LARGEST)

                    self.add(str(PurePosixPath(under) / inner), entry.file_size, read)
        except Exception as error:  # a damaged one raises errors of many kinds, and none may cost others their grades
            self.tell(f"{path.name} cannot be read as a zip archive: {error}")

    def attempts(self, chapter: Chapter) -> bool:
        """Whether a file defines an exercise of a chapter, or tries to; being called like the chapter is not enough."""
        path = self.answers(chapter)
        return path is not None and any(one.name in names_given(self.files[path]) for one in chapter.exercises)

    def answers(self, chapter: Chapter) -> str | None:
        """The path of the file with the answers to a chapter; None if there is none."""
        names = [exercise.name for exercise in chapter.exercises]
        found = [path for path in self.files if chapter_of(path, self.files[path]) == chapter]

        def worth(path: str) -> tuple:
            text = self.files[path].decode("utf-8", "replace")
            written = [name for name in names if re.search(rf"\b{name}\b", text)]
            untouched = sum(f"{name} is yours to write" in text for name in names)
            # The one with more of it written; of two alike, the one that does not hide in a folder.
            return len(written) - untouched, len(written), -path.count("/"), path.endswith(".ipynb"), path

        return max(found, key=worth, default=None)


def readable(name: str) -> str:
    """A name that can be written down, whatever letters a file system calls a file by."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def names_given(data: bytes) -> set[str]:
    """The names that a file seems to define or import."""
    text = data.decode("utf-8", "replace")
    imported = re.findall(r"\w+", " ".join(IMPORTS.findall(text)))
    return {*DEFINES.findall(text), *ASSIGNS.findall(text), *imported}


def chapter_of(path: str, data: bytes) -> Chapter | None:
    """The chapter that a file answers: by its name, or else by what it defines."""
    if chapter := find_chapter(PurePosixPath(path).name):
        return chapter
    text = data.decode("utf-8", "replace")
    defined = set(DEFINES.findall(text))
    counts = {chapter: sum(one.name in defined for one in chapter.exercises) for chapter in chapters()}
    best = max(counts, key=counts.get)
    # One function of such a name, such as `step`, may be anything.
    return best if 2 * counts[best] > len(best.exercises) else None


def from_folder(folder: Path, name: str) -> Submission:
    """A folder as what one learner handed in. Links are not followed."""
    found = Submission(name)
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if any(folder.joinpath(*inner.parts[: i + 1]).is_symlink() for i in range(len(inner.parts))):
            if path.suffix.lower() in HAND_INS:
                found.tell(f"{inner} was not read: it is a link.")
        elif path.is_file():
            found.add_file(inner.as_posix(), path)
    return found


def find(places: list[Path], as_one: bool = False) -> list[Submission]:
    """What learners handed in at some places.

    A file or a zip archive is one learner's; so is a folder with chapters in it. Any other folder holds what several
    handed in, unless each place is to be taken as one learner's. Who it is, is told by the name of the file, the archive
    or the folder.
    Raises FileNotFoundError for a place that is not there, and ValueError if nothing is there to grade.
    """
    found: list[Submission] = []
    for place in places:
        if not place.exists():
            raise FileNotFoundError(
                f"There is no {place}. Name files, folders or zip archives that learners handed in."
            )
        if place.is_dir():
            found += [from_folder(place, place.resolve().name)] if as_one else in_folder(place)
        elif one := from_file(place):
            found.append(one)
    if not found:
        raise ValueError(f"There is nothing to grade in {', '.join(map(str, places))}: no .py, no .ipynb and no .zip.")
    taken: set[str] = set()
    for one in found:
        names = itertools.chain([one.name], (f"{one.name} ({number})" for number in itertools.count(2)))
        # Some systems do not tell large letters from small ones.
        one.name = next(name for name in names if name.casefold() not in taken)
        taken.add(one.name.casefold())
    return found


def from_file(path: Path) -> Submission | None:
    """A single file as what one learner handed in; None if it cannot hold answers."""
    ending = path.suffix.lower()
    if ending not in HAND_INS:
        return None
    one = Submission(path.resolve().parent.name if find_chapter(path.name) and ending in ANSWERS else path.stem)
    if ending == ".zip":
        one.add_zip(path)
    else:
        one.add_file(path.name, path)
    return one


def in_folder(folder: Path) -> list[Submission]:
    """The submissions in a folder, or the folder as one."""
    inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    chapters_here = any(path.suffix.lower() in ANSWERS and find_chapter(path.name) for path in inside)
    folders = {path: from_folder(path, path.name) for path in inside if path.is_dir() and not path.is_symlink()}
    if chapters_here and not sum(any(chapter_of(*file) for file in one.files.items()) for one in folders.values()) > 1:
        return [from_folder(folder, folder.resolve().name)]
    found = []
    for path in inside:
        if path.is_symlink():
            found.append(Submission(path.stem, problems=[f"{path.name} was not read: it is a link."]))
        elif one := folders.get(path):
            if one.files or not (path / ".lock").exists():  # such a folder was written by an earlier grading
                found.append(one)
        elif one := from_file(path):
            found.append(one)
    return found
