"""How well drawings obey prompts: `python tests/benchmarks/prompting.py [WEIGHTS]`; without WEIGHTS, those of the course.

Draws 2048 dinosaurs in 25 steps for prompts such as "a red t-rex facing left", each of a species, a colour and a side that are
drawn at random, at several strengths of guidance; as many for captions such as the data have; and as many without a prompt. The
recogniser says whether species and colour are as asked, with more than 90% confidence, and the nearest of 4096 real
dinosaurs which way it faces; on held-out real ones, both are never wrong. With little time, name how many: `--count 512`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from dino.conditioning import obedience, prompted, read
from dino.data import dinosaurs, load
from dino.denoiser import in_bfloat16
from dino.drawing import SPECIES
from dino.evaluation import copies, frechet_distance, shares
from dino.pen import COLOURS
from dino.recogniser import load_recogniser
from dino.sampling import sample
from dino.saving import PROMPTED, load_denoiser


@torch.no_grad()
def drawn(denoiser: Callable, prompts: Tensor, guidance: float = 1.0, avoid: Tensor | None = None) -> Tensor:
    """A drawing for each prompt, always from the same noise."""
    noise = torch.rand(len(prompts), 3, 32, 32, generator=torch.Generator().manual_seed(0))
    parts = zip(noise.split(128), prompts.split(128), strict=True)
    return torch.cat([sample(prompted(denoiser, some, guidance, avoid), part, 25).float() for part, some in parts])


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="?", default=PROMPTED)
    parser.add_argument("--count", type=int, default=2048, help="how many drawings of each kind")
    given = parser.parse_args()
    network, recogniser = load_denoiser(given.weights), load_recogniser()
    denoiser, words = in_bfloat16(network, torch.device("cpu")), network.words
    data, others = dinosaurs(4096), dinosaurs(given.count, seed=3)
    known, fresh = load(data), load(dinosaurs(2048, seed=1))
    left, real = torch.tensor([" left" in text for text in data["text"]]), recogniser.features(fresh)
    best = frechet_distance(recogniser.features(load(dinosaurs(2048, seed=2))), real)
    print(f"{given.weights.name}: {len(words)} words; Frechet distance of real pictures {best:.2f}")

    def tell(name: str, pictures: Tensor) -> tuple[Tensor, Tensor]:
        of_species, of_colour = recogniser(pictures)
        sure = (of_species.softmax(dim=1)[:, : len(SPECIES)].amax(dim=1) > 0.9).float().mean()
        distance = frechet_distance(recogniser.features(pictures), real)
        print(f"{name}: recognised {sure:.1%}; Frechet distance {distance:.2f}, {distance / best:.1f} times as much")
        print(f"  near copies {copies(pictures, known, fresh):.2%}")
        return of_species, of_colour

    dice = torch.Generator().manual_seed(5)
    kind, colour, side = (torch.randint(n, (given.count,), generator=dice) for n in (len(SPECIES), len(COLOURS), 2))
    texts = [
        f"a {list(COLOURS)[two]} {SPECIES[one]} facing {('right', 'left')[three]}"
        for one, two, three in zip(kind.tolist(), colour.tolist(), side.tolist(), strict=True)
    ]
    prompts = torch.stack([read(text, words) for text in texts])
    for guidance in (1, 2, 3):
        pictures = drawn(denoiser, prompts, guidance)
        of_species, of_colour = tell(f"full prompts, guidance {guidance}", pictures)
        like = torch.cdist(pictures.flatten(1), known.flatten(1)).argmin(dim=1)
        faces = (left[like] == side.bool()).float().mean()
        print(
            f"  species {obedience(of_species, kind):.1%}, colour {obedience(of_colour, colour):.1%}, side {faces:.1%}"
        )
    captions = torch.stack([read(text, words) for text in others["text"]])
    for name, some in (("captions of the data", captions), ("no prompt", torch.zeros_like(captions))):
        of_species, of_colour = tell(name, drawn(denoiser, some))
        for scores, kinds in ((of_species[:, : len(SPECIES)], SPECIES), (of_colour, COLOURS)):
            found = shares(scores.argmax(dim=1), len(kinds))
            print("  " + ", ".join(f"{one} {share:.1%}" for one, share in zip(kinds, found, strict=True)))
    avoided = recogniser(drawn(denoiser, torch.zeros_like(captions), 2, read("t-rex", words)))[0]
    print(f"avoiding a t-rex, guidance 2: {(avoided[:, :4].argmax(dim=1) == 0).float().mean():.1%} are t-rexes")


if __name__ == "__main__":
    main()
