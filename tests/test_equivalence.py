"""The translations, against worlds that can be solved by hand, and against diffusers, the field's standard library."""

from itertools import pairwise

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler

from dino.denoiser import Denoiser
from dino.equivalence import Multistep, heun, noise_of, stretch_of, to_ddpm, velocity_of
from dino.noise import mix
from dino.sampling import Watched, sample, step


@pytest.fixture
def denoiser():
    torch.manual_seed(0)
    return Denoiser((8, 8), (1, 1)).double().requires_grad_(False)


@pytest.fixture
def noise():
    return torch.rand(3, 3, 16, 16, dtype=torch.float64)


def level_of(bar):
    """The level at which picture and noise have the shares of an alpha bar: these are to each other as they are there."""
    return (1 - bar).sqrt() / (bar.sqrt() + (1 - bar).sqrt())


def close(ours, theirs, within=1e-6):
    """The default is for schedulers that calculate in float32 even where pictures are float64."""
    torch.testing.assert_close(ours, theirs, rtol=0, atol=within)


def test_a_true_guess_gives_back_the_noise_that_was_mixed_in_and_the_way_from_the_picture_to_it(noise):
    clean, level = torch.rand_like(noise), torch.tensor([1e-3, 0.4, 1.0], dtype=torch.float64).view(3, 1, 1, 1)
    noisy = mix(clean, noise, level)
    close(noise_of(noisy, clean, level), noise, within=1e-12)
    close(velocity_of(noisy, clean, level), noise - clean, within=1e-12)
    # How much a noisy picture changes with its level, measured.
    close(velocity_of(noisy, clean, level), (mix(clean, noise, level + 0.1) - noisy) / 0.1, within=1e-12)


def test_in_the_scale_of_ddpm_the_squares_of_the_shares_add_up_to_1():
    level = torch.linspace(0, 1, 101, dtype=torch.float64).view(-1, 1, 1, 1)
    one, zero = torch.ones_like(level), torch.zeros_like(level)
    (picture, bar), (noise, _) = to_ddpm(mix(one, zero, level), level), to_ddpm(mix(zero, one, level), level)
    close(picture**2 + noise**2, one, within=1e-12)
    close(picture**2, bar, within=1e-12)
    assert bar[0] == 1 and bar[-1] == 0 and bar.diff(dim=0).max() < 0


@pytest.mark.parametrize("schedule", ["linear", "scaled_linear", "squaredcos_cap_v2"])
def test_mixing_is_what_diffusers_calls_adding_noise(schedule, noise):
    scheduler, timestep = DDPMScheduler(beta_schedule=schedule), torch.tensor([0, 500, 999])
    clean, bar = torch.rand_like(noise) * 2 - 1, scheduler.alphas_cumprod[timestep].double().view(3, 1, 1, 1)
    level = level_of(bar)
    ours, our_bar = to_ddpm(mix(clean, noise, level), level)
    close(our_bar, bar, within=1e-12)
    close(ours, scheduler.add_noise(clean, noise, timestep), within=1e-12)


def test_a_drawing_is_that_of_flow_matching_by_euler_s_method(denoiser, noise):
    levels = torch.linspace(1, 0, 13)
    scheduler, picture = FlowMatchEulerDiscreteScheduler(), noise
    scheduler.set_timesteps(sigmas=levels[:-1].tolist())
    for timestep, level in zip(scheduler.timesteps, levels, strict=False):
        guess = denoiser(picture, level.expand(3, 1, 1, 1))
        picture = scheduler.step(velocity_of(picture, guess, level), timestep, picture).prev_sample
    assert 0 < picture.min() < picture.max() < 1  # so `sample` has nothing to clamp
    close(sample(denoiser, noise, 12, stretch=1), picture)


@pytest.mark.parametrize("schedule", ["linear", "squaredcos_cap_v2"])
def test_steps_are_those_of_ddim(schedule, denoiser, noise):
    scheduler = DDIMScheduler(beta_schedule=schedule, clip_sample=False, timestep_spacing="trailing")
    scheduler.set_timesteps(20)
    scheduler.alphas_cumprod = scheduler.alphas_cumprod.double()
    bars = torch.cat([scheduler.alphas_cumprod[scheduler.timesteps], torch.ones(1)])
    levels = level_of(bars)
    ours, theirs = noise, to_ddpm(noise, levels[0])[0]
    for timestep, (now, next) in zip(scheduler.timesteps, pairwise(levels), strict=True):
        guess = denoiser(ours, now.expand(3, 1, 1, 1))
        theirs = scheduler.step(noise_of(ours, guess, now), timestep, theirs).prev_sample
        ours = step(ours, guess, now, next)
        close(to_ddpm(ours, next)[0], theirs, within=1e-10)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # between diffusers and NumPy
@pytest.mark.parametrize(
    "settings",
    [
        {"final_sigmas_type": "sigma_min", "lower_order_final": False},  # of second order down to its last step
        {"final_sigmas_type": "sigma_min", "lower_order_final": False, "use_karras_sigmas": True},
        {"use_flow_sigmas": True},  # our shares
    ],
    ids=lambda settings: ", ".join(settings),
)
def test_with_its_stretch_for_each_step_a_drawing_is_that_of_dpm_solver(settings, denoiser, noise):
    scheduler = DPMSolverMultistepScheduler(prediction_type="sample", **settings)
    scheduler.set_timesteps(12)
    flow, sigmas = scheduler.config.use_flow_sigmas, scheduler.sigmas.double()
    levels = sigmas if flow else sigmas / (1 + sigmas)

    def rescaled(picture, level):
        return picture if flow else to_ddpm(picture, level)[0]

    ours, theirs, before, previous = noise, rescaled(noise, levels[0]), None, None
    for timestep, (now, next) in zip(scheduler.timesteps, pairwise(levels), strict=True):
        raw = denoiser(ours, now.expand(3, 1, 1, 1))
        plain = before is None or next == 0
        guess = raw if plain else previous + stretch_of(before, now, next) * (raw - previous)
        theirs = scheduler.step(raw, timestep, theirs).prev_sample
        ours, before, previous = step(ours, guess, now, next), now, raw
        close(rescaled(ours, next), theirs)


def test_the_stretch_is_1_and_a_half_if_steps_are_even_in_the_logarithm_and_1_after_pure_noise():
    even = torch.linspace(-9, 9, 40, dtype=torch.float64).sigmoid().flip(0)
    close(stretch_of(even[:-2], even[1:-1], even[2:]), torch.full((38,), 1.5, dtype=torch.float64), within=1e-9)
    # A step twice as long as the one before, and one of a third of it, from several levels.
    for longer, stretch in ((2, 2.0), (1 / 3, 7 / 6)):
        levels = [torch.tensor([[2.0, 0.5, -1.0]]).double() - 0.6 * n for n in (0, 1, 1 + longer)]
        close(stretch_of(*(level.sigmoid() for level in levels)), torch.full((1, 3), stretch).double(), within=1e-7)
    assert stretch_of(torch.tensor(1.0), torch.tensor(0.9), torch.tensor(0.8)) == 1


def dpm_solver(denoiser, picture, levels):
    """DPM-Solver++(2M), Algorithm 2 of Lu et al. (arXiv 2211.01095), in its own symbols."""
    alpha, sigma = 1 - levels, levels
    lambdas = torch.log(alpha / sigma)
    guesses = []
    for i, (now, next) in enumerate(pairwise(levels)):
        guesses.append(denoiser(picture, now.expand(len(picture), 1, 1, 1)))
        h = lambdas[i + 1] - lambdas[i]
        d = guesses[-1]
        if i > 0 and next > 0:
            r = (lambdas[i] - lambdas[i - 1]) / h
            d = (1 + 1 / (2 * r)) * guesses[-1] - 1 / (2 * r) * guesses[-2]
        picture = sigma[i + 1] / sigma[i] * picture - alpha[i + 1] * (torch.exp(-h) - 1) * d
    return picture.clamp(0, 1)


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 100])
def test_a_multistep_denoiser_makes_the_sampler_dpm_solver(steps, denoiser, noise):
    plain = dpm_solver(denoiser, noise, torch.linspace(1, 0, steps + 1).double())
    assert 0 < plain.min() < plain.max() < 1
    close(sample(Multistep(denoiser), noise, steps, stretch=1), plain)


def test_a_multistep_denoiser_begins_each_drawing_anew(denoiser, noise):
    multistep = Multistep(denoiser)
    drawn = sample(multistep, noise, 5, stretch=1)
    sample(multistep, 1 - noise[:2], 1, stretch=1)
    assert torch.equal(sample(multistep, noise, 5, stretch=1), drawn)
    # Another batch begins anew, too, at whatever level.
    one, level = noise[:1], torch.full((1, 1, 1, 1), 0.15, dtype=noise.dtype)
    assert torch.equal(multistep(one, level), denoiser(one, level))


def bell(clean_mean, clean_spread):
    """A world of one pixel, whose pictures come from a bell curve, and so does noise: its best denoiser, and its solution.

    A pixel keeps its place in the bell curve of its level, so many standard deviations from the mean.
    """

    def curve(level):
        return (1 - level) * clean_mean, ((1 - level) ** 2 * clean_spread**2 + level**2) ** 0.5

    def exact(noisy, level):
        mean, spread = curve(level)
        return clean_mean + (1 - level) * clean_spread**2 / spread**2 * (noisy - mean)

    def solution(start, level):
        mean, spread = curve(level)
        return mean + spread * start

    return exact, solution


def test_heun_s_method_is_of_second_order_where_euler_s_is_of_first():
    exact, solution = bell(0.7, 0.3)
    start = torch.linspace(-2, 2, 9, dtype=torch.float64).view(9, 1, 1, 1)

    def euler(denoiser, x, now, next):
        return x + (next - now) * velocity_of(x, denoiser(x, now), now)

    def error(method, steps, last):
        x = start
        for now, next in pairwise(torch.linspace(1, last, steps + 1, dtype=torch.float64)):
            x = method(exact, x, now.expand(9, 1, 1, 1), next.expand(9, 1, 1, 1))
        return (x - solution(start, last)).abs().max().item()

    for last in (0.25, 0.0):
        # Twice the steps: half of the error is first order, a quarter is second.
        assert error(euler, 100, last) / error(euler, 200, last) == pytest.approx(2, rel=0.05)
        assert error(heun, 100, last) / error(heun, 200, last) == pytest.approx(4, rel=0.05)


def test_heun_s_method_asks_here_and_where_the_step_leads_and_once_on_the_way_to_level_0(denoiser, noise):
    watched = Watched(denoiser)
    now, next, clean = (torch.full((3, 1, 1, 1), level).double() for level in (0.6, 0.4, 0.0))
    heun(watched, noise, now, next)
    here, there = watched.pictures
    assert torch.equal(here, noise)
    close(there, step(noise, watched.guesses[0], now, next))
    close(heun(watched, noise, now, clean), watched.guesses[0], within=1e-12)
    assert len(watched.pictures) == 3
