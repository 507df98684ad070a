"""How the checks do on answers that nobody had in mind who wrote them: `python tests/benchmarks/unseen.py [SEEDS]`.

Those in `right_answers.txt` and `wrong_answers.txt` were written from the text of the chapters alone. Prints each wrong one
with what it hears, and at the end: how many right ones pass and how many wrong ones do not, with every seed (5, unless you
say otherwise); how many wrong ones hear a sentence of the bank, or that it is perhaps so; and how many always hear the same.
"""

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dino.course.chapters import find_exercise, solved
from dino.course.checks import check_for
from dino.course.judge.apart import apart
from dino.course.judge.loader import load
from dino.course.judge.runner import judge
from dino.course.judge.verdict import PASSED


def answers(kind: str) -> Iterator[tuple[str, str, str]]:
    """Each answer: its exercise, what it is about, and its text."""
    text = Path(__file__).with_name(f"{kind}_answers.txt").read_text(encoding="utf-8")
    for part in text.split("#### ")[1:]:
        title, _, source = part.partition("\n")
        yield *title.split(": ", maxsplit=1), source


def heard(name: str, source: str, seeds: int) -> Iterator[str]:
    """What an answer hears on each seed, in the place of the lesson's in its chapter; nothing if it passes."""
    chapter, _ = find_exercise(name)
    cell = re.compile(rf'^# %% tags=\["exercise"\]\n(?:@.*\n)*(?:def|class) {name}\b.*?(?=^# %%)', re.M | re.S)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, chapter.path.name)
        text = cell.sub(lambda _: f'# %% tags=["exercise"]\n{source}\n\n', solved(chapter))
        path.write_text(text, encoding="utf-8")
        loaded = load(path)
        for seed in range(seeds):
            if name not in loaded.names:
                yield loaded.problem_with(name)
                continue
            verdict = judge(name, loaded.names[name], seed)
            yield "" if verdict.state == PASSED else verdict.news


def main(seeds: int) -> None:
    """Print what each wrong answer hears, which right ones do not pass, and how many there are of each kind."""
    count: Counter[str] = Counter()
    for kind in ("wrong", "right"):
        for name, about, source in answers(kind):
            news = Counter(apart(600, heard, name, source, seeds))
            if kind == "wrong" or set(news) != {""}:
                print(
                    f"{name}: {about}\n",
                    *(f"   {n} x {one or 'passes'}\n" for one, n in news.most_common()),
                    flush=True,
                )
            mistakes = check_for(find_exercise(name)[0].topic, name).mistakes
            count[kind] += 1
            count[f"{kind}, all seeds"] += "" not in news if kind == "wrong" else set(news) == {""}
            count[f"{kind}, always the same sentence"] += len(news) == 1
            count[f"{kind}, named"] += set(news) <= mistakes.keys()
            count[f"{kind}, perhaps"] += any(one.startswith("Perhaps") for one in news)
    print(f"{count['right, all seeds']} of {count['right']} right answers pass.")
    print(
        f"{count['wrong, all seeds']} of {count['wrong']} wrong ones are caught; {count['wrong, named']} hear a sentence of the bank,"
    )
    print(
        f"{count['wrong, perhaps']} that it is perhaps so, and {count['wrong, always the same sentence']} the same sentence with all seeds."
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
