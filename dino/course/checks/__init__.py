"""What is true of a right answer: a module of checks for each chapter, named like it."""

import importlib

from dino.course.checks.claims import CHECKS, Check


def check_for(topic: str, name: str) -> Check:
    """The check of an exercise of the chapter on `topic`, whose module is imported if it was not yet."""
    importlib.import_module(f"dino.course.checks.{topic}")
    return CHECKS[name]
