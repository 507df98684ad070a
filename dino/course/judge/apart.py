"""Judges answers in a process of their own: one that crashes Python, ends it or never comes back costs itself alone.

Where a process can be copied safely (Linux, with no GPU in use), that takes a few milliseconds. Elsewhere a new one begins,
which can only judge what it can read from a file: answers in a notebook are then judged in the notebook's own process.
"""

import contextlib
import faulthandler
import functools
import linecache
import multiprocessing
import os
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


def can_spawn() -> bool:
    """Whether a new process can begin without running the user's own script once more, as Python does there."""
    main = sys.modules["__main__"]
    script = getattr(main, "__file__", None)
    return script is None or main.__spec__ is not None or Path(script).stem in ("dino", "dino-script")


def apart(seconds: float, work: Callable[..., Iterator], *inputs) -> Iterator:
    """What a generator function yields on these inputs, in a process of its own.

    seconds  how long to wait for each thing that it yields

    Raises CrashError if that process ends before the function does, and what the function raises.
    """
    if not (can_fork() or can_spawn()):
        yield from work(*inputs)
        return
    context = multiprocessing.get_context("fork" if can_fork() else "spawn")
    receiving, sending = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as folder:
        last_words = Path(folder, "last_words")
        process = context.Process(target=send_all, args=(sending, last_words, seconds, work, inputs))
        process.start()
        sending.close()
        try:
            # Processes of the learner's may hold the other end open for longer than ours lives.
            while receiving.poll(0.1) or process.is_alive() or receiving.poll():
                if not receiving.poll():
                    continue
                message = pickle.loads(receiving.recv_bytes())
                if message is None:
                    return
                if isinstance(message, BaseException):
                    raise message
                yield message
            raise EOFError
        except EOFError:
            process.join()
            told = last_words.read_text(encoding="utf-8", errors="replace") if last_words.exists() else ""
            raise CrashError(how_it_ended(process.exitcode, told)) from None
        finally:
            process.kill()
            process.join()
            if hasattr(os, "killpg"):  # those that it has started
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
            receiving.close()


def send_all(sending, last_words: Path, seconds: float, work: Callable[..., Iterator], inputs: tuple) -> None:
    """Send what a generator function yields, or raises, and None at its end. If Python crashes, write down where."""
    torch.set_num_threads(1)  # the others were not copied along
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    with last_words.open("w") as file:
        faulthandler.enable(file, all_threads=False)
        # This ends even a calculation that lets Python do nothing else.
        limit = functools.partial(faulthandler.dump_traceback_later, seconds, exit=True, file=file)
        limit()
        try:
            for message in work(*inputs):
                sending.send_bytes(pickle.dumps(message))
                limit()
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
    where = ""
    for file, line in FRAME.findall(last_words):
        if not file.startswith((*OTHERS, "<")):
            where = f"{Path(file).name}, line {line} (`{linecache.getline(file, int(line)).strip()}`): "
            break
    if last_words.startswith("Timeout"):
        return where + meaning(StillBusyError())
    if code == -9:
        return f"{where}this was stopped by the system: did it take more memory than there is?"
    if code < 0 or last_words.startswith(("Fatal", "Windows fatal")):
        name = signal.strsignal(-code) if code < 0 else last_words.partition("\n")[0]
        return f"{where}this crashes Python itself ({name}). Functions of `torch.linalg` do so where nan or infinity goes in."
    return f"{where}this ends Python itself: use `return`, which only ends the function."
