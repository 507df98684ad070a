"""How fast and how safely a class is graded: `python tests/benchmarks/grading.py [WORKERS]`, with nothing else running.

Two hundred learners hand in chapters 1 to 4. Some answers are wrong, some are not written yet, and ten learners try to get
points by force. Told are the seconds for one learner alone, the minutes for all, how many results were written, how many
points went to answers that do not deserve them or were kept from answers that do, and how many processes are left behind.
"""

import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))

from dino.course.chapters import chapters, solution, solved, stubs
from dino.course.grade.sandbox.client import ForkServer
from tests.checks.test_wrong_answers import BAD

CHAPTERS = chapters()[:4]
NAMES = [exercise.name for chapter in CHAPTERS for exercise in chapter.exercises]
HOSTILE = [
    "import os\n    os._exit(0)",
    "import os\n    os.kill(-1, 9)",
    "while True:\n        try:\n            while True: pass\n        except BaseException: pass",
    "import ctypes\n    ctypes.string_at(0)",
    "torch.allclose = torch.equal = lambda *a, **k: True",
    "import os\n    for n in range(3, 256):\n        try: os.write(n, b'x' * 4096)\n        except OSError: pass",
    "import os\n    while True:\n        try:\n            if not os.fork():\n                os.setsid()\n        except OSError: pass",
    "print('x' * 200 * 2**20)",
    "x = torch.zeros(2**31)",
    "import shutil\n    shutil.rmtree('/', ignore_errors=True)",
]


def hand_in(place: Path, numbers: random.Random, hostile: str | None) -> dict[str, bool]:
    """Write what one learner hands in, and tell which answers are right."""
    right = dict.fromkeys(NAMES, True)
    place.mkdir(parents=True)
    for chapter in CHAPTERS:
        text = solved(chapter)
        for exercise in chapter.exercises:
            answer, name = solution(chapter, exercise), exercise.name
            fate = numbers.random()
            wrong = [one for other, one, _ in BAD if other == name]
            if hostile is not None and name in ("mix", "step"):
                text = text.replace(answer, f"def {name}(*_):\n    {hostile}")
            elif fate < 0.2 and wrong:
                text = text.replace(answer, numbers.choice(wrong))
            elif fate < 0.3:
                text = text.replace(answer, stubs(chapter)[name])
            else:
                continue
            right[name] = False
        (place / chapter.path.name).write_text(text, encoding="utf-8")
    return right


def grade(folder: Path, *words: str) -> float:
    """Grade what lies in `in`, and tell the seconds that it takes."""
    start = time.perf_counter()
    program = [Path(sys.executable).with_name("dino"), "grade", *words]
    subprocess.run(program, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def running() -> int:
    """How many processes there are."""
    return len(list(Path("/proc").glob("[0-9]*")))


def main() -> None:
    """Print all figures."""
    with ForkServer() as server:
        if server.isolation != "whole":
            sys.exit("Some of these hand-ins try to delete all files, and this system cannot isolate them.")
    workers = ["--workers", sys.argv[1]] if len(sys.argv) > 1 else []
    numbers = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        folder, count = Path(name), 200
        places = sorted(numbers.sample(range(count), len(HOSTILE)))
        hostile = dict(zip(places, HOSTILE, strict=True))
        expected = {f"{i:03}": hand_in(folder / f"in/{i:03}", numbers, hostile.get(i)) for i in range(count)}
        hand_in(folder / "one/alone", random.Random(1), None)
        alone = grade(folder, "one", "--out", "first", "--workers", "1")
        known = json.loads(json.loads((folder / "first/learners/alone/marks.json").read_text())["graded"])
        print(
            f"one learner alone   {alone:.1f} s, of which grading {sum(mark['seconds'] for mark in known['marks']):.1f} s"
        )
        before = running()
        print(f"{count} learners       {grade(folder, 'in', *workers) / 60:.1f} min")
        rows = {
            row["name"]: row for row in csv.DictReader((folder / "grades/gradebook.csv").open(encoding="utf-8-sig"))
        }
        print(f"results written     {len(rows)} of {count}")
        given = [
            (who, name)
            for who, right in expected.items()
            for name in NAMES
            if not right[name] and float(rows[who][name])
        ]
        lost = [
            (who, name)
            for who, right in expected.items()
            for name in NAMES
            if right[name] and not float(rows[who][name])
        ]
        print(f"points undeserved   {len(given)} {given[:5]}\npoints lost         {len(lost)} {lost[:5]}")
        print(f"processes left      {running() - before}")


if __name__ == "__main__":
    main()
