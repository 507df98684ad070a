"""Reads a learner's file and runs what its answers need, and nothing else: never its training, never its plots."""

import ast
import codeop
import functools
import importlib
import linecache
import re
import symtable
import sys
import textwrap
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from dino.course.chapters import Chapter, chapters, exercise_names, functions
from dino.course.judge.errors import LOST, explain
from dino.course.judge.reading import Cell, names_in, read_cells

# Lines for the notebook itself: `%matplotlib inline`, `!ls`, `mix?` and `files = !ls`.
MAGIC = re.compile(r"^([ \t]*)(?:[%!?].*|[\w.]+\?+[ \t]*|[\w, ]+=[ \t]*[!%].*)$", re.MULTILINE)
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
IMPORTS = (ast.Import, ast.ImportFrom)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass
class Answers:
    """What a file defines, and what went wrong on the way.

    file    its name
    names   everything that its answers need, and they themselves
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

    gives  the names that it defines, imports or assigns, or whose values it changes, as `table[key] = value` does
    reads  the names that it takes from the file, in the bodies of its functions, too
    """

    node: ast.stmt
    cell: Cell
    gives: set[str]
    reads: set[str]

    @property
    def place(self) -> str:
        return self.cell.place(self.node.lineno)


def calls(node: ast.AST) -> bool:
    """Whether something is called when this is run; what stands inside a function is not run yet."""
    if isinstance(node, (*DEFINITIONS, ast.Lambda)):
        return False
    return isinstance(node, ast.Call | ast.Await) or any(map(calls, ast.iter_child_nodes(node)))


def changed_by(node: ast.stmt) -> set[str]:
    """The names whose values a statement may change: `table[key] = value`, `list.append(value)`."""
    found = set()
    for part in ast.walk(node):
        called = (
            isinstance(part, ast.Expr)
            and isinstance(part.value, ast.Call)
            and isinstance(part.value.func, ast.Attribute)
        )
        if called or (isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load)):
            place = part.value
            while isinstance(place, ast.Attribute | ast.Subscript | ast.Call):
                place = place.func if isinstance(place, ast.Call) else place.value
            found.add(getattr(place, "id", ""))
    return found


def statement(node: ast.stmt, cell: Cell) -> Statement:
    """A statement with the names that it gives and reads. Raises SyntaxError if Python does not take it."""
    compile(ast.Module([node], []), "<code>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    tables = [symtable.symtable(ast.unparse(node), "<code>", "exec")]
    for table in tables:
        tables += table.get_children()
    reads = {one.get_name() for table in tables for one in table.get_symbols() if one.is_global()}
    top = tables[0].get_symbols()
    gives = {one.get_name() for one in top if one.is_assigned() or one.is_imported() or one.is_namespace()}
    # `for step in range(9)` is no answer, nor is `nearest = ...` of chapter 4.
    if (
        not isinstance(node, (*IMPORTS, *DEFINITIONS, *ASSIGNMENTS, ast.If, ast.Try))
        or ast.unparse(node) in experiments()
    ):
        gives -= {*exercise_names()}.difference(one.name for one in ast.walk(node) if isinstance(one, DEFINITIONS))
    if isinstance(node, ast.ImportFrom) and (node.module == "__future__" or node.names[0].name == "*"):
        gives.add("*")
    return Statement(node, cell, gives, reads)


@functools.cache
def experiments() -> dict[str, set[Chapter]]:
    """The statements of the chapters themselves that are no imports and no definitions, as `ast.unparse` writes them, with
    the chapters in which they stand.
    """
    found = {}
    for chapter in chapters():
        for node in ast.parse(chapter.path.read_text(encoding="utf-8")).body:
            if not isinstance(node, (*IMPORTS, *DEFINITIONS)):
                found.setdefault(ast.unparse(node), set()).add(chapter)
    return found


@functools.cache
def given_names() -> set[str]:
    """The names that the chapters themselves assign, in their experiments."""
    nodes = (node for source in experiments() for node in ast.parse(source).body)
    return set().union(*(statement(node, Cell("", "")).gives for node in nodes)).difference(exercise_names())


def is_stub(node: ast.stmt) -> bool:
    """Whether a definition is as a chapter has it: a function in it says no more than that it is to be written."""
    for _, function in functions(ast.Module([node], [])):
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        if len(body) == 1 and ast.unparse(body[0]).startswith("raise NotImplementedError("):
            return True
    return False


def parse(cell: Cell) -> ast.Module:
    """The statements of a cell, as a notebook takes them: a cell that is indented as a whole is moved to the margin, and
    lines for the notebook itself, such as `%matplotlib inline`, are passed over.

    Raises SyntaxError.
    """
    # The empty lines make all numbers of lines those of the file.
    source = "\n" * cell.above + textwrap.dedent(cell.text)
    try:
        return ast.parse(source, filename=cell.name)
    except SyntaxError:
        return ast.parse(MAGIC.sub(r"\1pass", source), filename=cell.name)


def statements_of(path: Path) -> tuple[list[Statement], Answers]:
    """The statements at the top of a learner's file that Python takes, and what there is to say of the others.

    Of several definitions of an exercise the last is taken, but an untouched stub only where there is nothing else.
    Raises FileNotFoundError or ValueError if there is no such file or it is not one.
    """
    cells, found, answers = read_cells(path), [], Answers(path.name)

    def broken(cell: Cell, error: SyntaxError, text: str) -> None:
        shown = (error.text or text).strip().partition("\n")[0]
        sentence = f"{cell.place(error.lineno or cell.above + 1)} is not Python yet ({error.msg}): {shown}"
        answers.lose(names_in(text), sentence)

    above = None  # the definition that came last
    for cell in (cell for cell in cells if cell.code):
        if cell.name != str(path):  # of a notebook: its lines are kept where Python looks for those of tracebacks
            lines = [
                f"{line}\n" for line in cell.text.split("\n")
            ]  # `splitlines` knows ends of lines that Python does not
            linecache.cache[cell.name] = (len(cell.text), None, lines, cell.name)
        try:
            nodes = parse(cell).body
        except SyntaxError as error:
            broken(cell, error, cell.text)
            continue
        methods = isinstance(above, ast.ClassDef) and cell.text.lstrip("\n").startswith((" ", "\t"))
        for node in nodes:
            try:
                found.append(statement(node, cell))
                rest = methods and isinstance(node, ast.FunctionDef)
            except SyntaxError as error:
                rest = above and "outside function" in error.msg
                if not rest:
                    broken(cell, error, ast.unparse(node))
            if rest:
                sentence = f"{cell.place(node.lineno)} seems to be the rest of `{above.name}`, which begins above it: "
                sentence += "a definition has to stand in one piece, indented, and in one cell."
                answers.lose([above.name], sentence)
                found = [one for one in found if one.node is not above]
            elif isinstance(node, DEFINITIONS):
                above = node
    # What is imported is nothing that a file changes for its answers: `torch.manual_seed(0)`.
    own = set().union(*(one.gives for one in found if not isinstance(one.node, IMPORTS)))
    for one in found:
        if not isinstance(one.node, DEFINITIONS):
            one.gives |= changed_by(one.node) & own
    leave_out_experiments(found)
    look_elsewhere(cells, found, answers)
    return choose(found, answers), answers


def leave_out_experiments(found: list[Statement]) -> None:
    """Let an answer that uses by accident what was made for an experiment hear of it: such names are given by nothing.

    An experiment calls something, gives a name that a chapter uses in its own, and is as the chapter has it, or was made out
    of an exercise, of what comes from the lesson, or of another experiment. `one = torch.ones(1)` is the learner's own.
    """
    made, given = {*exercise_names()}, set().union(*(one.gives for one in found))
    here = {chapter for chapter in chapters() if any(one.name in given for one in chapter.exercises)}
    for one in found:
        of_the_lesson = isinstance(one.node, ast.ImportFrom) and (one.node.module or "").partition(".")[0] == "dino"
        experiment = not isinstance(one.node, IMPORTS) and (
            one.reads & made or here & experiments().get(ast.unparse(one.node), set())
        )
        if of_the_lesson or experiment:
            made |= one.gives
        if experiment and calls(one.node):
            one.gives -= given_names()


def look_elsewhere(cells: list[Cell], found: list[Statement], answers: Answers) -> None:
    """Find what is not at the top of the file: exercises inside of other definitions, and what stands in cells of text."""
    exercises, there = {*exercise_names()}, set().union(*(one.gives for one in found))
    written = set().union(*(one.gives for one in found if not is_stub(one.node)))
    for cell in cells:
        where = "inside of something else: move it to the margin"
        if not cell.code:
            remedy = "put a line `# %%` above it" if cell.name.endswith(".py") else "turn the cell into code"
            where = f"in a cell of text, which is not run: {remedy}"
        for number, line in enumerate(cell.text.split("\n"), start=cell.above + 1):
            line = line if cell.code else re.sub("^# ?", "", line)
            defines = re.match(r"\s*(async +)?(def|class) ", line) is not None  # words on an exercise are no answer
            for name in names_in(line) - (there if cell.code else written):
                if defines if name in exercises else not cell.code:
                    answers.lost.setdefault(name, f"{cell.place(number)}: {name} stands {where}.")


def makes(node: ast.stmt) -> bool:
    """Whether a statement that is no definition holds one, under a condition, or is `name = lambda ...`."""
    lambdas = isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)
    return lambdas or (
        not isinstance(node, DEFINITIONS) and any(isinstance(one, DEFINITIONS) for one in ast.walk(node))
    )


def choose(found: list[Statement], answers: Answers) -> list[Statement]:
    """Leave out the stubs of exercises that are written elsewhere, and note which definition is taken."""
    for name in exercise_names():
        defined = [one for one in found if isinstance(one.node, DEFINITIONS) and one.node.name == name]
        written = [one for one in defined if not is_stub(one.node)]
        elsewhere = any(one not in defined and name in one.gives and makes(one.node) for one in found)
        if written or elsewhere or name in answers.lost:
            found = [one for one in found if one not in defined or one in written]
        if written:
            others = [one.place for one in defined[defined.index(written[0]) :] if one is not written[-1]]
            others += [answers.lost[name].rstrip(".")] if name in answers.lost else []
            if others:
                answers.notes[name] = f"The one at {written[-1].place} is used. There is another: {'; '.join(others)}."
    return found


def makers(names: Iterable[str], found: list[Statement]) -> list[Statement]:
    """The statements that some names need: whatever gives them, and whatever gives what that reads."""
    chosen, wanted = set(), [*names]
    for name in wanted:  # which grows
        for one in found:
            if name in one.gives and one not in chosen:
                chosen.add(one)
                wanted += one.reads.difference(wanted)
    return [one for one in found if one in chosen]


# The folder whose helper modules can be imported now, and the modules that were there before.
beside: list[tuple[str, set[str]]] = []


def stand_beside(path: Path) -> None:
    """Let a file import what lies beside it; helper modules of another folder, or from before an edit, are forgotten.

    The folder comes last, so that a file of the learner's called torch.py hides nothing.
    """
    for folder, before in beside:
        sys.path.remove(folder)
        helpers = {one.stem for one in Path(folder).glob("*")}
        for name in sys.modules.keys() - before:
            if name.partition(".")[0] in helpers:
                del sys.modules[name]
    beside.clear()
    folder = str(path.absolute().parent)
    if folder not in sys.path:
        sys.path.append(folder)
        beside.append((folder, {*sys.modules}))
    importlib.invalidate_caches()


def load(path: Path, given: dict[str, object] | None = None, aside: Collection[str] = ()) -> Answers:
    """Run what the answers in a learner's file need, statement by statement. One bad cell does not spoil the others.

    given  what takes the place of the learner's definitions of these names, which are not run
    aside  names whose definitions are run only if another answer uses them

    Raises FileNotFoundError or ValueError if there is no such file or it is not one.
    """
    given = given or {}
    found, answers = statements_of(path)
    found = [one for one in found if not one.gives.intersection(given) or isinstance(one.node, IMPORTS)]
    # Imports come first, for in a notebook cells may lie in any order.
    ready = makers({*exercise_names(), "*"}.difference(aside), found)
    ready.sort(key=lambda one: not isinstance(one.node, IMPORTS))
    answers.names |= {"__name__": "__main__", "__file__": str(path), LOST: answers.lost, **given}
    compiled, done = codeop.Compile(), set()  # it remembers `from __future__ import annotations`

    def run(one: Statement) -> None:
        done.add(one)
        try:
            exec(compiled(ast.Module([one.node], []), one.cell.name, "exec"), answers.names)
        except (Exception, SystemExit) as error:
            name = error.name if isinstance(error, NameError) else ""
            if later := [other for other in ready if other not in done and name in other.gives]:
                for other in later:
                    run(other)
                run(one)
                return
            answers.lose(one.gives, explain(error, one.place))
            if isinstance(one.node, DEFINITIONS):  # what it was to replace is not what the learner means
                answers.names.pop(one.node.name, None)
        answers.names.update(given)  # an import may have brought others

    stand_beside(path)
    for one in ready:
        if one not in done:
            run(one)
    return answers
