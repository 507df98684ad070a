"""The website's pages: of what is in a chapter and what came out of it, and run no more often than needed."""

import base64
import io
import json
import re

import jupytext
import pytest
from PIL import Image

from dino.course.chapters import chapters, solution
from dino.course.site import run as running
from dino.course.site.kernel import DARK, LIGHT
from dino.course.site.pages import framed, page
from dino.course.site.run import code_of, key_of, run

CHAPTER = chapters()[0]
CELLS = jupytext.reads(CHAPTER.path.read_text(), fmt="py:percent").cells


def png(colour: str) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 20), colour).save(buffer, format="png")
    return base64.b64encode(buffer.getvalue()).decode()


def kept(**outputs) -> dict:
    """What came out of the chapter: nothing but the given outputs, by the first word of their cell."""
    known = {one.name: {"claims": ["It is true."], "hints": ["Look.", "Look here."]} for one in CHAPTER.exercises}
    found = [next((out for word, out in outputs.items() if cell.source.startswith(word)), []) for cell in CELLS]
    return {"outputs": found, "exercises": known}


def test_an_exercise_shows_its_stub_and_folds_hints_and_the_answer():
    text, _ = page(CHAPTER, kept())
    for exercise in CHAPTER.exercises:
        answer = solution(CHAPTER, exercise)
        assert f"\n```python\n{answer}" not in text
        folded = "\n".join(f"    {line}" if line else "" for line in answer.splitlines())
        stub = text.index(f'raise NotImplementedError("{exercise.name} is yours to write")')
        order = ['??? abstract "What the check looks at"\n\n    - It is true.', '??? tip "Hint 1"\n\n    Look.']
        order += ['??? tip "Hint 2"\n\n    Look here.', f'??? success "Solution"\n\n    ```python\n{folded}\n    ```']
        places = [text.index(part, stub) for part in order]
        assert places == sorted(places)
        assert places[-1] < text.index(f"check({exercise.name})", stub)


def test_what_a_cell_imports_from_the_lesson_is_folded_below_it():
    text, _ = page(CHAPTER, kept())
    assert '??? quote "`dinosaurs`, from `dino/data.py`"\n\n    ```python\n    def dinosaurs(' in text
    assert "`check`, from" not in text


def test_quoted_paragraphs_become_frames():
    assert framed('Before.\n\n> **Predict.** What now?\n> Say it.\n\nAfter.\n\n> **A common belief: "No."** Yes.') == (
        'Before.\n\n!!! question "Predict"\n\n    What now?\n    Say it.\n\nAfter.\n\n'
        "!!! warning \"A common belief: 'No.'\"\n\n    Yes."
    )


def test_printed_text_stands_before_the_picture_and_the_caption_after_it():
    figure = {"output_type": "display_data", "data": {LIGHT: png("white"), DARK: png("black"), "text/plain": "x"}}
    printed = {"output_type": "stream", "name": "stdout", "text": "88%\n"}
    warned = {"output_type": "stream", "name": "stderr", "text": "never mind"}
    text, pictures = page(CHAPTER, kept(noise=[figure, printed, warned]))
    light, dark = pictures
    assert re.search(
        r"```text\n88%\n```\n\n"
        rf'!\[(Adding fails[^\]]+)\]\({light}#only-light\)\{{ \.output width="20" height="10" loading="lazy" \}}\n'
        rf"!\[\1\]\({dark}#only-dark\)\{{.*\}}\n\n\*Adding fails",
        text,
    )
    assert "never mind" not in text
    for content, brightness in ((pictures[light], 255), (pictures[dark], 0)):
        assert Image.open(io.BytesIO(content)).convert("L").getextrema() == (brightness, brightness)


def test_a_chapter_runs_again_only_if_what_it_does_has_changed(tmp_path, monkeypatch):
    assert code_of('"""Old."""\nx = 1  # old') == code_of('"""New."""\nx = 1')
    assert code_of("x = 1") != code_of("x = 2")

    def refuse(*_args, **_more):
        raise AssertionError("it ran")

    monkeypatch.setattr(running.nbclient, "NotebookClient", refuse)
    old, now = tmp_path / f"{CHAPTER.path.stem}-old.json", tmp_path / f"{CHAPTER.path.stem}-{key_of(CHAPTER)}.json"
    old.write_text("{}")
    with pytest.raises(AssertionError, match="it ran"):
        run(CHAPTER, tmp_path)
    now.write_text(json.dumps({"kept": 1}))
    assert run(CHAPTER, tmp_path) == {"kept": 1}
