"""Mixing and levels, against closed forms."""

import pytest
import torch

from dino.noise import make_question, mix, random_levels


def test_mix_blends_by_the_share_of_each_picture():
    clean, noise = torch.full((3, 3, 2, 2), 0.8), torch.full((3, 3, 2, 2), 0.2)
    mixed = mix(clean, noise, torch.tensor([0.0, 0.25, 1.0]).view(3, 1, 1, 1))
    assert mixed[:, 0, 0, 0].tolist() == pytest.approx([0.8, 0.65, 0.2])


def test_levels_are_uniform_and_one_for_each_picture():
    assert random_levels(torch.zeros(5, 3, 4, 4)).shape == (5, 1, 1, 1)
    levels = random_levels(torch.zeros(50_000, 1, 1, 1)).flatten().sort().values
    # The largest gap between the drawn and the uniform distribution (Kolmogorov-Smirnov) is below 1.63 / sqrt(n) in
    # 99 of 100 cases; the seed is fixed here.
    assert (levels - torch.linspace(0, 1, 50_000)).abs().max() < 1.63 / 50_000**0.5


def test_a_question_hides_uniform_noise_of_its_own_in_every_number():
    clean = torch.rand(4000, 3, 2, 2)
    noisy, level = make_question(clean)
    noise = ((noisy - (1 - level) * clean) / level)[level.flatten() > 0.05]
    assert noise.min() > -1e-4
    assert noise.max() < 1 + 1e-4
    # Twelve numbers per picture: uniform, and none of them correlated with another.
    covariance = torch.cov(noise.flatten(1).T)
    torch.testing.assert_close(covariance, torch.eye(12) / 12, atol=6e-3, rtol=0)
