"""How a training ends before its time: because somebody asks for it, or because one of its processes is gone."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from dino.course.train import checkpoints
from dino.course.train.distributed import ProcessGroup


@contextlib.contextmanager
def asked_to_stop(again: bool = True) -> Iterator[threading.Event]:
    """An event that Ctrl-C or a request to end sets, so that the step under way can finish first.

    again  whether a second one stops at once; launchers of several processes pass each on more than once
    """
    event, before = threading.Event(), {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore():
        for number, handler in before.items():
            signal.signal(number, handler)

    def on_signal(*_):
        event.set()
        if again:
            restore()

    for number in before:
        signal.signal(number, on_signal)
    try:
        yield event
    finally:
        if again:  # or else a launcher's request to end would silence those who still have to say why
            restore()


@contextlib.contextmanager
def ended_are_named(group: ProcessGroup, folder: Path) -> Iterator[None]:
    """Where a connection breaks because another process has ended, say which one, and what is kept."""
    try:
        yield
    except RuntimeError as error:
        ended = group.ended()
        if not ended:
            raise
        if group.rank != min(set(range(group.world_size)) - set(ended)):
            raise SystemExit(2) from None
        kept = checkpoints.steps_kept(folder)
        raise ChildProcessError(
            f"Process {ended[0] + 1} of {group.world_size} has ended without a word, so the others have stopped. "
            + ("There is no checkpoint yet, so the" if kept is None else f"The checkpoint of step {kept} is whole: the")
            + f" same command {'begins anew' if kept is None else 'goes on from there'}."
        ) from error
