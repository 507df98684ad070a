"""Checks for chapter 4."""

import torch

from dino import sampling as lesson
from dino.course.checks.claims import Claim, Claims, Curve, Pictures, Shape, check_of, name_of
from dino.course.checks.inputs import any_size, between, pictures, shares


@check_of(
    lesson.step,
    hints=(
        "At level `now`, a share `now` of the picture is noise; afterwards it should be `next`. So what fraction of the "
        "picture may stay?",
        "The fraction next / now of the picture stays, and the guess fills the rest: 1 - next / now.",
    ),
    notice="It is `mix` once more, with the guess as the clean picture, the picture as the noise, and next / now as the level.",
    mistakes={
        "The two shares are swapped: next / now is what stays of the picture.": {"next / now": "1 - next / now"},
        "The picture keeps a share of `next`: divide it by `now`, for the noise is down to `now` already.":
            {"next / now": "next"},
        "The picture keeps a share of 1 - next, as if next were how clean it is: it should be next / now.":
            {"next / now": "1 - next"},
        "The picture keeps a share of `now`: how much stays depends on where you go, next / now.": {"next / now": "now"},
        "The picture keeps a share of 1 - now: it should be next / now.": {"next / now": "1 - now"},
        "The guess gets the difference of the levels: divide it by `now`.": {"next / now": "1 - (now - next)"},
        "The picture gets the difference of the levels: what stays is next / now.": {"next / now": "now - next"},
        "The difference of the levels is divided by next: divide it by `now`.":
            {"next / now": "1 - (now - next) / next.clamp(min=1e-6)"},
        "The ratio is upside down: it should be next / now.": {"next / now": "now / next.clamp(min=1e-6)"},
        "The ratio is upside down, and divides by 0 when next is 0: it should be next / now.": {"next / now": "now / next"},
        "The shares are those of the clean parts, (1 - now) / (1 - next): what stays is a share of the noise, next / now.":
            {"next / now": "(1 - now) / (1 - next)"},
        "It is always half and half: next / now of the picture stays.": {"next / now": "0.5"},
        "The picture is left as it is.": {"next / now": "1"},
        "The guess replaces the whole picture: some of the noise should stay.": {"next / now": "0"},
        "The picture keeps too little: next / now, without the square.": {"next / now": "(next / now) ** 2"},
        "The picture keeps too much: next / now, without the square root.": {"next / now": "(next / now) ** 0.5"},
        "The picture stays at full strength while the guess is added: the shares should add up to 1.":
            {"picture * keep": "picture"},
        "The guess comes in at full strength: its share is 1 - next / now.": {" * (1 - keep)": ""},
        "The guess is missing: the picture only fades.": {" + guess * (1 - keep)": ""},
        "The picture is missing: some of it should stay.": {"picture * keep + ": ""},
        "Both shares are next / now: the guess's should be 1 - next / now.": {"(1 - keep)": "keep"},
        "You go away from the guess, not towards it: a sign is wrong.":
            {"picture * keep + guess": "picture + (picture - guess)"},
        "The guess's share is `now`, the picture's `next`: the shares should add up to 1.":
            {"next / now": "next", "(1 - keep)": "now"},
        "The guess's share is the difference of the levels, while the picture keeps next / now: shares add up to 1.":
            {"(1 - keep)": "(now - next)"},
        "The whole picture is taken for noise: part of it is picture already, so mix with next / now.":
            {"next / now": "next", "(1 - keep)": "(1 - next) * now"},
        "Fresh noise is mixed into the guess: the picture that you have should stay in.":
            {"next / now": "next", "picture * keep": "torch.rand_like(picture) * keep"},
        "The result is clamped: the guess may well leave the range on the way. The sampler clamps once, at its end.":
            {"picture * keep + guess * (1 - keep)": "(picture * keep + guess * (1 - keep)).clamp(0, 1)"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def step(answer) -> Claims:
    count, height, width = between(3, 6), between(17, 24), between(13, 16)
    picture, guess = torch.rand(count, 3, height, width), pictures(count, height, width)
    # From the beginning, on the way, low, to the end, and nowhere.
    high, middle, low = ((torch.rand(()) * 0.1 + start).item() for start in (0.75, 0.45, 0.1))
    for now, next in [(1.0, high), (high, middle), (0.3, low), (low, 0.0), (middle, middle)]:
        keep, levels, path = next / now, (torch.tensor(now), torch.tensor(next)), f"From level {now:.2f} to {next:.2f}"
        result, expected = answer(picture, guess, *levels), lesson.step(picture, guess, *levels)
        if mixed := shares(result, picture, guess):
            words, right = (f"{a:.2f} of the picture and {b:.2f} of the guess" for a, b in (mixed, (keep, 1 - keep)))
            close = abs(mixed[0] - keep) < 0.01 and abs(mixed[1] - 1 + keep) < 0.01
            says = f"{path}, picture and guess have the right shares."
            clue = f"{path}, there should be {right}; yours has {words}."
            see = Pictures(expected, result)
            yield Claim(says, yours=right if close else words, expected=right, figure=see, clue=clue)
        says = f"{path}, a fraction {keep:.2f} of the picture stays."
        yield Claim(says, yours=result, expected=expected, figure=Pictures)
    # If the guess is the true picture, a step leads from one training mix to another.
    noise, now, next = torch.rand_like(guess), torch.rand(()) * 0.2 + 0.7, torch.rand(()) * 0.2 + 0.2
    result = answer((1 - now) * guess + now * noise, guess, now, next)
    says = "With the true picture as guess, it is as if `mix` had mixed at the next level."
    yield Claim(says, yours=result, expected=(1 - next) * guess + next * noise, figure=Pictures)
    for wild, inputs in (("guess", (picture, 3 * guess - 1)), ("picture", (3 * picture - 1, guess))):
        result, expected = answer(*inputs, now, next), lesson.step(*inputs, now, next)
        says = f"A {wild} that leaves the range from 0 to 1 is mixed in all the same."
        yield Claim(says, yours=result, expected=expected, figure=Pictures)
    # One large picture and many small ones, from all levels that there are, down to those of 400 steps.
    clue = "With a few pictures all was right, and with one or many, or near the end, it is not: is a limit hard-coded?"
    for kind, sides in (("one large picture", (1, 3, any_size(41, 64), 20)), ("many", (any_size(11, 64), 3, 8, 8))):
        picture, guess = torch.rand(2, *sides)
        for low, high in ((1 / 400, 1 / 25), (1 / 25, 1.0)):
            now = low * (high / low) ** torch.rand(())
            for next in (now * torch.rand(()), now):
                result, expected = answer(picture, guess, now, next), lesson.step(picture, guess, now, next)
                says = f"Of {kind}, the right share stays at every level."
                yield Claim(says, yours=result, expected=expected, figure=Pictures, clue=clue)


@check_of(
    lesson.sample,
    hints=(
        "Walk through the pairs of neighbours of `torch.linspace(1, 0, steps + 1)`: `zip(levels[:-1], levels[1:])`. At each "
        "pair, ask the denoiser at `now`, and take a `step` to `next`. Get that right first; stretch comes after.",
        "Keep the raw guess of the step before in `previous`. From the second step on, the guess to step with is "
        "`previous + stretch * (raw - previous)`. Clamp the picture to [0, 1] when you return it, not before.",
    ),
    notice="`pairwise` gives neighbours, so there is no index to be off by one. At the last pair next is 0, nothing of the "
    "picture stays, and what comes out is the last guess, pushed on and clamped.",
    mistakes={
        "The stretch is ignored: remember the raw guess as `previous` at each step, and push the next one on from it.":
            {"previous + stretch * (raw - previous)": "raw"},
        "The guess is multiplied by the stretch: it is the change since the previous guess that is stretched.":
            {"previous + stretch * (raw - previous)": "stretch * raw"},
        "The stretch is always 2: use the one that is given.": {"stretch * (": "2 * ("},
        "Only the stretched change is used: add it to the previous guess.": {"previous + ": ""},
        "The guesses are averaged, which holds the new one back: push it on instead.":
            {"previous + stretch * (raw - previous)": "(raw + previous) / 2"},
        "What you remember as `previous` is the guess after stretching: remember the raw one.": {"), raw": "), guess"},
        "What you remember as `previous` is the picture: remember the raw guess.":
            {"), raw": "), raw\n        previous = picture"},
        "`previous` stays the first guess for ever: update it at each step.":
            {"), raw": "), raw if previous is None else previous"},
        "The very first guess is stretched too, away from the noise: there is nothing before it, so take it as it is.":
            {"noise, None": "noise, noise"},
        "The very first guess is stretched too, away from black: there is nothing before it, so take it as it is.":
            {"noise, None": "noise, torch.zeros_like(noise)"},
        "The stretch starts from the new guess: it goes on from the previous one, previous + stretch * (raw - previous).":
            {"previous + ": "raw + "},
        "The stretch pulls the wrong way.":
            {"previous + stretch * (raw - previous)": "raw + stretch * (previous - raw)"},
        "The stretch goes from the new guess back: previous + stretch * (raw - previous), not with the two swapped.":
            {"(raw - previous)": "(previous - raw)"},
        "The denoiser is told the level after the step: tell it `now`, how noisy the picture is when it looks.":
            {"now.expand": "next.expand"},
        "The denoiser is told 1 - now: tell it `now`, how noisy the picture is.": {"now.expand": "(1 - now).expand"},
        "The denoiser is always told level 1: tell it `now`, how noisy the picture is when it looks.":
            {"now.expand": "torch.ones"},
        "The denoiser is told the middle of the step: tell it `now`, how noisy the picture is when it looks.":
            {"now.expand": "((now + next) / 2).expand"},
        "The denoiser is told a bare number: it wants a level for each picture, (batch, 1, 1, 1).":
            {"now.expand(len(picture), 1, 1, 1)": "now"},
        "The denoiser is told one level for the batch, (1, 1, 1, 1): it wants one for each picture, (batch, 1, 1, 1).":
            {"len(picture)": "1"},
        "The levels that the denoiser is told are flat: it wants the shape (batch, 1, 1, 1).": {", 1, 1, 1": ""},
        "The last step is missing: the picture never reaches level 0. There are steps + 1 levels.":
            {"(levels)": "(levels[:-1])"},
        "The first step is missing: the levels begin at 1.": {"(levels)": "(levels[1:])"},
        "There is one step too few: `steps` steps need steps + 1 levels.": {"steps + 1": "steps"},
        "There is one step too many: `steps` steps need steps + 1 levels.": {"steps + 1": "steps + 2"},
        "The levels stop above 0: they should fall from 1 to 0, with both ends.": {"(1, 0,": "(1, 1 / (steps + 1),"},
        "The levels are not evenly spaced: `torch.linspace(1, 0, steps + 1)`.": {".device)": ".device) ** 2"},
        "The levels climb from 0 to 1: they should fall from 1 to 0.":
            {"(1, 0,": "(0, 1,", "step(picture, guess, now, next)": "picture"},
        "The denoiser is asked once, and only one step is taken: is there a `return` inside the loop?":
            {"return": "    return"},
        "The denoiser is asked once more than there are steps: ask it once for each step.":
            {"for now": "denoiser(noise, torch.ones(len(noise), 1, 1, 1))\n    for now"},
        "The noise that came in is not used: begin with it.": {"noise, None": "torch.rand_like(noise), None"},
        "The picture begins as Gaussian noise: begin with the noise that came in.":
            {"noise, None": "torch.randn_like(noise), None"},
        "The noise that came in is scaled to run from -1 to 1: begin with it as it is.": {"noise, None": "2 * noise - 1, None"},
        "The picture begins black: begin with the noise.": {"noise, None": "torch.zeros_like(noise), None"},
        "The picture is clamped at every step: clamp once, at the end.": {"), raw": ").clamp(0, 1), raw"},
        "The guess is clamped at every step: clamp the picture once, at the end.": {"guess,": "guess.clamp(0, 1),"},
        "The raw guess is clamped at every step: clamp the picture once, at the end.":
            {"(raw -": "(raw.clamp(0, 1) -", "), raw": "), raw.clamp(0, 1)"},
        "The result is never clamped: some pixels leave the range from 0 to 1.": {".clamp(0, 1)": ""},
        "The result is clamped to the range from -1 to 1: pictures lie between 0 and 1.": {"clamp(0": "clamp(-1"},
        "The result is squeezed by a sigmoid: clamp it.": {"clamp(0, 1)": "sigmoid()"},
        "The result is scaled to its own darkest and brightest pixel: clamp it.":
            ({"picture.clamp(0, 1)": "(picture - picture.min()) / (picture.max() - picture.min())"},
             {"return picture.clamp(0, 1)": "low, high = picture.amin((1, 2, 3), True), picture.amax((1, 2, 3), True)\n    "
              "return (picture - low) / (high - low)"}),
        "The last raw guess is returned: return the picture.": {"picture.clamp": "raw.clamp"},
        "All pictures on the way are returned: return the last one.":
            {"for now": "seen = []\n    for now", "), raw": "), raw\n        seen.append(picture)",
             "picture.clamp(0, 1)": "seen"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
        "Gradients are kept all the way, which fills the memory: leave `@torch.no_grad()` on top.":
            {"@torch.no_grad()": ""},
        "Fresh noise is mixed in at every step: only the start is noise.":
            {"step(picture, guess, now, next)": "(1 - next) * guess + next * torch.rand_like(picture)"},
        "The guess is mixed with the first noise again at every step: go on from the picture that you have.":
            {"step(picture, guess, now, next)": "(1 - next) * guess + next * noise"},
        "The guess replaces the picture: take a `step` towards it instead.": {"step(picture, guess, now, next)": "guess"},
        "The picture never changes: put the result of `step` back into it.": {"step(picture, guess, now, next)": "picture"},
        "The ratio in the step is missing: a fraction next / now of the picture stays.":
            {"step(picture, guess, now, next)": "picture * next + guess * (1 - next)"},
        "The step is taken with the difference of the levels: a fraction next / now of the picture stays.":
            {"step(picture, guess, now, next)": "picture * (1 - (now - next)) + guess * (now - next)"},
        "The step gets picture and guess swapped: step(picture, guess, now, next).":
            {"picture, guess,": "guess, picture,"},
        "The step gets the two levels swapped: step(picture, guess, now, next).":
            {"now, next)": "next, now)"},
        "The guess is subtracted from the picture: mix it in with `step`.":
            {"step(picture, guess, now, next)": "picture - (now - next) * guess"},
    },
)  # fmt: skip
def sample(answer) -> Claims:
    most, height, width = between(4, 5), between(17, 20), between(13, 16)
    target, all_noise, asked = pictures(most, height, width), torch.rand(most, 3, height, width), []
    weight = torch.ones((), requires_grad=True)

    def denoiser(noisy, level):
        """Looks at what it is shown, and overshoots on the way and at the end, so that clamping shows."""
        asked.append((noisy.detach().clone(), torch.as_tensor(level).detach().clone()))
        seen = target[: len(noisy)]
        bump = (seen - 0.4) * (0.3 + 6 * level * (1 - level))
        return weight * (0.6 * seen + 0.4 * noisy.roll(1, dims=3) + bump - 0.1 * level)

    few, more, many = between(3, 5), between(6, 9), between(11, 39)
    little, much = ((torch.rand(()) * 0.5 + start).item() for start in (1.25, 2.25))
    for steps, stretch, count in [(few, 1.0, most), (few, much, most), (more, little, 3)]:
        noise = all_noise[:count]
        expected = lesson.sample(denoiser, noise, steps, stretch)
        right = [picture for picture, _ in asked]
        asked.clear()
        result = answer(denoiser, noise, steps=steps, stretch=stretch)
        yours = [picture for picture, _ in asked]
        shapes = sorted({tuple(level.shape) for _, level in asked})
        yield Claim(
            "The denoiser is told one level per picture, in the shape (batch, 1, 1, 1).",
            yours=", ".join(map(str, shapes)) or "never asked", expected=f"({count}, 1, 1, 1)",
        )  # fmt: skip
        if yours:
            names = {"the noise": noise, "black": 0 * noise, "the guess": target[:count]}
            named, see = name_of(yours[0], names, 1e-5), Pictures(noise, yours[0])
            named = named if named in names else "something else"
            says = "The first picture that the denoiser sees is the noise."
            clue = "The first picture that the denoiser sees is not the noise that came in: begin with it as it is."
            yield Claim(says, yours=named, expected="the noise", figure=see, clue=clue)
        clue = f"Of {steps} steps, each should ask the denoiser once; yours ask it {len(asked)} times in all."
        yield Claim(f"{steps} steps ask the denoiser {steps} times.", yours=len(asked), expected=steps, clue=clue)
        levels, path = torch.stack([level.flatten()[0] for _, level in asked]), torch.linspace(1, 0, steps + 1)[:-1]
        yield Claim(
            f"{steps} steps tell the denoiser {steps} levels, from 1 down to {1 / steps:.2f}.",
            yours=levels, expected=path, figure=Curve(path, levels, across="how often asked before", up="level told"),
            clue=f"The levels that the denoiser is told are not those of {steps} even steps down from 1.",
        )  # fmt: skip
        for i in range(1, steps):
            kind, clue = "its first guess, as it is", "The first step already goes wrong."
            if i > 1:
                kind = f"its guess, stretched by {stretch:.3g}"
                clue = "The first step is right. Look at how later guesses are pushed on."
            says = f"Picture {i + 1} of {steps} is a step towards {kind}."
            clue += f" Picture {i + 1} of {steps} is the first that is off."
            yield Claim(says, yours=yours[i], expected=right[i], figure=Pictures, clue=clue)
        says = "Pictures come out, in the shape of the noise."
        yield Claim(says, yours=result, expected=Shape(tuple(noise.shape)))
        inside = bool(((result >= 0) & (result <= 1)).all())
        says = f"No pixel of the result of {steps} steps leaves the range from 0 to 1."
        yield Claim(says, yours=inside, expected=True, figure=Pictures(result.clamp(0, 1), result))
        says = f"{steps} steps with stretch {stretch:.3g} give what the lesson's sampler gives."
        yield Claim(says, yours=result, expected=expected, figure=Pictures)
        asked.clear()
    yield Claim("The result carries no gradients.", yours=result.requires_grad, expected=False)
    # Of one picture, and of many steps.
    one = all_noise[:1]
    result, expected = answer(denoiser, one, many, little), lesson.sample(denoiser, one, many, little)
    says = f"{many} steps with stretch {little:.3g} give what the lesson's sampler gives, for one picture, too."
    yield Claim(says, yours=result, expected=expected, tolerance=1e-3, figure=Pictures)
    result, expected = answer(denoiser, noise, steps=1), lesson.sample(denoiser, noise, 1)
    yield Claim("One step gives the guess at level 1, clamped.", yours=result, expected=expected, figure=Pictures)
    says = "Unless told otherwise, it takes 100 steps with stretch 2."
    result, expected = answer(denoiser, noise), lesson.sample(denoiser, noise)
    yield Claim(says, yours=result, expected=expected, tolerance=1e-3, figure=Pictures)
    # Two steps, many and very many; a stretch below 1 and a long one; one picture and a large batch; small ones, for speed.
    times, followed = 0, False

    def counting(noisy, level):
        nonlocal times, followed
        times, followed = times + 1, followed or noisy.requires_grad
        return weight * (0.5 * noisy.roll(1, dims=3) + 0.8 * level * (1 - level))

    clue = "With few pictures and steps all was right, and with other numbers it is not: is a number or a limit hard-coded?"
    for kind, steps, stretch, sides in (
        ("two", 2, 0.5 + 0.4 * torch.rand(()).item(), (any_size(16, 64), 3, 8, 8)),
        ("three", 3, 2.8 + 1.2 * torch.rand(()).item(), (2, 3, any_size(33, 64), 8)),
        ("many", any_size(41, 99), 1.0, (1, 3, 4, 4)),
        ("very many", any_size(101, 256), between(2, 5) / 2, (1, 3, 4, 4)),
    ):
        noise = torch.rand(sides)
        expected = lesson.sample(counting, noise, steps, stretch)
        times = 0
        result = answer(counting, noise, steps, stretch)
        yield Claim(f"With {kind} steps, it asks the denoiser once in each.", yours=times, expected=steps, clue=clue)
        says = f"With {kind} steps, it gives what the lesson's sampler gives."
        yield Claim(says, yours=result, expected=expected, tolerance=1e-3, figure=Pictures, clue=clue)
    clue = "The pictures on the way carry gradients, which fills the memory: leave `@torch.no_grad()` on top."
    yield Claim("No picture on the way carries gradients.", yours=followed, expected=False, clue=clue)
