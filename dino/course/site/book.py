"""Makes a book of the chapters' pages. Hints, solutions, code of the lesson, glossary and licence stand at its end."""

import re
from collections.abc import Iterator

from dino.course.chapters import LESSON, Chapter, exercise_names
from dino.course.site.glossary import GLOSSARY
from dino.course.site.paper import STILLS, Links, Piece, div, markdown, numbered, opened, pieces

FROM_LESSON, DEFINES = "From the lesson: ", re.compile(r"```python\n(?:@.*\n)*(?:def|class) (?P<name>\w+)")
PASSED = re.compile(r"^```.*\n(?P<passed>✓ .+)\n  Worth noticing: (?P<notice>.+)\n```$")
ABOUT = """\
# About this book

This is the course *Dino* on paper: its chapters, with all that comes out when they are run. The {count} exercises are for you to
write; [hints](#hints), [solutions](#solutions) and a [glossary](#glossary-) are at the end.

{where} There, some pictures can be played with; and there you get the course itself, which checks each answer within seconds, and
says what is wrong with it.

The recipe is [*Dino Diffusion*](https://github.com/madebyollin/dino-diffusion) by Ollin Boer Bohan, with our thanks.

You may use, change and pass on all of it, under the [MIT licence](#licence).
"""
APPENDICES = {"hints": "Hints", "solutions": "Solutions", "lesson": "Code of the lesson"}


def book(pages: dict[Chapter, str], links: Links) -> str:
    """The book, as pandoc reads it.

    pages  of the chapters, from `dino.course.site.pages.page`
    """
    where = f"The website is <{links.address}>." if links.address else "There is a website, too."
    texts = [ABOUT.format(count=len(exercise_names()), where=where)]
    ends = {name: [f"# {title} {{ #{name} }}"] for name, title in APPENDICES.items()}
    for chapter, page in pages.items():
        text, further = parts(chapter, page, links)
        texts.append(text)
        for name, part in further.items():
            ends[name] += [f"## {chapter.title}", *part] if part else []
    licence = (
        (LESSON.parent / "LICENSE").read_text(encoding="utf-8").replace("MIT License", "# MIT licence { #licence }")
    )
    return "\n\n".join([*texts, *(part for end in ends.values() for part in end), glossary(links), licence])


def parts(chapter: Chapter, page: str, links: Links) -> tuple[str, dict[str, list[str]]]:
    """The text of a chapter, and what belongs into each appendix."""
    text, ends, name = [], {name: [] for name in APPENDICES}, ""
    for piece in opened(page):
        match piece.kind:
            case "heading" if piece.text.startswith("# "):
                text.append(f"# {numbered(chapter)} {{ #chapter-{chapter.path.stem} }}")
            case "exercise":
                name = piece.text
                text.append(f"### Exercise: `{name}` {{ #{name} }}")
                for end in ("hints", "solutions"):
                    ends[end] += [f"### `{name}` {{ #{end}-{name} }}", div("facts", f"[Exercise](#{name})")]
            case "tip":
                ends["hints"].append(f"**{piece.title}.** {links(piece.text)}")
            case "success":
                ends["solutions"].append(piece.text)
                text.append(div("facts", f"[Hints](#hints-{name}) · [Solution](#solutions-{name})"))
            case "code" if match := PASSED.match(piece.text):
                # What is worth noticing in a solution would give it away.
                text.append(f"```text\n{match['passed']}\n```")
                ends["solutions"].append(f"**Worth noticing.** {match['notice']}")
            case "quote" if piece.title.startswith(FROM_LESSON):
                names = re.sub(r"`(\w+)`", r"[`\1`](lesson.md#\1)", piece.title)
                text.append(div("facts", links(names)))
                ends["lesson"] += lesson(piece.text)
            case "live" if piece.title == "dino-formula":
                pass  # a reader of paper has a pencil
            case "live":
                text.append(still(piece, chapter, links.address))
            case _:
                text.append(markdown(piece, links))
    return "\n\n".join(text), ends


def still(piece: Piece, chapter: Chapter, address: str) -> str:
    """What stands for something to play with: its picture, if there is one, its words, and where it is."""
    picture = f'![]({piece.title}.png){{ alt="" width=100% }}\n\n' if piece.title in STILLS else ""
    where = f"[on the website]({address}chapters/{chapter.path.stem}/)" if address else "on the website"
    return div("live", f"{picture}*{piece.text}* That is {where}.")


def lesson(text: str) -> Iterator[str]:
    """Code of the lesson from a frame of a page, but for exercises, whose code is among the solutions."""
    for module, code in zip(*[iter(pieces(text))] * 2, strict=True):
        name = DEFINES.match(code.text)["name"]
        if name not in exercise_names():
            yield f"### `{name}` {{ #lesson-{name} }}\n\n{div('facts', module.text)}\n\n{code.text}"


def glossary(links: Links) -> str:
    """The glossary, with a place for each word."""
    title, _, text = GLOSSARY.read_text(encoding="utf-8").partition("\n")
    text = re.sub(r"\]\(#", "](#glossary-", text)
    text = re.sub(r"^(#.*)\{ #(.+?) \}$", r"\1{ #glossary-\2 }", text, flags=re.MULTILINE)
    text = re.sub(r" \{ #(.+?) \} \|", r" []{ #glossary-\1 }|", text)
    return f"{title} {{ #glossary- }}\n\n{links(text)}"
