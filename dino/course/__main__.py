"""`python -m dino.course` is the command `dino`."""

from dino.course.cli import main

main()
