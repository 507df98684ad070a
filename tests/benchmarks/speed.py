"""How fast the course is on this machine: `python tests/benchmarks/speed.py [sizes | peak]`, with nothing else running.

With `sizes`, only the table of the page about training for real: steps, pictures and memory at several sizes of picture and
network, each measured over 30 steps in a process of its own. With `peak`, only how much of what this processor or graphics card
can calculate a training step makes use of, at several sizes of batch.

Each command is run five times, in a process of its own, in a folder where all exercises are solved; the median counts.
Training is measured over 300 steps at the defaults, after 20 to warm up; each step counts, and the median is told.
"""

import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from dino.course.chapters import chapters, solved
from dino.course.train.run import keep_memory
from dino.data import load
from dino.denoiser import Denoiser
from dino.training import Run, train


def seconds(*command: str, cwd: Path) -> float:
    """The median time that a command takes, in seconds; `{}` in it becomes the number of the time."""
    times = []
    for i in range(5):
        start = time.perf_counter()
        program = [Path(sys.executable).with_name("dino"), *(part.format(i) for part in command)]
        subprocess.run(program, cwd=cwd, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def images_per_second(steps: int = 300, batch: int = 16) -> float:
    """How many pictures the default network learns from in a second, on the processor."""
    torch.manual_seed(0)
    training = train(Run(Denoiser()), load(), steps=10_000, batch=batch)
    for _ in range(20):
        next(training)
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        next(training)
        times.append(time.perf_counter() - start)
    return batch / statistics.median(times)


SIZES = [
    (32, (32, 64, 64, 64), (1, 1, 2, 2)),
    (32, (64, 64, 64, 64, 64), (2, 2, 2, 2, 2)),
    (64, (32, 64, 64, 64, 64), (1, 1, 2, 2, 2)),
    (64, (64, 64, 64, 64, 64), (2, 2, 2, 2, 2)),
    (128, (32, 64, 64, 64, 64, 64), (1, 1, 2, 2, 2, 2)),
]


def measure(size: int, widths: tuple[int, ...], depths: tuple[int, ...], batch: int = 16) -> tuple[float, float]:
    """Pictures a second, and megabytes at the most, of a training."""
    keep_memory()
    training = train(Run(Denoiser(widths, depths)), torch.rand(64, 3, size, size), steps=10_000, batch=batch)
    times = []
    for _ in range(35):
        start = time.perf_counter()
        next(training)
        times.append(time.perf_counter() - start)
    return batch / statistics.median(times[5:]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def sizes() -> None:
    """Print the table of sizes."""
    print("| pictures | widths | depths | pictures a second | memory | an hour is |\n|---|---|---|---|---|---|")
    for size, widths, depths in SIZES:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            speed, memory = pool.apply(measure, (size, widths, depths))
        names = [", ".join(map(str, numbers)) for numbers in (widths, depths)]
        print(
            f"| {size}x{size} | {' | '.join(names)} | {speed:.0f} | {memory:,.0f} MB | {speed * 225:,.0f} steps |",
            flush=True,
        )


def seconds_of(work: Callable, times: int) -> float:
    """How long some work takes, once it is warm: the median."""
    taken = []
    for _ in range(times + 5):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[5:])


def peak() -> None:
    """Print pictures a second, and calculations a second over those of a product of two large matrices, as a table."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    able = device.type == "cuda" or torch.cpu.get_capabilities().get("avx512_bf16", False)
    side = 8192 if device.type == "cuda" else 1024
    square = torch.randn(side, side, device=device, dtype=torch.bfloat16 if able else torch.float32)
    most = 2 * side**3 / seconds_of(lambda: square @ square, 20)
    print(f"{square.dtype} on {device}: at most {most / 1e9:,.0f} GFLOP/s")
    print("| batch | pictures a second | GFLOP/s | share of the most |\n|---|---|---|---|")
    images = load().to(device)
    for batch in (16, 64, 256) if device.type == "cpu" else (16, 128, 1024, 4096):
        training = train(Run(Denoiser().to(device)), images, steps=100_000, batch=batch)
        with FlopCounterMode(display=False) as counter:
            next(training)
        taken = seconds_of(lambda: next(training), 30)  # noqa: B023 - called at once
        speed = counter.get_total_flops() / taken
        print(f"| {batch} | {batch / taken:,.0f} | {speed / 1e9:,.0f} | {speed / most:.0%} |", flush=True)


def main() -> None:
    """Print all figures."""
    keep_memory()
    if sys.argv[1:] == ["sizes"]:
        sizes()
        return
    if sys.argv[1:] == ["peak"]:
        peak()
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"dino start       {seconds('start', 'fresh{}', cwd=folder):6.2f} s")
        subprocess.run([Path(sys.executable).with_name("dino"), "start"], cwd=folder, check=True, capture_output=True)
        for chapter in chapters():
            (folder / "my-dino" / chapter.path.name).write_text(solved(chapter), encoding="utf-8")
        print(f"dino             {seconds(cwd=folder):6.2f} s")
        for chapter in chapters():
            print(f"dino check {chapter.topic:9}{seconds('check', chapter.topic, cwd=folder):5.2f} s")
        print(f"dino check       {seconds('check', cwd=folder):6.2f} s")
        print(f"dino sample      {seconds('sample', cwd=folder):6.2f} s")
    print(f"training         {images_per_second():6.0f} images/s at 32x32 ({torch.get_num_threads()} threads)")


if __name__ == "__main__":
    main()
