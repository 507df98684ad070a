"""Tells which chapter a file answers, and which of several files counts for it, and why."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from dino.course.chapters import Chapter, chapters, exercise_names
from dino.course.grade.layouts import age, is_number, named_after
from dino.course.grade.results import listed, plain
from dino.course.judge.reading import LONGEST, unsplit

# What stands in a line before the name of something that is defined, imported or assigned, and after what is assigned.
DEFINED = re.compile(r"[ \t]*(?:async +)?(?:def|class)[ \t]+")
IMPORTED, BEFORE = re.compile(r".*\bimport\b[\w., ()]*"), re.compile(r"(?:\w+ *, *)*")
AFTER = re.compile(r"(?: *, *\w+)* *(?::[^=\n]*)?=(?!=)")
OFTEN, AROUND = 300, 100  # how often a name is looked at, and how many letters of its line
# Why one of two files counts, by the first number of its worth in which they differ.
REASONS = (
    "for nothing is written in {}",
    "for {} is imported by another file, as a helper",
    "for it is the newest; not {}",
    "for it has more answers; not {}",
    "for it was saved last, which is all that tells them apart; not {}",
)
NO_REASON = "and nothing tells whether it is the newest; not {}"


@dataclass(frozen=True)
class Facts:
    """What the text of a file says, as far as that can be told without running it.

    whole    whether it is what its name says
    defined  the exercises that it has functions or classes for
    given    those that it imports or assigns, too
    stubs    those that are as they were handed out
    imports  names of modules
    saved    when it was written, in minutes of some clock; 0 if that is not known
    """

    whole: bool = False
    defined: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    stubs: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()
    saved: int = 0


def facts_of(path: str, data: bytes, saved: int = 0) -> Facts:
    """What is known of a file."""
    try:
        text, whole = "\n".join(cell.text for cell in unsplit(data, path)), True
    except ValueError:  # the beginning may still tell what it was to be
        text, whole = data[:LONGEST].decode("utf-8", "replace"), False
    if text.lstrip().startswith("{"):
        text = text.replace("\\n", "\n").replace('"', "\n")
    names = frozenset(exercise_names())
    defined, given = set(), set()
    for name in names:
        for match in itertools.islice(re.finditer(rf"{name}\b", text), OFTEN):
            before = text[max(0, match.start() - AROUND) : match.start()].rpartition("\n")[2]
            if DEFINED.fullmatch(before):
                defined.add(name)
            after = text[match.end() : match.end() + AROUND]
            if IMPORTED.fullmatch(before) or (BEFORE.fullmatch(before) and AFTER.match(after)):
                given.add(name)
    stubs = {name for name in names if f"{name} is yours to write" in text}
    imports = itertools.islice(re.finditer(r"(?:from|import) (\w+)", text), OFTEN)
    return Facts(
        whole,
        frozenset(defined),
        frozenset(defined | given),
        frozenset(stubs),
        frozenset(one[1] for one in imports),
        saved,
    )


def chapter_of(path: str, facts: Facts) -> Chapter | None:
    """The chapter that a file answers: by its name, or else by what it defines; where a number is its name, the other way round."""
    named = named_after(path)
    if named and not is_number(path):
        return named
    answered = [chapter for chapter in chapters() if answers_most(facts, chapter)]
    count = {chapter: sum(one.name in facts.defined for one in chapter.exercises) for chapter in answered}
    return max(count, key=count.get) if count else named


def answers_most(facts: Facts, chapter: Chapter) -> bool:
    """Whether a file has most answers to a chapter: one function of such a name, such as `step`, may be anything."""
    return 2 * sum(one.name in facts.defined for one in chapter.exercises) > len(chapter.exercises)


def helpers(files: Mapping[str, Facts], chapter: Chapter) -> set[str]:
    """The files that one beside them imports, and that have few answers: `sampling.py` need not be meant for the chapter."""
    imported = {
        f"{folder}{slash}{name}.py"
        for path, facts in files.items()
        for folder, slash, file in [path.rpartition("/")]
        for name in facts.imports & {chapter.topic}
        if file != f"{name}.py"
    }
    return {path for path in imported & files.keys() if not answers_most(files[path], chapter)}


def attempts(path: str, files: Mapping[str, Facts], chapter: Chapter) -> bool:
    """Whether a file defines an exercise of a chapter, or tries to; what is not what its name says may have been meant to."""
    facts = files[path]
    tried = not facts.whole or any(one.name in facts.given for one in chapter.exercises)
    return tried and path not in helpers(files, chapter)


def ranked(files: Mapping[str, Facts], chapter: Chapter) -> list[tuple[tuple, str]]:
    """The files with answers to a chapter, the one that counts first, each with what it is worth."""

    aside = helpers(files, chapter)

    def worth(path: str) -> tuple:
        facts, names = files[path], {one.name for one in chapter.exercises}
        written, done = len(names & facts.given), len(names & facts.given) - len(names & facts.stubs)
        # Of those alike in all that `REASONS` names, the one that does not hide in a folder.
        return (
            done > 0,
            path not in aside,
            age(path),
            done,
            facts.saved,
            written,
            -path.count("/"),
            path.endswith(".ipynb"),
            path,
        )

    return sorted(((worth(path), path) for path in files if chapter_of(path, files[path]) == chapter), reverse=True)


def chosen(files: Mapping[str, Facts], same: Mapping[str, object], chapter: Chapter) -> str:
    """Which of several different files counts for a chapter, and why, as a sentence; nothing if there is nothing to choose.

    same  by path, what is equal for files that are alike
    """
    (first, path), *rest = ranked(files, chapter) or [((), "")]
    rest = [(worth, other) for worth, other in rest if same[other] != same[path]]
    others = listed(other for _, other in rest)
    if path and handed_in(path) < max(map(handed_in, files)):
        why = "from an earlier hand-in: the newest has nothing for it" + (f"; not {others}" if others else "")
    elif rest:
        differ = [reason for reason, one, other in zip(REASONS, first, rest[0][0], strict=False) if one != other]
        why = [*differ, NO_REASON][0].format(others)
    elif path and is_number(path) and named_after(path) not in (None, chapter):
        why = "for that is what it answers"
    elif path in helpers(files, chapter):
        why = "for it is called so, though another file imports it: is it a helper?"
    else:
        return ""
    return plain(f"{chapter.topic}: {path} counts, {why}.")


def handed_in(path: str) -> tuple[int, ...]:
    """When a file was handed in, as far as the folders tell that it lies in."""
    return age(path.rpartition("/")[0])[0]
