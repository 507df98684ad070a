"""Finds who handed in what. Files are read into memory as they are, and nothing is unpacked to disk.

Whose is a file? An archive is read like a folder, and the first rule that fits holds:

1. Where a platform wrote the names of folders or files, they say whose those are. What all begin with, names nobody.
2. A folder that lies alone is opened.
3. Folders called `01_noise`, `week 2` or `group A` are opened if one of them holds the work of several learners, and what
   is called like a platform's downloads, or `s-101`, if each does. The same name in two of them is one learner, but it is
   never that of a whole one beside it. What a learner's own folder or archive holds in there is never another's.
4. Two answers to one chapter are two learners', unless their names say that they are versions (`noise_v2.py`); in a place
   that a teacher named, so are more than 8 versions, all that is not called after a chapter, and two files with answers.
   Each folder is one's, each file its namesake's; what is called after a chapter is nobody's whom it names.
5. All else is one learner's: what is called after chapters, with what lies beside it, and what is in a learner's folder.
"""

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dino.course.chapters import Chapter, chapters, find_exercise
from dino.course.grade import choice, layouts, listing
from dino.course.grade.choice import Facts
from dino.course.grade.layouts import ANSWERS, HAND_INS, Owner, ending, is_number, is_version, named_after, owned, stem
from dino.course.grade.listing import ALL, LARGEST, MOST, TEXTS, File, Tree, readable
from dino.course.grade.results import listed, plain
from dino.course.judge.reading import LONGEST

VERSIONS = 8  # of one chapter, of which one learner may have as many
TOLD = 10  # how many remarks on one learner are told


@dataclass
class Submission:
    """What one learner handed in.

    files     the texts, as bytes, by path
    problems  what could not be read, what was left out and what was put together, as sentences; at most `TOLD`
    told      how many sentences there were
    facts     what is known of the texts
    """

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    told: int = 0
    facts: dict[str, Facts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.name = plain(readable(unicodedata.normalize("NFC", self.name)))[:60].strip(" .:") or "somebody"
        self.problems, early = [], self.problems
        for problem in early:
            self.tell(problem)
        self.facts = {path: choice.facts_of(path, data) for path, data in self.files.items()}

    def tell(self, problem: str) -> None:
        """Keep a problem as a sentence on one line; of many, the first nine, and how many more there are."""
        self.told += 1
        more = f"There are {self.told - TOLD + 1} more remarks like these."
        self.problems[TOLD - 1 :] = [more if self.told > TOLD else plain(readable(problem))[:200]]

    def digest(self) -> str:
        """A number that changes with any of the files, and with what there is to say about them."""
        found = hashlib.sha256()
        for path, data in sorted(self.files.items()):
            found.update(f"{path}\0{len(data)}\0".encode())
            found.update(data)
        found.update("\0".join([*self.problems, *(str(self.answers(one)) for one in chapters())]).encode())
        return found.hexdigest()

    def read(self, files: Iterable[tuple[str, File]]) -> "Submission":
        """Take files by path, those in archives too, and tell what is left out."""
        before = self.told
        others = [path for path, file in read(files) if not self.take(path, file)]
        left = [path for path in others if not self.files or layouts.DOCUMENT.search(path[-layouts.LONGEST :])]
        if left:
            self.tell(f"Only .py, .ipynb and .zip are read, so these are left out: {listed(left)}.")
        if not self.files and self.told == before:
            self.tell("Nothing was handed in: no .py, no .ipynb and no .zip.")
        return self

    def take(self, given: str, file: File) -> bool:
        """Keep a file with answers, or tell why not; whether there was anything to keep or to tell."""
        path, kind = layouts.read_as(given), ending(given)
        if given != path and kind in ANSWERS:
            self.tell(f"{given} is read as {path}.")
        if file.problem and (kind in HAND_INS or not kind):
            self.tell(f"{path.rstrip('/') or 'It'} {file.problem}.")
        elif file.facts:
            path = path[: -len(kind)] + kind
            while path in self.files:
                path = f"also/{path}"
            self.files[path], self.facts[path] = file.facts.data, file.facts
        elif kind in HAND_INS:
            self.tell(f"{path} was not read: hand in .py, .ipynb or .zip.")
        return kind in HAND_INS or path.endswith("/") or bool(file.problem)

    def answers(self, chapter: Chapter) -> str | None:
        """The path of the file with the answers to a chapter; None if there is none."""
        return next((path for _, path in choice.ranked(self.facts, chapter)), None)

    def attempts(self, chapter: Chapter) -> bool:
        """Whether an exercise of a chapter was tried; that a file is called like the chapter is not enough."""
        path = self.answers(chapter)
        return path is not None and choice.attempts(path, self.facts, chapter)

    def choice(self, chapter: Chapter) -> str:
        """Which of several files counts for a chapter, and why; nothing if there is nothing to choose."""
        return choice.chosen(self.facts, chapter)


def read(files: Iterable[tuple[str, File]]) -> Iterator[tuple[str, File]]:
    """Files by path, those in archives too, with what is known of those with answers; of one learner's, some are too many."""
    many, left, letters = MOST, ALL, TEXTS
    for path, file in listing.unpacked(files):
        if ending(path) in ANSWERS and not file.problem:
            if file.size > LARGEST or file.size > left or letters < 0 or not many:
                file = File("was not read: it is too large, or there are too many files")
            else:
                # Of a notebook's pictures, which may be large, nothing is looked at.
                many, left, letters = many - 1, left - file.size, letters - min(file.size, LONGEST)
                try:
                    path_read = layouts.read_as(path)
                    file.facts = file.facts or choice.facts_of(path_read, file.read(0, LARGEST), file.saved)
                except Exception as error:  # a damaged one raises errors of many kinds
                    file.problem = f"cannot be read: {listing.reason(error)}"
        yield path, file


def find(places: list[Path], as_one: bool = False, tell: Callable[[str], None] = str) -> list[Submission]:
    """What learners handed in at some places; who they are, is told by the rules above.

    as_one  whether each place is one learner's, whatever lies in it
    tell    is called with a sentence on what is several learners', or nobody's

    Raises FileNotFoundError for a place that is not there, and ValueError if nothing is there to grade.
    """
    trees: dict[Path, Tree] = defaultdict(dict)
    found: list[Submission] = []
    for place in places:
        whole, beside = place.resolve(), place.parent.resolve()
        if not place.exists():
            words = "Name files, folders or zip archives that learners handed in."
            raise FileNotFoundError(f"There is no {place}. {words}")
        tree = listing.in_folder(whole) if whole.is_dir() else {place.name: listing.on_disk(str(whole))}
        results = {match[1] for path in tree if (match := re.fullmatch("([^/]*)/learners/[^/]+/marks.json", path))}
        results -= {path.partition("/")[0] for path in tree if ending(path) in HAND_INS}
        for top in results:
            tell(f"{top} in {place} was not read: it holds the results of a grading, and no answers.")
        tree = {path: file for path, file in tree.items() if path.partition("/")[0] not in results}
        if as_one:
            name = beside.name if named_after(place.name) and whole.is_file() else stem(whole.name)
            found.append(Submission(name).read(tree.items()))
        elif whole.is_file():
            trees[beside] |= tree
        elif owned(f"{place.name}/x"):  # what a platform wrote belongs together, such as `hand-ins/*`
            trees[beside] |= {f"{place.name}/{path}": file for path, file in tree.items()}
        else:
            trees[whole] |= tree
    for place, tree in trees.items():
        these = put_together(learners(tree, "", True).values(), place.name)
        found += these
        tops, names = {path.partition("/")[0] for path in tree}, [one.name for one in these]
        for top in tops if len(tops) == 1 else ():
            if len(names) > 1 or (ending(top) == ".zip" and names and names != [Submission(stem(top)).name]):
                whose = names[0] if len(names) == 1 else f"{len(names)} learners"
                tell(f"{top} holds what {whose} handed in, as the names in it say.")
        top = [path for path, file in tree.items() if "/" not in path and not file.problem and not owned(path)]
        if len(these) > 1 and (left := [path for path in top if ending(path) not in HAND_INS]):
            tell(f"Left out, because only .py, .ipynb and .zip are read: {listed(left)} in {place}.")
    if not found:
        raise ValueError(f"There is nothing to grade in {', '.join(map(str, places))}: no .py, no .ipynb and no .zip.")
    return told_apart(found)


def told_apart(found: list[Submission]) -> list[Submission]:
    """The same, each with a name of its own."""
    taken: set[str] = set()
    for one in found:
        name, number = one.name, 2
        while layouts.folded(one.name) in taken:  # some systems do not tell large letters from small ones
            one.name, number = f"{name} ({number})", number + 1
        taken.add(layouts.folded(one.name))
        if one.name != name:
            one.tell(f"Another is called {name}, too: if both are one learner, only one of these rows counts.")
    return found


def put_together(owners: Iterable[Owner], unknown: str) -> list[Submission]:
    """What each learner handed in, and how it was put together; `unknown` is called whom nothing names."""
    found = []
    for owner in owners:
        tops = [*dict.fromkeys(top for top, *_ in owner.files)]
        # Where all lies in one folder, the paths need not begin with it.
        inside = tops[0] if len(tops) == 1 else ""
        for who in owner.people:
            one = Submission(who or unknown, problems=[*dict.fromkeys(owner.notes)])
            one.read((path.removeprefix(f"{inside}/"), file) for _, path, file in owner.files)
            if len(owner.people) > 1:
                one.tell(f"{listed(owner.people)} handed in together: what each of them handed in counts for all.")
            elif len(tops) > 1:
                by = f"{owner.platform} names them so" if owner.platform else "their names say so"
                one.tell(f"Put together as the work of one learner, because {by}: {listed(tops)}.")
            found.append(one)
    return found


def learners(tree: Tree, name: str, sure: bool, levels: int = 4, shelf: bool = False) -> dict[str, Owner]:
    """The owners of what lies in a folder or an archive, by the rules at the top.

    name    whose it is, if it is one learner's; nothing if that is not known
    sure    whether a teacher named the folder, so that what is not called after a chapter is called after a learner
    levels  of folders in which learners are looked for
    shelf   whether others lie beside it that are called like it, so that a name in it is already a learner's
    """
    found, rest = layouts.from_platform(tree)
    items = items_in(rest)
    if found:
        for key, owner in learners(rest, name, sure, levels - 1, shelf).items() if items else ():
            owner.notes.append("Its path does not say whose it is, though those beside it do.")
            found[f"beside {key}"] = owner
        return found
    whole = Owner([name], [("", path, file) for path, file in tree.items()])
    if not items or not levels:
        return {} if sure and not items else {"": whole}
    folders = [top for top, inner in items.items() if [*inner] != [top]]
    if [*items] == folders[:1]:
        ((top, inner),) = items.items()
        if not shelf or layouts.is_download(stem(top)):
            return learners(inner, name or ("" if is_version(stem(top)) else stem(top)), False, levels - 1, shelf)
        return {"": Owner([stem(top)], [(top.rstrip("/"), path, file) for path, file in tree.items()])}
    topics = {top: topics_in(inner) for top, inner in items.items()}
    chapter = called_after_chapters(topics)
    if shelves := on_shelves(items, folders, chapter, levels - 1):
        return shelves
    personal = [top for top in items if top not in chapter and not is_version(stem(top))]
    called = {top: topics[top] for top in items if top not in folders and top not in personal}
    often = Counter(topic for these in called.values() for topic in these)
    versions = [top for top, these in called.items() if any(often[topic] > 1 for topic in these)]
    many = versions if sure and max(often.values(), default=0) > VERSIONS else []
    rivals = {top for top in items if top in personal or (sure and top in folders and top not in chapter)}
    if sure:
        alone = {top: inner[top].facts for top, inner in items.items() if [*inner] == [top] and inner[top].facts}
        helpers = set().union(*(facts.imports for facts in alone.values()))
        for top, facts in alone.items():
            if stem(top) not in helpers:
                topics[top] = topics[top] | {find_exercise(name)[0].topic for name in facts.defined}
    often = Counter(topic for _, topic in {(owner_of(top), topic) for top in rivals for topic in topics[top]})
    # In a teacher's folder, two files with answers are two learners', and so is one beside that of the chapter itself.
    owners = {owner_of(top) for top in personal if topics[top]}
    again = {topic for top in chapter if top not in folders for topic in topics[top]}
    several = sure and (len(owners) > 1 or any(again & topics[top] for top in personal))
    if max(often.values(), default=0) > 1 or several or many or (sure and personal and not chapter):
        return one_by_one(items, [top for top in chapter if top not in many], name, many)
    folders = [top for top in folders if topics[top]]
    if len(chapter) > 1 and any(map(is_number, chapter)):
        whole.notes.append(f"{listed(chapter)} are taken as chapters of one learner, because of the answers in them.")
    elif len(folders) > 1 or versions:
        whole.notes.append(f"{listed([*folders, *versions])} are taken as one learner's.")
    return {"": whole}


def items_in(tree: Tree) -> dict[str, Tree]:
    """What may be somebody's at the top of a folder: files that could hold answers; and what lies in folders and archives."""
    found: dict[str, Tree] = {}
    for path, file in tree.items():
        top, slash, below = path.partition("/")
        if slash and not (file.problem and not below):
            found.setdefault(f"{top}/", {}).update({below: file} if below else {})
        elif ending(path) in HAND_INS or file.problem:
            found[path] = listing.opened(path, file)
    return found


def topics_in(tree: Tree) -> set[str]:
    """The topics of the chapters that are answered in some files, of which no more is read than of one learner's."""
    known = [choice.chapter_of(layouts.read_as(path), file.facts) for path, file in read(tree.items()) if file.facts]
    return {chapter.topic for chapter in known if chapter}


def called_after_chapters(topics: dict[str, set[str]]) -> list[str]:
    """The files and folders that are called after chapters; numbers only if each is that of the chapter which it answers."""
    called = {top: chapter for top in topics if (chapter := named_after(top))}
    numbers = [top for top in topics if is_number(top)]
    as_called = all(top in called and topics[top] == {called[top].topic} for top in numbers)
    return [top for top in called if as_called or top not in numbers]


def on_shelves(items: dict[str, Tree], folders: list[str], chapter: list[str], levels: int) -> dict[str, Owner]:
    """The owners of what lies in folders for chapters, weeks and groups, and in downloads; none if one learner made them."""
    shelves = [top for top in folders if top in chapter or layouts.is_download(stem(top))]
    found: dict[str, Owner] = {}
    if shelves != [*items]:
        return found
    inside = [learners(inner, "", False, levels, True).values() for inner in items.values()]
    # Learners may be called `s-101`, too: so all downloads must hold what several handed in, or what a platform named.
    downloads = not all(top in chapter or is_version(stem(top)) for top in shelves)
    several = [len(owners) > 1 or (downloads and any(one.platform for one in owners)) for owners in inside]
    for top, inner in items.items() if all(several) or (any(several) and not downloads) else ():
        shelf = top.rstrip("/")
        for owner in learners(inner, "", True, levels, True).values():
            people = [who or stem(top) for who in owner.people]
            # No name in one folder is that of another folder.
            key = layouts.folded(", ".join(people)) if any(owner.people) else f"/{top}"
            known = found.setdefault(key, Owner(people, platform=owner.platform))
            known.notes += owner.notes
            known.files += [(f"{shelf}/{at}".rstrip("/"), f"{shelf}/{path}", file) for at, path, file in owner.files]
    return dict(sorted(found.items(), key=lambda one: not one[0].startswith("/")))


def one_by_one(items: dict[str, Tree], chapter: list[str], name: str, many: list[str]) -> dict[str, Owner]:
    """The owners, if each folder is one learner's, and each file that of whom it is called after; so are `many` files."""
    found: dict[str, Owner] = {}
    numbers = [top for top in items if is_number(top) and top not in chapter]
    personal = any(top not in chapter and not is_version(stem(top)) for top in items)
    for top, inner in items.items():
        nobody, folder = top in chapter and not top.endswith("/"), top.rstrip("/")
        who = "/" if nobody else owner_of(top)
        owner = found.setdefault(layouts.folded(who), Owner([name if nobody else stem(who)]))
        if [*inner] != [top] and any(map(owned, inner)):
            owner.notes.append("A platform wrote names of learners in it: grade it by itself to get a row for each.")
        elif top in many:
            owner.notes.append("It is taken as one learner's: too many have such a name to be versions of one file.")
        elif top in chapter or (personal and is_version(stem(top))):
            owner.notes.append("It lies beside what others handed in, and nothing says whose it is.")
        elif top in numbers and len(numbers) > 1:
            owner.notes.append(
                "The numbers are taken for learners, not for chapters, because of the answers in the files."
            )
        owner.files += [(folder, path if path == top else f"{folder}/{path}", file) for path, file in inner.items()]
    return found


def owner_of(top: str) -> str:
    """Whose a file is, by its name. A folder has a name of its own, and so has what is called `draft.zip`."""
    return top if top.endswith("/") or is_version(stem(top)) else layouts.person(top)[0]
