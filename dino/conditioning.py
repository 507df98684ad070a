"""Chapter 8: ask for one: a prompt tells the denoiser what to draw.

The words of a prompt come in the way the level does: as more planes beside the colours, each the same everywhere. In
training some are left out, so that one network learns to draw with many words, few or none (Ho & Salimans, arXiv
2207.12598). The sampler stays as it is: `prompted` stands where a denoiser stands.
"""

import re
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from dino.training import shaken


def read(text: str, words: Sequence[str]) -> Tensor:
    """Turn a text into numbers: which of the words are in it? Their order is lost: this is a bag of words.

    text   a caption or prompt, in capitals or not, with commas or without
    words  what the network knows, in small letters; a word may have a hyphen

    Returns floats, (len(words),): 1 for each word that is in the text, and 0 for the others.
    """
    # Cut the text into its words, in small letters, and ask for each that the network knows.
    said = re.findall(r"[\w-]+", text.lower())
    return torch.tensor([float(word in said) for word in words])


def planes(level: Tensor, prompt: Tensor) -> Tensor:
    """Put a prompt behind the level: all that the denoiser is told, a plane for each number.

    level   (batch, 1, 1, 1)
    prompt  (batch, words), or (words,) for all pictures alike

    Returns (batch, 1 + words, 1, 1).
    """
    prompt = prompt.expand(len(level), -1)
    return torch.cat([level, prompt[:, :, None, None]], dim=1)


def forget(prompts: Tensor, word: float = 0.2, prompt: float = 0.1) -> Tensor:
    """Leave words out, for the denoiser to learn to do without them.

    prompts  (batch, words)
    word     how likely each word is left out, for itself
    prompt   how likely all of a prompt is left out, for each picture

    Returns prompts, (batch, words), with 0 for what was left out.
    """
    # Throw a die for each word of each picture, and one more for each picture.
    kept = torch.rand_like(prompts) >= word
    kept &= torch.rand_like(prompts[:, :1]) >= prompt
    return prompts * kept


def guide(told: Tensor, free: Tensor, guidance: float) -> Tensor:
    """Go on from the guess without a prompt in the direction of the one with it: classifier-free guidance.

    told      (batch, 3, height, width), the guess with the prompt
    free      (batch, 3, height, width), the guess without it, or with what is to be avoided
    guidance  how far to go: 0 stays at `free`, 1 reaches `told`, more goes beyond

    Returns the guess to draw with, (batch, 3, height, width).
    """
    return free + guidance * (told - free)


def prompted(denoiser: Callable, prompt: Tensor, guidance: float = 1.0, avoid: Tensor | None = None) -> Callable:
    """The same denoiser, with a prompt: for the sampler, there is no difference.

    prompt  (batch, words), or (words,) for all pictures alike
    avoid   likewise, what not to draw; by default, guidance leads away from the guess without any words

    Only guidance other than 1 asks the denoiser twice.
    """

    def ask(noisy: Tensor, level: Tensor) -> Tensor:
        told = denoiser(noisy, planes(level, prompt))
        if guidance == 1:
            return told
        free = torch.zeros_like(prompt) if avoid is None else avoid
        return guide(told, denoiser(noisy, planes(level, free)), guidance)

    return ask


def obedience(scores: Tensor, wanted: Tensor, sure: float = 0.9) -> float:
    """The share of drawings in which a judge sees what was asked for, and is sure of it.

    scores  (count, kinds), from a judge that was trained with cross entropy
    wanted  (count,), the number of the kind that was asked for
    sure    the probability that the judge has to give to it, at least
    """
    seen = scores.softmax(dim=1)
    return (seen[torch.arange(len(seen)), wanted] >= sure).float().mean().item()


class Captioned:
    """Pictures with prompts, to stand in `train` where pictures stand: `train(run, captioned, steps, ask=captioned.ask)`.

    images   (count, 3, height, width), in [0, 1]
    prompts  (count, words)
    """

    def __init__(self, images: Tensor, prompts: Tensor):
        self.images, self.prompts, self.device = images, prompts, images.device

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, some: Tensor) -> Tensor:
        self.picked = self.prompts[some]
        return self.images[some]

    def ask(self, denoiser: Callable) -> Callable:
        """The denoiser, told some of the words that go with the pictures that were picked last."""
        return shaken(prompted(denoiser, forget(self.picked)))
