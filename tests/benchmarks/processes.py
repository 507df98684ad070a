"""What several processes and micro-batches bring: `python tests/benchmarks/processes.py`, with nothing else running.

Speed: steps per second of one process on one core, and of two processes on two cores that share the same batches (the
default network, 16 or 64 pictures of 32x32 in each). Both are measured in turn, several times, and the median counts.
Memory: how much more a process takes at most while it learns from a batch of 64 pictures of 64x64 in so many micro-batches, and
how long a step takes. Every process has one thread.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from dino.course.train.distributed import leave, process_group
from dino.course.train.precision import prepare
from dino.course.train.run import keep_memory
from dino.denoiser import Denoiser
from dino.training import Run, train


def steps_per_second(precision: str, steps: int, batch: int) -> None:
    """Be one of the processes, on a core of its own, and print how many steps a second there were."""
    rank = int(os.environ.get("LOCAL_RANK", 0))
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[rank]})
    torch.manual_seed(0)
    keep_memory()
    with process_group(batch) as group:
        working, _ = prepare(Run(Denoiser()), group, 1, precision)
        training = train(working, torch.rand(512, 3, 32, 32), steps=10_000, batch=batch)
        for _ in range(10):
            next(training)
        start = time.perf_counter()
        for _ in range(steps):
            next(training)
            group.any(False)  # as after each step of `dino train`
        print(steps / (time.perf_counter() - start))
    leave(0)


def memory(precision: str, micro_batches: int) -> None:
    """Train a little in so many micro-batches, and print the memory that it takes, in MiB, and the seconds of a step."""
    keep_memory()
    torch.manual_seed(0)
    with process_group(64) as group:
        working, _ = prepare(Run(Denoiser()), group, micro_batches, precision)
        images = torch.rand(64, 3, 64, 64)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        for _ in train(working, images, steps=4, batch=64):
            pass
        seconds = (time.perf_counter() - start) / 4
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, seconds)


def run(*arguments: str, processes: int = 1) -> list[float]:
    """Run this file in processes of their own, and give the numbers that the first one prints."""
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)] if processes > 1 else []
    command = [sys.executable, *launcher, str(Path(__file__)), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [float(number) for number in done.stdout.split()]


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["all"], help=argparse.SUPPRESS)
    parser.add_argument("--precision", default="auto", help="as of `dino train`")
    parser.add_argument("--steps", type=int, default=60, help="how many are measured")
    parser.add_argument("--times", type=int, default=5, help="how often each is measured")
    options = parser.parse_args()
    shared = ("--precision", options.precision, "--steps", str(options.steps))
    if options.what[0] == "speed":
        steps_per_second(options.precision, options.steps, int(options.what[1]))
    elif options.what[0] == "memory":
        memory(options.precision, int(options.what[1]))
    else:
        for batch in ("16", "64"):
            pairs = [
                (run("speed", batch, *shared)[0], run("speed", batch, *shared, processes=2)[0])
                for _ in range(options.times)
            ]
            one, two = (statistics.median(speeds) for speeds in zip(*pairs, strict=True))
            ratio = statistics.median(two / one for one, two in pairs)
            print(f"batches of {batch}: one process on one core {one:.2f} steps/s")
            print(f"  two processes on two cores {two:.2f} steps/s: {ratio:.2f} times as many", flush=True)
        for count in (1, 2, 4, 8, 16):
            mib, seconds = run("memory", str(count), *shared)
            print(
                f"in {count:2} micro-batch{'es' if count > 1 else ''}: {mib:6.0f} MiB more at most, {seconds:.2f} s a step"
            )


if __name__ == "__main__":
    main()
