"""Puts the website's pages on paper: takes a page in Markdown apart into pieces, and sets Markdown as EPUB and PDF."""

import io
import os
import re
import subprocess
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from dino.course.chapters import Chapter, chapters, exercise_names

try:
    import pypandoc
    import typst
except ImportError as error:
    raise ImportError('Books are made with pandoc and Typst: pip install -e ".[docs]"') from error

TEMPLATES = Path(__file__).parent / "templates"
# What a page consists of, beside plain text.
PIECE = re.compile(
    r"""
      ^(?P<code>```.*\n(?:.*\n)*?```)$
    | ^\#+\ Exercise:\ `(?P<exercise>\w+)`.*$
    | ^(?P<heading>\#+\ .+)$
    | ^(?:!!!|\?\?\?)\ (?:\w+\ )?(?P<kind>\w+)\ "(?P<title>.*)"\n\n(?P<body>(?:\ {4}.*\n|\n)+)
    | ^(?P<figure>(?:!\[.*\n)+)(?:\n\*(?P<caption>[^*](?:.|\n)*?)\*(?=\n\n|\n?\Z))?
    | ^<div\ class="live"><(?P<live>[\w-]+).*\n\n\*(?P<words>.+)\*$
    | ^(?P<facts>.+)\n\{\ \.facts\ \}$
    | ^.+\n\{\ \.links\ \}$
    """,
    re.MULTILINE | re.VERBOSE,
)
LINK = re.compile(
    r"\[(?P<words>[^\[\]]+)\]\((?:\.\./)?(?P<page>[\w/-]+)\.md(?:#(?P<place>[\w.-]+))?\)(?:\{ \.word \})?"
)
IMAGE = re.compile(r'!\[.*\]\((?P<name>[\w-]+)\.webp.*\)\{.* width="(?P<width>\d+)"')
# What can be played with on the website and has a picture.
STILLS = ("dino-noise", "dino-draw", "dino-pad", "dino-prompt")
# How many pixels of the website are as wide as the text of a book.
FULL = 760


@dataclass(frozen=True)
class Piece:
    """One thing in a page.

    kind   text, code, heading, exercise, figure, live, facts, answer, or that of a frame, such as question
    text   what is in it, in Markdown: of a figure, its caption; of an exercise, its name
    title  of a frame; of a figure, the name of its picture and how many pixels wide it is; of a live part, its element
    """

    kind: str
    text: str
    title: str = ""


def pieces(page: str) -> Iterator[Piece]:
    """The pieces of a page, from `dino.course.site.pages.page`, or of a part of one, in their order."""
    text = page.partition("\n---\n")[2] if page.startswith("---\n") else page
    place = 0
    for match in PIECE.finditer(text):
        if between := text[place : match.start()].strip():
            yield Piece("text", between)
        place = match.end()
        found = {kind: part for kind, part in match.groupdict().items() if part is not None}
        if "kind" in found:
            yield Piece(found["kind"], textwrap.dedent(found["body"]).strip("\n") + "\n", found["title"])
        elif "figure" in found:
            # The first picture: a second one is the same for dark pages.
            image = IMAGE.match(found["figure"])
            yield Piece("figure", found.get("caption", ""), f"{image['name']} {image['width']}")
        elif "live" in found:
            yield Piece("live", found["words"], found["live"])
        elif found:
            yield Piece(*found.popitem())
    if after := text[place:].strip():
        yield Piece("text", after)


def opened(page: str) -> Iterator[Piece]:
    """The pieces of a page, with those of its answers among them."""
    for piece in pieces(page):
        yield from pieces(piece.text) if piece.kind == "answer" else [piece]


def numbered(chapter: Chapter) -> str:
    """The title of a chapter, with its number."""
    return f"{chapters().index(chapter) + 1}. {chapter.title}"


@dataclass(frozen=True)
class Links:
    """Rewrites the links of a page for paper.

    address  of the website; "" if it is not known: then links to what is not on paper become plain words
    bound    whether the text will be in the book, which has chapters, solutions, the lesson's code and the glossary
    """

    address: str
    bound: bool

    def __call__(self, text: str) -> str:
        """The text with its links to other pages mended."""
        return LINK.sub(self.lead, text)

    def lead(self, match: re.Match) -> str:
        words, page, place = match["words"], match["page"], match["place"] or ""
        inside = self.inside(page.removeprefix("chapters/"), place) if self.bound else ""
        folder = "chapters/" if page in {chapter.path.stem for chapter in chapters()} else ""
        outside = f"{self.address}{folder}{page}/{f'#{place}' if place else ''}" if self.address else ""
        return f"[{words}]({inside or outside})" if inside or outside else words

    def inside(self, page: str, place: str) -> str:
        """Where a place is in the book, "" if it is not there."""
        name = place.rpartition(".")[2]
        if page == "lesson":
            return f"#solutions-{name}" if name in exercise_names() else f"#lesson-{name}"
        if page in {chapter.path.stem for chapter in chapters()}:
            return f"#{place or f'chapter-{page}'}"
        return f"#glossary-{place}" if page == "glossary" else ""


def markdown(piece: Piece, links: Links) -> str:
    """A piece as pandoc reads it."""
    match piece.kind:
        case "heading":
            return piece.text
        case "code":
            return re.sub(r"\n+", "\n", piece.text, count=1)
        case "text":
            # A number at the beginning of a line in an item of a list is no list in it.
            return links(re.sub(r"(?<=\S\n)( +\d+)\.(?= )", r"\1\\.", piece.text))
        case "facts":
            return div("facts", links(piece.text))
        case "answer":
            return joined(pieces(piece.text), links)
        case "figure":
            name, width = piece.title.split()
            return f"![{links(piece.text)}]({name}.png){{ width={min(100, 100 * int(width) // FULL)}% }}"
    return div(piece.kind, f"**{piece.title}**\n\n{joined(pieces(piece.text), links)}")


def joined(parts: Iterable[Piece], links: Links) -> str:
    """Pieces as pandoc reads them."""
    return "\n\n".join(markdown(part, links) for part in parts)


def div(kind: str, text: str) -> str:
    """A frame, as pandoc reads it: `frame` in the templates, or a class in EPUB."""
    return f"::: {kind}\n{text}\n:::"


def on_paper(picture: bytes, least: int = 600) -> bytes:
    """A picture as PNG, on white as paper is; its pixels are kept square where it is small.

    least  how many pixels wide it will be, if it is narrower
    """
    image = Image.open(io.BytesIO(picture)).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if image.width < least:
        times = -(-least // image.width)
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    return buffer.getvalue()


def pandoc(text: str, kind: str, folder: Path, day: int, *options: str) -> bytes:
    """Markdown in another format, by pandoc; pictures lie in the folder.

    day  the time that the file will carry, in seconds since 1970
    """
    command = [
        pypandoc.get_pandoc_path(),
        "--from=markdown",
        f"--to={kind}",
        f"--lua-filter={TEMPLATES / 'frames.lua'}",
    ]
    done = subprocess.run(
        [*command, *options],
        input=text.encode(),
        stdout=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(day)},
        check=True,
    )
    return done.stdout


def pdf(text: str, template: str, folder: Path, day: int, **told: str) -> bytes:
    """Markdown as PDF; its pictures and the templates lie in the folder.

    template  its name
    told      what the template wants to know
    """
    body = pandoc(text, "typst", folder, day).decode()
    return typeset(f'#import "{template}.typ": *\n#show: {template}\n{body}', folder, timestamp=day, sys_inputs=told)


def typeset(source: str, folder: Path, **options) -> bytes:
    """What Typst makes of a source, with no fonts but its own."""
    return typst.compile(source.encode(), root=folder, ignore_system_fonts=True, **options)
