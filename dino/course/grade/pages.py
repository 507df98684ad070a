"""Writes marks as pages for people (HTML): one for each learner, and one about the class, without names."""

import base64
from collections import Counter
from html import escape

from dino.course.chapters import find_exercise
from dino.course.grade.results import Graded, Mark, number
from dino.course.judge.verdict import FAILED, NOT_STARTED, PASSED

SIGNS = {PASSED: "✓", FAILED: "✗", NOT_STARTED: "·"}
STYLE = """
body { font: 1.05rem/1.55 system-ui, sans-serif; max-width: 46rem; margin: 2.5rem auto; padding: 0 1rem; color: #23262b; background: #fdfcf8 }
h1 { font-size: 1.7rem; margin-bottom: .2rem } h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem } h3 { font-size: 1rem; margin: 1.4rem 0 .2rem }
code { font: .92em ui-monospace, monospace; background: #f0ede2; padding: .1em .3em; border-radius: .25em }
img { max-width: 100%; background: #fff; border: 1px solid #e3dfd0; border-radius: .4rem }
.points { float: right; color: #5d6168; font-weight: normal } .passed { color: #1d7a46 } .failed { color: #b3372f } .symptom { color: #5d6168 }
.bar { display: flex; height: 1.1rem; border-radius: .3rem; overflow: hidden; background: #e9e5d8 } .bar i { background: #4aa66f } .bar b { background: #d9776f }
table { border-collapse: collapse; width: 100%; margin-top: .5rem } td { padding: .3rem .5rem; vertical-align: top; border-top: 1px solid #e9e5d8 } td:first-child { white-space: nowrap; text-align: right }
"""


def document(title: str, *parts: str) -> str:
    """A whole page."""
    inside = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style>\n</head>\n'
        f"<body>\n{inside}\n</body>\n</html>\n"
    )


def by_chapter(marks: list[Mark]) -> dict[str, list[Mark]]:
    """Marks in the order of the course, under the titles of their chapters."""
    found: dict[str, list[Mark]] = {}
    for mark in marks:
        found.setdefault(find_exercise(mark.exercise)[0].title, []).append(mark)
    return found


def feedback(graded: Graded) -> str:
    """What a learner should know: each exercise, what is wrong with it, and how it looks."""
    parts = [f"<h1>{escape(graded.name)}</h1>", f"<p>{number(graded.score)} of {number(graded.of)} points.</p>"]
    parts += [f"<p>{escape(problem)}</p>" for problem in [graded.broken, *graded.problems] if problem]
    for title, marks in by_chapter(graded.marks).items():
        parts.append(f"<h2>{escape(title)}</h2>")
        for mark in marks:
            points = f'<span class="points">{number(mark.score)} of {number(mark.of)}</span>'
            sign = f'<span class="{mark.state.replace(" ", "-")}">{SIGNS[mark.state]}</span>'
            parts.append(f"<h3>{sign} {escape(mark.exercise)} {points}</h3>\n<p>{escape(mark.news)}</p>")
            if mark.symptom:
                parts.append(f'<p class="symptom">{escape(mark.symptom)}</p>')
            if mark.picture:
                picture = base64.b64encode(mark.picture).decode()
                parts.append(f'<img alt="{escape(mark.symptom or mark.news)}" src="data:image/png;base64,{picture}">')
            if mark.state == FAILED:
                parts.append(f"<p>A hint: <code>dino hint {escape(mark.exercise)}</code></p>")
    return document(f"Feedback for {graded.name}", *parts)


def report(results: list[Graded]) -> str:
    """What a class can learn from: how many passed each exercise, and which mistakes were made how often. No names."""
    judged = [graded for graded in results if graded.marks]
    parts = [
        "<h1>What we got right, and what we can learn from</h1>",
        f"<p>{len(judged)} of {len(results)} hand-ins were graded.</p>",
    ]
    for title, marks in by_chapter([mark for graded in judged for mark in graded.marks]).items():
        parts.append(f"<h2>{escape(title)}</h2>")
        for name in dict.fromkeys(mark.exercise for mark in marks):
            here = [mark for mark in marks if mark.exercise == name]
            count = Counter(mark.state for mark in here)
            told = ", ".join(f"{count[state]} {state}" for state in SIGNS if count[state])
            widths = (100 * count[state] / len(here) for state in (PASSED, FAILED))
            bar = "".join(
                f'<{tag} style="width: {width:.1f}%"></{tag}>' for tag, width in zip("ib", widths, strict=True)
            )
            parts.append(f'<h3>{escape(name)} <span class="points">{told}</span></h3>\n<div class="bar">{bar}</div>')
            usual = Counter(mark.news for mark in here if mark.mistake)
            others = sum(mark.state == FAILED and not mark.mistake for mark in here)
            rows = [(often, escape(news)) for news, often in usual.most_common()]
            rows += [(others, "<em>something of their own</em>")] if others else []
            if rows:
                lines = "\n".join(f"<tr><td>{often}&times;</td><td>{news}</td></tr>" for often, news in rows)
                parts.append(f"<table>\n{lines}\n</table>")
    return document("Class report", *parts)
