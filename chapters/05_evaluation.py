# %% [markdown]
# # Judging the drawings
#
# Your network draws. Are its drawings *good*? You have looked at some and liked them, and that is worth something. But you
# cannot look at ten thousand, you tend to see what you hope for, and there is one thing that you cannot see at all: whether a
# drawing is new, or learnt by heart.
#
# So in this chapter you build instruments (*metrics*) for three questions:
#
# - Are the drawings **plausible**: dinosaurs, with nothing missing?
# - Are they **varied**: all species, all colours, as often as in the real world?
# - Are they **new**: or copies of what the network has seen?
#
# > **On your own code.** Earlier chapters' functions come from the lesson here. Begin the next cell with
# > `from dino.course import use_own; use_own()`, and it runs on your own answers instead, as far as they pass; it says which.

# %%
from itertools import product

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor

from dino.course import check, show
from dino.data import dinosaurs, load, sheet
from dino.denoiser import Denoiser, best_guess, in_bfloat16
from dino.drawing import SPECIES
from dino.pen import COLOURS
from dino.recogniser import load_recogniser
from dino.sampling import sample
from dino.saving import load_denoiser
from dino.training import Run, loss_by_level, train

cpu = torch.device("cpu")
denoiser = in_bfloat16(load_denoiser(), cpu)
known = load(dinosaurs(4096))  # what the network has learnt from
fresh = load(dinosaurs(1024, seed=1))  # real ones that it has never seen: held-out
torch.manual_seed(0)
drawn = sample(denoiser, torch.rand(384, 3, 32, 32), steps=16).float()

# %% [markdown]
# The network is the one that comes with the course: to train one like it takes longer than you would like to wait here.
# `dino/weights/README.md` says how it was made.
#
# > **Predict.** One of these two rows is real, and one is drawn by the network. Which is which?

# %%
show({"row 1": fresh[:10], "row 2": drawn[:10]})

# %% [markdown]
# *Ten real dinosaurs, and ten that the network drew. Look at eyes, horns, feet, and at how even the colours are.*
#
# The second row is drawn. You can probably tell, if you look long enough. But what would you say if somebody showed you ten
# drawings by another network: which of the two is *better*? Ten pictures are few, and an honest eye gets tired.
#
# ## Are they new?
#
# In chapter 2, the perfect guesser could only ever lead back to pictures that it knew. A network might do the same, and then
# it is not a painter but an expensive photocopier. The instrument: for each drawing, find the known picture that is most like it.
#
# Remember that training mirrors half of the pictures. So a mirror image is a copy, too.
#
# **Exercise: `nearest`** · 8 minutes · medium
#
# Why it matters: a copy is the one flaw that makes pictures look *better*. No other number in this chapter would notice it.


# %% tags=["exercise"]
def nearest(pictures: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Find, for each picture, the known picture that is most like it; its mirror image counts, too.

    pictures  (count, 3, height, width)
    known     (others, 3, height, width)

    Returns how far away the nearest is, (count,), as the root of the mean squared difference over pixels and colours,
    and which one it is, (count,), as an index into `known`.
    """
    # Compare every picture, and its mirror image, with every known one.
    # Of the two ways round, the nearer one counts.
    # From a length over all values to a typical difference of one.
    raise NotImplementedError("nearest is yours to write")


# %%
check(nearest)

# %%
distance, index = nearest(drawn, known)
order = distance.argsort()
for name, some in [("nearest to a known one", order[:10]), ("farthest from any", order[-10:])]:
    show({f"drawn: {name}": drawn[some], "that known one": known[index[some]]})

# %% [markdown]
# *Above, the ten drawings of 384 that are nearest to a known picture, each with that picture below it. Further down, the ten
# that are farthest from any. They are no worse: they have a size, a pose or a shade that is rare.*
#
# How near is too near? Here is the trap:
#
# > **A common belief: "It is close to a training picture, so it is a copy."** There are four species and eight colours. Any new
# > green long-neck is close to *some* green long-neck. To know how close pictures come by chance, look at pictures that cannot be
# > copies: fresh ones, that the network has never seen.

# %%
distance_of_fresh, _ = nearest(fresh, known)
figure, axis = plt.subplots(figsize=(7, 2.6), layout="constrained")
for values, name in ((distance_of_fresh, "fresh, by the program"), (distance, "drawn by the network")):
    axis.hist(values, bins=torch.linspace(0, 0.3, 61), density=True, histtype="step", linewidth=2, label=name)
axis.set(xlabel="distance to the nearest known picture", yticks=[], xlim=(0, 0.3))
axis.legend()
plt.show()

# %% [markdown]
# *How far real, fresh dinosaurs and drawings are from the nearest known picture. Copies would pile up on the left, near 0.*
#
# Now make one number of it. Call suspicious what is nearer than 99 in 100 fresh pictures; the hundredth is what chance brings.
#
# **Exercise: `copies`** · 6 minutes · medium
#
# Why it matters: a distance alone says nothing. Compared with what pictures do that cannot be copies, it does.


# %% tags=["exercise"]
def copies(drawn: Tensor, known: Tensor, fresh: Tensor) -> float:
    """The share of drawings that are suspiciously near to a known picture.

    Suspicious is what is nearer than 99 in 100 pictures that cannot be copies: fresh ones, from the same source. So
    about 0.01 is what chance brings, and 1 means that everything is copied.

    drawn  (count, 3, height, width)   the drawings
    known  (others, 3, height, width)  the pictures that the denoiser has learnt from
    fresh  (more, 3, height, width)    pictures of the same kind that it has not
    """
    # How near do pictures come that are no copies?
    # The share of drawings that come nearer still.
    raise NotImplementedError("copies is yours to write")


# %%
check(copies)

# %%
print(f"suspiciously near: {copies(drawn, known, fresh):.1%} of the drawings")
blurred = F.avg_pool2d(known[:256], 3, stride=1, padding=1, count_include_pad=False)
print(
    f"the same of known pictures, a little noisy: {copies(known[:256] + 0.02 * torch.randn(256, 3, 32, 32), known, fresh):.1%}"
)
print(f"the same of known pictures, blurred: {copies(blurred, known, fresh):.1%}")

# %% [markdown]
# Hardly any of the drawings is suspicious. And the instrument works: known pictures with a little noise on them are all caught. But
# look at the last line: *blurred* copies slip through! Blurring moves every edge a little, and pixel by pixel, that is more than
# what lies between two fresh dinosaurs of a kind. Every instrument has a blind spot. Know yours.
#
# ## When does a network copy?
#
# Ours has seen 4096 pictures. Let us give three networks far fewer: **8, 64 and 2048** pictures, of 16 by 16 pixels so that it
# goes fast. Everything else is the same, the number of steps too.
#
# > **Predict.** Which of them will copy? And which of them will have the lowest loss on the pictures that it learns from?

# %%
tiny = load(dinosaurs(2048, size=16), size=16)
tiny_fresh = load(dinosaurs(512, size=16, seed=1), size=16)


def learn_from(count: int, steps: int = 900) -> Denoiser:
    torch.manual_seed(0)
    run = Run(Denoiser(widths=(32, 64, 64), depths=(0, 1, 0)))
    for _ in train(run, tiny[:count], steps, rate=5e-3):
        pass
    return run.denoiser  # not the average, which lags behind in so short a run


learnt = {8: learn_from(8)}

# %%
learnt[64] = learn_from(64)

# %%
learnt[2048] = learn_from(2048)

# %%
tiny_noise = torch.rand(128, 3, 16, 16, generator=torch.Generator().manual_seed(0))
tiny_drawn = {
    count: sample(in_bfloat16(network, cpu), tiny_noise, steps=20).float() for count, network in learnt.items()
}
for count, pictures in tiny_drawn.items():
    _, index = nearest(pictures[:10], tiny[:count])
    show({f"drawn, from {count}": pictures[:10], "nearest known": tiny[index]}, size=0.8)
    print(f"suspiciously near: {copies(pictures, tiny[:count], tiny_fresh):.0%}")

# %% [markdown]
# *Ten drawings by each network, and below each the nearest picture that it learnt from. With 8 pictures, the drawings are those
# pictures, a bit smudged, and most so near that the instrument calls them copies. With 64 and 2048, the nearest known picture is
# only a relative, with another shape or another colour.*
#
# (They are soft, all three: 900 steps are few. With the same noise, the last two even draw similar animals.)

# %%
levels = torch.linspace(0.1, 1, 10)
figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained", sharey=True)
for axis, (count, network) in zip(axes, learnt.items(), strict=True):
    torch.manual_seed(0)
    seen = tiny[:count].repeat(-(-256 // count), 1, 1, 1)[:256]
    for pictures, name in ((seen, "pictures it learnt from"), (tiny_fresh[:256], "fresh pictures")):
        axis.plot(levels, loss_by_level(in_bfloat16(network, cpu), pictures, levels), marker=".", label=name)
    axis.set(title=f"{count} pictures", xlabel="level", yscale="log")
axes[0].set(ylabel="loss")
axes[2].legend(loc="lower right")
plt.show()

# %% [markdown]
# *The loss of each network at each level, on the pictures that it learnt from and on fresh ones. With 8 pictures, it does far
# better on what it knows. With 64, there is a smaller gap, at low and middle levels. With 2048, there is none.*
#
# All three took the same number of steps. So the first network saw each of its pictures about 1800 times, and the last one
# seven times. And the gap between the two curves gives it away: **who does better on known pictures than on fresh ones has
# begun to learn by heart** (to *overfit*). You can see that in the loss before you see a single copy.
#
# > **A common belief: "A low loss on the training pictures means copying."** The *difference* to fresh pictures does. A network
# > that is good at both has understood something.

# %% [markdown]
# ## Are they varied?
#
# A network might draw nothing but lovely green long-necks. Each would be plausible, none a copy; you would see it only when you
# look at many. So let us count, with a helper: the `recogniser`, a small network (a *classifier*) that has learnt to tell species and
# colours, and which can also say *none of these*, because it was shown spoiled dinosaurs, too: blurred, noisy, blended, stitched
# together, with a piece missing.
#
# And here we have a luxury: we know the truth. The program that draws our dinosaurs gives each species a share of 1/4, and each
# colour 1/8.
#
# **Exercise: `shares`** · 4 minutes · easy
#
# Why it matters: leaving out what is difficult is the easiest way to look good. (It has a name: *mode collapse*.)


# %% tags=["exercise"]
def shares(kinds: Tensor, count: int) -> Tensor:
    """How large a share of the pictures is of each kind.

    kinds  (pictures,)  the kind of each picture, a whole number from 0 to count - 1
    count               how many kinds there are; one that never occurs has share 0

    Returns the shares, (count,), which add up to 1.
    """
    raise NotImplementedError("shares is yours to write")


# %%
check(shares)

# %%
recogniser = load_recogniser()
of_species, of_colour = recogniser(drawn)
kinds = [*SPECIES, "none of these"]
figure, axes = plt.subplots(1, 2, figsize=(9, 2.6), layout="constrained", width_ratios=(5, 8))
for axis, names, scores in ((axes[0], kinds, of_species), (axes[1], list(COLOURS), of_colour)):
    axis.bar(names, shares(scores.argmax(dim=1), len(names)))
    axis.axhline(1 / (8 if len(names) == 8 else 4), color="grey", linestyle=":", label="the truth")
    axis.tick_params(axis="x", rotation=30)
axes[0].set(ylabel="share of the drawings")
axes[0].legend()
plt.show()

# %% [markdown]
# *How often each species and each colour is drawn; dotted, how often it should be. The t-rex is drawn too rarely. Gold comes
# more than twice as often as orange: in pictures by the program, all colours are alike.*
#
# The bars show something that you would never have seen in a sheet of drawings. And *none of these* is the share that is not
# plausible. Which are they?

# %%
sure = of_species.softmax(dim=1)[:, :4].amax(dim=1)
sure_of_fresh = recogniser(fresh)[0].softmax(dim=1)[:, :4].amax(dim=1)
for name, values in (("fresh", sure_of_fresh), ("drawn", sure)):
    print(f"{name}: of {(values > 0.9).mean(dtype=torch.float):.1%} the recogniser is more than 90% sure")
show({"least plausible": drawn[sure.argsort()[:10]], "most plausible": drawn[sure.argsort()[-10:]]})

# %% [markdown]
# *The ten drawings in which the recogniser believes least, and the ten in which it believes most.*
#
# ## One number for everything
#
# Plausible, varied: each can be measured, and you will want one number to compare two networks with. The usual one goes like
# this. Describe each picture by a list of numbers, its *features*: here the 64 that the recogniser looks at last. Then a set of
# pictures is a cloud of points in a space of 64 dimensions. Real pictures form one cloud, drawings another. **How far is one cloud
# from the other?**
#
# The *Frechet distance* takes both clouds for normal distributions and compares their means and their covariances:
#
# $$\lVert \mu - \nu \rVert^2 + \operatorname{tr}\left(C + D - 2\,(C D)^{1/2}\right)$$
#
# with the means $\mu$ and $\nu$ and the covariances $C$ and $D$. The first term asks whether the clouds lie in the same place: a greenish tint moves the cloud. The second asks whether they are
# spread alike: a network that draws a single picture over and over has a cloud without any spread.
#
# With one dimension it is $(\mu - \nu)^2 + (\sigma - \tau)^2$, with spreads (standard deviations) $\sigma$ and $\tau$. The matrices do the same for 64 dimensions at once. The root
# of a matrix sounds worse than it is: you need only its trace, which is the sum of the roots of the eigenvalues.
#
# **Exercise: `frechet_distance`** · 10 minutes · hard
#
# Why it matters: this is the number in nearly every paper on image generation (with features of a large network, it is called
# FID). Who has written it once knows what it sees, and what it is blind to.


# %% tags=["exercise"]
def frechet_distance(one: Tensor, other: Tensor) -> float:
    """The squared Frechet distance between two clouds of points, each taken for a normal distribution.

    |mean - mean|^2 + trace(C + D - 2 (C D)^(1/2)), C and D the covariances (Dowson & Landau 1982, DOI
    10.1016/0047-259X(82)90077-X). With features of pictures as points, it says how far drawings are from real pictures
    as a whole (Heusel et al., arXiv 1706.08500): 0 means alike in mean and spread; smaller is better.

    one    (points, features)  more points than features
    other  (points, features)  as many features
    """
    # How far apart are the middles?
    # How differently are they spread? The trace of a root is the sum of the roots of the eigenvalues.
    raise NotImplementedError("frechet_distance is yours to write")


# %%
check(frechet_distance)

# %% [markdown]
# Does it agree with your eyes? Measure how far these are from real dinosaurs:

# %%
real = recogniser.features(known[:2048])
some = fresh[: len(drawn)]
tests = {
    "fresh real pictures": some,
    "with a little noise": (some + 0.05 * torch.randn_like(some)).clamp(0, 1),
    "the same 48 again and again": some[:48].repeat(8, 1, 1, 1),
    "colours shifted": some.roll(1, dims=1),
    "blurred": F.avg_pool2d(some, 3, stride=1, padding=1, count_include_pad=False),
    "drawn by the network": drawn,
}
for name, pictures in tests.items():
    print(f"{name:28} {frechet_distance(recogniser.features(pictures), real):8.2f}")

# %% [markdown]
# It does. Fresh real pictures are nearest; but even they are not at 0, because no two samples of anything are quite alike. That is
# the best that anybody can reach. A little noise counts little; missing variety counts, though each single picture is real; wrong
# colours and blur count a lot. And the network is somewhere between: clearly worse than real, clearly better than any of the
# spoiled ones that you would notice at once.
#
# > **A common belief: "A distance of 5 is good."** The number depends on the features, on the data and on how many pictures you
# > take. Compare it only with numbers that were measured in exactly the same way.

# %%
for count in (128, 256, 512, 1024):
    print(f"{count:5} fresh pictures: {frechet_distance(recogniser.features(fresh[:count]), real):.2f}")

# %% [markdown]
# Nothing about the pictures has changed, only their number! With few points, the covariance is a poor estimate. That is why papers
# take ten thousand pictures and more, and why you should be wary of a small difference.
#
# Now the instrument can answer a question from chapter 4: how many steps, and how long a stretch (how much extrapolation)?

# %%
noise = torch.rand(192, 3, 32, 32, generator=torch.Generator().manual_seed(1))
print("steps   " + "".join(f"{steps:8}" for steps in (4, 8, 16)))
for stretch in (1.0, 2.0):
    row = [
        frechet_distance(recogniser.features(sample(denoiser, noise, steps, stretch).float()), real)
        for steps in (4, 8, 16)
    ]
    print(f"stretch {stretch}" + "".join(f"{value:8.1f}" for value in row))

# %% [markdown]
# Now it is a number: four times as many steps, or a longer stretch, it is the same story as in the pictures of chapter 4. With
# 8 steps, a stretch of 2 is worth about twice as many steps without one. (These distances are larger than those above also
# because they come from fewer drawings.)
#
# ## A world in which everything is known
#
# All these instruments only *estimate*: nobody can list all dinosaurs. So let us build a world that can be listed. It has pictures
# of 8 by 8 pixels: towers of two blocks, each red or blue, each in one of five places. That makes 10 x 10 = 100 pictures, and
# there are no others.

# %%
colours = torch.tensor([[0.85, 0.3, 0.35], [0.2, 0.5, 0.85]]).view(2, 3, 1, 1)
world = torch.ones(100, 3, 8, 8)
for tower, (upper, red, lower, blue) in zip(world, product(range(5), (0, 1), range(5), (0, 1)), strict=True):
    tower[:, :4, upper : upper + 4] = colours[red]
    tower[:, 4:, lower : lower + 4] = colours[blue]
# Hide about half of the towers, each with its mirror image, for training mirrors pictures.
torch.manual_seed(1)
twin = torch.cdist(world.flip(3).flatten(1), world.flatten(1)).argmin(dim=1)
hidden = torch.rand(100) < 0.3
hidden = hidden | hidden[twin]
print(f"{(~hidden).sum()} towers to learn from, {hidden.sum()} hidden")
pale = torch.where(hidden.view(-1, 1, 1, 1), 0.7 + 0.3 * world, world)
sheet(F.pad(pale, (2, 2, 2, 2), value=1), columns=20, scale=4)

# %% [markdown]
# *All pictures of this world. The pale ones are hidden from the network: it never sees them.*
#
# Now "plausible" and "new" are no matter of opinion. A drawing is plausible if it *is* one of the 100, up to a little noise. It
# is new if it is one of the hidden ones. And somebody who had understood how towers are built would draw hidden ones as often as
# their share.
#
# > **Predict.** How often will the network draw a tower that it has never seen? And how often would the perfect guesser of chapter 2?

# %%
torch.manual_seed(0)
run = Run(Denoiser(widths=(32, 64), depths=(1, 1)))
drawings = {}
for _ in train(run, world[~hidden], steps=500, rate=3e-3):
    if run.taken in (200, 300, 500):
        noise = torch.rand(500, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        drawings[run.taken] = sample(in_bfloat16(run.denoiser, cpu), noise, steps=20).float()

# %%
print(f"somebody who understands: all plausible; of these {hidden.float().mean():.0%} new, 100 towers, each 1%")
for taken, pictures in drawings.items():
    distance, which = (torch.cdist(pictures.flatten(1), world.flatten(1)) / 192**0.5).min(dim=1)
    plausible = distance < 0.1
    of_world = shares(which[plausible], 100)
    print(
        f"after {taken} steps: {plausible.float().mean():.0%} plausible; of these {of_world[hidden].sum():.0%} new, "
        f"{(of_world > 0).sum()} towers, the most frequent {of_world.max():.0%}"
    )
sheet(F.pad(drawings[500][:40], (2, 2, 2, 2), value=1), columns=20, scale=4)

# %% [markdown]
# *Forty of its drawings, as they came.*
#
# In the end, nearly everything that it draws is a tower, and **a third of its towers are ones that it has never seen** (with other
# random seeds, a fifth to a third). It has not just stored 49 pictures. It has found out that there are two blocks, each with a
# place and a colour of its own.
#
# But it has not understood that as well as one could: half of all towers are hidden, so half of its towers should be, too. It leans
# towards what it knows. That is a number which you will never get for dinosaurs.
#
# And the perfect guesser? It is your `best_guess`, and in a world of 100 pictures it takes no time. Give it the same pictures that
# the network had, and compare the two: on towers that both know, and on hidden ones.

# %%


def perfect(noisy: Tensor, level: Tensor) -> Tensor:
    return torch.stack(
        [best_guess(picture, at.item(), world[~hidden]) for picture, at in zip(noisy, level, strict=True)]
    )


levels = torch.linspace(0.1, 1, 10)
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
for who, guesser, look in (("network", run.denoiser, "-"), ("perfect guesser", perfect, ":")):
    for which, pictures, colour in (("known", world[~hidden], "C0"), ("hidden", world[hidden], "C1")):
        torch.manual_seed(0)
        losses = loss_by_level(guesser, pictures.repeat(4, 1, 1, 1), levels)
        axis.plot(levels, losses, look, color=colour, marker=".", label=f"{who}, {which} towers")
        print(f"{who}, {which} towers: " + ", ".join(f"{loss:.4f}" for loss in losses[::3]))
axis.set(xlabel="level", ylabel="loss", yscale="log", ylim=(1e-4, 0.2))
axis.legend()
plt.show()

# %% [markdown]
# *The loss at each level, for the network and for the perfect guesser that knows the same 49 towers. On these, the perfect guesser
# (dotted) makes no mistake at all below level 0.8. On hidden towers it has no line.*
#
# On what it knows, nobody can beat the perfect guesser. Shown a hidden tower, it has **no answer**, `nan`, at any level but 1: none
# of its pictures can have become what it sees. The network is far worse than it on known towers, and on hidden ones, hardly worse
# than on known.
#
# > **A common belief: "A better denoiser draws better pictures."** The best denoiser there is, for the pictures that it was given,
# > has the lowest possible loss on them, and can do nothing but copy. What makes a network draw something new is that it is *not*
# > perfect, and that the way in which it fails happens to be a sensible one.

# %% [markdown]
# ## What you have now
#
# - `nearest` and `copies`, which tell new pictures from remembered ones.
# - `shares`, which sees what is missing, and `frechet_distance`, which sees nearly everything, if you take enough pictures.
# - A habit: never to believe a number before you know what the *real* pictures score, and what chance alone does.
#
# They are the module `dino/evaluation.py`. You can now change anything in this course, the network, the training, the sampler,
# and find out whether it got better, instead of hoping so.
