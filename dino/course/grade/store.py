"""The folder of a grading: what was found of each learner, kept as it comes, so that an interrupted one can go on.

grades/gradebook.csv, junit.xml, report.html    about all
grades/learners/NAME/                           about one: feedback.html, marks.json, and a file for each platform

Such a folder may have come with what a learner handed in. So nothing is written through a link, and kept marks are taken
only if they bear a seal: an HMAC with a key that lies where this user's programs keep what is theirs alone.
"""

import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dino.course.files import locked, write
from dino.course.grade import pages, platforms
from dino.course.grade.results import Graded, listed

CLASS = ("gradebook.csv", "junit.xml", "report.html")
LEARNER = ("feedback.html", "results.json", "result.json", "actions.json", "marks.json")
LARGEST = 2**26  # bytes of the marks of one learner: some pictures, and words
# What some system cannot call a folder, see https://learn.microsoft.com/windows/win32/fileio/naming-a-file.
# And what ends as the names end that are made of these.
UNFIT = re.compile(
    r'[<>:"/\\|?*\0]|^\.|[ .]$|-[0-9a-f]{12}$|^(?=(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))', re.IGNORECASE
)


def home(folder: Path, name: str) -> Path:
    """The folder for a learner of this name: of two names, two folders, and never one that lies elsewhere."""
    plain = UNFIT.sub("_", name)
    mark = "" if plain == name else f"-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    return folder / "learners" / f"{plain}{mark}"


@contextlib.contextmanager
def alone(folder: Path, names: Iterable[str]) -> Iterator[None]:
    """Keep others from grading into the same folder.

    names  of the learners

    Raises ValueError if somebody does so already, or if something else stands where a file or a folder should.
    """
    homes = [home(folder, name) for name in names]
    files = [folder / name for name in (".lock", *CLASS)] + [one / name for one in homes for name in LEARNER]
    right = dict.fromkeys([folder, folder / "learners", *homes], Path.is_dir) | dict.fromkeys(files, Path.is_file)
    for path, is_right in right.items():
        if os.path.lexists(path) and (path.is_symlink() or not is_right(path)):
            raise ValueError(
                f"{path} is in the way: it is a link, or not a plain {'file' if path in files else 'folder'}. Nothing "
                "was written: remove it, or name a folder for the grades with --out."
            )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".lock").touch()
    busy = f"Another `dino grade` is writing to {folder} right now. Wait for it, or name another folder with --out."
    with locked(folder / ".lock", busy):
        yield


def secret(tell: Callable[[str], None]) -> bytes:
    """The key of this user's seals, made when there is none; nothing if it cannot be kept, and a sentence that says so.

    It lies where https://specifications.freedesktop.org/basedir-spec puts it.
    """
    try:
        named = Path(os.environ.get("XDG_STATE_HOME", ""))
        folder = (named if named.is_absolute() else Path.home() / ".local" / "state") / "dino"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path, flags = folder / "seal.key", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        with locked(folder), os.fdopen(os.open(path, flags, 0o600), "r+b") as file:
            known, key = os.fstat(file.fileno()), file.read(33)
            if not key:
                file.write(key := secrets.token_bytes(32))
        if known.st_uid != os.geteuid() or known.st_mode & 0o077 or len(key) != 32:
            raise PermissionError(f"{path} is no key that you alone can read, so remove it")
        return key
    except (OSError, RuntimeError) as error:  # the latter, where nobody knows the user's home
        tell(f"The marks get no seal, so a later `dino grade` will not reuse them: {error}.")
        return b""


def seal(key: bytes, name: str, fingerprint: str, graded: str) -> str:
    """A word that only who has the key can find for these marks of this learner."""
    return hmac.new(key, json.dumps([name, fingerprint, graded]).encode(), hashlib.sha256).hexdigest()


def keep(folder: Path, graded: Graded, fingerprint: str, key: bytes) -> None:
    """Write all that is about one learner. What the grader broke down over is not kept as done; nor is anything without a key."""
    done = {"fingerprint": "" if graded.broken else fingerprint, "graded": graded.to_json()}
    if key:
        done["seal"] = seal(key, graded.name, **done)
    texts = [pages.feedback(graded), platforms.gradescope(graded), platforms.classroom50(graded, os.environ)]
    # The marks come last: where they are, the others are.
    for name, text in zip(LEARNER, [*texts, platforms.actions(graded), json.dumps(done)], strict=True):
        write(home(folder, graded.name) / name, text.encode())


def kept(folder: Path, prints: dict[str, str], key: bytes, tell: Callable[[str], None]) -> dict[str, Graded]:
    """What was found before of learners with these fingerprints by name, as far as nothing has changed since.

    tell  is called with a sentence on marks that are not trusted
    """
    done, unsealed = {}, []
    for name, fingerprint in prints.items() if key else ():
        try:
            with (home(folder, name) / "marks.json").open("rb") as file:
                known = json.loads(file.read(LARGEST))
            if not hmac.compare_digest(known["seal"], seal(key, name, known["fingerprint"], known["graded"])):
                raise ValueError("it is not ours")
            if known["fingerprint"] == fingerprint:
                done[name] = Graded.from_json(known["graded"])
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            unsealed.append(name)
    if unsealed:
        tell(
            f"The marks of {listed(unsealed)} that lie in {folder} do not count, for they were not sealed by a `dino grade` "
            "of yours. All is graded again."
        )
    return done


def finish(folder: Path, results: list[Graded]) -> list[Path]:
    """Write all that is about the class, and tell where."""
    table = "\ufeff" + platforms.gradebook(results)  # the mark lets Excel read letters such as ü
    texts = [table, platforms.junit(results), pages.report(results)]
    for name, text in zip(CLASS, texts, strict=True):
        write(folder / name, text.encode())
    return [folder / name for name in CLASS]
