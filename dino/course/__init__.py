"""The school around the lesson: chapters, checks, figures and the command line.

Chapters say `from dino.course import check, show, use_own`; these are loaded when they are first asked for, because they
need torch and matplotlib, and the command `dino` should answer at once.
"""

import warnings

# Without ipywidgets, the progress bars that we do not use would begin every notebook with a warning.
warnings.filterwarnings("ignore", message="IProgress not found")


def __getattr__(name: str):
    if name == "check":
        from dino.course.judge.report import check

        return check
    if name == "use_own":
        from dino.course.judge.own_answers import use_own

        return use_own
    if name == "show":
        from dino.course.judge.figures import show

        return show
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
