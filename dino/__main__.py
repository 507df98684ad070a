"""`python -m dino` is the command `dino`, for launchers that start modules: `torchrun --nproc-per-node 2 -m dino train`."""

import os
import sys

# Python puts the folder in which it is run first, where a file of the learner's called random.py would hide Python's. The
# command `dino` does not, and where the course itself lies there, it has to stay. (Nothing is imported before this that
# Python has not loaded by itself.)
if not sys.flags.safe_path and sys.path[0] == os.getcwd() != os.path.dirname(os.path.dirname(__file__)):  # noqa: PTH109, PTH120
    del sys.path[0]

from dino.course.cli import main

main()
