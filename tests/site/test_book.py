"""On paper: the book, worksheets and slides, read by other libraries than those that made them, and compared with the website."""

import io
import posixpath
import re
import runpy
import sys
import zipfile
from urllib.parse import urldefrag
from xml.etree import ElementTree

import html5lib
import pypdfium2
import pytest
from PIL import Image
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

from dino.course.chapters import chapters, exercise_names, find_exercise, solution, stubs
from dino.course.checks import check_for
from dino.course.site import build, paper, printing
from dino.course.site.book import parts
from dino.course.site.handouts import worksheet
from dino.course.site.paper import Links, on_paper, pdf, pieces
from dino.course.site.printing import epub, printed

HTML, OPF = "{http://www.w3.org/1999/xhtml}", "{http://www.idpf.org/2007/opf}"
PREDICT = re.compile(r"^> \*\*Predict\.\*\* (.*(?:\n> .*)*)", re.MULTILINE)
TITLES = [f"{number}. {chapter.title}" for number, chapter in enumerate(chapters(), start=1)]
APPENDICES = ["Hints", "Solutions", "Code of the lesson", "Glossary and formulas", "MIT licence"]


def bare(text: str) -> str:
    """Text without what is set in one way here and in another there: spaces, line breaks, quotation marks, emphasis and dashes."""
    return (
        re.sub(r"[\s\"'`*\u2018-\u201d\u00ad]", "", text.replace("\u2026", "..."))
        .replace("\u2013", "-")
        .replace("\u2014", "-")
    )


def written(name: str) -> str:
    """What the answer to an exercise has and its stub has not, from its first such line on."""
    chapter, exercise = find_exercise(name)
    given = set(stubs(chapter)[name].splitlines())
    lines = [line for line in solution(chapter, exercise).splitlines() if line not in given]
    return bare("\n".join(lines))


class Pdf:
    """A PDF file: the texts of its pages, its outline, as depths, titles and pages, and how many pictures each page shows."""

    def __init__(self, path):
        document = pypdfium2.PdfDocument(path)
        self.pages = [page.get_textpage().get_text_range() for page in document]
        self.text = bare("\n".join(self.pages))
        toc = document.get_toc()
        self.outline = [(one.level + 1, one.get_title(), one.get_dest().get_index() + 1) for one in toc]
        self.pictures = [len([*page.get_objects([FPDF_PAGEOBJ_IMAGE])]) for page in document]
        self.size = document[0].get_size()
        self.document = document

    def rows(self, page: int) -> list[str]:
        """What stands on each height of a page, from left to right."""
        text, rows = self.document[page - 1].get_textpage(), {}
        for left, bottom, right, top in sorted(text.get_rect(i) for i in range(text.count_rects())):
            row = next((row for row in rows if abs(row - (bottom + top) / 2) < 4), (bottom + top) / 2)
            rows[row] = rows.get(row, "") + bare(text.get_text_bounded(left, bottom, right, top))
        return [*rows.values()]


@pytest.fixture(scope="module")
def book(site):
    return Pdf(site / "paper" / "dino.pdf")


@pytest.fixture(scope="module")
def sheets(site):
    return {name: Pdf(site / "paper" / f"{name}.pdf") for name in ("worksheets", "worksheets-answers")}


@pytest.fixture(scope="module")
def opened(site):
    """The files of the EPUB."""
    with zipfile.ZipFile(site / "paper" / "dino.epub") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def texts(opened):
    """The texts of the EPUB, as trees: they have to be well-formed."""
    return {name: ElementTree.fromstring(content) for name, content in opened.items() if name.endswith(".xhtml")}


def titled(texts, title: str) -> ElementTree.Element:
    """The text of that title."""
    (found,) = (one for one in texts.values() if [*words(one, "h1")] == [title])
    return found


def words(tree, tag: str):
    return ("".join(one.itertext()) for one in tree.iter(f"{HTML}{tag}"))


def pictures_of(site, stem: str) -> set[str]:
    """The names of the pictures that a chapter's page shows on light pages."""
    page = (site / "chapters" / stem / "index.html").read_text(encoding="utf-8")
    return {name for name in re.findall(rf'src="\.\./({stem}-[\w-]+)\.webp', page) if not name.endswith("-dark")}


def test_the_epub_is_an_archive_as_readers_want_it(site, opened):
    with zipfile.ZipFile(site / "paper" / "dino.epub") as archive:
        first = archive.infolist()[0]
    assert (first.filename, first.compress_type, opened["mimetype"]) == (
        "mimetype",
        zipfile.ZIP_STORED,
        b"application/epub+zip",
    )
    container = ElementTree.fromstring(opened["META-INF/container.xml"])
    (place,) = (one.get("full-path") for one in container.iter() if one.get("full-path"))
    package = ElementTree.fromstring(opened[place])
    items = {posixpath.join(posixpath.dirname(place), one.get("href")): one for one in package.iter(f"{OPF}item")}
    assert set(items) | {"mimetype", "META-INF/container.xml", place} == {
        name for name in opened if not name.startswith("META-INF/com.apple")
    }
    assert {"nav", "cover-image"} <= {one.get("properties") for one in items.values()}
    told = {one.tag.rpartition("}")[2]: one.text for one in package.find(f"{OPF}metadata")}
    assert (told["language"], told["title"], told["rights"], told["creator"]) == (
        "en",
        "Dino",
        "MIT",
        "The Dino authors",
    )
    (cover,) = (name for name, one in items.items() if one.get("properties") == "cover-image")
    width, height = Image.open(io.BytesIO(opened[cover])).size
    assert 1.3 < height / width < 1.5


def test_every_link_in_the_epub_leads_somewhere(opened, texts):
    places = {(name, one.get("id")) for name, tree in texts.items() for one in tree.iter()}
    for name, tree in texts.items():
        for one in tree.iter():
            target = one.get("href") or one.get("src") or ""
            if target and not target.startswith("https://"):
                path, place = urldefrag(target)
                path = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
                assert path in opened, target
                assert not place or (path, place) in places, f"{name}: {target}"


def test_the_book_has_all_chapters_exercises_and_appendices_in_order(book, texts):
    contents = [title for depth, title, _ in book.outline if depth == 1]
    assert contents == ["About this book", *TITLES, *APPENDICES]
    assert [one for tree in texts.values() for one in words(tree, "h1")][-len(contents) :] == contents
    exercises = [title for _, title, _ in book.outline if title.startswith("Exercise: ")]
    assert exercises == [f"Exercise: {name}" for name in exercise_names()]


def test_pages_have_numbers_and_the_contents_name_them(book):
    for number, page in enumerate(book.pages[1:], start=2):
        assert page.split()[-1] == str(number)
    (end,) = (page for _, title, page in book.outline if title == "About this book")
    contents = [row for page in range(2, end) for row in book.rows(page)]
    for depth, title, page in book.outline:
        if depth < 3:
            assert any(re.fullmatch(rf"{re.escape(bare(title))}\.*{page}", row) for row in contents), title
            assert bare(title) in bare(book.pages[page - 1])


def test_a_page_says_which_chapter_it_is_in(book):
    starts = {page: title for depth, title, page in book.outline if depth == 1}
    title = ""
    for number, page in enumerate(book.pages, start=1):
        title = starts.get(number, title)
        if title and number not in starts:
            assert bare(page).startswith(bare(title))


def test_what_the_website_says_stands_in_the_book_too(site, texts):
    """Python-Markdown and pandoc read the same pages in their own ways."""
    told = bare("".join("".join(tree.itertext()) for tree in texts.values()))
    count = 0
    for chapter in chapters():
        page = html5lib.parse((site / "chapters" / chapter.path.stem / "index.html").read_text(encoding="utf-8"))
        (article,) = page.iter(f"{HTML}article")
        for one in (*article.iter(f"{HTML}p"), *article.iter(f"{HTML}li"), *article.iter(f"{HTML}pre")):
            text = bare("".join(one.itertext()))
            formula = any("arithmatex" in part.get("class", "") for part in one.iter())
            # What is worth noticing is among the solutions, and paper has no exercises to be done in the page.
            elsewhere = "Worthnoticing:" in text or text.startswith("NoPythonathand?")
            if not formula and one.get("class") not in ("links", "facts") and not elsewhere:
                assert text in told, text
                count += 1
    assert count > 1000


def test_every_figure_of_the_website_is_in_the_book_with_its_caption(site, book, texts, opened):
    shown = 0
    for chapter, title in zip(chapters(), TITLES, strict=True):
        text = titled(texts, title)
        names = pictures_of(site, chapter.path.stem)
        still = text.findall(f".//{HTML}div[@class='live']//{HTML}img")
        assert len([*text.iter(f"{HTML}img")]) - len(still) == len(names) > 5
        shown += len(names)
        page = html5lib.parse((site / "chapters" / chapter.path.stem / "index.html").read_text(encoding="utf-8"))
        captions = [one.get("alt") for one in page.iter(f"{HTML}img") if "-dark" not in one.get("src", "")]
        captions = [bare(one) for one in captions if one]
        told = [*words(text, "figcaption")]
        assert len(told) > 3 and all(bare(caption) in captions for caption in told)
    assert sum(book.pictures) >= shown
    pictures = [Image.open(io.BytesIO(content)) for name, content in opened.items() if name.endswith(".png")]
    assert len(pictures) > shown
    # Black on nothing cannot be read on a dark screen.
    assert {picture.convert("RGBA").getextrema()[3] for picture in pictures} == {(255, 255)}


def test_solutions_and_hints_stand_in_their_appendices_alone(texts, book):
    inside = bare("".join("".join(titled(texts, title).itertext()) for title in TITLES))
    solutions, hints = (bare("".join(titled(texts, title).itertext())) for title in ("Solutions", "Hints"))
    (end,) = (page for _, title, page in book.outline if title == "Solutions")
    before = bare("".join(book.pages[: end - 1]))
    for name in exercise_names():
        chapter, exercise = find_exercise(name)
        check = check_for(chapter.topic, name)
        assert bare(solution(chapter, exercise)) in solutions
        # One chapter has the same line as the answer to another's exercise.
        own = bare("".join(chapter.path.read_text() for chapter in chapters())).count(written(name))
        assert (inside + hints).count(written(name)) == before.count(written(name)) == own
        assert bare(check.notice) in solutions
        assert bare(check.notice) not in inside + hints
        for hint in check.hints:
            assert bare(hint) in hints
            assert bare(hint) not in inside


def test_each_exercise_leads_to_its_hints_and_solution_and_back(texts):
    for name in exercise_names():
        chapter, _ = find_exercise(name)
        exercise = titled(texts, TITLES[chapters().index(chapter)])
        targets = {urldefrag(one.get("href"))[1] for one in exercise.iter(f"{HTML}a")}
        assert {f"hints-{name}", f"solutions-{name}"} <= targets
        for title in ("Hints", "Solutions"):
            assert name in {urldefrag(one.get("href"))[1] for one in titled(texts, title).iter(f"{HTML}a")}


def test_what_can_be_played_with_is_a_picture_with_a_link(site, texts):
    for chapter, title in zip(chapters(), TITLES, strict=True):
        where = f"https://owner.github.io/name/chapters/{chapter.path.stem}/"
        live = titled(texts, title).findall(f".//{HTML}div[@class='live']")
        page = (site / "chapters" / chapter.path.stem / "index.html").read_text(encoding="utf-8")
        assert len(live) == page.count('<div class="live">') - page.count("<dino-formula")
        assert all([one.get("href") for one in part.iter(f"{HTML}a")] == [where] for part in live)
        pictures = sum(len([*part.iter(f"{HTML}img")]) for part in live)
        assert pictures == chapter.path.read_text(encoding="utf-8").count("<!-- live:")


def test_what_has_no_picture_on_paper_keeps_its_words():
    page = '# Title\n\n<div class="live"><dino-new x="y">None.</dino-new></div>\n\n*Do `it`.*\n'
    text, _ = parts(chapters()[0], page, Links("", bound=True))
    assert text.partition("\n\n")[2] == "::: live\n*Do `it`.* That is on the website.\n:::"


def test_worksheets_ask_and_the_answers_are_apart(sheets):
    asked, answered = sheets["worksheets"].text, sheets["worksheets-answers"].text
    for chapter in chapters():
        for question in PREDICT.findall(re.sub(r"^# ?", "", chapter.path.read_text(), flags=re.MULTILINE)):
            words = bare(question.replace("\n> ", " "))
            assert words in asked and words in answered
    # Of the mistakes of these, nothing can be seen.
    assert asked.count("Whatwentwrong?") == len(exercise_names()) - len({"frechet_distance"})
    shown = 0
    for name in exercise_names():
        chapter, exercise = find_exercise(name)
        check = check_for(chapter.topic, name)
        assert f"Exercise:{name}" in asked and f"Exercise:{name}" in answered
        assert all(bare(line) in asked for line in stubs(chapter)[name].splitlines())
        assert all(bare(line) in answered for line in solution(chapter, exercise).splitlines())
        assert written(name) not in asked
        sentences = [bare(one) for one in check.mistakes]
        assert not any(one in asked for one in sentences)
        shown += any(one in answered for one in sentences)
    assert shown == asked.count("Whatwentwrong?")
    assert sum(sheets["worksheets"].pictures) == shown


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("One.\n\nThree runs:\n\n- a\n- b", "Three runs:\n\n- a\n- b"),
        ("One.\n\nTwo.", "Two."),
        ("One.\n\nThe idea is this:", ""),
    ],
)
def test_a_question_on_a_worksheet_comes_after_what_it_is_about(text, before):
    page = f'# Title\n\n{text}\n\n!!! question "Predict"\n\n    Which?\n'
    sheet = worksheet(chapters()[0], page, {}, Links("", bound=False), answers=True)
    assert sheet.partition("\n\n")[2].partition("::: question")[0].strip() == before


def test_the_website_offers_all_of_it(site):
    front, teachers = ((site / name / "index.html").read_text(encoding="utf-8") for name in ("", "teaching"))
    files = {path.relative_to(site).as_posix() for path in (site / "paper").rglob("*.*")}
    assert {f"paper/slides/{chapter.path.stem}.pdf" for chapter in chapters()} < files
    assert set(re.findall(r'href="\.\./(paper/[\w/.-]+)"', teachers)) == files
    assert set(re.findall(r'href="(paper/[\w/.-]+)"', front)) == {"paper/dino.epub", "paper/dino.pdf"}


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.topic)
def test_slides_show_every_figure_after_the_question_that_it_answers(chapter, site):
    slides = Pdf(site / "paper" / "slides" / f"{chapter.path.stem}.pdf")
    width, height = slides.size
    assert width / height == pytest.approx(16 / 9, abs=0.01)
    pictures = slides.pictures
    assert max(pictures) == 1
    # No slide runs over into another: without a figure, each begins with a title, a question or an exercise.
    titles = [title for title in TITLES if title.endswith(chapter.title)]
    titles += re.findall(r"^# ## (.+)$", chapter.path.read_text(), flags=re.MULTILINE)
    begin = tuple(bare(title) for title in (*titles, "Predict", "Exercise: "))
    assert all(picture or bare(page).startswith(begin) for page, picture in zip(slides.pages, pictures, strict=True))
    assert sum(pictures) == len(pictures_of(site, chapter.path.stem))
    questions = PREDICT.findall(re.sub(r"^# ?", "", chapter.path.read_text(), flags=re.MULTILINE))
    for question in questions:
        words = bare(question.replace("\n> ", " "))
        (number,) = (i for i, page in enumerate(slides.pages) if words in bare(page))
        assert pictures[number] == 0
    for exercise in chapter.exercises:
        assert f"Exercise:{exercise.name}" in slides.text
        assert written(exercise.name) not in slides.text


PAGE = """\
---
description: "About."
---

# Title

About 5 minutes
{ .facts }

[Download](x.ipynb){ .md-button }
{ .links }

```python
# no heading
![no picture](x.webp)
```

??? question answer "Made your guess? See what came out"

    ```text
    !!! no frame
    ```

    ![Words.](01_noise-1-0-light.webp#only-light){ .output width="97" height="36" loading="lazy" }
    ![Words.](01_noise-1-0-dark.webp#only-dark){ .output width="97" height="36" loading="lazy" }

    *Words, `code`,
    words.*

- *No* caption, see [noise](../glossary.md#noise){ .word }.
"""


def test_a_page_is_taken_apart_into_its_pieces():
    found = [(piece.kind, piece.text, piece.title) for piece in pieces(PAGE)]
    kinds = [kind for kind, _, _ in found]
    assert kinds == ["heading", "facts", "code", "answer", "text"]
    inside = [(piece.kind, piece.text, piece.title) for piece in pieces(found[3][1])]
    assert inside == [
        ("code", "```text\n!!! no frame\n```", ""),
        ("figure", "Words, `code`,\nwords.", "01_noise-1-0-light 97"),
    ]


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("[a\nb](../glossary.md#c){ .word }", "[a\nb](#glossary-c)", "[a\nb](w/glossary/#c)"),
        ("[a](01_noise.md)", "[a](#chapter-01_noise)", "[a](w/chapters/01_noise/)"),
        ("[`mix`](../lesson.md#noise.mix)", "[`mix`](#solutions-mix)", "[`mix`](w/lesson/#noise.mix)"),
        ("[`load`](../lesson.md#data.load)", "[`load`](#lesson-load)", "[`load`](w/lesson/#data.load)"),
        ("[a](../diffusers.md)", "[a](w/diffusers/)", "[a](w/diffusers/)"),
        ("[a](https://b.org/c.md)", "[a](https://b.org/c.md)", "[a](https://b.org/c.md)"),
    ],
)
def test_links_lead_to_the_book_to_the_website_or_nowhere(text, inside, outside):
    assert Links("w/", bound=True)(text) == inside
    assert Links("w/", bound=False)(text) == outside
    alone = Links("", bound=False)(text)
    assert alone == (text if "https" in text else text.partition("]")[0][1:])


def test_pictures_are_put_on_white_and_small_ones_keep_square_pixels():
    buffer = io.BytesIO()
    clear = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    clear.putpixel((1, 0), (255, 0, 0, 255))
    clear.save(buffer, format="webp", lossless=True)
    image = Image.open(io.BytesIO(on_paper(buffer.getvalue(), least=5)))
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (6, 3))
    assert {image.getpixel((x, y)) for x in range(3) for y in range(3)} == {(255, 255, 255)}
    assert {image.getpixel((x, y)) for x in range(3, 6) for y in range(3)} == {(255, 0, 0)}


def test_the_same_comes_out_byte_for_byte(tmp_path):
    told = {"summary": "s", "version": "1", "author": "a"}
    made = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        for path in paper.TEMPLATES.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        Image.new("RGB", (8, 4)).save(folder / "dino-draw.png")
        text = "# Title\n\n![Words](dino-draw.png)\n"
        made.append((pdf(text, "book", folder, 10**9, **told), epub(text, folder, 10**9, told)))
    assert made[0] == made[1]
    with zipfile.ZipFile(io.BytesIO(made[0][1])) as archive:
        assert {one.date_time[:3] for one in archive.infolist()} == {(2001, 9, 9)}


def test_what_is_on_paper_is_made_anew_only_if_the_pages_change(tmp_path, monkeypatch):
    pages = {f"chapters/{chapter.path.stem}.md": "text" for chapter in chapters()}
    monkeypatch.setattr(printing, "stills", lambda _: {})
    calls = []
    monkeypatch.setattr(printing, "set_in", lambda *given: calls.append(given) or {"dino.pdf": b"%d" % len(calls)})
    first = printed(pages, 0, "", tmp_path)
    assert printed(pages, 0, "", tmp_path) == first == {"dino.pdf": b"1"}
    assert printed(pages, 0, "https://a.org/", tmp_path) == {"dino.pdf": b"2"}
    assert printed(pages, 0, "", tmp_path) == first
    pages["chapters/01_noise.md"] = "other"
    assert printed(pages, 0, "", tmp_path) == {"dino.pdf": b"3"}
    pages["chapters/01_noise-1-0.webp"] = b"new"
    assert printed(pages, 0, "", tmp_path) == {"dino.pdf": b"4"}
    pages["chapters/01_noise-1-0-dark.webp"] = b"new"
    assert printed(pages, 0, "", tmp_path) == {"dino.pdf": b"4"}
    assert len([*tmp_path.glob("*.zip")]) == 2  # one for each address


@pytest.mark.parametrize("words", [["FOLDER"], ["--paper", "FOLDER"], ["--papers", "there"], ["--paper"], []])
def test_the_command_wants_a_folder_that_is_not_there(words, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["site", *(word.replace("FOLDER", str(tmp_path)) for word in words)])
    with pytest.raises(SystemExit, match="Name one folder that is not there yet: "):
        runpy.run_module("dino.course.site", run_name="__main__")
    assert [*tmp_path.iterdir()] == []


def test_the_command_writes_what_is_on_paper_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(
        build, "made", lambda root: {"lesson.md": "text", "paper/dino.pdf": b"1", "paper/slides/a.pdf": b"2"}
    )
    monkeypatch.setattr(sys, "argv", ["site", "--paper", str(tmp_path / "a" / "b")])
    runpy.run_module("dino.course.site", run_name="__main__")
    files = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert files == {"a/b/dino.pdf": b"1", "a/b/slides/a.pdf": b"2"}


@pytest.mark.parametrize("missing", ["typst", "pypandoc"])
def test_without_what_makes_books_the_error_says_what_to_install(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=re.escape('pip install -e ".[docs]"')):
        runpy.run_path(paper.__file__)
