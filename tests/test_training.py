"""Training, against gradients by hand and another library's average."""

import copy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from dino.denoiser import Denoiser
from dino.noise import make_question
from dino.training import ClippedAdamW, Run, loss_by_level, shaken, train, training_step, update_average


def small() -> Denoiser:
    torch.manual_seed(0)
    return Denoiser((8, 8), (1, 1))


class Constant(nn.Module):
    """Guesses the same number everywhere, so that its gradient can be worked out by hand."""

    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(0.2))

    def forward(self, noisy, level):
        return self.value.expand_as(noisy)


def test_a_training_step_follows_the_gradient_of_the_mean_squared_error():
    denoiser, clean = Constant(), torch.full((4, 3, 2, 2), 0.7)
    optimizer = torch.optim.SGD(denoiser.parameters(), lr=0.1)
    value = 0.2
    for _ in range(3):
        assert training_step(denoiser, optimizer, clean) == pytest.approx((value - 0.7) ** 2, abs=1e-6)
        value -= 0.1 * 2 * (value - 0.7)
        assert denoiser.value.item() == pytest.approx(value, abs=1e-6)


def test_a_shaken_denoiser_is_asked_about_pictures_that_are_off_by_more_or_less():
    noisy, level = make_question(torch.rand(400, 3, 16, 16))
    seen, told = shaken(lambda *question: question)(noisy, level)
    off = seen - noisy
    assert told is level
    assert off.abs().max() <= 0.5
    assert abs(off.mean()) < 1e-3
    # Uniform between -w and w has a standard deviation of w / sqrt(3), and w is uniform between 0 and 0.5.
    widths = off.flatten(1).std(dim=1) * 3**0.5
    torch.testing.assert_close(widths.quantile(torch.linspace(0, 1, 11)), torch.linspace(0, 0.5, 11), atol=0.05, rtol=0)


def test_the_average_is_that_of_torch_with_the_same_shares():
    average, denoiser = small(), small()
    theirs = AveragedModel(denoiser, avg_fn=lambda old, new, n: min(0.95, n / 10) * old + (1 - min(0.95, n / 10)) * new)
    theirs.n_averaged += 1  # torch copies at its first update, as a share of 0 does
    update_average(average, denoiser, 0)
    for n in range(1, 15):
        for weight in denoiser.parameters():
            weight.data.add_(torch.randn_like(weight))
        update_average(average, denoiser, n)
        theirs.n_averaged.fill_(n)
        theirs.update_parameters(denoiser)
    for mine, other in zip(average.parameters(), theirs.module.parameters(), strict=True):
        torch.testing.assert_close(mine, other)


def test_loss_by_level_of_guessers_with_known_errors():
    torch.manual_seed(0)
    clean = torch.rand(200, 3, 8, 8)
    levels = torch.tensor([0.1, 0.5, 1.0])
    # Handing the noisy picture back is wrong by level * (noise - clean), and both are uniform: variance 1/12 each.
    losses = loss_by_level(lambda noisy, level: noisy, clean, levels)
    torch.testing.assert_close(losses, levels**2 / 6, atol=2e-3, rtol=0)
    torch.testing.assert_close(loss_by_level(lambda noisy, level: clean, clean, levels), torch.zeros(3))


def test_training_lowers_the_loss_and_repeats_bit_for_bit():
    images = torch.full((16, 3, 8, 8), 0.9)
    weights = []
    for other_dice in (1, 2):
        run = Run(small())
        torch.manual_seed(other_dice)  # a run throws its own
        losses = list(train(run, images, steps=60, batch=8))
        assert sum(losses[-10:]) < 0.5 * sum(losses[:10])
        weights.append(torch.cat([weight.flatten() for weight in run.average.parameters()]))
    assert torch.equal(*weights)


def test_only_wild_gradients_are_cut_short():
    weight = torch.nn.Parameter(torch.zeros(4))
    for given, followed in (
        ([0.03, 0.0, 0.04, 0.0], [0.03, 0.0, 0.04, 0.0]),
        ([30.0, 0.0, 40.0, 0.0], [0.12, 0.0, 0.16, 0.0]),
    ):
        weight.grad = torch.tensor(given)
        ClippedAdamW([weight]).step()
        torch.testing.assert_close(weight.grad, torch.tensor(followed), atol=1e-6, rtol=0)


def test_every_step_and_every_seed_throws_other_dice():
    images = torch.arange(50.0).view(50, 1, 1, 1).expand(-1, 3, 4, 4) / 50
    seen = []
    for seed in (0, 1):
        run = Run(small())
        run.denoiser.register_forward_pre_hook(lambda _, question: seen.append(question[1].flatten().tolist()))
        list(train(run, images, steps=5, batch=4, seed=seed))
    assert len({tuple(levels) for levels in seen}) == 10


def test_a_run_that_is_stopped_goes_on_as_if_it_had_not_been():
    images = torch.rand(20, 3, 8, 8)
    whole, halves = Run(small()), Run(small())
    list(train(whole, images, steps=30, batch=4))
    for _ in train(halves, images, steps=30, batch=4):
        if halves.taken == 13:
            break
    halves = copy.deepcopy(halves)
    list(train(halves, images, steps=30, batch=4))
    for name in ("denoiser", "average"):
        for one, other in zip(getattr(whole, name).parameters(), getattr(halves, name).parameters(), strict=True):
            assert torch.equal(one, other)
