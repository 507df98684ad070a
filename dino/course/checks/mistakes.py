"""Usual mistakes as data: an edit of the reference, which is a passage of its source and what a learner writes instead."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable

Edit = dict[str, str]


def without_docstrings(source: str) -> list[str]:
    """The lines of a source without the docstrings of its functions and classes."""
    lines = dict(enumerate(source.splitlines(), start=1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            for number in range(node.body[0].lineno, node.body[0].end_lineno + 1):
                lines.pop(number, None)
    return list(lines.values())


def code_of(reference: Callable) -> str:
    """The source of a function or class without its docstrings and comments, for these are no part of what it does."""
    lines = without_docstrings(textwrap.dedent(inspect.getsource(reference)))
    return "\n".join(line for line in lines if line.strip() and not line.strip().startswith("#"))


def edited(reference: Callable, edit: Edit) -> str:
    """The source of the reference as a learner would have written it, who makes a mistake.

    edit  passages of its code, and what stands there instead; each passage has to occur exactly once

    Raises ValueError if one does not: the reference has changed, or the passage says too little.
    """
    source = code_of(reference)
    for passage, instead in edit.items():
        if (often := source.count(passage)) != 1:
            raise ValueError(f"{passage!r} should occur once in {reference.__name__}, and occurs {often} times")
        source = source.replace(passage, instead)
    return source


def mistaken(reference: Callable, edit: Edit) -> Callable:
    """The edited reference, with the names around it that the lesson's module has. Raises what `edited` raises."""
    found: dict[str, Callable] = {}
    code = compile(edited(reference, edit), f"<{reference.__name__}, with a mistake>", "exec")
    exec(code, vars(sys.modules[reference.__module__]), found)
    return found[reference.__name__]
