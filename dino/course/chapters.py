"""The outline of the course, read from the chapters themselves: there is no other list of chapters or exercises.

A chapter is a jupytext py:percent file, `chapters/01_noise.py`; it teaches `dino/noise.py`. Its exercises are the cells
tagged `exercise`; the sentence before each says how long it takes and how hard it is.
"""

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LESSON = Path(__file__).parents[1]

TITLE = re.compile(r"^# # (?P<title>.+)$", re.MULTILINE)
EXERCISE = re.compile(
    r"^# \*\*Exercise: `(?P<name>[\w.]+)`\*\* · (?P<minutes>\d+) minutes · (?P<difficulty>easy|medium|hard)$",
    re.MULTILINE,
)
CELL = re.compile(r'^# %% tags=\["exercise"\]\n(?P<source>.*?)\n+(?=^# %%|\Z)', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Exercise:
    """One exercise: the function or class `name` that the learner writes."""

    name: str
    minutes: int
    difficulty: str


@dataclass(frozen=True)
class Chapter:
    """One chapter: `path` is the file with its text and stubs, `topic` the lesson module that it teaches."""

    path: Path
    title: str
    exercises: tuple[Exercise, ...]

    @property
    def topic(self) -> str:
        return self.path.stem.partition("_")[2]


def folder() -> Path:
    """Where the chapters are: beside the package in a clone, inside it when it was installed from a wheel."""
    installed = Path(__file__).parent / "text"
    return installed if installed.is_dir() else LESSON.parent / "chapters"


@functools.cache
def chapters() -> tuple[Chapter, ...]:
    """All chapters in their order."""
    found = []
    for path in sorted(folder().glob("[0-9][0-9]_*.py")):
        text = path.read_text(encoding="utf-8")
        exercises = [Exercise(m["name"], int(m["minutes"]), m["difficulty"]) for m in EXERCISE.finditer(text)]
        found.append(Chapter(path, TITLE.search(text)["title"], tuple(exercises)))
    return tuple(found)


def exercise_names() -> list[str]:
    """The names of all exercises, in their order."""
    return [exercise.name for chapter in chapters() for exercise in chapter.exercises]


def find_exercise(name: str) -> tuple[Chapter, Exercise]:
    """The exercise of that name, and its chapter. Raises ValueError, naming all there are."""
    found = {exercise.name: (chapter, exercise) for chapter in chapters() for exercise in chapter.exercises}
    if name not in found:
        raise ValueError(f"There is no exercise called {name!r}. There are: {', '.join(found)}.")
    return found[name]


def find_chapter(word: str) -> Chapter | None:
    """The chapter that a word such as `1`, `01`, `noise` or `01_noise.py` means, or None."""
    for chapter in chapters():
        number = chapter.path.stem.partition("_")[0]
        if Path(word).stem in (number, number.lstrip("0"), chapter.topic, chapter.path.stem):
            return chapter
    return None


def definition(source: str, name: str) -> str:
    """The text of a function or class at the top of a module, decorators and all."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return "\n".join(source.splitlines()[first - 1 : node.end_lineno])
    raise LookupError(f"no definition of {name}")


def solution(chapter: Chapter, exercise: Exercise) -> str:
    """The answer key: the definition in the lesson itself."""
    return definition((LESSON / f"{chapter.topic}.py").read_text(encoding="utf-8"), exercise.name)


def functions(node: ast.AST, owner: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions of a tree and the methods of its classes, with names such as `Block.forward`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield owner + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from functions(child, f"{child.name}.")


def cut(source: str, names: set[str]) -> str:
    """Take the bodies out of the named functions; docstrings stay, and so do the comments that name the steps."""
    lines = source.splitlines()
    for name, node in reversed([*functions(ast.parse(source))]):
        if name not in names:
            continue
        indent = " " * node.body[0].col_offset
        # The body begins after the docstring, or after the line that ends the signature.
        if ast.get_docstring(node) is not None:
            start = node.body[0].end_lineno
        else:
            start = node.body[0].lineno - 1
            while lines[start - 1].strip().startswith("#"):
                start -= 1
        body = lines[start : node.end_lineno]
        comments = [indent + line.strip() for line in body if line.strip().startswith("#")]
        lines[start : node.end_lineno] = [*comments, f'{indent}raise NotImplementedError("{name} is yours to write")']
    return "\n".join(lines)


def unwritten(source: str) -> set[str]:
    """The functions of a source that only raise NotImplementedError: those that the learner is to write."""
    last = {name: ast.unparse(node.body[-1]) for name, node in functions(ast.parse(source))}
    return {name for name, statement in last.items() if statement.startswith("raise NotImplementedError(")}


def stubs(chapter: Chapter) -> dict[str, str]:
    """The exercise cells of a chapter, by the name of what they define."""
    found = {}
    for match in CELL.finditer(chapter.path.read_text(encoding="utf-8")):
        (node,) = ast.parse(match["source"]).body
        found[node.name] = match["source"]
    return found


def solved(chapter: Chapter) -> str:
    """The text of a chapter with the answer key spliced in."""
    text = chapter.path.read_text(encoding="utf-8")
    cells = stubs(chapter)
    for exercise in chapter.exercises:
        text = text.replace(cells[exercise.name], solution(chapter, exercise))
    return text
