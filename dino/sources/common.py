"""What is done with a data set wherever it was opened."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

Opened = datasets.Dataset | datasets.IterableDataset
# How `datasets` puts it that there are no rows.
NOTHING = ("corresponds to no data", "list index out of range")


@dataclass(frozen=True)
class Source:
    """Pictures that were opened, and what is known of them.

    dataset  a column `image`, in which each picture is a file that is not decoded yet, and `text` if captions are wanted
    split    which part of the data set they are
    column   what the column was called
    licence  under which they may be used, if that is known
    count    how many they are, if that is known
    caption  what makes a caption of a value in the column `text`
    """

    dataset: Opened
    split: str
    column: str
    licence: str | None = None
    count: int | None = None
    caption: Callable[[Any], str] | None = None

    @property
    def about(self) -> str:
        """One line that tells all of this."""
        count = f"{self.count:,} picture{'s' * (self.count > 1)}" if self.count else "a stream of pictures"
        licence = self.licence or "unknown: look before you publish"
        return f"{count}, split {self.split}, column {self.column}, licence {licence}"


@contextmanager
def one_sentence(source: str | Path) -> Iterator[None]:
    """Turn whatever goes wrong when a data set is read into one sentence."""
    before = datasets.logging.get_verbosity()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    try:
        yield
    except Exception as error:
        cause = error
        while cause.__cause__:
            cause = cause.__cause__
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS):
            raise OSError(
                f"What {source} holds cannot be kept in {datasets.config.HF_DATASETS_CACHE}: {cause.strerror}. Name a folder "
                "with room in HF_DATASETS_CACHE."
            ) from error
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0].rstrip(".:")
        if any(words in reason for words in NOTHING):
            reason = "there is nothing in it"
        raise ValueError(
            f"{source} cannot be read as a data set ({reason}). Is it whole, and what its name says?"
        ) from error
    finally:
        datasets.logging.set_verbosity(before)


def streamed(dataset: Opened) -> datasets.IterableDataset:
    """A data set as a stream, if it is not one yet: in up to 64 shards, whose order can change."""
    if isinstance(dataset, datasets.IterableDataset):
        return dataset
    return dataset.to_iterable_dataset(num_shards=max(1, min(64, len(dataset))))
