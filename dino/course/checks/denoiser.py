"""Checks for chapter 2."""

import torch
import torch.nn.functional as F
from torch import nn

from dino import denoiser as lesson
from dino.course.checks import pictures, same_weights, spread_levels
from dino.course.claims import Claim, Claims, check_of
from dino.noise import mix


def possible(noisy, level, images):
    """Which images can have become the noisy one."""
    rest = noisy - (1 - level) * images
    return ((rest > -1e-6) & (rest < level + 1e-6)).flatten(1).all(dim=1)


def nearest(noisy, level, images):
    distance = ((noisy - (1 - level) * images - level / 2) ** 2).flatten(1).sum(dim=1)
    return images[distance.argmin()]


def gaussian(noisy, level, images):
    distance = ((noisy - (1 - level) * images - level / 2) ** 2).flatten(1).sum(dim=1)
    return torch.tensordot(torch.softmax(-6 * distance / level**2, dim=0), images, dims=1)


@check_of(
    lesson.best_guess,
    hints=(
        "Take one of the images, times (1 - level), away from the noisy picture. What is left must be noise times level. "
        "Between which two numbers can that be?",
        "An image is possible if what is left lies between 0 and level in every pixel (leave a hair, 1e-6, for rounding). "
        "Pick those images with a mask, `images[mask]`, and take their mean over dim=0.",
    ),
    mistakes={
        "You return the single image that lies nearest: all that are possible are equally likely, so average them.": nearest,
        "You average all images, whether they are possible or not.": lambda noisy, level, images: images.mean(dim=0),
        "The images are weighted with a bell curve. Uniform noise knows only possible and impossible.": gaussian,
        "You compare with the images at full strength: in a noisy picture they are down to (1 - level).": (
            lambda noisy, level, images: images[
                ((noisy - images > -1e-6) & (noisy - images < level + 1e-6)).flatten(1).all(dim=1)
            ].mean(dim=0)
        ),
        "An image counts as possible when one pixel fits: every pixel has to.": (
            lambda noisy, level, images: images[
                ((noisy - (1 - level) * images > -1e-6) & (noisy - (1 - level) * images < level + 1e-6))
                .flatten(1)
                .any(dim=1)
            ].mean(dim=0)
        ),
        "What is left may be as large as level, not as large as 1: it is noise times level.": (
            lambda noisy, level, images: images[
                ((noisy - (1 - level) * images > -1e-6) & (noisy - (1 - level) * images < 1)).flatten(1).all(dim=1)
            ].mean(dim=0)
        ),
        "What is left cannot be below 0: check both ends.": (
            lambda noisy, level, images: images[
                (noisy - (1 - level) * images < level + 1e-6).flatten(1).all(dim=1)
            ].mean(dim=0)
        ),
        "You return the first possible image: all of them are equally likely, so average them.": (
            lambda noisy, level, images: images[possible(noisy, level, images)][0]
        ),
        "You return the sum of the possible images: divide it by how many they are.": (
            lambda noisy, level, images: images[possible(noisy, level, images)].sum(dim=0)
        ),
    },
)
def best_guess(answer) -> Claims:
    # Sixteen pictures of 2x3 pixels that differ in brightness most of all, so that noise rules out some of them, but
    # not all: brighter ones would leave less than 0, darker ones more than the level.
    brightness = torch.linspace(-0.3, 0.3, 16)[torch.randperm(16)]
    images = (0.5 + brightness.view(16, 1, 1, 1) + 0.05 * (torch.rand(16, 3, 2, 3) - 0.5)).contiguous()
    true = int(brightness.argsort()[8])
    noise = 0.02 + 0.96 * torch.rand(3, 2, 3)
    everything = images.mean(dim=0)
    yield Claim(
        "At level 1 every image is possible: the guess is the mean of all.", answer(noise, 1.0, images), everything
    )
    noisy = mix(images[true], noise, 0.05)
    yield Claim("At level 0.05 only the true image is left.", answer(noisy, 0.05, images), images[true])
    for level in (0.95, 0.9, 0.8, 0.6):
        noisy = mix(images[true], noise, level)
        # An image at the very border is decided by rounding: leave those out.
        edge = possible(noisy, level + 2e-4, images) != possible(noisy, level - 2e-4, images)
        rest = images[~edge | (torch.arange(16) == true)]
        expected = rest[possible(noisy, level, rest)].mean(dim=0)
        says = f"At level {level} the guess is the mean of the images that are possible."
        yield Claim(says, answer(noisy, level, rest), expected)
    images = pictures(12, 24, 20)
    noisy = mix(images[5], 0.001 + 0.998 * torch.rand(3, 24, 20), 0.5)
    says = "At level 0.5 a dinosaur is found again."
    yield Claim(says, answer(noisy, 0.5, images)[None], images[5][None], picture=True)


class PlainBlock(lesson.Block):
    """A block to vary."""

    def __init__(self, width, bias=False, first_bias=True):
        super().__init__(width)
        layers = lesson.conv(width, width, bias=first_bias), nn.ReLU(), lesson.conv(width, width, bias=bias)
        self.layers = nn.Sequential(*layers)


class NoResidual(lesson.Block):
    def forward(self, x):
        return self.layers(x)


class ReluAfter(lesson.Block):
    def forward(self, x):
        return F.relu(x + self.layers(x))


class ReluBefore(lesson.Block):
    def forward(self, x):
        return x + F.relu(self.layers(x))


class NoRelu(lesson.Block):
    def forward(self, x):
        return x + self.layers[2](self.layers[0](x))


class Multiplied(lesson.Block):
    def forward(self, x):
        return x * self.layers(x)


class Concatenated(lesson.Block):
    def forward(self, x):
        return torch.cat([x, self.layers(x)], dim=1)


class Listed(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = [lesson.conv(width, width), lesson.conv(width, width, bias=False)]

    def forward(self, x):
        return x + self.layers[1](F.relu(self.layers[0](x)))


class Shared(lesson.Block):
    def __init__(self, width):
        super().__init__(width)
        self.layers = nn.Sequential(lesson.conv(width, width), nn.ReLU())

    def forward(self, x):
        return x + self.layers[0](self.layers(x))


def sizes(module) -> str:
    """The shapes of all weights, as words that can be compared."""
    return ", ".join(sorted("x".join(map(str, weight.shape)) for weight in module.parameters())) or "no weights at all"


@check_of(
    lesson.Block,
    hints=(
        "In `__init__`, after `super().__init__()`, make the three layers: `conv`, `nn.ReLU` and a `conv` without bias; "
        "`nn.Sequential` keeps them together. What does `forward` do with their result?",
        "`forward` returns `x + self.layers(x)`: what the layers found is added to what came in.",
    ),
    mistakes={
        "The input is not added to the result: a block that has learnt nothing should hand its input on.": NoResidual,
        "There is a ReLU after the addition: it takes away whatever is negative.": ReluAfter,
        "There is a ReLU before the addition: the block can then only ever add.": ReluBefore,
        "The ReLU between the two convolutions is missing: two convolutions in a row are just one.": NoRelu,
        "The result is multiplied with the input: add the two.": Multiplied,
        "The result is put beside the input (`cat`): add the two.": Concatenated,
        "The layers are in a plain list, where torch does not see them, so they would never learn. Use `nn.Sequential`.": (
            Listed
        ),
        "The second convolution has a bias: `conv(width, width, bias=False)`.": lambda width: PlainBlock(
            width, bias=True
        ),
        "The first convolution has no bias.": lambda width: PlainBlock(width, first_bias=False),
        "One convolution is used twice: make two.": Shared,
    },
)
def block(answer) -> Claims:
    reference, yours = lesson.Block(6), answer(6)
    x = torch.randn(2, 6, 5, 7)
    result = yours(x)
    yield Claim("What comes out has the shape of what went in.", tuple(result.shape), tuple(x.shape))
    yield Claim("The weights are those of two 3x3 convolutions, the first with a bias.", sizes(yours), sizes(reference))
    for weight in yours.parameters():
        nn.init.zeros_(weight)
    yield Claim("With all weights at zero, the input goes through unchanged.", yours(x), x)
    same_weights(reference, yours, x)
    yield Claim("With the same weights, it gives what the lesson's block gives.", yours(x), reference(x))
    before = x.clone()
    yours(x)
    yield Claim("The input is still what it was before.", x, before)


def variant(forward):
    """A denoiser with another forward pass."""
    return type("Denoiser", (lesson.Denoiser,), {"forward": forward})


def level_of(noisy, level):
    return level.expand(-1, 1, *noisy.shape[2:])


def forward_with(
    level=level_of,
    beside=lambda noisy, level: torch.cat([noisy, level], dim=1),
    shrink=lambda x: F.avg_pool2d(x, 2),
    grow=lambda x: F.interpolate(x, scale_factor=2),
    keep=lambda before, after: before,
    take=lambda kept: kept.pop(),
    join=lambda x, kept: x + kept,
    last=lambda guess, noisy: guess,
):
    """The lesson's forward pass, with one part replaced."""

    def forward(self, noisy, told):
        x = self.enter(beside(noisy, level(noisy, told)))
        kept = []
        for stage in self.down:
            before, x = x, stage(shrink(x))
            kept.append(keep(before, x))
        for stage in self.up:
            x = join(grow(stage(x)), take(kept))
        return last(self.leave(x), noisy)

    return variant(forward)


@check_of(
    lesson.Denoiser,
    hints=(
        "Four moves. Put the level beside the three colours (`expand` it, then `torch.cat` along dim=1). On the way down, "
        "keep x and then halve it. On the way up, double it and add what you kept. At the end, `self.leave`.",
        "What was kept last is needed first: `kept.append(x)` before `stage(F.avg_pool2d(x, 2))`, and on the way up "
        "`F.interpolate(stage(x), scale_factor=2) + kept.pop()`.",
    ),
    mistakes={
        "The level is ignored: the guess is the same at every level.": forward_with(
            level=lambda noisy, level: torch.zeros_like(noisy[:, :1])
        ),
        "The level comes first: put it last, after the three colours.": forward_with(
            beside=lambda noisy, level: torch.cat([level, noisy], dim=1)
        ),
        "All pictures are told the level of the first.": forward_with(
            level=lambda noisy, level: level[:1].expand(len(noisy), 1, *noisy.shape[2:])
        ),
        "All pictures are told the average of the levels.": forward_with(
            level=lambda noisy, level: level.mean().expand(len(noisy), 1, *noisy.shape[2:])
        ),
        "The network is told (1 - level) instead of level.": forward_with(
            level=lambda noisy, level: level_of(noisy, 1 - level)
        ),
        "The level is not stretched over the picture: `expand` it to height and width before `cat`.": forward_with(
            level=lambda noisy, level: level
        ),
        "The kept pictures are missing on the way up: add `kept.pop()`, or all detail is lost.": forward_with(
            join=lambda x, kept: x
        ),
        "The kept pictures come back in the wrong order: what was kept last is needed first.": forward_with(
            take=lambda kept: kept.pop(0)
        ),
        "The pictures are kept after they were halved: keep them before.": forward_with(
            keep=lambda before, after: F.interpolate(F.avg_pool2d(before, 2), scale_factor=2)
        ),
        "What you keep is what comes out of the stage below: keep x before you halve it.": forward_with(
            keep=lambda before, after: after
        ),
        "The kept pictures are put beside x (`cat`): add them.": forward_with(
            join=lambda x, kept: torch.cat([x, kept], dim=1)
        ),
        "The pictures are halved with the maximum: take the average (`F.avg_pool2d`).": forward_with(
            shrink=lambda x: F.max_pool2d(x, 2)
        ),
        "The pictures are halved by leaving pixels out: take the average (`F.avg_pool2d`).": forward_with(
            shrink=lambda x: x[:, :, ::2, ::2]
        ),
        "The pictures are doubled smoothly (bilinear): repeat each pixel, which is what `F.interpolate` does by itself.": (
            forward_with(grow=lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"))
        ),
        "The guess goes through a ReLU at the end: leave it as it is.": forward_with(
            last=lambda guess, noisy: F.relu(guess)
        ),
        "The guess goes through a sigmoid at the end: leave it as it is.": forward_with(
            last=lambda guess, noisy: guess.sigmoid()
        ),
        "The guess is clamped: leave it as it is; the sampler clamps once, at its end.": forward_with(
            last=lambda guess, noisy: guess.clamp(0, 1)
        ),
        "The noisy picture is added at the end: the network guesses the clean picture itself.": forward_with(
            last=lambda guess, noisy: guess + noisy
        ),
    },
)
def denoiser(answer) -> Claims:
    reference = lesson.Denoiser(widths=(6, 8, 8), depths=(1, 1, 1))
    yours = answer(widths=(6, 8, 8), depths=(1, 1, 1))
    yield Claim("It has the layers that `__init__` makes.", sizes(yours), sizes(reference))
    # Weights larger than usual, so that every part of the network matters and guesses leave the range from 0 to 1.
    for weight in reference.parameters():
        if weight.dim() > 1:
            nn.init.normal_(weight, std=1.0 / weight[0].numel() ** 0.5)
    for count, height, width in [(3, 16, 24), (8, 8, 8)]:
        noisy, level = torch.rand(count, 3, height, width), spread_levels(count)
        same_weights(reference, yours, noisy, level)
        guess = yours(noisy, level)
        yield Claim("One guess comes out for each picture, in its shape.", tuple(guess.shape), tuple(noisy.shape))
        same = "With the same weights, it guesses what the lesson's denoiser guesses."
        yield Claim(same, guess, reference(noisy, level), tolerance=2e-3)
        low = (guess - yours(noisy, 0 * level)).abs().amax(dim=(1, 2, 3))
        yield Claim("Told another level, it guesses something else.", bool((low > 1e-3).all()), True)
