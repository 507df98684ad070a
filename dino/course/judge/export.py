"""Puts the learner's own answers and the given code together into one file that trains and draws by itself."""

import ast
import itertools
import symtable
from dataclasses import dataclass, replace
from pathlib import Path

from dino.course.chapters import LESSON, chapters, exercise_names
from dino.course.judge.loader import given_names, is_definition, read_cells, targets

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


@dataclass
class Part:
    """One definition or constant at the top of a file: its text, and the names that it speaks of."""

    text: str
    speaks_of: set[str]
    place: tuple


def names_in(source: str) -> set[str]:
    """The names that a piece of code takes from outside, or gives to it."""
    tables = [symtable.symtable(source, "<part>", "exec")]
    names = {symbol.get_name() for symbol in tables[0].get_symbols()}
    while tables:
        table = tables.pop()
        names |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
        tables += table.get_children()
    return names


def parts_of(source: str, place: tuple) -> tuple[dict[str, Part], dict[str, str]]:
    """The definitions and constants at the top of a source, and its imports, each by the name that it gives."""
    parts, imports = {}, {}
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            imports |= {(one.asname or one.name.partition(".")[0]): f"import {ast.unparse(one)}" for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").partition(".")[0] != "dino":
                imports |= {
                    (one.asname or one.name): f"from {node.module} import {ast.unparse(one)}" for one in node.names
                }
        elif is_definition(node) or targets(node) - given_names():
            start = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))]) - 1
            while start > 0 and lines[start - 1].startswith("# ") and not lines[start - 1].startswith("# %%"):
                start -= 1
            text = "\n".join(lines[start : node.end_lineno])
            names = {node.name} if isinstance(node, ast.FunctionDef | ast.ClassDef) else targets(node)
            parts |= dict.fromkeys(names, Part(text, names_in(text), (*place, node.lineno)))
    return parts, imports


def grouped(imports: set[str]) -> str:
    """Import lines, with all that comes from one module on one line."""
    plain = sorted(line for line in imports if line.startswith("import "))
    pairs = sorted(line.removeprefix("from ").split(" import ") for line in imports if line.startswith("from "))
    groups = {
        module: ", ".join(name for _, name in names) for module, names in itertools.groupby(pairs, lambda pair: pair[0])
    }
    return "\n".join([*plain, *(f"from {module} import {names}" for module, names in groups.items())])


def lesson_parts() -> tuple[dict[str, Part], dict[str, str]]:
    """All definitions and imports of the lesson, by name."""
    pool, imports = {}, {}
    for i, name in enumerate(["pen", "drawing", *(chapter.topic for chapter in chapters())]):
        parts, more = parts_of((LESSON / f"{name}.py").read_text(encoding="utf-8"), (i, 1))
        pool, imports = pool | parts, imports | more
    return pool, imports


def reached(pool: dict[str, Part]) -> tuple[dict[str, Part], set[str]]:
    """The parts that the program needs, by name, and all names that it speaks of."""
    chosen: dict[str, Part] = {}
    wanted = names_in(MAIN)
    while fresh := [what for what in sorted(wanted) if what in pool and what not in chosen]:
        for what in fresh:
            chosen[what] = pool[what]
            wanted |= pool[what].speaks_of
    return chosen, wanted


def needed() -> set[str]:
    """The exercises whose answers the program is made of."""
    return {*exercise_names()}.intersection(reached(lesson_parts()[0])[0])


def assemble(files: list[Path], name: str) -> str:
    """The text of one stand-alone program, made of the answers in these files; those `needed` have to be right.

    files  the learner's chapters, in the order of the course
    name   what the program's file is called, for its own docstring

    Raises ValueError if two of the learner's files define something differently, so that one of them would get lost.
    """
    given, imports = lesson_parts()
    own: dict[str, Part] = {}
    double = set()
    for i, path in enumerate(files, start=1):
        for number, (_, text, _) in enumerate(read_cells(path)):
            parts, more = parts_of(text, (i, 0, number))
            for what, part in parts.items():
                if what in own and ast.dump(ast.parse(own[what].text)) != ast.dump(ast.parse(part.text)):
                    double.add(what)
                # What a chapter defines only for its experiments must not hide what the lesson calls by that name.
                if what in given and what in exercise_names():
                    own[what] = replace(part, place=given[what].place)
                elif what not in given:
                    own[what] = part
            imports = more | imports
    chosen, wanted = reached(given | own)
    clash = sorted(double.intersection(chosen) - set(exercise_names()))
    if clash:
        raise ValueError(f"Your chapters define {', '.join(clash)} in two ways. Give one of the two another name.")
    imports |= parts_of(IMPORTS, ())[1]
    body = {id(part): part for part in sorted(chosen.values(), key=lambda part: part.place)}
    mine = ", ".join(what for what in exercise_names() if what in chosen)
    used = {imports[what] for what in wanted if what in imports and what not in chosen}
    texts = [HEAD.format(mine=mine, file=name) + "\n" + grouped(used), *(part.text for part in body.values())]
    return "\n\n\n".join(texts) + "\n\n" + MAIN
