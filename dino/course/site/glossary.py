"""Links from the first use of a word in a chapter to where the glossary explains it.

The table in `docs/glossary.md` is all that there is to edit. A row begins with a word and the name of its place, such as
`| level, noise level { #level } |`. All words before the place are looked for in chapters, in the plural, too. A word that
people use every day, too, stands in italics there: it is a link only where a chapter stresses it, as one does with a new word.
"""

import functools
import re
from pathlib import Path

from dino.course.chapters import LESSON

GLOSSARY = LESSON.parent / "docs" / "glossary.md"
ROW = re.compile(r"^\| (?P<words>[^|{]+?) \{ #(?P<place>[\w-]+) \} \|", re.MULTILINE)
# What is no prose: code, headings, the titles of frames and exercises, links, formulas, comments, and text in quotation marks.
OTHER = (
    r'```.*?```|`[^`]*`|^#+ [^\n]*|^> \*\*.+?\*\*|^\*\*Exercise[^\n]*|\[[^\]]*\]\([^)]*\)|\$[^$]+\$|<[^>]+>|"[^"\n]*"'
)


@functools.cache
def places(path: Path = GLOSSARY) -> dict[str, str]:
    """Where each word of the glossary is explained, by the word in small letters; one for every day is between two stars."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return {word.lower(): row["place"] for row in ROW.finditer(text) for word in row["words"].split(", ")}


class Linker:
    """Links words in one chapter's texts, each where it comes up first.

    known  places of words, from `places`
    page   the address of the glossary, seen from the chapter
    """

    def __init__(self, known: dict[str, str], page: str = "../glossary.md"):
        self.known, self.page, self.seen = known, page, set()
        # The longest first, for "noise level" is not "noise". Between two words may be the end of a line, in a frame, too.
        words = sorted({word.strip("*") for word in known}, key=len, reverse=True)
        either = "|".join(re.escape(word).replace(r"\ ", r"\s+(?:> )?") for word in words)
        word = rf"(?P<stress>\*{{1,2}})?(?<![\w-])(?P<word>{either})(?P<end>e?s)?(?![\w-])(?P<stop>\*{{1,2}})?"
        self.pattern = re.compile(f"(?P<other>{OTHER})|{word}", re.MULTILINE | re.DOTALL | re.IGNORECASE)

    def __call__(self, text: str) -> str:
        """The text of a cell, in Markdown, with its links."""
        return self.pattern.sub(self.link, text) if self.known else text

    def link(self, match: re.Match) -> str:
        if match["other"] is not None:
            return match[0]
        word = re.sub(r"\s+(?:> )?", " ", match["word"]).lower()
        stressed = match["stress"] and match["stress"] == match["stop"]
        place = self.known.get(word) or (stressed and self.known.get(f"*{word}*"))
        if not place or place in self.seen:
            return match[0]
        self.seen.add(place)
        before, after = match["stress"] or "", match["stop"] or ""
        return f"{before}[{match['word']}{match['end'] or ''}]({self.page}#{place}){{ .word }}{after}"
