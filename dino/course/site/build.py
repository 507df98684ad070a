"""All files of the site: those written by hand in `docs/`, and those made of the chapters and the lesson.

`python -m dino.course.site FOLDER` writes both into a new folder, with a `mkdocs.yml` that needs no hook, for other builders.
"""

import io
import os
import shutil
from pathlib import Path

import torch
from PIL import Image

from dino.course.chapters import LESSON, chapters
from dino.course.site.execute import run_all
from dino.course.site.pages import notebook, page, reference
from dino.data import dinosaurs, load, sheet, to_tensor
from dino.editing import sample_known
from dino.saving import load_denoiser


def made(root: Path) -> dict[str, str | bytes]:
    """The files of the site that are not written by hand, by their paths in it.

    root  of the repository, where runs of the chapters are kept in `.cache/`

    The environment variable REPOSITORY, `OWNER/NAME` at GitHub, makes pages link to it and to Colab, and say how to clone it.
    """
    repository, cache = os.environ.get("REPOSITORY", ""), root / ".cache" / "chapters"
    found: dict[str, str | bytes] = {"lesson.md": reference()}
    for chapter, kept in zip(chapters(), run_all(chapters(), cache), strict=True):
        text, pictures = page(chapter, kept, repository)
        found[f"chapters/{chapter.path.stem}.md"] = text
        found[f"chapters/{chapter.path.stem}.ipynb"] = notebook(chapter, repository)
        found |= {f"chapters/{name}": content for name, content in pictures.items()}
    if repository:
        found["begin.md"] = (root / "docs" / "begin.md").read_text(encoding="utf-8").replace("OWNER/NAME", repository)
    weights = {f"live/{path.name}": path.read_bytes() for path in LESSON.glob("weights/dinosaurs-*.safetensors")}
    real, drawn = load(dinosaurs(12, seed=1)), drawn_from(root / "docs" / "live" / "scribble.png")
    return found | {"live/dinosaurs.png": strip(real), "live/scribble-drawn.png": strip(drawn), **weights}


def strip(pictures: torch.Tensor) -> bytes:
    """Pictures in one row, as a PNG file."""
    buffer = io.BytesIO()
    sheet(pictures, columns=len(pictures), scale=1).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def drawn_from(path: Path, seed: int = 2) -> torch.Tensor:
    """What the model makes of a scribble, (1, 3, height, width), with the settings that the pad on the pages begins with."""
    scribble = to_tensor(Image.open(path).convert("RGB"))[None]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        nothing_known, noise = torch.zeros_like(scribble[:, :1]), torch.rand_like(scribble)
        return sample_known(load_denoiser(), scribble, nothing_known, noise, strength=0.6, times=1, steps=12)


def write(root: Path, folder: Path) -> None:
    """Write the whole site as plain Markdown, with its `mkdocs.yml`. Raises FileExistsError if the folder is there already."""
    files = made(root)
    shutil.copytree(root / "docs", folder / "docs")
    for name, content in files.items():
        path = folder / "docs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    settings = (root / "mkdocs.yml").read_text(encoding="utf-8")
    settings = settings.replace("hooks:\n  - dino/course/site/mkdocs_hook.py\n", "")
    (folder / "mkdocs.yml").write_text(settings, encoding="utf-8")
