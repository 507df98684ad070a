"""Lets whatever the course says be written to a terminal or file that cannot hold all its letters."""

import codecs
import io
import unicodedata

# What stands for a sign that an encoding does not have: for our own, for those of progress bars, and for kinds of others.
PLAIN = {"✓": "+", "✗": "x", "·": ".", "…": "...", "→": "->", "█": "#", **dict.fromkeys("▏▎▍▌▋▊▉", " ")}
PLAIN |= {"Pd": "-", "Pi": '"', "Pf": '"'}


def in_plain_signs(error: UnicodeError) -> tuple[str, int]:
    """Handle signs that cannot be encoded: write plain ones instead. Raises other errors of this kind again."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    plain = (
        PLAIN.get(one) or PLAIN.get(unicodedata.category(one)) or unicodedata.normalize("NFKD", one)[0] for one in signs
    )
    return "".join(text if text.isascii() else "?" for text in plain), error.end


codecs.register_error("dino-plain", in_plain_signs)


def hold_all(*streams: object) -> None:
    """Let these streams write plain signs for those that they cannot hold."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="dino-plain")
