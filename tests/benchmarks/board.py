"""Minutes to a Frechet distance of 10, on one core: how soon are drawings good?

    OMP_NUM_THREADS=1 taskset -c 0 python tests/benchmarks/board.py                            # with nothing else running
    OMP_NUM_THREADS=1 taskset -c 0 python tests/benchmarks/board.py --add "what you changed"

Trains with the defaults for `--steps` steps, three times from three seeds; each time 1024 drawings in 25 steps are compared with
2048 held-out dinosaurs, as in chapter 5. Only training is timed. If the median of the three distances is at most 10, `--add`
puts a row into the table of `docs/comparison.md`, below those that took less. Change what you like in `dino/`, but for the
dinosaurs and their judge; choose as few steps as will do.
"""

import argparse
import re
import statistics
import sys
import time
from pathlib import Path

import torch
from machine import machine
from tqdm import tqdm

from dino.course.train.run import keep_memory
from dino.data import dinosaurs, load
from dino.denoiser import Denoiser, in_bfloat16
from dino.evaluation import frechet_distance
from dino.recogniser import load_recogniser
from dino.sampling import sample
from dino.training import Run, train

PAGE = Path(__file__).parents[2] / "docs" / "comparison.md"
GOAL = 10


def measure(seed: int, steps: int) -> tuple[float, float]:
    """The minutes that training takes, and how far what it draws is from real dinosaurs."""
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    run, images = Run(Denoiser().to(device)), load().to(device)
    start = time.perf_counter()
    for _ in tqdm(train(run, images, steps, seed=seed), total=steps, desc=f"seed {seed}", mininterval=5):
        pass
    minutes = (time.perf_counter() - start) / 60
    denoiser, recogniser = in_bfloat16(run.average, device), load_recogniser()
    noise = torch.rand(1024, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(device)
    drawn = torch.cat([sample(denoiser, some, steps=25).float().cpu() for some in noise.split(128)])
    return minutes, frechet_distance(recogniser.features(drawn), recogniser.features(load(dinosaurs(2048, seed=1))))


def with_row(text: str, minutes: float, row: str) -> str:
    """The page with one more row in its table, below all that took no longer."""
    before, table, after = re.split(r"(?<=<!-- board -->\n)|(?=<!-- end of board -->)", text)
    lines = table.splitlines()
    place = 2 + sum(float(line.split("|")[1]) <= minutes for line in lines[2:])
    return before + "\n".join([*lines[:place], row, *lines[place:]]) + "\n" + after


def main() -> None:
    """Measure, print the row, and add it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--add", metavar="WORDS", help="what is new about this run; adds a row with these words")
    given = parser.parse_args()
    keep_memory()
    minutes, distances = zip(*(measure(seed, given.steps) for seed in range(3)), strict=True)
    minutes, distance = statistics.median(minutes), statistics.median(distances)
    name, precision = machine()
    name += f", {torch.get_num_threads()} thread"
    if torch.cuda.is_available():
        name, precision = torch.cuda.get_device_name(), "bfloat16"
    three = ", ".join(f"{one:.1f}" for one in distances)
    words = (given.add or "").replace("|", "/")
    row = f"| {minutes:.1f} | {given.steps} | {three} | {name}, {precision} | {words} |"
    print(row)
    if distance > GOAL:
        sys.exit(f"The median distance is {distance:.1f}, and {GOAL} is the goal: take more --steps.")
    if given.add:
        PAGE.write_text(with_row(PAGE.read_text(encoding="utf-8"), minutes, row), encoding="utf-8")


if __name__ == "__main__":
    main()
