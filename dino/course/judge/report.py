"""Tells what became of an answer, in a notebook and in a terminal alike: the news, what is wrong as a picture, the lesson's
answer beside one that is right, and where help is."""

import ast
import base64
import os
import shutil
import sys
from itertools import zip_longest
from pathlib import Path

import click

from dino.course import workspace
from dino.course.chapters import find_exercise, solution
from dino.course.checks import check_for
from dino.course.checks.mistakes import without_docstrings
from dino.course.judge.runner import judge_apart
from dino.course.judge.verdict import FAILED, PASSED, SIGNS, Verdict, mark
from dino.course.terminal import hold_all


def check(answer, variant: int | None = None) -> None:
    """Check your answer to an exercise and say what is wrong with it, if anything is. This is no grade.

    answer   the function or class that you wrote, such as `mix`
    variant  the number of your class's variant of the course, if it has one

    Raises ValueError if no exercise has the name of the answer.
    """
    verdict = judge_apart(variant, getattr(answer, "__name__", str(answer)), answer)
    lines = rendered(verdict, SIGNS[verdict.state], "run `dino hint {}` in a terminal", new=True)
    hold_all(sys.stdout)
    print("\n  ".join(lines))
    if verdict.figure:
        from dino.course.judge.figures import (  # here, for it takes long to load, and right answers do without it
            evidence,
            plt,
        )

        if evidence(verdict.figure):
            plt.show()
    workspace.record({verdict.exercise: verdict.state})


def tell(verdict: Verdict, picture: Path, new: bool) -> None:
    """Tell the learner about one exercise in the terminal, and draw what is wrong if it can be seen.

    picture  the file to draw it into, which is removed if there is nothing wrong any more
    new      whether a right answer was not known to be right before
    """
    lines = rendered(verdict, mark(verdict.state), "dino hint {}", new)
    figure = None
    if verdict.figure:
        from dino.course.judge.figures import evidence, save

        figure = evidence(verdict.figure)
    try:
        if figure:
            save(figure, picture)
            lines.insert(-1, f"Look: {picture}")
        elif verdict.state != FAILED:
            picture.unlink(missing_ok=True)
    except OSError as error:
        figure = None
        lines.append(f"{picture} cannot be written: {error.strerror}.")
    click.echo("  " + "\n      ".join(lines))
    if figure and sys.stdout.isatty() and (shown := inline(picture.read_bytes())):
        click.echo(shown)


def rendered(verdict: Verdict, sign: str, help: str, new: bool) -> list[str]:
    """What there is to say of a verdict, line by line: the news first, and what belongs to it below.

    help  how to ask for a hint, with {} for the exercise
    new   whether to say what is worth noticing about a right answer, and show the lesson's beside it
    """
    name = verdict.exercise
    lines = [f"{sign} {name}: {verdict.news}", *([verdict.symptom] if verdict.symptom else [])]
    if verdict.printed:
        lines += ["It printed:", *verdict.printed.splitlines()]
    if verdict.state == PASSED and new:
        chapter, _ = find_exercise(name)
        lines += [f"Worth noticing: {check_for(chapter.topic, name).notice}"]
        lines += side_by_side(name, verdict.source)
    if verdict.state == FAILED:
        lines.append(f"For a hint: {help.format(name)}")
    return lines


def side_by_side(name: str, source: str) -> list[str]:
    """The lines of the learner's answer to an exercise and of the lesson's, side by side if they fit.

    There are none if both say the same, or if the text of the answer could not be found.
    """
    if not source:
        return []
    # Docstrings are not what the learner wrote, and how a source is laid out is not what it says to Python.
    yours, lessons = without_docstrings(source), without_docstrings(solution(*find_exercise(name)))
    if ast.dump(ast.parse("\n".join(yours))) == ast.dump(ast.parse("\n".join(lessons))):
        return []
    left, right = ["yours", "", *yours], ["the lesson's", "", *lessons]
    width = max(map(len, left)) + 4
    if width + max(map(len, right)) <= shutil.get_terminal_size((120, 40)).columns - 6:
        return [(a.ljust(width) + b).rstrip() for a, b in zip_longest(left, right, fillvalue="")]
    return [*left, "", *right]


def inline(png: bytes) -> str:
    """The characters that make a terminal show a PNG picture; "" for a terminal that is not known to show any.

    Kitty and Ghostty speak the one language (https://sw.kovidgoyal.net/kitty/graphics-protocol), iTerm2, WezTerm and
    Visual Studio Code the other (https://iterm2.com/documentation-images.html).
    """
    data = base64.b64encode(png).decode()
    if "KITTY_WINDOW_ID" in os.environ or os.environ.get("TERM_PROGRAM") == "ghostty":
        parts = [data[i : i + 4096] for i in range(0, len(data), 4096)]
        keys = ["m=1"] * (len(parts) - 1) + ["m=0"]  # whether more is to come
        keys[0] = f"a=T,f=100,{keys[0]}"
        return "".join(f"\x1b_G{key};{part}\x1b\\" for key, part in zip(keys, parts, strict=True))
    if os.environ.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm", "vscode"):
        return f"\x1b]1337;File=inline=1;size={len(png)}:{data}\x07"
    return ""
