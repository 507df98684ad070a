"""The commands for teachers."""

import os
from collections.abc import Callable
from pathlib import Path

import click

from dino.course.chapters import Chapter, chapters, exercise_names, find_chapter
from dino.course.files import processors, write
from dino.course.grade.results import Graded, Settings, number, plain
from dino.course.judge.verdict import PASSED, SIGNS


class Chapters(click.ParamType):
    """Chapters with commas between them: numbers, topics or names of files."""

    name = "chapters"

    def convert(self, value, param, ctx) -> tuple[Chapter, ...]:
        """Turn `1,training` into chapters."""
        found = {word: find_chapter(word.strip()) for word in value.split(",")}
        for word, chapter in found.items():
            if chapter is None:
                topics = ", ".join(one.topic for one in chapters())
                self.fail(f"There is no chapter {word!r}. There are: {topics}.", param, ctx)
        return tuple(one for one in chapters() if one in found.values())


class Points(click.ParamType):
    """How many points an exercise has."""

    name = "exercise=points"

    def convert(self, value, param, ctx) -> tuple[str, float]:
        """Turn `mix=2` into its parts."""
        name, _, points = value.partition("=")
        if name not in exercise_names():
            self.fail(f"There is no exercise {name!r}. There are: {', '.join(exercise_names())}.", param, ctx)
        try:
            count = float(points)
        except ValueError:
            count = -1.0
        if not 0 <= count < 1e6:
            self.fail(f"{value!r} should say how many points, such as {name}=2 or {name}=0.5.", param, ctx)
        return name, count


FOLDER = click.Path(path_type=Path)


def settings_of(command: Callable) -> Callable:
    """Give a command the options that `Settings` are made of."""
    points = {"type": Points(), "multiple": True, "callback": lambda *told: dict(told[-1])}
    forged = "Give points even where this system cannot keep answers from forging them."
    for option in (
        click.option("--no-sandbox", is_flag=True, help=forged),
        click.option("--variant", type=int, help="The seed of a variant of the recipe, one for each class."),
        click.option(
            "--partial", is_flag=True, help="Give partial credit: part of the points for the claims that are true."
        ),
        click.option("--points", **points, help="Such as mix=2; may be repeated.  [default: 1 each]"),
    ):
        command = option(command)
    return command


# What to know where answers are not isolated in full.
WEAKER = {
    "landlock": "this system refuses namespaces, so Landlock kept answers from files, network and processes. If you are not "
    "root, each process of an answer may take 3 GB. The page for teachers says what holds where.",
    "user": "this system refuses namespaces and has no Landlock, so answers ran as a user of their own. They could read and "
    "write what everybody can. The page for teachers says what holds where.",
    "limits": "answers ran without a sandbox, as --no-sandbox says: they could have read the course, forged their points, or "
    "changed your files. Grade what you do not trust on Linux.",
}


@click.command()
@click.argument("submissions", nargs=-1, required=True, type=FOLDER)
@click.option("--chapters", "only", type=Chapters(), help="Such as 1,2.  [default: all that anybody handed in]")
@settings_of
@click.option("--out", type=FOLDER, default="grades", show_default=True, help="The folder to write to.")
@click.option("--as-one", is_flag=True, help="Take each place named as the hand-in of one learner.")
@click.option("--workers", type=click.IntRange(1), help="How many learners to grade at a time.  [default: one a core]")
def grade(
    submissions: tuple[Path, ...], only: tuple[Chapter, ...] | None, out: Path, as_one: bool, workers: int | None, **how
) -> int:
    """Grade what learners handed in: files, folders or zip archives, of one or of many.

    Each answer runs in a sandbox of its own, and is judged from outside. The folder `grades` gets a gradebook, a report
    on the class, and for each learner feedback and files for the usual platforms. Run the same command again, and only
    what is new or has changed is graded.
    """
    from dino.course.grade import store
    from dino.course.grade.pool import fingerprint, grade_all
    from dino.course.grade.submissions import find

    keep_apart(submissions, out)
    found = find(list(submissions), as_one, note)
    topics = tuple(one.topic for one in only) if only else topics_of(found)
    settings = Settings(topics, **how)
    prints = {one.name: fingerprint(one, settings) for one in found}
    with store.alone(out, prints):
        key = store.secret(note)
        done = store.kept(out, prints, key, note)
        if done:
            click.echo(f"{len(done)} of {len(found)} are graded already, and have not changed.")
        waiting = [one for one in found if one.name not in done]
        for one, graded in grade_all(waiting, settings, workers or processors(), [*submissions, out]):
            store.keep(out, graded, prints[one.name], key)
            done[one.name] = graded
            click.echo(row(graded))
        results = [done[name] for name in sorted(done)]
        written = store.finish(out, results)
    return summary(results, written, out)


def note(sentence: str) -> None:
    """Say something that a teacher should know."""
    click.echo(f"Note: {plain(sentence)}", err=True)


def keep_apart(submissions: tuple[Path, ...], out: Path) -> None:
    """Raise ValueError if the results would lie in what is graded, where a learner's own may lie, or the other way round."""
    results = Path(os.path.realpath(out), "learners")
    for place in submissions:
        whole = Path(os.path.realpath(place))
        if results.is_relative_to(whole) or whole.is_relative_to(results):
            elsewhere = os.path.relpath(whole.parent / "grades")
            raise ValueError(
                f"The results would go into {out}, which overlaps with what is graded ({place}), and may be taken for a learner's. "
                f"Name a folder elsewhere, such as --out {elsewhere}."
            )


def topics_of(found: list) -> tuple[str, ...]:
    """The chapters that somebody handed in, and a line that says so. Raises ValueError if there is none.

    found  the `Submission` of each learner
    """
    count = {one.topic: sum(some.attempts(one) for some in found) for one in chapters()}
    words = [f"{topic} ({often} hand-in{'s' * (often > 1)})" for topic, often in count.items() if often]
    if not words:
        for one in found:
            for problem in one.problems:
                note(f"{one.name}: {problem}")
        raise ValueError(
            "Nothing of what was handed in answers a chapter. Name the chapters with --chapters to grade anyway."
        )
    click.echo(f"Grading {', '.join(words)}: choose with --chapters.")
    return tuple(topic for topic, often in count.items() if often)


def row(graded: Graded) -> str:
    """One learner, in a line."""
    if graded.broken:
        return f"  {graded.name:<28} {click.style(graded.broken, fg='red')}"
    signs = "".join(SIGNS[mark.state] for mark in graded.marks)
    return f"  {graded.name:<28} {number(graded.score):>6} of {number(graded.of)}  {signs}"


def summary(results: list[Graded], written: list[Path], out: Path) -> int:
    """Tell about the whole class; 1 if somebody could not be graded."""
    judged = [graded for graded in results if not graded.broken]
    for graded in results:
        for problem in graded.problems:
            note(f"{graded.name}: {problem}")
    for isolation in sorted({graded.isolation for graded in judged} & WEAKER.keys()):
        note(WEAKER[isolation])
    full = sum(all(mark.state == PASSED for mark in graded.marks) for graded in judged)
    click.echo(f"\n{len(judged)} graded, {full} of them with everything right.")
    for path in [*written, out / "learners"]:
        click.echo(f"  {path}")
    return 1 if len(judged) < len(results) else 0


@click.command()
@click.argument("only", metavar="CHAPTERS", type=Chapters())
@click.option("--out", type=FOLDER, required=True, help="The folder to make.")
@click.option("--due", default="", help="What to say about handing in, such as 'by Friday noon'.")
@settings_of
def assign(only: tuple[Chapter, ...], out: Path, due: str, **how) -> int:
    """Make an assignment of CHAPTERS, such as 1,2: what learners get, and what the usual platforms need to grade it."""
    from dino.course.grade.assign import assignment

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is there already, and not empty. Name a new folder with --out.")
    settings = Settings(tuple(chapter.topic for chapter in only), **how)
    for name, content in assignment(settings, due).items():
        write(out / name, content)
    for folder in sorted(out.iterdir()):
        click.echo(f"  {folder}")
    return 0
