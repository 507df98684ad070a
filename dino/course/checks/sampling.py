"""Checks for chapter 4."""

from itertools import pairwise

import torch

from dino import sampling as lesson
from dino.course.checks import pictures
from dino.course.claims import Claim, Claims, check_of


def step_with(keep):
    """The lesson's step, with another share of the picture to keep."""

    def step(picture, guess, now, next):
        return picture * keep(now, next) + guess * (1 - keep(now, next))

    return step


@check_of(
    lesson.step,
    hints=(
        "At level `now`, a share `now` of the picture is noise; afterwards it should be `next`. So what fraction of the "
        "picture may stay?",
        "The fraction next / now of the picture stays, and the guess fills the rest: 1 - next / now.",
    ),
    mistakes={
        "The two shares are swapped: next / now is what stays of the picture.": step_with(
            lambda now, next: 1 - next / now
        ),
        "The picture keeps a share of `next`: divide it by `now`, for the noise is down to `now` already.": step_with(
            lambda now, next: next
        ),
        "The guess gets the difference of the levels: divide it by `now`.": step_with(
            lambda now, next: 1 - (now - next)
        ),
        "The ratio is upside down: it is next / now.": step_with(lambda now, next: now / next.clamp(min=1e-6)),
        "The picture is left as it is.": step_with(lambda now, next: torch.ones(())),
        "The guess replaces the whole picture: some of the noise should stay.": step_with(
            lambda now, next: torch.zeros(())
        ),
        "The picture keeps too little: next / now, without the square.": step_with(lambda now, next: (next / now) ** 2),
        "The picture stays at full strength while the guess is added: the shares should add up to 1.": (
            lambda picture, guess, now, next: picture + guess * (1 - next / now)
        ),
        "The guess comes in at full strength: its share is 1 - next / now.": (
            lambda picture, guess, now, next: picture * (next / now) + guess
        ),
    },
)
def step(answer) -> Claims:
    picture, guess = torch.rand(4, 3, 20, 16), pictures(4, 20, 16)
    for now, next in [(1.0, 0.75), (0.75, 0.5), (0.3, 0.1), (0.2, 0.0)]:
        result = answer(picture, guess, torch.tensor(now), torch.tensor(next))
        says = f"From level {now} to {next}, a fraction {next / now:.2f} of the picture stays."
        yield Claim(says, result, lesson.step(picture, guess, now, next), picture=True)
    # If the guess is the true picture, a step leads from one training mix to another.
    noise, now, next = torch.rand(4, 3, 20, 16), torch.tensor(0.8), torch.tensor(0.3)
    result = answer((1 - now) * guess + now * noise, guess, now, next)
    expected = (1 - next) * guess + next * noise
    yield Claim(
        "With the true picture as guess, it is as if `mix` had mixed at the next level.", result, expected, picture=True
    )


def sample_with(
    levels=lambda steps: torch.linspace(1, 0, steps + 1),
    told=lambda now, next: now,
    stretched=lambda raw, previous, stretch: previous + stretch * (raw - previous),
    remember=lambda raw, guess, picture: raw,
    move=lesson.step,
    between=lambda picture: picture,
    last=lambda picture: picture.clamp(0, 1),
    grad=False,
):
    """The lesson's sampler, with one part replaced."""

    def sample(denoiser, noise, steps=100, stretch=2.0):
        path, picture, previous = levels(steps), noise, None
        with torch.set_grad_enabled(grad):
            for now, next in pairwise(path):
                raw = denoiser(picture, told(now, next).expand(len(picture), 1, 1, 1))
                guess = raw if previous is None else stretched(raw, previous, stretch)
                picture = between(move(picture, guess, now, next))
                previous = remember(raw, guess, picture)
        return last(picture)

    return sample


def ends_with_the_guess(denoiser, noise, steps=100, stretch=2.0):
    picture = noise
    with torch.no_grad():
        for now in torch.linspace(1, 0, steps + 1)[:-1]:
            picture = denoiser(picture, now.expand(len(picture), 1, 1, 1))
    return picture.clamp(0, 1)


@check_of(
    lesson.sample,
    hints=(
        "Walk through the pairs of neighbours of `torch.linspace(1, 0, steps + 1)`: `zip(levels[:-1], levels[1:])`. At each "
        "pair, ask the denoiser at `now`, and take a `step` to `next`. Get that right first; stretch comes after.",
        "Keep the raw guess of the time before in `previous`. From the second time on, the guess to step with is "
        "`previous + stretch * (raw - previous)`. Clamp the picture to [0, 1] when you return it, not before.",
    ),
    mistakes={
        "The stretch is ignored: push the guess on from the previous one.": sample_with(
            stretched=lambda raw, previous, stretch: raw
        ),
        "What you remember as `previous` is the guess after stretching: remember the raw one.": sample_with(
            remember=lambda raw, guess, picture: guess
        ),
        "What you remember as `previous` is the picture: remember the raw guess.": sample_with(
            remember=lambda raw, guess, picture: picture
        ),
        "The stretch starts from the new guess: it goes on from the previous one, previous + stretch * (raw - previous).": (
            sample_with(stretched=lambda raw, previous, stretch: raw + stretch * (raw - previous))
        ),
        "The stretch pulls the wrong way.": sample_with(
            stretched=lambda raw, previous, stretch: raw + stretch * (previous - raw)
        ),
        "The denoiser is told the level after the step: tell it `now`, how noisy the picture is when it looks.": sample_with(
            told=lambda now, next: next
        ),
        "The last step is missing: the picture never reaches level 0. There are steps + 1 levels.": sample_with(
            levels=lambda steps: torch.linspace(1, 0, steps + 1)[:-1]
        ),
        "There is one step too few: `steps` steps need steps + 1 levels.": sample_with(
            levels=lambda steps: torch.linspace(1, 0, steps)
        ),
        "There is one step too many: `steps` steps need steps + 1 levels.": sample_with(
            levels=lambda steps: torch.linspace(1, 0, steps + 2)
        ),
        "The levels climb from 0 to 1: they fall from 1 to 0.": sample_with(
            levels=lambda steps: torch.linspace(0, 1, steps + 1).clamp(min=1e-3)
        ),
        "The picture is clamped at every step: clamp once, at the end.": sample_with(
            between=lambda picture: picture.clamp(0, 1)
        ),
        "The result is never clamped: some pixels leave the range from 0 to 1.": sample_with(
            last=lambda picture: picture
        ),
        "Gradients are kept all the way, which fills the memory: leave `@torch.no_grad()` on top.": sample_with(
            grad=True
        ),
        "Fresh noise is mixed in at every step: only the start is noise.": sample_with(
            move=lambda picture, guess, now, next: (1 - next) * guess + next * torch.rand_like(picture)
        ),
        "The guess replaces the picture: take a `step` towards it instead.": ends_with_the_guess,
        "The ratio in the step is missing: a fraction next / now of the picture stays.": sample_with(
            move=lambda picture, guess, now, next: picture * next + guess * (1 - next)
        ),
        "The step is taken with the difference of the levels: a fraction next / now of the picture stays.": sample_with(
            move=lambda picture, guess, now, next: picture * (1 - (now - next)) + guess * (now - next)
        ),
    },
)
def sample(answer) -> Claims:
    target, noise, asked = pictures(4, 20, 16), torch.rand(4, 3, 20, 16), []
    weight = torch.ones((), requires_grad=True)

    def denoiser(noisy, level):
        """Looks at what it is shown, and overshoots on the way and at the end, so that clamping shows."""
        asked.append((noisy.detach().clone(), torch.as_tensor(level).detach().clone()))
        bump = (target - 0.4) * (0.3 + 6 * level * (1 - level))
        return weight * (0.6 * target + 0.4 * noisy.roll(1, dims=3) + bump - 0.1 * level)

    for steps, stretch in [(4, 1.0), (4, 2.0), (7, 1.5)]:
        asked.clear()
        result = answer(denoiser, noise, steps=steps, stretch=stretch)
        yield Claim(f"{steps} steps ask the denoiser {steps} times.", len(asked), steps)
        told = {tuple(level.shape) for _, level in asked}
        yield Claim("The denoiser is told one level per picture, in the shape (batch, 1, 1, 1).", told, {(4, 1, 1, 1)})
        says = f"{steps} steps tell the denoiser levels from 1 down to {1 / steps:.2f}."
        levels = torch.stack([level.flatten()[0] for _, level in asked])
        yield Claim(says, levels, torch.linspace(1, 0, steps + 1)[:-1])
        yield Claim("The first picture that the denoiser sees is the noise.", asked[0][0], noise, picture=True)
        expected = lesson.sample(denoiser, noise, steps, stretch)
        says = f"{steps} steps with stretch {stretch} give what the lesson's sampler gives."
        yield Claim(says, result, expected, picture=True)
    yield Claim("No pixel leaves the range from 0 to 1.", bool(((result >= 0) & (result <= 1)).all()), True)
    yield Claim("The result carries no gradients.", result.requires_grad, False)
    asked.clear()
    result = answer(denoiser, noise, steps=1)
    yield Claim(
        "One step gives the guess at level 1, clamped.", result, lesson.sample(denoiser, noise, 1), picture=True
    )
