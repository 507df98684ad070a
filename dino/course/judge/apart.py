"""Judges answers in a process of their own: one that crashes Python, ends it or never comes back costs itself alone.

Where a process can be copied safely (Linux, with no GPU in use), that takes a few milliseconds. Elsewhere a new one begins,
which can only judge what it can read from a file: answers in a notebook are then judged in the notebook's own process.
"""

import faulthandler
import functools
import linecache
import multiprocessing
import pickle
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from dino.course.judge.errors import OTHERS, meaning
from dino.course.judge.timeout import StillBusyError

FRAME = re.compile(r'^  File "(.*)", line (\d+) in', re.MULTILINE)


class CrashError(Exception):
    """The process was gone before it had said all; what this says is a sentence for the learner."""


def can_fork() -> bool:
    """Whether a copy of this process can go on calculating: a GPU's driver and the libraries of macOS cannot."""
    return sys.platform == "linux" and not torch.cuda.is_initialized()


def apart(seconds: float, work: Callable[..., Iterator], *inputs) -> Iterator:
    """What a generator function yields on these inputs, in a process of its own.

    seconds  how long to wait for each thing that it yields

    Raises CrashError if that process ends before the function does, and what the function raises.
    """
    context = multiprocessing.get_context("fork" if can_fork() else "spawn")
    receiving, sending = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as folder:
        last_words = Path(folder, "last_words")
        process = context.Process(target=send_all, args=(sending, last_words, seconds, work, inputs))
        process.start()
        sending.close()
        try:
            while (message := pickle.loads(receiving.recv_bytes())) is not None:
                if isinstance(message, BaseException):
                    raise message
                yield message
        except EOFError:
            process.join()
            told = last_words.read_text(encoding="utf-8", errors="replace") if last_words.exists() else ""
            raise CrashError(how_it_ended(process.exitcode, told)) from None
        finally:
            process.kill()
            process.join()
            receiving.close()


def send_all(sending, last_words: Path, seconds: float, work: Callable[..., Iterator], inputs: tuple) -> None:
    """Send what a generator function yields, or raises, and None at its end. If Python crashes, write down where."""
    torch.set_num_threads(1)  # the others were not copied along
    with last_words.open("w") as file:
        faulthandler.enable(file, all_threads=False)
        # This ends even a calculation that lets Python do nothing else.
        wait = functools.partial(faulthandler.dump_traceback_later, seconds, exit=True, file=file)
        wait()
        try:
            for message in work(*inputs):
                sending.send_bytes(pickle.dumps(message))
                wait()
            sending.send_bytes(pickle.dumps(None))
        except (OSError, ValueError) as error:
            sending.send_bytes(pickle.dumps(error))
        except Exception:
            sending.send_bytes(pickle.dumps(RuntimeError(traceback.format_exc())))
        finally:
            faulthandler.cancel_dump_traceback_later()
            faulthandler.disable()


def how_it_ended(code: int, last_words: str) -> str:
    """A sentence about a process that ended too early.

    code        its exit code; minus the number of the signal, if one ended it
    last_words  where Python was at that time, as `faulthandler` writes it
    """
    where = "It"
    for file, line in FRAME.findall(last_words):
        if not file.startswith((*OTHERS, "<")):
            where = f"{Path(file).name}, line {line} (`{linecache.getline(file, int(line)).strip()}`): it"
            break
    if last_words.startswith("Timeout"):
        return where.removesuffix("it") + meaning(StillBusyError())
    if code == -signal.SIGKILL:
        return f"{where} was stopped by the system: did it take more memory than there is?"
    if code < 0:
        name = signal.strsignal(-code)
        return (
            f"{where} crashes Python itself ({name}). Functions of `torch.linalg` do so where nan or infinity goes in."
        )
    return f"{where} ends Python itself: use `return`, which only ends the function."
