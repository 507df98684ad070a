"""Runs chapters with their answers filled in, and remembers what came out."""

import ast
import functools
import hashlib
import json
import os
import re
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import date
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


def ledger(chapter: Chapter) -> dict[str, str]:
    """What a chapter says of its own results: by the words of a sentence, an expression that is true if the words are.

    It stands beside the chapter, in a file of the same name that ends in .toml, and speaks of the chapter's variables and torch.
    """
    path = chapter.path.with_suffix(".toml")
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def in_one_line(text: str) -> str:
    """Text without its line breaks and the marks of quoted paragraphs, so that words can be found in it."""
    return " ".join(re.sub(r"^> ?", "", text, flags=re.MULTILINE).split())


def with_ledger(cells: list, claims: dict[str, str]) -> list:
    """Cells of a chapter, and after each text one that makes sure of what it says.

    Such a cell stops with an AssertionError that quotes the words. It leaves the random numbers of the chapter as they are.
    Raises ValueError if words of the ledger do not stand in exactly one text.
    """
    texts = [in_one_line(cell.source) if cell.cell_type == "markdown" else "" for cell in cells]
    for words in claims:
        if (places := sum(words in text for text in texts)) != 1:
            raise ValueError(
                f"The ledger quotes words that stand in {places} texts of the chapter, not in one: {words!r}"
            )
    found = []
    for cell, text in zip(cells, texts, strict=True):
        found.append(cell)
        if asserts := [f"    assert ({true}), {words!r}" for words, true in claims.items() if words in text]:
            found.append(nbformat.v4.new_code_cell("\n".join(["with torch.random.fork_rng():", *asserts])))
    return found


def key_of(chapter: Chapter) -> str:
    """What the outputs of a chapter depend on, in short: its code and ledger, the modules it imports, weights, and versions."""
    source = "\n".join(cell.source for cell in notebook(solved(chapter)).cells if cell.cell_type == "code")
    parts = [
        source,
        json.dumps(ledger(chapter)),
        *(code_of(file.read_text(encoding="utf-8")) for file in needed(source, chapter.topic)),
    ]
    parts += [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(LESSON.glob("weights/*.safetensors"))]
    parts += [version(package) for package in ("torch", "matplotlib", "pillow")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def specification(chapter: Chapter) -> dict[str, dict]:
    """What a page says of each exercise, by its name: what its check claims that no earlier one does, and the hints."""
    found = {}
    for exercise in chapter.exercises:
        check = check_for(chapter.topic, exercise.name)
        with ONE_AT_A_TIME:
            claims = make_claims(check, check.reference, seed=0)
            says = [claim.says for claim in claims if claim.of == exercise.name]
        found[exercise.name] = {"claims": [*dict.fromkeys(says)], "hints": check.hints}
    return found


def run(chapter: Chapter, cache: Path, limit: int = 600) -> dict:
    """What came out of a chapter, from the cache if nothing has changed that it depends on.

    cache  a folder, which is made if there is none; what is no longer needed there is removed
    limit  how many seconds a cell may take

    Another process that runs the same chapter is waited for.
    Returns the `outputs` of each cell, as in a notebook file, the `exercises`, as told by `specification`, and the day on which
    it was `executed`, such as 2026-11-30.
    Raises nbclient.exceptions.CellExecutionError if a cell stops with an error, or if what the chapter says of its results is
    not true (see `ledger`), and CellTimeoutError if a cell takes too long.
    """
    kept = cache / f"{chapter.path.stem}-{key_of(chapter)}.json"
    cache.mkdir(parents=True, exist_ok=True)
    lock = cache / f".{chapter.path.stem}.lock"
    lock.touch()
    with locked(lock):
        if not kept.is_file():
            book = notebook(solved(chapter))
            first = nbformat.v4.new_code_cell("from dino.course.site.display import prepare\nprepare()")
            own = book.cells
            book.cells = [first, *with_ledger(own, ledger(chapter))]
            client = nbclient.NotebookClient(book, timeout=limit, kernel_name="python3")
            client.execute(env={**os.environ, **ONE_THREAD})
            outputs = [cell.get("outputs", []) for cell in own]
            write(kept, json.dumps({"outputs": outputs, "exercises": specification(chapter)}).encode())
            for old in set(cache.glob(f"{chapter.path.stem}-*.json")) - {kept}:
                old.unlink()
        executed = date.fromtimestamp(kept.stat().st_mtime).isoformat()
        return json.loads(kept.read_text(encoding="utf-8")) | {"executed": executed}


def run_all(chapters: tuple[Chapter, ...], cache: Path) -> list[dict]:
    """As `run`, for several chapters, as many side by side as there are processors."""
    with ThreadPoolExecutor(processors()) as pool:
        return list(pool.map(functools.partial(run, cache=cache), chapters))
