"""Training on several processes, around the loop of `dino.training`, which stays as it is.

`torchrun --nproc-per-node 2 -m dino train` starts two processes, and `torch.distributed` connects them. Both run the same
loop and draw the same random numbers, for these depend on the seed and the step alone. So each has the whole batch, sends
its share through the network, and is told what the others got for theirs; all see the same loss, follow the same gradient,
and keep the same weights.
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
from torch.nn.parallel import DistributedDataParallel

from dino.course.files import processors


class ProcessGroup:
    """The processes that train together: this one alone, unless others are connected to it.

    rank, world_size  which process this is, from 0, and how many there are
    main              whether it is the one that writes and speaks
    device            what it calculates on
    """

    def __init__(self, rank: int = 0, world_size: int = 1, device: torch.device | str = "cpu"):
        self.rank, self.world_size, self.main, self.device = rank, world_size, rank == 0, torch.device(device)
        self.members: list[tuple[str, int]] = []  # the host and the number of each process, once they are connected

    def gather(self, thing: Any) -> list:
        """What every process calls this thing, in the order of the ranks."""
        things = [thing] * self.world_size
        if self.world_size > 1:
            torch.distributed.all_gather_object(things, thing)
        return things

    def concatenate(self, share: Tensor) -> Tensor:
        """The shares of all processes, in the order of the ranks. Only this process's own one passes gradients on."""
        if self.world_size == 1:
            return share
        shares = [torch.empty_like(share) for _ in range(self.world_size)]
        torch.distributed.all_gather(shares, share.detach())
        shares[self.rank] = share
        return torch.cat(shares)

    def any(self, wish: bool) -> bool:
        """Whether it is true in any process."""
        if self.world_size == 1:
            return wish
        wishes = torch.tensor(float(wish), device=self.device)
        torch.distributed.all_reduce(wishes)
        return wishes.item() > 0

    def parallel(self, network: nn.Module) -> nn.Module:
        """The same network, for which all processes work together."""
        return DataParallel(network, self) if self.world_size > 1 else network

    def ended(self, patience: float = 5.0) -> list[int]:
        """The ranks of other processes on this machine that have ended without a word."""
        # A connection breaks a little before the system knows that the process is gone.
        until, here = time.monotonic() + patience, socket.gethostname()
        while self.world_size > 1 and time.monotonic() < until:
            if found := [rank for rank, (host, pid) in enumerate(self.members) if host == here and is_gone(pid)]:
                return found
            time.sleep(0.05)
        return []

    @contextmanager
    def failing_together(self) -> Iterator[None]:
        """What fails in one process fails in all: the first of them says why, and the others end without a word."""
        mine = None
        try:
            yield
        except (OSError, ValueError) as error:
            mine = error
        failed = [rank for rank, error in enumerate(self.gather(mine is not None)) if error]
        if failed and failed[0] == self.rank:
            raise mine
        if failed:
            raise SystemExit(2)

    def main_first(self, work: Callable) -> Any:
        """Let the main process do some work, and then the others, who find in its caches what it did."""
        for turn in (True, False):
            with self.failing_together():
                if self.main == turn:
                    done = work()
        return done


def is_gone(pid: int) -> bool:
    """Whether a process of this machine has ended; on Linux, even if whoever started it has not taken notice.

    Windows does not tell; there, a broken connection is all that one hears of.
    """
    try:
        if os.name == "posix":  # on Windows, this would be Ctrl-C
            os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError as error:
        return isinstance(error, ProcessLookupError)


class DataParallel(nn.Module):
    """A network for which several processes work together: each sends its share of a batch through it, and all see all of
    what comes out.

    Each process must call it with the same batch. Its gradient is that of the whole batch, in every process: the way back
    through one's own share gives one's own part of it, and `DistributedDataParallel` adds the parts up.
    """

    def __init__(self, network: nn.Module, group: ProcessGroup):
        super().__init__()
        # Gradients that lie where they are sent from need not be copied.
        self.network, self.group = DistributedDataParallel(network, gradient_as_bucket_view=True), group

    def forward(self, noisy: Tensor, level: Tensor) -> Tensor:
        rank, world_size = self.group.rank, self.group.world_size
        share = self.network(noisy.chunk(world_size)[rank], level.chunk(world_size)[rank]).float().contiguous()
        if share.requires_grad:
            # The mean over the processes is taken, and it is the sum that is the gradient of the whole batch.
            share.register_hook(lambda gradient: gradient * world_size)
        return self.group.concatenate(share)


def connect() -> ProcessGroup:
    """Connect the processes that `torchrun` or `accelerate launch` has started: both tell each of them its place."""
    rank, world_size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    device, backend = "cpu", "gloo"
    if torch.cuda.is_available():
        device, backend = f"cuda:{os.environ['LOCAL_RANK']}", "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(device)
    elif "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, processors() // int(os.environ.get("LOCAL_WORLD_SIZE", world_size))))
    # While one process decodes all pictures, the others wait.
    torch.distributed.init_process_group(backend, timeout=timedelta(days=2))
    group = ProcessGroup(rank, world_size, device)
    group.members = group.gather((socket.gethostname(), os.getpid()))
    return group


@contextmanager
def process_group(batch: int) -> Iterator[ProcessGroup]:
    """The processes that train together: this one alone, unless a launcher started several. Only the main one speaks.

    batch  how many pictures are in one batch

    Several processes that fail, or among whom the batch cannot be divided, end here.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        if "ACCELERATE_MIXED_PRECISION" in os.environ and "MASTER_PORT" in os.environ:
            warnings.warn(
                "`accelerate launch --cpu` starts one process only. Several: `torchrun --nproc-per-node 2 -m dino train`, or "
                "`accelerate launch --multi_gpu`, even where there is no GPU.",
                stacklevel=3,
            )
        yield ProcessGroup(device="cuda" if torch.cuda.is_available() else "cpu")
        return
    group = connect()
    if not group.main:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - to the end
        warnings.showwarning = lambda *_args, **_more: None
    try:
        with group.failing_together():
            if batch % group.world_size:
                raise ValueError(
                    f"A --batch-size of {batch} cannot be divided evenly among {group.world_size} processes: choose a "
                    f"multiple of {group.world_size}."
                )
        yield group
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
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
