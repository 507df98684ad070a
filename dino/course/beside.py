"""Shows a learner's answer beside the lesson's, once it is right."""

import ast
import inspect
import linecache
import shutil
from collections.abc import Callable
from itertools import zip_longest

from dino.course.chapters import definition, find_exercise, solution


def source_of(answer: Callable) -> str | None:
    """The text of an answer, as it stands in its file or cell; None if it cannot be found."""
    members = vars(answer).values() if inspect.isclass(answer) else [answer]
    function = next((one for one in map(inspect.unwrap, members) if inspect.isfunction(one)), None)
    if function is None:
        return None
    linecache.checkcache(function.__code__.co_filename)
    try:
        return definition("".join(linecache.getlines(function.__code__.co_filename)), answer.__name__)
    except (LookupError, SyntaxError):
        return None


def without_docstrings(source: str) -> list[str]:
    """The lines of a source without its docstrings, which the learner did not write."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            for line in range(node.body[0].lineno - 1, node.body[0].end_lineno):
                lines[line] = None
    return [line for line in lines if line is not None]


def tree_of(source: str) -> str:
    """What a source says to Python, however it is laid out."""
    return ast.dump(ast.parse("\n".join(without_docstrings(source))))


def beside(name: str, answer: Callable) -> str:
    """The learner's answer to an exercise and the lesson's, side by side if they fit; "" if they say the same."""
    yours, lessons = source_of(answer), solution(*find_exercise(name))
    if yours is None or tree_of(yours) == tree_of(lessons):
        return ""
    left, right = ["yours", "", *without_docstrings(yours)], ["the lesson's", "", *without_docstrings(lessons)]
    width = max(map(len, left)) + 4
    if width + max(map(len, right)) <= shutil.get_terminal_size((120, 40)).columns - 6:
        return "\n".join((a.ljust(width) + b).rstrip() for a, b in zip_longest(left, right, fillvalue=""))
    return "\n".join([*left, "", *right])
