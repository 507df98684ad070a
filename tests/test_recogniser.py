"""The recogniser: right about dinosaurs it has not seen, and not to be fooled by spoiled ones."""

import pytest
import torch
import torch.nn.functional as F

from dino.data import dinosaurs, load
from dino.recogniser import load_recogniser, spoil, teach


@pytest.fixture(scope="module")
def real():
    drawn = dinosaurs(512, seed=21)
    return load(drawn), torch.tensor(drawn["label"]), torch.tensor(drawn["colour"])


def test_species_and_colours_of_fresh_dinosaurs_are_recognised(real):
    pictures, species, colours = real
    of_species, of_colour = load_recogniser()(pictures)
    assert (of_species.argmax(1) == species).float().mean() > 0.99
    assert (of_colour.argmax(1) == colours).float().mean() > 0.99
    assert (of_species.softmax(1)[:, :4].amax(1) > 0.9).float().mean() > 0.98


def test_pictures_of_another_size_are_recognised_too():
    drawn = dinosaurs(64, size=64, seed=22)
    of_species, of_colour = load_recogniser()(load(drawn, 64))
    assert (of_species.argmax(1) == torch.tensor(drawn["label"])).float().mean() > 0.95
    assert (of_colour.argmax(1) == torch.tensor(drawn["colour"])).float().mean() > 0.95


def test_spoiled_dinosaurs_grey_and_noise_are_none_of_them(real):
    pictures, species, _ = real
    torch.manual_seed(0)
    others = pictures[torch.multinomial((species[:, None] != species).float(), 1).squeeze(1)]
    recogniser = load_recogniser()
    halves = torch.cat([pictures[:, :, :16], others[:, :, 16:]], dim=2)  # stitched the other way than in training
    for spoiled, share in [
        (spoil(pictures, others), 0.02),
        (halves, 0.2),
        (torch.rand_like(pictures), 0),
        (0 * pictures + 0.5, 0),
    ]:
        assert (recogniser(spoiled)[0].softmax(1)[:, :4].amax(1) > 0.9).float().mean() <= share


def test_every_way_of_spoiling_occurs_and_changes_a_picture():
    torch.manual_seed(0)
    pictures = load(dinosaurs(2, seed=23))
    one, other = pictures[:1].expand(400, -1, -1, -1), pictures[1:].expand(400, -1, -1, -1)
    spoiled = spoil(one, other)
    assert ((spoiled - one).abs().amax(dim=(1, 2, 3)) > 0.1).all()
    stitched = (spoiled[:, :, :, :12] == one[:, :, :, :12]).all(dim=(1, 2, 3)) & (
        spoiled[:, :, :, -12:] == other[:, :, :, -12:]
    ).all(dim=(1, 2, 3))
    same = (spoiled == one).float().mean(dim=(1, 2, 3))
    holes = (((spoiled == one) | (spoiled == 1)).all(dim=1)).all(dim=(1, 2)) & ~stitched & (same < 1)
    blurred = (spoiled - F.interpolate(F.avg_pool2d(one, 4), (32, 32), mode="bilinear")).abs().amax(
        dim=(1, 2, 3)
    ) < 1e-6
    outside = (spoiled < torch.minimum(one, other) - 0.05).any(dim=(1, 2, 3)) & ~blurred
    for share in (stitched, holes, blurred, outside):
        assert 0.1 < share.float().mean() < 0.3


def test_it_is_taught_the_same_way_each_time():
    one, other = (teach(steps=3, batch=8, count=64).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)
