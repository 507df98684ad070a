"""The course as an installed wheel, away from the repository."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from dino.course.chapters import chapters

ROOT = Path(__file__).parents[1]


def test_an_installed_wheel_starts_a_course_and_checks_it(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # What teachers get is written from templates, which are no modules.
    templates = Path("dino", "course", "grade", "templates")
    assert {path.name for path in (site / templates).iterdir()} == {path.name for path in (ROOT / templates).iterdir()}
    # The unpacked wheel comes before the repository, and the repository is not where the command runs.
    environment = {**os.environ, "PYTHONPATH": str(site)}
    for command in (["start", "there"], ["check", "there/01_noise.py"]):
        done = subprocess.run(
            [sys.executable, "-m", "dino", *command],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert "3 not started" in done.stdout
    for chapter in chapters():
        assert (tmp_path / "there" / chapter.path.name).read_text() == chapter.path.read_text()
    where = "import dino; print(dino.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert str(site) in done.stdout
