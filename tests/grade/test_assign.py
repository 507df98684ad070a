"""`dino assign`: what learners get gives nothing away, and each platform's bundle grades when it is run as there."""

import base64
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml

from dino.course.chapters import chapters, find_exercise, solution, solved, stubs

CHAPTER = chapters()[0]
FILE = CHAPTER.path.name
SWAPPED = solved(CHAPTER).replace(
    "return (1 - level) * clean + level * noise", "return level * clean + (1 - level) * noise"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An assignment of two chapters."""
    out = tmp_path_factory.mktemp("made") / "hw 1"
    words = [
        "assign",
        "1,denoiser",
        "--out",
        out,
        "--due",
        "by Friday noon",
        "--points",
        "mix=2",
        "--points",
        "Block=0.5",
    ]
    subprocess.run([Path(sys.executable).with_name("dino"), *words], check=True, capture_output=True)
    return out


def test_learners_get_the_stubs_the_points_and_the_date(made):
    for chapter in chapters()[:2]:
        text = (made / "learner" / chapter.path.name).read_text()
        book = nbformat.read(made / "learner" / f"{chapter.path.stem}.ipynb", as_version=4)
        nbformat.validate(book)
        for exercise in chapter.exercises:
            body = solution(chapter, exercise).splitlines()[-1].strip()
            for version in (text, "\n".join(cell.source for cell in book.cells)):
                assert stubs(chapter)[exercise.name] in version
                assert body not in version
        assert text.splitlines()[3] == "# > **To hand in:** by Friday noon"
    assert "**Exercise: `mix`** · 3 minutes · easy · 2 points\n" in (made / "learner" / FILE).read_text()
    assert "· 0.5 points\n" in (made / "learner" / "02_denoiser.py").read_text()
    assert "· 1 point\n" in (made / "learner" / FILE).read_text()
    assert not list((made / "learner").glob("*training*"))


def test_what_is_handed_out_can_be_checked_like_any_chapter(made):
    program = [Path(sys.executable).with_name("dino"), "check", made / "learner" / FILE]
    done = subprocess.run(program, capture_output=True, text=True, check=True, cwd=made)
    assert "3 not started" in done.stdout


def test_nothing_is_written_over(made):
    program = [Path(sys.executable).with_name("dino"), "assign", "1", "--out", made]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert (made / "learner" / "02_denoiser.py").exists()


def hand_in(place):
    """What a learner hands in: a swapped mix, older copies, and files that must not be imported by the grader."""
    for folder in (place, place / "draft", place / "older"):
        folder.mkdir(parents=True)
        (folder / FILE).write_text(SWAPPED if folder == place else CHAPTER.path.read_text())
    for trap in ("torch.py", "dino.py", "json.py", "pip.py", "sitecustomize.py"):
        (place / trap).write_text("raise SystemExit('trapped')")


def test_the_archive_for_gradescope_grades_as_its_container_would_run_it(made, tmp_path):
    root = tmp_path / "autograder"
    with zipfile.ZipFile(made / "gradescope" / "autograder.zip") as archive:
        assert {"setup.sh", "run_autograder", "requirements.txt"} <= set(archive.namelist())
        assert archive.getinfo("run_autograder").external_attr >> 16 & 0o111
        archive.extractall(root / "source")
    hand_in(root / "submission")
    (root / "results").mkdir()
    (root / "venv" / "bin").mkdir(parents=True)
    (root / "venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (root / "venv" / "bin" / "python").chmod(0o755)
    for name in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", root / "source" / name], check=True)
    script = (root / "source" / "run_autograder").read_text().replace("/autograder", str(root))
    subprocess.run(["bash", "-c", script], check=True, capture_output=True)
    known = json.loads((root / "results" / "results.json").read_text())
    assert [(test["name"], test["score"], test["max_score"]) for test in known["tests"]] == [
        ("noise: mix", 0, 2), ("noise: random_levels", 1, 1), ("noise: make_question", 1, 1),
        ("denoiser: best_guess", 0, 1), ("denoiser: Block", 0, 0.5), ("denoiser: Denoiser", 0, 1),
    ]  # fmt: skip
    assert "The blend is swapped" in known["tests"][0]["output"]


def test_the_bundle_for_classroom_50_grades_as_its_runner_would_run_it(made, tmp_path):
    hand_in(tmp_path / "checkout")
    assert sum(path.stat().st_size for path in (made / "classroom50").iterdir()) < 10e6
    surroundings = {**os.environ, "RUNNER_TEMP": str(tmp_path), "CLASSROOM": "cs", "ASSIGNMENT": "hw", "OWNER": "anna"}
    surroundings |= {
        "CLASSROOM50_BUNDLE_DIR": str(made / "classroom50"),
        "SUBMISSION_TAG": "submit/1",
        "COMMIT_URL": "c",
    }
    program = [sys.executable, made / "classroom50" / "autograder.py"]
    subprocess.run(program, cwd=tmp_path / "checkout", env=surroundings, check=True, capture_output=True)
    known = json.loads((tmp_path / "checkout" / "result.json").read_text())
    assert (known["schema"], known["assignment"], known["owner"]) == ("classroom50/result/v1", "hw", "anna")
    assert (known["score"], known["max-score"]) == (200, 650)  # half a point makes all of them hundredths


def test_the_workflow_hands_the_reporter_what_it_reads(made, tmp_path):
    hand_in(tmp_path / "checkout")
    text = (made / "github" / ".github" / "workflows" / "grade.yml").read_text()
    steps = yaml.safe_load(text)["jobs"]["grade"]["steps"]
    (step,) = (one for one in steps if one.get("id") == "dino")
    with zipfile.ZipFile(made / "github" / ".github" / "course.zip") as archive:
        archive.extractall(tmp_path / "course")
    surroundings = {**os.environ, "RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(tmp_path / "output")}
    surroundings["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=tmp_path / "checkout", env=surroundings, check=True, capture_output=True
    )
    name, _, packed = (tmp_path / "output").read_text().partition("=")
    known = json.loads(base64.b64decode(packed))
    assert (name, known["status"], known["max_score"]) == ("result", "fail", 6.5)
    assert sum(test["score"] for test in known["tests"]) == 2
    (reporter,) = (one for one in steps if "reporter" in one.get("uses", ""))
    assert reporter["with"]["runners"] == "dino"
    assert re.fullmatch(r"\$\{\{ steps\.dino\.outputs\.result \}\}", reporter["env"]["DINO_RESULTS"])


def test_notebooks_for_nbgrader_have_cells_that_it_knows(made):
    for chapter in chapters()[:2]:
        book = nbformat.read(made / "nbgrader" / "source" / "dino" / f"{chapter.path.stem}.ipynb", as_version=4)
        nbformat.validate(book)
        known = [cell.metadata.nbgrader for cell in book.cells if "nbgrader" in cell.metadata]
        assert [one.grade_id for one in known if one.solution] == [one.name for one in chapter.exercises]
        assert [one.grade_id for one in known if one.grade] == [f"{one.name}-points" for one in chapter.exercises]
        assert all(one.schema_version == 3 for one in known)
        assert {one.grade_id: one.points for one in known if one.grade}.get("mix-points", 2) == 2
    assert find_exercise("Block")[0] == chapters()[1]
