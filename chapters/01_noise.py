# %% [markdown]
# # Mixing noise into dinosaurs
#
# In this course you build a machine that draws dinosaurs nobody has ever drawn. It is called a *diffusion model*, and
# the whole recipe fits in three sentences:
#
# 1. Mix noise into pictures.
# 2. Train a network to guess the clean picture.
# 3. Begin with nothing but noise, and mix the network's guesses back in.
#
# You write every line that matters yourself. This chapter is about the first sentence. You need to have seen Python and
# a little of torch (tensors and their shapes); everything else is made here, before your eyes.
#
# Run the cells from top to bottom. Where it says **Exercise**, write the code; the `check` after it tells you within a
# second whether it is right, and what is wrong if it is not.

# %%
import torch
from torch import Tensor

from dino.course import check, show
from dino.data import dinosaurs, load, sheet

torch.manual_seed(0)

clean = load(dinosaurs(48))
sheet(clean, columns=12)

# %% [markdown]
# *48 of the dinosaurs that we will learn from. A small program draws them (`dino/drawing.py`), so there are as many as
# we like. There are four species. Size, pose, colour, plates, spots and direction vary.*

# %% [markdown]
# ## Pictures are numbers
#
# A picture is a box of numbers between 0 and 1: for each of three colours (red, green, blue), one number per pixel. Many
# pictures together are a *batch*, and that comes first.

# %%
print("shape (batch, colours, height, width):", tuple(clean.shape))
print(f"smallest {clean.min():.2f}, largest {clean.max():.2f}, mean {clean.mean():.2f}")
print("the blue of one row, through the middle of the first dinosaur:")
print(clean[0, 2, 18].numpy().round(1))

# %% [markdown]
# White is 1 in all three colours, and most of each picture is white: that is why the mean is so high. (The dinosaur is a
# golden one. Gold has next to no blue in it.)

# %% [markdown]
# ## Noise, and a first idea that fails
#
# `torch.rand` gives us noise: every number between 0 and 1 is equally likely, and no number knows of its neighbours.
#
# We want pictures with *some* noise in them. The naive idea is to add it:
#
# > **Predict.** A white pixel is 1. What is it after you have added noise? What happens when that is shown as a colour?

# %%
noise = torch.rand_like(clean)
added = clean + noise
show({"clean": clean[:8], "noise": noise[:8], "clean + noise": added[:8]})
print(f"after adding, the largest number is {added.max():.2f};", end=" ")
print(f"{(added > 1).float().mean():.0%} of all numbers are above 1, where no colour is left to show")

# %% [markdown]
# *Adding fails: white can only get whiter, so the noise does not show on it at all. The sum leaves the range of colours.*
#
# And there is a second problem, which matters more: however much noise we add, the picture is still there at full
# strength underneath. We want a dial that goes all the way from *only picture* to *only noise*.

# %% [markdown]
# ## Mixing
#
# So we mix, as you would mix paint: a share of noise, and the rest picture. The share is called the **noise level**. At
# level 0 the picture is clean. At level 1 there is nothing but noise. At 0.25, each pixel is three quarters picture and
# one quarter noise. The two shares add up to 1, so a mix of numbers between 0 and 1 stays between 0 and 1.
#
# Every picture in a batch has a level of its own, so levels come with the shape `(batch, 1, 1, 1)`: one number for each
# picture, which torch stretches over all its colours and pixels (that is called *broadcasting*).
#
# **Exercise: `mix`** · 3 minutes · easy
#
# Why it matters: this one line is the "diffusion" in diffusion models. Everything in this course undoes it.


# %% tags=["exercise"]
def mix(clean: Tensor, noise: Tensor, level: Tensor) -> Tensor:
    """Mix noise into pictures: level 0 leaves them clean, level 1 leaves nothing but noise.

    clean   (batch, 3, height, width)  pictures, in [0, 1]
    noise   (batch, 3, height, width)  noise, in [0, 1]
    level   (batch, 1, 1, 1)           one noise level per picture, in [0, 1]

    Returns the noisy pictures, (batch, 3, height, width), in [0, 1].

    >>> mix(torch.tensor([[[[1.0]]]]), torch.tensor([[[[0.0]]]]), torch.tensor([[[[0.25]]]])).item()
    0.75
    """
    # The two shares add up to one, so the result stays between 0 and 1.
    raise NotImplementedError("mix is yours to write")


# %%
check(mix)

# %% [markdown]
# Now the dial. We take one dinosaur, and **the same noise** at eight levels.
#
# > **Predict.** At which level do you lose the dinosaur? At 0.5, when half of every pixel is noise? Say a number before
# > you run the cell.

# %%
levels = torch.tensor([0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
pictures = [0, 1, 2]
rows = {}
for i in pictures:
    same_noise = noise[i : i + 1]
    rows[f"dinosaur {i}"] = mix(clean[i : i + 1].expand(9, -1, -1, -1), same_noise, levels.view(-1, 1, 1, 1))
show(rows, titles=[f"{level:.1f}" for level in levels])

# %% [markdown]
# *Three dinosaurs from level 0 (left) to level 1 (right). At 0.5 all three are plain to see. They go under between 0.7
# and 0.9.*
#
# <!-- live: dino-noise | The dial itself. Drag it, or drop a picture of your own onto it. -->
#
# > **A common belief: "50% noise hides half of the picture."** It hides nothing of it. Every pixel still says something,
# > and your eye averages over neighbours, where noise cancels out and the animal does not.
#
# That averaging is worth a closer look, because a network will live on it. Here are some pictures at level 0.75, once as they
# are, and then with blocks of 2x2, 4x4 and 8x8 pixels replaced by their mean.

# %%
level = torch.full((4, 1, 1, 1), 0.75)
noisy = mix(clean[:4], noise[:4], level)
averaged = {"level 0.75": noisy}
for block in (2, 4, 8):
    small = torch.nn.functional.avg_pool2d(noisy, block)
    # Stretch the contrast that the noise has taken away, so that we can see it.
    averaged[f"{block}x{block} means"] = ((small - 0.375) / 0.25).clamp(0, 1)
averaged["clean"] = clean[:4]
show(averaged)

# %% [markdown]
# *Where the noise is strong, the fine detail is gone, but the means of larger and larger blocks still show where the
# animal is, and what colour. Noise drowns small things first and large things last. Remember this picture: it is why
# the network in the next chapter looks at several sizes.*

# %% [markdown]
# What does the level do to the numbers? Let us measure it on all 48 dinosaurs.

# %%
print("level   mean   contrast (standard deviation between the pictures)")
for number in (0.0, 0.25, 0.5, 0.75, 1.0):
    # The same noise for all pictures, so that only the pictures differ.
    mixed = mix(clean, noise[:1], torch.full((48, 1, 1, 1), number))
    print(f"{number:4.2f}   {mixed.mean():.3f}   {mixed.std(dim=0).mean():.3f}")

# %% [markdown]
# The mean moves in a straight line from the pictures' own to 0.5, the mean of noise. What tells the pictures apart
# shrinks in proportion to `1 - level`: at 0.75, a quarter of it is left.
#
# > **A common belief: "Noise must be Gaussian."** Most texts use Gaussian noise, because it makes the formulas short, and
# > there the two shares are square roots, so that the *variance* stays the same. Ours is uniform, with shares that add
# > up to 1, so that the *range* stays the same: every picture in this course can be looked at, at every level. In chapter
# > 2 the sharp edges of uniform noise will let us work out by plain counting what elsewhere takes a bell curve.

# %% [markdown]
# ## One level for each picture
#
# The shape `(batch, 1, 1, 1)` looks fussy. What if we just give one number per picture, in the shape `(batch,)`?

# %%
square = clean[:32]  # 32 pictures of 32x32 pixels: the batch is as large as the pictures are wide
levels = torch.linspace(0, 1, 32)
wrong = mix(square, torch.rand_like(square), levels)  # no error!
right = mix(square, torch.rand_like(square), levels.view(32, 1, 1, 1))
show({"(batch,)": wrong[::5], "(batch, 1, 1, 1)": right[::5]}, titles=[f"level {level:.2f}" for level in levels[::5]])

# %% [markdown]
# *Top: the levels ran along the width of every picture, clean at the left and noisy at the right. Bottom: each picture
# has its own level, which is what we wanted.*
#
# torch lines shapes up from the right, so a lone `(batch,)` meets the *width*. If the two happen to be equal, there is no
# error; there is just a model that never learns. This is the most expensive small mistake of the whole course, and you
# have now seen what it looks like.
#
# **Exercise: `random_levels`** · 3 minutes · easy
#
# Why it matters: in training, the network has to meet every level, from hardly any noise to nothing else.


# %% tags=["exercise"]
def random_levels(clean: Tensor) -> Tensor:
    """Draw one noise level for each picture of a batch, every level between 0 and 1 equally likely.

    clean   (batch, 3, height, width)  the pictures that the levels are for

    Returns the levels, (batch, 1, 1, 1), on the same device as the pictures.
    """
    # Three dimensions of length one let a level broadcast over all the pixels of its picture.
    raise NotImplementedError("random_levels is yours to write")


# %%
check(random_levels)

# %% [markdown]
# ## Questions for a network
#
# Now put the two together. A *question* is a batch of noisy pictures, and how noisy each of them is. The answer that we
# hope for is the clean pictures.
#
# > **A common belief: "Noise is added step by step."** You will read that diffusion adds noise in a thousand little
# > steps. It is a way to think of it, but nothing here ever does it: we jump to any level at once, with one mix. Steps
# > come up in chapter 4, on the way back.
#
# **Exercise: `make_question`** · 4 minutes · easy
#
# Why it matters: this is all the training data that there is. There are no labels; the pictures themselves are the
# answers.


# %% tags=["exercise"]
def make_question(clean: Tensor) -> tuple[Tensor, Tensor]:
    """Turn clean pictures into a question for the denoiser: noisy pictures, and how noisy they are.

    clean   (batch, 3, height, width)  pictures, in [0, 1]

    Returns the noisy pictures, (batch, 3, height, width), and their levels, (batch, 1, 1, 1).
    """
    # Each picture gets a level of its own.
    # Each pixel and each colour gets noise of its own, uniform between 0 and 1.
    # The answer to the question is the clean picture, which stays behind.
    raise NotImplementedError("make_question is yours to write")


# %%
check(make_question)

# %%
noisy, level = make_question(clean[:10])
show({"question": noisy, "answer": clean[:10]}, titles=[f"{number:.2f}" for number in level.flatten()])

# %% [markdown]
# *Ten questions, with the level above each, and the answers below. Cover the bottom row with your hand: which of them
# can you answer? Which can nobody answer?*
#
# <!-- live: dino-noise guess | The same questions, to somebody who has learnt to answer them: the network that you build in
# chapters 2 and 3. Watch what it says between 0.7 and 1, where you see nothing any more. -->

# %% [markdown]
# ## What you have now
#
# - `mix` takes a picture to any noise level at once, and stays in the range of colours.
# - `random_levels` gives every picture a level of its own, in a shape that cannot go wrong.
# - `make_question` makes endless questions out of a few pictures, and knows the answers.
#
# They are the module `dino/noise.py`, word for word as you wrote them, or near enough. Look at it: it is all that the
# next chapters need of this one.
#
# Next: who can answer such questions, and what is the best answer anybody could give? That is chapter 2.
