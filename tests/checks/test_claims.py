"""The checker, checked: stubs are kindly told so, the lesson's answers are right, and refused as a learner's."""

import matplotlib.pyplot as plt
import pytest
import torch

from dino.course import check
from dino.course.chapters import chapters, exercise_names, solved
from dino.course.checks.claims import Check, Claim, Shape
from dino.course.judge.diagnose import cause as cause_of
from dino.course.judge.diagnose import find_mistake
from dino.course.judge.loader import load
from dino.course.judge.runner import judge, judge_file
from dino.course.judge.verdict import FAILED, NOT_STARTED, PASSED
from dino.course.notebooks import notebook

EXERCISES = [(chapter, exercise.name) for chapter in chapters() for exercise in chapter.exercises]
by_name = pytest.mark.parametrize(("chapter", "name"), EXERCISES, ids=[name for _, name in EXERCISES])


@by_name
def test_a_stub_is_not_started_and_not_failed(chapter, name):
    verdict = judge(name, load(chapter.path).names[name])
    assert verdict.state == NOT_STARTED
    assert verdict.news.endswith("is yours to write.")


@pytest.mark.parametrize("name", exercise_names())
def test_the_reference_passes_over_20_seeds(name, answer):
    right = answer(name)
    for seed in range(20):
        verdict = judge(name, right, seed)
        assert verdict.state == PASSED, (seed, verdict.news, verdict.symptom)


@by_name
def test_the_reference_itself_is_refused(chapter, name, tmp_path):
    module = f"dino.{chapter.topic}"
    copies = [f"from {module} import {name}", f"import {module} as lesson\n{name} = lesson.{name}"]
    if name[0].isupper():
        copies.append(f"import {module} as lesson\nclass {name}(lesson.{name}):\n    pass")
    else:
        copies.append(f"import {module} as lesson\ndef {name}(*args, **more):\n    return lesson.{name}(*args, **more)")
    for text in copies:
        path = tmp_path / chapter.path.name
        path.write_text(text)
        verdict = judge(name, load(path).names[name])
        assert verdict.state == FAILED
        assert "library's own" in verdict.news


@pytest.mark.parametrize(
    ("yours", "expected", "symptom"),
    [
        (None, torch.zeros(2), "Is a `return` missing?"),
        (None, "a word", "Is a `return` missing?"),
        (torch.zeros(2, 3), Shape((2, 4)), "Its shape should be (2, 4), yours is (2, 3)."),
        ("a word", Shape((2,)), "It should be a tensor, yours is a str."),
        ("another", "a word", "It should be a word, yours is another."),
        ([0.0], torch.zeros(1), "It should be a tensor, yours is a list."),
        (torch.zeros(3, 1), torch.zeros(3), "Its shape should be (3,), yours is (3, 1)."),
        (torch.zeros(3, dtype=torch.int64), torch.zeros(3), "It should hold floats"),
        (torch.tensor([0.0, float("nan")]), torch.zeros(2), "1 of its 2 numbers are nan"),
        (torch.tensor([0.0, 0.5]), torch.zeros(2), "At [1] it should be 0, yours is 0.5."),
        (0.3, 0.2, "It should be 0.2, yours is 0.3."),
        (float("nan"), 0.2, "It should be 0.2, yours is nan."),
        ((1, 2), (1, 3), "It should be (1, 3), yours is (1, 2)."),
    ],
)
def test_a_symptom_is_told_in_numbers(yours, expected, symptom):
    assert symptom in Claim("", yours=yours, expected=expected).symptom()


GUESS = torch.linspace(-1, 2, 24).view(2, 3, 2, 2).flip(0)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda x: x.clamp(0, 1), "right except for a clamp to the range from 0 to 1"),
        (lambda x: x.relu(), "right except for a ReLU or clamp"),
        (lambda x: -x, "right except for its sign"),
        (lambda x: 0 * x + 0.5, "the same number everywhere: 0.5"),
        (
            lambda x: torch.stack([x[0], x[1] + 1]),
            "Only one picture of the batch is right: that is number 0, counted from 0.",
        ),
        (lambda x: 3 * x, "right except for a factor: it is 3 times"),
        (lambda x: x - 0.25, "right except for a shift: it is off by -0.25"),
        (lambda x: x.flip(0), "The right numbers come out, in the wrong order."),
        (lambda x: x[:1].expand_as(x) + 0, "Only one picture of the batch is right: that is number 0, counted from 0."),
        (lambda x: x.sigmoid(), "squeezed or stretched by some function"),
        (lambda x: x[:1], "of the wrong kind. Its shape should be (2, 3, 2, 2), yours is (1, 3, 2, 2)."),
        (lambda x: x.long(), "of the wrong kind. It should hold floats"),
        (lambda x: x / x.round().abs(), "numbers are nan (not a number): is something divided by zero?"),
        (lambda _: None, "Nothing is returned"),
        (lambda x: x + x.roll(1, dims=3), None),
    ],
)
def test_a_result_that_is_simply_related_to_the_right_one_says_how(change, cause):
    expected = GUESS.clone()
    expected[0, 0, 0, 0] = 0.0
    found = cause_of(Claim("", yours=change(expected), expected=expected))
    assert found is None if cause is None else cause in found


def test_a_close_result_of_another_float_type_is_right():
    assert Claim("", yours=torch.ones(2, dtype=torch.float64) + 1e-6, expected=torch.ones(2)).symptom() is None
    assert Claim("", yours=torch.ones(4, 2).t(), expected=torch.ones(2, 4)).symptom() is None
    assert Claim("", yours=torch.tensor(0.5), expected=0.5).symptom() is None
    assert Claim("", yours=torch.tensor([torch.inf, 1.0]), expected=torch.tensor([torch.inf, 1.0])).symptom() is None


def test_judging_leaves_the_random_generator_alone(answer):
    right = answer("make_question")
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    judge("make_question", right)
    assert torch.equal(torch.rand(3), expected)


def test_only_what_an_answer_needs_is_run(tmp_path):
    path = tmp_path / "01_noise.py"
    path.write_text(
        "import torch\nraise SystemExit\nx = open('never')\nlimit = 3\nprint('never')\ndef mix(a, b, c):\n    return limit\n"
        "later = lambda x: print(x)\n"
    )
    names = load(path).names
    assert names["mix"](1, 2, 3) == 3
    assert not {"x", "later", "torch"} & names.keys()


def test_what_an_answer_uses_is_made_but_not_what_a_chapter_makes_for_its_experiments(tmp_path):
    path = tmp_path / "01_noise.py"
    path.write_text(
        "from collections import namedtuple\nPair = namedtuple('Pair', 'a b')\nUnused = print('never')\n"
        "clean = load(dinosaurs(48))\ndef mix(a, b, c):\n    return [Pair(a, b) for _ in range(1)], clean\n"
        "def own(x):\n    Unused = x.Unused\n    return Unused\n"
    )
    names = load(path).names
    assert names["Pair"](1, 2).b == 2
    assert "Unused" not in names
    assert "clean" not in names


def test_comments_stay_comments_even_if_they_look_like_commands_for_a_notebook(tmp_path):
    path = tmp_path / "noise.py"
    path.write_text(
        "# %%\n# why?\n# copy the noise\n# %noise\nlevel = 0.5\n\n\ndef mix(clean):\n# cat dog\n    return clean\n"
    )
    answers = load(path)
    assert not answers.lost
    assert answers.names["mix"](0.5) == 0.5
    (cell,) = notebook(path.read_text()).cells
    assert cell.source.startswith("# why?\n# copy the noise\n# %noise\nlevel")


def test_a_marker_of_cells_inside_a_string_begins_no_cell(tmp_path):
    path = tmp_path / "noise.py"
    path.write_text('''words = """\n# %%\n"""\n\n# %%\ndef mix(a, b, c):\n    return words\n\n# %%\nbroken = (\n''')
    answers = load(path)
    assert answers.names["mix"](1, 2, 3) == "\n# %%\n"
    assert answers.lost == {"broken": "noise.py, line 10 is not Python yet ('(' was never closed): broken = ("}


FILE_WITH_SURROUNDINGS = """
# %%
from __future__ import annotations
from collections import namedtuple
from dataclasses import dataclass
import torch
try:
    import numpie as np
except ImportError:
    np = None
if torch.cuda.is_available() and np:
    device = "none"
else:
    device = "cpu"
Pair = namedtuple("Pair", "a b")
ONES = torch.ones(1)
TWOS = ONES + ONES.sum()
BASE = 2
BASE += 1
@dataclass
class Box:
    x: int
    pair: Pair
def helper(x: Nothing = Pair(1, 2)):
    return LATER[0] + BASE
LATER = list(range(3))
files = print("an experiment")
last = files
def mix(clean, noise, level):
    return helper() + TWOS + Box(1, None).x + len(device) - 3
"""


def test_what_surrounds_an_answer_is_made_as_far_as_the_answer_needs_it(tmp_path, capsys):
    (tmp_path / "noise.py").write_text(FILE_WITH_SURROUNDINGS)
    answers = load(tmp_path / "noise.py")
    assert not answers.lost
    assert answers.names["mix"](0, 0, 0) == 3 + 2 + 1
    assert "files" not in answers.names
    assert not capsys.readouterr().out


def test_a_broken_cell_is_named_and_does_not_spoil_the_others(tmp_path):
    text = solved(chapters()[0])
    assert text.count("return (1 - level) * clean") == 1
    path = tmp_path / "01_noise.py"
    path.write_text(text.replace("return (1 - level) * clean", "return (1 - level * clean"))
    line = 1 + path.read_text().split("return (1 - level * clean")[0].count("\n")
    first, *others = judge_file(path, chapters()[0])
    assert first.state == FAILED
    assert f"01_noise.py, line {line} is not Python yet ('(' was never closed): return (1 - level * clean" in first.news
    assert [verdict.state for verdict in others] == [PASSED, PASSED]


def test_a_renamed_or_deleted_exercise_is_missed(tmp_path):
    path = tmp_path / "01_noise.py"
    path.write_text(solved(chapters()[0]).replace("def mix(", "def blend("))
    first, *_ = judge_file(path, chapters()[0])
    assert first.state == FAILED
    assert "There is no mix in 01_noise.py. Was it renamed or deleted?" in first.news


def test_an_error_is_told_with_its_line(tmp_path):
    path = tmp_path / "01_noise.py"
    path.write_text(
        "import torch\n\n# %%\ndef mix(clean, noise, level):\n    wrong = clean[:, :2]\n    return wrong + noise\n"
    )
    verdict, *_ = judge_file(path, chapters()[0])
    assert verdict.news.startswith(
        "01_noise.py, line 6 (`return wrong + noise`): two tensors do not fit: in dimension 1"
    )
    assert verdict.news.endswith("Here wrong is (5, 2, 28, 24), noise is (5, 3, 28, 24).")


def test_a_mistake_is_told_for_sure_perhaps_or_not_at_all():
    """For sure where it gives the same everywhere, perhaps where it does so at first, and not where two do equally."""

    def claims(answer):
        yield Claim("one", yours=answer(1), expected=1.0)
        yield Claim("two", yours=answer(2), expected=1.0)

    mistakes = {"first": {1: 5.0, 2: 6.0}.get, "second": {1: 5.0, 2: 7.0}.get, "third": {1: 1.0, 2: 8.0}.get}
    check = Check(abs, claims, ("", ""), "", mistakes)
    assert find_mistake(check, {1: 5.0, 2: 6.0}.get, 0) == "first"
    assert find_mistake(check, {1: 5.0, 2: 9.0}.get, 0) is None
    assert find_mistake(check, {1: 1.0, 2: 9.0}.get, 0) is None
    del mistakes["second"]
    check = Check(abs, claims, ("", ""), "", mistakes)
    assert find_mistake(check, {1: 5.0, 2: 9.0}.get, 0) == "Perhaps this: first"


def test_large_numbers_agree_in_proportion_and_others_to_within_the_tolerance():
    def claim(*numbers):
        return Claim("A ratio.", yours=torch.tensor(numbers), expected=torch.ones(2), tolerance=0.03)

    assert claim(1.02, 8.443).agrees(claim(1.0, 8.412))
    assert not claim(1.02, 8.443).agrees(claim(1.0, 8.1))
    assert not claim(0.5, 8.443).agrees(claim(0.54, 8.443))
    assert claim(torch.nan, 1.0).agrees(claim(torch.nan, 1.0)) and not claim(torch.nan, 1.0).agrees(claim(2.0, 1.0))


def test_check_in_a_notebook_draws_what_is_wrong_and_praises_what_is_right(answer, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(len(plt.gcf().axes)))
    check(answer("mix", "def mix(clean, noise, level):\n    return level * clean + (1 - level) * noise"))
    printed = capsys.readouterr().out
    assert printed.startswith("✗ mix: The blend is swapped: at level 1 you return the clean picture.\n")
    assert "For a hint: run `dino hint mix` in a terminal" in printed
    assert shown == [15]
    check(answer("mix", "def mix(clean, noise, level):\n    return torch.lerp(clean, noise, level)"))
    printed = capsys.readouterr().out
    assert printed.startswith("✓ mix: All")
    assert "Worth noticing: Level has the shape" in printed
    assert "return torch.lerp(clean, noise, level)" in printed
    assert "return (1 - level) * clean + level * noise" in printed
    check(load(chapters()[0].path).names["mix"])
    assert capsys.readouterr().out == "· mix: mix is yours to write.\n"
    plt.close("all")
