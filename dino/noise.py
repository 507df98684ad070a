"""Chapter 1: mix noise into pictures.

A picture is a float tensor between 0 (black) and 1 (full colour), with shape (batch, 3, height, width). A noise level
is a number between 0, the clean picture, and 1, nothing but noise.
"""

import torch
from torch import Tensor


def mix(clean: Tensor, noise: Tensor, level: Tensor) -> Tensor:
    """Mix noise into pictures: level 0 leaves them clean, level 1 leaves nothing but noise.

    clean   (batch, 3, height, width)  pictures, in [0, 1]
    noise   (batch, 3, height, width)  noise, in [0, 1]
    level   (batch, 1, 1, 1)           one noise level per picture, in [0, 1]

    Returns the noisy pictures, (batch, 3, height, width), in [0, 1].

    >>> mix(torch.tensor([[[[1.0]]]]), torch.tensor([[[[0.0]]]]), torch.tensor([[[[0.25]]]])).item()
    0.75
    """
    # The two shares add up to one, so the result stays between 0 and 1.
    return (1 - level) * clean + level * noise


def random_levels(clean: Tensor) -> Tensor:
    """Draw one noise level for each picture of a batch, every level between 0 and 1 equally likely.

    clean   (batch, 3, height, width)  the pictures that the levels are for

    Returns the levels, (batch, 1, 1, 1), on the same device as the pictures.
    """
    # Three dimensions of length one let a level broadcast over all the pixels of its picture.
    return torch.rand(len(clean), 1, 1, 1, device=clean.device)


def make_question(clean: Tensor) -> tuple[Tensor, Tensor]:
    """Turn clean pictures into a question for the denoiser: noisy pictures, and how noisy they are.

    clean   (batch, 3, height, width)  pictures, in [0, 1]

    Returns the noisy pictures, (batch, 3, height, width), and their levels, (batch, 1, 1, 1).
    """
    # Each picture gets a level of its own.
    level = random_levels(clean)
    # Each pixel and each colour gets noise of its own, uniform between 0 and 1.
    noise = torch.rand_like(clean)
    # The answer to the question is the clean picture, which stays behind.
    return mix(clean, noise, level), level
