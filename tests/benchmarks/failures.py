"""Draws what goes wrong: `python tests/benchmarks/failures.py [FAILURE ...]`, for the page about training for real.

Each failure is trained on purpose, at 16 by 16 pixels, in about half a minute on one core, and ten of its drawings become one row
in `docs/assets/failures`. The median loss of the last hundred steps is printed beside.
"""

import statistics
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from dino.course.train.draw import write_picture
from dino.data import dinosaurs, load, sheet
from dino.denoiser import Denoiser, in_bfloat16
from dino.letters import make_album
from dino.sampling import sample
from dino.training import Run, train

PLACE = Path(__file__).parents[2] / "docs" / "assets" / "failures"
CPU = torch.device("cpu")
WIDTHS, DEPTHS = (32, 64, 64), (0, 1, 1)


def letters() -> Tensor:
    """The letters of chapter 6."""
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make_album(Path(name))
        return load(name, size=16)


def squeezed() -> Tensor:
    """Dinosaurs from pictures that were wide and are squeezed into a square."""
    pictures = load(dinosaurs(2048, size=32), size=32)
    return F.pad(F.interpolate(pictures, (16, 8), mode="area"), (4, 4), value=1)


def draw(network: Callable, steps: int = 25) -> Tensor:
    """Ten drawings, always from the same noise."""
    noise = torch.rand(10, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    return sample(in_bfloat16(network, CPU), noise, steps, 2.0 if steps > 2 else 1.0).float()


def trained(pictures: Tensor, steps: int = 1500, widths=WIDTHS, depths=DEPTHS, rate: float = 3e-3, **more) -> Run:
    """A run over these pictures."""
    torch.manual_seed(0)
    run = Run(Denoiser(widths, depths))
    losses = list(train(run, pictures, steps, rate=rate, **more))
    print(f"  median loss of the last 100 of {steps} steps: {statistics.median(losses[-100:]):.4f}", flush=True)
    return run


def failures() -> dict[str, Callable[[], Tensor]]:
    """What goes wrong, by name: each draws ten pictures."""
    tiny = load(dinosaurs(2048, size=16), size=16)
    return {
        "sound": lambda: draw(trained(tiny).average),
        "few-steps": lambda: draw(trained(tiny, 150).average),
        "not-averaged": lambda: draw(unsettled(tiny)),
        "narrow": lambda: draw(trained(tiny, widths=(8, 8, 8)).average),
        "few-pictures": lambda: draw(trained(tiny[:16]).average),
        "too-fast": lambda: draw(trained(tiny, 600, rate=0.1).average),
        "few-calls": lambda: draw(trained(tiny).average, steps=2),
        "squeezed": lambda: draw(trained(squeezed()).average),
        "mirrored": lambda: draw(trained(letters(), flip=True).average),
    }


def unsettled(pictures: Tensor) -> Denoiser:
    """The network itself, not the average of its weights, in the middle of a run, when it still takes large strides."""
    torch.manual_seed(0)
    run = Run(Denoiser(WIDTHS, DEPTHS))
    for _ in train(run, pictures, 6000, rate=3e-3):
        if run.taken == 1500:
            break
    return run.denoiser


def main() -> None:
    """Draw them."""
    known = failures()
    for name in sys.argv[1:] or known:
        print(name)
        write_picture(sheet(known[name](), columns=10, scale=4), PLACE / f"{name}.png")


if __name__ == "__main__":
    main()
