"""Makes the pages of chapters and of the lesson in Markdown. It reads, and knows nothing of what builds the site."""

import ast
import base64
import contextlib
import io
import json
import re
import textwrap
from importlib.metadata import version

import nbformat
from PIL import Image

from dino.course.chapters import LESSON, Chapter, chapters, definition, find_exercise, solution
from dino.course.notebooks import notebook as learner_notebook
from dino.course.notebooks import written
from dino.course.site.display import DARK, LIGHT, PLAIN
from dino.course.site.formulas import FORMULAS
from dino.course.site.glossary import Linker, places

# A paragraph in a frame begins with bold words; these say what kind of frame it is.
FRAMES = {"Predict": "question", "A common belief": "warning", "On your own code": "note"}
FRAME = re.compile(r"^> \*\*(?P<title>.+?)\.?\*\* ?(?P<rest>.*(?:\n>.*)*)", re.MULTILINE)
EXERCISE = re.compile(r"^\*\*Exercise: `(?P<name>\w+)`\*\* · (?P<facts>.+)$", re.MULTILINE)
# A comment `<!-- live: ELEMENT | WORDS -->` stands for something to play with, and the words below it.
LIVE = re.compile(r"<!-- live: (?P<element>[\w -]+?) \| (?P<words>.+?) -->", re.DOTALL)
# What a kernel shows: the end of the file's name, on which pages it can be seen, and how much finer it is than there.
KINDS = {LIGHT: ("-light.webp", "#only-light", 2), DARK: ("-dark.webp", "#only-dark", 2), PLAIN: (".webp", "", 1)}
# A reader is asked to guess what comes out of the next cell, but not of one that only checks an answer; what does is under a title.
PREDICT, CHECKED = re.compile(r"^> \*\*Predict", re.MULTILINE), re.compile(r"check\(\w+\)")
# Below the stub of an exercise that comes down to a formula, or of one of which a line does.
FORMULA = "No Python at hand? Write {} here. Usual mistakes are named as by `check`, which looks at more than these four pictures."
ANSWER = "Made your guess? See what came out"
INSTALL = """\
# The page of this chapter was last run on {executed}.
# This installs dino-course {version}, where there is none.
from importlib.util import find_spec

if find_spec("dino") is None:
    %pip install -q "dino-course=={version}\""""
# An example in a docstring, with what comes out.
EXAMPLE = re.compile(r"^>>> .+(?:\n.+)*", re.MULTILINE)
# On a phone, a picture that is wider than this many times its height is scrolled rather than shrunk.
WIDE = 2.9
CAPTION = re.compile(r"^\*[^*].*?\*(?=\n\n|\Z)", re.DOTALL)


def page(chapter: Chapter, kept: dict, repository: str = "") -> tuple[str, dict[str, bytes]]:
    """The Markdown of a chapter's page, and the pictures in it, by the names that it calls them.

    kept        what came out of the chapter, from `dino.course.site.execute.run`
    repository  `OWNER/NAME` at GitHub, for links to it and to Colab; none without
    """
    cells = learner_notebook(chapter.path.read_text(encoding="utf-8")).cells
    title, about, cells[0].source = head(cells[0].source)
    parts, pictures = [], {}
    link, before = Linker(places()), imported_before(chapter)
    # What comes out of the first cell after a question to the reader waits in `answer`, with all that follows without a
    # word between, and is folded together with the caption.
    asked, answer = False, []
    for i, (cell, outputs) in enumerate(zip(cells, kept["outputs"], strict=True)):
        if cell.cell_type == "markdown":
            caption, text = with_caption(cell.source)
            parts.append(folded("question answer", ANSWER, *answer, caption) if answer else caption)
            asked, answer = (asked and not answer) or PREDICT.search(text) is not None, []
            parts.append(LIVE.sub(lambda match: live(match["element"], match["words"]), framed(link(text))))
            continue
        code = [fenced(cell.source, "python")]
        if exercise := "exercise" in cell.metadata.get("tags", []):
            code += help_with(cell.source, kept["exercises"])
        code += lesson_code(cell.source, before)
        caption, _ = with_caption(cells[i + 1].source if i + 1 < len(cells) else "")
        came, found = came_out(outputs, f"{chapter.path.stem}-{i}", caption)
        pictures |= found
        if answer and came:
            answer += code + came
        elif asked and came and not exercise and not CHECKED.fullmatch(cell.source):
            parts, answer = parts + code, came
        else:
            parts += code + came
    parts.append(folded("question answer", ANSWER, *answer) if answer else "")
    described = f"---\ndescription: {json.dumps(about, ensure_ascii=False)}\n---\n\n" if about else ""
    top = [title, *([f"*{about}*"] if about else []), facts(chapter, repository)]
    return described + "\n\n".join(part.strip("\n") for part in [*top, *parts] if part) + "\n", pictures


def head(text: str) -> tuple[str, str, str]:
    """The title with which a chapter begins, the sentence in italics below it, "" if there is none, and what follows.

    The sentence says what the chapter is about in the words that people search for; search engines show it.
    """
    title, _, rest = text.partition("\n\n")
    about, rest = with_caption(rest)
    return title, " ".join(about.strip("*").split()), rest


def minutes(chapter: Chapter) -> float:
    """How long a chapter takes somebody to whom all of it is new.

    One reads 200 words in a minute, writes each exercise in as long as it says, and takes a minute for each cell of code: to
    read it, to run it, and to look at what comes out.
    """
    cells = learner_notebook(chapter.path.read_text(encoding="utf-8")).cells
    words = sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown")
    runs = sum(cell.cell_type == "code" for cell in cells)
    return words / 200 + sum(exercise.minutes for exercise in chapter.exercises) + runs


def facts(chapter: Chapter, repository: str) -> str:
    """What one wants to know before a chapter: how long it takes, what it builds on, and where one can do or read it."""
    needs, stem = "needs a little Python and torch", chapter.path.stem
    if before := chapters()[: chapters().index(chapter)]:
        needs = f"builds on [{before[-1].title}]({before[-1].path.stem}.md)"
    links = [f"[Download as notebook]({stem}.ipynb){{ .md-button download }}"]
    links += [
        f"[Do an exercise here](#{one.name}){{ .md-button }}" for one in chapter.exercises if one.name in FORMULAS
    ][:1]
    if repository:
        links += [
            f"[Open in Colab](https://colab.research.google.com/github/{repository}/blob/gh-pages/chapters/{stem}.ipynb){{ .md-button }}",
            f"[View source](https://github.com/{repository}/blob/main/chapters/{stem}.py){{ .md-button }}",
        ]
    about = f"About {5 * round(minutes(chapter) / 5)} minutes · {len(chapter.exercises)} exercises · {needs}"
    return f"{about}\n{{ .facts }}\n\n{' '.join(links)}\n{{ .links }}"


def notebook(chapter: Chapter, executed: str = "") -> str:
    """A chapter as a notebook (.ipynb).

    executed  the day on which its page was made; with it, the notebook begins by installing this version where no course is
    """
    learner = learner_notebook(chapter.path.read_text(encoding="utf-8"))
    for cell in learner.cells:
        if cell.cell_type == "markdown":
            cell.source = LIVE.sub("", cell.source)
    if executed:
        learner.cells.insert(
            0, nbformat.v4.new_code_cell(INSTALL.format(version=version("dino-course"), executed=executed))
        )
    return written(learner)


def reference() -> str:
    """The Markdown of a page about the lesson's modules: what each defines, and how to call it; the code is folded."""
    taught = [chapter.topic for chapter in chapters()]
    others = sorted(path.stem for path in LESSON.glob("[a-z]*.py") if path.stem not in taught)
    about = "All of `dino/`, by module: first those that the chapters teach, in their order, then the others."
    parts = ["# The lesson", about]
    for module in (*taught, *others):
        source = (LESSON / f"{module}.py").read_text(encoding="utf-8")
        tree = ast.parse(source)
        about = EXAMPLE.sub(lambda match: fenced(match[0], "pycon"), ast.get_docstring(tree))
        parts += [f"## `dino.{module}` {{ #{module} }}", about]
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                code = definition(source, node.name)
                # Up to the end of the docstring, or of the signature.
                ends = node.body[0].end_lineno if ast.get_docstring(node) else node.body[0].lineno - 1
                parts.append(f"### `{node.name}` {{ #{module}.{node.name} }}")
                parts.append(fenced("\n".join(code.splitlines()[: ends - node.end_lineno or None]), "python"))
                parts.append(folded("quote", "Code", fenced(code, "python")))
    return "\n\n".join(parts) + "\n"


def live(element: str, words: str) -> str:
    """Something to play with, in a page. Without JavaScript, its words are there, and a sentence that says so."""
    name, words = element.partition(" ")[0], " ".join(words.split())
    return f'<div class="live"><{element}>This can be played with where JavaScript is on.</{name}></div>\n\n*{words}*'


def fenced(text: str, kind: str) -> str:
    """A block of code or of printed text."""
    return f"```{kind}\n{text.rstrip()}\n```"


def printed_text(text: str) -> str:
    """A block of printed text. Sentences are wrapped on a narrow screen; tables are not."""
    sentences = max(map(len, text.splitlines()), default=0) > 80
    return fenced(text, " { .text .sentences }" if sentences else "text")


def folded(kind: str, title: str, *blocks: str) -> str:
    """A frame that the reader opens."""
    inside = textwrap.indent("\n\n".join(blocks), " " * 4)
    return f'??? {kind} "{title}"\n\n{inside}'


def framed(text: str) -> str:
    """The text of a cell, with its quoted paragraphs in frames, and a heading over an exercise."""

    def frame(match: re.Match) -> str:
        title, rest = match["title"], re.sub(r"^> ?", "", match["rest"], flags=re.MULTILINE)
        kind = next((kind for lead, kind in FRAMES.items() if title.startswith(lead)), "quote")
        title = title.replace('"', "'")
        return f'!!! {kind} "{title}"\n\n{textwrap.indent(rest, " " * 4)}'

    return EXERCISE.sub(r"### Exercise: `\g<name>` { #\g<name> }\n\n\g<facts>\n{ .facts }", FRAME.sub(frame, text))


def help_with(source: str, exercises: dict[str, dict]) -> list[str]:
    """What stands below an exercise: hints, what is claimed of an answer, and the answer."""
    (node,) = ast.parse(source).body
    known = exercises[node.name]
    return [
        *to_do_here(node.name),
        folded(
            "abstract",
            "What the check looks at, some of it several times",
            "\n".join(f"- {says}" for says in of_each_kind(known["claims"])),
        ),
        *(folded("tip", f"Hint {i}", hint) for i, hint in enumerate(known["hints"], start=1)),
        folded("success", "Solution", fenced(solution(*find_exercise(node.name)), "python")),
    ]


def to_do_here(name: str) -> list[str]:
    """Where an exercise can be done in the page, if it comes down to a formula."""
    if name not in FORMULAS:
        return []
    return [
        live(f'dino-formula exercise="{name}"', FORMULA.format("one line of it" if FORMULAS[name].passage else "it"))
    ]


def of_each_kind(claims: list[str]) -> list[str]:
    """The first of all claims that differ in nothing but their numbers."""
    first: dict[str, str] = {}
    for says in claims:
        first.setdefault(re.sub(r"\d+", "0", says), says)
    return list(first.values())


def imported_before(chapter: Chapter) -> set[str]:
    """The names that earlier chapters import from the lesson: their pages show the code."""
    earlier = chapters()[: chapters().index(chapter)]
    cells = (cell for one in earlier for cell in learner_notebook(one.path.read_text(encoding="utf-8")).cells)
    return {name for cell in cells if cell.cell_type == "code" for _, name, _ in given(cell.source)}


def lesson_code(source: str, before: set[str]) -> list[str]:
    """What stands below a cell that imports from the lesson: the code, folded, or where it is to be found if it was shown."""
    code = given(source)
    new, old = ([one for one in code if (one[1] in before) == seen] for seen in (False, True))
    parts = []
    if new:
        names = ", ".join(f"`{name}`" for _, name, _ in new)
        blocks = (f"`dino/{module}.py`\n\n{fenced(text, 'python')}" for module, _, text in new)
        parts.append(folded("quote", f"From the lesson: {names}", *blocks))
    if old:
        names = ", ".join(f"[`{name}`](../lesson.md#{module}.{name})" for module, name, _ in old)
        parts.append(f"From the lesson, as before: {names}\n{{ .facts }}")
    return parts


def given(source: str) -> list[tuple[str, str, str]]:
    """The functions and classes of the lesson that a cell imports: module, name and code of each."""
    found = []
    for node in ast.parse(source).body:
        file = re.fullmatch(r"dino\.(?!course$)(\w+)", getattr(node, "module", None) or "")
        for alias in node.names if file else ():
            with contextlib.suppress(LookupError):  # a constant
                code = definition((LESSON / f"{file[1]}.py").read_text(encoding="utf-8"), alias.name)
                found.append((file[1], alias.name, code))
    return found


def with_caption(text: str) -> tuple[str, str]:
    """The caption with which a text begins, "" if it has none, and what follows."""
    caption = CAPTION.match(text)
    return (caption[0], text[caption.end() :]) if caption else ("", text)


def came_out(outputs: list[dict], name: str, caption: str) -> tuple[list[str], dict[str, bytes]]:
    """What came out of a cell, in Markdown, and the files of its pictures, whose names begin with `name`."""
    parts, pictures = [], {}
    # What was printed comes first, in one piece, so that a picture stands right above its caption.
    if printed := "".join(output["text"] for output in outputs if output.get("name") == "stdout"):
        parts.append(printed_text(printed))
    # What a picture shows, in words, is its caption.
    words = re.sub(r"[`*\[\]]", "", " ".join(caption.split()))
    for number, output in enumerate(output for output in outputs if output["output_type"] != "stream"):
        text, found = shown(output, f"{name}-{number}", words)
        parts.append(text)
        pictures |= found
    return parts, pictures


def shown(output: dict, name: str, words: str) -> tuple[str, dict[str, bytes]]:
    """One picture or value in Markdown, and the files that it is made of."""
    data, marks, files = output["data"], [], {}
    for kind, (file, only, scale) in KINDS.items():
        if kind in data:
            content = base64.b64decode(data[kind])
            # A picture has its size, so that nothing moves when it comes.
            width, height = (side // scale for side in Image.open(io.BytesIO(content)).size)
            look = f'{".wide " if width > WIDE * height else ""}width="{width}" height="{height}"'
            marks.append(f'![{words}]({name}{file}{only}){{ .output {look} loading="lazy" }}')
            files[f"{name}{file}"] = content
    return "\n".join(marks) or printed_text(data["text/plain"]), files
