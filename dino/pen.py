"""What dinosaurs are drawn with: a palette, and a pen that knows a few shapes.

Every animal is drawn on a square of 100 by 100 units: x to the right, y down, looking right, feet near y = 90.
"""

from random import Random

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]

# Each body colour comes with an accent that suits it, for spikes, spots, plates and frills.
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
# What the accents are called.
ACCENTS = dict(zip(COLOURS, ("orange", "yellow", "orange", "yellow", "blue", "yellow", "blue", "red"), strict=True))
WHITE, INK, BONE, BLUSH = (255, 255, 255), (38, 34, 52), (246, 228, 188), (244, 120, 130)


def blend(one: Colour, other: Colour, share: float) -> Colour:
    """The colour that lies `share` (0 to 1) of the way from one colour to the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


class Pen:
    """Draws shapes given in units on a picture, in the coat of one animal: body, dark, light and accent."""

    def __init__(self, picture: Image.Image, random: Random):
        self.canvas, self.unit = ImageDraw.Draw(picture), picture.width / 100
        # Where the animal stands and how large it is.
        self.scale, self.x, self.y = random.uniform(0.82, 0.96), random.uniform(-3, 3), random.uniform(-4, 3)
        name = random.choice(list(COLOURS))
        self.colour, (body, self.accent) = list(COLOURS).index(name), COLOURS[name]
        red, green, blue = (min(255, max(0, part + random.randint(-10, 10))) for part in body)
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
