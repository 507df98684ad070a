"""Training on the command line: progress, checkpoints, resuming, and refusing what cannot be."""

import signal
import subprocess
import sys
import time

import pytest
import safetensors.torch
import torch
from PIL import Image

from tests.test_cli import HERE, dino

TINY = ["--widths", "4,4", "--depths", "1,1", "--size", "8", "--batch", "4"]


@pytest.fixture
def album(tmp_path):
    """A folder of six small pictures."""
    folder = tmp_path / "album"
    folder.mkdir()
    for i in range(6):
        Image.effect_noise((12, 9), 20 * i + 10).save(folder / f"{i}.png")
    return folder


def weights(folder):
    return safetensors.torch.load_file(folder / "checkpoint.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_training_writes_sheets_a_checkpoint_and_weights_that_draw(tmp_path, album):
    text = dino("train", "--data", album, "--steps", 20, "--every", 10, *TINY, cwd=tmp_path)
    assert "6 pictures of 8x8; 20 steps, 0 of them taken." in text
    assert "loss=" in text
    assert "20/20" in text
    folder = tmp_path / "runs" / "album"
    names = ["checkpoint.safetensors", "sheet-000010.png", "sheet-000020.png", "weights.safetensors"]
    assert sorted(path.name for path in folder.iterdir()) == names
    dino("sample", folder, "--count", 2, "--steps", 3, cwd=tmp_path)
    with Image.open(tmp_path / "dinosaurs.png") as sheet:
        assert sheet.size == (8 * 8 * 3, 8 * 3)


def test_ctrl_c_keeps_a_whole_checkpoint_and_resuming_gives_the_same_weights(tmp_path, album):
    command = ["train", "--data", album, "--steps", 400, "--every", 1000, *TINY]
    dino(*command, "--out", "whole", cwd=tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "dino.course", *map(str, command), "--out", "halves"],
        cwd=tmp_path, env=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    # The line about the pictures comes right before the first step.
    assert "6 pictures" in process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    text = process.communicate()[0]
    assert process.returncode == 1, text
    assert "Stopped, and kept in halves. The same command goes on from there." in text
    assert not (tmp_path / "halves" / "weights.safetensors").exists()
    text = dino(*command, "--out", "halves", cwd=tmp_path)
    assert "400 steps, 0 of them taken" not in text
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "halves"))


def test_a_finished_run_is_left_as_it_is(tmp_path, album):
    command = ["train", "--data", album, "--steps", 8, *TINY]
    dino(*command, cwd=tmp_path)
    before = weights(tmp_path / "runs" / "album")
    assert "8 steps, 8 of them taken" in dino(*command, cwd=tmp_path)
    assert same(before, weights(tmp_path / "runs" / "album"))


def test_another_run_s_checkpoint_is_refused_and_kept(tmp_path, album):
    dino("train", "--data", album, "--steps", 8, *TINY, "--out", "run", cwd=tmp_path)
    path = tmp_path / "run" / "checkpoint.safetensors"
    before = path.read_bytes()
    wider = [*TINY[:1], "4,6", *TINY[2:]]
    text = dino("train", "--data", album, "--steps", 8, *wider, "--out", "run", cwd=tmp_path, code=2)
    assert "comes from a run with widths [4, 4], and you ask for [4, 6]. Name another folder with --out" in text
    assert path.read_bytes() == before


def test_a_damaged_checkpoint_is_named_and_never_unpickled(tmp_path, album):
    command = ["train", "--data", album, "--steps", 8, *TINY, "--out", "run"]
    dino(*command, cwd=tmp_path)
    path = tmp_path / "run" / "checkpoint.safetensors"
    whole = path.read_bytes()

    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"denoiser": Trap()}, tmp_path / "trap")
    for damaged in (whole[: len(whole) // 2], b"", (tmp_path / "trap").read_bytes()):
        path.write_bytes(damaged)
        assert "checkpoint.safetensors is damaged, or something else." in dino(*command, cwd=tmp_path, code=2)
        assert path.read_bytes() == damaged
    assert not (tmp_path / "sprung").exists()
    weights_file = tmp_path / "run" / "weights.safetensors"
    weights_file.write_bytes(weights_file.read_bytes()[:100])
    assert "is not a whole file of denoiser weights" in dino("sample", "run", cwd=tmp_path, code=2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--data", "nowhere"], "There is no folder nowhere."),
        (["--data", "empty"], "There are no pictures in empty. Put PNG or JPEG files into it"),
        (["--data", "nobody/nothing"], "the Hugging Face hub cannot be reached"),
        (["--size", "20"], "Pictures of 20 pixels cannot be halved 3 times. Choose a --size that is a multiple of 8"),
        (["--widths", "8,8"], "--widths and --depths should have as many numbers each"),
    ],
)
def test_what_cannot_be_trained_on_is_named_before_anything_is_written(tmp_path, arguments, sentence):
    (tmp_path / "empty").mkdir()
    assert sentence in dino("train", *arguments, cwd=tmp_path, code=2)
    assert not (tmp_path / "runs").exists()
