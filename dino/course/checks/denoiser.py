"""Checks for chapter 2."""

from collections import Counter

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dino import denoiser as lesson
from dino.course.checks.claims import Bars, Claim, Claims, Pictures, Shape, check_of, name_of
from dino.course.checks.inputs import between, gradients, pictures, run_order, same_weights, shares, spread_levels, tap
from dino.noise import mix


def possible(noisy, level, images):
    """Which images can have become the noisy one."""
    rest = noisy - (1 - level) * images
    return ((rest > -1e-6) & (rest < level + 1e-6)).flatten(1).all(dim=1)


def describe(shares: tuple[float, ...] | None, possible: Tensor, right: str) -> str:
    """The shares of the images in a guess, in words; `right` are those for equal shares of all that are possible."""
    if shares is None:
        return "no mix of images at all"
    shares = torch.tensor(shares)
    if abs(shares.sum() - 1) > 0.01:
        return f"a mix whose shares add up to {'less' if shares.sum() < 1 else 'more'} than 1"
    used = shares.abs() > 0.01
    count, wrong, missing = int(used.sum()), int((used & ~possible).sum()), int((possible & ~used).sum())
    if (shares[used] - 1 / count).abs().max() > 0.01:
        return "a mix in which some images have larger shares than others"
    if not wrong and not missing:
        return right
    if count in (1, len(shares)):
        return "a single image" if count == 1 else "the mean of all images, possible or not"
    return f"the mean of {count} images, {wrong} of them impossible, with {missing} possible ones missing"


@check_of(
    lesson.best_guess,
    hints=(
        "Subtract one of the images, times (1 - level), from the noisy picture. What is left must be noise times level. "
        "Between which two numbers can that be?",
        "An image is possible if what is left lies between 0 and level in every pixel (leave a hair, 1e-6, for rounding). "
        "Pick those images with a mask, `images[mask]`, and take their mean over dim=0.",
    ),
    notice="Nothing is divided by the level, so it works at level 0 too. And `all` over the flattened pixels is what makes "
    "one single pixel enough to rule an image out.",
    mistakes={
        "You return the single image that lies nearest: all that are possible are equally likely, so average them.":
            {"images[possible].mean(dim=0)": "images[(rest - level / 2).flatten(1).norm(dim=1).argmin()]"},
        "You return the image nearest to the noisy picture itself: average all images that are possible.":
            {"images[possible].mean(dim=0)": "images[(noisy - images).flatten(1).norm(dim=1).argmin()]"},
        "You average all images, whether they are possible or not.": {"[possible]": ""},
        "The images are weighted by how near they are. Uniform noise knows only possible and impossible.": (
            {"images[possible].mean": "(F.softmin((rest / level - 0.5).square().sum((1, 2, 3), True) * 6, 0) * images).sum"},
            {"images[possible].mean": "(F.softmin((rest - level / 2).square().sum((1, 2, 3), True).log(), 0) * images).sum"},
            {"images[possible].mean": "(F.softmin((noisy - images).square().sum((1, 2, 3), True), 0) * images).sum"},
            {"images[possible].mean": "(F.softmin((noisy - images).square().sum((1, 2, 3), True).log(), 0) * images).sum"},
        ),
        "You undo the mixing as if all noise were 0.5. Pick the images that are possible, and average them.":
            {"images[possible].mean(dim=0)": "(noisy - level / 2) / max(1 - level, 1e-6)"},
        "You average the noise that each image would leave, not the images.":
            ({"images[possible]": "(rest / level)"}, {"images[possible]": "(rest / level).clamp(0, 1)"}),
        "You compare with the images at full strength: in a noisy picture they are down to (1 - level).":
            {"(1 - level) * ": ""},
        "The images are subtracted times level: in a noisy picture they are down to (1 - level).":
            ({"(1 - level)": "level"}, {"(1 - level)": "level", "level +": "1 - level +"}),
        "If no image is possible there is no guess: leave it nan, which is the mean of no image.": (
            {"return ": "return images.mean(dim=0) if not possible.any() else "},
            {"return ": "return noisy if not possible.any() else "},
            {"return ": "return torch.zeros_like(noisy) if not possible.any() else "},
        ),
        "Each pixel is averaged by itself: one pixel that does not fit rules out the whole image.":
            {".flatten(start_dim=1).all(dim=1)": "", "images[possible].mean(dim=0)": "(images * possible).sum(0) / possible.sum(0)"},
        "Hardly any image counts as possible. Subtract the image from the noisy picture, not the other way round; what is left "
        "lies between 0 and level, since noise is never negative.": (
            {"noisy - (1 - level) * images": "(1 - level) * images - noisy"},
            {"(rest > -1e-6) & (rest < level": "(rest.abs() < level / 2"},
        ),
        "An image counts as possible when one pixel fits: every pixel has to.": {".all": ".any"},
        "An image counts as possible when most pixels fit, or when they fit on average: every single one has to.":
            ({".all(dim=1)": ".float().mean(dim=1) > 0.5"}, {"possible =": "rest = rest.mean((1, 2, 3), True); possible ="}),
        "What is left may be as large as level, not as 1 - level: it is noise times level.": {"level +": "1 - level +"},
        "What is left cannot be below 0: check both ends.": {"(rest > -1e-6) & ": ""},
        "What is left cannot be above the level, which is noise times level at most: check both ends, and not against 1.":
            ({" & (rest < level + 1e-6)": ""}, {"level + 1e-6": "1"}),
        "There is no room for rounding, so images are ruled out by the last digit: leave a hair, such as 1e-6, at both ends.": (
            {"> -1e-6": ">= 0", "< level + 1e-6": "<= level"}, {"> -1e-6": "> 0", " + 1e-6": ""},
            {"> -1e-6": ">= 0"}, {"< level + 1e-6": "<= level"},
        ),
        "`all` runs over all images at once: each has to be judged by its own pixels.": {".flatten(start_dim=1).all(dim=1)": ".all()"},
        "What is left lies between 0 and level, not between -level and level: do not take its absolute value.":
            {"(rest > -1e-6) & (rest": "(rest.abs()"},
        "There is too much room at the ends: a hair, such as 1e-6, is enough for rounding.":
            ({"-1e-6": "-0.1", "+ 1e-6": "+ 0.1"}, {"-1e-6": "-0.05", "+ 1e-6": "+ 0.05"}),
        "You average the images that are impossible: the mask is upside down.": {"[possible]": "[~possible]"},
        "You return the first possible image: all of them are equally likely, so average them.": {".mean(dim=0)": "[0]"},
        "You return one of the possible images, picked by chance: average them.":
            {".mean(dim=0)": "[torch.randint(int(possible.sum()), ())]"},
        "You return the median of the possible images: the mean has the least squared error.":
            {"mean(dim=0)": "median(dim=0).values"},
        "You return the sum of the possible images: divide it by how many they are.": {"mean": "sum"},
        "You divide by the number of all images: divide by the number of those that are possible.":
            {"mean(dim=0)": "sum(dim=0) / len(images)"},
        "You return all possible images: take their mean over dim=0.": {".mean(dim=0)": ""},
        "The mean runs over all numbers, so one is left: take it over dim=0 alone.": {"dim=0": ""},
        "There is one dimension of length 1 too many: one guess has the shape (3, height, width).": {"dim=0": "dim=0, keepdim=True"},
        "You return what is left after subtracting the images, not the images.": {"images[possible]": "rest[possible]"},
        "You return the noisy picture itself.": {"images[possible].mean(dim=0)": "noisy.clone()"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def best_guess(answer) -> Claims:
    # Small pictures that differ in brightness most of all, so that noise rules out some of them, but not all: brighter
    # ones would leave less than 0, darker ones more than the level.
    count, shape = between(14, 17), (3, 2, between(3, 4))
    brightness = torch.linspace(-0.3, 0.3, count)[torch.randperm(count)]
    images = (0.5 + brightness.view(-1, 1, 1, 1) + 0.05 * (torch.rand(count, *shape) - 0.5)).contiguous()
    true = int(brightness.argsort()[count // 2])
    noise = 0.02 + 0.96 * torch.rand(shape)
    levels = torch.tensor([1, 0.04, 0.93, 0.86, 0.74, 0.56]) + torch.tensor(
        [0, 0.02, 0.04, 0.06, 0.1, 0.1]
    ) * torch.rand(6)
    for level in (round(level, 3) for level in levels.tolist()):
        noisy = mix(images[true], noise, level)
        # An image at the very border is decided by rounding: leave those out.
        edge = possible(noisy, level + 2e-3, images) != possible(noisy, level - 2e-3, images)
        rest = images[~edge | (torch.arange(count) == true)]
        right = possible(noisy, level, rest)
        guess, expected = answer(noisy, level, rest), rest[right].mean(dim=0)
        yield Claim("One guess comes out, in the shape of the noisy picture.", yours=guess, expected=Shape(shape))
        kind = "the true image alone" if right.sum() == 1 else f"the {int(right.sum())} possible images"
        kind = "all images" if level == 1 else kind
        parts = shares(guess, *rest, tolerance=1e-3)
        words = "the mean of no image, which is nan" if guess.isnan().all() else describe(parts, right, kind)
        figure, clue = Pictures(expected[None], guess[None]), ""
        if parts is not None:
            figure = Bars(right / right.sum(), torch.tensor(parts), across="image", up="its share in the guess")
            clue = f"At level {level} the guess should be the mean of {kind}, and it is {words}."
        says = f"At level {level} the guess is the mean of {kind}."
        yield Claim(says, yours=words, expected=kind, figure=figure, clue=clue)
        says = f"At level {level} the guess is right to four digits."
        yield Claim(says, yours=guess[None], expected=expected[None], figure=Pictures)
    # Very dark images leave nearly all to the noise: none of them can be ruled out.
    dark, noise, level = 0.02 * images, 0.1 + 0.8 * torch.rand(shape), round(0.85 + 0.1 * torch.rand(()).item(), 3)
    guess, expected = answer(mix(dark[true], noise, level), level, dark), dark.mean(dim=0)
    says = f"At level {level} some very dark images are all possible."
    yield Claim(says, yours=guess[None], expected=expected[None], figure=Pictures)
    # No image can have become as bright as this. Who stops with an error says so, too.
    nan, level = torch.full(shape, torch.nan), 0.02 + 0.4 * torch.rand(()).item()
    try:
        guess = answer(0.7 + 0.3 * torch.rand(shape), level, images / 4)
    except Exception:  # of any kind: a mean of nothing stops in many ways
        guess = nan
    see = Pictures(nan[None], guess[None] if isinstance(guess, Tensor) else guess)
    clue = "If no image is possible there is no guess: leave it nan, which is the mean of no image."
    yield Claim("If no image is possible, the guess is nan.", yours=guess, expected=nan, figure=see, clue=clue)
    # Noise that is exactly 0 or 1 in every pixel: what is left is beyond the ends by the last digit in some of them.
    shape, level = (3, between(20, 28), between(20, 28)), 0.3 + 0.3 * torch.rand(()).item()
    dark = 0.1 + 0.001 * torch.rand(3, *shape)
    for says, end in (("0", 0.0), ("1", 1.0)):
        noisy = mix(dark[1], torch.full(shape, end), level)
        noisy = noisy.nextafter(torch.tensor(2 * end - 0.5))  # as if it had been rounded in another way
        # The others are possible, too, or not, by far more than rounding.
        first, last = (0.005 + 0.01 * torch.rand(2, *shape)) * (1 - 2 * end)
        dark[0], dark[2] = dark[1] - first, dark[1] + last
        guess, expected = answer(noisy, level, dark), dark[:2].mean(dim=0)
        see = Pictures(expected[None], guess[None])
        if parts := shares(guess, *dark):
            see = Bars(torch.tensor([0.5, 0.5, 0.0]), torch.tensor(parts), across="image", up="its share in the guess")
        says = f"Noise of exactly {says} is possible, though rounding makes a little more or less of it."
        clue = "Where noise is exactly 0 or 1, rounding decides: leave a hair of room, such as 1e-6, at both ends."
        yield Claim(says, yours=guess[None], expected=expected[None], figure=see, clue=clue)
    images, level = pictures(between(18, 30), *shape[1:]), round(0.1 + 0.4 * torch.rand(()).item(), 3)
    guess, right = answer(mix(images[-1], 0.001 + 0.998 * torch.rand(shape), level), level, images), images[-1:]
    yield Claim(f"At level {level} a dinosaur is found again.", yours=guess[None], expected=right, figure=Pictures)
    # Many large images, all of them possible but for one pixel in half of them; and a single image under hardly any noise.
    clue = "One pixel that does not fit is enough to rule an image out, in whatever picture."
    for count, side, level in (
        (between(48, 64), between(36, 48), 0.05 + 0.1 * torch.rand(())),
        (1, between(1, 9), 0.01),
    ):
        level = round(level * (0.2 + 0.8 * torch.rand(()).item()) if count == 1 else level.item(), 4)
        images = 0.5 + 0.3 * level * (torch.rand(count, 3, side, side) - 0.5)
        noisy = mix(images[-1], 0.35 + 0.3 * torch.rand(3, side, side), level)
        out, place = torch.randperm(count - 1)[: count // 2], torch.randint(3 * side * side, (count // 2,))
        images.flatten(1)[out, place] += (torch.rand(count // 2) - 0.5).sign() * 0.3
        right = torch.ones(count, dtype=torch.bool).index_fill(0, out, False)
        guess, expected = answer(noisy, level, images), images[right].mean(dim=0)
        says = f"Of {count} {'images' if count > 1 else 'image'} of {side}x{side} pixels, those count that fit in every pixel."
        yield Claim(says, yours=guess[None], expected=expected[None], figure=Pictures, clue=clue)


def has_weights(says: str, yours: nn.Module, reference: nn.Module) -> Claim:
    """The claim that a network has as many weights as it should, in tensors of as many numbers."""
    counts = [sorted(weight.numel() for weight in network.parameters()) for network in (reference, yours)]
    mine, due = (
        Counter("x".join(map(str, weight.shape)) for weight in network.parameters()) for network in (yours, reference)
    )
    few, many = (", ".join((one - other).elements()) for one, other in ((due, mine), (mine, due)))
    found = "; ".join([f"missing {few[:120]}"] * bool(few) + [f"too many {many[:120]}"] * bool(many))
    clue = f"Not all of its weights are what they should be: {found}."
    clue += " Is there a layer too many, such as a normalisation?" * (bool(many) and not few and "x" not in many)
    right = "those of the lesson"
    return Claim(says, yours=right if counts[0] == counts[1] else found, expected=right, clue=clue)


def can_learn(reference: nn.Module, yours: nn.Module, *inputs: Tensor) -> Claims:
    """The claims that gradients go back through a network as they should."""
    (right, slopes), (found, own) = gradients(reference, *inputs), gradients(yours, *inputs)
    few, without = (sum(not one.any() for one in some) for some in (slopes, own))
    size = right.abs().max()
    see = Pictures(right / size, found / size)
    says = "Gradients flow back to the input, so that earlier layers can learn."
    clue = (
        "Gradients do not find their way back through all of it: is something cut off (`detach`, `.data`, `no_grad`)?"
    )
    yield Claim(says, yours=found / size, expected=right / size, tolerance=2e-3, figure=see, clue=clue, words=clue)
    clue = f"{without} of its weights get no gradients: is something cut off (`detach`, `.data`, `no_grad`)?"
    says = "Each weight gets a gradient, so that it can learn."
    yield Claim(says, yours=max(few, without), expected=few, clue=clue)  # a ReLU may let nothing through by chance
    # Its weights may be named, ordered and laid out in another way.
    slopes, own = (torch.cat([one.flatten() for one in some]).sort().values for some in (slopes, own))
    size = slopes.abs().max()
    says = "With the same weights, the gradients of the weights are those of the lesson's, in whatever order."
    yield Claim(says, yours=own / size, expected=slopes / size, tolerance=2e-3)


def is_first(says: str, value: Tensor, names: dict[str, Tensor], clue: str = "") -> Claim:
    """The claim that a value is the first of some things, and no other of them; `{}` in the clue stands for what it is."""
    (right, expected), *_ = names.items()
    word = name_of(value, names)
    return Claim(says, yours=word, expected=right, figure=Pictures(expected, value), clue=clue.format(word))


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
        "The input is not added to the result: a block that has learnt nothing should hand its input on.": {"x + ": ""},
        "There is a ReLU after the addition: it takes away whatever is negative.":
            {"x + self.layers(x)": "F.relu(x + self.layers(x))"},
        "There is a ReLU before the addition: the block can then only ever add.": {"self.layers(x)": "F.relu(self.layers(x))"},
        "The ReLU comes first, before the convolution: it belongs between the two convolutions.":
            {"conv(width, width), nn.ReLU()": "nn.ReLU(), conv(width, width)"},
        "There is one ReLU too many, before the first convolution.": {"layers(x)": "layers(F.relu(x))"},
        "The ReLU between the two convolutions is missing: two convolutions in a row are just one.": {" nn.ReLU(),": ""},
        "There is a leaky ReLU between the convolutions: take a plain `nn.ReLU`.": {"ReLU": "LeakyReLU"},
        "There is a GELU between the convolutions: take a plain `nn.ReLU`.": {"ReLU": "GELU"},
        "There is a SiLU between the convolutions: take a plain `nn.ReLU`.": {"ReLU": "SiLU"},
        "There is a sigmoid between the convolutions: take a plain `nn.ReLU`.": {"ReLU": "Sigmoid"},
        "There is a tanh between the convolutions: take a plain `nn.ReLU`.": {"ReLU": "Tanh"},
        "There is a shortcut around the second convolution only: add the input, not what the first one found.":
            {"x + self.layers(x)": "(found := self.layers[:2](x)) + self.layers[2](found)"},
        "The layers are run twice.": {"self.layers(x)": "self.layers(self.layers(x))"},
        "The input is added twice.": {"x +": "2 * x +"},
        "The input is subtracted: add it.": {"x + self.layers(x)": "self.layers(x) - x"},
        "The result is subtracted from the input: add the two.": {"+": "-"},
        "The sum is halved: add the two as they are.": {"x + self.layers(x)": "(x + self.layers(x)) / 2"},
        "The result is shrunk before it is added: add it as it is.": {"+": "+ 0.1 *"},
        "There is a dropout in it: this network has none.": {"nn.ReLU()": "nn.ReLU(), nn.Dropout(0.5)"},
        "The result is multiplied with the input: add the two.": {"+": "*"},
        "The result is put beside the input (`cat`): add the two.":
            {"x + self.layers(x)": "torch.cat([x, self.layers(x)], dim=1)"},
        "The input comes back as it is: the layers are never used.": {"self.layers(x)": "0"},
        "`+=` writes into the input, which others still need: make something new with `x + ...`.":
            {"return x + self.layers(x)": "x += self.layers(x); return x"},
        "A ReLU that works in place (`inplace=True`) writes into the input, which others still need.": (
            {"self.layers(x)": "self.layers(F.relu_(x))"},
            {"x + self.layers(x)": "F.relu_(x) + self.layers(x)"},
            {"conv(width, width), nn.ReLU()": "nn.ReLU(inplace=True), conv(width, width)"},
        ),
        "The input is cut off from its gradients (`detach`, `.data`) where it is added: what comes before could not learn.":
            {"x +": "x.detach() +"},
        "What the layers find is cut off from its gradients (`detach`, `no_grad`): they could never learn.":
            ({"+ self.layers(x)": "+ self.layers(x).detach()"}, {"self.layers(x)": "self.layers(x.detach())"}),
        "Nothing is returned: is the `return` missing in `forward`?": {"return ": ""},
        "The layers are in a plain list, where torch does not see them, so they would never learn. Use `nn.Sequential`.":
            {"= nn": "= [nn", "False))": "False))]", "layers(x)": "layers[0](x)"},
        "The layers are made anew in every forward pass, so they would never learn: make them in `__init__`.":
            {"= nn": "= lambda x: nn", "False))": "False))(x)"},
        "`super().__init__()` is missing, or comes too late: call it first, so that torch can register the layers.":
            {"super().__init__()": ""},
        "The second convolution has a bias: `conv(width, width, bias=False)`.": {", bias=False": ""},
        "The first convolution has no bias.": {"width)": "width, bias=False)"},
        "The bias is at the wrong convolution: the first has one, the second has none.":
            {", bias=False": "", "), nn": ", bias=False), nn"},
        "One convolution is used twice: make two.": (
            {", conv(width, width, bias=False)": "", "self.layers(x)": "self.layers[0](self.layers(x))"},
            {"conv(width, width), nn.ReLU(), ": "", "self.layers(x)": "self.layers[0](F.relu(self.layers[0](x)))"},
        ),
        "There is only one convolution: there should be two.": {", conv(width, width, bias=False)": ""},
        "There are three convolutions: there should be two.": {"nn.ReLU()": "nn.ReLU(), conv(width, width), nn.ReLU()"},
        "There is a normalisation in it: this network has none.": {"nn.ReLU": "nn.BatchNorm2d(width), nn.ReLU"},
        "The convolutions look at single pixels (1x1): they should see 3x3. `conv` makes those.":
            {"(conv(width, width": "(nn.Conv2d(width, width, 1", " conv(width, width": " nn.Conv2d(width, width, 1"},
        "The convolutions have no padding, so the picture shrinks: `conv` takes care of that.":
            {"(conv(width, width": "(nn.Conv2d(width, width, 3", " conv(width, width": " nn.Conv2d(width, width, 3"},
        "The first convolution widens to four times the channels: both keep the width.":
            {"width)": "4 * width)", " conv(width": " conv(4 * width"},
    },
)  # fmt: skip
def block(answer) -> Claims:
    width = between(7, 10)
    reference, yours = lesson.Block(width), answer(width)
    x = torch.randn(between(3, 5), width, between(4, 6), between(7, 9))
    given = x.clone()
    result = yours(given)
    says = "The weights are those of two 3x3 convolutions with as many channels out as in, one with a bias."
    yield has_weights(says, yours, reference)
    yield Claim("What comes out has the shape of what went in.", yours=result, expected=Shape(tuple(x.shape)))
    names = {"what it was before": x, "what it was, after a ReLU": F.relu(x), "what comes out": result}
    clue = "The block writes into its input, which others still need. The input is now {}."
    yield is_first("The input is still what it was before.", given, names, clue)
    layers = run_order(yours, x.clone())
    if len(layers) == 2:
        bias = ", ".join("with bias" if layer.bias is not None else "without" for layer in layers)
        yield Claim("The first convolution has a bias, the second has none.", yours=bias, expected="with bias, without")
    with tap(layers) as (_, given, came), torch.no_grad():
        result = yours(x.clone())
    # What is calculated in another way, such as with padding of its own, is judged by its result alone.
    if len(layers) == 2 and all(one.shape == x.shape for one in [*given.values(), *came.values()]):
        first, second = came[layers[0]], came[layers[1]]
        names = {"what came in": x, "what came in, after a ReLU": F.relu(x), "the other's result": second}
        yield is_first("The first convolution looks at what came in.", given[layers[0]], names)
        names = {"that, after a ReLU": F.relu(first), "that, without a ReLU": first, "what came in": x}
        names |= {"that, after a leaky ReLU": F.leaky_relu(first), "that, after a GELU": F.gelu(first)}
        names |= {"that, after a SiLU": F.silu(first), "that, after a sigmoid": first.sigmoid()}
        names |= {"that, after a tanh": first.tanh()}
        says = "The second convolution looks at what the first one found, after a ReLU."
        clue = "What the second convolution looks at is not what the first one found, after a ReLU."
        yield is_first(says, given[layers[1]], names, clue)
        names = {"the sum of the two": x + second, "what the second one found, alone": second, "what came in, alone": x}
        names |= {"the sum, after a ReLU": F.relu(x + second), "a sum, after a ReLU on one part": x + F.relu(second)}
        names |= {"the product": x * second, "the difference": x - second, "minus the difference": second - x}
        if mixed := shares(result, x, second):
            names["{:.3g} times what came in, and {:.3g} times what the second one found".format(*mixed)] = result
        says = "What came in and what the second one found are added, and the sum comes out."
        clue = "What comes out is not what came in plus what the second convolution found, but {}."
        yield is_first(says, result, names, clue)
    same_weights(reference, yours, x.clone())
    says = "With the same weights, it gives what the lesson's block gives."
    yield Claim(says, yours=yours(x.clone()), expected=reference(x), figure=Pictures)
    # A ReLU that stops at 6, or a layer that only works in training, is not seen above.
    other = (20 + 20 * torch.rand(())) * torch.randn(between(1, 5), width, between(1, 12), between(1, 12))
    yours.eval()
    result, right = yours(other.clone()), reference(other)
    size = right.abs().max()
    says = "It does so with pictures of another size and brightness, and in evaluation mode."
    yield Claim(says, yours=result / size, expected=right / size, figure=Pictures)
    yours.train()
    yield from can_learn(reference, yours, x)
    for weight in yours.parameters():
        nn.init.zeros_(weight)
    says = "With all weights at zero, the input goes through unchanged."
    yield Claim(says, yours=yours(x.clone()), expected=x, figure=Pictures)
    # As wide and as many as in a network that trains; and a single large one, of no width that could be a side of a kernel.
    for width, count, size in ((between(24, 32), between(12, 16), between(3, 5)), (between(4, 6), 1, between(16, 24))):
        reference, yours = lesson.Block(width), answer(width)
        x = torch.randn(count, width, size, size)
        same_weights(reference, yours, x[:1].clone())
        says = f"The same holds for {count} of {width} channels and {size}x{size} pixels."
        yield Claim(says, yours=yours(x.clone()), expected=reference(x), tolerance=1e-3, figure=Pictures)


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
        "The level is ignored: the guess is the same at every level.": {"[noisy, level]": "[noisy, 0 * level]"},
        "The fourth channel is always one: it should say the level.": {"[noisy, level]": "[noisy, torch.ones_like(level)]"},
        "The fourth channel is noise: it should say the level.": {"[noisy, level]": "[noisy, torch.rand_like(level)]"},
        "The level comes first: put it last, after the three colours.": {"[noisy, level]": "[level, noisy]"},
        "The level is put in the place of a colour: put it beside all three.": {"[noisy,": "[noisy[:, :2], level,"},
        "The level is put below the pictures (dim=0, the batch): put it beside the colours, dim=1.":
            {"level], dim=1": "level.expand_as(noisy)], dim=0"},
        "The first stage is given three channels: it wants four, the colours and, beside them (`cat`), the level.":
            ({"torch.cat([noisy, level], dim=1)": "noisy"}, {"torch.cat([noisy, level], dim=1)": "noisy + level"}),
        "The level has three channels: it needs one.": {"-1, -1,": "-1, 3,"},
        "The pictures are scaled to run from -1 to 1 before they go in: leave them as they are.": {"[noisy,": "[2 * noisy - 1,"},
        "The pictures are multiplied by the level before they go in: leave them as they are.": {"[noisy,": "[noisy * level,"},
        "All pictures are told the level of the first.": {"level.expand(-1": "level[:1].expand(len(noisy)"},
        "All pictures are told the average of the levels.": {"level.expand(-1": "level.mean().expand(len(noisy)"},
        "The network is told (1 - level) instead of level.": {"level.expand": "(1 - level).expand"},
        "The level is not broadcast over the picture: `expand` it to height and width before `cat`.":
            {".expand(-1, -1, *noisy.shape[2:])": ""},
        "The level is put in one row of pixels: every pixel has to see it.":
            {"[noisy, level]": "[noisy, F.pad(level[:, :, :1], (0, 0, 0, noisy.shape[2] - 1))]"},
        "The kept pictures are missing on the way up: add `kept.pop()`, or all detail is lost.": {" + kept.pop()": ""},
        "Only the kept pictures go on: add them to what comes up from below.": {"x = F": "_, x = F", "2) +": "2),"},
        "The kept pictures come back in the wrong order: what was kept last is needed first.": {"pop()": "pop(0)"},
        "What comes up and what was kept have different sizes: keep x before you halve it, and double what comes up.": (
            {"append(x)": "append(F.avg_pool2d(x, 2))"},
            {"kept.append(x)": "", "avg_pool2d(x, 2))": "avg_pool2d(x, 2)); kept.append(x)"},
            {"F.interpolate(stage(x), scale_factor=2)": "stage(x)"},
            {"stage(x), scale_factor=2) + kept.pop()": "stage(x + kept.pop()), scale_factor=2)"},
        ),
        "The pictures are kept after they were halved, and doubled again: all detail is lost. Keep them before.":
            {"append(x)": "append(F.interpolate(F.avg_pool2d(x, 2), scale_factor=2))"},
        "The kept pictures are put beside x (`cat`): add them.":
            {"x = F": "x = torch.cat([F", "2) + kept.pop()": "2), kept.pop()], dim=1)"},
        "The kept pictures are multiplied with x: add them.": {"+ kept": "* kept"},
        "The kept pictures are subtracted: add them.": {"+ kept": "- kept"},
        "The sum with the kept pictures is halved: add them as they are.": {"pop()": "pop(); x = x / 2"},
        "There is a ReLU after adding what was kept: leave the sum as it is.": {"pop()": "pop(); x = F.relu(x)"},
        "The pictures are halved with the maximum: take the average (`F.avg_pool2d`).": {"avg_pool": "max_pool"},
        "The pictures are halved by leaving pixels out: take the average (`F.avg_pool2d`).":
            {"F.avg_pool2d(x, 2)": "x[:, :, ::2, ::2]"},
        "The pictures are halved by interpolation, which leaves pixels out: take the average (`F.avg_pool2d`).":
            {"F.avg_pool2d(x, 2)": "F.interpolate(x, scale_factor=0.5, mode='nearest-exact')"},
        "The pictures are halved with `sum` or another factor: take the plain average (`F.avg_pool2d`).": {"F.avg": "4 * F.avg"},
        "The pictures are never halved: `F.avg_pool2d(x, 2)` on the way down, and doubled on the way up.":
            {"F.avg_pool2d(x, 2)": "x", "F.interpolate(stage(x), scale_factor=2)": "stage(x)"},
        "The way down runs the stage first and halves after: halve first, so that the stage has less to do.":
            {"stage(F.avg_pool2d(x, 2))": "F.avg_pool2d(stage(x), 2)"},
        "The way up doubles first and runs the stage after: run the stage while the picture is small.":
            {"F.interpolate(stage(x), scale_factor=2)": "stage(F.interpolate(x, scale_factor=2))"},
        "The stages of the way up run in the wrong order: `self.up` stands in the right one already.":
            {"self.up:": "reversed(self.up):"},
        "The way up is missing: after the last stage down, each stage of `self.up` has its turn.": {"self.up:": "[]:"},
        "The pictures are doubled smoothly (bilinear): repeat each pixel, which is what `F.interpolate` does by itself.":
            {"factor=2": "factor=2, mode='bilinear'"},
        "The pictures are doubled smoothly (bicubic): repeat each pixel, which is what `F.interpolate` does by itself.":
            {"factor=2": "factor=2, mode='bicubic'"},
        "The first stage is skipped: `self.enter` turns colours and level into channels.": {"self.enter(": "("},
        "The last stage is missing: `self.leave` turns channels into colours.": {"self.leave(x)": "x"},
        "The guess goes through a ReLU at the end: leave it as it is.": {"leave(x)": "leave(x).relu()"},
        "The guess goes through a sigmoid at the end: leave it as it is.": {"leave(x)": "leave(x).sigmoid()"},
        "The guess goes through a tanh at the end: leave it as it is.": {"leave(x)": "leave(x).tanh()"},
        "The guess is clamped: leave it as it is; the sampler clamps once, at its end.": {"leave(x)": "leave(x).clamp(0, 1)"},
        "The noisy picture is added at the end: the network guesses the clean picture itself.": {"leave(x)": "leave(x) + noisy"},
        "The guess is subtracted from the noisy picture: the network guesses the clean picture, not the noise.":
            {"self.leave(x)": "noisy - self.leave(x)"},
        "The guess is mixed with the noisy picture at the end: leave it as it is.":
            {"self.leave(x)": "(1 - level) * noisy + level * self.leave(x)"},
        "The guess is cut off from its gradients (`detach` or `no_grad`), so it could never learn.":
            {"leave(x)": "leave(x).detach()"},
        "What is kept is cut off from its gradients (`detach`, `.data`): the way down could not learn from it.":
            {"append(x)": "append(x.detach())"},
        "The bias of the last convolution begins near 0: it should begin at 0.5, an even grey.":
            ({"nn.init.constant_(last.bias, 0.5)": ""}, {"bias, 0.5": "bias, 0.0"}),
        "Nothing is returned: is the `return` missing in `forward`?": {"return ": ""},
    },
)  # fmt: skip
def denoiser(answer) -> Claims:
    # The first are always the same, so that what is told of their layers is, too; the second are drawn.
    yield from of_widths(answer, (6, 8, 8), (1, 2, 1))
    widths = [between(4, 6) for _ in range((2, 5)[between(0, 1)])]
    yield from of_widths(answer, tuple(widths), (2, *(between(1, 2) for _ in widths[1:])))
    # As it is when nobody says how wide: for one large picture, and for many small ones.
    reference, yours = lesson.Denoiser(), answer()
    yield has_weights("If no widths are given, it has the layers of the lesson's.", yours, reference)
    enlarge(reference)
    for count, side in ((1, 64), (between(24, 32), 8)):
        noisy, level = torch.rand(count, 3, side, side), torch.rand(count, 1, 1, 1)
        copy_weights(reference, yours, noisy[:1], level[:1])
        says = f"With the same weights, its guess for {count} of {side}x{side} pixels is the lesson's."
        guess, right = yours(noisy.clone(), level.clone()), reference(noisy, level)
        yield Claim(
            says, yours=guess, expected=right, tolerance=2e-3 * max(1.0, float(right.abs().max())), figure=Pictures
        )


def enlarge(network: nn.Module) -> None:
    """Make weights larger than usual, so that every part of a network matters and guesses leave the range from 0 to 1."""
    for weight in network.parameters():
        if weight.dim() > 1:
            nn.init.normal_(weight, std=1.0 / weight[0].numel() ** 0.5)


def of_widths(answer, widths: tuple[int, ...], depths: tuple[int, ...]) -> Claims:
    """The claims about a denoiser of these widths and depths."""
    reference, yours = lesson.Denoiser(widths, depths), answer(widths=widths, depths=depths)
    yield has_weights("It has the layers that `__init__` makes.", yours, reference)
    last = [weight.detach() for weight in yours.parameters() if weight.shape == (3,)][-1:]
    bias, grey = torch.cat([*last, torch.full((3,), torch.nan)])[:3], torch.full((3,), 0.5)
    says = "The bias of the last convolution begins at 0.5, an even grey."
    yield Claim(says, yours=bias, expected=grey, figure=Bars(grey, bias, across="colour", up="bias"))
    enlarge(reference)
    size = reference.multiple * (1 if reference.multiple > 4 else 8 // reference.multiple)
    for count, height, width in [(between(4, 6), size, size * between(2, 3)), (size, size, size)]:
        noisy, level = torch.rand(count, 3, height, width), spread_levels(count)
        if height != width:
            noisy = mix(pictures(count, height, width), noisy, level)
        if copy_weights(reference, yours, noisy, level):
            yield from along_the_way(yours, noisy, level)
        guess, right = yours(noisy.clone(), level.clone()), reference(noisy, level)
        shape = Shape(tuple(noisy.shape))
        yield Claim("One guess comes out for each picture, in its shape.", yours=guess, expected=shape)
        same = "With the same weights, it guesses what the lesson's denoiser guesses."
        yield Claim(same, yours=guess, expected=right, tolerance=2e-3, figure=Pictures)
        yield Claim("The guess carries gradients, so the network can learn.", yours=guess.requires_grad, expected=True)
        yours.eval()
        for other in (torch.rand_like(level), torch.zeros_like(level), torch.ones_like(level)):
            says, right = "Told other levels, it guesses what the lesson's denoiser guesses.", reference(noisy, other)
            yours_now = yours(noisy.clone(), other.clone())
            yield Claim(says, yours=yours_now, expected=right, tolerance=2e-3, figure=Pictures)
        yours.train()
    yield from can_learn(reference, yours, noisy, level)


def copy_weights(reference: nn.Module, yours: nn.Module, *inputs: Tensor) -> bool:
    """Copy the weights of one network into another, and tell whether it has the same names for them."""
    named_alike = yours.state_dict().keys() == reference.state_dict().keys()
    if named_alike:
        yours.load_state_dict(reference.state_dict())
    else:
        same_weights(reference, yours, *(one.clone() for one in inputs))
    return named_alike


def along_the_way(yours, noisy, level) -> Claims:
    """What goes into each stage, given what came out of the one before."""
    # In the order in which they should have their turn.
    names = {yours.enter: "`enter`"} | {stage: f"`down[{i}]`" for i, stage in enumerate(yours.down)}
    names |= {stage: f"`up[{i}]`" for i, stage in enumerate(yours.up)} | {yours.leave: "`leave`"}
    with tap(names) as (order, given, came), torch.no_grad():
        result = yours(noisy.clone(), level.clone())
    says = "Each stage has its turn: enter, down, up, leave."
    if left := [stage for stage in names if stage not in given]:
        # Who runs the layers of a stage one by one is heard by the guess alone.
        used = set(run_order(yours, noisy.clone(), level.clone()))
        if skipped := ", ".join(names[stage] for stage in left if not used.intersection(stage.modules())):
            clue = f"Not every stage has its turn: {skipped} is never run."
            yield Claim(says, yours=f"all but {skipped}", expected="all", clue=clue)
        return

    def same(says: str, yours: Tensor, expected: Tensor, tolerance: float = 1e-3, clue: str = "") -> Claim:
        return Claim(says, yours=yours, expected=expected, tolerance=tolerance, figure=Pictures, clue=clue)

    turns = " ".join(names[stage] for stage in order)
    yield Claim(says, yours=turns, expected=" ".join(names.values()))
    says = "What goes into `enter` has four channels: three colours and the level."
    yield Claim(says, yours=given[yours.enter], expected=Shape((len(noisy), 4, *noisy.shape[2:])))
    colours, fourth = given[yours.enter].split([3, 1], dim=1)
    yield same("The first three of them are the noisy pictures.", colours, noisy, tolerance=1e-4)
    says = "The fourth says each picture's own level, in every pixel."
    yield same(says, fourth, level.expand(-1, 1, *noisy.shape[2:]), tolerance=1e-4)
    downs, ups = list(yours.down), list(yours.up)
    above, kept = came[yours.enter], []
    for stage in downs:
        says = f"What goes into {names[stage]} is what came before, halved by averaging 2x2 pixels."
        clue = f"On the way down, what goes into {names[stage]} is wrong: is it halved, once, and by averaging?"
        yield same(says, given[stage], F.avg_pool2d(above, 2), clue=clue)
        kept.append(above)
        above = came[stage]
    yield same(f"What goes into {names[ups[0]]} is what came out of {names[downs[-1]]}.", given[ups[0]], above)
    for stage, after in zip(ups, [*ups[1:], yours.leave], strict=True):
        says = f"What goes into {names[after]} is what came out of {names[stage]}, doubled, plus what was kept at this size."
        clue = f"On the way up, something goes wrong between {names[stage]} and {names[after]}, where x is doubled and what "
        clue += "was kept is added."
        doubled = came[stage].repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        yield same(says, given[after], doubled + kept.pop(), clue=clue)
    clue = "Something is done to the guess after `leave`: it is the guess, as it is."
    yield same("What comes out of `leave` is the guess, as it is.", result, came[yours.leave], clue=clue)
