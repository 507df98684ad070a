"""Makes claims about an answer: on copies of its input, with random numbers of its own, and on the learner's code alone."""

import contextlib
import inspect
import io
import linecache
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType

import torch

from dino.course.chapters import LESSON, definition
from dino.course.checks.claims import Check, Claim

OWN_WORDS = "This {} the library's own {}, which is always right. Write yours, and check that."


class RefusedError(Exception):
    """The answer writes into what it was given, or runs the lesson's own code instead of the learner's."""


def functions_of(thing: Callable) -> list[FunctionType]:
    """A function, or the methods of a class, without their decorators."""
    members = vars(thing).values() if inspect.isclass(thing) else [thing]
    return [one for one in map(inspect.unwrap, members) if inspect.isfunction(one)]


def is_the_reference(answer: Callable, reference: Callable) -> bool:
    """Whether an answer is the lesson's own, under whatever name."""
    own = {one.__code__ for one in functions_of(reference)}
    return reference in getattr(answer, "__mro__", ()) or any(one.__code__ in own for one in functions_of(answer))


def source_of(answer: Callable, name: str) -> str:
    """The text of an answer; "" if it cannot be found."""
    try:
        file = functions_of(answer)[0].__code__.co_filename
        linecache.checkcache(file)
        return definition("".join(linecache.getlines(file)), name)
    except (LookupError, SyntaxError):
        return ""


class Printed(io.StringIO):
    """Takes what an answer prints: a check calls it often, so the beginning is enough."""

    lines = 0

    def write(self, text: str) -> int:
        """Keep it, if there is not much yet."""
        self.lines += text.count("\n")
        return super().write(text[: max(0, 1000 - self.tell())])

    def told(self) -> str:
        """The first lines, and how many more there were."""
        first = self.getvalue().splitlines()[:4]
        more = self.lines - len(first)
        return "\n".join([*first, f"... and {more:,} more lines"] if more > 0 else first)


@contextlib.contextmanager
def only_the_learners_code(reference: Callable) -> Iterator[None]:
    """Raise RefusedError when anything but the course itself calls the reference in here."""
    forbidden = {one.__code__ for one in functions_of(reference)}
    torch_folder = str(Path(torch.__file__).parent)

    def look(frame, event: str, _argument) -> None:
        if event != "call" or frame.f_code not in forbidden:
            return
        caller = frame.f_back
        while caller is not None and caller.f_code.co_filename.startswith(torch_folder):
            caller = caller.f_back
        if caller is not None and not caller.f_code.co_filename.startswith(str(LESSON)):
            raise RefusedError(OWN_WORDS.format("calls", reference.__name__))

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def careful(answer: Callable) -> Callable:
    """The same answer, on copies of its inputs; raises RefusedError if it changes one of them."""

    def call(*inputs, **named):
        copies = [value.clone() if isinstance(value, torch.Tensor) else value for value in inputs]
        # Each call has a random generator of its own, so that it does not matter where the answer runs.
        seed = int(torch.randint(2**31, ()))
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # of the processor alone: far quicker than `torch.manual_seed`
            result = answer(*copies, **named)
        for i, (value, now) in enumerate(zip(inputs, copies, strict=True)):
            if isinstance(value, torch.Tensor) and not torch.equal(value, now):
                name = dict(enumerate(inspect.signature(answer).parameters)).get(i, "its input")
                raise RefusedError(
                    f"It changes `{name}` itself, which others still need. Work on a copy, or without `+=` and the like."
                )
        return result

    return call


def make_claims(check: Check, answer: Callable, seed: int) -> Iterator[Claim]:
    """The claims about an answer, on inputs that depend on the seed alone; the program's own generator is left alone."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad(), warnings.catch_warnings():
        # What torch merely warns of, the claims judge.
        warnings.simplefilter("ignore")
        torch.default_generator.manual_seed(seed)
        yield from check.claims(careful(answer))


def outcome(check: Check, answer: Callable, seed: int) -> Iterator[Claim | str]:
    """All claims about an answer; if it stopped with an error, the last is what the error says, in sorted words."""
    try:
        yield from make_claims(check, answer, seed)
    except (Exception, SystemExit) as error:
        yield " ".join(sorted(f"{type(error).__name__} {error}".split()))
