# %% [markdown]
# # From a scribble
#
# *Image-to-image and inpainting with a diffusion model, without training it again: begin from a scribble, keep what is known,
# and fill in the rest.*
#
# So far the model draws what it likes. Now you get a say: you scribble, and it makes a dinosaur of it. You erase a part, and it
# fills the gap.
#
# <!-- live: dino-pad | Scribble something, and press the button. This is what you build in this chapter. -->
#
# Nothing is trained for this. The network stays as it is, and so does your sampler, line for line. What makes it possible is that
# `sample` does not care *who* guesses: anything that takes noisy pictures and their levels, and returns a guess, can take the
# denoiser's place. So put a function of your own there, which slightly changes what the denoiser is asked, or what it answers.
#
# > **On your own code.** Earlier chapters' functions come from the lesson here. Begin the next cell with
# > `from dino.course import use_own; use_own()`, and the chapter uses those of your own answers that pass; it says which.

# %%
from collections.abc import Callable
from itertools import product

import matplotlib.pyplot as plt
import PIL.Image
import PIL.ImageDraw
import torch
import torch.nn.functional as F
from torch import Tensor

from dino.course import check, show
from dino.data import dinosaurs, load, to_tensor
from dino.denoiser import best_guess, in_bfloat16
from dino.evaluation import frechet_distance
from dino.noise import mix
from dino.pen import COLOURS
from dino.recogniser import load_recogniser
from dino.sampling import Watched, sample
from dino.saving import load_denoiser

denoiser = in_bfloat16(load_denoiser(), torch.device("cpu"))
fresh = load(dinosaurs(1024, seed=1))  # real dinosaurs that the network has never seen
noise = torch.rand(96, 3, 32, 32, generator=torch.Generator().manual_seed(3))


def scribble(colour: str, *strokes: tuple[int, list[tuple[int, int]]]) -> Tensor:
    paper = PIL.Image.new("RGB", (32, 32), "white")
    for width, points in strokes:
        PIL.ImageDraw.Draw(paper).line(points, COLOURS[colour][0], width, joint="curve")
    return to_tensor(paper)


legs = [(4, [(9, 23), (9, 29)]), (4, [(18, 23), (18, 29)])]
scribbles = torch.stack(
    [
        scribble(
            "green",
            (3, [(3, 21), (8, 19)]),
            (10, [(9, 20), (19, 20)]),
            (4, [(19, 18), (24, 14), (24, 6), (28, 6)]),
            *legs,
        ),
        scribble("red", (12, [(8, 18), (18, 18)]), (8, [(20, 16), (27, 18)]), (3, [(24, 11), (27, 7)]), *legs),
        scribble("purple", (9, [(13, 21), (15, 10)]), (6, [(15, 8), (24, 8)]), (4, [(11, 24), (2, 27)]), *legs),
        scribble("blue", (4, [(5, 29), (15, 4), (25, 29)]), (4, [(9, 20), (21, 20)])),
        scribble(
            "gold", *((2, [(16 - x, 16 - y), (16 + x, 16 + y)]) for x, y in ((15, 0), (0, 15), (11, 11), (11, -11)))
        ),
    ]
)
show({"scribbles": scribbles}, size=1.2)

# %% [markdown]
# *Five scribbles of a few strokes each. The last two are not even meant to be dinosaurs.*
#
# ## Just ask
#
# The network guesses clean pictures. So give it a scribble, and see what comes out! A scribble has no noise on it, so the level
# is 0. Or fib, and say 0.6.
#
# > **Predict.** What will the network make of a scribble if it is told level 0? And told 0.6?

# %%
with torch.no_grad():
    asked = {level: denoiser(scribbles, torch.full((5, 1, 1, 1), level)).float() for level in (0.0, 0.6)}
show({f"told level {level:g}": guess for level, guess in asked.items()}, size=1.2)

# %% [markdown]
# *The network's guess at each scribble, told that there is no noise on it, and told that there is much.*
#
# They stay scribbles. The edges are softer, the red one's horn fades, and an eye or a mouth appears; but the letter is a letter,
# both times. In training, whatever was *not* noise was right. A scribble has no noise to look through, so why should the network
# doubt any of it?
#
# ## Hide it first
#
# If wrong strokes are to be redrawn, then hide them, just as training hid dinosaurs: mix noise in.

# %%
show(
    {f"level {level}": mix(torch.cat([scribbles, fresh[:5]]), noise[:10], level) for level in (0.3, 0.6, 0.9)}, size=0.8
)

# %% [markdown]
# *Left, the scribbles, and right, five dinosaurs, with more and more noise. At 0.6 you still see where things are and what colour
# they have. You can hardly tell how well they are drawn.*
#
# Now continue from there, as if you were half way through a drawing. The network makes up what the noise has hidden, and it knows
# nothing but dinosaurs. What still shows can guide it. This is called **image to image**, and the level at which it begins is its
# **strength** (the idea is that of [SDEdit](https://arxiv.org/abs/2108.01073)).
#
# One thing is in the way: your `sample` always counts from 1 to 0, and now it should go from the strength to 0. But look at
# `step`: it uses only the ratio `next / now` of the levels, which stays the same if both are multiplied by the strength. So let
# the sampler count as usual. Only the denoiser has to be told how noisy the pictures really are. (All `steps` are spent between
# the strength and 0. And `mix` takes a plain number as a level, too.)
#
# **Exercise: `begin_from`** · 5 minutes · medium
#
# Why it matters: any picture can be a beginning: a scribble, a photo, or yesterday's drawing.


# %% tags=["exercise"]
def begin_from(
    denoiser: Callable, picture: Tensor, noise: Tensor, strength: float = 0.6, steps: int = 25, stretch: float = 2.0
) -> Tensor:
    """Draw as `sample` does, but begin with a picture that is noisy only in part: image to image.

    An idea of SDEdit (Meng et al., arXiv 2108.01073).

    denoiser        takes noisy pictures and their levels, returns its guess at the clean pictures
    picture         (batch or 1, 3, height, width), in [0, 1]: a scribble, a photo, a drawing
    noise           (batch, 3, height, width), in [0, 1]; another noise makes another drawing, the more so at a great strength
    strength        number in (0, 1], the level to begin at: the higher, the less of the picture stays; at 1, nothing
    steps, stretch  as for `sample`

    Returns the drawings, (batch, 3, height, width), in [0, 1].
    """
    # Mix noise into the picture, up to the level to begin at.
    # The sampler counts from 1 down to 0. Tell the denoiser how noisy the pictures really are.
    raise NotImplementedError("begin_from is yours to write")


# %%
check(begin_from)

# %% [markdown]
# > **Predict.** At which strength will the letter become a dinosaur? And what is lost first, the pose or the colour?

# %%
strengths = (0.2, 0.4, 0.6, 0.8, 1.0)
drawn = {strength: begin_from(denoiser, scribbles, noise[:5], strength).float() for strength in strengths}
show({"scribbles": scribbles} | {f"strength {strength}": pictures for strength, pictures in drawn.items()}, size=1.2)

# %% [markdown]
# *Drawings from the same five scribbles at five strengths, always with the same noise.*
#
# Even the letter and the star turn into animals! At 0.4, chapter 5's recogniser is not yet sure that either is a dinosaur; **from
# 0.6 on, all five are dinosaurs**. The three scribbled animals keep their pose up to 0.8. **Colour is lost first**: at 0.2
# already, red becomes gold and purple becomes pink, though so little noise hardly hides a colour. The old colour may also come
# back at another strength. Why, we do not know. At 1, the drawings depend on the noise alone.
#
# ## How strong?
#
# So there are two wishes, and the strength balances them: *be a dinosaur*, and *do as I say*. Measure both. Nobody wants to
# scribble a hundred times, so take real dinosaurs and make them so coarse that they show hardly more than a scribble would:
# mosaics of only 16 squares.
#
# - A drawing is a **dinosaur** if the recogniser of chapter 5 is more than 90% sure.
# - A drawing **does as it was told** if it would give nearly the same mosaic. So measure the typical difference between the
#   squares of the two mosaics (the root mean square).

# %%
recogniser = load_recogniser()
goal = recogniser.features(load(dinosaurs(2048, seed=2)))


def blocks(pictures: Tensor) -> Tensor:
    return F.avg_pool2d(pictures, 8)


def sure(pictures: Tensor) -> float:
    return (recogniser(pictures)[0].softmax(dim=1)[:, :4].amax(dim=1) > 0.9).float().mean().item()


def judge(pictures: Tensor, told: Tensor) -> tuple[float, float]:
    return sure(pictures), (blocks(pictures) - blocks(told)).square().mean().sqrt().item()


mosaics = F.interpolate(blocks(fresh[:96]), scale_factor=8)
plain = {strength: begin_from(denoiser, mosaics, noise, strength, steps=12).float() for strength in strengths}
table = {strength: judge(pictures, mosaics) for strength, pictures in plain.items()}
for strength, (share, distance) in table.items():
    print(f"strength {strength}: {share:4.0%} are dinosaurs; difference from the mosaic {distance:.3f}")
unrelated = judge(fresh[96:192], mosaics)[1]
print(f"other dinosaurs, that have nothing to do with the mosaics: {unrelated:.3f}")
unsure = recogniser(plain[0.6])[0].softmax(dim=1)[:, :4].amax(dim=1).argsort()[:10]
show({"mosaics": mosaics[unsure], "strength 0.6": plain[0.6][unsure], "strength 0.8": plain[0.8][unsure]}, size=0.8)

# %% [markdown]
# *The ten mosaics whose drawings at strength 0.6 convince the recogniser least, and what strength 0.8 makes of them.*
#
# Up to 0.6, they obey about equally well, and more and more are dinosaurs. Then the trade-off begins: at 0.8, nearly all are
# dinosaurs, but they have begun to stray. At 1, they ignore the mosaic: the difference is as large as between any two dinosaurs.
#
# ## Think again
#
# Must obedience cost so much? Look at what goes wrong at 0.6: bodies without a head. Where a mosaic is pale, so is the drawing. A
# noisy mosaic is *not quite* a noisy dinosaur, and the guess inherits its faults. The next picture is made of that guess *and* of
# what was there before, mosaic and all.
#
# But you can ask the network about its own guess, too. Hide **the guess** under fresh noise, as much as the picture had, and let
# the network guess again. And again. If each guess is a little more of a dinosaur than the one before, that leads somewhere.
# ([RePaint](https://arxiv.org/abs/2201.09865) has a relative of this, called *resampling*: there, the sampler takes a step first,
# and the picture after it is made noisy again.)
#
# **Exercise: `with_fresh_noise`** · 5 minutes · medium
#
# Why it matters: this way, a network can mend its own first guess, without being trained for that.


# %% tags=["exercise"]
def with_fresh_noise(denoiser: Callable, noisy: Tensor, level: Tensor, times: int = 7) -> Tensor:
    """Have the denoiser think again: hide its guess in fresh noise, and let it guess once more.

    An idea of RePaint (Lugmayr et al., arXiv 2201.09865), where it is called resampling.

    denoiser  takes noisy pictures and their levels, returns its guess at the clean pictures
    noisy     (batch, 3, height, width)
    level     (batch, 1, 1, 1), how noisy each picture is
    times     how often it thinks again; with 0, its first guess counts

    Returns the last guess, (batch, 3, height, width).
    """
    # The same level, but noise that it has not seen.
    raise NotImplementedError("with_fresh_noise is yours to write")


# %%
check(with_fresh_noise)

# %% [markdown]
# Let it think again three times at each step, and take half as many steps. That makes 24 questions instead of 12.

# %%


def thinking_again(noisy: Tensor, level: Tensor) -> Tensor:
    return with_fresh_noise(denoiser, noisy, level, times=3)


torch.manual_seed(0)
again = {strength: begin_from(thinking_again, mosaics, noise, strength, steps=6).float() for strength in strengths}
table_again = {strength: judge(pictures, mosaics) for strength, pictures in again.items()}
figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
for name, values in (("as it is", table), ("thinking again", table_again)):
    shares, distances = zip(*values.values(), strict=True)
    axis.plot(distances, shares, marker="o", label=name)
    for strength, (share, distance) in values.items():
        place = (-8, 6) if values is table_again else (4, -11)
        axis.annotate(f"{strength}", (distance, share), place, textcoords="offset points", fontsize=8)
axis.set(xlabel="difference from the mosaic", ylabel="share of dinosaurs", ylim=(0, 1.15))
axis.legend(loc="lower right")
plt.show()
for strength, (share, distance) in table_again.items():
    print(f"strength {strength}: {share:4.0%} are dinosaurs; difference from the mosaic {distance:.3f}")
more_steps = judge(begin_from(denoiser, mosaics, noise, 0.6, steps=24).float(), mosaics)
print(
    "24 questions in 24 steps, strength 0.6: {:4.0%} are dinosaurs; difference from the mosaic {:.3f}".format(
        *more_steps
    )
)
show({"mosaics": mosaics[unsure], "again, 0.6": again[0.6][unsure], "real": fresh[unsure]}, size=0.8)

# %% [markdown]
# *Both wishes at once, at five strengths (the small numbers): the best place is the upper left corner. Below, the same ten
# mosaics as above, what strength 0.6 makes of them now, and the dinosaurs that they were made from.*
#
# Now at **0.6** nearly everything is a dinosaur, and the difference is about half of what it is for drawings that ignore the
# mosaic. Without thinking again, 0.8 comes close, and strays a little farther. More steps alone hardly help. So 0.6 is the
# strength that we recommend, and the one that `dino edit` uses for a whole picture. (Obeying a mosaic does not mean recovering
# the original: of these ten, most have become another species, and not all have kept their colour.)
#
# And this is what you can do with it, **variations**:

# %%
variations = {
    f"strength {strength}": begin_from(thinking_again, scribbles[1:2], noise[:10], strength, steps=12).float()
    for strength in (0.6, 0.8)
}
show({"scribble": scribbles[1:2].expand(10, -1, -1, -1)} | variations, size=0.8)

# %% [markdown]
# *One scribble and ten different noises.*
#
# If you want more variety, use a greater strength.
#
# Thinking again has a price, besides the extra questions. Fresh noise did harm in chapter 5, when everything was drawn from pure
# noise. Here, too?

# %%


def far(pictures: Tensor) -> float:
    return frechet_distance(recogniser.features(pictures), goal)


tamed = begin_from(thinking_again, mosaics, noise, 1.0, steps=12).float()
price = {"as it is": far(plain[1.0]), "thinking again": far(tamed), "real dinosaurs": far(fresh[:96])}
print("Frechet distance, strength 1, 12 steps:", ", ".join(f"{name} {value:.1f}" for name, value in price.items()))

# %% [markdown]
# Yes: where there is nothing to hold on to, thinking again makes drawings *less* like real ones. So use it where there is
# something: a scribble, or a part that is known.
#
# ## Keep a part
#
# The second wish: part of a picture should stay, pixel for pixel, and the rest should be drawn to fit. This is called
# **inpainting**. What is known is marked by a *mask*: 1 where the picture counts, 0 where it does not.
#
# **Exercise: `keep_known`** · 3 minutes · easy
#
# Why it matters: one line, and everything below is built on it.


# %% tags=["exercise"]
def keep_known(guess: Tensor, picture: Tensor, known: Tensor) -> Tensor:
    """Put what is known of a picture in the place of what was guessed there.

    guess    (batch, 3, height, width)
    picture  (batch or 1, 3, height, width), of which only the known part matters
    known    (batch or 1, 1, height, width), the mask: 1 where the picture is known, 0 where it is not

    Returns the corrected guess, (batch, 3, height, width).
    """
    raise NotImplementedError("keep_known is yours to write")


# %%
check(keep_known)

# %% [markdown]
# Give it the left half of real dinosaurs. The obvious thing: draw something, and paste the known half over it.
#
# > **Predict.** Of a hundred of these, how many will the recogniser take for dinosaurs?

# %%
pictures = fresh[:96]
known = torch.zeros(1, 1, 32, 32)
known[..., :16] = 1
pasted = keep_known(sample(denoiser, noise, steps=24).float(), pictures, known)
grey = torch.full_like(pictures, 0.8)
show({"known": keep_known(grey, pictures, known)[:10], "pasted over": pasted[:10]}, size=0.8)
print(f"{sure(pasted):.0%} are dinosaurs")

# %% [markdown]
# *The known halves of ten dinosaurs, and drawings with those pasted over them.*
#
# Two animals in one. Of course: the right half was drawn by somebody who had not seen the left one. The network has to be told
# *on the way*, while there is still something to decide.
#
# How? At each step, the denoiser guesses the whole picture. In the known part, we know better. So **put every guess right**
# before the sampler takes its step. Then the known part of the picture moves towards the truth from the very beginning, and later
# guesses see it.
#
# And if the rest does not fit at first, let the network think again, about a guess that is right in the known part.
#
# **Exercise: `sample_known`** · 6 minutes · hard
#
# Why it matters: remove an object from a photo, extend a picture beyond its edge, mend an old one: this function does it all.


# %% tags=["exercise"]
def sample_known(
    denoiser: Callable,
    picture: Tensor,
    known: Tensor,
    noise: Tensor,
    strength: float = 1.0,
    times: int = 7,
    steps: int = 6,
    stretch: float = 2.0,
) -> Tensor:
    """Keep what is known of a picture, and have the rest drawn: inpainting.

    denoiser        takes noisy pictures and their levels, returns its guess at the clean pictures
    picture         (batch or 1, 3, height, width), in [0, 1]
    known           (batch or 1, 1, height, width), the mask: 1 where the picture is to be kept, 0 where it is to be drawn
    noise           (batch, 3, height, width), in [0, 1]
    strength        number in (0, 1], the level to begin at: below 1, the rest begins as it is in the picture
    times           how often the denoiser thinks again at each step
    steps, stretch  as for `sample`

    Returns the drawings, (batch, 3, height, width), in [0, 1]: in the known part, they are the picture.
    """
    # Whatever the denoiser guesses, the known part of it is put right.
    # And it thinks again about guesses that are right there.
    raise NotImplementedError("sample_known is yours to write")


# %%
check(sample_known)

# %% [markdown]
# Four ways to fill in the missing half, from the obvious one to yours, which thinks again seven times in each of six steps. The
# first two ask 24 questions, the last two 48.

# %%
torch.manual_seed(0)
ways = {
    "pasted over": pasted,
    "guesses put right": sample_known(denoiser, pictures, known, noise, times=0, steps=24).float(),
    "the same, 48 steps": sample_known(denoiser, pictures, known, noise, times=0, steps=48).float(),
    "thinking again": sample_known(denoiser, pictures, known, noise).float(),
}
show({"the whole picture": pictures[:10]} | {name: drawings[:10] for name, drawings in ways.items()}, size=0.8)
ways["real dinosaurs"] = pictures
ladder = {name: (sure(drawings), far(drawings)) for name, drawings in ways.items()}
figure, axes = plt.subplots(1, 2, figsize=(8, 2.4), layout="constrained", sharey=True)
for axis, title, values in zip(
    axes, ("share of dinosaurs", "Frechet distance"), zip(*ladder.values(), strict=True), strict=True
):
    axis.barh(list(ladder), values)
    axis.set_title(title)
axes[0].set(xlim=(0, 1))
axes[0].invert_yaxis()
plt.show()
for name, (share, distance) in ladder.items():
    print(f"{name:22} {share:4.0%} are dinosaurs; Frechet distance {distance:5.1f}")

# %% [markdown]
# *Ten dinosaurs, and what becomes of their left halves in each of the four ways; then the measurements, real dinosaurs included.*
#
# Putting the guesses right makes the difference: the share of dinosaurs rises from next to none to more than half. More steps
# alone do not help; thinking again does. (A share of 96 drawings has a standard error of up to 5%.) Some of the halves drawn
# differ from the original ones, as they should: the left half does not tell everything.
#
# Is the known part really never wrong on the way? Without thinking again, that is easy to check. Watch what the denoiser is
# asked:

# %%
watched = Watched(denoiser)
sample_known(watched, pictures[:8], known, noise[:8], times=0, steps=24)
levels = torch.linspace(1, 0, 25)
off = [
    (asked - mix(pictures[:8], noise[:8], level))[..., :16].abs().max()
    for asked, level in zip(watched.pictures, levels, strict=False)
]
print(f"largest difference from the true pixels with their noise, in all 24 questions: {max(off):.1e}")

# %% [markdown]
# In the known part, each question is what `mix` would have made of the true picture at that level. That is no accident: chapter 4
# found that a step with the right guess is a mix. (Many programs do nearly the same to the *noisy* picture instead of the guess:
# they replace its known part by the true pixels with noise mixed in.)
#
# > **A common belief: "Then just put the clean pixels into the noisy picture."** Then it has no noise there, and the denoiser is
# > told a wrong level for that half. The drawings may still look good, so `check` looks at what the denoiser is asked.
#
# ## What it does not know
#
# About one drawing in five still leaves the recogniser unsure. Why, if every guess is put right? Go back to the towers of
# chapter 5, the world in which everything can be listed. Let the two rightmost columns be known. Then the best guess is **the
# mean of all towers that fit** both what is known and the noisy picture: the exact answer. What you use is something else: a
# guesser that looks at the noisy picture only (here, the perfect one stands in for your network), and whose guess is put right
# afterwards.
#
# > **Predict.** At level 1, the very first question: how much of the known part does the perfect guesser see?

# %%
two = torch.tensor([COLOURS["red"][0], COLOURS["blue"][0]]).view(2, 3, 1, 1) / 255
world = torch.ones(100, 3, 8, 8)
for tower, (upper, first, lower, second) in zip(world, product(range(5), (0, 1), range(5), (0, 1)), strict=True):
    tower[:, :4, upper : upper + 4] = two[first]
    tower[:, 4:, lower : lower + 4] = two[second]
right = torch.zeros(1, 1, 8, 8)
right[..., 6:] = 1

torch.manual_seed(0)
levels, apart, first = torch.tensor([1.0, 0.98, 0.95, 0.9, 0.85, 0.8, 0.7]), [], []
for level in levels:
    errors = []
    for tower in world:
        noisy = mix(tower, torch.rand_like(tower), level)
        fitting = world[((world - tower) * right == 0).flatten(1).all(dim=1)]
        truth = best_guess(noisy, level.item(), fitting)
        used = keep_known(best_guess(noisy, level.item(), world)[None], tower[None], right)[0]
        errors.append((used - truth).square().mean().sqrt())
        if level == 1:
            first.append((keep_known(torch.full((1, 3, 8, 8), 0.8), tower[None], right)[0], used, truth))
    apart.append(torch.stack(errors).mean().item())
some = [first[i] for i in (17, 36, 58, 83, 99)]
show(
    dict(
        zip(
            ("known", "the guess you use", "the exact answer"),
            (torch.stack(row) for row in zip(*some, strict=True)),
            strict=True,
        )
    ),
    size=0.9,
)
print(
    "typical difference: "
    + ", ".join(f"{value:.3f} at {level:g}" for level, value in zip(levels.tolist(), apart, strict=True))
)

# %% [markdown]
# *Five towers of which two columns are known, at level 1: the guess that you use, and the exact answer.*
#
# At level 1, the noisy picture *is* noise, so the guesser sees **nothing** of what is known: in the second row, the other six
# columns are the same for all. Putting the guess right afterwards tells the guesser nothing. It learns of the known part only
# from the next noisy picture, and there it is still faint. At lower levels, the guess and the exact answer agree; but by then,
# the noisy picture also shows the *rest*, as it has been drawn so far.
#
# So a lot is drawn before the known part can be seen, and that is probably what goes wrong with dinosaurs. Thinking again helps,
# and costs questions. The cure would be a network that sees the known part itself, clean, beside the noisy picture, and is
# trained that way.
#
# ## Both at once
#
# `sample_known` has a strength, too: below 1, the part to be redrawn begins as it is in the picture. Keep the feet, and redraw
# the rest:

# %%
feet = torch.zeros(1, 1, 32, 32)
feet[..., 21:, :] = 1
torch.manual_seed(0)
redrawn = {
    f"strength {strength}": sample_known(denoiser, pictures[:8], feet, noise[:8], strength).float()
    for strength in (0.8, 1.0)
}
show({"known": keep_known(grey[:8], pictures[:8], feet), "the whole picture": pictures[:8]} | redrawn, size=0.8)

# %% [markdown]
# *The lower third of eight dinosaurs is kept, and what is above it redrawn.*
#
# At 0.8, what stands on the feet stays much as it was. At 1, it may become another animal.
#
# ## What you have now
#
# - `begin_from`: any picture is a beginning, and one number says how much of it should stay.
# - `with_fresh_noise`: a guess is thought over again.
# - `keep_known` and `sample_known`: what is known stays, and the rest is drawn to match.
#
# They are the module `dino/editing.py`. In your terminal, `dino edit PICTURE` draws variations of any picture, and with `--keep
# MASK` it keeps the part that is white in another picture, the mask. All of this is standard in the field: *image to image* with
# its *denoising strength*, and *inpainting*, or *outpainting* if what is to be drawn lies beyond the edge.
#
# Every network that you train can do it, without learning anything new. Take one of your own, from chapter 6, and scribble for
# it. Only words are beyond it: for those, you train a network in chapter 8.
