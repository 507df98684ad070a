"""Tells who handed a file in, and when, from its path, as the usual platforms write it."""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from dino.course.chapters import Chapter, chapters, find_chapter
from dino.course.grade.listing import Tree

# Each begins at the top of what was downloaded, and ends as early as it can, for what comes later is the learner's choice.
# who   the learner, and what else tells one from another; `id` if that is not the name
# file  the path that the learner gave it; `when` it was handed in, as it stands there; a `team` that handed it in
PLATFORMS = {
    "Moodle": r"(?P<who>[^/]+?)_(?P<id>\d+)_assignsubmission_[a-z]+_?/?(?P<file>.+)",
    "ILIAS": r"(?:(?:Submissions|Abgaben)/|(?P<team>Team[ _]?\d+)/){1,2}(?P<who>[^/_]+_[^/]+_\d+)/(?P<file>.+)",
    "Blackboard": r"(?P<who>[^/]+?)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)",
    "Brightspace": r"(?:(?P<id>\d+-\d+) - )?(?P<who>[^/]+?) - (?P<when>(?:(?! - )[^/])*?\b20\d\d\b(?:(?! - )[^/])*)(?:/| - )(?P<file>.+)",
    "Canvas": r"(?:(?P<who>[^/_]+)(?:_LATE)?_(?P<id>\d{3,})|(?P<anonymous>anon_\w{5})(?:_LATE)?)_\d{3,}_(?P<file>.+)",
    "Gradescope": r"(?P<who>submission_(?P<id>\d+))/(?P<file>.+)",
}
MONTHS = """jan f[eé] m[aä]r a[pvb]r ma[iyg] jui?n|giu jui?l|lug a[ugo][goû] se[pt] o[ckt] nov d[eéi][czc]"""
COPY = re.compile(
    r"^(?:copy of|kopie von|copie de|copia de) |(?:[ _-]+(?:copy|kopie|copie|copia))?(?: ?\(\d+\)|-\d{1,2})*$", re.I
)
COUNTER = re.compile(r"(?: ?\((\d+)\)|-(\d{1,2})|(?:attempt|version|versuch|v)[ _-]?(\d{1,3}))$", re.I)
STAMP = re.compile(
    r"(?<!\d)(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?:[-T_ ]?([0-2]\d)[-:.]?([0-5]\d)(?:[-:.]?([0-5]\d))?)?"
)
CLOCK = re.compile(r"\b(\d{1,2})[:.]?(\d\d)(?:[:.]\d\d)?(?: ?([AP])\.?M)?\b", re.I)
# Words in what people call the several hand-ins of one, rather than several people.
VERSION = """draft final old older new newer version v attempt versuch try backup copy kopie template original submission
submissions abgaben solution solutions answer answers src lib week woche chapter kapitel sheet blatt task aufgabe exercise
exercises homework hw lab unit session assignment group gruppe my"""
LONGEST = 255  # letters of a name; what is longer no platform has written, and patterns would take long


@dataclass
class Owned:
    """A file with its owner.

    platform  whose layout says so
    key       the same for all files of one learner
    who       the learner's name
    top       the folder or the file that the layout puts there
    file      the path that the learner gave it; after a time, if there is one
    number    of the learner, or nothing
    team      of which the learner is, or nothing
    receipt   whether it is only the platform's own note that something was handed in
    """

    platform: str
    key: str
    who: str
    top: str
    file: str
    number: str = ""
    team: str = ""
    receipt: bool = False


def owned(path: str) -> Owned | None:
    """Whose a file is, if a platform wrote its path."""
    for platform, pattern in PLATFORMS.items() if len(path) < 2 * LONGEST else ():
        if match := re.fullmatch(pattern, path):
            known = match.groupdict()
            if known.get("when") and not moment(known["when"]):
                continue
            who = known.get("who") or known["anonymous"]
            key = f"{platform} {known.get('id') or ''} {'' if platform == 'Canvas' and known['id'] else who}".casefold()
            file = known["file"] or PurePosixPath(path).name
            top = path[: match.start("file")].rstrip("/") if path[match.start("file") - 1] == "/" else path
            if when := moment(known.get("when") or ""):
                file = f"{'{:04}-{:02}-{:02}-{:02}-{:02}-{:02}'.format(*when)}/{file}"
            return Owned(
                platform,
                key,
                who.strip(),
                top,
                file,
                known.get("id") or "",
                known.get("team") or "",
                known["file"] is None,
            )
    return None


def moment(text: str) -> tuple[int, ...]:
    """The time that a text tells, as numbers from the year to the second; none if it tells none."""
    text = text[:LONGEST]
    if found := STAMP.search(text):
        date, clock = [int(part) for part in found.groups()[:3]], [int(part) for part in found.groups()[3:] if part]
    else:
        found = re.search(r"(?:(\d{1,2})[ .]+)?([^\W\d]{3,})[. ]*(\d{1,2})?,? +(20\d\d)\b", text)
        month = found and next((n for n, one in enumerate(MONTHS.split(), 1) if re.match(one, found[2], re.I)), 0)
        if not month:
            return ()
        date, clock = [int(found[4]), month, int(found[1] or found[3] or 0)], []
    if not clock and (told := CLOCK.search(text, found.end())):
        hour = int(told[1]) % 12 + 12 * (told[3] in "Pp") if told[3] else int(told[1])
        clock = [hour, int(told[2])]
    return tuple([*date, *clock, 0, 0, 0][:6])


def age(path: str) -> tuple:
    """Which of several files is newer, as far as their paths tell: the larger."""
    times = [found for part in path.split("/") if (found := moment(part))]
    stems = [PurePosixPath(part[-LONGEST:]).stem for part in path.split("/")]
    counts = [int(next(filter(None, match.groups()), 0)) for stem in stems if (match := COUNTER.search(stem))]
    return max(times, default=()), tuple(counts)


def original(name: str) -> str:
    """A file's name as it was before it was copied: `noise (1).py` was `noise.py`."""
    inner = PurePosixPath(name)
    if len(name) > LONGEST:
        return name
    return COPY.sub("", inner.stem).strip() + inner.suffix


def named_after(name: str) -> Chapter | None:
    """The chapter that a file is called after."""
    return find_chapter(original(PurePosixPath(name).name))


@functools.cache
def of_a_chapter() -> re.Pattern:
    """Matches the name of a file that holds a learner's name and that of a chapter: `Anna - 01_noise.py`, `noise_anna.py`."""
    words = "|".join(f"{one.path.stem}|{one.topic}" for one in chapters())
    return re.compile(rf"(?P<who>.+?)[ _-]+(?P<file>{words})|(?P<chapter>{words})[ _-]+(?P<person>.+)", re.I)


def is_version(name: str) -> bool:
    """Whether a name tells one hand-in of a learner from another, and no learner: `draft`, `noise_v2`."""
    return bool(of_a_version().fullmatch(name))


@functools.cache
def of_a_version() -> re.Pattern:
    """Matches such names. What was matched is never tried otherwise, so that no name takes long."""
    words = [*VERSION.split(), *(word for one in chapters() for word in (one.path.stem, one.topic))]
    one_of = "|".join(sorted(words, key=len, reverse=True))
    # The parts of what Google Drive packs are such, too.
    drive, word = r".+-\d{8}T\d{6}Z(?:-\d+){1,2}", rf"(?:{one_of}|\(?\d++\)?)"
    return re.compile(rf"{drive}|{word}(?:[ _.-]*+(?:{word}|[a-z](?![a-z])))*+[ _.-]*+", re.IGNORECASE)


def person(name: str) -> tuple[str, str]:
    """The learner after whom a file is called, and what the file is called without that."""
    inner = PurePosixPath(original(name))
    if len(name) <= LONGEST and (match := of_a_chapter().fullmatch(inner.stem)):
        count = re.search(r"( ?\(\d+\)|-\d{1,2})*$", PurePosixPath(name).stem)[0]
        return match["who"] or match["person"], f"{match['file'] or match['chapter']}{count}{inner.suffix}"
    return inner.stem, name


def submitters(tree: Tree) -> dict[str, list[str]]:
    """Who handed in what, by folder, as an export of Gradescope says in its `submission_metadata.yml`."""
    text = tree["submission_metadata.yml"].text(10 * 2**20) if "submission_metadata.yml" in tree else ""
    found: dict[str, list[str]] = {}
    for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
        begin = re.match(r"(submission_\d+):", block)
        people = begin and re.search(r"^  :submitters:\n((?:  [- ] .*\n?)+)", block, re.MULTILINE)
        if people:
            found[begin[1]] = re.findall(r"^  [- ] :name: *['\"]?(.+?)['\"]? *$", people[1], re.MULTILINE)
    return {folder: names for folder, names in found.items() if names}


def receipt(text: str, who: str) -> tuple[str, str]:
    """The name of a learner and what Blackboard calls them, as the receipt says that lies beside the files; else nothing.

    who  what stands before the attempt in its name: the assignment and the learner
    """
    match = re.match(r"\s*Name: *(.+?) *\(([^()\n]+)\)", text)
    return match.groups() if match and f"_{who}".endswith(f"_{match[2]}") else ("", "")


def listed(names: Iterable[str], most: int = 3) -> str:
    """Names as people list them; of many the first, and of long ones the end."""
    names = [name if len(name) < 45 else f"...{name[-40:]}" for name in names]
    more = len(names) - most
    shown = names[:most] + ([f"{more} more"] if more > 0 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
