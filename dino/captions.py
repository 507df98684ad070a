"""Says in words what `drawing` has drawn, and which words captions are made of.

>>> import random
>>> from dino.drawing import draw
>>> caption(draw(random.Random(7), size=32), random.Random(1))
'a large teal stegosaurus with yellow plates, facing left'
"""

import re
from collections import Counter
from collections.abc import Sequence
from random import Random

from dino.drawing import SPECIES, Drawing
from dino.pen import ACCENTS, COLOURS

# Words that say nothing about a picture by themselves.
FILLERS = {"a", "an", "and", "at", "by", "for", "from", "in", "is", "it", "its", "of", "on", "the", "to", "with"}
FILLERS |= {"facing", "looking"}


def caption(drawing: Drawing, random: Random) -> str:
    """Say in plain English what was drawn: never wrong, not always all of it, and not always in the same words."""
    colour = list(COLOURS)[drawing.colour]
    size = "small " if drawing.scale < 0.86 else "large " if drawing.scale > 0.92 else ""
    about = article(f"{random.choice([size, ''])}{colour} {SPECIES[drawing.species]}")
    looks = f"{random.choice(['facing', 'looking'])} {drawing.side}"
    # Of what it has, not always, and of its colour, seldom: where both colours are told, it is not plain which is which.
    extra = random.choice([drawing.extra, f"{ACCENTS[colour]} {drawing.extra}"])
    extra = "with " + (article(extra) if drawing.extra == "frill" else extra)
    told = drawing.extra and random.random() < 0.5
    return random.choice([f"{about} {looks}, {extra}", f"{about} {extra}, {looks}"]) if told else f"{about} {looks}"


def article(words: str) -> str:
    """Put "a" or "an" before some words."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def words_of(text: str) -> list[str]:
    """The words of a text, in small letters; a word may have a hyphen."""
    return re.findall(r"[\w-]+", text.lower())


def vocabulary(texts: Sequence[str], least: int | None = None, most: int = 256) -> list[str]:
    """The words that say something and stand in `least` texts (of a thousand 10, of a few 2), `most` of the most frequent."""
    least = least or min(10, max(2, len(texts) // 100))
    counts = Counter(word for text in texts for word in {*words_of(text)} - FILLERS)
    frequent = sorted((word for word in counts if counts[word] >= least), key=lambda word: (-counts[word], word))
    return frequent[:most]
