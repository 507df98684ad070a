"""Runs chapters with their answers filled in, and remembers what came out."""

import ast
import functools
import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import nbclient
import nbformat

from dino.course.chapters import LESSON, Chapter, solved
from dino.course.notebooks import PERCENT, jupytext


def code_of(source: str) -> str:
    """What a Python file does, without comments and docstrings: two files with the same do the same."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


@functools.cache
def key_of_course() -> str:
    """What the outputs of all chapters depend on, in short: the code of the course, weights, and versions."""
    files = [
        file
        for part in (
            "*.py",
            "sources/*.py",
            "course/*.py",
            "course/checks/*.py",
            "course/judge/*.py",
            "course/site/display.py",
        )
        for file in sorted(LESSON.glob(part))
    ]
    parts = [code_of(file.read_text(encoding="utf-8")) for file in files]
    parts += [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(LESSON.glob("weights/*.safetensors"))]
    parts += [version(package) for package in ("torch", "matplotlib", "pillow")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def key_of(chapter: Chapter) -> str:
    """What the outputs of a chapter depend on, in short: its code, and what those of all chapters do."""
    cells = [cell.source for cell in notebook_of(chapter).cells if cell.cell_type == "code"]
    return hashlib.sha256("\n".join([*cells, key_of_course()]).encode()).hexdigest()[:16]


def notebook_of(chapter: Chapter) -> nbformat.NotebookNode:
    """A chapter with the answers filled in, as a notebook that was not run yet."""
    return jupytext.reads(solved(chapter), fmt=PERCENT)


def specification(chapter: Chapter) -> dict[str, dict]:
    """What a page says of each exercise, by its name: what is claimed of an answer, and the hints."""
    from dino.course.checks import check_for
    from dino.course.judge.trial import make_claims

    found = {}
    for exercise in chapter.exercises:
        check = check_for(chapter.topic, exercise.name)
        says = [claim.says for claim in make_claims(check, check.reference, seed=0)]
        found[exercise.name] = {"claims": [*dict.fromkeys(says)], "hints": check.hints}
    return found


def run(chapter: Chapter, cache: Path, limit: int = 600) -> dict:
    """What came out of a chapter, from the cache if nothing has changed that it depends on.

    cache  a folder, which is made if there is none; what is no longer needed there is removed
    limit  how many seconds a cell may take

    Returns the `outputs` of each cell, as in a notebook file, and the `exercises`, as told by `specification`.
    Raises nbclient.exceptions.CellExecutionError if a cell stops with an error, and CellTimeoutError if one takes too long.
    """
    kept = cache / f"{chapter.path.stem}-{key_of(chapter)}.json"
    if not kept.is_file():
        notebook = notebook_of(chapter)
        first = nbformat.v4.new_code_cell("from dino.course.site.display import prepare\nprepare()")
        notebook.cells.insert(0, first)
        nbclient.NotebookClient(notebook, timeout=limit, kernel_name="python3").execute()
        outputs = [cell.get("outputs", []) for cell in notebook.cells[1:]]
        cache.mkdir(parents=True, exist_ok=True)
        for old in cache.glob(f"{chapter.path.stem}-*.json"):
            old.unlink()
        unfinished = kept.with_suffix(".unfinished")
        unfinished.write_text(json.dumps({"outputs": outputs, "exercises": specification(chapter)}))
        unfinished.replace(kept)
    return json.loads(kept.read_text())
