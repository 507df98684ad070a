"""The learner's folder: their copies of the chapters, and `dino-progress.json`, which remembers how far they are."""

import contextlib
import json
import warnings
from pathlib import Path

from dino.course.chapters import Chapter, chapters
from dino.course.files import write

PROGRESS = "dino-progress.json"
DEFAULT = "my-dino"


def find(beside: Path | None = None) -> Path | None:
    """The learner's folder: this one, one above it, or `my-dino` in this one.

    beside  a file that may lie in another learner's folder, which then is the one
    """
    here = Path.cwd()
    places = (here, *here.parents, here / DEFAULT)
    if beside:
        places = (*beside.absolute().parents, *places)
    return next((path for path in places if (path / PROGRESS).is_file()), None)


def start(folder: Path, notebooks: bool) -> tuple[list[Path], list[Path]]:
    """Copy the chapters that are not in the folder yet; existing files are never overwritten.

    Returns the files that were added, and those that were kept.
    Raises ValueError if the folder is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file. Name a folder for the course, such as `dino start {DEFAULT}`.")
    added, kept = [], []
    for chapter in chapters():
        path = folder / chapter.path.with_suffix(".ipynb" if notebooks else ".py").name
        if path.exists():
            kept.append(path)
            continue
        text = chapter.path.read_text(encoding="utf-8")
        if notebooks:
            from dino.course.notebooks import notebook, written

            text = written(notebook(text))
        write(path, text.encode())
        added.append(path)
    if not (folder / PROGRESS).exists():
        write(folder / PROGRESS, b"{}\n")
    return added, kept


def copies(chapter: Chapter, folder: Path) -> list[Path]:
    """The files in a folder that are called like a chapter, or hold its name as copies do: `01_noise (1).ipynb`."""
    files = (path for path in folder.iterdir() if path.suffix in (".py", ".ipynb") and path.is_file())
    return sorted(path for path in files if chapter.path.stem in path.stem and not path.name.startswith("."))


def has_chapters(folder: Path) -> bool:
    """Whether a folder holds files for chapters."""
    return any(copies(chapter, folder) for chapter in chapters())


def answer_file(chapter: Chapter, folder: Path | None = None) -> Path:
    """The learner's copy of a chapter; the one saved last, if there is a notebook beside the text.

    folder  where to look, if it is not the learner's folder

    Raises ValueError outside a learner's folder.
    """
    folder = folder or find()
    if folder is None:
        raise ValueError("There are no chapters of yours here. `dino start` makes a folder with them.")
    there = copies(chapter, folder) if folder.is_dir() else []
    named = [path for path in there if path.stem == chapter.path.stem]
    return max(named or there, key=lambda path: path.stat().st_mtime, default=folder / chapter.path.name)


def passed_over(path: Path, chapter: Chapter) -> str:
    """What there is to say of other files for a chapter beside the one that was taken; "" if there is none."""
    others = [other for other in copies(chapter, path.parent) if other.name != path.name]
    if not others:
        return ""
    last = ", which was saved last," * (path.stat().st_mtime > max(other.stat().st_mtime for other in others))
    return f"Using {path.name}{last} and not {', '.join(other.name for other in others)} beside it."


def read_progress(folder: Path) -> dict[str, dict]:
    """What is kept in a learner's folder. Raises OSError or ValueError if it cannot be read or is something else."""
    known = json.loads((folder / PROGRESS).read_text(encoding="utf-8-sig"))
    if not isinstance(known, dict) or not all(isinstance(entry, dict) for entry in known.values()):
        raise ValueError("it holds something else")
    return known


def progress(beside: Path | None = None) -> dict[str, dict]:
    """What is known of each exercise: its `state`, and how many `hints` were shown. A broken file counts as empty.

    beside  as in `find`
    """
    folder = find(beside)
    with contextlib.suppress(OSError, ValueError):
        return read_progress(folder) if folder else {}
    return {}


def record(states: dict[str, str], key: str = "state", beside: Path | None = None) -> None:
    """Remember something of each exercise in the learner's folder, if we are in one.

    A broken file is kept under another name, and a warning says so, as it does if nothing can be kept.
    """
    folder = find(beside)
    if folder is None or not states:
        return
    path, aside, known = folder / PROGRESS, None, {}
    try:
        known = read_progress(folder)
    except ValueError as error:
        names = (folder / f"dino-progress-broken{number}.json" for number in ("", *range(2, 1000)))
        aside = next(name for name in names if not name.exists())
        warnings.warn(f"{path} is broken ({error}). It is kept as {aside.name}, and a new one is begun.", stacklevel=2)
    except OSError as error:
        warnings.warn(f"How far you are is not kept: {path} cannot be read ({error.strerror}).", stacklevel=2)
        return
    for name, state in states.items():
        known.setdefault(name, {})[key] = state
    try:
        write(path, (json.dumps(known, indent=2) + "\n").encode(), previous=aside)
    except OSError as error:
        warnings.warn(f"How far you are is not kept: {path} cannot be written ({error.strerror}).", stacklevel=2)
