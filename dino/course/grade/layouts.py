"""Tells who handed a file in, and when, from its path: as the usual platforms write it, or as people call their files."""

import functools
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from dino.course.chapters import Chapter, chapters, find_chapter
from dino.course.grade.listing import File, Tree, readable

ANSWERS, PACKED = (".py", ".ipynb"), (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
HAND_INS = (*ANSWERS, *PACKED, ".zip")
# What people hand in instead; no program can grade it.
DOCUMENT = re.compile(r"(?<!requirements)\.(?:txt|html?|pdf|docx?|odt|rtf|pages|pyc)$", re.IGNORECASE)
# What a browser or a mail program makes of a file that it takes for text.
AS_TEXT = re.compile(r"(\.py|\.ipynb)\.(?:txt|json)$", re.IGNORECASE)
NUMBER = r"(?!20[0-3]\d_)[1-9]\d{2,}"  # of Canvas, which is no year
# Each begins at the top of what was downloaded, and ends as early as it can, for what comes later is the learner's choice.
# who   the learner; `id` or `long` tells those apart who have one name, and `team` handed in together
# file  the path that the learner gave it, handed in `when`; without one it is the platform's own receipt
PLATFORMS = {
    "Moodle": r"(?P<who>[^/]+?)_(?P<id>\d+)_assignsubmission_[a-z]+_?/?(?P<file>.+)",
    "ILIAS": r"(?:(?:Submissions|Abgaben)/|(?P<team>Team[ _]?\d+)/){1,2}(?P<who>[^/_]+_[^/]+_\d+)/(?P<file>.+)",
    "Blackboard": r"(?P<long>(?:[^/]*?_)??(?P<who>[^/_]+))_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)",
    "Brightspace": r"(?:(?P<id>\d+)-\d+ - )?(?P<who>[^/]+?) - (?P<when>(?:(?! - )[^/])*?\b20\d\d\b(?:(?! - )[^/])*)(?:/| - )(?P<file>.+)",
    "Canvas": rf"(?:(?P<who>[^/_]+)(?:_LATE)?_(?P<id>{NUMBER})|(?P<anonymous>anon_\w{{5}})(?:_LATE)?)_{NUMBER}_(?P<file>.+)",
    "Gradescope": r"(?P<who>submission_(?P<id>\d+))/(?P<file>.+)",
}
# What platforms call a whole download, beside what `is_version` knows. A learner's own archive must not be taken for one.
DOWNLOAD = re.compile(r"gradebook_.*|.*(?:-\d+|_export|\bDownload\b.*)", re.IGNORECASE)
RECEIPT = re.compile(r"\s*Name: *(?P<name>.+?) *\((?P<id>[^()\n]+)\)")
SUBMITTERS = re.compile(r"^(submission_\d+):\n  :submitters:\n((?:  [- ] .*\n?)+)", re.MULTILINE)
SUBMITTER = re.compile(r"^  [- ] :name: *['\"]?(.+?)['\"]? *$", re.MULTILINE)
MONTHS = """jan f[eé] m[aä]r a[pvb]r ma[iyg] jui?n|giu jui?l|lug a[ugo][goû] se[pt] o[ckt] nov d[eéi][czc]"""
COPY = re.compile(
    r"^(?:copy of|kopie von|copie de|copia de) |(?:[ _-]+(?:copy|kopie|copie|copia))?(?: ?\(\d+\)|-\d{1,2})*$", re.I
)
COUNTER = re.compile(r"(?: ?\((\d+)\)|-(\d{1,2})|(?:attempt|version|versuch|v)[ _-]?(\d{1,3}))$", re.I)
STAMP = re.compile(
    r"(?<!\d)(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?:[-T_ ]?([0-2]\d)[-:.]?([0-5]\d)(?:[-:.]?([0-5]\d))?)?"
)
DATE = re.compile(r"(?:(\d{1,2})[ .]+)?(?<![^\W\d])([^\W\d]{3,})[. ]*(\d{1,2})?,? +(20\d\d)\b")
CLOCK = re.compile(r"\b(\d{1,2})[:.]?(\d\d)(?:[:.]\d\d)?(?: ?([AP])\.?M)?\b", re.I)
# Words in what people call versions and folders for chapters, weeks and groups, rather than people.
VERSION = """draft final old older new newer version v attempt versuch try backup copy kopie template original download
submission submissions abgaben solution solutions answer answers src lib week woche chapter kapitel sheet blatt task
aufgabe exercise exercises homework hw lab unit session assignment group gruppe section class my test tests scratch helper helpers
util utils"""
DEEPEST = 30  # folders in one another; what is deeper is read as if the others were not there
LONGEST = 255  # letters of a name; what is longer no platform has written, and patterns would take long


@dataclass
class Owned:
    """Whose a file is, if a platform wrote its path.

    platform  whose layout says so; `receipt` if the file is only its own note that something was handed in
    key       the same for all files that count for the same people
    who       the learner's name; `long` is one that no other has
    top       the folder or file that the platform wrote; `path` is what the learner called it, after the time
    """

    platform: str
    key: str
    who: str
    long: str
    top: str
    path: str
    receipt: bool


@dataclass
class Owner:
    """One learner, or several who handed in together, with what they handed in.

    people    their names; nothing for one that is not known
    files     each with the folder or file that it lay in or was, and its path
    platform  whose layout says so; nothing if that is only what people call their files
    notes     remarks
    """

    people: list[str]
    files: list[tuple[str, str, File]] = field(default_factory=list)
    platform: str = ""
    notes: list[str] = field(default_factory=list)


def folded(name: str) -> str:
    """The same for names that look the same, or that only large letters tell apart."""
    return unicodedata.normalize("NFC", name).casefold()


def owned(path: str) -> Owned | None:
    """Whose a file is, if a platform wrote its path."""
    for platform, pattern in PLATFORMS.items() if len(path) < 2 * LONGEST else ():
        match = re.fullmatch(pattern, path)
        known = {name: text for name, text in match.groupdict().items() if text} if match else {}
        when = moment(known.get("when", ""))
        # A homework's name may end in its day, but hardly in the time of day.
        vague = not any(when[3:]) if platform == "Brightspace" and "id" not in known else not when
        if not match or ("when" in known and vague):
            continue
        who = known.get("who") or known["anonymous"]
        long = known.get("long") or f"{who} {known.get('id', '')}".strip()
        key = folded(f"{platform} {known.get('team') or long}")
        inner = known.get("file") or PurePosixPath(path).name
        top = path.removesuffix(f"/{inner}")
        if when:
            inner = f"{'{:04}-{:02}-{:02}-{:02}-{:02}-{:02}'.format(*when)}/{inner}"
        elif "team" in known:
            inner = f"{who}/{inner}"
        return Owned(platform, key, who, long, top, inner, "file" not in known)
    return None


def from_platform(tree: Tree) -> tuple[dict[str, Owner], Tree]:
    """The owners of files whose paths a platform wrote, and the other files.

    Names are also from Blackboard's receipts and Gradescope's `submission_metadata.yml`.
    """
    files = {path: one for path in tree if (one := owned(path))}
    receipts = {one.long: RECEIPT.match(tree[path].text(10_000)) for path, one in files.items() if one.receipt}
    for one in files.values():
        match = receipts.get(one.long)
        if match and f"_{one.long}".endswith(f"_{match['id']}"):
            one.key, one.who, one.long = f"Blackboard {match['id']}", match["name"], f"{match['name']} {match['id']}"
    beginnings = {folded(one.who) for one in files.values()}
    loose = all(one.platform == "Canvas" or one.key == f"brightspace {folded(one.who)}" for one in files.values())
    if len(files) > 1 and len(beginnings) == 1 and loose:
        files = {}  # what all begin with is a course or a homework, rather than a learner
    often = Counter(who for _, who in {(one.key, folded(one.who)) for one in files.values()})
    listing = tree["submission_metadata.yml"].text(10 * 2**20) if "submission_metadata.yml" in tree else ""
    submitters = {folder: SUBMITTER.findall(people) for folder, people in SUBMITTERS.findall(listing)}
    found: dict[str, Owner] = {}
    for path, one in files.items():
        owner = found.setdefault(one.key, Owner([], platform=one.platform))
        people = submitters.get(one.who) or [one.long if often[folded(one.who)] > 1 else one.who]
        owner.people += [name for name in people if name not in owner.people]
        owner.files += [] if one.receipt else [(one.top, one.path, tree[path])]
    return found, {path: file for path, file in tree.items() if path not in files}


def moment(text: str) -> tuple[int, ...]:
    """The time that a text tells, as numbers from the year to the second; none if it tells none."""
    text = text[:LONGEST]
    if found := STAMP.search(text):
        date, clock = [int(part) for part in found.groups()[:3]], [int(part) for part in found.groups()[3:] if part]
    else:
        found = DATE.search(text)
        month = found and next((n for n, one in enumerate(MONTHS.split(), 1) if re.match(one, found[2], re.I)), 0)
        if not month:
            return ()
        date, clock = [int(found[4]), month, int(found[1] or found[3] or 0)], []
    if not clock and (told := CLOCK.search(text, found.end())):
        hour = int(told[1]) % 12 + 12 * (told[3] in "Pp") if told[3] else int(told[1])
        clock = [hour, int(told[2])]
    return tuple([*date, *clock, 0, 0, 0][:6])


@functools.lru_cache(10_000)
def age(path: str) -> tuple:
    """Which of several files is newer, as far as their paths tell: the larger."""
    times = [found for part in path.split("/") if (found := moment(part))]
    stems = [PurePosixPath(part[-LONGEST:]).stem for part in path.split("/")]
    counts = [int(next(filter(None, match.groups()), 0)) for one in stems if (match := COUNTER.search(one))]
    return max(times, default=()), tuple(counts)


def is_download(name: str) -> bool:
    """Whether a whole download may be called so, or a folder for a week or a group."""
    return is_version(name) or (len(name) <= LONGEST and DOWNLOAD.fullmatch(name) is not None)


def as_answer(path: str) -> str:
    """The path of a file without the ending that a browser adds: `noise.py` for `noise.py.txt`."""
    return AS_TEXT.sub(r"\1", path)


def ending(path: str) -> str:
    """What a file ends in: `.py` also for `noise.PY` and `noise.py.txt`; nothing for a folder."""
    name, dot, kind = as_answer(path.rpartition("/")[2]).rpartition(".")
    return (dot + kind).lower() if name and kind else ""


def read_as(path: str) -> str:
    """The path as which a file is read, and that any system can write down: of long names the beginning, of many folders
    the last."""
    parts = readable(as_answer(path)).split("/")[-DEEPEST:]
    return "/".join(part if len(part.encode()) <= LONGEST else part[:50] + ending(part)[-5:] for part in parts)


def stem(path: str) -> str:
    """The name of a file or a folder without its ending, if it is one that we know."""
    path = as_answer(path.rstrip("/"))
    return path[: -len(ending(path))] if ending(path) in HAND_INS else path


def original(name: str) -> str:
    """What a file was called before it was copied: `noise` for `noise (1).py`."""
    return COPY.sub("", stem(name)).strip() if len(name) <= LONGEST else stem(name)


@functools.cache
def words(more: str = "") -> str:
    """A pattern for the words that mean a chapter, and for more words; the longest first."""
    found = [*more.split(), *(word for one in chapters() for word in (one.path.stem, one.topic))]
    return "|".join(sorted(found, key=len, reverse=True))


def is_version(name: str) -> bool:
    """Whether a name tells one hand-in from another, and no learner: `draft`, `noise_v2`, `week 3`, `2026-01-31`."""
    word = words(VERSION)
    # What was matched is never tried otherwise, so that no name takes long.
    version = rf"(?:{word})(?:[ _.-]*+(?:{word}|\(?\d++\)?|[a-z](?![a-z])))*+[ _.-]*+"
    return bool(re.fullmatch(version, name, re.IGNORECASE) or STAMP.fullmatch(name))


def person(name: str) -> tuple[str, str]:
    """The learner after whom a file is called, and the rest: `Anna` and `noise` for `Anna - noise.py` and `noise_Anna.py`."""
    name = original(name)
    first, last = rf"(?P<who>.+?)[ _-]+(?P<file>{words()})", rf"(?P<file>{words()})[ _-]+(?P<who>.+)"
    match = (re.fullmatch(first, name, re.I) or re.fullmatch(last, name, re.I)) if len(name) <= LONGEST else None
    return (match["who"], match["file"]) if match else (name, "")


def is_number(path: str) -> bool:
    """Whether a file is called by a number alone, which may be that of a chapter or of a learner."""
    return stem(PurePosixPath(path).name).isdecimal()


@functools.lru_cache(10_000)
def named_after(path: str) -> Chapter | None:
    """The chapter that a file is called after, or that it is called a version of."""
    name = original(path.rstrip("/").rpartition("/")[2])
    who, file = person(name)
    return find_chapter(name.lower()) or (find_chapter(file.lower()) if is_version(who) else None)
