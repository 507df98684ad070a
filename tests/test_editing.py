"""Editing, against the same thing done another way, and against a world in which the answer is known."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch

from dino.denoiser import Denoiser, best_guess
from dino.editing import begin_from, keep_known, sample_known, with_fresh_noise
from dino.noise import mix
from dino.sampling import Watched, sample, step


@pytest.fixture
def denoiser():
    torch.manual_seed(0)
    return Denoiser((8, 8), (1, 1))


def recipe(denoiser, picture, levels, stretch, change=lambda guess, _: guess):
    """The classic sampler from a picture at the first of these levels, with something done to each of its guesses."""
    previous = None
    for now, next in pairwise(levels):
        raw = change(denoiser(picture, now.expand(len(picture), 1, 1, 1)), now)
        guess = raw if previous is None else previous + stretch * (raw - previous)
        picture, previous = step(picture, guess, now, next), raw
    return picture.clamp(0, 1)


@pytest.mark.parametrize(
    ("strength", "steps", "stretch"), [(0.05, 1, 2.0), (0.6, 5, 1.0), (0.9, 12, 1.5), (1.0, 25, 2.0)]
)
@torch.no_grad()
def test_beginning_from_a_picture_is_the_recipe_from_the_strength_down_to_0(denoiser, strength, steps, stretch):
    picture, noise = torch.rand(3, 3, 16, 16), torch.rand(3, 3, 16, 16)
    start = (1 - strength) * picture + strength * noise
    expected = recipe(denoiser, start, torch.linspace(strength, 0, steps + 1), stretch)
    torch.testing.assert_close(begin_from(denoiser, picture, noise, strength, steps, stretch), expected)


def test_at_strength_1_nothing_of_the_picture_is_left(denoiser):
    noise = torch.rand(2, 3, 16, 16)
    drawings = [
        begin_from(denoiser, picture, noise, 1.0) for picture in (torch.rand(1, 3, 16, 16), torch.zeros(1, 3, 16, 16))
    ]
    assert torch.equal(*drawings)
    assert torch.equal(drawings[0], sample(denoiser, noise, 25))


def test_fresh_noise_is_uniform_and_never_twice_the_same(denoiser):
    watched, level = Watched(denoiser), torch.tensor([0.3, 0.8]).view(2, 1, 1, 1)
    torch.manual_seed(1)
    with torch.no_grad():
        last = with_fresh_noise(watched, torch.rand(2, 3, 64, 64), level, times=3)
    assert torch.equal(last, watched.guesses[3])
    noises = [
        ((asked - (1 - level) * guess) / level).flatten()
        for asked, guess in zip(watched.pictures[1:], watched.guesses, strict=False)
    ]
    for noise in noises:
        shares = np.histogram(noise, bins=8, range=(-1e-5, 1 + 1e-5))[0] / len(noise)
        assert shares == pytest.approx(1 / 8, abs=0.01)
    assert np.abs(np.corrcoef(torch.stack([watched.pictures[0].flatten(), *noises])) - np.eye(4)).max() < 0.03


def test_what_is_known_replaces_the_guess_and_nothing_else_does():
    guess, picture, known = torch.randn(4, 3, 5, 6), torch.rand(4, 3, 5, 6), (torch.rand(4, 1, 5, 6) < 0.5).float()
    expected = np.where(known.numpy() == 1, picture.numpy(), guess.numpy())
    np.testing.assert_array_equal(keep_known(guess, picture, known).numpy(), expected)


@pytest.mark.parametrize("strength", [0.4, 1.0])
@torch.no_grad()
def test_right_guesses_are_as_good_as_true_pixels_in_the_noisy_picture(denoiser, strength):
    picture, noise = torch.rand(3, 3, 16, 16), torch.rand(3, 3, 16, 16)
    known = (torch.rand(3, 1, 16, 16) < 0.4).float()
    # The other way: before each question, put the true pixels with their noise into the noisy picture.
    x, previous = mix(picture, noise, strength), None
    for now, next in pairwise(torch.linspace(strength, 0, 11)):
        x = torch.where(known == 1, mix(picture, noise, now), x)
        raw = denoiser(x, now.expand(3, 1, 1, 1))
        guess = raw if previous is None else previous + 2 * (raw - previous)
        x, previous = step(x, guess, now, next), raw
    expected = torch.where(known == 1, picture, x.clamp(0, 1))
    torch.testing.assert_close(sample_known(denoiser, picture, known, noise, strength, times=0, steps=10), expected)


def test_what_is_known_comes_out_to_the_last_bit(denoiser):
    picture, noise, known = torch.rand(1, 3, 16, 16), torch.rand(4, 3, 16, 16), torch.zeros(1, 1, 16, 16)
    known[..., 3:9, 5:] = 1
    drawn = sample_known(denoiser, picture, known, noise)
    assert torch.equal(drawn[..., 3:9, 5:], picture[..., 3:9, 5:].expand(4, -1, -1, -1))
    assert (drawn[0] - drawn[1]).abs().max() > 0.01


def test_a_guess_that_was_put_right_is_exact_as_soon_as_the_noise_shows_what_is_known():
    world = torch.ones(50, 3, 4, 4)
    for tower, (upper, lower, red) in zip(world, product(range(5), range(5), (0, 1)), strict=True):
        tower[0 if red else 2, :2, upper : upper + 1] = 0.3
        tower[0 if red else 2, 2:, lower : lower + 1] = 0.3
    known = torch.zeros(1, 1, 4, 4)
    known[..., 0] = 1
    torch.manual_seed(0)
    apart = {}
    for level in (1.0, 0.3):
        for tower in world:
            noisy = mix(tower, torch.rand_like(tower), level)
            fitting = world[((world - tower) * known == 0).flatten(1).all(dim=1)]
            used = keep_known(best_guess(noisy, level, world)[None], tower[None], known)[0]
            assert torch.equal(used[..., 0], tower[..., 0])
            off = (used - best_guess(noisy, level, fitting)).abs().max().item()
            apart[level] = max(off, apart.get(level, 0))
    assert apart[0.3] < 1e-6
    assert apart[1.0] > 0.1  # noise shows nothing, so only the known part itself is right
