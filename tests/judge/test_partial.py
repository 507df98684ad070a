"""The part of its points that a wrong answer gets is as large as what is right about it."""

import pytest
import torch

from dino.course.chapters import find_exercise
from dino.course.checks import check_for
from dino.course.judge.partial import idle, true_share, worth


def part(name, answer):
    return true_share(find_exercise(name)[0].topic, name, answer)


@pytest.mark.parametrize("name", ["mix", "random_levels", "update_average", "nearest", "to_tensor"])
def test_an_answer_that_does_nothing_gets_nothing(name):
    for answer in idle(check_for(find_exercise(name)[0].topic, name).reference):
        assert part(name, answer) == 0


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("overfit", lambda *_, **__: [0.0] * 9),
        ("loss_by_level", lambda _, clean, levels: 0 * levels),
        ("to_tensor", lambda picture: torch.rand(3, picture.height, picture.width)),
        ("crop", lambda picture, size: picture.resize((size, size)).point(lambda _: 255)),
        ("nearest", lambda pictures, known: (torch.rand(len(pictures)), torch.randint(len(known), (len(pictures),)))),
        ("copies", lambda *_: torch.rand(()).item()),
        ("shares", lambda kinds, count: torch.rand(count).softmax(0)),
    ],
)
def test_an_answer_that_only_looks_right_gets_next_to_nothing(name, answer):
    assert part(name, answer) < 0.1


def test_no_answer_gets_more_than_nine_tenths():
    for name in ("to_tensor", "step", "shares"):
        assert part(name, check_for(find_exercise(name)[0].topic, name).reference) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("name", "why", "least", "most"),
    [
        ("overfit", "The losses are not returned.", 0.1, 0.4),
        ("to_tensor", "The picture is upside down.", 0.0, 0.2),
        ("crop", "The whole picture is squeezed into a square", 0.05, 0.3),
        ("make_question", "You return the clean pictures", 0.2, 0.6),
        ("make_question", "The noise is Gaussian", 0.5, 0.85),
        ("loss_by_level", "The losses still carry their gradients", 0.8, 0.9),
    ],
)
def test_a_usual_mistake_gets_what_is_right_about_it(name, why, least, most):
    bank = check_for(find_exercise(name)[0].topic, name).wrong_answers
    (wrong,) = (answer for sentence, answer in bank if sentence.startswith(why))
    assert least <= part(name, wrong) <= most


def test_an_answer_that_stops_early_keeps_only_what_was_true_until_then():
    check, calls = check_for("noise", "mix"), []

    def stops(*inputs):
        calls.append(1)
        return check.reference(*inputs) if len(calls) < 3 else 1 / 0

    assert 0 < part("mix", stops) < 0.9


def test_what_claims_count_is_worked_out_once():
    assert worth("noise", "mix") is worth("noise", "mix")
