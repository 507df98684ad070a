# %% [markdown]
# # The same thing in other words
#
# *DDPM, DDIM, flow matching, DPM-Solver and EDM in a few lines of PyTorch: predict the image, the noise or the velocity, and
# convert one into another.*
#
# You have built a diffusion model, and now you open a paper. It does not speak of levels, but of a *timestep*, an *alpha bar* and
# a *schedule*. The network predicts *noise*, or a *velocity*. The sampler solves a *differential equation*. Have you learnt
# something else?
#
# No. In this chapter you translate: DDPM, DDIM, flow matching, DPM-Solver and EDM, each into lines that you have written. And
# each translation is put to the test: the same numbers have to come out.
#
# > **On your own code.** Earlier chapters' functions come from the lesson here. Begin the next cell with
# > `from dino.course import use_own; use_own()`, and the chapter uses those of your own answers that pass; it says which.

# %%
from collections.abc import Callable
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor

from dino.course import check, show
from dino.data import dinosaurs, load
from dino.denoiser import Denoiser, in_bfloat16
from dino.equivalence import Multistep
from dino.evaluation import frechet_distance
from dino.noise import mix, random_levels
from dino.recogniser import load_recogniser
from dino.sampling import sample, step
from dino.saving import load_denoiser

images, small = load(dinosaurs(256)), load(dinosaurs(2048, size=16), size=16)

# %% [markdown]
# ## Predict something else
#
# Since [DDPM](https://arxiv.org/abs/2006.11239), most papers have the network predict the noise, not the clean picture. Newer
# ones predict the noise *minus* the clean picture, and call it velocity. That looks like another model. Chapter 2 has shown that
# each can be worked out from the others, and at which levels that makes errors grow. Now train all three: the same small network,
# the same questions, and three different answers to learn.
#
# To draw, our sampler needs a guess at the clean picture. It can be worked out from each of the three, because we know how they
# were mixed: `noisy = (1 - level) * clean + level * noise`.
#
# > **Predict.** Does it matter which one the network learns?

# %%
to_clean = {
    "clean picture": lambda _noisy, clean, _level: clean,
    "velocity": lambda noisy, velocity, level: noisy - level * velocity,
    # At level 1, this would divide by 0.
    "noise": lambda noisy, noise, level: (noisy - level * noise) / (1 - level).clamp(min=0.02),
}


def learn_to_predict(name: str, steps: int = 300) -> Callable:
    torch.manual_seed(0)
    network = Denoiser((32, 64, 64), (1, 1, 1)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1.5e-3, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.5e-3, total_steps=steps)
    for _ in range(steps):
        clean = small[torch.randint(len(small), (16,))]
        noise, level = torch.rand_like(clean), random_levels(clean)
        target = {"clean picture": clean, "velocity": noise - clean, "noise": noise}[name]
        loss = F.mse_loss(network(mix(clean, noise, level), level), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return lambda noisy, level: to_clean[name](noisy, network(noisy, level), level)


guessers = {name: learn_to_predict(name) for name in to_clean}
start = torch.rand(64, 3, 16, 16, generator=torch.Generator().manual_seed(0))
drawn = {f"learns the {name}": sample(guess, start, 16, stretch=1) for name, guess in guessers.items()}
show({name: pictures[:8] for name, pictures in drawn.items()}, size=1)

# %% [markdown]
# *Three networks of the same size, after the same 300 steps, drawing from the same noise.*
#
# It does matter, at least here and after so few steps. The first draws something like dinosaurs; the second is grainy, and the
# third is lost in glaring colours. Where does that come from? Ask each about pictures at several levels, and see how far its
# guess at the clean picture is from the truth:

# %%
levels = torch.tensor([0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.98])
errors = {}
torch.manual_seed(1)
with torch.no_grad():
    for name, guess in guessers.items():
        same = [level.expand(128, 1, 1, 1) for level in levels]
        noisy = [mix(small[:128], torch.rand(128, 3, 16, 16), level) for level in same]
        errors[name] = [F.mse_loss(guess(x, level), small[:128]).item() for x, level in zip(noisy, same, strict=True)]
figure, axis = plt.subplots(figsize=(5, 2.8), layout="constrained")
for name, error in errors.items():
    axis.plot(levels, error, marker="o", label=f"learns the {name}")
axis.set(xlabel="level", ylabel="error of its guess", yscale="log")
axis.legend()
plt.show()

# %% [markdown]
# *The mean squared error of the guess at the clean picture, worked out from each network's answer.*
#
# Where there is little noise, the network that learns the noise makes the *best* guess. Where there is much, it is far off: a
# small mistake about the noise becomes a large one about the picture, because it is divided by `1 - level`, which is nearly 0
# there. And that is where a drawing begins. So all three are one model in three units, but what counts as a small mistake differs
# between them. And a network that predicts the noise has to carry all of it through to its output, while one that predicts the
# picture may drop it.
#
# > **An aside: who predicts what.** The authors of DDPM found noise to be best among what they tried, and it draws well, given a
# > larger network, long training, and a sampler that clips its guesses. [Salimans and Ho](https://arxiv.org/abs/2202.00512) found
# > that predicting noise breaks down when a model is distilled to few steps, and proposed velocities (with other shares than
# > here). [Li and He](https://arxiv.org/abs/2511.13720) argue for predicting the clean picture (with its loss weighted as if it
# > predicted the velocity): real pictures are a tiny part of all possible ones, noise can be anything, and a network has an
# > easier time with the simpler target.
#
# From here on, we use a single network, the one that comes with the course. It guesses clean pictures; all else is translation.
#
# ## The noise
#
# **Exercise: `noise_of`** · 5 minutes · easy
#
# Why it matters: this is the ε of nearly every paper, worked out from what your network says.


# %% tags=["exercise"]
def noise_of(noisy: Tensor, guess: Tensor, level: Tensor) -> Tensor:
    """The noise that was mixed in, if the guess is right: what networks predict in DDPM (Ho et al., arXiv 2006.11239).

    noisy  (batch, 3, height, width)
    guess  (batch, 3, height, width), at the clean picture
    level  (batch, 1, 1, 1), in (0, 1]

    Returns the noise, (batch, 3, height, width): mixed into the guess, it gives the noisy picture.
    """
    # Subtract the guess, scaled by its share. What is left is the noise, scaled by its own.
    raise NotImplementedError("noise_of is yours to write")


# %%
check(noise_of)

# %% [markdown]
# (With Gaussian noise, this is also the *score* of [score-based models](https://arxiv.org/abs/2011.13456), except for sign and
# scale.)
#
# So a loss on the noise is a loss on the picture with a different weight for each level. Measure it on the course's network:

# %%
denoiser = load_denoiser().to(memory_format=torch.channels_last)
torch.manual_seed(0)
weights = {}
with torch.no_grad():
    for level in (0.2, 0.5, 0.8):
        noise, same = torch.rand_like(images[:64]), torch.full((64, 1, 1, 1), level)
        noisy = mix(images[:64], noise, same)
        guess = denoiser(noisy, same)
        weights[level] = (F.mse_loss(noise_of(noisy, guess, same), noise) / F.mse_loss(guess, images[:64])).item()
        print(f"level {level}: the loss on the noise is {weights[level]:.4f} times that on the picture")

# %% [markdown]
# The factor is `((1 - level) / level) ** 2`: 16, then 1, then 1/16. DDPM's "simple" loss is ours with that weight (and with
# levels that its schedule chooses). It counts mistakes at low levels most, where they can hardly be seen.
#
# ## The velocity
#
# Think of the level as time. While noise is mixed into a picture, each pixel moves in a straight line from its clean value to its
# noise value. The velocity is how far it moves in one unit of time. When we draw, the clean picture is not known, only guessed.
# The guess changes on the way, and the velocity with it: that is why drawing takes more than one step. **Flow matching** and
# **rectified flow** train a network to predict this velocity, and draw by following it backwards.
#
# **Exercise: `velocity_of`** · 4 minutes · easy
#
# Why it matters: it turns the sampler into an ordinary differential equation, `d noisy / d level = velocity`, and people have had
# methods to solve those for 250 years.


# %% tags=["exercise"]
def velocity_of(noisy: Tensor, guess: Tensor, level: Tensor) -> Tensor:
    """How much the noisy picture changes for each unit of the level: what networks predict in flow matching.

    As in Lipman et al. (arXiv 2210.02747) and Liu et al. (arXiv 2209.03003); their time runs the other way, so their sign does, too.

    noisy  (batch, 3, height, width)
    guess  (batch, 3, height, width), at the clean picture
    level  (batch, 1, 1, 1), in (0, 1]

    Returns the velocity, (batch, 3, height, width): the noise minus the clean picture, if the guess is right.
    """
    # From the guess, at level 0, it has come all the way to the noisy picture, at `level`.
    raise NotImplementedError("velocity_of is yours to write")


# %%
check(velocity_of)

# %% [markdown]
# > **Predict.** Euler's method is the oldest: go straight on for a while with the velocity that you have, then work it out again.
# > How does a step of it differ from your `step` of chapter 4?

# %%
torch.manual_seed(0)
noisy, guess = torch.rand(2, 2, 3, 8, 8, dtype=torch.float64)
now, next = (torch.full((2, 1, 1, 1), level, dtype=torch.float64) for level in (0.7, 0.4))
euler = noisy + (next - now) * velocity_of(noisy, guess, now)
difference = (euler - step(noisy, guess, now, next)).abs().max().item()
print(f"largest difference: {difference:.0e}")

# %% [markdown]
# Not at all. Mixing a guess in and taking an Euler step along the velocity are the same formula, rearranged.
#
# ## DDPM's scale
#
# DDPM mixes with other shares. In ours they add up to 1. In DDPM, their *squares* do: `√ᾱ * clean + √(1 - ᾱ) * noise`. At each
# level, the two differ only by a factor: divide by it, and one becomes the other.
#
# **Exercise: `to_ddpm`** · 6 minutes · medium
#
# Why it matters: it tells you which of your levels belongs to which timestep, for any schedule of DDPM.


# %% tags=["exercise"]
def to_ddpm(noisy: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """Rescale noisy pictures so that not the shares of picture and noise add up to 1, but their squares, as in DDPM.

    noisy  (batch, 3, height, width)
    level  (batch, 1, 1, 1), in [0, 1]

    Returns the rescaled pictures, (batch, 3, height, width), and alpha bar, the square of the share that the clean
    picture has in them, (batch, 1, 1, 1): 1 for clean pictures, 0 for noise.
    """
    # The shares were 1 - level and level. Divide both by the root of the sum of their squares.
    raise NotImplementedError("to_ddpm is yours to write")


# %%
check(to_ddpm)

# %% [markdown]
# A schedule is a list of alpha bars, one for each timestep; so it is nothing but a list of levels. This is where the thousand
# timesteps of DDPM lie, and those of a popular later schedule:

# %%
linear = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), dim=0)
cosine = torch.cos((torch.arange(1, 1001) / 1000 + 0.008) / 1.008 * torch.pi / 2) ** 2
timesteps = {"linear (DDPM)": linear, "cosine": cosine}
at_level = {name: (1 - bar).sqrt() / (bar.sqrt() + (1 - bar).sqrt()) for name, bar in timesteps.items()}
figure, axis = plt.subplots(figsize=(5, 2.8), layout="constrained")
for name, level in at_level.items():
    axis.plot(torch.arange(1, 1001), level, label=name)
axis.plot([0, 1000], [0, 1], color="gray", linestyle="--", label="evenly, as here")
axis.set(xlabel="timestep", ylabel="level")
axis.legend()
plt.show()

# %% [markdown]
# *Timesteps of two schedules as levels, from `level = √(1 - ᾱ) / (√ᾱ + √(1 - ᾱ))`.*
#
# DDPM's first schedule spends a third of its timesteps above level 0.9. The cosine schedule ([Nichol and
# Dhariwal](https://arxiv.org/abs/2102.09672)) was made because many of those did little, and it comes close to levels that rise
# evenly, like ours.
#
# (DDPM's noise is Gaussian with spread 1, and its pictures lie between -1 and 1. That makes no difference to the shares; but
# relative to the range of the pictures, that noise is √3 times as wide as ours.)
#
# ## One noise, five names, one picture
#
# Now draw one picture by five methods, each in its own units. All ask the same network at the same twelve levels, and treat the
# noise as a picture at level 0.99. (At 1, EDM's sigma, `level / (1 - level)`, would be infinite. EDM itself begins at sigma 80,
# which is level 0.988.)

# %%
exact, noise = load_denoiser().double(), torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(3)).double()


def flow(x: Tensor, guess: Tensor, now: Tensor, next: Tensor) -> Tensor:
    return x + (next - now) * velocity_of(x, guess, now)


def ddim(x: Tensor, guess: Tensor, now: Tensor, next: Tensor) -> Tensor:
    # √ᾱ' * guess + √(1 - ᾱ') * ε, and then back to our scale.
    bar = to_ddpm(x, next)[1]
    return (bar.sqrt() * guess + (1 - bar).sqrt() * noise_of(x, guess, now)) / (bar.sqrt() + (1 - bar).sqrt())


def edm(x: Tensor, guess: Tensor, now: Tensor, next: Tensor) -> Tensor:
    # Noise is added on top of z, sigma times: dz / d sigma = (z - guess) / sigma.
    z, sigma, next_sigma = x / (1 - now), now / (1 - now), next / (1 - next)
    return (z + (next_sigma - sigma) * (z - guess) / sigma) * (1 - next)


def dpm_solver(x: Tensor, guess: Tensor, now: Tensor, next: Tensor) -> Tensor:
    # b' / b * y - a' * (exp(-h) - 1) * guess, where a is √ᾱ, b is √(1 - ᾱ), and h is the step of log(a / b).
    (y, bar), (_, next_bar) = to_ddpm(x, now), to_ddpm(x, next)
    h = (next_bar / (1 - next_bar)).log() / 2 - (bar / (1 - bar)).log() / 2
    y = ((1 - next_bar) / (1 - bar)).sqrt() * y - next_bar.sqrt() * torch.expm1(-h) * guess
    return y / (next_bar.sqrt() + (1 - next_bar).sqrt())


methods = {
    "mix guesses in": step,
    "flow matching, Euler": flow,
    "DDIM": ddim,
    "EDM, Euler": edm,
    "DPM-Solver++, first order": dpm_solver,
}
pictures, stops = {}, torch.linspace(0.99, 0, 13, dtype=torch.float64).view(-1, 1, 1, 1, 1).expand(-1, 6, 1, 1, 1)
with torch.no_grad():
    for name, method in methods.items():
        x = noise
        for now, next in pairwise(stops):
            x = method(x, exact(x, now), now, next)
        pictures[name] = x
show({name: x.float().clamp(0, 1) for name, x in pictures.items()}, size=1)
apart = {name: (x - pictures["mix guesses in"]).abs().max().item() for name, x in pictures.items()}
print("largest difference from the first row:", ", ".join(f"{value:.0e}" for value in apart.values()))

# %% [markdown]
# *Six dinosaurs, each drawn five times from the same noise: by mixing guesses in, and by four methods with famous names.*
#
# The same pictures, to twelve digits. ([DDIM](https://arxiv.org/abs/2010.02502) is DDPM's sampler without fresh noise, which
# papers write as η = 0; with fresh noise, no two drawings would be the same. [EDM](https://arxiv.org/abs/2206.00364) and
# DPM-Solver stop at our levels here rather than at their own.)
#
# > **A common belief: "DDIM, flow matching and score-based models are different kinds of models."** They differ in their units,
# > in the levels at which they stop, in how they weight the loss, and sometimes in the noise. Given the same network and the same
# > levels, their simplest samplers draw the very same picture.
#
# ## The riddle of chapter 4
#
# Chapter 4 left a riddle: why stretch by 2, when theory says 1.5? Here is the theory. **DPM-Solver++(2M)** is the sampler that
# many programs offer. (2 is for second order, M for *multistep*: it remembers one guess.) It measures steps not by the level but
# by the *logarithm* of `(1 - level) / level`, which is half of what papers call log-SNR, and goes to infinity at both ends.
#
# Remember chapter 4: the guess is `previous + stretch * (raw - previous)`, and a stretch of 1.5 continues its last change for
# **half** of the next step, if that is as long as the step before. If it is longer or shorter, then half of it is another
# fraction of the step before, and the stretch changes accordingly. That is all.
#
# **Exercise: `stretch_of`** · 8 minutes · hard
#
# Why it matters: it is the one thing that DPM-Solver++(2M) does and `sample` does not.


# %% tags=["exercise"]
def stretch_of(before: Tensor, now: Tensor, next: Tensor) -> Tensor:
    """The stretch for one step that turns `sample` into DPM-Solver++(2M) (Lu et al., arXiv 2211.01095).

    before  the level of the guess before, in (0, 1]; a tensor of any shape, like the others
    now     the level of the picture, below `before`
    next    the level to go to, above 0 and below `now`

    Returns the stretch, in the shape of the levels: 1 if `before` is 1.
    """
    # The solver measures its steps by the logarithm of how much picture there is to the noise.
    # Let the guess change on for half of the step to come, at the rate of the step before.
    raise NotImplementedError("stretch_of is yours to write")


# %%
check(stretch_of)

# %%
even = torch.linspace(1, 0, 13)
in_log = torch.sigmoid(torch.linspace(4, -4, 13))
for name, stops in (("levels fall evenly", even[:-1]), ("the logarithm rises evenly", in_log)):
    stretches = stretch_of(stops[:-2], stops[1:-1], stops[2:])
    print(f"{name}:", ", ".join(f"{stretch:.2f}" for stretch in stretches))

# %% [markdown]
# There is the 1.5: exactly that, whenever steps are even in the logarithm. When they are even in the level, as ours are, the
# stretch begins at 1, is 1.5 in the middle, and grows to nearly 1.8 at the end.
#
# `sample` has one stretch for all steps. How do we give it another for each? As we gave it the prompt: by a callable in the
# denoiser's place. `Multistep(denoiser)` remembers its last guess and level, and returns a guess that is stretched already; so we
# call `sample` with a stretch of 1.
#
# One more candidate, of another kind. The methods so far remember a guess, or nothing. **Heun's method** asks twice instead: it
# takes a step, looks at what the velocity is *there*, and then takes the step again, with the mean of the two velocities.
#
# **Exercise: `heun`** · 8 minutes · hard
#
# Why it matters: EDM draws with it (in units of its own), and it is of second order without remembering anything.


# %% tags=["exercise"]
def heun(denoiser: Callable, noisy: Tensor, now: Tensor, next: Tensor) -> Tensor:
    """Take a step by Heun's method, which asks twice: here, and where the step would lead (Karras et al., arXiv 2206.00364).

    denoiser  takes noisy pictures and their levels, returns its guess at the clean pictures
    noisy     (batch, 3, height, width)
    now       (batch, 1, 1, 1), how noisy the pictures are, in (0, 1]
    next      (batch, 1, 1, 1), the level to go to, the same for all pictures, below `now`; at 0, it asks only once

    Returns the pictures at level `next`, (batch, 3, height, width).
    """
    # Take the step with the velocity that there is now.
    # See what the velocity is there, and take the step anew with the mean of the two.
    raise NotImplementedError("heun is yours to write")


# %%
check(heun)

# %% [markdown]
# Let all of them draw from the same noise, with the same number of *calls* of the network: that is what drawing costs. (Heun's
# method gets 7 and 15 calls: two for each step, one for the last.) All stop at evenly falling levels here; at their own, some may
# do better.
#
# Measure two things. How far are drawings from real dinosaurs? And how far from the drawings that the network makes in 64 small
# steps?
#
# > **Predict.** Which comes first with 8 calls? And which comes last?

# %%
recogniser, quick = load_recogniser(), in_bfloat16(denoiser, torch.device("cpu"))
fresh = recogniser.features(load(dinosaurs(1024, seed=1)))
many = torch.rand(128, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def sample_heun(guess: Callable, x: Tensor, calls: int) -> Tensor:
    for now, next in pairwise(torch.linspace(1, 0, (calls + 1) // 2 + 1)):
        x = heun(guess, x, now.expand(len(x), 1, 1, 1), next.expand(len(x), 1, 1, 1))
    return x.clamp(0, 1)


samplers = {f"stretch {stretch}": lambda calls, s=stretch: sample(quick, many, calls, s) for stretch in (1.0, 1.5, 2.0)}
samplers |= {
    "DPM-Solver++(2M)": lambda calls: sample(Multistep(quick), many, calls, stretch=1),
    "Heun": lambda calls: sample_heun(quick, many, calls),
}
end = sample(quick, many, 64, 1.5).float()
with_calls = {name: {calls: draw(calls).float() for calls in (8, 16)} for name, draw in samplers.items()}
distance, astray = {}, {}
print(f"{'calls':16}", "   8   16    8   16")
for name, drawings in with_calls.items():
    distance[name] = [frechet_distance(recogniser.features(x), fresh) for x in drawings.values()]
    astray[name] = [(x - end).square().mean(dim=(1, 2, 3)).sqrt().mean().item() for x in drawings.values()]
    print(f"{name:16}" + "{:5.1f}{:5.1f}{:5.2f}{:5.2f}".format(*distance[name], *astray[name]))
show({name: drawings[8][:8] for name, drawings in with_calls.items()} | {"64 small steps": end[:8]}, size=1)

# %% [markdown]
# *The first eight drawings of each with eight calls, and in the last row, with 64. Above: Frechet distances of 128 drawings from
# real ones (of more drawings, they would be smaller), then root mean squared differences from the drawings in 64 small steps.*
#
# All methods that stretch draw better than a stretch of 1, as theory says. But a stretch of 2 is best in every column, and Heun's
# method is last. So a stretch of 2 is not a mistake that happens to look good: with few steps, it also comes nearest to where
# small steps lead. Theory speaks of *small* steps: halve them, and the error of a second-order method becomes four times smaller.
# Eight steps are not small ones, and nearly everything is decided in the first few, as in chapter 4. By then, Heun's method has
# taken half as many steps as the others, and DPM-Solver++(2M) has hardly stretched: its list of stretches, above, begins with 1.
# That is half of the riddle's answer. Why the guess changes so quickly at the beginning that even 1.5 is too little, we do not
# know.
#
# (All of that is about one small network. Measure yours.)
#
# ## What noise does it see?
#
# One difference is left. Papers use Gaussian noise; ours is uniform. Does the network notice? Draw from other noises with the
# same mean and the same spread, and from one that is 3.5 times as wide:

# %%
torch.manual_seed(0)
shape, spread = (128, 3, 32, 32), 12**-0.5
noises = {
    "uniform": torch.rand(shape),
    "Gaussian": 0.5 + spread * torch.randn(shape),
    "two values": 0.5 + spread * (torch.randint(2, shape) * 2 - 1),
    "Gaussian, spread 1": 0.5 + torch.randn(shape),
}
from_noise = {name: sample(quick, noise, 16).float() for name, noise in noises.items()}
show({name: x[:8] for name, x in from_noise.items()}, size=1)
off = {name: frechet_distance(recogniser.features(x), fresh) for name, x in from_noise.items()}
print("Frechet distances of 128:", ", ".join(f"{name} {value:.1f}" for name, value in off.items()))

# %% [markdown]
# *What the same network draws from its own noise, and from three that it has never seen.*
#
# Gaussian noise is nearly as good as its own, and all of them give dinosaurs, if less good ones. A convolution adds up many
# pixels, and a sum of many tells little of what each was like. (And in training it was *shaken*: its pictures had a little more
# noise than the level said.) So uniform noise does not make another kind of model. What we gain by it is chapter 2, where the
# best guess is a plain mean.
#
# > **An aside: in one call.** All of this needs several calls. Here are four ideas for drawing with one or two, each with
# > training of its own: [reflow](https://arxiv.org/abs/2209.03003), which trains on pairs of a noise and the picture drawn from
# > it, so that paths become straight; [consistency models](https://arxiv.org/abs/2303.01469), which learn to give the same answer
# > all along a path; [shortcut models](https://arxiv.org/abs/2410.12557), which are told how long the step is; and
# > [MeanFlow](https://arxiv.org/abs/2505.13447), which learns the mean velocity over a step. None of them is a translation of
# > what you have, so none is in this chapter.
#
# ## How to read a paper now
#
# | the paper says | where | you say |
# |---|---|---|
# | `x_t = √ᾱ_t x_0 + √(1 - ᾱ_t) ε` | [DDPM](https://arxiv.org/abs/2006.11239), forward process | `mix(clean, noise, level)`, then `to_ddpm` |
# | <code>&#124;&#124;ε - ε_θ(x_t, t)&#124;&#124;²</code> | DDPM, simple loss | `training_step`, each level weighted by `((1 - level) / level) ** 2` |
# | `x_{t-1} = √ᾱ_{t-1} x̂_0 + √(1 - ᾱ_{t-1}) ε_θ` | [DDIM](https://arxiv.org/abs/2010.02502), η = 0 | `step(noisy, guess, now, next)`, in DDPM's scale |
# | <code>&#124;&#124;v_θ(x_t, t) - (x_1 - x_0)&#124;&#124;²</code> | [flow matching](https://arxiv.org/abs/2210.02747), where x_0 is the noise and t is 1 - level | `training_step`, each level weighted by `1 / level ** 2`; v is `-velocity_of(noisy, guess, level)` |
# | `dz / dsigma = (z - D(z; sigma)) / sigma` | [EDM](https://arxiv.org/abs/2206.00364) | the same `step`: z is `noisy / (1 - level)`, and sigma is `level / (1 - level)` |
# | `ε̃ = (1 + w) ε_θ(z, c) - w ε_θ(z)` | [classifier-free guidance](https://arxiv.org/abs/2207.12598) | `guide(told, free, guidance)` with guidance `1 + w` |
#
# When you open a paper, ask four questions, and you will know what it does: what is mixed, and with which shares? What does the
# network predict, and how is its loss weighted? Which levels does it learn from? At which levels does it stop to draw, and how
# does it go from one to the next?
#
# ## What you have now
#
# - `noise_of` and `velocity_of`: what other networks predict, worked out from what yours predicts.
# - `to_ddpm`: pictures and levels in DDPM's units, and schedules as lists of levels.
# - `stretch_of`: DPM-Solver++(2M), in one line.
# - `heun`: a step that looks twice, and why that is not always worth it.
#
# They are the module `dino/equivalence.py`. On the page about [diffusers](../diffusers.md), your network draws with the
# schedulers of the field's standard library, and a network from that library draws with your `sample`.
