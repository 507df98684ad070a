"""Reads a learner's file and runs its imports and definitions, and what its answers need: never its training, never its plots."""

import ast
import codeop
import contextlib
import functools
import importlib
import linecache
import re
import symtable
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dino.course.chapters import chapters, exercise_names, functions
from dino.course.judge.errors import LOST, OTHERS, explain, meaning, stopped
from dino.course.judge.reading import Cell, read_cells

# Lines for the notebook itself: `%matplotlib inline`, `!ls`, `mix?` and `files = !ls`.
MAGIC = re.compile(r"^([ \t]*)(?:[%!?].*|[\w.]+\?+[ \t]*|[\w, ]+=[ \t]*[!%].*)$", re.MULTILINE)
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
IMPORTS = (ast.Import, ast.ImportFrom)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# What defines, assigns and imports names in a text that is not Python yet.
DEFINES = re.compile(r"^[ \t]*(?:async +)?(?:def|class) +(\w+)(?=[ (:])", re.MULTILINE)
ASSIGNS = re.compile(r"^(\w+(?: *, *\w+)*) *(?::[^=\n]*)?=(?!=)", re.MULTILINE)
BRINGS = re.compile(r"^[ \t]*(?:from +[\w.]+ +)?import +(.+)$", re.MULTILINE)
# The indentation of a cell's first line of code.
INDENT = re.compile(r"(?:[ \t]*(?:#.*)?\n)*([ \t]*)")


@dataclass
class Answers:
    """What a file defines, and what went wrong on the way.

    file    its name
    names   everything that its imports and definitions define
    problems  what of it could not be run, as sentences
    lost    what they should define but do not: a sentence with the first cause, by name
    notes   of exercises that are defined more than once: which definition was taken
    """

    file: str
    names: dict = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def lose(self, names: Iterable[str], sentence: str) -> None:
        """Keep why something could not be run, and what is therefore not defined; what was known of a name before stays."""
        if sentence not in self.problems:
            self.problems.append(sentence)
        for name in names:
            self.lost.setdefault(name, sentence)

    def problem_with(self, name: str) -> str:
        """The sentence about an exercise that is not in `names`: why, as far as it is known."""
        gone = f"There is no {name} in {self.file}. Was it renamed or deleted? `dino start` in a new folder brings it."
        return self.lost.get(name, gone)

    def mentions(self, name: str) -> bool:
        """Whether the file defines something, or tries to."""
        return name in self.names or name in self.lost


@dataclass(eq=False)
class Statement:
    """A statement at the top of a file.

    gives    the names that it defines, imports or assigns
    changes  the names whose values it changes, such as the table in `table[key] = value`
    reads    the names that it takes from elsewhere, in the bodies of its functions, too
    """

    node: ast.stmt
    cell: Cell
    gives: set[str]
    changes: set[str]
    reads: set[str]

    @property
    def place(self) -> str:
        return self.cell.place(self.node.lineno)

    @property
    def at_once(self) -> bool:
        return is_definition(self.node)


def calls(node: ast.AST) -> bool:
    """Whether something is called when this is run; what stands inside a lambda is not run yet."""
    if isinstance(node, ast.Lambda):
        return False
    return isinstance(node, ast.Call | ast.Await) or any(map(calls, ast.iter_child_nodes(node)))


def is_definition(node: ast.stmt | ast.ExceptHandler) -> bool:
    """Whether a statement is an import, a definition, or an assignment that calls nothing.

    An `if` or a `try` is one if there is nothing else in it.
    """
    if isinstance(node, ast.If | ast.Try | ast.ExceptHandler):
        blocks = (getattr(node, name, []) for name in ("body", "handlers", "orelse", "finalbody"))
        return all(is_definition(part) for block in blocks for part in block)
    if isinstance(node, ASSIGNMENTS):
        return not calls(node)
    return isinstance(node, (*IMPORTS, *DEFINITIONS, ast.Pass))


def root(node: ast.AST) -> str:
    """The name that something such as `table[key].list` begins with; "" if it begins with none."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def changed_by(node: ast.stmt) -> set[str]:
    """The names whose values a statement changes: `table[key] = value`, `list.append(value)`."""
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load):
            found.add(root(part))
        elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
            found.add(root(part.value.func) if isinstance(part.value.func, ast.Attribute) else "")
    return found - {""}


def statement(node: ast.stmt, cell: Cell) -> Statement:
    """A statement with the names that it gives, changes and reads. Raises SyntaxError if Python does not take it."""
    with as_syntax_errors():
        compile(ast.Module([node], []), "<code>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        table = symtable.symtable(ast.unparse(node), "<code>", "exec")
    symbols, tables = table.get_symbols(), table.get_children()
    gives = {one.get_name() for one in symbols if one.is_assigned() or one.is_imported() or one.is_namespace()}
    reads = {one.get_name() for one in symbols if one.is_referenced()}
    while tables:
        table = tables.pop()
        reads |= {one.get_name() for one in table.get_symbols() if one.is_global()}
        tables += table.get_children()
    if not isinstance(node, (*IMPORTS, *DEFINITIONS, *ASSIGNMENTS, ast.If, ast.Try)):
        gives -= {*exercise_names()}  # `for step in range(9)` is no answer
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        gives.add("*")
    return Statement(node, cell, gives, set() if isinstance(node, DEFINITIONS) else changed_by(node), reads)


@functools.cache
def given_names() -> set[str]:
    """The names that the chapters themselves assign, in their experiments."""
    trees = [ast.parse(chapter.path.read_text(encoding="utf-8")) for chapter in chapters()]
    nodes = (node for tree in trees for node in tree.body if not isinstance(node, (*IMPORTS, *DEFINITIONS)))
    return set().union(*(statement(node, Cell("", "")).gives for node in nodes)).difference(exercise_names())


def is_stub(node: ast.stmt) -> bool:
    """Whether a definition is as a chapter has it: a function in it says no more than that it is to be written."""
    for _, function in functions(ast.Module([node], [])):
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        if len(body) == 1 and ast.unparse(body[0]).startswith("raise NotImplementedError("):
            return True
    return False


@contextlib.contextmanager
def as_syntax_errors() -> Iterator[None]:
    """Raise SyntaxError for all that Python raises of a text that it does not take."""
    try:
        yield
    except (ValueError, RecursionError, MemoryError) as error:  # letters that are none, brackets without end
        raise SyntaxError(str(error) or type(error).__name__) from error


def parse(cell: Cell) -> ast.Module:
    """The statements of a cell, as a notebook takes them: a cell that is indented as a whole is moved to the margin, and
    lines for the notebook itself, such as `%matplotlib inline`, are passed over.

    Raises SyntaxError.
    """
    text = re.sub(f"^{INDENT.match(cell.text)[1]}", "", cell.text, flags=re.MULTILINE)
    # The empty lines make all numbers of lines those of the file.
    source = "\n" * cell.above + text
    with as_syntax_errors():
        try:
            return ast.parse(source, filename=cell.name)
        except SyntaxError:
            return ast.parse(MAGIC.sub(r"\1pass", source), filename=cell.name)


def goes_on(above: ast.stmt, cell: Cell, first: ast.stmt) -> bool:
    """Whether an indented cell seems to be the rest of the definition above it: its methods, or its whole body."""
    method = isinstance(first, ast.FunctionDef) and [one.arg for one in first.args.args][:1] == ["self"]
    bare = len(above.body) == 1 and isinstance(above.body[0], ast.Expr | ast.Pass)
    return bool(INDENT.match(cell.text)[1]) and (bare or (isinstance(above, ast.ClassDef) and method))


def names_in(text: str) -> set[str]:
    """The names that a text which is not Python would define, assign or import."""
    names = {*DEFINES.findall(text), *re.findall(r"\w+", " ".join(ASSIGNS.findall(text)))}
    for line in BRINGS.findall(text):
        for part in line.partition("#")[0].strip("() ").split(","):
            whole, _, other = part.strip().partition(" as ")
            names.add(other.strip() or whole.partition(".")[0])
    return names


def statements_of(path: Path) -> tuple[list[Statement], Answers]:
    """The statements at the top of a learner's file that Python takes, and what there is to say of the others.

    Of several definitions of an exercise the last is taken, but an untouched stub only where there is nothing else.
    Raises FileNotFoundError or ValueError if there is no such file or it is not one.
    """
    cells, found, answers = read_cells(path), [], Answers(path.name)

    def broken(cell: Cell, error: SyntaxError, text: str) -> None:
        line = error.lineno or cell.above + 1
        shown = [*cell.text.splitlines(), ""][min(line - cell.above - 1, cell.text.count("\n"))].strip()
        sentence = f"{cell.place(line)} is not Python yet ({error.msg}): {shown}"
        answers.lose(names_in(text), sentence)

    def rest(cell: Cell, line: int) -> None:
        sentence = f"{cell.place(line)} seems to be the rest of `{above.name}`, which begins above it: "
        sentence += "a definition has to stand in one piece, indented, and in one cell."
        answers.lose([above.name], sentence)
        found[:] = [one for one in found if one.node is not above]

    above = None  # the definition that came last
    for cell in (cell for cell in cells if cell.code):
        if cell.name != str(path):  # of a notebook: its lines are kept where Python looks for those of tracebacks
            lines = cell.text.splitlines(keepends=True)
            linecache.cache[cell.name] = (len(cell.text), None, lines, cell.name)
        try:
            tree = parse(cell)
        except SyntaxError as error:
            broken(cell, error, cell.text)
            continue
        if above and tree.body and goes_on(above, cell, tree.body[0]):
            rest(cell, tree.body[0].lineno)
        for node in tree.body:
            try:
                found.append(statement(node, cell))
            except SyntaxError as error:
                if above and "outside function" in error.msg:
                    rest(cell, node.lineno)
                else:
                    broken(cell, error, ast.unparse(node))
            above = node if isinstance(node, DEFINITIONS) else above
    choose(found, answers)
    look_elsewhere(cells, found, answers)
    return found, answers


def choose(found: list[Statement], answers: Answers) -> None:
    """Leave out the stubs of exercises that are written elsewhere, and note which definition is taken."""
    for name in exercise_names():
        defined = [one for one in found if isinstance(one.node, DEFINITIONS) and one.node.name == name]
        written = [one for one in defined if not is_stub(one.node)]
        stubs = [one for one in defined if one not in written]
        if written and stubs and defined[-1] in stubs:
            answers.notes[name] = f"Taken is the one at {written[-1].place}, not the stub at {stubs[-1].place}."
        elif len(written) > 1:
            answers.notes[name] = f"It is written {len(written)} times. Taken is the last, at {written[-1].place}."
        elif written and name in answers.lost:
            answers.notes[name] = f"Taken is the one at {written[-1].place}. There is another: {answers.lost[name]}"
        if written:
            found[:] = [one for one in found if one not in stubs]


def look_elsewhere(cells: list[Cell], found: list[Statement], answers: Answers) -> None:
    """Find what is not at the top of the file: exercises inside of other definitions, and what stands in cells of text."""
    there = set().union(*(one.gives for one in found if not is_stub(one.node)))
    for one in found:
        outer = getattr(one.node, "name", "another statement")
        for part in ast.walk(one.node):
            if isinstance(part, DEFINITIONS) and part is not one.node and part.name in {*exercise_names()} - there:
                sentence = (
                    f"{one.cell.place(part.lineno)} defines {part.name} inside of {outer}: move it to the margin."
                )
                answers.lose([part.name], sentence)
    for cell in (cell for cell in cells if not cell.code):
        text = re.sub(r"^# ?", "", cell.text, flags=re.MULTILINE)
        remedy = "put a line `# %%` above it" if cell.name.endswith(".py") else "turn the cell into code"
        for name in names_in(text) - there:
            line = next((n for n, line in enumerate(text.split("\n"), 1) if name in names_in(line)), 1)
            sentence = f"{cell.place(cell.above + line)}: {name} stands in a cell of text, which is not run: {remedy}."
            if name in exercise_names() and re.search(rf"^(?:def|class) {name}\b", text, re.MULTILINE):
                answers.lose([name], sentence)
            answers.lost.setdefault(name, sentence)
    found[:] = [one for one in found if not (one.gives & answers.lost.keys() and is_stub(one.node))]


def needed(roots: Iterable[Statement], found: list[Statement]) -> set[Statement]:
    """The statements that some of them need, themselves included: whatever gives or changes a name that one of them reads.

    What a chapter makes for its experiments is none: an answer that uses that by accident should hear of it.
    """
    variables = set().union(*(one.gives for one in found if not isinstance(one.node, (*IMPORTS, *DEFINITIONS))))
    givers: dict[str, list[Statement]] = {}
    for one in found:
        for name in one.gives | (one.changes & variables):
            if one.at_once or name not in given_names():
                givers.setdefault(name, []).append(one)
    chosen, waiting = set(), [*roots]
    while waiting:
        one = waiting.pop()
        if one not in chosen:
            chosen.add(one)
            # What is read to make a name is needed, and so is what makes the other names that are given with it.
            for name in one.reads | (one.changes & variables):
                waiting += givers.get(name, [])
    return chosen


def home(module: object) -> Path | None:
    """The folder in which a module's file lies, or a package's folder."""
    if file := getattr(module, "__file__", None):
        return Path(file).parents[Path(file).stem == "__init__"]
    return next((Path(part).parent for part in getattr(module, "__path__", [])), None)


# The folder whose helper modules can be imported now, and the modules that were there before.
beside: list[tuple[Path, set[str]]] = []


def stand_beside(path: Path) -> None:
    """Let a file import what lies beside it; helper modules of another folder, or from before an edit, are forgotten.

    The folder comes last, so that a file of the learner's called torch.py hides nothing.
    """
    while beside:
        folder, before = beside.pop()
        if str(folder) in sys.path:
            sys.path.reverse()  # ours is the last
            sys.path.remove(str(folder))
            sys.path.reverse()
        fresh = {name for name in sys.modules if name not in before and "." not in name}
        helpers = {name for name in fresh if home(sys.modules[name]) == folder}
        for name in [name for name in sys.modules if name.partition(".")[0] in helpers]:
            del sys.modules[name]
    folder = path.absolute().parent
    beside.append((folder, {*sys.modules}))
    sys.path.append(str(folder))
    importlib.invalidate_caches()


def load(path: Path, given: dict[str, object] | None = None, aside: Collection[str] = ()) -> Answers:
    """Run the imports and definitions of a learner's file, statement by statement, and what its answers need of the rest.

    What calls nothing is run, too, as far as it can be. One bad cell does not spoil the others.

    given  what takes the place of the learner's definitions of these names, which are not run
    aside  names whose definitions are run only if another answer uses them

    Raises FileNotFoundError or ValueError if there is no such file or it is not one.
    """
    given = given or {}
    found, answers = statements_of(path)
    found = [one for one in found if not one.gives.intersection(given) or isinstance(one.node, IMPORTS)]
    exercises = {*exercise_names()}.difference(aside)
    chosen = needed([one for one in found if one.gives & exercises], found)
    ready = [one for one in found if one in chosen or (one.at_once and not one.gives.intersection(aside))]
    # Imports come first, for in a notebook cells may lie in any order.
    ready.sort(key=lambda one: not isinstance(one.node, IMPORTS))
    answers.names |= {"__name__": "__main__", LOST: answers.lost, **given}
    compiled, done = codeop.Compile(), set()  # it remembers `from __future__ import annotations`

    def run(one: Statement) -> None:
        done.add(one)
        try:
            exec(compiled(ast.Module([one.node], []), one.cell.name, "exec"), answers.names)
        except (Exception, SystemExit) as error:
            name = error.name if isinstance(error, NameError) else None
            later = [other for other in ready if other not in done and name in other.gives]
            for other in later:
                run(other)
            if later:
                run(one)
                return
            # What is made of an experiment's results is not made, either; an answer that uses it should hear of that.
            experiment = one not in chosen or one.gives <= given_names()
            if not (name and name not in answers.lost and experiment and not isinstance(one.node, DEFINITIONS)):
                answers.lose(one.gives, why(one, error))
            if isinstance(one.node, DEFINITIONS):  # what it was to replace is not what the learner means
                answers.names.pop(one.node.name, None)
        answers.names.update(given)  # an import may have brought others

    stand_beside(path)
    # Bytecode of a helper would outlive an edit within the same second.
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        for one in ready:
            if one not in done:
                run(one)
    finally:
        sys.dont_write_bytecode = writes
    return answers


def why(one: Statement, error: BaseException) -> str:
    """The sentence about a statement that could not be run."""
    if not isinstance(one.node, IMPORTS):
        return explain(error, one.place)
    trace, inside = error.__traceback__, False
    while trace := trace.tb_next:
        file = trace.tb_frame.f_code.co_filename
        inside |= file != one.cell.name and not file.startswith((*OTHERS, "<frozen"))
    cause = explain(error, one.place) if inside else stopped(meaning(error))
    return f"{one.place}: `{ast.unparse(one.node)}` failed: {cause}"
