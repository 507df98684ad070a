"""Reads a learner's file, `.py` or `.ipynb`, as its cells. What is neither gets one sentence: what it is, and what to do.

Nothing is run or compiled here, and torch is not needed: whoever sorts what a class handed in reads with this, too.
"""

import contextlib
import io
import json
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path

# What begins a cell, see https://jupytext.readthedocs.io/en/latest/formats-scripts.html#the-percent-format
CELL = re.compile(r"#\s*(%%+(\s.*)?|<codecell>|In\[[0-9 ]*\]:?)\s*$")
# What defines, imports or assigns names in a text that may not be Python.
GIVES = re.compile(
    r"^[ \t]*(?:async +)?(?:def|class) +(\w+)(?=[ (:])"
    r"|^[ \t]*(?:from +[\w.]+ +)?import +([\w., ()*]+)"
    r"|^(\w+(?: *, *\w+)*) *(?::[^=\n]*)?=(?!=)",
    re.MULTILINE,
)
# What looks like Python at the beginning of a line.
PYTHON = re.compile(r"^(?:# %%|import \w|from [\w.]+ import |def \w+\(|class \w+[:(])", re.MULTILINE)
LONGEST = 2**18  # letters of a program; pictures in a notebook do not count
MOST_PARTS = 2**20  # lists, objects and values in the JSON of a notebook
KINDS = {b"PK\x03\x04": "a zip archive", b"%PDF": "a PDF", b"\x89PNG": "a picture", b"\x1f\x8b": "a packed file"}


@dataclass(eq=False)
class Cell:
    """One cell of a file.

    name   what tracebacks call it
    text   what stands in it
    above  the number of lines of the file above it
    code   whether it is code, and not text
    """

    name: str
    text: str
    above: int = 0
    code: bool = True

    def place(self, line: int) -> str:
        """Where a line is, counted as tracebacks count it."""
        return f"{Path(self.name).name}, line {line}"


def read_cells(path: Path) -> list[Cell]:
    """The cells of a file. Raises FileNotFoundError or ValueError with a sentence for the learner."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Name a file in it, .py or .ipynb.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. `dino start` makes a folder with all chapters.")
    try:
        return cells_in(path.read_bytes(), str(path))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from error


def cells_in(data: bytes, path: str) -> list[Cell]:
    """The cells of a file's content. Raises ValueError, with a sentence that names the path, if it is not what its name says."""
    whole = unsplit(data, path)
    return split(whole[0].text, path) if Path(path).suffix.lower() == ".py" else whole


def unsplit(data: bytes, path: str) -> list[Cell]:
    """The same, but a Python file is one cell. Raises ValueError likewise."""
    text = text_in(data, path)
    cells = [Cell(path, text)] if Path(path).suffix.lower() == ".py" else cells_of_notebook(text, path)
    if sum(len(cell.text) for cell in cells) > LONGEST:
        raise ValueError(
            f"{path} holds more than {LONGEST:,} letters of text, which nobody writes by hand: shorten it."
        )
    return cells


def text_in(data: bytes, path: str) -> str:
    """The text of a file. Raises ValueError if it is clearly not what its name says."""
    stem, ending = Path(path).with_suffix(""), Path(path).suffix.lower()
    if ending not in (".py", ".ipynb"):
        remedy = f" Rename it to {stem.name}." if stem.suffix in (".py", ".ipynb") else ""
        raise ValueError(f"{path} is neither a .py file nor a notebook (.ipynb).{remedy}")
    what = "a Python file" if ending == ".py" else "a notebook"
    text = decoded(data, path, what)
    begin = text.lstrip()
    if begin[:15].lower().startswith(("<!doctype", "<html", "<?xml")):
        raise ValueError(
            f"{path} is not {what} but a web page: download the file itself (on GitHub, `Download raw file`)."
        )
    if ending == ".py" and begin.startswith("{") and ('"cell_type"' in text or '"nbformat"' in text):
        raise ValueError(f"{path} is not a Python file but a notebook: name it {stem.name}.ipynb.")
    return text


def decoded(data: bytes, path: str, what: str) -> str:
    """The text of a file, in the encoding that Python, too, would read it in. Raises ValueError."""
    if not data.strip():
        raise ValueError(f"{path} is empty.")
    if kind := next((kind for mark, kind in KINDS.items() if data.startswith(mark)), ""):
        raise ValueError(f"{path} is not {what} but {kind}.")
    remedy = "save it again as UTF-8, which editors offer as `Encoding` when they save"
    if b"\0" in data:
        raise ValueError(f"{path} is written in UTF-16, or is no text: {remedy}.")
    line = 1
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        return io.TextIOWrapper(io.BytesIO(data), encoding).read()
    except UnicodeDecodeError as error:
        line, why = data[: error.start].count(b"\n") + 1, f"holds a letter that is not in {encoding.upper()}"
    except SyntaxError as error:  # in the first two lines
        why = f"holds a letter that is not in UTF-8, or names its encoding wrongly ({error})"
    also = ", or name its encoding in the first line: `# -*- coding: cp1252 -*-`" if path.endswith(".py") else ""
    raise ValueError(f"{path}, line {line} {why}: {remedy}{also}.")


def names_in(text: str) -> set[str]:
    """The names that a text which may not be Python would define, import or assign."""
    return {*re.findall(r"\w+|\*", " ".join(map(" ".join, GIVES.findall(text))))}


def split(text: str, name: str) -> list[Cell]:
    """The cells of a text in the format py:percent, in which a line that begins with `# %%` begins a cell.

    What stands inside a string of several lines begins none.
    """
    quoted: set[int] = set()
    with contextlib.suppress(tokenize.TokenError, SyntaxError):  # as far as it is Python
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            quoted.update(range(token.start[0], token.end[0]) if token.type == tokenize.STRING else ())
    cells, lines, above, code = [], text.split("\n"), 0, True
    for number, line in enumerate([*lines, "# %%"]):
        if CELL.match(line) and number not in quoted:
            cells.append(Cell(name, "\n".join(lines[above:number]), above, code))
            above, code = number + 1, not re.search(r"\[(markdown|md|raw)\]", line)
    return cells


def cells_of_notebook(text: str, path: str) -> list[Cell]:
    """The cells of a notebook. Raises ValueError if it is none."""
    again = "Save it in Jupyter, and copy or upload it again."
    if not text.lstrip().startswith(("{", "[")):
        if PYTHON.search(text):
            raise ValueError(f"{path} is not a notebook but Python: name it {Path(path).stem}.py.")
        raise ValueError(f"{path} is not a notebook: it begins with {text.split()[0][:40]!r}. {again}")
    if "\n<<<<<<< " in text:
        raise ValueError(f"{path} is not a whole notebook: git left the marks of a merge conflict in it (<<<<<<<).")
    if sum(text.count(sign) for sign in "[{,") > MOST_PARTS:  # a few bytes of JSON can take hundreds in memory
        raise ValueError(
            f"{path} holds too much beside its text: clear the outputs of all cells in Jupyter, and save it."
        )
    try:
        book = json.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{path} is not a whole notebook: it is cut off or damaged ({error}). {again}") from error
    if isinstance(book, dict) and "worksheets" in book:
        raise ValueError(f"{path} is a notebook of an old format, 3. Open it in Jupyter, and save it again.")
    cells = book.get("cells") if isinstance(book, dict) else None
    if not isinstance(cells, list):
        raise ValueError(f"{path} is not a notebook: it is JSON, but has no cells. {again}")
    found = []
    for number, cell in enumerate(cells, start=1):
        try:
            kind, source = cell["cell_type"], cell["source"]
            source = source if isinstance(source, str) else "".join(source)  # lines in a list, or all in one
        except (TypeError, KeyError) as error:
            raise ValueError(
                f"{path} is not a whole notebook: cell {number} has no type or no text. {again}"
            ) from error
        # JSON can hold halves of letters, which Python cannot read, and ends of lines of other systems.
        source = source.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
        found.append(Cell(f"{path}, cell {number}", source, code=kind == "code"))
    return found
