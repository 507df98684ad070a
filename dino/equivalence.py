"""Chapter 9: the same thing in other words: DDPM, DDIM, DPM-Solver and flow matching.

Papers scale pictures in other ways, and let networks predict other things than the clean picture. Nothing of it changes what
is drawn: each function here is a translation.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def noise_of(noisy: Tensor, guess: Tensor, level: Tensor) -> Tensor:
    """The noise that was mixed in, if the guess is right: what networks predict in DDPM (Ho et al., arXiv 2006.11239).

    noisy  (batch, 3, height, width)
    guess  (batch, 3, height, width), at the clean picture
    level  (batch, 1, 1, 1), in (0, 1]

    Returns the noise, (batch, 3, height, width): mixed into the guess, it gives the noisy picture.
    """
    # Subtract the guess, scaled by its share. What is left is the noise, scaled by its own.
    return (noisy - (1 - level) * guess) / level


def velocity_of(noisy: Tensor, guess: Tensor, level: Tensor) -> Tensor:
    """How much the noisy picture changes for each unit of the level: what networks predict in flow matching.

    As in Lipman et al. (arXiv 2210.02747) and Liu et al. (arXiv 2209.03003); their time runs the other way, so their sign does, too.

    noisy  (batch, 3, height, width)
    guess  (batch, 3, height, width), at the clean picture
    level  (batch, 1, 1, 1), in (0, 1]

    Returns the velocity, (batch, 3, height, width): the noise minus the clean picture, if the guess is right.
    """
    # From the guess, at level 0, it has come all the way to the noisy picture, at `level`.
    return (noisy - guess) / level


def to_ddpm(noisy: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """Rescale noisy pictures so that not the shares of picture and noise add up to 1, but their squares, as in DDPM.

    noisy  (batch, 3, height, width)
    level  (batch, 1, 1, 1), in [0, 1]

    Returns the rescaled pictures, (batch, 3, height, width), and alpha bar, the square of the share that the clean
    picture has in them, (batch, 1, 1, 1): 1 for clean pictures, 0 for noise.
    """
    # The shares were 1 - level and level. Divide both by the root of the sum of their squares.
    size = torch.sqrt((1 - level) ** 2 + level**2)
    return noisy / size, ((1 - level) / size) ** 2


def stretch_of(before: Tensor, now: Tensor, next: Tensor) -> Tensor:
    """The stretch for one step that turns `sample` into DPM-Solver++(2M) (Lu et al., arXiv 2211.01095).

    before  the level of the guess before, in (0, 1]; a tensor of any shape, like the others
    now     the level of the picture, below `before`
    next    the level to go to, above 0 and below `now`

    Returns the stretch, in the shape of the levels: 1 if `before` is 1.
    """

    # The solver measures its steps by the logarithm of how much picture there is to the noise.
    def ratio(level: Tensor) -> Tensor:
        return torch.log((1 - level) / level)

    # Let the guess change on for half of the step to come, at the rate of the step before.
    return 1 + (ratio(next) - ratio(now)) / (ratio(now) - ratio(before)) / 2


def heun(denoiser: Callable, noisy: Tensor, now: Tensor, next: Tensor) -> Tensor:
    """Take a step by Heun's method, which asks twice: here, and where the step would lead (Karras et al., arXiv 2206.00364).

    denoiser  takes noisy pictures and their levels, returns its guess at the clean pictures
    noisy     (batch, 3, height, width)
    now       (batch, 1, 1, 1), how noisy the pictures are, in (0, 1]
    next      (batch, 1, 1, 1), the level to go to, the same for all pictures, below `now`; at 0, it asks only once

    Returns the pictures at level `next`, (batch, 3, height, width).
    """
    # Take the step with the velocity that there is now.
    velocity = velocity_of(noisy, denoiser(noisy, now), now)
    there = noisy + (next - now) * velocity
    if (next == 0).all():
        return there
    # See what the velocity is there, and take the step anew with the mean of the two.
    velocity = (velocity + velocity_of(there, denoiser(there, next), next)) / 2
    return noisy + (next - now) * velocity


class Multistep:
    """A denoiser that pushes its guesses on as DPM-Solver++(2M) does: `sample(Multistep(denoiser), noise, steps, stretch=1)`.

    It takes the levels to fall evenly. Where they rise, or another batch comes, it forgets: another drawing begins.
    """

    def __init__(self, denoiser: Callable):
        self.denoiser, self.before = denoiser, None

    def __call__(self, noisy: Tensor, level: Tensor) -> Tensor:
        raw = guess = self.denoiser(noisy, level)
        if self.before is not None and level.shape == self.before[0].shape and level.max() < self.before[0].max():
            before, previous = self.before
            next = 2 * level - before
            # At its last step, down to level 0, it takes the guess as it is.
            if next.min() > 1e-6:
                guess = previous + stretch_of(before, level, next) * (raw - previous)
        self.before = level, raw
        return guess
