"""Tells which chapter a file answers, and which of several files counts for it, and why."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dino.course.chapters import Chapter, chapters, exercise_names
from dino.course.grade.layouts import age, is_number, named_after
from dino.course.grade.results import listed, plain
from dino.course.judge.reading import GIVES, LONGEST, unsplit

# Why one of two files counts, by the first number of its worth in which they differ.
REASONS = (
    "because nothing is written in {}",
    "because {} is imported by another file, as a helper",
    "not {}, because it is the newest",
    "not {}, because it has more answers",
    "not {}, because it was saved last, which is all that tells them apart",
)
NO_REASON = "not {}, though nothing tells whether it is the newest"


@dataclass(frozen=True)
class Facts:
    """What the text of a file says, as far as that can be told without running it.

    data     the text, as bytes
    whole    whether it is what its name says
    defined  the exercises that it has functions or classes for
    given    those that it imports or assigns, too
    stubs    those that are as they were handed out
    imports  names of modules
    saved    when it was written, in minutes; 0 if that is not known
    """

    data: bytes
    whole: bool
    defined: set[str]
    given: set[str]
    stubs: set[str]
    imports: set[str]
    saved: int


def facts_of(path: str, data: bytes, saved: int = 0) -> Facts:
    """What is known of a file."""
    try:
        text, whole = "\n".join(cell.text for cell in unsplit(data, path)), True
    except ValueError:  # the beginning may still tell what it was to be
        text, whole = data[:LONGEST].decode("utf-8", "replace"), False
    if text.lstrip().startswith("{"):
        text = text.replace("\\n", "\n").replace('"', "\n")
    names, found = {*exercise_names()}, {*GIVES.findall(text)}
    defined = {name for name, *_ in found} & names
    given = {word for these in found for word in re.findall(r"\w+", " ".join(these))} & names
    stubs = {*re.findall(r"(\w+) is yours to write", text)} & names
    imports = {*re.findall(r"(?:from|import) (\w+)", text)}
    return Facts(data, whole, defined, given, stubs, imports, saved)


def names_of(chapter: Chapter) -> set[str]:
    """The names of the exercises of a chapter."""
    return {one.name for one in chapter.exercises}


def chapter_of(path: str, facts: Facts) -> Chapter | None:
    """The chapter that a file answers: by its name, or else by what it defines; where a number is its name, the other way round."""
    named = named_after(path)
    if named and not is_number(path):
        return named
    answered = [chapter for chapter in chapters() if answers_most(facts, chapter)]
    return max(answered, key=lambda chapter: len(facts.defined & names_of(chapter)), default=named)


def answers_most(facts: Facts, chapter: Chapter) -> bool:
    """Whether a file has most answers to a chapter: one function of such a name, such as `step`, may be anything."""
    return 2 * len(facts.defined & names_of(chapter)) > len(chapter.exercises)


def is_helper(path: str, files: Mapping[str, Facts]) -> bool:
    """Whether one beside it imports a file, and it has few answers: `sampling.py` need not be meant for the chapter."""
    chapter, (folder, _, name) = named_after(path), path.rpartition("/")
    beside = [facts for other, facts in files.items() if other.rpartition("/")[0] == folder and other != path]
    imported = any(name.removesuffix(".py") in facts.imports for facts in beside)
    return imported and chapter is not None and not answers_most(files[path], chapter)


def attempts(path: str, files: Mapping[str, Facts], chapter: Chapter) -> bool:
    """Whether a file defines an exercise of a chapter, or tries to; what is not what its name says may have been meant to."""
    return not is_helper(path, files) and (not files[path].whole or not names_of(chapter).isdisjoint(files[path].given))


def ranked(files: Mapping[str, Facts], chapter: Chapter) -> list[tuple[tuple, str]]:
    """The files with answers to a chapter, the one that counts first, each with what it is worth."""

    def worth(path: str, facts: Facts) -> tuple:
        written = len(facts.given & names_of(chapter))
        done = written - len(facts.stubs & names_of(chapter))
        reasons = (done > 0, not is_helper(path, files), age(path), done, facts.saved)
        # Of those alike in all that `REASONS` names, the one that does not hide in a folder.
        return *reasons, written, -path.count("/"), path.endswith(".ipynb"), path

    these = [(path, facts) for path, facts in files.items() if chapter_of(path, facts) == chapter]
    return sorted(((worth(path, facts), path) for path, facts in these), reverse=True)


def chosen(files: Mapping[str, Facts], chapter: Chapter) -> str:
    """Which of several different files counts for a chapter, and why, as a sentence; nothing if there is nothing to choose."""
    (first, path), *rest = ranked(files, chapter) or [((), "")]
    rest = [(worth, other) for worth, other in rest if files[other].data != files[path].data]
    others = listed(other for _, other in rest)
    if not path:
        return ""
    if handed_in(path) < max(map(handed_in, files)):
        why = "from an earlier hand-in: the newest has nothing for it" + (f"; not {others}" if others else "")
    elif rest:
        differ = [reason for reason, one, other in zip(REASONS, first, rest[0][0], strict=False) if one != other]
        why = [*differ, NO_REASON][0].format(others)
    elif is_number(path) and named_after(path) not in (None, chapter):
        why = "because that is what it answers"
    elif is_helper(path, files):
        why = "because of its name, though another file imports it: is it a helper?"
    else:
        return ""
    return plain(f"{chapter.topic}: {path} counts, {why}.")


def handed_in(path: str) -> tuple[int, ...]:
    """When a file was handed in, as far as the folders tell that it lies in."""
    return age(path.rpartition("/")[0])[0]
