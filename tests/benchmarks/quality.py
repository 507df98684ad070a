"""How good trained weights are: `python tests/benchmarks/quality.py [WEIGHTS]`; without WEIGHTS, those of the course.

Draws 2048 dinosaurs in 25 steps, and judges them by the instruments of chapter 5, against 2048 held-out ones. Then it
tells where quality is lost: it hides other held-out ones in noise up to some level, and lets the sampler go on from there.
"""

import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from dino.data import dinosaurs, load
from dino.denoiser import in_bfloat16
from dino.drawing import SPECIES
from dino.evaluation import copies, frechet_distance, nearest, shares
from dino.noise import mix
from dino.pen import COLOURS
from dino.recogniser import load_recogniser
from dino.sampling import sample, step
from dino.saving import TRAINED, load_denoiser
from dino.training import loss_by_level


@torch.no_grad()
def go_on(denoiser: Callable, pictures: Tensor, level: Tensor, steps: int = 25, stretch: float = 2.0) -> Tensor:
    """What `sample` makes of pictures that are at some level already, with steps as large as it takes in all."""
    previous = None
    for now, next in pairwise(torch.linspace(level, 0, round(steps * level.item()) + 1)):
        raw = denoiser(pictures, now.expand(len(pictures), 1, 1, 1)).float()
        guess = raw if previous is None else previous + stretch * (raw - previous)
        pictures, previous = step(pictures, guess, now, next), raw
    return pictures.clamp(0, 1)


def main() -> None:
    """Print all figures."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else TRAINED
    denoiser, recogniser = in_bfloat16(load_denoiser(path), torch.device("cpu")), load_recogniser()
    known, fresh, more = load(), load(dinosaurs(2048, seed=1)), load(dinosaurs(2048, seed=2))
    noise = torch.rand(2048, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    start = time.perf_counter()
    drawn = torch.cat([sample(denoiser, some, steps=25).float() for some in noise.split(128)])
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB; drew {2048 / (time.perf_counter() - start):.1f} a second")
    real = recogniser.features(fresh)
    best = frechet_distance(recogniser.features(more), real)
    distance = frechet_distance(recogniser.features(drawn), real)
    print(f"Frechet distance   {distance:.2f}; of real pictures {best:.2f}; {distance / best:.1f} times as much")
    for level in torch.tensor([0.2, 0.4, 0.6, 0.8]):
        torch.manual_seed(0)
        hidden = mix(more, torch.rand_like(more), level)
        found = torch.cat([go_on(denoiser, some, level) for some in hidden.split(128)])
        print(f"  begun at level {level:.1f} {frechet_distance(recogniser.features(found), real):.2f}")
    of_species, of_colour = recogniser(drawn)
    sure = of_species.softmax(dim=1)[:, : len(SPECIES)].amax(dim=1) > 0.9
    print(f"recognised         {sure.float().mean():.1%} as one species, with more than 90% confidence")
    for name, scores, kinds in (("species", of_species[:, : len(SPECIES)], SPECIES), ("colours", of_colour, COLOURS)):
        found = shares(scores.argmax(dim=1), len(kinds))
        print(
            f"shares of {name}  " + ", ".join(f"{kind} {share:.1%}" for kind, share in zip(kinds, found, strict=True))
        )
    for name, pictures in (("drawings", drawn), ("held-out", more)):
        far = nearest(pictures, known)[0].median()
        print(
            f"near copies        {copies(pictures, known, fresh):.2%} of {name}; median distance to known ones {far:.3f}"
        )
    levels = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
    for name, pictures in (("known", known[:1024]), ("held-out", fresh[:1024])):
        torch.manual_seed(0)
        losses = loss_by_level(denoiser, pictures, levels)
        print(f"loss on {name:10} " + ", ".join(f"{loss:.4f}" for loss in losses) + f" at levels {levels.tolist()}")


if __name__ == "__main__":
    main()
