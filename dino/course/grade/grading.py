"""Grades what one learner handed in: each answer runs in a fresh process in a sandbox, and is judged from outside."""

import io
import time

from dino.course.chapters import Chapter, chapters
from dino.course.checks import check_for
from dino.course.checks.claims import Figure
from dino.course.grade.results import Graded, Mark, Settings, plain
from dino.course.grade.sandbox.client import ForkServer, how_it_ended, lesson_for
from dino.course.grade.sandbox.isolation import LIMITS
from dino.course.grade.sandbox.protocol import Failure, Hello, Job, ProtocolError
from dino.course.grade.sandbox.proxy import Remote
from dino.course.grade.submissions import Submission
from dino.course.judge.figures import evidence, plt
from dino.course.judge.partial import true_share
from dino.course.judge.runner import judge_in
from dino.course.judge.timeout import StillBusyError, at_most
from dino.course.judge.variants import variant
from dino.course.judge.verdict import FAILED, NOT_STARTED, PASSED

# Seconds: for one call of an answer, for loading a file, for everything about one exercise, and for drawing what is wrong.
PATIENCE, LOADING, ALL, DRAWING = 15, 20, 60, 5
HELPERS = 8 * 2**20  # bytes of files that come along with an answer, which has to write them down
CAUSES = 3  # how many things that kept one file from being run are remarks


def grade(server: ForkServer, submission: Submission, settings: Settings) -> Graded:
    """Grade what one learner handed in."""
    graded = Graded(submission.name, problems=list(submission.problems))
    try:
        graded.isolation = server.isolation
    except OSError as error:
        graded.broken = f"Nothing was run. {error}"
        return graded
    if graded.isolation == LIMITS and not settings.no_sandbox:
        graded.broken = (
            "Nothing was run: this system cannot isolate answers, so they could forge their points and delete files. "
            "Grade on Linux, or add --no-sandbox if you trust them all."
        )
        return graded
    if graded.isolation == LIMITS:
        graded.problems.append("Run without a sandbox: nothing kept an answer from forging its points.")
    for chapter in chapters():
        if chapter.topic in settings.topics:
            graded.marks += grade_chapter(server, submission, chapter, settings, graded.problems)
    return graded


def grade_chapter(
    server: ForkServer, submission: Submission, chapter: Chapter, settings: Settings, remarks: list[str]
) -> list[Mark]:
    """Grade the answers to one chapter. Those that are not right, or not as published, are taken from the lesson for others.

    remarks  gets which file counts, and what kept it from being read or run, if that cost points
    """
    path = submission.answers(chapter)
    remarks += filter(None, [submission.choice(chapter)])
    marks: list[Mark] = []
    causes: dict[str, None] = {}
    for exercise in chapter.exercises:
        start = time.monotonic()
        mark = Mark(chapter.topic, exercise.name, FAILED, 0, settings.of(exercise.name), "")
        if path is None:
            mark.state, mark.news = NOT_STARTED, "There is no file for this chapter."
        else:
            job = job_for(submission, path, chapter, exercise.name)
            twisted = variant(settings.variant)
            job.replaced = [one.exercise for one in marks if one.state != PASSED or one.exercise in twisted]
            found, note = grade_answer(server, job, mark, settings)
            causes |= dict.fromkeys(found)
            remarks += [f"{exercise.name}: {note}"] if note else []
        mark.seconds = round(time.monotonic() - start, 3)
        marks.append(mark)
    if any(mark.state != PASSED for mark in marks):
        remarks += [*causes][:CAUSES]
    return marks


def job_for(submission: Submission, path: str, chapter: Chapter, name: str) -> Job:
    """What a worker has to know to serve one answer."""
    names, (here, slash, name_of_file) = [one.name for one in chapter.exercises], path.rpartition("/")
    stem, dot, ending = name_of_file.rpartition(".")
    file = f"{stem[:50]}{dot}{ending}"  # archives can hold longer names than folders
    texts = {file: submission.files[path], **helpers_in(submission.files, here + slash)}
    files = {one: data.decode("utf-8", "surrogateescape") for one, data in texts.items()} | lesson_for(chapter, name)
    return Job(name, chapter.topic, file, files, [], names[names.index(name) + 1 :], PATIENCE, ALL)


def helpers_in(files: dict[str, bytes], folder: str) -> dict[str, bytes]:
    """What an answer may import: the `.py` files in its folder and in folders in it, by path; of too many the nearest."""
    inside = [path.removeprefix(folder) for path in files if path.startswith(folder) and path.endswith(".py")]
    found, left = {}, HELPERS
    for path in sorted(inside, key=lambda path: path.count("/")):
        data = files[folder + path]
        if (size := len(data) + 4096) <= left:  # the least that a system takes for a file
            found[path], left = data, left - size
    return found


def grade_answer(server: ForkServer, job: Job, mark: Mark, settings: Settings) -> tuple[list[str], str]:
    """Grade one answer in a worker of its own, and write into its mark what became of it; give what was wrong with its file,
    and which definition was taken, where there are several.

    Whatever the answer does, there is a mark: an error of the grader's own is told in it, too.
    """
    name, broken, causes, note = job.exercise, "", [], ""
    with server.worker(job) as (connection, end):
        remote = Remote(connection, name, time.monotonic() + ALL)
        try:
            with at_most(ALL + DRAWING):  # the judge, too: what comes from an answer may take long to work with
                match connection.receive(time.monotonic() + LOADING):
                    case Failure(error="ValueError", text=text):  # the file is not what its name says
                        mark.news, causes = text, [text]
                    case Failure(sentence=sentence):
                        mark.news, mark.symptom = "The imports and definitions of the file could not be run.", sentence
                    case Hello(problem=problem, causes=causes) if problem:
                        mark.news = problem
                    case Hello(causes=causes, note=note) as hello:
                        judge_remote(remote, hello, mark, settings)
                    case message:
                        broken = f"It sends a {type(message).__name__} that nobody waits for."
        except ProtocolError as error:
            broken = str(error)
        except TimeoutError:
            mark.news = "Its imports and definitions never finish: is there a loop that never ends?"
        except StillBusyError:
            broken = f"What it gives cannot be judged within {ALL} seconds."
        except Exception as error:
            broken = f"{type(error).__name__}: {error}"
        if broken := remote.broken or broken:
            mark.state, mark.score, mark.picture, mark.mistake = FAILED, 0, b"", False
            mark.news, mark.symptom = f"It did not answer: {how_it_ended(*end())}.", broken
    mark.news, mark.symptom = plain(mark.news), plain(mark.symptom)
    return [plain(cause)[:300] for cause in causes[:CAUSES]], plain(note)[:300]


def judge_remote(remote: Remote, hello: Hello, mark: Mark, settings: Settings) -> None:
    """Judge an answer that is ready to be called, and write into its mark what became of it."""
    answer = remote.answer(hello.kind, hello.parameters)
    verdict = judge_in(settings.variant, mark.exercise, answer)
    mark.state, mark.news, mark.symptom = verdict.state, verdict.news, verdict.symptom
    mark.mistake = mark.news in check_for(mark.chapter, mark.exercise).mistakes
    mark.picture = picture_of(verdict.figure)
    if verdict.state == PASSED:
        mark.score = mark.of
    elif settings.partial and verdict.state == FAILED and callable(answer) and not (remote.broken or remote.stuck):
        twist = variant(settings.variant).get(mark.exercise)
        mark.score = mark.of * true_share(mark.chapter, mark.exercise, twist.adapted(answer) if twist else answer)


def picture_of(figure: Figure | None) -> bytes:
    """What is wrong, as a PNG picture; nothing if it cannot be seen."""
    buffer = io.BytesIO()
    try:
        with at_most(DRAWING):
            if drawn := evidence(figure):
                drawn.savefig(buffer, format="png", dpi=90, bbox_inches="tight")
    except (Exception, StillBusyError):  # what came from an answer may be of any kind, and a picture is no grade
        return b""
    finally:
        plt.close("all")
    return buffer.getvalue()
