"""Stops what never ends, and skips compiling, which takes longer than all that is checked."""

import contextlib
import ctypes
import math
import sys
import threading
import time
from collections.abc import Iterator

import torch

# How long a check waits for an answer, in seconds. A right answer takes a fraction of one.
PATIENCE = 20


class StillBusyError(BaseException):
    """Raised in the middle of what takes too long. It is no Exception, so that `except Exception` does not catch it."""


# Of each thread, `until`: when the innermost of its limits is reached, by `time.monotonic()`.
limits = threading.local()


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise StillBusyError in here, at the line that is run then, once so many seconds have gone by.

    One limit inside of another ends with it, at the latest: who catches the error cannot go on for long.
    """
    here, over = ctypes.c_ulong(threading.get_ident()), threading.Lock()
    outer, now = getattr(limits, "until", math.inf), time.monotonic()
    limits.until = min(outer, now + seconds)

    def stop() -> None:
        with over:
            if not timer.finished.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(here, ctypes.py_object(StillBusyError))

    timer = threading.Timer(max(0, limits.until - now), stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with over:
            timer.cancel()
        limits.until = outer


@contextlib.contextmanager
def uncompiled() -> Iterator[None]:
    """Run in here as written what a learner has put under `torch.compile`."""
    # Only what is compiled has loaded this, and that takes two seconds.
    used = "torch._dynamo" in sys.modules
    with torch.compiler.set_stance("force_eager") if used else contextlib.nullcontext():
        yield
