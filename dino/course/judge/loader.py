"""Reads a learner's file, `.py` or `.ipynb`, and runs its imports and definitions: never its training, never its plots."""

import ast
import codeop
import contextlib
import functools
import io
import json
import linecache
import re
import symtable
import tokenize
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from dino.course.chapters import chapters, exercise_names

# Lines for the notebook itself: `%matplotlib inline`, `!ls`, `mix?` and `files = !ls`.
MAGIC = re.compile(r"^([ \t]*)(?:[%!?].*|[\w.]+\?+[ \t]*|[\w, ]+=[ \t]*[!%].*)$", re.MULTILINE)
# What begins a cell, see https://jupytext.readthedocs.io/en/latest/formats-scripts.html#the-percent-format
CELL = re.compile(r"#\s*(%%+(\s.*)?|<codecell>|In\[[0-9 ]*\]:?)\s*$")
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)


@dataclass
class Answers:
    """What a file defines, and what went wrong on the way.

    names     everything that its imports and definitions define
    problems  what could not be run: a sentence about it, and its text
    """

    names: dict = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def problem_with(self, name: str) -> str | None:
        """The sentence about a definition that could not be run, if there is one."""
        wanted = re.compile(rf"^\s*(def|class)\s+{name}\b", re.MULTILINE)
        return next((sentence for sentence, text in self.problems if wanted.search(text)), None)

    def mentions(self, name: str) -> bool:
        """Whether the file defines something, or tries to."""
        return name in self.names or self.problem_with(name) is not None


def read_cells(path: Path) -> list[tuple[str, str, int]]:
    """The code cells of a file: the name to use for it in tracebacks, its text, and the number of lines above it.

    Raises FileNotFoundError or ValueError with a sentence for the learner.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. `dino start` makes a folder with all chapters.")
    if path.suffix not in (".py", ".ipynb"):
        raise ValueError(f"{path} is neither a .py file nor a notebook (.ipynb).")
    try:
        text = path.read_text(encoding="utf-8-sig")
        return split(text, str(path)) if path.suffix == ".py" else cells_of_notebook(text, str(path))
    except Exception as error:
        raise ValueError(f"{path} cannot be read as a {path.suffix} file: {error}") from error


def split(text: str, name: str) -> list[tuple[str, str, int]]:
    """The code cells of a text in the format py:percent, in which a line that begins with `# %%` begins a cell.

    What stands inside a string of several lines begins none.
    """
    quoted: set[int] = set()
    with contextlib.suppress(tokenize.TokenError, SyntaxError):  # as far as it is Python
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            quoted.update(range(token.start[0], token.end[0]) if token.type == tokenize.STRING else ())
    cells, lines, above, marker = [], text.split("\n"), 0, ""
    for number, line in enumerate([*lines, "# %%"]):
        if CELL.match(line) and number not in quoted:
            if not re.search(r"\[(markdown|md|raw)\]", marker):
                cells.append((name, "\n".join(lines[above:number]), above))
            above, marker = number + 1, line
    return cells


def cells_of_notebook(text: str, path: str) -> list[tuple[str, str, int]]:
    """The code cells of a notebook; their lines are kept where Python looks for the lines of tracebacks."""
    cells = []
    for number, cell in enumerate(json.loads(text)["cells"], start=1):
        if cell["cell_type"] == "code":
            name, source = f"{path}, cell {number}", "".join(cell["source"])  # lines in a list, or all in one
            linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
            cells.append((name, source, 0))
    return cells


def calls(node: ast.AST) -> bool:
    """Whether something is called when this is run; what stands inside a lambda is not run yet."""
    if isinstance(node, ast.Lambda):
        return False
    return isinstance(node, ast.Call | ast.Await) or any(map(calls, ast.iter_child_nodes(node)))


def is_definition(node: ast.stmt | ast.ExceptHandler) -> bool:
    """Whether a statement is an import, a definition, or an assignment that calls nothing or makes an answer.

    An `if` or a `try` is one if there is nothing else in it.
    """
    if isinstance(node, ast.If | ast.Try | ast.ExceptHandler):
        blocks = (getattr(node, name, []) for name in ("body", "handlers", "orelse", "finalbody"))
        return all(is_definition(part) for block in blocks for part in block)
    if isinstance(node, ASSIGNMENTS):
        return not calls(node) or bool(targets(node).intersection(exercise_names()))
    return isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Pass)


def targets(node: ast.stmt) -> set[str]:
    """The names that an assignment, or the definition of a function or class, gives."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if not isinstance(node, ASSIGNMENTS):
        return set()
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


@functools.cache
def given_names() -> set[str]:
    """The names that the chapters themselves assign, in their experiments."""
    trees = [ast.parse(chapter.path.read_text(encoding="utf-8")) for chapter in chapters()]
    assigned = (node for tree in trees for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign))
    return set().union(*map(targets, assigned))


def names_used(source: str) -> set[str]:
    """The names that the functions and classes in a piece of code take from around them."""
    names, tables = set(), symtable.symtable(source, "<code>", "exec").get_children()
    while tables:
        table = tables.pop()
        names |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
        tables += table.get_children()
    return names


def parse(source: str, name: str) -> ast.Module:
    """The statements of a cell; lines for the notebook itself, such as `%matplotlib inline`, are passed over.

    Raises SyntaxError.
    """
    try:
        return ast.parse(source, filename=name)
    except SyntaxError:
        return ast.parse(MAGIC.sub(r"\1pass", source), filename=name)


def load(path: Path, given: dict[str, object] | None = None, aside: Collection[str] = ()) -> Answers:
    """Run the imports and definitions of a learner's file, statement by statement.

    What the learner made with a call, such as a `namedtuple`, is made too if an answer uses it; but not what the chapter
    makes for its experiments: an answer that uses that by accident should hear of it.
    One bad cell does not spoil the others: what goes wrong is kept as a sentence in `problems`.

    given  what takes the place of the learner's definitions of these names, which are not run
    aside  names whose definitions are run only if another answer uses them

    Raises FileNotFoundError or ValueError if there is no such file or it is not one.
    """
    given = given or {}
    answers = Answers({"__name__": "__main__", **given})
    definitions, made, used = [], {}, set()
    for name, source, above in read_cells(path):
        try:
            # The empty lines make all numbers of lines those of the file.
            tree = parse("\n" * above + source, name)
        except SyntaxError as error:
            line = error.lineno or above + 1
            text = [*source.splitlines(), ""][line - above - 1].strip()
            answers.problems.append((f"{name}, line {line} is not Python yet ({error.msg}): {text}", source))
            continue
        definitions += [(node, name, source) for node in tree.body if not targets(node).intersection(given)]
    # Imports come first, for in a notebook cells may lie in any order.
    definitions.sort(key=lambda one: not isinstance(one[0], ast.Import | ast.ImportFrom))
    compiled = codeop.Compile()  # it remembers `from __future__ import annotations`

    def run(node: ast.stmt, name: str, source: str, needed: bool) -> None:
        try:
            exec(compiled(ast.Module([node], []), name, "exec"), answers.names)
        except Exception as error:
            if needed and isinstance(error, NameError) and error.name in made:
                make(error.name)
                run(node, name, source, needed)
            elif not isinstance(node, ASSIGNMENTS):
                sentence = f"{name}, line {node.lineno} stops with {type(error).__name__}: {error}"
                answers.problems.append((sentence, source))
        else:
            used.update(names_used(ast.unparse(node)))
        answers.names.update(given)  # an import may have brought others

    def make(name: str) -> None:
        for one in made.pop(name):
            run(*one, needed=True)

    at_once = [one for one in definitions if is_definition(one[0]) and not targets(one[0]).intersection(aside)]
    for one in definitions:
        for target in targets(one[0]) - given_names() if one not in at_once else ():
            made.setdefault(target, []).append(one)
    for one in at_once:
        # A constant may well be made of something that is never run. Then it is not made, either.
        run(*one, needed=not isinstance(one[0], ASSIGNMENTS))
    while wanted := made.keys() & used - answers.names.keys():
        make(wanted.pop())
    return answers
