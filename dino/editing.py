"""Chapter 7: have a say: begin with a scribble, or keep a part of a picture and have the rest filled in.

Nothing is trained for it, and the sampler stays as it is. All that is new stands between the sampler and the denoiser,
and changes what the one asks or what the other answers.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from dino.noise import mix
from dino.sampling import sample


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
    start = mix(picture, noise, strength)

    # The sampler counts from 1 down to 0. Tell the denoiser how noisy the pictures really are.
    def told(noisy: Tensor, level: Tensor) -> Tensor:
        return denoiser(noisy, strength * level)

    return sample(told, start, steps, stretch)


def with_fresh_noise(denoiser: Callable, noisy: Tensor, level: Tensor, times: int = 7) -> Tensor:
    """Have the denoiser think again: hide its guess in fresh noise, and let it guess once more.

    An idea of RePaint (Lugmayr et al., arXiv 2201.09865), where it is called resampling.

    denoiser  takes noisy pictures and their levels, returns its guess at the clean pictures
    noisy     (batch, 3, height, width)
    level     (batch, 1, 1, 1), how noisy each picture is
    times     how often it thinks again; with 0, its first guess counts

    Returns the last guess, (batch, 3, height, width).
    """
    guess = denoiser(noisy, level)
    for _ in range(times):
        # The same level, but noise that it has not seen.
        guess = denoiser(mix(guess, torch.rand_like(noisy), level), level)
    return guess


def keep_known(guess: Tensor, picture: Tensor, known: Tensor) -> Tensor:
    """Put what is known of a picture in the place of what was guessed there.

    guess    (batch, 3, height, width)
    picture  (batch or 1, 3, height, width), of which only the known part matters
    known    (batch or 1, 1, height, width), the mask: 1 where the picture is known, 0 where it is not

    Returns the corrected guess, (batch, 3, height, width).
    """
    return known * picture + (1 - known) * guess


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
    def informed(noisy: Tensor, level: Tensor) -> Tensor:
        return keep_known(denoiser(noisy, level), picture, known)

    # And it thinks again about guesses that are right there.
    def again(noisy: Tensor, level: Tensor) -> Tensor:
        return with_fresh_noise(informed, noisy, level, times)

    return begin_from(again, picture, noise, strength, steps, stretch)
