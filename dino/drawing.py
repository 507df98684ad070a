"""Draws the dinosaurs of this course: small, round and cheerful, each one a little different.

Every animal is drawn on a square of 100 by 100 units (x to the right, y down, looking right, feet near
y = 90), at four times the wanted size, and then scaled down, which smooths its edges.

>>> import random
>>> picture, species, colour = draw(random.Random(7), size=32)
>>> picture.size, SPECIES[species], list(COLOURS)[colour]
((32, 32), 'triceratops', 'PLACE')
"""

import math
from random import Random

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]

SPECIES = ("t-rex", "long-neck", "stegosaurus", "triceratops")

# Each body colour comes with an accent that suits it, for spots, plates and frills.
COLOURS: dict[str, tuple[Colour, Colour]] = {
    "green": ((110, 190, 72), (242, 120, 48)),
    "teal": ((38, 166, 154), (255, 202, 40)),
    "blue": ((66, 133, 220), (255, 167, 38)),
    "purple": ((142, 92, 200), (255, 213, 79)),
    "pink": ((236, 108, 160), (92, 107, 192)),
    "red": ((222, 80, 64), (255, 193, 7)),
    "orange": ((245, 150, 48), (60, 140, 190)),
    "gold": ((226, 190, 50), (216, 67, 90)),
}
WHITE, INK, BONE, BLUSH = (255, 255, 255), (38, 34, 52), (246, 228, 188), (244, 120, 130)


def blend(one: Colour, other: Colour, share: float) -> Colour:
    """The colour that lies `share` (0 to 1) of the way from one colour to the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


class Pen:
    """Draws shapes given in units on a picture, in the coat of one animal: body, dark, light and accent."""

    def __init__(self, picture: Image.Image, dice: Random):
        self.canvas, self.unit = ImageDraw.Draw(picture), picture.width / 100
        # Where the animal stands and how large it is.
        self.scale, self.x, self.y = dice.uniform(0.82, 0.96), dice.uniform(-3, 3), dice.uniform(-4, 3)
        name = dice.choice(list(COLOURS))
        self.colour, (body, self.accent) = list(COLOURS).index(name), COLOURS[name]
        red, green, blue = (min(255, max(0, part + dice.randint(-10, 10))) for part in body)
        self.body = red, green, blue
        self.dark = blend(self.body, (20, 20, 60), 0.28)
        self.light = blend(self.body, (255, 250, 225), 0.6)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """From units to pixels; an animal grows and shrinks about the ground between its feet."""
        x, y = 50 + (x - 50) * self.scale + self.x, 92 + (y - 92) * self.scale + self.y
        return x * self.unit, y * self.unit

    def oval(self, x: float, y: float, wide: float, high: float, colour: Colour) -> None:
        """An oval around (x, y), as wide and high to each side."""
        left, top = self.at(x - wide, y - high)
        right, bottom = self.at(x + wide, y + high)
        self.canvas.ellipse([left, top, right, bottom], fill=colour)

    def shape(self, corners: list[tuple[float, float]], colour: Colour) -> None:
        """A polygon."""
        self.canvas.polygon([self.at(x, y) for x, y in corners], fill=colour)

    def limb(self, *points: tuple[float, float], widths: tuple[float, float], colour: Colour) -> None:
        """A stroke from the first point to the last, bent towards the one between, that tapers."""
        start, bend, end = points if len(points) == 3 else (points[0], points[0], points[1])
        for i in range(17):
            t = i / 16
            x, y = ((1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c for a, b, c in zip(start, bend, end, strict=True))
            radius = (widths[0] + (widths[1] - widths[0]) * t) / 2
            self.oval(x, y, radius, radius, colour)

    def legs(self, back: float, front: float, hip: float) -> None:
        """Two stout legs in front, in the body's colour."""
        for x in (back, front):
            self.limb((x, hip), (x, 90), widths=(15, 12), colour=self.body)

    def far_legs(self, back: float, front: float, hip: float) -> None:
        """Two legs on the far side, darker."""
        for x in (back, front):
            self.limb((x, hip), (x, 90), widths=(12, 10), colour=self.dark)

    def eye(self, x: float, y: float, radius: float = 5) -> None:
        """A wide eye that looks ahead."""
        self.oval(x, y, radius, radius, WHITE)
        self.oval(x + radius * 0.25, y, radius * 0.64, radius * 0.64, INK)


def rex(pen: Pen, dice: Random) -> None:
    nod = dice.uniform(-4, 4)
    pen.limb((40, 62), (20, 66), (5, 52 + dice.uniform(-9, 9)), widths=(24, 3), colour=pen.body)
    pen.limb((42, 72), (38, 90), widths=(15, 9), colour=pen.dark)
    pen.limb((38, 90), (45, 90), widths=(7, 6), colour=pen.dark)
    if dice.random() < 0.5:
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


def long_neck(pen: Pen, dice: Random) -> None:
    nod = dice.uniform(-5, 5)
    pen.limb((32, 62), (14, 58), (4, 76 + dice.uniform(-16, 6)), widths=(22, 3), colour=pen.body)
    pen.far_legs(39, 63, 72)
    pen.oval(45, 62, 25, 17, pen.body)
    pen.oval(47, 70, 17, 8, pen.light)
    pen.legs(29, 56, 68)
    pen.limb((60, 58), (82, 52), (77, 18 + nod), widths=(23, 12), colour=pen.body)
    pen.oval(82, 16 + nod, 13, 10, pen.body)
    if dice.random() < 0.5:
        for x, y in [(31, 57), (41, 51), (52, 53), (43, 61)]:
            pen.oval(x, y, 4, 4, pen.accent)
    pen.limb((84, 20 + nod), (89, 23 + nod), (93, 18 + nod), widths=(2.2, 1.8), colour=INK)
    pen.oval(80, 20 + nod, 3, 2.2, BLUSH)
    pen.eye(81, 12 + nod)


def stegosaurus(pen: Pen, dice: Random) -> None:
    swing, plates = dice.uniform(-9, 9), dice.choice([4, 5])
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


def triceratops(pen: Pen, dice: Random) -> None:
    nod = dice.uniform(-4, 4)
    pen.limb((28, 62), (14, 62), (4, 78 + dice.uniform(-12, 4)), widths=(22, 3), colour=pen.body)
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


def draw(dice: Random, size: int) -> tuple[Image.Image, int, int]:
    """Draw one dinosaur: a picture of `size` by `size` pixels, and the numbers of its species and of its colour."""
    picture = Image.new("RGB", (4 * size, 4 * size), WHITE)
    species = dice.randrange(len(SPECIES))
    pen = Pen(picture, dice)
    [rex, long_neck, stegosaurus, triceratops][species](pen, dice)
    if dice.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return picture.resize((size, size), Image.Resampling.BOX), species, pen.colour
