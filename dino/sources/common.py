"""What is done with a data set wherever it was opened."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import datasets

Opened = datasets.Dataset | datasets.IterableDataset
# How `datasets` puts it that there are no rows.
NOTHING = ("corresponds to no data", "list index out of range")


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
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0].rstrip(".")
        if any(words in reason for words in NOTHING):
            reason = "there is nothing in it"
        raise ValueError(
            f"{source} cannot be read as a data set ({reason}). Is it whole, and what its name says?"
        ) from error
    finally:
        datasets.logging.set_verbosity(before)


def streamed(opened: datasets.Dataset, stream: bool) -> Opened:
    """A data set that is here already, as a stream if that is asked for: in up to 64 parts, whose order can change."""
    if not stream:
        return opened
    licence, opened = opened.info.license, opened.to_iterable_dataset(num_shards=max(1, min(64, len(opened))))
    note_licence(opened, licence)
    return opened


def note_licence(opened: Opened, licence: str | list[str] | None) -> None:
    """Keep a licence with the data, unless they name one themselves."""
    opened.info.license = opened.info.license or (licence if isinstance(licence, str) else ", ".join(licence or []))
