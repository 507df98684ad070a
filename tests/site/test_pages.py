"""The website's pages: of what is in a chapter and what came out of it, and run no more often than needed."""

import ast
import base64
import dataclasses
import importlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import jupytext
import markdown
import nbclient
import nbformat
import pytest
import torch
import yaml
from PIL import Image

from dino.course.chapters import Chapter, Exercise, chapters, solution, solved, stubs
from dino.course.checks import check_for
from dino.course.judge.trial import make_claims
from dino.course.notebooks import notebook as written_out
from dino.course.site import execute as running
from dino.course.site import pages
from dino.course.site.display import DARK, LIGHT
from dino.course.site.execute import code_of, key_of, run, specification
from dino.course.site.glossary import GLOSSARY, ROW, Linker, places
from dino.course.site.pages import framed, minutes, notebook, page, printed_text, reference

ROOT = Path(__file__).parents[2]
CHAPTER = chapters()[0]
CELLS = jupytext.reads(CHAPTER.path.read_text(), fmt="py:percent").cells


def picture(colour: str, size: tuple[int, int] = (40, 20)) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, format="webp", lossless=True)
    return base64.b64encode(buffer.getvalue()).decode()


KNOWN = {"claims": ["It is true."], "hints": ["Look.", "Look here."]}


def kept(**outputs) -> dict:
    """What came out of the chapter: nothing but the given outputs, by the first word of their cell."""
    known = {one.name: dict(KNOWN) for one in CHAPTER.exercises}
    found = [next((out for word, out in outputs.items() if cell.source.startswith(word)), []) for cell in CELLS]
    return {"outputs": found, "exercises": known}


def test_an_exercise_shows_its_stub_and_folds_hints_and_the_answer():
    text, _ = page(CHAPTER, kept())
    for exercise in CHAPTER.exercises:
        answer = solution(CHAPTER, exercise)
        assert f"\n```python\n{answer}" not in text
        folded = "\n".join(f"    {line}" if line else "" for line in answer.splitlines())
        stub = text.index(f'raise NotImplementedError("{exercise.name} is yours to write")')
        order = [
            '??? abstract "What the check looks at, some of it several times"\n\n    - It is true.',
            '??? tip "Hint 1"\n\n    Look.',
        ]
        order += ['??? tip "Hint 2"\n\n    Look here.', f'??? success "Solution"\n\n    ```python\n{folded}\n    ```']
        places = [text.index(part, stub) for part in order]
        assert places == sorted(places)
        assert places[-1] < text.index(f"check({exercise.name})", stub)


def test_claims_that_differ_only_in_their_numbers_are_listed_once():
    known = kept()
    claims = ["At 0.25, picture 1 is right.", "All count.", "At 0.5, picture 12 is right.", "At 0.5, all are right."]
    known["exercises"][CHAPTER.exercises[0].name]["claims"] = claims
    text, _ = page(CHAPTER, known)
    listed = text.partition("several times")[2].partition("???")[0]
    assert listed.split("    - ")[1:] == [f"{one}\n" for one in (claims[0], claims[1])] + [f"{claims[3]}\n\n"]


def test_what_a_cell_imports_from_the_lesson_is_folded_below_it():
    text, _ = page(CHAPTER, kept())
    assert (
        '??? quote "From the lesson: `dinosaurs`, `load`, `sheet`"\n\n    `dino/data.py`\n\n    ```python\n    def dinosaurs('
        in text
    )


def test_code_of_the_lesson_is_shown_in_the_first_chapter_that_imports_it_and_linked_from_later_ones():
    texts = []
    for chapter in chapters():
        known = {one.name: {"claims": [], "hints": []} for one in chapter.exercises}
        cells = written_out(chapter.path.read_text()).cells
        texts.append(page(chapter, {"outputs": [[] for _ in cells], "exercises": known})[0])
    shown = [re.findall(r"`(\w+)`", line) for text in texts for line in re.findall(r"From the lesson: (.+)", text)]
    names = [name for some in shown for name in some]
    assert {"load", "make_question", "Run"} <= set(names)
    assert len(names) == len(set(names))
    (line,) = re.findall(r"^From the lesson, as before: .+\n\{ \.facts \}$", texts[1], re.MULTILINE)
    assert "[`load`](../lesson.md#data.load)" in line
    assert "`mix`" not in line  # an exercise of the chapter before, but imported for the first time
    for text in texts:
        linked = re.findall(r"\]\(\.\./lesson\.md#(.+?)\)", text)
        assert all(f"{{ #{place} }}" in reference() for place in linked)


def test_quoted_paragraphs_become_frames():
    assert framed('Before.\n\n> **Predict.** What now?\n> Say it.\n\nAfter.\n\n> **A common belief: "No."** Yes.') == (
        'Before.\n\n!!! question "Predict"\n\n    What now?\n    Say it.\n\nAfter.\n\n'
        "!!! warning \"A common belief: 'No.'\"\n\n    Yes."
    )


def test_an_exercise_has_a_heading_that_one_can_link_to():
    assert framed("**Exercise: `mix`** · 3 minutes · easy\n\nWhy.") == (
        "### Exercise: `mix` { #mix }\n\n3 minutes · easy\n{ .facts }\n\nWhy."
    )


def test_a_comment_becomes_something_to_play_with_in_the_page_and_nothing_in_the_notebook():
    text, _ = page(CHAPTER, kept())
    assert re.search(
        r'<div class="live"><dino-noise guess>.+</dino-noise></div>\n\n\*The same questions, [^\n]+\*\n', text
    )
    assert "<!--" not in text + notebook(CHAPTER)


def test_a_page_tells_how_long_it_takes_and_where_else_to_read_it_only_if_there_is_a_repository():
    alone, _ = page(CHAPTER, kept())
    top = r"# .+\n\n\*.+\*\n\nAbout \d\d minutes · 3 exercises · needs a little Python and torch\n"
    assert re.match(rf'---\ndescription: ".+"\n---\n\n{top}', alone)
    assert "[Download as notebook](01_noise.ipynb)" in alone and "[Do an exercise here](#mix)" in alone
    assert "https://" not in alone.partition("In this course")[0]
    published, _ = page(CHAPTER, kept(), "owner/name")
    assert "(https://colab.research.google.com/github/owner/name/blob/gh-pages/chapters/01_noise.ipynb)" in published
    assert "(https://github.com/owner/name/blob/main/chapters/01_noise.py)" in published


def test_a_page_says_below_its_title_what_it_is_about_and_tells_search_engines_the_same():
    sentence = '*Noise, and\n"more" noise: mixed.*'
    title, about, rest = pages.head(f"# Title\n\n{sentence}\n\nThe text.")
    assert (title, about, rest.strip()) == ("# Title", 'Noise, and "more" noise: mixed.', "The text.")
    assert pages.head("# Title\n\nThe *text*.") == ("# Title", "", "The *text*.")
    found = []
    for chapter in chapters():
        cells = written_out(chapter.path.read_text()).cells
        text, _ = page(
            chapter, {"outputs": [[] for _ in cells], "exercises": {one.name: KNOWN for one in chapter.exercises}}
        )
        _, settings, below = text.split("---\n", 2)
        about = yaml.safe_load(settings)["description"]
        assert below.startswith(f"\n# {chapter.title}\n\n*{about}*\n\nAbout ")
        assert 100 < len(about) <= 160 and '"' not in about and "`" not in about
        found.append(about)
    assert len(set(found)) == len(found)


def test_a_chapter_takes_as_long_as_its_words_its_exercises_and_its_cells(tmp_path):
    path = tmp_path / "01_noise.py"
    path.write_text(f"# %% [markdown]\n# # Title\n#\n# {'word ' * 398}\n\n# %%\n1\n\n# %%\n2\n\n# %%\n3\n")
    chapter = dataclasses.replace(CHAPTER, path=path, exercises=(Exercise("a", 7, "easy"), Exercise("b", 4, "hard")))
    assert minutes(chapter) == 2 + 3 + 7 + 4


def test_a_notebook_has_the_cells_of_the_chapter_and_first_installs_what_is_missing():
    learner = nbformat.reads(notebook(CHAPTER, "2026-11-30"), as_version=4)
    nbformat.validate(learner)
    first, *rest = learner.cells
    released = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f'    %pip install -q "dino-course=={released}"' in first.source.splitlines()
    day, what, *_ = first.source.splitlines()
    assert day.endswith("last run on 2026-11-30.") and what.startswith(f"# This installs dino-course {released},")
    assert [cell.source for cell in rest if cell.cell_type == "code"] == [
        cell.source for cell in CELLS if cell.cell_type == "code"
    ]
    assert not any(cell.get("outputs") for cell in learner.cells)
    assert "%pip" not in notebook(CHAPTER)


def test_the_page_about_the_lesson_tells_of_everything_in_it():
    text = reference()
    assert text.index("## `dino.noise`") < text.index("## `dino.sampling`") < text.index("## `dino.data`")
    assert "### `Denoiser` { #denoiser.Denoiser }\n\n```python\nclass Denoiser(nn.Module):\n" in text
    head, _, rest = text.partition("### `mix` { #noise.mix }")[2].partition('??? quote "Code"')
    assert head.strip().startswith("```python\ndef mix(clean: Tensor") and head.strip().endswith('"""\n```')
    assert "    return (1 - level) * clean + level * noise\n" in rest.partition("###")[0]
    undescribed, _, _ = text.partition("### `rex` { #drawing.rex }")[2].partition('??? quote "Code"')
    assert undescribed.strip() == "```python\ndef rex(pen: Pen, random: Random) -> str:\n```"
    for module in ("noise", "training", "saving"):
        for name, thing in vars(importlib.import_module(f"dino.{module}")).items():
            if getattr(thing, "__module__", "") == f"dino.{module}":
                assert f"{{ #{module}.{name} }}" in text


@pytest.mark.parametrize("chapter", chapters()[:4], ids=lambda chapter: chapter.topic)
def test_a_fresh_notebook_runs_up_to_the_first_exercise_and_says_whose_turn_it_is(chapter, tmp_path):
    learner = nbformat.reads(notebook(chapter), as_version=4)
    client = nbclient.NotebookClient(learner, timeout=120, resources={"metadata": {"path": tmp_path}})
    with pytest.raises(nbclient.exceptions.CellExecutionError) as stopped:
        client.execute()
    assert stopped.value.ename == "NotImplementedError"
    assert re.fullmatch(rf"({'|'.join(stubs(chapter))})[.\w]* is yours to write", stopped.value.evalue)


def test_printed_sentences_are_wrapped_and_printed_tables_are_not():
    table = "\n".join("1234567890" * 8 for _ in range(3))
    assert printed_text(table) == f"```text\n{table}\n```"
    settings = {"pymdownx.highlight": {"pygments_lang_class": True}}
    extensions = ["pymdownx.superfences", "pymdownx.highlight"]
    html = markdown.markdown(printed_text(f"{table}1"), extensions=extensions, extension_configs=settings)
    assert html.startswith('<div class="language-text sentences highlight">')


def test_printed_text_stands_before_the_picture_and_the_caption_after_it():
    figure = {
        "output_type": "display_data",
        "data": {LIGHT: picture("white"), DARK: picture("black"), "text/plain": "x"},
    }
    printed = {"output_type": "stream", "name": "stdout", "text": "88%\n"}
    warned = {"output_type": "stream", "name": "stderr", "text": "never mind"}
    text, pictures = page(CHAPTER, kept(noise=[figure, printed, warned]))
    light, dark = pictures
    assert re.search(
        r"    ```text\n    88%\n    ```\n\n"
        rf'    !\[(Adding fails[^\]]+)\]\({light}#only-light\)\{{ \.output width="20" height="10" loading="lazy" \}}\n'
        rf"    !\[\1\]\({dark}#only-dark\)\{{.*\}}\n\n    \*Adding fails",
        text,
    )
    assert "never mind" not in text
    for content, brightness in ((pictures[light], 255), (pictures[dark], 0)):
        assert Image.open(io.BytesIO(content)).convert("L").getextrema() == (brightness, brightness)


def test_a_picture_of_several_panels_side_by_side_is_marked_as_wide():
    for size, look in (((600, 200), '.output .wide width="300"'), ((560, 200), '.output width="280"')):
        figure = {"output_type": "display_data", "data": {LIGHT: picture("white", size), "text/plain": "x"}}
        assert f"{{ {look} " in page(CHAPTER, kept(noise=[figure]))[0]


def test_examples_in_docstrings_are_blocks_of_code_on_the_page_about_the_lesson():
    html = markdown.markdown(reference(), extensions=["pymdownx.superfences", "attr_list"])
    assert "<blockquote>" not in html
    first = html.partition('id="captions"')[2].partition("</code></pre></div>")[0]
    text = re.sub("<[^>]+>", "", first)
    assert text.endswith("random.Random(1))\n'a large teal stegosaurus with yellow plates, facing left'\n")


ASKING = """
# %% [markdown]
# # Guesses
#
# > **Predict.** What is it?
#
# **Exercise: `mix`** · 3 minutes · easy

# %% tags=["exercise"]
def mix():
    raise NotImplementedError

# %%
check(mix)

# %% [markdown]
# ## What it is

# %%
x = 1

# %%
print(x)

# %%
print(x + 1)

# %% [markdown]
# *One batch, and
# then two.*
#
# So it goes.

# %%
print(x + 2)

# %% [markdown]
# > **Predict.** And then?

# %%
y = 2
"""

ANSWER = """
```python
print(x)
```

??? question answer "Made your guess? See what came out"

    ```text
    1
    ```

    ```python
    print(x + 1)
    ```

    ```text
    2
    ```

    *One batch, and
    then two.*

So it goes.

```python
print(x + 2)
```

```text
3
```
"""


def test_what_comes_out_after_a_question_to_the_reader_is_folded_with_its_caption(tmp_path, monkeypatch):
    path = tmp_path / "01_noise.py"
    path.write_text(ASKING)
    chapter = dataclasses.replace(CHAPTER, path=path)
    monkeypatch.setattr(pages, "chapters", lambda: (chapter,))
    printed = {"check(mix)": "right", "print(x)": "1", "print(x + 1)": "2", "print(x + 2)": "3"}
    outputs = [
        [{"output_type": "stream", "name": "stdout", "text": printed[cell.source]}] if cell.source in printed else []
        for cell in written_out(ASKING).cells
    ]
    text, _ = page(chapter, {"outputs": outputs, "exercises": {"mix": {"claims": ["So."], "hints": []}}})
    assert ANSWER in text
    assert text.count("Made your guess?") == 1
    assert "\n```text\nright\n```\n" in text
    assert text.index("!!! question") < text.index("### Exercise") < text.index("## What it is") < text.index(ANSWER)


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("Noise, and more noise.", "[Noise](g#noise){ .word }, and more noise."),
        ("The **noise\n> level** and levels.", "The **[noise\n> level](g#level){ .word }** and levels."),
        ("Two batches of a batch.", "Two [batches](g#batch){ .word } of a batch."),
        ("A step, a *step*, a **step**.", "A step, a *[step](g#step){ .word }*, a **step**."),
        ("# Noise\n\n`noise` noises", "# Noise\n\n`noise` [noises](g#noise){ .word }"),
        ("> **Noise?** No noise.", "> **Noise?** No [noise](g#noise){ .word }."),
        ("[noise](x) <!-- noise --> $noise$ noise", "[noise](x) <!-- noise --> $noise$ [noise](g#noise){ .word }"),
        ("```\nnoise\n```\nlevel", "```\nnoise\n```\n[level](g#level){ .word }"),
        ('noisy, noise-free, "noise", denoise', 'noisy, noise-free, "noise", denoise'),
    ],
)
def test_the_first_use_of_a_word_in_prose_links_to_the_glossary(text, linked):
    known = {"noise": "noise", "level": "level", "noise level": "level", "batch": "batch", "*step*": "step"}
    assert Linker(known, "g")(text) == linked


def test_a_word_is_linked_once_in_a_chapter_and_neither_in_captions_nor_in_notebooks():
    text, _ = page(CHAPTER, kept())
    found = re.findall(r"\.\./glossary\.md#([\w-]+)\)\{ \.word \}", text)
    assert {"noise", "batch", "level", "clean-picture", "question", "broadcasting"} <= set(found)
    assert len(found) == len(set(found))
    assert not re.search(r"^\*[^*\n][^\n]*\.word", text, re.MULTILINE)
    assert "glossary" not in notebook(CHAPTER)


def test_every_row_of_the_glossary_has_a_place_of_its_own_and_rows_are_in_order():
    words = GLOSSARY.read_text().partition("## Words")[2]
    rows, (_, *lines) = ROW.findall(words), re.findall(r"^\| .+", words, re.MULTILINE)
    assert len(rows) == len(lines)
    assert len({place for _, place in rows}) == len(rows) > 40
    names = [name.removeprefix("to ").strip("*").lower() for name, _ in rows]
    assert names == sorted(names)
    assert len(places()) == sum(len(name.split(", ")) for name, _ in rows)


def test_under_an_exercise_stands_what_its_own_check_claims_and_not_what_an_earlier_one_does():
    chapter = chapters()[2]
    told = specification(chapter)["training_step"]["claims"]
    check = check_for(chapter.topic, "training_step")
    made = {claim.says for claim in make_claims(check, check.reference, seed=0)}
    earlier = check_for("noise", "make_question"), check_for("noise", "random_levels")
    theirs = {claim.says for one in earlier for claim in make_claims(one, one.reference, seed=0)}
    assert len(made & theirs) > 20
    assert set(told) == made - theirs != set()


IMPORTS = """
import sys
{imports}
from dino.course import check, show, use_own
from dino.course.checks import check_for
check_for("{topic}", "{name}")
print(*(module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] == "dino"), sep="\\n")
"""


@pytest.mark.parametrize("chapter", [chapters()[0], chapters()[4]], ids=lambda chapter: chapter.topic)
def test_a_page_depends_on_every_module_that_its_chapter_imports_and_not_on_others(chapter):
    source = "\n".join(cell.source for cell in written_out(solved(chapter)).cells if cell.cell_type == "code")
    nodes = (node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom))
    words = {"imports": "\n".join(map(ast.unparse, nodes)), "topic": chapter.topic, "name": chapter.exercises[0].name}
    command = [sys.executable, "-c", IMPORTS.format(**words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    known = {str(path) for path in running.needed(source, chapter.topic)}
    assert set(done.stdout.split()) <= known
    assert not [path for path in known if "/course/train/" in path or "/course/grade/" in path]
    assert not [path for path in known if f"checks/{chapters()[3].topic}" in path]


def test_a_chapter_runs_again_only_if_what_it_does_has_changed(tmp_path, monkeypatch):
    assert code_of('"""Old."""\nx = 1  # old') == code_of('"""New."""\nx = 1')
    assert code_of("x = 1") != code_of("x = 2")
    text, other = CHAPTER.path.read_text(), dataclasses.replace(CHAPTER, path=tmp_path / CHAPTER.path.name)
    shutil.copy(CHAPTER.path.with_suffix(".toml"), tmp_path)
    for change, same in (("# A sentence more.\n", True), ("\n# %%\nprint(1)\n", False)):
        other.path.write_text(text + change)
        assert (key_of(other) == key_of(CHAPTER)) == same

    def refuse(*_args, **_more):
        raise AssertionError("it ran")

    monkeypatch.setattr(running.nbclient, "NotebookClient", refuse)
    old, now = tmp_path / f"{CHAPTER.path.stem}-old.json", tmp_path / f"{CHAPTER.path.stem}-{key_of(CHAPTER)}.json"
    old.write_text("{}")
    with pytest.raises(AssertionError, match="it ran"):
        run(CHAPTER, tmp_path)
    now.write_text(json.dumps({"kept": 1}))
    os.utime(now, (1_699_963_200,) * 2)  # at noon in London, the same day almost everywhere
    assert run(CHAPTER, tmp_path) == {"kept": 1, "executed": "2023-11-14"}


CLAIMING = """
# %% [markdown]
# # Numbers
#
# What follows is three.

# %%
import torch
torch.manual_seed(0)
number = 3

# %% [markdown]
# > **A common belief: "It is
# > four."** It is **three**.

# %%
print(torch.rand(1).item())
"""


def claiming(folder, **ledger) -> Chapter:
    (folder / "01_noise.py").write_text(CLAIMING)
    (folder / "01_noise.toml").write_text(
        "".join(f"{json.dumps(words)} = {json.dumps(ledger[words])}\n" for words in ledger)
    )
    return dataclasses.replace(CHAPTER, path=folder / "01_noise.py", exercises=())


def test_a_chapter_that_says_what_is_not_so_stops_and_quotes_the_sentence(tmp_path):
    chapter = claiming(tmp_path, **{'"It is four."** It is **three**.': "number == 4"})
    with pytest.raises(nbclient.exceptions.CellExecutionError, match=re.escape("It is **three**.")) as stopped:
        run(chapter, tmp_path / "cache")
    assert stopped.value.ename == "AssertionError"


def test_what_is_so_changes_nothing_that_comes_out(tmp_path):
    outputs = [
        run(claiming(tmp_path, **ledger), tmp_path / "cache")["outputs"]
        for ledger in ({}, {"It is **three**.": "number == 3 and torch.rand(1) < 2"})
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0][-1][0]["text"] == f"{torch.rand(1, generator=torch.Generator().manual_seed(0)).item()}\n"


@pytest.mark.parametrize(("words", "places"), [("It is two.", 0), ("three", 2)])
def test_a_ledger_quotes_what_the_chapter_says_once(words, places, tmp_path):
    with pytest.raises(ValueError, match=f"in {places} texts of the chapter, not in one: '{words}'"):
        run(claiming(tmp_path, **{words: "True"}), tmp_path / "cache")
