"""Checks for chapter 9."""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

from dino import equivalence as lesson
from dino.course.checks.claims import Claim, Claims, Curve, Pictures, Shape, check_of, how_many
from dino.course.checks.inputs import any_size, between, pictures, shares, spread_levels
from dino.noise import mix
from dino.sampling import step


def batches() -> Iterator[tuple[str, Tensor, Tensor, Tensor]]:
    """Batches of other kinds: what they are, their clean pictures (or guesses), the noise that is mixed in, and the levels."""
    size, some, many = between(7, 9), between(5, 8), any_size(16, 64)
    square = torch.rand(size, 3, size, size)
    yield "as many pictures as they are wide", pictures(size, size, size), square, spread_levels(size)
    yield "as many pictures as there are colours", *torch.rand(2, 3, 3, 9, 8), spread_levels(3)
    yield "a single wide picture", *torch.rand(2, 1, 3, 12, any_size(33, 64)), 0.1 + 0.8 * torch.rand(1, 1, 1, 1)
    yield "many pictures", *torch.rand(2, many, 3, 8, 7), 0.1 + 0.9 * torch.rand(many, 1, 1, 1)
    same = (0.1 + 0.8 * torch.rand(())).expand(some, 1, 1, 1)
    yield "pictures that are all at one level", *torch.rand(2, some, 3, 9, 10), same
    wild = 2 * torch.rand(some, 3, 16, 12) - 1
    yield "Gaussian noise, and pictures from -1 to 1, as in DDPM", wild, torch.randn_like(wild), spread_levels(some)


def amounts(result: Tensor, clean: Tensor, noise: Tensor) -> Tensor | None:
    """How much of its noise and of its clean picture is in each of some pictures, (count, 2); None if one is no such mix."""
    each = [shares(*three) for three in zip(result, noise, clean, strict=True)]
    return None if None in each else torch.tensor(each)


def right_amounts(answer, clean: Tensor, noise: Tensor, right: tuple[float, float], says: str, see=Pictures) -> Claims:
    """The claim about how much noise and clean picture comes out at level 0.25, if what comes out is a mix of them at all."""
    quarter = torch.full((len(clean), 1, 1, 1), 0.25)
    result = answer(mix(clean, noise, quarter), clean, quarter)
    if (found := amounts(result, clean, noise)) is not None:
        expected = torch.tensor(right).expand(len(found), 2)
        worst = found[int((found - expected).abs().amax(dim=1).argmax())].tolist()
        has = "{:.2f} of the noise and {:.2f} of the clean picture"
        words = f"At level 0.25 there should be {has.format(*right)}; yours has {has.format(*worst)}."
        figure = see(right[0] * noise + right[1] * clean, result)
        yield Claim(says, yours=found, expected=expected, tolerance=0.01, figure=figure, clue=words, words=words)


@check_of(
    lesson.noise_of,
    hints=(
        "If the guess is right, `noisy` is `(1 - level) * guess + level * noise`. All of it is known but the noise: solve for that.",
        "Take away from `noisy` what the guess has put in, `(1 - level) * guess`. What is left is the noise `level` times, so divide "
        "by `level`. Mind the brackets.",
    ),
    notice="A mistake in the guess becomes one in the noise, `(1 - level) / level` times as large: small at high levels, and without "
    "bounds at low ones. At level 0 there is no noise to be found.",
    mistakes={
        "What is left when the guess is taken away is only a share of the noise: divide it by that share.":
            {" / level": ""},
        "Only the guess is divided by the level: put brackets round the difference, and divide all of it.": (
            {"(noisy - (1 - level) * guess) / level": "noisy - (1 - level) * guess / level"},
            {"(noisy - (1 - level) * guess) / level": "noisy - (1 - level) / level * guess"},
        ),
        "Only the guess is divided, and all of it: take its share away from the noisy picture, and divide what is left.":
            {"(noisy - (1 - level) * guess) / level": "noisy - guess / level"},
        "Only the noisy picture is divided by the level: put brackets round the difference, and divide all of it.":
            {"(noisy - (1 - level) * guess) / level": "noisy / level - (1 - level) * guess"},
        "Noisy picture and guess are divided by a share each: subtract first, and divide the difference by the noise's share.": (
            {"(noisy - (1 - level) * guess) / level": "noisy / level - guess / (1 - level)"},
            {"(noisy - (1 - level) * guess) / level": "noisy / (1 - level) - guess / level"},
        ),
        "You take away the whole guess: only a share of it is in the noisy picture.": {"(1 - level) * ": ""},
        "You take away the whole guess, and do not divide: take away its share, and divide what is left by the noise's.":
            {"(noisy - (1 - level) * guess) / level": "noisy - guess"},
        "In effect the whole guess is taken away from `noisy / level`: take away its share, 1 - level, before you divide.":
            ({"(1 - level)": "level"}, {"(noisy - (1 - level) * guess) / level": "noisy / level - guess"}),
        "The guess is scaled by the noise's share, and nothing is divided: its own share is 1 - level, and the noise's divides.":
            {"(noisy - (1 - level) * guess) / level": "noisy - level * guess"},
        "That would find the clean picture, were the noise known: `level` is the noise's share, and 1 - level the guess's.":
            {"(1 - level)": "level", "/ level": "/ (1 - level)"},
        "You divide by 1 - level, which is the guess's share: what is left is the noise's.": {"/ level": "/ (1 - level)"},
        "The whole guess is taken away, and you divide by 1 - level: the shares are 1 - level of the guess and level of the noise.":
            {"(1 - level) * ": "", "/ level": "/ (1 - level)"},
        "You multiply by the level: divide by it.": {"/ level": "* level"},
        "The whole guess is taken away, and you multiply by the level: take away its share, and divide.":
            {"(1 - level) * ": "", "/ level": "* level"},
        "You divide by the level twice, or by its square: once is enough.": ({"/ level": "/ level**2"}, {"/ level": "/ level / level"}),
        "You divide by the root of the level: the noise's share is the level itself.": {"/ level": "/ level.sqrt()"},
        "The guess is added: take it away.": {"noisy - ": "noisy + "},
        "The guess is scaled by 1 + level: its share should be 1 - level.": {"(1 - level)": "(1 + level)"},
        "The difference is the wrong way round: take the guess away from the noisy picture.": (
            {"(noisy - (1 - level) * guess)": "((1 - level) * guess - noisy)"},
            {"(noisy - (1 - level) * guess) / level": "-(noisy - (1 - level) * guess) / level"},
        ),
        "The difference is the wrong way round, and the whole guess is in it: take its share away from the noisy picture.":
            {"(noisy - (1 - level) * guess)": "(guess - noisy)"},
        "`noisy` and `guess` are swapped.": {"noisy - (1 - level) * guess": "guess - (1 - level) * noisy"},
        "Not only the guess is scaled by 1 - level, but the whole difference: move a bracket.":
            {"(1 - level) * guess": "guess", "/ level": "/ level * (1 - level)"},
        "A bracket is missing: 1 - level is one number, with which the guess is multiplied.":
            ({"(1 - level) * guess": "1 - level * guess"}, {"(1 - level) * guess": "(1 - level * guess)"}),
        "The guess's share is taken away as a number: multiply the guess by it first.": {"(1 - level) * guess": "(1 - level)"},
        "The guess is not used: take its share away from the noisy picture.": {"(noisy - (1 - level) * guess) / level": "noisy / level"},
        "You mix the noisy picture into the guess once more: undo the mixing.": (
            {"(noisy - (1 - level) * guess) / level": "(1 - level) * guess + level * noisy"},
            {"(noisy - (1 - level) * guess) / level": "guess + level * (noisy - guess)"},
        ),
        "You mix the guess into the noisy picture once more: undo the mixing.":
            {"(noisy - (1 - level) * guess) / level": "(1 - level) * noisy + level * guess"},
        "The shares are square roots, as for DDPM's alpha bar: here they are 1 - level and level, and add up to 1.":
            {"(1 - level)": "(1 - level).sqrt()", "/ level": "/ level.sqrt()"},
        "The guess's share is a root, as where squares add up to 1: here it is 1 - level.": (
            {"(1 - level)": "(1 - level**2).sqrt()"},
            {"(1 - level)": "(1 - level) ** 0.5"},
        ),
        "The guess's share is squared: it should be 1 - level.": {"(1 - level)": "(1 - level) ** 2"},
        "You return the noisy picture: take the guess away, and divide.": {"(noisy - (1 - level) * guess) / level": "noisy.clone()"},
        "You return the guess: what is asked for is the noise.": {"(noisy - (1 - level) * guess) / level": "guess.clone()"},
        "You return the guess's share of the noisy picture: what is asked for is the rest, divided by its own share.":
            {"(noisy - (1 - level) * guess) / level": "(1 - level) * guess"},
        "You draw noise of your own: work out the one that was mixed in.": (
            {"(noisy - (1 - level) * guess) / level": "torch.rand_like(noisy)"},
            {"(noisy - (1 - level) * guess) / level": "torch.randn_like(noisy)"},
        ),
        "The level is always a half: use the one that is given.": {"return": "level = 0.5; return"},
        "The level is squared before it is used.": {"return": "level = level**2; return"},
        "The level is rounded, so that it is only ever 0 or 1.": {"return": "level = level.round(); return"},
        "The level has a lower limit: divide by it as it is, for level 0 does not occur.": (
            {"/ level": "/ level.clamp(min=0.02)"},
            {"/ level": "/ level.clamp(min=0.05)"},
            {"return": "level = level.clamp(min=0.02); return"},
        ),
        "A small number is added to the level so that it is never 0: level 0 does not occur, and at low levels that number is too large.":
            ({"/ level": "/ (level + 0.01)"}, {"/ level": "/ (level + 0.001)"}),
        "All pictures use the level of the first one: each has its own.":
            ({"return": "level = level[0]; return"}, {"/ level": "/ level[0]"}, {"(1 - level)": "(1 - level[0])"}),
        "All pictures use the level of the last one: each has its own.": {"return": "level = level[-1]; return"},
        "All pictures use the average of the levels: each has its own.":
            ({"return": "level = level.mean(); return"}, {"/ level": "/ level.mean()"}, {"(1 - level)": "(1 - level.mean())"}),
        "All pictures use the highest of the levels: each has its own.": {"return": "level = level.max(); return"},
        "The levels are flat, so that they meet the width of the pictures: keep the shape (batch, 1, 1, 1).":
            ({"return": "level = level.flatten(); return"}, {"return": "level = level.squeeze(); return"}),
        "The levels have the shape (batch, 1, 1), so that they meet the colours of the pictures: keep (batch, 1, 1, 1).":
            {"return": "level = level.view(-1, 1, 1); return"},
        "The level is taken out with `item()`, which works for a single picture: each has its own.":
            {"return": "level = level.item(); return"},
        "The noise is clamped to the range from 0 to 1: if the guess is off, or the noise Gaussian, it leaves that.":
            {"(noisy - (1 - level) * guess) / level": "((noisy - (1 - level) * guess) / level).clamp(0, 1)"},
        "The noise is clamped to the range from -1 to 1: leave it as it is.":
            {"(noisy - (1 - level) * guess) / level": "((noisy - (1 - level) * guess) / level).clamp(-1, 1)"},
        "The guess is clamped: the noise follows from the guess as it is.": {"* guess": "* guess.clamp(0, 1)"},
        "The difference is clamped before you divide: it may well be below 0 where the guess is off.":
            {"(noisy - (1 - level) * guess)": "(noisy - (1 - level) * guess).clamp(min=0)"},
        "The noise has lost its sign: leave out `abs`.":
            {"(noisy - (1 - level) * guess) / level": "((noisy - (1 - level) * guess) / level).abs()"},
        "The noise is moved to the range from -1 to 1: it is what was mixed in, as it was.":
            {"(noisy - (1 - level) * guess) / level": "2 * (noisy - (1 - level) * guess) / level - 1"},
        "The noise is brought to mean 0 and spread 1, as Gaussian noise has it: it is what was mixed in, as it was.": (
            {"return (noisy - (1 - level) * guess) / level":
                 "noise = (noisy - (1 - level) * guess) / level\n    return (noise - noise.mean()) / noise.std()"},
            {"return (noisy - (1 - level) * guess) / level":
                 "noise = (noisy - (1 - level) * guess) / level\n    sides = (1, 2, 3)\n"
                 "    return (noise - noise.mean(sides, keepdim=True)) / noise.std(sides, keepdim=True)"},
        ),
        "The noise is grey: each colour has noise of its own.":
            {"(noisy - (1 - level) * guess) / level": "((noisy - (1 - level) * guess) / level).mean(dim=1, keepdim=True).expand_as(noisy)"},
        "One number comes out for each picture: each pixel and colour has noise of its own.":
            {"(noisy - (1 - level) * guess) / level": "((noisy - (1 - level) * guess) / level).mean(dim=(1, 2, 3), keepdim=True)"},
        "All pictures use the guess for the first one: each has its own.": {"* guess": "* guess[:1]"},
        "Two things come out: return the noise alone.":
            {"(noisy - (1 - level) * guess) / level": "(noisy - (1 - level) * guess) / level, guess"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def noise_of(answer) -> Claims:
    # Here the sizes are always the same, so that errors that tell of them are, too; further on they are drawn.
    clean, noise, level = pictures(5, 28, 24), torch.rand(5, 3, 28, 24), spread_levels(5)
    result = answer(mix(clean, noise, level), clean, level)
    yield Claim("The shape of the pictures comes out.", yours=result, expected=Shape(tuple(clean.shape)))
    # The true picture is the best guess that there is.
    says = "If the guess is the true picture, nothing but the noise comes out."
    yield from right_amounts(answer, clean, noise, (1.0, 0.0), says)
    says = "If the guess is the true picture, the noise comes out that was mixed in."
    yield Claim(says, yours=result, expected=noise, tolerance=1e-3, figure=Pictures)
    # Any guess, which may be far off.
    noisy, guess = mix(clean, noise, level), 1.4 * torch.rand_like(clean) - 0.2
    says = "Mixed into the guess, it gives the noisy picture, however far off the guess may be."
    yield Claim(says, yours=mix(guess, answer(noisy, guess, level), level), expected=noisy, figure=Pictures)
    ones = torch.ones_like(level)
    says = "At level 1 all of the noisy picture is noise, whatever the guess."
    yield Claim(says, yours=answer(noisy, guess, ones), expected=noisy, tolerance=1e-3, figure=Pictures)
    says = "At level 0.5 it is twice the noisy picture, minus the guess."
    yield Claim(says, yours=answer(noisy, guess, ones / 2), expected=2 * noisy - guess, tolerance=1e-3, figure=Pictures)
    low = 0.004 + 0.006 * torch.rand_like(level)
    says = "At levels as low as 0.01, too, it gives the noisy picture when it is mixed into the guess."
    yield Claim(says, yours=mix(guess, answer(noisy, guess, low), low), expected=noisy, figure=Pictures)
    clue = "With few pictures all was right, and with others it is not: is a number or a limit hard-coded?"
    for kind, clean, noise, level in batches():
        result, says = answer(mix(clean, noise, level), clean, level), f"The noise comes out that was mixed in: {kind}."
        yield Claim(says, yours=result, expected=noise, tolerance=1e-3, figure=Pictures, clue=clue)


@check_of(
    lesson.velocity_of,
    hints=(
        "Velocity is how far something has come, divided by how long it took. Here the level is the time: the picture set out from "
        "the guess at level 0. Where is it now, and at which level?",
        "It has come from `guess` to `noisy`, which is `noisy - guess`, in a time of `level`. Divide all of the difference.",
    ),
    notice="It is the same from level 0 to level 1, for the path is straight: `noise - clean`, and the level is not in it. Go back "
    "along it for a time of `level`, and you are at the guess; your `step` goes a part of that way.",
    mistakes={
        "That is how far it has come, not how fast: divide by the time that it took.": {" / level": ""},
        "It points from the noise to the picture: here time is the level, which rises towards the noise.": (
            {"(noisy - guess)": "(guess - noisy)"},
            {"(noisy - guess)": "-(noisy - guess)"},
        ),
        "It points from the noise to the picture, and you multiply by the time: go from the guess to `noisy`, and divide.":
            {"(noisy - guess) / level": "level * (guess - noisy)"},
        "It points from the noise to the picture, and is not divided by the time: go from the guess to `noisy`, and divide.":
            {"(noisy - guess) / level": "guess - noisy"},
        "In effect only the guess is divided by the level: put brackets round the difference, and divide all of it.":
            ({"(noisy - guess)": "noisy - guess"}, {"noisy - guess": "level * noisy - guess"}),
        "In effect only the noisy picture is divided by the level: take away the whole guess first, and divide what is left.":
            ({"(noisy - guess) / level": "noisy / level - guess"}, {"- guess": "- level * guess"}),
        "That is the noise: the velocity is the noise minus the clean picture.":
            ({"noisy - guess": "noisy - (1 - level) * guess"}, {"(noisy - guess) / level": "guess + (noisy - guess) / level"}),
        "You take away a share of the guess, and do not divide: it sets out from the whole guess.":
            {"(noisy - guess) / level": "noisy - (1 - level) * guess"},
        "You divide by 1 - level, which is the time that is left up to the noise: divide by the time that it took from the guess.":
            {"/ level": "/ (1 - level)"},
        "It points from the noise to the picture, and is divided by 1 - level: here the level is the time, and 0 is where it sets out.":
            {"(noisy - guess) / level": "(guess - noisy) / (1 - level)"},
        "You multiply by the level: divide by it.": {"/ level": "* level"},
        "You multiply by 1 - level: divide by the level.": {"/ level": "* (1 - level)"},
        "You divide by the level twice, or by its square: once is enough.": ({"/ level": "/ level**2"}, {"/ level": "/ level / level"}),
        "You divide by the root of the level: divide by the level itself.": {"/ level": "/ level.sqrt()"},
        "The guess is added: take it away.": {"noisy - ": "noisy + "},
        "The guess is missing: the picture sets out there, not at black.": {"(noisy - guess)": "noisy"},
        "That is the sum of noise and picture: the velocity is their difference.":
            {"(noisy - guess) / level": "(noisy - (1 - level) * guess) / level + guess"},
        "That is how far the noise still is from where the picture is now: go from the guess.":
            {"(noisy - guess) / level": "(noisy - (1 - level) * guess) / level - noisy"},
        "That is the way from the noise to where the picture is now: go from the guess.":
            {"(noisy - guess) / level": "noisy - (noisy - (1 - level) * guess) / level"},
        "Picture and noise have shares in it, as where squares add up to 1: here it is their plain difference.": (
            {"(noisy - guess) / level": "(1 - level) * (noisy - (1 - level) * guess) / level - level * guess"},
            {"(noisy - guess) / level": "(1 - level).sqrt() * (noisy - (1 - level) * guess) / level - level.sqrt() * guess"},
        ),
        "That is the way from the noise to where the picture is now, divided by the time from the guess: go from the guess.":
            {"(noisy - guess) / level": "(noisy - (noisy - (1 - level) * guess) / level) / level"},
        "It is right except at level 1: there nothing is left of the way to the noise, and 0 is divided by 0. Go from the guess.":
            {"(noisy - guess) / level": "((noisy - (1 - level) * guess) / level - noisy) / (1 - level)"},
        "The level is counted from the other end, and the guess has a share: 0 is where it sets out, from the whole guess.":
            {"(noisy - guess) / level": "(noisy - level * guess) / (1 - level)"},
        "The guess is taken away twice: it is in the difference already.": {"(noisy - guess) / level": "(noisy - guess) / level - guess"},
        "You draw noise of your own: work the velocity out of the noisy picture.": (
            {"(noisy - guess) / level": "torch.rand_like(noisy) - guess"},
            {"(noisy - guess) / level": "torch.randn_like(noisy) - guess"},
        ),
        "You return the guess: what is asked for is how the picture moves away from it.": {"(noisy - guess) / level": "guess.clone()"},
        "You return the noisy picture: what is asked for is how it moves.": {"(noisy - guess) / level": "noisy.clone()"},
        "You return where the picture gets to, not how fast: leave out what is added to the velocity.": (
            {"(noisy - guess) / level": "noisy + (noisy - guess) / level"},
            {"(noisy - guess) / level": "noisy - (noisy - guess) / level"},
        ),
        "The velocity is doubled: divide the difference by the level, no more.": {"(noisy - guess)": "2 * (noisy - guess)"},
        "The velocity is halved: divide the difference by the level, no more.": {"/ level": "/ level / 2"},
        "The level is always a half: use the one that is given.": {"/ level": "/ 0.5 + 0 * level"},
        "The level is rounded, so that it is only ever 0 or 1.": {"/ level": "/ level.round()"},
        "The level has a lower limit: divide by it as it is, for level 0 does not occur.":
            ({"/ level": "/ level.clamp(min=0.02)"}, {"/ level": "/ level.clamp(min=0.05)"}),
        "A small number is added to the level so that it is never 0: level 0 does not occur, and at low levels that number is too large.":
            ({"/ level": "/ (level + 0.01)"}, {"/ level": "/ (level + 0.001)"}),
        "All pictures use the level of the first one: each has its own.": {"/ level": "/ level[0]"},
        "All pictures use the level of the last one: each has its own.": {"/ level": "/ level[-1]"},
        "All pictures use the average of the levels: each has its own.": {"/ level": "/ level.mean()"},
        "All pictures use the highest of the levels: each has its own.": {"/ level": "/ level.max()"},
        "The levels are flat, so that they meet the width of the pictures: keep the shape (batch, 1, 1, 1).":
            ({"/ level": "/ level.flatten()"}, {"/ level": "/ level.squeeze()"}),
        "The levels have the shape (batch, 1, 1), so that they meet the colours of the pictures: keep (batch, 1, 1, 1).":
            {"/ level": "/ level.view(-1, 1, 1)"},
        "The level is taken out with `item()`, which works for a single picture: each has its own.": {"/ level": "/ level.item()"},
        "The velocity has lost its sign: where a pixel gets darker, it is below 0.":
            ({"(noisy - guess)": "(noisy - guess).abs()"}, {"(noisy - guess) / level": "((noisy - guess) ** 2).sqrt() / level"}),
        "The difference is squared, as in a loss: take it as it is.": {"(noisy - guess)": "(noisy - guess) ** 2"},
        "The velocity is clamped to the range from 0 to 1: where a pixel gets darker, it is below 0.":
            {"(noisy - guess) / level": "((noisy - guess) / level).clamp(0, 1)"},
        "What is below 0 is cut off: where a pixel gets darker, the velocity is below 0.":
            ({"(noisy - guess)": "(noisy - guess).clamp(min=0)"}, {"(noisy - guess)": "(noisy - guess).relu()"}),
        "The velocity is clamped to the range from -1 to 1: if the guess is off, it leaves that.":
            {"(noisy - guess) / level": "((noisy - guess) / level).clamp(-1, 1)"},
        "The guess is clamped: the velocity follows from the guess as it is.": {"- guess": "- guess.clamp(0, 1)"},
        "The velocity is moved to the range from 0 to 1, as if it were a picture: 0 is where nothing changes.":
            {"(noisy - guess) / level": "(noisy - guess) / level / 2 + 0.5"},
        "Only the direction comes out: do not divide by its length.": (
            {"(noisy - guess) / level": "torch.nn.functional.normalize(noisy - guess)"},
            {"(noisy - guess) / level": "(noisy - guess) / (noisy - guess).norm()"},
            {"(noisy - guess) / level": "(noisy - guess).sign()"},
        ),
        "One number comes out for each picture: each pixel and colour has a velocity of its own.":
            {"(noisy - guess) / level": "((noisy - guess) / level).mean(dim=(1, 2, 3), keepdim=True)"},
        "All colours of a pixel move alike: each has a velocity of its own.":
            {"(noisy - guess)": "(noisy - guess).mean(dim=1, keepdim=True).expand_as(noisy)"},
        "All pictures set out from the guess for the first one: each has its own.": {"- guess": "- guess[:1]"},
        "Two things come out: return the velocity alone.": {"(noisy - guess) / level": "(noisy - guess) / level, guess"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def velocity_of(answer) -> Claims:
    def see(expected: Tensor, yours: Tensor) -> Pictures:
        """What does not move is grey."""
        return Pictures(0.5 + expected / 2, 0.5 + yours / 2)

    # Here the sizes are always the same, so that errors that tell of them are, too; further on they are drawn.
    clean, noise, level = pictures(5, 28, 24), torch.rand(5, 3, 28, 24), spread_levels(5)
    result = answer(mix(clean, noise, level), clean, level)
    yield Claim("The shape of the pictures comes out.", yours=result, expected=Shape(tuple(clean.shape)))
    # The true picture is the best guess that there is.
    says = "If the guess is the true picture, the noise comes out, minus the picture."
    yield from right_amounts(answer, clean, noise, (1.0, -1.0), says, see)
    right = noise - clean
    yield Claim(says, yours=result, expected=right, tolerance=1e-3, figure=see(right, result))
    there = torch.rand_like(level)
    moved = mix(clean, noise, level) + (there - level) * result
    says = "Moved along it from one level to another, a picture is as if it had been mixed there."
    yield Claim(says, yours=moved, expected=mix(clean, noise, there), tolerance=1e-3, figure=Pictures)
    # Any guess, which may be far off.
    noisy, guess = mix(clean, noise, level), 1.4 * torch.rand_like(clean) - 0.2
    says = "Moved back along it to level 0, the noisy picture is the guess, however far off that may be."
    yield Claim(says, yours=noisy - level * answer(noisy, guess, level), expected=guess, figure=Pictures)
    ones = torch.ones_like(level)
    for high, says in (
        (1.0, "At level 1 it is the noisy picture minus the guess."),
        (0.5, "At level 0.5 it is twice the difference between the noisy picture and the guess."),
    ):
        result, right = answer(noisy, guess, high * ones), (noisy - guess) * (1 / high)
        yield Claim(says, yours=result, expected=right, tolerance=1e-3, figure=see(right, result))
    low = 0.004 + 0.006 * torch.rand_like(level)
    says = "From levels as low as 0.01, too, it leads back to the guess."
    yield Claim(says, yours=noisy - low * answer(noisy, guess, low), expected=guess, figure=Pictures)
    clue = "With few pictures all was right, and with others it is not: is a number or a limit hard-coded?"
    for kind, clean, noise, level in batches():
        result, right = answer(mix(clean, noise, level), clean, level), noise - clean
        says = f"It is the noise minus the picture: {kind}."
        yield Claim(says, yours=result, expected=right, tolerance=1e-3, figure=see(right, result), clue=clue)


@check_of(
    lesson.to_ddpm,
    hints=(
        "In `noisy` there is 1 - level of the picture and level of the noise. Divide both by one number, so that their squares add "
        "up to 1. What is the sum of their squares before?",
        "The number is the root of `(1 - level) ** 2 + level**2`. Return the noisy pictures divided by it, and the picture's new "
        "share, `(1 - level)` divided by it, squared.",
    ),
    notice="The ratio of picture to noise stays what it was, so nothing about the picture changes but its scale. The two shares are "
    "the sides of a triangle with a right angle, and the number is its longest side: `torch.hypot(1 - level, level)` says the same.",
    mistakes={
        "Alpha bar comes first, and the pictures second: it is the other way round.":
            {"noisy / size, ((1 - level) / size) ** 2": "((1 - level) / size) ** 2, noisy / size"},
        "The root is missing: with squares that add up to 1, divide by the root of their sum.":
            {"torch.sqrt((1 - level) ** 2 + level**2)": "(1 - level) ** 2 + level**2"},
        "The shares are added without being squared, and their sum is 1, so nothing changes: add up their squares.": (
            {"(1 - level) ** 2 + level**2": "(1 - level) + level"},
            {"(1 - level) ** 2 + level**2": "1 - level**2 + level**2"},
            {"torch.sqrt((1 - level) ** 2 + level**2)": "torch.sqrt((1 - level) ** 2) + torch.sqrt(level**2)"},
            {"torch.sqrt((1 - level) ** 2 + level**2)": "((1 - level) + level) ** 2"},
        ),
        "Only one of the two shares is squared: square both.":
            ({"+ level**2": "+ level"}, {"(1 - level) ** 2 + level": "(1 - level) + level"}),
        "The root is taken of one of the squares only: take it of their sum.": (
            {"torch.sqrt((1 - level) ** 2 + level**2)": "torch.sqrt((1 - level) ** 2) + level**2"},
            {"torch.sqrt((1 - level) ** 2 + level**2)": "(1 - level) ** 2 + torch.sqrt(level**2)"},
        ),
        "The squares are subtracted: add them up.": (
            {"** 2 + level**2": "** 2 - level**2"},
            {"(1 - level) ** 2 + level**2": "((1 - level) ** 2 - level**2).abs()"},
        ),
        "The squares are multiplied: add them up.": {"** 2 + level**2": "** 2 * level**2"},
        "The size is the root of 1 - level**2: the picture's share is 1 - level, and its square is to be added to that of the level.":
            {"(1 - level) ** 2 + level**2": "1 - level**2"},
        "The sum of the squares is halved, as for a mean: add them up.":
            {"(1 - level) ** 2 + level**2": "((1 - level) ** 2 + level**2) / 2"},
        "The square of the difference is worked out wrongly: expand (1 - level) ** 2 again, or leave it as it is.":
            {"(1 - level) ** 2 + level**2": "1 - 2 * level + level**2"},
        "You divide by the larger of the two shares: divide by the root of the sum of their squares.":
            {"torch.sqrt((1 - level) ** 2 + level**2)": "torch.maximum(1 - level, level)"},
        "You divide by the sum of the roots of the two shares: divide by the root of the sum of their squares.":
            {"torch.sqrt((1 - level) ** 2 + level**2)": "torch.sqrt(1 - level) + torch.sqrt(level)"},
        "The pictures are multiplied by the size: divide them by it.": {"noisy / size": "noisy * size"},
        "The pictures are multiplied by the root of 1 - level: divide them by the root of the sum of the squares.": (
            {"noisy / size": "noisy * torch.sqrt(1 - level)"},
            {"noisy / size": "noisy * torch.sqrt(1 - level)", "((1 - level) / size) ** 2": "1 - level"},
        ),
        "Noise is added, as when DDPM makes its questions: there is noise in the pictures already, and only their scale changes.": (
            {"noisy / size": "torch.sqrt(1 - level) * noisy + torch.sqrt(level) * torch.randn_like(noisy)"},
            {"noisy / size": "(1 - level) / size * noisy + level / size * torch.randn_like(noisy)"},
            {"noisy / size": "(1 - level) / size * noisy + level / size * torch.rand_like(noisy)"},
        ),
        "A sign is wrong: the share of the clean picture is 1 - level, not 1 + level.":
            ({"(1 - level) ** 2": "(1 + level) ** 2"}, {"(1 - level) ** 2": "(1 + level) ** 2", "((1 - level)": "((1 + level)"}),
        "Pictures and share are multiplied by the size: divide them by it.":
            {"noisy / size": "noisy * size", "(1 - level) / size": "(1 - level) * size"},
        "The pictures come out as they came in: divide them by the size, too.": {"noisy / size": "noisy.clone()"},
        "The pictures are divided by the square of the size: divide them by the root of the sum of the squares.":
            {"noisy / size": "noisy / size**2"},
        "The pictures are divided by the share of the clean picture alone, as EDM does: DDPM has the squares of both add up to 1.":
            {"noisy / size": "noisy / (1 - level)"},
        "The pictures are divided by the share of the noise alone: divide by the root of the sum of both squares.":
            {"noisy / size": "noisy / level"},
        "The pictures are multiplied by the share that the clean picture is to have: it is in them already, so only divide by the size.":
            {"noisy / size": "noisy * (1 - level) / size"},
        "The pictures are right except where nothing of the clean one is left: there 0 is divided by 0.": (
            {"noisy / size": "noisy / (1 - level) * ((1 - level) / size)"},
            {"noisy / size": "noisy * (((1 - level) / size) / (1 - level))"},
        ),
        "The pictures are right except where there is no noise: there 0 is divided by 0.": (
            {"noisy / size": "noisy / level * (level / size)"},
            {"noisy / size": "noisy * ((level / size) / level)"},
        ),
        "The pictures are clamped: divided by the size, they may well exceed 1.": {"noisy / size": "(noisy / size).clamp(0, 1)"},
        "The pictures are moved to the range from -1 to 1, as DDPM's are: here only their scale changes.":
            {"noisy / size": "(2 * noisy - 1) / size"},
        "The pictures are divided by their own spread: the size follows from the level alone.": (
            {"noisy / size": "noisy / noisy.std()"},
            {"noisy / size": "noisy / noisy.std(dim=(1, 2, 3), keepdim=True)"},
        ),
        "The pictures are divided by their own length: the size follows from the level alone.": (
            {"noisy / size": "torch.nn.functional.normalize(noisy)"},
            {"noisy / size": "noisy / noisy.norm()"},
            {"noisy / size": "noisy / noisy.flatten(1).norm(dim=1).view(-1, 1, 1, 1)"},
        ),
        "Alpha bar is not divided by the size: it should be the square of the share that the clean picture has afterwards.":
            {"((1 - level) / size)": "(1 - level)"},
        "Alpha bar is the share itself: square it.": {"((1 - level) / size) ** 2": "(1 - level) / size"},
        "Alpha bar is the root of the share: square it.": {"((1 - level) / size) ** 2": "((1 - level) / size) ** 0.5"},
        "Alpha bar is 1 - level: it should be the square of the share that the clean picture has when all is divided by the size.":
            {"((1 - level) / size) ** 2": "1 - level"},
        "Alpha bar is the noise's: it should be 1 for clean pictures, and 0 for noise.": (
            {"((1 - level) / size) ** 2": "(level / size) ** 2"},
            {"((1 - level) / size) ** 2": "1 - ((1 - level) / size) ** 2"},
        ),
        "Alpha bar is the noise's share, and not squared: it should be the square of the clean picture's.":
            {"((1 - level) / size) ** 2": "level / size"},
        "Alpha bar is 1 less the noise's share: square that share before you subtract it.":
            {"((1 - level) / size) ** 2": "1 - level / size"},
        "A bracket is missing in alpha bar: it is 1 - level that is divided by the size, and not the level alone.":
            {"((1 - level) / size) ** 2": "(1 - level / size) ** 2"},
        "A bracket is missing in alpha bar: the size is to be squared together with the share.":
            {"((1 - level) / size) ** 2": "(1 - level) ** 2 / size"},
        "A bracket is missing in alpha bar: the share is to be squared together with the size.":
            {"((1 - level) / size) ** 2": "(1 - level) / size**2"},
        "A bracket is missing in alpha bar: divide by the whole sum of the squares.":
            {"((1 - level) / size) ** 2": "(1 - level) ** 2 / (1 - level) ** 2 + level**2"},
        "Alpha bar is upside down: the share is divided by the size, not the size by it.":
            ({"(1 - level) / size": "size / (1 - level)"}, {"((1 - level) / size) ** 2": "size**2 / (1 - level) ** 2"}),
        "Alpha bar is the ratio of picture to noise: it should be the square of the picture's share.": (
            {"((1 - level) / size) ** 2": "((1 - level) / level) ** 2"},
            {"((1 - level) / size) ** 2": "(1 - level) / level"},
        ),
        "Alpha bar is right except where there is no noise: there it is infinity divided by infinity.":
            {"((1 - level) / size) ** 2": "((1 - level) / level) ** 2 / (1 + ((1 - level) / level) ** 2)"},
        "Alpha bar is multiplied up over the batch, as over the timesteps of a schedule: here it follows from each level alone.":
            ({"((1 - level) / size) ** 2": "torch.cumprod(((1 - level) / size) ** 2, dim=0)"},
             {"((1 - level) / size) ** 2": "torch.cumprod(1 - level, dim=0)"}),
        "Alpha bar is that of the cosine schedule: it follows from the share that the clean picture has.":
            {"((1 - level) / size) ** 2": "torch.cos(level * torch.pi / 2) ** 2"},
        "Alpha bar is the size, or its square: it should be the square of the clean picture's share.":
            ({"((1 - level) / size) ** 2": "size"}, {"((1 - level) / size) ** 2": "size**2"}),
        "Alpha bar is 1 divided by the square of the size: the picture's share is missing.":
            {"((1 - level) / size) ** 2": "(1 / size) ** 2"},
        "The level is always a half: use the one that is given.": {"size = torch": "level = 0 * level + 0.5\n    size = torch"},
        "The level is counted from the other end for alpha bar, and the root is missing: level 1 is noise.":
            {"torch.sqrt((1 - level) ** 2 + level**2)": "(1 - level) ** 2 + level**2", "((1 - level) / size) ** 2": "(level / size) ** 2"},
        "The level is squared before it is used.": {"size = torch": "level = level**2\n    size = torch"},
        "All pictures use the level of the first one: each has its own.":
            {"size = torch": "level = level[:1].expand_as(level)\n    size = torch"},
        "All pictures use the average of the levels: each has its own.":
            {"size = torch": "level = level.mean().expand_as(level)\n    size = torch"},
        "The squares are added up over the batch: each picture has a size of its own.": (
            {"torch.sqrt((1 - level) ** 2 + level**2)": "torch.sqrt(((1 - level) ** 2 + level**2).sum())"},
            {"torch.sqrt((1 - level) ** 2 + level**2)": "torch.linalg.norm(torch.stack([1 - level, level]))"},
        ),
        "The levels are flat, so that they meet the width of the pictures: keep the shape (batch, 1, 1, 1).":
            ({"size = torch": "level = level.flatten()\n    size = torch"}, {"size = torch": "level = level.squeeze()\n    size = torch"}),
        "The levels have the shape (batch, 1, 1), so that they meet the colours of the pictures: keep (batch, 1, 1, 1).":
            {"size = torch": "level = level.view(-1, 1, 1)\n    size = torch"},
        "The level is taken out with `item()`, which works for a single picture: each has its own.":
            {"size = torch": "level = level.item()\n    size = torch"},
        "Python's `math` works with single numbers: take the root with torch, of all levels at once.":
            {"size = torch": "import math\n    size = math"},
        "Alpha bar comes out flat: keep the shape (batch, 1, 1, 1).":
            ({"/ size) ** 2": "/ size).flatten() ** 2"}, {"/ size) ** 2": "/ size).squeeze() ** 2"}),
        "Alpha bar comes out for each pixel: there should be one for each picture.": {"/ size) ** 2": "/ size).expand_as(noisy) ** 2"},
        "One alpha bar comes out for the whole batch: there should be one for each picture.":
            ({"/ size) ** 2": "/ size).mean() ** 2"}, {"/ size) ** 2": "/ size)[:1] ** 2"}),
        "Only the pictures come out: return alpha bar, too.": {", ((1 - level) / size) ** 2": ""},
        "Only alpha bar comes out: return the pictures, too.": {"noisy / size, ": ""},
        "Three things come out: return the pictures and alpha bar.": {"/ size) ** 2": "/ size) ** 2, size"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def to_ddpm(answer) -> Claims:
    def right(level: Tensor) -> tuple[Tensor, Tensor]:
        """The two shares, of the clean picture and of the noise: cosine and sine of one angle, for their squares add up to 1."""
        angle = torch.atan2(level, 1 - level)
        return angle.cos(), angle.sin()

    def about_bar(says: str, bar: Tensor, level: Tensor, clue: str) -> Claim:
        expected, see, words = right(level)[0] ** 2, None, ""
        if isinstance(bar, Tensor) and bar.shape == expected.shape:
            worst = int((bar - expected).abs().argmax())
            numbers = [one.flatten()[worst].item() for one in (level, expected, bar)]
            words = "At level {:.2f} it should be {:.3g}, yours is {:.3g}.".format(*numbers)
            see = Curve(expected.flatten(), bar.flatten(), across="level", up="alpha bar", x=level.flatten())
        return Claim(says, yours=bar, expected=expected, figure=see, clue=clue, words=words)

    # Here the sizes are always the same, so that errors that tell of them are, too; further on they are drawn.
    clean, noise, level = pictures(5, 28, 24), torch.rand(5, 3, 28, 24), torch.linspace(0.8, 0.2, 5).view(-1, 1, 1, 1)
    result = answer(mix(clean, noise, level), level)
    many = f"one tensor, {tuple(result.shape)}" if isinstance(result, Tensor) else how_many(result)
    yield Claim("Two things come out: pictures and alpha bar.", yours=many, expected="two things")
    scaled, bar = result
    yield Claim(
        "First come pictures, in the shape of the noisy ones.", yours=scaled, expected=Shape(tuple(clean.shape))
    )
    yield Claim("Then comes alpha bar, one for each picture.", yours=bar, expected=Shape((5, 1, 1, 1)))
    if (found := amounts(scaled, clean, noise)) is not None:
        sums, ones = (found**2).sum(dim=1), torch.ones(5)
        worst = int((sums - 1).abs().argmax())
        words = f"At level {level[worst].item():.2f}, your picture has {found[worst, 1]:.3g} of the clean one and "
        words += f"{found[worst, 0]:.3g} of the noise, and their squares add up to {sums[worst]:.3g}."
        see = Curve(ones, sums, across="level", up="sum of the squares", x=level.flatten())
        says = "The squares of the shares of picture and noise add up to 1."
        yield Claim(says, yours=sums, expected=ones, tolerance=0.005, figure=see, clue=words, words=words)
    cos, sin = right(level)
    says = "Picture and noise are in the ratio in which they were mixed."
    yield Claim(says, yours=scaled, expected=cos * clean + sin * noise, tolerance=1e-3, figure=Pictures)
    clue = "Alpha bar is the square of the share that the clean picture has in what comes out."
    yield about_bar("Alpha bar is the square of the clean picture's share.", bar, level, clue)
    # Where there is no noise, where there is nothing else, and half way.
    for high, says, times, share in (
        (0.0, "A clean picture stays as it is, and alpha bar is 1", 1.0, 1.0),
        (1.0, "Pure noise stays as it is, and alpha bar is 0", 1.0, 0.0),
        (0.5, "Half way, the picture gets brighter by the root of 2, and alpha bar is a half", 2**0.5, 0.5),
    ):
        ends = torch.cat([torch.full_like(level[:1], high), level[1:]])
        noisy = mix(clean, noise, ends)
        scaled, bar = answer(noisy, ends)
        see = Pictures(times * noisy[:1], scaled[:1])
        yield Claim(f"{says}: the picture.", yours=scaled[:1], expected=times * noisy[:1], tolerance=1e-3, figure=see)
        yield Claim(f"{says}: alpha bar.", yours=bar[:1], expected=torch.full((1, 1, 1, 1), share))
    every = torch.linspace(0, 1, between(20, 40)).view(-1, 1, 1, 1)
    _, bar = answer(torch.rand(len(every), 3, 5, 4), every)
    yield about_bar("From level 0 to 1, alpha bar falls from 1 to 0.", bar, every, clue)
    clue = "With few pictures all was right, and with others it is not: is a number or a limit hard-coded?"
    for kind, clean, noise, level in batches():
        scaled, bar = answer(mix(clean, noise, level), level)
        expected = right(level)[0] * clean + right(level)[1] * noise
        says = f"Picture and noise have their shares: {kind}."
        yield Claim(says, yours=scaled, expected=expected, tolerance=1e-3, figure=Pictures, clue=clue)
        yield about_bar(f"Alpha bar is the square of the clean picture's share: {kind}.", bar, level, clue)


@check_of(
    lesson.stretch_of,
    hints=(
        "Take the logarithm of (1 - level) / level at all three levels. How long is the step to come in it, and how long was the one "
        "before? If they are equally long, the stretch is 1.5.",
        "Write a function inside, `ratio(level)`, that returns the logarithm. The step to come is `ratio(next) - ratio(now)`. Divide it by "
        "the step before, halve that, and add it to 1.",
    ),
    notice="Level 1 needs no line of its own. There the logarithm is minus infinity, the step before is infinitely long, and what is "
    "divided by it is 0: a guess from infinitely far away says nothing about where guesses are going.",
    mistakes={
        "The ratio (1 - level) / level is taken as it is: take its logarithm.":
            {"torch.log((1 - level) / level)": "(1 - level) / level"},
        "The ratio is upside down and taken as it is: take the logarithm of (1 - level) / level.":
            {"torch.log((1 - level) / level)": "level / (1 - level)"},
        "Steps are measured by the level itself: measure them by the logarithm of (1 - level) / level.":
            ({"torch.log((1 - level) / level)": "level"}, {"torch.log((1 - level) / level)": "1 - level"}),
        "Steps are measured by the logarithm of the level: there should be a ratio in it, (1 - level) / level.": (
            {"(1 - level) / level": "level"},
            {"(1 - level) / level": "1 / level"},
            {"(1 - level) / level": "1 + (1 - level) / level"},
            {"torch.log(": "torch.log1p("},
        ),
        "Steps are measured by the logarithm of 1 - level: there should be a ratio in it, (1 - level) / level.":
            {"(1 - level) / level": "1 - level"},
        "A bracket is missing: divide all of 1 - level by the level.": {"(1 - level) / level": "1 - level / level"},
        "Brackets are missing: each step is a difference, which is to be taken before you divide.": (
            {"(ratio(next) - ratio(now)) / (ratio(now) - ratio(before))": "ratio(next) - ratio(now) / ratio(now) - ratio(before)"},
            {"(ratio(next) - ratio(now))": "ratio(next) - ratio(now)"},
            {"(ratio(now) - ratio(before))": "ratio(now) - ratio(before)"},
        ),
        "The logarithm is divided by the level: divide first, then take the logarithm.":
            {"torch.log((1 - level) / level)": "torch.log(1 - level) / level"},
        "Two logarithms are divided: the logarithm of a ratio is their difference.":
            {"torch.log((1 - level) / level)": "torch.log(1 - level) / torch.log(level)"},
        "Two logarithms are added: the logarithm of a ratio is their difference.":
            {"torch.log((1 - level) / level)": "torch.log(1 - level) + torch.log(level)"},
        "A root is taken where the logarithm should be.": {"torch.log((1 - level) / level)": "((1 - level) / level) ** 0.5"},
        "1 - level is squared and the level is not, or a root is taken of the level alone: do the same to both.":
            ({"(1 - level) / level": "(1 - level) ** 2 / level"}, {"(1 - level) / level": "(1 - level) / level**0.5"}),
        "The level is squared and 1 - level is not, or a root is taken of 1 - level alone: do the same to both.":
            ({"(1 - level) / level": "(1 - level) / level**2"}, {"(1 - level) / level": "(1 - level) ** 0.5 / level"}),
        "The share of the noise is taken for the root of 1 - (1 - level)²: here, it is the level.":
            {"(1 - level) / level": "(1 - level) / (1 - (1 - level) ** 2) ** 0.5"},
        "You take the logarithm of a change: take the change of the logarithm.": {
            "torch.log((1 - level) / level)": "(1 - level) / level",
            "(ratio(next) - ratio(now)) / (ratio(now) - ratio(before))":
                "torch.log(ratio(next) - ratio(now)) / torch.log(ratio(now) - ratio(before))",
        },
        "Logarithms are divided by each other: a step is the difference of two.": {
            "(ratio(next) - ratio(now)) / (ratio(now) - ratio(before))": "(ratio(next) / ratio(now)) / (ratio(now) / ratio(before))",
        },
        "Logarithms are used where their differences belong: a step goes from one to the next.": {
            "(ratio(next) - ratio(now)) / (ratio(now) - ratio(before))": "ratio(next) / ratio(now)",
        },
        "The guess is pushed on to the end of the step to come: the middle is meant, so halve what you add.": {" / 2": ""},
        "What is added to 1 is doubled: halve it.": {" / 2": " * 2"},
        "What is added to 1 is halved twice: once is enough.": {" / 2": " / 4"},
        "You take a root where you should halve.": {" / 2": " ** 0.5"},
        "All is halved: only what is added to 1 should be.": {"1 + (ratio(next)": "(1 + (ratio(next)", "(before)) / 2": "(before))) / 2"},
        "The half stands in the wrong place: the 1 stays whole, and what is added to it is halved.":
            {"1 + (ratio(next)": "0.5 + (ratio(next)", " / 2": ""},
        "The 1 is missing: a stretch of 1 takes the guess as it is, and what you have is added to that.": {"1 + (": "("},
        "The 1 is missing, and nothing is halved: this only says how many times as long the step to come is as the one before.":
            {"1 + (": "(", " / 2": ""},
        "A sign is wrong: the guess goes on as it did, so the stretch is above 1.": (
            {"1 + (": "1 - ("},
            {"ratio(next) - ratio(now)": "ratio(now) - ratio(next)"},
            {"ratio(now) - ratio(before)": "ratio(before) - ratio(now)"},
        ),
        "The two steps are swapped: divide the step to come by the one before.": (
            {"ratio(next) - ratio(now)": "ratio(now) - ratio(before)",
             "/ (ratio(now) - ratio(before))": "/ (ratio(next) - ratio(now))"},
            {"before: Tensor, now: Tensor, next: Tensor": "next: Tensor, now: Tensor, before: Tensor"},
        ),
        "The two steps are swapped, and nothing is halved: divide the step to come by the one before, and halve that.":
            {"ratio(next) - ratio(now)": "ratio(now) - ratio(before)",
             "/ (ratio(now) - ratio(before)) / 2": "/ (ratio(next) - ratio(now))"},
        "`before` and `now` are swapped.":
            {"before: Tensor, now: Tensor": "now: Tensor, before: Tensor"},
        "`now` and `next` are swapped.": {"now: Tensor, next: Tensor": "next: Tensor, now: Tensor"},
        "The levels are taken in the order now, next, before.":
            {"before: Tensor, now: Tensor, next: Tensor": "now: Tensor, next: Tensor, before: Tensor"},
        "The levels are taken in the order next, before, now.":
            {"before: Tensor, now: Tensor, next: Tensor": "next: Tensor, before: Tensor, now: Tensor"},
        "You divide by both steps together: divide by the one before.":
            {"ratio(now) - ratio(before)": "ratio(next) - ratio(before)"},
        "What you divide goes from `before` to `next`: the step to come begins at `now`.":
            {"ratio(next) - ratio(now)": "ratio(next) - ratio(before)"},
        "The two steps are multiplied: divide one by the other.": {") / (ratio(now)": ") * (ratio(now)"},
        "The step before is missing: divide by it.": {" / (ratio(now) - ratio(before))": ""},
        "The step to come is missing: multiply by it.": {"(ratio(next) - ratio(now))": "1"},
        "The middle of the step is taken in the level: take it in the logarithm.": {
            "(ratio(next) - ratio(now)) / (ratio(now) - ratio(before)) / 2":
                "(ratio((now + next) / 2) - ratio(now)) / (ratio(now) - ratio(before))",
        },
        "The step before is measured by the level, and the step to come by the logarithm: measure both by the logarithm.":
            {"(ratio(now) - ratio(before))": "(before - now)"},
        "The step before is measured by the logarithm, and the step to come by the level: measure both by the logarithm.":
            {"(ratio(next) - ratio(now))": "(now - next)"},
        "The stretch is always 1.5: that is right only where both steps are equally long, in the logarithm.": (
            {"1 + (ratio(next) - ratio(now)) / (ratio(now) - ratio(before)) / 2": "torch.full_like(now, 1.5)"},
            {"ratio(now) - ratio(before)": "ratio(next) - ratio(now)"},
        ),
        "The stretch is always 2, as in chapter 4: here, it follows from the levels.":
            {"1 + (ratio(next) - ratio(now)) / (ratio(now) - ratio(before)) / 2": "torch.full_like(now, 2)"},
        "The stretch is always 1: the guess should be pushed on.":
            {"1 + (ratio(next) - ratio(now)) / (ratio(now) - ratio(before)) / 2": "torch.ones_like(now)"},
        "Where `before` is 1, infinity minus infinity gives nan: the step to come should not depend on `before`.": (
            {"ratio(next) - ratio(now)": "(ratio(next) - ratio(before)) - (ratio(now) - ratio(before))"},
            {"ratio(next) - ratio(now)": "(ratio(next) - ratio(before)) + (ratio(before) - ratio(now))"},
            {"1 + (ratio(next) - ratio(now)) / (ratio(now) - ratio(before)) / 2":
                 "0.5 + (ratio(next) - ratio(before)) / (ratio(now) - ratio(before)) / 2"},
            {"1 + (ratio(next) - ratio(now)) / (ratio(now) - ratio(before)) / 2":
                 "((ratio(now) + ratio(next)) / 2 - ratio(before)) / (ratio(now) - ratio(before))"},
        ),
        "Levels are kept away from 1, by a clamp or by adding a small number, so the stretch is not 1 where `before` is 1: let the "
        "logarithm be infinite.": (
            {"(1 - level) / level": "(1 - level + 1e-6) / level"},
            {"(1 - level) / level": "(1 - level).clamp(min=1e-6) / level"},
            {"(1 - level) / level": "(1 - level + 1e-8) / (level + 1e-8)"},
            {"(1 - level) / level": "(1 - level.clamp(max=0.999)) / level.clamp(max=0.999)"},
            {"torch.log((1 - level) / level)": "torch.logit(1 - level, eps=1e-6)"},
            {"torch.log((1 - level) / level)": "torch.log((1 - level) / level).clamp(-10, 10)"},
        ),
        "Where `before` is 1, the stretch is 1.5: it should be 1.":
            {"1 + (ratio(next)": "torch.where(before < 1, 1 + (ratio(next)", " / 2": " / 2, 1.5)"},
        "Where `before` is 1, the stretch is 0: it should be 1, which takes the guess as it is.":
            {"1 + (ratio(next)": "torch.where(before < 1, 1 + (ratio(next)", " / 2": " / 2, 0.0)"},
        "As soon as one `before` is 1, all get a stretch of 1: decide for each.": (
            {"return 1 + (": "if (before == 1).any():\n        return torch.ones_like(now)\n    return 1 + ("},
            {"return 1 + (": "if before.max() >= 1:\n        return torch.ones_like(now)\n    return 1 + ("},
        ),
        "`if` wants a single True or False, and there may be many levels: leave it out, for the logarithm may be infinite.": (
            {"return 1 + (": "if before == 1:\n        return torch.ones_like(now)\n    return 1 + ("},
            {"return torch.log(": "if level == 1:\n            return -torch.inf\n        return torch.log("},
        ),
        "The stretch is cut off at 2: it may well be more.":
            {"return 1 + (ratio(next)": "return (1 + (ratio(next)", " / 2": " / 2).clamp(max=2)"},
        "The stretch is never below 1.5: where the step before was longer, it should be.":
            {"return 1 + (ratio(next)": "return (1 + (ratio(next)", " / 2": " / 2).clamp(min=1.5)"},
        "`//` cuts off what comes after the point: divide with `/`.": {"/ 2": "// 2"},
        "There is only one number: give one for each level.": (
            {"return 1 + (ratio(next)": "return (1 + (ratio(next)", " / 2": " / 2).mean()"},
            {"return 1 + (ratio(next)": "return (1 + (ratio(next)", " / 2": " / 2).mean().item()"},
        ),
        "All get the first one's stretch: give each its own.":
            {"return 1 + (ratio(next)": "return (1 + (ratio(next)", " / 2": " / 2).flatten()[:1].expand(now.numel()).view(now.shape)"},
        "The shape is lost: the result should have that of the levels.":
            {"return 1 + (ratio(next)": "return (1 + (ratio(next)", " / 2": " / 2).flatten()"},
        "`ratio` returns nothing: is its `return` missing?": {"return torch.log": "torch.log"},
        "Nothing is returned: is the `return` missing?": {"return 1 + (": "1 + ("},
    },
)  # fmt: skip
def stretch_of(answer) -> Claims:
    def claim(
        says: str, start: Tensor, before: Tensor, to_come: Tensor, clue: str, over: Tensor | None = None
    ) -> Claim:
        """From logarithms, and how long the two steps are in them: so it is known what the stretch should be."""
        levels = [torch.sigmoid(-log) for log in (start - before, start, start + to_come)]
        result, right, see = answer(*levels), 1 + to_come / before / 2, None
        if right.ndim == 0:
            right = right.item()
        elif isinstance(result, Tensor) and not result.isfinite().all():
            wrong = f"{int((~result.isfinite()).sum())} of {result.numel()} that are infinite or nan"
            return Claim(says, yours=wrong, expected="numbers", clue=clue)
        elif isinstance(result, Tensor):
            x, across = (
                (levels[1], "level now") if over is None else (over, "step to come / step before, in the logarithm")
            )
            see = Curve(right.flatten(), result.flatten(), x=x.flatten(), across=across, up="stretch")
        return Claim(says, yours=result, expected=right, tolerance=1e-3, figure=see, clue=clue)

    def uniform(low: float, high: float, *sides: int) -> Tensor:
        return low + (high - low) * torch.rand(sides)

    count = between(7, 12)
    start, before = uniform(-1.5, 1, count), uniform(0.4, 1.4, count)
    clue = "Equally long steps give different stretches at different levels: how is their length measured?"
    even = claim("Where the logarithm rises evenly, the stretch is 1.5.", start, before, before, clue)
    if isinstance(even.yours, Tensor) and even.yours.std() < 1e-3:
        even.clue = "The steps are measured correctly. Look at how the stretch is worked out from the two."
    yield even
    to_come = before * uniform(0.3, 2.6, count)
    says = "If the guess changes evenly with the logarithm, it is pushed on to its value in the middle of the step to come."
    clue = "The stretch should follow from how long the two steps are, in the logarithm."
    yield claim(says, start, before, to_come, clue, to_come / before)
    # From level 1, where the logarithm is infinite: everywhere, and among others.
    infinite, clue = torch.full_like(before, torch.inf), "Away from level 1 all was right."
    yield claim("Where the level before was 1, the stretch is 1.", start, infinite, to_come, clue)
    some = torch.where(torch.arange(count) % 3 == 1, infinite, before)
    yield claim("Where it was 1 for some, it is 1 for those, and for no others.", start, some, to_come, clue)
    # Other shapes, and a single number.
    for sides in ((between(2, 4), 1, 1, 1), (3, between(4, 6)), (1,), ()):
        shape = f"in the shape {sides}" if sides else "as single numbers"
        start, before, to_come = uniform(-1, 1, *sides), uniform(0.5, 1.2, *sides), uniform(0.3, 1.6, *sides)
        clue = "With levels in a row all was right: does your code depend on their shape?"
        yield claim(f"Levels may come {shape}.", start, before, to_come, clue)
    # Near both ends, with short steps and long ones.
    start = torch.linspace(-7, 6, any_size(13, 99)).double()
    clue = "In the middle all was right, and near the ends, or with other steps, it is not: is a limit hard-coded?"
    for length in (0.2, 1.5, 6.0):
        says = f"Near levels 0 and 1, too, a step {length:g} times as long as the one before has the right stretch."
        before = uniform(0.1, 0.5, len(start)).double()
        yield claim(says, start, before, length * before, clue)


@check_of(
    lesson.heun,
    hints=(
        "One step of Euler's method is `noisy + (next - now) * velocity`. Take it, and ask the denoiser again about what comes out, at "
        "level `next`. Then begin anew at `noisy`, with the mean of both velocities. `velocity_of` makes a velocity of a guess.",
        "The velocity there is `velocity_of(there, denoiser(there, next), next)`: all three are about the same place. At `next` 0 it "
        "would divide by 0, so return `there` before you ask, if `(next == 0).all()`.",
    ),
    notice="The first step is thrown away; only what was seen at its end is kept. And at level 0 nothing is averaged: a drawing's last step "
    "is always one of Euler's, which ends at the guess.",
    mistakes={
        "The second question tells the denoiser `now`: the pictures there are at level `next`.":
            {"denoiser(there, next), next)": "denoiser(there, now), next)"},
        "The second velocity is divided by `now`: there, the level is `next`.":
            {"denoiser(there, next), next)": "denoiser(there, next), now)"},
        "The second velocity is worked out as if it were at `now`: there, the level is `next`, for the denoiser and for the velocity.":
            {"denoiser(there, next), next)": "denoiser(there, now), now)"},
        "The second question is about the pictures as they came: ask about those at the end of the step.":
            {"denoiser(there, next), next)": "denoiser(noisy, next), next)"},
        "The second question is about the pictures as they came, and so is its velocity: ask at the end of the step.":
            {"velocity_of(there, denoiser(there, next), next)": "velocity_of(noisy, denoiser(noisy, next), next)"},
        "The second velocity leads from the pictures as they came: it should lead from the end of the step.":
            {"velocity_of(there,": "velocity_of(noisy,"},
        "The same question is asked twice: ask the second at the end of the step, at level `next`.":
            {"velocity_of(there, denoiser(there, next), next)": "velocity_of(noisy, denoiser(noisy, now), now)"},
        "You take the mean of the two guesses: take that of the two velocities.": {
            "velocity = velocity_of(noisy, denoiser(noisy, now), now)":
                "guess = denoiser(noisy, now)\n    velocity = velocity_of(noisy, guess, now)",
            "(velocity + velocity_of(there, denoiser(there, next), next)) / 2":
                "velocity_of(noisy, (guess + denoiser(there, next)) / 2, now)",
        },
        "The second guess takes the first one's place, in a step from `now`: take the mean of the two velocities.":
            {"(velocity + velocity_of(there, denoiser(there, next), next)) / 2": "velocity_of(noisy, denoiser(there, next), now)"},
        "The velocities are added, or a second step is taken from where the first one led: begin anew, with the mean of both.": (
            {" / 2": ""},
            {"(velocity + velocity_of(there, denoiser(there, next), next)) / 2": "velocity_of(there, denoiser(there, next), next)",
             "return noisy": "return there"},
        ),
        "The first velocity counts whole, and the second by half: is a bracket missing?": (
            {"(velocity + velocity_of": "velocity + velocity_of", "next)) / 2": "next) / 2"},
            {"return noisy": "return (noisy + there) / 2"},
        ),
        "The second velocity counts whole, and the first by half: halve both.":
            {"(velocity + velocity_of(there, denoiser(there, next), next)) / 2":
                 "velocity / 2 + velocity_of(there, denoiser(there, next), next)"},
        "The mean is halved again: halve once.": ({" / 2": " / 4"}, {"return noisy + (next - now)": "return noisy + (next - now) / 2"}),
        "The two velocities do not count alike: take half of each.": (
            {"(velocity + velocity_of(there, denoiser(there, next), next)) / 2":
                 "velocity / 3 + velocity_of(there, denoiser(there, next), next) * 2 / 3"},
            {"(velocity + velocity_of(there, denoiser(there, next), next)) / 2":
                 "velocity / 4 + velocity_of(there, denoiser(there, next), next) * 3 / 4"},
            {"(velocity + velocity_of(there, denoiser(there, next), next)) / 2":
                 "velocity * 2 / 3 + velocity_of(there, denoiser(there, next), next) / 3"},
            {"(velocity + velocity_of(there, denoiser(there, next), next)) / 2":
                 "(next * velocity + now * velocity_of(there, denoiser(there, next), next)) / (now + next)"},
        ),
        "The first velocity is forgotten: take the mean of both.":
            {"(velocity + velocity_of(there, denoiser(there, next), next)) / 2": "velocity_of(there, denoiser(there, next), next)"},
        "The second velocity is pushed on from the first, as guesses are stretched: take the mean of both.":
            {"(velocity + velocity_of(there, denoiser(there, next), next)) / 2":
                 "2 * velocity_of(there, denoiser(there, next), next) - velocity"},
        "The second velocity is subtracted from the first, or has the wrong sign: take the mean of both.":
            ({"(velocity + velocity_of": "(velocity - velocity_of"},
             {"velocity_of(there, denoiser(there, next), next)": "velocity_of(denoiser(there, next), there, next)"}),
        "It asks only once, and takes a step of Euler's method: ask again at the end of the step.": (
            {"if (next == 0).all():\n        return there": "return there"},
            {"velocity = (velocity + velocity_of(there, denoiser(there, next), next)) / 2": "pass"},
            {"velocity = velocity_of(noisy, denoiser(noisy, now), now)":
                 "guess = denoiser(noisy, now)\n    velocity = velocity_of(noisy, guess, now)",
             "denoiser(there, next)": "guess"},
        ),
        "It asks twice, but what the second answer says is not used: put it into the mean.":
            ({"return noisy + (next - now) * velocity": "return there"},
             {"velocity = (velocity +": "second = (velocity +"}),
        "The second step starts where the first one led: start again from the pictures that came in.":
            {"return noisy": "return there"},
        "The steps go the wrong way: next - now is below 0, and the velocity leads to the noise.": (
            {"there = noisy + (next - now)": "there = noisy + (now - next)", "return noisy + (next - now)": "return noisy + (now - next)"},
            {"there = noisy +": "there = noisy -", "return noisy +": "return noisy -"},
            {"velocity_of(noisy, denoiser(noisy, now), now)": "velocity_of(denoiser(noisy, now), noisy, now)",
             "velocity_of(there, denoiser(there, next), next)": "velocity_of(denoiser(there, next), there, next)"},
        ),
        "The first step goes the wrong way: next - now is below 0, and the velocity leads to the noise.":
            ({"there = noisy + (next - now)": "there = noisy + (now - next)"}, {"there = noisy +": "there = noisy -"}),
        "The step with the mean goes the wrong way: next - now is below 0, and the velocity leads to the noise.":
            ({"return noisy + (next - now)": "return noisy + (now - next)"}, {"return noisy +": "return noisy -"}),
        "The steps have length 1: they should be next - now long.":
            {"there = noisy + (next - now) * velocity": "there = noisy + velocity",
             "return noisy + (next - now) * velocity": "return noisy + velocity"},
        "The steps have length 1, and go the wrong way: they should be next - now long.":
            {"there = noisy + (next - now) * velocity": "there = noisy - velocity",
             "return noisy + (next - now) * velocity": "return noisy - velocity"},
        "The steps have the length `next`: they go from `now` to there.":
            {"there = noisy + (next - now)": "there = noisy + next", "return noisy + (next - now)": "return noisy + next"},
        "The steps have the length next / now: that is for mixing guesses in. Along a velocity it is next - now.":
            {"there = noisy + (next - now)": "there = noisy + (next / now)", "return noisy + (next - now)": "return noisy + (next / now)"},
        "The steps are divided by `now`, as the velocities already are: once is enough.":
            {"there = noisy + (next - now)": "there = noisy + (next - now) / now",
             "return noisy + (next - now)": "return noisy + (next - now) / now"},
        "The velocities are not divided by their levels: use `velocity_of`.":
            {"velocity_of(noisy, denoiser(noisy, now), now)": "noisy - denoiser(noisy, now)",
             "velocity_of(there, denoiser(there, next), next)": "there - denoiser(there, next)"},
        "The velocities are divided by 1 - level: use `velocity_of`.":
            {"velocity_of(noisy, denoiser(noisy, now), now)": "(noisy - denoiser(noisy, now)) / (1 - now)",
             "velocity_of(there, denoiser(there, next), next)": "(there - denoiser(there, next)) / (1 - next)"},
        "The second velocity is not divided by its level: use `velocity_of`.":
            {"velocity_of(there, denoiser(there, next), next)": "there - denoiser(there, next)"},
        "The guesses are taken for velocities: `velocity_of` makes one of a guess.":
            {"velocity_of(noisy, denoiser(noisy, now), now)": "denoiser(noisy, now)",
             "velocity_of(there, denoiser(there, next), next)": "denoiser(there, next)"},
        "The second guess is taken for a velocity: `velocity_of` makes one of it.":
            {"velocity_of(there, denoiser(there, next), next)": "denoiser(there, next)"},
        "The noise is taken for the velocity: that is the noise minus the clean picture.":
            {"velocity_of(noisy": "noise_of(noisy", "velocity_of(there": "noise_of(there"},
        "The first question tells the denoiser `next`: the pictures are at level `now`.":
            {"denoiser(noisy, now)": "denoiser(noisy, next)"},
        "The first velocity is divided by `next`: the pictures are at level `now`.": {", now), now)": ", now), next)"},
        "`now` and `next` are swapped.": {"now: Tensor, next: Tensor": "next: Tensor, now: Tensor"},
        "The denoiser is told 1 - level: tell it the level.":
            {"denoiser(noisy, now)": "denoiser(noisy, 1 - now)", "denoiser(there, next)": "denoiser(there, 1 - next)"},
        "This is the midpoint method, which looks once more half way: Heun's looks at the end of the step, and takes the mean.": {
            "there = noisy + (next - now) * velocity": "there = noisy + (next - now) / 2 * velocity",
            "return there": "return noisy + (next - now) * velocity",
            "(velocity + velocity_of(there, denoiser(there, next), next)) / 2":
                "velocity_of(there, denoiser(there, (now + next) / 2), (now + next) / 2)",
        },
        "The second question is asked half way: ask it at the end of the step.": (
            {"there = noisy + (next - now) * velocity": "there = noisy + (next - now) / 2 * velocity",
             "return there": "return noisy + (next - now) * velocity",
             "velocity_of(there, denoiser(there, next), next)": "velocity_of(there, denoiser(there, (now + next) / 2), (now + next) / 2)"},
            {"there = noisy + (next - now) * velocity": "there = noisy + (next - now) / 2 * velocity",
             "return there\n": "return noisy + (next - now) * velocity\n",
             "velocity = (velocity + velocity_of(there, denoiser(there, next), next)) / 2":
                 "half = (now + next) / 2\n    return there + (next - half) * velocity_of(there, denoiser(there, half), half)"},
        ),
        "The first step leads only half way, and the second question tells `next`: go all the way.":
            {"there = noisy + (next - now)": "there = noisy + (next - now) / 2",
             "return there": "return noisy + (next - now) * velocity"},
        "It asks three times: keep the first guess, or its velocity, instead of asking again.":
            {"(velocity + velocity_of": "(velocity_of(noisy, denoiser(noisy, now), now) + velocity_of"},
        "It looks at the end of the step twice, and so asks three times: once is enough.":
            {"return noisy": "there = noisy + (next - now) * velocity\n"
                 "    velocity = (velocity_of(noisy, denoiser(noisy, now), now) + velocity_of(there, denoiser(there, next), next)) / 2\n"
                 "    return noisy"},
        "At `next` 0 it asks again, where a velocity is divided by 0: return where the first step leads.": (
            {"if (next == 0).all():": "if False:"},
            {"if (next == 0).all():": "if (now == 0).all():"},
            {"if (next == 0).all():": "if (next < 0).all():"},
            {"if (next == 0).all():": "if (next == 1).all():"},
            {"        return there": "        there"},
        ),
        "At `next` 0 it asks again, and divides by a small number instead of 0: return where the first step leads.": (
            {"if (next == 0).all():\n        return there": "", "denoiser(there, next), next)": "denoiser(there, next), next + 1e-8)"},
            {"if (next == 0).all():\n        return there": "",
             "denoiser(there, next), next)": "denoiser(there, next), next.clamp(min=1e-3))"},
            {"if (next == 0).all():\n        return there": "next = next.clamp(min=1e-4)"},
        ),
        "At `next` 0 it asks twice, where one question is enough: return before the second.":
            {"if (next == 0).all():\n        return there": "", "return noisy + (next - now) * velocity":
                 "return torch.where(next == 0, there, noisy + (next - now) * velocity)"},
        "At `next` 0 the pictures come back as they came: take the first step all the same.": {"return there": "return noisy"},
        "At `next` 0 the velocity is returned: take the first step all the same.": {"return there": "return velocity"},
        "At `next` 0 it comes out black: return where the first step leads, which is the guess.": {"return there": "return 0 * there"},
        "At low levels it asks only once: only at `next` 0 is one question enough.": (
            {"(next == 0).all()": "(next < 0.1).all()"},
            {"(next == 0).all()": "next.max() < 0.05"},
            {"(next == 0).all()": "(next <= 1e-2).all()"},
        ),
        "`if` wants a single True or False, and there is a level for each picture: use `.all()`.": {"(next == 0).all()": "next == 0"},
        "All pictures are taken to be as noisy as the first: `now` has a level for each.": (
            {"velocity = velocity_of(noisy": "now = now[:1].expand_as(now)\n    velocity = velocity_of(noisy"},
            {"velocity = velocity_of(noisy": "now = torch.full_like(now, now.flatten()[0])\n    velocity = velocity_of(noisy"},
        ),
        "All pictures are taken to be as noisy as their mean: `now` has a level for each.":
            {"velocity = velocity_of(noisy": "now = now.mean().expand_as(now)\n    velocity = velocity_of(noisy"},
        "The denoiser is told a bare number: it wants a level for each picture, (batch, 1, 1, 1).": (
            {"denoiser(noisy, now)": "denoiser(noisy, now.flatten()[0])", "denoiser(there, next)": "denoiser(there, next.flatten()[0])"},
            {"denoiser(there, next)": "denoiser(there, next.flatten()[0])"},
        ),
        "The levels that the denoiser is told are flat: it wants the shape (batch, 1, 1, 1).": (
            {"denoiser(noisy, now)": "denoiser(noisy, now.flatten())", "denoiser(there, next)": "denoiser(there, next.flatten())"},
            {"denoiser(there, next)": "denoiser(there, next.flatten())"},
        ),
        "The denoiser is told one level for the batch: it wants one for each picture, (batch, 1, 1, 1).": (
            {"denoiser(noisy, now)": "denoiser(noisy, now[:1])", "denoiser(there, next)": "denoiser(there, next[:1])"},
            {"denoiser(there, next)": "denoiser(there, next[:1])"},
        ),
        "The result is clamped: a sampler clamps once, at its end.":
            ({"return noisy + (next - now) * velocity": "return (noisy + (next - now) * velocity).clamp(0, 1)"},
             {"return there": "return there.clamp(0, 1)",
              "return noisy + (next - now) * velocity": "return (noisy + (next - now) * velocity).clamp(0, 1)"}),
        "The pictures at the end of the first step are clamped: they may well leave the range from 0 to 1.":
            {"there = noisy + (next - now) * velocity": "there = (noisy + (next - now) * velocity).clamp(0, 1)"},
        "The guesses are clamped: they may well leave the range from 0 to 1.": (
            {"denoiser(noisy, now)": "denoiser(noisy, now).clamp(0, 1)", "denoiser(there, next)": "denoiser(there, next).clamp(0, 1)"},
            {"denoiser(there, next)": "denoiser(there, next).clamp(0, 1)"},
        ),
        "Fresh noise comes into the second question: ask about the pictures at the end of the step.":
            {"denoiser(there, next)": "denoiser((1 - next) * there + next * torch.rand_like(there), next)"},
        "The velocity is returned: take the step with it.": {"return noisy + (next - now) * velocity": "return velocity"},
        "The second guess is returned: it is only for the second velocity.":
            {"return noisy + (next - now) * velocity": "return denoiser(there, next)",
             "velocity = (velocity + velocity_of(there, denoiser(there, next), next)) / 2": "pass"},
        "The pictures come back as they came.": {"return there": "return noisy", "return noisy + (next - now) * velocity": "return noisy"},
        "The pictures are missing: add the step to them.": {"return noisy + ": "return "},
        "Nothing is returned: is the `return` missing?": {"return noisy": "noisy"},
    },
)  # fmt: skip
def heun(answer) -> Claims:
    asked: list[tuple[Tensor, Tensor]] = []
    count, height, width = between(3, 6), between(17, 20), between(13, 16)
    target = pictures(count, height, width)

    def guess_at(noisy: Tensor, level: Tensor) -> Tensor:
        """Leaves the range from 0 to 1, and depends on all that it is told."""
        seen = target[: len(noisy)]
        return 0.6 * seen + 0.4 * noisy.roll(1, dims=3) + (seen - 0.4) * (0.3 + 6 * level * (1 - level)) - 0.1 * level

    def denoiser(noisy: Tensor, level: Tensor) -> Tensor:
        level = torch.as_tensor(level)
        asked.append((noisy.detach().clone(), level.detach().clone()))
        return guess_at(noisy, level if level.ndim == 4 else level.reshape(-1, 1, 1, 1))

    def by_hand(noisy: Tensor, now: Tensor, next: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor], Tensor]:
        """Where the first step leads, by chapter 4's way to get there, both velocities, and where the step ends."""
        guess = guess_at(noisy, now)
        there = step(noisy, guess, now, next)
        velocities = (noisy - guess) / now, (there - guess_at(there, next)) / next
        return there, velocities, noisy + (next - now) * sum(velocities) / 2

    noisy, different = torch.rand(count, 3, height, width), (torch.randperm(count) + torch.rand(count)) / count
    middle, low = ((torch.rand(()) * 0.1 + start).item() for start in (0.35, 0.15))
    several, same = (0.6 + 0.35 * different).view(-1, 1, 1, 1), torch.full((count, 1, 1, 1), middle)
    for now, next, path in (
        (several, same, f"From several levels to {middle:.2f}"),
        (same, torch.full_like(same, low), f"From level {middle:.2f} to {low:.2f}"),
        (torch.ones_like(same), same, f"From level 1 to {middle:.2f}"),
        (same, torch.full_like(same, 0.005), f"From level {middle:.2f} to 0.005"),
    ):
        there, velocities, expected = by_hand(noisy, now, next)
        asked.clear()
        result = answer(denoiser, noisy, now, next)
        questions = list(asked)
        clue = f"{path}, it should ask the denoiser twice; yours asks {len(questions)} times."
        yield Claim(f"{path}, it asks twice.", yours=len(questions), expected=2, clue=clue)
        shapes = ", ".join(sorted({str(tuple(level.shape)) for _, level in questions})) or "never asked"
        says = "The denoiser is told one level per picture, in the shape (batch, 1, 1, 1)."
        yield Claim(says, yours=shapes, expected=f"({count}, 1, 1, 1)")
        for which, (yours, level), right, true in zip(
            ("first", "second"), questions, (noisy, there), (now, next), strict=False
        ):
            level, true = level.flatten().expand(count), true.flatten()
            says = f"{path}, the {which} question tells the level that its pictures are at."
            yield Claim(says, yours=level, expected=true, figure=Curve(true, level, across="picture", up="level told"))
            where = "as they came" if right is noisy else "where the first step leads"
            says = f"{path}, the {which} question is about the pictures {where}."
            clue = f"The {which} question is about other pictures than it should be."
            yield Claim(says, yours=yours, expected=right, figure=Pictures, clue=clue)
        says = "Pictures come out, in the shape of those that came in."
        yield Claim(says, yours=result, expected=Shape(tuple(noisy.shape)))
        says = f"{path}, it steps from where the pictures are, with the mean of both velocities."
        clue = "The questions are right. Look at how the step is taken with the answers."
        alike = isinstance(result, Tensor) and result.shape == noisy.shape
        if alike and (mixed := shares((result - noisy) / (next - now), *velocities)):
            clue = "It should take half of each velocity; yours takes {:.2f} of the first and {:.2f} of the second.".format(
                *mixed
            )
        yield Claim(says, yours=result, expected=expected, tolerance=1e-3, figure=Pictures, clue=clue)
    # Down to level 0.
    for now, path in ((several, "From several levels to 0"), (same, f"From level {middle:.2f} to 0")):
        asked.clear()
        result = answer(denoiser, noisy, now, torch.zeros_like(now))
        says = f"{path}, it comes out at the guess."
        yield Claim(says, yours=result, expected=guess_at(noisy, now), figure=Pictures)
        clue = f"{path}, one question is enough; yours asks {len(asked)} times."
        yield Claim(f"{path}, it asks once.", yours=len(asked), expected=1, clue=clue)
    # If the guess is always true, all lies on a straight line.
    noise = torch.rand_like(noisy)
    result = answer(lambda noisy, level: target.clone(), mix(target, noise, several), several, same)
    says = "With the true picture as guess, it is as if `mix` had mixed at the next level."
    yield Claim(says, yours=result, expected=mix(target, noise, same), figure=Pictures)
    # Where pixels are Gaussian, as the noise is, all is known: each keeps its place among the others on the way.
    centre, width_of = 0.2 + 0.2 * torch.rand(()).item(), 0.15 + 0.1 * torch.rand(()).item()

    def spread(level: Tensor) -> Tensor:
        return ((1 - level) ** 2 * width_of**2 + level**2 / 12).sqrt()

    def at(level: Tensor) -> Tensor:
        return (1 - level) * centre + level / 2

    def best(noisy: Tensor, level: Tensor) -> Tensor:
        return centre + (1 - level) * width_of**2 / spread(level) ** 2 * (noisy - at(level))

    place, errors = 1 + torch.rand(1, 3, 2, 2).double(), []
    for steps in (8, 16):
        levels = torch.linspace(0.9, 0.3, steps + 1).double().view(-1, 1, 1, 1, 1)
        path = [at(levels[0]) + place * spread(levels[0])]
        for now, next in pairwise(levels):
            path.append(answer(best, path[-1], now, next))
        right, yours = (at(levels) + place * spread(levels))[:, 0, 0, 0, 0], torch.stack(path)[:, 0, 0, 0, 0]
        see = Curve(right, yours, x=levels.flatten(), across="level", up="a pixel")
        says = f"Where the exact path is known, {steps} steps stay near to it."
        yield Claim(says, yours=yours, expected=right, tolerance=3e-3, figure=see)
        errors.append(((path[-1] - at(levels[-1])) / spread(levels[-1]) - place).abs().mean().item())
    says = "With twice as many steps, only about a quarter of the error is left: it is of second order."
    yield Claim(says, yours=errors[0] / max(errors[1], 1e-12), expected=4.0, tolerance=0.6)
    # One large picture and many small ones.
    clue = "With a few pictures all was right, and with one or many it is not: is a number or a limit hard-coded?"
    for kind, sides in (("one large picture", (1, 3, any_size(41, 64), 20)), ("many", (any_size(16, 64), 3, 8, 8))):
        target, noisy = 3 * torch.rand(2, *sides) - 1
        now = 0.5 + 0.5 * torch.rand(sides[0], 1, 1, 1)
        next = (0.05 + 0.4 * torch.rand(())).expand(now.shape)
        *_, expected = by_hand(noisy, now, next)
        result = answer(denoiser, noisy, now, next)
        says = f"Of {kind}, all come out right."
        yield Claim(says, yours=result, expected=expected, tolerance=1e-3, figure=Pictures, clue=clue)
