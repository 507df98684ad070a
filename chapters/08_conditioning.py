# %% [markdown]
# # Ask for one
#
# Text.

# %%
from collections.abc import Sequence
import re

import torch
from torch import Tensor

from dino.course import check

# %% [markdown]
# **Exercise: `read`** · 6 minutes · easy
#
# Why it matters: later.


# %% tags=["exercise"]
def read(text: str, words: Sequence[str]) -> Tensor:
    """Turn a text into numbers: which of the words are in it? Their order is lost: this is a bag of words.

    text   a caption or prompt, in capitals or not, with commas or without
    words  what the network knows, in small letters; a word may have a hyphen

    Returns (len(words),): 1 for each word that is in the text, and 0 for the others.
    """
    # Cut the text into its words, in small letters, and ask for each that the network knows.
    raise NotImplementedError("read is yours to write")


# %%
check(read)

# %% [markdown]
# **Exercise: `planes`** · 4 minutes · easy
#
# Why it matters: later.


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
# **Exercise: `forget`** · 6 minutes · medium
#
# Why it matters: later.


# %% tags=["exercise"]
def forget(prompts: Tensor, word: float = 0.25, prompt: float = 0.1) -> Tensor:
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
# **Exercise: `obedience`** · 6 minutes · medium
#
# Why it matters: later.


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

# %% [markdown]
# **Exercise: `guide`** · 3 minutes · easy
#
# Why it matters: later.


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
