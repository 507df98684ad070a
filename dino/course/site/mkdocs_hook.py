"""Gives MkDocs the files that are made of the chapters and the lesson; see `hooks` in `mkdocs.yml`."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from dino.course.site.build import made


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add them."""
    for name, content in made(Path(config.config_file_path).parent).items():
        files.append(File.generated(config, name, content=content))
    return files
