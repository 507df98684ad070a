"""Gives MkDocs a page for each chapter; see `hooks` in `mkdocs.yml`."""

import io
import os
from pathlib import Path
from random import Random

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from PIL import Image

from dino.course.chapters import LESSON, chapters
from dino.course.site.pages import notebook, page, reference
from dino.course.site.run import run
from dino.drawing import draw


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the chapters into the menu, behind the front page and the one on how to begin."""
    for number, chapter in enumerate(chapters(), start=1):
        config.nav.insert(number + 1, {f"{number}. {chapter.title}": f"chapters/{chapter.path.stem}.md"})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add all that is made: the pages of the chapters with their pictures and notebooks, and what the live parts need."""
    root = Path(config.config_file_path).parent
    repository = os.environ.get("REPOSITORY", "")
    for name, content in made(root / ".cache" / "chapters", repository).items():
        files.append(File.generated(config, name, content=content))
    return files


def made(cache: Path, repository: str) -> dict[str, str | bytes]:
    """The files of the site that are not written by hand, by their paths in it."""
    found: dict[str, str | bytes] = {"lesson.md": reference()}
    for chapter in chapters():
        text, pictures = page(chapter, run(chapter, cache), repository)
        found[f"chapters/{chapter.path.stem}.md"] = text
        found[f"chapters/{chapter.path.stem}.ipynb"] = notebook(chapter, repository)
        found |= {f"chapters/{name}": content for name, content in pictures.items()}
    row = Image.new("RGB", (12 * 32, 32))
    dice = Random(1)
    for i in range(12):
        row.paste(draw(dice, 32)[0], (i * 32, 0))
    buffer = io.BytesIO()
    row.save(buffer, format="png", optimize=True)
    weights = {f"live/{path.name}": path.read_bytes() for path in LESSON.glob("weights/dinosaurs-*.safetensors")}
    return found | {"live/dinosaurs.png": buffer.getvalue(), **weights}
