"""The command `dino`. Modules that need torch are imported by the commands that use them, so that `dino` answers at once.

Exit codes: 0 all is well, 1 an answer is wrong or training was stopped, 2 the command cannot be carried out.
"""

import contextlib
import math
import os
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import click

from dino.course import workspace
from dino.course.chapters import Chapter, chapters, exercise_names, find_chapter, find_exercise, solution
from dino.course.files import write
from dino.course.grade.commands import assign, grade
from dino.course.judge.verdict import FAILED, NOT_STARTED, PASSED, SIGNS, mark
from dino.course.terminal import hold_all


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dino-course")
@click.pass_context
def cli(context: click.Context) -> None:
    """Build a diffusion model by hand, and draw dinosaurs with it.

    Alone, dino lists the chapters and exercises, and your progress.
    """
    if context.invoked_subcommand is None:
        outline()


cli.add_command(assign)
cli.add_command(grade)


def outline() -> None:
    """List chapters and exercises with progress."""
    folder, known, passed = workspace.find(), {}, 0
    try:
        known = workspace.read_progress(folder) if folder else {}
    except (OSError, ValueError) as error:
        click.echo(f"Note: {folder / workspace.PROGRESS} cannot be read ({error}), so it is not known how far you are.")
    for chapter in chapters():
        minutes = sum(exercise.minutes for exercise in chapter.exercises)
        click.secho(f"\n{chapter.path.stem}  {chapter.title}", bold=True, nl=False)
        click.echo(f"  (exercises: {minutes} minutes)")
        for exercise in chapter.exercises:
            state = known.get(exercise.name, {}).get("state")
            state = state if state in SIGNS else NOT_STARTED
            passed += state == PASSED
            click.echo(f"  {mark(state)} {exercise.name:<16}{exercise.minutes:>3} minutes, {exercise.difficulty}")
    click.echo(f"\n{passed} of {len(exercise_names())} exercises passed.")
    if folder:
        click.echo(f"Your chapters are in {folder}. `dino check` checks them; `dino hint EXERCISE` helps.")
    else:
        click.echo("Begin with `dino start`, which makes a folder with your own copies of the chapters.")


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), default=workspace.DEFAULT)
@click.option("--notebook", is_flag=True, help="Make notebooks (.ipynb) instead of .py files.")
def start(folder: Path, notebook: bool) -> None:
    """Make FOLDER (my-dino) with your own copies of the chapters, and a first sheet of dinosaurs.

    Existing files are never overwritten, so you can run it again after an upgrade to get new chapters.
    """
    added, kept = workspace.start(folder, notebook)
    for path in added:
        click.echo(f"  {path}")
    if kept:
        click.echo(f"Left as they are: {', '.join(path.name for path in kept)}")
    sheet = folder / "dinosaurs.png"
    if not sheet.exists():
        from dino.course.train.draw import draw_sheet
        from dino.saving import load_denoiser

        draw_sheet(load_denoiser(), sheet, size=32, device="cpu")
        made = "64 dinosaurs that nobody drew: the model that you are going to build made them just now"
        click.echo(f"  {sheet}  {made}")
    click.echo(f"\nOpen {added[0] if added else kept[0]} in an editor that runs cells, or in Jupyter, and begin.")


@cli.command()
@click.argument("what", required=False)
@click.option("--watch", is_flag=True, help="Check again whenever you save, until Ctrl-C.")
@click.option("--variant", type=int, help="The number of your class's variant of the course, if it has one.")
def check(what: str | None, watch: bool, variant: int | None) -> int:
    """Check your answers in a chapter (1, noise), a file (.py or .ipynb) or a folder; without WHAT, in all your chapters."""
    if not watch:
        return check_files(files_of(what), variant, what)
    with contextlib.suppress(KeyboardInterrupt):
        watch_files(what, variant)
    return 0


def stamp(path: Path) -> list:
    """What changes when a file is saved, or a helper module beside it; empty while the file is away."""
    helpers = sorted(one for one in path.parent.glob("*.py") if find_chapter(one.name) is None)
    with contextlib.suppress(OSError):
        return [(one, one.stat().st_mtime_ns, one.stat().st_size) for one in (path, *helpers)]
    return []


def watch_files(what: str | None, variant: int | None) -> None:
    """Check what was saved, again and again. A file or folder that is away is waited for."""
    known: dict[Path, list] = {}
    away = ""
    while True:
        try:
            files, problem = files_of(what), ""
        except ValueError as error:
            files, problem = [], str(error)
        saved = {path: stamp(path) for path, _ in files}
        changed = [pair for pair in files if saved[pair[0]] != known.get(pair[0])]
        if changed or problem != away:
            click.clear()
            if problem:
                click.echo(f"dino: {problem}", err=True)
            else:
                check_files(changed, variant, what)
            click.echo("Save, and it is checked again. Ctrl-C ends this.")
        known, away = saved, problem
        time.sleep(0.3)


def files_of(what: str | None) -> list[tuple[Path, Chapter | None]]:
    """The files that are to be checked, each with the chapter that it is, if that is known.

    A folder that is called like a chapter is meant only if there are chapters in it.

    Raises ValueError if there is none.
    """
    path, chapter, own = Path(what or ""), find_chapter(what) if what else None, workspace.find()
    if what and path.is_dir() and (chapter is None or workspace.has_chapters(path)):
        inside = path if workspace.has_chapters(path) else path / workspace.DEFAULT
        found = [(workspace.answer_file(one, inside), one) for one in chapters()]
        if files := [pair for pair in found if pair[0].is_file()]:
            return files
        raise ValueError(f"There are no chapters in {path}, such as {chapters()[0].path.name}. Name a file in it.")
    if what and (chapter is None or path.suffix or path.name != what):
        return [(own / path if own and not path.exists() and (own / path).is_file() else path, chapter)]
    return [(workspace.answer_file(one), one) for one in ([chapter] if chapter else chapters())]


def tell_passed_over(path: Path, chapter: Chapter) -> None:
    """Say it if there are several files for a chapter of which one was taken."""
    with contextlib.suppress(OSError):  # a file may go away meanwhile, and is missed then
        if note := workspace.passed_over(path, chapter):
            click.echo(f"  Note: {note}")


def check_files(files: list[tuple[Path, Chapter | None]], variant: int | None, what: str | None) -> int:
    """Check files, and tell what came of it; 2 if one cannot be checked, 1 if an answer is wrong, and 0 otherwise.

    what  the learner's word for them, which may be a file itself
    """
    count, code = Counter(), 0
    for path, chapter in files:
        click.secho(str(path), bold=True)
        if path != Path(what or ""):
            tell_passed_over(path, chapter)
        # Loading torch takes a while, so there should be something on the screen by now.
        from dino.course.judge.report import tell
        from dino.course.judge.runner import judge_file

        known, states = workspace.progress(beside=path), {}
        try:
            for verdict in judge_file(path, chapter, variant):
                new = known.get(verdict.exercise, {}).get("state") != PASSED
                tell(verdict, path.parent / "feedback" / f"{verdict.exercise}.png", new)
                states[verdict.exercise] = verdict.state
        except (OSError, ValueError) as error:
            click.echo(f"dino: {error}", err=True)
            code = 2
        workspace.record(states, beside=path)
        count.update(states.values())
    if count:
        click.echo("\n" + ", ".join(f"{count[state]} {state}" for state in SIGNS if count[state]) + ".")
    return code or (1 if count[FAILED] else 0)


@cli.command()
@click.argument("exercise", shell_complete=lambda *_: exercise_names())
@click.option("--solution", "solved", is_flag=True, help="Show the answer instead.")
def hint(exercise: str, solved: bool) -> None:
    """Show a hint for EXERCISE; asked again, a plainer one."""
    from dino.course.checks import check_for

    chapter, found = find_exercise(exercise)
    if solved:
        click.echo(solution(chapter, found))
        return
    hints = check_for(chapter.topic, exercise).hints
    seen = workspace.progress().get(exercise, {}).get("hints", 0)
    shown = min(seen + 1, len(hints))
    for number, text in enumerate(hints[:shown], start=1):
        click.echo(f"Hint {number}: {text}")
    again, answered = f"`dino hint {exercise}` again says more.", f"The answer: `dino hint {exercise} --solution`."
    click.echo(again if shown < len(hints) else answered)
    workspace.record({exercise: shown}, key="hints")


@cli.command()
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write.  [default: my_dino.py, in your folder]"
)
def assemble(out: Path | None) -> int:
    """Put your answers and the given code together into one file that trains and draws by itself."""
    from dino.course.judge.export import assemble as put_together
    from dino.course.judge.export import helpers, needed
    from dino.course.judge.runner import judge_file

    files = files_of(None)
    for path, chapter in files:
        tell_passed_over(path, chapter)
    out = out or files[0][0].parent / "my_dino.py"
    if out.exists():
        raise ValueError(f"{out} is there already. Rename or remove it, or name another file with --out.")
    answers = [verdict for path, chapter in files for verdict in judge_file(path, chapter)]
    wrong = [verdict for verdict in answers if verdict.exercise in needed() and verdict.state != PASSED]
    for verdict in wrong:
        click.echo(f"  {mark(verdict.state)} {verdict.exercise}: {verdict.news}")
    if wrong:
        click.echo(f"Nothing was written: these answers have to be right first. `dino hint {wrong[0].exercise}` helps.")
        return 1
    program = put_together([path for path, _ in files], out.name)
    write(out, program.encode())
    click.echo(f"{out}: all your answers, in one file that needs nothing of this course. Run it: python {out}")
    if own := helpers(program, files[0][0].parent):
        click.echo(f"It imports what you wrote in {', '.join(own)}, which has to lie beside it.")
    return 0


class Numbers(click.ParamType):
    """Whole numbers with commas between them."""

    name = "numbers"

    def convert(self, value, param, ctx):
        """Turn `32,64` into (32, 64)."""
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(int(part) for part in value.split(","))
        except ValueError:
            numbers = ()
        if not numbers or min(numbers) < 1:
            self.fail(f"{value!r} should be whole numbers with commas between them, such as 32,64,64,64.", param, ctx)
        return numbers


COUNT, SEED = click.IntRange(1), click.IntRange(0, 2**32 - 1)
PRECISIONS = click.Choice(["auto", "float32", "bfloat16", "float16"])


def classic_settings(context: click.Context) -> dict:
    """The settings of the classic recipe; raises ValueError if the command line names others."""
    from dino.course.train.classic import SETTINGS

    for option in context.command.params:
        given = context.get_parameter_source(option.name) == click.core.ParameterSource.COMMANDLINE
        if given and context.params[option.name] != SETTINGS.get(option.name, context.params[option.name]):
            name = (*option.opts, *option.secondary_opts)[-1]
            raise ValueError(f"--classic and {name} contradict each other. Leave out one of the two.")
    return SETTINGS


@cli.command(context_settings={"show_default": True})
@click.option("--data", default="dinosaurs", help="A folder, archive or file of pictures, or owner/name on the hub.")
@click.option("--split", default="train", help="The split of the data set.")
@click.option("--column", default="image", help="The column of the pictures.")
@click.option(
    "--text",
    metavar="COLUMN",
    help="The column of the captions, to train with prompts. A folder can have a metadata.csv with this column "
    "and one called file_name, which names the pictures; `label` means the names of folders.",
)
@click.option("--stream", is_flag=True, help="Read the pictures as they are needed, when there are too many to keep.")
@click.option(
    "--flip/--no-flip",
    default=None,
    show_default="flip; with --text no-flip, since a caption may say left or right",
    help="Mirror half of the pictures.",
)
@click.option("--size", type=click.IntRange(8, 256), default=32, help="Side length of the pictures, in pixels.")
@click.option("--steps", type=COUNT, default=6000, help="Training steps, one batch each.")
@click.option("--batch-size", "batch", type=COUNT, default=16, help="Pictures in a batch.")
@click.option("--widths", type=Numbers(), default="32,64,64,64", help="Channels at each size.")
@click.option("--depths", type=Numbers(), default="1,1,2,2", help="Blocks at each size.")
@click.option("--seed", type=SEED, default=0, help="The same seed gives the same weights.")
@click.option("--checkpoint-interval", type=COUNT, default=500, help="Steps between checkpoints, each with a sheet.")
@click.option(
    "--micro-batches", type=COUNT, default=1, help="Split each batch into this many parts: less memory, more time."
)
@click.option("--precision", type=PRECISIONS, default="auto", help="Fewer bits are faster on processors made for them.")
@click.option(
    "--classic",
    is_flag=True,
    help="Train exactly by the recipe of Dino Diffusion, from which ours comes: 64 pixels, its network, its optimizer. "
    "docs/origin.md lists the differences that remain.",
)
@click.option("--out", type=click.Path(path_type=Path), help="The folder for the run.  [default: runs/NAME-OF-DATA]")
@click.pass_context
def train(
    context: click.Context, data: str, out: Path | None, checkpoint_interval: int, micro_batches: int, **rest
) -> int:
    """Train a denoiser, on the dinosaurs or on pictures of your own.

    At every checkpoint interval, a checkpoint and a sheet of samples are written. Ctrl-C writes a last checkpoint
    and stops; the same command resumes from there, and reaches the same weights as without a stop. On several
    processors: torchrun --nproc-per-node 2 -m dino train ...
    """
    if rest["classic"]:
        rest |= classic_settings(context)
    if len(rest["widths"]) != len(rest["depths"]):
        raise ValueError("--widths and --depths should have as many numbers each: one for every size.")
    from dino.course.train.distributed import leave
    from dino.course.train.run import Settings, run_training

    if rest["flip"] is None:
        rest["flip"] = not rest["text"]
    data = os.path.expanduser(data)  # noqa: PTH111 - a shell leaves --data=~/photos to us, and what data is need not be a path
    folder = out or Path("runs") / (Path(data).resolve().name or "pictures")
    if run_training(Settings(data=data, **rest), folder, checkpoint_interval, micro_batches):
        words = ' --prompt "..."' if rest["text"] else ""
        click.echo(f"Trained. Draw with: dino sample {folder}{words}")
        return leave(0)
    click.echo(f"Stopped, and kept in {folder}. The same command goes on from there.")
    click.echo(f"What it draws by now: dino sample {folder}")
    return leave(1)


def check_ending(out: Path) -> None:
    """Raise ValueError for a sheet that would not be a picture."""
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise ValueError(f"{out} should end in .png, .jpg or .webp.")


@cli.command(context_settings={"show_default": True})
@click.argument("weights", type=click.Path(path_type=Path), required=False)
@click.option("--prompt", help="What to draw, such as: a red t-rex facing left.")
@click.option("--avoid", help="What not to draw.")
@click.option(
    "--guidance", type=float, help="How much the words count: 0 not at all, 1 as learnt.  [default: 1; with --avoid 2]"
)
@click.option("--count", type=click.IntRange(1, 1024), default=64, help="How many pictures to draw.")
@click.option("--steps", type=COUNT, default=25, help="Sampling steps: in each, the denoiser makes a guess.")
@click.option("--stretch", type=float, default=2.0, help="Extrapolation from guess to guess: 1 is none.")
@click.option("--seed", type=SEED, help="The same seed draws the same pictures.  [default: another each time]")
@click.option(
    "--beside",
    is_flag=True,
    help="Write a comparison instead: on the left, real pictures that the weights were trained on; on the right, as many "
    "drawings.",
)
@click.option("--out", type=click.Path(path_type=Path), default="dinosaurs.png", help="The sheet.")
def sample(
    weights: Path | None, prompt: str | None, avoid: str | None, guidance: float | None, count: int, steps: int,
    stretch: float, seed: int | None, beside: bool, out: Path,
) -> int:  # fmt: skip
    """Draw a sheet of pictures, and with it an animation (.webp) of how they emerge from noise.

    WEIGHTS is a file of weights, a checkpoint, or the folder of a run, finished or not; without it, the weights that come
    with the course are used, and each drawing is given some dinosaur's caption, unless you say what to draw.
    """
    check_ending(out)
    words = prompt is not None or avoid is not None
    if guidance is not None and not words:
        raise ValueError("--guidance needs words to count: a --prompt, or something to --avoid.")
    if guidance is not None and not 0 <= guidance < math.inf:
        raise ValueError(
            f"--guidance {guidance:g} should be a number from 0 up: 0 is deaf to the words, 1 follows them, 2 insists on them."
        )
    if avoid and guidance == 1:
        click.echo("Note: at --guidance 1, --avoid has no effect; 2 leads away from those words.")
    guidance = (2.0 if avoid else 1.0) if guidance is None else guidance
    import torch

    from dino.course.train.draw import draw_beside, draw_run, open_denoiser, some_real, told, told_captions
    from dino.saving import PROMPTED

    path = weights or PROMPTED
    denoiser, size, note = open_denoiser(path)
    if words and not denoiser.words:
        raise ValueError(
            f"The weights in {weights} were trained without captions, so they know no words. Train with captions "
            "(`dino train --text COLUMN`), or leave out WEIGHTS."
        )
    seed = torch.seed() % 2**31 if seed is None else seed
    free = not (weights or words)
    asked = told_captions(denoiser, count, seed) if free else told(denoiser, prompt or "", avoid or "", guidance)
    if note:
        click.echo(note)
    noise = torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))
    if beside:
        real, about = some_real(path, count, seed)
        click.echo(about)
        draw_beside(real, asked, noise, steps, stretch, out)
        click.echo(out)
    else:
        for written in draw_run(asked, noise, steps, stretch, out):
            click.echo(written)
    click.echo(f"These are the pictures of --seed {seed}.")
    return 0


@cli.command(context_settings={"show_default": True})
@click.argument("picture", type=click.Path(path_type=Path))
@click.option(
    "--keep", metavar="MASK", type=click.Path(path_type=Path), help="A picture: white is kept, black is redrawn."
)
@click.option(
    "--strength",
    type=float,
    help="How much noise to begin with: near 0 little changes, at 1 the picture is ignored.  [default: 0.6; with --keep 1.0]",
)
@click.option(
    "--weights", type=click.Path(path_type=Path), help="As for `dino sample`.  [default: those of the course]"
)
@click.option("--count", type=click.IntRange(1, 256), default=16, help="How many pictures to draw.")
@click.option("--steps", type=COUNT, default=12, help="Sampling steps.")
@click.option(
    "--resample",
    type=click.IntRange(0),
    help="How often the denoiser revises its guess in each step.  [default: 3; with --keep 7]",
)
@click.option("--stretch", type=float, default=2.0, help="Extrapolation from guess to guess: 1 is none.")
@click.option("--seed", type=SEED, help="The same seed draws the same pictures.  [default: another each time]")
@click.option("--out", type=click.Path(path_type=Path), default="edited.png", help="The sheet.")
def edit(
    picture: Path, keep: Path | None, strength: float | None, weights: Path | None, count: int, steps: int, resample: int | None,
    stretch: float, seed: int | None, out: Path,
) -> int:  # fmt: skip
    """Draw variations of PICTURE, a scribble or a photo, or keep a part of it and draw the rest.

    Its middle square is cropped and scaled to the size of the model's pictures, and so is that of MASK, which has to be as
    large as PICTURE. Transparent parts count as white. The sheet begins with the picture and what is kept of it, and an
    animation (.webp) beside it shows how the drawings came about.
    """
    check_ending(out)
    strength = (1.0 if keep else 0.6) if strength is None else strength
    resample = (7 if keep else 3) if resample is None else resample
    if not 0 < strength <= 1:
        raise ValueError(
            f"--strength {strength:g} should be above 0 and at most 1: it is the share of noise to begin with."
        )
    import torch

    from dino.course.train.draw import draw_edit, files_of_run, open_denoiser, read_mask, read_picture, told
    from dino.data import crop, to_tensor
    from dino.saving import TRAINED

    whole = read_picture(picture)
    denoiser, size, note = open_denoiser(weights or TRAINED)
    known = read_mask(keep, whole, size) if keep else torch.zeros(1, 1, size, size)
    for given in filter(None, (picture, keep)):
        if any(file.exists() and file.samefile(given) for file in files_of_run(out)):
            raise ValueError(f"{given} would be written over. Name another file with --out.")
    if note:
        click.echo(note)
    seed = torch.seed() % 2**31 if seed is None else seed
    # Fresh noise comes from this seed, too, and lies in memory as the picture does: contiguous, as `stack` makes it.
    noise = torch.rand(count, 3, size, size, generator=torch.manual_seed(seed))
    middle = torch.stack([to_tensor(crop(whole, size))])
    for written in draw_edit(told(denoiser), middle, known, noise, strength, resample, steps, stretch, out):
        click.echo(written)
    click.echo(f"These are the pictures of --seed {seed}.")
    return 0


def main() -> None:
    """Run the command, and turn what goes wrong into a sentence."""
    warnings.showwarning = lambda message, *_args, **_more: click.echo(f"Note: {message}", err=True)
    hold_all(sys.stdout, sys.stderr)
    try:
        sys.exit(cli(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
    except (OSError, ValueError) as error:
        click.echo(f"dino: {error}", err=True)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Stopped.", err=True)
        sys.exit(1)
    sys.exit(2)
