"""Gives MkDocs the files that are made of the chapters and the lesson; see `hooks` in `mkdocs.yml`."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from dino.course.site.build import address, made


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Say where the site will be, if that is known."""
    config.site_url = config.site_url or address()
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add them. Where one is written by hand, too, the made one takes its place."""
    for name, content in made(Path(config.config_file_path).parent).items():
        if by_hand := files.get_file_from_path(name):
            files.remove(by_hand)
        files.append(File.generated(config, name, content=content))
    return files
