"""`python -m dino` is the command `dino`, for launchers that start modules: `torchrun --nproc-per-node 2 -m dino train`."""

import sys
from pathlib import Path

# Python puts the folder in which it is run first, where a file of the learner's called random.py would hide Python's. The
# command `dino` does not, and where the course itself lies there, it has to stay.
if not sys.flags.safe_path and Path(sys.path[0]) == Path.cwd() != Path(__file__).parents[1]:
    del sys.path[0]

from dino.course.cli import main

main()
