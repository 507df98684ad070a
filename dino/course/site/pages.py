"""Makes a page in Markdown of a chapter and what came out of it. It reads, and knows nothing of the site around it."""

import ast
import base64
import io
import re
import textwrap

import jupytext
from PIL import Image

from dino.course.chapters import LESSON, Chapter, definition, solution
from dino.course.site.kernel import DARK, LIGHT

# A paragraph in a frame begins with bold words; these say what kind of frame it is.
FRAMES = {"Predict": "question", "A common belief": "warning", "On your own code": "note"}
FRAME = re.compile(r"^> \*\*(?P<title>.+?)\.?\*\* ?(?P<rest>.*(?:\n>.*)*)", re.MULTILINE)
CAPTION = re.compile(r"^\*(?P<words>[^*].*?)\*(?=\n\n|\Z)", re.DOTALL)


def page(chapter: Chapter, kept: dict) -> tuple[str, dict[str, bytes]]:
    """The Markdown of a chapter's page, and the pictures in it, by the names that it calls them.

    kept  what came out of the chapter, from `dino.course.site.run.run`
    """
    cells = jupytext.reads(chapter.path.read_text(encoding="utf-8"), fmt="py:percent").cells
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for i, (cell, outputs) in enumerate(zip(cells, kept["outputs"], strict=True)):
        if cell.cell_type == "markdown":
            parts.append(framed(cell.source))
            continue
        parts.append(fenced(cell.source, "python"))
        if "exercise" in cell.metadata.get("tags", []):
            parts.append(help_with(chapter, cell.source, kept["exercises"]))
        parts += [folded("quote", f"`{name}`, from `dino/{file}.py`", code) for name, file, code in given(cell.source)]
        after = cells[i + 1].source if i + 1 < len(cells) else ""
        # What was printed comes first, so that a picture stands right above its caption.
        for number, output in enumerate(sorted(outputs, key=lambda output: output["output_type"] != "stream")):
            words, found = shown(output, f"{chapter.path.stem}-{i}-{number}", alternative(after))
            parts.append(words)
            pictures |= found
    return "\n\n".join(part for part in parts if part) + "\n", pictures


def fenced(text: str, kind: str) -> str:
    """A block of code or of printed text."""
    return f"```{kind}\n{text.rstrip()}\n```"


def folded(kind: str, title: str, *blocks: str) -> str:
    """A frame that the reader opens."""
    inside = textwrap.indent("\n\n".join(blocks), " " * 4)
    return f'??? {kind} "{title}"\n\n{inside}'


def framed(text: str) -> str:
    """The text of a cell, with its quoted paragraphs in frames."""

    def frame(match: re.Match) -> str:
        title, rest = match["title"], re.sub(r"^> ?", "", match["rest"], flags=re.MULTILINE)
        kind = next((kind for lead, kind in FRAMES.items() if title.startswith(lead)), "quote")
        title = title.replace('"', "'")
        return f'!!! {kind} "{title}"\n\n{textwrap.indent(rest, " " * 4)}'

    return FRAME.sub(frame, text)


def help_with(chapter: Chapter, source: str, exercises: dict[str, dict]) -> str:
    """What stands below an exercise: hints, what is claimed of an answer, and the answer."""
    (node,) = ast.parse(source).body
    known = exercises[node.name]
    answer = solution(chapter, next(one for one in chapter.exercises if one.name == node.name))
    return "\n\n".join(
        [
            folded("abstract", "What the check looks at", "\n".join(f"- {says}" for says in known["claims"])),
            *(folded("tip", f"Hint {i}", hint) for i, hint in enumerate(known["hints"], start=1)),
            folded("success", "Solution", fenced(answer, "python")),
        ]
    )


def given(source: str) -> list[tuple[str, str, str]]:
    """The functions and classes of the lesson that a cell imports: name, file, and code of each."""
    found = []
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ImportFrom) or not re.fullmatch(r"dino\.\w+", node.module or ""):
            continue
        file = node.module.partition(".")[2]
        if file == "course":
            continue
        text = (LESSON / f"{file}.py").read_text(encoding="utf-8")
        for name in (alias.name for alias in node.names):
            try:
                found.append((name, file, fenced(definition(text, name), "python")))
            except LookupError:  # a constant
                continue
    return found


def alternative(after: str) -> str:
    """What a picture shows, in words: its caption, which is the text in italics below it."""
    caption = CAPTION.match(after)
    words = " ".join(caption["words"].split()) if caption else ""
    return re.sub(r"[`*\[\]]", "", words)


def shown(output: dict, name: str, words: str) -> tuple[str, dict[str, bytes]]:
    """One output in Markdown, and the pictures that it is made of."""
    if output["output_type"] == "stream":
        return (fenced(output["text"], "text") if output["name"] == "stdout" else ""), {}
    data = output["data"]
    if LIGHT in data:
        kinds = {"light": data[LIGHT], "dark": data[DARK]}
        pictures = {f"{name}-{kind}.webp": webp(png) for kind, png in kinds.items()}
        marks = [
            image(f, words, scale=2, only=f"#only-{kind}") for kind, f in zip(kinds, pictures.items(), strict=True)
        ]
        return "\n".join(marks), pictures
    if "image/png" in data:
        picture = webp(data["image/png"])
        return image((f"{name}.webp", picture), words), {f"{name}.webp": picture}
    return fenced(data["text/plain"], "text"), {}


def webp(png: str) -> bytes:
    """A PNG in base64 as WebP, which says the same in half as many bytes."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(base64.b64decode(png))).save(buffer, format="webp", lossless=True, method=6)
    return buffer.getvalue()


def image(file: tuple[str, bytes], words: str, scale: int = 1, only: str = "") -> str:
    """A picture in Markdown, with its size, so that nothing moves when it comes."""
    name, content = file
    width, height = (side // scale for side in Image.open(io.BytesIO(content)).size)
    return f'![{words}]({name}{only}){{ .output width="{width}" height="{height}" loading="lazy" }}'
