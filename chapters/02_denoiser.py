# %% [markdown]
# # Guessing the clean picture
#
# Chapter 1 asked the questions: here is a noisy picture, and this is how noisy it is. This chapter is about who answers
# them. You first work out the best answer that *anyone* could give, and see why it has to be blurry. Then you build the
# network that will learn to come close.
#
# > **On your own code.** Earlier chapters' functions come from the lesson here. Begin the next cell with
# > `from dino.course import use_own; use_own()`, and it runs on your own answers instead, as far as they pass; it says which.

# %%
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dino.course import check, show
from dino.data import dinosaurs, load
from dino.denoiser import Stage, conv
from dino.noise import make_question, mix

torch.manual_seed(0)
images = load(dinosaurs(512))

# %% [markdown]
# ## The naive idea: wipe the noise away
#
# Noise is a fidget from pixel to pixel, so why not smooth it out? Let us blur the noisy pictures a little, and undo the
# loss of contrast while we are at it.
#
# > **Predict.** Will smoothing be better than doing nothing? At which of the three levels?

# %%
clean = images[:8]
for number in (0.2, 0.5, 0.8):
    level = torch.full((8, 1, 1, 1), number)
    noisy = mix(clean, torch.rand_like(clean), level)
    # The noise adds level / 2 on average, and the picture is down to 1 - level.
    contrast = (noisy - level / 2) / (1 - level)
    smooth = F.avg_pool2d(F.pad(contrast, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    print(
        f"level {number}: mean squared error {F.mse_loss(noisy, clean):.3f} as it is, {F.mse_loss(smooth, clean):.3f} smoothed"
    )
    if number == 0.5:
        show({"noisy": noisy, "smoothed": smooth, "clean": clean})

# %% [markdown]
# *Level 0.5. Smoothing takes the noise away, and the eyes, mouths and horns with it.*
#
# Smoothing knows nothing of dinosaurs. You do: you know that there are four kinds, that they have legs, that they come in
# one colour. To answer well, one has to *know what is likely*, and that has to be learnt from pictures.

# %% [markdown]
# ## The best guess there is
#
# Suppose that we knew *all* pictures that can possibly occur. What would be the best answer to a question then?
#
# Take a single pixel. It is 0.9, at level 0.5. So half of it is picture and half is noise: `0.9 = 0.5 * clean + 0.5 *
# noise`. Could `clean` be 0.2? Then 0.1 would be picture, and the remaining 0.8 would have to be half of the noise, which
# would be 1.6. But noise is never more than 1. So 0.2 is **impossible**. Could it be 0.9? Then 0.45 remains, and the
# noise was 0.9: **possible**.
#
# That is all there is to it. Take an image away at its share, `noisy - (1 - level) * image`, and look at what is left. It
# must be `level * noise`, so it must lie between 0 and `level`, in every single pixel. If it does, the image is possible;
# if not, it is out. And because our noise is uniform, all that are possible are *equally* likely: no noise is preferred
# to any other. The guess with the least mean squared error is then their plain mean.
#
# (With Gaussian noise nothing is ever quite impossible, and one has to weight all images with bell curves. Here, we
# count.)
#
# **Exercise: `best_guess`** · 8 minutes · medium
#
# Why it matters: this is the exact optimum that every diffusion model is trained towards. Few people have ever looked at
# it. A practical matter: numbers in a computer are rounded, so leave a hair of room, such as `1e-6`, at both ends.


# %% tags=["exercise"]
def best_guess(noisy: Tensor, level: float, images: Tensor) -> Tensor:
    """The best guess that anyone can make when the clean picture is one of `images`, all equally likely.

    Uniform noise can turn an image into `noisy`, or it cannot, and all those that it can are equally likely. So the
    guess with the least mean squared error is their plain mean.

    noisy   (3, height, width)         one noisy picture, in [0, 1]
    level   number in (0, 1]           how noisy it is
    images  (count, 3, height, width)  all the pictures that there are, in [0, 1]

    Returns the guess, (3, height, width); nan if none of the images can have become `noisy`.
    """
    # Take each image away at its share: what is left must have come from noise.
    # Noise leaves something between 0 and level in every pixel; a hair of room is for rounding.
    # The images that are possible are equally likely, so take their mean.
    raise NotImplementedError("best_guess is yours to write")


# %%
check(best_guess)

# %% [markdown]
# Let us ask it about one dinosaur, at more and more noise, when all that can occur is our 512 images.
#
# > **Predict.** At level 0.9, nine tenths of every pixel are noise. How many of the 512 images are still possible?

# %%
noise = torch.rand(3, 32, 32)
levels = [0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 1.0]
noisy = torch.stack([mix(images[3], noise, level) for level in levels])
guesses = torch.stack([best_guess(one, level, images) for one, level in zip(noisy, levels, strict=True)])


def count_possible(noisy: Tensor, level: float, images: Tensor) -> int:
    rest = noisy - (1 - level) * images
    return int(((rest > -1e-6) & (rest < level + 1e-6)).flatten(1).all(dim=1).sum())


counts = [count_possible(one, level, images) for one, level in zip(noisy, levels, strict=True)]
titles = [f"{level}\n{count} possible" for level, count in zip(levels, counts, strict=True)]
show({"noisy": noisy, "best guess": guesses}, titles=titles, size=1.2)

# %% [markdown]
# *The question above, the best possible answer below. Where many images are still possible, the best answer is a blur of
# all of them; where one is left, it is that image, and perfectly sharp.*
#
# > **A common belief: "A blurry guess means a weak network."** The best guess that *anyone* can give at level 1 is the
# > mean of all pictures, and it is as blurry as can be. Blur is honest: it is what not knowing looks like.
#
# > **Another: "The denoiser sees the noise and removes it."** Nobody can see noise: at level 0.99, hundreds of pictures fit
# > with noise of their own. It guesses, and hedges.
#
# Did you expect *one* image at 0.9? There are 3072 numbers in a picture, and each has a chance to rule an image out. It
# takes only one of them. So the perfect guesser, which knows all 512 pictures by heart, recognises the right one in noise
# where you see nothing. Here is how early, on average over several questions:

# %%
for level in (0.999, 0.995, 0.99, 0.98, 0.97, 0.95, 0.9):
    counts = [count_possible(mix(images[i], torch.rand(3, 32, 32), level), level, images) for i in range(20)]
    print(f"level {level:5.3f}: {sum(counts) / 20:6.1f} of {len(images)} images are possible")

# %% [markdown]
# ## What is wrong with being perfect
#
# Now show it a dinosaur that is *not* among the 512.

# %%
stranger = load(dinosaurs(1, seed=99))[0]
for level in (0.999, 0.99, 0.9, 0.5):
    count = count_possible(mix(stranger, noise, level), level, images)
    print(f"level {level}: {count} possible" + ("; the mean of none is nan" if count == 0 else ""))

# %% [markdown]
# It has no answer at all. And where it does have one, it is made of pictures that it knows: whatever it is asked, it can
# only ever lead back to one of its 512. **The perfect guesser memorises. It can draw nothing new.**
#
# So we need something *worse* than perfect on the pictures it has seen: something that cannot remember 512 pictures pixel
# by pixel, and has to get by with what they have in common. That is a network. Its limits are not a nuisance; they are
# where new dinosaurs come from.

# %% [markdown]
# ## The smallest part: a block
#
# The network is made of two things. A **convolution** replaces each pixel by a weighted sum of the 3x3 pixels around it;
# the weights are what is learnt. A **ReLU** replaces negative numbers by 0, because without it, many convolutions in a
# row are no better than one. `conv(inputs, outputs)` makes a convolution from `inputs` channels to `outputs`. (A *channel*
# is what a colour is to a picture. Inside, there are dozens.)
#
# We will stack many of them, and there is a snag. Each new layer can ruin what the ones before it have found; at the
# start, when its weights are random, it surely does:

# %%
x = images[:6]
plain, residual = x, x
for _ in range(4):
    layers = nn.Sequential(conv(3, 3), nn.ReLU(), conv(3, 3, bias=False))
    with torch.no_grad():
        plain, residual = layers(plain), residual + layers(residual)


def contrast(x: Tensor) -> Tensor:
    """Each picture with its contrast turned up, so that we see whatever is left in it."""
    low, high = x.amin(dim=(1, 2, 3), keepdim=True), x.amax(dim=(1, 2, 3), keepdim=True)
    return (x - low) / (high - low)


show({"goes in": x, "layers alone": contrast(plain), "added": contrast(residual)})

# %% [markdown]
# *Four pairs of untrained layers, with the contrast turned up. Middle: each hands on only what it found, and after four of
# them hardly anything is left. Bottom: each **adds** what it found to what came in, and the dinosaurs come through.*
#
# Adding is called a *residual* connection, and it is why networks can be deep.
#
# **Exercise: `Block`** · 6 minutes · medium
#
# Why it matters: nearly all the weights of our network are in blocks like this one.


# %% tags=["exercise"]
class Block(nn.Module):
    """Two convolutions that look around each pixel; what they find is added to what came in.

    Because it adds, a block that has learnt nothing does no harm (residual learning, He et al., arXiv 1512.03385).

    width  the number of channels, in and out

    Takes and returns (batch, width, height, width of the picture).
    """

    def __init__(self, width: int):
        # A convolution, a ReLU, and a convolution without bias.
        raise NotImplementedError("Block.__init__ is yours to write")

    def forward(self, x: Tensor) -> Tensor:
        # Add what the layers find to what came in.
        raise NotImplementedError("Block.forward is yours to write")


# %%
check(Block)

# %% [markdown]
# ## See the whole animal
#
# Is this a back leg or a front leg? You cannot tell from 3x3 pixels. How far does a stack of convolutions see? We can
# measure it: change every pixel of the input a little, and see which changes reach the pixel in the middle of the output.

# %%


def what_it_sees(network, size=32) -> Tensor:
    x = torch.rand(1, 8, size, size, requires_grad=True)
    network(x)[0, :, size // 2, size // 2].sum().backward()
    seen = x.grad.abs().sum(dim=(0, 1)) > 0
    return seen.float().expand(1, 3, size, size)


class Halved(nn.Module):
    """Some blocks at a quarter of the size."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(Block(8), Block(8))

    def forward(self, x):
        return F.interpolate(self.blocks(F.avg_pool2d(x, 4)), scale_factor=4)


networks = {"1 block": Block(8), "2 blocks": nn.Sequential(Block(8), Block(8)), "2 at a quarter": Halved()}
seen = torch.cat([what_it_sees(network) for network in networks.values()])
titles = [f"{name}:\n{int(part[0].sum())} pixels" for name, part in zip(networks, seen, strict=True)]
show({"it sees": seen * images[3] + (1 - seen) * 0.8}, titles=titles, size=1.5)

# %% [markdown]
# *What one pixel of the output, the one in the middle, gets to see of the input; the rest is grey. The same two blocks see over ten times as many pixels when
# they work on a picture of a quarter of the size, and that costs a sixteenth of the work.*
#
# That is why the network works at several sizes, and chapter 1 has shown why it is *enough*: under strong noise only the
# large things are left to be seen anyway, and they survive the halving. At each size there is a **`Stage`**: a convolution
# that sets the number of channels, a few blocks, and one *pool*, which tells every pixel the largest value of each channel
# anywhere ("there is a frill in this picture!").
#
# But what about detail? A picture that was halved three times has 4x4 pixels; nobody can draw an eye from that. So on the
# way down we *keep* what we have at each size, and on the way up we *add* it again. The bottom brings the layout, what was
# kept brings the detail. Drawn as a picture, down and up, this looks like the letter U: a **UNet**.
#
# ```
# noisy + level  ->  enter ------------------------ + -> leave -> guess       32x32
#                      \                           /
#                       down[0] ---------- + ---> up[2]                       16x16
#                           \             /
#                            down[1] + -> up[1]                                8x8
#                                \  /
#                               down[2] -> up[0]                               4x4
# ```
#
# How does it know the level? We simply show it: one more channel beside the three colours, the same number everywhere.
#
# And what does it answer? **The clean picture, all of it, in one go**: neither a slightly cleaner one, nor the noise.
#
# **Exercise: `Denoiser`** · 12 minutes · hard
#
# Why it matters: this is the model. `__init__` is given and makes the layers; write `forward`, which runs them.


# %% tags=["exercise"]
class Denoiser(nn.Module):
    """Guesses clean pictures from noisy ones, looking at them at several sizes.

    widths  the number of channels at each size, from the full size down; each size is half of the one before
    depths  the number of blocks at each size

    Takes noisy pictures, (batch, 3, height, width), in [0, 1], and their levels, (batch, 1, 1, 1); returns its guess
    at the clean pictures, (batch, 3, height, width), not clamped. Height and width must be multiples of `multiple`.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 64, 64), depths: Sequence[int] = (1, 1, 2, 2)):
        super().__init__()
        pairs = list(zip(widths, widths[1:], depths[1:], strict=False))
        self.widths, self.depths, self.multiple = list(widths), list(depths), 2 ** len(pairs)
        self.enter = Stage(3 + 1, widths[0], depths[0])
        self.down = nn.ModuleList(Stage(above, below, depth) for above, below, depth in pairs)
        self.up = nn.ModuleList(Stage(below, above, depth) for above, below, depth in reversed(pairs))
        last = conv(widths[0], 3)
        nn.init.constant_(last.bias, 0.5)
        self.leave = nn.Sequential(Stage(widths[0], widths[0], depths[0]), conv(widths[0], widths[0]), nn.ReLU(), last)

    def forward(self, noisy: Tensor, level: Tensor) -> Tensor:
        # Put the level beside the three colours, as a fourth channel that is the same everywhere.
        # On the way down, keep x for later and halve its size.
        # On the way up, double the size and add what was kept there.
        # Turn channels into colours.
        raise NotImplementedError("Denoiser.forward is yours to write")


# %%
check(Denoiser)

# %% [markdown]
# ## Before it has learnt anything
#
# > **Predict.** What does a network guess whose weights are still random? (A look at the last line of `__init__` helps.)

# %%
torch.manual_seed(0)
denoiser = Denoiser()
noisy, level = make_question(images[:8])
with torch.no_grad():
    guess = denoiser(noisy, level)
show({"noisy": noisy, "guess": guess}, titles=[f"{number:.2f}" for number in level.flatten()])
weights = sum(weight.numel() for weight in denoiser.parameters())
print(
    f"{weights:,} weights; the mean of its guesses is {guess.mean():.2f}, the error {F.mse_loss(guess, images[:8]):.3f}"
)

# %% [markdown]
# *It says grey to everything. That is the best start: a bias of 0.5 puts the first guess in the middle of the range, so
# that no time is lost with getting there.*
#
# > **A common belief: "Call `eval()` before you use a network."** It would change nothing here. `eval()` matters for
# > dropout and batch normalisation, and there is neither.
#
# One thing that you may run into later: a picture has to be halved three times, so height and width must be multiples of
# 8. With 20x20 pixels, 5 are halved to 2, doubled to 4, and 4 cannot be added to 5:

# %%
try:
    denoiser(torch.rand(1, 3, 20, 20), torch.zeros(1, 1, 1, 1))
except RuntimeError as error:
    print(f"RuntimeError: {error}")

# %% [markdown]
# ## What you have now
#
# - `best_guess`, the exact optimum, for a finite set of images. You know why it blurs, and why it can draw nothing new.
# - `Block`, which adds what it finds.
# - `Denoiser`, a network of over a million weights that sees the whole picture, and detail, and the level.
#
# They are the module `dino/denoiser.py`. So far it answers grey to everything. In chapter 3, it learns.
