"""Where pictures come from: a folder, files, a data set in one of the hub's layouts, or the hub itself.

All is opened with `datasets`, and nothing that a data set brings along is run. Pictures stay undecoded, so that a broken
one ends nothing.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets

from dino.sources.arrays import array_to_file, is_array
from dino.sources.captions import choose_text
from dino.sources.common import Opened, Source, one_sentence, streamed
from dino.sources.disk import open_list, open_path
from dino.sources.hub import open_hub
from dino.sources.pictures import open_picture

__all__ = ["Source", "choose_columns", "open_picture", "open_source", "streamed"]


def open_source(
    source: str | Path | Sequence[str | Path],
    split: str = "train",
    column: str = "image",
    stream: bool = False,
    text: str | None = None,
) -> Source:
    """Open pictures, wherever they are.

    source  a folder of pictures, or an archive of one (.zip, .tar, .tar.gz and the like); a list of files; a .parquet, .arrow
            or WebDataset .tar file, or a folder of those in the hub's layout; a folder that `save_to_disk` wrote; or
            owner/name, a data set on the Hugging Face hub
    split   which part of the data set
    column  which of its columns: files of pictures, or arrays (h, w), (h, w, 3) or (3, h, w), in 0..1 or 0..255
    stream  read it bit by bit, without a copy on this disk
    text    which of its columns holds captions, if they are wanted: text, lists of it, or the numbers of classes that have names;
            for files of pictures, a column of the metadata.csv, .jsonl or .parquet beside them, or `label`: their folders

    Raises FileNotFoundError, ValueError or ConnectionError, with one sentence that says what to do.
    """
    licence = None
    if not isinstance(source, str | Path):
        opened, source = open_list([Path(file) for file in source], split), "The list of files"
    elif os.path.lexists(source):
        opened, licence = open_path(Path(source), split, stream, text)
    else:
        opened, licence = open_hub(str(source), split, stream)
    # What the data say themselves goes before what is written beside them.
    licence = opened.info.license or licence
    licence = ", ".join(map(str, licence)) if isinstance(licence, list) else licence
    opened = streamed(opened) if stream else opened
    told = (opened.info.splits or {}).get(str(opened.split))
    count = len(opened) if isinstance(opened, datasets.Dataset) else told and told.num_examples
    opened, column, caption = choose_columns(opened, column, text, str(source))
    return Source(opened, split, column, licence, count, caption)


def choose_columns(
    opened: Opened, column: str, text: str | None, source: str
) -> tuple[Opened, str, Callable[[Any], str] | None]:
    """Keep one column, as files called `image`, and perhaps one as `text`; tell what the first was called, and what makes
    captions of the second.

    If there is no column `image`, the only one that holds pictures is meant.
    """
    with one_sentence(source):
        features = opened.features or opened._resolve_features().features
    files = [name for name, feature in features.items() if is_file(feature)]
    arrays = [name for name, feature in features.items() if is_array(feature)]
    if column == "image" and column not in features and len(files or arrays) == 1:
        column = (files or arrays)[0]
    if column not in (*files, *arrays):
        there = ", ".join(files + arrays)
        there = f"pictures are in {there}: name one with --column." if there else "none holds pictures."
        raise ValueError(
            f"{source} has no pictures in a column {column}; its columns are {', '.join(features)}, and {there}"
        )
    caption = choose_text(features, text, source) if text else None
    names = {column: "image"} | ({text: "text"} if text else {})
    opened = opened.select_columns(list(names))
    if column in files:
        opened = opened.cast_column(column, datasets.Image(decode=False))
    if renamed := {name: new for name, new in names.items() if name != new}:
        opened = opened.rename_columns(renamed)
    if column in arrays:
        kept = datasets.Features({new: features[name] for name, new in names.items()})
        kept["image"] = datasets.Image(decode=False)
        options = {"with_indices": True, "input_columns": ["image"], "remove_columns": ["image"], "features": kept}
        opened = opened.map(array_to_file, **options)
    return opened, column, caption


def is_file(feature: object) -> bool:
    """Whether a column of a data set holds files of pictures."""
    if isinstance(feature, dict):
        return "bytes" in feature and set(feature) <= {"bytes", "path"}
    return isinstance(feature, datasets.Image) or feature in (datasets.Value("binary"), datasets.Value("large_binary"))
