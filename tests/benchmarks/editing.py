"""How well pictures are edited with the weights of the course: `python tests/benchmarks/editing.py`, about five minutes.

From 512 held-out dinosaurs: from mosaics of 4 by 4 squares, as `dino edit` draws unless told otherwise and at strength 1; and
from left halves, pasted over and with `sample_known` as it is. A dinosaur is what the recogniser is more than 90% sure of.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from dino.data import dinosaurs, load
from dino.denoiser import in_bfloat16
from dino.editing import begin_from, keep_known, sample_known, with_fresh_noise
from dino.recogniser import load_recogniser
from dino.sampling import sample
from dino.saving import load_denoiser

COUNT = 512


def main() -> None:
    """Print all figures."""
    denoiser, recogniser = in_bfloat16(load_denoiser(), torch.device("cpu")), load_recogniser()
    again = partial(with_fresh_noise, denoiser, times=3)
    fresh = load(dinosaurs(COUNT, seed=1))
    noise = torch.rand(COUNT, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    known = torch.zeros(1, 1, 32, 32)
    known[..., :16] = 1
    squares = F.avg_pool2d(fresh, 8)

    def mosaic(some: Tensor) -> Tensor:
        return F.interpolate(F.avg_pool2d(some, 8), scale_factor=8)

    ways = {
        "mosaics, 0.6": lambda some, start: begin_from(denoiser, mosaic(some), start, 0.6),
        "mosaics, 0.6, thinking again": lambda some, start: begin_from(again, mosaic(some), start, 0.6, steps=12),
        "mosaics, 1": lambda some, start: begin_from(denoiser, mosaic(some), start, 1.0),
        "mosaics, 1, thinking again": lambda some, start: begin_from(again, mosaic(some), start, 1.0, steps=12),
        "left half, pasted over": lambda some, start: keep_known(sample(denoiser, start, 25), some, known),
        "left half, sample_known": lambda some, start: sample_known(denoiser, some, known, start),
        "left half, dino edit": lambda some, start: sample_known(denoiser, some, known, start, steps=12),
    }
    for name, draw in ways.items():
        torch.manual_seed(0)
        drawn = torch.cat([draw(*both).float() for both in zip(fresh.split(128), noise.split(128), strict=True)])
        sure = (recogniser(drawn)[0].softmax(dim=1)[:, :4].amax(dim=1) > 0.9).float().mean()
        off = (F.avg_pool2d(drawn, 8) - squares).square().mean().sqrt()
        print(f"{name:36} {sure:5.1%} are dinosaurs; difference from the mosaic {off:.4f}", flush=True)


if __name__ == "__main__":
    main()
