"""Puts the learner's own answers and the given code together into one file that trains and draws by itself."""

import ast
import itertools
import textwrap
from collections.abc import Iterable
from pathlib import Path

from dino.course.chapters import LESSON, chapters, exercise_names
from dino.course.judge.loader import Statement, makers, parse, statement, statements_of
from dino.course.judge.reading import Cell

HEAD = '''"""A diffusion model that draws dinosaurs, in one file.

These parts are my own: {mine}.
The rest is given code of the course Dino (MIT licence). It needs torch, and Pillow for the pictures:

    python {file} [STEPS]

trains for so many steps (2000, unless you say otherwise) and draws a sheet of dinosaurs.
"""
'''

MAIN = '''
def draw_all(count: int, size: int = 32) -> Tensor:
    """Draw dinosaurs to learn from, (count, 3, size, size), in [0, 1]."""
    random = Random(0)
    drawn = b"".join(draw(random, size)[0].tobytes() for _ in range(count))
    pixels = torch.frombuffer(bytearray(drawn), dtype=torch.uint8)
    return pixels.view(count, size, size, 3).permute(0, 3, 1, 2).float() / 255


def save_sheet(pictures: Tensor, path: str, scale: int = 2) -> None:
    """Write pictures, eight in a row, to a file."""
    rows = [torch.cat(list(row), dim=2) for row in pictures.split(8)]
    pixels = (torch.cat(rows, dim=1) * 255).round().byte().permute(1, 2, 0)
    height, width, _ = pixels.shape
    image = Image.frombytes("RGB", (width, height), bytes(pixels.flatten().tolist()))
    image.resize((width * scale, height * scale), Image.Resampling.NEAREST).save(path)


def main() -> None:
    """Train, and draw."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    torch.manual_seed(0)
    run = Run(Denoiser())
    for n, loss in enumerate(train(run, draw_all(4096), steps), start=1):
        if n % 50 == 0 or n == steps:
            print(f"step {n} of {steps}, loss {loss:.4f}", flush=True)
    save_sheet(sample(run.average, torch.rand(64, 3, 32, 32), steps=25), "my_dinosaurs.png")
    print("my_dinosaurs.png")


if __name__ == "__main__":
    main()
'''

IMPORTS = "import sys\nimport torch\nfrom random import Random\nfrom PIL import Image\nfrom torch import Tensor\n"


def text_of(one: Statement) -> str:
    """A statement as it is written, with its decorators and the comments above it."""
    lines, node = one.cell.text.split("\n"), one.node
    start = min([node.lineno, *(part.lineno for part in getattr(node, "decorator_list", []))]) - one.cell.above - 1
    end = node.end_lineno - one.cell.above
    while start > 0 and lines[start - 1].startswith("# ") and not lines[start - 1].startswith("# %%"):
        start -= 1
    return textwrap.dedent("\n".join(lines[start:end]))


def statements_in(source: str) -> list[Statement]:
    """The statements of a source of the course's own."""
    cell = Cell("", source)
    return [statement(node, cell) for node in parse(cell).body]


def without_the_lesson(found: list[Statement]) -> list[Statement]:
    """Some statements without imports from the lesson."""
    return [
        one for one in found if getattr(one.node, "module", None) is None or one.node.module.partition(".")[0] != "dino"
    ]


def lesson() -> dict[str, list[Statement]]:
    """What the program can be made of, but for the learner's own: the imports of `MAIN`, and the statements of each lesson."""
    found = {"": statements_in(IMPORTS)}
    for name in ["pen", "drawing", *(chapter.topic for chapter in chapters())]:
        found[name] = without_the_lesson(statements_in((LESSON / f"{name}.py").read_text(encoding="utf-8")))
    return found


def program_of(pool: Iterable[Statement]) -> tuple[list[Statement], set[str]]:
    """Those of some statements that the program needs, and the names that they give."""
    chosen = makers({"*"}.union(*(one.gives | one.reads for one in statements_in(MAIN))), [*pool])
    return chosen, set().union(*(one.gives for one in chosen))


def needed() -> set[str]:
    """The exercises whose answers the program is made of."""
    return program_of(itertools.chain(*lesson().values()))[1].intersection(exercise_names())


def assemble(files: list[Path], name: str) -> str:
    """The text of one stand-alone program, made of the answers in these files; those `needed` have to be right.

    files  the learner's chapters, in the order of the course
    name   what the program's file is called, for its own docstring

    Raises ValueError if two of the learner's files define something differently, so that one of them would get lost.
    """
    given, exercises = lesson(), {*exercise_names()}
    # What a chapter defines only for its experiments must not hide what the lesson defines by that name.
    taken = exercises.union(*(one.gives for found in given.values() for one in found if not is_import(one)))
    meant, double = {}, set()
    for chapter, path in zip(chapters(), files, strict=True):
        own = without_the_lesson(statements_of(path)[0])
        helpers = [one for one in own if not one.gives & taken]
        for what in set().union(*(one.gives for one in helpers if not is_import(one))):
            says = [ast.dump(one.node) for one in helpers if what in one.gives]
            if meant.setdefault(what, says) != says:
                double.add(what)
        given[chapter.topic] = helpers + [
            answer
            for one in given[chapter.topic]
            for answer in [mine for mine in own if mine.gives & one.gives & exercises] or [one]
        ]
    chosen, names = program_of(itertools.chain(*given.values()))
    if clash := sorted(double & names):
        raise ValueError(f"Your chapters define {', '.join(clash)} in two ways. Give one of the two another name.")
    head = HEAD.format(mine=", ".join(what for what in exercise_names() if what in names), file=name)
    imports = {line for one in chosen if is_import(one) for line in lines_of(one.node)}
    body = dict.fromkeys(text_of(one) for one in chosen if not is_import(one))
    top = sorted(imports, key=lambda line: ("__future__" not in line, line.startswith("from"), line))
    return "\n\n\n".join([head + "\n" + "\n".join(top), *body]) + "\n\n" + MAIN


def is_import(one: Statement) -> bool:
    """Whether a statement is an import, which may be written in several ways, and in several places."""
    return isinstance(one.node, ast.Import | ast.ImportFrom)


def lines_of(node: ast.Import | ast.ImportFrom) -> list[str]:
    """An import as one line for each name."""
    head = f"from {node.module} import" if isinstance(node, ast.ImportFrom) else "import"
    return [f"{head} {ast.unparse(alias)}" for alias in node.names]


def helpers(program: str, folder: Path) -> list[str]:
    """The files and folders beside a learner's chapters that a program imports."""
    tree = ast.parse(program)
    modules = {one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    modules |= {alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names}
    tops = {module.partition(".")[0] for module in modules if module}
    return sorted(path.name for top in tops for path in (folder / f"{top}.py", folder / top) if path.exists())
