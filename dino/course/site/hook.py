"""Gives MkDocs a page for each chapter; see `hooks` in `mkdocs.yml`."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from dino.course.chapters import chapters
from dino.course.site.pages import page
from dino.course.site.run import run


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the chapters into the menu, behind the front page."""
    for number, chapter in enumerate(chapters(), start=1):
        config.nav.insert(number, {f"{number}. {chapter.title}": f"chapters/{chapter.path.stem}.md"})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of all chapters, and their pictures."""
    cache = Path(config.config_file_path).parent / ".cache" / "chapters"
    for chapter in chapters():
        text, pictures = page(chapter, run(chapter, cache))
        files.append(File.generated(config, f"chapters/{chapter.path.stem}.md", content=text))
        for name, content in pictures.items():
            files.append(File.generated(config, f"chapters/{name}", content=content))
    return files
