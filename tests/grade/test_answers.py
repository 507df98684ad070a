"""Grading: right answers pass and wrong ones fail as they do in a check, and no trick gains or loses a point."""

import pytest

from dino.course.chapters import find_exercise
from dino.course.grade.grading import grade_answer, job_for
from dino.course.grade.results import Mark, Settings
from dino.course.grade.submissions import Submission
from dino.course.judge.verdict import FAILED, PASSED
from tests.checks.test_right_answers import ODD
from tests.checks.test_wrong_answers import BAD


@pytest.fixture
def mark(fork_server, chapter_with):
    """The mark for an exercise in a solved chapter that has another text in its place."""

    def give(name, text):
        chapter, _ = find_exercise(name)
        submission = Submission("somebody", {chapter.path.name: chapter_with(name, text).encode()})
        found = Mark(chapter.topic, name, FAILED, 0, 1, "")
        grade_answer(fork_server, job_for(submission, chapter.path.name, chapter, name), found, Settings(()))
        return found

    return give


@pytest.mark.parametrize(("name", "text"), ODD, ids=[f"{name}-{i}" for i, (name, _) in enumerate(ODD)])
def test_right_answers_get_their_points_however_they_are_written(name, text, mark):
    found = mark(name, text)
    assert (found.state, found.score) == (PASSED, 1), (found.news, found.symptom)


@pytest.mark.parametrize(("name", "text", "news"), BAD, ids=[f"{name}-{i}" for i, (name, *_) in enumerate(BAD)])
def test_wrong_answers_get_none_and_hear_what_is_wrong(name, text, news, mark):
    found = mark(name, text)
    assert (found.state, found.score) == (FAILED, 0)
    assert news in found.news
