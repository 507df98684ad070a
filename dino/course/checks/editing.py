"""Checks for chapter 7."""

from itertools import pairwise

import torch
from torch import Tensor

from dino import editing as lesson
from dino.course.checks.claims import Claim, Claims, Curve, Pictures, Shape, check_of, name_of
from dino.course.checks.inputs import any_size, between, pictures, spread_levels
from dino.noise import mix
from dino.sampling import sample, step


class Asked:
    """A denoiser that remembers what it was asked and what it answered, and whose guesses leave the range from 0 to 1."""

    def __init__(self, target: Tensor):
        self.target, self.weight = target, torch.ones((), requires_grad=True)
        self.forget()

    def forget(self) -> None:
        self.questions: list[Tensor] = []
        self.levels: list[Tensor] = []
        self.guesses: list[Tensor] = []

    def __call__(self, noisy: Tensor, level: Tensor) -> Tensor:
        level = torch.as_tensor(level)
        seen = self.target[: len(noisy)]
        bump = (seen - 0.4) * (0.3 + 6 * level * (1 - level))
        guess = self.weight * (0.6 * seen + 0.4 * noisy.roll(1, dims=3) + bump - 0.1 * level)
        self.questions.append(noisy.detach().clone())
        self.levels.append(level.detach().clone())
        self.guesses.append(guess.detach().clone())
        return guess

    def shapes(self) -> str:
        """The shapes of the levels that it was told, in words."""
        return ", ".join(map(str, sorted({tuple(level.shape) for level in self.levels}))) or "never asked"


@check_of(
    lesson.begin_from,
    hints=(
        "`mix(picture, noise, strength)` is where to begin. From there your `sample` can go on, if the denoiser is told the right "
        "levels. The sampler says 1 when the picture is at the strength, and 0 when it is at 0. What does it say half way?",
        "Define a function inside, `told(noisy, level)`, that returns `denoiser(noisy, strength * level)`, and return "
        "`sample(told, mix(picture, noise, strength), steps, stretch)`.",
    ),
    notice="Not a line of the sampler had to change: a step only asks for `next / now`, and that stays the same when both are "
    "multiplied by the strength. All steps are spent below the strength; some programs take only that share of the steps.",
    mistakes={
        "The denoiser is told the sampler's level, which begins at 1: the picture is less noisy than that. Tell it "
        "strength * level.": ({"strength * level": "level"}, {"sample(told": "sample(denoiser"}),
        "The noise is mixed in up to level 1 - strength: at strength 1 nothing of the picture should be left.": (
            {"mix(picture, noise, strength)": "mix(picture, noise, 1 - strength)"},
            {"mix(picture, noise, strength)": "mix(noise, picture, strength)"},
        ),
        "The denoiser is told levels that begin at 1 - strength: they should begin at the strength.":
            {"strength * level": "(1 - strength) * level"},
        "The strength is counted from the other end throughout: at 1 nothing of the picture should be left.":
            {"noise, strength)": "noise, 1 - strength)", "strength * level": "(1 - strength) * level"},
        "It begins with the picture as it is, without noise: mix noise into it, up to the strength.":
            {"mix(picture, noise, strength)": "picture.expand_as(noise)"},
        "It begins with pure noise: begin with the picture, with noise mixed in up to the strength.":
            ({"mix(picture, noise, strength)": "noise"}, {"sample(told, start": "sample(told, noise"}),
        "The denoiser is told the strength at every step: the levels fall from there to 0.": (
            {"strength * level": "torch.full_like(level, strength)"},
            {"strength * level": "level.new_full((len(noisy), 1, 1, 1), strength)"},
        ),
        "The levels that the denoiser is told are moved down, so that they end below 0: multiply them by the strength.":
            {"strength * level": "level - (1 - strength)"},
        "The levels that the denoiser is told are cut off at the strength: multiply them by it.":
            {"strength * level": "level.clamp(max=strength)"},
        "The levels that the denoiser is told are divided by the strength: multiply them by it.":
            {"strength * level": "level / strength"},
        "The levels that the denoiser is told are multiplied by the strength twice.":
            {"strength * level": "strength**2 * level"},
        "The levels that the denoiser is told climb: they should fall from the strength to 0.":
            {"strength * level": "strength * (1 - level)"},
        "The denoiser is told a bare number: it wants a level for each picture, (batch, 1, 1, 1).":
            {"strength * level": "strength * level.flatten()[0]"},
        "The levels that the denoiser is told are flat: it wants the shape (batch, 1, 1, 1).":
            {"strength * level": "strength * level.flatten()"},
        "Only a share of the steps is taken: all of them are for the way from the strength to 0.":
            ({"steps, stretch)": "max(1, round(strength * steps)), stretch)"},
             {"steps, stretch)": "max(1, int(strength * steps)), stretch)"}),
        "There is one step too few: from the strength to 0, `steps` steps need steps + 1 levels.":
            {"steps, stretch)": "steps - 1, stretch)"},
        "There is one step too many: from the strength to 0, `steps` steps need steps + 1 levels.":
            {"steps, stretch)": "steps + 1, stretch)"},
        "`steps` is not passed on: the sampler takes its own 100.": {"start, steps, stretch": "start, stretch=stretch"},
        "`stretch` is not passed on: the sampler takes its own 2.": {"steps, stretch)": "steps)"},
        "Only one step is taken: pass `steps` on.": {"steps, stretch)": "1, stretch)"},
        "The strength is always 0.6: use the one that is given.":
            {"noise, strength)": "noise, 0.6)", "strength * level": "0.6 * level"},
        "The noise is added to the picture: mix it in.": {"mix(picture, noise, strength)": "picture + strength * noise"},
        "The noise comes in at full strength: its share is the strength.":
            {"mix(picture, noise, strength)": "(1 - strength) * picture + noise"},
        "The picture stays at full strength while noise is mixed in: its share is 1 - strength.":
            {"mix(picture, noise, strength)": "(picture + strength * noise) / (1 + strength)"},
        "The noise is missing: the picture only fades.":
            {"mix(picture, noise, strength)": "(1 - strength) * picture + 0 * noise"},
        "Picture and noise are mixed with square roots, as elsewhere: here, their shares add up to 1.": (
            {"mix(picture, noise, strength)": "(1 - strength) ** 0.5 * picture + strength**0.5 * noise"},
            {"mix(picture, noise, strength)": "(1 - strength**2) ** 0.5 * picture + strength * noise"},
        ),
        "The noise that came in is not used: mix that in.": {"picture, noise, strength)": "picture, torch.rand_like(noise), strength)"},
        "The noise that is mixed in is Gaussian: mix in the noise that came in.":
            {"picture, noise, strength)": "picture, torch.randn_like(noise), strength)"},
        "The denoiser is shown the picture at every step: show it what the sampler has drawn so far.":
            {"denoiser(noisy,": "denoiser(picture.expand_as(noisy),"},
        "The denoiser is shown the beginning at every step: show it what the sampler has drawn so far.":
            {"denoiser(noisy,": "denoiser(start,"},
        "Noise is mixed in anew for every question: only the beginning is mixed.":
            {"denoiser(noisy,": "denoiser(mix(noisy, noise, strength * level),"},
        "The picture is mixed into every question: it has its say at the beginning, and not after.": (
            {"denoiser(noisy,": "denoiser(mix(picture, noisy, strength),"},
            {"denoiser(noisy,": "denoiser(mix(picture, noisy, strength),", "sample(told, start": "sample(told, noise"},
        ),
        "What you remember as `previous` is the guess after stretching: remember the raw one, or use `sample`.":
            {"return sample(told, start, steps, stretch)":
                 "previous = None\n    with torch.no_grad():\n        for i in range(steps):\n"
                 "            now, next = 1 - i / steps, 1 - (i + 1) / steps\n"
                 "            guess = told(start, torch.full((len(start), 1, 1, 1), now))\n"
                 "            guess = guess if previous is None else previous + stretch * (guess - previous)\n"
                 "            start, previous = start * (next / now) + guess * (1 - next / now), guess\n    return start.clamp(0, 1)"},
        "Every guess is mixed with the picture: the picture has its say at the beginning, and not after.":
            {"return denoiser(noisy, strength * level)": "return mix(picture, denoiser(noisy, strength * level), strength)"},
        "The guess is multiplied by the strength: only its level is.": {"return denoiser": "return strength * denoiser"},
        "The guess is clamped at every step: the sampler clamps once, at its end.":
            {"strength * level)": "strength * level).clamp(0, 1)"},
        "The drawing is mixed with the picture at the end: it had its say at the beginning.":
            {"return sample(told, start, steps, stretch)": "return mix(picture, sample(told, start, steps, stretch), strength)"},
        "The noisy picture is returned: draw from there with `sample`.": {"sample(told, start, steps, stretch)": "start"},
        "Nothing is returned: is the `return` missing?": {"return sample": "sample"},
    },
)  # fmt: skip
def begin_from(answer) -> Claims:
    most, height, width = between(4, 5), between(17, 20), between(13, 16)
    denoiser, scribbles, all_noise = Asked(pictures(most, height, width)), torch.rand(most, 3, height, width), None
    all_noise = torch.rand(most, 3, height, width)
    low, high = ((torch.rand(()) * 0.06 + start).item() for start in (0.3, 0.62))
    few, more, much = between(5, 6), between(7, 9), 1.25 + torch.rand(()).item()
    for steps, stretch, strength, count in [(few, 1.0, high, most), (more, much, low, 3)]:
        picture, noise = scribbles[:count], all_noise[:count]
        expected = lesson.begin_from(denoiser, picture, noise, strength, steps, stretch)
        right = denoiser.questions
        denoiser.forget()
        result = answer(denoiser, picture, noise, strength, steps=steps, stretch=stretch)
        yours = denoiser.questions
        says = "The denoiser is told one level per picture, in the shape (batch, 1, 1, 1)."
        yield Claim(says, yours=denoiser.shapes(), expected=f"({count}, 1, 1, 1)")
        names = {
            "the picture with noise": right[0],
            "the picture": picture,
            "the noise": noise,
            f"the picture with noise up to {1 - strength:.2f}": mix(picture, noise, 1 - strength),
        }
        named = name_of(yours[0], names, 1e-5)
        yield Claim(
            f"With strength {strength:.2f}, the denoiser first sees the picture with noise mixed in up to that level.",
            yours=named if named in names else "something else", expected="the picture with noise",
            figure=Pictures(right[0], yours[0]),
        )  # fmt: skip
        clue = f"Of {steps} steps, each should ask the denoiser once; yours ask it {len(yours)} times in all."
        yield Claim(f"{steps} steps ask the denoiser {steps} times.", yours=len(yours), expected=steps, clue=clue)
        path = torch.linspace(strength, 0, steps + 1)[:-1]
        levels = torch.stack([level.flatten()[0] for level in denoiser.levels])
        yield Claim(
            f"With strength {strength:.2f}, {steps} steps tell the denoiser levels that fall evenly from there.",
            yours=levels, expected=path, figure=Curve(path, levels, across="how often asked before", up="level told"),
            clue="Those are not the levels that the pictures are at.",
        )  # fmt: skip
        for i in range(1, steps):
            says = f"Picture {i + 1} of {steps} is what the sampler makes of the guess before."
            clue = f"Picture {i + 1} of {steps} is the first that is off: look at how the guess before is mixed in."
            yield Claim(says, yours=yours[i], expected=right[i], figure=Pictures, clue=clue)
        says = "Pictures come out, in the shape of the noise."
        yield Claim(says, yours=result, expected=Shape(tuple(noise.shape)))
        says = f"{steps} steps with strength {strength:.2f} and stretch {stretch:.3g} give what the lesson's gives."
        yield Claim(says, yours=result, expected=expected, figure=Pictures)
        denoiser.forget()
    yield Claim("The result carries no gradients.", yours=result.requires_grad, expected=False)
    result = answer(denoiser, picture, noise, 1.0, steps)
    says = "With strength 1, it is what `sample` draws from the noise, whatever the picture is."
    yield Claim(says, yours=result, expected=sample(denoiser, noise, steps), figure=Pictures)
    one, strength = scribbles[:1], 0.5 + 0.4 * torch.rand(()).item()
    result, expected = (give(denoiser, one, all_noise, strength, few, 1.0) for give in (answer, lesson.begin_from))
    clue = "Begin with as many pictures as there are noises; `mix` makes them of one."
    yield Claim(
        "One picture and many noises give many drawings.", yours=result, expected=expected, figure=Pictures, clue=clue
    )
    result, expected = (give(denoiser, picture, noise) for give in (answer, lesson.begin_from))
    says = "Unless told otherwise, the strength is 0.6, and there are 25 steps with stretch 2."
    yield Claim(says, yours=result, expected=expected, tolerance=1e-3, figure=Pictures)
    # Hardly any noise, many steps, one large batch of small pictures.
    clue = "With few pictures and steps all was right, and with other numbers it is not: is a number or a limit hard-coded?"
    for strength, steps, sides in (
        (0.02, 2, (1, 3, 8, 8)),
        (0.95, any_size(41, 120), (1, 3, 4, 4)),
        (0.5, 3, (any_size(16, 64), 3, 8, 8)),
    ):
        denoiser, picture, noise = Asked(torch.rand(sides)), torch.rand(sides), torch.rand(sides)
        result, expected = (give(denoiser, picture, noise, strength, steps) for give in (answer, lesson.begin_from))
        says = f"{'Many' if steps > 40 else steps} steps with strength {strength:.2f} give what the lesson's gives."
        yield Claim(says, yours=result, expected=expected, tolerance=1e-3, figure=Pictures, clue=clue)


def share_of(guess: Tensor, question: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """How much of a guess, and of the other, is in each question beside noise that is like neither: two rows of numbers."""
    found = []
    for one, seen, asked in zip(guess, other, question, strict=True):
        parts = torch.stack([one.flatten(), seen.flatten(), torch.ones(one.numel())], dim=1).double()
        found.append(torch.linalg.lstsq(parts, asked.flatten().double()).solution[:2].float())
    return tuple(torch.stack(found, dim=1))


@check_of(
    lesson.with_fresh_noise,
    hints=(
        "First ask as always. Then, `times` over: `mix` the guess with noise from `torch.rand_like`, at the level that it was, and "
        "ask about that.",
        "Begin with `guess = denoiser(noisy, level)`. In a loop over `range(times)`, set `guess = denoiser(mix(guess, "
        "torch.rand_like(noisy), level), level)`. Return the guess at the end.",
    ),
    notice="The guess is asked about as if it were true: `mix` hides it as training hid clean pictures. Whatever the old noise "
    "suggested by accident is not suggested again.",
    mistakes={
        "The noisy pictures are mixed in where fresh noise should be: they are part picture already. Draw noise with "
        "`torch.rand_like`.": {"torch.rand_like(noisy)": "noisy"},
        "The denoiser is asked about its guess as it is: hide it in fresh noise first.":
            {"mix(guess, torch.rand_like(noisy), level)": "guess"},
        "The denoiser is asked about its guess as it is, and told level 0: hide it in fresh noise, at the level that it was.":
            {"mix(guess, torch.rand_like(noisy), level), level)": "guess, 0 * level)"},
        "The same question is asked again, which gives the same guess: hide the guess in fresh noise.":
            {"mix(guess, torch.rand_like(noisy), level)": "noisy"},
        "The fresh noise is Gaussian and leaves the range from 0 to 1: use `rand`, not `randn`.": {"rand_like": "randn_like"},
        "The shares of guess and noise are swapped: at level 1 nothing of the guess should be left.": (
            {"mix(guess, torch.rand_like(noisy), level)": "mix(torch.rand_like(noisy), guess, level)"},
            {"(noisy), level)": "(noisy), 1 - level)"},
        ),
        "Fresh noise is mixed into the noisy pictures, not into the guess.": {"mix(guess,": "mix(noisy,"},
        "The denoiser is told level 0 when it is asked again: it is the level that the noise is mixed in at.":
            {"(noisy), level), level)": "(noisy), level), 0 * level)"},
        "The denoiser is told level 1 when it is asked again: it is the level that the noise is mixed in at.":
            {"(noisy), level), level)": "(noisy), level), torch.ones_like(level))"},
        "The denoiser is told 1 - level when it is asked again.": {"(noisy), level), level)": "(noisy), level), 1 - level)"},
        "The denoiser is told 1 - level at first: tell it how noisy the pictures are.":
            {"denoiser(noisy, level)": "denoiser(noisy, 1 - level)"},
        "The noise is mixed in at half the level: hide the guess as deep as the pictures were.":
            {"(noisy), level)": "(noisy), level / 2)"},
        "The guess is hidden completely: mix the noise in at the level, not at 1.":
            {"mix(guess, torch.rand_like(noisy), level)": "torch.rand_like(noisy)"},
        "The noise is drawn once, and is the same each time: draw it in the loop.":
            {"for _ in": "fresh = torch.rand_like(noisy)\n    for _ in", "torch.rand_like(noisy), ": "fresh, "},
        "The noise comes from a fixed seed, and is the same each time: leave the seed alone.": (
            {"torch.rand_like(noisy)": "torch.rand(noisy.shape, generator=torch.Generator().manual_seed(0))"},
            {"guess = denoiser(noisy, level)": "torch.manual_seed(0)\n    guess = denoiser(noisy, level)"},
        ),
        "Each picture gets one number of noise: each pixel and colour needs its own.":
            {"torch.rand_like(noisy)": "torch.rand_like(level).expand_as(noisy)"},
        "The three colours of a pixel get the same noise: each needs its own.":
            {"torch.rand_like(noisy)": "torch.rand_like(noisy[:, :1]).expand_as(noisy)"},
        "All pictures get the same noise: each needs its own.":
            {"torch.rand_like(noisy)": "torch.rand_like(noisy[:1]).expand_as(noisy)"},
        "The noise runs from -1 to 1: pictures and noise lie between 0 and 1.":
            {"torch.rand_like(noisy)": "(2 * torch.rand_like(noisy) - 1)"},
        "The noise runs from -0.5 to 0.5: it lies between 0 and 1.": {"torch.rand_like(noisy)": "(torch.rand_like(noisy) - 0.5)"},
        "The noise is only black and white: it is uniform from 0 to 1.":
            {"torch.rand_like(noisy)": "torch.rand_like(noisy).round()"},
        "Grey is mixed in, not noise: draw it with `torch.rand_like`.":
            {"torch.rand_like(noisy)": "torch.full_like(noisy, 0.5)"},
        "The noise is added to the guess: mix it in.":
            {"mix(guess, torch.rand_like(noisy), level)": "guess + level * torch.rand_like(noisy)"},
        "The guess is clamped before it is hidden: leave it as it is. The sampler clamps once, at its end.":
            {"mix(guess,": "mix(guess.clamp(0, 1),"},
        "The guess is clamped at the end: the sampler does that, once.": {"return guess": "return guess.clamp(0, 1)"},
        "It thinks again once, whatever `times` says: loop over `range(times)`, and return after the loop.": (
            {"range(times)": "range(1)"},
            {"level)\n    return guess": "level)\n        return guess\n    return guess"},
        ),
        "It thinks again one time too many: `range(times)`.": {"range(times)": "range(times + 1)"},
        "It thinks again one time too few: the first guess does not count as thinking again.": {"range(times)": "range(times - 1)"},
        "It never thinks again.": {"range(times)": "range(0)"},
        "The new guess is thrown away, and the first one returned: put it into `guess`.":
            {"guess = denoiser(mix": "denoiser(mix"},
        "It thinks about the first guess each time: put the new guess into `guess`, and think about that.":
            {"guess = denoiser(noisy, level)": "guess = first = denoiser(noisy, level)", "mix(guess,": "mix(first,"},
        "The mean of all guesses is returned: return the last one.":
            {"guess = denoiser(noisy, level)": "guess = total = denoiser(noisy, level)",
             "level), level)": "level), level)\n        total = total + guess", "return guess": "return total / (times + 1)"},
        "The denoiser is not asked at first: the noisy pictures are taken for its guess.":
            {"guess = denoiser(noisy, level)": "guess = noisy"},
        "A noisy picture is returned: return what the denoiser guesses of it.": (
            {"return guess": "return mix(guess, torch.rand_like(noisy), level)"},
            {"guess = denoiser(mix(guess, torch.rand_like(noisy), level), level)":
                 "noisy = mix(guess, torch.rand_like(noisy), level)\n        guess = denoiser(noisy, level)",
             "return guess": "return noisy"},
            {"guess = denoiser(noisy, level)\n": "pass\n", "guess = denoiser(mix(guess, torch.rand_like(noisy), level), level)":
                 "noisy = mix(denoiser(noisy, level), torch.rand_like(noisy), level)", "return guess": "return noisy"},
        ),
        "The level of the first picture is used for all: each has its own.":
            {"(noisy), level), level)": "(noisy), level[:1]), level)"},
        "Nothing is returned: is the `return` missing?": {"return guess": "guess"},
    },
)  # fmt: skip
def with_fresh_noise(answer) -> Claims:
    count, height, width, times = between(4, 5), between(25, 29), between(33, 40), between(3, 4)
    denoiser, noisy, level = (
        Asked(pictures(count, height, width)),
        torch.rand(count, 3, height, width),
        spread_levels(count),
    )
    result = answer(denoiser, noisy, level, times)
    asked, guesses = denoiser.questions, denoiser.guesses
    clue = f"It should ask once, and {times} times more; yours asks {len(asked)} times in all."
    yield Claim(
        f"To think again {times} times, it asks {times + 1} times.", yours=len(asked), expected=times + 1, clue=clue
    )
    yield Claim("It first asks about the noisy pictures.", yours=asked[0], expected=noisy, figure=Pictures)
    says = "The denoiser is told one level per picture, in the shape (batch, 1, 1, 1)."
    yield Claim(says, yours=denoiser.shapes(), expected=f"({count}, 1, 1, 1)")
    for i, told in enumerate(denoiser.levels):
        says = f"Question {i + 1} of {times + 1} tells the level of the noisy pictures."
        yield Claim(
            says,
            yours=told.flatten(),
            expected=level.flatten(),
            figure=Curve(level.flatten(), told.flatten(), "picture", "level told"),
        )
    every = []
    for i in range(1, min(times + 1, len(asked))):
        which, guess = f"Question {i + 1} of {times + 1}", guesses[i - 1]
        names = {
            "the noisy pictures": noisy, "the guess": guess, "the guess in the noisy pictures": mix(guess, noisy, level),
            "the question before": asked[i - 1],
        }  # fmt: skip
        named = name_of(asked[i], names, 1e-5)
        says = f"{which} is the guess before, in fresh noise."
        yield Claim(
            says,
            yours=named if named in names else "the guess in fresh noise",
            expected="the guess in fresh noise",
            figure=Pictures(mix(guess, torch.rand_like(noisy), level), asked[i]),
        )
        of_guess, of_noisy = share_of(guess, asked[i], noisy)
        says, right = f"{which} holds 1 - level of the guess before.", 1 - level.flatten()
        yield Claim(
            says,
            yours=of_guess,
            expected=right,
            tolerance=0.12,
            figure=Curve(right, of_guess, "picture", "share of the guess"),
        )
        says = f"{which} holds nothing of the old noise."
        yield Claim(
            says,
            yours=of_noisy,
            expected=0 * right,
            tolerance=0.12,
            figure=Curve(0 * right, of_noisy, "picture", "share of the noisy pictures"),
        )
        fresh = (asked[i] - (1 - level) * guess) / level
        clue = f"What is left of {which.lower()} without the guess should be uniform noise from 0 to 1."
        for what, value, right, off in (
            ("mean 0.5", fresh.mean(), 0.5, 0.03), ("a standard deviation of 0.289", fresh.std(), 12**-0.5, 0.02),
            ("its lowest value at 0", fresh.min(), 0.0, 0.01), ("its highest value at 1", fresh.max(), 1.0, 0.01),
        ):  # fmt: skip
            yield Claim(
                f"The noise in {which.lower()} has {what}.",
                yours=value.item(),
                expected=right,
                tolerance=off,
                clue=clue,
            )
        middle = fresh - 0.5
        for kind, value in (
            ("colours", middle[:, 0] * middle[:, 1]), ("pictures", middle[0] * middle[1]), ("pixels", middle[..., 1:] * middle[..., :-1]),
        ):  # fmt: skip
            alike = 12 * value.mean().item()
            clue = f"Two neighbouring {kind} should have nothing in common; in yours they are alike."
            yield Claim(
                f"The noise in {which.lower()} is another for other {kind}.",
                yours=alike,
                expected=0.0,
                tolerance=0.12,
                clue=clue,
            )
        every.append(middle)
    for i, (one, other) in enumerate(pairwise(every), start=2):
        alike = 12 * (one * other).mean().item()
        yield Claim(
            f"Questions {i} and {i + 1} have different noise.",
            yours=alike,
            expected=0.0,
            tolerance=0.1,
            clue="The same noise is used twice.",
        )
    yield Claim("The last guess comes out.", yours=result, expected=guesses[-1], figure=Pictures)
    denoiser.forget()
    answer(denoiser, noisy, level, 1)
    other = (denoiser.questions[1] - (1 - level) * denoiser.guesses[0]) / level - 0.5
    alike = 12 * (every[0] * other).mean().item()
    clue = "The noise is the same at every call: is a seed set?"
    yield Claim("Called again, it draws other noise.", yours=alike, expected=0.0, tolerance=0.1, clue=clue)
    denoiser.forget()
    result = answer(denoiser, noisy, level, 0)
    yield Claim("To think again 0 times, it asks once.", yours=len(denoiser.questions), expected=1)
    yield Claim(
        "If it does not think again, the first guess comes out.",
        yours=result,
        expected=denoiser.guesses[0],
        figure=Pictures,
    )
    denoiser.forget()
    answer(denoiser, noisy, level)
    yield Claim("Unless told otherwise, it thinks again 7 times.", yours=len(denoiser.questions), expected=8)
    # One picture of another size, at the ends, and often.
    clue = "With few pictures all was right, and with other numbers it is not: is a number or a limit hard-coded?"
    for sides, at, times in (
        ((1, 3, any_size(41, 64), 20), 1.0, 2),
        ((any_size(11, 64), 3, 8, 8), 0.05, any_size(11, 40)),
    ):
        denoiser, noisy, level = Asked(torch.rand(sides)), torch.rand(sides), torch.full((sides[0], 1, 1, 1), at)
        result = answer(denoiser, noisy, level, times)
        says = f"Of pictures at level {at}, it asks as often as it should."
        yield Claim(says, yours=len(denoiser.questions), expected=times + 1, clue=clue)
        fresh = (denoiser.questions[-1] - (1 - level) * denoiser.guesses[-2]) / level
        says = f"At level {at}, the last question is the guess before in noise from 0 to 1."
        yield Claim(says, yours=((fresh > -0.01) & (fresh < 1.01)).all().item(), expected=True, clue=clue)
        yield Claim(
            f"At level {at}, the last guess comes out.",
            yours=result,
            expected=denoiser.guesses[-1],
            figure=Pictures,
            clue=clue,
        )


def masks(count: int, height: int, width: int) -> Tensor:
    """Masks, (count, 1, height, width), no two alike, with about half of each known, and nothing in them square."""
    rows, columns = torch.arange(height).view(-1, 1) / height, torch.arange(width) / width
    slope = torch.arange(count).view(-1, 1, 1, 1) * 2 + torch.rand(count, 1, 1, 1)
    return ((slope * rows + columns + torch.rand(count, 1, 1, 1)) % 1 < 0.5).float()


@check_of(
    lesson.keep_known,
    hints=(
        "The mask is 1 where the picture counts, and 0 where the guess does. What do you multiply each of them by, so that their "
        "sum is right in both places?",
        "`known * picture` is the picture where it is known, and black elsewhere. Add the guess, multiplied by `1 - known`.",
    ),
    notice="It is `mix` again: `mix(guess, picture, known)`, with a level for each pixel. `torch.where(known == 1, picture, guess)` "
    "is as good.",
    mistakes={
        "The mask is upside down: where it is 1, the picture counts.": (
            {"known * picture + (1 - known) * guess": "known * guess + (1 - known) * picture"},
            {"known * picture + (1 - known) * guess": "torch.where(known == 1, guess, picture)"},
            {"known * picture + (1 - known) * guess": "mix(picture, guess, known)"},
        ),
        "You return the picture alone: where the mask is 0, the guess counts.": {" + (1 - known) * guess": " + 0 * guess + (1 - known) * picture"},
        "You return the guess as it is: where the mask is 1, the picture counts.":
            {"known * picture + (1 - known) * guess": "guess"},
        "What is not known comes out black: the guess counts there.": {" + (1 - known) * guess": " + 0 * guess"},
        "What is known comes out black: the picture counts there.": {"known * picture + ": ""},
        "The guess is there at full strength, and the picture on top: multiply it by 1 - known.": {"(1 - known) * guess": "guess"},
        "The picture is there at full strength, and the guess on top: multiply it by known.": {"known * picture": "picture"},
        "Both are there at full strength: the mask decides which counts where.":
            {"known * picture": "picture", "(1 - known) * guess": "guess"},
        "Both are multiplied by the mask: the guess counts where it is 0.": {"(1 - known)": "known"},
        "Both are multiplied by 1 - known: the picture counts where the mask is 1.": {"known * picture": "(1 - known) * picture"},
        "It is half and half everywhere: the mask decides which counts where.":
            {"known * picture + (1 - known) * guess": "0.5 * picture + 0.5 * guess"},
        "Where the mask is 1, it is half and half: only the picture counts there.":
            {"known * picture + (1 - known) * guess": "0.5 * known * picture + (1 - 0.5 * known) * guess"},
        "The guess is subtracted: add it.": {"+ (": "- ("},
        "The picture is subtracted from the guess: where it is known, it replaces the guess.":
            {"known * picture + (1 - known) * guess": "guess - known * picture"},
        "Picture and guess are multiplied: where one is known, it replaces the other.":
            {"known * picture + (1 - known) * guess": "known * picture * guess + (1 - known) * guess"},
        "Where it is known, you go twice as far as to the picture: go from the guess to it, and stop there.":
            {"known * picture + (1 - known) * guess": "guess + 2 * known * (picture - guess)"},
        "Dark pixels of the picture are not kept: the mask alone says what is known.":
            {"known * picture + (1 - known) * guess": "torch.where(known * picture > 0.5, picture, guess)"},
        "The result is made of whole numbers from 0 to 255 on the way, which spoils what leaves the range: leave it as it is.":
            {"known * picture + (1 - known) * guess": "((known * picture + (1 - known) * guess) * 255).byte().float() / 255"},
        "The brighter of the two is taken: where the mask is 1, the picture counts, be it dark or bright.":
            {"known * picture + (1 - known) * guess": "torch.maximum(known * picture, guess)"},
        "The result is clamped: a guess may leave the range. The sampler clamps once, at its end.":
            {"known * picture + (1 - known) * guess": "(known * picture + (1 - known) * guess).clamp(0, 1)"},
        "What is not white in the picture is taken for known: only the mask says what is.":
            {"known * picture + (1 - known) * guess": "torch.where(picture < 1, picture, guess)"},
        "The mask of the first picture is used for all: each has its own.":
            {"known * picture + (1 - known)": "known[:1] * picture + (1 - known[:1])"},
        "The first picture is used for all: each has its own.": {"known * picture": "known * picture[:1]"},
        "The mean of the mask is used, as if it were one number: it says of each pixel what counts there.":
            {"known * picture + (1 - known)": "known.mean() * picture + (1 - known.mean())"},
        "The mask is turned over, left for right.": {"known * picture + (1 - known)": "known.flip(3) * picture + (1 - known.flip(3))"},
        "The mask is turned over, top for bottom.": {"known * picture + (1 - known)": "known.flip(2) * picture + (1 - known.flip(2))"},
        "Only the first colour is kept: the mask counts for all three.":
            {"known * picture + (1 - known) * guess": "torch.cat([(known * picture + (1 - known) * guess)[:, :1], guess[:, 1:]], dim=1)"},
        "The known pixels alone are returned, in one row: return whole pictures.":
            {"known * picture + (1 - known) * guess": "picture.expand_as(guess)[known.expand_as(guess) == 1]"},
        "The mask is returned: return the picture where it is 1, and the guess where it is 0.":
            {"known * picture + (1 - known) * guess": "known.expand_as(guess)"},
        "The guess is divided by 1 - known, which is 0 where the picture is known: multiply.": {"(1 - known) * guess": "guess / (1 - known)"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def keep_known(answer) -> Claims:
    count, height, width = between(3, 5), between(17, 24), between(11, 16)
    picture, guess = pictures(count, height, width), 1.6 * torch.rand(count, 3, height, width) - 0.3
    every = masks(count, height, width)
    for kind, known in (("of each picture", every), ("of all pictures", every[1:2])):
        result, expected = answer(guess, picture, known), torch.where(known == 1, picture, guess)
        yield Claim("The shape of the guess comes out.", yours=result, expected=Shape(tuple(guess.shape)))
        for value, part in ((1, "picture"), (0, "guess")):
            inside = (known == value).expand_as(guess)
            says = f"Where the mask {kind} is {value}, the {part} comes out."
            yield Claim(says, yours=result[inside], expected=expected[inside], figure=Pictures(expected, result))
    result, expected = answer(guess, picture[:1], every), torch.where(every == 1, picture[:1], guess)
    clue = "`picture` may be one for the whole batch: let it broadcast."
    yield Claim("One picture can be kept in many guesses.", yours=result, expected=expected, figure=Pictures, clue=clue)
    for kind, value, right in (("all", 1.0, picture), ("nothing", 0.0, guess)):
        known = torch.full_like(every, value)
        yield Claim(
            f"Where {kind} is known, that is what comes out.",
            yours=answer(guess, picture, known),
            expected=right,
            figure=Pictures,
        )
    sides = any_size(11, 64), 3, 8, 8
    picture, guess, known = torch.rand(sides), torch.rand(sides), (torch.rand(sides[0], 1, 8, 8) < 0.3).float()
    clue = "With few pictures all was right, and with many it is not: is a number or a limit hard-coded?"
    yield Claim(
        "Of many pictures, each keeps its own part.",
        yours=answer(guess, picture, known),
        expected=torch.where(known == 1, picture, guess),
        figure=Pictures,
        clue=clue,
    )


@check_of(
    lesson.sample_known,
    hints=(
        "All that is needed is there: `begin_from` draws, `with_fresh_noise` thinks again, `keep_known` puts a guess right. What "
        "should be thought about again: guesses that are right in the known part, or guesses that are not?",
        "Define `informed(noisy, level)`, which returns `keep_known(denoiser(noisy, level), picture, known)`, and "
        "`again(noisy, level)`, which returns `with_fresh_noise(informed, noisy, level, times)`. Then it is `begin_from` with "
        "`again` as the denoiser.",
    ),
    notice="With a right guess in the known part, every step leads to just the mix of the true pixels and their noise, so that "
    "part is never wrong on the way, nor at the end.",
    mistakes={
        "The mask is upside down: what it marks with 1 should stay.":
            ({"picture, known)": "picture, 1 - known)"},
             {"keep_known(denoiser(noisy, level), picture, known)": "keep_known(picture.expand_as(noisy), denoiser(noisy, level), known)"}),
        "The known part is only pasted in at the end: put every guess right, so that the rest can come to fit.":
            {"keep_known(denoiser(noisy, level), picture, known)": "denoiser(noisy, level)",
             "return begin_from(again, picture, noise, strength, steps, stretch)":
                 "return keep_known(begin_from(again, picture, noise, strength, steps, stretch), picture, known)"},
        "Nothing is kept: put every guess right with `keep_known`.":
            ({"keep_known(denoiser(noisy, level), picture, known)": "denoiser(noisy, level)"},
             {"with_fresh_noise(informed": "with_fresh_noise(denoiser"}),
        "Clean pixels are put into the noisy picture before the denoiser is asked about it: put the guess right, afterwards.":
            {"keep_known(denoiser(noisy, level), picture, known)": "denoiser(keep_known(noisy, picture, known), level)"},
        "Clean pixels are put into the noisy picture before it is asked about, and again into what comes of it: put the guess "
        "right, and leave the picture to the sampler.": (
            {"keep_known(denoiser(noisy, level),": "keep_known(denoiser(keep_known(noisy, picture, known), level),"},
            {"keep_known(denoiser(noisy, level), picture, known)": "denoiser(keep_known(noisy, picture, known), level)",
             "return begin_from(again, picture, noise, strength, steps, stretch)":
                 "return keep_known(begin_from(again, picture, noise, strength, steps, stretch), picture, known)"},
        ),
        "The known part of the guess is noisy: a guess is a clean picture.":
            {"level), picture, known)": "level), mix(picture, noise, strength * level), known)"},
        "The guess is put right only after it has been thought over: it thinks again about guesses that are wrong there.":
            {"return keep_known(denoiser(noisy, level), picture, known)": "return denoiser(noisy, level)",
             "return with_fresh_noise(informed, noisy, level, times)":
                 "return keep_known(with_fresh_noise(informed, noisy, level, times), picture, known)"},
        "It thinks again in the noise that came in: use `with_fresh_noise`, which draws fresh noise.":
            {"return with_fresh_noise(informed, noisy, level, times)":
                 "guess = informed(noisy, level)\n        for _ in range(times):\n"
                 "            guess = informed(mix(guess, noise, level), level)\n        return guess"},
        "It asks the same question again, which gives the same guess: use `with_fresh_noise`.":
            {"return with_fresh_noise(informed, noisy, level, times)":
                 "for _ in range(times + 1):\n            guess = informed(noisy, level)\n        return guess"},
        "It thinks again, but returns its first guess.":
            {"return with_fresh_noise(informed, noisy, level, times)":
                 "first = informed(noisy, level)\n        guess = first\n        for _ in range(times):\n"
                 "            guess = informed(mix(guess, torch.rand_like(noisy), level), level)\n        return first"},
        "It always thinks about its first guess: think about the one before.":
            {"return with_fresh_noise(informed, noisy, level, times)":
                 "guess = first = informed(noisy, level)\n        for _ in range(times):\n"
                 "            guess = informed(mix(first, torch.rand_like(noisy), level), level)\n        return guess"},
        "It returns the mean of what it thought: return the last guess.":
            {"return with_fresh_noise(informed, noisy, level, times)":
                 "guess = total = informed(noisy, level)\n        for _ in range(times):\n"
                 "            guess = informed(mix(guess, torch.rand_like(noisy), level), level)\n            total = total + guess\n"
                 "        return total / (times + 1)"},
        "The fresh noise is Gaussian: use `with_fresh_noise`.":
            {"return with_fresh_noise(informed, noisy, level, times)":
                 "guess = informed(noisy, level)\n        for _ in range(times):\n"
                 "            guess = informed(mix(guess, torch.randn_like(noisy), level), level)\n        return guess"},
        "Fresh noise comes into the known part only, so that the rest of the guess is never hidden: use `with_fresh_noise`.":
            {"return with_fresh_noise(informed, noisy, level, times)":
                 "guess = informed(noisy, level)\n        for _ in range(times):\n"
                 "            guess = informed(keep_known(guess, mix(guess, torch.rand_like(noisy), level), known), level)\n        return guess"},
        "The true pixels are put into each question with noise that is not the sampler's: put the guess right, or use the noise that "
        "came in.":
            {"keep_known(denoiser(noisy, level), picture, known)":
                 "denoiser(keep_known(noisy, mix(picture, torch.rand_like(noisy), level), known), level)",
             "return begin_from(again, picture, noise, strength, steps, stretch)":
                 "return keep_known(begin_from(again, picture, noise, strength, steps, stretch), picture, known)"},
        "The steps are divided by how often it thinks: all of them are taken, and it thinks in each.":
            {"strength, steps,": "strength, max(1, steps // (times + 1)),"},
        "It never thinks again: use `with_fresh_noise`.":
            ({"with_fresh_noise(informed, noisy, level, times)": "informed(noisy, level)"}, {"begin_from(again": "begin_from(informed"}),
        "`times` is not passed on: it thinks again 7 times, whatever it says.": {"level, times)": "level)"},
        "It thinks again once, whatever `times` says.": {"level, times)": "level, 1)"},
        "It thinks again as often as there are steps: pass `times` on.": {"level, times)": "level, steps)"},
        "The strength is not used: it always begins with pure noise.": {"noise, strength, steps": "noise, 1.0, steps"},
        "The strength is always 0.6: pass on the one that is given.": {"noise, strength, steps": "noise, 0.6, steps"},
        "The strength is counted from the other end.": {"noise, strength, steps": "noise, 1 - strength + 1e-6, steps"},
        "`steps` is not passed on: it always takes 25.": {"strength, steps, stretch": "strength, stretch=stretch"},
        "`steps` is not passed on: it takes as many as it thinks again.": {"strength, steps,": "strength, max(1, times),"},
        "`stretch` is not passed on: it is always 2.": {"steps, stretch)": "steps)"},
        "It draws without stretch, whatever it says: pass `stretch` on.": {"steps, stretch)": "steps, 1.0)"},
        "The noise that came in is not used: begin with it.":
            {"picture, noise, strength": "picture, torch.rand_like(noise), strength"},
        "Picture and noise are swapped.": {"again, picture, noise,": "again, noise, picture.expand_as(noise),"},
        "It begins with the known part alone, on black: begin with the whole picture, for the strength says what is left of it.":
            {"again, picture, noise,": "again, known * picture, noise,"},
        "The picture is added to the guess: it replaces it.":
            {"keep_known(denoiser(noisy, level), picture, known)": "denoiser(noisy, level) + known * picture"},
        "Only the first guess is put right: put every one right.":
            {"return keep_known(denoiser(noisy, level), picture, known)":
                 "guess = denoiser(noisy, level)\n        return keep_known(guess, picture, known) if level.max() > 0.99 * strength else guess"},
        "Guesses are put right only at low levels: put every one right.":
            {"return keep_known(denoiser(noisy, level), picture, known)":
                 "guess = denoiser(noisy, level)\n        return keep_known(guess, picture, known) if level.max() < 0.5 * strength else guess"},
        "Guesses are put right only by half: what is known is known.": {"picture, known)": "picture, known / 2)"},
        "The first picture is kept in all drawings: each has its own.": {"level), picture, known)": "level), picture[:1], known)"},
        "The mask of the first picture is used for all: each has its own.": {"picture, known)": "picture, known[:1])"},
        "The level is multiplied by the strength twice: `begin_from` has done that already.":
            {"denoiser(noisy, level)": "denoiser(noisy, strength * level)"},
        "The denoiser is told 1 - level.": {"denoiser(noisy, level)": "denoiser(noisy, 1 - level)"},
        "The guess is clamped at every step: the sampler clamps once, at its end.":
            {"denoiser(noisy, level)": "denoiser(noisy, level).clamp(0, 1)"},
        "The known part comes out black: return the whole picture.":
            {"return begin_from(again, picture, noise, strength, steps, stretch)":
                 "return (1 - known) * begin_from(again, picture, noise, strength, steps, stretch)"},
        "Nothing is returned: is the `return` missing?": {"return begin_from": "begin_from"},
    },
)  # fmt: skip
def sample_known(answer) -> Claims:
    most, height, width = between(4, 5), between(17, 20), between(13, 16)
    denoiser, picture = Asked(pictures(most, height, width)), torch.rand(most, 3, height, width)
    noise, known = torch.rand_like(picture), masks(most, height, width)
    inside = (known == 1).expand_as(noise)
    low, high = ((torch.rand(()) * 0.1 + start).item() for start in (0.35, 0.7))
    few, more, times, much = between(3, 4), between(5, 6), between(2, 3), 1.25 + torch.rand(()).item()

    def ask(give, *arguments) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        denoiser.forget()
        return give(denoiser, *arguments), denoiser.questions, denoiser.levels

    # Without thinking again, everything is determined.
    for steps, stretch, strength in ((few, 1.0, 1.0), (more, much, high), (few, much, low)):
        expected, right, path = ask(lesson.sample_known, picture, known, noise, strength, 0, steps, stretch)
        result, yours, levels = ask(answer, picture, known, noise, strength, 0, steps, stretch)
        clue = f"Of {steps} steps, each should ask once if it never thinks again; yours ask {len(yours)} times in all."
        yield Claim(
            f"{steps} steps that never think again ask {steps} times.", yours=len(yours), expected=steps, clue=clue
        )
        told, true = (torch.stack([one.flatten()[0] for one in some]) for some in (levels, path))
        says = f"With strength {strength:.2f}, the levels fall evenly from there."
        yield Claim(
            says, yours=told, expected=true, figure=Curve(true, told, across="how often asked before", up="level told")
        )
        for i, level in enumerate(true.tolist()):
            says = f"With strength {strength:.2f}, question {i + 1} of {steps} has the true pixels in the known part, and their noise."
            yield Claim(
                says,
                yours=yours[i][inside],
                expected=mix(picture, noise, level)[inside],
                figure=Pictures(right[i], yours[i]),
            )
            says = f"With strength {strength:.2f}, question {i + 1} of {steps} is what the sampler makes of the guesses before."
            yield Claim(says, yours=yours[i], expected=right[i], figure=Pictures)
        says = "Pictures come out, in the shape of the noise."
        yield Claim(says, yours=result, expected=Shape(tuple(noise.shape)))
        says = f"With strength {strength:.2f}, what is known comes out as it was."
        yield Claim(says, yours=result[inside], expected=picture[inside], figure=Pictures(expected, result))
        says = f"{steps} steps with strength {strength:.2f} and stretch {stretch:.3g} give what the lesson's give."
        yield Claim(says, yours=result, expected=expected, figure=Pictures)
    yield Claim("The result carries no gradients.", yours=result.requires_grad, expected=False)
    # If it thinks again, its noise is its own.
    result, yours, levels = ask(answer, picture, known, noise, high, times, few, 1.0)
    total = few * (times + 1)
    clue = f"Each of {few} steps should ask once, and {times} times more; yours ask {len(yours)} times in all."
    yield Claim(
        f"{few} steps that think again {times} times ask {total} times.", yours=len(yours), expected=total, clue=clue
    )
    told = torch.stack([one.flatten()[0] for one in levels])
    true = torch.linspace(high, 0, few + 1)[:-1].repeat_interleave(times + 1)
    says = "It thinks again at the level at which it is."
    yield Claim(
        says, yours=told, expected=true, figure=Curve(true, told, across="how often asked before", up="level told")
    )
    # What is asked about again is the guess before, put right, in noise of its own; and the last guess is what counts.
    right, before = [torch.where(inside, picture, guess) for guess in denoiser.guesses], noise - 0.5
    for i, level in enumerate(true.tolist()):
        if i % (times + 1) == 0:
            continue
        which, hidden = f"question {i + 1} of {total}", (yours[i] - (1 - level) * right[i - 1]) / level
        for part, where in (("the true pixels in the known part", inside), ("the guess before in the rest", ~inside)):
            says = f"When it thinks again, {which} has {part}, in noise from 0 to 1."
            fine = ((hidden > -0.01) & (hidden < 1.01))[where].all().item()
            clue = "It thinks again about something other than its last guess, put right in the known part."
            see = Pictures(mix(right[i - 1], torch.rand_like(noise), level), yours[i])
            yield Claim(says, yours=fine, expected=True, figure=see, clue=clue)
        middle = (hidden - 0.5)[~inside]
        says = f"When it thinks again, the noise in {which} is spread as uniform noise is."
        yield Claim(
            says, yours=middle.std().item(), expected=12**-0.5, tolerance=0.04, clue="The fresh noise is not uniform."
        )
        alike, clue = 12 * (middle * before[~inside]).mean().item(), "It thinks again in noise that was there before."
        says = f"When it thinks again, the noise in {which} is new."
        yield Claim(says, yours=alike, expected=0.0, tolerance=0.25, clue=clue)
        before = hidden - 0.5
    for i, (now, next) in enumerate(pairwise(torch.linspace(high, 0, few + 1).tolist())):
        first, last = i * (times + 1), i * (times + 1) + times
        expected = step(yours[first], right[last], now, next)
        came, expected = (yours[last + 1], expected) if last + 1 < total else (result, expected.clamp(0, 1))
        says = f"Step {i + 1} of {few} goes towards the last guess, put right."
        clue = "It thinks again, but something other than the last guess counts."
        yield Claim(says, yours=came, expected=expected, figure=Pictures, clue=clue)
    says = "After it has thought again, too, what is known comes out as it was."
    yield Claim(says, yours=result[inside], expected=picture[inside], figure=Pictures)
    rest = result[~inside]
    lowest, highest = rest.min().item(), rest.max().item()
    yield Claim("No pixel leaves the range from 0 to 1.", yours=lowest >= 0 and highest <= 1, expected=True)
    # One picture and one mask for many noises; where nothing is known, it is image to image.
    expected, *_ = ask(lesson.sample_known, picture[:1], known[:1], noise, high, 0, few, 1.0)
    result, *_ = ask(answer, picture[:1], known[:1], noise, high, 0, few, 1.0)
    yield Claim(
        "One picture and one mask can be drawn from many noises.", yours=result, expected=expected, figure=Pictures
    )
    expected = lesson.begin_from(denoiser, picture, noise, high, few, much)
    result, *_ = ask(answer, picture, 0 * known, noise, high, 0, few, much)
    yield Claim("Where nothing is known, it is `begin_from`.", yours=result, expected=expected, figure=Pictures)
    _, yours, levels = ask(answer, picture, known, noise)
    yield Claim(
        "Unless told otherwise, it takes 6 steps and thinks again 7 times in each.", yours=len(yours), expected=48
    )
    yield Claim("Unless told otherwise, it begins with pure noise.", yours=yours[0], expected=noise, figure=Pictures)
    # A large batch of small pictures, and many steps.
    clue = "With few pictures and steps all was right, and with other numbers it is not: is a number or a limit hard-coded?"
    for kind, steps, sides in (
        ("many pictures", 2, (any_size(16, 64), 3, 8, 8)),
        ("many steps", any_size(41, 99), (1, 3, 4, 4)),
    ):
        denoiser, picture, noise = Asked(torch.rand(sides)), torch.rand(sides), torch.rand(sides)
        known = (torch.rand(sides[0], 1, *sides[2:]) < 0.5).float()
        result, expected = (
            give(denoiser, picture, known, noise, high, 0, steps) for give in (answer, lesson.sample_known)
        )
        yield Claim(
            f"Of {kind}, the result is that of the lesson.",
            yours=result,
            expected=expected,
            tolerance=1e-3,
            figure=Pictures,
            clue=clue,
        )
