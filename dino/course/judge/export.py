"""Puts the learner's own answers and the given code together into one file that trains and draws by itself."""

import ast
import symtable
from dataclasses import dataclass, replace
from pathlib import Path

from dino.course.chapters import LESSON, chapters, exercise_names
from dino.course.judge.loader import given_names, is_definition, names_used, read_cells, targets

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


def names_in(source: str) -> set[str]:
    """The names that a piece of code takes from outside, or gives to it."""
    return {*symtable.symtable(source, "<part>", "exec").get_identifiers()} | names_used(source)


def parts_of(source: str, place: tuple) -> dict[str, Part]:
    """The imports, definitions and constants at the top of a source, by the name that each gives; not those of the lesson."""
    parts = {}
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None) or ""
            head = f"from {module} import" if module else "import"
            for one in node.names if module.partition(".")[0] != "dino" else ():
                name = one.asname or one.name.partition(".")[0]
                parts[name] = Part(f"{head} {ast.unparse(one)}", set(), ())
        elif is_definition(node) or targets(node) - given_names():
            start = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))]) - 1
            while start > 0 and lines[start - 1].startswith("# ") and not lines[start - 1].startswith("# %%"):
                start -= 1
            text = "\n".join(lines[start : node.end_lineno])
            parts |= dict.fromkeys(targets(node), Part(text, names_in(text), (*place, node.lineno)))
    return parts


def lesson_parts() -> dict[str, Part]:
    """All imports, definitions and constants of the lesson, and the imports of `MAIN`, by name."""
    found = {}
    for i, name in enumerate(["pen", "drawing", *(chapter.topic for chapter in chapters())]):
        found |= parts_of((LESSON / f"{name}.py").read_text(encoding="utf-8"), (i, 1))
    return found | parts_of(IMPORTS, ())


def reached(pool: dict[str, Part]) -> dict[str, Part]:
    """The parts that the program needs, by name."""
    chosen: dict[str, Part] = {}
    wanted = names_in(MAIN)
    while fresh := wanted & pool.keys() - chosen.keys():
        chosen |= {what: pool[what] for what in fresh}
        wanted = wanted.union(*(pool[what].speaks_of for what in fresh))
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
    own: dict[str, Part] = {}
    double = set()
    for i, path in enumerate(files, start=1):
        for number, (_, text, _) in enumerate(read_cells(path)):
            for what, part in parts_of(text, (i, 0, number)).items():
                # An import may be written in several ways; of definitions, one would get lost.
                if (
                    what in own
                    and part.place
                    and own[what].place
                    and ast.dump(ast.parse(own[what].text)) != ast.dump(ast.parse(part.text))
                ):
                    double.add(what)
                # What a chapter defines only for its experiments must not hide what the lesson defines by that name.
                if what in exercises:
                    own[what] = replace(part, place=given[what].place)
                elif what not in given or (part.place and not given[what].place):
                    own[what] = part
    chosen = reached(given | own)
    if clash := sorted(double.intersection(chosen).difference(exercises)):
        raise ValueError(f"Your chapters define {', '.join(clash)} in two ways. Give one of the two another name.")
    head = HEAD.format(mine=", ".join(what for what in exercises if what in chosen), file=name)
    lines = (part.text for part in chosen.values() if not part.place)
    imports = sorted(lines, key=lambda line: (line.startswith("from"), line))
    body = dict.fromkeys(sorted((part for part in chosen.values() if part.place), key=lambda part: part.place))
    return "\n\n\n".join([head + "\n" + "\n".join(imports), *(part.text for part in body)]) + "\n\n" + MAIN
