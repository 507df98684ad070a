"""Training on the command line: progress, checkpoints, resuming, and refusing what cannot be."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import datasets
import pytest
import safetensors.torch
import torch
from PIL import Image

from dino.course.train import checkpoints
from dino.course.train.cached import open_pictures
from dino.course.train.draw import draw_run
from dino.course.train.interrupt import asked_to_stop
from dino.data import dinosaurs
from dino.denoiser import Denoiser
from dino.saving import load_denoiser, save_denoiser
from dino.training import shaken, train
from tests.test_cli import dino
from tests.train.test_checkpoints import TINY, begin, same, wait_for, weights


def test_training_writes_sheets_a_checkpoint_and_weights_that_draw(tmp_path, album):
    text = dino("train", "--data", album, "--steps", 20, "--checkpoint-interval", 10, *TINY, cwd=tmp_path)
    assert "album: 6 pictures, split train, column image, licence unknown: look before you publish.\n" in text
    assert "6 pictures of 8x8; 20 steps, 0 of them taken." in text
    assert "loss=" in text
    assert "20/20" in text
    folder = tmp_path / "runs" / "album"
    names = ["checkpoint-previous.safetensors", "checkpoint.safetensors", "sheet-000010.png", "sheet-000020.png"]
    assert sorted(path.name for path in folder.iterdir()) == [*names, "weights.safetensors"]
    dino("sample", folder, "--count", 2, "--steps", 3, cwd=tmp_path)
    with Image.open(tmp_path / "dinosaurs.png") as sheet:
        assert sheet.size == (8 * 8 * 3, 8 * 3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_stop_keeps_a_checkpoint_and_goes_on_to_the_same_weights(tmp_path, album, number):
    command = ["train", "--data", album, "--steps", 100, "--checkpoint-interval", 20, *TINY, "--out"]
    begin(*command, "whole", cwd=tmp_path, log="other").join()
    process = begin(*command, "halves", cwd=tmp_path)
    wait_for((tmp_path / "halves" / "checkpoint.safetensors").exists)
    os.kill(process.pid, number)
    process.join()
    text = (tmp_path / "log").read_text()
    assert process.exitcode == 1, text
    assert "Stopped, and kept in halves. The same command goes on from there." in text
    assert not (tmp_path / "halves" / "weights.safetensors").exists()
    begin(*command, "halves", cwd=tmp_path).join()
    assert (tmp_path / "log").read_text().count("100 steps, 0 of them taken") == 1
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "halves"))


def test_a_second_request_stops_at_once():
    # Where tests run in the background, the shell has this signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with asked_to_stop() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.is_set()
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_finished_run_is_left_as_it_is(tmp_path, album):
    command = ["train", "--data", album, "--steps", 8, *TINY]
    dino(*command, cwd=tmp_path)
    before = weights(tmp_path / "runs" / "album")
    assert "8 steps, 8 of them taken" in dino(*command, cwd=tmp_path)
    assert same(before, weights(tmp_path / "runs" / "album"))


def test_who_goes_on_with_other_pictures_is_told(tmp_path, album):
    command = ["train", "--data", album, "--steps", 8, *TINY]
    dino(*command, cwd=tmp_path)
    next(album.iterdir()).unlink()
    assert "The pictures are not those of the checkpoint: 6 then, 5 now." in dino(*command, cwd=tmp_path)


def test_a_run_is_named_after_its_folder_and_what_it_cannot_be_given_is_refused(tmp_path, album):
    (album / "inside").mkdir()
    dino("train", "--data", "..", "--steps", 1, *TINY, cwd=album / "inside")
    assert (album / "inside" / "runs" / album.name / "weights.safetensors").exists()
    text = dino("train", "--data", album, "--seed", 10**11, "--steps", 1, *TINY, cwd=tmp_path, code=2)
    assert "100000000000 is not in the range" in text
    (tmp_path / "taken").write_text("something")
    text = dino("train", "--data", album, "--out", "taken", "--steps", 1, *TINY, cwd=tmp_path, code=2)
    assert "taken is a file: name a folder with --out." in text
    assert not (tmp_path / "runs").exists()


def test_another_run_s_checkpoint_is_refused_and_kept(tmp_path, album):
    dino("train", "--data", album, "--steps", 8, *TINY, "--out", "run", cwd=tmp_path)
    path = tmp_path / "run" / "checkpoint.safetensors"
    before = path.read_bytes()
    wider = [*TINY[:1], "4,6", *TINY[2:]]
    text = dino("train", "--data", album, "--steps", 8, *wider, "--out", "run", cwd=tmp_path, code=2)
    assert "comes from a run with widths [4, 4], and you ask for [4, 6]. Name another folder with --out" in text
    assert path.read_bytes() == before


def test_a_checkpoint_that_was_written_long_ago_is_gone_on_from_to_the_same_weights(tmp_path, monkeypatch):
    def less_shaken(denoiser):  # as pictures were in the seven steps before the checkpoint
        return lambda noisy, level: denoiser(
            noisy + 0.7 * torch.rand_like(level) * (torch.rand_like(noisy) - 0.5), level
        )

    *others, ask = train.__defaults__
    assert ask is shaken
    monkeypatch.setattr(train, "__defaults__", (*others, less_shaken))
    for folder in ("album", "old"):
        (tmp_path / folder).mkdir()
    for i in range(6):
        Image.new("RGB", (8, 8), (40 * i, 200 - 30 * i, 90)).save(tmp_path / "album" / f"{i}.png")
    shutil.copy(
        Path(__file__).with_name("checkpoint-format-3.safetensors"), tmp_path / "old" / "checkpoint.safetensors"
    )
    command = ["train", "--data", "album", "--steps", 20, "--widths", "2", "--depths", "1", *TINY[4:]]
    command += ["--precision", "float32", "--out"]
    assert "20 steps, 7 of them taken" in dino(*command, "old", cwd=tmp_path)
    dino(*command, "new", cwd=tmp_path)
    old, new = weights(tmp_path / "old"), weights(tmp_path / "new")
    assert old.keys() == new.keys()
    for name in new:
        # Processors differ in how they round.
        torch.testing.assert_close(old[name], new[name], atol=1e-5, rtol=0)


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
        (["--data", "nobody/nothing"], "the Hugging Face hub is not asked because HF_HUB_OFFLINE is set"),
        (["--size", "20"], "Pictures of 20 pixels cannot be halved 3 times. Choose a --size that is a multiple of 8"),
        (["--widths", "8,8"], "--widths and --depths should have as many numbers each"),
    ],
)
def test_what_cannot_be_trained_on_is_named_before_anything_is_written(tmp_path, arguments, sentence):
    (tmp_path / "empty").mkdir()
    assert sentence in dino("train", *arguments, cwd=tmp_path, code=2)
    assert not (tmp_path / "runs").exists()


def stopped_run(folder, out="run"):
    """A run of 20 steps on an album, as it is when it was stopped after the tenth."""
    command = ["train", "--data", folder, "--steps", 20, "--checkpoint-interval", 10, *TINY, "--out", out]
    dino(*command, cwd=folder.parent)
    run = folder.parent / out
    (run / "weights.safetensors").unlink()
    (run / "checkpoint-previous.safetensors").replace(run / "checkpoint.safetensors")
    return run


def test_a_stopped_run_is_drawn_from_the_average_in_its_checkpoint_and_so_is_the_checkpoint(tmp_path, album):
    run = stopped_run(album)
    state = safetensors.torch.load_file(run / "checkpoint.safetensors")
    denoiser = Denoiser((4, 4), (1, 1))
    denoiser.load_state_dict({name[8:]: tensor for name, tensor in state.items() if name.startswith("average.")})
    noise = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    draw_run(denoiser, noise, 3, 2.0, tmp_path / "expected.png")
    for named in ("run", "run/", "run/checkpoint.safetensors"):
        text = dino("sample", named, "--count", 2, "--steps", 3, "--seed", 1, "--out", "s.png", cwd=tmp_path)
        assert "Drawn with the average of the weights in run/checkpoint.safetensors, after 10 of 20 steps.\n" in text
        assert (tmp_path / "s.png").read_bytes() == (tmp_path / "expected.png").read_bytes()
    with pytest.raises(ValueError, match=r"it is the checkpoint of a run\. `dino sample` draws with it\.$"):
        load_denoiser(run / "checkpoint.safetensors")
    # Where the newest is damaged, the one before it is whole.
    (run / "checkpoint.safetensors").rename(run / "checkpoint-previous.safetensors")
    (run / "checkpoint.safetensors").write_bytes(b"x" * 99)
    text = dino("sample", "run", "--count", 1, "--steps", 1, cwd=tmp_path)
    assert "in run/checkpoint-previous.safetensors, after 10 of 20 steps." in text
    (run / "checkpoint-previous.safetensors").unlink()
    assert "checkpoint.safetensors is damaged, or something else." in dino("sample", "run", cwd=tmp_path, code=2)


def test_the_animation_never_takes_the_place_of_a_sheet(tmp_path):
    save_denoiser(Denoiser((4, 4), (1, 1)), tmp_path / "w.safetensors", 8)
    options = ["w.safetensors", "--count", 2, "--steps", 3, "--seed", 1, "--out"]
    for sheet in ("s.webp", "t.WEBP", "s.png"):
        written = dino("sample", *options, sheet, cwd=tmp_path).splitlines()[:2]
        assert written == [sheet, f"{sheet[0]}-animation.webp"]
        with Image.open(tmp_path / written[0]) as still, Image.open(tmp_path / written[1]) as film:
            assert getattr(still, "n_frames", 1) == 1
            assert film.n_frames > 1
    with Image.open(tmp_path / "s.webp") as still:
        assert still.n_frames == 1


def test_a_run_goes_on_however_its_pictures_are_called(tmp_path, album):
    command = ["train", "--steps", 4, *TINY, "--out", tmp_path / "run", "--data"]
    dino(*command, "album/", cwd=tmp_path)
    (tmp_path / "link").symlink_to(album)
    same_ones = [("album", "."), ("./album", "."), (album, "."), (f"{album}//", "."), ("link", "."), (".", "album")]
    for name, here in [*same_ones, ("../album/../album", "album"), ("../link/", "album")]:
        assert "4 steps, 4 of them taken" in dino(*command, name, cwd=tmp_path / here)
    # A project that has moved as a whole goes on.
    (tmp_path / "elsewhere").mkdir()
    album.rename(tmp_path / "elsewhere" / "album")
    assert "4 steps, 4 of them taken" in dino(*command, "album/", cwd=tmp_path / "elsewhere")


def test_other_pictures_of_the_same_name_are_not_those_of_the_run_and_nothing_is_to_be_removed(tmp_path, album):
    command = ["train", "--steps", 4, *TINY, "--out", tmp_path / "run", "--data"]
    dino(*command, "album", cwd=tmp_path)
    shutil.copytree(album, tmp_path / "deeper" / "album")
    for name, here in [("album", "deeper"), ("deeper/album", ".")]:
        text = dino(*command, name, cwd=tmp_path / here, code=2)
        assert f"comes from a run with data {album if here == 'deeper' else 'album'}, and you ask for " in text
        assert text.endswith("Name another folder with --out.\n")
        assert "remove" not in text
    # The word for those of the course means no folder of that name.
    (tmp_path / "dinosaurs").mkdir()
    with contextlib.chdir(tmp_path):
        assert not checkpoints.same_pictures("./dinosaurs", "dinosaurs", None)
        assert not checkpoints.same_pictures("dinosaurs", "./dinosaurs", str(tmp_path / "dinosaurs"))
        assert not checkpoints.same_pictures("./dinosaurs", "owner/dinosaurs", None)
        assert checkpoints.same_pictures("owner/dinosaurs", "owner/dinosaurs", None)


def test_a_run_goes_on_when_the_column_that_was_found_is_named(tmp_path):
    pictures = [Image.new("L", (9, 9), 20 * i) for i in range(6)]
    features = datasets.Features({"photo": datasets.Image()})
    datasets.Dataset.from_dict({"photo": pictures}, features=features).to_parquet(tmp_path / "some.parquet")
    command = ["train", "--data", "some.parquet", "--steps", 4, *TINY]
    dino(*command, cwd=tmp_path)
    for more in ([], ["--column", "photo"]):
        assert "4 steps, 4 of them taken" in dino(*command, *more, cwd=tmp_path)


def test_a_folder_called_dinosaurs_is_not_passed_over_in_silence(tmp_path, monkeypatch):
    (tmp_path / "dinosaurs").mkdir()
    monkeypatch.chdir(tmp_path)
    drawn = dinosaurs(2, size=8)
    with (
        mock.patch("dino.data.dinosaurs", return_value=drawn),
        pytest.warns(UserWarning, match=r"write \./dinosaurs\.$"),
    ):
        assert len(open_pictures("dinosaurs", 8)) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's memory")
def test_memory_that_a_step_frees_is_not_fetched_again_from_the_system():
    program = """
import resource, torch
from dino.course.train.run import keep_memory
keep_memory()
def faults(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        some = [torch.ones(250_000) for _ in range(40)]
        del some
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(3)
print(faults(20))
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert int(said) < 1000  # of 20 times 9,766 pages
