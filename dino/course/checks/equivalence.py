"""Checks for chapter 9."""

from collections.abc import Iterator

import torch
from torch import Tensor

from dino import equivalence as lesson
from dino.course.checks.claims import Claim, Claims, Curve, Pictures, Shape, check_of, how_many
from dino.course.checks.inputs import any_size, between, pictures, shares, spread_levels
from dino.noise import mix


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
    notice="A mistake in the guess is one in the noise, `(1 - level) / level` times as large: little at high levels, and without "
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
        "The guess is scaled by 1 + level: its share is 1 - level.": {"(1 - level)": "(1 + level)"},
        "The difference is the wrong way round: take the guess away from the noisy picture.": (
            {"(noisy - (1 - level) * guess)": "((1 - level) * guess - noisy)"},
            {"(noisy - (1 - level) * guess) / level": "-(noisy - (1 - level) * guess) / level"},
        ),
        "The difference is the wrong way round, and the whole guess is in it: take its share away from the noisy picture.":
            {"(noisy - (1 - level) * guess)": "(guess - noisy)"},
        "`noisy` and `guess` are in each other's place.": {"noisy - (1 - level) * guess": "guess - (1 - level) * noisy"},
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
        "The guess's share is squared: it is 1 - level.": {"(1 - level)": "(1 - level) ** 2"},
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
        "The level has a lower limit: divide by it as it is, for level 0 does not come.": (
            {"/ level": "/ level.clamp(min=0.02)"},
            {"/ level": "/ level.clamp(min=0.05)"},
            {"return": "level = level.clamp(min=0.02); return"},
        ),
        "A number is added to the level, lest it be 0: that does not come, and at low levels the number is too large.":
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
    clue = "With few pictures all was right, and with others it is not: is a number or a limit built in?"
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
        "It is right but at level 1: there nothing is left of the way to the noise, and 0 is divided by 0. Go from the guess.":
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
        "The level has a lower limit: divide by it as it is, for level 0 does not come.":
            ({"/ level": "/ level.clamp(min=0.02)"}, {"/ level": "/ level.clamp(min=0.05)"}),
        "A number is added to the level, lest it be 0: that does not come, and at low levels the number is too large.":
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
    clue = "With few pictures all was right, and with others it is not: is a number or a limit built in?"
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
        "The shares are added without being squared, and that is 1, so nothing changes: add up their squares.": (
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
        "You divide by the root of the picture's share and of the noise's, added up: divide by the root of the sum of their squares.":
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
        "The pictures are right but where nothing of the clean one is left: there 0 is divided by 0.": (
            {"noisy / size": "noisy / (1 - level) * ((1 - level) / size)"},
            {"noisy / size": "noisy * (((1 - level) / size) / (1 - level))"},
        ),
        "The pictures are right but where there is no noise: there 0 is divided by 0.": (
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
        "Alpha bar is not divided by the size: it is the square of the share that the clean picture has afterwards.":
            {"((1 - level) / size)": "(1 - level)"},
        "Alpha bar is the share itself: square it.": {"((1 - level) / size) ** 2": "(1 - level) / size"},
        "Alpha bar is the root of the share: square it.": {"((1 - level) / size) ** 2": "((1 - level) / size) ** 0.5"},
        "Alpha bar is 1 - level: it is the square of the share that the clean picture has when all is divided by the size.":
            {"((1 - level) / size) ** 2": "1 - level"},
        "Alpha bar is the noise's: it is 1 for clean pictures, and 0 for noise.": (
            {"((1 - level) / size) ** 2": "(level / size) ** 2"},
            {"((1 - level) / size) ** 2": "1 - ((1 - level) / size) ** 2"},
        ),
        "Alpha bar is the noise's share, and not squared: it is the square of the clean picture's.":
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
        "Alpha bar is the ratio of picture to noise: it is the square of the picture's share.": (
            {"((1 - level) / size) ** 2": "((1 - level) / level) ** 2"},
            {"((1 - level) / size) ** 2": "(1 - level) / level"},
        ),
        "Alpha bar is right but where there is no noise: there it is infinity divided by infinity.":
            {"((1 - level) / size) ** 2": "((1 - level) / level) ** 2 / (1 + ((1 - level) / level) ** 2)"},
        "Alpha bar is multiplied up over the batch, as over the timesteps of a schedule: here it follows from each level alone.":
            ({"((1 - level) / size) ** 2": "torch.cumprod(((1 - level) / size) ** 2, dim=0)"},
             {"((1 - level) / size) ** 2": "torch.cumprod(1 - level, dim=0)"}),
        "Alpha bar is that of the cosine schedule: it follows from the share that the clean picture has.":
            {"((1 - level) / size) ** 2": "torch.cos(level * torch.pi / 2) ** 2"},
        "Alpha bar is the size, or its square: it is the square of the clean picture's share.":
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
        "Alpha bar comes out for each pixel: there is one for each picture.": {"/ size) ** 2": "/ size).expand_as(noisy) ** 2"},
        "One alpha bar comes out for the whole batch: there is one for each picture.":
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
    clue = "With few pictures all was right, and with others it is not: is a number or a limit built in?"
    for kind, clean, noise, level in batches():
        scaled, bar = answer(mix(clean, noise, level), level)
        expected = right(level)[0] * clean + right(level)[1] * noise
        says = f"Picture and noise have their shares: {kind}."
        yield Claim(says, yours=scaled, expected=expected, tolerance=1e-3, figure=Pictures, clue=clue)
        yield about_bar(f"Alpha bar is the square of the clean picture's share: {kind}.", bar, level, clue)
