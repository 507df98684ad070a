"""The chapters: stubs that match the lesson, and a run from top to bottom with the answers spliced in."""

import ast
import re
from pathlib import Path

import jupytext
import pytest

from dino.course.chapters import (
    CELL,
    LESSON,
    chapters,
    cut,
    definition,
    find_chapter,
    find_exercise,
    functions,
    solution,
    stubs,
    unwritten,
)
from dino.course.site.execute import ledger, run, with_ledger

# The website is built of the same runs.
CACHE = Path(__file__).parents[1] / ".cache" / "chapters"

EXERCISES = [(chapter, exercise) for chapter in chapters() for exercise in chapter.exercises]
by_name = pytest.mark.parametrize(("chapter", "exercise"), EXERCISES, ids=[exercise.name for _, exercise in EXERCISES])
by_chapter = pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.topic)


@by_name
def test_the_stub_is_the_reference_with_the_body_taken_out(chapter, exercise):
    stub, reference = stubs(chapter)[exercise.name], solution(chapter, exercise)
    missing = unwritten(stub)
    assert missing, "the stub is solved"
    assert stub == cut(reference, missing)


@by_name
def test_an_exercise_takes_one_to_twelve_lines(chapter, exercise):
    reference = solution(chapter, exercise)
    missing = unwritten(stubs(chapter)[exercise.name])
    lines = 0
    for name, node in functions(ast.parse(reference)):
        if name in missing:
            first = node.body[1 if ast.get_docstring(node) else 0].lineno
            code = reference.splitlines()[first - 1 : node.end_lineno]
            lines += sum(1 for line in code if line.strip() and not line.strip().startswith("#"))
    assert 1 <= lines <= 12


@by_chapter
def test_every_exercise_is_announced_before_its_cell_and_checked_after_it(chapter):
    text = chapter.path.read_text()
    assert [exercise.name for exercise in chapter.exercises] == list(stubs(chapter))
    for match, exercise in zip(CELL.finditer(text), chapter.exercises, strict=True):
        before = text[: match.start()].rpartition("# **Exercise: ")[2]
        assert before.startswith(f"`{exercise.name}`**")
        assert text[match.end() :].lstrip("\n").startswith(f"# %%\ncheck({exercise.name})\n")
        assert "Why it matters" in before


@by_chapter
def test_the_text_has_what_every_chapter_has(chapter):
    text = chapter.path.read_text()
    assert "**Predict.**" in text
    assert "common belief" in text
    assert "## What you have now" in text
    notebook = jupytext.reads(text, fmt="py:percent")
    # A caption, in italics, follows each figure.
    for cell, after in zip(notebook.cells, notebook.cells[1:], strict=False):
        if cell.cell_type == "code" and re.search(r"^\s*(show\(|sheet\(|plt\.show)", cell.source, re.MULTILINE):
            assert after.cell_type == "markdown", cell.source
            assert after.source.startswith("*"), cell.source


@by_chapter
def test_what_a_chapter_gives_is_word_for_word_what_the_lesson_says(chapter):
    lesson = (LESSON / f"{chapter.topic}.py").read_text()
    names = {node.name for node in ast.parse(lesson).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for cell in jupytext.reads(chapter.path.read_text(), fmt="py:percent").cells:
        if cell.cell_type == "code" and "exercise" not in cell.metadata.get("tags", []):
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.FunctionDef) and node.name in names:
                    assert definition(cell.source, node.name) == definition(lesson, node.name)


@by_chapter
def test_what_a_chapter_says_of_its_results_is_in_a_ledger(chapter):
    claims = ledger(chapter)
    assert len(claims) >= 10
    cells = with_ledger(jupytext.reads(chapter.path.read_text(), fmt="py:percent").cells, claims)
    # A claim that is true of nothing at all says nothing: it names something that the chapter computes or defines.
    nodes = [node for cell in cells if cell.cell_type == "code" for node in ast.walk(ast.parse(cell.source))]
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    for words, true in claims.items():
        assert names & {node.id for node in ast.walk(ast.parse(true, mode="eval")) if isinstance(node, ast.Name)}, words


@by_chapter
def test_a_solved_chapter_runs_from_top_to_bottom_and_passes_its_checks(chapter):
    kept = run(chapter, CACHE)
    streams = [out for outputs in kept["outputs"] for out in outputs if out["output_type"] == "stream"]
    printed = "".join(stream["text"] for stream in streams)
    for exercise in chapter.exercises:
        assert f"✓ {exercise.name}: All" in printed
    assert "Warning" not in printed


def test_bodies_are_cut_by_lines_and_comments_stay():
    source = '''
@decorator
def one(x):
    """What it does."""
    # First step.
    for i in x:
        # Inner step.
        i += 1  # a remark
    return x


class Two:
    def given(self):
        return 1

    def cut(self):
        # Only step.
        return 2
'''.strip()
    expected = '''
@decorator
def one(x):
    """What it does."""
    # First step.
    # Inner step.
    raise NotImplementedError("one is yours to write")


class Two:
    def given(self):
        return 1

    def cut(self):
        # Only step.
        raise NotImplementedError("Two.cut is yours to write")
'''.strip()
    assert cut(source, {"one", "Two.cut"}) == expected
    assert unwritten(expected) == {"one", "Two.cut"}


def test_chapters_and_exercises_are_found_by_their_names():
    for word in ("1", "01", "noise", "01_noise", "01_noise.py", "my-dino/01_noise.ipynb"):
        assert find_chapter(word) == chapters()[0]
    assert find_chapter("cooking") is None
    with pytest.raises(ValueError, match=r"no exercise called 'mixx'.*There are: mix, "):
        find_exercise("mixx")
