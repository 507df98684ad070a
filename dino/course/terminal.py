"""Shows a picture right in the terminal, where the terminal can."""

import base64
import os


def inline(png: bytes) -> str:
    """The characters that make a terminal show a PNG picture; "" for a terminal that is not known to show any.

    Kitty and Ghostty speak the one language (https://sw.kovidgoyal.net/kitty/graphics-protocol), iTerm2, WezTerm and
    Visual Studio Code the other (https://iterm2.com/documentation-images.html).
    """
    data = base64.b64encode(png).decode()
    if "KITTY_WINDOW_ID" in os.environ or os.environ.get("TERM_PROGRAM") == "ghostty":
        parts = [data[i : i + 4096] for i in range(0, len(data), 4096)]
        heads = ["a=T,f=100,", *[""] * (len(parts) - 1)]
        return "".join(
            f"\x1b_G{head}m={int(i < len(parts) - 1)};{part}\x1b\\"
            for i, (head, part) in enumerate(zip(heads, parts, strict=True))
        )
    if os.environ.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm", "vscode"):
        return f"\x1b]1337;File=inline=1;size={len(png)}:{data}\x07"
    return ""
