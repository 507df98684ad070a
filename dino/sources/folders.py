"""What lies in a folder: pictures, data files and strays, and which split of a data set each file belongs to."""

import itertools
import os
import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import TypeVar

import PIL.Image
from datasets.data_files import SPLIT_KEYWORDS

from dino.sources.archives import Archive, is_archive, open_archive
from dino.sources.common import one_sentence

Part = TypeVar("Part")
# Files that may lie beside pictures without a word about them.
BESIDE = {"readme.md", "metadata.csv", "metadata.jsonl", "metadata.parquet", "picasa.ini"}
BESIDE |= {"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"}
# Where systems and network storage keep thumbnails, wastebaskets and older copies, if it is not hidden.
SYSTEM = {"@eadir", "@recycle", "@recently-snapshot", "@sharebin", "@tmp", "#recycle", "#recycle bin", "#snapshot"}
SYSTEM |= {"$recycle.bin", "recycler", "recycled", "recycle bin", "trashbox", "system volume information", "found.000"}
SYSTEM |= {"__macosx", "network trash folder", "temporary items", "lost+found", "~snapshot"}
# Packed files that only other programs unpack.
PACKED = (".rar", ".7z", ".gz", ".bz2", ".xz", ".zst")
# What a split is called in names of files and folders: {"training": "train", "val": "validation", and so on}.
SPLITS = {word: str(split) for split, words in SPLIT_KEYWORDS.items() for word in words}


def files_in(folder: Path) -> list[Path]:
    """All files in a folder and the folders in it, behind links too, in the order of their names.

    Warns of folders that cannot be opened, and of pictures that are hidden or in a folder of the system.
    """

    def tell(error: OSError) -> None:
        warnings.warn(f"The folder {error.filename} is left out: {error.strerror}.", stacklevel=2)

    found, entered, hidden = [], set(), Counter()
    for here, folders, names in os.walk(folder, onerror=tell, followlinks=True):
        # A link may lead back up: enter no folder twice.
        real = os.path.realpath(here)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        for name in folders + names:
            if hider := hidden_by(name):
                hidden[hider] += count_pictures(Path(here, name))
        folders[:] = sorted(name for name in folders if not hidden_by(name))
        found += [Path(here, name) for name in names if not hidden_by(name)]
    tell_hidden(hidden, folder)
    return sorted(found)


def hidden_by(*parts: str) -> str | None:
    """The part of a path that hides a file, or sets it apart as one of the system, if there is one."""
    for part in parts:
        if part.lower() in SYSTEM or (part.startswith(".") and part.strip(".")):
            return "._*" if part.startswith("._") else part
    return None


def count_pictures(path: Path, most: int = 10_000) -> int:
    """How many pictures a file or folder is or holds, to judge by their names, but no more than `most`."""
    inside = (name for _, _, names in os.walk(path) for name in names)
    return sum(map(named_as_picture, itertools.islice([path.name] if path.is_file() else inside, most)))


def tell_hidden(hidden: Counter, place: Path) -> None:
    """Warn of pictures that are left out because something hides them."""
    if count := hidden.total():
        named = [f"{name} ({n:,})" for name, n in hidden.most_common() if n]
        what = "1 picture is" if count == 1 else f"{count:,} pictures are"
        warnings.warn(
            f"{what} left out of {place}, in hidden places and those that systems keep for themselves: {first_five(named)}",
            stacklevel=3,
        )


def first_five(names: Sequence[str]) -> str:
    """The first of some names, such that they can be printed, and how many more there are."""
    named = ", ".join(name if name.isprintable() else ascii(name) for name in names[:5])
    return named + (f", and {len(names) - 5:,} more" if len(names) > 5 else "")


def files_in_archive(archive: Path) -> list[Path]:
    """All files in an archive, as paths such as photos.zip/holiday/beach.jpg, in the order in which to read them.

    That is the order of their names, unless the archive can be read in its own order only. Warns as `files_in` does.
    Raises ValueError if the archive is not whole.
    """
    opened = open_whole(archive)
    found, hidden = [], Counter()
    for name in opened.members:
        if hider := hidden_by(*PurePath(name).parts):
            hidden[hider] += named_as_picture(name)
        else:
            found.append(Path(f"{archive}/{name}"))
    tell_hidden(hidden, archive)
    return found if opened.in_order else sorted(found)


def open_whole(archive: Path) -> Archive:
    """An archive that can be read; raises ValueError, with a sentence, if it is not whole."""
    with one_sentence(archive):
        return open_archive(archive)


def named_as_picture(name: str) -> bool:
    """Whether a file can be a picture, to judge by its name."""
    return PIL.Image.registered_extensions().get(PurePath(name).suffix.lower()) in PIL.Image.OPEN


def is_picture(file: Path) -> bool:
    """Whether a file can be a picture, to judge by its name, and is there to be read at all."""
    # A name that is not text cannot be kept in a data set.
    text = not any("\ud800" <= letter <= "\udfff" for letter in str(file))
    return named_as_picture(file.name) and text and file.is_file()


def pictures_among(files: Sequence[Path], source: str) -> list[Path]:
    """Those of some files that are pictures, and those in archives.

    Warns of the others, and raises ValueError if nothing is left.
    """
    pictures, strays, packed = [], [], 0
    for file in files:
        inside = is_archive(file)
        for one in files_in_archive(file) if inside else [file]:
            if named_as_picture(one.name) if inside else is_picture(one):
                pictures.append(one)
                packed += inside
            else:
                strays.append(one.name)
    strays = [name for name in strays if name.lower() not in BESIDE]
    if strays:
        what = "1 file is not a picture" if len(strays) == 1 else f"{len(strays):,} files are not pictures"
        warnings.warn(f"{what}, and left out: {first_five(strays)}", stacklevel=2)
    if 0 < packed < len(pictures):
        what = f"{packed:,} of {len(pictures):,} pictures in {source} are in archives"
        warnings.warn(f"{what}: name one with --data if you mean no other.", stacklevel=2)
    if not pictures:
        remedy = "Put PNG or JPEG files into it"
        if any(name.lower().endswith(PACKED) for name in strays):
            remedy = "Unpack what is packed"
        raise ValueError(f"There are no pictures in {source}. {remedy}, or name another folder.")
    return pictures


def split_by_name(file: PurePath) -> str:
    """The split that a data file belongs to, in the ways of the hub: `train` of data/train-00000-of-00002.parquet."""
    if hub := re.match(r"(.+)-\d{5}-of-\d{5}", file.name):
        return hub[1]
    words = (word for part in (file.stem, *file.parts[-2::-1]) for word in re.split(r"[-._ \d]+", part.lower()))
    return next((SPLITS[word] for word in words if word in SPLITS), "train")


def pictures_by_split(folder: Path, pictures: Sequence[Path]) -> dict[str, list[Path]]:
    """Put pictures into splits, if all of them lie in folders or archives called train, test and the like; else all are
    `train`.
    """
    parts = [picture.relative_to(folder).parts for picture in pictures]
    # An archive of a folder often holds that folder, and not only what is in it.
    if is_archive(folder) and len(tops := {part[0] for part in parts}) == 1 and not tops & set(SPLITS):
        parts = [part[1:] or part for part in parts]
    words = {part[0]: split_word(folder / part[0]) for part in parts}
    if not set(words.values()) <= set(SPLITS):
        return {"train": list(pictures)}
    splits = {}
    for part, picture in zip(parts, pictures, strict=True):
        splits.setdefault(SPLITS[words[part[0]]], []).append(picture)
    return splits


def split_word(place: Path) -> str:
    """What a folder or archive is called, without the number of an archive: train of train-00000-of-00002.tar."""
    name = place.name.lower()
    return re.split(r"[-_.]?\d*(-of-\d+)?\.", name)[0] if is_archive(place) else name


def among(splits: Mapping[str, Part], split: str, source: str) -> Part:
    """What belongs to one of the splits; raises ValueError, naming those that there are."""
    if split not in splits:
        raise ValueError(f"{source} has no split {split}. Choose one with --split: {', '.join(map(str, splits))}.")
    return splits[split]
