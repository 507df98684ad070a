"""Errors of Python and torch, raised for real, become sentences."""

import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dino.course.judge.errors import MEANINGS, explain, meaning

X, FLAT, ROW = torch.rand(5, 3, 8, 6), torch.rand(5), torch.rand(2, 3)


class Headless(nn.Module):
    def __init__(self):
        self.conv = nn.Conv2d(1, 1, 1)


def twice():
    loss = (torch.ones(2, requires_grad=True) ** 2).sum()
    loss.backward()
    loss.backward()


def overwritten():
    weight = torch.ones(2, requires_grad=True)
    square = weight.exp()
    square += 1
    square.sum().backward()


def in_inference_mode():
    with torch.inference_mode():
        known = torch.ones(2)
    (torch.ones(2, requires_grad=True) * known).sum().backward()


def unset():
    if X is None:
        previous = X
    return previous


def endless(n):
    return endless(n + 1)


def named(first, *, more=0):
    return first + more


def brings(statement):
    return lambda: exec(statement, {"__name__": "__main__", "__package__": ""})


def in_a_circle():
    raise ImportError(
        "cannot import name 'b' from partially initialized module 'a' (most likely due to a circular import)"
    )


CASES = [
    (
        brings("import no_such_thing"),
        "no package of that name is installed, and no no_such_thing.py lies beside this file",
    ),
    (brings("import torch.no_such_thing"), "there is no `no_such_thing` in `torch`"),
    (brings("from torch import Tensr"), "there is no `Tensr` in `torch`"),
    (brings("from .helper import share"), "leave the dot before the name away"),
    (in_a_circle, "a and a file that it imports import each other"),
    (lambda: X * FLAT, "in dimension 3 one is 6 long and the other 5"),
    (lambda: X[:, :2] + X, "in dimension 1 one is 2 long and the other 3"),
    (lambda: FLAT.expand(5, 3), "in dimension 1 the tensor is 5 long, not 1"),
    (lambda: X.expand(5, 3), "`expand` was given 2 dimensions for a tensor that has 4"),
    (lambda: torch.cat([X, torch.rand(5, 1, 1, 1)], dim=1), "one is 8 long and the other 1"),
    (lambda: torch.cat([X, FLAT], dim=1), "one has 4 and the other 1"),
    (lambda: torch.stack([FLAT, ROW]), "here they are [5] and [2, 3]"),
    (lambda: torch.stack([]), "was nothing ever appended"),
    (lambda: torch.cat([]), "was nothing ever appended"),
    (lambda: torch.histc(torch.arange(3), 3), "not made for whole numbers (histogram, Long)"),
    (lambda: FLAT > 0.1 & FLAT < 1, "put brackets around each comparison"),
    (lambda: (FLAT > 0) & FLAT, "put brackets around each comparison"),
    (lambda: torch.stack([0.5]), "this list holds a float"),
    (lambda: nn.Conv2d(4, 2, 3)(X), "wants 4 channels and is given 3"),
    (lambda: nn.Conv2d(4, 2, 3)(FLAT), "a convolution wants (batch, channels, height, width), and is given [5]"),
    (lambda: FLAT.view(2, 3), "5 numbers cannot be put into the shape [2, 3]"),
    (lambda: ROW @ ROW, "`@` is the product of matrices"),
    (lambda: X @ X, "`@` is the product of matrices"),
    (lambda: F.avg_pool2d(X, 20), "smaller than the window"),
    (lambda: nn.Conv2d(3, 2, 20)(X), "smaller than the window"),
    (lambda: FLAT[torch.ones(4, dtype=torch.bool)], "a mask of the shape [4] cannot pick"),
    (lambda: FLAT.sum(dim=3), "there is no dimension 3 here"),
    (lambda: FLAT[:, None, 0, 0], "more places are picked than the tensor has dimensions, which are 1"),
    (lambda: FLAT[7], "there is no entry 7 in dimension 0, which is 5 long"),
    (lambda: FLAT.sum().backward(), "`backward` finds no way back to the weights"),
    (lambda: (0.5).backward(), "`backward` is called on a plain number"),
    (lambda: torch.ones(2, requires_grad=True).exp().backward(), "`backward` wants a single number"),
    (twice, "`backward` was called twice"),
    (lambda: torch.ones(2, requires_grad=True).copy_(FLAT[:2]), "keep `@torch.no_grad()` on top"),
    (lambda: nn.Parameter(FLAT)[0].mul_(2), "keep `@torch.no_grad()` on top"),
    (overwritten, "was overwritten"),
    (in_inference_mode, "`torch.no_grad()` is enough"),
    (lambda: torch.optim.SGD([torch.ones(1, requires_grad=True) * 2]), "`denoiser.parameters()`"),
    (lambda: torch.ones(1, requires_grad=True).numpy(), "numpy knows no gradients"),
    (lambda: nn.Conv2d(3, 3, 1)(nn.ReLU(X)), "a ReLU stands where torch wants a tensor"),
    (lambda: None + FLAT, "something is None here"),
    (lambda: None.shape, "something is None here"),
    (lambda: F.relu(None), "something is None here"),
    (lambda: FLAT.item(), "a whole tensor stands where a single number is wanted"),
    (lambda: float(FLAT), "a whole tensor stands where a single number is wanted"),
    (lambda: 1 if FLAT > 0 else 0, "`if`, `and`, `or`, `min` and `max` need a single True or False"),
    (lambda: nn.Conv2d(3, 2, 1)(X.double()), "`.float()` makes 32-bit floats"),
    (lambda: ROW @ ROW.t().double(), "`.float()` makes 32-bit floats"),
    (lambda: torch.ones(2, dtype=torch.int64).mul_(0.5), "a result of the kind Float cannot be written into Long"),
    (lambda: (FLAT > 0).mean(), "`.float()` makes floats of them"),
    (lambda: F.relu((X, FLAT)), "wants as many names on the left"),
    (lambda: (X, FLAT).shape, "wants as many names on the left"),
    (lambda: F.relu(0.5), "a float stands where torch wants a tensor"),
    (lambda: [0 for a, b in [(1,)]], "2 names stand on the left, and only 1 things come back"),
    (lambda: [0 for a, b in [(1, 2, 3)]], "only 2 names stand on the left"),
    (lambda: nn.ModuleList()(X), "this module has no `forward`"),
    (Headless, "`super().__init__()` has to be the first line"),
    (lambda: named(), "`named` is called without 'first'"),
    (lambda: named(1, 2, 3), "`named` takes 1 things (a method counts `self`) and is given 3"),
    (lambda: named(1, most=2), "`named` knows no argument called `most`"),
    (lambda: (lambda layers: layers(X))([X]), "a list is called like a function"),
    (lambda: nosuchthing, "there is nothing called `nosuchthing`"),  # noqa: F821
    (unset, "`previous` is used before it has a value"),
    (lambda: X.shapes, "a Tensor has nothing called `shapes`"),
    (lambda: torch.randd(2), "`torch` has nothing called `randd`"),
    (lambda: torch.tensor(object()), "torch cannot make a tensor from a object"),
    (lambda: list(5), "a single int stands where several things are wanted"),
    (lambda: [].pop(), "more is taken from the list than was put in"),
    (lambda: [][0], "the list is shorter than the place"),
    (lambda: list(zip([1], [1, 2], strict=True)), "the second list of `zip` is longer"),
    (lambda: 1 / 0, "divided by zero"),
    (lambda: endless(0), "calls itself without end"),
    (lambda: [1] * 0.5, "can't multiply sequence"),
    (lambda: [1] + 1.0, "can only concatenate list"),
    (lambda: "a" - 1, "`-` cannot join a str and a int"),
    (lambda: setattr(nn.Linear(1, 1), "weight", FLAT), "a weight can only be replaced by an `nn.Parameter`"),
]


@pytest.mark.parametrize(("fails", "sentence"), CASES, ids=[sentence for _, sentence in CASES])
@pytest.mark.filterwarnings("ignore")
def test_an_error_becomes_a_sentence(fails, sentence):
    with pytest.raises(Exception) as caught:
        fails()
    assert sentence in meaning(caught.value)


def test_no_meaning_is_there_for_nothing():
    """Every pattern is met by one of the errors above, so a new version of torch with other words is noticed."""
    met = set()
    for fails, _ in CASES:
        try:
            fails()
        except Exception as error:
            met |= {pattern for pattern in MEANINGS if re.search(pattern, str(error))}
    assert set(MEANINGS) == met


def test_a_sentence_names_the_learners_own_line_and_shapes(tmp_path):
    """Not the line in torch where it came to light."""
    path = tmp_path / "mine.py"
    path.write_text(
        "import torch.nn.functional as F\n\n\ndef mine(clean, level):\n    return F.relu(clean * level)\n\n\n"
        "def inside(layer, clean):\n    return layer(clean)\n"
    )
    names = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    with pytest.raises(RuntimeError) as caught:
        names["mine"](X, FLAT)
    assert explain(caught.value, "mine") == (
        "mine.py, line 5 (`return F.relu(clean * level)`): two tensors do not fit: in dimension 3 one is 6 long and the "
        "other 5. Dimensions are compared from the last one; one of length 1 is broadcast. Here clean is (5, 3, 8, 6), "
        "level is (5,)."
    )
    with pytest.raises(RuntimeError) as caught:
        names["inside"](nn.Conv2d(4, 2, 3), X)
    assert explain(caught.value, "inside").startswith(
        "mine.py, line 9 (`return layer(clean)`): this convolution wants 4"
    )
