"""Checks for chapter 4."""

from itertools import pairwise

import torch

from dino import sampling as lesson
from dino.course.checks.claims import Claim, Claims, Shape, check_of, name_of
from dino.course.checks.inputs import pictures, shares


def step_with(keep):
    """The lesson's step, with another share of the picture to keep."""

    def step(picture, guess, now, next):
        return picture * keep(now, next) + guess * (1 - keep(now, next))

    return step


@check_of(
    lesson.step,
    hints=(
        "At level `now`, a share `now` of the picture is noise; afterwards it should be `next`. So what fraction of the "
        "picture may stay?",
        "The fraction next / now of the picture stays, and the guess fills the rest: 1 - next / now.",
    ),
    notice="It is `mix` once more, with the guess as the clean picture, the picture as the noise, and next / now as the level.",
    mistakes={
        "The two shares are swapped: next / now is what stays of the picture.": step_with(
            lambda now, next: 1 - next / now
        ),
        "The picture keeps a share of `next`: divide it by `now`, for the noise is down to `now` already.": step_with(
            lambda now, next: next
        ),
        "The picture keeps a share of 1 - next, as if next were how clean it is: it is next / now.": step_with(
            lambda now, next: 1 - next
        ),
        "The picture keeps a share of `now`: how much stays depends on where you go, next / now.": step_with(
            lambda now, next: now
        ),
        "The picture keeps a share of 1 - now: it is next / now.": step_with(lambda now, next: 1 - now),
        "The guess gets the difference of the levels: divide it by `now`.": step_with(
            lambda now, next: 1 - (now - next)
        ),
        "The picture gets the difference of the levels: what stays is next / now.": step_with(
            lambda now, next: now - next
        ),
        "The difference of the levels is divided by next: divide it by `now`.": step_with(
            lambda now, next: 1 - (now - next) / next.clamp(min=1e-6)
        ),
        "The ratio is upside down: it is next / now.": step_with(lambda now, next: now / next.clamp(min=1e-6)),
        "The ratio is upside down, and divides by 0 when next is 0: it is next / now.": step_with(
            lambda now, next: now / next
        ),
        "The shares are those of the clean parts, (1 - now) / (1 - next): what stays is a share of the noise, next / now.": (
            step_with(lambda now, next: (1 - now) / (1 - next))
        ),
        "It is always half and half: next / now of the picture stays.": step_with(lambda now, next: torch.tensor(0.5)),
        "The picture is left as it is.": step_with(lambda now, next: torch.ones(())),
        "The guess replaces the whole picture: some of the noise should stay.": step_with(
            lambda now, next: torch.zeros(())
        ),
        "The picture keeps too little: next / now, without the square.": step_with(lambda now, next: (next / now) ** 2),
        "The picture keeps too much: next / now, without the square root.": step_with(
            lambda now, next: (next / now) ** 0.5
        ),
        "The picture stays at full strength while the guess is added: the shares should add up to 1.": (
            lambda picture, guess, now, next: picture + guess * (1 - next / now)
        ),
        "The guess comes in at full strength: its share is 1 - next / now.": (
            lambda picture, guess, now, next: picture * (next / now) + guess
        ),
        "The guess is missing: the picture only fades.": lambda picture, guess, now, next: picture * (next / now),
        "The picture is missing: some of it should stay.": lambda picture, guess, now, next: guess * (1 - next / now),
        "Both shares are next / now: the guess's is 1 - next / now.": (
            lambda picture, guess, now, next: (picture + guess) * (next / now)
        ),
        "You go away from the guess, not towards it: a sign is wrong.": (
            lambda picture, guess, now, next: picture + (picture - guess) * (1 - next / now)
        ),
        "The guess's share is `now`, the picture's `next`: the shares should add up to 1.": (
            lambda picture, guess, now, next: picture * next + guess * now
        ),
        "The guess's share is the difference of the levels, while the picture keeps next / now: shares add up to 1.": (
            lambda picture, guess, now, next: picture * (next / now) + guess * (now - next)
        ),
        "The whole picture is taken for noise: part of it is picture already, so mix with next / now.": (
            lambda picture, guess, now, next: picture * next + guess * (1 - next) * now
        ),
        "Fresh noise is mixed into the guess: the picture that you have should stay in.": (
            lambda picture, guess, now, next: guess * (1 - next) + next * torch.rand_like(picture)
        ),
        "The result is clamped: the guess may well leave the range on the way. The sampler clamps once, at its end.": (
            lambda picture, guess, now, next: lesson.step(picture, guess, now, next).clamp(0, 1)
        ),
        "Nothing is returned: is the `return` missing?": lambda picture, guess, now, next: None,
    },
)
def step(answer) -> Claims:
    picture, guess = torch.rand(4, 3, 20, 16), pictures(4, 20, 16)
    for now, next in [(1.0, 0.75), (0.75, 0.5), (0.3, 0.1), (0.2, 0.0)]:
        result = answer(picture, guess, torch.tensor(now), torch.tensor(next))
        if mixed := shares(result, picture, guess):
            words, right = (
                f"{a:.2f} of the picture and {b:.2f} of the guess" for a, b in (mixed, (next / now, 1 - next / now))
            )
            close = abs(mixed[0] - next / now) < 0.01 and abs(mixed[1] - 1 + next / now) < 0.01
            says = f"From level {now} to {next}, picture and guess have the right shares."
            clue = f"From level {now} to {next}, there should be {right}; yours has {words}."
            see = {"expected": lesson.step(picture, guess, torch.tensor(now), torch.tensor(next)), "yours": result}
            yield Claim(says, right if close else words, right, 0, "compare", see, clue)
        says = f"From level {now} to {next}, a fraction {next / now:.2f} of the picture stays."
        expected = lesson.step(picture, guess, torch.tensor(now), torch.tensor(next))
        yield Claim(says, result, expected, picture="compare")
    # If the guess is the true picture, a step leads from one training mix to another.
    noise, now, next = torch.rand(4, 3, 20, 16), torch.tensor(0.8), torch.tensor(0.3)
    result = answer((1 - now) * guess + now * noise, guess, now, next)
    expected = (1 - next) * guess + next * noise
    says = "With the true picture as guess, it is as if `mix` had mixed at the next level."
    yield Claim(says, result, expected, picture="compare")
    wild = 3 * guess - 1
    says = "A guess that leaves the range from 0 to 1 is mixed in all the same."
    yield Claim(says, answer(picture, wild, now, next), lesson.step(picture, wild, now, next), picture="compare")


def sample_with(
    start=lambda noise: noise,
    levels=lambda steps: torch.linspace(1, 0, steps + 1),
    told=lambda now, next: now,
    spread=lambda level, picture: level.expand(len(picture), 1, 1, 1),
    stretched=lambda raw, previous, stretch: previous + stretch * (raw - previous),
    first=lambda raw: None,
    remember=lambda raw, guess, picture, previous: raw,
    move=lesson.step,
    between=lambda picture: picture,
    last=lambda picture, guess, raw: picture.clamp(0, 1),
    grad=False,
):
    """The lesson's sampler, with one part replaced."""

    def sample(denoiser, noise, steps=100, stretch=2.0):
        path, picture, previous = levels(steps), start(noise), first(noise)
        with torch.set_grad_enabled(grad):
            for now, next in pairwise(path):
                raw = denoiser(picture, spread(told(now, next), picture))
                guess = raw if previous is None else stretched(raw, previous, stretch)
                picture = between(move(picture, guess, now, next))
                previous = remember(raw, guess, picture, previous)
        return last(picture, guess, raw)

    return sample


def stops_after_one(denoiser, noise, steps=100, stretch=2.0):
    return sample_with(levels=lambda n: torch.linspace(1, 0, n + 1)[:2])(denoiser, noise, steps, stretch)


def all_pictures(denoiser, noise, steps=100, stretch=2.0):
    seen = []
    sample_with(between=lambda picture: seen.append(picture) or picture)(denoiser, noise, steps, stretch)
    return seen


def asks_twice(denoiser, noise, steps=100, stretch=2.0):
    with torch.no_grad():
        denoiser(noise, torch.ones(len(noise), 1, 1, 1))
    return lesson.sample(denoiser, noise, steps, stretch)


@check_of(
    lesson.sample,
    hints=(
        "Walk through the pairs of neighbours of `torch.linspace(1, 0, steps + 1)`: `zip(levels[:-1], levels[1:])`. At each "
        "pair, ask the denoiser at `now`, and take a `step` to `next`. Get that right first; stretch comes after.",
        "Keep the raw guess of the time before in `previous`. From the second time on, the guess to step with is "
        "`previous + stretch * (raw - previous)`. Clamp the picture to [0, 1] when you return it, not before.",
    ),
    notice="`pairwise` gives neighbours, so there is no index to be off by one. At the last pair next is 0, nothing of the "
    "picture stays, and what comes out is the last guess, pushed on and clamped.",
    mistakes={
        "The stretch is ignored: remember the raw guess as `previous` at each step, and push the next one on from it.": (
            sample_with(stretched=lambda raw, previous, stretch: raw)
        ),
        "The guess is multiplied by the stretch: it is the change since the previous guess that is stretched.": (
            sample_with(stretched=lambda raw, previous, stretch: stretch * raw)
        ),
        "The stretch is always 2: use the one that is given.": sample_with(
            stretched=lambda raw, previous, stretch: previous + 2 * (raw - previous)
        ),
        "Only the stretched change is used: add it to the previous guess.": sample_with(
            stretched=lambda raw, previous, stretch: stretch * (raw - previous)
        ),
        "The guesses are averaged, which holds the new one back: push it on instead.": sample_with(
            stretched=lambda raw, previous, stretch: (raw + previous) / 2
        ),
        "What you remember as `previous` is the guess after stretching: remember the raw one.": sample_with(
            remember=lambda raw, guess, picture, previous: guess
        ),
        "What you remember as `previous` is the picture: remember the raw guess.": sample_with(
            remember=lambda raw, guess, picture, previous: picture
        ),
        "`previous` stays the first guess for ever: set it anew at each step.": sample_with(
            remember=lambda raw, guess, picture, previous: raw if previous is None else previous
        ),
        "The very first guess is stretched too, away from the noise: there is nothing before it, so take it as it is.": (
            sample_with(first=lambda noise: noise)
        ),
        "The very first guess is stretched too, away from black: there is nothing before it, so take it as it is.": (
            sample_with(first=torch.zeros_like)
        ),
        "The stretch starts from the new guess: it goes on from the previous one, previous + stretch * (raw - previous).": (
            sample_with(stretched=lambda raw, previous, stretch: raw + stretch * (raw - previous))
        ),
        "The stretch pulls the wrong way.": sample_with(
            stretched=lambda raw, previous, stretch: raw + stretch * (previous - raw)
        ),
        "The stretch goes from the new guess back: previous + stretch * (raw - previous), not with the two swapped.": (
            sample_with(stretched=lambda raw, previous, stretch: previous + stretch * (previous - raw))
        ),
        "The denoiser is told the level after the step: tell it `now`, how noisy the picture is when it looks.": sample_with(
            told=lambda now, next: next
        ),
        "The denoiser is told 1 - now: tell it `now`, how noisy the picture is.": sample_with(
            told=lambda now, next: 1 - now
        ),
        "The denoiser is always told level 1: tell it `now`, how noisy the picture is when it looks.": sample_with(
            told=lambda now, next: torch.ones(())
        ),
        "The denoiser is told the middle of the step: tell it `now`, how noisy the picture is when it looks.": sample_with(
            told=lambda now, next: (now + next) / 2
        ),
        "The denoiser is told a bare number: it wants a level for each picture, (batch, 1, 1, 1).": sample_with(
            spread=lambda level, picture: level
        ),
        "The denoiser is told one level for the batch, (1, 1, 1, 1): it wants one for each picture, (batch, 1, 1, 1).": (
            sample_with(spread=lambda level, picture: level.view(1, 1, 1, 1))
        ),
        "The levels that the denoiser is told are flat: it wants the shape (batch, 1, 1, 1).": sample_with(
            spread=lambda level, picture: level.expand(len(picture))
        ),
        "The last step is missing: the picture never reaches level 0. There are steps + 1 levels.": sample_with(
            levels=lambda steps: torch.linspace(1, 0, steps + 1)[:-1]
        ),
        "The first step is missing: the levels begin at 1.": sample_with(
            levels=lambda steps: torch.linspace(1, 0, steps + 1)[1:]
        ),
        "There is one step too few: `steps` steps need steps + 1 levels.": sample_with(
            levels=lambda steps: torch.linspace(1, 0, steps)
        ),
        "There is one step too many: `steps` steps need steps + 1 levels.": sample_with(
            levels=lambda steps: torch.linspace(1, 0, steps + 2)
        ),
        "The levels stop above 0: they should fall from 1 to 0, with both ends.": sample_with(
            levels=lambda steps: torch.linspace(1, 1 / (steps + 1), steps + 1)
        ),
        "The levels are not evenly spaced: `torch.linspace(1, 0, steps + 1)`.": sample_with(
            levels=lambda steps: torch.linspace(1, 0, steps + 1) ** 2
        ),
        "The levels climb from 0 to 1: they fall from 1 to 0.": sample_with(
            levels=lambda steps: torch.linspace(0, 1, steps + 1), move=lambda picture, guess, now, next: picture
        ),
        "The denoiser is asked once, and only one step is taken: is there a `return` inside the loop?": stops_after_one,
        "The denoiser is asked once more than there are steps: ask it once for each step.": asks_twice,
        "The noise that came in is not used: begin with it.": sample_with(start=torch.rand_like),
        "The picture begins as Gaussian noise: begin with the noise that came in.": sample_with(start=torch.randn_like),
        "The picture begins black: begin with the noise.": sample_with(start=torch.zeros_like),
        "The picture is clamped at every step: clamp once, at the end.": sample_with(
            between=lambda picture: picture.clamp(0, 1)
        ),
        "The guess is clamped at every step: clamp the picture once, at the end.": sample_with(
            move=lambda picture, guess, now, next: lesson.step(picture, guess.clamp(0, 1), now, next)
        ),
        "The raw guess is clamped at every step: clamp the picture once, at the end.": sample_with(
            stretched=lambda raw, previous, stretch: previous + stretch * (raw.clamp(0, 1) - previous),
            remember=lambda raw, guess, picture, previous: raw.clamp(0, 1),
        ),
        "The result is never clamped: some pixels leave the range from 0 to 1.": sample_with(
            last=lambda picture, guess, raw: picture
        ),
        "The result is clamped to the range from -1 to 1: pictures lie between 0 and 1.": sample_with(
            last=lambda picture, guess, raw: picture.clamp(-1, 1)
        ),
        "The result is squeezed by a sigmoid: clamp it.": sample_with(
            last=lambda picture, guess, raw: picture.sigmoid()
        ),
        "The result is scaled to its own darkest and brightest pixel: clamp it.": sample_with(
            last=lambda picture, guess, raw: (picture - picture.min()) / (picture.max() - picture.min())
        ),
        "The last raw guess is returned: return the picture.": sample_with(
            last=lambda picture, guess, raw: raw.clamp(0, 1)
        ),
        "All pictures on the way are returned: return the last one.": all_pictures,
        "Nothing is returned: is the `return` missing?": sample_with(last=lambda picture, guess, raw: None),
        "Gradients are kept all the way, which fills the memory: leave `@torch.no_grad()` on top.": sample_with(
            grad=True
        ),
        "Fresh noise is mixed in at every step: only the start is noise.": sample_with(
            move=lambda picture, guess, now, next: (1 - next) * guess + next * torch.rand_like(picture)
        ),
        "The guess is mixed with the first noise again at every step: go on from the picture that you have.": (
            lambda denoiser, noise, steps=100, stretch=2.0: sample_with(
                move=lambda picture, guess, now, next: (1 - next) * guess + next * noise
            )(denoiser, noise, steps, stretch)
        ),
        "The guess replaces the picture: take a `step` towards it instead.": sample_with(
            move=lambda picture, guess, now, next: guess
        ),
        "The picture never changes: put the result of `step` back into it.": sample_with(
            move=lambda picture, guess, now, next: picture
        ),
        "The ratio in the step is missing: a fraction next / now of the picture stays.": sample_with(
            move=lambda picture, guess, now, next: picture * next + guess * (1 - next)
        ),
        "The step is taken with the difference of the levels: a fraction next / now of the picture stays.": sample_with(
            move=lambda picture, guess, now, next: picture * (1 - (now - next)) + guess * (now - next)
        ),
        "The step gets picture and guess in each other's place: step(picture, guess, now, next).": sample_with(
            move=lambda picture, guess, now, next: lesson.step(guess, picture, now, next)
        ),
        "The step gets the two levels in each other's place: step(picture, guess, now, next).": sample_with(
            move=lambda picture, guess, now, next: lesson.step(picture, guess, next, now)
        ),
        "The guess is taken away from the picture: mix it in with `step`.": sample_with(
            move=lambda picture, guess, now, next: picture - (now - next) * guess
        ),
    },
)
def sample(answer) -> Claims:
    target, all_noise, asked = pictures(4, 20, 16), torch.rand(4, 3, 20, 16), []
    weight = torch.ones((), requires_grad=True)

    def denoiser(noisy, level):
        """Looks at what it is shown, and overshoots on the way and at the end, so that clamping shows."""
        asked.append((noisy.detach().clone(), torch.as_tensor(level).detach().clone()))
        seen = target[: len(noisy)]
        bump = (seen - 0.4) * (0.3 + 6 * level * (1 - level))
        return weight * (0.6 * seen + 0.4 * noisy.roll(1, dims=3) + bump - 0.1 * level)

    for steps, stretch, count in [(4, 1.0, 4), (4, 2.0, 4), (7, 1.5, 3)]:
        noise = all_noise[:count]
        path = torch.linspace(1, 0, steps + 1)
        lesson.sample(denoiser, noise, steps, stretch)
        right = [picture for picture, _ in asked]
        asked.clear()
        result = answer(denoiser, noise, steps=steps, stretch=stretch)
        yours = [picture for picture, _ in asked]
        shapes = {tuple(level.shape) for _, level in asked}
        says = "The denoiser is told one level per picture, in the shape (batch, 1, 1, 1)."
        yield Claim(says, ", ".join(map(str, sorted(shapes))) or "never asked", f"({count}, 1, 1, 1)")
        if yours:
            says = "The first picture that the denoiser sees is the noise."
            named = name_of(yours[0], {"the noise": noise, "black": 0 * noise, "the guess": target[:count]}, 1e-5)
            named = "something else" if named.startswith("something else") else named
            yield Claim(says, named, "the noise", picture="compare", of={"expected": noise, "yours": yours[0]})
        clue = f"Of {steps} steps, each should ask the denoiser once; yours ask it {len(asked)} times in all."
        yield Claim(f"{steps} steps ask the denoiser {steps} times.", len(asked), steps, clue=clue)
        levels = torch.stack([level.flatten()[0] for _, level in asked])
        for_figure = {"expected": path[:-1], "yours": levels, "across": "how often asked before", "up": "level told"}
        says = f"{steps} steps tell the denoiser {steps} levels, from 1 down to {1 / steps:.2f}."
        clue = f"The levels that the denoiser is told are not those of {steps} even steps down from 1."
        yield Claim(says, levels, path[:-1], 1e-4, "curve", for_figure, clue)
        for i in range(1, steps):
            kind = "its first guess, as it is" if i == 1 else f"its guess, stretched by {stretch}"
            says = f"Picture {i + 1} of {steps} is a step towards {kind}."
            clue = (
                "The first step already goes wrong."
                if i == 1
                else "The first step is right. Look at how later guesses are pushed on."
            )
            clue = f"{clue} Picture {i + 1} of {steps} is the first that is off."
            yield Claim(says, yours[i], right[i], picture="compare", clue=clue)
        yield Claim("Pictures come out, in the shape of the noise.", result, Shape(tuple(noise.shape)))
        says = f"No pixel of the result of {steps} steps leaves the range from 0 to 1."
        inside = bool(((result >= 0) & (result <= 1)).all())
        yield Claim(says, inside, True, 0, "compare", {"expected": result.clamp(0, 1), "yours": result})
        expected = lesson.sample(denoiser, noise, steps, stretch)
        says = f"{steps} steps with stretch {stretch} give what the lesson's sampler gives."
        yield Claim(says, result, expected, picture="compare")
        asked.clear()
    yield Claim("The result carries no gradients.", result.requires_grad, False)
    result, expected = answer(denoiser, noise, steps=1), lesson.sample(denoiser, noise, 1)
    yield Claim("One step gives the guess at level 1, clamped.", result, expected, picture="compare")
    result, expected = answer(denoiser, noise), lesson.sample(denoiser, noise)
    yield Claim("Unless told otherwise, it takes 100 steps with stretch 2.", result, expected, 1e-3, "compare")
