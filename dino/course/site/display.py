"""What a kernel runs before a chapter, so that pictures come out small, and figures twice: for light pages, and for dark."""

import base64
import contextlib
import io
from collections.abc import Callable

from matplotlib import colors
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from PIL import Image

LIGHT, DARK, PLAIN = "image/x-light", "image/x-dark", "image/webp"
# WebP without loss says the same as PNG in half as many bytes.
SMALL = {"lossless": True, "method": 6}
# What is drawn in these colours is drawn in those on dark pages. All others are right for both.
ON_DARK = {colors.to_rgba(light): dark for light, dark in {"black": "#d8d8e0", "grey": "#9c9ca8"}.items()}


def webp(save: Callable, **settings) -> str:
    """What is saved as WebP, in base64."""
    buffer = io.BytesIO()
    save(buffer, format="webp", **settings)
    return base64.b64encode(buffer.getvalue()).decode()


def recolour(artist: Artist) -> None:
    """Draw all that is black or grey so that it can be seen on a dark page."""
    for part in ("color", "edgecolor", "facecolor", "markeredgecolor", "markerfacecolor"):
        # Many kinds of things are drawn, and not all have all parts, or one colour each.
        with contextlib.suppress(AttributeError, TypeError, ValueError):
            if dark := ON_DARK.get(colors.to_rgba(getattr(artist, f"get_{part}")())):
                getattr(artist, f"set_{part}")(dark)


def both(figure: Figure, **_choice) -> tuple[dict[str, str], dict]:
    """A figure as IPython wants it: as data of several kinds."""
    for legend in [*figure.legends, *(axis.get_legend() for axis in figure.axes)]:
        if legend:
            legend.get_frame().set_alpha(0)
    # On no background, and twice as fine as a page shows it.
    settings = {"dpi": 200, "transparent": True, "pil_kwargs": SMALL}
    light = webp(figure.savefig, **settings)
    for artist in figure.findobj():
        recolour(artist)
    return {LIGHT: light, DARK: webp(figure.savefig, **settings)}, {}


def plain(image: Image.Image, **_choice) -> tuple[dict[str, str], dict]:
    """A picture as IPython wants it."""
    return {PLAIN: webp(image.save, **SMALL)}, {}


def prepare() -> None:
    """Make IPython show pictures and figures in these ways, and no other."""
    from IPython import get_ipython

    shell = get_ipython()
    shell.run_line_magic("matplotlib", "inline")
    shell.display_formatter.mimebundle_formatter.for_type(Figure, both)
    shell.display_formatter.mimebundle_formatter.for_type(Image.Image, plain)
    for kind in ("image/png", "image/jpeg"):
        shell.display_formatter.formatters[kind].enabled = False
