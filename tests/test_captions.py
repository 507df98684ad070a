"""Whether captions say what is in the pictures, seen in the pictures themselves."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest
import torch

from dino.captions import caption
from dino.data import dinosaurs, load
from dino.drawing import SPECIES, draw
from dino.pen import ACCENTS, COLOURS


@pytest.fixture(scope="module")
def drawn():
    return dinosaurs(300, size=64, seed=31)


def test_a_caption_names_the_species_the_colour_and_the_side(drawn):
    for row in drawn.remove_columns("image"):
        words = row["text"].replace(",", "").split()
        assert SPECIES[row["label"]] in words
        assert words.index(list(COLOURS)[row["colour"]]) < words.index(SPECIES[row["label"]])
        assert ("left" in words) != ("right" in words)


def test_an_animal_faces_the_side_that_its_caption_says(drawn):
    # The white of the eye is the only white that touches ink, and the eye is on the side of the head.
    images = load(drawn, 64)
    ink = ((images * 255 - torch.tensor([38, 34, 52]).view(3, 1, 1)).abs().amax(dim=1) < 40).float()
    middle = (ink.sum(dim=1) * torch.arange(64)).sum(dim=1) / ink.sum(dim=(1, 2))
    assert [" left" in text for text in drawn["text"]] == (middle < 32).tolist()


def test_what_a_caption_says_of_size_and_accent_is_true():
    random, words, said = Random(5), Random(6), set()
    for _ in range(400):
        drawing = draw(random, 96)
        text = caption(drawing, words)
        said |= set(text.replace(",", "").split())
        seen = np.asarray(drawing.picture).reshape(-1, 3).astype(int)
        if "small" in text or "large" in text:
            assert ("small" in text) == (drawing.scale < 0.89)
        if " with " in text:
            accent = list(COLOURS.values())[drawing.colour][1]
            assert (abs(seen - accent).max(axis=1) < 12).sum() > 20, text
            about = text.partition(" with ")[2].partition(",")[0].split()
            assert drawing.extra in about
            assert {*about} & {*COLOURS, "yellow"} <= {ACCENTS[list(COLOURS)[drawing.colour]]}
        elif drawing.extra == "":
            assert not {"spikes", "spots"} & set(text.split())
    assert said == {
        *SPECIES, *COLOURS, "yellow", "left", "right", "small", "large", "spikes", "spots", "plates", "frill",
        "a", "an", "facing", "looking", "with",
    }  # fmt: skip


def test_the_article_fits_the_word_that_follows(drawn):
    for text in drawn["text"]:
        words = text.split()
        for article, word in pairwise(words):
            if article in ("a", "an"):
                assert (article == "an") == (word[0] in "aeiou")


def test_the_same_seed_says_the_same_and_a_longer_set_begins_with_the_shorter_one():
    assert dinosaurs(5, 16, seed=2)["text"][:] == dinosaurs(9, 16, seed=2)["text"][:5]
    assert dinosaurs(5, 16, seed=2)["text"][:] != dinosaurs(5, 16, seed=3)["text"][:]


def test_captions_do_not_change_what_is_drawn():
    random = Random(4)
    alone = [draw(random, 16).picture.tobytes() for _ in range(4)]
    assert [row["image"].tobytes() for row in dinosaurs(4, 16, seed=4)] == alone
