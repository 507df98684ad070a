"""The command line, run as a learner runs it: what it prints, what it writes, how it exits."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from unittest import mock

import jupytext
import pytest
from PIL import Image

from dino.course.chapters import chapters, solved
from dino.course.cli import main

HERE = {**os.environ, "COLUMNS": "200"}


def dino(*arguments, cwd: Path, code: int = 0) -> str:
    """Run `dino` in a folder, expect an exit code, and give what it printed.

    It runs in this process, because loading torch for every command would take most of the time.
    """
    printed = io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        mock.patch("sys.argv", ["dino", *map(str, arguments)]),
        warnings.catch_warnings(),
        pytest.raises(SystemExit) as stopped,
    ):
        warnings.simplefilter("default")
        main()
    assert stopped.value.code == code, printed.getvalue()
    return printed.getvalue()


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A learner's folder, as `dino start` makes it."""
    folder = tmp_path_factory.mktemp("learner")
    dino("start", cwd=folder)
    return folder


def test_dino_alone_lists_everything_without_torch(tmp_path):
    text = dino(cwd=tmp_path)
    for chapter in chapters():
        assert f"{chapter.path.stem}  {chapter.title}" in text
        for exercise in chapter.exercises:
            assert exercise.name in text
    assert "0 of 11 exercises passed" in text
    assert "Begin with `dino start`" in text
    probe = "import sys; from dino.course.cli import cli; cli([], standalone_mode=False); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")


def test_start_copies_chapters_and_draws_dinosaurs(course):
    folder = course / "my-dino"
    for chapter in chapters():
        assert (folder / chapter.path.name).read_text() == chapter.path.read_text()
    with Image.open(folder / "dinosaurs.png") as sheet:
        assert sheet.size == (512, 512)
    assert json.loads((folder / "dino-progress.json").read_text()) == {}


def test_start_again_never_touches_what_is_there(tmp_path):
    (tmp_path / "here").mkdir()
    mine = tmp_path / "here" / "01_noise.py"
    mine.write_text("my own work")
    (tmp_path / "here" / "dinosaurs.png").write_bytes(b"my own picture")
    text = dino("start", "here", cwd=tmp_path)
    assert "Left as they are: 01_noise.py" in text
    assert mine.read_text() == "my own work"
    assert (tmp_path / "here" / "dinosaurs.png").read_bytes() == b"my own picture"
    assert (tmp_path / "here" / "02_denoiser.py").exists()
    assert "is a file. Name a folder" in dino("start", mine, cwd=tmp_path, code=2)


def test_notebooks_hold_the_same_cells(tmp_path):
    dino("start", "--notebook", "there", cwd=tmp_path)
    for chapter in chapters():
        theirs = jupytext.read(tmp_path / "there" / chapter.path.with_suffix(".ipynb").name)
        ours = jupytext.read(chapter.path)
        assert [cell.source for cell in theirs.cells] == [cell.source for cell in ours.cells]
        assert theirs.metadata.kernelspec.name == "python3"


def test_an_untouched_course_is_not_started_and_that_is_no_failure(course):
    text = dino("check", cwd=course)
    assert text.endswith("11 not started.\n")
    assert "✗" not in text


def test_answers_are_checked_and_progress_is_kept(tmp_path):
    dino("start", cwd=tmp_path)
    (tmp_path / "my-dino" / "dinosaurs.png").unlink()
    noise = tmp_path / "my-dino" / "01_noise.py"
    noise.write_text(
        solved(chapters()[0]).replace("(1 - level) * clean + level * noise", "level * clean + (1 - level) * noise")
    )
    text = dino("check", "1", cwd=tmp_path, code=1)
    assert "✗ mix: The blend is swapped: at level 1 you return the clean picture." in text
    assert "Level 0 leaves the clean pictures. At [" in text
    assert "✓ random_levels" in text
    assert text.endswith("2 passed, 1 failed.\n")
    picture = tmp_path / "my-dino" / "feedback" / "mix.png"
    with Image.open(picture) as drawn:
        assert drawn.width > 400
    assert "2 of 11 exercises passed" in dino(cwd=tmp_path)
    noise.write_text(solved(chapters()[0]))
    assert dino("check", "noise", cwd=tmp_path / "my-dino").endswith("3 passed.\n")
    assert not picture.exists()
    assert "3 of 11 exercises passed" in dino(cwd=tmp_path)


def test_a_notebook_elsewhere_under_another_name_is_checked(tmp_path):
    notebook = jupytext.reads(solved(chapters()[3]), fmt="py:percent")
    jupytext.write(notebook, tmp_path / "homework of mine.ipynb")
    assert dino("check", "homework of mine.ipynb", cwd=tmp_path).endswith("2 passed.\n")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.py", None, "There is no file missing.py. `dino start` makes a folder with all chapters."),
        ("letter.txt", "Dear diary", "letter.txt is neither a .py file nor a notebook"),
        ("other.py", "x = 1", "other.py holds none of the exercises of this course."),
        ("broken.ipynb", "{", "broken.ipynb cannot be read as a .ipynb file"),
        ("binary.py", b"\xff\xfe\x00", "binary.py cannot be read as a .py file"),
    ],
)
def test_files_that_cannot_be_checked_are_named(tmp_path, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert sentence in dino("check", name, cwd=tmp_path, code=2)


def test_without_a_course_there_is_nothing_to_check(tmp_path):
    assert "There are no chapters of yours here. `dino start` makes" in dino("check", cwd=tmp_path, code=2)


def test_a_syntax_error_is_a_failure_with_its_place(tmp_path):
    (tmp_path / "01_noise.py").write_text("# %%\ndef mix(clean, noise, level)\n    return clean\n")
    text = dino("check", "01_noise.py", cwd=tmp_path, code=1)
    assert "01_noise.py, line 2 is not Python yet (expected ':')" in text


def test_hints_grow_plainer_and_end_with_the_solution(tmp_path):
    dino("start", cwd=tmp_path)
    first = dino("hint", "mix", cwd=tmp_path)
    assert "Hint 1:" in first
    assert "Hint 2:" not in first
    second = dino("hint", "mix", cwd=tmp_path)
    assert "Hint 1:" in second
    assert "Hint 2:" in second
    assert "dino hint mix --solution" in second
    assert "return (1 - level) * clean + level * noise" in dino("hint", "mix", "--solution", cwd=tmp_path)
    assert "There is no exercise called 'mixx'. There are: mix, random_levels" in dino(
        "hint", "mixx", cwd=tmp_path, code=2
    )


def test_sample_draws_a_sheet_and_the_run_from_noise_to_pictures(tmp_path):
    dino("sample", "--count", 4, "--steps", 5, "--seed", 1, "--out", "one.png", cwd=tmp_path)
    dino("sample", "--count", 4, "--steps", 5, "--seed", 1, "--out", "two.png", cwd=tmp_path)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with Image.open(tmp_path / "one.webp") as film:
        assert film.n_frames == 6
    assert "x.txt should end in .png" in dino("sample", "--out", "x.txt", cwd=tmp_path, code=2)
    assert "There are no weights at nothing" in dino("sample", "nothing", cwd=tmp_path, code=2)


def test_the_command_is_a_program_that_exits_with_a_code(tmp_path):
    for command, code in [(["hint", "mix"], 0), (["check", "missing.py"], 2)]:
        script = Path(sys.executable).with_name("dino")
        done = subprocess.run([script, *command], cwd=tmp_path, env=HERE, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr


def test_help_and_usage_errors():
    here = Path.cwd()
    for command in ("start", "check", "hint", "train", "sample"):
        assert command in dino("--help", cwd=here)
        assert "Usage:" in dino(command, "--help", cwd=here)
    assert "No such command" in dino("fly", cwd=here, code=2)
    assert "should be whole numbers with commas between them" in dino("train", "--widths", "many", cwd=here, code=2)


def test_completion_knows_commands_and_exercises(tmp_path):
    probe = "from dino.course.cli import main; main()"
    complete = {**HERE, "_DINO_COMPLETE": "bash_complete", "COMP_WORDS": "dino hint ", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv = ['dino']; {probe}"],
        cwd=tmp_path, env=complete, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert re.findall(r"^plain,(\w+)$", done.stdout, re.MULTILINE)[:2] == ["mix", "random_levels"]
