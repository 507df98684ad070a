"""The rules of the repository: what stands where, and who may import whom."""

import ast
import graphlib
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from dino.course.chapters import chapters

ROOT = Path(__file__).parents[1]
TOP = {"chapters", "dino", "docs", "tests", "mkdocs.yml", "README.md", "pyproject.toml", "LICENSE"}
TOP |= {".ci", ".github", ".devcontainer", ".gitignore"}
TOPICS = [chapter.topic for chapter in chapters()]
# What is in the lesson beside the chapters, and what of the lesson it may import.
DATA = {"data", "drawing", "pen", "letters"}
HELPERS = {
    "pen": set(),
    "drawing": {"pen"},
    "captions": {"drawing", "pen"},
    "letters": set(),
    "data": {"captions", "drawing", "pen", "sources"},  # the last chapter's, which all others use
    "saving": {"denoiser"},
    "recogniser": {"denoiser", *DATA},
}


def tracked() -> list[str]:
    return subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def imported(source: str) -> set[str]:
    """The modules of `dino` that a source imports, as `noise.mix` or `course.check`."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "dino":
            inside = node.module.partition(".")[2]
            names |= {f"{inside}.{alias.name}".lstrip(".") for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {
                alias.name.partition(".")[2] or "" for alias in node.names if alias.name.partition(".")[0] == "dino"
            }
    return names


def test_nothing_else_stands_at_the_top():
    assert {path.partition("/")[0] for path in tracked()} <= TOP


def test_one_word_names_four_files():
    topics = "noise, denoiser, training, sampling, evaluation, data, editing, conditioning, equivalence"
    assert ", ".join(TOPICS) == topics
    for number, chapter in enumerate(chapters(), start=1):
        assert chapter.path.name == f"{number:02}_{chapter.topic}.py"
        for path in (
            f"dino/{chapter.topic}.py",
            f"dino/course/checks/{chapter.topic}.py",
            f"tests/test_{chapter.topic}.py",
        ):
            assert (ROOT / path).is_file(), path


LESSON = [path for path in sorted((ROOT / "dino").glob("*.py")) if path.name != "__main__.py"]


@pytest.mark.parametrize("path", LESSON, ids=lambda path: path.stem)
def test_a_lesson_module_imports_only_earlier_ones_and_data(path):
    uses = {name.partition(".")[0] for name in imported(path.read_text())}
    assert "course" not in uses
    earlier = {*TOPICS[: TOPICS.index(path.stem)], *DATA} if path.stem in TOPICS else set()
    assert uses <= HELPERS.get(path.stem, earlier)


def test_where_pictures_come_from_needs_nothing_of_the_lesson_or_the_course():
    for path in (ROOT / "dino" / "sources").glob("*.py"):
        assert {name.partition(".")[0] for name in imported(path.read_text())} <= {"sources"}, path


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.topic)
def test_a_chapter_imports_only_what_was_completed_and_never_its_own_answers(chapter):
    own = {f"{one.topic}.{exercise.name}" for one in chapters() for exercise in one.exercises}
    own -= {name for name in own if name.partition(".")[0] in TOPICS[: TOPICS.index(chapter.topic)]}
    done = {*TOPICS[: TOPICS.index(chapter.topic) + 1], *DATA}
    allowed = done | {helper for helper, uses in HELPERS.items() if uses <= done}
    for name in imported(chapter.path.read_text()) - {"course.check", "course.show"}:
        assert name.partition(".")[0] in allowed, name
        assert name not in own
        assert "." in name, "a whole module would bring the answers along"


# The rooms of the school, and which others each may use; `site` is the website's alone.
BASE = {"chapters", "files", "notebooks", "terminal", "workspace"}
ROOMS = {
    "checks": set(),
    "judge": {*BASE, "checks"},
    "train": {*BASE},
    "grade": {*BASE, "checks", "judge"},
    "site": {*BASE, "checks", "judge"},
    "cli": {*BASE, "checks", "judge", "train", "grade"},
    **dict.fromkeys(BASE, BASE),
}
COURSE = ROOT / "dino" / "course"


def course_modules() -> dict[str, set[str]]:
    """What each module of the school imports of it, at the top or inside a function: `judge.runner` and the like."""
    found = {".".join(path.relative_to(COURSE).with_suffix("").parts): path for path in COURSE.rglob("*.py")}
    found = {name.removesuffix(".__init__"): path for name, path in found.items() if name != "__init__"}
    uses = {}
    for name, path in found.items():
        words = {word.removeprefix("course.") for word in imported(path.read_text()) if word.startswith("course.")}
        # `course.judge.runner.judge` names something in the module `judge.runner`; `course.checks.check_for` in `checks`.
        uses[name] = {word if word in found else word.rpartition(".")[0] for word in words} & found.keys()
    return uses


def test_imports_between_rooms_run_one_way():
    for name, uses in course_modules().items():
        room = name.partition(".")[0]
        assert {use.partition(".")[0] for use in uses} <= {room, *ROOMS[room]}, name


def test_no_imports_run_in_a_circle_and_only_two_find_modules_by_name():
    tuple(graphlib.TopologicalSorter(course_modules()).static_order())
    hidden = [path for path in COURSE.rglob("*.py") if "import_module(" in path.read_text()]
    # One finds the checks of a topic, for there is no list of topics; one finds the lesson beside a learner's answer.
    assert sorted(hidden) == [COURSE / "checks" / "__init__.py", COURSE / "grade" / "sandbox" / "worker.py"]


def test_no_notebook_is_committed():
    assert not [path for path in tracked() if path.endswith(".ipynb")]


def test_the_lesson_stays_small():
    sizes = {path.stem: len(path.read_text().splitlines()) for path in (ROOT / "dino").glob("*.py")}
    assert max(sizes.values()) <= 130
    assert sum(sizes.values()) < 1450
    for path in (ROOT / "dino").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 45, f"{path.name}: {node.name}"


def test_the_project_speaks_of_itself_alone():
    words = re.compile(r"/work/|/tmp/|/opt/|files\.pythonhosted|pypi\.org|registry\.npmjs|deb\.debian", re.IGNORECASE)
    for path in tracked():
        if path != "tests/test_layout.py" and not path.endswith((".png", ".webp", ".safetensors", ".wasm")):
            assert not words.search((ROOT / path).read_text(encoding="utf-8")), path


def test_every_asset_has_its_licence_beside_it():
    assets = [
        Path(path)
        for path in tracked()
        if path.endswith((".png", ".webp", ".safetensors", ".woff2", ".js", ".css", ".svg", ".wasm"))
    ]
    for asset in assets:
        beside = ROOT / asset.parent / "README.md"
        assert beside.is_file(), asset
        assert asset.name in beside.read_text(), asset


def test_the_code_is_linted_and_formatted():
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_all_that_is_installed_with_the_course_runs_on_the_oldest_python_that_it_names():
    oldest = (
        tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=") + ".0"
    )
    for one in distributions():
        wanted = one.metadata["Requires-Python"]
        assert oldest in SpecifierSet(wanted or ""), f"{one.name} {one.version} wants Python {wanted}"
