"""Finds who handed in what. Files are read into memory as they are, and nothing is unpacked to disk.

Whose is a file? A folder and an archive are the same here, and the first rule that fits holds:

1. Where a platform wrote the names of folders or files, they say whose they are.
2. What lies alone in a folder is opened.
3. Folders called `01_noise`, `week 2` or `group A`, or downloaded from a platform, are opened if one of them holds several
   learners' work. The same name in two of them is one learner, if the chapters differ.
4. Two answers to one chapter, or work that is not called after chapters, are several learners': each folder is one's, and
   each file that of whom it is called after. In an archive or folder that lay alone, only two answers to one chapter are.
5. Everything else, and all that lies in a learner's folder, is one learner's.
"""

import hashlib
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from dino.course.chapters import Chapter, chapters
from dino.course.grade.layouts import (
    ANSWERS,
    DOCUMENTS,
    HAND_INS,
    PACKED,
    Owned,
    age,
    as_answer,
    ending,
    from_platform,
    is_number,
    is_version,
    named_after,
    owned,
    person,
    stem,
)
from dino.course.grade.listing import (
    ALL,
    LARGEST,
    MOST,
    File,
    Tree,
    in_folder,
    on_disk,
    opened,
    readable,
    reason,
    unpacked,
)
from dino.course.grade.results import listed, plain

# What defines, assigns or imports names, in a text or inside the quotes of a notebook.
DEFINES = re.compile(r"(?:\b|\\n)(?:def|class)\s+(\w+)")
ASSIGNS = re.compile(r'(?:^|"|\\n)(\w+)\s*=(?!=)', re.MULTILINE)
IMPORTS = re.compile(r"\bimport\s+([\w, ()]+)")
TOLD = 10  # how many remarks on one learner are told
# Why one of two files counts, by the first number of `worth` in which they differ.
REASONS = "for nothing is written in {}", "for it is the newest; not {}", "for it has more answers; not {}"
NO_REASON = "and nothing tells whether it is the newest; not {}"


@dataclass
class Submission:
    """What one learner handed in.

    files     the texts, as bytes, by path
    problems  what could not be read, what was left out and what was put together, as sentences; at most `TOLD`
    told      how many sentences there were
    """

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    told: int = 0

    def __post_init__(self) -> None:
        self.name = plain(readable(self.name))[:60].strip(" .") or "somebody"
        self.problems, early = [], self.problems
        for problem in early:
            self.tell(problem)

    def tell(self, problem: str) -> None:
        """Keep a problem as a sentence on one line; of many, the first nine, and how many more there are."""
        self.told += 1
        more = f"There are {self.told - TOLD + 1} more remarks like these."
        self.problems[TOLD - 1 :] = [more if self.told > TOLD else plain(readable(problem))[:200]]

    def digest(self) -> str:
        """A number that changes with any of the files, and with what there is to say about them."""
        parts = [f"{path}\0{len(data)}\0".encode() + data for path, data in sorted(self.files.items())]
        return hashlib.sha256(b"".join([*parts, *(problem.encode() for problem in self.problems)])).hexdigest()

    def read(self, files: Iterable[tuple[str, File]]) -> "Submission":
        """Take files by path, those in archives too, and tell what is left out."""
        others = [path for path, file in unpacked(files) if not self.take(path, file)]
        left = [path for path in others if not self.files or is_document(path)]
        if left:
            self.tell(f"Not read, for only .py, .ipynb and .zip are: {listed(left)}.")
        if not self.files and not self.problems:
            self.tell("Nothing was handed in: no .py, no .ipynb and no .zip.")
        return self

    def take(self, path: str, file: File) -> bool:
        """Keep a file with answers, or tell why not; whether there was anything to keep or to tell."""
        given, path = path, as_answer(path)
        kind = ending(path)
        if given != path:
            self.tell(f"{given} is read as {path}.")
        if file.problem and (kind in HAND_INS or not kind):
            self.tell(f"{path.rstrip('/')} {file.problem}.")
        elif kind in PACKED:
            self.tell(f"{path} was not read: hand in .py, .ipynb or .zip.")
        elif kind in ANSWERS:
            path = readable(str(PurePosixPath(path).with_suffix(kind)))
            if file.size > LARGEST or sum(map(len, self.files.values())) + file.size > ALL or len(self.files) >= MOST:
                self.tell(f"{path} was not read: it is too large, or there are too many files.")
                return True
            try:
                self.keep(path, file.read(LARGEST))
            except Exception as error:  # a damaged one raises errors of many kinds
                self.tell(f"{path} cannot be read: {reason(error)}.")
        return kind in HAND_INS or path.endswith("/") or bool(file.problem)

    def keep(self, path: str, data: bytes) -> None:
        """Keep a file, under another path if there is one of its path, such as in an archive beside the folder."""
        while path in self.files:
            path = f"also/{path}"
        self.files[path] = data

    def answers(self, chapter: Chapter) -> str | None:
        """The path of the file with the answers to a chapter; None if there is none."""
        return next((path for _, path in self.ranked(chapter)), None)

    def attempts(self, chapter: Chapter) -> bool:
        """Whether a file defines an exercise of a chapter, or tries to; being called like the chapter is not enough.

        What is called like it and is no notebook, though it says so, may have been meant to.
        """
        path = self.answers(chapter)
        if path is None:
            return False
        given = names_given(self.files[path])
        return any(one.name in given for one in chapter.exercises) or not is_whole(path, self.files[path])

    def ranked(self, chapter: Chapter) -> list[tuple[tuple, str]]:
        """The files with answers to a chapter, the one that counts first, each with what it was ranked by."""
        names = [exercise.name for exercise in chapter.exercises]

        def worth(path: str) -> tuple:
            text = self.files[path].decode("utf-8", "replace")
            written = [name for name in names if re.search(rf"\b{name}\b", text)]
            done = len(written) - sum(f"{name} is yours to write" in text for name in names)
            # Of those alike in all that `REASONS` names, the one that does not hide in a folder.
            return done > 0, age(path), done, len(written), -path.count("/"), path.endswith(".ipynb"), path

        found = [path for path in self.files if chapter_of(path, self.files[path]) == chapter]
        return sorted(((worth(path), path) for path in found), reverse=True)

    def choice(self, chapter: Chapter) -> str:
        """Which of several different files counts for a chapter, and why; nothing if there is nothing to choose."""
        (first, path), *rest = self.ranked(chapter) or [((), "")]
        rest = [(worth, other) for worth, other in rest if self.files[other] != self.files[path]]
        others = listed(other for _, other in rest)
        if path and when(path) < max(map(when, self.files)):
            why = "from an earlier hand-in: the newest has nothing for it" + (f"; not {others}" if others else "")
        elif rest:
            why = next(
                (why for why, *two in zip(REASONS, first, rest[0][0], strict=False) if two[0] != two[1]), NO_REASON
            )
            why = why.format(others)
        elif path and is_number(path) and named_after(path) not in (None, chapter):
            why = "for that is what it answers"
        else:
            return ""
        return plain(f"{chapter.topic}: {path} counts, {why}.")


def is_document(path: str) -> bool:
    """Whether a file may have been meant as an answer, though no program can grade it."""
    inner = PurePosixPath(path)
    return inner.suffix.lower() in DOCUMENTS and inner.stem.lower() not in ("readme", "requirements", "license")


def when(path: str) -> tuple[int, ...]:
    """When a file was handed in, as far as the folders tell that it lies in."""
    return age(path.rpartition("/")[0])[0]


def is_whole(path: str, data: bytes) -> bool:
    """Whether a file that is called a notebook is one, as far as can be told without running it."""
    try:
        return not path.endswith(".ipynb") or isinstance(json.loads(data).get("cells"), list)
    except (ValueError, AttributeError, RecursionError):
        return False


def names_given(data: bytes) -> set[str]:
    """The names that a file seems to define or import."""
    text = data.decode("utf-8", "replace")
    imported = re.findall(r"\w+", " ".join(IMPORTS.findall(text)))
    return {*DEFINES.findall(text), *ASSIGNS.findall(text), *imported}


def chapter_of(path: str, data: bytes) -> Chapter | None:
    """The chapter that a file answers: by its name, or else by what it defines; where a number is its name, the other way round."""
    named = named_after(path)
    if named and not is_number(path):
        return named
    defined = set(DEFINES.findall(data.decode("utf-8", "replace")))
    counts = {chapter: sum(one.name in defined for one in chapter.exercises) for chapter in chapters()}
    best = max(counts, key=counts.get)
    # One function of such a name, such as `step`, may be anything.
    return best if 2 * counts[best] > len(best.exercises) else named


def topics_in(one: Submission) -> set[str]:
    """The topics of the chapters that somebody answers."""
    return {chapter.topic for path, data in one.files.items() if (chapter := chapter_of(path, data))}


def find(places: list[Path], as_one: bool = False, tell: Callable[[str], None] = str) -> list[Submission]:
    """What learners handed in at some places; who it is, is told by the rules above.

    as_one  whether each place is one learner's, whatever lies in it
    tell    is called with a sentence on what is taken as nobody's

    Raises FileNotFoundError for a place that is not there, and ValueError if nothing is there to grade.
    """
    trees: dict[Path, Tree] = defaultdict(dict)
    found: list[Submission] = []
    for place in places:
        whole, beside = place.resolve(), place.parent.resolve()
        if not place.exists():
            raise FileNotFoundError(
                f"There is no {place}. Name files, folders or zip archives that learners handed in."
            )
        if as_one:
            name = beside.name if named_after(place.name) and whole.is_file() else stem(whole.name)
            tree = in_folder(whole) if whole.is_dir() else opened(place.name, on_disk(whole))
            found.append(Submission(name).read(tree.items()))
        elif place.is_dir() and not owned(f"{place.name}/x"):
            trees[whole] |= in_folder(place)
        elif place.is_dir():  # files and folders of one platform belong together, such as those of `hand-ins/*`
            trees[beside] |= {f"{place.name}/{path}": file for path, file in in_folder(place).items()}
        else:
            trees[beside][place.name] = on_disk(whole)
    for place, tree in trees.items():
        these = put_together(learners(tree, place.name, True))
        found += these
        left = [path for path, file in tree.items() if "/" not in path and not file.problem and not owned(path)]
        left = [path for path in left if ending(path) not in HAND_INS]
        if len(these) > 1 and left:
            tell(f"Nobody's, for only .py, .ipynb and .zip are read: {listed(left)} in {place}.")
    if not found:
        raise ValueError(f"There is nothing to grade in {', '.join(map(str, places))}: no .py, no .ipynb and no .zip.")
    return told_apart(found)


def told_apart(found: list[Submission]) -> list[Submission]:
    """The same, each with a name of its own."""
    taken: set[str] = set()
    for one in found:
        if one.name.casefold() in taken:
            one.tell(f"Another is called {one.name}, too: if both are one learner, only one of these rows counts.")
        names = itertools.chain([one.name], (f"{one.name} ({number})" for number in itertools.count(2)))
        # Some systems do not tell large letters from small ones.
        one.name = next(name for name in names if name.casefold() not in taken)
        taken.add(one.name.casefold())
    return found


def put_together(files: Iterable[Owned]) -> list[Submission]:
    """What each learner handed in, of files with their owners, and how it was put together."""
    groups: dict[str, list[Owned]] = defaultdict(list)
    for file in files:
        groups[file.key].append(file)
    found = []
    for group in groups.values():
        theirs = [one for one in group if not one.receipt]
        people, tops = (
            dict.fromkeys(who for one in group for who in one.people),
            dict.fromkeys(one.top for one in theirs),
        )
        for who in people:
            one = Submission(who)
            for note in dict.fromkeys(note for file in group for note in file.notes):
                one.tell(note)
            one.read((file.path.removeprefix("" if len(tops) > 1 else f"{file.top}/"), file.file) for file in theirs)
            if len(people) > 1:
                one.tell(f"{listed(people)} handed in together: what each of them handed in counts for all.")
            elif len(tops) > 1:
                by = f"{group[0].platform} names them" if group[0].platform else "their names say"
                one.tell(f"Put together as one learner's, as {by}: {listed(tops)}.")
            found.append(one)
    return found


def items_in(tree: Tree) -> dict[str, Tree]:
    """What lies at the top of a folder and may be somebody's: files that could hold answers, and what folders and archives hold."""
    found: dict[str, Tree] = {}
    for path, file in tree.items():
        top, slash, below = path.partition("/")
        if below:
            found.setdefault(top, {})[below] = file
        elif slash and not file.problem:
            found.setdefault(top, {})
        elif ending(path) in HAND_INS or file.problem:
            found[path] = opened(path, file)
    return found


def learners(tree: Tree, name: str, sure: bool, levels: int = 6) -> list[Owned]:
    """The files in a folder or an archive with their owners, by the rules at the top.

    name    whose they are, if they are one learner's
    sure    whether they are several learners', if nothing is called after a chapter
    levels  of folders in which learners are looked for
    """
    platform = from_platform(tree)
    rest = {path: file for path, file in tree.items() if path not in platform}
    items = items_in(rest)
    if platform:
        loose = learners(rest, name, sure, levels - 1) if items else []
        note = "Its path does not say whose it is, as those beside it do."
        return [*platform.values(), *(replace(one, notes=(*one.notes, note)) for one in loose)]
    if not items or not levels:
        return owned_by(name, tree) if items or not sure else []
    folders = [top for top, inner in items.items() if [*inner] != [top]]
    if [*items] == folders[:1]:
        better = (sure or is_version(name)) and not is_version(stem(folders[0]))
        return learners(items[folders[0]], stem(folders[0]) if better else name, False, levels - 1)
    topics = {top: topics_in(Submission(top).read(inner.items())) for top, inner in items.items()}
    chapter = called_after_chapters(topics)
    personal = [top for top in items if top not in chapter and not is_version(stem(top))]
    if folders == [*items] and all(top not in personal or any(map(owned, items[top])) for top in folders):
        inside = {top: learners(items[top], stem(top), False, levels - 1) for top in folders}
        if any(len({one.key for one in files}) > 1 for files in inside.values()):
            return [one for top in folders for one in on_shelf(top, learners(items[top], stem(top), True, levels - 1))]
    rivals = {
        (owner(top, tree), topic)
        for top in items
        if top in personal or (sure and top in folders and top not in chapter)
        for topic in topics[top]
    }
    numbers = [top for top in items if is_number(top)]
    if len({topic for _, topic in rivals}) < len(rivals) or (sure and personal and not chapter):
        found = []
        for top, inner in items.items():
            notes = [] if sure else [f"{name} holds what several handed in, as its folders and files say."]
            if top in chapter:
                notes.append("It lies beside what others handed in, and nothing says whose it is.")
            elif top in numbers and len(numbers) > 1:
                notes.append("The numbers are taken as those of learners, not of chapters, as the answers say.")
            who = name if top in chapter else owner(top, tree).rstrip("/")
            inner = {(path if path == top else f"{top}/{path}"): file for path, file in inner.items()} or {"/": File()}
            found += owned_by(who, inner, "" if top in chapter else owner(top, tree), top, notes)
        return found
    notes = []
    if len(chapter) > 1 and any(top in numbers for top in chapter):
        notes = [f"{listed(chapter)} are taken as chapters of one learner, as their answers say."]
    elif len(some := [top for top in folders if topics[top]]) > 1:
        notes = [f"{listed(some)} are taken as one learner's."]
    return owned_by(name, tree, notes=notes)


def owned_by(who: str, tree: Tree, key: str = "", top: str = "", notes: Iterable[str] = ()) -> list[Owned]:
    """Files with their owner."""
    return [
        Owned(key.casefold(), who, who, [who], top, path, file=file, notes=tuple(notes)) for path, file in tree.items()
    ]


def owner(top: str, tree: Tree) -> str:
    """Whose a file is, by its name; a folder has a name of its own."""
    return person(top)[0] if top in tree else f"{top}/"


def called_after_chapters(topics: dict[str, set[str]]) -> list[str]:
    """The files and folders that are called after chapters; numbers only if each is that of the chapter which it answers."""
    numbers = [top for top in topics if is_number(top)]
    if not all((chapter := named_after(top)) and topics[top] == {chapter.topic} for top in numbers):
        topics = {top: found for top, found in topics.items() if top not in numbers}
    return [top for top in topics if named_after(top)]


def on_shelf(shelf: str, files: list[Owned]) -> list[Owned]:
    """Files with their owners, who are the same as those of such names on other shelves."""
    return [
        replace(
            one,
            key=", ".join(one.people).casefold(),
            top=f"{shelf}/{one.top}".rstrip("/"),
            path=f"{shelf}/{one.path}",
        )
        for one in files
    ]
