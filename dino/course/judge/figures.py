"""Figures for chapters and checks. Plotting stays out of the lesson."""

import io
import math
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from dino.course.checks import claims
from dino.course.checks.claims import Bars, Curve, Histogram, Pictures
from dino.course.files import write


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
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=12)
        for axis in line:
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        for axis, picture in zip(line, pictures, strict=False):
            axis.imshow(picture.detach().float().clamp(0, 1).permute(1, 2, 0).numpy(), interpolation="nearest")
    for axis, title in zip(axes[0], titles or [], strict=False):
        axis.set_title(title, fontsize=12)
    return figure


def compare(expected: Tensor, yours: Tensor) -> Figure:
    """Draw what a check expected, what came out, and the difference between the two: grey where there is none.

    A small difference is drawn stronger, up to 100 times, and one above 1 weaker, as the label tells.

    expected, yours   (count, channels, height, width); the first six are shown, as colours if there are three channels,
                      and otherwise the first channel, from its darkest to its brightest
    """
    expected, yours = expected[:6].detach().float(), yours[:6].detach().float().nan_to_num(0)
    if expected.shape[1] != 3:
        expected, yours = expected[:, :1], yours[:, :1]
        low, high = expected.min(), expected.max()
        expected, yours = ((x.expand(-1, 3, -1, -1) - low) / (high - low + 1e-9) for x in (expected, yours))
    difference = yours - expected
    sizes = difference.abs()
    most = max([0.01, *sizes[sizes < 1e6].tolist()])  # what is infinite does not decide how strongly the rest is drawn
    times = int(1 / most) if most <= 1 else float(f"{1 / most:.2g}")
    label = f"difference{f', x {times}' * (times != 1)}\n(grey: none)"
    return draw({"expected": expected, "yours": yours, label: 0.5 + times * difference / 2})


def plot(shown: Histogram | Bars | Curve) -> Figure:
    """Draw two rows of numbers, what was expected in grey and what came out in red."""
    figure, axis = plt.subplots(figsize=(5, 2.8), layout="constrained")
    axis.set(xlabel=shown.across, ylabel=shown.up)
    axis.spines[["top", "right"]].set_visible(False)
    rows = [(shown.expected.detach(), {"color": "0.55", "label": "expected"})]
    rows += [(shown.yours.detach(), {"color": "#d1495b", "label": "yours"})]
    match shown:
        case Histogram():
            axis.set(xlabel="level", ylabel="how often")
            # Ranges are 0.05 wide, or wider where levels are far out.
            low = min(0, math.floor(20 * float(shown.yours.min())))
            high = max(20, math.ceil(20 * float(shown.yours.max())))
            ranges = [i / 20 for i in range(low, high + 1, max(1, (high - low) // 200))]
            ranges.append(max(ranges[-1], high / 20) + 0.05)
            for values, look in rows:
                share = [1 / len(values)] * len(values)
                axis.hist(values.tolist(), ranges, weights=share, histtype="step", linewidth=2, **look)
        case Curve(x=x, ticks=ticks):
            for (values, look), point in zip(rows, "ox", strict=True):
                places = range(len(values)) if x is None or len(x) != len(values) else x.tolist()
                axis.plot(places, values.tolist(), point, markersize=8 if len(values) < 50 else 3, **look)
            if x is None:
                axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            if ticks is not None:
                axis.set_xticks(range(len(ticks)), ticks)
        case Bars():
            # A difference that could not be seen is drawn too, stronger, as its label tells.
            (expected, _), (yours, _) = rows
            times = larger(yours - expected, torch.cat([yours, expected]))
            if times > 1:
                rows.append(((yours - expected) * times, {"color": "#30638e", "label": f"difference, x {times:,}"}))
            for row, (values, look) in enumerate(rows):
                places = [i + (row - (len(rows) - 1) / 2) * 0.8 / len(rows) for i in range(len(values))]
                axis.bar(places, values.tolist(), width=0.8 / len(rows), **look)
            axis.axhline(0, color="black", linewidth=0.6)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return figure


def larger(difference: Tensor, numbers: Tensor) -> int:
    """How many times a difference can be made larger without becoming larger than the numbers: a power of ten."""
    most, size = (float(one.abs().max()) for one in (difference, numbers))
    return 10 ** int(math.log10(size / most)) if 0 < most < size < math.inf else 1


def evidence(shown: claims.Figure | None) -> Figure | None:
    """What makes an untrue claim visible, drawn; None if there is nothing to be seen."""
    if shown is None or not isinstance(shown.yours, Tensor) or shown.yours.ndim != shown.expected.ndim:
        return None
    if isinstance(shown, Pictures | Bars) and shown.yours.shape != shown.expected.shape:
        return None
    if isinstance(shown, Pictures):
        return compare(shown.expected, shown.yours)
    return plot(shown) if shown.yours.isfinite().all() else None


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, bbox_inches="tight")
    plt.close(figure)
    write(path, buffer.getvalue())
