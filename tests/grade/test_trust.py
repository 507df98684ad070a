"""Nothing is trusted that lies where a teacher stands, or in the folder of results: a learner may have brought it."""

import contextlib
import csv
import hashlib
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from dino.course.chapters import chapters, solved
from dino.course.grade import commands, grading, platforms, pool, store
from dino.course.grade.results import Graded, Mark, Settings
from dino.course.grade.submissions import Submission
from dino.course.judge.errors import meaning
from dino.course.judge.timeout import StillBusyError, at_most
from dino.course.judge.verdict import FAILED, PASSED

CHAPTER = chapters()[0]
KEY = bytes(32)
ANNA = Graded("anna", [Mark("noise", "mix", PASSED, 1, 1, "All 9 claims hold.")])


def marks_of(name, folder, prints=None, key=KEY):
    """What counts of the kept marks, and what is said of the others."""
    told = []
    return store.kept(folder, prints or {name: "print"}, key, told.append), told


# Kept marks.


def test_marks_count_again_only_under_the_seal_of_who_kept_them(tmp_path):
    store.keep(tmp_path, ANNA, "print", KEY)
    assert marks_of("anna", tmp_path) == ({"anna": ANNA}, [])
    assert marks_of("anna", tmp_path, {"anna": "another"}) == ({}, [])
    kept, told = marks_of("anna", tmp_path, key=bytes(31) + b"x")
    assert (kept, len(told)) == ({}, 1)
    assert told[0].startswith("The marks of anna that lie in")


BROUGHT = {
    "no seal": lambda done: {**done, "seal": ""},
    "of before": lambda done: {key: value for key, value in done.items() if key != "seal"},
    "other marks": lambda done: {**done, "graded": done["graded"].replace('"score": 1', '"score": 9')},
    "other fingerprint": lambda done: {**done, "fingerprint": "another"},
    "no text": lambda done: {**done, "seal": 3},
    "nested": lambda _: "[" * 10**5,
    "letters": lambda done: {**done, "seal": "ü"},
}


@pytest.mark.parametrize("change", BROUGHT.values(), ids=BROUGHT)
def test_marks_that_somebody_brought_or_changed_do_not_count(tmp_path, change):
    store.keep(tmp_path, ANNA, "print", KEY)
    path = tmp_path / "learners" / "anna" / "marks.json"
    changed = change(json.loads(path.read_text()))
    path.write_text(changed if isinstance(changed, str) else json.dumps(changed))
    kept, told = marks_of("anna", tmp_path, {"anna": "another"} if "another" in path.read_text() else None)
    assert (kept, len(told)) == ({}, 1)


def test_the_sealed_marks_of_another_learner_do_not_count(tmp_path):
    store.keep(tmp_path, ANNA, "print", KEY)
    (tmp_path / "learners" / "anna").rename(tmp_path / "learners" / "bert")
    assert marks_of("bert", tmp_path)[0] == {}


def test_the_key_is_made_once_and_for_its_user_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    key = store.secret(pytest.fail)
    assert len(key) == 32
    assert key == store.secret(pytest.fail)
    (path,) = (tmp_path / "dino").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    told = []
    assert store.secret(told.append) == b""
    assert str(path) in told[0]


@pytest.mark.parametrize("place", ["seal.key", "."])
def test_where_no_key_can_be_kept_it_is_said_and_nothing_is_taken_over(tmp_path, monkeypatch, place):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(KEY)
    elsewhere.chmod(0o600)
    if place == "seal.key":
        (tmp_path / "dino").mkdir()
    (tmp_path / "dino" / place).symlink_to(elsewhere)
    told = []
    key = store.secret(told.append)
    assert (key, len(told)) == (b"", 1)
    store.keep(tmp_path, ANNA, "print", key)
    assert marks_of("anna", tmp_path, key=key) == ({}, [])


# The folder of results.

MAKE = {
    "a link": lambda place, other: place.symlink_to(other),
    "a link to nowhere": lambda place, other: place.symlink_to(other / "nowhere"),
    "a pipe": lambda place, _: os.mkfifo(place),
    "a folder": lambda place, _: place.mkdir(),
    "a file": lambda place, _: place.touch(),
}
FOLDERS = ["grades", "grades/learners", "grades/learners/anna"]
FILES = ["grades/.lock", "grades/gradebook.csv", "grades/learners/anna/marks.json", "grades/learners/anna/result.json"]
TRAPS = [
    (place, kind)
    for place in FOLDERS + FILES
    for kind in MAKE
    if kind != ("a folder" if place in FOLDERS else "a file")
]


@pytest.mark.parametrize(("place", "kind"), TRAPS)
def test_no_result_goes_through_a_link_waits_at_a_pipe_or_falls_over_a_folder(tmp_path, place, kind):
    place, other = tmp_path / place, tmp_path / "other"
    other.mkdir()
    place.parent.mkdir(parents=True, exist_ok=True)
    MAKE[kind](place, other)
    with pytest.raises(ValueError, match="Nothing was written"), store.alone(tmp_path / "grades", ["anna"]):
        pytest.fail("it was not noticed")
    assert not [*other.iterdir()]


NAMES = [
    "..",
    "/etc/x",
    "a/b",
    "a_b",
    "CON",
    "nul.txt",
    "Anna.",
    "a\\b",
    "a:b",
    "ß" * 60,
    ".hidden",
    "👩‍🔬",
    "Änne Ü",
    "a\0b",
    "Ben?",
    f"Ben_-{hashlib.sha256(b'Ben?').hexdigest()[:12]}",
]


def test_each_learner_has_a_folder_of_their_own_among_the_learners(tmp_path):
    homes = [store.home(tmp_path, name) for name in NAMES]
    assert len(set(homes)) == len(NAMES)
    for home in homes:
        home.mkdir(parents=True)
        assert home.resolve().parent == tmp_path / "learners"
        assert home.name.partition(".")[0].lower() not in ("con", "nul")
    assert store.home(tmp_path, "Änne Ü").name == "Änne Ü"


@pytest.mark.parametrize(
    ("graded", "out"),
    [(".", "grades"), ("in", "in/a/b"), ("in", "in"), ("learners", "."), ("learners/anna", "."), ("l", "in/x")],
)
def test_results_may_not_lie_in_what_is_graded(tmp_path, monkeypatch, graded, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "l").symlink_to("in")
    with pytest.raises(ValueError, match="Name a folder elsewhere, such as --out"):
        commands.keep_apart((Path(graded),), Path(out))
    commands.keep_apart((Path(graded),), Path("../grades"))


# The folder that a teacher stands in.

TRAP = "open({!r}, 'a').write(__name__)\n"


def test_a_folder_that_was_handed_in_gives_the_grader_no_marks_no_modules_and_no_settings(tmp_path):
    right = "return (1 - level) * clean + level * noise"
    (tmp_path / CHAPTER.path.name).write_text(solved(CHAPTER).replace(right, "return clean"))
    trapped, state = str(tmp_path / "trapped"), tmp_path / "state"
    for name in ("torch", "evil", "pathlib", "fnmatch", "click", "sitecustomize", "matplotlib", "pickle"):
        (tmp_path / f"{name}.py").write_text(TRAP.format(trapped))
    opened = f"[open({trapped!r}, 'a').write('rc')]"
    (tmp_path / "matplotlibrc").write_text(f"backend: module://evil\naxes.prop_cycle: cycler('color', {opened})\n")
    # It brings the marks that it would like, with the fingerprint that it will have.
    settings = Settings(("noise",), no_sandbox=True)
    one = Submission(tmp_path.name, {CHAPTER.path.name: (tmp_path / CHAPTER.path.name).read_bytes()})
    best = [Mark("noise", exercise.name, PASSED, 1, 1, "Yes.") for exercise in CHAPTER.exercises]
    store.keep(tmp_path / "grades", Graded(one.name, best), pool.fingerprint(one, settings), KEY)

    command = [sys.executable, "-m", "dino", "grade", CHAPTER.path.name, "--no-sandbox", "--workers", "1"]
    # An empty entry of this variable is the folder in which Python is run: its own are those that it loads from there first.
    more = {"PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{Path(__file__).parents[2]}".lstrip(":")}
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, **more, "XDG_STATE_HOME": str(state)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "were not sealed by a `dino grade` of yours" in done.stderr
    (row,) = csv.DictReader((tmp_path / "grades" / "gradebook.csv").read_text(encoding="utf-8-sig").splitlines())
    assert (row["score"], row["mix"]) == ("2", "0")
    assert not Path(trapped).exists()


def test_tables_run_no_formula_that_a_name_or_a_remark_brings():
    for text in ("=1", "  =1", "＝1", "-1", "＠x", "a;=1", "a; +1", "\t=1"):  # noqa: RUF001
        assert "'" in platforms.cell(text), text
    assert platforms.cell("Anna-Lena = 3") == "Anna-Lena = 3"


# What an answer says, and how long the judge may take.


@pytest.mark.parametrize("text", ["a" * 10**7, "size of tensor a (" + "1" * 10**6, "a." * 10**6, "shape '" * 10**6])
def test_an_error_of_one_long_word_is_read_in_no_time(text):
    start = time.monotonic()
    assert len(meaning(ValueError(text))) < 1200
    assert time.monotonic() - start < 5


def test_a_limit_inside_of_another_ends_with_it():
    start = time.monotonic()
    with contextlib.suppress(StillBusyError), at_most(0.3):
        for _ in range(20):
            with contextlib.suppress(StillBusyError), at_most(60):
                while True:
                    time.sleep(0.01)
    assert time.monotonic() - start < 10


class Unfit:
    @property
    def isolation(self):
        raise OSError("torch is not installed.")


def test_why_nothing_could_be_run_is_told():
    graded = grading.grade(Unfit(), Submission("x", {}), Settings(("noise",)))
    assert graded.broken == "Nothing was run. torch is not installed."


def test_an_answer_that_keeps_the_judge_busy_costs_itself_alone(fork_server, monkeypatch):
    monkeypatch.setattr(grading, "ALL", 1)
    monkeypatch.setattr(grading, "DRAWING", 1)

    def busy(*_):
        while True:
            time.sleep(0.01)

    monkeypatch.setattr(grading, "judge_in", busy)
    job = grading.job_for(Submission("x", {"x.py": solved(CHAPTER).encode()}), "x.py", CHAPTER, "mix")
    mark = Mark("noise", "mix", FAILED, 0, 1, "")
    grading.grade_answer(fork_server, job, mark, SimpleNamespace(variant=None, partial=False))
    assert (mark.state, mark.score) == (FAILED, 0)
    assert "cannot be judged within" in mark.symptom
