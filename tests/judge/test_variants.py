"""Variants: an answer to one's own variant passes, the published one fails by name, and the text says what is different."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dino.course.chapters import chapters, find_exercise, solution, solved, stubs
from dino.course.checks import check_for
from dino.course.grade.assign import handed_out, twisted
from dino.course.grade.results import Settings
from dino.course.judge.runner import judge, judge_in
from dino.course.judge.variants import LEVELS, STRETCHES, slower, variant
from dino.course.judge.verdict import FAILED, PASSED
from tests.test_cli import dino

# Each twist, and the published answer rewritten for it.
OWN = [
    (LEVELS[0], "(1 - level) * clean + level * noise", "level * clean + (1 - level) * noise"),
    (LEVELS[1], "(1 - level) * clean + level * noise", "(1 - level / 100) * clean + level / 100 * noise"),
    (slower(2), "n / 10", "n / 20"),
    (slower(8), "n / 10", "n / 80"),
    (STRETCHES[0], "previous + stretch * (raw - previous)", "raw + stretch * (raw - previous)"),
    (STRETCHES[1], "previous + stretch * (raw - previous)", "previous + stretch / 100 * (raw - previous)"),
]


def seed_with(twist):
    """A seed whose variant has this twist."""
    return next(seed for seed in range(500) if variant(seed)[twist.exercise].says == twist.says)


@pytest.mark.parametrize(("twist", "old", "new"), OWN, ids=range(len(OWN)))
def test_the_own_answer_passes_and_the_published_one_hears_why_not(twist, old, new, answer):
    name, seed = twist.exercise, seed_with(twist)
    published = solution(*find_exercise(name))
    assert published.count(old) == 1
    assert judge_in(seed, name, answer(name, published.replace(old, new))).state == PASSED
    verdict = judge_in(seed, name, answer(name, published))
    assert verdict.state == FAILED
    assert verdict.news == f"This answers the published exercise, not the one of your class: {twist.says}"
    assert judge(name, answer(name, published)).state == PASSED
    assert judge_in(None, name, answer(name, published)).state == PASSED


def test_a_wrong_answer_hears_its_mistake_and_how_to_read_it(answer):
    seed = seed_with(LEVELS[0])
    verdict = judge_in(seed, "mix", answer("mix", "def mix(clean, noise, level):\n    return clean + noise"))
    assert (verdict.state, verdict.news) == (
        FAILED,
        "Both are at full strength, whatever the level: each needs a share.",
    )
    assert verdict.symptom.endswith("(That is how the course counts. In your class, " + LEVELS[0].says + ")")


def test_the_reference_is_no_answer_in_a_variant_either():
    for name, twist in variant(0).items():
        reference = check_for(find_exercise(name)[0].topic, name).reference
        verdict = judge_in(0, name, reference)
        assert verdict.state == FAILED, twist
        assert "library's own" in verdict.news


def test_there_are_16_variants_and_a_seed_always_means_the_same():
    found = {tuple(twist.says for twist in variant(seed).values()) for seed in range(500)}
    assert len(found) == 16
    assert variant(3) == variant(3)
    assert variant(None) == {}


@pytest.mark.parametrize("seed", range(8))
def test_the_text_says_what_is_different_and_goes_on_as_the_course_does(seed):
    for chapter in chapters():
        text = handed_out(chapter, Settings((), variant=seed), "")
        here = {name: twist for name, twist in variant(seed).items() if name in stubs(chapter)}
        assert text.count("# > **In your class,**") == len(here)
        for name, twist in here.items():
            before, _, after = text.partition(f"\ndef {name}(")
            words = re.sub(r"\n# > ", " ", before.rpartition("# > **In your class,** ")[2])
            assert words.startswith(twist.says)
            assert all(new in after.partition("\n# %%")[0] for new in twist.stub.values())
            assert f"# %%\ncheck({name}, variant={seed})\n\n# %%\n" in after
            assert after.count(f"from dino.{chapter.topic} import {name}\n") == 1
        if not here:
            assert twisted(chapter, "as it is", seed) == "as it is"


def test_a_chapter_of_a_variant_is_checked_and_graded_as_such(tmp_path):
    twist, seed = LEVELS[0], seed_with(LEVELS[0])
    chapter = find_exercise("mix")[0]
    own = handed_out(chapter, Settings((), variant=seed), "")
    for name, stub in stubs(chapter).items():
        for old, new in twist.stub.items() if name == "mix" else ():
            stub = stub.replace(old, new)
        assert stub in own
        own = own.replace(stub, solution(chapter, next(one for one in chapter.exercises if one.name == name)))
    own = own.replace("(1 - level) * clean + level * noise", "level * clean + (1 - level) * noise")
    for learner, text in {"own": own, "published": solved(chapter)}.items():
        (tmp_path / "in" / learner).mkdir(parents=True)
        (tmp_path / "in" / learner / chapter.path.name).write_text(text)
    assert "3 passed" in dino("check", f"in/own/{chapter.path.name}", "--variant", seed, cwd=tmp_path)
    published = dino("check", f"in/published/{chapter.path.name}", "--variant", seed, cwd=tmp_path, code=1)
    assert "1 failed" in published
    grade = [Path(sys.executable).with_name("dino"), "grade", "in", "--workers", "1", "--no-sandbox"]
    command = [*grade, "--variant", str(seed)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "2 graded, 1 of them with everything right." in done.stdout, done.stdout + done.stderr
    assert "not the one of your class" in (tmp_path / "grades/learners/published/feedback.html").read_text()
