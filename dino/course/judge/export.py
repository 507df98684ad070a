"""Puts the learner's own answers and the given code together into one file that trains and draws by itself."""

import ast
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from dino.course.chapters import LESSON, chapters, exercise_names
from dino.course.judge.loader import Statement, given_names, parse, statement, statements_of
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


@dataclass(eq=False)
class Part:
    """One import, definition or constant at the top of a file: its text, the names that it speaks of, and where it belongs.

    Imports have no place of their own, which is the empty one: they come first.
    """

    text: str
    speaks_of: set[str]
    place: tuple


def text_of(one: Statement) -> str:
    """A statement as it is written, with its decorators and the comments above it."""
    lines, node = one.cell.text.splitlines(), one.node
    start = min([node.lineno, *(part.lineno for part in getattr(node, "decorator_list", []))]) - one.cell.above - 1
    end = node.end_lineno - one.cell.above
    while start > 0 and lines[start - 1].startswith("# ") and not lines[start - 1].startswith("# %%"):
        start -= 1
    return textwrap.dedent("\n".join(lines[start:end]))


def statements_in(source: str) -> list[Statement]:
    """The statements of a source of the course's own."""
    cell = Cell("", source)
    return [statement(node, cell) for node in parse(cell).body]


def parts_of(statements: Iterable[Statement], place: tuple) -> dict[str, list[Part]]:
    """The imports, definitions and constants at the top of a source, by the names that each gives; not those of the lesson."""
    parts: dict[str, list[Part]] = {}
    for number, one in enumerate(statements):
        if isinstance(one.node, ast.Import | ast.ImportFrom):
            module = getattr(one.node, "module", None) or ""
            head = f"from {module} import" if module else "import"
            for alias in one.node.names if module.partition(".")[0] != "dino" else ():
                name = alias.asname or alias.name.partition(".")[0]
                parts[name] = [*parts.get(name, []), Part(f"{head} {ast.unparse(alias)}", set(), ())]
            continue
        gives = one.gives if one.at_once else one.gives - given_names()
        part = Part(text_of(one), one.gives | one.reads, (*place, number))
        for name in gives | (one.changes & parts.keys()):
            # A definition takes the place of what was there; what is changed is needed as it was, too.
            parts[name] = [part] if name in getattr(one.node, "name", "").split() else [*parts.get(name, []), part]
    return parts


def lesson_parts() -> dict[str, list[Part]]:
    """All imports, definitions and constants of the lesson, and the imports of `MAIN`, by name."""
    found = {}
    for i, name in enumerate(["pen", "drawing", *(chapter.topic for chapter in chapters())]):
        found |= parts_of(statements_in((LESSON / f"{name}.py").read_text(encoding="utf-8")), (i, 1))
    return found | parts_of(statements_in(IMPORTS), ())


def reached(pool: dict[str, list[Part]]) -> dict[str, list[Part]]:
    """The parts that the program needs, by name."""
    chosen: dict[str, list[Part]] = {}
    wanted = {"*"}.union(*(one.gives | one.reads for one in statements_in(MAIN)))
    while fresh := wanted & pool.keys() - chosen.keys():
        chosen |= {what: pool[what] for what in fresh}
        wanted = wanted.union(*(part.speaks_of for what in fresh for part in pool[what]))
    return chosen


def needed() -> set[str]:
    """The exercises whose answers the program is made of."""
    return {*exercise_names()}.intersection(reached(lesson_parts()))


def assemble(files: list[Path], name: str) -> str:
    """The text of one stand-alone program, made of the answers in these files; those `needed` have to be right.

    files  the learner's chapters, in the order of the course
    name   what the program's file is called, for its own docstring

    Raises ValueError if two of the learner's files define something differently, so that one of them would get lost.
    """
    given, exercises = lesson_parts(), exercise_names()
    own: dict[str, list[Part]] = {}
    double = set()
    for i, path in enumerate(files, start=1):
        for what, parts in parts_of(statements_of(path)[0], (i, 0)).items():
            # An import may be written in several ways; of definitions, one would get lost.
            if what in own and parts[0].place and own[what][0].place and meant(own[what]) != meant(parts):
                double.add(what)
            # What a chapter defines only for its experiments must not hide what the lesson defines by that name.
            if what in exercises:
                own[what] = [replace(part, place=(*given[what][0].place, n)) for n, part in enumerate(parts)]
            elif what not in given or (parts[0].place and not given[what][0].place):
                own[what] = parts
    chosen = reached(given | own)
    if clash := sorted(double.intersection(chosen).difference(exercises)):
        raise ValueError(f"Your chapters define {', '.join(clash)} in two ways. Give one of the two another name.")
    head = HEAD.format(mine=", ".join(what for what in exercises if what in chosen), file=name)
    every = [part for parts in chosen.values() for part in parts]
    lines = {part.text for part in every if not part.place}
    imports = sorted(lines, key=lambda line: (line.startswith("from"), line))
    body = dict.fromkeys(
        part.text for part in sorted((part for part in every if part.place), key=lambda part: part.place)
    )
    return "\n\n\n".join([head + "\n" + "\n".join(imports), *body]) + "\n\n" + MAIN


def meant(parts: list[Part]) -> str:
    """What parts say to Python, however they are laid out."""
    return ast.dump(ast.parse("\n".join(part.text for part in parts)))


def helpers(program: str, folder: Path) -> list[str]:
    """The files and folders beside a learner's chapters that a program imports."""
    tree = ast.parse(program)
    modules = {one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    modules |= {alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names}
    tops = {module.partition(".")[0] for module in modules if module}
    return sorted(path.name for top in tops for path in (folder / f"{top}.py", folder / top) if path.exists())
