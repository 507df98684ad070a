"""What a learner's file is and holds: constants, imports, cells, other definitions, other encodings, and what is no such file."""

import json
import re
import sys

import pytest

from dino.course.chapters import chapters, solved, stubs
from dino.course.judge.loader import load
from dino.course.judge.reading import cells_in
from dino.course.judge.runner import judge_file
from dino.course.judge.verdict import FAILED, NOT_STARTED, PASSED
from dino.course.notebooks import notebook, written

CHAPTER = chapters()[0]
SOLVED, STUB = solved(CHAPTER), stubs(CHAPTER)["mix"]
BODY = "    return (1 - level) * clean + level * noise"
CELL = '# %% tags=["exercise"]\ndef mix('
START, END = SOLVED.index(CELL), SOLVED.index("# %%\ncheck(mix)")


@pytest.fixture(params=[".py", ".ipynb"])
def mix_in(request, tmp_path):
    """The verdict on `mix` in a chapter of some text, as a text and as a notebook."""

    def judged(text, **beside):
        for name, more in beside.items():
            (tmp_path / f"{name}.py").write_text(more)
        path = tmp_path / f"01_noise{request.param}"
        path.write_text(text if request.param == ".py" else written(notebook(text)))
        verdicts = judge_file(path, CHAPTER)
        assert [one.state for one in verdicts[1:]] == [PASSED, PASSED]
        return verdicts[0]

    return judged


def with_cell(cell, answer=BODY):
    """The solved chapter with one cell more, and perhaps another body of `mix`."""
    return SOLVED.replace(CELL, f"# %%\n{cell}\n\n\n{CELL}").replace(BODY, answer)


CONSTANTS = {
    "a constant of a made one": "HALF = torch.tensor(0.5)\nONE = HALF * 2",
    "the same by another name": "ONES = torch.ones(1)\nONE = ONES",
    "a library's function": "import math\nONE = math.sqrt(math.cos(0))",
    "a tuple": "def two():\n    return 1, 2\nONE, TWO = two()",
    "two at once": "ONE, TWO = torch.ones(1), torch.zeros(1)",
    "a dictionary": "TABLE = {i: torch.ones(1) * i for i in range(3)}\nONE = TABLE[1]",
    "an augmented assignment": "ONE = torch.zeros(1)\nONE += torch.ones(1)",
    "a condition": "if torch.cuda.is_available():\n    ONE = torch.tensor(1.0)\nelse:\n    ONE = torch.ones(())",
    "a loop": "TABLE = {}\nfor i in range(3):\n    TABLE[i] = torch.ones(1) * i\nONE = TABLE[1]",
    "a list that grows": "LIST = []\nfor i in range(3):\n    LIST.append(torch.ones(1) * i)\nONE = LIST[1]",
    "a context": "with torch.no_grad():\n    ONE = torch.ones(1)",
    "a chain through functions": "A = torch.ones(1)\ndef b():\n    return A\nC = [b()]\nONE = C[0]",
    "an attribute of a class": "class Box:\n    pass\nBox.one = 1.0\nONE = Box.one",
    "a change in place": "ONE = torch.zeros(1)\nONE[0] = float(1)",
    "a name of an experiment": "one = torch.zeros(1)\none += torch.ones(1)\nlevels = torch.stack([one])\nONE = levels[0]",
    "a device": "if torch.cuda.is_available():\n    cpu = torch.device('cpu')\nelse:\n    cpu = torch.device('cpu')\n"
    "ONE = torch.ones(1).to(cpu)",
    "a line of another chapter's": "cpu = torch.device('cpu')\nONE = torch.ones(1, device=cpu)",
    "where the file lies": "import os\nONE = len(os.path.dirname(os.path.abspath(__file__))[:1])",
}


@pytest.mark.parametrize("cell", CONSTANTS.values(), ids=CONSTANTS)
def test_constants_that_an_answer_uses_are_made(cell, tmp_path):
    path = tmp_path / "01_noise.py"
    path.write_text(with_cell(cell, BODY.replace("(1 -", "(ONE -")))
    assert load(path).names["mix"](1.0, 0.0, 0.25) == 0.75


def test_experiments_are_not_run_though_they_give_names_in_loops(tmp_path):
    """Neither the chapter's, though an answer speaks of their names, nor the learner's that no answer needs."""
    path = tmp_path / "01_noise.py"
    own = "losses = []\nfor step in range(3):\n    losses.append(open('never'))\nfinal = losses[-1]"
    path.write_text(with_cell(own, "    return same_noise"))
    answers = load(path)
    assert not {"same_noise", "i", "step", "final"} & answers.names.keys()
    verdict = judge_file(path, CHAPTER)[0]
    assert "there is nothing called `same_noise`" in verdict.news
    # To call an answer in a loop changes nothing of it.
    path.write_text(with_cell("nets = {}\nfor name in ('one', 'two'):\n    mix(open('never'), 0, nets[name])"))
    answers = load(path)
    assert not answers.problems and "mix" in answers.names


CAUSES = {
    "no package": ("import no_such", "no_such.f(clean)", "(`import no_such`): no package of that name is installed"),
    "no name": ("from torch import Tensr", "Tensr(clean)", "there is no `Tensr` in `torch`: is it misspelt?"),
    "a star": ("from no_such import *", "f(clean)", "(`from no_such import *`): no package of that name"),
    "a broken helper": ("import broken", "broken.f(clean)", "(`import broken`): broken.py, line 2 is not Python yet (expected ':')."),
    "a helper's own import": ("import needs", "needs.f(clean)", "needs.py, line 1 (`import no_such`): no package"),
    "a helper that stops": ("from stops import f", "f(clean)", "stops.py, line 1 (`1 / 0`): something is divided"),
    "a constant": ("ONE = 1 / 0", "ONE * clean", "(`ONE = 1 / 0`): something is divided by zero"),
    "a constant of an import": ("import no_such\nONE = no_such.one()", "ONE", "(`import no_such`): no package"),
    "a helper that uses it": ("import no_such\ndef f(x):\n    return no_such.f(x)", "f(clean)", "(`import no_such`): no package"),
    "a cell that is no Python": ("def f(x)\n    return x", "f(clean)", "is not Python yet (expected ':'): def f(x)"),
}  # fmt: skip


@pytest.mark.parametrize(("cell", "answer", "sentence"), CAUSES.values(), ids=CAUSES)
def test_the_first_cause_is_told(cell, answer, sentence, mix_in):
    beside = {"broken": "\ndef f(x) return x", "needs": "import no_such", "stops": "1 / 0"}
    verdict = mix_in(with_cell(cell, f"    return {answer}"), **beside)
    assert verdict.state == FAILED
    assert sentence in verdict.news
    assert re.match(r"(01_noise|needs|stops)\.\w+, ", verdict.news)
    assert "nothing called" not in verdict.news


def test_an_import_that_no_answer_needs_costs_nothing(mix_in):
    assert mix_in(with_cell("import no_such\nno_such.plot()")).state == PASSED


def test_a_broken_first_cell_is_the_cause_for_all(tmp_path):
    (tmp_path / "01_noise.py").write_text(SOLVED.replace("import torch\n", "import torch as\n", 1))
    line = SOLVED[: SOLVED.index("import torch\n")].count("\n") + 1
    for verdict in judge_file(tmp_path / "01_noise.py", CHAPTER):
        assert verdict.news == f"01_noise.py, line {line} is not Python yet (invalid syntax): import torch as"


REST = "seems to be the rest of `mix`, which begins above it"
HIDDEN = {
    "no marker above": (SOLVED.replace(CELL, "def mix("), "mix stands in a cell of text, which is not run"),
    "a cell of text": (SOLVED.replace(CELL, "# %% [markdown]\ndef mix("), "mix stands in a cell of text"),
    "a raw cell": (SOLVED.replace(CELL, "# %% [raw]\ndef mix("), "mix stands in a cell of text"),
    "a return in the next cell": (SOLVED.replace(BODY, f"    level = 1 * level\n\n# %%\n{BODY}"), REST),
    "a body in the next cell": (SOLVED.replace(BODY, f"\n# %%\n    share = level\n{BODY}"), REST),
    "a return at the margin": (SOLVED.replace(BODY, f"    level = 1 * level\n{BODY.strip()}"), REST),
    "inside of another": (SOLVED[:START] + "# %%\nif True:\n    def outer():\n        def mix(): pass\n\n" + SOLVED[END:],
                          "mix stands inside of something else: move it to the margin."),
    "broken above a stub": (SOLVED[:END].replace("level: Tensor)", "level: Tensor", 1) + f"# %%\n{STUB}\n\n" + SOLVED[END:],
                            "is not Python yet"),
}  # fmt: skip


@pytest.mark.parametrize("form", ["if True:", "with torch.no_grad():", "for _ in range(1):", "match 1:\n  case _:"])
def test_an_answer_that_is_defined_under_a_condition_counts_though_a_stub_stands_below(form, mix_in):
    answer = "".join(f"     {line}\n" for line in SOLVED[START:END].splitlines()[1:])
    assert mix_in(f"{SOLVED[:START]}# %%\n{form}\n{answer}\n# %%\n{STUB}\n\n{SOLVED[END:]}").state == PASSED
    assert (
        mix_in(
            f"{SOLVED[:START]}# %%\nmix = lambda clean, noise, level: clean + level * (noise - clean)\n\n# %%\n{STUB}\n\n{SOLVED[END:]}"
        ).state
        == PASSED
    )


@pytest.mark.parametrize(("text", "sentence"), HIDDEN.values(), ids=HIDDEN)
def test_an_answer_that_is_not_where_it_belongs_is_found(text, sentence, mix_in):
    verdict = mix_in(text)
    assert verdict.state == FAILED
    assert sentence in verdict.news


def test_a_text_cell_that_was_commented_out_tells_its_line(tmp_path):
    path = tmp_path / "01_noise.py"
    commented = "".join(f"# {line}\n" for line in SOLVED[START:END].splitlines()[1:])
    path.write_text(f"{SOLVED[:START]}# %% [markdown]\n{commented}\n{SOLVED[END:]}")
    line = 1 + [*path.read_text().splitlines()].index(
        next(x for x in commented.splitlines() if x.startswith("# def mix"))
    )
    assert judge_file(path, CHAPTER)[0].news.startswith(f"01_noise.py, line {line}: mix stands in a cell of text")


def test_methods_in_the_next_cell_are_told(tmp_path):
    chapter = chapters()[1]
    text = solved(chapter)
    begin = text.index("    def forward(", text.index("class Block"))
    path = tmp_path / "02_denoiser.ipynb"
    path.write_text(written(notebook(f"{text[:begin]}\n\n# %%\n{text[begin:]}")))
    assert load(path).problem_with("Block").endswith("seems to be the rest of `Block`, which begins above it: a definition has "
                                                     "to stand in one piece, indented, and in one cell.")  # fmt: skip


def test_a_stub_left_below_an_answer_is_passed_over_and_that_is_told(mix_in):
    verdict = mix_in(f"{SOLVED[:END]}# %%\n{STUB}\n\n{SOLVED[END:]}")
    assert verdict.state == PASSED
    assert "The one at 01_noise" in verdict.symptom
    assert "There is another: 01_noise" in verdict.symptom
    assert mix_in(f"{SOLVED[:START]}# %%\n{STUB}\n\n{SOLVED[START:]}").symptom == ""


def test_of_two_answers_the_last_is_taken_and_that_is_told(mix_in):
    again = SOLVED[START:END].replace("1 - level", "level")
    verdict = mix_in(SOLVED[:START] + again + SOLVED[START:])
    assert (verdict.state, verdict.symptom[:19]) == (PASSED, "The one at 01_noise")


def test_a_stub_alone_is_not_started_and_an_indented_cell_is_moved_to_the_margin(mix_in):
    assert mix_in(SOLVED.replace(BODY, '    raise NotImplementedError("mix is yours to write")')).state == NOT_STARTED
    note = f"# %% [markdown]\n# mix = a blend\n\n{CELL}"
    assert mix_in(SOLVED.replace(SOLVED[START:END], f"{note}{STUB[8:]}\n\n")).state == NOT_STARTED
    assert mix_in(SOLVED.replace("# %%\ncheck(mix)", "# %%\n  check(mix)")).state == PASSED
    assert mix_in(with_cell("  # one\n  ONE = 1.0\n  ONE += 0", BODY.replace("(1 -", "(ONE -"))).state == PASSED


def test_helpers_beside_a_file_are_those_of_its_own_folder_and_as_they_are_now(tmp_path):
    answer = "    import inner.deep\n    return inner.deep.one * share(level) * clean + level * noise"
    before = [*sys.path]
    for folder, share in {"a": "1 - level", "b": "level", "c": "1 - level"}.items():
        (tmp_path / folder / "inner").mkdir(parents=True)
        (tmp_path / folder / "inner" / "deep.py").write_text("one = 1")
        (tmp_path / folder / "helper.py").write_text(f"def share(level):\n    return {share}")
        (tmp_path / folder / "colorsys.py").write_text("raise ValueError('hides the one of Python')")
        (tmp_path / folder / "01_noise.py").write_text(
            with_cell("from helper import share\nfrom colorsys import rgb_to_hsv", answer)
        )
    mix = load(tmp_path / "a" / "01_noise.py").names["mix"]
    assert mix(1.0, 0.0, 0.25) == 0.75
    answers = load(tmp_path / "b" / "01_noise.py")
    assert answers.names["mix"](1.0, 0.0, 0.25) == 0.25
    assert not answers.lost
    (tmp_path / "b" / "helper.py").write_text("def share(level):\n    return 7")
    assert load(tmp_path / "b" / "01_noise.py").names["mix"](1.0, 0.0, 0.25) == 7
    assert judge_file(tmp_path / "c" / "01_noise.py", CHAPTER)[0].state == PASSED
    assert [path for path in sys.path if path not in before] == [str(tmp_path / "b")]


OTHER = f"    assert len('é') == 1\n{BODY}"
BOOK = written(notebook(SOLVED))
NO_FILES = {
    "format 3": ("a.ipynb", json.dumps({"nbformat": 3, "worksheets": []}), "is a notebook of an old format, 3"),
    "a web page": ("a.ipynb", "\n<!DOCTYPE html><html>", "is not a notebook but a web page"),
    "a web page of Python": ("a.py", "<html><body>", "is not a Python file but a web page"),
    "half an upload": ("a.ipynb", BOOK[:3000], "is not a whole notebook: it is cut off or damaged"),
    "a conflict": ("a.ipynb", BOOK.replace("\n", "\n<<<<<<< HEAD\n", 1), "marks of a merge conflict"),
    "a list": ("a.ipynb", "[1, 2]", "is not a notebook: it is JSON, but has no cells"),
    "other JSON": ("a.ipynb", "{}", "is not a notebook: it is JSON, but has no cells"),
    "cells that are none": ("a.ipynb", '{"cells": [1]}', "cell 1 has no type or no text"),
    "cells without text": ("a.ipynb", '{"cells": [{"cell_type": "code"}]}', "cell 1 has no type or no text"),
    "brackets without end": ("a.ipynb", "[" * 100_000, "is not a whole notebook"),
    "nothing": ("a.ipynb", "", "a.ipynb is empty."),
    "white space": ("a.py", " \n", "a.py is empty."),
    "a notebook called .py": ("a.py", BOOK, "is not a Python file but a notebook: name it a.ipynb."),
    "Python called .ipynb": ("a.ipynb", SOLVED, "is not a notebook but Python: name it a.py."),
    "words": ("a.ipynb", "hello world", "is not a notebook: it begins with 'hello'"),
    "an archive": ("a.ipynb", b"PK\x03\x04...", "is not a notebook but a zip archive"),
    "a document": ("a.py", b"%PDF-1.7", "is not a Python file but a PDF"),
    "another ending": ("a.ipynb.txt", BOOK, "is neither a .py file nor a notebook (.ipynb). Rename it to a.ipynb."),
    "UTF-16": ("a.py", SOLVED.encode("utf-16"), "is written in UTF-16, or is no text: save it again as UTF-8"),
    "UTF-16 without a mark": ("a.ipynb", BOOK.encode("utf-16-le"), "save it again as UTF-8"),
    "cp1252": ("a.py", f"x = 1\nx\nx = 'é'\n{SOLVED}".encode("cp1252"), "a.py, line 3 holds a letter that is not in UTF-8"),
    "latin-1 in line 1": ("a.py", "# é".encode("latin-1"), "name its encoding in the first line: `# -*- coding: cp1252"),
    "an unknown encoding": ("a.py", "# coding: latin-77", "names its encoding wrongly (unknown encoding: latin-77)"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "sentence"), NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_such_file_is_told_in_one_sentence(name, content, sentence):
    with pytest.raises(ValueError) as told:
        cells_in(content if isinstance(content, bytes) else content.encode(), name)
    assert sentence in str(told.value)
    assert str(told.value).startswith(name)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8"])
def test_a_file_that_names_its_encoding_is_read_in_it(encoding, tmp_path):
    text = f"# -*- coding: {encoding} -*-\n{SOLVED.replace(BODY, OTHER)}"
    (tmp_path / "01_noise.py").write_bytes(text.encode(encoding))
    assert [one.state for one in judge_file(tmp_path / "01_noise.py", CHAPTER)] == [PASSED] * 3


def test_marks_and_ends_of_lines_of_other_systems_and_halves_of_letters_do_no_harm(tmp_path):
    path = tmp_path / "01_noise.py"
    for text in (b"\xef\xbb\xbf" + SOLVED.replace("\n", "\r\n").encode(), SOLVED.replace("\n", "\r").encode()):
        path.write_bytes(text)
        assert callable(load(path).names["mix"])
    (tmp_path / "a.ipynb").write_text(
        '{"cells": [{"cell_type": "code", "source": "x = \'\\ud800\'\\ndef mix(): pass"}]}'
    )
    assert callable(load(tmp_path / "a.ipynb").names["mix"])


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x0c", "\x85", "\x1c", "\v"])
def test_lines_end_where_they_end_for_python(end, mix_in):
    """And nowhere else, so that what is quoted of an answer is the line that it is."""
    verdict = mix_in(with_cell(f"# one{end}two\nTEXT = 'one{end}two'", "    return torch.nowhere"))
    assert "(`return torch.nowhere`)" in verdict.news


def test_text_that_nobody_writes_is_not_read():
    with pytest.raises(ValueError, match=r"a\.py holds more than 262,144 letters of text, which nobody writes by hand"):
        cells_in(b"x = 1\n" * 50_000, "a.py")
    cell = {"cell_type": "code", "source": "x = 1", "outputs": [{"data": {"image/png": "x" * 300_000}}]}
    assert len(cells_in(json.dumps({"cells": [cell]}).encode(), "a.ipynb")) == 1


def test_what_a_chapter_of_an_older_notebook_lacks_is_no_matter(tmp_path, capsys):
    """Cells without an id are told about by libraries, once for each cell; nobody needs to hear of that."""
    book = json.loads(BOOK)
    for cell in book["cells"]:
        cell.pop("id", None)
    (tmp_path / "01_noise.ipynb").write_text(json.dumps(book))
    assert [one.state for one in judge_file(tmp_path / "01_noise.ipynb", CHAPTER)] == [PASSED] * 3
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.topic)
def test_what_a_chapter_itself_does_is_no_problem_of_the_learners(chapter, tmp_path):
    path = tmp_path / chapter.path.name
    path.write_text(solved(chapter))
    assert not load(chapter.path).problems
    assert not load(path).problems
