"""What of the site is on paper: a book as EPUB and PDF, worksheets with their answers, and slides of each chapter."""

import functools
import hashlib
import io
import re
import shutil
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import metadata, version
from pathlib import Path

from PIL import Image

from dino.course.chapters import LESSON, chapters
from dino.course.files import locked, processors, write
from dino.course.site.book import book
from dino.course.site.glossary import GLOSSARY
from dino.course.site.handouts import mistake, slides, worksheet
from dino.course.site.paper import STILLS, TEMPLATES, Links, numbered, on_paper, pandoc, pdf, typeset

LICENCE, DOCS = LESSON.parent / "LICENSE", LESSON.parent / "docs"
DRAWN, SCRIBBLE = DOCS / "assets" / "dinosaurs.png", DOCS / "live" / "scribble.png"
Files = dict[str, str | bytes]


def printed(files: Files, day: int, address: str, cache: Path) -> dict[str, bytes]:
    """All of it, by the names of the files; from the cache if nothing has changed that it depends on.

    files    of the site, from `dino.course.site.build.made`: pages of the chapters, and pictures
    day      when the chapters were run, in seconds since 1970; files carry that date, so that the same comes out each time
    address  of the website; "" if it is not known
    cache    a folder, which is made if there is none; what was kept there for that address before is removed
    """
    place = hashlib.sha256(address.encode()).hexdigest()[:8]
    kept = cache / f"{place}-{key_of(files, day)}.zip"
    cache.mkdir(parents=True, exist_ok=True)
    lock = cache / f".{place}.lock"
    lock.touch()
    with locked(lock):
        if not kept.is_file():
            with tempfile.TemporaryDirectory() as folder:
                write(kept, packed(set_in(Path(folder), files, day, address)))
            for old in set(cache.glob(f"{place}-*.zip")) - {kept}:
                old.unlink()
        with zipfile.ZipFile(kept) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


def packed(files: dict[str, bytes]) -> bytes:
    """Files in an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def key_of(files: Files, day: int) -> str:
    """What paper depends on, in short: pages and pictures, the code that makes it, and versions."""
    read = [
        LICENCE,
        DRAWN,
        SCRIBBLE,
        GLOSSARY,
        *sorted(TEMPLATES.iterdir()),
        *sorted(LESSON.rglob("*.py")),
    ]
    parts = [str(day).encode(), *(path.read_bytes() for path in read)]
    parts += [files[f"chapters/{chapter.path.stem}.md"].encode() for chapter in chapters()]
    parts += [content for _, content in sorted((stills(files) | light(files)).items())]
    parts += [version(name).encode() for name in ("dino-course", "torch", "matplotlib", "pypandoc-binary", "typst")]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:16]


def set_in(folder: Path, files: Files, day: int, address: str) -> dict[str, bytes]:
    """Everything, made in an empty folder."""
    shutil.copytree(TEMPLATES, folder, dirs_exist_ok=True)
    pages = {chapter: files[f"chapters/{chapter.path.stem}.md"] for chapter in chapters()}
    about, licence = metadata("dino-course"), LICENCE.read_text(encoding="utf-8")
    told = {"summary": about["Summary"], "version": about["Version"]}
    told["author"] = re.search(r"Copyright \(c\) \d+ (.+)", licence)[1]
    loose, text = Links(address, bound=False), book(pages, Links(address, bound=True))
    with ThreadPoolExecutor(processors()) as pool:
        pictures = stills(files) | light(files)
        for name, content in zip(pictures, pool.map(on_paper, pictures.values()), strict=True):
            (folder / f"{name}.png").write_bytes(content)
        typed = functools.partial(pool.submit, pdf, folder=folder, day=day)
        made = {"dino.epub": pool.submit(epub, text, folder, day, told), "dino.pdf": typed(text, "book", **told)}
        for chapter, page in pages.items():
            shown = slides(chapter, page, loose)
            made[f"slides/{chapter.path.stem}.pdf"] = typed(shown, "slides", title=numbered(chapter))
        seen = {one.name: found for chapter in pages for one in chapter.exercises if (found := mistake(chapter, one))}
        for name, one in seen.items():
            (folder / f"{name}.png").write_bytes(one.picture)
        for name, title in (("worksheets", "Worksheets"), ("worksheets-answers", "Worksheets, with answers")):
            sheets = [worksheet(*one, seen, loose, answers="answers" in name) for one in pages.items()]
            made[f"{name}.pdf"] = typed("\n\n".join(sheets), "worksheets", title=title)
        return {name: file.result() for name, file in made.items()}


def light(files: Files) -> dict[str, bytes]:
    """The pictures of the chapters but for those for dark pages, by their names."""
    names = [name for name in files if name.startswith("chapters/") and name.endswith(".webp")]
    return {Path(name).stem: files[name] for name in names if not name.endswith("-dark.webp")}


def epub(text: str, folder: Path, day: int, told: dict[str, str]) -> bytes:
    """The book as EPUB, with the first page of the PDF as its cover."""
    cover = typeset('#import "book.typ": *\n#cover', folder, format="png", ppi=100, sys_inputs=told)
    (folder / "cover.png").write_bytes(cover)
    words = {"title": "Dino", "subtitle": told["summary"], "creator": told["author"], "lang": "en", "rights": "MIT"}
    words["identifier"] = f"dino-course {told['version']}"
    options = [
        "--mathml",
        "--split-level=1",
        "--toc",
        "--toc-depth=2",
        "--css=epub.css",
        "--epub-cover-image=cover.png",
    ]
    return pandoc(text, "epub3", folder, day, *options, *(f"--metadata={name}:{word}" for name, word in words.items()))


def stills(files: Files) -> dict[str, bytes]:
    """The pictures that stand for what can be played with on the website."""
    scribble, drawn = Image.open(SCRIBBLE), Image.open(io.BytesIO(files["live/scribble-drawn.png"]))
    both = Image.new("RGB", (scribble.width + drawn.width, drawn.height))
    both.paste(scribble)
    both.paste(drawn, (scribble.width, 0))
    buffer = io.BytesIO()
    both.save(buffer, format="png")
    found = files["live/dinosaurs.png"], DRAWN.read_bytes(), buffer.getvalue(), files["live/prompt-drawn.png"]
    return dict(zip(STILLS, found, strict=True))
