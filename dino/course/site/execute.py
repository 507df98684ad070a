"""Runs chapters with their answers filled in, and remembers what came out."""

import ast
import functools
import hashlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import nbclient
import nbformat

from dino.course.chapters import LESSON, Chapter, solved
from dino.course.checks import check_for
from dino.course.files import locked, processors, write
from dino.course.judge.trial import make_claims
from dino.course.notebooks import notebook

# Torch's threads wait for each other: two chapters side by side, one thread each, are done first.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
# Claims are made with torch's one random generator.
ONE_AT_A_TIME = threading.Lock()


@functools.cache
def code_of(source: str) -> str:
    """What a Python file does, without comments and docstrings: two files with the same do the same."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


@functools.cache
def imported(source: str) -> frozenset[Path]:
    """The files of the course that a source imports, anywhere in it, with the packages that they lie in."""
    places = set()
    for node in ast.walk(ast.parse(source)):
        for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            # `from dino.noise import mix` names dino and dino.noise, and dino.noise.mix, which could be a module, too.
            course, *parts = f"{getattr(node, 'module', '')}.{alias.name}".removeprefix(".").split(".")
            places |= {LESSON.joinpath(*parts[:i]) for i in range(len(parts) + 1) if course == "dino"}
    files = (file for place in places for file in (place / "__init__.py", place.with_suffix(".py")))
    return frozenset(file for file in files if file.is_file())


def needed(source: str, topic: str) -> list[Path]:
    """The files of the course that a chapter on a topic runs: what its source and the checks of its topic import, and so on."""
    new = {*imported(source), LESSON / "course" / "checks" / f"{topic}.py", LESSON / "course" / "site" / "display.py"}
    found = set()
    while new:
        found |= new
        new = set().union(*(imported(file.read_text(encoding="utf-8")) for file in new)) - found
    return sorted(found)


def key_of(chapter: Chapter) -> str:
    """What the outputs of a chapter depend on, in short: its code, that of the modules it imports, weights, and versions."""
    source = "\n".join(cell.source for cell in notebook(solved(chapter)).cells if cell.cell_type == "code")
    parts = [source, *(code_of(file.read_text(encoding="utf-8")) for file in needed(source, chapter.topic))]
    parts += [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(LESSON.glob("weights/*.safetensors"))]
    parts += [version(package) for package in ("torch", "matplotlib", "pillow")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def specification(chapter: Chapter) -> dict[str, dict]:
    """What a page says of each exercise, by its name: what is claimed of an answer, and the hints."""
    found = {}
    for exercise in chapter.exercises:
        check = check_for(chapter.topic, exercise.name)
        with ONE_AT_A_TIME:
            says = [claim.says for claim in make_claims(check, check.reference, seed=0)]
        found[exercise.name] = {"claims": [*dict.fromkeys(says)], "hints": check.hints}
    return found


def run(chapter: Chapter, cache: Path, limit: int = 600) -> dict:
    """What came out of a chapter, from the cache if nothing has changed that it depends on.

    cache  a folder, which is made if there is none; what is no longer needed there is removed
    limit  how many seconds a cell may take

    Another process that runs the same chapter is waited for.
    Returns the `outputs` of each cell, as in a notebook file, and the `exercises`, as told by `specification`.
    Raises nbclient.exceptions.CellExecutionError if a cell stops with an error, and CellTimeoutError if one takes too long.
    """
    kept = cache / f"{chapter.path.stem}-{key_of(chapter)}.json"
    cache.mkdir(parents=True, exist_ok=True)
    lock = cache / f".{chapter.path.stem}.lock"
    lock.touch()
    with locked(lock):
        if not kept.is_file():
            book = notebook(solved(chapter))
            first = nbformat.v4.new_code_cell("from dino.course.site.display import prepare\nprepare()")
            book.cells.insert(0, first)
            client = nbclient.NotebookClient(book, timeout=limit, kernel_name="python3")
            client.execute(env={**os.environ, **ONE_THREAD})
            outputs = [cell.get("outputs", []) for cell in book.cells[1:]]
            write(kept, json.dumps({"outputs": outputs, "exercises": specification(chapter)}).encode())
            for old in set(cache.glob(f"{chapter.path.stem}-*.json")) - {kept}:
                old.unlink()
    return json.loads(kept.read_text(encoding="utf-8"))


def run_all(chapters: tuple[Chapter, ...], cache: Path) -> list[dict]:
    """As `run`, for several chapters, as many side by side as there are processors."""
    with ThreadPoolExecutor(processors()) as pool:
        return list(pool.map(functools.partial(run, cache=cache), chapters))
