"""Captions in training: which of their words the network is told, and the prompts that go with pictures."""

import textwrap
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from dino.captions import vocabulary, words_of
from dino.conditioning import Captioned, prompted
from dino.denoiser import Denoiser


class Prompts:
    """What pictures for training have beside them if captions come with them, be they cached or streamed.

    texts     the captions, until the words are known
    words     those that the network is told
    examples  a few captions, the same for all of a run, to draw its sheets with
    prompts   (count, words), whether each word is in each caption
    picked    (batch, words), those of the pictures that were picked last, 0 or 1
    """

    texts: Sequence[str] = ()
    words: Sequence[str] = ()
    examples: Sequence[str] = ()
    prompts: Tensor | None = None
    picked: Tensor
    ask = Captioned.ask

    def captions(self) -> Sequence[str]:
        """All captions that there are to choose words from."""
        return self.texts

    def learn_words(self, words: Sequence[str], examples: Sequence[str]) -> None:
        """Make prompts of the captions, with these words."""
        self.words, self.examples = words, examples
        self.prompts, self.texts = as_prompts(self.texts, words), ()


def as_prompts(texts: Sequence[str], words: Sequence[str]) -> Tensor:
    """What `read` makes of each text, (count, words), as truth values: quicker, for there may be a million of them."""
    numbers = {word: i for i, word in enumerate(words)}
    prompts = torch.zeros(len(texts), len(words), dtype=torch.bool)
    for prompt, text in zip(prompts, texts, strict=True):
        prompt[[numbers[word] for word in words_of(text) if word in numbers]] = True
    return prompts


def choose_words(texts: Sequence[str], column: str) -> tuple[list[str], list[str], str]:
    """Choose the words that the network is told, and examples of captions: eight of all sorts, as many as a sheet has rows.

    Returns both, and one line that tells of them. Raises ValueError if no word is frequent enough.
    """
    words = vocabulary(texts)
    if not words:
        raise ValueError(
            f"No word stands in enough of the {len(texts):,} captions in column {column} to learn what it means, and "
            f"{count_empty(texts):,} of them are empty. Name another column with --text, or leave it out."
        )
    different = list(dict.fromkeys(texts))
    different = [text for text, known in zip(different, as_prompts(different, words).any(dim=1), strict=True) if known]
    examples = [different[row * len(different) // 8] for row in range(8)]
    rarer = len(vocabulary(texts, least=1, most=10**9)) - len(words)
    more = ", ..." if len(words) > 8 else ""
    return (
        words,
        examples,
        (
            f"Captions in column {column}: {len(words)} words are known ({', '.join(words[:8])}{more}), {rarer:,} rarer ones are "
            f"left out; {count_empty(texts):,} of {len(texts):,} captions are empty."
        ),
    )


def count_empty(texts: Sequence[str]) -> int:
    """How many captions say nothing."""
    return sum(not text.strip() for text in texts)


def short(text: str) -> str:
    """The beginning of a caption, such that it can be printed."""
    text = textwrap.shorten(text, 80, placeholder=" ...")
    return text if text.isprintable() else ascii(text)


def as_on_sheets(denoiser: Denoiser, examples: Sequence[str], count: int = 64) -> Callable:
    """The denoiser as it draws the sheets of a run: each of the examples for one row, if there are any."""
    if not examples:
        return denoiser
    prompts = as_prompts(examples, denoiser.words).repeat_interleave(count // len(examples), dim=0)
    return prompted(denoiser, prompts.float().to(next(denoiser.parameters()).device))
