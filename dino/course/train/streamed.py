"""A `Stream`: a window on pictures that go by, for a data set that does not fit."""

import warnings
from concurrent.futures import Future, ThreadPoolExecutor, wait

import datasets
import torch
from datasets.distributed import split_dataset_by_node
from torch import Tensor

from dino.course.train.decoding import as_pictures, as_rows, decode, reason
from dino.sources import describe


class Stream:
    """A window on pictures that go by: an index takes pictures out of it, and the next ones come in at their places.

    So each picture enters the window once in a turn of the stream, which begins again at its end with its parts in another
    order. The next ones are decoded while the network learns. An index gives pictures (count, 3, size, size), in [0, 1];
    `about` is a line that tells what they are.

    dataset             pictures, as `open_source(..., stream=True)` gives them
    window              how many pictures there are to choose from; fewer if the stream has no more
    process, processes  which one this is, of several processes that share the pictures

    Warns of pictures that cannot be read, once each, and raises ValueError if there are no others, and OSError if the
    stream breaks off.
    """

    def __init__(
        self,
        dataset: datasets.IterableDataset,
        size: int,
        window: int = 2048,
        device: torch.device | str = "cpu",
        process: int = 0,
        processes: int = 1,
    ):
        self.size, self.window, self.device, self.about = size, window, torch.device(device), describe(dataset)
        dataset = dataset.select_columns(["image"]).cast_column("image", datasets.Image(decode=False))
        self.dataset = split_dataset_by_node(dataset, process, processes) if processes > 1 else dataset
        self.pixels: Tensor | None = None
        self.places: Tensor | None = None
        self.coming: Future | None = None
        # What is left out, in order, and how much of it was told.
        self.wrong, self.told = {}, 0
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self.begin(1)

    def __len__(self) -> int:
        self.settle()
        return len(self.pixels)

    def __getitem__(self, index: Tensor) -> Tensor:
        self.settle()
        places = torch.arange(len(self.pixels))[index].flatten()
        pictures = as_pictures(self.pixels[places], self.device)
        self.places = places.unique()
        self.coming = self.worker.submit(self.take, len(self.places))
        return pictures

    def state(self) -> dict:
        """All that is needed to go on from here: `pixels`, the window as a tensor, and where the stream is, for JSON."""
        self.settle()
        return {
            "pixels": self.pixels.clone(),
            "turn": self.turn,
            "position": self.position,
            # The data set has a state only once something was read.
            "stream": self.begun if self.position == self.begun_at else self.dataset.state_dict(),
        }

    def restore(self, state: dict) -> None:
        """Go on from a state, with the same pictures as if there had been no stop."""
        if self.coming:
            wait([self.coming])
            self.coming = None
        self.pixels = state["pixels"].clone()
        self.begin(state["turn"], state["position"], state["stream"])

    def begin(self, turn: int, position: int = 0, state: dict | None = None) -> None:
        """Start a turn through all pictures, or go on in it."""
        self.turn, self.position = turn, position
        # This also says in which order the parts come.
        self.dataset.set_epoch(turn)
        self.dataset.load_state_dict(state)
        self.begun, self.begun_at = state, position
        self.files = iter(self.dataset)

    def settle(self) -> None:
        """Put the pictures that were coming at their places; at first, fill the window."""
        if self.pixels is None:
            self.pixels = as_rows(self.take(self.window, again=False), self.size)
        if self.coming:
            self.pixels[self.places] = as_rows(self.coming.result(), self.size)
            self.coming = None
        if len(self.wrong) > self.told:
            self.told = len(self.wrong)
            last = next(reversed(self.wrong))
            warnings.warn(
                f"Pictures of the stream that are left out so far: {self.told:,}, the last {last}", stacklevel=3
            )

    def take(self, count: int, again: bool = True) -> list[bytes]:
        """The next pictures, beginning again at the end if that is wanted; raises ValueError if none can be read."""
        taken, ends = [], 0
        while len(taken) < count and ends < (2 if again else 1):
            picture = self.advance()
            ends = 0 if picture else ends + 1
            taken += [picture] if picture else []
        if len(taken) < (count if again else 1):
            named = f" ({', '.join(list(self.wrong)[:5])})" if self.wrong else ""
            raise ValueError(
                f"None of the pictures in the stream can be read{named}. Is it the right data set and split?"
            )
        return taken

    def advance(self) -> bytes | None:
        """The next picture that can be read, or nothing at the end of the stream, which begins again then."""
        while row := self.next_row():
            self.position += 1
            pixels, wrong = decode(row["image"], self.size, f"picture {self.position - 1}")
            if pixels:
                return pixels
            self.wrong[wrong] = None
        self.begin(self.turn + 1)
        return None

    def next_row(self) -> dict | None:
        """The next file, or nothing at the end; raises OSError if the stream breaks off."""
        try:
            return next(self.files, None)
        except Exception as error:
            raise OSError(
                f"The stream of pictures broke off after {self.position:,} of them: {reason(error)}. Look whether all of it "
                "can be read; the same command goes on from the last checkpoint."
            ) from error
