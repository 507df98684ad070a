"""Tells which chapter a file answers, and which of several files counts for it, and why."""

import re

from dino.course.chapters import Chapter, chapters
from dino.course.grade.layouts import age, is_number, named_after
from dino.course.grade.results import listed, plain
from dino.course.judge.reading import cells_in, text_in

DEFINES = r"(?:\b|\\n)(?:def|class)\s+(\w+)"
# What defines, assigns or imports a name, in a text or inside the quotes of a notebook.
GIVES = r'(?:\b|\\n)(?:def|class)\s+{0}\b|(?:^|"|\\n){0}\s*=(?!=)|\bimport\s+[\w, ()]*\b{0}\b'
# Why one of two files counts, by the first number of its worth in which they differ.
REASONS = ("for nothing is written in {}", "for it is the newest; not {}", "for it has more answers; not {}")
NO_REASON = "and nothing tells whether it is the newest; not {}"


def chapter_of(path: str, data: bytes) -> Chapter | None:
    """The chapter that a file answers: by its name, or else by what it defines; where a number is its name, the other way round."""
    named = named_after(path)
    if named and not is_number(path):
        return named
    defined = set(re.findall(DEFINES, data.decode("utf-8", "replace")))
    counts = {chapter: sum(one.name in defined for one in chapter.exercises) for chapter in chapters()}
    best = max(counts, key=counts.get)
    # One function of such a name, such as `step`, may be anything.
    return best if 2 * counts[best] > len(best.exercises) else named


def attempts(path: str, data: bytes, chapter: Chapter) -> bool:
    """Whether a file defines an exercise of a chapter, or tries to; what is not what its name says may have been meant to."""
    text = data.decode("utf-8", "replace")
    try:
        whole = bool(text_in(data, path) if path.endswith(".py") else cells_in(data, path))
    except ValueError:
        whole = False
    return not whole or any(re.search(GIVES.format(one.name), text, re.MULTILINE) for one in chapter.exercises)


def ranked(files: dict[str, bytes], chapter: Chapter) -> list[tuple[tuple, str]]:
    """The files with answers to a chapter, the one that counts first, each with what it is worth."""

    def worth(path: str) -> tuple:
        text = files[path].decode("utf-8", "replace")
        written = sum(bool(re.search(rf"\b{one.name}\b", text)) for one in chapter.exercises)
        done = written - sum(f"{one.name} is yours to write" in text for one in chapter.exercises)
        # Of those alike in all that `REASONS` names, the one that does not hide in a folder.
        return done > 0, age(path), done, written, -path.count("/"), path.endswith(".ipynb"), path

    return sorted(((worth(path), path) for path in files if chapter_of(path, files[path]) == chapter), reverse=True)


def chosen(files: dict[str, bytes], chapter: Chapter) -> str:
    """Which of several different files counts for a chapter, and why, as a sentence; nothing if there is nothing to choose."""
    (first, path), *rest = ranked(files, chapter) or [((), "")]
    rest = [(worth, other) for worth, other in rest if files[other] != files[path]]
    others = listed(other for _, other in rest)
    if path and handed_in(path) < max(map(handed_in, files)):
        why = "from an earlier hand-in: the newest has nothing for it" + (f"; not {others}" if others else "")
    elif rest:
        differ = [reason for reason, one, other in zip(REASONS, first, rest[0][0], strict=False) if one != other]
        why = [*differ, NO_REASON][0].format(others)
    elif path and is_number(path) and named_after(path) not in (None, chapter):
        why = "for that is what it answers"
    else:
        return ""
    return plain(f"{chapter.topic}: {path} counts, {why}.")


def handed_in(path: str) -> tuple[int, ...]:
    """When a file was handed in, as far as the folders tell that it lies in."""
    return age(path.rpartition("/")[0])[0]
