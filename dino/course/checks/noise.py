"""Checks for chapter 1."""

from functools import partial

import torch
from torch import Tensor

from dino import noise as lesson
from dino.course.checks.claims import Claim, Claims, Curve, Histogram, Pictures, Shape, check_of, how_many
from dino.course.checks.inputs import between, pictures, shares, spread_levels


@check_of(
    lesson.mix,
    hints=(
        "At level 0.25, three quarters of every pixel come from the picture and one quarter from the noise. "
        "What is the picture's share at any level?",
        "The picture's share is (1 - level) and the noise's share is level: multiply each by its share, and add the two.",
    ),
    notice="Level has the shape (batch, 1, 1, 1), so one number per picture broadcasts over all its pixels by itself: "
    "no loop, and no `expand`. Torch has the same as `torch.lerp(clean, noise, level)`.",
    mistakes={
        "The blend is swapped: at level 1 you return the clean picture.":
            {"(1 - level) * clean + level": "level * clean + (1 - level)"},
        "The noise is added, but the picture stays at full strength: its share has to shrink as the noise grows.":
            {"(1 - level) * ": ""},
        "The noise is added and the sum is clamped: the picture's share has to shrink as the noise grows.":
            {"(1 - level) * clean + level * noise": "(clean + level * noise).clamp(0, 1)"},
        "Noise around zero is added, and the picture stays at full strength: noise should take the picture's place.":
            {"(1 - level) * clean + level * noise": "clean + level * (noise - 0.5)"},
        "Both are at full strength, whatever the level: each needs a share.":
            {"(1 - level) * clean + level * noise": "clean + noise"},
        "The noise is at full strength at every level: it needs a share too.": {"+ level * noise": "+ noise"},
        "The noise is missing: you only darken the picture.": {" + level * noise": ""},
        "The picture is missing: you only darken the noise.": {"(1 - level) * clean + ": ""},
        "The clean pictures come back untouched.": {"(1 - level) * clean + level * noise": "clean.clone()"},
        "The noise comes back alone, at every level.": {"(1 - level) * clean + level * noise": "noise.clone()"},
        "The level is ignored: it is always half and half.": {"return": "level = 0.5; return"},
        "Both shares are `level`: the picture's should be 1 - level.": {"(1 - level)": "level"},
        "Both shares are 1 - level: the noise's should be `level`.": {"+ level": "+ (1 - level)"},
        "The noise is subtracted instead of added.": {"+ level": "- level"},
        "You go away from the noise, not towards it: the difference is the wrong way round.":
            {"(1 - level) * clean + level * noise": "clean + level * (clean - noise)"},
        "The two are multiplied: each has a share, and the shares are added.": {"+ level": "* level"},
        "The shares are square roots. That is for Gaussian noise; here the two shares add up to 1.":
            {"(1 - level) * clean + level": "(1 - level).sqrt() * clean + level.sqrt()"},
        "The noise's share is level, the picture's is a square root. Here the two shares add up to 1.":
            {"(1 - level)": "(1 - level**2).sqrt()"},
        "The level is divided by 100, as if it were per cent: it runs from 0 to 1.": {"return": "level = level / 100; return"},
        "The level is squared before it is used.": {"return": "level = level**2; return"},
        "The square root of the level is used: use the level itself.": {"return": "level = level.sqrt(); return"},
        "The level is rounded, so that it is only ever 0 or 1.": {"return": "level = level.round(); return"},
        "All pictures are mixed at the level of the first one.": {"return": "level = level[0]; return"},
        "All pictures are mixed at the level of the last one.": {"return": "level = level[-1]; return"},
        "All pictures are mixed at the average of the levels.": {"return": "level = level.mean(); return"},
        "All pictures are mixed at the largest of the levels.": {"return": "level = level.max(); return"},
        "The levels run along the width of the pictures: squeezed to one number each, they meet the last dimension, which "
        "is the width. Keep the shape (batch, 1, 1, 1).": {"return": "level = level.flatten(); return"},
        "The levels run along the height of the pictures: the shape (batch, 1) meets the last two dimensions. Keep the shape "
        "(batch, 1, 1, 1).": {"return": "level = level.flatten()[:, None]; return"},
        "The levels run along the colours of the pictures: the shape (batch, 1, 1) meets the last three dimensions. Keep the "
        "shape (batch, 1, 1, 1).": {"return": "level = level.flatten()[:, None, None]; return"},
        "The noise that came in is not used: you made your own.": (
            {"* noise": "* torch.rand_like(noise)"},
            {"* noise": "* torch.randn_like(noise)"},
            {"(1 - level) * clean + level * noise": "(1 - level).sqrt() * clean + level.sqrt() * torch.randn_like(noise)"},
            {"(1 - level) * clean + level * noise": "clean + level * torch.rand_like(noise)"},
            {"(1 - level) * clean + level * noise": "clean + level * torch.randn_like(noise)"},
        ),
        "The noise is grey: only its first colour is used.": {"* noise": "* noise[:, :1]"},
        "All pictures get the noise of the first one.": {"* noise": "* noise[:1]"},
        "Each pixel is either picture or noise: every pixel should be a mix of both.":
            {"(1 - level) * clean + level * noise": "torch.where(torch.rand_like(clean) < level, noise, clean)"},
        "The result runs from 0 to 255: pictures are floats from 0 to 1.": {"return": "clean, noise = 255 * clean, 255 * noise; return"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def mix(answer) -> Claims:
    # Here the sizes are always the same, so that errors that tell of them are, too; further on they are drawn.
    clean, noise, level = pictures(5, 28, 24), torch.rand(5, 3, 28, 24), spread_levels(5)
    ones = torch.ones_like(level)
    quarter = answer(clean, noise, ones / 4)
    alike = isinstance(quarter, Tensor) and quarter.shape == clean.shape
    each = [shares(*three) for three in zip(quarter, clean, noise, strict=True)] if alike else []
    if is_a_mix := bool(each) and None not in each:
        yours, expected = torch.tensor(each), torch.tensor([0.75, 0.25]).expand(5, 2)
        picture, amount = yours[int((yours - expected).abs().amax(dim=1).argmax())].tolist()
        words = "At level 0.25 there should be 0.75 of the picture and 0.25 of the noise, and yours has "
        words += f"{picture:.2f} of the picture and {amount:.2f} of the noise."
        see = Pictures(0.75 * clean + 0.25 * noise, quarter)
        says = "Picture and noise have the right shares."
        yield Claim(says, yours=yours, expected=expected, tolerance=0.01, figure=see, clue=words, words=words)
    mixed, right = answer(clean, noise, level), lesson.mix(clean, noise, level)
    says = "Level 0 leaves the clean pictures."
    yield Claim(says, yours=answer(clean, noise, 0 * ones), expected=clean, figure=Pictures)
    same = Claim("", yours=quarter, expected=answer(clean, noise, ones / 4)).symptom() is None
    yield Claim("The same pictures, noise and level give the same result.", yours=same, expected=True)
    says = "Level 1 leaves nothing but noise."
    yield Claim(says, yours=answer(clean, noise, ones), expected=noise, figure=Pictures)
    says = "Level 0.5 is halfway between the two."
    clue = "" if is_a_mix else "The result is not a share of the picture plus a share of the noise."
    yield Claim(says, yours=answer(clean, noise, ones / 2), expected=(clean + noise) / 2, figure=Pictures, clue=clue)
    yield Claim("Each picture is mixed at its own level.", yours=mixed, expected=right, figure=Pictures)

    def claim(which: str, clean: Tensor, noise: Tensor, level: Tensor) -> Claim:
        yours, right = answer(clean, noise, level), lesson.mix(clean, noise, level)
        return Claim(f"The same holds for {which}.", yours=yours, expected=right, figure=Pictures)

    # A batch as large as the pictures are wide: here a level of the wrong shape goes through without an error.
    size = between(7, 10)
    # Noise may look like pictures and pictures like noise, and levels may be nearly 0 or 1.
    clean, noise, level = torch.rand(size, 3, size, size), pictures(size, size, size), spread_levels(size)
    level[level.argmin()] *= 0.2 * torch.rand(())
    level[level.argmax()] = 1 - 0.03 * torch.rand(())
    yield claim(f"{size} pictures of {size}x{size} pixels", clean, noise, level)
    yield claim("a single picture", clean[:1], noise[:1], level[:1])
    count, height, width = between(9, 20), between(4, 40), between(4, 40)
    clean, noise = torch.rand(2, count, 3, height, width)
    yield claim(f"{count} pictures of {height}x{width} pixels", clean, noise, torch.rand(count, 1, 1, 1))
    yield claim("pictures that are all at one level", clean, noise, torch.rand(()).expand(count, 1, 1, 1))
    # As many and as large as training takes them, and as small as in the docstring's example.
    for count, size in ((between(48, 64), between(2, 6)), (1, between(48, 64))):
        clean, noise = torch.rand(2, count, 3, size, size)
        which = f"{count} of {size}x{size} pixels"
        yield claim(which, clean, noise, torch.rand(count, 1, 1, 1))
    yield claim("a single number", *torch.rand(3, 1, 1, 1, 1))


@check_of(
    lesson.random_levels,
    hints=(
        "`torch.rand` draws numbers between 0 and 1, all equally likely, in whatever shape you name.",
        "The shape is (batch, 1, 1, 1), and the batch is as large as `len(clean)` says.",
    ),
    notice="`device=clean.device` draws the levels where the pictures are, so that the same line works on a GPU.",
    mistakes={
        "There is one level for the whole batch: each picture should get its own.":
            {"len(clean), 1, 1, 1, device=clean.device)": "1, 1, 1, 1).expand(len(clean), 1, 1, 1)"},
        "The level is always the same number: draw it.": {"return": "return 0.5 + 0 *"},
        "The levels are all zero: draw them.": {"return": "return 0 *"},
        "There is a level for every pixel: each picture should get just one.":
            {"rand(len(clean), 1, 1, 1, device=clean.device)": "rand_like(clean)"},
        "There is a level for each colour: each picture should get just one.": {"(len(clean), 1": "(len(clean), 3"},
        "There is only one level, however many pictures there are: draw as many as `len(clean)`.": {"len(clean)": "1"},
        "You return a single number: there should be one level for each picture.": {"len(clean), 1, 1, 1": "()"},
        "The levels have the shape (batch,): give them three dimensions of length 1, so that they broadcast over pixels.":
            {", 1, 1, 1": ""},
        "The levels have the shape (batch, 1): two more dimensions of length 1 let them broadcast over pixels.":
            {", 1, 1, 1": ", 1"},
        "The levels have the shape (batch, 1, 1): one more dimension of length 1 lets them broadcast over pixels.":
            {", 1, 1, 1": ", 1, 1"},
        "The levels are in the wrong dimension: the batch comes first.":
            {"len(clean), 1, 1, 1": "1, 1, 1, len(clean)"},
        "You return a list: make it one tensor of the shape (batch, 1, 1, 1).":
            {", 1, 1, 1, device=clean.device)": ").tolist()"},
        "The levels come from `randn`, which is Gaussian and leaves the range from 0 to 1. Use `rand`.": {"rand(": "randn("},
        "The levels are Gaussian and clamped, so many are just 0 or just 1. Use `rand`.":
            {"rand(": "randn(", ".device)": ".device).clamp(0, 1)"},
        "The absolute value of Gaussian numbers leaves the range from 0 to 1. Use `rand`.":
            {"rand(": "randn(", ".device)": ".device).abs()"},
        "The levels run from -1 to 1: they should run from 0 to 1.": {"return": "return -1 + 2 *"},
        "The levels run from 0 to 2: they should run from 0 to 1.": {"return": "return 2 *"},
        "The levels only reach up to one half.": {"return": "return 0.5 *"},
        "The levels only begin at one half.": {"return": "return 0.5 + 0.5 *"},
        "The levels are squared or multiplied: low ones come too often.": {".device)": ".device) ** 2"},
        "High levels come too often: a root is taken, or a power is subtracted from 1.":
            ({".device)": ".device).sqrt()"}, {"return": "return 1 -", ".device)": ".device) ** 2"}),
        "The middle comes too often: levels are averaged, or Gaussian numbers squeezed. A plain `rand` is all you need.":
            ({"rand(": "rand(2, ", ".device)": ".device).mean(0)"}, {"rand(": "randn(", ".device)": ".device).sigmoid()"}),
        "The levels are only 0 or 1: every number between the two should be equally likely.": {".device)": ".device).round()"},
        "The levels come in steps, of a tenth or so: every number between 0 and 1 should be possible.": (
            {".device)": ".device).mul(10).round() / 10"},
            {".device)": ".device).mul(10).floor() / 10"},
            {".device)": ".device).mul(11).floor() / 10"},
            {".device)": ".device).mul(100).floor() / 100"},
            {".device)": ".device).mul(1000).floor() / 1000"},
        ),
        "The levels are whole numbers: they should be floats between 0 and 1.": {".device)": ".device).round().long()"},
        "The levels keep away from 0 and 1: every number between 0 and 1 should be equally likely.":
            ({"return": "return 0.1 + 0.8 *"}, {"return": "return 0.02 + 0.96 *"}),
        "The levels are in order: each should have nothing to do with the one before.":
            {".device)": ".device).sort(dim=0).values"},
        "The random generator is seeded inside: every call gives the same levels.":
            {"device=clean.device": "generator=torch.Generator().manual_seed(0)"},
        "The levels are evenly spaced, not drawn: every call gives the same.":
            {"rand(len(clean), 1, 1, 1, device=clean.device)": "linspace(0, 1, len(clean)).view(-1, 1, 1, 1)"},
        "The levels are evenly spaced and shuffled: each should be drawn by itself.":
            {"rand(len(clean), 1, 1, 1, device=clean.device)": "randperm(len(clean)).view(-1, 1, 1, 1) / len(clean)"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def random_levels(answer) -> Claims:
    count, height, width = between(3, 9), between(5, 12), between(5, 12)
    says = "There is one level per picture, in the shape (batch, 1, 1, 1)."
    yield Claim(says, yours=answer(torch.zeros(count, 3, height, width)), expected=Shape((count, 1, 1, 1)))
    batch = torch.rand(between(18_000, 22_000), 3, 1, 1)
    drawn, many = answer(batch).detach().flatten(), answer(batch).detach().flatten()
    about_levels = partial(Claim, figure=Histogram(torch.rand(len(many)), many))
    in_order = many.sort().values
    low, high = float(in_order[0]), float(in_order[-1])
    yield about_levels("Pictures of the same batch get different levels.", yours=low < high, expected=True)
    yield about_levels("No level is below 0.", yours=low < 0, expected=False)
    yield about_levels("No level is above 1.", yours=high > 1, expected=False)
    clue = f"The levels should reach from 0 to 1, and yours only run from {low:.2g} to {high:.2g}."
    yield about_levels("Of 20,000 levels, the lowest is nearly 0.", yours=low, expected=0.0, tolerance=0.005, clue=clue)
    yield about_levels(
        "Of 20,000 levels, the highest is nearly 1.", yours=high, expected=1.0, tolerance=0.005, clue=clue
    )
    yield from spread_evenly(many, "all levels", 0.025)
    different = len(in_order.unique()) / len(many)
    yield about_levels("Of 20,000 levels, hardly two are the same.", yours=different, expected=1.0, tolerance=0.03)
    yield Claim("Two calls give different levels.", yours=bool(torch.equal(drawn, many)), expected=False)
    says = "Two calls give different levels, not the same in another order."
    yield about_levels(says, yours=bool(torch.equal(drawn.sort().values, in_order)), expected=False)
    clean = pictures(16, height, width)
    few = [answer(clean[: between(1, 16)]).detach().flatten() for _ in range(24)]
    yield from spread_evenly(torch.cat(few), "the levels of small batches", 0.2)
    different = len(torch.cat(few).unique()) / sum(map(len, few))
    says, clue = "Small batches get levels of their own, too.", "In small batches, many levels are the same."
    yield Claim(says, yours=different, expected=1.0, tolerance=0.1, clue=clue)
    # A low and a high half of the batch that go together, and the like, at whatever distance.
    says, clue = "20,000 levels are independent of one another.", "Some levels of a batch depend on others."
    yield about_levels(says, yours=echo(many), expected=0.0, tolerance=0.1, clue=clue)
    few += [answer(clean[: between(1, 16)]).detach().flatten() for _ in range(40)]
    yield from spread_evenly(torch.cat(few), "the levels of many small batches", 0.095)
    more = [answer(batch[: between(64, 128)]).detach().flatten() for _ in range(8)]
    yield from spread_evenly(torch.cat(more), "the levels of batches such as training takes", 0.08)


def echo(levels: Tensor) -> float:
    """How much levels, (count,), vary together with those at another place of the batch: the most at any distance."""
    waves = torch.fft.rfft(levels.double() - levels.double().mean()).abs().square()
    together = torch.fft.irfft(waves, n=len(levels))
    return float(together[1:].abs().max() / together[0].clamp(min=1e-9))


def spread_evenly(levels: Tensor, whose: str, tolerance: float) -> Claims:
    """The claims that levels, (count,), are spread evenly from 0 to 1, and have nothing to do with each other."""
    about_levels = partial(Claim, figure=Histogram(torch.rand(len(levels)), levels))
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        below = float((levels < share).float().mean())
        says, often = f"A share of {share} of {whose} lies below {share}.", "many" if below > share else "few"
        clue = f"The levels are not spread evenly from 0 to 1: too {often} lie below {share}."
        yield about_levels(says, yours=below, expected=share, tolerance=tolerance, clue=clue)
    # How much neighbours vary together, as a share of how much each varies.
    follow = float(((levels[1:] - levels.mean()) * (levels[:-1] - levels.mean())).mean() / levels.var())
    says = f"Among {whose}, each is independent of the one before."
    yield about_levels(says, yours=follow, expected=0.0, tolerance=0.01 + 2 * tolerance)


def share_of(amounts: Tensor, level: Tensor) -> str:
    """How amounts go along with the levels, (count,) both, in words."""
    amounts, level = amounts.double(), level.double()
    if amounts.abs().mean() < 0.03:
        return "nothing"
    names = {
        "level": level,
        "1 - level": 1 - level,
        "the root of level": level.sqrt(),
        "the root of 1 - level": (1 - level).sqrt(),
    }
    names |= {"always as much": torch.ones_like(level), "the root of 1 - level squared": (1 - level**2).sqrt()}
    off = {name: float((amounts - (amounts @ one) / (one @ one) * one).norm()) for name, one in names.items()}
    best = min(off, key=off.get)
    return best if off[best] < 0.15 * float(amounts.norm()) + 0.03 * len(level) ** 0.5 else "something else"


def kind_of_noise(noise: Tensor) -> str:
    """What noise this is, in words: (count, 3, height, width), of several pictures."""
    low, high, mean, spread = float(noise.min()), float(noise.max()), float(noise.mean()), float(noise.std())
    if not noise.isfinite().all():
        return "noise that is not finite"
    if high - low < 1e-3:
        return f"no noise but {mean:.2g} everywhere"
    if low < -0.01 or high > 1.01:
        # Uniform noise is less than four spreads wide.
        return "Gaussian noise" if high - low > 5 * spread else f"noise from {low:.1f} to {high:.1f}"
    if low > 0.01 or high < 0.99:
        return f"noise from {low:.2f} to {high:.2f}"
    if (noise.minimum(1 - noise) < 1e-3).float().mean() > 0.9:
        return "noise that is only black and white"
    if abs(mean - 0.5) > 0.012 or abs(spread - 12**-0.5) > 0.012:
        return "noise that is not spread evenly from 0 to 1"
    if noise.histc(1000, 0, 1).max() > 3e-3 * noise.numel() + 20:
        return "noise that has some shades far more often than others"
    return "noise that is spread evenly from 0 to 1"


def where_alike(noise: Tensor) -> str:
    """Where noise is the same that should be different, in words: (count, 3, height, width), of several pictures."""
    for sides, words in ((1, "all colours of a pixel"), (0, "all pictures"), ((2, 3), "all pixels of a picture")):
        if noise.var(dim=sides).mean() < 0.5 * noise.var():
            return f"the same in {words}"
    middle = noise - noise.mean()
    for side in (2, 3):
        size = noise.shape[side] - 1
        if (middle.narrow(side, 0, size) * middle.narrow(side, 1, size)).mean().abs() > 0.15 * noise.var():
            return "the same in neighbouring pixels"
    if (torch.corrcoef(noise.flatten(1)).fill_diagonal_(0).abs() > 0.9).any():
        return "the same in several pictures"
    return DIFFERENT


DIFFERENT = "different in every pixel, colour and picture"


@check_of(
    lesson.make_question,
    hints=(
        "You have written both halves already: `random_levels` says how noisy, `mix` mixes. What is missing is the noise.",
        "`torch.rand_like(clean)` is noise of the right shape. Return two things: the mixed pictures, and the levels.",
    ),
    notice="The clean picture is not in the question. It is the answer, and whoever asks keeps it.",
    mistakes={
        "The two results are in the wrong order: first the noisy pictures, then the levels.":
            {"mix(clean, noise, level), level": "level, mix(clean, noise, level)"},
        "Only the noisy pictures are returned: the denoiser is to be told the levels too.": {"level), level": "level)"},
        "Three things are returned: only the noisy pictures and their levels are the question.":
            {"level), level": "level), level, mix(clean, noise, level)"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
        "You return the clean pictures, not the noisy ones.": {"mix(clean, noise, level)": "clean"},
        "You return the noise, not the noisy pictures.": {"mix(clean, noise, level)": "noise"},
        "The pictures are mixed at 1 - level: are pictures and noise swapped in mix(clean, noise, level), or is the "
        "share of the picture returned as the level?":
            ({"(clean, noise, level)": "(noise, clean, level)"}, {"level), level": "level), 1 - level"}),
        "What you give to `mix` is in the wrong order: mix(clean, noise, level).": (
            {"(clean, noise, level)": "(level, noise, clean)"}, {"(clean, noise, level)": "(clean, level, noise)"},
            {"(clean, noise, level)": "(noise, level, clean)"}, {"(clean, noise, level)": "(level, clean, noise)"},
        ),
        "What comes back as levels has a number for every pixel: return what `random_levels` drew, one for each picture.":
            ({"level), level": "level), noise"}, {"random_levels(clean)": "torch.rand_like(clean)"}),
        "The noise is added to the pictures at full strength: use `mix`.":
            {"mix(clean, noise, level)": "clean + level * noise"},
        "The levels that you return are not those that were mixed: draw them once, and use the same ones twice.":
            {"level), level": "level), random_levels(clean)"},
        "All pictures are mixed at the level of the first one: give `mix` all levels.":
            {"mix(clean, noise, level)": "mix(clean, noise, level[:1])"},
        "You return the average level for all pictures: each has its own.":
            {"level), level": "level), level.mean().expand(level.shape)"},
        "The levels come back squeezed: leave them in the shape (batch, 1, 1, 1).":
            {"level), level": "level), level.flatten()"},
        "The levels are Gaussian: `random_levels` draws them evenly from 0 to 1.": (
            {"random_levels(clean)": "torch.randn(len(clean), 1, 1, 1).clamp(0, 1)"},
            {"random_levels(clean)": "torch.randn(len(clean), 1, 1, 1).sigmoid()"},
        ),
        "The levels only reach up to one half: `random_levels` draws them evenly from 0 to 1.":
            {"random_levels(clean)": "random_levels(clean) / 2"},
        "The levels only begin at one half: `random_levels` draws them evenly from 0 to 1.":
            {"random_levels(clean)": "0.5 + random_levels(clean) / 2"},
        "The levels are squared: take them as `random_levels` draws them.":
            {"random_levels(clean)": "random_levels(clean) ** 2"},
        "This is the mix of other courses: Gaussian noise, with square roots as shares. Ours is `mix`, with noise from `rand_like`.": (
            {"rand_like": "randn_like", "mix(clean, noise, level), level": "(1 - level).sqrt() * clean + level.sqrt() * noise, level"},
            {"rand_like": "randn_like", "mix(clean, noise, level), level": "level.sqrt() * clean + (1 - level).sqrt() * noise, level"},
            {"rand_like": "randn_like",
             "mix(clean, noise, level), level": "(1 - level**2).sqrt() * clean + level * noise, level"},
        ),
        "The noise is Gaussian (`randn`), so pixels leave the range from 0 to 1. Use `rand_like`.":
            {"rand_like": "randn_like"},
        "The noise runs from -1 to 1: it should run from 0 to 1.": {"noise =": "noise = -1 + 2 *"},
        "The noise runs from -0.5 to 0.5: it should run from 0 to 1.": {"noise =": "noise = -0.5 +"},
        "The noise only reaches up to one half: it should run from 0 to 1.": {"noise =": "noise = 0.5 *"},
        "The noise is only black and white: every shade between should be equally likely.":
            {"rand_like(clean)": "rand_like(clean).round()"},
        "The noise is grey: each pixel's three colours got the same. Draw noise in the shape of the pictures.":
            {"rand_like(clean)": "rand_like(clean[:, :1])"},
        "The noise is one colour for a whole picture: every pixel needs its own.":
            {"rand_like(clean)": "rand(len(clean), 3, 1, 1)"},
        "The noise is one number for a whole picture: every pixel and colour needs its own.":
            {"rand_like(clean)": "rand(len(clean), 1, 1, 1)"},
        "There is no noise but an even grey: every pixel and colour needs a random number of its own.":
            {"rand_like(clean)": "full_like(clean, 0.5)"},
        "The noise is black: `zeros` where random numbers belong.": {"rand_like": "zeros_like"},
        "All pictures of the batch got the same noise. Draw noise in the shape of the whole batch.":
            {"rand_like(clean)": "rand_like(clean[:1])"},
        "The noise is coarse: neighbouring pixels got the same. Draw noise in the shape of the pictures.":
            {"rand_like(clean)": "rand_like(clean[..., ::2, ::2]).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)"},
        "Some pictures of the batch got the same noise. Draw noise in the shape of the whole batch.":
            {"rand_like(clean)": "rand_like(clean[: (len(clean) + 1) // 2]).repeat(2, 1, 1, 1)[: len(clean)]"},
        "All pictures of the batch got the same level. `random_levels` draws one for each.":
            {"random_levels(clean)": "torch.rand(1, 1, 1, 1).expand(len(clean), 1, 1, 1)"},
        "The level is always 0.5: `random_levels` draws one for each picture.":
            {"random_levels(clean)": "torch.full((len(clean), 1, 1, 1), 0.5)"},
        "The random generator is seeded inside: every call gives the same question.":
            {"level =": "torch.manual_seed(0)\n    level ="},
    },
)  # fmt: skip
def make_question(answer) -> Claims:
    # Half black and half white: the black half shows the noise bare, and the two differ by how much there is of the picture.
    count, height, half = between(450, 550), between(10, 14), between(5, 7)
    halves = torch.zeros(count, 3, height, 2 * half)
    halves[..., half:] = 1
    question = answer(halves)
    says = "Two things come back: the noisy pictures and their levels."
    clue = f"Two things should come back, and what comes is {how_many(question)}."
    yield Claim(says, yours=how_many(question), expected="two things", clue=clue)
    noisy, level = question
    says = "The noisy pictures have the shape of the clean ones."
    yield Claim(says, yours=noisy, expected=Shape(tuple(halves.shape)))
    yield Claim("The levels have the shape (batch, 1, 1, 1).", yours=level, expected=Shape((count, 1, 1, 1)))
    noisy, level, second = noisy.detach(), level.detach(), answer(halves)
    told = level.flatten()
    differ = "different ones" if level.std() > 1e-6 else "the same for all"
    if differ == "the same for all" and torch.equal(level, second[1]):
        differ += ", in every call"
    see = Histogram(torch.rand(count), told)
    yield Claim("The pictures of a batch get different levels.", yours=differ, expected="different ones", figure=see)
    # What is simpler comes first: are the levels as good as those of the exercise before?
    yield from random_levels(lambda clean: answer(clean)[1])
    strength = noisy[..., :half].flatten(1).std(dim=1)
    amount = (noisy[..., half:] - noisy[..., :half]).flatten(1).mean(dim=1)
    right = "noise: level, picture: 1 - level"
    found = f"noise: {share_of(strength, told)}, picture: {share_of(amount, told)}"
    order, due = told.argsort(), told * 12**-0.5
    axes = {"across": "the level that you return", "up": "strength of the noise"}
    see = Curve(due[order], strength[order], x=told[order], **axes)
    clue = f"The shares do not fit the level that you return. They should be {right}, and are {found}."
    yield Claim(f"The shares are {right}.", yours=found, expected=right, figure=see, clue=clue)
    # In one large batch, and in many small ones of drawings.
    height, width = between(9, 12), 2 * between(4, 6) + 1
    large = 0.3 * torch.rand(between(300, 350), 3, height, width)
    yield from good_noise(answer, [large])
    clean = pictures(16, height, width)
    yield from good_noise(answer, [clean[: between(2, 16)] for _ in range(16)])
    yield Claim("Two calls give different questions.", yours=torch.equal(question[0], second[0]), expected=False)
    # As large as training takes them, and one by one.
    yield from good_noise(answer, [0.3 * torch.rand(12, 3, between(40, 64), between(40, 64))])
    yield from good_noise(answer, list(0.3 * torch.rand(12, 1, 3, between(28, 32), between(28, 32))))
    noise, level = noise_in(answer, [large])
    # Numbers drawn apart go together only by chance, and never as much as this.
    together = torch.corrcoef(torch.cat([noise.flatten(1), level[:, None]], dim=1).T).fill_diagonal_(0).abs()
    says = "The level and the noise of every pixel and colour are drawn independently."
    clue = "Some of the noise depends on other noise, or on the level: draw all of it, in the shape of the pictures."
    yield Claim(says, yours=bool(together.max() < 7 / len(noise) ** 0.5), expected=True, clue=clue)


def noise_in(answer, batches: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The noise, (count, 3, height, width), that must have been mixed in, and its levels, (count,), where there is enough."""
    given = [(clean, *answer(clean)) for clean in batches]
    clean, noisy, level = (torch.cat(each).detach() for each in zip(*given, strict=True))
    noise, enough = (noisy - (1 - level) * clean) / level.clamp(min=1e-6), level.flatten() > 0.01
    return noise[enough], level.flatten()[enough]


def good_noise(answer, batches: list[Tensor]) -> Claims:
    """The claims about what noise must have been mixed in, to give these noisy pictures at their levels."""
    noise, _ = noise_in(answer, batches)
    figure = Pictures(torch.rand(6, *noise.shape[1:]), noise[:6])
    where = where_alike(noise)
    clue = f"The noise is {where}: draw it in the shape of the whole batch."
    yield Claim(f"The noise is {DIFFERENT}.", yours=where, expected=DIFFERENT, figure=figure, clue=clue)
    right, kind = "noise that is spread evenly from 0 to 1", kind_of_noise(noise)
    clue = f"What is mixed in should be {right}, and yours is {kind}."
    yield Claim(f"What is mixed in is {right}.", yours=kind, expected=right, figure=figure, clue=clue)
