"""Lets whatever the course says be written to a terminal or file that cannot hold all its letters."""

import codecs
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


def held_by(stream: object, text: str) -> str:
    """A text with plain signs for those that a stream cannot hold."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "dino-plain").decode(encoding)


class Plain:
    """A stream that writes plain signs for those that the one behind it cannot hold.

    It says that its encoding is UTF-8, so that click hands it all signs as they are.
    """

    encoding = "utf-8"

    def __init__(self, stream):
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text."""
        return self.stream.write(held_by(self.stream, text))

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)
