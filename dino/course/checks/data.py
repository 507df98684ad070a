"""Checks for chapter 6."""

import numpy as np
import PIL.Image
import PIL.ImageOps
import torch
import torch.nn.functional as F
from torch import Tensor

from dino import data as lesson
from dino.course.checks.claims import Claim, Claims, Shape, check_of, name_of
from dino.course.checks.inputs import pictures

Resampling = PIL.Image.Resampling


def as_file(clean: Tensor) -> PIL.Image.Image:
    """A picture (3, height, width) as Pillow opens it."""
    return PIL.Image.fromarray((clean * 255).round().byte().permute(1, 2, 0).numpy())


def rounded(clean: Tensor) -> Tensor:
    """Pictures in the 256 steps of brightness that a file has."""
    return (clean * 255).round() / 255


def tensor_with(
    first=lambda picture: picture,
    order=lambda numbers: numbers.permute(2, 0, 1),
    scale=lambda numbers: numbers.float() / 255,
):
    """The lesson's to_tensor, with one part replaced."""

    def to_tensor(picture):
        return scale(order(torch.from_numpy(np.array(first(picture)))))

    return to_tensor


@check_of(
    lesson.to_tensor,
    hints=(
        "`np.array(picture)` gives (height, width, 3), whole numbers from 0 to 255, and `torch.from_numpy` makes a tensor of "
        "it. Then two things are left: the order of the sides, and the range.",
        "`permute(2, 0, 1)` brings the colours to the front without mixing up pixels; `reshape` would mix them up. Then "
        "`.float() / 255`.",
    ),
    notice="`permute` only says in which order the numbers are to be read; `reshape` reads them in the old order and cuts them "
    "into other pieces. Both give the right shape, but only one gives a picture.",
    mistakes={
        "The numbers still go up to 255: divide by 255, so that white is 1.": tensor_with(
            scale=lambda numbers: numbers.float()
        ),
        "White is not quite 1: divide by 255, the largest number, not by 256.": tensor_with(
            scale=lambda numbers: numbers.float() / 256
        ),
        "The numbers run from -1 to 1: in this course, pictures run from 0 to 1.": tensor_with(
            scale=lambda numbers: numbers.float() / 127.5 - 1
        ),
        "The numbers are divided before they are floats, so that only 0 and 1 are left: `float()` first, or `/` for `//`.": (
            tensor_with(scale=lambda numbers: (numbers // 255).float())
        ),
        "The numbers are divided by the largest of the picture: white paper has to be 1 and grey has to stay grey.": (
            tensor_with(scale=lambda numbers: numbers.float() / numbers.max().clamp(min=1)),
            tensor_with(scale=lambda numbers: numbers.float() / numbers.max()),
            tensor_with(scale=lambda numbers: (numbers.float() - numbers.min()) / (numbers.max() - numbers.min())),
        ),
        "Black and white are swapped: 0 is black.": tensor_with(scale=lambda numbers: 1 - numbers.float() / 255),
        "Each picture is shifted and scaled by its own mean and spread: leave its brightness as it is.": tensor_with(
            scale=lambda numbers: (numbers.float() - numbers.float().mean()) / (numbers.float().std() + 1e-6)
        ),
        "The numbers are whole numbers: a network wants floats from 0 to 1.": (
            tensor_with(scale=lambda numbers: numbers),
            tensor_with(scale=lambda numbers: numbers // 255),
        ),
        "The numbers are 64-bit floats, which no network here takes: use `.float()`.": tensor_with(
            scale=lambda numbers: numbers.double() / 255
        ),
        "The numbers are 16-bit floats, which no network here takes: use `.float()`.": tensor_with(
            scale=lambda numbers: (numbers.float() / 255).half()
        ),
        "The colours come last: torch wants them first, (3, height, width).": tensor_with(
            order=lambda numbers: numbers
        ),
        "Height and width are swapped, so the picture lies on its side: `permute(2, 0, 1)`.": tensor_with(
            order=lambda numbers: numbers.permute(2, 1, 0)
        ),
        "The numbers are cut into another shape (`reshape`, `view`), which mixes pixels up: change the order, with `permute`.": (
            tensor_with(order=lambda numbers: numbers.reshape(3, *numbers.shape[:2]))
        ),
        "Red and blue are swapped: Pillow's order is red, green, blue, and so is ours.": tensor_with(
            order=lambda numbers: numbers.permute(2, 0, 1).flip(0)
        ),
        "The picture is upside down.": tensor_with(order=lambda numbers: numbers.permute(2, 0, 1).flip(1)),
        "The picture is mirrored.": tensor_with(order=lambda numbers: numbers.permute(2, 0, 1).flip(2)),
        "There is one side too many: no batch yet, this is a single picture.": tensor_with(
            order=lambda numbers: numbers.permute(2, 0, 1)[None]
        ),
        "The colours are lost: keep red, green and blue.": (
            tensor_with(order=lambda numbers: numbers.float().mean(dim=2)[None]),
            tensor_with(order=lambda numbers: numbers.float().mean(dim=2)),
        ),
        "All three colours are the same grey: keep red, green and blue.": tensor_with(
            first=lambda picture: picture.convert("L").convert("RGB")
        ),
        "This is an array of numpy: make it a tensor, with `torch.from_numpy`.": (
            lambda picture: np.array(picture).transpose(2, 0, 1).astype("float32") / 255,
            lambda picture: np.array(picture),
        ),
        "Nothing is returned.": lambda picture: None,
    },
)
def to_tensor(answer) -> Claims:
    def ask(clean: Tensor) -> Tensor:
        """The answer's tensor, whatever kind of numbers it holds."""
        return answer(as_file(clean)).double()

    clean = rounded(pictures(1, 20, 12)[0] * 0.9)
    result = answer(as_file(clean))
    kind = "a tensor" if isinstance(result, Tensor) else f"a {type(result).__name__}"
    yield Claim("A tensor comes back.", None if result is None else kind, "a tensor")
    yield Claim("It has the shape (3, height, width).", result.double(), Shape((3, 20, 12)))
    kind = str(result.dtype).removeprefix("torch.")
    yield Claim("It holds floats of 32 bits, as the network's weights do.", kind, "float32")
    for name, value in (("White", 1.0), ("Black", 0.0)):
        paper = torch.full((3, 4, 6), value)
        result_of_paper = ask(paper)
        see = {"expected": paper[None], "yours": result_of_paper[None]}
        yield Claim(f"{name} is {value:.0f}.", result_of_paper, paper, 1e-6, "compare", see)
    see = {"expected": clean[None], "yours": result[None]}
    clue = "Black and white are right, but not everything stands where it stood: which order do the sides have?"
    says = "Each pixel stays where it is, and each colour in a channel of its own."
    yield Claim(says, result.double(), clean, 1e-5, "compare", see, clue)
    square = rounded(pictures(1, 16, 16)[0])
    result = ask(square)
    see = {"expected": square[None], "yours": result[None]}
    clue = "A high picture comes out right, but a square one does not."
    yield Claim("A square picture comes out right, too.", result, square, 1e-5, "compare", see, clue)


def crop_with(
    box=lambda width, height, side, size: ((width - side) // 2, (height - side) // 2, side),
    scale=lambda picture, size: picture.resize((size, size), Resampling.BICUBIC),
    last=lambda picture: picture,
):
    """The lesson's crop, with one part replaced; a box is its left, its top and its side."""

    def crop(picture, size):
        left, top, side = box(*picture.size, min(picture.size), size)
        return last(scale(picture.crop((left, top, left + side, top + side)), size))

    return crop


def padded(colour):
    """Nothing is cut off: the rest of the square is filled up."""
    return lambda picture, size: PIL.ImageOps.pad(picture, (size, size), Resampling.BICUBIC, color=colour)


def box_of_sizes(picture, size):
    """The third and fourth number of the box are taken for its width and height."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, side, side)).resize((size, size), Resampling.BICUBIC)


def changes_it(picture, size):
    """The result is right, but what was given is not what it was."""
    result = lesson.crop(picture, size)
    picture.thumbnail((size, size))
    return result


def few_looked_at(picture, size):
    """Each new pixel looks at no more than four old ones, as arrays are scaled unless one asks for better."""
    clean = lesson.to_tensor(picture)[None]
    return as_file(F.interpolate(clean, (size, size), mode="bilinear").clamp(0, 1)[0])


def squeezed(picture, size):
    """Nothing is cut off: the longer side is squeezed."""
    return picture.resize((size, size), Resampling.BICUBIC)


def scaled_whole(measure):
    """The whole picture, scaled so that one of its sides is as long as it should be."""

    def crop(picture, size):
        factor = size / measure(picture.size)
        return picture.resize([max(1, round(side * factor)) for side in picture.size], Resampling.BICUBIC)

    return crop


def only(wide):
    """Cut only what is too wide, or only what is too high; the other is squeezed."""

    def crop(picture, size):
        too_long = picture.width > picture.height if wide else picture.height > picture.width
        return crop_with()(picture, size) if too_long else squeezed(picture, size)

    return crop


@check_of(
    lesson.crop,
    hints=(
        "Two steps, and both are methods of the picture: `picture.crop((left, top, right, bottom))` and "
        "`picture.resize((size, size))`. The side of the square is the shorter one of `picture.width` and `picture.height`.",
        "What is too wide is `picture.width - side`; half of it goes on the left, so `left = (picture.width - side) // 2`. "
        "The same for the top. Then `right = left + side` and `bottom = top + side`.",
    ),
    notice="Pillow's `resize` looks at all pixels that fall into a new one (except with NEAREST, which picks one of them and lets "
    "thin lines vanish or flicker). Many libraries for arrays do not unless one asks for it.",
    mistakes={
        "The whole picture is squeezed into a square: cut the middle out first, so that round things stay round.": squeezed,
        "The square is cut from the top left: what matters is mostly in the middle.": crop_with(
            box=lambda width, height, side, size: (0, 0, side)
        ),
        "The square is cut from the bottom right: only half of what is too much goes on the left and on top.": crop_with(
            box=lambda width, height, side, size: (width - side, height - side, side)
        ),
        "The middle is found with width and height swapped.": crop_with(
            box=lambda width, height, side, size: ((height - side) // 2, (width - side) // 2, side)
        ),
        "The square is as large as the longer side, so there is a black border: take the shorter side.": (
            crop_with(
                box=lambda width, height, side, size: (
                    (width - max(width, height)) // 2,
                    (height - max(width, height)) // 2,
                    max(width, height),
                )
            ),
            padded("black"),
        ),
        "Nothing is cut off, and the rest is filled with white: cut the middle square out.": padded("white"),
        "Only a piece of `size` by `size` pixels is cut out of the middle: cut the largest square, then scale it.": (
            crop_with(
                box=lambda width, height, side, size: ((width - size) // 2, (height - size) // 2, size),
                scale=lambda picture, size: picture,
            )
        ),
        "The square is cut out, but not scaled to `size` by `size` pixels.": crop_with(
            scale=lambda picture, size: picture
        ),
        "The picture is scaled, but not cut to a square: its longer side is `size`.": (
            scaled_whole(max),
            lambda picture, size: PIL.ImageOps.contain(picture, (size, size), Resampling.BICUBIC),
        ),
        "The picture is scaled, but not cut to a square: its shorter side is `size`.": scaled_whole(min),
        "Large pictures are made smaller, but small ones are not made larger (`thumbnail` does that): use `resize`.": (
            crop_with(scale=lambda picture, size: picture.resize([min(size, picture.width)] * 2, Resampling.BICUBIC))
        ),
        "Only what is too wide is cut; what is too high is squeezed.": only(wide=True),
        "Only what is too high is cut; what is too wide is squeezed.": only(wide=False),
        "Each new pixel is just one of the old ones (NEAREST), so thin lines vanish: use BICUBIC, which looks at all of them.": (
            crop_with(scale=lambda picture, size: picture.resize((size, size), Resampling.NEAREST))
        ),
        "Each new pixel looks at four old ones at most, so thin lines vanish: use Pillow's `resize`, or `antialias=True`.": (
            crop_with(scale=few_looked_at)
        ),
        "It changes the picture that it is given, as `thumbnail` does: use `resize`, or begin with `picture.copy()`.": changes_it,
        "Pillow's box is (left, top, right, bottom), and not (left, top, width, height).": box_of_sizes,
        "The cut is right, but the picture is mirrored.": crop_with(last=PIL.ImageOps.mirror),
        "The cut is right, but the picture is upside down.": crop_with(last=PIL.ImageOps.flip),
        "The cut is right, but the picture is turned on its side.": crop_with(
            last=lambda picture: picture.transpose(PIL.Image.Transpose.ROTATE_90)
        ),
        "The cut is right, but the colours are lost.": (
            crop_with(last=lambda picture: picture.convert("L")),
            crop_with(last=lambda picture: picture.convert("L").convert("RGB")),
        ),
        "This is a tensor or an array: return a picture of Pillow.": (
            lambda picture, size: lesson.to_tensor(lesson.crop(picture, size)),
            lambda picture, size: np.array(lesson.crop(picture, size)),
        ),
        "The square is half as large as it could be: its side is the shorter one of the picture.": crop_with(
            box=lambda width, height, side, size: ((width - side // 2) // 2, (height - side // 2) // 2, side // 2)
        ),
        "Nothing is returned: Pillow's methods give a new picture, and leave the old one as it is.": (
            lambda picture, size: None
        ),
    },
)
def crop(answer) -> Claims:
    def claims(says: str, height: int, width: int, size: int, clue: str, blobs: int = 5) -> Claims:
        # Soft blobs of colour look the same however carefully they are scaled; two of them are an even slope.
        blobs = torch.rand(1, 3, blobs, blobs)
        blobs = F.interpolate(blobs, (height, width), mode="bilinear", align_corners=True)
        picture = as_file(blobs[0].clamp(0, 1))
        result = answer(picture.copy(), size)
        kind = "a picture of Pillow" if isinstance(result, PIL.Image.Image) else f"a {type(result).__name__}"
        yield Claim("A picture of Pillow comes back.", None if result is None else kind, "a picture of Pillow")
        yield Claim(f"It is {size} by {size} pixels large.", tuple(result.size), (size, size))
        yield Claim("It has red, green and blue.", result.mode, "RGB")
        right, yours = lesson.to_tensor(lesson.crop(picture, size)), lesson.to_tensor(result)
        yield Claim(says, yours, right, 0.08, "compare", {"expected": right[None], "yours": yours[None]}, clue)

    clue = "The middle square of a wide picture comes out differently: is something squeezed, or cut elsewhere?"
    yield from claims("Of a wide picture, the middle square is left.", 40, 100, 24, clue)
    clue = "A wide picture comes out right, but a high one does not: what is cut off at the top?"
    yield from claims("Of a high picture, the middle square is left.", 100, 40, 24, clue)
    clue = "Pictures that are not square come out right, but a square one does not: nothing is to be cut off."
    yield from claims("A square picture is only scaled.", 48, 48, 16, clue)
    clue = "Pictures are made smaller as they should be, but not larger."
    yield from claims("A small picture is scaled up.", 10, 14, 32, clue, blobs=2)
    clue = "Thin lines should melt into grey: each new pixel has to look at all old ones that fall into it."
    for apart, grey, allowed in ((2, 0.5, 0.2), (10, 0.1, 0.08)):
        lines = torch.zeros(3, 16 * apart, 16 * apart)
        lines[:, :, ::apart] = 1
        yours = lesson.to_tensor(answer(as_file(lines), 16)).mean(dim=0)
        says = f"White lines, one in {apart}, become an even grey."
        even = torch.full((16, 16), grey)
        see = {"expected": even.expand(1, 3, 16, 16), "yours": yours.expand(1, 3, *yours.shape)}
        yield Claim(says, yours, even, allowed, "compare", see, clue)
    given = as_file(lines)
    answer(given, 8)
    yield Claim("The picture that it is given stays as it is.", given.size, (160, 160))


def fit_with(
    clean=lambda picture, batch, n: picture.expand(batch, -1, -1, -1),
    count=lambda steps: steps,
    give=lambda losses: losses,
):
    """The lesson's overfit, with one part replaced."""

    def overfit(step, picture, steps, batch=16):
        return give([step(clean(picture, batch, n)) for n in range(count(steps))])

    return overfit


def stops_early(step, picture, steps, batch=16):
    """It is content with a small loss."""
    losses = []
    while len(losses) < steps and (not losses or losses[-1] > 1e-3):
        losses.append(step(picture.expand(batch, -1, -1, -1)))
    return losses


@check_of(
    lesson.overfit,
    hints=(
        "A batch of the one picture: `picture.expand(batch, -1, -1, -1)` shows it `batch` times without copying it. Then call "
        "`step` on it, again and again, and keep what it returns.",
        "`[step(clean) for _ in range(steps)]`, with the batch as `clean`, is all that is left to return.",
    ),
    notice="`expand` stores the picture only once. It can stand where copies could, for nobody writes into it.",
    mistakes={
        "The picture is shown only once in each step: make a batch of it, with `expand` or `repeat`.": fit_with(
            clean=lambda picture, batch, n: picture[None]
        ),
        "The picture has no batch: a step wants (batch, 3, height, width).": fit_with(
            clean=lambda picture, batch, n: picture
        ),
        "The size of the batch is fixed: it should be `batch`.": fit_with(
            clean=lambda picture, batch, n: picture.expand(16, -1, -1, -1)
        ),
        "The batch comes in the wrong place: (batch, 3, height, width).": fit_with(
            clean=lambda picture, batch, n: picture[:, None].expand(-1, batch, -1, -1)
        ),
        "The batch grows from step to step: it should be `batch` pictures each time.": fit_with(
            clean=lambda picture, batch, n: picture.expand(n + 1, -1, -1, -1)
        ),
        "`steps` and `batch` are swapped.": lambda step, picture, steps, batch=16: fit_with()(
            step, picture, batch, steps
        ),
        "It stops as soon as the loss is small: take all `steps`, so that the losses can be compared.": stops_early,
        "A generator does nothing until somebody asks for its values: [ ] instead of ( ).": (
            lambda step, picture, steps, batch=16: (step(picture.expand(batch, -1, -1, -1)) for _ in range(steps))
        ),
        "There is one step too few.": fit_with(count=lambda steps: steps - 1),
        "There is one step too many.": fit_with(count=lambda steps: steps + 1),
        "There is only one step: repeat it `steps` times.": fit_with(count=lambda steps: 1),
        "The number of steps is fixed: it should be `steps`.": fit_with(count=lambda steps: 100),
        "The picture is mirrored now and then: one single picture means one single picture.": fit_with(
            clean=lambda picture, batch, n: (picture if n % 2 == 0 else picture.flip(2)).expand(batch, -1, -1, -1)
        ),
        "Noise is mixed in here already: `step` does that by itself, so give it the clean picture.": fit_with(
            clean=lambda picture, batch, n: (
                0.5 * picture.expand(batch, -1, -1, -1) + 0.5 * torch.rand(batch, *picture.shape)
            )
        ),
        "Pictures of noise are shown: show the one picture that you were given.": fit_with(
            clean=lambda picture, batch, n: torch.rand(batch, *picture.shape)
        ),
        "Only the last loss is returned: return the loss of each step.": fit_with(give=lambda losses: losses[-1]),
        "Only the mean of the losses is returned: return the loss of each step.": fit_with(
            give=lambda losses: sum(losses) / max(1, len(losses))
        ),
        "The losses come in the reverse order: the first is that of the first step.": fit_with(
            give=lambda losses: losses[::-1]
        ),
        "The losses are sorted: keep them in the order of the steps.": fit_with(give=sorted),
        "The losses are added up on the way: return each by itself.": fit_with(
            give=lambda losses: torch.tensor(losses).cumsum(0).tolist()
        ),
        "The losses are not returned.": fit_with(give=lambda losses: None),
    },
)
def overfit(answer) -> Claims:
    picture, shown = pictures(1, 24, 20)[0], []
    given = (0.5 - 0.3 * torch.rand(200)).tolist()
    given[2] = 0.0  # who is content with that stops here

    def step(clean: Tensor) -> float:
        shown.append(clean.detach().clone())
        return given[len(shown) - 1]

    losses = answer(step, picture, 7, 12)
    yield Claim("With 7 steps to do, `step` is called 7 times.", len(shown), 7)
    for clean in shown:
        yield Claim("It is given a batch: so many pictures as `batch` says.", clean, Shape((12, 3, 24, 20)))
        clue = "What the step is given is not the picture."
        yield Claim(
            "All of them are that one picture.", clean, picture.expand(12, -1, -1, -1), 1e-6, "compare", clue=clue
        )
    if isinstance(losses, float | int):
        kind = name_of(float(losses), {"the last loss": given[6], "the mean of the losses": sum(given[:7]) / 7})
    else:
        many = losses.numel() > 1 if isinstance(losses, Tensor) else isinstance(losses, list | tuple)
        kind = "several losses" if many else f"a {type(losses).__name__}"
    yield Claim("A list comes back.", None if losses is None else kind, "several losses")
    losses = torch.as_tensor([float(loss) for loss in losses])
    says = "It holds the loss of each step, in their order."
    bars = {"expected": torch.tensor(given[:7]), "yours": losses, "across": "step", "up": "loss"}
    yield Claim(
        says, losses, torch.tensor(given[:7]), 1e-5, "bars", bars, "These are not the losses that `step` returned."
    )
    shown.clear()
    answer(step, picture, 3)
    yield Claim("If nobody says otherwise, a batch holds 16.", len(shown[0]) if shown else 0, 16)


def stick_with(
    varies=lambda clean: clean.var(dim=0, correction=0).flatten(),
    dice=lambda level: level**2 / 12,
    fades=lambda level: (1 - level) ** 2,
    left=lambda signal, noise, fade: signal * noise / (fade * signal + noise),
    give=lambda losses: losses.mean(dim=1),
):
    """The lesson's yardstick, with one part replaced."""

    def yardstick(clean, levels):
        level = levels[:, None]
        return give(left(varies(clean), dice(level), fades(level)))

    return yardstick


@check_of(
    lesson.yardstick,
    hints=(
        "Work with two sides, (levels, pixels): `levels[:, None]` has the shape (count, 1), and what varies per pixel is "
        "flattened to (pixels,). They stretch over each other. At the end, take the mean over the pixels.",
        "`signal = clean.var(dim=0, correction=0).flatten()`, `noise = levels[:, None] ** 2 / 12`, and what is left is "
        "`signal * noise / ((1 - levels[:, None]) ** 2 * signal + noise)`.",
    ),
    notice="At level 1 nothing is left of the picture, and the loss is all that pixels vary: no denoiser can do better there. Where "
    "noise and picture vary alike, half of the variation is left.",
    mistakes={
        "How much a pixel varies is measured over the whole tensor: each pixel and colour has its own, so `var(dim=0)`.": (
            stick_with(varies=lambda clean: clean.var(correction=0).flatten())
        ),
        "The variances are averaged over the pixels first: work out the error of each pixel, then take the mean of the errors.": (
            stick_with(varies=lambda clean: clean.var(dim=0, correction=0).mean()[None])
        ),
        "How much pixels vary is measured within each picture: measure it over the pictures, `dim=0`.": stick_with(
            varies=lambda clean: clean.flatten(1).var(dim=1, correction=0)
        ),
        "The colours of a pixel are taken together: each colour has a variance of its own.": stick_with(
            varies=lambda clean: clean.mean(dim=1).var(dim=0, correction=0).flatten()
        ),
        "The spread is taken (`std`): take its square, the variance.": stick_with(
            varies=lambda clean: clean.std(dim=0, correction=0).flatten()
        ),
        "The mean of the squares is taken for the variance: take the mean off first.": stick_with(
            varies=lambda clean: clean.square().mean(dim=0).flatten()
        ),
        "The noise varies by 1 here, as Gaussian noise does: uniform noise in [0, 1] varies by 1/12.": stick_with(
            dice=lambda level: level**2
        ),
        "The noise varies by 1/3 here, as if its mean were 0: it varies by 1/12 about its mean of one half.": stick_with(
            dice=lambda level: level**2 / 3
        ),
        "The noise has its spread here, the root of 1/12: take the variance, 1/12.": stick_with(
            dice=lambda level: level**2 / 12**0.5
        ),
        "The level of the noise is not squared: what is scaled by `level` varies by its square.": stick_with(
            dice=lambda level: level / 12
        ),
        "The noise varies alike at every level: it is scaled by `level`.": stick_with(
            dice=lambda level: torch.full_like(level, 1 / 12)
        ),
        "The picture does not fade: it is scaled by 1 - level, so it varies by the square of that.": stick_with(
            fades=torch.ones_like
        ),
        "The share of the picture is not squared: what is scaled by 1 - level varies by its square.": stick_with(
            fades=lambda level: 1 - level
        ),
        "`1 - level ** 2` is not the square of `1 - level`, which is `(1 - level) ** 2`.": stick_with(
            fades=lambda level: 1 - level**2
        ),
        "The level is counted from the other end: at level 1 there is nothing but noise.": stick_with(
            dice=lambda level: (1 - level) ** 2 / 12, fades=lambda level: level**2
        ),
        "This is how far noisy pictures vary, not what is left of it once one has seen them.": stick_with(
            left=lambda signal, noise, fade: fade * signal + noise
        ),
        "This is the share that is explained: what is wanted is the error that is left.": stick_with(
            left=lambda signal, noise, fade: fade * signal / (fade * signal + noise + 1e-12)
        ),
        "This is the share of the variation that is left: times the variation, it is the error.": stick_with(
            left=lambda signal, noise, fade: noise / (fade * signal + noise)
        ),
        "This is the loss of somebody who looks at nothing and always says the mean: use what the noisy pixel tells.": (
            stick_with(left=lambda signal, noise, fade: signal + 0 * noise)
        ),
        "This is the loss of somebody who returns the noisy picture: the best guesser mixes it with the mean.": (
            lambda clean, levels: torch.stack([level**2 * ((clean - 0.5).square().mean() + 1 / 12) for level in levels])
        ),
        "This is the loss of the noise alone, scaled up again: the best guesser mixes in the mean.": stick_with(
            left=lambda signal, noise, fade: noise / fade.clamp(min=1e-3) + 0 * signal
        ),
        "Only the noise counts here, not how much pixels vary.": stick_with(
            left=lambda signal, noise, fade: noise + 0 * signal
        ),
        "The losses are summed over the pixels: take their mean.": stick_with(give=lambda losses: losses.sum(dim=1)),
        "The root is taken: the loss is the mean of the squares.": stick_with(
            give=lambda losses: losses.mean(dim=1).sqrt()
        ),
        "One number for all levels comes out: take the mean over the pixels only, `dim=1`.": stick_with(
            give=lambda losses: losses.mean()
        ),
        "One number for each pixel comes out: take the mean over the pixels, not over the levels.": stick_with(
            give=lambda losses: losses.mean(dim=0)
        ),
        "Each pixel is left by itself: take the mean over the pixels.": stick_with(give=lambda losses: losses),
        "Nothing is returned.": stick_with(give=lambda losses: None),
    },
)
def yardstick(answer) -> Claims:
    clean, levels = (
        pictures(40, 12, 10) * torch.linspace(0.3, 1, 40).view(-1, 1, 1, 1),
        torch.tensor([0.15, 0.4, 0.75, 1]),
    )
    clean[..., :6] = 0.9 + 0.1 * clean[..., :6]  # half of the pixels vary little
    right = lesson.yardstick(clean, levels)
    result = answer(clean, levels)
    yield Claim("There is one loss for each level.", result, Shape((4,)))
    flat = torch.tensor([0.2, 0.8]).view(2, 1, 1, 1).expand(2, 3, 4, 5).contiguous()
    # Where all pixels are alike, one can work it out on paper. With few pictures, N or N - 1 would make a difference.
    flat = flat.repeat(200, 1, 1, 1)
    see = {"expected": torch.tensor([0.09]), "across": "level", "up": "loss"}
    found = answer(flat, torch.tensor([1.0]))
    clue = "At level 1 there is only noise. The best guess is the mean, and the loss is all that pixels vary."
    says = "Pixels are 0.2 or 0.8. At level 1, the loss is their variance, 0.09."
    yield Claim(says, found, torch.tensor([0.09]), 4e-3, "bars", {**see, "yours": found}, clue)
    found = answer(torch.full((50, 3, 4, 5), 0.3), levels[:3])
    clue = "If all pictures are alike, there is nothing to guess, and no loss."
    yield Claim("If all pictures are alike, the loss is 0.", found, torch.zeros(3), 1e-5, clue=clue)
    found, half = answer(flat, torch.tensor([0.5])), torch.tensor([0.09 / 48 / (0.09 / 4 + 1 / 48) / 1.0])
    clue = "At level 1 it is right, but not in between: how much do picture and noise vary, each with its share?"
    says = "The same pixels at level 0.5: the picture varies by 0.09 / 4 and the noise by 1 / 48."
    yield Claim(says, found, half, 6e-4, "bars", {**see, "expected": half, "yours": found}, clue)
    see = {"expected": right, "yours": result, "across": "level", "up": "loss", "x": levels}
    clue = "Where all pixels are alike it is right, but not on pictures: does each pixel and each colour have its own variance?"
    says = "On pictures, each pixel and colour counts by itself: your loss divided by the right one is 1."
    yield Claim(says, result / right, torch.ones(4), 0.03, "curve", see, clue)
