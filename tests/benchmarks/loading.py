"""What loading costs: `python tests/benchmarks/loading.py [--count 10000]`, with nothing else running.

Makes photos of 500 pixels, and measures on them, at 32x32, with the default network and batches of 16, on the processor:
- the time from starting Python to the end of the first step, with nothing in the cache, and again with all in it;
- a step from `CachedPictures`, and a step from a tensor in memory, in turns, the median of 300 each after 20 to warm up;
- steps per second from `StreamedPictures`, and from the tensor, in turns of 50 steps, the median of 6 turns each;
- the memory of the process after 200 and after 2,000 steps from cached and from streamed pictures, with a tiny network.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import torch
from PIL import Image

from dino.course.train.cached import open_pictures
from dino.data import dinosaurs
from dino.denoiser import Denoiser
from dino.training import Run, train

SIZE, BATCH = 32, 16


def make_photos(folder: Path, count: int) -> None:
    """Dinosaurs as photos: blown up to 500 pixels, with grain, as JPEG files of about 60 kB."""
    generator = np.random.default_rng(0)
    large = [row["image"].convert("RGB").resize((500, 500), Image.Resampling.BICUBIC) for row in dinosaurs(100, 64)]
    clean = [np.asarray(picture, np.int16) for picture in large]
    grain = [generator.normal(0, 6, (500, 500, 1)).astype(np.int16) for _ in range(30)]
    for i in range(count):
        pixels = (clean[i % 100] + grain[i % 30] + i // 3000).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:05}.jpg", quality=85)


def steps_from(pictures: object, denoiser: Denoiser | None = None) -> Iterator[float]:
    """Training on some pictures, step by step."""
    torch.manual_seed(0)
    return train(Run(denoiser or Denoiser()), pictures, steps=100_000, batch=BATCH)


def seconds_of(training: Iterator[float], steps: int = 1) -> float:
    """How long some steps take."""
    start = time.perf_counter()
    for _ in range(steps):
        next(training)
    return time.perf_counter() - start


def apart(part: str, folder: Path) -> str:
    """Measure a part in a process of its own; gives what it printed."""
    command = [sys.executable, __file__, "--part", part, "--folder", str(folder)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def tell_start(folder: Path) -> None:
    """Measure how long it takes until the first step is done, cold and warm."""
    for state in ("cold", "warm"):
        start = time.perf_counter()
        apart("first step", folder)
        print(f"first step after, {state} cache      {time.perf_counter() - start:8.2f} s", flush=True)


def tell_cache(folder: Path) -> None:
    """Measure steps from the cache against steps from memory."""
    cached = open_pictures(folder, SIZE)
    training = {"the cache": steps_from(cached), "memory": steps_from(cached[:])}
    times = {name: [] for name in training}
    for _ in range(320):
        for name, steps in training.items():
            times[name].append(seconds_of(steps))
    medians = {name: 1000 * statistics.median(some[20:]) for name, some in times.items()}
    for name, milliseconds in medians.items():
        print(f"a step from {name:21} {milliseconds:8.2f} ms")
    print(f"  cache / memory                    {medians['the cache'] / medians['memory']:8.3f}", flush=True)


def tell_stream(folder: Path) -> None:
    """Measure steps from a stream against steps from memory."""
    cached, stream = open_pictures(folder, SIZE), open_pictures(folder, SIZE, stream=True)
    start = time.perf_counter()
    print(f"filling a window of {len(stream)}          {time.perf_counter() - start:8.2f} s")
    training = {"a stream": steps_from(stream), "memory": steps_from(cached[:])}
    rates = {name: [] for name in training}
    for _ in range(7):
        for name, steps in training.items():
            rates[name].append(50 / seconds_of(steps, 50))
    medians = {name: statistics.median(some[1:]) for name, some in rates.items()}
    for name, rate in medians.items():
        print(f"steps from {name:22} {rate:8.2f} a second")
    print(f"  stream / memory                   {medians['a stream'] / medians['memory']:8.3f}", flush=True)


def tell_memory(folder: Path, stream: bool) -> None:
    """Measure the memory of 2,000 steps, with a network so small that the pictures would show."""
    training = steps_from(open_pictures(folder, SIZE, stream=stream), Denoiser((4, 4), (1, 1)))
    seconds_of(training, 200)
    early = psutil.Process().memory_info().rss / 2**20
    seconds_of(training, 1800)
    late = psutil.Process().memory_info().rss / 2**20
    name = "a stream" if stream else "the cache"
    print(f"memory with {name}: {early:.1f} MiB after 200 steps, {late:.1f} MiB after 2,000 ({late / early - 1:+.1%})")


def main() -> None:
    """Print all figures."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--count", type=int, default=10_000, help="how many photos")
    asked.add_argument("--part", default="all", help=argparse.SUPPRESS)
    asked.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = asked.parse_args()
    parts = {
        "first step": lambda folder: next(steps_from(open_pictures(folder, SIZE))),
        "cache": tell_cache,
        "stream": tell_stream,
        "memory of cache": lambda folder: tell_memory(folder, stream=False),
        "memory of stream": lambda folder: tell_memory(folder, stream=True),
    }
    if asked.part in parts:
        parts[asked.part](asked.folder)
    else:
        with tempfile.TemporaryDirectory() as name:
            # This is where the parts, which are processes of their own, keep what they decode.
            os.environ["HF_DATASETS_CACHE"] = str(Path(name) / "cache")
            folder = Path(name) / "photos"
            folder.mkdir()
            start = time.perf_counter()
            make_photos(folder, asked.count)
            size = sum(file.stat().st_size for file in folder.iterdir()) / asked.count / 1000
            print(f"{asked.count:,} photos of {size:.0f} kB, made in {time.perf_counter() - start:.0f} s", flush=True)
            tell_start(folder)
            for part in list(parts)[1:]:
                print(apart(part, folder), flush=True)


if __name__ == "__main__":
    main()
