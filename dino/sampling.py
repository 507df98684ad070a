"""Chapter 4: draw something new.

A denoiser that guesses what is under the noise can draw: begin with nothing but noise, mix a little of its guess in,
and ask again. What comes out is a picture that nobody has drawn before.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor


def step(picture: Tensor, guess: Tensor, now: Tensor, next: Tensor) -> Tensor:
    """Go from one noise level to a lower one, by mixing in some of the guess at the clean picture.

    picture  (batch, 3, height, width)  the picture at level `now`
    guess    (batch, 3, height, width)  what the denoiser takes for the clean picture
    now      number in (0, 1]           the level of the picture
    next     number in [0, now]         the level to go to

    Returns the picture at level `next`, (batch, 3, height, width). With the right guess it is what `mix` would have
    made of the clean picture and the same noise.
    """
    # The noise is to shrink from `now` to `next`, so this much of the picture stays.
    keep = next / now
    # The guess fills the rest.
    return picture * keep + guess * (1 - keep)


@torch.no_grad()
def sample(denoiser: Callable, noise: Tensor, steps: int = 100, stretch: float = 2.0) -> Tensor:
    """Draw pictures: begin with noise, and let the denoiser's guesses in, step by step.

    denoiser  takes noisy pictures and their levels, returns its guess at the clean pictures
    noise     (batch, 3, height, width), in [0, 1]; the same noise gives the same pictures
    steps     how often the denoiser is asked
    stretch   how far each guess is pushed on from the one before: 1 takes it as it is, 2 goes twice as far

    Returns the pictures, (batch, 3, height, width), in [0, 1].
    """
    # The levels fall evenly from 1 to 0.
    levels = torch.linspace(1, 0, steps + 1, device=noise.device)
    picture, previous = noise, None
    for now, next in pairwise(levels):
        # Ask the denoiser, telling it how noisy each picture is now.
        raw = denoiser(picture, now.expand(len(picture), 1, 1, 1))
        # Push its guess on in the direction in which it changed.
        guess = raw if previous is None else previous + stretch * (raw - previous)
        # Go down to the next level.
        picture, previous = step(picture, guess, now, next), raw
    # A picture lies between 0 and 1.
    return picture.clamp(0, 1)


class Watched:
    """A denoiser that keeps a copy of everything it sees and says. The sampler does not notice.

    pictures   what it was asked about, one (batch, 3, height, width) for each time
    guesses    what it guessed, likewise
    """

    def __init__(self, denoiser: Callable):
        self.denoiser = denoiser
        self.pictures: list[Tensor] = []
        self.guesses: list[Tensor] = []

    def __call__(self, noisy: Tensor, level: Tensor) -> Tensor:
        guess = self.denoiser(noisy, level)
        self.pictures.append(noisy.clone())
        self.guesses.append(guess.clone())
        return guess
