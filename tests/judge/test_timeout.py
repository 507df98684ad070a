"""What never ends is stopped, and named."""

import contextlib
import time

import pytest

from dino.course.judge import diagnose
from dino.course.judge import runner as judge
from dino.course.judge.runner import judge_file
from dino.course.judge.timeout import StillBusyError, at_most


def test_what_takes_too_long_is_stopped_even_if_it_catches_exceptions():
    start = time.monotonic()
    with pytest.raises(StillBusyError), at_most(0.1):
        while True:
            with contextlib.suppress(Exception):
                time.sleep(0.001)
    assert time.monotonic() - start < 5


def test_what_ends_in_time_is_left_alone_for_good():
    with at_most(0.1):
        pass
    time.sleep(0.3)


def test_an_endless_loop_is_named_with_its_line_and_spoils_no_other_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(judge, "PATIENCE", 2)
    path = tmp_path / "answers.py"
    path.write_text(
        "import torch\n"
        "def mix(clean, noise, level):\n"
        "    while level.mean() >= 0:\n"
        "        level = level * 0.9\n"
        "    return clean\n"
        "def random_levels(clean):\n"
        "    return torch.rand(len(clean), 1, 1, 1)\n"
    )
    first, second, _ = judge_file(path)
    assert first.state == "failed"
    assert first.news.startswith("answers.py, line ")
    assert "is there a loop that never ends?" in first.news
    assert second.state == "passed"


def test_when_finding_the_mistake_takes_too_long_one_hears_what_is_untrue(monkeypatch):
    def endless(*_):
        while True:
            time.sleep(0.001)

    def swapped(clean, noise, level):
        return level * clean + (1 - level) * noise

    named = judge.judge("mix", swapped, seed=0)
    monkeypatch.setattr(diagnose, "PATIENCE", 1)
    monkeypatch.setattr(diagnose, "most_similar", endless)
    verdict = judge.judge("mix", swapped, seed=0)
    assert f"{verdict.symptom} {verdict.news}" == named.symptom
    assert verdict.state == "failed"
    assert verdict.news != named.news
    assert "still busy" not in verdict.news + verdict.symptom
