"""What became of an answer, and how its state is shown. Without torch, for those who only show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dino.course.checks.claims import Figure

PASSED, FAILED, NOT_STARTED = "passed", "failed", "not started"
# Each state's sign, and its colour in a terminal.
SIGNS = {PASSED: "✓", FAILED: "✗", NOT_STARTED: "·"}
COLOURS = {PASSED: "green", FAILED: "red", NOT_STARTED: None}


@dataclass
class Verdict:
    """What became of one answer.

    state     PASSED, FAILED or NOT_STARTED
    news      the sentence that matters most
    symptom   what came out of the answer and what should have, or where it stopped
    figure    what makes visible that it is wrong, if it can be seen
    source    the text of a right answer, if it could be found
    printed   what the answer printed meanwhile
    """

    exercise: str
    state: str
    news: str
    symptom: str = ""
    figure: Figure | None = None
    source: str = ""
    printed: str = ""


def mark(state: str) -> str:
    """The sign for a state, in its colour for a terminal."""
    return click.style(SIGNS[state], fg=COLOURS[state], bold=True)
