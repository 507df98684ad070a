"""`dino sample --beside`: real pictures on the left, what the model draws on the right, and where the real ones are from."""

import os
import shutil
from unittest import mock

import numpy as np
import pytest
import torch
from PIL import Image

from dino.course.train import run as runs
from dino.data import dinosaurs, load
from dino.sampling import sample
from dino.saving import PROMPTED, TRAINED, load_denoiser
from tests.test_cli import dino
from tests.train.test_checkpoints import TINY

HEAD = 48


@pytest.fixture
def trained(tmp_path, album, monkeypatch):
    """A folder with a run on the album that was told of it by a relative name; it draws in float32."""
    monkeypatch.setattr("torch.cpu.get_capabilities", dict)
    monkeypatch.setattr(runs, "draw_sheet", lambda *_: None)
    dino("train", "--data", album.name, "--steps", 4, "--checkpoint-interval", 2, *TINY, "--out", "run", cwd=tmp_path)
    return tmp_path


def sides(path, size=8):
    """The real pictures and the drawn ones, (places, 3, size, size) each, and how much ink is above each side."""
    with Image.open(path) as picture:
        numbers = torch.from_numpy(np.array(picture)) / 255
    width = 8 * 3 * size
    assert numbers.shape[1] == 2 * width + HEAD
    # The titles stand above their sides, with paper on both sides of each.
    assert (numbers[:HEAD, width : width + HEAD] == 1).all() and (numbers[:HEAD, [0, -1]] == 1).all()
    both = numbers[:, :width], numbers[:, -width:]
    ink = [(1 - side[:HEAD]).sum().item() for side in both]
    cells = [side[HEAD + 1 :: 3, 1::3].unflatten(0, (-1, size)).unflatten(2, (8, size)) for side in both]
    return *(one.permute(0, 2, 4, 1, 3).flatten(0, 1) for one in cells), ink


def numbers_of(pictures, known):
    """Which of the known pictures each one is."""
    apart = (pictures[:, None] - known).abs().amax(dim=(2, 3, 4))
    assert (apart.amin(dim=1) < 1e-6).all()
    return apart.argmin(dim=1).tolist()


def test_real_pictures_are_on_the_left_and_drawn_ones_on_the_right_each_with_a_title(trained):
    options = ["--count", 4, "--steps", 3, "--seed", 7, "--beside", "--out", "s.png"]
    text = dino("sample", "run", *options, cwd=trained)
    told = f"Real ones from {trained / 'album'}: 6 pictures, split train, column image, licence unknown"
    assert text.endswith(f"{told}: look before you publish.\ns.png\nThese are the pictures of --seed 7.\n")
    assert not list(trained.glob("*.webp"))
    real, drawn, ink = sides(trained / "s.png")
    known = load(trained / "album", 8)
    assert len(set(numbers_of(real[:4], known))) == 4
    noise = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(7))
    expected = sample(load_denoiser(trained / "run" / "weights.safetensors"), noise, steps=3)
    torch.testing.assert_close(drawn[:4], expected, atol=0.5 / 255 + 1e-6, rtol=0)
    assert (real[4:] == 1).all() and (drawn[4:] == 1).all()
    assert ink[1] > ink[0] > 100  # "Drawn by the model", "Real"


def test_all_real_pictures_are_shown_once_if_more_are_drawn_than_there_are(trained):
    dino("sample", "run", "--count", 20, "--steps", 1, "--beside", "--out", "s.png", cwd=trained)
    real, drawn, _ = sides(trained / "s.png")
    assert sorted(numbers_of(real[:6], load(trained / "album", 8))) == list(range(6))
    assert len(real) == len(drawn) == 24
    assert (real[6:] == 1).all() and not (drawn[:20] == 1).all(dim=(1, 2, 3)).any()


def test_the_pictures_are_found_from_anywhere_from_a_checkpoint_and_where_the_whole_project_has_moved(trained):
    def shown(*arguments, cwd):
        dino("sample", *arguments, "--count", 2, "--steps", 1, "--beside", "--out", "s.png", cwd=cwd)
        assert numbers_of(sides(cwd / "s.png")[0][:2], known)

    known = load(trained / "album", 8)
    (trained / "elsewhere").mkdir()
    shown("../run", cwd=trained / "elsewhere")
    shown("run/checkpoint.safetensors", cwd=trained)
    (trained / "run" / "weights.safetensors").unlink()
    (trained / "run" / "checkpoint.safetensors").write_bytes(b"damaged")
    shown("run", cwd=trained)
    for name in ("run", "album"):
        (trained / name).rename(trained / "elsewhere" / name)
    shown("run", cwd=trained / "elsewhere")


def test_weights_that_do_not_tell_what_they_were_trained_on_are_refused_with_a_remedy(trained):
    shutil.copy(trained / "run" / "weights.safetensors", trained / "mine.safetensors")
    text = dino("sample", "mine.safetensors", "--beside", "--out", "s.png", cwd=trained, code=2)
    assert text == (
        "dino: mine.safetensors does not tell which pictures it was trained on. "
        "Name the folder of its run, with the checkpoint in it.\n"
    )
    shutil.rmtree(trained / "album")
    text = dino("sample", "run", "--beside", "--out", "s.png", cwd=trained, code=2)
    assert f"There is no folder {trained / 'album'}." in text
    assert not (trained / "s.png").exists()


def test_the_weights_of_the_course_were_trained_on_its_dinosaurs(tmp_path):
    few = dinosaurs(5)
    for named in ([], [TRAINED], [os.path.relpath(PROMPTED, tmp_path)], ["--prompt", "a red t-rex"]):
        with mock.patch("dino.data.dinosaurs", return_value=few) as drawn:
            options = ["--count", 2, "--steps", 1, "--beside", "--out", "s.png"]
            text = dino("sample", *named, *options, cwd=tmp_path)
        drawn.assert_called_once_with(size=32)
        assert "Real ones from dinosaurs: 5 pictures, split train, column image, licence mit.\n" in text
        assert numbers_of(sides(tmp_path / "s.png", 32)[0][:2], load(few))
