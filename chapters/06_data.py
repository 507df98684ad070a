# %% [markdown]
# # Your own pictures
#
# *Train a diffusion model on your own images: load and crop any file, overfit a few pictures first, and find out within a
# minute what is wrong.*
#
# Nothing in your code knows what a dinosaur is. Give it other pictures, and it learns from those: here letters, at home flowers,
# coins, the faces of cats or the stickers on your laptop. The recipe stays the same.
#
# What changes is the beginning, and much can go wrong there. Pictures in the wild lie on their side, have no background, no
# colour or a strange shape, and some are not pictures at all. And with pictures that nobody has trained on before, nobody can
# tell you which loss to expect. So this chapter is about two questions:
#
# - How do **any** pictures become one clean tensor?
# - How do you find out in a minute, and not after a night, that **something is wrong**?
#
# > **On your own code.** Earlier chapters' functions come from the lesson here. Begin the next cell with
# > `from dino.course import use_own; use_own()`, and the chapter uses those of your own answers that pass; it says which.

# %%
import copy
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from torch import Tensor

from dino.course import check, show
from dino.data import load, on_white
from dino.denoiser import Denoiser, in_bfloat16
from dino.letters import make_album
from dino.noise import make_question, mix
from dino.sampling import sample
from dino.training import Run, loss_by_level, train, training_step

cpu = torch.device("cpu")

# %% [markdown]
# You need an album. Ours is a folder of letters, drawn with the fonts that come with matplotlib and saved in five ways, as mixed
# as on real disks. If you have a folder of your own, with three hundred or more pictures that have something in common, you can
# load it further down, where it says so.

# %%
album = Path(mkdtemp()) / "album"
make_album(album)
files = sorted(album.glob("?-*"))
print(len(files), "files:", dict(Counter(path.suffix for path in files)))

# %%
figure, axes = plt.subplots(1, 8, figsize=(9, 1.8), layout="constrained")
for axis, path in zip(axes, files[3::83], strict=False):
    with PIL.Image.open(path) as picture:
        axis.imshow(picture.convert("RGB"))
        axis.set_title(f"{path.suffix} {picture.mode}\n{picture.width} x {picture.height}", fontsize=9)
    axis.set(xticks=[], yticks=[])
plt.show()

# %% [markdown]
# *Eight of the files as Pillow sees them, with their ending, their mode and their size. `RGB` is red, green and blue; `RGBA` has
# transparency, too; `P` holds numbers of colours in a palette; `L` is grey.*
#
# Hardly two are alike. A network wants them all alike: one shape, one range, one order of dimensions.
#
# ## From a file to numbers
#
# Pillow and torch disagree about two things. To Pillow, a picture is (height, width, 3), in whole numbers from 0 to 255. Torch
# wants (3, height, width), and this course wants numbers from 0 to 1.

# %%
with PIL.Image.open(files[3]) as picture:
    numbers = np.array(picture.convert("RGB"))
print(
    f"{picture.width} pixels wide, {picture.height} high; as numbers: {numbers.shape}, {numbers.dtype}, up to {numbers.max()}"
)

# %% [markdown]
# **Exercise: `to_tensor`** · 5 minutes · easy
#
# Why it matters: every program that works with pictures begins with something like this. Each of its two steps can go wrong
# without an error.


# %% tags=["exercise"]
def to_tensor(picture: PIL.Image.Image) -> Tensor:
    """Turn a picture in red, green and blue into a tensor, (3, height, width), in [0, 1]."""
    # Pillow gives (height, width, 3), whole numbers from 0 to 255.
    raise NotImplementedError("to_tensor is yours to write")


# %%
check(to_tensor)

# %% [markdown]
# ## One shape for all
#
# Pictures come wide, high and square, and the network wants squares of one size. You could squeeze the whole picture into the
# square. Or you could cut off what is too much (*crop* it).
#
# > **Predict.** A picture of a letter is wider than high, and you squeeze it into a square. What does that do to the letter?
#
# **Exercise: `crop`** · 6 minutes · easy
#
# Why it matters: a network learns everything that it sees in its pictures, including your shortcuts.


# %% tags=["exercise"]
def crop(picture: PIL.Image.Image, size: int) -> PIL.Image.Image:
    """Cut the largest square out of the middle of a picture, and scale it to `size` by `size` pixels."""
    # What is too much goes in equal parts from both ends.
    raise NotImplementedError("crop is yours to write")


# %%
check(crop)

# %%
upright = [on_white(PIL.Image.open(path)) for path in files]
wide = [picture for picture in upright if picture.width > picture.height][4::30][:8]
show(
    {
        "squeezed": torch.stack([to_tensor(picture.resize((32, 32))) for picture in wide]),
        "cut": torch.stack([to_tensor(crop(picture, 32)) for picture in wide]),
    }
)

# %% [markdown]
# *Eight pictures that are wider than high, squeezed into a square and cut to one.*
#
# Squeezed letters are thin, and nobody tells the network that letters are not. (Further down, a network trained on mirror writing
# draws mirror writing.) Cutting has a price as well: what stands at the edge is gone. If what you care about is not in the middle
# of your pictures, cut them by hand; that hour is well spent.
#
# ## What else lies in a folder
#
# One more thing is needed before `to_tensor`, and we give it to you: `on_white`. Here is why. The first row does the
# obvious, `convert("RGB")`, and hopes for the best.

# %%
some = [path for path in files if PIL.Image.open(path).mode == "RGBA"][10::25][:4]
some += [path for path in files if path.suffix == ".jpeg"][10::25][:4]
show(
    {
        '"RGB"': torch.stack([to_tensor(crop(PIL.Image.open(path).convert("RGB"), 32)) for path in some]),
        "on_white": torch.stack([to_tensor(crop(on_white(PIL.Image.open(path)), 32)) for path in some]),
    }
)

# %% [markdown]
# *Left, four pictures that are transparent. Right, four that are stored as many cameras store photos: lying on their side, with a
# note inside (EXIF) that says how to turn them.*
#
# Both go wrong without a word. Where a picture is transparent, a file still holds *some* colour, here black. And
# most programs that show pictures read the camera's note, so you may never have seen those photos lying on their side; but
# Pillow reads it only if you ask.
#
# > **A common belief: "It opened without an error, so it is fine."** Files that do not open are the harmless ones: they are left
# > out, with a warning. Those that open *wrongly* are learnt. So look at your pictures **after** all processing, a hundred at
# > once, before you train for a night.
#
# `load` does it all: it opens every file, turns it upright, lays it on white, and calls `crop` and `to_tensor`. It names the
# files that it cannot read, here two: somebody left a text file in the album, and a broken photo.

# %%
with warnings.catch_warnings(record=True) as notes:
    letters = load(album, size=16)  # or load("my/pictures", size=16)
for note in notes:
    print(str(note.message).replace(str(album), "album"))
print(tuple(letters.shape))
show({"": letters[5::69][:10]})

# %% [markdown]
# *Ten of the pictures that the network will see, 16 by 16 pixels large.*
#
# Hold some back (*held-out* pictures). A network does well on pictures that it has seen; you will want to know how it does on
# others.

# %%
order = torch.randperm(len(letters), generator=torch.Generator().manual_seed(0))
fresh, known = letters[order[:100]], letters[order[100:]]

# %% [markdown]
# ## Overfit one picture
#
# Before you train on all of it, train on **one** picture. A hundred steps will do. A network with thousands of weights can learn
# one picture by heart (it *overfits*, here on purpose), so the loss must fall until hardly anything is left. If it does not,
# something is broken, and no amount of data will cure it.
#
# **Exercise: `overfit`** · 5 minutes · easy
#
# Why it matters: a network that cannot learn anything can cost you a night. This test tells you in a hundred steps.


# %% tags=["exercise"]
def overfit(step: Callable[[Tensor], float], picture: Tensor, steps: int, batch: int = 16) -> list[float]:
    """Train on one single picture, and return the loss of each step.

    A network that cannot learn even one picture by heart has a fault that no data and no patience will cure.

    step     takes one step of training on a batch of clean pictures, and returns its loss
    picture  (3, height, width), in [0, 1]
    batch    how many times the picture is in each batch
    """
    raise NotImplementedError("overfit is yours to write")


# %%
check(overfit)

# %% [markdown]
# Now four training runs. One is sound; each of the others has a mistake that is easily made:
#
# - The optimizer holds another network's weights.
# - `zero_grad` is missing.
# - Somebody forgot to divide by 255.
#
# > **Predict.** Which of them will raise an error?


# %%
def try_one(fault: str, steps: int = 100) -> list[float]:
    torch.manual_seed(0)
    network, other = (Denoiser(widths=(16, 32), depths=(1, 1)) for _ in range(2))
    weights = other.parameters() if fault == "weights of another network" else network.parameters()
    optimizer = torch.optim.AdamW(weights, lr=2e-3)

    def step(clean: Tensor) -> float:
        if fault != "no zero_grad":
            return training_step(network, optimizer, clean)
        noisy, level = make_question(clean)
        loss = F.mse_loss(network(noisy, level), clean)
        loss.backward()
        optimizer.step()
        return loss.item()

    return overfit(step, known[0] * 255 if fault == "not divided by 255" else known[0], steps)


figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
for fault in ("sound", "weights of another network", "no zero_grad", "not divided by 255"):
    losses = try_one(fault)
    axis.plot(losses, label=fault)
    print(f"{fault:28} first loss {losses[0]:10.3f}, last {sum(losses[-10:]) / 10:10.4f}")
axis.set(xlabel="step", ylabel="loss", yscale="log")
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plt.show()

# %% [markdown]
# *The loss on one single picture, step by step.*
#
# None of them raises an error. The optimizer with another network's weights changes nothing at all. Without `zero_grad`, the loss
# falls at first, and then gets stuck, with wild spikes. In the wrong range, it falls from a great height and stays far too high.
# Only the sound one learns its picture by heart. Look at the *first* loss as well: pictures in [0, 1] cannot differ from a grey
# guess by much, so a loss far above 1 tells you that the range is wrong before a single step is taken.
#
# This test does *not* see faults that matter only with many pictures. For those, we need other instruments.
#
# ## Which way round?
#
# `train` turns half of the pictures to face the other way (flips are one kind of *data augmentation*). Dinosaurs face both ways,
# and look right in a mirror. Letters?

# %%
noise = torch.rand(20, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def learn(run: Run, steps: int, pictures: Tensor = known, flip: bool = False) -> Denoiser:
    for _ in train(run, pictures, steps, rate=3e-3, flip=flip):
        pass
    return run.denoiser  # not the average, which lags behind in so short a run


def new_run(kind: type[Denoiser] = Denoiser) -> Run:
    torch.manual_seed(0)
    return Run(kind(widths=(32, 64, 64), depths=(0, 1, 1)))


mirrored = sample(in_bfloat16(learn(new_run(), 1000, flip=True), cpu), noise, steps=25).float()

# %%
run, on_the_way = new_run(), {}
for _ in train(run, known, 1000, rate=3e-3, flip=False):
    if run.taken in (50, 150, 400, 1000):
        on_the_way[run.taken] = copy.deepcopy(run.denoiser)  # to look at later
drawn = sample(in_bfloat16(run.denoiser, cpu), noise, steps=25).float()
show({"with flips": mirrored[:10], "": mirrored[10:], "without": drawn[:10], " ": drawn[10:]}, size=0.8)
in_mirror = {}
for name, pictures in (("with flips", mirrored), ("without", drawn)):
    usual, turned = (torch.cdist(pictures.flatten(1), some.flatten(1)).amin(dim=1) for some in (known, known.flip(3)))
    in_mirror[name] = (turned < usual).float().mean().item()
    print(f"{name}: {in_mirror[name]:.0%} are more like a letter in a mirror than like any letter")

# %% [markdown]
# *Twenty drawings each, from the same noise, by a network trained with flips and by one trained without.*
#
# The first network does what it was taught: half of what it has seen was mirror writing. Turn flips off (`flip=False`, or
# `dino train --no-flip`) for whatever has a left and a right: letters, numbers, clocks, traffic, a face with its parting, your
# collection of left shoes.
#
# ## Where is it weak?
#
# You have met the loss at each level in chapter 3. But is a loss of, say, 0.01 at level 0.5 good? For dinosaurs you could look it
# up there. For letters, nobody can. What is missing is a **yardstick** (a *baseline*): how far does one get without any
# understanding?
#
# Take a guesser that looks at each pixel *alone*. It knows how bright that pixel is on average, over all pictures, and how much
# it varies; and it sees the noisy value. It knows nothing of neighbours, of letters, of anything. How well can it do?
#
# Say a pixel has the variance $v$. In the noisy picture, that is scaled down to $(1-s)^2 v$ at level $s$. The noise is uniform in
# [0, 1], which has variance 1/12, so it adds $s^2/12$. First, the guesser undoes the mix as far as it can: it subtracts the mean
# of the noise and divides by $1-s$. Then it goes part of the way from the pixel's mean to this value. The part with the least
# error is the picture's share of the total variance: the more noise, the less it goes. What remains is the error
#
# $$v \cdot \frac{s^2/12}{(1-s)^2\,v + s^2/12}$$
#
# Read it at both ends: at level 1 it is $v$, for there is nothing to see and the mean is all one has; near level 0 it vanishes,
# for the pixel is in plain sight. (Signal engineers know this guesser as the [*Wiener
# filter*](https://en.wikipedia.org/wiki/Wiener_filter).)
#
# **Exercise: `yardstick`** · 10 minutes · hard
#
# Why it matters: a loss is only a number until you know what such a pixel-by-pixel guesser would get.


# %% tags=["exercise"]
def yardstick(clean: Tensor, levels: Tensor) -> Tensor:
    """The mean squared error, at each level, of the best guesser that looks at each pixel alone and mixes it with the mean.

    It knows how bright each pixel is on average, and how much it varies; no more (a Wiener filter, pixel by pixel).

    clean   (count, 3, height, width), in [0, 1]
    levels  (count,), above 0 and up to 1

    Returns the losses, (count,).
    """
    # How much each pixel varies, and how much its noise does: numbers that are uniform in [0, 1] vary by 1/12.
    # What is left of the variation, once one has seen the noisy pixel.
    raise NotImplementedError("yardstick is yours to write")


# %%
check(yardstick)

# %% [markdown]
# Divide a network's loss by the yardstick. Now 1 means *no better than guessing pixel by pixel*; the less it is, the more the
# network gains by looking at more than a mean and a single pixel.

# %%
levels = torch.linspace(0.1, 1, 10)
stick = yardstick(known, levels)


def share_left(network: Denoiser, pictures: Tensor) -> Tensor:
    torch.manual_seed(0)
    some = pictures[torch.randint(len(pictures), (200,))]
    return loss_by_level(in_bfloat16(network, cpu), some, levels) / stick


figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
for steps, network in on_the_way.items():
    left = share_left(network, fresh)
    print(f"after {steps:4} steps: " + ", ".join(f"{value:.2f}" for value in left))
    axis.plot(levels, left, marker=".", label=f"{steps} steps")
axis.axhline(1, color="grey", linestyle=":")
axis.set(xlabel="level", ylabel="loss / yardstick", yscale="log")
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plt.show()

# %% [markdown]
# *The loss on fresh letters divided by the yardstick, after more and more steps. Dotted: the yardstick itself.*
#
# Now the curve speaks:
#
# - At **level 1** no network gets below 1. There is nothing to see, and the mean picture is the best answer there is.
# - **In the middle** this network is about five times better than the yardstick.
# - At **low levels** it learns last. With hardly any noise, the yardstick itself is nearly right, and a network has to be very
#   exact to do better. After 50 steps its loss is tens of times the yardstick; after 1000 it still is larger at level 0.1. If
#   drawings look smeared, look here: more steps help, and a network that is wider at full size may.
#
# ## Read the curve
#
# Three networks, 400 steps each, all on letters, and all by the same plain loop. One is sound. One has only ever seen 8 of the
# pictures. And for one, somebody wrote the levels as `0.5 + 0.5 * torch.rand(...)`, so that it was never asked about a picture
# with little noise. For each, you see the loss on what it has learnt from, and on fresh pictures.
#
# > **Predict.** Say what you would see in the curves of each; then look, and find out which is which.


# %%
def learn_plainly(pictures: Tensor, lowest: float = 0, kind: type[Denoiser] = Denoiser, steps: int = 400) -> Denoiser:
    network = new_run(kind).denoiser
    quick = in_bfloat16(network, cpu)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    for _ in range(steps):
        clean = pictures[torch.randint(len(pictures), (16,))]
        level = lowest + (1 - lowest) * torch.rand(16, 1, 1, 1)
        loss = F.mse_loss(quick(mix(clean, torch.rand_like(clean), level), level), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network


few = known[:8]
patients = {"A": (learn_plainly(known, lowest=0.5), known[:100]), "B": (learn_plainly(few), few)}

# %%
patients["C"] = (learn_plainly(known), known[:100])
figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained", sharey=True)
for axis, (name, (network, seen)) in zip(axes, patients.items(), strict=True):
    axis.plot(levels, share_left(network, seen), marker=".", label="what it has learnt from")
    axis.plot(levels, share_left(network, fresh), ":", marker=".", label="fresh letters")
    axis.axhline(1, color="grey", linestyle=":")
    axis.set(title=f"network {name}", xlabel="level", yscale="log")
axes[0].set(ylabel="loss / yardstick")
axes[2].legend()
plt.show()

# %% [markdown]
# *Loss over yardstick of the three networks, on what they have learnt from and on fresh letters.*
#
# **B** has the gap that you know from chapter 5: it has learnt its 8 pictures by heart, and with others it is at best a little
# better than the yardstick. **A** has no gap, but at low levels, where it was never trained, it is far worse than **C**, the
# sound one: the curve with no gap, and below 1 from level 0.2 to about 0.9.
#
# > **A fault that curves do not show.** We wanted to show you a fourth network, a *level-blind* one, which is never told the
# > level. Its curve is nearly that of the sound one, as the next cell prints! Perhaps it reads the level off the white paper,
# > where only noise can make a difference.

# %%


class LevelBlind(Denoiser):
    """A level-blind denoiser: it is told the same level, whatever the level is."""

    def forward(self, noisy: Tensor, level: Tensor) -> Tensor:
        return super().forward(noisy, torch.full_like(level, 0.5))


left = {}
for name, network in (("told the level", patients["C"][0]), ("never told", learn_plainly(known, kind=LevelBlind))):
    left[name] = share_left(network, fresh)
    print(f"{name:15}" + ", ".join(f"{value:.2f}" for value in left[name]))

# %% [markdown]
# At no level is one loss one and a half times the other. Where pictures have no white paper, this may differ: look.
#
# So three questions find many faults, in this order:
#
# 1. Does it learn **one** picture by heart? If not, look for a bug.
# 2. Is it better than the **yardstick**, in the middle, and later at low levels? If not, it has not been trained for long enough,
#    or the levels are wrong.
# 3. Does it do as well on **fresh** pictures? If not, it needs more pictures.
#
# They do not find faults in the pictures themselves: squeezed, mirrored, on black. For those, you have to look.
#
# ## Train on yours
#
# The command that you know loads all kinds of pictures, and trains on them:
#
# ```text
# dino train --data my/pictures                     a folder
# dino train --data my/letters --size 64 --no-flip  larger, never mirrored
# dino train --data album.parquet --column photo    a data set in a file
# dino train --data huggan/pokemon --size 64        one on the Hugging Face hub
# dino train --data huggan/anime-faces --size 64    another, of drawn faces
# ```
#
# It looks through **all** pictures before the first step, names those that it leaves out, and writes a sheet of drawings every
# few hundred steps. Stop it whenever you like: the same command goes on from there. The page *Training for real* tells how to go
# on from here: larger pictures, graphics cards, several of them, and what to change first when the drawings look wrong.
#
# > **Before you publish.** A picture that you can download is not a picture that you may use. `dino train` prints the licence of
# > a data set, if it has one. And a network that has seen only a few pictures can draw copies of them: you have the instrument
# > for that, from chapter 5.
#
# ## What you have now
#
# - `to_tensor` and `crop`, which make any picture one that a network can take.
# - `overfit`, which finds a bug in a hundred steps, and `yardstick`, which tells what a loss is worth.
# - A habit: to look at pictures *after* all processing, and at a loss level by level.
#
# They are in `dino/data.py`. Now you know how noise becomes a dinosaur, or anything else: there is hardly a line in it that you
# have not written, or read. Show somebody what yours draws. Then have a say in it: in the next chapter, you scribble, and it
# turns that into a dinosaur.
