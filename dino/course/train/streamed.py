"""`StreamedPictures`: a window on pictures that go by, for a data set that does not fit."""

import warnings
from concurrent.futures import Future, ThreadPoolExecutor, wait

import datasets
import torch
from datasets.distributed import split_dataset_by_node
from torch import Tensor

from dino.course.train.captions import Prompts, as_prompts
from dino.course.train.decoding import as_pictures, as_rows, decode, reason
from dino.course.train.distributed import ProcessGroup
from dino.sources import Source
from dino.sources.folders import first_five


class StreamedPictures(Prompts):
    """A window on pictures that go by: an index takes pictures out of it, and the next ones come in at their places.

    So each picture enters the window once in a turn of the stream, which begins again at its end with its shards in another
    order. The next ones are decoded while the network learns. An index gives pictures (count, 3, size, size), in [0, 1].

    source  pictures, as `open_source(..., stream=True)` gives them
    group   the processes among whom they are divided: each takes its share of a batch, and all see all of it
    window  how many pictures there are to choose from; fewer if the stream has no more

    Warns of pictures that cannot be read, once each, and raises ValueError if there are no others, and OSError if the
    stream breaks off.
    """

    def __init__(self, source: Source, size: int, group: ProcessGroup, window: int = 2048):
        self.size, self.group, self.device, self.window, self.about = size, group, group.device, window, source.about
        self.column = source.column
        self.caption = source.caption
        columns = ["image", "text"] if self.caption else ["image"]
        dataset = source.dataset.select_columns(columns).cast_column("image", datasets.Image(decode=False))
        self.dataset = split_dataset_by_node(dataset, group.rank, group.world_size) if group.world_size > 1 else dataset
        self.pixels: Tensor | None = None
        self.length: int | None = None
        self.places: Tensor | None = None
        self.coming: Future | None = None
        # What there is to remark on pictures that were left out (None) and read (True), in order; and how much of it was told.
        self.remarks, self.told = {None: {}, True: {}}, {None: 0, True: 0}
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self.begin(1)

    def __len__(self) -> int:
        self.settle()
        return self.length or len(self.pixels)

    def __getitem__(self, index: Tensor) -> Tensor:
        self.settle()
        places = torch.arange(len(self.pixels))[index].flatten().chunk(self.group.world_size)[self.group.rank]
        share = as_pictures(self.pixels[places], self.device)
        if self.prompts is not None:
            self.picked = self.group.concatenate(self.prompts[places].float().to(self.device))
        self.places = places.unique()
        self.coming = self.worker.submit(self.take, len(self.places))
        return self.group.concatenate(share)

    def __str__(self) -> str:
        return "A stream of pictures"

    def share(self) -> None:
        """Learn from the other processes how many pictures all can choose from, and what they have left out."""
        self.settle()
        mine = self.remarks[None] | self.remarks[True]
        lengths, remarks = zip(*self.group.gather((len(self.pixels), mine)), strict=True)
        # All draw the same random places, so the smallest window counts.
        self.length = min(lengths)
        for remark, read in (item for theirs in remarks for item in theirs.items()):
            self.remarks[read][remark] = read

    def captions(self) -> list[str]:
        """Those of the pictures that the windows of all processes begin with; raises what `take` does."""
        with self.group.failing_together():
            self.settle()
        return [text for texts in self.group.gather(self.texts) for text in texts]

    def state(self) -> dict:
        """All that is needed to go on from here: `pixels` and `prompts`, the window as tensors, and where the stream is, for JSON."""
        self.settle()
        prompts = {} if self.prompts is None else {"prompts": self.prompts.clone()}
        return prompts | {
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
        if "prompts" in state:
            self.prompts = state["prompts"].clone()
        self.begin(state["turn"], state["position"], state["stream"])

    def begin(self, turn: int, position: int = 0, state: dict | None = None) -> None:
        """Start a turn through all pictures, or go on in it."""
        self.turn, self.position = turn, position
        # This also says in which order the shards come.
        self.dataset.set_epoch(turn)
        self.dataset.load_state_dict(state)
        self.begun, self.begun_at = state, position
        self.rows = iter(self.dataset)

    def settle(self) -> None:
        """Put the pictures that were coming at their places; at first, fill the window."""
        if self.pixels is None:
            pixels, self.texts = self.take(self.window, again=False)
            self.pixels = as_rows(pixels, self.size)
        if self.coming:
            pixels, texts = self.coming.result()
            self.pixels[self.places] = as_rows(pixels, self.size)
            if self.prompts is not None:
                self.prompts[self.places] = as_prompts(texts, self.words)
            self.coming = None
        # Of those that were read there may be many, so they are told ever more seldom.
        for read, what, growth in ((None, "that are left out", 1), (True, "with an unusual range of numbers", 2)):
            if (count := len(self.remarks[read])) > growth * self.told[read]:
                self.told[read], last = count, next(reversed(self.remarks[read]))
                warnings.warn(f"Pictures of the stream {what} so far: {count:,}, the last {last}", stacklevel=3)

    def take(self, count: int, again: bool = True) -> tuple[list[bytes], list[str]]:
        """The next pictures and their captions, if they are wanted, beginning again at the end if that is wanted.

        Raises ValueError if none can be read, and OSError if the stream breaks off.
        """
        taken, texts, began_again = [], [], False
        while len(taken) < count:
            try:
                row = next(self.rows, None)
            except Exception as error:
                raise OSError(
                    f"The stream of pictures broke off after {self.position:,} of them: {reason(error)}. Look whether all of "
                    "it can be read; the same command goes on from the last checkpoint."
                ) from error
            if row is None:
                self.begin(self.turn + 1)
                # A whole turn without a picture is the last.
                if began_again or not again:
                    break
                began_again = True
                continue
            pixels, remark = decode(row["image"], self.size, f"picture {self.position}")
            self.position += 1
            if pixels:
                taken.append(pixels)
                texts += [self.caption(row["text"])] if self.caption else []
                began_again = False
            if remark:
                read = True if pixels else None
                self.remarks[read][remark] = read
        if len(taken) < (count if again else 1):
            named = f" ({first_five(list(self.remarks[None]))})" if self.remarks[None] else ""
            raise ValueError(
                f"None of the pictures in the stream can be read{named}. Is it the right data set and split?"
            )
        return taken, texts
