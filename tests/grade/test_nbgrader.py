"""An assignment goes through real nbgrader: made, released, handed in, graded. It needs the extra `nbgrader`."""

import copy
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dino.course.chapters import chapters, solution, stubs

pytest.importorskip("nbgrader", reason="nbgrader is an extra of its own")

CHAPTER = chapters()[0]


def test_nbgrader_makes_releases_and_grades_an_assignment(tmp_path):
    programs = Path(sys.executable).parent
    surroundings = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}

    def run(*words, cwd=tmp_path / "hw" / "nbgrader"):
        done = subprocess.run(words, cwd=cwd, env=surroundings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    run("dino", "assign", "1", "--points", "mix=2", "--out", "hw", cwd=tmp_path)
    place = tmp_path / "hw" / "nbgrader"
    run("nbgrader", "generate_assignment", "dino", "--create")
    book = json.loads((place / "release" / "dino" / f"{CHAPTER.path.stem}.ipynb").read_text())
    answers = {stubs(CHAPTER)[one.name]: (one.name, solution(CHAPTER, one)) for one in CHAPTER.exercises}
    known = {"anna": {"mix", "random_levels", "make_question"}, "bert": {"mix"}, "cem": set()}
    for learner, names in known.items():
        own = copy.deepcopy(book)
        for cell in own["cells"]:
            name, answer = answers.get("".join(cell["source"]), ("", ""))
            if name in names:
                cell["source"] = answer
        path = place / "submitted" / learner / "dino" / f"{CHAPTER.path.stem}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(own))
    run("nbgrader", "autograde", "dino", "--create")
    run("nbgrader", "export")
    rows = csv.DictReader((place / "grades.csv").read_text().splitlines())
    assert {row["student_id"]: (row["score"], row["max_score"]) for row in rows} == {
        "anna": ("4.0", "4.0"), "bert": ("2.0", "4.0"), "cem": ("0.0", "4.0"),
    }  # fmt: skip
