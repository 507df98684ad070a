# %% [markdown]
# # Guessing the clean picture
#
# *A denoiser for a diffusion model, in PyTorch: the best possible guess as a posterior mean, and a small UNet of convolutions
# and ReLU, block by block.*
#
# Chapter 1 asked the questions: here is a noisy picture, and this is how noisy it is. This chapter is about who answers
# them. You first work out the best answer that *anyone* could give, and see why it may have to be blurry. Then you build
# the network that will learn to answer.
#
# > **On your own code.** Earlier chapters' functions come from the lesson here. Begin the next cell with
# > `from dino.course import use_own; use_own()`, and the chapter uses those of your own answers that pass; it says which.

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
# Noise jumps about from pixel to pixel, so why not smooth it out? Let us replace each pixel by the mean of the 3x3 around
# it, and undo the loss of contrast while we are at it.
#
# > **Predict.** Will smoothing be better than doing nothing? At which of the three levels?

# %%
clean, gains = images[:8], {}
for number in (0.2, 0.5, 0.8):
    level = torch.full((8, 1, 1, 1), number)
    noisy = mix(clean, torch.rand_like(clean), level)
    # The noise adds level / 2 on average, and the picture is down to 1 - level.
    contrast = (noisy - level / 2) / (1 - level)
    smooth = F.avg_pool2d(F.pad(contrast, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    before, undone, after = (F.mse_loss(guess, clean) for guess in (noisy, contrast, smooth))
    gains[number] = before / after
    print(
        f"level {number}: mean squared error {before:.3f} as it is, {undone:.3f} with its contrast, {after:.3f} smoothed"
    )
    if number == 0.5:
        show({"noisy": noisy, "smoothed": smooth, "clean": clean})

# %% [markdown]
# *Level 0.5. Smoothing turns the speckles into pale stains. But it smears the eyes and mouths, and the thin horns are gone.*
#
# So doing both helps at all three levels, but at 0.8 hardly at all: to restore the contrast there, everything is multiplied by
# five, noise included, and smoothing only makes up for that.
#
# Smoothing knows nothing of dinosaurs. You do: you know that they have legs, eyes and a tail, and that a purple belly does
# not have green patches. To answer well, one has to *know what is likely*, and that has to be learnt from pictures.

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
# Now a whole picture. Subtract an image, scaled by its share: `noisy - (1 - level) * image`. What is left must be
# `level * noise`, so it must lie between 0 and `level`, in every single pixel. If it does, the image is possible; if not, it is
# out. And because our noise is uniform, all noise is equally likely, and so are all images that are possible. (With Gaussian
# noise nothing is ever quite impossible, and one has to weight all images with bell curves. Here, we count.)
#
# And if several are possible, what is the best answer? Say that just two are left, and that answers are judged by their **mean
# squared error**: the difference from the truth in each number, squared, and averaged.
#
# > **Predict.** Do you answer with one of the two, or with a mixture of both? Which mixture?

# %%
one, other = images[3], images[1]
shares = torch.linspace(0, 1, 101)
mixtures = shares.view(-1, 1, 1, 1) * one + (1 - shares.view(-1, 1, 1, 1)) * other


def expected_error(chance: float) -> Tensor:
    """The error of each mixture, on average, if `one` is the truth with this chance, and `other` if it is not."""
    if_one, if_other = ((mixtures - truth).square().mean(dim=(1, 2, 3)) for truth in (one, other))
    return chance * if_one + (1 - chance) * if_other


errors = expected_error(0.5)
titles = [f"{share:.0%} t-rex:\n{error:.3f}" for share, error in zip(shares[::25], errors[::25], strict=True)]
show({"answer": mixtures[::25]}, titles=titles, size=1.4)
for chance in (0.5, 0.75, 0.9):
    best = shares[expected_error(chance).argmin()]
    print(f"if it is the t-rex with a chance of {chance:.0%}, its best share in the answer is {best:.0%}")

# %% [markdown]
# *Five answers if both pictures are equally likely, with their error above, averaged over the two truths. The least error is that
# of the plain mean, right in the middle: half of what it costs to bet on either.*
#
# The mean is never right, but it is never as wrong as a lost bet, and squaring makes a large error count for more. If one of the
# two is likelier, its best share is just its chance. And no answer of any other kind is better. Take one pixel that is $a$ in one
# picture and $b$ in the other, with the mean $m$. An answer $g$ then has the error
#
# $$\frac{(g - a)^2 + (g - b)^2}{2} = (g - m)^2 + \left(\frac{a - b}{2}\right)^2.$$
#
# The first part is 0 if $g$ is the mean, and larger for every other answer; the second stays, whatever you answer. It is the same
# with three pictures or a thousand. **The guess with the least mean squared error is the mean of all possible pictures**, each
# weighted by its chance. The whole course rests on this sentence.
#
# One tool before you write it down. A comparison of tensors gives a *mask*, with `True` or `False` for every number. `&` joins
# two masks, `.all(dim=1)` tells for each row whether all of it is `True`, and a mask in brackets picks rows:

# %%
numbers = torch.tensor([[0.1, 0.9], [0.2, 0.3], [-0.4, 0.4]])
fits = (numbers > 0) & (numbers < 0.5)
rows = fits.all(dim=1)
print(fits, rows, numbers[rows], sep="\n")

# %% [markdown]
# Only the second row fits in all its numbers. (A picture becomes a row with `.flatten(start_dim=1)`.)
#
# **Exercise: `best_guess`** · 8 minutes · medium
#
# Why it matters: this is the best that a network trained on these images alone could become. Numbers in a computer are rounded,
# so leave a hair of room, such as `1e-6`, at both ends.


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
    # Subtract each image, scaled by its share: what is left must have come from noise.
    # Noise leaves something between 0 and level in every pixel; a hair of room is for rounding.
    # The images that are possible are equally likely, so take their mean.
    raise NotImplementedError("best_guess is yours to write")


# %%
check(best_guess)

# %% [markdown]
# Let us ask it about one dinosaur, with more and more noise, when only our 512 images can occur.
#
# > **Predict.** At level 0.9, nine tenths of every pixel are noise. How many of the 512 images are still possible?

# %%
noise = torch.rand(3, 32, 32)
levels = [0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 1.0]
noisy = torch.stack([mix(images[3], noise, level) for level in levels])
guesses = torch.stack([best_guess(one, level, images) for one, level in zip(noisy, levels, strict=True)])


def count_possible(noisy: Tensor, level: float) -> int:
    """How many of our images are possible, found out by asking `best_guess` about each of them.

    We ask about each image together with the noisy picture itself. That one is always possible: mixed with itself, a picture
    stays as it is. So if the guess is the noisy picture alone, the image is impossible.
    """
    guesses = torch.stack([best_guess(noisy, level, torch.stack([image, noisy])) for image in images])
    return int(((guesses - noisy).abs() > 1e-3).flatten(start_dim=1).any(dim=1).sum())


counts = [count_possible(one, level) for one, level in zip(noisy, levels, strict=True)]
titles = [f"{level}\n{count} possible" for level, count in zip(levels, counts, strict=True)]
show({"noisy": noisy, "best guess": guesses}, titles=titles, size=1.2)

# %% [markdown]
# *The question above, the best possible answer below. Where several images are still possible, the best answer is a blur of
# all of them; where one is left, it is that image, and perfectly sharp.*
#
# At 0.9, *one* image is possible. Did you expect that? There are 3072 numbers in a picture, and a single one that does not fit
# rules an image out. So the perfect guesser, which knows all 512 pictures by heart, recognises the right one in noise where you
# see nothing. Here is how fast the choice narrows, on average over five questions:

# %%
average_counts = {}
for level in (0.999, 0.995, 0.99, 0.98, 0.97, 0.95, 0.9):
    found = [count_possible(mix(images[i], torch.rand(3, 32, 32), level), level) for i in range(5)]
    average_counts[level] = sum(found) / 5
    print(f"level {level:5.3f}: {average_counts[level]:6.1f} of {len(images)} images are possible")

# %% [markdown]
# > **A common belief: "A blurry guess means a weak network."** The best guess that *anyone* can give at level 1 is the
# > mean of all pictures, the blurriest in the figure. Blur is honest: it is what not knowing looks like.
#
# > **Another: "The denoiser sees the noise and removes it."** Nobody can tell for sure what is noise: at level 0.995, dozens of
# > our pictures fit, each with noise of its own. It guesses, and hedges.

# %% [markdown]
# ## What is wrong with being perfect
#
# Now show it a dinosaur that is *not* among the 512.

# %%
stranger, stranger_counts = load(dinosaurs(1, seed=99))[0], {}
for level in (0.999, 0.99, 0.9, 0.5):
    stranger_counts[level] = count_possible(mix(stranger, noise, level), level)
    print(f"level {level}: {stranger_counts[level]} possible")

# %% [markdown]
# At 0.9, and even at 0.5, where anyone can see the dinosaur, none of its pictures fits, and it has no answer at all: the mean of
# none is `nan`. Where it does have an answer, it is a mean of known pictures, and when only one is left, as above, it is that
# one, to the last pixel. **The perfect guesser memorises.** In chapter 5 it will draw, and we shall look for anything new.
#
# So we want something *worse* than perfect on the pictures that it has seen: something that does not store 512 pictures pixel by
# pixel, but learns what they have in common. That is what we hope of a network; chapter 5 puts it to the test.

# %% [markdown]
# ## The smallest part: a block
#
# Nearly all of the network is made of two things. A **convolution** replaces each pixel by a weighted sum of the 3x3 pixels
# around it; the weights are what is learnt. A **ReLU** replaces negative numbers by 0. Without it, a stack of convolutions could
# do no more than a single larger one, for a weighted sum of weighted sums is a weighted sum again. `conv(inputs, outputs)` makes
# a convolution from `inputs` channels to `outputs`. (A *channel* is one number per pixel, like a colour. Inside, there are
# dozens.)
#
# We will stack many of them, and there is a snag: each new pair of layers sees only the output of the one before, and at the
# start its weights are random. How much of a dinosaur comes through? As in chapter 1, we measure the contrast: how much the
# numbers differ from picture to picture.


# %%
def without_tint(x: Tensor) -> Tensor:
    """Shift each channel to the same mean, 0.7, so that we can look at it; the contrast stays as it is."""
    return x - x.mean(dim=(0, 2, 3), keepdim=True) + 0.7


torch.manual_seed(0)
alone = added = images[:64]
shown, left = {"layers alone": [alone[3]], "added": [added[3]]}, {}
for pairs in range(1, 9):
    layers = nn.Sequential(conv(3, 3), nn.ReLU(), conv(3, 3, bias=False))
    with torch.no_grad():
        alone, added = layers(alone), added + layers(added)
    if pairs in (1, 2, 4, 8):
        left[pairs] = [x.std(dim=0).mean() / images[:64].std(dim=0).mean() for x in (alone, added)]
        print(f"contrast left after {pairs}: {left[pairs][0]:6.1%} with the layers alone, {left[pairs][1]:.0%} added")
        for row, x in zip(shown.values(), (alone, added), strict=True):
            row.append(without_tint(x)[3])
show(
    {name: torch.stack(row) for name, row in shown.items()},
    titles=["goes in", "1 pair", "2 pairs", "4 pairs", "8 pairs"],
)

# %% [markdown]
# *A t-rex after 1 to 8 pairs of untrained layers, each channel shifted to the same brightness. Top: each pair passes on only its
# output, and after two of them next to nothing is left. Bottom: each **adds** its output to its input. The colours suffer, but
# the t-rex comes through.*
#
# Adding is called a *residual* connection. With it, [He et al.](https://arxiv.org/abs/1512.03385) trained networks of more than
# a hundred layers.
#
# One more tool: a network in torch is a class, and this is how one is written. `super().__init__()` comes first. It prepares
# torch to keep track of layers; then torch finds every layer that you set on `self`, weights and all:


# %%
class Doubled(nn.Module):
    """A convolution, times two."""

    def __init__(self, width: int):
        super().__init__()
        self.layer = conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return 2 * self.layer(x)


print({name: tuple(weight.shape) for name, weight in Doubled(8).named_parameters()})

# %% [markdown]
# **Exercise: `Block`** · 6 minutes · medium
#
# Why it matters: our network will have twelve of these.


# %% tags=["exercise"]
class Block(nn.Module):
    """Two convolutions that look around each pixel; what they find is added to what came in.

    Because it adds, a block with all weights at 0 hands on what came in (residual learning, He et al., arXiv 1512.03385).

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
pixels = [int(part[0].sum()) for part in seen]
titles = [f"{name}:\n{count} pixels" for name, count in zip(networks, pixels, strict=True)]
show({"it sees": seen * images[3] + (1 - seen) * 0.8}, titles=titles, size=1.5)

# %% [markdown]
# *What the middle pixel of the output sees of the input (its receptive field); the rest is grey. The same two blocks see over ten
# times as many pixels when they work on the picture at a quarter of its height and width. And as that picture has a sixteenth of
# the pixels, they take a sixteenth of the work.*
#
# That is why the network works at several sizes. Chapter 1 showed what small pictures are good for: under strong noise the means
# of large blocks say more than single pixels. At each size there is a **`Stage`**: a convolution that sets the number of
# channels, a few blocks, and one *pool*, which tells every pixel the largest value of each channel anywhere (perhaps: "there is a
# frill in this picture!").
#
# But what about detail? A picture that was halved three times has 4x4 pixels; nobody can draw an eye from that. So on the way
# down we *keep* what we have at each size, and on the way up we *add* it again. So the bottom can bring the layout, and these
# *skip connections* the detail. Drawn, this looks like the letter U: a **UNet**.
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
# And what does it answer? **The clean picture, all of it, in one go.** Many diffusion models predict the noise instead, or the
# *velocity*, which is `noise - clean`. But given the noisy picture and the level, each of the three gives you the other two, in
# one line.

# %%
clean, noise = images[:3], torch.rand(3, 3, 32, 32)
levels = [0.02, 0.5, 0.98]
level = torch.tensor(levels).view(3, 1, 1, 1)
noisy = mix(clean, noise, level)


def noise_from(guess: Tensor) -> Tensor:
    return (noisy - (1 - level) * guess) / level


def clean_from(guess_of_noise: Tensor) -> Tensor:
    return (noisy - level * guess_of_noise) / (1 - level)


def off(answer: Tensor, truth: Tensor) -> list[float]:
    return [round(number, 4) for number in (answer - truth).abs().amax(dim=(1, 2, 3)).tolist()]


velocity = (noisy - clean) / level
noise_errors, clean_errors = off(noise_from(clean + 0.01), noise), off(clean_from(noise + 0.01), clean)
print("levels                                             ", levels)
print("the picture is right:       the noise is off by    ", off(noise_from(clean), noise))
print("                            the velocity is off by ", off(velocity, noise - clean))
print("the picture is off by 0.01: the noise is off by    ", noise_errors)
print("the noise is off by 0.01:   the picture is off by  ", clean_errors)

# %% [markdown]
# So between levels 0 and 1, a right answer to one question is a right answer to all. But *errors* grow where one divides by a
# small number. At level 0.02, an error of 0.01 in the picture becomes one of 0.49 in the noise. At level 0.98, an error of 0.01
# in the noise becomes one of 0.49 in the picture. We want pictures, and drawing begins where there is only noise. So we ask for
# the picture, which has another advantage: you can look at it. (Li and He argue for it, too: [arXiv
# 2511.13720](https://arxiv.org/abs/2511.13720).)
#
# **Exercise: `Denoiser`** · 12 minutes · hard
#
# Why it matters: this is the model. `__init__` is given and makes the layers; write `forward`, which runs them.


# %% tags=["exercise"]
class Denoiser(nn.Module):
    """Guesses clean pictures from noisy ones, looking at them at several sizes.

    widths  the number of channels at each size, from the full size down; each size is half of the one before
    depths  the number of blocks at each size
    words   what it can be told besides the level, a number for each (chapter 8); until then, nothing

    Takes noisy pictures, (batch, 3, height, width), in [0, 1], and their levels, (batch, 1, 1, 1); returns its guess
    at the clean pictures, (batch, 3, height, width), not clamped. Height and width must be multiples of `multiple`.
    """

    def __init__(
        self, widths: Sequence[int] = (32, 64, 64, 64), depths: Sequence[int] = (1, 1, 2, 2), words: Sequence[str] = ()
    ):
        super().__init__()
        pairs = list(zip(widths, widths[1:], depths[1:], strict=False))
        self.widths, self.depths, self.words, self.multiple = list(widths), list(depths), list(words), 2 ** len(pairs)
        self.enter = Stage(3 + 1 + len(words), widths[0], depths[0])
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
# > **Predict.** What does a network with random weights guess? (A look at the last line of `__init__` helps.)

# %%
torch.manual_seed(0)
denoiser = Denoiser()
noisy, level = make_question(images[:8])
with torch.no_grad():
    guess = denoiser(noisy, level)
    after_eval = denoiser.eval()(noisy, level)
show({"noisy": noisy, "guess": guess}, titles=[f"{number:.2f}" for number in level.flatten()])
blocks = [part for part in denoiser.modules() if type(part).__name__ == "Block"]
weights, in_blocks = (sum(w.numel() for net in nets for w in net.parameters()) for nets in ([denoiser], blocks))
print(f"{weights:,} weights, {in_blocks / weights:.0%} of them in its {len(blocks)} blocks")
print(f"the mean of its guesses is {guess.mean():.2f}; eval() changes them by {(after_eval - guess).abs().max():.0e}")

# %% [markdown]
# *It says much the same to everything: a murky colour, not far from grey. Its last bias, 0.5, is the middle between black and
# white, and random weights move it from there.*
#
# > **A common belief: "Call `eval()` before you use a network."** It changes nothing here. `eval()` matters for dropout and batch
# > normalisation, and this network has neither.
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
# - `best_guess`, the exact optimum for a finite set of images. You know why it blurs, and why, except at the highest levels, it
#   has no answer for an unknown picture.
# - `Block`, which adds what it finds.
# - `Denoiser`, a network of over a million weights that sees the whole picture, and detail, and the level.
#
# They are the module `dino/denoiser.py`. So far the network gives everything the same answer. In chapter 3, it learns.
