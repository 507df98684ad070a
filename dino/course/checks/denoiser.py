"""Checks for chapter 2."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dino import denoiser as lesson
from dino.course.checks.claims import Claim, Claims, Shape, check_of, name_of
from dino.course.checks.inputs import Tap, pictures, run_order, same_weights, shares, spread_levels
from dino.noise import mix

HAIR = 1e-6


def guess_with(
    rest=lambda noisy, level, images: noisy - (1 - level) * images,
    fits=lambda rest, level: (rest > -HAIR) & (rest < level + HAIR),
    join=lambda fits: fits.flatten(1).all(dim=1),
    take=lambda images: images.mean(dim=0),
):
    """The lesson's best guess, with one part replaced."""
    return lambda noisy, level, images: take(images[join(fits(rest(noisy, level, images), level))])


def weighted(shares):
    """A guess in which each image has a share that depends on how far it is from the noisy picture."""

    def best_guess(noisy, level, images):
        distance = ((noisy - (1 - level) * images - level / 2) ** 2).flatten(1).sum(dim=1)
        return torch.tensordot(shares(distance, level), images, dims=1)

    return best_guess


def at_full_strength(shares):
    """A guess in which each image has a share that depends on how far it is from the noisy picture, level or not."""

    def best_guess(noisy, level, images):
        return torch.tensordot(shares(((noisy - images) ** 2).flatten(1).sum(dim=1)), images, dims=1)

    return best_guess


def nearest_at_full_strength(noisy, level, images):
    return images[((noisy - images) ** 2).flatten(1).sum(dim=1).argmin()]


def possible(noisy, level, images):
    """Which images can have become the noisy one."""
    rest = noisy - (1 - level) * images
    return ((rest > -HAIR) & (rest < level + HAIR)).flatten(1).all(dim=1)


def shares_of(guess: Tensor, images: Tensor) -> Tensor:
    """How much of each image is in a guess, if it is a mix of them; nan if it is none."""
    basis, target = images.flatten(1).T.double(), guess.detach().flatten().double()
    if not target.isfinite().all():
        return torch.full((len(images),), float("nan"))
    shares = torch.linalg.lstsq(basis, target).solution
    return shares if (basis @ shares - target).abs().max() < 1e-3 else torch.full_like(shares, float("nan"))


def describe(shares: Tensor, possible: Tensor) -> str:
    """The shares of the images in a guess, in words."""
    if shares.isnan().any():
        return "no mix of images at all"
    if abs(shares.sum() - 1) > 0.01:
        return f"a mix whose shares add up to {'less' if shares.sum() < 1 else 'more'} than 1"
    used = shares.abs() > 0.01
    count, wrong, missing = int(used.sum()), int((used & ~possible).sum()), int((possible & ~used).sum())
    if (shares[used] - 1 / count).abs().max() > 0.01:
        return "a mix in which some images have larger shares than others"
    if not wrong and not missing:
        return f"the mean of the {count} that are possible"
    if count in (1, len(shares)):
        return "a single image" if count == 1 else "the mean of all images, possible or not"
    return f"the mean of {count} images, {wrong} of them impossible, with {missing} possible ones missing"


@check_of(
    lesson.best_guess,
    hints=(
        "Take one of the images, times (1 - level), away from the noisy picture. What is left must be noise times level. "
        "Between which two numbers can that be?",
        "An image is possible if what is left lies between 0 and level in every pixel (leave a hair, 1e-6, for rounding). "
        "Pick those images with a mask, `images[mask]`, and take their mean over dim=0.",
    ),
    notice="Nothing is divided by the level, so it works at level 0 too. And `all` over the flattened pixels is what makes "
    "one single pixel enough to rule an image out.",
    mistakes={
        "You return the single image that lies nearest: all that are possible are equally likely, so average them.": (
            weighted(lambda distance, level: F.one_hot(distance.argmin(), len(distance)).float())
        ),
        "You return the image nearest to the noisy picture itself: average all images that are possible.": (
            nearest_at_full_strength
        ),
        "You average all images, whether they are possible or not.": lambda noisy, level, images: images.mean(dim=0),
        "The images are weighted by how near they are. Uniform noise knows only possible and impossible.": (
            weighted(lambda distance, level: torch.softmax(-6 * distance / level**2, dim=0)),
            weighted(lambda distance, level: (1 / (distance + 1e-9)) / (1 / (distance + 1e-9)).sum()),
            at_full_strength(lambda distance: torch.softmax(-distance, dim=0)),
            at_full_strength(lambda distance: (1 / (distance + 1e-9)) / (1 / (distance + 1e-9)).sum()),
        ),
        "You turn the noisy picture back as if all noise were 0.5. Pick the images that are possible, and average them.": (
            lambda noisy, level, images: (noisy - level / 2) / max(1 - level, 1e-6)
        ),
        "You average the noise that each image would leave, not the images.": (
            lambda noisy, level, images: ((noisy - (1 - level) * images) / level).mean(dim=0),
            lambda noisy, level, images: ((noisy - (1 - level) * images) / level).clamp(0, 1).mean(dim=0),
        ),
        "You compare with the images at full strength: in a noisy picture they are down to (1 - level).": guess_with(
            rest=lambda noisy, level, images: noisy - images
        ),
        "The images are taken away times level: in a noisy picture they are down to (1 - level).": guess_with(
            rest=lambda noisy, level, images: noisy - level * images
        ),
        "Hardly any image counts as possible. Take the image away from the noisy picture, not the other way round; what "
        "is left lies between 0 and level, since noise is never negative.": (
            guess_with(rest=lambda noisy, level, images: (1 - level) * images - noisy),
            guess_with(fits=lambda rest, level: rest.abs() < level / 2 + HAIR),
        ),
        "An image counts as possible when one pixel fits: every pixel has to.": guess_with(
            join=lambda fits: fits.flatten(1).any(dim=1)
        ),
        "An image counts as possible when most pixels fit, or when they fit on average: every single one has to.": (
            guess_with(join=lambda fits: fits.flatten(1).float().mean(dim=1) > 0.5),
            guess_with(
                rest=lambda noisy, level, images: (noisy - (1 - level) * images).mean(dim=(1, 2, 3), keepdim=True)
            ),
        ),
        "What is left may be as large as level, not as 1 - level: it is noise times level.": guess_with(
            fits=lambda rest, level: (rest > -HAIR) & (rest < 1 - level + HAIR)
        ),
        "What is left cannot be below 0: check both ends.": guess_with(fits=lambda rest, level: rest < level + HAIR),
        "What is left cannot be above the level, which is noise times level at most: check both ends, and not against 1.": (
            guess_with(fits=lambda rest, level: rest > -HAIR),
            guess_with(fits=lambda rest, level: (rest > -HAIR) & (rest < 1)),
        ),
        "What is left lies between 0 and level, not between -level and level: do not take its absolute value.": (
            guess_with(fits=lambda rest, level: rest.abs() < level + HAIR)
        ),
        "There is too much room at the ends: a hair, such as 1e-6, is enough for rounding.": (
            guess_with(fits=lambda rest, level: (rest > -0.1) & (rest < level + 0.1)),
            guess_with(fits=lambda rest, level: (rest > -0.05) & (rest < level + 0.05)),
        ),
        "You average the images that are impossible: the mask is upside down.": guess_with(
            join=lambda fits: ~fits.flatten(1).all(dim=1)
        ),
        "You return the first possible image: all of them are equally likely, so average them.": guess_with(
            take=lambda images: images[0]
        ),
        "You return one of the possible images, picked by chance: average them.": guess_with(
            take=lambda images: images[torch.randint(len(images), ())]
        ),
        "You return the median of the possible images: the mean has the least squared error.": guess_with(
            take=lambda images: images.median(dim=0).values
        ),
        "You return the sum of the possible images: divide it by how many they are.": guess_with(
            take=lambda images: images.sum(dim=0)
        ),
        "You divide by the number of all images: divide by the number of those that are possible.": (
            lambda noisy, level, images: images[possible(noisy, level, images)].sum(dim=0) / len(images)
        ),
        "You return all possible images: take their mean over dim=0.": guess_with(take=lambda images: images),
        "The mean runs over all numbers, so one is left: take it over dim=0 alone.": guess_with(
            take=lambda images: images.mean()
        ),
        "There is a side of length one too many: one guess has the shape (3, height, width).": guess_with(
            take=lambda images: images.mean(dim=0, keepdim=True)
        ),
        "You return what is left after taking the images away, not the images.": (
            lambda noisy, level, images: (noisy - (1 - level) * images)[possible(noisy, level, images)].mean(dim=0)
        ),
        "You return the noisy picture itself.": lambda noisy, level, images: noisy.clone(),
        "Nothing is returned: is the `return` missing?": lambda noisy, level, images: None,
    },
)
def best_guess(answer) -> Claims:
    # Sixteen pictures of 2x3 pixels that differ in brightness most of all, so that noise rules out some of them, but
    # not all: brighter ones would leave less than 0, darker ones more than the level.
    brightness = torch.linspace(-0.3, 0.3, 16)[torch.randperm(16)]
    images = (0.5 + brightness.view(16, 1, 1, 1) + 0.05 * (torch.rand(16, 3, 2, 3) - 0.5)).contiguous()
    true = int(brightness.argsort()[8])
    noise = 0.02 + 0.96 * torch.rand(3, 2, 3)
    for level in (1.0, 0.05, 0.95, 0.9, 0.8, 0.6):
        noisy = mix(images[true], noise, level)
        # An image at the very border is decided by rounding: leave those out.
        edge = possible(noisy, level + 2e-4, images) != possible(noisy, level - 2e-4, images)
        rest = images[~edge | (torch.arange(16) == true)]
        right = possible(noisy, level, rest)
        guess, expected = answer(noisy, level, rest), rest[right].mean(dim=0)
        yield Claim("One guess comes out, in the shape of the noisy picture.", guess, Shape((3, 2, 3)))
        parts = shares_of(guess, rest)
        bars = {"expected": right / right.sum(), "yours": parts, "across": "image", "up": "its share in the guess"}
        kind = {1.0: "all images", 0.05: "the true image alone"}.get(level, f"the {int(right.sum())} possible images")
        words = "the mean of no image, which is nan" if guess.isnan().all() else describe(parts, right)
        if words == describe(right / right.sum(), right):
            words = kind
        says = f"At level {level} the guess is the mean of {kind}."
        if parts.isnan().any():
            yield Claim(says, words, kind, picture="compare", of={"expected": expected[None], "yours": guess[None]})
        else:
            clue = f"At level {level} the guess should be the mean of {kind}, and it is {words}."
            yield Claim(says, words, kind, picture="bars", of=bars, clue=clue)
        says = f"At level {level} the guess is right to four digits."
        yield Claim(says, guess[None], expected[None], picture="compare")
    # Very dark images leave nearly all to the noise: none of them can be ruled out.
    dark, noise = 0.02 * images, 0.1 + 0.8 * torch.rand(3, 2, 3)
    guess = answer(mix(dark[true], noise, 0.9), 0.9, dark)
    says = "At level 0.9 all of some very dark images are possible."
    yield Claim(says, guess[None], dark.mean(dim=0)[None], picture="compare")
    images = pictures(12, 24, 20)
    noisy = mix(images[5], 0.001 + 0.998 * torch.rand(3, 24, 20), 0.5)
    says = "At level 0.5 a dinosaur is found again."
    yield Claim(says, answer(noisy, 0.5, images)[None], images[5][None], picture="compare")


def block_with(forward=None, layers=None):
    """The lesson's block, with other layers or another forward pass."""

    class Block(nn.Module):
        def __init__(self, width):
            super().__init__()
            make = layers or (lambda n: (lesson.conv(n, n), nn.ReLU(), lesson.conv(n, n, bias=False)))
            self.layers = nn.Sequential(*make(width))

    Block.forward = forward or (lambda self, x: x + self.layers(x))
    return Block


class Listed(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = [lesson.conv(width, width), nn.ReLU(), lesson.conv(width, width, bias=False)]

    def forward(self, x):
        kept = x
        for layer in self.layers:
            x = layer(x)
        return kept + x


class MadeInForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.width = width

    def forward(self, x):
        first, second = lesson.conv(self.width, self.width), lesson.conv(self.width, self.width, bias=False)
        return x + second(F.relu(first(x)))


class NoInit(nn.Module):
    def __init__(self, width):
        self.first = lesson.conv(width, width)


def within(self, x, between=F.relu, shortcut=lambda x: x):
    """A block's result, with something else between the convolutions, or in the shortcut."""
    return shortcut(x) + self.layers[2](between(self.layers[0](x)))


def in_place(self, x):
    x += self.layers(x)
    return x


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
    notice="`x + self.layers(x)` makes a new tensor. `x += ...` would write into the one that came in, which the backward "
    "pass still needs.",
    mistakes={
        "The input is not added to the result: a block that has learnt nothing should hand its input on.": block_with(
            lambda self, x: self.layers(x)
        ),
        "There is a ReLU after the addition: it takes away whatever is negative.": block_with(
            lambda self, x: F.relu(x + self.layers(x))
        ),
        "There is a ReLU before the addition: the block can then only ever add.": block_with(
            lambda self, x: x + F.relu(self.layers(x))
        ),
        "The ReLU comes first, before the convolution: it belongs between the two convolutions.": block_with(
            lambda self, x: x + self.layers[2](self.layers[0](F.relu(x)))
        ),
        "There is one ReLU too many, before the first convolution.": block_with(
            lambda self, x: x + self.layers(F.relu(x))
        ),
        "The ReLU between the two convolutions is missing: two convolutions in a row are just one.": block_with(
            lambda self, x: within(self, x, between=lambda h: h)
        ),
        "There is a leaky ReLU between the convolutions: take a plain `nn.ReLU`.": block_with(
            lambda self, x: within(self, x, between=F.leaky_relu)
        ),
        "There is a GELU between the convolutions: take a plain `nn.ReLU`.": block_with(
            lambda self, x: within(self, x, between=F.gelu)
        ),
        "There is a SiLU between the convolutions: take a plain `nn.ReLU`.": block_with(
            lambda self, x: within(self, x, between=F.silu)
        ),
        "There is a sigmoid between the convolutions: take a plain `nn.ReLU`.": block_with(
            lambda self, x: within(self, x, between=torch.sigmoid)
        ),
        "There is a tanh between the convolutions: take a plain `nn.ReLU`.": block_with(
            lambda self, x: within(self, x, between=torch.tanh)
        ),
        "There is a shortcut around the second convolution only: add the input, not what the first one found.": (
            block_with(lambda self, x: (lambda h: h + self.layers[2](h))(F.relu(self.layers[0](x))))
        ),
        "The layers are run twice.": block_with(lambda self, x: x + self.layers(self.layers(x))),
        "The input is added twice.": block_with(lambda self, x: 2 * x + self.layers(x)),
        "The input is taken away: add it.": block_with(lambda self, x: self.layers(x) - x),
        "The result is taken away from the input: add the two.": block_with(lambda self, x: x - self.layers(x)),
        "The sum is halved: add the two as they are.": block_with(lambda self, x: (x + self.layers(x)) / 2),
        "The result is shrunk before it is added: add it as it is.": block_with(
            lambda self, x: x + 0.1 * self.layers(x)
        ),
        "There is a dropout in it: this network has none.": block_with(
            layers=lambda n: (
                lesson.conv(n, n),
                nn.ReLU(),
                nn.Sequential(nn.Dropout(0.5), lesson.conv(n, n, bias=False)),
            )
        ),
        "The result is multiplied with the input: add the two.": block_with(lambda self, x: x * self.layers(x)),
        "The result is put beside the input (`cat`): add the two.": block_with(
            lambda self, x: torch.cat([x, self.layers(x)], dim=1)
        ),
        "The input comes back as it is: the layers are never used.": block_with(lambda self, x: x + 0),
        "`+=` writes into the input, which others still need: make something new with `x + ...`.": block_with(in_place),
        "Nothing is returned: is the `return` missing in `forward`?": block_with(lambda self, x: None),
        "The layers are in a plain list, where torch does not see them, so they would never learn. Use `nn.Sequential`.": (
            Listed
        ),
        "The layers are made anew in every forward pass, so they would never learn: make them in `__init__`.": (
            MadeInForward
        ),
        "`super().__init__()` is missing, or comes too late: call it first, so that torch can register the layers.": NoInit,
        "The second convolution has a bias: `conv(width, width, bias=False)`.": block_with(
            layers=lambda n: (lesson.conv(n, n), nn.ReLU(), lesson.conv(n, n))
        ),
        "The first convolution has no bias.": block_with(
            layers=lambda n: (lesson.conv(n, n, bias=False), nn.ReLU(), lesson.conv(n, n, bias=False))
        ),
        "The bias is at the wrong convolution: the first has one, the second has none.": block_with(
            layers=lambda n: (lesson.conv(n, n, bias=False), nn.ReLU(), lesson.conv(n, n))
        ),
        "One convolution is used twice: make two.": block_with(
            lambda self, x: x + self.layers[0](self.layers(x)), lambda n: (lesson.conv(n, n), nn.ReLU())
        ),
        "There is only one convolution: there should be two.": block_with(
            layers=lambda n: (lesson.conv(n, n), nn.ReLU())
        ),
        "There are three convolutions: there should be two.": block_with(
            layers=lambda n: (lesson.conv(n, n), nn.ReLU(), lesson.conv(n, n), nn.ReLU(), lesson.conv(n, n, bias=False))
        ),
        "There is a normalisation in it: this network has none.": block_with(
            layers=lambda n: (lesson.conv(n, n), nn.BatchNorm2d(n), nn.ReLU(), lesson.conv(n, n, bias=False))
        ),
        "The convolutions look at single pixels (1x1): they should see 3x3. `conv` makes those.": block_with(
            layers=lambda n: (nn.Conv2d(n, n, 1), nn.ReLU(), nn.Conv2d(n, n, 1, bias=False))
        ),
        "The convolutions have no padding, so the picture shrinks: `conv` takes care of that.": block_with(
            layers=lambda n: (nn.Conv2d(n, n, 3), nn.ReLU(), nn.Conv2d(n, n, 3, bias=False))
        ),
        "The first convolution widens to four times the channels: both keep the width.": block_with(
            layers=lambda n: (lesson.conv(n, 4 * n), nn.ReLU(), lesson.conv(4 * n, n, bias=False))
        ),
    },
)
def block(answer) -> Claims:
    reference, yours = lesson.Block(6), answer(6)
    x = torch.randn(2, 6, 5, 7)
    given = x.clone()
    result = yours(given)
    says = "The weights are those of two 3x3 convolutions with as many channels out as in, one with a bias."
    yield Claim(says, sizes(yours), sizes(reference))
    yield Claim("What comes out has the shape of what went in.", result, Shape(tuple(x.shape)))
    yield Claim("The input is still what it was before.", given, x, picture="compare")
    layers = run_order(yours, (x.clone(),))
    if len(layers) == 2:
        places = ", ".join("with bias" if layer.bias is not None else "without" for layer in layers)
        yield Claim("The first convolution has a bias, the second has none.", places, "with bias, without")
        with Tap(layers) as tap, torch.no_grad():
            result = yours(x.clone())
        (given, first), (between, second) = tap.seen[layers[0]][0], tap.seen[layers[1]][0]
        names = {"what came in": x, "what came in, after a ReLU": F.relu(x), "the other's result": second}
        says = "The first convolution looks at what came in."
        yield Claim(says, name_of(given, names), "what came in", 0, "compare", {"expected": x, "yours": given})
        names = {"that, after a ReLU": F.relu(first), "that, without a ReLU": first, "what came in": x}
        names |= {"that, after a leaky ReLU": F.leaky_relu(first), "that, after a GELU": F.gelu(first)}
        names |= {"that, after a SiLU": F.silu(first), "that, after a sigmoid": first.sigmoid()}
        names |= {"that, after a tanh": first.tanh()}
        says = "The second convolution looks at what the first one found, after a ReLU."
        see = {"expected": F.relu(first), "yours": between}
        clue = "What the second convolution looks at is not what the first one found, after a ReLU."
        yield Claim(says, name_of(between, names), "that, after a ReLU", 0, "compare", see, clue)
        names = {"the sum of the two": x + second, "what the second one found, alone": second, "what came in, alone": x}
        names |= {"the sum, after a ReLU": F.relu(x + second), "a sum, after a ReLU on one part": x + F.relu(second)}
        names |= {"the product": x * second, "the difference": x - second, "minus the difference": second - x}
        if mixed := shares(result, x, second):
            a, b = mixed
            names[f"{a:.3g} times what came in, and {b:.3g} times what the second one found"] = result
        says = "What came in and what the second one found are added, and the sum comes out."
        see = {"expected": x + second, "yours": result}
        clue = (
            f"What comes out is not what came in plus what the second convolution found, but {name_of(result, names)}."
        )
        yield Claim(says, name_of(result, names), "the sum of the two", 0, "compare", see, clue)
    same_weights(reference, yours, x.clone())
    says = "With the same weights, it gives what the lesson's block gives."
    yield Claim(says, yours(x.clone()), reference(x), picture="compare")
    for weight in yours.parameters():
        nn.init.zeros_(weight)
    yield Claim("With all weights at zero, the input goes through unchanged.", yours(x.clone()), x, picture="compare")


def level_of(noisy, level):
    return level.expand(-1, 1, *noisy.shape[2:])


def forward_with(
    level=level_of,
    beside=lambda noisy, level: torch.cat([noisy, level], dim=1),
    enter=lambda self, x: self.enter(x),
    shrink=lambda x: F.avg_pool2d(x, 2),
    grow=lambda x: F.interpolate(x, scale_factor=2),
    keep=lambda before, after: before,
    take=lambda kept: kept.pop(),
    join=lambda x, kept: x + kept,
    leave=lambda self, x: self.leave(x),
    last=lambda guess, noisy, level: guess,
):
    """The lesson's denoiser, with one part of its forward pass replaced."""

    def forward(self, noisy, told):
        x = enter(self, beside(noisy, level(noisy, told)))
        kept = []
        for stage in self.down:
            before, x = x, stage(shrink(x))
            kept.append(keep(before, x))
        for stage in self.up:
            x = join(grow(stage(x)), take(kept))
        return last(leave(self, x), noisy, told)

    return type("Denoiser", (lesson.Denoiser,), {"forward": forward})


def other_forward(forward):
    """The lesson's denoiser with another forward pass."""
    return type("Denoiser", (lesson.Denoiser,), {"forward": forward})


def grow_first(self, noisy, level):
    x = self.enter(torch.cat([noisy, level_of(noisy, level)], dim=1))
    kept = []
    for stage in self.down:
        kept.append(x)
        x = stage(F.avg_pool2d(x, 2))
    for stage in self.up:
        x = stage(F.interpolate(x, scale_factor=2)) + kept.pop()
    return self.leave(x)


def shrink_last(self, noisy, level):
    x = self.enter(torch.cat([noisy, level_of(noisy, level)], dim=1))
    kept = []
    for stage in self.down:
        kept.append(x)
        x = F.avg_pool2d(stage(x), 2)
    for stage in self.up:
        x = F.interpolate(stage(x), scale_factor=2) + kept.pop()
    return self.leave(x)


def up_in_reverse(self, noisy, level):
    x = self.enter(torch.cat([noisy, level_of(noisy, level)], dim=1))
    kept = []
    for stage in self.down:
        kept.append(x)
        x = stage(F.avg_pool2d(x, 2))
    for stage in reversed(self.up):
        x = F.interpolate(stage(x), scale_factor=2) + kept.pop()
    return self.leave(x)


def skips_before_stages(self, noisy, level):
    x = self.enter(torch.cat([noisy, level_of(noisy, level)], dim=1))
    kept = []
    for stage in self.down:
        kept.append(x)
        x = stage(F.avg_pool2d(x, 2))
    for stage in self.up:
        x = F.interpolate(stage(x + kept.pop()), scale_factor=2)
    return self.leave(x)


def at_one_size(self, noisy, level):
    x = self.enter(torch.cat([noisy, level_of(noisy, level)], dim=1))
    kept = []
    for stage in self.down:
        kept.append(x)
        x = stage(x)
    for stage in self.up:
        x = stage(x) + kept.pop()
    return self.leave(x)


def without_up(self, noisy, level):
    x = self.enter(torch.cat([noisy, level_of(noisy, level)], dim=1))
    for stage in self.down:
        x = stage(F.avg_pool2d(x, 2))
    return self.leave(x)


@check_of(
    lesson.Denoiser,
    hints=(
        "Four moves. Put the level beside the three colours (`expand` it, then `torch.cat` along dim=1). On the way down, "
        "keep x and then halve it. On the way up, double it and add what you kept. At the end, `self.leave`.",
        "What was kept last is needed first: `kept.append(x)` before `stage(F.avg_pool2d(x, 2))`, and on the way up "
        "`F.interpolate(stage(x), scale_factor=2) + kept.pop()`.",
    ),
    notice="A list with `append` and `pop` is a stack: what goes in last comes out first, which is just the order in which "
    "the sizes come back. `expand` takes no memory: all pixels share one number.",
    mistakes={
        "The level is ignored: the guess is the same at every level.": forward_with(
            level=lambda noisy, level: torch.zeros_like(noisy[:, :1])
        ),
        "The fourth channel is always one: it should say the level.": forward_with(
            level=lambda noisy, level: torch.ones_like(noisy[:, :1])
        ),
        "The fourth channel is noise: it should say the level.": forward_with(
            level=lambda noisy, level: torch.rand_like(noisy[:, :1])
        ),
        "The level comes first: put it last, after the three colours.": forward_with(
            beside=lambda noisy, level: torch.cat([level, noisy], dim=1)
        ),
        "The level is put in the place of a colour: put it beside all three.": forward_with(
            beside=lambda noisy, level: torch.cat([noisy[:, :2], level, level], dim=1)
        ),
        "The level is put below the pictures (dim=0, the batch): put it beside the colours, dim=1.": forward_with(
            beside=lambda noisy, level: torch.cat([noisy, level.expand_as(noisy)], dim=0)
        ),
        "The first stage is given three channels: it wants four, the colours and, beside them (`cat`), the level.": (
            forward_with(beside=lambda noisy, level: noisy),
            forward_with(beside=lambda noisy, level: noisy + level),
        ),
        "The level has three channels: it needs one.": forward_with(level=lambda noisy, level: level.expand_as(noisy)),
        "The pictures are multiplied by the level before they go in: leave them as they are.": forward_with(
            beside=lambda noisy, level: torch.cat([noisy * level, level], dim=1)
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
        "The level is put in one row of pixels: every pixel has to see it.": forward_with(
            level=lambda noisy, level: F.pad(level.expand(-1, 1, 1, noisy.shape[3]), (0, 0, 0, noisy.shape[2] - 1))
        ),
        "The kept pictures are missing on the way up: add `kept.pop()`, or all detail is lost.": forward_with(
            join=lambda x, kept: x
        ),
        "Only the kept pictures go on: add them to what comes up from below.": forward_with(join=lambda x, kept: kept),
        "The kept pictures come back in the wrong order: what was kept last is needed first.": forward_with(
            take=lambda kept: kept.pop(0)
        ),
        "What comes up and what was kept have different sizes: keep x before you halve it, and double what comes up.": (
            forward_with(keep=lambda before, after: F.avg_pool2d(before, 2)),
            forward_with(keep=lambda before, after: after),
            forward_with(grow=lambda x: x),
            other_forward(skips_before_stages),
        ),
        "The pictures are kept after they were halved, and doubled again: all detail is lost. Keep them before.": (
            forward_with(keep=lambda before, after: F.interpolate(F.avg_pool2d(before, 2), scale_factor=2))
        ),
        "The kept pictures are put beside x (`cat`): add them.": forward_with(
            join=lambda x, kept: torch.cat([x, kept], dim=1)
        ),
        "The kept pictures are multiplied with x: add them.": forward_with(join=lambda x, kept: x * kept),
        "The kept pictures are taken away: add them.": forward_with(join=lambda x, kept: x - kept),
        "The sum with the kept pictures is halved: add them as they are.": forward_with(
            join=lambda x, kept: (x + kept) / 2
        ),
        "There is a ReLU after adding what was kept: leave the sum as it is.": forward_with(
            join=lambda x, kept: F.relu(x + kept)
        ),
        "The pictures are halved with the maximum: take the average (`F.avg_pool2d`).": forward_with(
            shrink=lambda x: F.max_pool2d(x, 2)
        ),
        "The pictures are halved by leaving pixels out: take the average (`F.avg_pool2d`).": forward_with(
            shrink=lambda x: x[:, :, ::2, ::2]
        ),
        "The pictures are halved by interpolation, which leaves pixels out: take the average (`F.avg_pool2d`).": (
            forward_with(shrink=lambda x: F.interpolate(x, scale_factor=0.5, mode="nearest-exact"))
        ),
        "The pictures are halved with `sum` or another factor: take the plain average (`F.avg_pool2d`).": forward_with(
            shrink=lambda x: 4 * F.avg_pool2d(x, 2)
        ),
        "The pictures are never halved: `F.avg_pool2d(x, 2)` on the way down, and doubled on the way up.": other_forward(
            at_one_size
        ),
        "The way down runs the stage first and halves after: halve first, so that the stage has less to do.": (
            other_forward(shrink_last)
        ),
        "The way up doubles first and runs the stage after: run the stage while the picture is small.": other_forward(
            grow_first
        ),
        "The stages of the way up run in the wrong order: `self.up` stands in the right one already.": other_forward(
            up_in_reverse
        ),
        "The way up is missing: after the last stage down, each stage of `self.up` has its turn.": other_forward(
            without_up
        ),
        "The pictures are doubled smoothly (bilinear): repeat each pixel, which is what `F.interpolate` does by itself.": (
            forward_with(grow=lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"))
        ),
        "The pictures are doubled smoothly (bicubic): repeat each pixel, which is what `F.interpolate` does by itself.": (
            forward_with(grow=lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"))
        ),
        "The first stage is skipped: `self.enter` turns colours and level into channels.": forward_with(
            enter=lambda self, x: x
        ),
        "The last stage is missing: `self.leave` turns channels into colours.": forward_with(leave=lambda self, x: x),
        "The guess goes through a ReLU at the end: leave it as it is.": forward_with(
            last=lambda guess, noisy, level: F.relu(guess)
        ),
        "The guess goes through a sigmoid at the end: leave it as it is.": forward_with(
            last=lambda guess, noisy, level: guess.sigmoid()
        ),
        "The guess goes through a tanh at the end: leave it as it is.": forward_with(
            last=lambda guess, noisy, level: guess.tanh()
        ),
        "The guess is clamped: leave it as it is; the sampler clamps once, at its end.": forward_with(
            last=lambda guess, noisy, level: guess.clamp(0, 1)
        ),
        "The noisy picture is added at the end: the network guesses the clean picture itself.": forward_with(
            last=lambda guess, noisy, level: guess + noisy
        ),
        "The guess is taken away from the noisy picture: the network guesses the clean picture, not the noise.": (
            forward_with(last=lambda guess, noisy, level: noisy - guess)
        ),
        "The guess is mixed with the noisy picture at the end: leave it as it is.": forward_with(
            last=lambda guess, noisy, level: (1 - level) * noisy + level * guess
        ),
        "The guess is cut off from its gradients (`detach` or `no_grad`), so it could never learn.": forward_with(
            last=lambda guess, noisy, level: guess.detach()
        ),
        "Nothing is returned: is the `return` missing in `forward`?": forward_with(
            last=lambda guess, noisy, level: None
        ),
    },
)
def denoiser(answer) -> Claims:
    for widths in ((6, 8, 8), (4, 5, 6, 5)):
        yield from of_widths(answer, widths)


def of_widths(answer, widths: tuple[int, ...]) -> Claims:
    """The claims about a denoiser of these widths."""
    reference = lesson.Denoiser(widths, depths=(1,) * len(widths))
    yours = answer(widths=widths, depths=(1,) * len(widths))
    yield Claim("It has the layers that `__init__` makes.", sizes(yours), sizes(reference))
    # Weights larger than usual, so that every part of the network matters and guesses leave the range from 0 to 1.
    for weight in reference.parameters():
        if weight.dim() > 1:
            nn.init.normal_(weight, std=1.0 / weight[0].numel() ** 0.5)
    for count, height, width in [(3, 16, 24), (8, 8, 8)]:
        noisy, level = torch.rand(count, 3, height, width), spread_levels(count)
        if yours.state_dict().keys() == reference.state_dict().keys():
            yours.load_state_dict(reference.state_dict())
            yield from along_the_way(yours, noisy, level)
        else:
            same_weights(reference, yours, noisy.clone(), level.clone())
        guess = yours(noisy.clone(), level.clone())
        yield Claim("One guess comes out for each picture, in its shape.", guess, Shape(tuple(noisy.shape)))
        same = "With the same weights, it guesses what the lesson's denoiser guesses."
        yield Claim(same, guess, reference(noisy, level), 2e-3, "compare")
        other = yours(noisy.clone(), 0 * level)
        yield Claim("Told another level, it still guesses in that shape.", other, Shape(tuple(noisy.shape)))
        low = (guess - other).abs().amax(dim=(1, 2, 3))
        yield Claim("Told another level, it guesses something else.", bool((low > 1e-3).all()), True)
        yield Claim("The guess carries gradients, so the network can learn.", guess.requires_grad, True)


def along_the_way(yours, noisy, level) -> Claims:
    """What goes into each stage, given what came out of the one before."""
    stages = {"`enter`": yours.enter, "`leave`": yours.leave}
    stages |= {f"`down[{i}]`": stage for i, stage in enumerate(yours.down)}
    stages |= {f"`up[{i}]`": stage for i, stage in enumerate(yours.up)}
    names = {stage: name for name, stage in stages.items()}
    with Tap(names) as tap, torch.no_grad():
        result = yours(noisy.clone(), level.clone())
    heard = set(tap.order)
    if heard != set(names):  # who runs the layers of a stage one by one is heard by the guess alone
        return
    downs, ups = list(yours.down), list(yours.up)
    right = " ".join(names[stage] for stage in [yours.enter, *downs, *ups, yours.leave])
    says = "Each stage has its turn: enter, down, up, leave."
    yield Claim(says, " ".join(names[stage] for stage in tap.order) or "none of them", right)
    given = {stage: tap.seen[stage][0][0] for stage in names}
    came = {stage: tap.seen[stage][0][1] for stage in names}
    says = "What goes into `enter` has four channels: three colours and the level."
    yield Claim(says, given[yours.enter], Shape((len(noisy), 4, *noisy.shape[2:])))
    colours, fourth = given[yours.enter].split([3, 1], dim=1)
    yield Claim("The first three of them are the noisy pictures.", colours, noisy, picture="compare")
    says = "The fourth says each picture's own level, in every pixel."
    yield Claim(says, fourth, level_of(noisy, level), picture="compare")
    above, kept = came[yours.enter], []
    for stage in downs:
        says = f"What goes into {names[stage]} is what came before, halved by averaging 2x2 pixels."
        clue = f"On the way down, what goes into {names[stage]} is wrong: is it halved, once, and by averaging?"
        yield Claim(says, given[stage], F.avg_pool2d(above, 2), 1e-3, "compare", clue=clue)
        kept.append(above)
        above = came[stage]
    says = f"What goes into {names[ups[0]]} is what came out of {names[downs[-1]]}."
    yield Claim(says, given[ups[0]], above, 1e-3, "compare")
    for stage, after in zip(ups, [*ups[1:], yours.leave], strict=True):
        says = f"What goes into {names[after]} is what came out of {names[stage]}, doubled, plus what was kept at this size."
        doubled = came[stage].repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        clue = f"On the way up, something goes wrong between {names[stage]} and {names[after]}, where x is doubled and what "
        clue += "was kept is added."
        yield Claim(says, given[after], doubled + kept.pop(), 1e-3, "compare", clue=clue)
    clue = "Something is done to the guess after `leave`: it is the guess, as it is."
    says = "What comes out of `leave` is the guess, as it is."
    yield Claim(says, result, came[yours.leave], 1e-3, "compare", clue=clue)
