"""What lies in a folder: pictures, data files and strays, and which split of a data set each file belongs to."""

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import TypeVar

import PIL.Image
from datasets.data_files import SPLIT_KEYWORDS

Part = TypeVar("Part")
# Files that may lie beside pictures without a word about them.
BESIDE = {"readme.md", "metadata.csv", "metadata.jsonl", "metadata.parquet", "thumbs.db", "desktop.ini"}
# What a split is called in names of files and folders: {"training": "train", "val": "validation", and so on}.
SPLITS = {word: str(split) for split, words in SPLIT_KEYWORDS.items() for word in words}


def files_in(folder: Path) -> list[Path]:
    """All files in a folder and the folders in it, behind links too, in the order of their names; no hidden ones.

    Warns of folders that cannot be opened.
    """

    def tell(error: OSError) -> None:
        warnings.warn(f"The folder {error.filename} is left out: {error.strerror}.", stacklevel=2)

    found, entered = [], set()
    for here, folders, names in os.walk(folder, onerror=tell, followlinks=True):
        # A link may lead back up: enter no folder twice.
        real = os.path.realpath(here)
        folders[:] = sorted(name for name in folders if real not in entered and not name.startswith((".", "__MACOSX")))
        found += [Path(here, name) for name in names if real not in entered and not name.startswith(".")]
        entered.add(real)
    return sorted(found)


def is_picture(file: Path) -> bool:
    """Whether a file can be a picture, to judge by its name, and is there to be read at all."""
    known = PIL.Image.registered_extensions().get(file.suffix.lower()) in PIL.Image.OPEN
    # A name that is not text cannot be kept in a data set.
    return known and file.is_file() and not any("\ud800" <= letter <= "\udfff" for letter in str(file))


def pictures_among(files: Sequence[Path], source: str) -> list[Path]:
    """Those of some files that are pictures.

    Warns of the others, and raises ValueError if nothing is left.
    """
    pictures = [file for file in files if is_picture(file)]
    kept = set(pictures)
    strays = [str(file.name) for file in files if file not in kept and file.name.lower() not in BESIDE]
    if strays:
        named = ", ".join(name if name.isprintable() else ascii(name) for name in strays[:5])
        more = f", and {len(strays) - 5:,} more" if len(strays) > 5 else ""
        what = "1 file is not a picture" if len(strays) == 1 else f"{len(strays):,} files are not pictures"
        warnings.warn(f"{what}, and left out: {named}{more}", stacklevel=2)
    if not pictures:
        raise ValueError(f"There are no pictures in {source}. Put PNG or JPEG files into it, or name another folder.")
    return pictures


def split_by_name(file: PurePath) -> str:
    """The split that a data file belongs to, in the ways of the hub: `train` of data/train-00000-of-00002.parquet."""
    if hub := re.match(r"(.+)-\d{5}-of-\d{5}", file.name):
        return hub[1]
    words = (word for part in (file.stem, *file.parts[-2::-1]) for word in re.split(r"[-._ \d]+", part.lower()))
    return next((SPLITS[word] for word in words if word in SPLITS), "train")


def pictures_by_split(folder: Path, pictures: Sequence[Path]) -> dict[str, list[Path]]:
    """Put pictures into splits, if all of them lie in folders called train, test and the like; else all are `train`."""
    tops = [picture.relative_to(folder).parts[0].lower() for picture in pictures]
    if not set(tops) <= set(SPLITS):
        return {"train": list(pictures)}
    splits = {}
    for top, picture in zip(tops, pictures, strict=True):
        splits.setdefault(SPLITS[top], []).append(picture)
    return splits


def among(splits: Mapping[str, Part], split: str, source: str) -> Part:
    """What belongs to one of the splits; raises ValueError, naming those that there are."""
    if split not in splits:
        raise ValueError(f"{source} has no split {split}. Choose one with --split: {', '.join(map(str, splits))}.")
    return splits[split]
