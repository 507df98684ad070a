"""The dinosaurs, seen from outside: repeatable, varied, on white, whole."""

from collections import Counter
from random import Random

import numpy as np
import pytest

from dino.drawing import SPECIES, draw
from dino.pen import COLOURS


def test_the_same_seed_draws_the_same_pictures():
    one, other = ([draw(random, 32) for _ in range(5)] for random in (Random(3), Random(3)))
    for (picture, *kind), (again, *same) in zip(one, other, strict=True):
        assert kind == same
        assert picture.tobytes() == again.tobytes()
    assert draw(Random(4), 32)[0].tobytes() != one[0][0].tobytes()


@pytest.mark.parametrize("size", [16, 32, 64])
def test_dinosaurs_stand_whole_on_white(size):
    random = Random(0)
    for _ in range(50):
        picture = np.asarray(draw(random, size)[0])
        assert picture.shape == (size, size, 3)
        border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
        assert (border.min(axis=1) > 250).mean() > 0.8
        assert 0.1 < (picture.min(axis=2) < 240).mean() < 0.6


def test_all_species_and_colours_come_equally_often_and_face_both_ways():
    random = Random(0)
    drawn = [draw(random, 32) for _ in range(1600)]
    assert max(Counter(one.species for one in drawn).values()) < 1.2 * 1600 / len(SPECIES)
    palette = np.array([body for body, _ in COLOURS.values()])
    bodies, right = Counter(), 0
    for one in drawn:
        pixels = np.asarray(one.picture).reshape(-1, 3).astype(int)
        distance = np.abs(pixels[:, None] - palette).max(axis=2)
        near = distance.argmin(axis=1)[distance.min(axis=1) < 12]
        body = int(np.bincount(near, minlength=len(palette)).argmax())
        bodies[body] += 1
        right += body == one.colour
    assert len(bodies) == len(COLOURS)
    assert right > 0.97 * 1600
    assert max(bodies.values()) < 1.5 * 1600 / len(COLOURS)
    # The light of a picture's left half against its right: flipped and unflipped ones balance.
    pictures = [np.asarray(one.picture) for one in drawn]
    halves = [picture[:, :16].mean() - picture[:, 16:].mean() for picture in pictures]
    assert 0.45 < np.mean(np.array(halves) > 0) < 0.55
