"""`python -m dino.course.site FOLDER` writes the site as plain Markdown."""

import sys
from pathlib import Path

from dino.course.chapters import LESSON
from dino.course.site.build import write

if len(sys.argv) != 2 or Path(sys.argv[1]).exists():
    sys.exit("Name one folder that is not there yet: python -m dino.course.site FOLDER")
write(LESSON.parent, Path(sys.argv[1]))
