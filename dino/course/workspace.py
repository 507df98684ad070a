"""The learner's folder: their copies of the chapters, and `dino-progress.json`, which remembers how far they are."""

import json
from pathlib import Path

from dino.course.chapters import Chapter, chapters
from dino.course.files import write

PROGRESS = "dino-progress.json"
DEFAULT = "my-dino"


def find() -> Path | None:
    """The learner's folder: this one, one above it, or `my-dino` in this one."""
    here = Path.cwd()
    return next((path for path in (here, *here.parents, here / DEFAULT) if (path / PROGRESS).is_file()), None)


def start(folder: Path, notebooks: bool) -> tuple[list[Path], list[Path]]:
    """Copy the chapters that are not in the folder yet; what is there is never touched.

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


def answer_file(chapter: Chapter) -> Path:
    """The learner's copy of a chapter; the one saved last, if there is a notebook beside the text.

    Raises ValueError outside a learner's folder.
    """
    folder = find()
    if folder is None:
        raise ValueError("There are no chapters of yours here. `dino start` makes a folder with them.")
    copies = [path for path in folder.glob(f"{chapter.path.stem}.*") if path.suffix in (".py", ".ipynb")]
    return max(copies, key=lambda path: path.stat().st_mtime, default=folder / chapter.path.name)


def progress() -> dict[str, dict]:
    """What is known of each exercise: its `state`, and how many `hints` were shown. A broken file counts as empty."""
    folder = find()
    try:
        known = json.loads((folder / PROGRESS).read_text(encoding="utf-8")) if folder else {}
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def record(states: dict[str, str], key: str = "state") -> None:
    """Remember something of each exercise in the learner's folder, if we are in one."""
    if folder := find():
        known = progress()
        for name, state in states.items():
            known.setdefault(name, {})[key] = state
        write(folder / PROGRESS, (json.dumps(known, indent=2) + "\n").encode())
