"""Draws the dinosaurs of this course: small, round and cheerful, each one a little different.

Each is drawn at four times the wanted size, and then scaled down, which smooths its edges.

>>> import random
>>> drawing = draw(random.Random(7), size=32)
>>> drawing.picture.size, SPECIES[drawing.species], drawing.side
((32, 32), 'stegosaurus', 'left')
"""

import math
from random import Random
from typing import NamedTuple

from PIL import Image

from dino.pen import BLUSH, BONE, INK, WHITE, Pen, blend

SPECIES = ("t-rex", "long-neck", "stegosaurus", "triceratops")


def rex(pen: Pen, random: Random) -> str:
    nod = random.uniform(-4, 4)
    pen.limb((40, 62), (20, 66), (5, 52 + random.uniform(-9, 9)), widths=(24, 3), colour=pen.body)
    pen.limb((42, 72), (38, 90), widths=(15, 9), colour=pen.dark)
    pen.limb((38, 90), (45, 90), widths=(7, 6), colour=pen.dark)
    if has_spikes := random.random() < 0.5:
        for x, y in [(40, 40), (33, 48), (25, 54), (16, 57)]:
            pen.shape([(x - 5, y + 6), (x + 5, y + 4), (x - 4, y - 7)], pen.accent)
    pen.oval(48, 62, 17, 18, pen.body)
    pen.limb((50, 56), (56, 42), (58 + nod * 0.4, 28 + nod), widths=(30, 22), colour=pen.body)
    pen.oval(55, 64, 9, 13, pen.light)
    pen.limb((52, 72), (54, 90), widths=(16, 10), colour=pen.body)
    pen.limb((54, 90), (62, 90), widths=(7, 6), colour=pen.body)
    pen.limb((62, 53), (72, 56), widths=(6, 4), colour=pen.dark)
    x, y = 60 + nod * 0.4, 26 + nod
    pen.oval(x - 1, y, 15, 13, pen.body)
    pen.limb((x + 2, y + 2), (x + 23, y + 3), widths=(21, 16), colour=pen.body)
    pen.limb((x + 8, y + 8), (x + 18, y + 11), (x + 28, y + 5), widths=(2.6, 2), colour=INK)
    pen.oval(x + 2, y + 7, 3.2, 2.4, BLUSH)
    pen.eye(x + 5, y - 4)
    return "spikes" if has_spikes else ""


def long_neck(pen: Pen, random: Random) -> str:
    nod = random.uniform(-5, 5)
    pen.limb((32, 62), (14, 58), (4, 76 + random.uniform(-16, 6)), widths=(22, 3), colour=pen.body)
    pen.far_legs(39, 63, 72)
    pen.oval(45, 62, 25, 17, pen.body)
    pen.oval(47, 70, 17, 8, pen.light)
    pen.legs(29, 56, 68)
    pen.limb((60, 58), (82, 52), (77, 18 + nod), widths=(23, 12), colour=pen.body)
    pen.oval(82, 16 + nod, 13, 10, pen.body)
    if has_spots := random.random() < 0.5:
        for x, y in [(31, 57), (41, 51), (52, 53), (43, 61)]:
            pen.oval(x, y, 4, 4, pen.accent)
    pen.limb((84, 20 + nod), (89, 23 + nod), (93, 18 + nod), widths=(2.2, 1.8), colour=INK)
    pen.oval(80, 20 + nod, 3, 2.2, BLUSH)
    pen.eye(81, 12 + nod)
    return "spots" if has_spots else ""


def stegosaurus(pen: Pen, random: Random) -> str:
    swing, plates = random.uniform(-9, 9), random.choice([4, 5])
    pen.limb((28, 64), (14, 66), (4, 66 + swing), widths=(22, 3), colour=pen.body)
    for x in (8, 15):
        pen.limb((x, 66 + swing * 0.7), (x - 5, 55 + swing * 0.7), widths=(4, 1), colour=BONE)
    pen.far_legs(39, 61, 76)
    for i in range(plates):
        angle = math.pi * (0.86 - 0.72 * i / (plates - 1))
        x, y, high = 45 + 27 * math.cos(angle), 62 - 19 * math.sin(angle), 12 + 10 * math.sin(angle)
        pen.shape(
            [(x - 8, y + 6), (x - 6, y - high * 0.4), (x, y - high), (x + 6, y - high * 0.4), (x + 8, y + 6)],
            pen.accent,
        )
    pen.oval(45, 64, 29, 20, pen.body)
    pen.oval(45, 75, 20, 8, pen.light)
    pen.legs(29, 55, 72)
    pen.limb((66, 66), (80, 70), (83, 70), widths=(20, 15), colour=pen.body)
    pen.oval(85, 70, 12, 10, pen.body)
    pen.limb((88, 75), (92, 77), (96, 73), widths=(2.2, 1.8), colour=INK)
    pen.oval(83, 74.5, 3, 2.2, BLUSH)
    pen.eye(85, 66)
    return "plates"


def triceratops(pen: Pen, random: Random) -> str:
    nod = random.uniform(-4, 4)
    pen.limb((28, 62), (14, 62), (4, 78 + random.uniform(-12, 4)), widths=(22, 3), colour=pen.body)
    pen.far_legs(37, 57, 74)
    pen.oval(42, 62, 27, 19, pen.body)
    pen.oval(43, 73, 18, 8, pen.light)
    pen.legs(27, 51, 70)
    x, y = 66, 52 + nod
    pen.oval(x - 2, y - 4, 18, 21, pen.accent)
    pen.oval(x, y - 3, 12, 14, blend(pen.accent, WHITE, 0.45))
    pen.limb((x + 6, y - 8), (x + 18, y - 29), widths=(7, 1.4), colour=BONE)
    pen.oval(x + 10, y + 3, 17, 14, pen.body)
    pen.shape([(x + 20, y - 4), (x + 32, y + 9), (x + 16, y + 15)], pen.body)
    pen.limb((x + 23, y - 2), (x + 29, y - 13), widths=(6, 1.4), colour=BONE)
    pen.limb((x + 16, y + 11), (x + 22, y + 13), (x + 26, y + 9), widths=(2.2, 1.8), colour=INK)
    pen.oval(x + 9, y + 9, 3.2, 2.4, BLUSH)
    pen.eye(x + 13, y - 1)
    return "frill"


class Drawing(NamedTuple):
    """A dinosaur, the numbers of its species and its colour, and what else can be said of it."""

    picture: Image.Image
    species: int
    colour: int
    side: str  # where it looks, "left" or "right"
    scale: float  # how large it is drawn, 0.82 to 0.96
    extra: str  # what it has in its accent colour: "spikes", "spots", "plates", "frill" or ""


def draw(random: Random, size: int) -> Drawing:
    """Draw one dinosaur: a picture of `size` by `size` pixels, and what can be said of it."""
    picture = Image.new("RGB", (4 * size, 4 * size), WHITE)
    species = random.randrange(len(SPECIES))
    pen = Pen(picture, random)
    extra = [rex, long_neck, stegosaurus, triceratops][species](pen, random)
    side = "left" if random.random() < 0.5 else "right"
    if side == "left":
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    small = picture.resize((size, size), Image.Resampling.BOX)
    return Drawing(small, species, pen.colour, side, pen.scale, extra)
