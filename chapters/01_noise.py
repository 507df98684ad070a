# %% [markdown]
# # Mixing noise into dinosaurs
#
# *The forward process of a diffusion model, in PyTorch: mix uniform noise into images, draw a noise level for each, and make
# the pairs that a network learns from.*
#
# In this course you build a machine that draws dinosaurs nobody has ever drawn. It is called a *diffusion model*, and
# the whole recipe fits in three sentences:
#
# 1. Mix noise into pictures.
# 2. Train a network to guess the clean picture.
# 3. Begin with nothing but noise, and mix the network's guesses back in.
#
# The recipe is [*Dino Diffusion*](https://github.com/madebyollin/dino-diffusion) by Ollin Boer Bohan: our thanks to him for
# it, and for how simple it is.
#
# You write the core of it yourself. This chapter is about the first sentence. You need to have seen Python and a little of torch
# (tensors and their shapes).
#
# Run the cells from top to bottom. Where it says **Exercise**, write the code; the `check` after it tells you whether it
# is right, and what is wrong if it is not.

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
# golden one. There is little blue in gold.)

# %% [markdown]
# ## Noise, and a first idea that fails
#
# `torch.rand` gives us noise: every number between 0 and 1 is equally likely, and each is independent of its neighbours. We want
# pictures with *some* noise in them. The naive idea is to add it:
#
# > **Predict.** A white pixel is 1. What is it after you add noise? What happens when that is shown as a colour?

# %%
noise = torch.rand_like(clean)
added = clean + noise
show({"clean": clean[:8], "noise": noise[:8], "clean + noise": added[:8]})
too_large = (added > 1).float().mean()
print(f"after adding, the largest number is {added.max():.2f}; {too_large:.0%} of all numbers are above 1")

# %% [markdown]
# *Adding fails: the white stays white. A white pixel has become some number between 1 and 2, but no colour is brighter than
# 1, so all of them are shown as 1. The sum leaves the range of colours.*
#
# And there is a second problem, which matters more: the picture is still there at full strength underneath. We want a dial
# that goes all the way from *only picture* to *only noise*.

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
# Why it matters: this one line is the "diffusion" in diffusion models. The rest of the course is about undoing it.


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
# Now the dial. We take three dinosaurs, each at nine levels of **the same noise**.
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
# *Three dinosaurs from level 0 (left) to level 1 (right). At 0.5 you can still tell what each of them is. Somewhere between
# 0.6 and 0.9 you lose them: where exactly depends on your eyes, and on how far away you sit.*
#
# <!-- live: dino-noise | The dial itself. Drag it, or drop a picture of your own onto it. -->
#
# > **A common belief: "50% noise hides half of the picture."** No half is missing at 0.5: every pixel still says something about
# > its own colour, and your eye seems to average over neighbours, where noise cancels out and the animal does not.
#
# That averaging is worth a closer look, because a network can do it, too. Here are some pictures at level 0.75, once as they are,
# and then with blocks of 2x2, 4x4 and 8x8 pixels replaced by their mean. For each we measure how well the means agree with those
# of the clean pictures: a correlation of 1 is perfect agreement, and 0 is none.

# %%
level = torch.full((48, 1, 1, 1), 0.75)
noisy = mix(clean, noise, level)
averaged, agreement = {"level 0.75": noisy[:4]}, {}
for block in (1, 2, 4, 8):
    means, clean_means = (torch.nn.functional.avg_pool2d(x, block) for x in (noisy, clean))
    agreement[block] = torch.corrcoef(torch.stack([means.flatten(), clean_means.flatten()]))[0, 1]
    print(f"{block}x{block} pixels: correlation {agreement[block]:.2f}")
    if block > 1:
        # Stretch the contrast that the noise has taken away, so that we can see it.
        averaged[f"{block}x{block} means"] = ((means[:4] - 0.375) / 0.25).clamp(0, 1)
averaged["clean"] = clean[:4]
show(averaged)

# %% [markdown]
# *The larger the blocks, the better their means agree with those of the clean pictures. Single pixels say little at this level;
# the 4x4 means show where the animal is, and roughly in which colours. Nothing is left of eyes and mouths. At this level, noise
# drowns what is small and leaves what is large, which is why the network in the next chapter looks at several sizes.*

# %% [markdown]
# What does the level do to the numbers? Let us measure it on all 48 dinosaurs.

# %%
means, contrasts = [], []
print("level   mean   contrast (standard deviation between the pictures)")
for number in (0.0, 0.25, 0.5, 0.75, 1.0):
    # The same noise for all pictures, so that only the pictures differ.
    mixed = mix(clean, noise[:1], torch.full((48, 1, 1, 1), number))
    means.append(mixed.mean())
    contrasts.append(mixed.std(dim=0).mean())
    print(f"{number:4.2f}   {means[-1]:.3f}   {contrasts[-1]:.3f}")

# %% [markdown]
# The mean moves in a straight line from the pictures' own to 0.5, the mean of noise. The contrast shrinks in proportion to
# `1 - level`: at 0.75, a quarter of it is left.
#
# > **A common belief: "Noise must be Gaussian."** Ours is uniform, with shares that add up to 1, so that the *range* stays
# > the same: every picture can be looked at, at every level. In chapter 2, the sharp edges of uniform noise will let us work
# > out by plain counting what elsewhere takes a bell curve. Many texts use Gaussian noise, and two ways to mix it are common:
# >
# > - DDPM ([arXiv 2006.11239](https://arxiv.org/abs/2006.11239)) takes $\sqrt{\bar\alpha}$ of the picture and $\sqrt{1 -
# >   \bar\alpha}$ of the noise, where $\bar\alpha$ falls from nearly 1 to nearly 0. The *squares* of these shares add up to
# >   1. So if pictures and noise both have a *variance* of 1, a mix has a variance of 1, too.
# > - Flow matching ([arXiv 2210.02747](https://arxiv.org/abs/2210.02747)) and IADB ([arXiv
# >   2305.03486](https://arxiv.org/abs/2305.03486)) take `1 - level` and `level`: in the simplest case, exactly the `mix` that
# >   you wrote. (Their time runs from noise to picture, our level the other way.)

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
# torch aligns shapes from the right, so a lone `(batch,)` meets the *width*. If the two happen to be equal, there is no error:
# just wrong pictures, in the right shape. Now you know what they look like.
#
# **Exercise: `random_levels`** · 3 minutes · easy
#
# Why it matters: in training, the network has to meet every level, from hardly any noise to nothing but noise.


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
# Now put the two together. A *question* is a batch of noisy pictures and their levels. The answer that we hope for is the clean
# pictures.
#
# > **A common belief: "Noise is added step by step."** You will read that diffusion adds noise in a thousand little
# > steps. It is a way to think of it, but nothing here does it: one `mix` takes a picture to any level. Steps come up in
# > chapter 4, on the way back.
#
# **Exercise: `make_question`** · 4 minutes · easy
#
# Why it matters: the network will be trained on such questions, and on nothing else. (Chapter 3 shakes them a little.) There are
# no labels; the pictures themselves are the answers.


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
# *Ten questions, with the level above each, and the answers below. Cover the bottom row with your hand: which of them can
# you answer?*
#
# <!-- live: dino-noise guess | The same questions, answered by a network like the one that you build in
# chapters 2 and 3, trained for longer. Watch what it says at the levels where you see nothing any more. -->

# %% [markdown]
# ## What you have now
#
# - `mix` takes a picture to any noise level at once, and stays in the range of colours.
# - `random_levels` gives every picture a level of its own, in the shape that spreads it over that picture's pixels.
# - `make_question` makes endless questions out of a few pictures, which are the answers.
#
# They are the module `dino/noise.py`. Look at it: it is all that later chapters need from this one.
#
# Next: who can answer such questions, and what is the best answer anybody could give? That is chapter 2.
