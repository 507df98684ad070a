"""The page about diffusers: its code runs as it stands, and draws what it says."""

import re
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler

from dino.equivalence import Multistep
from dino.sampling import Watched, sample

# Between diffusers and NumPy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
PAGE = Path(__file__).parents[2] / "docs" / "diffusers.md"


@pytest.fixture(scope="module")
def after():
    """What all names stand for after each block of the page's code, run in order."""
    names, each = {}, []
    torch.manual_seed(0)
    for block in re.findall(r"^```python\n(.+?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        exec(block, names)
        each.append(dict(names))
    return each


def test_their_schedulers_draw_what_the_sampler_draws(after):
    flow, solver, *_ = after
    denoiser, noise = flow["denoiser"], flow["noise"]
    for drawn, expected in (
        (flow["picture"], sample(denoiser, noise, 25, stretch=1)),
        (solver["picture"], sample(Multistep(denoiser), noise, 25, stretch=1)),
    ):
        torch.testing.assert_close(drawn.clamp(0, 1), expected, rtol=0, atol=1e-5)
    assert (flow["picture"] - solver["picture"]).abs().max() > 0.1


@torch.no_grad()
def test_their_network_draws_with_the_sampler_what_it_draws_with_ddim(after):
    unet, bars, noise, drawn = (after[-1][name] for name in ("unet", "bars", "noise", "pictures"))
    watched = Watched(after[-1]["denoiser"])
    assert torch.equal(sample(watched, noise, 25, stretch=1), drawn)

    # A schedule of 25 timesteps that stops at the levels 1/25, 2/25, ..., 24/25, and at the end of the network's own schedule.
    sigma = torch.arange(1, 25) / torch.arange(24, 0, -1)  # noise over picture
    scheduler = DDIMScheduler(num_train_timesteps=25)
    scheduler.alphas_cumprod = torch.cat([1 / (1 + sigma**2), bars[-1:]])
    scheduler.set_timesteps(25)
    sigmas = (1 / bars - 1).sqrt()
    nearest = [(sigmas / (1 + sigmas) - (timestep + 1) / 25).abs().argmin() for timestep in range(25)]

    def ddim(picture, first):
        for timestep in range(first, -1, -1):
            predicted = unet(picture, nearest[timestep]).sample
            picture = scheduler.step(predicted, timestep, picture, use_clipped_model_output=True).prev_sample
        return picture.clamp(-1, 1)

    def close(ours, theirs, within):
        torch.testing.assert_close(ours, (theirs + 1) / 2, rtol=0, atol=within)

    # The first guess is the same. (It divides by an alpha bar of nearly 0, and what is rounded before grows.)
    start = 2 * noise - 1
    assert start.mean().item() == pytest.approx(0, abs=0.1) and start.std().item() == pytest.approx(1, abs=0.1)
    close(watched.guesses[0], scheduler.step(unet(start, nearest[24]).sample, 24, start).pred_original_sample, 2e-4)
    # After the first step, at level 24/25, so is everything else.
    rescaled = (2 * watched.pictures[1] - 1) / (0.04**2 + 0.96**2) ** 0.5
    close(drawn, ddim(rescaled, 23), 1e-5)
    # The first step takes noise for what it is, where DDIM takes it for a picture at level 0.994.
    assert 1e-4 < (ddim(start, 24) / 2 + 0.5 - drawn).abs().mean() < 0.02
