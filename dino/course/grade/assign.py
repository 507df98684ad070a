"""Makes what a teacher hands out, and what the platforms need to grade it.

learner/      the chapters as .py and .ipynb, with points and with when to hand in
gradescope/   autograder.zip, to upload as the autograder of a programming assignment
classroom50/  the files for autograders/ASSIGNMENT/ in the teacher's repository
github/       a workflow for the learners' repositories, wherever GitHub Actions run
nbgrader/     a source folder for nbgrader, with its settings
"""

import io
import re
import textwrap
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from dino.course.chapters import EXERCISE, LESSON, Chapter, chapters, folder, stubs
from dino.course.grade.results import Settings, number
from dino.course.judge.variants import variant
from dino.course.notebooks import notebook, written


def boxed(words: str) -> str:
    """A sentence as a quotation in the text of a chapter."""
    return textwrap.fill(words, 118, initial_indent="# > ", subsequent_indent="# > ")


def twisted(chapter: Chapter, text: str, seed: int | None) -> str:
    """The text of a chapter in a variant: it says at each exercise what is different, and goes on with the lesson's answer."""
    for name, twist in variant(seed).items():
        stub = changed = stubs(chapter).get(name, "")
        if not stub:
            continue
        for old, new in twist.stub.items():
            assert old in stub, f"the stub of {name} has no {old!r}"
            changed = changed.replace(old, new)
        note, cell = boxed(f"**In your class,** {twist.says}"), '\n\n\n# %% tags=["exercise"]\n'
        text = text.replace(f"{cell}{stub}", f"\n#\n{note}{cell}{changed}")
        own = f"# From here on, the lesson's version is used, which counts as the rest of this text does.\nfrom dino.{chapter.topic} import {name}"
        text = text.replace(f"# %%\ncheck({name})\n", f"# %%\ncheck({name}, variant={seed})\n\n# %%\n{own}\n")
    return text


def handed_out(chapter: Chapter, settings: Settings, due: str) -> str:
    """The text of a chapter for learners: with the points of each exercise, and when to hand in."""

    def with_points(match: re.Match) -> str:
        points = number(settings.of(match["name"]))
        return f"{match[0]} · {points} point{'s' * (points != '1')}"

    text = EXERCISE.sub(with_points, twisted(chapter, chapter.path.read_text(encoding="utf-8"), settings.variant))
    title = f"# # {chapter.title}\n"
    return text.replace(title, f"{title}#\n{boxed(f'**To hand in:** {due}')}\n", 1) if due else text


def for_nbgrader(text: str, settings: Settings) -> str:
    """A chapter as a notebook for nbgrader: the cells to solve, and below each `check`, one that gives the points."""
    book = notebook(text)
    more = "" if settings.variant is None else f", variant={settings.variant}"
    common = {"schema_version": 3, "task": False}
    cells, book.cells = book.cells, []
    for cell in cells:
        book.cells.append(cell)
        if "exercise" in cell.metadata.get("tags", []):
            name = re.search(r"^(?:def|class) (\w+)", cell.source, re.MULTILINE)[1]
            cell.metadata["nbgrader"] = {**common, "grade": False, "solution": True, "locked": False, "grade_id": name}
        elif found := re.match(r"check\((\w+)", cell.source):
            name, of = found[1], settings.of(found[1])
            source = f"from dino.course.grade.points import points\n\npoints({name}, {number(of)}{more})"
            known = {**common, "grade": True, "solution": False, "locked": True, "grade_id": f"{name}-points"}
            graded = {"source": source, "metadata": {"nbgrader": {**known, "points": of}}, "id": f"{name}-points"}
            book.cells.append(type(cell)({**cell, **graded}))
    return written(book)


def course() -> Iterator[tuple[str, bytes]]:
    """The files of the course itself, as it is installed here: with these, a platform grades as this machine does."""
    for path in sorted(LESSON.rglob("*")):
        inner = path.relative_to(LESSON.parent)
        if path.is_file() and not {"__pycache__", "text", "site"} & set(inner.parts):
            yield inner.as_posix(), path.read_bytes()
    for path in sorted(folder().glob("*.py")):
        yield f"dino/course/text/{path.name}", path.read_bytes()


def requirements() -> bytes:
    """What the course needs of other packages, a line each."""
    try:
        needed = requires("dino-course") or []
    except PackageNotFoundError:
        raise ValueError(
            "The course is not installed here, so what it needs is not known. Install it with pip."
        ) from None
    return "".join(f"{one}\n" for one in needed if "extra ==" not in one).encode()


def archive(files: dict[str, bytes]) -> bytes:
    """A zip archive; what begins with `#!` can be run."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if content.startswith(b"#!") else 0o644) << 16
            packed.writestr(entry, content)
    return buffer.getvalue()


def filled(name: str, settings: Settings, python: str = "python", place: str = ".", out: str = "OUT") -> bytes:
    """A file for a platform, with the command that grades there in place of the word COMMAND.

    python  the program that runs the course there
    place   where what a learner handed in is
    out     the folder of the grades
    """
    options = "".join(f" --points {exercise}={number(points)}" for exercise, points in settings.points.items())
    options += " --partial" * settings.partial
    options += "" if settings.variant is None else f" --variant {settings.variant}"
    options += " --no-sandbox" * settings.no_sandbox
    # -P keeps Python from importing what lies where it is run, for that is the learner's.
    command = f"{python} -P -m dino grade {place} --chapters {','.join(settings.topics)}{options}"
    command += f" --as-one --out {out}"
    text = (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
    return text.replace("COMMAND", command).encode()


def assignment(settings: Settings, due: str) -> dict[str, bytes]:
    """All files of an assignment, by their paths."""
    whole, needs = dict(course()), requirements()
    packed = archive(whole)
    gradescope = {
        "setup.sh": filled("setup.sh", settings),
        "run_autograder": filled("run_autograder", settings, "venv/bin/python", "submission", "grades"),
        "requirements.txt": needs,
        **{f"course/{name}": content for name, content in whole.items()},
    }
    files = {
        "gradescope/autograder.zip": archive(gradescope),
        "classroom50/autograder.py": filled("autograder.py", settings),
        "classroom50/course.zip": packed,
        "classroom50/requirements.txt": needs,
        "github/.github/workflows/grade.yml": filled(
            "grade.yml", settings, '"$(command -v python)"', out='"$RUNNER_TEMP/grades"'
        ),
        "github/.github/course.zip": packed,
        "github/.github/requirements.txt": needs,
        "nbgrader/nbgrader_config.py": filled("nbgrader_config.py", settings),
    }
    for chapter in chapters():
        if chapter.topic in settings.topics:
            text, stem = handed_out(chapter, settings, due), chapter.path.stem
            files[f"learner/{stem}.py"] = text.encode()
            files[f"learner/{stem}.ipynb"] = written(notebook(text)).encode()
            files[f"nbgrader/source/dino/{stem}.ipynb"] = for_nbgrader(text, settings).encode()
    return files
