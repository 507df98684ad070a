"""jupytext, without the two seconds that loading it can take, and the format of our chapters.

It brings `jsonschema` along, which, where Jupyter is installed, builds a grammar of internet addresses (`rfc3987_syntax`) to
check fields that no notebook of ours has. `jsonschema` does without that grammar if it cannot be imported.
"""

import sys

GRAMMAR = "rfc3987_syntax"
sys.modules.setdefault(GRAMMAR, None)  # this is how Python marks what cannot be imported

import jupytext  # noqa: E402

if sys.modules[GRAMMAR] is None:
    del sys.modules[GRAMMAR]


def notebook(text: str):
    """The text of a chapter as a notebook, an `nbformat.NotebookNode`."""
    # Without the last word, jupytext would take comments such as `# why?` or `# copy the noise` for commands of a
    # notebook: they would not be Python any more.
    book = jupytext.reads(text, fmt={"extension": ".py", "format_name": "percent", "comment_magics": False})
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return book


def written(book) -> str:
    """A notebook as the text of an .ipynb file."""
    return jupytext.writes(book, fmt="ipynb")
