"""Turns the usual errors of Python and torch into a sentence that says what to look for."""

import os
import re
import traceback
from pathlib import Path

import torch

from dino.course.chapters import LESSON
from dino.course.judge.timeout import StillBusyError

# What an error says, and what it means; \1, \2, ... in the meaning stand for the groups of the pattern.
MEANINGS = {
    # Kinds of numbers.
    r"bitwise_\w+\W+not implemented for|unsupported operand type\(s\) for [&|]: '(?:float|Tensor)'": (
        "`&` and `|` are worked out before `<` and `>`: put brackets around each comparison, as in `(a > 0) & (a < 1)`"
    ),
    r""""?(\w+?)(?:_cpu|_cuda|_out\w*)?"? not implemented for '(Long|Int|Bool|Short|Char|Byte)'""": (
        r"this is not made for whole numbers (\1, \2): turn them into floats first, with `.float()`"
    ),
    # Shapes that do not fit.
    r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d+)": (
        r"two tensors do not fit: in dimension \3 one is \1 long and the other \2. Dimensions are compared from the last "
        r"one; one of length 1 is broadcast"
    ),
    r"expanded size of the tensor \((-?\d+)\) must match the existing size \((\d+)\) at non-singleton dimension (\d+)": (
        r"`expand` can only broadcast dimensions of length 1, and in dimension \3 the tensor is \2 long, not 1"
    ),
    r"number of sizes provided \((\d+)\) must be greater or equal to the number of dimensions in the tensor \((\d+)\)": (
        r"`expand` was given \1 dimensions for a tensor that has \2"
    ),
    r"Sizes of tensors must match except in dimension (\d+)\. Expected size (\d+) (?:but got|in dimension \d+ but got) size (\d+)": (
        r"`cat` along dimension \1 needs tensors that are alike in all other dimensions, and here one is \2 long and the other \3"
    ),
    r"Tensors must have same number of dimensions: got (\d+) and (\d+)": (
        r"`cat` needs tensors with as many dimensions each, and here one has \1 and the other \2"
    ),
    r"stack expects each tensor to be equal size, but got (\[.*?\]) at entry 0 and (\[.*?\])": (
        r"`stack` needs tensors of one shape, and here they are \1 and \2"
    ),
    r"stack expects a non-empty TensorList|expected a non-empty list of Tensors": (
        "there is nothing in the list that you put together: was nothing ever appended to it?"
    ),
    r"expected Tensor as element \d+ in argument 0, but got (\w+)": (
        r"`stack` and `cat` put tensors together, and this list holds a \1: `torch.tensor(...)` makes a tensor of numbers"
    ),
    r"to have (\d+) channels, but got (\d+) channels instead": (
        r"this convolution wants \1 channels and is given \2: is a `cat` along dim=1 wrong, or missing?"
    ),
    r"Expected 3D \(unbatched\) or 4D \(batched\) input to conv2d, but got input of size: (\[.*?\])": (
        r"a convolution wants (batch, channels, height, width), and is given \1"
    ),
    r"shape '(.*?)' is invalid for input of size (\d+)": r"\2 numbers cannot be put into the shape \1",
    r"mat1 and mat2 shapes cannot be multiplied|dimensions of batch2 tensor": (
        "`@` is the product of matrices: `*` multiplies number by number"
    ),
    r"Calculated padded input size|Kernel size can't be greater|output size is too small|Output size is too small": (
        "the picture has become smaller than the window that looks at it: was it halved too often?"
    ),
    r"The shape of the mask (\[.*?\]) at index (\d+) does not match the shape of the indexed tensor (\[.*?\])": (
        r"a mask of the shape \1 cannot pick from a tensor of the shape \3: it should have one entry per image"
    ),
    r"Dimension out of range \(expected to be in range of \[(-?\d+), (-?\d+)\], but got (-?\d+)\)": (
        r"there is no dimension \3 here: they run from \1 to \2"
    ),
    r"too many indices for tensor of dimension (\d+)": r"more places are picked than the tensor has dimensions, which are \1",
    r"index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)": (
        r"there is no entry \1 in dimension \2, which is \3 long: counting begins at 0"
    ),
    # Gradients.
    r"does not require grad and does not have a grad_fn": (
        "`backward` finds no way back to the weights: the loss was cut off from them, by `detach`, `no_grad`, `.data` or "
        "`.item()`, or the guess of the denoiser plays no part in it"
    ),
    r"'float' object has no attribute 'backward'": (
        "`backward` is called on a plain number: call `item()` last, for what you return"
    ),
    r"grad can be implicitly created only for scalar outputs": (
        "`backward` wants a single number: take the mean of the loss first"
    ),
    r"backward through the graph a second time": "`backward` was called twice on the same guess: once is enough",
    r"leaf Variable that requires grad is being used in an in-place operation|view of a leaf Variable that requires grad": (
        "weights cannot be written to while torch records gradients: keep `@torch.no_grad()` on top"
    ),
    r"modified by an inplace operation": (
        "something that `backward` still needs was overwritten: make something new, without `+=` and the like"
    ),
    r"[Ii]nference tensor": (
        "a tensor from `torch.inference_mode()` is used where gradients are recorded: `torch.no_grad()` is enough"
    ),
    r"can't optimize a non-leaf Tensor": "the optimizer was given results of calculations: give it `denoiser.parameters()`",
    r"Can't call numpy\(\) on Tensor that requires grad": "numpy knows no gradients: stay with torch, or `detach()` first",
    # Kinds of things.
    r"received an invalid combination of arguments - got \((?!Tensor|Parameter)(\w+)": (
        r"a \1 stands where torch wants a tensor: a layer such as `nn.ReLU()` is made first, and then called with one"
    ),
    r"'NoneType' object|not NoneType|'NoneType' and|and 'NoneType'": "something is None here: did a function of yours end without `return`?",
    r"a Tensor with (\d+) elements cannot be converted to Scalar|only one element tensors can be converted": (
        "a whole tensor stands where a single number is wanted"
    ),
    r"Boolean value of Tensor with more than one value is ambiguous": (
        "`if`, `and`, `or`, `min` and `max` need a single True or False, and a tensor holds many: use `&`, `|`, `.all()`, `.any()` "
        "or `torch.minimum`"
    ),
    r"expected scalar type|to have the same dtype|Input type \((.+?)\) and bias type \((.+?)\) should be the same": (
        "two kinds of numbers meet: `.float()` makes 32-bit floats, which are what the course uses"
    ),
    r"result type (\w+) can't be cast to the desired output type (\w+)": r"a result of the kind \1 cannot be written into \2",
    r"mean\(\): could not infer output dtype|a floating point or complex dtype": (
        "a mean of whole numbers or booleans is asked for: `.float()` makes floats of them"
    ),
    r"'tuple' object has no attribute '(\w+)'|argument '\w+' \(position \d+\) must be Tensor, not tuple": (
        "a tuple stands where a tensor is wanted: a function that gives several things wants as many names on the left"
    ),
    r"must be Tensor, not (\w+)": r"a \1 stands where torch wants a tensor",
    r"not enough values to unpack \(expected (\d+), got (\d+)\)": r"\1 names stand on the left, and only \2 things come back",
    r"too many values to unpack \(expected (\d+)\)": r"only \1 names stand on the left, and more things come back",
    # Imports.
    r"No module named '(\w+)'": (
        r"no package of that name is installed, and no \1.py lies beside this file: `pip install \1`, if it is spelt right"
    ),
    r"No module named '([\w.]+)\.(\w+)'": r"there is no `\2` in `\1`: is it misspelt?",
    r"partially initialized module '([\w.]+)'": r"\1 and a file that it imports import each other",
    r"cannot import name '(\w+)' from '([\w.]+)'": r"there is no `\1` in `\2`: is it misspelt?",
    r"attempted relative import": "leave the dot before the name away: helper files are found beside this one",
    # Calls.
    r"missing the required \"forward\" function|_forward_unimplemented": "this module has no `forward`: is its name right?",
    r"before Module\.__init__\(\) call": "`super().__init__()` has to be the first line of `__init__`",
    r"(\w+(?:\.\w+)*)\(\) missing \d+ required positional arguments?: (.*)": r"`\1` is called without \2",
    r"(\w+(?:\.\w+)*)\(\) takes (\d+) positional arguments? but (\d+) (?:was|were) given": (
        r"`\1` takes \2 things (a method counts `self`) and is given \3"
    ),
    r"(\w+(?:\.\w+)*)\(\) got an unexpected keyword argument '(\w+)'": r"`\1` knows no argument called `\2`",
    r"'(\w+)' object is not callable": r"a \1 is called like a function: `[...]` picks from it, `(...)` calls",
    r"name '(\w+)' is not defined": (
        r"there is nothing called `\1`: is it misspelt, or defined in a cell that a check does not run? Checks run "
        r"only what an answer needs, not the experiments"
    ),
    r"cannot access local variable '(\w+)'": r"`\1` is used before it has a value: give it one before the loop",
    r"'(\w+)' object has no attribute '(\w+)'": r"a \1 has nothing called `\2`: is it misspelt?",
    r"module '([\w.]+)' has no attribute '(\w+)'": r"`\1` has nothing called `\2`: is it misspelt?",
    r"Could not infer dtype of (\w+)": r"torch cannot make a tensor from a \1: for a picture, numpy makes an array first (`np.array`)",
    r"'(\w+)' object is not iterable": r"a single \1 stands where several things are wanted, such as a pair in brackets",
    r"pop from empty list": "more is taken from the list than was put in",
    r"list index out of range": "the list is shorter than the place that you ask for: counting begins at 0",
    r"zip\(\) argument 2 is (shorter|longer) than argument 1": r"the second list of `zip` is \1 than the first",
    r"division by zero": "something is divided by zero: which value can be zero here?",
    r"maximum recursion depth exceeded": "a function calls itself without end",
    r"unsupported operand type\(s\) for (\S+): '(\w+)' and '(\w+)'": r"`\1` cannot join a \2 and a \3",
    r"can't assign a \w+ to a|cannot assign '.*' as parameter": "a weight can only be replaced by an `nn.Parameter`",
}  # fmt: skip


MOST = 1000  # letters of an error that are read: some patterns take the square of that in time


def meaning(error: BaseException) -> str:
    """What an error means, in words; its own words if it is none of the usual."""
    if isinstance(error, StillBusyError):
        return "it was still busy here when the check had waited long enough: is there a loop that never ends?"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno} is not Python yet ({error.msg})"
    if isinstance(error, SystemExit):
        return "this ends the whole program: `return` ends a function"
    text = str(error)[:MOST].rstrip(". ")
    for pattern, sentence in MEANINGS.items():
        if match := re.search(pattern, text):
            return match.expand(sentence)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def shapes(line: str, names: dict) -> str:
    """The shapes of the tensors that a line of code speaks of."""
    spoken = dict.fromkeys(re.findall(r"(?<![.\w])[A-Za-z_]\w*", line))
    tensors = {name: names[name] for name in spoken if isinstance(names.get(name), torch.Tensor)}
    return ", ".join(f"{name} is {tuple(tensor.shape)}" for name, tensor in tensors.items())


# The name by which an answer knows what its file should have defined but could not: a sentence with the cause, by name.
LOST = "__lost__"

# Where code lives that is not the learner's: the lesson, Python, and what is installed.
OTHERS = tuple(f"{folder}{os.sep}" for folder in (LESSON, Path(os.__file__).parent, Path(torch.__file__).parents[1]))


def stopped(sentence: str) -> str:
    """A sentence with a full stop, if it is no question."""
    return sentence if sentence.endswith(("?", ".")) else f"{sentence}."


def explain(error: BaseException, name: str) -> str:
    """An error in one sentence: where the learner's own code stopped, and what that means.

    name  of the exercise, which is named if no line of the learner's is to blame
    """
    if told := getattr(error, "sentence", ""):  # it was explained where it happened, in another process
        return told
    where, known = name, ""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    # Where a file could not be run in full, what should have brought a name is the first cause.
    lost = frames[-1].f_globals.get(LOST, {}) if frames and type(error) is NameError else {}
    if cause := lost.get(getattr(error, "name", "")) or lost.get("*"):
        return cause
    for frame, place in zip(frames, traceback.extract_tb(error.__traceback__), strict=True):
        if not place.filename.startswith((*OTHERS, "<frozen", "<__array_function__")):
            code = f" (`{place.line}`)" if place.line else ""
            where = f"{Path(place.filename).name}, line {place.lineno}{code}"
            known = shapes(place.line or "", frame.f_locals)
    sentence = f"{where}: {stopped(meaning(error))}"
    return f"{sentence} Here {known}." if known else sentence
