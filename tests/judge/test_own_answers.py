"""The lesson on the learner's own answers, and all of them in one file."""

import ast
import subprocess
import sys
from unittest import mock

import pytest
import torch
from PIL import Image

import dino.denoiser
import dino.noise
import dino.sampling
import dino.saving
import dino.training
from dino.course import workspace
from dino.course.chapters import chapters, solved, stubs
from dino.course.judge import own_answers as own
from dino.course.judge.export import assemble, helpers
from dino.course.judge.runner import judge, judge_file, replaced
from dino.course.notebooks import notebook, written

MIX = "    return (1 - level) * clean + level * noise"
STEP = "    return picture * keep + guess * (1 - keep)"
BLOCK = "        self.layers = nn.Sequential(conv(width, width), nn.ReLU(), conv(width, width, bias=False))"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A learner's folder in which every exercise is solved, mix and step in words of the learner's own."""
    monkeypatch.chdir(tmp_path)
    workspace.start(tmp_path, notebooks=False)
    for chapter in chapters():
        text = solved(chapter)
        if chapter.topic == "noise":
            helper = "def share_of(level):\n    CALLS.append('mix')\n    return 1 - level\n\n\n"
            text = text.replace(MIX, "    return share_of(level) * clean + level * noise", 1)
            text = text.replace('# %% tags=["exercise"]', f"# %%\nCALLS = []\n\n\n{helper}# %%", 1)
        if chapter.topic == "sampling":
            text = text.replace(STEP, "    return torch.lerp(guess, picture, keep)", 1)
        (tmp_path / chapter.path.name).write_text(text)
    yield tmp_path
    for space, name, reference, _ in replaced:
        space[name] = reference
    replaced.clear()


def edit(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_the_lesson_runs_on_own_answers_and_says_so(folder, capsys):
    clean = torch.rand(4, 3, 8, 8)
    reference = dino.noise.mix
    torch.manual_seed(3)
    expected = dino.noise.make_question(clean)
    own.use_own()
    assert "Yours: mix, random_levels, make_question, best_guess, Block" in capsys.readouterr().out
    assert dino.noise.mix is not reference
    assert dino.training.mix is dino.noise.mix
    assert dino.sampling.step.__code__.co_filename == str(folder / "04_sampling.py")
    calls = dino.noise.mix.__globals__["CALLS"]
    calls.clear()
    torch.manual_seed(3)
    noisy, level = dino.noise.make_question(clean)
    assert calls == ["mix"]
    assert torch.equal(level, expected[1])
    assert torch.allclose(noisy, expected[0])


@pytest.mark.usefixtures("folder")
def test_training_and_drawing_with_own_answers_come_to_the_same():
    def run():
        torch.manual_seed(0)
        run = dino.training.Run(dino.training.Denoiser((4, 4), (1, 1)))
        losses = list(dino.training.train(run, torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(1)), 12))
        return losses, dino.sampling.sample(run.average, torch.rand(2, 3, 8, 8), 3)

    expected_losses, expected = run()
    own.use_own()
    losses, pictures = run()
    assert losses == pytest.approx(expected_losses, abs=1e-3)
    assert torch.allclose(pictures, expected, atol=1e-2)
    assert len(dino.noise.mix.__globals__["CALLS"]) > 0


def test_an_answer_that_fails_stays_the_lessons(folder, capsys):
    edit(folder / "01_noise.py", "share_of(level) * clean + level * noise", "clean + level * noise")
    text = (folder / "02_denoiser.py").read_text()
    (folder / "02_denoiser.py").write_text(text.replace(BLOCK, "        raise NotImplementedError('Block is open')"))
    (folder / "03_training.py").unlink()
    reference = dino.noise.mix
    own.use_own()
    printed = capsys.readouterr().out
    assert "mix (failed)" in printed
    assert "Block (not started)" in printed
    assert "training_step (no 03_training.py)" in printed
    assert dino.noise.mix is reference


def test_a_network_that_cannot_read_the_trained_weights_stays_the_lessons(folder, capsys):
    text = (folder / "02_denoiser.py").read_text()
    (folder / "02_denoiser.py").write_text(text.replace("self.layers", "self.parts"))
    own.use_own()
    assert "Block (its layers have other names" in capsys.readouterr().out
    dino.saving.load_denoiser()


@pytest.mark.usefixtures("folder")
def test_a_check_still_compares_with_the_lesson():
    own.use_own()
    answer = dino.noise.mix
    calls = answer.__globals__["CALLS"]
    calls.clear()
    assert judge("mix", lambda clean, noise, level: torch.lerp(clean, noise, level)).state == "passed"
    assert calls == []
    assert judge("mix", answer).state == "passed"
    assert dino.noise.mix is answer


def test_a_later_chapter_runs_on_own_answers(folder):
    script = folder / "run.py"
    call = "from dino.course import use_own\nuse_own()\n"
    count = "\nprint('my mix was used:', len(mix.__globals__['CALLS']) > 0)\n"
    script.write_text(call + (folder / "02_denoiser.py").read_text() + count)
    done = subprocess.run([sys.executable, script], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Yours: mix, random_levels")
    assert done.stdout.endswith("my mix was used: True\n")


def test_one_file_trains_and_draws_without_the_course(folder):
    program = folder / "my_dino.py"
    program.write_text(assemble([folder / chapter.path.name for chapter in chapters()], program.name))
    text = program.read_text()
    assert "share_of(level) * clean + level * noise" in text
    assert "torch.lerp(guess, picture, keep)" in text
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).partition(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported - set(sys.stdlib_module_names) == {"torch", "PIL"}
    lone = folder / "elsewhere"
    lone.mkdir()
    program.rename(lone / "my_dino.py")
    done = subprocess.run([sys.executable, "-I", "my_dino.py", "2"], cwd=lone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "step 2 of 2" in done.stdout
    with Image.open(lone / "my_dinosaurs.png") as sheet:
        assert sheet.size == (512, 512)


def test_two_helpers_of_one_name_are_refused(folder):
    path = folder / "04_sampling.py"
    edit(path, "torch.lerp(guess, picture, keep)", "share_of(guess, picture, keep)")
    path.write_text(path.read_text() + "\n\n# %%\ndef share_of(a, b, c):\n    return torch.lerp(a, b, c)\n")
    with pytest.raises(ValueError, match="define share_of in two ways"):
        assemble([folder / chapter.path.name for chapter in chapters()], "my_dino.py")


def test_the_file_has_what_answers_are_made_of_and_names_the_helpers_that_it_needs(folder):
    """From a notebook, too, with lines for the notebook in it, constants that are filled in loops, and a stub left below."""
    path = folder / "04_sampling.py"
    text = path.read_text()
    table = "%matplotlib inline\nimport helper\nTABLE = {}\nfor i in range(3):\n    TABLE[i] = torch.ones(1) * i\nTABLE[1] *= 1"
    text = text.replace('# %% tags=["exercise"]', f'# %%\n{table}\n\n# %% tags=["exercise"]', 1)
    text = text.replace("torch.lerp(guess, picture, keep)", "TABLE[1] * helper.lerp(guess, picture, keep)")
    text = text.replace("# %%\ncheck(step)", f"# %%\n{stubs(chapters()[3])['step']}\n\n# %%\ncheck(step)")
    (folder / "04_sampling.ipynb").write_text(written(notebook(text)))
    path.unlink()
    (folder / "helper.py").write_text("from torch import lerp\n")
    assert all(one.state == "passed" for one in judge_file(folder / "04_sampling.ipynb", chapters()[3]))
    program = assemble([workspace.answer_file(chapter) for chapter in chapters()], "my_dino.py")
    names = {"__name__": "my_dino"}
    with mock.patch.object(sys, "path", [*sys.path, str(folder)]), mock.patch.dict(sys.modules):
        exec(program, names)
    assert names["TABLE"][2] == 2
    assert torch.equal(names["step"](torch.zeros(1), torch.ones(1), 1.0, 0.5), torch.tensor([0.5]))
    assert helpers(program, folder) == ["helper.py"]
