# %% [markdown]
# # Drawing
#
# *Sample from a diffusion model, in PyTorch: from pure noise to an image step by step, and what extrapolation and the number
# of steps do to it.*
#
# You have a network that guesses what is under the noise. It has learnt to *answer*. In this chapter it **draws**: it makes
# dinosaurs that are in no data set, from nothing but noise. It takes two short functions.
#
# > **On your own code.** Earlier chapters' functions come from the lesson here. Begin the next cell with
# > `from dino.course import use_own; use_own()`, and the chapter uses those of your own answers that pass; it says which.

# %%
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from dino.course import check, show
from dino.data import dinosaurs, load, sheet
from dino.denoiser import in_bfloat16
from dino.noise import mix
from dino.sampling import Watched
from dino.saving import load_denoiser

torch.manual_seed(0)
images = load(dinosaurs(2048))

# %% [markdown]
# A few minutes of training, as in chapter 3, are not enough for sharp pictures. So we go on with a network that was trained by
# the very same code for longer. It comes with the course, and `dino/weights/README.md` says how it was made.

# %%
denoiser = in_bfloat16(load_denoiser(), torch.device("cpu"))
noise = torch.rand(64, 3, 32, 32)

# %% [markdown]
# ## The naive idea: ask once
#
# The network makes clean pictures out of noisy ones. Pure noise is just a very noisy picture. So: show it pure noise, tell
# it that the level is 1, and take what it says!
#
# > **Predict.** What will it draw? Will eight different noises give eight different pictures?

# %%
with torch.no_grad():
    guess = denoiser(noise[:8], torch.ones(8, 1, 1, 1)).float()
mean = images.mean(dim=0, keepdim=True)
show({"noise": noise[:8], "its guess": guess, "mean of all pictures": mean.expand(8, -1, -1, -1)})
print(f"its guesses differ from the mean of all pictures by {(guess - mean).abs().mean():.3f} on average")

# %% [markdown]
# *Eight different noises, and nearly one answer: the mean of all dinosaurs.*
#
# Instead of eight pictures, we get nearly one, in eight tints, and it is no dinosaur. And that is *right*! You know it from
# chapter 2: at level 1 everything is still possible, so the best guess is the mean of everything. It cannot choose one dinosaur,
# because nothing in the noise favours any of them.
#
# > **A common belief: "One long step is as good as many."** With one step, you get the guess of somebody who has seen nothing.

# %% [markdown]
# ## The idea that works: commit a little
#
# So do not take the whole guess. **Mix a little of it in**: go from level 1 to, say, 0.9. The picture now leans ever so slightly
# towards dinosaur. At level 1, any dinosaur could be behind this noise. Now a tenth of the picture has to be dinosaur, and the
# noise that happens to be there fits some dinosaurs better than others. Ask again, and the guess is a little less of a blur. Mix
# a little of *that* in. And so on.
#
# Each guess breaks the tie a little more, and each step makes the next guess easier.
#
# How much to mix in? A picture at level `now` has a share `now` of noise. We want the share to be `next`. If we keep a fraction
# `keep` of the picture, its noise shrinks to `keep * now`. That has to be `next`.
#
# **Exercise: `step`** · 4 minutes · medium
#
# Why it matters: this is the whole way from noise to picture. If the guess were perfect, the result would be exactly what `mix`
# makes at the lower level.
#
# > **A common belief: "Each step removes the same share of the noise in the picture."** From 1 to 0.9 a tenth goes; from 0.2
# > to 0.1, half; and in the last step, everything.


# %% tags=["exercise"]
def step(picture: Tensor, guess: Tensor, now: Tensor, next: Tensor) -> Tensor:
    """Go from one noise level to a lower one, by mixing in some of the guess at the clean picture.

    picture  (batch, 3, height, width)  the picture at level `now`
    guess    (batch, 3, height, width)  what the denoiser takes for the clean picture
    now      number in (0, 1]           the level of the picture
    next     number in [0, now]         the level to go to

    Returns the picture at level `next`, (batch, 3, height, width). With the right guess it is what `mix` would have
    made of the clean picture and the same noise.
    """
    # The noise is to shrink from `now` to `next`, so this much of the picture stays.
    # The guess fills the rest.
    raise NotImplementedError("step is yours to write")


# %%
check(step)

# %% [markdown]
# Ten steps by hand, from level 1 to 0, for six noises.

# %%
levels = torch.linspace(1, 0, 11)
picture, seen, guesses = noise[:6], {}, []
with torch.no_grad():
    for now, next in pairwise(levels):
        guess = denoiser(picture, now.expand(6, 1, 1, 1)).float()
        guesses.append(guess.flatten(1))
        if round(now.item(), 1) in (1.0, 0.9, 0.8, 0.6, 0.4, 0.2, 0.1):
            seen[f"at {now:.1f}"] = torch.stack([picture, guess], dim=1).flatten(0, 1)
        picture = step(picture, guess, now, next)
seen["at 0.0"] = torch.stack([picture, picture], dim=1).flatten(0, 1)
show(seen, titles=["picture", "guess"] * 6, size=0.9)

# %% [markdown]
# *Six runs side by side, each with the picture on the left and the guess at it on the right; time runs from top to bottom. All
# begin with nearly the same blur. Then they part, at first into mixtures of two kinds of animal; later, most settle on one, and
# gain detail.*
#
# Dinosaurs, from noise! Not all are well made, though: look for one that is two animals at once. Two things make them better:
# more steps, and a trick.

# %% [markdown]
# ## The trick: think ahead
#
# Look at the guesses of one run, from top to bottom. Do they wander about, or does each change continue the one before? We can
# measure it: take the differences between successive guesses as arrows, and compare the direction of each with that of the next.
# (1 is the same direction, 0 is a right angle, as between two arrows that have nothing to do with each other.)

# %%
changes = torch.stack(guesses).diff(dim=0)  # (change, run, numbers)
same_direction = torch.cosine_similarity(changes[1:], changes[:-1], dim=2).mean(dim=1)
print("each change, compared with the one before:", ", ".join(f"{value:.2f}" for value in same_direction))

# %% [markdown]
# On average over the six runs, the changes never turn back. Early ones go on partly in the direction of the one before, and later
# ones mostly. So we know something of the next guess before we ask for it; but at each step we mix in the guess of *now*. We are
# always a little behind.
#
# So push each guess further, in the direction in which it has just changed:
#
# `guess = previous + stretch * (raw - previous)`
#
# With `stretch = 1`, this is just the raw guess. With 2, it goes twice as far from the previous one. The field calls this
# *extrapolation*. Two things to mind:
#
# - The first guess has no predecessor, so it is taken as it is.
# - `previous` is the *raw* guess of the step before, as the network gave it, not the one that was pushed on.
#
# With guesses that are single numbers:
#
# | with a stretch of 2 | first step | second | third |
# |---|---|---|---|
# | raw guess | 0.50 | 0.60 | 0.65 |
# | previous | none | 0.50 | 0.60 |
# | mixed in | 0.50 | 0.50 + 2 · 0.10 = 0.70 | 0.60 + 2 · 0.05 = 0.70 |
#
# **Exercise: `sample`** · 12 minutes · hard
#
# Why it matters: this is the last piece. After it, your own code draws dinosaurs from start to end.


# %% tags=["exercise"]
@torch.no_grad()
def sample(denoiser: Callable, noise: Tensor, steps: int = 100, stretch: float = 2.0) -> Tensor:
    """Draw pictures: begin with noise, and let the denoiser's guesses in, step by step.

    denoiser  takes noisy pictures and their levels, returns its guess at the clean pictures
    noise     (batch, 3, height, width), in [0, 1]; the same noise gives the same pictures
    steps     how often the denoiser is asked
    stretch   how far each guess is pushed on from the one before: 1 takes it as it is, 2 goes twice as far

    Returns the pictures, (batch, 3, height, width), in [0, 1].
    """
    # The levels fall evenly from 1 to 0.
    # Ask the denoiser, telling it how noisy each picture is now.
    # Push its guess on in the direction in which it changed.
    # Go down to the next level.
    # A picture lies between 0 and 1.
    raise NotImplementedError("sample is yours to write")


# %%
check(sample)

# %% [markdown]
# ## Dinosaurs nobody has drawn

# %%
drawn = sample(denoiser, noise, steps=25).float()
sheet(drawn, columns=16)

# %% [markdown]
# *64 drawings from 64 noises, not cherry-picked. Look closely: which ones give themselves away?*
#
# <!-- live: dino-draw | The very same network, drawing in this page. Compare one step with 25; then scrub back, and look for the
# level at which it made up its mind. -->
#
# To watch how it happens, we need not change the sampler at all. All it needs is a denoiser that it can call. So we give it one
# that keeps a record: `Watched`.

# %%
watched = Watched(denoiser)
last = sample(watched, noise, steps=25).float()
times = [0, 2, 4, 7, 10, 14, 18, 22]
rows = {}
for i in range(3):
    rows[f"picture {i}"] = torch.stack([*(watched.pictures[t][i].float() for t in times), last[i]])
    rows[f"guess {i}"] = torch.stack([*(watched.guesses[t][i].float() for t in times), last[i]])
show(rows, titles=[f"level {1 - t / 25:.2f}" for t in times] + ["result"])

# %% [markdown]
# *Three runs, from left to right. The guess (lower row of each pair) shows the animal long before you can see it in the picture
# above it.*
#
# What is decided first: the outline, or the colour? Let us not trust three pictures, but measure it on all 64. The outline of an
# animal is where the picture is not white; its colour is the mean over these pixels. How much of the way to the result is still
# to go, at each level?

# %%


def outline(pictures: Tensor) -> Tensor:
    return pictures.amin(dim=1, keepdim=True) < 0.9


def mean_colour(pictures: Tensor) -> Tensor:
    inside = outline(pictures)
    return (pictures * inside).sum(dim=(2, 3)) / inside.sum(dim=(2, 3))


to_go = {}
for t in times:
    guess = watched.guesses[t].float()
    common, either = outline(guess) & outline(last), outline(guess) | outline(last)
    of_outline = 1 - (common.sum(dim=(1, 2, 3)) / either.sum(dim=(1, 2, 3))).mean()
    of_colour = (mean_colour(guess) - mean_colour(last)).norm(dim=1).mean()
    to_go[t] = torch.stack([of_outline, of_colour])
    left = to_go[t] / to_go[0]
    print(f"level {1 - t / 25:.2f}: still to go {left[0]:4.0%} of the outline, {left[1]:4.0%} of the colour")

# %% [markdown]
# **Neither comes first.** Outline and colour are settled together, and early: at level 0.84, where you can hardly see anything in
# the pictures, about two thirds of the way is done.
#
# > **A common belief: "The guess is the drawing."** The guess is what the network would say if it had to decide now. The drawing
# > is what all those guesses add up to.

# %% [markdown]
# ## How many steps, and how far ahead?
#
# > **Predict.** Will the same noise give the same dinosaur with 8 steps and with 64?

# %%
counts, stretches = [1, 2, 4, 8, 16, 32, 64], [1.0, 1.5, 2.0, 2.5]
grids = []
for start in (0, 9):
    grid = {
        f"stretch {stretch}": torch.cat(
            [sample(denoiser, noise[start : start + 1], steps=count, stretch=stretch).float() for count in counts]
        )
        for stretch in stretches
    }
    grids.append(grid)
    show(grid, titles=[f"{count} step{'s' * (count > 1)}" for count in counts])

# %% [markdown]
# *Two starting noises; more steps to the right, a longer stretch further down. One step always gives the mean, and two give a
# pale sketch. With 2 or 4 steps, a longer stretch makes the colours stronger. With 32 or 64, all rows show the same animal,
# though not always in the same colour.*
#
# So 8 and 64 steps do not always agree. The first noise gives a different animal; the second gives the same one, but not always
# in the same colour. Few long steps may decide differently from many short ones. For these two noises, the animal is settled with
# 32 steps; only its colour may still differ.
#
# > **A common belief: "Twice as many steps, twice as good."** From 1 to 16 steps, you see it get better. From 32 to 64, do you?
# > Chapter 5 measures it.

# %% [markdown]
# ### How far ahead should one think?
#
# For once, let us take a world so small that the right result is known. A "picture" is a single number, and every number between
# 0 and 1 is equally likely. Then the best guess can be written down: the middle of all numbers that are still possible (chapter
# 2!). An exact sampler turns noise into numbers that are distributed like pictures. Here, the noise already has that
# distribution, and the sampler never changes which of two numbers is larger. So it must return **exactly the number that it was
# started with**, and we can measure how far off ours is.
#
# First: what do we want to predict? `step` mixes in *one* guess all the way from `now` to `next`, though the right guess changes
# on the way. So the best single guess is the mean of all of these, which is about the guess in the **middle** of the step. A
# sampler with very many steps tells us what the guesses really are at levels 0.55, 0.5, 0.475 and 0.45. How well do the first two
# predict the last two?

# %%


def exact(x: Tensor, level: Tensor) -> Tensor:
    """The best guess when every number between 0 and 1 is equally likely: the middle of what is possible."""
    room = (1 - level).clamp(min=1e-9)
    return (((x - level) / room).clamp(min=0) + (x / room).clamp(max=1)) / 2


fine = Watched(exact)
sample(fine, torch.full((1, 1, 1, 1), 0.8, dtype=torch.float64), steps=2000, stretch=1.0)
at = {level: fine.guesses[round(2000 * (1 - level))].item() for level in (0.55, 0.5, 0.475, 0.45)}
for stretch, level, where in ((1.0, 0.5, "beginning"), (1.5, 0.475, "middle"), (2.0, 0.45, "end")):
    ahead = at[0.55] + stretch * (at[0.5] - at[0.55])
    print(f"stretch {stretch}: {ahead:.3f}; the guess at the {where} of the step from 0.5 to 0.45: {at[level]:.3f}")

# %% [markdown]
# To within a hundredth. The guess has changed during one step, from 0.55 to 0.5. A stretch of 1.5 continues that change for
# **half** a step, to the middle of the next one; a stretch of 2 for a **whole** one, to its end. So theory asks for 1.5. (3/2 of
# the newest and minus 1/2 of the one before: these are the weights of the *two-step [Adams-Bashforth
# method](https://en.wikipedia.org/wiki/Linear_multistep_method)*, which is used for slopes.) Is it right?

# %%
start = torch.linspace(0.01, 0.99, 99, dtype=torch.float64).view(-1, 1, 1, 1)
counts, errors = (4, 16, 64, 256), {}
print("largest error   " + "".join(f"{count:>5} steps" for count in counts))
for stretch in (1.0, 1.5, 2.0):
    errors[stretch] = [
        (sample(exact, start, steps=count, stretch=stretch) - start).abs().max().item() for count in counts
    ]
    print(f"stretch {stretch}     " + "".join(f"{error:11.6f}" for error in errors[stretch]))

# %% [markdown]
# With stretch 1, four times as many steps make the error four times smaller: that is called *first order*. *Second order* would
# be sixteen times. With 1.5, it is four and a half times, then ten, then fifteen: the finer the steps, the nearer to second
# order. (What still goes wrong comes from the curvature of the guess's path, and shrinks with the square of the step.) And 2.0?
# It overshoots: with few steps it is worse than 1.0, and with many **no better**.
#
# So both theory and measurement say 1.5. And yet our default is 2.0. In the pictures above, with few steps, it gives stronger
# colours than 1.0 and 1.5, and chapter 5 measures all three on drawings. A *trained* network is not exact, and we are not after
# exactness, but after crisp dinosaurs. Perhaps it hedges more than it has to, so that its guesses are too blurry, and pushing
# them further makes up for that; we have not proved it. When a default and a theory disagree, look at what the theory takes for
# granted.

# %% [markdown]
# ## Broken samplers
#
# The sampler is short, and there are many ways to get it slightly wrong. Most of them still draw *something*, so it pays to know
# what they look like.


# %%
def broken(change: str, x: Tensor, steps: int = 25) -> Tensor:
    levels = torch.linspace(1, 0, steps + 1)
    with torch.no_grad():
        for now, next in pairwise(levels):
            told = next if change == "told the level after the step" else now
            guess = denoiser(x, told.expand(len(x), 1, 1, 1)).float()
            if change == "share next instead of next / now":
                x = x * next + guess * (1 - next)
            elif change == "share now - next":
                x = x * (1 - (now - next)) + guess * (now - next)
            elif change == "fresh noise at every step":
                x = mix(guess, torch.rand_like(x), next)
            elif change == "the guess is fed back":
                x = guess
            else:
                x = step(x, guess, now, next)
    return x.clamp(0, 1)


changes = [
    "nothing",
    "told the level after the step",
    "share next instead of next / now",
    "share now - next",
    "the guess is fed back",
    "fresh noise at every step",
]
eight = {change: broken(change, noise[:8]) for change in changes}
show(eight)

# %% [markdown]
# *The same eight noises, with one thing wrong in each row. Told the level after the step, the network is off by only a
# twenty-fifth, and draws nearly the same, though not always in the same colour. With `next` instead of the ratio, guesses come in
# far too early: the network sees pictures unlike any that it has learnt from, and some run away into glaring colours. With the
# guess fed back, all of them do. With `now - next`, noise is left over.*
#
# <!-- live: dino-draw samplers | Break it yourself: choose a sampler, and watch what goes wrong, and when. -->
#
# The last row is the dangerous one, because it looks fine. Fresh noise at every step gives animals that are good one by one. But
# they have next to nothing to do with the noise that they began with, so `check` refuses it. At each step, all the old noise is
# thrown away, and only the guess is carried on. Look for twins in the last row. Eight drawings are too few to be certain; chapter
# 5 counts them among many.
#
# (*DDPM*, which many texts begin with, adds fresh noise at each step, too, but only a little, and keeps most of what was there;
# *DDIM* adds none, and neither does `step`.)

# %% [markdown]
# ## Between two dinosaurs
#
# If nothing in the sampler is random, then the starting noise *is* the dinosaur, in a code that only the network reads. What lies
# between two codes?

# %%
shares = torch.linspace(0, 1, 9).view(-1, 1, 1, 1)
rows = {}
for i, j in [(0, 9), (4, 8), (3, 14)]:
    # A mix of two noises has less contrast than noise should have, so take each pixel from one of the two.
    dice = torch.rand(1, 3, 32, 32)
    between = torch.where(dice < shares, noise[j : j + 1], noise[i : i + 1])
    rows[f"{i} to {j}"] = sample(denoiser, between, steps=25).float()
show(rows, titles=[f"{share:.0%}" for share in shares.flatten()])

# %% [markdown]
# *From the noise of one drawing to that of another, by swapping more and more of its pixels. Species and colour change in leaps,
# and on the way you meet animals that are neither the first nor the last.*

# %% [markdown]
# ## New, or remembered?
#
# The perfect guesser of chapter 2 could only ever lead back to pictures that it knew. And ours? For some drawings, let us look
# for the nearest training picture, mirror images included.

# %%
known = load(dinosaurs(4096))
known = torch.cat([known, known.flip(3)])
near, which = torch.cdist(drawn.flatten(1), known.flatten(1)).min(dim=1)
show({"drawn": drawn[:12], "nearest known": known[which[:12]]})
fresh = load(dinosaurs(64, seed=7))
near_of_fresh = torch.cdist(fresh.flatten(1), known.flatten(1)).amin(dim=1)
print(
    f"distance to the nearest, median of 64: drawn {near.median():.1f}, freshly drawn by the program {near_of_fresh.median():.1f}"
)
print(f"the smallest of 64: drawn {near.min():.1f}, freshly drawn by the program {near_of_fresh.min():.1f}")

# %% [markdown]
# *Drawings, and below each the most similar of the 4096 pictures that the network has learnt from, and their mirror images. They
# resemble each other, but differ in spots, in pose, in shade, or even in colour.*
#
# Compare them with the fresh pictures: even these, new ones by the program itself, have near relatives. Exact copies would be at
# 0, or close to it, and none of ours is. (How to judge drawings properly, and when a network does begin to copy, is the next
# chapter.)

# %% [markdown]
# ## What you have now
#
# - `step`, which mixes a guess in, and `sample`, which begins with noise and ends with a dinosaur.
# - A good idea of how many steps it takes, of what the stretch does, and of what it looks like when something is wrong.
#
# They are the module `dino/sampling.py`. And with it, you have a whole diffusion model, from the first mix to the finished
# drawing. You wrote the noise, the questions, the network's forward pass, the training step and the sampler. (`Stage`, its pool
# and the loop of `train` were given; now you can read them.)
#
# In papers, `step` has many names: a step of DDIM, an Euler step of the *probability-flow ODE*, a step of flow matching. The page
# *Glossary and formulas* has them side by side. The notebook [Diffusion Models from
# Scratch](https://github.com/huggingface/diffusion-models-class/blob/main/unit1/02_diffusion_models_from_scratch.ipynb) by
# Hugging Face takes the very same step: its `mix_factor = 1/(n_steps - i)` is our `1 - next / now` when levels fall evenly.
#
# Where to go from here:
#
# - `dino assemble` puts all your answers into one file, `my_dino.py`, which trains and draws without this course. It is yours.
# - `dino sample` draws a sheet, and an animation of how it emerges from the noise.
# - `dino train` trains as long as you like, and `dino train --data FOLDER` does the same with **your own pictures**.
# - Change something! Give the network fewer channels, more depth, another size. You have the instruments to see what it does.
