"""`dino train --classic`, against a plain loop of torch and the settings of Dino Diffusion's notebook."""

import copy
from collections import Counter

import pytest
import torch
import torch.nn.functional as F

from dino.course.train import classic
from dino.course.train import run as runs
from dino.course.train.classic import train_classic
from dino.course.train.run import Settings, new_run
from dino.noise import make_question
from tests.test_cli import dino
from tests.train.test_checkpoints import same, weights

SETTINGS = Settings("dinosaurs", size=8, steps=25, batch=4, widths=(4, 4), depths=(1, 1), seed=3, classic=True)
SMALL = {"size": 8, "batch": 4, "widths": (4, 4), "depths": (1, 1)}


class Recorded:
    """Six pictures, which remember which of them were asked for."""

    def __init__(self):
        self.images, self.asked = torch.rand(6, 3, 8, 8), []

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        self.asked += index.tolist()
        return self.images[index]


def test_classic_training_is_a_plain_loop_of_torch_with_amsgrad_at_one_rate_and_an_average(monkeypatch):
    run, images, questions = new_run(SETTINGS, torch.device("cpu")), Recorded(), []
    network = copy.deepcopy(run.denoiser)
    before = torch.cat([weight.detach().flatten() for weight in network.parameters()])

    def recorded(clean):
        questions.append((clean, *make_question(clean)))
        return questions[-1][1:]

    monkeypatch.setattr("dino.training.make_question", recorded)
    losses = list(train_classic(run, images, SETTINGS.steps, SETTINGS.batch, SETTINGS.seed))
    assert len(losses) == len(questions) == run.taken == SETTINGS.steps
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-4, amsgrad=True)
    average = torch.optim.swa_utils.AveragedModel(
        network, avg_fn=lambda old, new, n: min(0.95, n / 10) * old + (1 - min(0.95, n / 10)) * new
    )
    turned = []
    for n, (clean, noisy, level) in enumerate(questions):
        loss = F.mse_loss(network(noisy, level), clean)
        assert losses[n] == pytest.approx(loss.item(), rel=1e-5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if n in (0, 10, 20):  # every tenth step, where the notebook waits two seconds
            average.update_parameters(network)
        for picture, plain in zip(clean, images.images[images.asked[4 * n :][:4]], strict=True):
            turned.append(torch.equal(picture, plain.flip(2)))
            assert turned[-1] or torch.equal(picture, plain)
    for mine, theirs in ((run.denoiser, network), (run.average, average.module)):
        for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)
    # It has learnt, at full stride from the first step to the last.
    assert (torch.cat([weight.flatten() for weight in run.denoiser.parameters()]) - before).abs().max() > 3e-3
    assert 30 < sum(turned) < 70


def test_every_picture_comes_equally_often_in_an_epoch_and_each_is_shuffled_anew_and_by_the_seed(monkeypatch):
    monkeypatch.setattr(classic, "EPOCH", 18)
    for batch, left_out in ((6, 0), (4, 2)):
        images, count = Recorded(), 18 // batch
        run = new_run(SETTINGS, torch.device("cpu"))
        list(train_classic(run, images, 3 * count, batch, 0))
        epochs = [images.asked[epoch * count * batch :][: count * batch] for epoch in range(3)]
        for epoch in epochs:
            assert len(epoch) == 18 - left_out
            assert max(Counter(epoch).values()) == 3
        assert len(set(map(tuple, epochs))) == 3
        again, other = Recorded(), Recorded()
        for shown, seed in ((again, 0), (other, 1)):
            list(train_classic(new_run(SETTINGS, torch.device("cpu")), shown, count, batch, seed))
        assert again.asked == epochs[0] != other.asked
    # Of more pictures than an epoch has at least, each comes once.
    monkeypatch.setattr(classic, "EPOCH", 2)
    images = Recorded()
    list(train_classic(new_run(SETTINGS, torch.device("cpu")), images, 2, 3, 0))
    assert sorted(images.asked) == list(range(6))


def test_the_settings_are_those_of_the_notebook_and_what_contradicts_them_is_refused(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(runs, "run_training", lambda settings, *_: seen.append(settings) or True)
    dino("train", "--classic", "--steps", 7, "--size", 64, "--precision", "float32", cwd=tmp_path)
    assert seen == [
        Settings(
            "dinosaurs",
            size=64,
            steps=7,
            batch=16,
            widths=(64, 64, 64, 64, 64),
            depths=(2, 2, 2, 2, 2),
            seed=0,
            flip=True,
            precision="float32",
            classic=True,
        )
    ]
    for given in (
        "--widths 32,64,64,64",
        "--depths 1,1,1,1,1",
        "--size 32",
        "--batch-size 32",
        "--no-flip",
        "--precision bfloat16",
        "--stream",
        "--text text",
    ):
        option = given.split()[0]
        text = dino("train", *given.split(), "--classic", cwd=tmp_path, code=2)
        assert text == f"dino: --classic and {option} contradict each other. Leave out one of the two.\n"
    assert len(seen) == 1


def test_a_classic_run_that_was_stopped_goes_on_to_the_same_weights_and_only_as_what_it_is(
    tmp_path, album, monkeypatch
):
    monkeypatch.setattr(classic, "SETTINGS", classic.SETTINGS | SMALL)
    monkeypatch.setattr(classic, "EPOCH", 12)  # 3 steps, so that it stops in the middle of one
    monkeypatch.setattr(runs, "draw_sheet", lambda *_: None)
    command = ["train", "--data", album, "--steps", 20, "--checkpoint-interval", 10, "--classic", "--out"]
    dino(*command, "whole", cwd=tmp_path)
    whole = weights(tmp_path / "whole")
    assert any(name.endswith(".max_exp_avg_sq") for name in whole)
    run = tmp_path / "halves"
    dino(*command, "halves", cwd=tmp_path)
    (run / "checkpoint-previous.safetensors").replace(run / "checkpoint.safetensors")
    (run / "weights.safetensors").unlink()
    options = ["--size", 8, "--batch-size", 4, "--widths", "4,4", "--depths", "1,1", "--precision", "float32"]
    text = dino("train", "--data", album, "--steps", 20, *options, "--out", "halves", cwd=tmp_path, code=2)
    assert "comes from a run with classic True, and you ask for False. Name another folder with --out." in text
    assert "20 steps, 10 of them taken" in dino(*command, "halves", cwd=tmp_path)
    assert same(whole, weights(run))
