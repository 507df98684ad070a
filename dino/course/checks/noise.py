"""Checks for chapter 1."""

import torch

from dino import noise as lesson
from dino.course.checks import pictures, spread_levels
from dino.course.claims import Claim, Claims, check_of


@check_of(
    lesson.mix,
    hints=(
        "At level 0.25, three quarters of every pixel come from the picture and one quarter from the noise. "
        "What is the picture's share at any level?",
        "The picture's share is (1 - level) and the noise's share is level: multiply each by its share, and add the two.",
    ),
    mistakes={
        "The blend is swapped: at level 1 you return the clean picture.": (
            lambda clean, noise, level: level * clean + (1 - level) * noise
        ),
        "The noise is added, but the picture stays at full strength: its share has to shrink as the noise grows.": (
            lambda clean, noise, level: clean + level * noise
        ),
        "The noise is added and the sum is clamped: the picture's share has to shrink as the noise grows.": (
            lambda clean, noise, level: (clean + level * noise).clamp(0, 1)
        ),
        "The noise is at full strength at every level: it needs a share too.": (
            lambda clean, noise, level: (1 - level) * clean + noise
        ),
        "The noise is missing: you only darken the picture.": lambda clean, noise, level: (
            (1 - level) * clean + 0 * noise
        ),
        "The shares are square roots. That is for Gaussian noise; here the two shares add up to 1.": (
            lambda clean, noise, level: (1 - level).sqrt() * clean + level.sqrt() * noise
        ),
        "All pictures are mixed at the level of the first one.": (
            lambda clean, noise, level: (1 - level[0]) * clean + level[0] * noise
        ),
        "All pictures are mixed at the average of the levels.": (
            lambda clean, noise, level: (1 - level.mean()) * clean + level.mean() * noise
        ),
        "The levels run along the width of the pictures: squeezed to one number each, they meet the last side, which "
        "is the width. Keep the shape (batch, 1, 1, 1).": (
            lambda clean, noise, level: (1 - level.squeeze()) * clean + level.squeeze() * noise
        ),
        "The noise that came in is not used: you made your own.": (
            lambda clean, noise, level: (1 - level) * clean + level * torch.rand_like(noise)
        ),
    },
)
def mix(answer) -> Claims:
    clean, noise = pictures(5, 28, 24), torch.rand(5, 3, 28, 24)
    level = spread_levels(5)
    ones = torch.ones_like(level)
    yield Claim("Level 0 leaves the clean pictures.", answer(clean, noise, 0 * ones), clean, picture=True)
    yield Claim("Level 1 leaves nothing but noise.", answer(clean, noise, ones), noise, picture=True)
    halfway = (clean + noise) / 2
    yield Claim("Level 0.5 is halfway between the two.", answer(clean, noise, ones / 2), halfway, picture=True)
    mixed = lesson.mix(clean, noise, level)
    yield Claim("Each picture is mixed at its own level.", answer(clean, noise, level), mixed, picture=True)
    # A batch as large as the pictures are wide: here a level of the wrong shape goes through without an error.
    clean, noise, level = pictures(8, 8, 8), torch.rand(8, 3, 8, 8), spread_levels(8)
    expected = lesson.mix(clean, noise, level)
    yield Claim("The same holds for eight pictures of 8x8 pixels.", answer(clean, noise, level), expected, picture=True)


@check_of(
    lesson.random_levels,
    hints=(
        "`torch.rand` draws numbers between 0 and 1, all equally likely, in whatever shape you name.",
        "The shape is (batch, 1, 1, 1), and the batch is as large as `len(clean)` says.",
    ),
    mistakes={
        "There is one level for the whole batch: each picture should get its own.": (
            lambda clean: torch.rand(1, 1, 1, 1).expand(len(clean), 1, 1, 1)
        ),
        "There is a level for every pixel: each picture should get just one.": lambda clean: torch.rand_like(clean),
        "The levels have the shape (batch,): give them three sides of length one, so that they stretch over pixels.": (
            lambda clean: torch.rand(len(clean))
        ),
        "The levels come from `randn`, which is Gaussian and leaves the range from 0 to 1. Use `rand`.": (
            lambda clean: torch.randn(len(clean), 1, 1, 1)
        ),
        "The levels only reach up to one half.": lambda clean: torch.rand(len(clean), 1, 1, 1) / 2,
        "The levels are squared or multiplied: low ones come too often.": lambda clean: (
            torch.rand(len(clean), 1, 1, 1) ** 2
        ),
        "The dice are seeded inside: every call gives the same levels.": (
            lambda clean: torch.rand(len(clean), 1, 1, 1, generator=torch.Generator().manual_seed(0))
        ),
        "The levels are evenly spaced, not drawn: every call gives the same.": (
            lambda clean: torch.linspace(0, 1, len(clean)).view(-1, 1, 1, 1)
        ),
    },
)
def random_levels(answer) -> Claims:
    clean = torch.zeros(7, 3, 5, 6)
    levels = answer(clean)
    yield Claim(
        "There is one level per picture, in the shape (batch, 1, 1, 1).",
        torch.zeros_like(levels),
        torch.zeros(7, 1, 1, 1),
    )
    many = answer(torch.zeros(20_000, 3, 1, 1)).flatten().sort().values
    again = answer(torch.zeros(20_000, 3, 1, 1)).flatten().sort().values
    yield Claim("No level is below 0.", float(many[0].clamp(max=0)), 0.0)
    yield Claim("No level is above 1.", float(many[-1].clamp(min=1)), 1.0)
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        below = float((many < share).float().mean())
        yield Claim(f"A share of {share} of all levels lies below {share}.", below, share, tolerance=0.025)
    uneven = bool(many.diff().max() > 3 / len(many))
    yield Claim("Some levels lie close together and others far apart, as dice have it.", uneven, True)
    yield Claim("Two calls give different levels.", bool(torch.equal(many, again)), False)


def clamped_question(clean):
    level = lesson.random_levels(clean)
    return (clean + level * torch.randn_like(clean)).clamp(0, 1), level


@check_of(
    lesson.make_question,
    hints=(
        "You have written both halves already: `random_levels` says how noisy, `mix` mixes. What is missing is the noise.",
        "`torch.rand_like(clean)` is noise of the right shape. Return two things: the mixed pictures, and the levels.",
    ),
    mistakes={
        "The two results are in the wrong order: first the noisy pictures, then the levels.": (
            lambda clean: lesson.make_question(clean)[::-1]
        ),
        "Only the noisy pictures are returned: the denoiser is to be told the levels too.": (
            lambda clean: lesson.make_question(clean)[0]
        ),
        "You return the clean pictures' share (1 - level) as the level.": (
            lambda clean: (lambda level: (lesson.mix(clean, torch.rand_like(clean), level), 1 - level))(
                lesson.random_levels(clean)
            )
        ),
        "The noise is Gaussian (`randn`), so pixels leave the range from 0 to 1. Use `rand_like`.": (
            lambda clean: (lambda level: (lesson.mix(clean, torch.randn_like(clean), level), level))(
                lesson.random_levels(clean)
            )
        ),
        "The noise is grey: each pixel's three colours got the same. Draw noise in the shape of the pictures.": (
            lambda clean: (lambda level: (lesson.mix(clean, torch.rand_like(clean[:, :1]), level), level))(
                lesson.random_levels(clean)
            )
        ),
        "All pictures of the batch got the same noise. Draw noise in the shape of the whole batch.": (
            lambda clean: (lambda level: (lesson.mix(clean, torch.rand_like(clean[:1]), level), level))(
                lesson.random_levels(clean)
            )
        ),
        "All pictures of the batch got the same level. `random_levels` draws one for each.": (
            lambda clean: (lambda level: (lesson.mix(clean, torch.rand_like(clean), level), level))(
                torch.rand(1, 1, 1, 1).expand(len(clean), 1, 1, 1)
            )
        ),
    },
)
def make_question(answer) -> Claims:
    clean = pictures(8, 8, 8).repeat(250, 1, 1, 1)
    question = answer(clean)
    two = isinstance(question, tuple | list) and len(question) == 2
    yield Claim("Two things come back: the noisy pictures and their levels.", two, True)
    noisy, level = question
    yield Claim("The noisy pictures have the shape of the clean ones.", tuple(noisy.shape), tuple(clean.shape))
    yield Claim("The levels have the shape (batch, 1, 1, 1).", tuple(level.shape), (len(clean), 1, 1, 1))
    # What noise must have been mixed in, to give these pictures at these levels?
    noise = ((noisy - (1 - level) * clean) / level.clamp(min=1e-6))[level.flatten() > 0.01]
    yield Claim("The darkest noise is 0.", float(noise.min()), 0.0, tolerance=0.01)
    yield Claim("The brightest noise is 1.", float(noise.max()), 1.0, tolerance=0.01)
    yield Claim("Noise is 0.5 on average.", float(noise.mean()), 0.5, tolerance=0.01)
    spread = 1 / 12
    says = "Within each pixel, the noise of the three colours varies by 1/12 (the variance of `rand`)."
    yield Claim(says, float(noise.var(dim=1).mean()), spread, tolerance=0.01)
    says = "From picture to picture, the noise of each pixel varies by 1/12."
    yield Claim(says, float(noise.var(dim=0).mean()), spread, tolerance=0.01)
    says = "From pixel to pixel, the noise of each picture varies by 1/12."
    yield Claim(says, float(noise.var(dim=(2, 3)).mean()), spread, tolerance=0.01)
    yield Claim("Levels are 0.5 on average.", float(level.mean()), 0.5, tolerance=0.06)
    yield Claim("Levels vary by 1/12 from picture to picture.", float(level.var()), spread, tolerance=0.02)
