"""All files of the site: those written by hand in `docs/`, and those made of the chapters and the lesson.

`python -m dino.course.site FOLDER` writes both into a new folder, with a `mkdocs.yml` that needs no hook, for other builders; with
`--paper`, only the book, worksheets and slides.
"""

import io
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from dino.captions import FILLERS
from dino.conditioning import prompted, read
from dino.course.chapters import chapters
from dino.course.site.execute import run_all
from dino.course.site.formulas import FORMULAS, exported
from dino.course.site.pages import notebook, page, reference
from dino.course.site.printing import printed
from dino.data import dinosaurs, load, sheet, to_tensor
from dino.editing import sample_known
from dino.sampling import sample
from dino.saving import PROMPTED, TRAINED, load_denoiser

# What the box for prompts on the pages begins with: its first drawings are made here, so that a reader need not fetch the network.
BEGINNING = {"prompt": "a red t-rex facing left", "guidance": 1.0, "steps": 12, "seed": 1, "count": 4}
# Where on the site the files to print are.
PAPER = "paper/"


def made(root: Path) -> dict[str, str | bytes]:
    """The files of the site that are not written by hand, by their paths in it.

    root  of the repository, where runs of the chapters are kept in `.cache/`

    The environment variable REPOSITORY, `OWNER/NAME` at GitHub, makes pages link to it and to Colab, and say how to clone it and
    where they are themselves.
    """
    repository, cache = os.environ.get("REPOSITORY", ""), root / ".cache" / "chapters"
    found: dict[str, str | bytes] = {"lesson.md": reference()}
    runs = run_all(chapters(), cache)
    for chapter, kept in zip(chapters(), runs, strict=True):
        text, pictures = page(chapter, kept, repository)
        found[f"chapters/{chapter.path.stem}.md"] = text
        found[f"chapters/{chapter.path.stem}.ipynb"] = notebook(chapter, kept["executed"] if repository else "")
        found |= {f"chapters/{name}": content for name, content in pictures.items()}
    if repository:
        found["begin.md"] = (root / "docs" / "begin.md").read_text(encoding="utf-8").replace("OWNER/NAME", repository)
    found |= {f"live/{path.name}": path.read_bytes() for path in (TRAINED, PROMPTED)}
    found |= {f"live/formula-{name}.json": exported(formula) for name, formula in FORMULAS.items()}
    found["live/prompt.json"], found["live/prompt-drawn.png"] = prompt_box(**BEGINNING)
    real, drawn = load(dinosaurs(12, seed=1)), drawn_from(root / "docs" / "live" / "scribble.png")
    found |= {"live/dinosaurs.png": strip(real), "live/scribble-drawn.png": strip(drawn)}
    day = int(datetime.fromisoformat(max(kept["executed"] for kept in runs)).replace(tzinfo=UTC).timestamp())
    paper = printed(found, day, address(), root / ".cache" / "paper")
    return found | {f"{PAPER}{name}": content for name, content in paper.items()}


def address() -> str:
    """Where GitHub shows the site of the repository that REPOSITORY names, "" without it."""
    owner, _, name = os.environ.get("REPOSITORY", "").partition("/")
    host = f"{owner.lower()}.github.io"
    # A repository that is called as the host itself is shown at the root.
    place = "" if name.lower() == host else f"{name}/"
    return f"https://{host}/{place}" if name else ""


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


def prompt_box(prompt: str, guidance: float, steps: int, seed: int, count: int) -> tuple[str, bytes]:
    """What the box for prompts has to know before it has a network, as JSON, and its first drawings, as the page would draw them."""
    denoiser = load_denoiser(PROMPTED)
    noise = torch.stack([page_noise(seed + i) for i in range(count)])
    drawn = sample(prompted(denoiser, read(prompt, denoiser.words), guidance), noise, steps)
    begin = {"prompt": prompt, "guidance": guidance, "steps": steps, "seed": seed, "count": count}
    return json.dumps(begin | {"words": denoiser.words, "fillers": sorted(FILLERS)}), strip(drawn)


def page_noise(seed: int, size: int = 32) -> torch.Tensor:
    """The noise that `noise` of docs/live/recipe.js makes from a seed, (3, size, size)."""
    state = (seed + 0x6D2B79F5 * np.arange(1, 3 * size**2 + 1, dtype=np.uint64)).astype(np.uint32)
    bits = (state ^ (state >> 15)) * (state | 1)
    bits ^= bits + (bits ^ (bits >> 7)) * (bits | 61)
    return torch.from_numpy(((bits ^ (bits >> 14)) >> 8) / np.float32(2**24)).float().view(3, size, size)


def put(files: dict[str, str | bytes], folder: Path) -> None:
    """Write files into a folder, by their paths in it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def write_paper(root: Path, folder: Path) -> None:
    """Write what is on paper alone: the book, worksheets and slides. Raises FileExistsError if the folder is there already."""
    files = {name.removeprefix(PAPER): content for name, content in made(root).items() if name.startswith(PAPER)}
    folder.mkdir(parents=True)
    put(files, folder)


def write(root: Path, folder: Path) -> None:
    """Write the whole site as plain Markdown, with its `mkdocs.yml`. Raises FileExistsError if the folder is there already."""
    files = made(root)
    shutil.copytree(root / "docs", folder / "docs")
    put(files, folder / "docs")
    settings = (root / "mkdocs.yml").read_text(encoding="utf-8")
    settings = settings.replace("hooks:\n  - dino/course/site/mkdocs_hook.py\n", "")
    if address() and "\nsite_url:" not in f"\n{settings}":
        settings = f"site_url: {address()}\n{settings}"
    (folder / "mkdocs.yml").write_text(settings, encoding="utf-8")
