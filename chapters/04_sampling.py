# %% [markdown]
# # Drawing
#
# You have a network that guesses what is under the noise. It has learnt to *answer*. In this chapter it **draws**: it makes
# dinosaurs that are in no data set, from nothing but noise. It takes two short functions.
#
# > **On your own code.** Earlier chapters' functions come from the lesson here. Begin the next cell with
# > `from dino.course import use_own; use_own()`, and it runs on your own answers instead, as far as they pass; it says which.

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
# A minute of training, as in chapter 3, is not enough for sharp pictures. So we go on with a network that was trained by the
# very same code for longer. It comes with the course, and `dino/weights/README.md` says how it was made.

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
# *Eight different noises, one answer: the mean of all dinosaurs.*
#
# And that is *right*! You know it from chapter 2: at level 1 everything is still possible, so the best guess is the mean of
# everything. It cannot decide for one dinosaur, because nothing in the noise speaks for one.
#
# > **A common belief: "One long step is as good as many."** With one step, you get the guess of somebody who has seen nothing.

# %% [markdown]
# ## The idea that works: commit a little
#
# So do not take the whole guess. **Mix a little of it in**: go from level 1 to, say, 0.9. The picture now leans ever so
# slightly towards dinosaur; and the noise that is left, by pure chance, fits some dinosaurs better than others. Ask again.
# Some are no longer possible, and the guess is a little less of a blur. Mix a little of *that* in. And so on.
#
# Each guess breaks the tie a little more, and each step makes the next guess easier.
#
# How much to mix in? A picture at level `now` is a mix with a share `now` of noise. We want a share of `next`. If we keep a
# fraction `keep` of the picture, its noise shrinks to `keep * now`. That has to be `next`.
#
# **Exercise: `step`** · 4 minutes · medium
#
# Why it matters: this is the whole way back. If the guess were perfect, the result would be exactly what `mix` makes at the
# lower level.
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
picture, seen = noise[:6], {}
with torch.no_grad():
    for now, next in pairwise(levels):
        guess = denoiser(picture, now.expand(6, 1, 1, 1)).float()
        if round(now.item(), 1) in (1.0, 0.9, 0.8, 0.6, 0.4, 0.2, 0.1):
            seen[f"at {now:.1f}"] = torch.stack([picture, guess], dim=1).flatten(0, 1)
        picture = step(picture, guess, now, next)
seen["at 0.0"] = torch.stack([picture, picture], dim=1).flatten(0, 1)
show(seen, titles=["picture", "guess"] * 6, size=0.9)

# %% [markdown]
# *Six runs side by side, each with the picture on the left and the guess at it on the right; time runs from top to bottom. All
# begin with the same blur. Then they part: colour first, then outline, then detail.*
#
# Dinosaurs, from noise! A bit soft, though. Two things make them better: more steps, and a trick.

# %% [markdown]
# ## The trick: think ahead
#
# Look at the guesses of one run, from top to bottom: they change in *one direction*, from blurry to sharp. At each step we
# mix in the guess of *now*, which is blurrier than the guess will be a moment later. We are always a little behind.
#
# So push each guess on, in the direction in which it has just changed:
#
# `guess = previous + stretch * (raw - previous)`
#
# With `stretch = 1`, this is just the raw guess. With 2, it goes twice as far from the previous one. The proper name is
# *extrapolation*. Mind that `previous` is the raw guess of the step before, as the network gave it: who extrapolates what was
# extrapolated already runs away.
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
# *64 drawings from 64 noises, as they came, none left out. Most are right at once; look for the ones with a leg too many, or
# two species in one.*
#
# <!-- live: dino-draw | The very same network, drawing in this page. Compare one step with 25; then scrub back, and look for the
# level at which it made up its mind. -->
#
# To watch how it happens, we need not change the sampler at all. All it knows of the denoiser is that it can be called. So we
# hand it one that keeps notes: `Watched`.

# %%
watched = Watched(denoiser)
last = sample(watched, noise[:3], steps=25).float()
times = [0, 2, 4, 7, 10, 14, 18, 22]
rows = {}
for i in range(3):
    rows[f"picture {i}"] = torch.stack([*(watched.pictures[t][i].float() for t in times), last[i]])
    rows[f"guess {i}"] = torch.stack([*(watched.guesses[t][i].float() for t in times), last[i]])
show(rows, titles=[f"level {1 - t / 25:.2f}" for t in times] + ["result"])

# %% [markdown]
# *Three runs, from left to right. The guess (lower row of each pair) shows what the network has decided already, long before
# you can see it in the picture above it.*
#
# > **A common belief: "The guess is the drawing."** The guess is what the network would say if it had to decide now. The drawing
# > is what has become of all those guesses.

# %% [markdown]
# ## How many steps, and how far ahead?
#
# > **Predict.** Will the same noise give the same dinosaur with 8 steps and with 64?

# %%
counts, stretches = [1, 2, 4, 8, 16, 32, 64], [1.0, 1.5, 2.0, 2.5]
for start in (0, 9):
    grid = {
        f"stretch {stretch}": torch.cat(
            [sample(denoiser, noise[start : start + 1], steps=count, stretch=stretch).float() for count in counts]
        )
        for stretch in stretches
    }
    show(grid, titles=[f"{count} step{'s' * (count > 1)}" for count in counts])

# %% [markdown]
# *Two starting noises; more steps to the right, a longer stretch further down. One step always gives the mean, and two do not
# make an animal yet. With 2 or 4 steps, a stretch of 2 gives stronger colours and crisper edges than none; with 32 or more, all
# rows show the same animal, if not always in the same colour.*
#
# There are no dice in `sample`, so with ever more steps, the same noise leads to one and the same animal; here it has settled at 32.
# With fewer, it may become another: animal and colour are decided in the first few steps, and a long step decides differently from
# two short ones.
#
# > **A common belief: "More steps are always better."** At first, much better. Then you follow ever more exactly what a network
# > that is not exact tells you.

# %% [markdown]
# ### How good is thinking ahead, really?
#
# For once, let us take a world so small that the right result is known. A "picture" is a single number, and every number
# between 0 and 1 is equally likely. Then the best guess can be written down: the middle of all numbers that are still possible
# (chapter 2!). And since noise and pictures are spread in just the same way, a perfect sampler must return **exactly the number
# that it was started with**. So we can measure how far off it is.

# %%


def exact(x: Tensor, level: Tensor) -> Tensor:
    """The best guess when every number between 0 and 1 is equally likely: the middle of what is possible."""
    room = (1 - level).clamp(min=1e-9)
    return (((x - level) / room).clamp(min=0) + (x / room).clamp(max=1)) / 2


start = torch.linspace(0.01, 0.99, 99, dtype=torch.float64).view(-1, 1, 1, 1)
print("largest error   " + "".join(f"{count:>5} steps" for count in (4, 16, 64, 256)))
for stretch in (1.0, 1.5, 2.0):
    errors = [(sample(exact, start, steps=count, stretch=stretch) - start).abs().max() for count in (4, 16, 64, 256)]
    print(f"stretch {stretch}     " + "".join(f"{error:11.5f}" for error in errors))

# %% [markdown]
# With stretch 1, four times as many steps make the error four times smaller: that is called *first order*. With 1.5 it shrinks
# much faster, nearly like the square of the number of steps. And 2.0? It is **first order again, and no better than 1.0**.
#
# So theory says 1.5. And yet, in the pictures above, 2.0 is at least as crisp at few steps. The difference is that a *trained*
# network is not exact, and that we do not look for exactness, but for crisp dinosaurs. One explanation is that the network hedges
# more than it would have to, so that its guesses are always on the blurry side, and pushing them on further than theory allows
# makes up for some of that. When measurement and theory disagree, look at what the theory takes for granted.

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
show({change: broken(change, noise[:8]) for change in changes})

# %% [markdown]
# *The same eight noises, with one thing wrong in each row. Told the level after the step, the network is off by a twenty-fifth
# only, and draws good animals, but some of them others. With the ratio forgotten, guesses come in far too early: the network sees
# pictures unlike any that it has learnt from, and some run away. Fed back, all of them do. With the difference of the levels,
# noise is left over.*
#
# <!-- live: dino-draw samplers | Break it yourself: choose a sampler, and watch what goes wrong, and when. -->
#
# The last row is a surprise: it is not broken at all! Throwing fresh noise at every step is another sampler, a *random* one: it
# forgets where it started, and corrects its own mistakes on the way. (`check` still refuses it for `sample`, whose result has to
# depend on nothing but the noise it is given.)

# %% [markdown]
# ## Between two dinosaurs
#
# If there are no dice in the sampler, then the starting noise *is* the dinosaur, in a code that only the network reads. What
# lies between two codes?

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
# *From the noise of one drawing to that of another, by swapping more and more of its pixels. The animal changes in leaps as well
# as gradually: on the way you meet others.*

# %% [markdown]
# ## New, or remembered?
#
# The perfect guesser of chapter 2 could only ever lead back to pictures that it knew. And ours? Let us look for the nearest
# training picture of some drawings, mirror images included.

# %%
known = load(dinosaurs(4096))
known = torch.cat([known, known.flip(3)])
distances = torch.cdist(drawn[:12].flatten(1), known.flatten(1))
nearest = distances.argmin(dim=1)
show({"drawn": drawn[:12], "nearest known": known[nearest]})
fresh = load(dinosaurs(64, seed=7))
far = torch.cdist(fresh.flatten(1), known.flatten(1)).amin(dim=1).median()
print(
    f"median distance to the nearest: drawn {distances.amin(dim=1).median():.1f}, freshly drawn by the program {far:.1f}"
)

# %% [markdown]
# *Drawings, and below each the most similar of the 4096 pictures that the network has learnt from, and their mirror images. They
# resemble each other, as dinosaurs of one species and colour do, but differ a little in pose, in spots or in shade.*
#
# The number to compare with is the second one: new pictures by the program itself have near relatives, too, and ours are not much
# nearer than those. Copies would be at 0, or close to it. (How to judge drawings properly, and when a network does begin to copy, is the next chapter.)

# %% [markdown]
# ## What you have now
#
# - `step`, which mixes a guess in, and `sample`, which begins with noise and ends with a dinosaur.
# - A good idea of how many steps it takes, of what the stretch does, and of what it looks like when something is wrong.
#
# They are the module `dino/sampling.py`. And with it, you have all of it: you built a diffusion model, from the first mix to the
# finished drawing, and you know every line.
#
# Where to go from here:
#
# - `dino assemble` puts all your answers into one file, `my_dino.py`, which trains and draws without this course. It is yours.
# - `dino sample` draws a sheet, and an animation of how it comes out of the noise.
# - `dino train` trains as long as you like, and `dino train --data FOLDER` does the same with **your own pictures**.
# - Change something! Give the network fewer channels, more depth, another size. You have the instruments to see what it does.
