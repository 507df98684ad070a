"""Data sets on this disk: a list of files, a folder, or files that hold many pictures each."""

import glob
import os
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import datasets
import huggingface_hub

from dino.sources.archives import is_archive
from dino.sources.captions import captions_of
from dino.sources.common import Opened, one_sentence
from dino.sources.folders import (
    BESIDE,
    among,
    files_in,
    is_picture,
    open_whole,
    pictures_among,
    pictures_by_split,
    split_by_name,
)  # fmt: skip

# Files that hold many pictures, and what reads them.
TABLES = {".parquet": "parquet", ".arrow": "arrow", ".tar": "webdataset"}


def open_files(pictures: Sequence[Path], captions: dict[str, list[str]] | None = None) -> datasets.Dataset:
    """Open files of pictures as a data set, perhaps with a column of captions."""
    captions = captions or {}
    features = datasets.Features({**dict.fromkeys(captions, datasets.Value("string")), "image": datasets.Image()})
    return datasets.Dataset.from_dict({**captions, "image": [str(file) for file in pictures]}, features=features)


def open_list(files: list[Path], split: str) -> datasets.Dataset:
    """Open the pictures that a list names."""
    if missing := [str(file) for file in files if not os.path.lexists(file)]:
        more = " and others" if len(missing) > 5 else ""
        raise FileNotFoundError(f"There is no file {', '.join(missing[:5])}{more}. Correct the list of files.")
    return open_files(among({"train": pictures_among(files, "the list of files")}, split, "The list of files"))


def open_path(path: Path, split: str, stream: bool, text: str | None) -> tuple[Opened, str | list[str] | None]:
    """Open a file or a folder, whatever it holds; gives also the licence that its README names.

    text  the column in which captions of files are wanted
    """
    folder = path if path.is_dir() or is_archive(path) else path.parent
    files = files_in(path) if path.is_dir() else [path]
    archives = [file for file in files if is_archive(file)]
    tables = [
        file for file in files if file.suffix.lower() in (".parquet", ".arrow") and file.name.lower() not in BESIDE
    ]
    if tables or (archives and all(map(holds_samples, archives))):
        tables += [file for file in archives if file.suffix.lower() in TABLES]
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        with one_sentence(path):
            saved = datasets.load_from_disk(path)
        saved = saved if isinstance(saved, datasets.DatasetDict) else {str(saved.split or "train"): saved}
        opened = among(saved, split, str(path))
    elif tables:
        if others := sum(is_picture(file) or file in set(archives) - set(tables) for file in files):
            what = "1 picture beside them is" if others == 1 else f"{others:,} pictures or archives beside them are"
            warnings.warn(f"{path} holds data files; {what} left out.", stacklevel=3)
        splits = {}
        for file in tables:
            splits.setdefault(split_by_name(file.relative_to(folder)) if path.is_dir() else "train", []).append(file)
        opened = open_tables(path, among(splits, split, str(path)), split, stream)
    else:
        pictures = among(pictures_by_split(folder, pictures_among(files, str(path))), split, str(path))
        opened = open_files(pictures, {text: captions_of(pictures, files, text, folder)} if text else None)
        if stream and any(open_whole(archive).in_order for archive in archives):
            opened = opened.to_iterable_dataset()
    # A broken README is no reason to refuse pictures.
    with suppress(Exception):
        return opened, huggingface_hub.metadata_load(folder / "README.md")["license"]
    return opened, None


def holds_samples(archive: Path) -> bool:
    """Whether an archive is of the kind of WebDataset: its files are samples, each of the same several parts.

    The name of a sample goes up to the first dot: beach.jpg and beach.txt are two parts of one.
    """
    samples = {}
    for name in open_whole(archive).members:
        place, _, file = name.rpartition("/")
        sample, _, part = file.partition(".")
        samples.setdefault((place, sample), set()).add(part.lower())
    parts = min(samples.values(), key=len, default=set())
    alike = all(sample and found == parts for (_, sample), found in samples.items())
    return archive.suffix.lower() == ".tar" and alike and "" not in parts and len(parts) > 1


def open_tables(path: Path, tables: list[Path], split: str, stream: bool) -> Opened:
    """Open files that hold many pictures each."""
    kinds = sorted({file.suffix.lower() for file in tables})
    if len(kinds) > 1:
        raise ValueError(f"{path} holds data of several kinds ({', '.join(kinds)}). Name a file or folder of one kind.")
    files = {split: [glob.escape(str(file)) for file in tables]}
    with one_sentence(path):
        return datasets.load_dataset(TABLES[kinds[0]], data_files=files, split=split, streaming=stream)
