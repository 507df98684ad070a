"""Finds what learners handed in: files, folders and zip archives, read into memory as they are and never unpacked to disk."""

import functools
import hashlib
import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dino.course.chapters import Chapter, chapters
from dino.course.grade import layouts
from dino.course.grade.layouts import age, listed, named_after
from dino.course.grade.listing import (
    ALL,
    LARGEST,
    MOST,
    File,
    Tree,
    hidden,
    in_archive,
    in_folder,
    on_disk,
    readable,
    reason,
)
from dino.course.grade.results import plain

ANSWERS, PACKED = (".py", ".ipynb"), (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
HAND_INS = (*ANSWERS, *PACKED, ".zip")
# What people hand in instead; no program can grade it.
DOCUMENTS = (".txt", ".md", ".html", ".htm", ".pdf", ".doc", ".docx", ".odt", ".rtf", ".pages", ".pyc")
# What a browser or a mail program makes of a file that it takes for text.
AS_TEXT = re.compile(r"\.(?:py|ipynb)(?=\.(?:txt|json)$)", re.IGNORECASE)
UNREADABLE = "was not read: hand in .py, .ipynb or .zip."
# What defines, assigns or imports names, in a text or inside the quotes of a notebook.
DEFINES = re.compile(r"(?:\b|\\n)(?:def|class)\s+(\w+)")
ASSIGNS = re.compile(r'(?:^|"|\\n)(\w+)\s*=(?!=)', re.MULTILINE)
IMPORTS = re.compile(r"\bimport\s+([\w, ()]+)")
# What a folder or an archive may hold: what a class handed in; that, or what one learner did; what one of several learners did.
CLASS, EITHER, LEARNER = range(3)
LEVELS = 6  # of folders in which learners are looked for
FEW = 40  # files and folders at the top of what a learner handed in, more than which are not several learners'
TOLD = 10  # how many problems of one learner are told


@dataclass
class Submission:
    """What one learner handed in.

    files     the texts, as bytes, by path
    problems  what could not be read, what was left out and what was put together, as sentences
    others    the paths of what holds no answers
    """

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    more: int = 0
    unpacked: int = 0

    def __post_init__(self) -> None:
        self.name = plain(readable(self.name))[:60].strip(" .") or "somebody"
        self.problems, early = [], self.problems
        for problem in early:
            self.tell(problem)

    def tell(self, problem: str) -> None:
        """Keep a problem as a sentence on one line; of many, the first nine, and how many more there are."""
        sentence = plain(readable(problem))[:200]
        if len(self.problems) < TOLD:
            self.problems.append(sentence)
        else:
            self.more += 1
            self.problems[-1] = f"There are {self.more + 1} more remarks like these."

    def digest(self) -> str:
        """A number that changes with any of the files, and with what there is to say about them."""
        parts = [f"{path}\0{len(data)}\0".encode() + data for path, data in sorted(self.files.items())]
        return hashlib.sha256(b"".join([*parts, *(problem.encode() for problem in self.problems)])).hexdigest()

    def add(self, path: str, file: File) -> None:
        """Take a file, if it is one that can hold answers and is not too large; a zip archive is opened."""
        if hidden(path):
            return
        if (shorter := as_answer(path)) != path:
            self.tell(f"{path} is read as {shorter}.")
            path = shorter
        inner = PurePosixPath(path)
        ending = inner.suffix.lower()
        if file.problem:
            if ending in HAND_INS or not ending:
                self.tell(f"{path.rstrip('/')} was not read: {file.problem}.")
        elif ending == ".zip":
            self.add_archive(path, file)
        elif ending in PACKED:
            self.tell(f"{path} {UNREADABLE}")
        elif ending in ANSWERS:
            path = readable(str(inner.with_suffix(ending)))
            if file.size > LARGEST or sum(map(len, self.files.values())) + file.size > ALL or len(self.files) >= MOST:
                self.tell(f"{path} was not read: it is too large, or there are too many files.")
                return
            try:
                self.files[path] = file.read(LARGEST)
            except Exception as error:  # a damaged one raises errors of many kinds
                self.tell(f"{path} cannot be read: {reason(error)}.")
        elif not path.endswith("/") and len(self.others) < MOST:
            self.others.append(path)

    def add_archive(self, path: str, file: File) -> None:
        """Take the files of a zip archive, as if they lay in a folder."""
        under = path.rpartition(".")[0]
        if any(one.startswith(f"{under}/") for one in self.files):
            under = path
        self.unpacked += file.size if file.depth else 0
        try:
            if self.unpacked > ALL:
                raise ValueError("was not read: there is too much in archives")
            for inner, one in in_archive(file).items():
                self.add(f"{under}/{inner}", one)
        except ValueError as error:
            self.tell(f"{path} {error}.")

    def add_all(self, tree: Tree) -> "Submission":
        """Take all files of a folder or an archive, and tell what was left out."""
        for path, file in tree.items():
            self.add(path, file)
        documents = [path for path in self.others if is_document(path)]
        left = documents if self.files else self.others
        if left:
            self.tell(f"Not read, for only .py, .ipynb and .zip are: {listed(left)}.")
        if not self.files and not self.problems:
            self.tell("Nothing was handed in: no .py, no .ipynb and no .zip.")
        return self

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
            untouched = sum(f"{name} is yours to write" in text for name in names)
            # The newest in which something is written; of two alike the one with more of it, and that does not hide in a folder.
            begun = len(written) > untouched
            place = (-path.count("/"), path.endswith(".ipynb"), path)
            return begun, age(path), len(written) - untouched, len(written), *place

        found = [path for path in self.files if chapter_of(path, self.files[path]) == chapter]
        return sorted(((worth(path), path) for path in found), reverse=True)

    def answers(self, chapter: Chapter) -> str | None:
        """The path of the file with the answers to a chapter; None if there is none."""
        return next((path for _, path in self.ranked(chapter)), None)

    def choice(self, chapter: Chapter) -> str:
        """Which of several different files counts for a chapter, and why; nothing if there is nothing to choose."""
        (first, path), *rest = self.ranked(chapter) or [((), "")]
        rest = [(worth, other) for worth, other in rest if self.files[other] != self.files[path]]
        others = [other for _, other in rest]
        if not path:
            return ""
        if when(path) < max(map(when, self.files)):
            words = f"{path} counts, from an earlier hand-in: the newest has nothing for it"
            words += f"; not {listed(others)}" if others else ""
        elif not rest and is_number(path) and named_after(path) not in (None, chapter):
            words = f"{path} counts, for that is what it answers"
        elif not rest:
            return ""
        elif first[0] and not rest[0][0][0]:
            words = f"{path} counts, for nothing is written in {listed(others)}"
        elif first[1] != rest[0][0][1]:
            words = f"{path} counts, for it is the newest; not {listed(others)}"
        elif first[2] != rest[0][0][2]:
            words = f"{path} counts, for it has more answers; not {listed(others)}"
        else:
            words = f"{path} counts, and nothing tells whether it is the newest; not {listed(others)}"
        return plain(f"{chapter.topic}: {words}.")


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


def answered(data: bytes) -> Chapter | None:
    """The chapter that a file answers, by what it defines."""
    defined = set(DEFINES.findall(data.decode("utf-8", "replace")))
    counts = {chapter: sum(one.name in defined for one in chapter.exercises) for chapter in chapters()}
    best = max(counts, key=counts.get)
    # One function of such a name, such as `step`, may be anything.
    return best if 2 * counts[best] > len(best.exercises) else None


def is_number(path: str) -> bool:
    """Whether a file is called by a number alone, which may be that of a chapter or of a learner."""
    return PurePosixPath(path).stem.isdecimal()


def chapter_of(path: str, data: bytes) -> Chapter | None:
    """The chapter that a file answers: by its name, or else by what it defines; where a number is its name, the other way round."""
    if is_number(path):
        return answered(data) or named_after(path)
    return named_after(path) or answered(data)


def topics_in(one: Submission, by_content: bool = False) -> set[str]:
    """The topics of the chapters that somebody answers; without those that a file is only called after, if that is asked."""
    found = (answered(data) if by_content else chapter_of(path, data) for path, data in one.files.items())
    return {chapter.topic for chapter in found if chapter}


def find(places: list[Path], as_one: bool = False, tell: Callable[[str], None] = str) -> list[Submission]:
    """What learners handed in at some places.

    A folder with chapters in it is one learner's, and so is a file or an archive. Any other folder holds what several
    handed in; and so does an archive that was downloaded from a platform, or has such folders. Who it is, is told by what
    the platform writes, or else by the name of the file, the archive or the folder.

    as_one  whether each place is one learner's, whatever lies in it
    tell    is called with a sentence on what is taken as nobody's

    Raises FileNotFoundError for a place that is not there, and ValueError if nothing is there to grade.
    """
    trees: dict[tuple[Path, bool], Tree] = {}
    for place in places:
        if not place.exists():
            raise FileNotFoundError(
                f"There is no {place}. Name files, folders or zip archives that learners handed in."
            )
        if place.is_dir() and not as_one and layouts.owned(f"{place.name}/x"):
            files = {f"{place.name}/{path}": file for path, file in in_folder(place).items()}
            trees.setdefault((place.resolve().parent, False), {}).update(files)
        elif place.is_dir():
            trees[place, True] = in_folder(place)
        else:  # files of one folder belong together, such as those of `hand-ins/*`
            at = place if as_one else place.resolve().parent
            trees.setdefault((at, False), {})[place.name] = on_disk(place.resolve())
    found: list[Submission] = []
    for (place, whole), tree in trees.items():
        name = place.resolve().name
        if as_one:
            one = Submission(name)
            if not whole:
                ((path, file),) = tree.items()
                one.name = Submission(place.resolve().parent.name if named_after(path) else Path(path).stem).name
                tree = contents(path, file, one)
            found.append(one.add_all(tree))
        else:
            these = learners(tree, name, CLASS)
            found += these
            if len(these) > 1 and (left := nobody_s(tree)):
                tell(f"Nobody's, for only .py, .ipynb and .zip are read: {listed(left)} in {place}.")
    if not found:
        raise ValueError(f"There is nothing to grade in {', '.join(map(str, places))}: no .py, no .ipynb and no .zip.")
    return told_apart(found)


def nobody_s(tree: Tree) -> list[str]:
    """The files at the top of a folder that tell of nobody, and cannot be graded."""
    top = [path for path in tree if "/" not in path and not hidden(path) and not layouts.owned(path)]
    return [path for path in top if ending(path) not in HAND_INS and not tree[path].problem]


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


def joined(found: list[Submission]) -> list[Submission]:
    """The same, where two of one name that answer different chapters are one learner's."""
    kept: dict[str, Submission] = {}
    for one in found:
        before = kept.setdefault(one.name.casefold(), one)
        if before is one:
            continue
        if topics_in(one) & topics_in(before):
            kept[f"{one.name.casefold()} {len(kept)}"] = one
            continue
        before.files |= {(f"more/{path}" if path in before.files else path): data for path, data in one.files.items()}
        before.tell(f"Put together as one learner's: two are called {before.name}, with answers to different chapters.")
        for problem in one.problems:
            before.tell(problem)
    return list(kept.values())


def contents(name: str, file: File, one: Submission) -> Tree:
    """The files in an archive, or a file alone; what keeps an archive closed is told to a learner."""
    if PurePosixPath(name).suffix.lower() != ".zip" or file.problem:
        return {name: file}
    try:
        return in_archive(file)
    except ValueError as error:
        one.tell(f"{name} {error}.")
        return {}


def learners(tree: Tree, name: str, holds: int, levels: int = LEVELS) -> list[Submission]:
    """What learners handed in, each of them, in a folder or an archive.

    name    the learner's, if all of it is one's
    holds   CLASS, EITHER or LEARNER
    levels  of folders in which to look for learners
    """
    alone = Submission(name)
    if not levels:
        return [alone.add_all(tree)]
    found, rest = from_platform(tree)
    if len(found) > (holds == LEARNER):
        beside = any(ending(path) in HAND_INS and not hidden(path) for path in rest)
        others = learners(rest, name, holds, levels - 1) if beside else []
        for one in others:
            one.tell("Its path does not say whose it is, as those beside it do.")
        return among(name, holds, found + others) if holds == LEARNER else found + others
    items = items_in(tree)
    if holds == CLASS and not items:
        return []

    @functools.cache
    def within(top: str) -> list[Submission]:
        one, inner = Submission(stem(top)), items[top]
        if len(items) == 1 and holds != CLASS:
            one.name = alone.name
        if top in tree and ending(top) != ".zip":
            return [one.add_all(inner)]
        kind = max(holds, EITHER) if len(items) == 1 else EITHER if is_version(stem(top), EITHER) else LEARNER
        inner = contents(top, tree[top], one) if top in tree else inner
        people = learners(inner, one.name, kind, levels - 1)
        people[0].problems[:0] = one.problems
        return people

    if len(items) == 1:
        (top,) = items
        if holds == EITHER and is_version(name, EITHER) and not is_version(stem(top), EITHER):
            alone.name = Submission(layouts.person(stem(top))[0]).name
        if top not in tree or ending(top) == ".zip":
            inside = within(top)
            if holds == CLASS or len(inside) > 1 or inside[0].name != alone.name:
                return inside
    if holds == LEARNER and not few(items, within):
        return [alone.add_all(tree)]
    named = chapters_in(items, tree, within)
    loose = [top for top in items if top in tree and top not in named]
    packed = [top for top in items if top not in named and (top not in tree or ending(top) == ".zip")]
    if holds == CLASS:
        several = not named or share_a_chapter(loose, within, holds)
        several |= sum(any(map(topics_in, within(top))) for top in packed if top not in tree) > 1
    else:
        several = not named and share_a_chapter(list(items) if holds == EITHER else packed, within, holds)
        several |= holds == EITHER and (len(people_named(loose)) > 1 or any(len(within(top)) > 1 for top in packed))
    if several:
        people = one_by_one(tree, items, name, named, within)
        return among(name, holds, people)
    if len(named) > 1 and any(is_number(top) or top not in tree for top in named):
        alone.tell(f"{listed(named)} are taken as chapters of one learner, as their answers say.")
    elif holds == EITHER and len(packed) > 1:
        alone.tell(f"{listed(packed)} are taken as one learner's.")
    return [alone.add_all(tree)]


def few(tops: Iterable[str], within: Callable[[str], list[Submission]]) -> bool:
    """Whether what a learner handed in is little enough for looking in it for others."""
    total = 0
    for number, top in enumerate(tops):
        if number >= FEW or total > ALL:
            return False
        total += sum(len(data) for one in within(top) for data in one.files.values())
    return total <= ALL


def among(name: str, holds: int, people: list[Submission]) -> list[Submission]:
    """The same, with a remark where they were not expected; then a learner may have made them up, so they keep its name."""
    for one in people if holds != CLASS and len(people) > 1 else []:
        if holds == LEARNER:
            one.name = Submission(f"{name} {one.name}").name
        one.tell(f"{name} holds what several handed in, as its folders and files say: this is one of {len(people)}.")
    return people


def is_version(name: str, holds: int) -> bool:
    """Whether a name tells one hand-in of a learner from another, such as `draft`, and no learner; a number may be either."""
    return layouts.is_version(name) and (holds == LEARNER or not name.isdecimal())


def as_answer(path: str) -> str:
    """The path of a file without the ending that a browser adds: `noise.py` for `noise.py.txt`."""
    match = AS_TEXT.search(path)
    return path[: match.end()] if match else path


def ending(path: str) -> str:
    """What a file ends in: `.py` also for `noise.PY` and `noise.py.txt`."""
    return PurePosixPath(as_answer(path)).suffix.lower()


def stem(path: str) -> str:
    """The name of a file or a folder without its ending, if it is one that we know."""
    path = as_answer(path.rstrip("/"))
    return path.rpartition(".")[0] if ending(path) in (*HAND_INS, *DOCUMENTS) else path


def items_in(tree: Tree) -> dict[str, Tree]:
    """What lies at the top of a folder and may be somebody's: files that could hold answers, archives, links and folders."""
    found: dict[str, Tree] = {}
    for path, file in tree.items():
        top, _, below = path.partition("/")
        linked = path.count("/") == 1 and not below and file.problem
        if hidden(top):
            continue
        if below or (path.endswith("/") and not linked):
            found.setdefault(top, {}).update({below: file} if below else {})
        elif linked or ending(path) in HAND_INS or file.problem:
            found[path] = {path: file}
    # A folder with a lock was written by an earlier grading.
    written = {top for top in found if f"{top}/.lock" in tree}
    return {
        top: inner
        for top, inner in found.items()
        if top not in written or any(ending(path) in ANSWERS for path in inner)
    }


def chapters_in(items: dict[str, Tree], tree: Tree, within: Callable[[str], list[Submission]]) -> list[str]:
    """The files and folders at the top that are called after chapters; numbers and folders only if they answer no other."""
    files = [top for top in items if top in tree and ending(top) in ANSWERS and named_after(as_answer(top))]
    folders = [top for top in items if top not in tree and named_after(top)]

    def alike(top: str) -> bool:
        one, *more = within(top)
        return not more and topics_in(one, by_content=True) <= {named_after(top).topic}

    numbers = [top for top in files if is_number(top)]
    if not all(map(alike, numbers)):
        files = [top for top in files if top not in numbers]
    return files + (folders if all(map(alike, folders)) else [])


def share_a_chapter(tops: list[str], within: Callable[[str], list[Submission]], holds: int) -> bool:
    """Whether several files or folders answer the same chapter, and are not called as versions by one learner are."""
    by_topic = defaultdict(list)
    for top in tops if len(tops) > 1 else []:
        for topic in set().union(*map(topics_in, within(top))):
            by_topic[topic].append(stem(top))
    return any(len(names) > 1 and not any(is_version(one, holds) for one in names) for names in by_topic.values())


def people_named(tops: list[str]) -> set[str]:
    """The learners that files are called after, beside a chapter."""
    known = ((top, layouts.person(as_answer(top))) for top in tops)
    return {who.casefold() for top, (who, file) in known if file != as_answer(top) and not layouts.is_version(who)}


def one_by_one(
    tree: Tree, items: dict[str, Tree], name: str, named: list[str], within: Callable[[str], list[Submission]]
) -> list[Submission]:
    """Each folder and each archive as a learner's, and each file as that of whom it is called after.

    name    of the learner whose the files are that are called after chapters
    named   those
    within  the learners in each folder and each archive
    """
    found: list[Submission] = []
    shelves: list[Submission] = []  # what lies in folders for chapters or weeks
    groups: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for top in items:
        if top not in tree or (ending(top) == ".zip" and (len(within(top)) > 1 or is_version(stem(top), EITHER))):
            (shelves if is_version(stem(top), EITHER) else found).extend(within(top))
            continue
        who, file = (name, top) if top in named else layouts.person(stem(top) + PurePosixPath(top).suffix)
        groups[who.casefold()].append((who, file, top))
    for files in groups.values():
        one = Submission(files[0][0])
        if len(files) == 1:
            one.add_all(contents(files[0][2], tree[files[0][2]], one))
        else:
            one.add_all(unlike((file, tree[top], top) for _, file, top in files))
        found.append(one)
        if files[0][2] in named:
            one.tell("It lies beside what others handed in, and nothing says whose it is.")
        elif len(files) > 1:
            one.tell(f"Put together as one learner's, as their names say: {listed(top for *_, top in files)}.")
        numbers = [top for top in tree if is_number(top) and ending(top) in ANSWERS]
        if files[0][2] in numbers and len(numbers) > 1:
            one.tell("The numbers are taken as those of learners, not of chapters, as the answers say.")
    return sorted(found + joined(shelves), key=lambda one: one.name)


def unlike(files: Iterable[tuple[str, File, str]]) -> Tree:
    """Paths and files, where of two that have one path the second keeps its whole one."""
    found: dict[str, File] = {}
    for path, file, whole in files:
        found[whole if path in found else path] = file
    return found


def from_platform(tree: Tree) -> tuple[list[Submission], Tree]:
    """What each learner handed in whose files have paths as a platform writes them; and the files that have not."""
    owners = {path: one for path in tree if not hidden(path) and (one := layouts.owned(path))}
    texts = {one.who: tree[path].text(10_000) for path, one in owners.items() if one.receipt}
    names = {who: layouts.receipt(text, who) for who, text in texts.items()}
    submitters = layouts.submitters(tree) if owners else {}
    groups: dict[str, list[str]] = defaultdict(list)
    for path, one in owners.items():
        groups[names.get(one.who, ("", ""))[1] or one.key].append(path)

    def short(one: layouts.Owned) -> str:
        named = names.get(one.who, ("", ""))[0]
        return named or (one.who.rpartition("_")[2] if one.platform == "Blackboard" else one.who)

    often = Counter(short(owners[paths[0]]).casefold() for paths in groups.values())
    found, teams = [], defaultdict(list)
    for paths in groups.values():
        first = owners[paths[0]]
        who = short(first)
        if often[who.casefold()] > 1:
            who = f"{who} {first.number}" if first.number else first.who
        files = unlike((owners[path].file, tree[path], path) for path in paths if not owners[path].receipt)
        tops = list(dict.fromkeys(owners[path].top for path in paths if not owners[path].receipt))
        for person in submitters.get(first.who, [who]):
            one = Submission(person).add_all(files)
            if len(tops) > 1:
                one.tell(f"Put together as one learner's, as {first.platform} names them: {listed(tops)}.")
            found.append(one)
            if first.team:
                teams[first.team].append(one)
    for team, members in teams.items():
        theirs = {one.name: dict(one.files) for one in members}
        for one in members if len(members) > 1 else []:
            for name, files in theirs.items():
                one.files |= {f"{name}/{path}": data for path, data in files.items() if name != one.name}
            one.tell(f"{team} handed in together: what {listed(theirs)} handed in counts for each.")
    return found, {path: file for path, file in tree.items() if path not in owners}
