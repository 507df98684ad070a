"""All files of the site: those written by hand in `docs/`, and those made of the chapters and the lesson.

`python -m dino.course.site FOLDER` writes both into a new folder, with a `mkdocs.yml` that needs no hook, for other builders.
"""

import io
import os
import shutil
from pathlib import Path

from dino.course.chapters import LESSON, chapters
from dino.course.site.execute import run_all
from dino.course.site.pages import notebook, page, reference
from dino.data import dinosaurs, load, sheet


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
    buffer = io.BytesIO()
    sheet(load(dinosaurs(12, seed=1)), columns=12, scale=1).save(buffer, format="png", optimize=True)
    weights = {f"live/{path.name}": path.read_bytes() for path in LESSON.glob("weights/dinosaurs-*.safetensors")}
    return found | {"live/dinosaurs.png": buffer.getvalue(), **weights}


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
