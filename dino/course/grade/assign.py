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

from dino.course.chapters import EXERCISE, LESSON, Chapter, folder, stubs
from dino.course.grade.results import Settings, number
from dino.course.judge.variants import variant
from dino.course.notebooks import jupytext, notebook

# A platform's machine is thrown away afterwards, so answers may run there even where they cannot be locked in.
# -P keeps Python from importing what lies where it is run, for that is the learner's.
GRADE = "python -P -m dino grade {place} --chapters {chapters}{options} --as-one --unlocked --out {out}"

SETUP = """\
#!/usr/bin/env bash
# Installs what the course needs. torch comes with gigabytes for graphics cards, unless it is installed first for the
# processor alone: https://pytorch.org/get-started/locally/ has the line to put here.
set -e
apt-get update && apt-get install -y python3.11-venv || apt-get install -y python3-venv
"$(command -v python3.11 || command -v python3)" -m venv /autograder/venv
/autograder/venv/bin/pip install -r /autograder/source/requirements.txt
"""

RUN = """\
#!/usr/bin/env bash
# Grades what was handed in, and tells Gradescope. If the grader itself fails, there is a result that says so.
cd /autograder
echo '{{"score": 0, "output": "The grader could not be run. Ask your teacher."}}' > results/results.json
PYTHONPATH=/autograder/source/course {command}
cp grades/learners/*/results.json results/results.json
"""

CLASSROOM50 = '''\
"""Grades the repository that it is run in, and writes `result.json`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

bundle = Path(os.environ.get("CLASSROOM50_BUNDLE_DIR") or Path(__file__).parent).resolve()
out = Path(os.environ.get("RUNNER_TEMP", "..")).resolve() / "dino-grades"
subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "-r", bundle / "requirements.txt"], check=True)
command = "{command}".split()
shutil.unpack_archive(bundle / "course.zip", out / "course")
here = {{**os.environ, "PYTHONPATH": str(out / "course")}}
subprocess.run([sys.executable, *command[1:-1], str(out)], env=here, check=True)
(result,) = out.glob("learners/*/result.json")
shutil.copy(result, "result.json")
'''

WORKFLOW = """\
# Grades every push, and shows the points. Learners can read and change this file, so take the marks that count from
# `dino grade` on what they pushed.
name: grade
on: [push]
permissions:
  checks: write
  contents: read
jobs:
  grade:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-python@v6
        with:
          python-version: "3.11"
      - run: unzip -q .github/course.zip -d "$RUNNER_TEMP/course"
      - run: pip install -r .github/requirements.txt
      - id: dino
        run: |
          PYTHONPATH="$RUNNER_TEMP/course" {command}
          echo "result=$(base64 -w0 "$RUNNER_TEMP"/grades/learners/*/actions.json)" >> "$GITHUB_OUTPUT"
      - uses: classroom-resources/autograding-grading-reporter@v1
        env:
          DINO_RESULTS: ${{{{ steps.dino.outputs.result }}}}
        with:
          runners: dino
"""

NBGRADER = """\
c = get_config()
c.CourseDirectory.course_id = "dino"
c.ExecutePreprocessor.timeout = 600
# The cells to solve hold no answers that would have to be taken out.
c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
"""


def twisted(chapter: Chapter, text: str, seed: int | None) -> str:
    """The text of a chapter in a variant: it says at each exercise what is different, and goes on with the lesson's answer."""
    for name, twist in variant(seed).items():
        stub = changed = stubs(chapter).get(name, "")
        if not stub:
            continue
        for old, new in twist.stub.items():
            assert old in stub, f"the stub of {name} has no {old!r}"
            changed = changed.replace(old, new)
        note = textwrap.fill(f"**In your class,** {twist.says}", 118, initial_indent="# > ", subsequent_indent="# > ")
        text = text.replace(
            f'\n\n\n# %% tags=["exercise"]\n{stub}', f'\n#\n{note}\n\n\n# %% tags=["exercise"]\n{changed}'
        )
        own = f"# From here on, the lesson's own, which counts as this text does.\nfrom {chapter.module} import {name}"
        text = text.replace(f"# %%\ncheck({name})\n", f"# %%\ncheck({name}, variant={seed})\n\n# %%\n{own}\n")
    return text


def handed_out(chapter: Chapter, settings: Settings, due: str) -> str:
    """The text of a chapter for learners: with the points of each exercise, and when to hand in."""

    def with_points(match) -> str:
        points = number(settings.of(match["name"]))
        return f"{match[0]} · {points} point{'s' * (points != '1')}"

    text = EXERCISE.sub(with_points, twisted(chapter, chapter.path.read_text(encoding="utf-8"), settings.variant))
    if due:
        title = f"# # {chapter.title}\n"
        note = textwrap.fill(f"**To hand in:** {due}", 118, initial_indent="# > ", subsequent_indent="# > ")
        text = text.replace(title, f"{title}#\n{note}\n", 1)
    return text


def for_nbgrader(text: str, settings: Settings) -> str:
    """A chapter as a notebook for nbgrader: the cells to solve, and below each `check`, one that gives the points."""
    book = notebook(text)
    more = "" if settings.variant is None else f", variant={settings.variant}"
    cells = []
    for cell in book.cells:
        cells.append(cell)
        common = {"schema_version": 3, "task": False}
        if "exercise" in cell.metadata.get("tags", []):
            name = re.search(r"^(?:def|class) (\w+)", cell.source, re.MULTILINE)[1]
            cell.metadata["nbgrader"] = {**common, "grade": False, "solution": True, "locked": False, "grade_id": name}
        elif cell.source.startswith("check("):
            name = re.match(r"check\((\w+)", cell.source)[1]
            source = f"from dino.course.grade.points import points\n\npoints({name}, {number(settings.of(name))}{more})"
            graded = {**common, "grade": True, "solution": False, "locked": True, "grade_id": f"{name}-points"}
            graded["points"] = settings.of(name)
            cells.append(
                type(cell)(
                    cell_type="code",
                    source=source,
                    metadata={"nbgrader": graded},
                    outputs=[],
                    execution_count=None,
                    id=f"{name}-points",
                )
            )
    book.cells = cells
    return jupytext.writes(book, fmt="ipynb")


def course() -> Iterator[tuple[str, bytes]]:
    """The files of the course itself, as it is installed here: with these, a platform grades as this machine does."""
    for path in sorted(LESSON.rglob("*")):
        inner = path.relative_to(LESSON.parent)
        if (
            path.is_file()
            and "__pycache__" not in inner.parts
            and "text" not in inner.parts
            and "site" not in inner.parts
        ):
            yield inner.as_posix(), path.read_bytes()
    for path in sorted(folder().glob("*.py")):
        yield f"dino/course/text/{path.name}", path.read_bytes()


def requirements() -> str:
    """What the course needs of other packages, a line each."""
    try:
        needed = requires("dino-course") or []
    except PackageNotFoundError:
        raise ValueError(
            "The course is not installed here, so what it needs is not known. Install it with pip."
        ) from None
    return "\n".join(one for one in needed if "extra ==" not in one) + "\n"


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


def assignment(chosen: tuple[Chapter, ...], settings: Settings, due: str) -> dict[str, bytes]:
    """All files of an assignment, by their paths."""
    texts = {chapter: handed_out(chapter, settings, due) for chapter in chosen}
    options = "".join(f" --points {name}={number(points)}" for name, points in settings.points.items())
    options += " --partial" * settings.partial
    options += "" if settings.variant is None else f" --variant {settings.variant}"

    def command(place: str, out: str, python: str = "python") -> str:
        topics = ",".join(chapter.topic for chapter in chosen)
        words = GRADE.format(place=place, chapters=topics, options=options, out=out)
        return words.replace("python", python, 1)

    whole, needs = dict(course()), requirements().encode()
    packed = archive(whole)
    gradescope = {
        "setup.sh": SETUP,
        "run_autograder": RUN.format(command=command("submission", "grades", "venv/bin/python")),
    }
    workflow = WORKFLOW.format(command=command(".", '"$RUNNER_TEMP/grades"'))
    files: dict[str, bytes | str] = {
        "gradescope/autograder.zip": archive(
            {name: text.encode() for name, text in gradescope.items()}
            | {"requirements.txt": needs}
            | {f"course/{name}": content for name, content in whole.items()}
        ),
        "classroom50/autograder.py": CLASSROOM50.format(command=command(".", "OUT")),
        "classroom50/course.zip": packed,
        "classroom50/requirements.txt": needs,
        "github/.github/workflows/grade.yml": workflow,
        "github/.github/course.zip": packed,
        "github/.github/requirements.txt": needs,
        "nbgrader/nbgrader_config.py": NBGRADER,
    }
    for chapter, text in texts.items():
        stem = chapter.path.stem
        files[f"learner/{stem}.py"] = text
        files[f"learner/{stem}.ipynb"] = jupytext.writes(notebook(text), fmt="ipynb")
        files[f"nbgrader/source/dino/{stem}.ipynb"] = for_nbgrader(text, settings)
    return {name: content.encode() if isinstance(content, str) else content for name, content in files.items()}
