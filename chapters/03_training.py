# %% [markdown]
# # Learning from questions
#
# *Train a diffusion model from scratch, on a laptop: the training step, a moving average of the weights (EMA), and the loss
# at each noise level.*
#
# You have questions (chapter 1) and a network to answer them (chapter 2), which gives everything the same answer. In this chapter
# it learns. At the end you train it for real, for a few minutes, and watch its guesses turn into dinosaurs.
#
# > **On your own code.** Earlier chapters' functions come from the lesson here. Begin the next cell with
# > `from dino.course import use_own; use_own()`, and the chapter uses those of your own answers that pass; it says which.

# %%
import copy
from collections.abc import Callable, Iterator
from itertools import islice

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dino.course import check, show
from dino.data import dinosaurs, load
from dino.denoiser import Denoiser, best_guess, in_bfloat16
from dino.noise import make_question, mix
from dino.saving import load_denoiser
from dino.training import Run, shaken

torch.manual_seed(0)
images = load(dinosaurs(2048))
held_out = load(dinosaurs(128, seed=1))  # never trained on

# %% [markdown]
# ## What is there to gain?
#
# The *loss* says how far off a guess is: the mean squared error over all pixels. Before you train anything, ask what a guesser
# would score that has learnt nothing, or knows only the mean of all pictures. If your network is still worse than that after
# training, it has a bug.

# %%
mean = images.mean(dim=0, keepdim=True)
noisy, level = make_question(held_out)
guesses = {
    "grey": torch.full_like(held_out, 0.5),
    "the noisy picture itself": noisy,
    "the mean of all pictures": mean.expand_as(held_out),
}
for name, guess in guesses.items():
    print(f"{name:26} {F.mse_loss(guess, held_out):.4f}")

# %% [markdown]
# > **Predict.** What would a *perfect* guesser score: 0?
#
# We have one: your `best_guess`, from chapter 2. Here it knows 512 pictures, and is asked about 16 of them.

# %%
for number in (1.0, 0.99, 0.98, 0.95, 0.9):
    noisy = mix(images[:16], torch.rand(16, 3, 32, 32), torch.tensor(number))
    best = torch.stack([best_guess(picture, number, images[:512]) for picture in noisy])
    print(f"level {number:4.2f}: {F.mse_loss(best, images[:16]):.4f}")

# %% [markdown]
# Not 0. At level 1 there is nothing to see, and the best guess is the mean of all pictures. It errs by about as much as in
# the first table. A little lower, a few pictures are still possible, and their mean is wrong by less. So the loss of a perfect
# guesser, averaged over all levels, is small, but it is not 0.

# %% [markdown]
# ## One step
#
# A network learns by small corrections. Ask it something; see how far off its guess is; work out, for each weight, how the
# error would change if the weight were a little larger (that is the *gradient*); and move all weights a little in the
# direction in which the error shrinks, which is the *optimizer's* job.
#
# In torch, these are three calls. Here they are with a single weight, 3, which should become 1:

# %%
weight = torch.tensor(3.0, requires_grad=True)
mover = torch.optim.SGD([weight], lr=0.1)  # moves by 0.1 times the gradient

loss = (weight - 1) ** 2
loss.backward()
print(f"after backward: the weight is {weight:.1f}, its gradient {weight.grad:.1f}")
mover.step()
print(f"after step: the weight is {weight:.1f}, its gradient {weight.grad:.1f}")
loss = (weight - 1) ** 2
loss.backward()
print(f"after another backward: its gradient is {weight.grad:.1f}")
mover.zero_grad()
print(f"after zero_grad: its gradient is {weight.grad}")

# %% [markdown]
# `backward` computes the gradient, and `step` follows it. But the second gradient should have been 2 · (2.6 - 1) = 3.2. It is
# 7.2, because torch *adds* each gradient to the one that is there already. `zero_grad` clears it.
#
# **Exercise: `training_step`** · 6 minutes · medium
#
# Why it matters: this is all the learning that there is. The rest of training is doing it a few thousand times.


# %% tags=["exercise"]
def training_step(denoiser: Callable, optimizer: torch.optim.Optimizer, clean: Tensor) -> float:
    """Let the denoiser answer one question, and change its weights so that it would answer it a little better.

    denoiser   takes noisy pictures and their levels, returns its guess at the clean pictures
    optimizer  changes the denoiser's weights, given their gradients
    clean      (batch, 3, height, width), in [0, 1]

    Returns the loss: the mean squared error of the guess, over all pixels and colours.
    """
    # Ask.
    # See how far the guess is from the truth.
    # Forget the gradients of the step before, work out those of this one, and follow them.
    raise NotImplementedError("training_step is yours to write")


# %%
check(training_step)

# %% [markdown]
# ## First test: a single picture
#
# Before you train on thousands of pictures, train on **one**. A network that cannot learn a single picture by heart will
# not learn anything else either, and you find that out in seconds.
#
# > **Predict.** With one picture, how low can the loss get, at *any* level, even at level 1?

# %%
torch.manual_seed(0)
small = Denoiser(widths=(16, 32, 32), depths=(1, 1, 1))
optimizer = torch.optim.AdamW(small.parameters(), lr=2e-3)
one = images[5:6].expand(8, -1, -1, -1)
losses = [training_step(small, optimizer, one) for _ in range(600)]
print("loss at steps 1, 150, 300, 600:", ", ".join(f"{losses[i]:.4f}" for i in (0, 149, 299, 599)))
with torch.no_grad():
    pure_noise = torch.rand(4, 3, 32, 32)
    show({"noise": pure_noise, "its guess": small(pure_noise, torch.ones(4, 1, 1, 1)), "picture": one[:4]})

# %% [markdown]
# *Four times pure noise, and the guesses of a network that has only ever seen one dinosaur. It does not need to look.*
#
# As low as you like: only one picture is possible, so there is nothing to be unsure of. The loss has fallen to less than a
# hundredth, and it was still falling. It passes the test: questions, network, loss and optimizer fit together.

# %% [markdown]
# ## Steadier than the last step
#
# Each step follows one batch of questions, some of them easy and some impossible, so the weights jitter around where they should
# be. If you stop, you stop at some random point of that jitter. The remedy is old and simple: keep a running **average** of the
# weights, and draw with that.
#
# Here is the idea with one number. A wanderer walks towards 1, but every step is shaken:

# %%
torch.manual_seed(1)
place, slow, fair = 0.0, 0.0, 0.0
path = []
for n in range(120):
    place += 0.1 * (1 - place) + 0.12 * torch.randn(()).item()
    slow = 0.95 * slow + 0.05 * place  # always keep 95%
    keep = min(0.95, n / 10)  # keep little at first
    fair = keep * fair + (1 - keep) * place
    path.append((place, slow, fair))
figure, axis = plt.subplots(figsize=(7, 2.6), layout="constrained")
for values, name in zip(
    zip(*path, strict=True), ["newest", "average, 95% from the start", "average with warm-up"], strict=True
):
    axis.plot(values, label=name, linewidth=1 if name == "newest" else 2)
axis.axhline(1, color="grey", linestyle=":")
axis.set(xlabel="update", ylabel="the number")
axis.legend()
plt.show()

# %% [markdown]
# *The newest value jitters; both averages are calmer. The one that keeps 95% from the start is held back for a long time by the
# useless beginning. With a warm-up (keep 0%, 10%, 20%, and so on up to 95%) it follows the newest value closely at first.*
#
# **Exercise: `update_average`** · 6 minutes · medium
#
# Why it matters: your drawings depend less on where you happened to stop.
#
# > **A common belief: "The average is a second model that is trained."** It is never asked a training question, and no
# > gradient ever reaches it. It only watches the weights go by.


# %% tags=["exercise"]
@torch.no_grad()
def update_average(average: nn.Module, denoiser: nn.Module, n: int) -> None:
    """Move an average of the denoiser's weights towards the weights that it has now (Polyak averaging).

    average   a copy of the denoiser, which this changes in place
    denoiser  the denoiser, which stays as it is
    n         how many updates there were before this one
    """
    # Keep little of the average at first, when it knows nothing: 0, 0.1, 0.2, and so on up to 0.95.
    # Mix each weight, in place.
    raise NotImplementedError("update_average is yours to write")


# %%
check(update_average)

# %% [markdown]
# ## A finer measure
#
# The loss of a step depends on its random levels, so it jumps about. The loss *at each level* tells more: how good are the
# guesses with little noise, and with much?
#
# **Exercise: `loss_by_level`** · 5 minutes · easy
#
# Why it matters: this is where you look when something is wrong. Chapter 6 uses it to diagnose faults.


# %% tags=["exercise"]
@torch.no_grad()
def loss_by_level(denoiser: Callable, clean: Tensor, levels: Tensor) -> Tensor:
    """Measure the denoiser's mean squared error at each of some levels, with fresh noise.

    denoiser  takes noisy pictures and their levels, returns its guess at the clean pictures
    clean     (batch, 3, height, width), in [0, 1]
    levels    (count,), in [0, 1]

    Returns the losses, (count,).
    """
    # Mix noise into all pictures at this one level.
    # See how far the guess is from the truth.
    raise NotImplementedError("loss_by_level is yours to write")


# %%
check(loss_by_level)

# %% [markdown]
# Now you can see what the average is good for. Take the network that comes with the course, `load_denoiser()`, which was trained
# for a long time with the very same code (`dino/weights/README.md` says how). Train it further, with large steps that never get
# smaller. What happens to its loss, and to that of the average?

# %%
torch.manual_seed(0)
newest = load_denoiser()
average = copy.deepcopy(newest)
optimizer = torch.optim.AdamW(newest.parameters(), lr=1.5e-3)
few_levels = torch.linspace(0.2, 1, 5)
jitter = {"newest weights": [], "their average": []}


def measure() -> None:
    for name, network in (("newest weights", newest), ("their average", average)):
        with torch.random.fork_rng():
            torch.manual_seed(0)  # the same noise for both, at all times
            jitter[name].append(loss_by_level(network, held_out[:24], few_levels).mean().item())


measure()
for n in range(120):
    training_step(in_bfloat16(newest, images.device), optimizer, images[torch.randint(len(images), (16,))])
    if n % 10 == 0:
        update_average(average, newest, n // 10)
        measure()
figure, axis = plt.subplots(figsize=(7, 2.6), layout="constrained")
for name, values in jitter.items():
    axis.plot([0, *range(1, 121, 10)], values, marker=".", label=name)
axis.set(xlabel="step", ylabel="loss, held-out pictures")
axis.legend()
plt.show()

# %% [markdown]
# *The first large step throws both back. From there, the loss of the newest weights falls again and then jumps about. That of
# their average, which has seen the very same steps, is lower and calmer.*
#
# ## Train for real
#
# Here is the loop. It is given, because it only puts your pieces together: your `training_step`, and your `update_average` after
# every tenth step. It *yields* the loss of each step, so that its caller can plot or stop. Four things in it are new:
#
# - Half of the pictures are **flipped**, at random, so that most dinosaurs are seen facing both ways. (Do not do this with
#   pictures of text.)
# - The **learning rate**, how far each step moves the weights, rises for 200 steps, for a gentle start (*warm-up*), and falls to
#   0 towards the end, to let the jitter die down.
# - The noisy pictures are **a little off**: `shaken` moves each number by up to 0.5 either way, with the level unchanged. When
#   the network draws, the picture will contain its own small mistakes, and it has to cope with them.
# - Every step has **random numbers of its own**: it seeds the random generator, so that a run can be repeated, or resumed as if
#   it had never stopped.
#
# `Run` holds what has to be remembered from step to step: the denoiser, the average of its weights, the optimizer and the number
# of steps taken. (The optimizer first *clips* very large gradients, as [Pascanu et al.](https://arxiv.org/abs/1211.5063) advise.)
# With `in_bfloat16`, a processor that is made for it calculates with half as many bits, which is faster.

# %%


def train(
    run: Run, images: Tensor, steps: int, batch: int = 16, rate: float = 1.5e-3, seed: int = 0, flip: bool = True,
    ask: Callable = shaken,
) -> Iterator[float]:  # fmt: skip
    """Train until `steps` steps were taken, and yield the loss of each: a loop over it can plot, save or stop.

    run           what is trained; steps that it has taken already are not taken again
    images        (count, 3, height, width), in [0, 1], on the device of the run's denoiser
    steps, batch  how many steps the whole run has, and how many pictures are in one question
    rate          the learning rate, apart from its rise in the first 200 steps and its fall to 0 over the whole run
    seed          every step has random numbers of its own, which depend on the seed and on its number alone
    flip          turn half of the pictures to face the other way; not for text, or anything else with a left and a right
    ask           wraps the denoiser before it is asked
    """
    for n in range(run.taken, steps):
        # Learn in large strides, but gently at first, and in ever smaller strides towards the end.
        run.optimizer.param_groups[0]["lr"] = rate * min(1, (n + 1) / 200) * (1 - n / steps)
        with torch.random.fork_rng([images.device] if images.device.type == "cuda" else []):
            torch.manual_seed(seed * 1_000_000_007 + n)
            # Pick some pictures, and turn half of them round.
            clean = images[torch.randint(len(images), (batch,))]
            clean = torch.where(flip & (torch.rand(batch, 1, 1, 1, device=clean.device) < 0.5), clean.flip(3), clean)
            loss = training_step(ask(in_bfloat16(run.denoiser, clean.device)), run.optimizer, clean)
        if n % 10 == 0:
            update_average(run.average, run.denoiser, n // 10)
        run.taken = n + 1
        yield loss


# %% [markdown]
# Off we go: 800 steps, the first half now. We keep some guesses on the way, to look at later.

# %%
torch.manual_seed(0)
run = Run(Denoiser())
training = train(run, images, steps=800)
test = mix(held_out[:6], torch.rand(6, 3, 32, 32), torch.full((6, 1, 1, 1), 0.7))
losses, guesses = [], {}


def go_on(steps: int) -> None:
    for loss in islice(training, steps):
        losses.append(loss)
        if run.taken in (1, 25, 50, 100, 200, 400, 800):
            with torch.no_grad():
                guesses[f"step {run.taken}"] = run.denoiser(test, torch.full((6, 1, 1, 1), 0.7))


go_on(400)
print(f"mean loss of the first 20 steps {sum(losses[:20]) / 20:.4f}, of the last 20 {sum(losses[-20:]) / 20:.4f}")

# %% [markdown]
# And the second half. Then we look at its guesses.
#
# > **Predict.** What has been learnt first: colours, outlines, or eyes?

# %%
go_on(400)
print(f"mean loss of the last 20 steps {sum(losses[-20:]) / 20:.4f}")
show({"question": test, **guesses, "answer": held_out[:6]})

# %% [markdown]
# *Six dinosaurs that it has never seen, at level 0.7, and its guesses as it learns, from top to bottom. First comes one
# blur for all, then a brown shape where the animal is, then colours, and the outline grows sharper all the time.*
#
# So outlines begin before colours. For eyes and mouths, it is too early.

# %%
figure, axis = plt.subplots(figsize=(7, 2.6), layout="constrained")
axis.plot(losses, linewidth=0.5, color="lightgrey", label="each step")
smooth = torch.tensor(losses).unfold(0, 40, 1).mean(dim=1)
axis.plot(range(20, 20 + len(smooth)), smooth, label="mean of 40 steps")
axis.axhline(
    F.mse_loss(mean.expand_as(held_out), held_out), color="grey", linestyle=":", label="the mean of all pictures"
)
axis.set(xlabel="step", ylabel="loss", yscale="log")
axis.legend()
plt.show()

# %% [markdown]
# *The loss, on a logarithmic scale. It dives below what the mean of all pictures would score, and then falls slowly. Single steps
# jump up and down by a factor of two and more: some batches get harder levels than others.*
#
# > **A common belief: "The curve is flat, so training is over."** In the second half, the loss falls only a little; but compare
# > the guesses at steps 400 and 800 above. That is why we look at pictures, and at levels one by one.

# %% [markdown]
# ## Level by level
#
# Now use your instrument: on the untrained network, on yours, on the average of its weights, and on the one that was trained
# for long.

# %%
levels = torch.linspace(0.05, 1, 12)
torch.manual_seed(0)
candidates = {
    "untrained": Denoiser(),
    "yours": run.denoiser,
    "your average": run.average,
    "trained for long": load_denoiser(),
}
curves = {}
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
for name, denoiser in candidates.items():
    torch.manual_seed(1)
    curves[name] = curve = loss_by_level(denoiser, held_out[:48], levels)
    axis.plot(levels, curve, marker=".", label=name)
    print(
        f"{name:17} mean over levels {curve.mean():.4f}; at level {levels[5]:.2f}: {curve[5]:.4f}; at level 1: {curve[-1]:.4f}"
    )
floor = F.mse_loss(mean.expand(48, -1, -1, -1), held_out[:48])
axis.axhline(floor, color="grey", linestyle=":", label="the mean of all pictures")
axis.set(xlabel="level", ylabel="loss", yscale="log")
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plt.show()

# %% [markdown]
# *Loss on held-out pictures. All trained networks meet at level 1, near the dotted line: there, no guess can be expected to do
# better than the mean of all pictures. The lower the level, the more there is to see, and the smaller the loss.*
#
# Look where the curves differ most, and where they do not. At level 1, long training gains next to nothing; at the low and
# middle levels, it divides the loss by about four.
#
# And look at your average: it is *behind* the newest weights! It looks back over some 200 steps, and in a run of 800, the network
# was probably worse 200 steps ago; and with steps that get ever smaller, there should be little jitter left to average out. The
# average pays off while the steps are still large, as in the experiment above.
#
# > **A common belief: "Lower loss means better pictures."** The loss is an average over levels, and the eye does not average over
# > levels. Chapter 4 draws, so that you can judge, and chapter 5 measures drawings themselves.
#
# <!-- live: dino-noise guess | What long training buys: the network that comes with the course, at any level. -->

# %% [markdown]
# ## What you have now
#
# - `training_step`, which is all the learning there is; `update_average`, which calms it; `loss_by_level`, which tells you
#   how it is going.
# - A denoiser of your own, trained by your own code for a few minutes.
#
# They are the module `dino/training.py`. In a terminal, `dino train` runs the same loop for longer, with a progress bar, a
# sheet of samples every now and then, and checkpoints: you can stop it at any time, and go on later.
#
# Next: it can guess. How does a guesser *draw*?
