"""The command line, run as a learner runs it: what it prints, what it writes, how it exits."""

import base64
import contextlib
import io
import itertools
import json
import os
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path
from unittest import mock

import jupytext
import pytest
from PIL import Image

from dino.course import check
from dino.course.chapters import chapters, exercise_names, solved
from dino.course.cli import main
from dino.course.judge.report import inline
from dino.course.notebooks import notebook, written
from dino.noise import mix

ALL = len(exercise_names())
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


def start(folder: Path, *options) -> Path:
    """Make a learner's folder with `dino start`; there is a sheet already, for to draw it takes long. Gives the folder."""
    (folder / "my-dino").mkdir()
    (folder / "my-dino" / "dinosaurs.png").touch()
    dino("start", *options, cwd=folder)
    return folder / "my-dino"


def test_dino_alone_lists_everything_without_torch(tmp_path):
    text = dino(cwd=tmp_path)
    for chapter in chapters():
        assert f"{chapter.path.stem}  {chapter.title}" in text
        for exercise in chapter.exercises:
            assert exercise.name in text
    assert f"0 of {ALL} exercises passed" in text
    assert "Begin with `dino start`" in text
    probe = "import sys; from dino.course.cli import cli; cli([], standalone_mode=False); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")


def test_reading_chapters_does_not_wait_for_a_grammar_of_addresses():
    # It takes two seconds to load, in every check, and no notebook of ours needs it; others can still load it.
    pytest.importorskip("rfc3987_syntax")
    probe = "import sys, dino.course.notebooks; print('rfc3987_syntax' in sys.modules); import rfc3987_syntax"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_start_copies_chapters_and_draws_dinosaurs(tmp_path):
    dino("start", cwd=tmp_path)
    folder = tmp_path / "my-dino"
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
    folder = start(tmp_path, "--notebook")
    for chapter in chapters():
        theirs = jupytext.read(folder / chapter.path.with_suffix(".ipynb").name)
        ours = jupytext.read(chapter.path)
        assert [cell.source for cell in theirs.cells] == [cell.source for cell in ours.cells]
        assert theirs.metadata.kernelspec.name == "python3"


def test_an_untouched_course_is_not_started_and_that_is_no_failure(tmp_path):
    start(tmp_path)
    text = dino("check", cwd=tmp_path)
    assert text.endswith(f"{ALL} not started.\n")
    assert "✗" not in text


def test_answers_are_checked_and_progress_is_kept(tmp_path):
    start(tmp_path)
    noise = tmp_path / "my-dino" / "01_noise.py"
    noise.write_text(
        solved(chapters()[0]).replace("(1 - level) * clean + level * noise", "level * clean + (1 - level) * noise")
    )
    text = dino("check", "1", cwd=tmp_path, code=1)
    assert "✗ mix: The blend is swapped: at level 1 you return the clean picture." in text
    assert re.search(r"there should be 0\.\d\d of the picture and 0\.\d\d of the noise, and yours has", text)
    assert "✓ random_levels" in text
    assert text.endswith("2 passed, 1 failed.\n")
    picture = tmp_path / "my-dino" / "feedback" / "mix.png"
    with Image.open(picture) as drawn:
        assert drawn.width > 400
    assert f"2 of {ALL} exercises passed" in dino(cwd=tmp_path)
    noise.write_text(solved(chapters()[0]))
    assert dino("check", "noise", cwd=tmp_path / "my-dino").endswith("3 passed.\n")
    assert not picture.exists()
    assert f"3 of {ALL} exercises passed" in dino(cwd=tmp_path)


def test_a_notebook_elsewhere_under_another_name_is_checked(tmp_path):
    notebook = jupytext.reads(solved(chapters()[3]), fmt="py:percent")
    jupytext.write(notebook, tmp_path / "homework of mine.ipynb")
    assert dino("check", "homework of mine.ipynb", cwd=tmp_path).endswith("2 passed.\n")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.py", None, "There is no file missing.py. `dino start` makes a folder with all chapters."),
        ("01_noise.py", None, "There is no file 01_noise.py."),
        ("letter.txt", "Dear diary", "letter.txt is neither a .py file nor a notebook"),
        ("other.py", "x = 1", "other.py holds none of the exercises of this course."),
        ("broken.ipynb", "{", "broken.ipynb is not a whole notebook: it is cut off or damaged"),
        ("binary.py", b"\xff\xfe\x00", "binary.py is written in UTF-16, or is no text"),
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


def test_an_answer_that_passes_stands_beside_the_lessons_once(tmp_path, monkeypatch):
    start(tmp_path)
    path = tmp_path / "my-dino" / "01_noise.py"
    path.write_text(
        solved(chapters()[0]).replace("return (1 - level) * clean", "share = 1 - level\n    return share * clean")
    )
    monkeypatch.setenv("COLUMNS", "200")
    text = dino("check", "1", cwd=tmp_path)
    assert "Worth noticing: Level has the shape (batch, 1, 1, 1)" in text
    assert re.search(r"^ +yours +the lesson's$", text, re.MULTILINE)
    assert re.search(r"^ +return share \* clean \+ level \* noise$", text, re.MULTILINE)
    assert re.search(r"share = 1 - level +return \(1 - level\) \* clean \+ level \* noise$", text, re.MULTILINE)
    # What says the same as the lesson is not shown twice, and what passed before is not praised again.
    assert text.count("the lesson's") == 1
    assert "Worth noticing" not in dino("check", "1", cwd=tmp_path)
    path.write_text(path.read_text().replace("share = 1 - level", "share = level"))
    dino("check", "1", cwd=tmp_path, code=1)
    path.write_text(path.read_text().replace("share = level", "share = 1 - level"))
    monkeypatch.setenv("COLUMNS", "60")
    text = dino("check", "1", cwd=tmp_path)
    assert re.search(r"^ +yours$", text, re.MULTILINE)
    assert re.search(r"^ +the lesson's$", text, re.MULTILINE)


def watched(folder, *naps, what=("01_noise.py",)) -> str:
    """What `dino check --watch` prints while these are called between its looks at the files."""
    waiting = iter(naps)

    def sleep(_):
        nap = next(waiting, None)
        if nap is None:
            raise KeyboardInterrupt
        nap()

    with mock.patch("dino.course.cli.time.sleep", sleep):
        return dino("check", *what, "--watch", cwd=folder)


def test_watching_checks_again_what_was_saved_until_ctrl_c(tmp_path):
    start(tmp_path)
    path = tmp_path / "my-dino" / "01_noise.py"

    def save(text):
        path.write_text(text)
        os.utime(path, (time.time() + next(later),) * 2)

    later = itertools.count(10)
    right = solved(chapters()[0])
    text = watched(
        tmp_path,
        lambda: None,
        lambda: save(right.replace("return (1 - level) * clean", "return level * clean")),
        lambda: save("def mix(:"),
        lambda: save(right),
        path.unlink,
        what=(),
    )
    rounds = text.split("Save, and it is checked again. Ctrl-C ends this.")
    assert f"{ALL} not started." in rounds[0]
    assert "02_denoiser.py" in rounds[0]
    assert "✗ mix: Both shares are `level`: the picture's should be 1 - level." in rounds[1]
    assert "02_denoiser.py" not in rounds[1]
    assert "is not Python yet" in rounds[2]
    assert "3 passed." in rounds[3]
    assert "There is no file" in rounds[4]


def test_watching_outlives_files_and_folders_that_are_away_for_a_while(tmp_path):
    """Outside a started folder, too, where a word such as 01_noise.py might be taken for a chapter."""
    folder, away = tmp_path / "here", tmp_path / "away"
    folder.mkdir()
    path, right = folder / "01_noise.py", solved(chapters()[0])
    path.write_text(right)
    text = watched(
        folder,
        lambda: path.rename(away),
        lambda: None,
        lambda: away.rename(path),
        lambda: path.write_text(right[:5000]),
        lambda: path.write_bytes(b""),
        lambda: path.write_text(right),
    )
    rounds = text.split("Save, and it is checked again. Ctrl-C ends this.")[:-1]
    assert len(rounds) == 6
    assert "3 passed." in rounds[0]
    assert "There is no file 01_noise.py." in rounds[1]
    assert "3 passed." in rounds[2]
    assert "01_noise.py is empty." in rounds[4]
    assert "3 passed." in rounds[5]


def test_watching_a_started_folder_waits_while_it_is_renamed(tmp_path):
    folder = start(tmp_path)
    naps = iter([lambda: folder.rename(tmp_path / "other"), lambda: (tmp_path / "other").rename(folder)])

    def sleep(_):
        nap = next(naps, None)
        if nap is None:
            raise KeyboardInterrupt
        nap()

    with mock.patch("dino.course.cli.time.sleep", sleep):
        text = dino("check", "1", "--watch", cwd=tmp_path)
    assert text.count("3 not started.") == 2
    assert text.count("There are no chapters of yours here.") == 1


def test_watching_looks_at_helper_modules_too(tmp_path):
    text = solved(chapters()[0]).replace("(1 - level) * clean", "share(level) * clean")
    (tmp_path / "01_noise.py").write_text(f"from helper import share\n{text}")
    helper = tmp_path / "helper.py"
    helper.write_text("def share(level):\n    return 0 + level")
    saved = tmp_path / "saved"  # as a whole, for half of it would be checked, too
    saved.write_text("def share(level):\n    return 1 - level ")
    text = watched(tmp_path, lambda: saved.replace(helper), lambda: None)
    rounds = text.split("Save, and it is checked again.")
    assert "✗ mix" in rounds[0]
    assert "3 passed." in rounds[1]
    assert "check" not in rounds[2].partition("Ctrl-C ends this.")[2]


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_a_terminal_that_cannot_hold_the_signs_gets_plain_ones(tmp_path, encoding):
    start(tmp_path)
    path = tmp_path / "my-dino" / "01_noise.py"
    path.write_text(solved(chapters()[0]).replace("return (1 - level) * clean", "return level * clean"))
    for arguments, sign in [((), "."), (("check", "1"), "x mix: Both shares"), (("check", "é.py"), "There is no file")]:
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
        with (
            contextlib.chdir(tmp_path),
            contextlib.redirect_stdout(stream),
            contextlib.redirect_stderr(stream),
            mock.patch("sys.argv", ["dino", *arguments]),
            pytest.raises(SystemExit),
        ):
            main()
        stream.flush()
        text = raw.getvalue().decode(encoding)
        assert sign in text
        if arguments[-1:] == ("1",):
            assert "+ random_levels: All" in text
            assert text.endswith("2 passed, 1 failed.\n")


def test_a_check_in_a_program_gets_plain_signs_too():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with contextlib.redirect_stdout(stream):
        check(mix)
    stream.flush()
    assert stream.buffer.getvalue().decode("ascii").startswith("x mix: This is the library's own mix")
    assert "✓ ✗ · “é” \u2013 恐".encode("ascii", stream.errors) == b'+ x . "e" - ?'


def test_a_folder_is_checked_chapter_by_chapter(tmp_path):
    (tmp_path / "theirs").mkdir()
    for chapter in chapters()[:1]:
        (tmp_path / "theirs" / chapter.path.name).write_text(solved(chapter))
    assert dino("check", "theirs", cwd=tmp_path).endswith("3 passed.\n")
    (tmp_path / "theirs" / "02_denoiser.ipynb").write_text("{")
    text = dino("check", "theirs", cwd=tmp_path, code=2)
    assert "02_denoiser.ipynb is not a whole notebook" in text
    assert text.endswith("3 passed.\n")
    start(tmp_path)
    assert f"{ALL} not started." in dino("check", ".", cwd=tmp_path)
    # A folder that is called like a chapter is one only if there are chapters in it.
    (tmp_path / "data").mkdir()
    assert "06_data.py" in dino("check", "data", cwd=tmp_path)
    (tmp_path / "empty").mkdir()
    assert "There are no chapters in empty, such as 01_noise.py." in dino("check", "empty", cwd=tmp_path, code=2)


def test_of_several_files_for_a_chapter_the_one_taken_is_told(tmp_path):
    folder = start(tmp_path)
    (folder / "01_noise.ipynb").write_text(written(notebook(solved(chapters()[0]))))
    (folder / "01_noise (1).py").write_text("mine")
    os.utime(folder / "01_noise.ipynb", (time.time() + 9,) * 2)
    text = dino("check", "1", cwd=tmp_path)
    assert "Note: Using 01_noise.ipynb, which was saved last, and not 01_noise (1).py, 01_noise.py beside it." in text
    assert text.endswith("3 passed.\n")
    # Who names a file gets that one.
    for name, where in (("01_noise.py", folder), ("01_noise.py", tmp_path), ("my-dino/01_noise.py", tmp_path)):
        text = dino("check", name, cwd=where)
        assert "3 not started." in text
        assert "Taken is" not in text or where == tmp_path
    assert "There is no file elsewhere/01_noise.py" in dino("check", "elsewhere/01_noise.py", cwd=tmp_path, code=2)
    (folder / "01_noise.py").unlink()
    (folder / "01_noise.ipynb").unlink()
    assert "01_noise (1).py" in dino("check", "1", cwd=tmp_path, code=1)


BROKEN = {
    "no JSON": "{",
    "a list": "[]",
    "other values": '{"mix": "passed"}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_progress_that_is_broken_is_kept_aside_and_that_is_told(tmp_path, text):
    folder = start(tmp_path)
    (folder / "dino-progress.json").write_text(text)
    assert "dino-progress.json cannot be read" in dino(cwd=tmp_path)
    assert (folder / "dino-progress.json").read_text() == text
    for aside in ("dino-progress-broken.json", "dino-progress-broken2.json"):
        (folder / "dino-progress.json").write_text(text)
        assert f"It is kept as {aside}, and a new one is begun." in dino("hint", "mix", cwd=tmp_path)
        assert (folder / aside).read_text() == text
        assert json.loads((folder / "dino-progress.json").read_text()) == {"mix": {"hints": 1}}
    assert "is broken" not in dino("hint", "mix", cwd=tmp_path)


def test_progress_of_another_folder_is_kept_there(tmp_path):
    mine, theirs = (start(tmp_path / name) for name in ("mine", "theirs") if (tmp_path / name).mkdir() is None)
    dino("check", theirs / "01_noise.py", cwd=mine)
    assert json.loads((mine / "dino-progress.json").read_text()) == {}
    assert len(json.loads((theirs / "dino-progress.json").read_text())) == 3


def test_what_cannot_be_written_costs_no_verdict(tmp_path):
    folder = start(tmp_path)
    path = folder / "01_noise.py"
    path.write_text(solved(chapters()[0]).replace("return (1 - level) * clean", "return level * clean"))
    (folder / "feedback").write_text("a file where a folder should be")
    text = dino("check", "1", cwd=tmp_path, code=1)
    assert "✗ mix: Both shares" in text
    assert "mix.png cannot be written" in text
    assert "2 passed, 1 failed." in text


def test_started_as_a_module_the_command_finds_the_same_helpers(tmp_path):
    """Those beside the file, and not those where the command is run; a file called random.py there hides nothing."""
    (tmp_path / "inner").mkdir()
    text = solved(chapters()[0]).replace("(1 - level) * clean", "share(level) * clean")
    (tmp_path / "inner" / "01_noise.py").write_text(f"from helper import share\nimport other\n{text}")
    (tmp_path / "inner" / "helper.py").write_text("def share(level): return 1 - level")
    (tmp_path / "random.py").write_text("1 / 0")
    (tmp_path / "other.py").write_text("")
    command = [sys.executable, "-m", "dino", "check", "inner/01_noise.py"]
    here = {**HERE, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, cwd=tmp_path, env=here, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("3 passed.\n"), done.stdout + done.stderr


def test_pictures_are_drawn_in_terminals_that_can(monkeypatch):
    png = bytes(range(256)) * 40
    for name in ("KITTY_WINDOW_ID", "TERM_PROGRAM"):
        monkeypatch.delenv(name, raising=False)
    assert inline(png) == ""
    monkeypatch.setenv("TERM_PROGRAM", "iTerm.app")
    head, data = inline(png).removesuffix("\x07").split(":")
    assert head == f"\x1b]1337;File=inline=1;size={len(png)}"
    assert base64.b64decode(data) == png
    monkeypatch.setenv("KITTY_WINDOW_ID", "1")
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", inline(png))
    assert [keys for keys, _ in parts] == ["a=T,f=100,m=1", "m=1", "m=1", "m=0"]
    assert base64.b64decode("".join(data for _, data in parts)) == png


def test_assembling_refuses_wrong_answers_and_touches_no_file_that_is_there(tmp_path):
    start(tmp_path)
    folder = tmp_path / "my-dino"
    # The last chapter stays as it is: its answers are not part of the program.
    for chapter in chapters()[:4]:
        (folder / chapter.path.name).write_text(solved(chapter))
    (folder / "04_sampling.py").write_text(chapters()[3].path.read_text())
    text = dino("assemble", cwd=tmp_path, code=1)
    assert "· step: step is yours to write." in text
    assert "Nothing was written: these answers have to be right first." in text
    assert not (folder / "my_dino.py").exists()
    (folder / "04_sampling.py").write_text(solved(chapters()[3]))
    assert "Run it: python" in dino("assemble", cwd=tmp_path)
    before = (folder / "my_dino.py").read_text()
    assert "These parts are my own: mix, random_levels, make_question, Block" in before
    assert "my_dino.py is there already." in dino("assemble", cwd=tmp_path, code=2)
    assert (folder / "my_dino.py").read_text() == before


def test_hints_grow_plainer_and_end_with_the_solution(tmp_path):
    start(tmp_path)
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
    for command in ("start", "check", "hint", "assemble", "train", "sample", "edit"):
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
