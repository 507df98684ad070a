"""`dino grade`: it finds what was handed in, gives every learner a result, and writes what platforms can read."""

import base64
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import junitparser
import pytest

from dino.course.chapters import chapters, solved
from dino.course.grade import grading, listing, pages, platforms, store
from dino.course.grade.commands import topics_of
from dino.course.grade.pool import fingerprint
from dino.course.grade.results import Graded, Mark, Settings, number, plain
from dino.course.grade.submissions import Submission, find
from dino.course.judge.verdict import FAILED, NOT_STARTED, PASSED

CHAPTER = chapters()[0]
FILE = CHAPTER.path.name
WHOLE = solved(CHAPTER)
RIGHT = "return (1 - level) * clean + level * noise"
SWAPPED = WHOLE.replace(RIGHT, "return level * clean + (1 - level) * noise")


def dino(folder, *words, **more):
    program = [Path(sys.executable).with_name("dino"), *map(str, words)]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False, **more)


def marks():
    """One of each kind, of two learners; the second answer of the first one has a picture."""
    one = [Mark("noise", "mix", PASSED, 2, 2, "All 9 claims hold.", seconds=0.5)]
    one.append(
        Mark("noise", "random_levels", FAILED, 0, 1, "No <b>noise</b> & all.", "It is 3.", True, 0.25, b"\x89PNG")
    )
    one.append(Mark("noise", "make_question", NOT_STARTED, 0, 1, "make_question is yours to write."))
    other = [Mark("noise", name, PASSED, of, of, "Yes.") for name, of in (("mix", 2), ("random_levels", 1))]
    return [Graded("=Anna", one, ["x.py was not read."], "whole"), Graded("Bert", other, [], "whole")]


# Finding what was handed in.


def test_a_file_a_folder_and_a_zip_archive_are_one_learner_s_each(tmp_path):
    (tmp_path / "Änne Ü").mkdir()
    (tmp_path / "Änne Ü" / FILE).write_text(WHOLE)
    (tmp_path / "ben.py").write_text(WHOLE)
    with zipfile.ZipFile(tmp_path / "cem.zip", "w") as archive:
        archive.writestr(f"inner/{FILE}", WHOLE)
        archive.writestr("__MACOSX/x.py", "")
    (tmp_path / "notes.txt").write_text("no answers")
    found = {one.name: one for one in find([tmp_path])}
    assert sorted(found) == ["ben", "cem", "Änne Ü"]
    for one in found.values():
        assert one.answers(CHAPTER) is not None
        assert one.answers(chapters()[1]) is None
        assert list(one.files.values()) == [WHOLE.encode()]


def test_two_learners_of_one_name_are_told_apart(tmp_path):
    for folder in ("monday", "tuesday"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "anna.py").write_text(WHOLE)
    assert [one.name for one in find([tmp_path / "monday", tmp_path / "tuesday"])] == ["anna", "anna (2)"]


def test_archives_that_lead_out_burst_or_are_broken_do_no_harm(tmp_path):
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        archive.writestr(f"../../{FILE}", "evil")
        archive.writestr(f"/{FILE}", "evil")
        archive.writestr(FILE, WHOLE)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(FILE, bytes(300 * 2**20))
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    found = {one.name: one for one in find([tmp_path])}
    assert list(found["out"].files) == [FILE]
    assert len(found["out"].problems) == 2
    assert found["bomb"].files == {}
    assert "too large" in found["bomb"].problems[0]
    assert "cannot be read" in found["broken"].problems[0]


def test_links_are_not_followed(tmp_path):
    secret = tmp_path / "secret.py"
    secret.write_text(WHOLE)
    (tmp_path / "class" / "mia").mkdir(parents=True)
    (tmp_path / "class" / "mia" / FILE).symlink_to(secret)
    (tmp_path / "class" / "noah").symlink_to(tmp_path)
    for one in find([tmp_path / "class"]):
        assert one.files == {}
        assert "link" in one.problems[0]


def test_a_damaged_archive_is_its_learner_s_problem_alone(tmp_path):
    with zipfile.ZipFile(tmp_path / "bits.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(FILE, WHOLE)
    packed = bytearray((tmp_path / "bits.zip").read_bytes())
    packed[60:300] = b"\xff" * 240
    (tmp_path / "bits.zip").write_bytes(packed)
    with zipfile.ZipFile(tmp_path / "name.zip", "w") as archive:
        archive.writestr("ü.py", WHOLE)
    (tmp_path / "name.zip").write_bytes((tmp_path / "name.zip").read_bytes().replace("ü".encode(), b"\xff\xff"))
    (tmp_path / "good.py").write_text(WHOLE)
    found = {one.name: one for one in find([tmp_path])}
    assert "cannot be read" in found["bits"].problems[0]
    assert "cannot be read" in found["name"].problems[0]
    assert found["good"].answers(CHAPTER)


def test_names_that_are_not_utf_8_can_be_written_down(tmp_path):
    folder = tmp_path / "in" / os.fsdecode(b"x\xff")
    folder.mkdir(parents=True)
    (folder / FILE).write_text(WHOLE)
    (tmp_path / "in" / os.fsdecode(b"l\xff.py")).symlink_to("nowhere")
    for one in find([tmp_path / "in"]):
        assert "".join([one.name, *one.files, *one.problems]).encode()


def test_no_two_learners_ever_have_one_name(tmp_path):
    for folder in ("alice", "alice (2)"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / FILE).write_text(WHOLE)
    with zipfile.ZipFile(tmp_path / "alice.zip", "w") as archive:
        archive.writestr(FILE, WHOLE)
    names = [one.name for one in find([tmp_path])]
    assert len(names) == len(set(names)) == 3


def test_a_helper_that_is_called_like_an_exercise_is_no_chapter():
    one = Submission("x", {FILE: WHOLE.encode(), "tools.py": b"def step(x):\n    return x\n"})
    assert [chapter.topic for chapter in chapters() if one.answers(chapter)] == ["noise"]


def test_a_chapter_that_lies_beside_the_learners_folders_is_one_learner_s_alone(tmp_path):
    for name in ("alice", "bob"):
        (tmp_path / name).mkdir()
        (tmp_path / name / FILE).write_text(WHOLE)
    (tmp_path / FILE).write_text(CHAPTER.path.read_text())
    found = {one.name: one for one in find([tmp_path])}
    assert {"alice", "bob"} < set(found)
    assert all(list(found[name].files) == [FILE] for name in ("alice", "bob"))


def test_archives_in_folders_and_endings_in_capitals_are_read_and_other_archives_are_named(tmp_path):
    for name in ("anna", "bert", "cem"):
        (tmp_path / name).mkdir()
    with zipfile.ZipFile(tmp_path / "anna" / "hw.ZIP", "w") as archive:
        archive.writestr(f"inner/{FILE}", WHOLE)
        archive.writestr("inner/more.rar", "")
    (tmp_path / "bert" / "01_noise.PY").write_text(WHOLE)
    (tmp_path / "cem" / "hw.tar.gz").write_bytes(b"")
    (tmp_path / "dora.7z").write_bytes(b"")
    (tmp_path / "ELI.PY").write_text(WHOLE)
    found = {one.name: one for one in find([tmp_path])}
    assert sorted(found) == ["ELI", "anna", "bert", "cem", "dora"]
    assert all(found[name].answers(CHAPTER) for name in ("anna", "bert", "ELI"))
    assert found["anna"].problems == ["hw/inner/more.rar was not read: hand in .py, .ipynb or .zip."]
    assert found["cem"].problems == ["hw.tar.gz was not read: hand in .py, .ipynb or .zip."]
    assert found["dora"].problems == ["dora.7z was not read: hand in .py, .ipynb or .zip."]


def test_two_files_of_one_name_in_a_folder_and_an_archive_do_not_hide_each_other(tmp_path):
    (tmp_path / FILE).write_text(WHOLE)
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        archive.writestr(FILE, "")
    (one,) = find([tmp_path])
    assert one.files == {FILE: WHOLE.encode(), f"old/{FILE}": b""}


def test_names_are_short_and_plain_and_never_those_of_another_folder():
    names = {"a\x1b[31m\nb": "a [31m b", "x" * 300: "x" * 60, "..": "somebody", "\x01": "somebody", "Anna.": "Anna"}
    assert {name: Submission(name).name for name in names} == names


def test_letters_that_some_systems_do_not_tell_apart_make_no_two_names(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    (tmp_path / "one" / "anna.py").write_text(WHOLE)
    (tmp_path / "two" / "ANNA.py").write_text(WHOLE)
    assert [one.name for one in find([tmp_path / "one", tmp_path / "two"])] == ["anna", "ANNA (2)"]


def test_of_many_problems_ten_are_told_each_in_a_line():
    one = Submission("x", problems=["a\nb " + "c" * 1000] * 30)
    one.tell("and one more")
    assert len(one.problems) == 10
    assert all(len(problem) <= 200 and "\n" not in problem for problem in one.problems)


def test_a_file_that_cannot_be_read_is_its_learner_s_problem_alone(tmp_path, monkeypatch):
    for name in ("anna", "bert"):
        (tmp_path / name).mkdir()
        (tmp_path / name / FILE).write_text(WHOLE)
    (tmp_path / "cem.py").write_text(WHOLE)
    read = listing.read_plain

    def failing(path, *where):
        if "/bert/" in path or path.endswith("cem.py"):
            raise PermissionError(13, "Permission denied", path)
        return read(path, *where)

    monkeypatch.setattr(listing, "read_plain", failing)
    found = {one.name: one for one in find([tmp_path])}
    assert found["anna"].answers(CHAPTER)
    assert found["bert"].problems == [f"{FILE} cannot be read: Permission denied."]
    assert found["cem"].problems == ["cem.py cannot be read: Permission denied."]


ATTEMPTS = {
    "defined": ("def step(picture):\n    pass\n", True),
    "broken": ("def step(picture:\n", True),
    "assigned": ("step = lambda picture: picture\n", True),
    "imported": ("from other import (helper, sample)\n", True),
    "in a notebook": (json.dumps({"cells": [{"source": "x = 1\n\ndef sample(x):\n    pass"}]}), True),
    "called": ("for step in range(3):\n    sample(step, sample=step)\n", False),
    "something else": ("def draw(sample):\n    return sample == step\n", False),
}


@pytest.mark.parametrize(("text", "expected"), ATTEMPTS.values(), ids=ATTEMPTS)
def test_a_chapter_counts_only_if_a_file_defines_one_of_its_exercises_or_tries_to(text, expected):
    sampling = next(chapter for chapter in chapters() if chapter.topic == "sampling")
    assert Submission("x", {"sampling.py": text.encode()}).attempts(sampling) == expected


def test_what_is_graded_is_told_and_the_helper_of_one_learner_adds_no_chapter(capsys):
    helper = {FILE: WHOLE.encode(), "sampling.py": b"def draw(count):\n    pass\n"}
    some = [Submission("anna", helper), Submission("bert", {FILE: WHOLE.encode()})]
    assert topics_of(some) == ("noise",)
    assert capsys.readouterr().out == "Grading noise (2 hand-ins): choose with --chapters.\n"


def test_a_folder_may_be_taken_as_one_learner_s_whatever_lies_in_it(tmp_path):
    for name in (".", "draft", "older"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / FILE).write_text(WHOLE)
    assert len(find([tmp_path])) == 3
    (one,) = find([tmp_path], as_one=True)
    assert (one.name, one.answers(CHAPTER)) == (tmp_path.name, FILE)


def test_the_results_of_an_earlier_grading_are_nobody_s_hand_in(tmp_path):
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / FILE).write_text(WHOLE)
    with store.alone(tmp_path / "grades", []):
        store.keep(tmp_path / "grades", marks()[1], "", b"")
    sentences = []
    assert [one.name for one in find([tmp_path], tell=sentences.append)] == ["anna"]
    assert sentences == [f"grades in {tmp_path} was not read: it holds the results of a grading, and no answers."]


def test_where_there_is_nothing_to_grade_a_sentence_says_so(tmp_path):
    (tmp_path / "empty").mkdir()
    for words in (
        ["empty"],
        ["nowhere"],
        ["empty", "--chapters", "9"],
        ["empty", "--points", "mix"],
        ["empty", "--points", "max=1"],
    ):
        done = dino(tmp_path, "grade", *words)
        assert done.returncode == 2
        assert words[0] in done.stderr or words[-1].partition("=")[0] in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "grades").exists()


# Grading a class.


@pytest.fixture(scope="module")
def classroom(tmp_path_factory):
    """Three learners were graded: what stands there, and what was said."""
    place = tmp_path_factory.mktemp("a class ü")
    half = SWAPPED.replace("torch.rand_like(clean)", "torch.rand_like(clean[:1]).expand_as(clean)")
    assert half != SWAPPED
    for name, text in {"anna": WHOLE, "bert": half, "cem": CHAPTER.path.read_text()}.items():
        (place / "in" / name).mkdir(parents=True)
        (place / "in" / name / FILE).write_text(text)
    # What lies where the teacher is must not be imported by the grader.
    for trap in ("pickle.py", "torch.py", "dino.py", "multiprocessing.py"):
        (place / trap).write_text("open('trapped', 'w').close()")
    return place, dino(place, "grade", "in", "--points", "mix=2", "--partial", "--no-sandbox", "--workers", "1")


def test_everybody_gets_a_row_and_feedback(classroom):
    place, done = classroom
    assert done.returncode == 0, done.stderr
    assert not (place / "trapped").exists()
    rows = list(csv.DictReader((place / "grades" / "gradebook.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [(row["name"], row["of"], row["random_levels"]) for row in rows] == [
        ("anna", "4", "1"),
        ("bert", "4", "1"),
        ("cem", "4", "0"),
    ]
    assert rows[0]["score"] == "4"
    assert 0 < float(rows[1]["make_question"]) < 1  # a part, for the claims that are true of it
    assert rows[2]["score"] == "0"
    page = (place / "grades" / "learners" / "bert" / "feedback.html").read_text()
    assert "The blend is swapped" in page
    assert '<img alt="' in page
    report = (place / "grades" / "report.html").read_text()
    assert "The blend is swapped" in report
    assert not any(name in report for name in ("anna", "bert", "cem"))


IDLE = {"what it was given": lambda first, *_, **__: first, "nothing": lambda *_, **__: None}
EXERCISES = [(chapter.topic, exercise.name) for chapter in chapters() for exercise in chapter.exercises]


@pytest.mark.parametrize("answer", IDLE.values(), ids=IDLE)
@pytest.mark.parametrize(("topic", "name"), EXERCISES, ids=[name for _, name in EXERCISES])
def test_an_answer_that_does_nothing_gets_no_part_of_the_points(topic, name, answer):
    assert grading.true_share(topic, name, answer) <= 0.05


def test_a_nearly_right_answer_gets_a_large_part_and_never_all():
    def mix(clean, noise, level):
        return (1 - level) * clean + level * noise + 0.01 * (len(clean) == 1)

    assert 0.5 < grading.true_share("noise", "mix", mix) <= 0.9


def test_what_was_graded_is_not_graded_again_unless_it_changed(classroom):
    place, _ = classroom
    command = ("grade", "in", "--points", "mix=2", "--partial", "--no-sandbox")
    assert "3 of 3 are graded already" in dino(place, *command).stdout
    (place / "in" / "cem" / FILE).write_text(WHOLE)
    done = dino(place, *command, "--workers", "1")
    assert "2 of 3 are graded already" in done.stdout
    assert "3 graded, 2 of them with everything right." in done.stdout


def test_two_gradings_into_one_folder_do_not_mix(tmp_path):
    with store.alone(tmp_path / "grades", []):
        (tmp_path / FILE).write_text(WHOLE)
        done = dino(tmp_path, "grade", FILE)
    assert done.returncode == 2
    assert "Another `dino grade` is writing to grades right now." in done.stderr


def test_an_interrupted_grading_keeps_what_it_has_and_leaves_nothing_running(tmp_path):
    for i in range(40):
        (tmp_path / f"in/{i:02}").mkdir(parents=True)
        # When it is interrupted, it waits for an answer that takes its time.
        text = WHOLE if i < 3 else WHOLE.replace(RIGHT, "import time; time.sleep(10**6)")
        (tmp_path / f"in/{i:02}" / FILE).write_text(text)
    program = [
        Path(sys.executable).with_name("dino"),
        "grade",
        "in",
        "--chapters",
        "1",
        "--workers",
        "1",
        "--no-sandbox",
    ]
    mark = {**os.environ, "DINO_TEST_MARK": str(tmp_path)}
    with subprocess.Popen(program, cwd=tmp_path, env=mark, stdout=subprocess.PIPE, text=True) as running:
        for _ in range(3):
            running.stdout.readline()
        running.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while (left := children_with(str(tmp_path))) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left
    assert len(list(tmp_path.glob("grades/learners/*/marks.json"))) >= 3


def children_with(word):
    """The processes that have a word among the variables of their surroundings, or stand in such a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (place / "environ").read_bytes():
                found.append((place / "cmdline").read_bytes())
        except OSError:
            continue
    return found


def test_a_learner_over_whom_the_grader_breaks_down_is_reported_and_costs_nobody_else(tmp_path):
    script = f"""
import os
from dino.course.grade import grading, pool
from dino.course.grade.results import Settings
from dino.course.grade.submissions import Submission

if __name__ == "__main__":
    files = {{{FILE!r}: {WHOLE!r}.encode()}}
    some = [Submission(name, files) for name in ("anna", "crash", "cem")]
    results = {{one.name: graded for one, graded in pool.grade_all(some, Settings(("noise",), no_sandbox=True), 1)}}
    print({{name: (graded.score, bool(graded.broken)) for name, graded in sorted(results.items())}})
else:
    real = grading.grade
    grading.grade = lambda server, one, settings: os._exit(1) if one.name == "crash" else real(server, one, settings)
"""
    (tmp_path / "run.py").write_text(script)
    done = subprocess.run([sys.executable, "run.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'anna': (3, False), 'cem': (3, False), 'crash': (0, True)}"


def test_where_answers_cannot_be_isolated_none_is_run_unless_somebody_says_so(monkeypatch):
    asked = []
    monkeypatch.setattr(grading, "grade_chapter", lambda *_: asked.append(1) or [])
    server, one = SimpleNamespace(isolation="limits"), Submission("x", {FILE: WHOLE.encode()})
    refused = grading.grade(server, one, Settings(("noise",)))
    assert "--no-sandbox" in refused.broken
    assert not asked
    assert not grading.grade(server, one, Settings(("noise",), no_sandbox=True)).broken
    assert asked == [1]


# The platforms.


def test_a_gradebook_is_a_table_in_which_no_name_is_a_formula():
    rows = list(csv.reader(io.StringIO(platforms.gradebook(marks()))))
    assert rows[0] == ["name", "score", "of", "mix", "random_levels", "make_question", "remarks"]
    assert rows[1] == ["'=Anna", "2", "4", "2", "0", "0", "x.py was not read."]
    assert rows[2] == ["Bert", "3", "3", "2", "1", "", ""]
    (_, row) = csv.reader(io.StringIO(platforms.gradebook([Graded("Cem", problems=["=1+1 was not read."])])))
    assert row[-1] == "'=1+1 was not read."


def test_junit_xml_is_read_by_another_library():
    xml = junitparser.JUnitXml.fromstring(platforms.junit([*marks(), Graded("Cem", broken="It broke.")]).encode())
    anna, bert, cem = xml
    assert (anna.name, anna.tests, anna.failures, anna.skipped) == ("=Anna", 3, 1, 1)
    failed = next(case for case in anna if case.name == "random_levels")
    assert (failed.classname, failed.time, failed.result[0].message, failed.result[0].text) == (
        "noise",
        0.25,
        "No <b>noise</b> & all.",
        "It is 3.",
    )
    assert [case.is_passed for case in bert] == [True, True]
    assert (cem.errors, next(iter(cem)).result[0].message) == (1, "It broke.")


POINTS = {"type": "number", "minimum": 0}
# What https://gradescope-autograders.readthedocs.io/en/latest/specs/ says of `results.json`.
VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
GRADESCOPE_TEST = {
    "score": POINTS, "max_score": POINTS, "status": {"enum": ["passed", "failed"]}, "name": {"type": "string"},
    "name_format": FORMAT, "number": {"type": "string"}, "output": {"type": "string"}, "output_format": FORMAT,
    "tags": {"type": "array"}, "visibility": VISIBILITY, "extra_data": {},
}  # fmt: skip
GRADESCOPE = {
    "type": "object",
    "anyOf": [{"required": ["score"]}, {"properties": {"tests": {"minItems": 1}}, "required": ["tests"]}],
    "additionalProperties": False,
    "properties": {
        "score": POINTS, "execution_time": POINTS, "output": {"type": "string"}, "output_format": FORMAT,
        "visibility": VISIBILITY, "stdout_visibility": VISIBILITY, "extra_data": {}, "leaderboard": {"type": "array"},
        "tests": {"type": "array", "items": {"type": "object", "properties": GRADESCOPE_TEST, "additionalProperties": False}},
    },
}  # fmt: skip


@pytest.mark.parametrize("graded", [*marks(), Graded("Cem", broken="It broke.")], ids=lambda graded: graded.name)
def test_gradescope_can_read_its_results(graded):
    known = json.loads(platforms.gradescope(graded))
    jsonschema.validate(known, GRADESCOPE)
    assert sum(test["score"] for test in known["tests"]) == graded.score


# What https://github.com/foundation50/classroom50/wiki/Advanced-Autograding says of `result.json`.
WORD, WHOLE_NUMBER = {"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}
CLASSROOM50_TEST = {"test-name": WORD, "passed": {"type": "boolean"}, "score": WHOLE_NUMBER, "max-score": WHOLE_NUMBER}
CLASSROOM50 = {
    "type": "object",
    "required": [
        "schema",
        "classroom",
        "assignment",
        "submission",
        "commit",
        "release",
        "review",
        "datetime",
        "score",
        "max-score",
        "tests",
    ],
    "properties": {
        "schema": {"const": "classroom50/result/v1"},
        **dict.fromkeys(("classroom", "assignment", "submission", "commit", "release", "review", "owner"), WORD),
        "datetime": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        "score": WHOLE_NUMBER,
        "max-score": WHOLE_NUMBER,
        "tests": {
            "type": "array",
            "items": {"type": "object", "properties": CLASSROOM50_TEST, "required": list(CLASSROOM50_TEST)},
        },
    },
}


@pytest.mark.parametrize(
    "surroundings",
    [{}, {"CLASSROOM": "cs", "ASSIGNMENT": "hw", "SUBMISSION_TAG": "submit/1", "COMMIT_URL": "c", "RELEASE_URL": "r"}],
)
def test_classroom_50_can_read_its_result(surroundings):
    graded = marks()[0]
    known = json.loads(platforms.classroom50(graded, surroundings))
    jsonschema.validate(known, CLASSROOM50)
    assert (known["score"], known["max-score"]) == (2, 4)
    assert known["classroom"] == surroundings.get("CLASSROOM", "local")
    graded.marks[1].score = 0.29
    known = json.loads(platforms.classroom50(graded, surroundings))
    jsonschema.validate(known, CLASSROOM50)
    assert (known["score"], known["max-score"]) == (229, 400)
    assert known["score"] == sum(test["score"] for test in known["tests"])


def test_the_reporter_of_github_actions_can_read_its_result():
    anna, bert = (json.loads(platforms.actions(graded)) for graded in marks())
    assert (anna["version"], anna["status"], anna["max_score"]) == (1, "fail", 4)
    assert [test["status"] for test in anna["tests"]] == ["pass", "fail", "fail"]
    assert (bert["status"], sum(test["score"] for test in bert["tests"])) == ("pass", 3)
    assert set(anna["tests"][0]) == {
        "name",
        "status",
        "score",
        "message",
        "test_code",
        "filename",
        "line_no",
        "duration",
    }


def test_pages_say_what_learners_wrote_as_text_and_not_as_html():
    page = pages.feedback(marks()[0])
    assert "No &lt;b&gt;noise&lt;/b&gt; &amp; all." in page
    assert f"data:image/png;base64,{base64.b64encode(bytes([137]) + b'PNG').decode()}" in page
    assert "2 of 4 points" in page
    assert "No &lt;b&gt;noise&lt;/b&gt; &amp; all.</td>" in pages.report(marks())
    page = pages.feedback(Graded('<script>"x"</script>', problems=["<i>"], broken="<b>"))
    assert page.count("&lt;script&gt;&#34;x&#34;&lt;/script&gt;") == 2
    assert not re.search("<script|<i>|<b>", page)


def test_only_what_writes_pages_loads_their_templates():
    program = """
import sys
from dino.course import cli
from dino.course.grade import pages, pool, store, submissions
from dino.course.grade.results import Graded
assert "jinja2" not in sys.modules
pages.feedback(Graded("x"))
assert "jinja2" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True)


def test_marks_survive_being_kept():
    for graded in marks():
        assert Graded.from_json(graded.to_json()) == graded


# One learner, as `dino grade` kept the marks when the modules of this package had other names.
BEFORE = Path(__file__).with_name("graded_before")
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="


def test_a_folder_of_grades_written_before_is_known_read_and_gone_on_with(tmp_path):
    shutil.copytree(BEFORE, tmp_path / "grades")
    (tmp_path / "ben.py").write_text(WHOLE)
    assert [one.name for one in find([tmp_path])] == ["ben"]
    path, key, told = tmp_path / "grades" / "learners" / "anna" / "marks.json", b"k" * 32, []
    assert store.kept(tmp_path / "grades", {"anna": "ffffffff"}, key, told.append) == {}
    assert "graded again" in told[0]  # for it bears no seal yet
    known = Graded.from_json(json.loads(path.read_text())["graded"])
    mistake = "The levels come from `randn`, which is Gaussian."
    assert known == Graded(
        "anna",
        [
            Mark("noise", "mix", PASSED, 2, 2, "All 8 claims hold.", seconds=0.5),
            Mark("noise", "random_levels", FAILED, 0.5, 1, mistake, "It is 3.", True, 0.25, base64.b64decode(PICTURE)),
            Mark("noise", "make_question", NOT_STARTED, 0, 1, "make_question is yours to write."),
        ],
        ["x.rar was not read: hand in .py, .ipynb or .zip."],
        "whole",
    )
    with store.alone(tmp_path / "grades", ["anna"]):
        store.keep(tmp_path / "grades", known, "ffffffff", key)
        assert all(one.is_file() for one in store.finish(tmp_path / "grades", [known]))
    written, before = json.loads(path.read_text()), json.loads((BEFORE / "learners/anna/marks.json").read_text())
    assert written == before | {"seal": written["seal"]}
    assert store.kept(tmp_path / "grades", {"anna": "ffffffff"}, key, told.append) == {"anna": known}


def test_words_of_a_learner_s_program_cannot_steer_a_terminal_or_a_log():
    assert plain("a\x1b[31m\n::set-output name=x::y\r\u202eb") == "a [31m ::set-output name=x::y b"
    assert len(plain("x" * 10_000)) == 2000


def test_points_are_written_as_people_do():
    assert [number(points) for points in (1, 2.5, 1 / 3, 0.0, 10.0)] == ["1", "2.5", "0.33", "0", "10"]


def test_a_fingerprint_changes_with_the_answers_the_points_and_the_name():
    one = Submission("a", {FILE: b"x"})
    others = [Submission("a", {FILE: b"y"}), Submission("b", {FILE: b"x"})]
    settings = Settings(("noise",))
    prints = {fingerprint(one, settings), *(fingerprint(other, settings) for other in others)}
    prints.add(fingerprint(one, Settings(("noise",), {"mix": 2})))
    assert len(prints) == 4


def test_the_course_is_read_once_for_the_fingerprints_of_all_learners(monkeypatch):
    fingerprint(Submission("a"), Settings(()))
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read again"))
    fingerprint(Submission("b"), Settings(()))
