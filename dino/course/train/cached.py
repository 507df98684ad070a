"""Pictures for training at any scale: `CachedPictures`, decoded once and kept small on disk, or `StreamedPictures`.

Both stand where a tensor of pictures stands: `pictures[torch.randint(len(pictures), (16,))]`. And both have a line `about`
them, the name of their `column`, a `state` to `restore`, and can be shared by the processes of a group.
"""

import errno
import inspect
import json
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import datasets
import multiprocess
import PIL
import pyarrow.compute
import torch
from torch import Tensor

from dino import data
from dino.course.files import processors
from dino.course.train import decoding
from dino.course.train.captions import Prompts
from dino.course.train.decoding import as_pictures, as_rows, decode, reason
from dino.course.train.distributed import ProcessGroup
from dino.course.train.streamed import StreamedPictures
from dino.sources import Source, choose_columns, open_source, pictures, streamed
from dino.sources.archives import archive_of
from dino.sources.folders import first_five

# What is kept of each picture: its pixels, if it could be read, and a remark, if there is one.
KEPT = datasets.Features({"pixels": datasets.Value("binary"), "remark": datasets.Value("string")})


def open_pictures(
    source: str | Path | Sequence[str | Path],
    size: int,
    split: str = "train",
    column: str = "image",
    stream: bool = False,
    group: ProcessGroup | None = None,
    workers: int | None = None,
    text: str | None = None,
) -> "CachedPictures | StreamedPictures":
    """Open pictures for training: all at once, or as a stream.

    source, split, column, stream, text  as in `open_source`; "dinosaurs" means those that come with the course
    size     of the pictures, in pixels
    group    the processes that want them; by default, this one alone, on the processor
    workers  how many processes decode them for the cache; by default, as many as there are processors

    Raises what `open_source` raises, and ValueError if no picture can be read.
    """
    if isinstance(source, str) and source == "dinosaurs":
        if Path(source).is_dir():
            warnings.warn(
                "`dinosaurs` means the dinosaurs of the course. For the folder of that name, write ./dinosaurs.",
                stacklevel=2,
            )
        drawn = data.dinosaurs(size=size)
        count = None if stream else len(drawn)
        drawn, column, caption = choose_columns(streamed(drawn) if stream else drawn, column, text, source)
        opened = Source(drawn, split, column, "mit", count, caption)
    else:
        opened = open_source(source, split, column, stream, text)
    group = group or ProcessGroup()
    return StreamedPictures(opened, size, group) if stream else CachedPictures(opened, size, group.device, workers)


class CachedPictures(Prompts):
    """Pictures of one size, decoded before training begins and kept as bytes in a file, of which memory holds what is used.

    An index gives pictures (count, 3, size, size), in [0, 1]. The file lies in the cache of `datasets`, for the next time.
    Warns of pictures that cannot be read, by name, and raises ValueError if there are no others.
    """

    def __init__(self, source: Source, size: int, device: torch.device, workers: int | None = None):
        self.size, self.device, self.about = size, device, source.about
        self.column = source.column
        dataset = source.dataset.select_columns(["image"]).cast_column("image", datasets.Image(decode=False))
        self.kept = kept_pictures(dataset, size, processors() if workers is None else workers)
        read, remarks = pyarrow.compute.is_valid(self.kept.data.column("pixels")), self.kept.data.column("remark")
        wrong, chosen = remarks.filter(pyarrow.compute.invert(read)), remarks.filter(read).drop_null()
        tell(wrong.to_pylist(), chosen.to_pylist(), len(read))
        self.rows = torch.tensor(read.to_numpy()).nonzero().flatten()
        if source.caption:
            texts = [source.caption(value) for value in source.dataset["text"][:]]
            self.texts = [texts[row] for row in self.rows.tolist()]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Tensor) -> Tensor:
        rows = self.rows[index]
        if self.prompts is not None:
            self.picked = self.prompts[index].float().to(self.device)
        return as_pictures(as_rows(self.kept[rows.flatten().tolist()]["pixels"], self.size), self.device)

    def __str__(self) -> str:
        return f"{len(self)} picture{'s' * (len(self) > 1)}"

    def state(self) -> dict:
        """Nothing, for the pictures of a step follow from the seed and its number alone."""
        return {}

    def restore(self, state: dict) -> None:
        """Go on from a state: there is nothing to do."""

    def share(self) -> None:
        """Learn from other processes what they have: nothing else."""


def tell(wrong: list[str], chosen: list[str], count: int) -> None:
    """Warn of pictures that are left out, and of those whose black and white were chosen, with their number and some names.

    Raises ValueError if all are left out.
    """
    if len(wrong) == count:
        raise ValueError(f"None of the pictures can be read: {first_five(wrong)}. Is it the right folder or data set?")
    if wrong:
        verb = "is" if len(wrong) == 1 else "are"
        warnings.warn(f"{len(wrong):,} of {count:,} pictures {verb} left out: {first_five(wrong)}", stacklevel=3)
    if chosen:
        verb = "has" if len(chosen) == 1 else "have"
        warnings.warn(
            f"{len(chosen):,} of {count:,} pictures {verb} an unusual range of numbers, so black and white were chosen: {first_five(chosen)}",
            stacklevel=3,
        )


def kept_pictures(dataset: datasets.Dataset, size: int, workers: int) -> datasets.Dataset:
    """All pictures decoded: from the cache, or by some processes now; raises OSError if there is no room for them."""
    folder, name = Path(datasets.config.HF_DATASETS_CACHE) / "dino", fingerprint(dataset, size)
    marker = folder / f"{name}.whole"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not is_whole(marker):
            workers = startable(workers) if len(dataset) >= 500 else 1
            for left in folder.glob(f"{name}*.arrow"):  # a power cut came before all of it was on the disk
                left.unlink()
        kept = dataset.map(
            decode_batch,
            batched=True,
            batch_size=100,
            with_indices=True,
            remove_columns=["image"],
            features=KEPT,
            fn_kwargs={"size": size},
            num_proc=workers if workers > 1 else None,
            new_fingerprint=name,
            cache_file_name=str(folder / f"{name}.arrow"),
            load_from_cache_file=True,
            desc="decoding",
        )
        if not is_whole(marker):
            for path in folder.glob(f"{name}*.arrow"):
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            marker.write_text(sizes(marker))
        return kept
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN):  # no fault of the cache
            raise
        raise OSError(
            f"The decoded pictures cannot be kept in {folder}: {error.strerror or error}. "
            "Name a folder with room in HF_DATASETS_CACHE."
        ) from error


def startable(workers: int) -> int:
    """As many processes as are wanted, or one, with a warning, if this system cannot start several that work together."""
    if workers > 1 and sys.platform == "linux":
        try:
            # What `datasets` will start, and a few locks more. They need room in /dev/shm, which containers often lack.
            with multiprocess.Pool(workers), multiprocess.Manager():
                [multiprocess.Lock() for _ in range(8)]
        except (OSError, ImportError, EOFError) as error:
            warnings.warn(
                f"Pictures are decoded in one process, because several cannot work together here: {reason(error)} (they "
                "need room in /dev/shm).",
                stacklevel=5,
            )
            return 1
    return workers


def sizes(marker: Path) -> str:
    """The files of decoded pictures beside their marker, with their sizes, as JSON."""
    return json.dumps({path.name: path.stat().st_size for path in sorted(marker.parent.glob(f"{marker.stem}*.arrow"))})


def is_whole(marker: Path) -> bool:
    """Whether the files beside a marker are those of which it was noted that all of them is on the disk."""
    return marker.exists() and marker.read_text() == sizes(marker)


def fingerprint(dataset: datasets.Dataset, size: int) -> str:
    """A name that changes with the pictures, the size and date of their files, the size asked for, and how we decode."""
    image = dataset.data.column("image")
    paths, inside = (pyarrow.compute.struct_field(image, field) for field in ("path", "bytes"))
    files = [(path, stamp(path)) for path in paths.filter(pyarrow.compute.is_null(inside)).drop_null().to_pylist()]
    how = (*map(inspect.getsource, (data, decoding, pictures)), PIL.__version__, torch.__version__)
    return datasets.fingerprint.Hasher.hash((dataset._fingerprint, files, size, how))


def stamp(path: str) -> tuple[int, int] | None:
    """The size and date of a file, or of the archive that holds it, if it is there."""
    try:
        about = (archive_of(path) or Path(path)).stat()
    except (OSError, ValueError):
        return None
    return about.st_size, about.st_mtime_ns


def decode_batch(rows: dict[str, list], indices: list[int], size: int) -> dict[str, list]:
    """Decode some pictures, perhaps in a process of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decoded = [decode(entry, size, f"picture {i}") for entry, i in zip(rows["image"], indices, strict=True)]
    pixels, remarks = zip(*decoded, strict=True)
    return {"pixels": list(pixels), "remark": list(remarks)}
