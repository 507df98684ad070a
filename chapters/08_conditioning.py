# %% [markdown]
# # Ask for one
#
# *Text to image on a small scale: condition a diffusion model on prompts, train it with words left out, and steer it with
# classifier-free guidance.*
#
# So far the model decides what it draws. Now you do: *a red t-rex facing left*, please.
#
# <!-- live: dino-prompt | Say what you want. This is what you build in this chapter. -->
#
# Most people come to diffusion models for this, and you need little more for it than you have: a few more planes beside the
# level, and training in which words are sometimes left out.
#
# > **On your own code.** Earlier chapters' functions come from the lesson here. Begin the next cell with
# > `from dino.course import use_own; use_own()`, and the chapter uses those of your own answers that pass; it says which.

# %%
import re
from collections.abc import Sequence
from itertools import product

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor

from dino.captions import vocabulary
from dino.conditioning import Captioned, prompted
from dino.course import check, show
from dino.data import dinosaurs, load
from dino.denoiser import Denoiser, best_guess, in_bfloat16
from dino.drawing import SPECIES
from dino.evaluation import frechet_distance
from dino.noise import mix
from dino.pen import COLOURS
from dino.recogniser import load_recogniser
from dino.sampling import sample
from dino.saving import PROMPTED, load_denoiser
from dino.training import Run, train

known = dinosaurs(2048)
images = load(known)
species, colours = torch.tensor(known["label"]), torch.tensor(known["colour"])
recogniser = load_recogniser()
noise = torch.rand(96, 3, 32, 32, generator=torch.Generator().manual_seed(1))
show({"": images[:6]}, size=1.2)
for text in known["text"][:6]:
    print(text)

# %% [markdown]
# *Six dinosaurs, and their captions, from the column `text` of `dinosaurs()`. Not every caption says everything.*
#
# ## Ask the judge
#
# Chapter 5 has a judge that knows a t-rex when it sees one: the recogniser. So why train anything? At each step, work out how
# each pixel would have to change for the judge to be surer that it sees a t-rex. That is a gradient, this time with respect to
# the picture, not the weights. Then push the guess that way.
#
# > **Predict.** Will the drawings become t-rexes? And will they look like real ones?

# %%
free = in_bfloat16(load_denoiser(), torch.device("cpu"))


def steered(noisy: Tensor, level: Tensor, push: float = 4.0) -> Tensor:
    with torch.enable_grad():
        noisy = noisy.detach().requires_grad_()
        guess = free(noisy, level).float()
        doubt = F.cross_entropy(recogniser(guess)[0], torch.zeros(len(guess), dtype=torch.long), reduction="sum")
        (slope,) = torch.autograd.grad(doubt, noisy)
    return (guess - push * F.normalize(slope.flatten(1)).view_as(slope)).detach()


def most_like(pictures: Tensor, among: Tensor = images) -> tuple[Tensor, Tensor]:
    """How far away the nearest real dinosaur is, and which one it is; unlike chapter 5's `nearest`, it minds the side."""
    return torch.cdist(pictures.flatten(1).float(), among.flatten(1)).min(dim=1)


pushed = {"as they come": sample(free, noise[:32], 12).float(), "pushed": sample(steered, noise[:32], 12)}
show({name: pictures[:8] for name, pictures in pushed.items()}, size=1.2)
steering = {}
for name, pictures in pushed.items():
    sure = recogniser(pictures)[0].softmax(dim=1)
    steering[name] = [(sure[:, 0] > 0.9).float().mean().item(), (sure[:, :4].amax(dim=1) > 0.9).float().mean().item()]
    steering[name].append(most_like(pictures)[0].mean().item())
    print(
        "{}: {:.0%} t-rexes, {:.0%} dinosaurs at all; the nearest real one is {:.1f} away".format(name, *steering[name])
    )

# %% [markdown]
# *Eight drawings from the same noise, as the model draws them, and pushed towards what the judge takes for a t-rex.*
#
# Some become t-rexes, most do not, and all are spoiled: with specks, tints, wrong colours. A gradient finds the *smallest* change
# that sways the judge, and to sway a network, specks are enough (these are [adversarial
# examples](https://arxiv.org/abs/1412.6572)). People have made this work, with judges that were trained on noisy pictures
# ([classifier guidance](https://arxiv.org/abs/2105.05233)). But there is a simpler way: *tell* the denoiser what you want.
#
# ## Words are planes
#
# How does the denoiser know the level? It is one more plane beside the three colours, the same number everywhere. So give it
# another plane for each word: 1 if the caption has the word, 0 if not. First, choose the words: those that occur in many
# captions, except small ones such as "a" and "with".

# %%
words = vocabulary(known["text"])
print(len(words), "words:", ", ".join(words))
print("cut into words:", re.findall(r"[\w-]+", known["text"][3]))

# %% [markdown]
# **Exercise: `read`** · 6 minutes · easy
#
# Why it matters: a network calculates with numbers. This is where text becomes numbers.


# %% tags=["exercise"]
def read(text: str, words: Sequence[str]) -> Tensor:
    """Turn a text into numbers: which of the words are in it? Their order is lost: this is a bag of words.

    text   a caption or prompt, in capitals or not, with commas or without
    words  what the network knows, in small letters; a word may have a hyphen

    Returns floats, (len(words),): 1 for each word that is in the text, and 0 for the others.
    """
    # Cut the text into its words, in small letters, and ask for each that the network knows.
    raise NotImplementedError("read is yours to write")


# %%
check(read)
# %% [markdown]
# **Exercise: `planes`** · 4 minutes · easy
#
# Why it matters: everything that a denoiser is told goes in here. `Denoiser(words=words)` has an input channel for each word.


# %% tags=["exercise"]
def planes(level: Tensor, prompt: Tensor) -> Tensor:
    """Put a prompt behind the level: all that the denoiser is told, a plane for each number.

    level   (batch, 1, 1, 1)
    prompt  (batch, words), or (words,) for all pictures alike

    Returns (batch, 1 + words, 1, 1).
    """
    raise NotImplementedError("planes is yours to write")


# %%
check(planes)
# %% [markdown]
# ## Learn to do without
#
# If the network only ever sees whole captions, what will it make of "a t-rex", or of no words at all? It has never met a prompt
# like that. So in training, leave words out at random: often some of them, and sometimes all. A plane of zeros then means: *not
# told*. One network learns to draw with many words, with few, and with none ([Ho and
# Salimans](https://arxiv.org/abs/2207.12598)).
#
# **Exercise: `forget`** · 6 minutes · medium
#
# Why it matters: this step of training is what makes short prompts work. Guidance, further down, needs it, too.


# %% tags=["exercise"]
def forget(prompts: Tensor, word: float = 0.2, prompt: float = 0.1) -> Tensor:
    """Leave words out, for the denoiser to learn to do without them.

    prompts  (batch, words)
    word     how likely each word is left out, for itself
    prompt   how likely all of a prompt is left out, for each picture

    Returns prompts, (batch, words), with 0 for what was left out.
    """
    # Throw a die for each word of each picture, and one more for each picture.
    raise NotImplementedError("forget is yours to write")


# %%
check(forget)
# %% [markdown]
# Now train! To see something in less than a minute, take a small network and pictures of 16x16. `Captioned` hands each picture to
# `train` together with its prompt. And pictures are no longer mirrored at random, because a caption may say "left".
#
# > **Predict.** After 500 steps, about 8,000 pictures: will it draw well? Will it do as it is told?

# %%
small = load(dinosaurs(2048, size=16), size=16)
captioned = Captioned(small, torch.stack([read(text, words) for text in known["text"]]))
torch.manual_seed(0)
run = Run(Denoiser((32, 64, 64), (1, 1, 1), words))
for _ in train(run, captioned, 500, flip=False, ask=captioned.ask):
    pass
asked = ["a red t-rex facing left", "a blue triceratops facing right", "a long-neck", "purple", ""]
tiny_noise = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
drawn = {f'"{text}"': sample(prompted(run.average, read(text, words)), tiny_noise, 16) for text in asked}
show(drawn, size=1)

# %% [markdown]
# *What your network draws, from the same eight noises each time.*
#
# Blurred, after so little training. But **it does as it is told**: where the prompt says everything, eight noises give nearly the
# same dinosaur. Where it says little, they give mud. This network cannot yet decide for itself what the prompt leaves open, so it
# draws something like the mean of all dinosaurs that fit, as in chapter 2. The more words, the fewer fit, and the sharper is
# their mean.
#
# Now count how often it obeys, for 256 random prompts that each name a species, a colour and a side. Who is to judge? The
# recogniser knows only 32x32; so find the real dinosaur that is most like the drawing.

# %%
torch.manual_seed(0)
sides = torch.tensor([" left" in text for text in known["text"]]).long()
wanted = [torch.randint(count, (256,)) for count in (len(SPECIES), len(COLOURS), 2)]
texts = [
    f"a {list(COLOURS)[colour]} {SPECIES[kind]} facing {('right', 'left')[side]}"
    for kind, colour, side in zip(*map(Tensor.tolist, wanted), strict=True)
]
prompts = torch.stack([read(text, words) for text in texts])
_, like = most_like(sample(prompted(run.average, prompts), torch.rand(256, 3, 16, 16), 16), small)
obeyed = [
    (truth[like] == told).float().mean().item() for truth, told in zip((species, colours, sides), wanted, strict=True)
]
print("the species is right in {:.0%}, the colour in {:.0%}, the side in {:.0%}".format(*obeyed))

# %% [markdown]
# **Obedience comes long before beauty.** No wonder: in training, when there is nothing but noise to see, the words are all that
# the network knows of the dinosaur. So it soon learns to listen to them at high levels, and there a drawing is decided.
#
# ## Count obedience
#
# A network that was trained like this for much longer, on pictures of 32x32, comes with the course. The recogniser can judge
# those: it gives a score to each species, one to *none of them*, and one to each colour.
#
# **Exercise: `obedience`** · 6 minutes · medium
#
# Why it matters: "it looks as if it obeys" is not a measurement. This is one.


# %% tags=["exercise"]
def obedience(scores: Tensor, wanted: Tensor, sure: float = 0.9) -> float:
    """The share of drawings in which a judge sees what was asked for, and is sure of it.

    scores  (count, kinds), from a judge that was trained with cross entropy
    wanted  (count,), the number of the kind that was asked for
    sure    the probability that the judge has to give to it, at least
    """
    raise NotImplementedError("obedience is yours to write")


# %%
check(obedience)
# %%
trained = load_denoiser(PROMPTED)
model = in_bfloat16(trained, torch.device("cpu"))
prompts = torch.stack([read(text, trained.words) for text in texts[:96]])
as_told = sample(prompted(model, prompts), noise, 12).float()
of_species, of_colour = recogniser(as_told)
right_side = (sides[most_like(as_told)[1]] == wanted[2][:96]).float().mean().item()
told = [obedience(of_species, wanted[0][:96]), obedience(of_colour, wanted[1][:96]), right_side]
print("obeys in species {:.0%}, in colour {:.0%}, and by the nearest real one, in side {:.0%}".format(*told))
show({"": as_told[:8]}, titles=[re.sub(r"^an? (\S+) (\S+) ", r"\1\n\2\n", text) for text in texts[:8]], size=1.2)

# %% [markdown]
# *The first eight of 96 drawings, not cherry-picked, with what was asked for.*
#
# It hardly ever gets anything wrong. And the sampler is exactly that of chapter 4: `prompted` takes the denoiser's place, and
# puts the words behind each level. This network knows what to do with few words, too:
#
# > **Predict.** And what will it make of "a t-rex and a stegosaurus"? It has only ever seen one animal at a time.

# %%
asked = ("a t-rex", "pink", "a pink t-rex facing left", "a t-rex and a stegosaurus")
few = {f'"{text}"': sample(prompted(model, read(text, trained.words)), noise[:8], 12).float() for text in asked}
show(few, size=1)

# %% [markdown]
# *The same eight noises each time.*
#
# Whatever the prompt leaves open, the noise decides. And asked for two animals at once, it draws **one of them**: it has never
# seen such a caption, nor a picture with both, nor one of something in between.
#
# > **A common belief: "The prompt steers the sampling."** It does not. The sampler never sees it. The prompt changes what the
# > denoiser *guesses*, which is now the mean of all pictures that fit the noisy picture **and the words**.
#
# Is that so? In the world of towers from chapter 7, everything can be listed: 100 towers of two blocks each. Let the prompt be
# the colour of the upper block. Then the best guess with a prompt is the mean of the towers that are possible *and fit the
# prompt*. And the best guess without one is the weighted mean of the guesses with each prompt; the weight is how many of its
# towers are possible.

# %%
two = torch.tensor([COLOURS["red"][0], COLOURS["blue"][0]]).view(2, 3, 1, 1) / 255
world, upper = torch.ones(100, 3, 8, 8), torch.zeros(100, dtype=torch.long)
for i, (left, first, right, second) in enumerate(product(range(5), (0, 1), range(5), (0, 1))):
    world[i, :, :4, left : left + 4], world[i, :, 4:, right : right + 4], upper[i] = two[first], two[second], first


def possible(noisy: Tensor, level: float, among: Tensor) -> int:
    rest = noisy - (1 - level) * among
    return int(((rest > -1e-6) & (rest < level + 1e-6)).flatten(1).all(dim=1).sum())


torch.manual_seed(0)
apart = []
for level in (1.0, 0.97, 0.94, 0.9):
    for tower in world[::9]:
        noisy = mix(tower, torch.rand_like(tower), level)
        kinds = [world[upper == kind] for kind in (0, 1)]
        counts = [possible(noisy, level, kind) for kind in kinds]
        guesses = [n * best_guess(noisy, level, kind) for n, kind in zip(counts, kinds, strict=True) if n]
        apart.append((sum(guesses) / sum(counts) - best_guess(noisy, level, world)).abs().max().item())
print(f"largest difference between the two: {max(apart):.0e}")

# %% [markdown]
# They are the same, but for rounding. So the guess without words is a mean over all prompts.
#
# ## Louder
#
# The difference between the guess with the prompt and the one without is the effect of the words. So exaggerate it! Go from the
# guess without words to the one with them, and then farther, as `sample` does with its stretch. This is **classifier-free
# guidance**, and nearly every text-to-image model draws with it.
#
# **Exercise: `guide`** · 3 minutes · easy
#
# Why it matters: this one line is the slider called *guidance* or *CFG scale* in programs that draw from text.


# %% tags=["exercise"]
def guide(told: Tensor, free: Tensor, guidance: float) -> Tensor:
    """Go on from the guess without a prompt in the direction of the one with it: classifier-free guidance.

    told      (batch, 3, height, width), the guess with the prompt
    free      (batch, 3, height, width), the guess without it, or with what is to be avoided
    guidance  how far to go: 0 stays at `free`, 1 reaches `told`, more goes beyond

    Returns the guess to draw with, (batch, 3, height, width).
    """
    raise NotImplementedError("guide is yours to write")


# %%
check(guide)
# %% [markdown]
# (Models that guess the noise or the velocity are guided by the same line, with the same result: what they guess is the clean
# picture times a number, plus something that does not depend on the prompt.)
#
# `prompted` takes the guidance, too. Then it asks the network twice, with the prompt and without, which takes twice as long. What
# do we gain?
#
# > **Predict.** What will guidance 8 look like? And guidance 0?

# %%
strengths = (0, 1, 2, 4, 8)
fresh = recogniser.features(load(dinosaurs(1024, seed=1)))
louder = {g: sample(prompted(model, prompts[:64], g), noise[:64], 8).float() for g in strengths}
measured = {
    g: (obedience(recogniser(pictures)[0], wanted[0][:64]), frechet_distance(recogniser.features(pictures), fresh))
    for g, pictures in louder.items()
}
figure, axes = plt.subplots(1, 2, figsize=(8, 2.6), layout="constrained")
for axis, title, values in zip(
    axes, ("obeys in species", "Frechet distance"), zip(*measured.values(), strict=True), strict=True
):
    axis.plot(strengths, values, marker="o")
    axis.set(title=title, xlabel="guidance", ylim=(0, None))
plt.show()
show({f"guidance {g}": pictures[:8] for g, pictures in louder.items()}, size=1)
for g, (share, distance) in measured.items():
    print(f"guidance {g}: obeys in {share:.0%}, Frechet distance {distance:.1f}")

# %% [markdown]
# *Obedience and distance from real dinosaurs at five strengths of guidance, 64 drawings each; then the first eight.*
#
# At 0 it does not listen, and at 1 it does. **Beyond that, nothing is gained**: colours become louder than those of real
# dinosaurs, and in the end, many drawings are torn to pieces. A small network that was trained well, on captions that are exact,
# hardly needs guidance. Large models do: the captions of the web are vague, and people like pictures that are more typical than
# real ones.
#
# > **A common belief: "More guidance means that it obeys better."** Only up to a point: look at the left curve. The guess with
# > the prompt is the best guess; what lies beyond it is an exaggeration, not a guess.
#
# ## Not that
#
# Guidance leads away from the guess without words. It can lead away from any other guess as well: put there the words that you do
# *not* want. This is a **negative prompt**.

# %%
unlike, nothing = read("t-rex", trained.words), torch.zeros(len(trained.words))
either = {
    "no words": sample(prompted(model, nothing), noise[:64], 8).float(),
    "avoid: t-rex": sample(prompted(model, nothing, 2, unlike), noise[:64], 8).float(),
}
show({name: pictures[:8] for name, pictures in either.items()}, size=1)
shares = {}
for name, pictures in either.items():
    kinds = recogniser(pictures)[0][:, :4].argmax(dim=1).bincount(minlength=4) / len(pictures)
    shares[name] = kinds.tolist()
    print(f"{name}:", ", ".join(f"{share:.0%} {kind}" for share, kind in zip(shares[name], SPECIES, strict=True)))

# %% [markdown]
# *The same noise, without any words, and led away from "t-rex".*
#
# T-rexes become rare; something else takes their place. The cost is the same as for any guidance.
#
# ## What a bag cannot hold
#
# Captions also tell the colour of plates, spots, spikes and frills. So ask for two dinosaurs that are easy to tell apart:

# %%
pair = ["an orange stegosaurus with blue plates", "a blue stegosaurus with orange plates"]
bags = [read(text, trained.words) for text in pair]
print("the two prompts are the same:", torch.equal(*bags))
confused = {text: sample(prompted(model, bag), noise[:8], 12).float() for text, bag in zip(pair, bags, strict=True)}
show(confused, size=1)

# %% [markdown]
# *Eight drawings for each, from the same noise.*
#
# They are **the same drawings**, some orange with blue plates and some the other way round, as the noise decides. `read` keeps
# the words but throws away their order, and with it, which colour belongs to what. No training can mend that, for the network
# never gets to see it.
#
# > **An aside: attention.** Large models do not use a bag of words. They turn the prompt into a sequence of vectors, one for each
# > word in its context ("blue, as said of plates"). At each resolution, each pixel looks up the vectors that matter to it: that
# > is *cross-attention*, and with it, the plates can ask for their own colour. The rest is as here: leave the prompt out at times
# > in training, and guide.
#
# ## What you have now
#
# - `read` and `planes`: words become planes beside the level.
# - `forget`: one network for many words, few, or none.
# - `guide`: the guess with a prompt, exaggerated, or led away from another.
# - `obedience`: how often it does as it is told.
#
# They are the module `dino/conditioning.py`. In your terminal, `dino sample --prompt "a red t-rex facing left"` draws with the
# trained network, and `dino train --data FOLDER --text COLUMN` trains one on your own pictures and captions.
#
# Next: papers say all of this in other words and on other scales. The last chapter translates them.
