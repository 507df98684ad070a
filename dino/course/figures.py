"""Figures for chapters and checks. Plotting stays out of the lesson."""

import io
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from torch import Tensor

from dino.course.workspace import write


def show(rows: dict[str, Tensor], titles: list[str] | None = None, size: float = 1.1) -> None:
    """Show rows of pictures, each with its name on the left, and a title over each column.

    rows    by name, the pictures of each row: (count, 3, height, width), in [0, 1]
    titles  one for each column
    size    of a picture, in inches
    """
    draw(rows, titles, size)
    plt.show()


def draw(rows: dict[str, Tensor], titles: list[str] | None = None, size: float = 1.1) -> Figure:
    """The figure that `show` shows."""
    columns = max(len(pictures) for pictures in rows.values())
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(size * columns + 0.9, size * len(rows) + 0.3), squeeze=False, layout="constrained"
    )
    for (name, pictures), line in zip(rows.items(), axes, strict=True):
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        for axis in line:
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        for axis, picture in zip(line, pictures, strict=False):
            axis.imshow(picture.detach().float().clamp(0, 1).permute(1, 2, 0).numpy(), interpolation="nearest")
    for axis, title in zip(axes[0], titles or [], strict=False):
        axis.set_title(title, fontsize=9)
    return figure


def compare(expected: Tensor, yours: Tensor) -> Figure:
    """Draw what a check expected, what came out, and the difference between the two: grey where there is none.

    expected, yours   (count, 3, height, width); the first six are shown
    """
    expected, yours = expected[:6], yours[:6].nan_to_num(0)
    difference = 0.5 + (yours - expected) / 2
    return draw({"expected": expected, "yours": yours, "difference\n(grey: none)": difference})


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    plt.close(figure)
    write(path, buffer.getvalue())
