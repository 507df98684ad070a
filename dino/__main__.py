"""`python -m dino` is the command `dino`, for launchers that start modules: `torchrun --nproc-per-node 2 -m dino train`."""

from dino.course.cli import main

main()
