"""Stops what never ends, and skips compiling, which takes longer than all that is checked."""

import contextlib
import ctypes
import sys
import threading
from collections.abc import Iterator

import torch

# How long a check waits for an answer, in seconds. A right answer takes a fraction of one.
PATIENCE = 20


class StillBusyError(BaseException):
    """Raised in the middle of what takes too long. It is no Exception, so that `except Exception` does not catch it."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise StillBusyError in here, at the line that is run then, once so many seconds have gone by."""
    here, over = ctypes.c_ulong(threading.get_ident()), threading.Lock()

    def stop() -> None:
        with over:
            if not timer.finished.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(here, ctypes.py_object(StillBusyError))

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with over:
            timer.cancel()


@contextlib.contextmanager
def uncompiled() -> Iterator[None]:
    """Run in here as written what a learner has put under `torch.compile`."""
    # Only what is compiled has loaded this, and that takes two seconds.
    used = "torch._dynamo" in sys.modules
    with torch.compiler.set_stance("force_eager") if used else contextlib.nullcontext():
        yield
