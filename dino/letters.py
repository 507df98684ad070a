"""Draws an album of letters as files of all sorts, the way that pictures lie around on real disks.

It stands in for an album of your own in chapter 6. The letters are drawn with the fonts that come with matplotlib.
"""

from pathlib import Path
from random import Random

import matplotlib
from PIL import Image, ImageDraw, ImageFont

# Letters that change when they are mirrored.
LETTERS = "EFKLPRS"
FONTS = ["DejaVuSans-Bold", "DejaVuSans-BoldOblique", "DejaVuSansMono-Bold", "DejaVuSerif-Bold"]
FONTS += ["DejaVuSerif-BoldItalic", "STIXGeneralBol", "cmb10", "cmss10"]
INKS = ("#1d3557", "#c1121f", "#2a7f62", "#e07a00")


def letter(random: Random, text: str, font: str) -> Image.Image:
    """One letter in the middle of a transparent picture that is wide, high or square."""
    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    wide, high = random.choice(((120, 120), (160, 120), (210, 120), (120, 160), (120, 210)))
    picture = Image.new("RGBA", (wide, high), (0, 0, 0, 0))
    place = (wide / 2 + random.randint(-4, 4), high / 2 + random.randint(-4, 4))
    shape = ImageFont.truetype(str(file), random.randint(110, 130))
    # The middle of the letter's own box comes to the middle of the picture.
    left, top, right, bottom = shape.getbbox(text)
    corner = (place[0] - (left + right) / 2, place[1] - (top + bottom) / 2)
    ImageDraw.Draw(picture).text(corner, text, font=shape, fill=random.choice(INKS))
    return picture


def write(picture: Image.Image, path: Path, kind: int) -> None:
    """Write a picture in one of five ways in which pictures come."""
    paper = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    if kind == 0:
        picture.save(path.with_suffix(".png"))  # transparent: nothing behind the letter
    elif kind == 1:
        paper.save(path.with_suffix(".jpg"), quality=90)
    elif kind == 2:  # lying on its side, with a note that says how to turn it: so do phones and cameras
        note = Image.Exif()
        note[0x0112] = 6
        paper.transpose(Image.Transpose.ROTATE_90).save(path.with_suffix(".jpeg"), quality=90, exif=note)
    elif kind == 3:
        paper.quantize(16).save(path.with_suffix(".gif"))  # a palette: numbers of colours instead of colours
    else:
        paper.convert("L").save(path.with_suffix(".png"))  # no colour at all


def make_album(folder: Path, seed: int = 0) -> None:
    """Write 672 letters to a folder, and among them two files that are no pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(seed)
    for font in FONTS:
        for text in LETTERS:
            for copy in range(12):
                write(letter(random, text, font), folder / f"{text}-{font}-{copy}", random.randrange(5))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff only the beginning of a photo")
    (folder / "notes.txt").write_text("Letters that I cut out on a rainy Sunday.\n")
