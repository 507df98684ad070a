"""The sampler, against worlds in which the right result is known, and against the recipe written out in numpy."""

import numpy as np
import pytest
import torch

from dino.denoiser import Denoiser
from dino.noise import mix
from dino.sampling import Watched, sample, step


def test_a_step_with_the_true_picture_stays_on_the_mix():
    clean, noise = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    picture = mix(clean, noise, torch.tensor(0.7))
    torch.testing.assert_close(
        step(picture, clean, torch.tensor(0.7), torch.tensor(0.2)), mix(clean, noise, torch.tensor(0.2))
    )


def recipe(guess_at, noise, steps, stretch):
    """The classic sampler in numpy."""
    levels = np.linspace(1, 0, steps + 1, dtype=np.float32)
    x, previous = noise, None
    for i in range(steps):
        raw = guess_at(x, levels[i])
        guess = raw if previous is None else previous + stretch * (raw - previous)
        x = x * (levels[i + 1] / levels[i]) + guess * (1 - levels[i + 1] / levels[i])
        previous = raw
    return np.clip(x, 0, 1)


@pytest.mark.parametrize(("steps", "stretch"), [(1, 2.0), (2, 1.0), (7, 1.5), (100, 2.0)])
def test_the_sampler_is_the_recipe_to_the_letter(steps, stretch):
    torch.manual_seed(0)
    denoiser = Denoiser((64,) * 5, (2,) * 5) if steps < 10 else Denoiser((8, 8), (1, 1))
    noise = torch.rand(2, 3, 16, 16)

    def guess_at(x, level):
        with torch.no_grad():
            return denoiser(torch.from_numpy(x), torch.full((2, 1, 1, 1), float(level))).numpy()

    drawn = sample(denoiser, noise, steps, stretch)
    np.testing.assert_allclose(drawn.numpy(), recipe(guess_at, noise.numpy(), steps, stretch), atol=1e-5)
    assert not drawn.requires_grad


def test_in_a_uniform_world_the_sampler_returns_what_it_started_with():
    def exact(x, level):
        room = (1 - level).clamp(min=1e-9)
        return (((x - level) / room).clamp(min=0) + (x / room).clamp(max=1)) / 2

    start = torch.linspace(0.01, 0.99, 99, dtype=torch.float64).view(-1, 1, 1, 1)
    error = {
        (stretch, steps): (sample(exact, start, steps, stretch) - start).abs().max().item()
        for stretch in (1.0, 1.5, 2.0)
        for steps in (64, 256)
    }
    # Four times the steps: an error four times smaller is first order; stretch 1.5 does better than that.
    assert error[1.0, 64] / error[1.0, 256] == pytest.approx(4, rel=0.1)
    assert error[2.0, 64] / error[2.0, 256] == pytest.approx(4, rel=0.4)
    assert error[1.5, 64] / error[1.5, 256] > 8


def test_pixels_are_clamped_only_at_the_end():
    watched = Watched(lambda noisy, _: noisy + 2)
    drawn = sample(watched, torch.rand(1, 3, 2, 2), steps=3, stretch=1.0)
    assert drawn.max() == 1
    assert watched.pictures[-1].max() > 1
    assert len(watched.guesses) == 3
