"""The denoiser, against the recipe written out with plain functions."""

import pytest
import torch
import torch.nn.functional as F

from dino.denoiser import Block, Denoiser, best_guess


def recipe(weights: list, noisy, level, widths, depths):
    """The classic recipe, line by line, taking the weights from a list in the order in which it needs them."""
    weights = iter(weights)

    def conv(x, bias=False, padding=1):
        kernel = next(weights)
        return F.conv2d(x, kernel, next(weights) if bias else None, padding=padding)

    def stage(x, depth):
        x = conv(x)
        for _ in range(depth):
            x = x + conv(F.relu(conv(x, bias=True)))
        top = F.adaptive_max_pool2d(x, 1)
        return x + conv(F.relu(conv(top, bias=True, padding=0)), padding=0)

    x = stage(torch.cat([noisy, torch.ones_like(noisy[:, :1]) * level], dim=1), depths[0])
    kept = []
    for depth in depths[1:]:
        kept.append(x)
        x = stage(F.interpolate(x, scale_factor=0.5, mode="area"), depth)
    for depth in reversed(depths[1:]):
        x = stage(x, depth).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3) + kept.pop()
    x = stage(x, depths[0])
    guess = conv(F.relu(conv(x, bias=True)), bias=True)
    assert next(weights, None) is None
    assert guess.shape[1] == 3
    assert len(widths) == len(depths)
    return guess


@pytest.mark.parametrize(
    ("widths", "depths", "size"),
    [((64,) * 5, (2,) * 5, 64), ((32, 64, 64, 64), (1, 1, 2, 2), 32), ((8, 12), (1, 3), 10)],
)
def test_the_denoiser_is_the_recipe_to_the_letter(widths, depths, size):
    torch.manual_seed(0)
    denoiser = Denoiser(widths, depths)
    noisy, level = torch.rand(2, 3, size, size), torch.tensor([0.3, 0.9]).view(2, 1, 1, 1)
    with torch.no_grad():
        expected = recipe(list(denoiser.parameters()), noisy, level, widths, depths)
        torch.testing.assert_close(denoiser(noisy, level), expected, atol=1e-5, rtol=1e-5)


def test_the_last_bias_starts_at_grey():
    assert Denoiser((4, 4), (1, 1)).leave[-1].bias.tolist() == [0.5] * 3


def test_a_block_of_zeros_hands_its_input_on():
    block = Block(4)
    for weight in block.parameters():
        torch.nn.init.zeros_(weight)
    x = torch.randn(2, 4, 3, 5)
    assert torch.equal(block(x), x)


def test_the_best_guess_is_the_posterior_mean_of_a_simulation():
    # Draw (image, noise) pairs, keep those that come out near a given noisy picture, and average their images.
    torch.manual_seed(0)
    images = torch.tensor([[0.2, 0.7], [0.6, 0.4], [0.9, 0.9], [0.1, 0.1]]).view(4, 1, 1, 2)
    noisy, level = torch.tensor([0.3, 0.45]).view(1, 1, 2), 0.6
    picked = images[torch.randint(4, (4_000_000,))]
    close = (((1 - level) * picked + level * torch.rand_like(picked)) - noisy).abs().amax(dim=(1, 2, 3)) < 0.01
    assert close.sum() > 1000
    simulated = picked[close].mean(dim=0)
    guess = best_guess(noisy, level, images)
    torch.testing.assert_close(guess, simulated, atol=0.02, rtol=0)
    # Here the third image is impossible, so this is no plain mean of all.
    assert not torch.allclose(guess, images.mean(dim=0), atol=0.05)


def test_the_best_guess_at_the_two_ends():
    images = torch.rand(5, 3, 4, 4)
    torch.testing.assert_close(best_guess(torch.rand(3, 4, 4), 1.0, images), images.mean(dim=0))
    assert torch.equal(best_guess(images[2], 0.0, images), images[2])
    assert best_guess(torch.ones(3, 4, 4), 0.0, images).isnan().all()
