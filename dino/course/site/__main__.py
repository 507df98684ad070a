"""`python -m dino.course.site FOLDER` writes the site as plain Markdown; with `--paper`, the book, worksheets and slides alone."""

import sys
from pathlib import Path

from dino.course.chapters import LESSON
from dino.course.site.build import write, write_paper

options, folders = ([word for word in sys.argv[1:] if word.startswith("-") == dashed] for dashed in (True, False))
if options not in ([], ["--paper"]) or len(folders) != 1 or Path(folders[0]).exists():
    sys.exit("Name one folder that is not there yet: python -m dino.course.site [--paper] FOLDER")
(write_paper if options else write)(LESSON.parent, Path(folders[0]))
