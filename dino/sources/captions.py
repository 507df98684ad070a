"""Captions: the words that go with pictures, in a column of a data set, in a table beside files, or as names of folders."""

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from dino.sources.archives import archive_of, is_archive, read_member
from dino.sources.common import one_sentence
from dino.sources.folders import SPLITS, open_whole, split_word

# Tables that tell of the pictures in their folder and the folders in it, and what reads them, as `datasets` has it.
NEWLINES = pyarrow.csv.ParseOptions(newlines_in_values=True)
METADATA = {
    "metadata.csv": lambda file: pyarrow.csv.read_csv(file, parse_options=NEWLINES),
    "metadata.jsonl": pyarrow.json.read_json,
    "metadata.parquet": pyarrow.parquet.read_table,
}


def caption_reader(feature: object) -> Callable[[Any], str] | None:
    """What makes a caption of a value in a column of this kind; None if such a column holds no text.

    A value that is missing becomes an empty caption, a class its name, and a list is joined.
    """
    if feature in (datasets.Value("string"), datasets.Value("large_string")):
        return lambda value: value or ""
    if isinstance(feature, datasets.ClassLabel):
        return lambda value: "" if value in (None, -1) else feature.int2str(value)
    if isinstance(feature, datasets.List | datasets.LargeList) and (one := caption_reader(feature.feature)):
        return lambda values: ", ".join(map(one, values or []))
    return None


def choose_text(features: dict, text: str, source: str) -> Callable[[Any], str]:
    """What makes captions of the values in one of the columns; raises ValueError, naming those that hold text."""
    if text in features and (read := caption_reader(features[text])):
        return read
    there = [name for name, feature in features.items() if name != "file_name" and caption_reader(feature)]
    there = f"text is in {', '.join(there)}: name one with --text." if there else "none holds text."
    raise ValueError(f"{source} has no text in a column {text}; its columns are {', '.join(features)}, and {there}")


def captions_of(pictures: Sequence[Path], files: Sequence[Path], text: str, source: Path) -> list[str]:
    """The captions of files of pictures, from the tables among all that lies there.

    text    the column of the tables; without any tables, `label` means the names of the folders that pictures lie in
    source  the folder or archive of all

    A picture that no table names has an empty caption. Raises ValueError if nothing tells of the pictures.
    """
    inside = (Path(f"{file}/{name}") for file in files if is_archive(file) for name in open_whole(file).members)
    tables = [file for file in (*files, *inside) if file.name.lower() in METADATA]
    if not tables and text == "label":
        return names_of_folders(pictures, source)
    if not tables:
        raise ValueError(
            f"{source} has no captions. Put a metadata.csv with the columns file_name and {text} beside the pictures, or "
            "take the names of their folders with --text label."
        )
    told = {}
    # The table that is nearest to a picture counts.
    for table in sorted(tables, key=lambda table: len(table.parts)):
        names, captions = read_table(table, text)
        told |= {os.path.normpath(table.parent / name): one for name, one in zip(names, captions, strict=True) if name}
    return [told.get(os.path.normpath(picture), "") for picture in pictures]


def read_table(table: Path, text: str) -> tuple[list[str | None], list[str]]:
    """Names of pictures and their captions; raises ValueError if a table is damaged, or does not have both."""
    with one_sentence(table):
        content = read_member(table) if archive_of(table) else table.read_bytes()
        rows = datasets.Dataset(METADATA[table.name.lower()](io.BytesIO(content)))
    read = choose_text(rows.features, text, str(table))
    if rows.features.get("file_name") not in (datasets.Value("string"), datasets.Value("large_string")):
        raise ValueError(f"{table} has no column file_name that says to which picture each row belongs.")
    return rows["file_name"][:], [read(value) for value in rows[text]]


def names_of_folders(pictures: Sequence[Path], source: Path) -> list[str]:
    """For each picture, what its folder or archive is called, unless it is the one of all or that of a split."""
    tops = {source / picture.relative_to(source).parts[0] for picture in pictures}
    unnamed = {source, *(tops if {split_word(top) for top in tops} <= set(SPLITS) else ())}
    return ["" if picture.parent in unnamed else split_word(picture.parent) for picture in pictures]
