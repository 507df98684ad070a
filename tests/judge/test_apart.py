"""An answer that takes Python down takes nothing else along, and hears what it did."""

import functools
import subprocess
import sys
import time

import pytest
import torch

from dino.course.checks import check_for
from dino.course.checks.claims import Claim
from dino.course.judge import runner
from dino.course.judge.runner import judge, judge_apart, judge_file

CRASHES = {
    "ctypes.string_at(0)": "crashes Python itself (Segmentation fault)",
    "os.abort()": "crashes Python itself (Aborted)",
    "os.kill(os.getpid(), 9)": "stopped by the system: did it take more memory than there is?",
    "os._exit(0)": "ends Python itself",
    "sys.exit(3)": "ends the whole program",
}


@pytest.mark.parametrize(("line", "sentence"), CRASHES.items(), ids=CRASHES)
def test_an_answer_that_takes_python_down_is_named_and_spoils_no_other(line, sentence, tmp_path, capfd):
    path = tmp_path / "mine.py"
    path.write_text(
        f"import ctypes, os, sys, torch\n\n\ndef mix(clean, noise, level):\n    {line}\n\n\n"
        "def random_levels(clean):\n    return torch.rand(len(clean), 1, 1, 1)\n"
    )
    first, second, _ = judge_file(path)
    assert (first.exercise, first.state, second.state) == ("mix", "failed", "passed")
    assert sentence in first.news
    if "Segmentation" in sentence or "Aborted" in sentence or "program" in sentence:
        assert first.news.startswith(f"mine.py, line 5 (`{line}`): ")
    assert not capfd.readouterr().err


def test_what_takes_a_notebook_down_leaves_its_kernel_alive(answer):
    crash = answer("frechet_distance", "def frechet_distance(one, other):\n    os.kill(os.getpid(), 11)\n\nimport os")
    assert "crashes Python itself" in judge_apart(None, "frechet_distance", crash).news
    right = answer("frechet_distance")
    assert judge_apart(None, "frechet_distance", right).state == "passed"


def test_what_holds_python_up_is_stopped(tmp_path, monkeypatch):
    """In the middle of one calculation, where no exception can be raised."""
    monkeypatch.setattr(runner, "PATIENCE", 1)
    path = tmp_path / "mine.py"
    path.write_text("import re\ndef mix(clean, noise, level):\n    return re.match('(a*)*b', 'a' * 60)\n")
    first, *_ = judge_file(path)
    assert "mine.py, line 3" in first.news
    assert "is there a loop that never ends?" in first.news


def test_definitions_that_crash_are_named(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import os\nclass Bad:\n    os.abort()\ndef mix(a, b, c):\n    return Bad\n")
    with pytest.raises(ValueError, match=r"mine.py: mine.py, line 3 .*crashes Python itself"):
        judge_file(path)


def test_the_first_lines_of_what_an_answer_prints_are_told_and_the_rest_is_counted(tmp_path):
    text = "def mix(clean, noise, level):\n    for i in range(9):\n        print('line', i)\n    return clean"
    (tmp_path / "mine.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "dino", "check", "mine.py"], cwd=tmp_path, capture_output=True, text=True
    )
    news = done.stdout.index("✗ mix: The clean pictures come back untouched.")
    printed = done.stdout.index("It printed:\n      line 0\n      line 1\n      line 2\n      line 3\n      ... and ")
    assert news < printed
    assert done.stdout.count("line") < 10


def test_inputs_on_which_the_lesson_fails_are_not_held_against_an_answer(answer, monkeypatch):
    check = check_for("noise", "mix")
    right, claims = answer("mix"), check.claims

    def unlucky(answer):
        yield Claim("not with this seed", yours=torch.initial_seed() != 0, expected=True)
        yield from claims(answer)

    monkeypatch.setattr(check, "claims", unlucky)
    assert judge("mix", right, seed=0).state == "passed"


@pytest.mark.parametrize("fault", [lambda: 1 / 0, lambda: Claim("never", yours=1.0, expected=2.0)])
def test_a_check_that_turns_the_lesson_down_blames_the_course(answer, monkeypatch, fault):
    def wrong(_):
        yield fault()

    right = answer("frechet_distance")
    monkeypatch.setattr(check_for("evaluation", "frechet_distance"), "claims", wrong)
    verdict = judge("frechet_distance", right)
    assert verdict.state == "failed"
    assert verdict.news.startswith("The course is at fault here, not your answer")


@pytest.mark.filterwarnings("ignore")  # torch's compiler has some of its own
def test_what_is_compiled_is_judged_as_it_is_written(answer):
    """Compiling takes longer than all that is checked; so this looks whether anything was."""
    compiled = answer(
        "mix", "@torch.compile\ndef mix(a, b, level):\n    return torch.lerp(a, b, level)\n\nimport torch"
    )
    torch._dynamo.utils.counters.clear()
    assert judge("mix", compiled).state == "passed"
    assert not torch._dynamo.utils.counters["frames"]
    compiled(*torch.rand(3, 1))
    assert torch._dynamo.utils.counters["frames"]


@pytest.mark.parametrize("odd", ["iter([clean])", "lambda: 1", "type('Odd', (), {})()", "{'a': clean}"])
def test_whatever_comes_out_of_an_answer_there_is_a_verdict(odd, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(f"def mix(clean, noise, level):\n    return {odd}\n")
    first, *_ = judge_file(path)
    assert (first.exercise, first.state) == ("mix", "failed")


def test_processes_that_an_answer_starts_are_not_waited_for(tmp_path):
    path = tmp_path / "mine.py"
    lines = "    if os.fork() == 0:\n        time.sleep(60)\n        os._exit(0)\n    os._exit(3)\n"
    path.write_text(f"import os, time\ndef mix(clean, noise, level):\n{lines}")
    begin = time.monotonic()
    first, *_ = judge_file(path)
    assert "ends Python itself" in first.news
    assert time.monotonic() - begin < 50


def test_gradients_that_are_switched_off_elsewhere_cost_nothing(answer):
    right = answer("training_step")
    with torch.no_grad():
        assert judge_apart(0, "training_step", right).state == "passed"


def test_where_no_process_can_be_copied_a_new_one_begins(tmp_path, chapter_with):
    """As on macOS and Windows; but not from a script of the user's, which would run once more."""
    (tmp_path / "01_noise.py").write_text(chapter_with("mix", "def mix(a, b, c):\n    import os\n    os.abort()"))
    program = (
        "from pathlib import Path\nfrom dino.course.judge import apart, runner\n"
        "apart.can_fork = runner.can_fork = lambda: False\n"
        "print([one.state for one in runner.judge_file(Path('01_noise.py'))])\n"
    )
    run = functools.partial(subprocess.run, cwd=tmp_path, capture_output=True, text=True)
    assert run([sys.executable, "-c", program]).stdout == "['failed', 'passed', 'passed']\n"
    (tmp_path / "01_noise.py").write_text(chapter_with("mix"))
    (tmp_path / "mine.py").write_text(program)
    assert run([sys.executable, "mine.py"]).stdout == "['passed', 'passed', 'passed']\n"


@pytest.mark.parametrize(
    "line",
    [
        "torch.linalg.eigvals((one.T.cov() @ other.T.cov()).sqrt()).real.sum().item()",
        "torch.linalg.eigvals(one.log().T.cov() @ other.T.cov()).real.sum().item()",
    ],
)
def test_ordinary_wrong_answers_that_make_torch_crash_on_nan_get_a_verdict(line, answer):
    wrong = answer("frechet_distance", f"def frechet_distance(one, other):\n    return {line}")
    verdict = judge_apart(0, "frechet_distance", wrong)
    assert verdict.state == "failed"
    assert f"`return {line}`" in verdict.news or "nan" in verdict.news
