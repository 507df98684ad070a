"""Makes worksheets, with their answers, and slides of the chapters' pages, for a class."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import matplotlib.pyplot as plt
import torch

from dino.course.chapters import Chapter, Exercise, find_exercise, solution, stubs
from dino.course.checks import check_for
from dino.course.checks.claims import Check, Claim, Figure, Pictures
from dino.course.checks.mistakes import without_docstrings
from dino.course.judge.figures import evidence
from dino.course.judge.trial import outcome
from dino.course.site.paper import Links, div, markdown, numbered, opened, pieces


@dataclass(frozen=True)
class Mistake:
    """A wrong answer, told by what comes out of it.

    says      the claim that is not true of it
    sentence  what is wrong
    picture   expected, what came out, and the difference, as PNG
    width     of the picture, in per cent of the text's, so that what is written in it is as large in all
    """

    says: str
    sentence: str
    picture: bytes
    width: int


def mistake(chapter: Chapter, exercise: Exercise) -> Mistake | None:
    """The first of the usual mistakes that can be seen; None if none can be."""
    check = check_for(chapter.topic, exercise.name)
    for sentence, answer in check.wrong_answers:
        untrue = first_untrue(check, answer)
        if untrue and not looks_right(untrue.figure) and (figure := evidence(untrue.figure)):
            buffer, inches = io.BytesIO(), figure.get_figwidth()
            figure.savefig(buffer, format="png", dpi=150)
            plt.close(figure)
            return Mistake(untrue.says, sentence, buffer.getvalue(), min(65, round(10 * inches)))
    return None


def looks_right(shown: Figure | None) -> bool:
    """Whether pictures differ in nothing that a screen or paper shows, such as white and what is brighter than white."""
    if not isinstance(shown, Pictures) or shown.yours.shape != shown.expected.shape or shown.yours.shape[1] != 3:
        return False
    yours, expected = (one.detach().float().clamp(0, 1) for one in (shown.yours, shown.expected))
    return torch.allclose(yours, expected, atol=0.02)


def first_untrue(check: Check, answer: Callable) -> Claim | None:
    """The first claim that is not true of an answer, on the same inputs always; None if it stops with an error before."""
    for claim in outcome(check, answer, seed=0):
        if not isinstance(claim, Claim):
            return None
        if claim.symptom():
            return claim
    return None


def lines(chapter: Chapter, exercise: Exercise) -> int:
    """How many lines an answer takes that are not in the stub, and some more to think."""
    sources = (solution(chapter, exercise), stubs(chapter)[exercise.name])
    full, given = (
        sum(not line.strip().startswith(("#", "raise")) for line in without_docstrings(source) if line.strip())
        for source in sources
    )
    return full - given + 2


def worksheet(chapter: Chapter, page: str, seen: dict[str, Mistake], links: Links, answers: bool) -> str:
    """The worksheet of a chapter, as pandoc reads it: what to guess, what to write, and what went wrong, with space to say it.

    seen     a usual mistake of each exercise that has one to be seen, by its name, which its picture has, too
    answers  stand in the place of the space
    """
    parts, before, name = [f"# {numbered(chapter)}"], "", ""
    for piece in pieces(page):
        match piece.kind:
            case "heading" if piece.text.startswith("## "):
                parts, before = begun(parts, piece.text), ""
            case "question":
                parts += [before, markdown(piece, links), *([] if answers else [space(2)])]
            case "answer" if answers:
                parts.append(markdown(piece, links))
            case "exercise":
                name, task = piece.text, [f"### Exercise: `{piece.text}`"]
            case "facts" | "text" if name:
                task.append(markdown(piece, links))
            case "text":
                *_, lead, last = ["", *links(piece.text).split("\n\n")]
                # A list needs what leads to it; what leads to code means nothing without that.
                before = f"{lead}\n\n{last}" if last.startswith("- ") else "" if last.endswith(":") else last
            case "code" if name:
                exercise = find_exercise(name)[1]
                answer = [f"```python\n{solution(chapter, exercise)}\n```"]
                parts.append(div("task", "\n\n".join(task)))
                parts += answer if answers else [piece.text, space(lines(chapter, exercise))]
                if one := seen.get(name):
                    says = one.sentence if answers else "What went wrong?"
                    shown = f"*{one.says}* Not so here:\n\n![]({name}.png){{ width={one.width}% }}\n\n**{says}**"
                    parts += [div("mistake", shown), *([] if answers else [space(2)])]
                name = ""
    return "\n\n".join(begun(parts, ""))


def slides(chapter: Chapter, page: str, links: Links) -> str:
    """The slides of a chapter, as pandoc reads them: sections, what to guess, what to write, and figures with their captions."""
    parts, name = [f"# {numbered(chapter)}"], ""
    for piece in opened(page):
        match piece.kind:
            case "heading" if piece.text.startswith("## "):
                parts = begun(parts, piece.text)
            case "question":
                parts.append(markdown(piece, links))
            case "exercise":
                name, task = piece.text, [f"**Exercise: `{piece.text}`**"]
            case "facts" | "text" if name:
                task.append(links(piece.text))
            case "code" if name:
                parts.append(div("exercise", "\n\n".join(task)))
                name = ""
            case "figure":
                picture, _ = piece.title.split()
                parts += [typst(f'#shown("{picture}.png")['), links(piece.text), typst("]")]
    return "\n\n".join(begun(parts, ""))


def begun(parts: list[str], heading: str) -> list[str]:
    """Parts, and a heading after them; one that nothing has followed is left out."""
    return [*(parts[:-1] if parts[-1].startswith("## ") else parts), heading]


def space(count: int) -> str:
    """Lines to write on."""
    return typst(f"#lines({count})")


def typst(code: str) -> str:
    """Code for Typst in Markdown."""
    return f"```{{=typst}}\n{code}\n```"
