"""Training on several processes, around the loop of `dino.training`, which stays as it is.

`torchrun --nproc-per-node 2 -m dino train` starts two processes, and `accelerate` connects them. Both run the same loop
and throw the same dice, for these depend on the seed and the step alone. So each has the whole question, answers its share
of it, and is told the others' answers; all see the same loss, follow the same gradient, and keep the same weights.
"""

import os
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from torch import Tensor, nn

# Teams, kept to the end: see `leave`.
KEPT: list["Team"] = []


class Alone:
    """One process that does everything itself.

    number, count  which process this is, from 0, and how many there are
    device         what it calculates on
    """

    number, count = 0, 1

    def __init__(self):
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @property
    def main(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.number == 0

    def share(self, network: nn.Module) -> nn.Module:
        """The same network, asked by all processes together."""
        return network

    def share_stream(self, stream: Any) -> Any:
        """The same stream of pictures, read by all processes together."""
        return stream

    def gather(self, thing: Any) -> list:
        """What every process calls this thing, in the order of the processes."""
        return [thing]

    def wished(self, wish: bool) -> bool:
        """Whether any process wishes it."""
        return wish

    def ended(self) -> list[int]:
        """The numbers of other processes that have ended without a word."""
        return []

    @contextmanager
    def agreed(self) -> Iterator[None]:
        """What fails in one process fails in all: the first of them says why, and the others end without a word."""
        yield

    def in_turn(self, work: Callable) -> Any:
        """Let the first process do some work, and then the others, who find in its caches what it did."""
        return work()


class Team(Alone):
    """Several processes that `torchrun` or `accelerate launch` has started, connected by `accelerate`."""

    def __init__(self):
        from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs

        # Gradients that lie where they are sent from need not be copied. And while one process decodes all pictures, the
        # others wait.
        how = [
            DistributedDataParallelKwargs(gradient_as_bucket_view=True),
            InitProcessGroupKwargs(timeout=timedelta(days=2)),
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells that it sets the number of threads
            self.accelerator = Accelerator(cpu=not torch.cuda.is_available(), mixed_precision="no", kwargs_handlers=how)
        self.number, self.count = self.accelerator.process_index, self.accelerator.num_processes
        self.device = self.accelerator.device
        self.members = self.gather((socket.gethostname(), os.getpid()))

    def share(self, network: nn.Module) -> nn.Module:
        return Together(self.accelerator.prepare(network), self)

    def share_stream(self, stream: Any) -> Any:
        return TogetherStream(stream, self)

    def gather(self, thing: Any) -> list:
        things = [None] * self.count
        torch.distributed.all_gather_object(things, thing)
        return things

    def wished(self, wish: bool) -> bool:
        wishes = torch.tensor(float(wish), device=self.device)
        torch.distributed.all_reduce(wishes)
        return wishes.item() > 0

    def ended(self, patience: float = 5.0) -> list[int]:
        import psutil  # comes with accelerate

        def gone(pid: int) -> bool:
            try:
                return psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
            except psutil.NoSuchProcess:
                return True

        # A connection breaks a little before the system knows that the process is gone.
        until, here = time.monotonic() + patience, socket.gethostname()
        while time.monotonic() < until:
            if found := [i for i, (host, pid) in enumerate(self.members) if host == here and gone(pid)]:
                return found
            time.sleep(0.05)
        return []

    @contextmanager
    def agreed(self) -> Iterator[None]:
        mine = None
        try:
            yield
        except (OSError, ValueError) as error:
            mine = error
        errors = self.gather(str(mine) if mine else None)
        if any(errors):
            first = next(i for i, error in enumerate(errors) if error)
            if first == self.number:
                raise mine
            raise SystemExit(2)

    def in_turn(self, work: Callable) -> Any:
        done = None
        for turn in (True, False):
            with self.agreed():
                if self.main == turn:
                    done = work()
        return done


@contextmanager
def team_of(batch: int) -> Iterator[Alone]:
    """The processes that train together: this one alone, unless a launcher started several. Only the first one speaks.

    batch  how many pictures are in one question

    Raises ValueError if accelerate is missing. Several processes that fail, or whose batch cannot be shared, end here.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        if "ACCELERATE_MIXED_PRECISION" in os.environ and "MASTER_PORT" in os.environ:
            warnings.warn(
                "`accelerate launch --cpu` starts one process only. Several: `torchrun --nproc-per-node 2 -m dino train`, or "
                "`accelerate launch --multi_gpu`, even where there is no GPU.",
                stacklevel=3,
            )
        yield Alone()
        return
    try:
        team = Team()
    except ImportError as error:
        raise ValueError("Several processes need accelerate: pip install 'dino-course[scale]'") from error
    KEPT.append(team)
    if not team.main:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - to the end
        warnings.showwarning = lambda *_args, **_more: None
    try:
        with team.agreed():
            if batch % team.count:
                raise ValueError(
                    f"A --batch of {batch} cannot be shared evenly by {team.count} processes: choose a multiple of {team.count}."
                )
        yield team
    except BaseException as error:
        if isinstance(error, (OSError, ValueError)):
            print(f"dino: {error}", file=sys.stderr)
        elif not isinstance(error, SystemExit):
            traceback.print_exception(error)
        leave(2)


def leave(code: int) -> int:
    """Give back an exit code; but if there are several processes, end with it at once.

    The connection must not be taken apart: its threads may still wait for Python, which would wait for them.
    """
    if KEPT:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def all_of(share: Tensor, team: Alone) -> list[Tensor]:
    """Every process's share, in their order. Only this process's own one passes gradients on."""
    shares = [torch.empty_like(share) for _ in range(team.count)]
    torch.distributed.all_gather(shares, share.detach())
    shares[team.number] = share
    return shares


class Together(nn.Module):
    """A network that several processes ask together: each answers its share of the question, and all see all answers.

    Takes and returns what the network does, and each process must call it with the same question. Its gradient is that of
    the whole question, in every process: the way back through one's own share gives one's own part of it, and the network
    adds the parts up.

    network  a `DistributedDataParallel`
    """

    def __init__(self, network: nn.Module, team: Alone):
        super().__init__()
        self.network, self.team = network, team

    def forward(self, noisy: Tensor, level: Tensor) -> Tensor:
        number, count = self.team.number, self.team.count
        share = self.network(noisy.chunk(count)[number], level.chunk(count)[number]).float().contiguous()
        if share.requires_grad:
            # The network takes the mean of the parts of the gradient, and it is their sum that is the whole.
            share.register_hook(lambda gradient: gradient * count)
        return torch.cat(all_of(share, self.team))


class TogetherStream:
    """A stream of pictures that several processes read: each fetches its share of a batch, and all see all of it.

    stream  what this process reads: `len(stream)` and `stream[places]`, as of `dino.course.train.cached.Stream`
    """

    def __init__(self, stream: Any, team: Alone):
        self.stream, self.team, self.device = stream, team, stream.device
        # All throw the same dice for the places, so the shortest one counts.
        self.length = min(team.gather(len(stream)))

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, places: Tensor) -> Tensor:
        share = self.stream[places.chunk(self.team.count)[self.team.number]]
        return torch.cat(all_of(share.contiguous(), self.team))
