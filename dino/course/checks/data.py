"""Checks for chapter 6."""

from collections import deque

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from torch import Tensor

from dino import data as lesson
from dino.course.checks.claims import Bars, Claim, Claims, Curve, Pictures, Shape, check_of, name_of
from dino.course.checks.inputs import between, pictures, spread_levels


def as_file(clean: Tensor) -> PIL.Image.Image:
    """A picture (3, height, width) as Pillow opens it."""
    return PIL.Image.fromarray((clean * 255).round().byte().permute(1, 2, 0).numpy())


def rounded(clean: Tensor) -> Tensor:
    """Pictures in the 256 steps of brightness that a file has."""
    return (clean * 255).round() / 255


@check_of(
    lesson.to_tensor,
    hints=(
        "`np.array(picture)` gives (height, width, 3), whole numbers from 0 to 255, and `torch.from_numpy` makes a tensor of "
        "it. Then two things are left: the order of the dimensions, and the range.",
        "`permute(2, 0, 1)` brings the colours to the front without mixing up pixels; `reshape` would mix them up. Then "
        "`.float() / 255`.",
    ),
    notice="`permute` only says in which order the numbers are to be read; `reshape` reads them in the old order and cuts them "
    "into other pieces. Both give the right shape, but only one gives a picture.",
    mistakes={
        "The numbers still go up to 255: divide by 255, so that white is 1.": {" / 255": ""},
        "White is not quite 1: divide by 255, the largest number, not by 256.": {"255": "256"},
        "The numbers run from -1 to 1: in this course, pictures run from 0 to 1.": {"255": "127.5 - 1"},
        "The numbers are divided before they are floats, so that only 0 and 1 are left: `float()` first, or `/` for `//`.":
            {".float() / 255": " // 255 * 1.0"},
        "The numbers are divided by the largest of the picture: white paper has to be 1 and grey has to stay grey.": (
            {"255": "numbers.max().clamp(min=1)"},
            {"255": "numbers.max()"},
            {"return ": "return (", "/ 255": "- numbers.min()) / (numbers.max() - numbers.min())"},
        ),
        "Black and white are swapped: 0 is black.": {"return ": "return 1 - "},
        "Each picture is shifted and scaled by its own mean and spread: leave its brightness as it is.":
            {"return ": "numbers = numbers.float(); return (", "/ 255": "- numbers.mean()) / (numbers.std() + 1e-6)"},
        "Mean and spread of other pictures (those of ImageNet) are taken out: in this course, pictures run from 0 to 1.":
            {"return ": "return (", "/ 255": "/ 255 - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / "
             "torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)"},
        "The numbers are whole numbers: a network wants floats from 0 to 1.":
            ({".float() / 255": ""}, {".float() / 255": " // 255"}),
        "The numbers are 64-bit floats, which no network here takes: use `.float()`.": {"float()": "double()"},
        "The numbers are 16-bit floats, which no network here takes: use `.float()`.": {"float()": "half()"},
        "The colours come last: torch wants them first, (3, height, width).": {".permute(2, 0, 1)": ""},
        "Height and width are swapped, so the picture lies on its side: `permute(2, 0, 1)`.": {"2, 0, 1": "2, 1, 0"},
        "The numbers are cut into another shape (`reshape`, `view`), which mixes pixels up: change the order, with `permute`.":
            {"permute(2, 0, 1)": "reshape(3, *numbers.shape[:2])"},
        "Red and blue are swapped: Pillow's order is red, green, blue, and so is ours.": {".float()": ".float().flip(0)"},
        "The picture is upside down.": {".float()": ".float().flip(1)"},
        "The picture is mirrored.": {".float()": ".float().flip(2)"},
        "There is one dimension too many: this is a single picture, not a batch yet.": {".float()": ".float()[None]"},
        "The colours are lost: keep red, green and blue.":
            ({".float()": ".float().mean(dim=0)[None]"}, {".float()": ".float().mean(dim=0)"}),
        "All three colours are the same grey: keep red, green and blue.":
            {"(picture)": '(picture.convert("L").convert("RGB"))'},
        "This is an array of numpy: make it a tensor, with `torch.from_numpy`.":
            ({"return ": "return (", "255": "255).numpy()"}, {"numbers.permute(2, 0, 1).float() / 255": "np.array(picture)"}),
        "Nothing is returned.": {"return ": ""},
    },
)  # fmt: skip
def to_tensor(answer) -> Claims:
    height, width = between(17, 24), between(10, 15)
    clean = rounded(pictures(1, height, width)[0] * 0.9)
    result = answer(as_file(clean))
    kind = "a tensor" if isinstance(result, Tensor) else f"a {type(result).__name__}"
    yield Claim("A tensor comes back.", yours=None if result is None else kind, expected="a tensor")
    yield Claim("It has the shape (3, height, width).", yours=result.double(), expected=Shape((3, height, width)))
    kind = str(result.dtype).removeprefix("torch.")
    yield Claim("It holds floats of 32 bits, as the network's weights do.", yours=kind, expected="float32")

    def claim(says: str, clean: Tensor, tolerance: float, clue: str = "") -> Claim:
        yours = answer(as_file(clean)).double()
        see = Pictures(clean[None], yours[None])
        return Claim(says, yours=yours, expected=clean, tolerance=tolerance, figure=see, clue=clue)

    yield claim("White is 1.", torch.ones(3, between(3, 9), between(3, 9)), 1e-6)
    yield claim("Black is 0.", torch.zeros(3, between(3, 9), between(3, 9)), 1e-6)
    clue = "Black and white are right, but not everything stands where it stood: in which order are the dimensions?"
    yield claim("Each pixel stays where it is, and each colour in a channel of its own.", clean, 1e-5, clue)
    clue = "A high picture comes out right, but a square one does not."
    size = between(66, 90)
    yield claim("A square picture comes out right, too.", rounded(torch.rand(3, size, size)), 1e-5, clue)
    clue = "Other pictures come out right, but a wide one does not."
    yield claim("So does a wide one.", rounded(torch.rand(3, between(1, 9), between(10, 90))), 1e-5, clue)
    clue = "Once it has made another tensor, the first one is no longer what it was: make a new one each time."
    yield Claim("The first stays what it was.", yours=result.double(), expected=clean, tolerance=1e-5, clue=clue)
    clue = "Small pictures come out right, but a large one does not."
    yield claim("A large one comes out right.", rounded(torch.rand(3, between(192, 256), between(10, 20))), 1e-5, clue)
    yield claim(
        "So does a single pixel.", rounded(torch.rand(3, 1, 1)), 1e-5, "A single pixel does not come out right."
    )
    given = as_file(clean)
    answer(given)
    yield Claim("The picture that it is given stays as it is.", yours=given == as_file(clean), expected=True)


@check_of(
    lesson.crop,
    hints=(
        "Two steps, and both are methods of the picture: `picture.crop((left, top, right, bottom))` and "
        "`picture.resize((size, size))`. The side of the square is the shorter one of `picture.width` and `picture.height`.",
        "What is too wide is `picture.width - side`; half of it goes on the left, so `left = (picture.width - side) // 2`. "
        "The same for the top. Then `right = left + side` and `bottom = top + side`.",
    ),
    notice="Pillow's `resize` looks at all pixels that fall into a new one (except with NEAREST, which picks one of them and lets "
    "thin lines vanish or flicker). `torch.nn.functional.interpolate` does so only with `antialias=True`.",
    mistakes={
        "The whole picture is squeezed into a square: cut the middle out first, so that round things stay round.":
            {".crop((left, top, left + side, top + side))": ""},
        "The square is cut from the top left: what matters is mostly in the middle.": {"return": "left, top = 0, 0; return"},
        "The square is cut from the bottom right: only half of what is too much goes on the left and on top.":
            {"return": "left, top = picture.width - side, picture.height - side; return"},
        "The middle is found with width and height swapped.": {"left, top =": "top, left ="},
        "The square is as large as the longer side, so there is a black border: take the shorter side.": (
            {"min": "max"},
            {"picture.crop((left, top, left + side, top + side)).resize(": "PIL.ImageOps.pad(picture, ",
             "BICUBIC": 'BICUBIC, "black"'},
        ),
        "Nothing is cut off, and the rest is filled with white: cut the middle square out.":
            {"picture.crop((left, top, left + side, top + side)).resize(": "PIL.ImageOps.pad(picture, ",
             "BICUBIC": 'BICUBIC, "white"'},
        "Only a piece of `size` by `size` pixels is cut out of the middle: cut the largest square, then scale it.":
            {"min(picture.size)": "size"},
        "The square is cut out, but not scaled to `size` by `size` pixels.":
            {".resize((size, size), PIL.Image.Resampling.BICUBIC)": ""},
        "The picture is scaled, but not cut to a square: its longer side is `size`.": (
            {".crop((left, top, left + side, top + side))": "",
             "(size, size)": "[round(size * each / max(picture.size)) for each in picture.size]"},
            {"picture.crop((left, top, left + side, top + side)).resize(": "PIL.ImageOps.contain(picture, "},
        ),
        "The picture is scaled, but not cut to a square: its shorter side is `size`.":
            {".crop((left, top, left + side, top + side))": "",
             "(size, size)": "[round(size * each / side) for each in picture.size]"},
        "Large pictures are made smaller, but small ones are not made larger (`thumbnail` does that): use `resize`.":
            {"(size, size)": "[min(size, side)] * 2"},
        "Only what is too wide is cut; what is too high is squeezed.":
            {"left, top, left + side, top + side": "left, 0, left + side, picture.height"},
        "Only what is too high is cut; what is too wide is squeezed.":
            {"left, top, left + side, top + side": "0, top, picture.width, top + side"},
        "Each new pixel is just one of the old ones (NEAREST), so thin lines vanish: use BICUBIC, which looks at all of them.":
            {"BICUBIC": "NEAREST"},
        "Each new pixel looks at four old ones at most, so thin lines vanish: use Pillow's `resize`, or `antialias=True`.":
            {".resize((size, size), PIL.Image.Resampling.BICUBIC)":
                ".transform((size, size), PIL.Image.Transform.EXTENT, (0, 0, side, side), PIL.Image.Resampling.BILINEAR)"},
        "It changes the picture that it is given, as `thumbnail` does: use `resize`, or begin with `picture.copy()`.":
            {"return": "square =", "BICUBIC)": "BICUBIC)\n    picture.thumbnail((size, size))\n    return square"},
        "Pillow's box is (left, top, right, bottom), and not (left, top, width, height).":
            {"left + side, top + side": "side, side"},
        "The cut is right, but the picture is mirrored.": {"return picture": "return PIL.ImageOps.mirror(picture)"},
        "The cut is right, but the picture is upside down.": {"return picture": "return PIL.ImageOps.flip(picture)"},
        "The cut is right, but the picture is turned on its side.": {"BICUBIC)": "BICUBIC).rotate(90)"},
        "The cut is right, but the colours are lost.":
            ({"BICUBIC)": 'BICUBIC).convert("L")'}, {"BICUBIC)": 'BICUBIC).convert("L").convert("RGB")'}),
        "This is a tensor or an array: return a picture of Pillow.":
            ({"return ": "return to_tensor(", "BICUBIC)": "BICUBIC))"}, {"return ": "return np.array(", "BICUBIC)": "BICUBIC))"}),
        "The square is half as large as it could be: its side is the shorter one of the picture.":
            {"min(picture.size)": "min(picture.size) // 2"},
        "Nothing is returned: Pillow's methods give a new picture, and leave the old one as it is.": {"return ": ""},
    },
)  # fmt: skip
def crop(answer) -> Claims:
    def claims(says: str, height: int, width: int, size: int, clue: str, blobs: int = 5) -> Claims:
        # Soft blobs of colour look the same however carefully they are scaled; two of them are an even slope.
        blobs = torch.rand(1, 3, blobs, blobs)
        blobs = F.interpolate(blobs, (height, width), mode="bilinear", align_corners=True)
        picture = as_file(blobs[0].clamp(0, 1))
        result = answer(picture.copy(), size)
        kind = "a picture of Pillow" if isinstance(result, PIL.Image.Image) else f"a {type(result).__name__}"
        kind = None if result is None else kind
        yield Claim("A picture of Pillow comes back.", yours=kind, expected="a picture of Pillow")
        wrong = f"It should be {size} by {size} pixels large, and is {result.width} by {result.height}."
        yield Claim(
            f"It is {size} by {size} pixels large.", yours=tuple(result.size), expected=(size, size), clue=wrong
        )
        yield Claim("It has red, green and blue.", yours=result.mode, expected="RGB")
        right, yours = lesson.to_tensor(lesson.crop(picture, size)), lesson.to_tensor(result)
        see = Pictures(right[None], yours[None])
        yield Claim(says, yours=yours, expected=right, tolerance=0.08, figure=see, clue=clue)

    clue = (
        "The middle square of a wide picture comes out differently: is something squeezed, cut elsewhere, or filled up?"
    )
    yield from claims(
        "Of a wide picture, the middle square is left.", between(36, 48), between(90, 110), between(18, 30), clue
    )
    clue = "A wide picture comes out right, but a high one does not: what is cut off at the top?"
    yield from claims(
        "Of a high picture, the middle square is left.", between(90, 110), between(36, 48), between(18, 30), clue
    )
    clue = "Pictures that are not square come out right, but a square one does not: nothing is to be cut off."
    side = between(42, 54)
    yield from claims("A square picture is only scaled.", side, side, between(13, 18), clue)
    clue = "Pictures are made smaller as they should be, but not larger."
    side = between(9, 12)
    yield from claims("A small picture is scaled up.", side, side + 4, between(24, 90), clue, blobs=2)
    clue = "Thin lines should melt into grey: each new pixel has to look at all old ones that fall into it."
    for apart, allowed in ((2, 0.2), (between(8, 10), 0.08)):
        size = between(13, 19)
        lines = torch.zeros(3, size * apart, size * apart)
        lines[:, :, ::apart] = 1
        yours, even = lesson.to_tensor(answer(as_file(lines), size)).mean(dim=0), torch.full((size, size), 1 / apart)
        says = f"White lines, one in {apart}, become an even grey."
        see = Pictures(even.expand(1, 3, size, size), yours.expand(1, 3, *yours.shape))
        yield Claim(says, yours=yours, expected=even, tolerance=allowed, figure=see, clue=clue)
    given = as_file(lines)
    answer(given, size // 2)
    yield Claim("The picture that it is given stays as it is.", yours=given == as_file(lines), expected=True)
    # What is cut off is even, and nothing is scaled: there is just one right answer, to the pixel and to the shade.
    side, more = between(17, 24), 2 * between(2, 9)
    for height, width, which in ((side, side + more, "wide"), (side + more, side, "high")):
        picture = as_file(torch.rand(3, height, width))
        top, left = (height - side) // 2, (width - side) // 2
        right = lesson.to_tensor(picture)[:, top : top + side, left : left + side]
        yours = lesson.to_tensor(answer(picture, side))
        says = (
            f"Where nothing is to be scaled, the middle of a {which} picture is left as it is, each pixel in its shade."
        )
        clue = "It is not just the middle, to the pixel, or its shades are not those of the picture."
        yield Claim(
            says, yours=yours, expected=right, tolerance=0.012, figure=Pictures(right[None], yours[None]), clue=clue
        )
    clue = "Small pictures come out right, but a large one does not."
    height, width = between(220, 280), between(300, 400)
    yield from claims("Of a large picture, the middle square is left.", height, width, between(33, 64), clue)
    clue = "A picture of a single pixel does not come out right."
    yield from claims("A single pixel becomes a square of its colour.", 1, 1, between(1, 8), clue, blobs=1)


@check_of(
    lesson.overfit,
    hints=(
        "A batch of the one picture: `picture.expand(batch, -1, -1, -1)` shows it `batch` times without copying it. Then call "
        "`step` on it, again and again, and keep what it returns.",
        "`[step(clean) for _ in range(steps)]`, with the batch as `clean`, is all that is left to return.",
    ),
    notice="`expand` stores the picture only once. It can stand where copies could, for nobody writes into it.",
    mistakes={
        "The picture is shown only once in each step: make a batch of it, with `expand` or `repeat`.":
            {".expand(batch, -1, -1, -1)": "[None]"},
        "The picture has no batch: a step wants (batch, 3, height, width).": {".expand(batch, -1, -1, -1)": ""},
        "The size of the batch is fixed: it should be `batch`.": {"expand(batch": "expand(16"},
        "The batch comes in the wrong place: (batch, 3, height, width).":
            {".expand(batch, -1, -1, -1)": "[:, None].expand(-1, batch, -1, -1)"},
        "The batch grows from step to step: it should be `batch` pictures each time.":
            {"(clean) for _": "(picture.expand(n + 1, -1, -1, -1)) for n"},
        "`steps` and `batch` are swapped.": {"expand(batch": "expand(steps", "range(steps": "range(batch"},
        "It stops as soon as the loss is small: take all `steps`, so that the losses can be compared.":
            {"return [step(clean) for _ in range(steps)]": "losses = [step(clean)]\n    while len(losses) < steps and "
             "losses[-1] > 1e-3:\n        losses.append(step(clean))\n    return losses"},
        "A generator does nothing until somebody asks for its values: [ ] instead of ( ).":
            {"[step": "(step", "(steps)]": "(steps))"},
        "The function itself is kept, and never called: `step(clean)` calls it.": {"step(clean)": "step"},
        "There is one step too few.": {"(steps)": "(steps - 1)"},
        "There is one step too many.": {"(steps)": "(steps + 1)"},
        "There is only one step: repeat it `steps` times.": {"(steps)": "(1)"},
        "The number of steps is fixed: it should be `steps`.": {"(steps)": "(100)"},
        "The picture is mirrored now and then: one single picture means one single picture.":
            {"(clean) for _": "(clean.flip(3) if n % 2 else clean) for n"},
        "Noise is mixed in here already: `step` does that by itself, so give it the clean picture.":
            {"(clean)": "(0.5 * clean + 0.5 * torch.rand(clean.shape))"},
        "Pictures of noise are shown: show the one picture that you were given.": {"(clean)": "(torch.rand(clean.shape))"},
        "Only the last loss is returned: return the loss of each step.": {"(steps)]": "(steps)][-1]"},
        "Only the mean of the losses is returned: return the loss of each step.":
            {"[step": "sum(step", "(steps)]": "(steps)) / steps"},
        "The losses come in the reverse order: the first is that of the first step.": {"(steps)]": "(steps)][::-1]"},
        "The losses are sorted: keep them in the order of the steps.": {"[step": "sorted(step", "(steps)]": "(steps))"},
        "The losses are added up on the way: return each by itself.":
            {"return ": "return torch.tensor(", "(steps)]": "(steps)]).cumsum(0).tolist()"},
        "The losses are not returned.": {"return ": ""},
    },
)  # fmt: skip
def overfit(answer) -> Claims:
    picture, steps, batch, shown = (
        pictures(1, between(21, 24), between(17, 20))[0],
        between(6, 9),
        2 * between(4, 6) + 1,
        [],
    )
    given = (4 * torch.rand(200) + 0.1).tolist()
    given[2] = 0.0  # who is content with that stops here

    def step(clean: Tensor) -> float:
        shown.append(clean.detach().clone())
        return given[len(shown) - 1]

    losses = answer(step, picture, steps, batch)
    items = list(losses) if isinstance(losses, list | tuple) else []
    kept = "the function `step`" if any(map(callable, items)) else "what `step` returns"
    yield Claim("What `step` returns is kept.", yours=kept, expected="what `step` returns")
    clue = f"With {steps} steps to do, `step` should be called {steps} times, and is called {len(shown)} times."
    says = f"With {steps} steps to do, `step` is called {steps} times."
    yield Claim(says, yours=len(shown), expected=steps, clue=clue)
    yield from all_are(shown, picture, batch)
    if isinstance(losses, np.ndarray | deque):
        losses = list(losses)
    if isinstance(losses, float | int):
        mean = sum(given[:steps]) / steps
        kind = name_of(float(losses), {"the last loss": given[steps - 1], "the mean of the losses": mean})
    else:
        many = losses.numel() > 1 if isinstance(losses, Tensor) else isinstance(losses, list | tuple)
        kind = "several losses" if many else f"a {type(losses).__name__}"
    yield Claim("A list comes back.", yours=None if losses is None else kind, expected="several losses")
    yield in_order("It holds the loss of each step, in their order.", losses, given[:steps])
    # Many more steps, with another picture, and a batch of the usual size.
    shown.clear()
    picture, steps = torch.rand(3, between(4, 12), between(4, 12)), between(20, 60)
    given = (100 * torch.rand(200)).tolist()
    losses = answer(step, picture, steps)
    count = len(shown[0]) if shown else 0
    yield Claim("If nobody says otherwise, a batch holds 16.", yours=count, expected=16)
    yield from all_are(shown, picture, 16)
    yield in_order("It holds the loss of each step, however many there are.", losses, given[:steps])
    # As many steps and as large a batch as one takes to learn a picture by heart; and as few as there can be.
    for steps, batch in ((between(200, 300), between(48, 64)), (1, 1)):
        shown.clear()
        picture, given = torch.rand(3, between(1, 4), between(1, 4)), (100 * torch.rand(400)).tolist()
        losses, right = answer(step, picture, steps, batch), picture.expand(batch, -1, -1, -1)
        says, clue = (
            f"{steps} times, it is given {batch} times the picture.",
            "The steps or the batches are too few or too many.",
        )
        count = sum(torch.equal(clean, right) for clean in shown) if len(shown) == steps else len(shown)
        yield Claim(says, yours=count, expected=steps, clue=clue)
        yield in_order(f"It holds the loss of each step, when there are {steps}.", losses, given[:steps])


def all_are(shown: list[Tensor], picture: Tensor, batch: int) -> Claims:
    """The claims that a step was given a batch of this picture each time."""
    right, clue = picture.expand(batch, -1, -1, -1), "What the step is given is not the picture."
    for clean in shown:
        says = "It is given a batch: as many pictures as `batch` says."
        yield Claim(says, yours=clean, expected=Shape(tuple(right.shape)))
        says = "All of them are that one picture."
        yield Claim(says, yours=clean, expected=right, tolerance=1e-6, figure=Pictures, clue=clue)


def in_order(says: str, losses, given: list[float]) -> Claim:
    """The claim that losses are those that the steps returned."""
    losses, right = torch.as_tensor([float(loss) for loss in losses]), torch.tensor(given)
    see, clue = Bars(right, losses, across="step", up="loss"), "These are not the losses that `step` returned."
    return Claim(says, yours=losses, expected=right, tolerance=1e-5, figure=see, clue=clue)


@check_of(
    lesson.yardstick,
    hints=(
        "Work with two dimensions, (levels, pixels): `levels[:, None]` has the shape (count, 1), and what varies per pixel is "
        "flattened to (pixels,). The two broadcast. At the end, take the mean over the pixels.",
        "`signal = clean.var(dim=0, correction=0).flatten()`, `noise = levels[:, None] ** 2 / 12`, and what is left is "
        "`signal * noise / ((1 - levels[:, None]) ** 2 * signal + noise)`.",
    ),
    notice="At level 1 nothing is left of the picture, and the loss is the variance of the pixels: no denoiser can do better there. Where "
    "noise and picture have the same variance, half of it is left.",
    mistakes={
        "How much a pixel varies is measured over the whole tensor: each pixel and colour has its own, so `var(dim=0)`.":
            {"dim=0, ": ""},
        "The variances are averaged over the pixels first: work out the error of each pixel, then take the mean of the errors.":
            {"flatten()": "mean()"},
        "How much pixels vary is measured within each picture: measure it over the pictures, `dim=0`.":
            {"var(dim=0, correction=0).flatten()": "flatten(1).var(dim=1, correction=0)"},
        "The colours of a pixel are taken together: each colour has a variance of its own.": {"var(": "mean(dim=1).var("},
        "The spread is taken (`std`): take its square, the variance.": {"var(": "std("},
        "The mean of the squares is taken for the variance: subtract the mean first.":
            {"var(dim=0, correction=0)": "square().mean(dim=0)"},
        "The noise has variance 1 here, as Gaussian noise has: uniform noise in [0, 1] has variance 1/12.": {" / 12": ""},
        "The noise has variance 1/3 here, as if its mean were 0: about its mean of one half, it is 1/12.": {"12": "3"},
        "The noise has its spread here, the root of 1/12: take the variance, 1/12.": {"12": "12**0.5"},
        "The level of the noise is not squared: scaling by `level` multiplies the variance by its square.": {" ** 2 / 12": " / 12"},
        "The noise has the same variance at every level: it is scaled by `level`.": {"** 2 / 12": "** 0 / 12"},
        "The picture does not fade: it is scaled by 1 - level, so its variance is scaled by the square of that.":
            {"(1 - levels[:, None]) ** 2 * ": ""},
        "Neither share is squared: scaling by a share multiplies the variance by its square.": {" ** 2 * ": " * ", " ** 2 / 12": " / 12"},
        "The 12 is squared, too: only the level is.": {"levels[:, None] ** 2 / 12": "(levels[:, None] / 12) ** 2"},
        "The mean is taken for the variance: how much does each pixel vary over the pictures?":
            {"var(dim=0, correction=0)": "mean(dim=0)"},
        "The share of the picture is not squared: scaling by 1 - level multiplies the variance by its square.": {" ** 2 * ": " * "},
        "`1 - level ** 2` is not the square of `1 - level`, which is `(1 - level) ** 2`.":
            {"(1 - levels[:, None]) ** 2": "(1 - levels[:, None] ** 2)"},
        "The level is counted from the other end: at level 1 there is nothing but noise.":
            {"signal =": "levels = 1 - levels; signal ="},
        "This is the variance of the noisy pixels, not the error that is left once they are seen.":
            {"signal * noise / (seen + noise)": "seen + noise"},
        "This is the share that is explained: what is wanted is the error that is left.":
            {"signal * noise / (seen + noise)": "seen / (seen + noise + 1e-12)"},
        "This is the share of the variation that is left: times the variation, it is the error.": {"(signal * ": "("},
        "This is the loss of somebody who looks at nothing and always says the mean: use what the noisy pixel tells.":
            {"noise / (seen + noise)": "noise**0"},
        "This is the loss of somebody who returns the noisy picture: the best guesser mixes it with the mean.":
            {"(signal * noise / (seen + noise)).mean(dim=1)": "levels**2 * ((clean - 0.5).square().mean() + 1 / 12)"},
        "This is the loss of the noise alone, scaled up again: the best guesser mixes in the mean.":
            {"signal * noise / (seen + noise)": "noise / ((1 - levels[:, None]) ** 2).clamp(min=1e-3)"},
        "Only the noise counts here, not how much pixels vary.": {"signal * noise / (seen + noise)": "noise"},
        "The losses are summed over the pixels: take their mean.": {"mean(dim=1)": "sum(dim=1)"},
        "The root is taken: the loss is the mean of the squares.": {"mean(dim=1)": "mean(dim=1).sqrt()"},
        "One number for all levels comes out: take the mean over the pixels only, `dim=1`.": {"dim=1": ""},
        "One number for each pixel comes out: take the mean over the pixels, not over the levels.": {"dim=1": "dim=0"},
        "Each pixel is left by itself: take the mean over the pixels.": {".mean(dim=1)": ""},
        "Nothing is returned.": {"return ": ""},
    },
)  # fmt: skip
def yardstick(answer) -> Claims:
    count, height, width, many = between(40, 60), between(9, 16), 2 * between(4, 7), between(5, 8)
    clean, levels = pictures(count, height, width), spread_levels(many).flatten()
    levels[levels.argmax()] = 1
    clean = clean * torch.linspace(0.3, 1, count).view(-1, 1, 1, 1)
    clean[..., : width // 2] = 0.9 + 0.1 * clean[..., : width // 2]  # half of the pixels vary little
    result, right = answer(clean, levels), lesson.yardstick(clean, levels)
    yield Claim("There is one loss for each level.", yours=result, expected=Shape((len(levels),)))
    # Where all pixels are alike, one can work it out on paper. With few pictures, N or N - 1 would make a difference.
    low, high = between(0, 3) / 10, between(7, 10) / 10
    varies, level = ((high - low) / 2) ** 2, between(3, 7) / 10
    flat = torch.tensor([low, high]).view(2, 1, 1, 1).expand(2, 3, 4, 5).repeat(between(150, 250), 1, 1, 1)

    def claim(says: str, level: float, loss: float, tolerance: float, clue: str) -> Claim:
        found, loss = answer(flat, torch.tensor([level])), torch.tensor([loss])
        see = Bars(loss, found, across="level", up="loss")
        return Claim(says, yours=found, expected=loss, tolerance=tolerance, figure=see, clue=clue)

    says = f"Pixels are {low} or {high}. At level 1, the loss is their variance, {varies:.4g}."
    clue = "At level 1 there is only noise. The best guess is the mean, and the loss is the variance of the pixels."
    yield claim(says, 1.0, varies, 4e-3, clue)
    found = answer(torch.full((between(20, 60), 3, 4, 5), torch.rand(()).item()), levels[:3])
    says = "If all pictures are alike, the loss is 0."
    clue = "If all pictures are alike, there is nothing to guess, and no loss."
    yield Claim(says, yours=found, expected=torch.zeros(3), tolerance=1e-5, clue=clue)
    picture, noise = (1 - level) ** 2 * varies, level**2 / 12
    says = f"The same pixels at level {level}: the picture varies by {(1 - level) ** 2:.4g} * {varies:.4g} "
    says += f"and the noise by {level**2:.4g} / 12."
    clue = "At level 1 it is right, but not in between: what is the variance of picture and noise, each with its share?"
    yield claim(says, level, varies * noise / (picture + noise), 1e-3, clue)
    says = "On pictures, each pixel and colour counts by itself: your loss divided by the right one is 1."
    clue = "Where all pixels are alike it is right, but not on pictures: does each pixel and each colour have its own variance?"
    order = levels.argsort()
    see = Curve(right[order], result[order], across="level", up="loss", x=levels[order])
    yield Claim(says, yours=result / right, expected=torch.ones_like(levels), tolerance=0.03, figure=see, clue=clue)
    # As many and as large pictures as a course has, that vary more and more, most of all at the edge; and single pixels.
    for count, side in ((between(120, 160), between(24, 32)), (between(120, 160), 1)):
        clean = 0.5 + (torch.rand(count, 3, side, side) - 0.5) * torch.linspace(0.1, 1, count).view(-1, 1, 1, 1)
        clean[..., : side - 1, : side - 1] *= 0.1 + 0.4 * torch.rand(3, side - 1, side - 1)
        levels = torch.cat([0.01 + 0.02 * torch.rand(2), torch.rand(6).clamp(min=0.01)])
        found, right = answer(clean, levels), lesson.yardstick(clean, levels)
        says = f"{count} pictures of {side}x{side} pixels, at low levels, too: your loss divided by the right one is 1."
        clue = "Few small pictures come out right, but many or large ones, or low levels, do not."
        see = Bars(right, found, across="level", up="loss")
        yield Claim(says, yours=found / right, expected=torch.ones(8), tolerance=0.03, figure=see, clue=clue)
