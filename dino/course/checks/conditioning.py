"""Checks for chapter 8."""

import torch
from torch import Tensor

from dino import conditioning as lesson
from dino.course.checks.claims import Bars, Claim, Claims, Curve, Pictures, Shape, check_of, how_many
from dino.course.checks.inputs import any_size, between, pictures, shares

COLOURS, SIDES, KINDS = ("red", "teal", "green", "pink"), ("left", "right"), ("stegosaurus", "triceratops")
# A word of the network, and what a text may say instead: words that begin with it, end with it, or have it inside.
BEGIN = {"red": "redwood", "large": "largest", "small": "smaller", "left": "leftover", "plate": "plates"}
END = {"red": "tired", "right": "upright", "green": "evergreen", "tail": "cocktail", "pink": "hotpink"}
INSIDE = {"red": "hundreds", "right": "brightest", "tan": "standing", "small": "dismally", "large": "enlarged"}


def some(things, count: int) -> list:
    """So many of some things, in a random order."""
    things = list(things)
    return [things[i] for i in torch.randperm(len(things))[:count]]


def in_capitals(word: str) -> str:
    """A word with one capital or all of them."""
    return word.upper() if torch.rand(()) < 0.5 else word.capitalize()


def made_up(count: int) -> list[str]:
    """Words of four syllables, no two alike, every third with a hyphen in the middle."""
    syllables = [consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeiou"]
    numbers = torch.randperm(len(syllables) ** 2)[:count].tolist()
    halves = [[syllables[n // 60] + syllables[n % 60] for n in (number, 3599 - number)] for number in numbers]
    return [("-" if i % 3 == 0 else "").join(pair) for i, pair in enumerate(halves)]


@check_of(
    lesson.read,
    hints=(
        "Two steps: make a list of the words in the text, all in small letters; then go through the words of the network, and ask "
        "of each whether it is in that list. Beware of commas, and of the hyphen in t-rex.",
        '`re.findall(r"[\\w-]+", text.lower())` is a list of the words: letters and hyphens that stand together. '
        "`float(word in said)` is 1 for a word that is in the list `said`, and 0 for any other.",
    ),
    notice="A text of whatever length becomes as many numbers as the network has words. What is lost: their order, how often they "
    'come, and all words that the network does not know. "A red t-rex with green spots" and "a green t-rex with red spots" are '
    "the same to it.",
    mistakes={
        "Capitals stay as they are: put the text into small letters before you compare.": {"text.lower()": "text"},
        "Nothing is ever found, though it is there: are both in small letters, and is each word compared with each word?": (
            {"text.lower()": "text.upper()"},
            {"text.lower()": "text.title()"},
            {"word in said": "word == said"},
            {"word in said": "said in words"},
        ),
        "A word is looked for anywhere in the text, so a piece of another counts: `red` is also in `tired`. Cut the text into "
        "words first.": (
            {"in said": "in text.lower()"},
            {"word in said": "any(word in one for one in said)"},
            {"float(word in said)": "float(re.search(word, text.lower()) is not None)"},
        ),
        "A word is looked for anywhere in the text, and capitals stay as they are: put it into small letters, and cut it into "
        "words.": ({"in said": "in text"}, {"float(word in said)": "float(text.count(word) > 0)"}),
        "A word counts that only begins like one of the network's: compare whole words.":
            {"word in said": "any(one.startswith(word) for one in said)"},
        "A word counts that only ends like one of the network's: compare whole words.":
            {"word in said": "any(one.endswith(word) for one in said)"},
        "You ask whether a word of the text is a piece of a word of the network: compare whole words.":
            {"word in said": "any(one in word for one in said)"},
        "Words are cut at the hyphen: t-rex is one word.": (
            {'r"[\\w-]+"': 'r"\\w+"'},
            {'r"[\\w-]+"': 'r"[a-z]+"'},
            {'re.findall(r"[\\w-]+", text.lower())': 're.split(r"\\W+", text.lower())'},
            {"text.lower()": 'text.lower().replace("-", " ")'},
        ),
        "The hyphen is taken out of the text: t-rex is spelt with it.":
            ({"text.lower()": 'text.lower().replace("-", "")'}, {"text.lower()": 're.sub(r"[^\\w\\s]", "", text.lower())'}),
        "A piece of a word with a hyphen counts as a word (`\\b` also stands at a hyphen): `neck` is not in `long-neck`.":
            {"float(word in said)": 'float(re.search(rf"\\b{word}\\b", text.lower()) is not None)'},
        "Commas stick to the words before them: take them away.": (
            {'re.findall(r"[\\w-]+", text.lower())': "text.lower().split()"},
            {'re.findall(r"[\\w-]+", text.lower())': 'text.lower().strip(",").split(" ")'},
        ),
        "Commas stick to the words before them, and capitals stay as they are: put the text into small letters, and take the commas away.":
            {'re.findall(r"[\\w-]+", text.lower())': "text.split()"},
        "The text is cut at its commas only: cut it at spaces, too.":
            {'re.findall(r"[\\w-]+", text.lower())': '[part.strip() for part in text.lower().split(",")]'},
        "What stands before and after a comma is glued together: put a space in its place.":
            {'re.findall(r"[\\w-]+", text.lower())': 'text.lower().replace(", ", "").replace(",", "").split()'},
        "The text is cut into letters: cut it into words.": (
            {'re.findall(r"[\\w-]+", text.lower())': "list(text.lower())"},
            {'r"[\\w-]+"': 'r"[\\w-]"'},
        ),
        "What comes after a comma is lost: read on.": {"text.lower()": 'text.lower().split(",")[0]'},
        "The last word of the text is lost: nothing has to follow it.":
            ({"text.lower())": "text.lower())[:-1]"}, {'r"[\\w-]+"': 'r"([\\w-]+)[ ,]"'}),
        "The first word of the text is lost: nothing has to come before it.": (
            {"text.lower())": "text.lower())[1:]"},
            {'r"[\\w-]+"': 'r" ([\\w-]+)"'},
        ),
        "Only the first word of the text is read: read all of them.": {"text.lower())": "text.lower())[:1]"},
        "Only one of the words that are found gets its 1: is the row of zeros made anew for each?": (
            {"word in said)": "word == next((w for w in reversed(words) if w in said), None))"},
            {"word in said)": "word == next((w for w in reversed(said) if w in words), None))"},
        ),
        "Only the first of the words that is found gets its 1: is there a `break`?": (
            {"word in said)": "word == next((w for w in words if w in said), None))"},
            {"word in said)": "word == next((w for w in said if w in words), None))"},
        ),
        "Words that say little are left out (`FILLERS`): what the network knows is in `words`, and all of that counts.":
            {"word in said)": "word in said and word not in FILLERS)"},
        "You count how often a word comes: it is 1 if the word is there, however often.":
            {"word in said": "said.count(word)"},
        "There is a number for each word of the text: there should be one for each word of the network.":
            {"word in said) for word in words": "word in words) for word in said"},
        "You return the places of the words that are found: give each word of the network a 1 or a 0.":
            {"word in said) for word in words": "i) for i, word in enumerate(words) if word in said"},
        "Words that are not in the text are left out: they should get a 0.": {"for word in words": "for word in words if word in said"},
        "You return where in the text a word stands: it is 1 if the word is there, wherever.":
            {"word in said": "said.index(word) + 1 if word in said else 0"},
        "You return words, and a tensor holds numbers: 1 for a word that is there, and 0 for any other.": (
            {"float(word in said) for word in words": "word for word in words if word in said"},
            {"float(word in said) for": "word for"},
        ),
        "There is a row for each word of the text: in a bag of words, one row tells of all.":
            {"[float(word in said) for word in words]": "[[float(word == one) for word in words] for one in said]"},
        "There is only one number: is there a `return` inside the loop?": (
            {"[float(word in said) for word in words]": "float(words[0] in said)"},
            {"for word in words": "for word in words[:1]"},
            {"return torch.tensor([float(word in said) for word in words])":
                 "for word in words:\n        if word in said:\n            return torch.tensor([1.0])"},
            {"return torch.tensor([float(word in said) for word in words])":
                 "for word in words:\n        if word in said:\n            return torch.tensor(1.0)"},
        ),
        "Texts have words that the network does not know: pass over them, they have no place in `words`.": (
            {"torch.tensor([float(word in said) for word in words])":
                 "torch.zeros(len(words)).index_fill(0, torch.tensor([words.index(word) for word in said]), 1.0)"},
            {"torch.tensor([float(word in said) for word in words])":
                 "torch.zeros(len(words)).index_fill(0, torch.tensor([dict(zip(words, range(999)))[word] for word in said]), 1.0)"},
        ),
        "There is a dimension too many: the shape should be (len(words),).":
            ({"[float(word in said) for word in words]": "[[float(word in said) for word in words]]"},
             {"float(word in said)": "[float(word in said)]"}),
        "You return a list: make it a tensor.": {"torch.tensor([float(word in said) for word in words])": "[float(word in said) for word in words]"},
        "These are whole numbers or booleans: make them floats, which is what a network calculates with.":
            ({"float(word in said)": "int(word in said)"}, {"float(word in said)": "word in said"}),
        "0 and 1 are swapped: 1 is for words that are in the text.":
            ({"word in said": "word not in said"}, {"float(word in said)": "1 - float(word in said)"}),
        "Words that are not in the text get -1: they should get 0.": {"float(word in said)": "1.0 if word in said else -1.0"},
        "The numbers are divided by how many words the text has: a word that is there gets a whole 1.":
            {"float(word in said)": "(word in said) / max(1, len(said))"},
        "The numbers are divided by their sum: a word that is there gets a whole 1.":
            {"float(word in said)": "(word in said) / max(1, sum(w in said for w in words))"},
        "You add the numbers up: give each word of the network its own.": {"for word in words])": "for word in words]).sum()"},
        "You return whether any of the words is there: give each word of the network its own number.":
            {"[float(word in said) for word in words]": "float(any(word in said for word in words))"},
        "The words are sorted: the numbers should come in the order of `words`.":
            ({"in words]": "in sorted(words)]"}, {"in words]": "in sorted(words, key=len)]"}),
        "The numbers come in reverse: they should come in the order of `words`.": {"in words]": "in reversed(words)]"},
        "The numbers come in the order of the text: they should come in the order of `words`.":
            {"in words]": "in sorted(words, key=lambda word: said.index(word) if word in said else len(said))]"},
        "Each word gets a 1, be it there or not: ask whether it is in the text.": {"word in said": "bool(word or said)"},
        "It gives 1 only if the text is that one word: ask whether it is one of the words of the text.":
            {"word in said": "[word] == said"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def read(answer) -> Claims:
    def claim(text: str, words: list[str], found: list[str], clue: str) -> Claim:
        result = answer(text, list(words))
        if isinstance(result, Tensor) and not result.is_floating_point():
            result = result.float()  # of what kind the numbers are is a claim of its own
        right = torch.tensor([float(word in found) for word in words])
        short, told, see = text if len(text) < 70 else f"{text[:60]} ...", "", None
        if isinstance(result, Tensor) and result.shape == right.shape:
            wrong = int((result - right).abs().argmax())
            told = f'"{words[wrong]}" should get {right[wrong]:.3g}, and gets {result[wrong]:.3g}.'
        if isinstance(result, Tensor) and len(words) < 10:
            ticks = ["\n" * (i % 2) + word for i, word in enumerate(words)]  # in two rows, for some are long
            see = Curve(right, result, across="word", up="its number", ticks=ticks)
        elif isinstance(result, Tensor):
            see = Bars(right, result, across="word", up="its number")
        says = f'Of the {len(words)} words that the network knows, "{short}" has {len(found)}.'
        return Claim(says, yours=result, expected=right, figure=see, clue=clue, words=told)

    # As a caption says it.
    large, colour, kind, side = some(("large", "small"), 2), some(COLOURS, 4), some(KINDS, 2), some(SIDES, 2)
    text = f"a {large[0]} {colour[0]} {kind[0]} facing {side[0]}"
    said, words = [large[0], colour[0], kind[0], side[0]], some([*large, *colour[:2], *kind, *side], 8)
    kind_of = how_many(answer(text, words))
    kind_of = "a tensor of floats" if kind_of == "one tensor" else kind_of
    yield Claim("One tensor of floats comes out.", yours=kind_of, expected="a tensor of floats")
    clue = "Cut the text into words, and ask for each word of the network whether it is one of them."
    yield claim(text, words, said, clue)
    # In the order of the text, and the other way round.
    yield claim(text, [side[1], *said, colour[1]], said, clue)
    yield claim(f"a {kind[0]} facing {side[0]}, {colour[0]}, {large[0]}", [colour[1], *said, side[1]], said, clue)
    text = " ".join(in_capitals(word) for word in said)
    yield claim(text, words, said, "Words count in capitals, too.")
    text = f"{colour[0]} {kind[0]}, {colour[1]} with plates, {side[0]}, {large[0]}"
    clue = "Words count before and after commas, and so do the first and the last word of the text."
    yield claim(text, some([*words, "plates"], 9), [*said, colour[1], "plates"], clue)
    yield claim(f"{kind[0]}, {large[1]},", words, [kind[0], large[1]], clue)
    # Hyphens.
    words, clue = some(["t-rex", "rex", "trex", "long-neck", "neck", "long"], 6), "A word with a hyphen is one word."
    yield claim(f"a {colour[0]} t-rex", words, ["t-rex"], clue)
    yield claim(f"a {colour[0]} t-rex, and no long-neck", words, ["t-rex", "long-neck"], clue)
    yield claim("a rex with a long neck", words, ["rex", "long", "neck"], clue)
    # Pieces of words.
    for traps in (BEGIN, END, INSIDE):
        three = some(traps, 3)
        clue = "A word counts if it is a whole word of the text, not a piece of one."
        yield claim(f"{' '.join(traps[word] for word in three[:2])} {three[2]}", three, three[2:], clue)
    # Words that come more than once, or not at all, small ones, and a text of one word or none.
    words = some([*colour, *kind], 6)
    clue = "A word that comes several times gets a 1."
    yield claim(f"{colour[0]}, {colour[1]} and {colour[0]}, {kind[0]} {colour[0]}", words, [*colour[:2], kind[0]], clue)
    yield claim(f"a dinosaur facing {side[0]}", words, [], "Where none of its words is in the text, all numbers are 0.")
    clue = "Small words count as well, if the network knows them, and letters of other words do not."
    yield claim(
        f"the {colour[0]} {kind[0]} facing it",
        some(["the", "a", "facing", *colour], 7),
        ["the", "facing", colour[0]],
        clue,
    )
    yield claim(kind[0].capitalize(), words, [kind[0]], "A text may be a single word.")
    yield claim("", words, [], "A text may be empty: then all numbers are 0.")
    # Many words, in a long text.
    every = made_up(any_size(80, 250))
    known, unknown = every[: any_size(40, len(every) - 30)], every[-20:]
    found = some(known, any_size(20, len(known)))
    text = " ".join(in_capitals(word) + "," * (torch.rand(()) < 0.3) for word in some([*found, *unknown], 300))
    clue = "With few words all was right, and with many it is not: is a number or a limit hard-coded?"
    yield claim(text, known, found, clue)
    before = list(known)
    answer(text, known)
    clue = "It changes `words` itself, which others still need: work on a copy."
    yield Claim("`words` stays as it is.", yours=known == before, expected=True, clue=clue)


@check_of(
    lesson.planes,
    hints=(
        "Bring the prompt into the shape (batch, words, 1, 1), then put the two together along dimension 1 with `torch.cat`, the "
        "level first. If the prompt is (words,), it needs a row for each picture first.",
        "`prompt.expand(len(level), -1)` makes (batch, words) of either, without copying anything. `[:, :, None, None]` puts two "
        "dimensions of length 1 behind.",
    ),
    notice="`expand` takes both shapes: it puts new dimensions in front, and leaves alone what has the right length already. "
    "Nothing is as large as a picture here: the denoiser spreads these numbers over height and width.",
    mistakes={
        "The two are put together along the batch (`dim=0`), as if they were more pictures: the planes are dimension 1.":
            {"dim=1": "dim=0"},
        "The two are put together along the height (`dim=2`): the planes are dimension 1.": {"dim=1": "dim=2"},
        "The two are put together along the width (`dim=3`): the planes are dimension 1.": {"dim=1": "dim=-1"},
        "The words come first: put the level first, and the words behind it.":
            {"[level, prompt[:, :, None, None]]": "[prompt[:, :, None, None], level]"},
        "One prompt for all pictures, (words,), has no batch yet: give it a row for each picture.":
            ({"prompt = prompt.expand(len(level), -1)": "pass"}, {"prompt.expand(len(level), -1)": "prompt.view(len(level), -1)"},
             {"prompt = prompt.expand(len(level), -1)": "batch, words = prompt.shape"}),
        "The length of a prompt does not tell whether it is meant for all pictures: look at how many dimensions it has.": (
            {"prompt = prompt.expand(len(level), -1)": "prompt = prompt if len(prompt) == len(level) else prompt.expand(len(level), -1)"},
            {"prompt = prompt.expand(len(level), -1)": "prompt = prompt if len(prompt) == len(level) else prompt.expand(len(level), -1)",
             "[:, :, None, None]": "[..., None, None]"},
        ),
        "One prompt for all pictures, (words,), gets only one row: give it a row for each picture.":
            {"prompt.expand(len(level), -1)": "torch.atleast_2d(prompt)"},
        "Every prompt is taken for one that is meant for all pictures: it may be (batch, words) already.":
            ({"prompt.expand(len(level), -1)": "prompt[None].expand(len(level), -1)"},
             {"prompt.expand(len(level), -1)": "prompt.unsqueeze(0).expand(len(level), -1)"}),
        "The prompts are repeated though there is one for each picture already: repeat only one that is meant for all.":
            {"prompt.expand(len(level), -1)": "prompt.repeat(len(level), 1)"},
        "One prompt for all pictures is repeated number by number, and so mixed up: each picture gets all of it, in its order.":
            {"prompt.expand(len(level), -1)": "prompt if prompt.ndim == 2 else prompt.repeat_interleave(len(level)).view(len(level), -1)"},
        "One prompt for all pictures gets a row for each word: give it a row for each picture, `len(level)`.": (
            {"len(level)": "len(prompt)"},
            {"len(level)": "prompt.shape[-1] if prompt.ndim == 1 else len(level)"},
        ),
        "All pictures get the first one's prompt: where there is one for each, each gets its own.":
            ({"prompt.expand": "torch.atleast_2d(prompt)[0].expand"}, {"[:, :, None, None]": "[:1, :, None, None].expand(len(level), -1, 1, 1)"}),
        "All pictures get the last one's prompt: where there is one for each, each gets its own.":
            {"prompt.expand": "torch.atleast_2d(prompt)[-1].expand"},
        "All pictures get the mean of the prompts: where there is one for each, each gets its own.":
            {"prompt.expand": "torch.atleast_2d(prompt).mean(dim=0).expand"},
        "All pictures get the first one's level: each has its own.": {"[level,": "[level[:1].expand_as(level),"},
        "All pictures get the mean of the levels: each has its own.": {"[level,": "[level.mean().expand_as(level),"},
        "The prompt has no height and width yet: give it two more dimensions of length 1.":
            {"[:, :, None, None]": ""},
        "The prompt has no width yet: give it two more dimensions of length 1.": {"[:, :, None, None]": "[:, :, None]"},
        "The level has lost its dimensions of length 1: it is (batch, 1, 1, 1) when it comes, and can stay so.": (
            {"[level, prompt[:, :, None, None]]": "[level.squeeze(), prompt]"},
            {"[level, prompt[:, :, None, None]], dim=1": "[level.squeeze(), prompt], dim=-1"},
            {"[level,": "[level.squeeze(),"},
        ),
        "Height and width are gone: the shape should be (batch, 1 + words, 1, 1).":
            ({"[level, prompt[:, :, None, None]]": "[level.flatten(1), prompt]"},
             {"[level, prompt[:, :, None, None]], dim=1)": "[level, prompt[:, :, None, None]], dim=1).squeeze()"}),
        "The words lie along the height or the width: they are planes, dimension 1.": (
            {"[:, :, None, None]": "[:, None, None, :]"},
            {"[:, :, None, None]], dim=1": "[:, None, None, :]], dim=3"},
            {"[:, :, None, None]": "[:, None, :, None]"},
            {"[:, :, None, None]], dim=1": "[:, None, :, None]], dim=2"},
        ),
        "The dimensions of length 1 come before batch and words: they belong behind them.": {"[:, :, None, None]": "[None, None]"},
        "There is a dimension too many: the shape should be (batch, 1 + words, 1, 1).": (
            {"dim=1)": "dim=1)[None]"},
            {"dim=1)": "dim=1)[..., None]"},
        ),
        "`stack` makes a new dimension, and wants tensors of one shape: `cat` joins them along an existing one.": (
            {"torch.cat": "torch.stack"},
            {"[level, prompt[:, :, None, None]]": "[level.expand(-1, prompt.shape[1], 1, 1), prompt[:, :, None, None]]", "torch.cat": "torch.stack"},
        ),
        "Level and words are added: put one behind the other, with `torch.cat`.":
            {"torch.cat([level, prompt[:, :, None, None]], dim=1)": "level + prompt[:, :, None, None]"},
        "Level and words are multiplied: put one behind the other, with `torch.cat`.":
            {"torch.cat([level, prompt[:, :, None, None]], dim=1)": "level * prompt[:, :, None, None]"},
        "The level is missing: it is the first plane.": {"[level, prompt[:, :, None, None]]": "[prompt[:, :, None, None]]"},
        "The words are missing: there is a plane for each of them behind the level.":
            {"[level, prompt[:, :, None, None]]": "[level]"},
        "The level is there twice: once is enough.": {"[level,": "[level, level,"},
        "The level has as many planes as the words: one is enough.":
            {"[level,": "[level.expand(-1, prompt.shape[1], 1, 1),"},
        "The words are there twice: once is enough.": {"[level,": "[level, prompt[:, :, None, None],"},
        "The planes have the size of pictures: they stay 1 by 1 here, and the denoiser spreads them.":
            {"dim=1)": "dim=1).expand(-1, -1, 32, 32)"},
        "The numbers of the prompts are mixed up, as by a `view` or `reshape`: each row belongs to one picture.":
            ({"prompt[:, :, None, None]": "prompt.T.reshape(len(level), -1, 1, 1)"},
             {"[level, prompt[:, :, None, None]], dim=1)": "[level[None, :, 0, 0, 0], prompt.T]).reshape(len(level), -1, 1, 1)"}),
        "Pictures and words are swapped: transpose nothing.":
            ({"[level, prompt[:, :, None, None]], dim=1)": "[level, prompt[:, :, None, None]], dim=1).transpose(0, 1)"},
             {"prompt[:, :, None, None]": "prompt.T[:, :, None, None]"}),
        "All numbers of a prompt are in one plane, as their sum: each has its own.":
            {"prompt[:, :, None, None]": "prompt.sum(dim=1).view(-1, 1, 1, 1)"},
        "The numbers of the prompt become 0 or 1, or whole ones: hand them on as they are.": (
            {"prompt[:, :, None, None]": "(prompt > 0)[:, :, None, None]"},
            {"prompt[:, :, None, None]": "prompt.long()[:, :, None, None]"},
            {"prompt[:, :, None, None]": "prompt.round()[:, :, None, None]"},
        ),
        "The numbers of the prompt are cut off at 0 and 1: hand them on as they are.":
            {"prompt[:, :, None, None]": "prompt.clamp(0, 1)[:, :, None, None]"},
        "A softmax is taken of the prompt: hand its numbers on as they are.":
            {"prompt[:, :, None, None]": "prompt.softmax(dim=1)[:, :, None, None]"},
        "The prompt is divided by its sum or length: hand its numbers on as they are.":
            ({"prompt[:, :, None, None]": "(prompt / prompt.sum(dim=1, keepdim=True))[:, :, None, None]"},
             {"prompt[:, :, None, None]": "torch.nn.functional.normalize(prompt)[:, :, None, None]"}),
        "The prompt is multiplied by the level: hand its numbers on as they are.":
            {"prompt[:, :, None, None]": "level * prompt[:, :, None, None]"},
        "The prompt fades with the level: hand its numbers on as they are.":
            {"prompt[:, :, None, None]": "(1 - level) * prompt[:, :, None, None]"},
        "The level is counted from the other end: hand it on as it is.": {"[level,": "[1 - level,"},
        "The words come in reverse: keep their order.": {"prompt[:, :, None, None]": "prompt.flip(1)[:, :, None, None]"},
        "The last word is lost: all have a plane.": {"prompt[:, :, None, None]": "prompt[:, :-1, None, None]"},
        "The first word is lost: all have a plane.": (
            {"prompt[:, :, None, None]": "prompt[:, 1:, None, None]"},
            {"torch.cat([level, prompt[:, :, None, None]], dim=1)": "prompt[:, :, None, None].index_copy(1, torch.tensor([0]), level)"},
        ),
        "Two things are returned: put them together with `torch.cat`.":
            {"torch.cat([level, prompt[:, :, None, None]], dim=1)": "level, prompt[:, :, None, None]"},
        "You return a list: put what is in it together with `torch.cat`.":
            {"torch.cat([level, prompt[:, :, None, None]], dim=1)": "[level, *prompt.T]"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def planes(answer) -> Claims:
    def claim(says: str, result: object, level: Tensor, rows: Tensor, clue: str) -> Claim:
        right = torch.cat([level.flatten()[:, None], rows], dim=1)
        see, told = None, ""
        if isinstance(result, Tensor) and result.shape == (*right.shape, 1, 1):
            # The number that is farthest off, and its picture.
            yours = result.flatten(start_dim=1).to(right)
            i, plane = divmod(int((yours - right).abs().argmax()), right.shape[1])
            told = f"Plane {plane} of picture {i} should be {right[i, plane]:.4g}, yours is {yours[i, plane]:.4g}."
            see = Bars(right[i], yours[i], across="plane", up=f"what picture {i} is told")
        elif isinstance(result, Tensor) and result.ndim == 4 and result.shape[:2] == right.shape:
            return Claim(says, yours="larger ones", expected="planes of 1 by 1")
        elif not isinstance(result, Tensor | None):
            result = how_many(result)
        return Claim(says, yours=result, expected=right[:, :, None, None], figure=see, clue=clue, words=told)

    # Batch and words different, then equal.
    batch = between(4, 5)
    for words in (between(6, 8), between(2, 3), batch):
        level, prompts = torch.rand(batch, 1, 1, 1), 2 * torch.rand(batch, words) - 0.5
        result, size = answer(level, prompts), f"{batch} pictures and {words} words"
        yield Claim("One tensor comes out.", yours=how_many(result), expected="one tensor")
        says = f"With {size}, picture 0 is told its level and then its prompt, and so is every other."
        clue = (
            "Plane 0 should be the level, and the others the words, in their order, each with the number that came in."
        )
        yield claim(says, result, level, prompts, clue)
        says = f"With {size}, and one prompt for all pictures, of the shape ({words},), each is told the same words."
        clue = "A prompt of the shape (words,) is meant for all pictures: each is told all of it."
        yield claim(says, answer(level, prompts[1]), level, prompts[1].expand(batch, -1), clue)
    clue = "Is the number of pictures used where that of words belongs, or the other way round?"
    for batch, words in ((1, any_size(6, 80)), (any_size(6, 80), 1), (any_size(17, 40), any_size(41, 120))):
        level, prompts = torch.rand(batch, 1, 1, 1), 2 * torch.rand(batch, words) - 0.5
        size = f"{'Many' if batch > 1 else 'One'} picture{'s' * (batch > 1)} and {'many words' if words > 1 else 'one word'}"
        yield claim(f"{size} are right as well.", answer(level, prompts), level, prompts, clue)
        alike = prompts[0].expand(batch, -1)
        yield claim(f"{size}, the same for all, are right as well.", answer(level, prompts[0]), level, alike, clue)


def judged(wanted: Tensor, given: Tensor, other: Tensor, kinds: int) -> Tensor:
    """Scores, (count, kinds), of a judge that gives these probabilities to what is wanted and to the kind after it.

    What is left goes to all other kinds alike. Like any scores, these have no fixed zero.
    """
    rest = (1 - given - other) / max(1, kinds - 2)
    probabilities = rest[:, None].repeat(1, kinds)
    rows = torch.arange(len(wanted))
    probabilities[rows, (wanted + 1) % kinds] = other
    probabilities[rows, wanted] = given
    return probabilities.log() + 2 * torch.randn(len(wanted), 1)


def within(count: int, low: float, high: float) -> Tensor:
    """So many random numbers from low to high."""
    return low + (high - low) * torch.rand(count)


@check_of(
    lesson.obedience,
    hints=(
        "Make probabilities of the scores: a judge that was trained with cross entropy gives them by a softmax over its kinds. Then "
        "take from each row the one that belongs to what was wanted, and count how many are at least `sure`.",
        "`seen[torch.arange(len(seen)), wanted]` takes one number from each row. `(... >= sure).float().mean().item()` is the share.",
    ),
    notice="Where `sure` is more than one half, nothing else can be more likely: the judge sees what was asked for. The judge is no "
    "better than what it has learnt: drawings that fool it count.",
    mistakes={
        "Scores are no probabilities: take a softmax over the kinds first.": {"scores.softmax(dim=1)": "scores"},
        "The softmax is taken over the drawings: take it over the kinds, dimension 1.": {"softmax(dim=1)": "softmax(dim=0)"},
        "A sigmoid is taken of the scores: a judge that was trained with cross entropy wants a softmax over the kinds.":
            {"scores.softmax(dim=1)": "scores.sigmoid()"},
        "The exponentials are not divided by their sum over the kinds: take a softmax.": {"scores.softmax(dim=1)": "scores.exp()"},
        "The scores are divided by their sum without an exponential: take a softmax.":
            {"scores.softmax(dim=1)": "scores / scores.sum(dim=1, keepdim=True)"},
        "The scores are divided by the largest: take a softmax.": {"scores.softmax(dim=1)": "scores / scores.amax(dim=1, keepdim=True)"},
        "The share is always 0: if you compare logarithms of probabilities, these are never above 0. Take `softmax`.":
            {"softmax(dim=1)": "log_softmax(dim=1)"},
        "You compare the loss of each drawing, minus the logarithm of its probability: compare the probability.":
            {"scores.softmax(dim=1)": "-scores.log_softmax(dim=1)"},
        "The softmax is taken twice: once makes probabilities.": {"softmax(dim=1)": "softmax(dim=1).softmax(dim=1)"},
        "The softmax is taken over the scores of what was wanted alone: take it over all kinds, before you pick.":
            {"scores.softmax(dim=1)": "scores", "wanted] >=": "wanted].softmax(dim=0) >="},
        "You only ask which kind the judge finds most likely: it also has to be sure.": (
            {"seen[torch.arange(len(seen)), wanted] >= sure": "seen.argmax(dim=1) == wanted"},
            {"scores.softmax(dim=1)": "scores", "seen[torch.arange(len(seen)), wanted] >= sure": "seen.argmax(dim=1) == wanted"},
        ),
        "You only ask how sure the judge is, of whatever it sees: what was asked for counts.":
            ({"seen[torch.arange(len(seen)), wanted]": "seen.amax(dim=1)"},
             {"seen[torch.arange(len(seen)), wanted] >= sure)": "seen >= sure).any(dim=1)"}),
        "You ask how sure the judge is that it is something else: what was asked for counts.":
            {"(seen[torch.arange(len(seen)), wanted] >= sure)": "((seen.amax(dim=1) >= sure) & (seen.argmax(dim=1) != wanted))"},
        "For each drawing, you take what was asked for of all of them (`seen[:, wanted]`): take one number from each row.":
            {"seen[torch.arange(len(seen)), wanted]": "seen[:, wanted]"},
        "You pick whole rows (`seen[wanted]`): take from each row the number of what was wanted.":
            {"seen[torch.arange(len(seen)), wanted]": "seen[wanted]"},
        "`take` counts through the whole table, as if it were one row: take from each row the number of what was wanted.":
            {"seen[torch.arange(len(seen)), wanted]": "seen.take(wanted)"},
        "`gather` wants an index with as many dimensions as the table: wanted[:, None].":
            {"seen[torch.arange(len(seen)), wanted]": "seen.gather(1, wanted)"},
        "`gather` goes down the columns: along dimension 1, it picks from each row.":
            {"seen[torch.arange(len(seen)), wanted]": "seen.gather(0, wanted[:, None])"},
        "The share is taken among the drawings that the judge is sure about: take it among all drawings.":
            {"(seen[torch.arange(len(seen)), wanted] >= sure).float().mean().item()":
                 "((seen[torch.arange(len(seen)), wanted] >= sure).sum() / (seen.amax(dim=1) >= sure).sum().clamp(min=1)).item()"},
        "Rows and columns are swapped: the first index is the drawing.":
            {"torch.arange(len(seen)), wanted": "wanted, torch.arange(len(seen))"},
        "All drawings are compared with what was wanted of the first: each has its own.":
            {"torch.arange(len(seen)), wanted": ":, wanted[0]"},
        "The kinds are counted from 1: they begin with 0.": {", wanted]": ", wanted - 1]"},
        "The share is taken of all numbers of the table, and every kind counts: only what was asked for does.":
            {"seen[torch.arange(len(seen)), wanted]": "seen"},
        "You divide by how many numbers the table has: divide by the number of drawings.":
            {"(seen[torch.arange(len(seen)), wanted] >= sure)": "((seen >= sure) & (torch.arange(seen.shape[1]) == wanted[:, None]))"},
        "You return the mean probability: count the drawings where it is at least `sure`.":
            {"(seen[torch.arange(len(seen)), wanted] >= sure).float()": "seen[torch.arange(len(seen)), wanted]"},
        "You average the probabilities of those that reach `sure`: their share is wanted.":
            {"return (seen[torch.arange(len(seen)), wanted] >= sure).float()":
                 "right = seen[torch.arange(len(seen)), wanted]\n    return right[right >= sure]"},
        "You add up the probabilities that reach `sure`: each of them counts as 1.":
            {"return (seen[torch.arange(len(seen)), wanted] >= sure).float()":
                 "right = seen[torch.arange(len(seen)), wanted]\n    return (right * (right >= sure))"},
        "Something that is exactly as likely as `sure` does not count: `sure` is enough, so take `>=`.": {">=": ">"},
        "You count the drawings that do not obey: at least `sure` is wanted.":
            ({">=": "<"}, {">=": "<="}, {"return ": "return 1 - "}),
        "You count where the probability is at least 1 - sure: it should be at least `sure`.": {">= sure": ">= 1 - sure"},
        "The limit is always 0.9: use `sure`.": {">= sure": ">= 0.9"},
        "The limit is always 0.5: use `sure`.": (
            {">= sure": ">= 0.5"},
            {">= sure": "> 0.5"},
            {"softmax(dim=1)": "softmax(dim=1).round()"},
        ),
        "The limit is `sure` times the largest probability: it should be `sure` itself.": {">= sure": ">= sure * seen.amax(dim=1)"},
        "You compare its lead over the next best kind with `sure`: compare its own probability.":
            {"[torch.arange(len(seen)), wanted] >= sure": "[torch.arange(len(seen)), wanted] - seen.scatter(1, wanted[:, None], 0).amax(dim=1) >= sure"},
        "The probabilities are turned into percent, and `sure` is not.": {"scores.softmax(dim=1)": "100 * scores.softmax(dim=1)"},
        "You divide by the number of drawings of which the judge is sure: divide by that of all.":
            {".float().mean()": ".sum() / (seen.amax(dim=1) >= sure).sum()"},
        "You divide by the number of drawings that the judge sees right: divide by that of all.":
            {".float().mean()": ".sum() / (seen.argmax(dim=1) == wanted).sum()"},
        "You divide by the number of kinds: divide by that of the drawings.": {".float().mean().item()": ".sum().item() / seen.shape[1]"},
        "The shares of the kinds are averaged: each drawing counts as much as any other.":
            {"return (seen[torch.arange(len(seen)), wanted] >= sure).float().mean()":
                 "right = (seen[torch.arange(len(seen)), wanted] >= sure).float()\n"
                 "    return torch.stack([right[wanted == kind].mean() for kind in wanted.unique()]).mean()"},
        "You return a count: divide it by the number of drawings.": {"mean()": "sum()"},
        "You return percent: a share lies between 0 and 1.": {"return ": "return 100 * "},
        "`//` cuts the fraction off: divide with `/`.": {".float().mean().item()": ".sum().item() // len(seen)"},
        "The share is rounded: leave it as it is.": {"return (": "return round((", ".item()": ".item(), 1)"},
        "You return a number for each drawing: their mean is wanted.": ({".float().mean().item()": ""}, {".mean().item()": ""}),
        "You return whether there is any such drawing: the share is wanted.": {".float().mean()": ".any().float()"},
        "You return whether all drawings are such: the share is wanted.": {".float().mean()": ".all().float()"},
        "Only the first drawing counts: is there a `return` inside the loop?": {".mean()": "[0]"},
        "The last drawing is left out: all count.": {".float().mean().item()": "[:-1].sum().item() / len(seen)"},
        "Booleans have no mean: turn them into floats first.": {".float()": ""},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def obedience(answer) -> Claims:
    def claim(says: str, scores: Tensor, wanted: Tensor, share: float, clue: str, **sure: float) -> Claim:
        result = answer(scores, wanted, **sure)
        if isinstance(result, Tensor) and result.numel() == 1:
            result = result.item()
        if isinstance(result, int | float) and not isinstance(result, bool):
            see = Bars(torch.tensor([share]), torch.tensor([float(result)]), across="", up="share that obeys")
            return Claim(says, yours=result, expected=share, tolerance=5e-4, figure=see, clue=clue.format(result))
        kind = "a tensor with several numbers" if isinstance(result, Tensor) else str(result)
        return Claim(says, yours=None if result is None else kind, expected="one number")

    few, kinds = between(6, 9), between(4, 5)
    wanted = torch.randint(kinds, (few,))
    wanted[:2] = torch.randperm(kinds)[:2]
    little = within(few, 0.01, 0.02)
    sure, unsure = within(few, 0.93, 0.97), within(few, 0.6, 0.85)
    clue = "In all drawings the judge sees what was asked for, and is sure, so the share is 1; yours is {:.3g}."
    says = "If the judge gives more than 0.93 to what was asked for in each drawing, all obey: 1."
    yield claim(says, judged(wanted, sure, little, kinds), wanted, 1.0, clue)
    clue = "In all drawings the judge is sure of something else, so the share is 0; yours is {:.3g}."
    yield claim(
        "If it gives that much to something else in each drawing, none obeys: 0.",
        judged(wanted, little, sure, kinds),
        wanted,
        0.0,
        clue,
    )
    clue = "The judge gives at most 0.85 to what was asked for, and 0.9 is the least that counts; yours is {:.3g}."
    says = "If it gives 0.6 to 0.85 to what was asked for, that is not sure enough: 0."
    yield claim(says, judged(wanted, unsure, little, kinds), wanted, 0.0, clue)
    clue = f"One drawing of {few} obeys, so the share is {1 / few:.3g}; yours is {{:.3g}}."
    one = torch.where(torch.arange(few) == 0, sure, unsure)
    yield claim(
        f"If the judge is sure enough in one drawing of {few}: {1 / few:.3g}.",
        judged(wanted, one, little, kinds), wanted, 1 / few, clue,
    )  # fmt: skip
    # Drawings of eight sorts, of how many no two sums are alike: which of them count shows in the share.
    for kinds, limit in ((between(5, 7), within(1, 0.6, 0.68).item()), (between(4, 9), within(1, 0.7, 0.75).item())):
        often = some((40, 60, 71, 77, 80, 82, 83, 84), 8)
        sorts = [
            ((0.92, 0.97), (0.01, 0.02)),
            ((limit + 0.03, 0.87), (0.05, 0.1)),
            ((0.52, limit - 0.03), (0.15, 0.25)),
            ((0.41, 0.46), (0.3, 0.35)),
            ((0.41, 0.44), (0.46, 0.49)),
            ((0.1, 0.2), (0.35, 0.45)),
            ((0.02, 0.03), (limit + 0.03, 0.95)),
            ((0.001, 0.004), (0.5, 0.55)),
        ]
        given, other = (torch.cat([within(n, *sort[i]) for n, sort in zip(often, sorts, strict=True)]) for i in (0, 1))
        # Some kinds are drawn better than others.
        wanted = (kinds * torch.rand(len(given)) ** torch.where(given > 0.5, 2.0, 0.7)).long()
        order = torch.randperm(len(given))
        given, other, wanted = given[order], other[order], wanted[order]
        scores = judged(wanted, given, other, kinds)
        for least, named in ((limit, {"sure": limit}), (0.9, {})):
            share = sum(given >= least).item() / len(given)
            says = f"Of {len(given)} drawings of {kinds} kinds, {share:.3g} are what was asked for, with a probability of {least:.2g} or more."
            clue = f"The share of drawings where what was asked for has {least:.2g} or more is {share:.3g}; yours is {{:.3g}}."
            yield claim(says, scores, wanted, share, clue, **named)
    # Scores that are higher as a whole, exactly as sure as it has to be, one drawing and one kind, many.
    wanted = torch.randint(2, (few,))
    given = torch.where(torch.arange(few) < 2, within(few, 0.52, 0.55), sure)
    scores = judged(wanted, given, 1 - given, 2)
    scores[between(2, few - 1)] += 20
    clue = f"Of two kinds, the judge gives more than 0.6 to what was asked for in {few - 2} drawings of {few}: {1 - 2 / few:.3g}; yours is {{:.3g}}."
    says = "It does not matter if one drawing has higher scores for all kinds than the others."
    yield claim(says, scores, wanted, 1 - 2 / few, clue, sure=0.6)
    wanted = torch.where(torch.arange(few) == between(0, few - 1), *torch.randperm(3)[:2])
    scores = torch.full((few, 3), -50.0).scatter(1, wanted[:, None], 50.0)
    clue = "Here the judge gives probability 1 to what was asked for, which is not less than `sure`; yours is {:.3g}."
    yield claim("If `sure` is 1, a probability of 1 is enough.", scores, wanted, 1.0, clue, sure=1.0)
    clue = "Where there is only one kind, its probability is 1; yours is {:.3g}."
    yield claim("One drawing of the only kind obeys: 1.", torch.randn(1, 1), torch.tensor([0]), 1.0, clue, sure=0.8)
    many, kinds = any_size(2000, 6000), any_size(10, 60)
    wanted, given = torch.randint(kinds, (many,)), torch.where(torch.rand(many) < 0.4, 0.8, 0.6)
    share = (given > 0.7).float().mean().item()
    clue = f"Of many drawings of many kinds all count, so the share is {share:.3g}; yours is {{:.3g}}."
    scores = judged(wanted, given, torch.full((many,), 0.1), kinds)
    yield claim("Of many drawings of many kinds, all count.", scores, wanted, share, clue, sure=0.7)


CAME = "what came in, or 0"


def weighed(count: int, words: int) -> Tensor:
    """Prompts, (count, words), of numbers below and above 0, none of which is 0 or 1: words may weigh more or less."""
    return (0.5 + torch.rand(count, words)) * (1 - 2 * (torch.rand(count, words) < 0.5).float())


def what_comes(result: Tensor, prompts: Tensor) -> str:
    """What becomes of the numbers of prompts, none of which is 0, in words."""
    if not result.isfinite().all():
        return "numbers that are not finite"
    same = torch.isclose(result, prompts.to(result), rtol=0, atol=1e-4)
    other = ~same & (result != 0)
    if not other.any():
        return CAME
    mine, theirs, rest = result[other], prompts.to(result)[other], "what came in" if same.any() else "0"
    for what, numbers in (("{:.3g}", mine), ("{:.3g} times what came in", mine / theirs)):
        if numbers.max() - numbers.min() < 1e-3:
            return f"{what.format(numbers.mean())}, or {rest}"
    if torch.allclose(mine + theirs, torch.ones_like(mine), atol=1e-3):
        return f"1 minus what came in, or {rest}"
    return "something else"


def which(out: Tensor) -> str:
    """Which words of prompts are left out, in words; (batch, words), True where one is."""
    if not out.any() or out.all():
        return "everything" if out.any() else "nothing"
    if (out == out[:, :1]).all():
        return "all words of some prompts"
    return "the same words of all prompts" if (out == out[:1]).all() else "words here and there"


def echo(out: Tensor) -> float:
    """How much rows of 0 and 1, (count, kinds), go together with those some rows before: the most at any distance."""
    waves = torch.fft.rfft(out - out.mean(dim=0), dim=0).abs().square()
    together = torch.fft.irfft(waves, n=len(out), dim=0)
    return float((together[1:].abs() / together[0].clamp(min=1e-9)).max())


def dice(out: Tensor, chance: float, whose: str, of: str) -> Claims:
    """The claims that for each of a table, (count, kinds), a die of its own was thrown; True where it fell so.

    All limits are six standard errors, or more.

    chance  how likely it falls so
    whose   what the table is about, in words
    of      what each of its numbers stands for, in words
    """
    (count, kinds), out, spread = out.shape, out.double(), (chance * (1 - chance)) ** 0.5
    share, each = float(out.mean()), out.mean(dim=0)
    if kinds > 1:
        # How many of a row there are varies as much as with dice that know nothing of each other.
        vary = float(out.sum(dim=1).var() / max(1e-9, kinds * share * (1 - share)))
        clue = (
            "The number of words is nearly the same in every prompt."
            if vary < 1
            else "The words of a prompt are not independent."
        )
        says = f"{whose}, how many words of a prompt are left out varies as with independent dice."
        yield Claim(says, yours=vary, expected=1.0, tolerance=6 * (2 / count) ** 0.5, clue=clue)
    clue = f"A share of {chance:.2f} of {of} should be left out, and of yours {share:.2f} are."
    says, limit = f"{whose}, a share of {chance:.2f} of {of} is left out.", 6 * spread / (count * kinds) ** 0.5
    yield Claim(says, yours=share, expected=chance, tolerance=limit, clue=clue)
    if kinds > 1:
        right, clue = torch.full_like(each, chance), "Some words are left out more often than others."
        see = Bars(right, each, across="word", up="share left out")
        says = f"{whose}, each word is left out as often as the others."
        yield Claim(says, yours=each, expected=right, tolerance=6 * spread / count**0.5, figure=see, clue=clue)
        pairs = float(torch.corrcoef(out.T).fill_diagonal_(0).abs().nan_to_num(1).max())
        says = f"{whose}, the words are independent of one another."
        clue = "Some words of a prompt are left out together, or in turn."
        yield Claim(says, yours=pairs < 7 / count**0.5, expected=True, clue=clue)
    says = f"{whose}, the prompts are independent of one another."
    clue = "Which prompts lose something depends on other prompts, or on their place in the batch."
    yield Claim(says, yours=echo(out) < 8 / count**0.5, expected=True, clue=clue)


@check_of(
    lesson.forget,
    hints=(
        "`torch.rand_like(prompts)` throws a die for each word of each picture: it is below 0.2 in a fifth of all cases. And "
        "which shape has a die for each picture, so that it meets all words of its prompt?",
        "Keep a word where its die, from `torch.rand_like(prompts)`, is at least `word`, and where the die of its picture, from "
        "`torch.rand(len(prompts), 1)`, is at least `prompt`. Multiply the prompts by that: True counts as 1, and False as 0.",
    ),
    notice="There are two kinds of dice, for there are two things to learn: to draw with some of the words, and to draw with none, "
    "which guidance will ask for. With dice for words alone, a prompt would hardly ever be empty.",
    mistakes={
        "The comparison is the wrong way round: what should be left out is kept, and what should be kept is left out.": (
            {">= word": "< word", ">= prompt": "< prompt"},
            {">= word": ">= 1 - word", ">= prompt": ">= 1 - prompt"},
        ),
        "The words that should be kept are set to 0, and the others come out: multiply by what is kept.":
            {"prompts * kept": "prompts * ~kept"},
        "Words are kept as often as they should be left out: `word` says how likely each is left out.": (
            {">= word": "< word"}, {">= word": ">= 1 - word"},
            {"torch.rand_like(prompts) >= word": "torch.bernoulli(torch.full_like(prompts, word)) == 1"},
        ),
        "Whole prompts are kept as often as they should be left out: `prompt` says how likely each is left out.":
            ({">= prompt": "< prompt"}, {">= prompt": ">= 1 - prompt"}),
        "No prompt is ever left out as a whole: throw one more die for each picture.":
            {"    kept &= torch.rand_like(prompts[:, :1]) >= prompt\n": ""},
        "Only whole prompts are left out: throw a die for each word, too, and leave out what either of the two says.": (
            {"kept &=": "kept ="},
            {"torch.rand_like(prompts) >= word": "torch.ones_like(prompts) == 1"},
        ),
        "A word has to lose twice, by its own die and by that of its picture: either is enough.":
            {"kept &=": "kept |="},
        "Prompts are kept whole by their die, when it should leave them out whole.":
            {"kept &=": "kept |=", ">= prompt": "< prompt"},
        "The second die is thrown for each word, as the first is: all words of a prompt share one, of the shape (batch, 1).":
            {"[:, :1]": ""},
        "One die decides about the prompts of all pictures: each picture has its own.": (
            {"prompts[:, :1]": "prompts[:1, :1]"},
            {"torch.rand_like(prompts[:, :1])": "torch.rand(())"},
        ),
        "The second die is thrown for each word, for all pictures alike: throw it for each picture, for all its words alike.":
            {"prompts[:, :1]": "prompts[:1]"},
        "The dice of the pictures lie along the words: give them the shape (batch, 1), not (batch,).":
            {"torch.rand_like(prompts[:, :1])": "torch.rand(len(prompts))"},
        "One die decides about all words of a picture, so they are only left out together: each word has its own.":
            {"rand_like(prompts) >=": "rand_like(prompts[:, :1]) >="},
        "The same words are left out in all pictures: each word of each picture has its own die.": (
            {"torch.rand_like(prompts) >= word": "(torch.rand_like(prompts[:1]) >= word).repeat(len(prompts), 1)"},
            {"torch.rand_like(prompts) >= word": "(torch.arange(prompts.shape[1]) >= word * prompts.shape[1]).repeat(len(prompts), 1)"},
        ),
        "One die decides about all words of all pictures: each word of each picture has its own.":
            {"torch.rand_like(prompts) >= word": "(torch.rand(1, 1) >= word).repeat(prompts.shape)"},
        "The die of the first word decides about the whole prompt, too: throw one more.":
            {"kept = torch.rand_like(prompts) >=": "die = torch.rand_like(prompts)\n    kept = die >=",
             "torch.rand_like(prompts[:, :1])": "die[:, :1]"},
        "There is one die for a word and its prompt, which is compared twice: throw another for each picture.": (
            {"kept = torch.rand_like(prompts) >=": "die = torch.rand_like(prompts)\n    kept = die >=",
             "torch.rand_like(prompts[:, :1])": "die"},
            {">= word": ">= max(word, prompt)", "    kept &= torch.rand_like(prompts[:, :1]) >= prompt\n": ""},
        ),
        "There is one die for each word, which counts for both chances, added up: throw one more for each picture.":
            {">= word": ">= word + prompt", "    kept &= torch.rand_like(prompts[:, :1]) >= prompt\n": ""},
        "What is kept is scaled up, as dropout does it: it should come out as it came in.": (
            {"prompts * kept": "prompts * kept / (1 - word)"},
            {"prompts * kept": "prompts * kept / ((1 - word) * (1 - prompt))"},
            {"prompts * kept": "prompts * kept / (1 - word - prompt)"},
            {"    kept = torch.rand_like(prompts) >= word\n": "    prompts = torch.nn.functional.dropout(prompts, word)\n", "kept &=": "kept ="},
        ),
        "`word` and `prompt` are swapped: `word` is for each word, and `prompt` for a whole prompt.":
            {"(prompts) >= word": "(prompts) >= prompt", "1]) >= prompt": "1]) >= word"},
        "Whole prompts are left out as often as `word` says: for them it is `prompt`.": {">= prompt": ">= word"},
        "Words are left out as often as `prompt` says: for them it is `word`.": {">= word": ">= prompt"},
        "Words are left out with a fixed probability: use `word`.": ({">= word": ">= 0.2"}, {">= word": ">= 0.1"}),
        "Whole prompts are left out with a fixed probability: use `prompt`.": ({">= prompt": ">= 0.1"}, {">= prompt": ">= 0.2"}),
        "Both probabilities are fixed numbers: use `word` and `prompt`.": {">= word": ">= 0.2", ">= prompt": ">= 0.1"},
        "Each word is left out in half of all cases, as if a coin were tossed: compare with `word`.": (
            {">= word": ">= 0.5"},
            {"torch.rand_like(prompts) >= word": "torch.rand_like(prompts).round() == 1"},
        ),
        "Each prompt is left out in half of all cases, as if a coin were tossed: compare with `prompt`.": {">= prompt": ">= 0.5"},
        "The dice are Gaussian (`randn`), and half of them are below 0: use `rand`.": (
            {"torch.rand_like(prompts) >=": "torch.randn_like(prompts) >=", "torch.rand_like(prompts[:, :1])": "torch.randn(len(prompts), 1)"},
        ),
        "The dice of the words are Gaussian (`randn`), and half of them are below 0: use `rand`.":
            {"torch.rand_like(prompts) >=": "torch.randn_like(prompts) >="},
        "The dice of the pictures are Gaussian (`randn`), and half of them are below 0: use `rand`.":
            {"torch.rand_like(prompts[:, :1])": "torch.randn(len(prompts), 1)"},
        "The dice of the words are multiplied or squared, so that they fall low too often: compare `rand` as it is.":
            ({"torch.rand_like(prompts) >=": "torch.rand_like(prompts) ** 2 >="},
             {"torch.rand_like(prompts) >=": "torch.rand_like(prompts) * torch.rand_like(prompts) >="}),
        "Of each prompt, the same number of words is left out: throw a die for each word, for itself.": (
            {"torch.rand_like(prompts) >= word": "torch.rand_like(prompts).argsort(dim=1) >= round(word * prompts.shape[1])"},
            {"torch.rand_like(prompts) >= word": "torch.rand_like(prompts).argsort(dim=1) >= int(word * prompts.shape[1])"},
        ),
        "Of each batch, the same number of words is left out: throw a die for each, for itself.":
            {"torch.rand_like(prompts) >= word":
                 "torch.randperm(prompts.numel()).view(prompts.shape) >= round(word * prompts.numel())"},
        "Of each batch, the same number of prompts is left out: throw a die for each, for itself.":
            {"torch.rand_like(prompts[:, :1]) >= prompt": "torch.randperm(len(prompts))[:, None] >= round(prompt * len(prompts))"},
        "It is always the first pictures whose prompts are left out: throw a die for each.":
            {"torch.rand_like(prompts[:, :1]) >= prompt": "torch.arange(len(prompts))[:, None] >= prompt * len(prompts)"},
        "A seed is set inside, so that every call leaves out the same: leave the seed alone.": (
            {"kept =": "torch.manual_seed(0)\n    kept ="},
            {"torch.rand_like(prompts) >=": "torch.rand(prompts.shape, generator=torch.Generator().manual_seed(0)) >=",
             "torch.rand_like(prompts[:, :1])": "torch.rand(len(prompts), 1, generator=torch.Generator().manual_seed(1))"},
        ),
        "What is left out becomes 1: it should be 0.": {"prompts * kept": "torch.where(kept, prompts, 1.0)"},
        "What is left out becomes -1: it should be 0.": {"prompts * kept": "torch.where(kept, prompts, -1.0)"},
        "What is left out becomes the mean of the prompts: it should be 0.": {"prompts * kept": "torch.where(kept, prompts, prompts.mean())"},
        "What is left out becomes nan (not a number): it should be 0.":
            ({"prompts * kept": "torch.where(kept, prompts, torch.nan)"}, {"prompts * kept": "prompts * kept / kept"}),
        "What is left out is turned over, which puts words in that were never there: it should be 0.":
            {"prompts * kept": "torch.where(kept, prompts, 1 - prompts)"},
        "What is left out gets the opposite sign: it should be 0.": {"prompts * kept": "torch.where(kept, prompts, -prompts)"},
        "What is left out comes from the picture before instead: it should be 0.":
            {"prompts * kept": "torch.where(kept, prompts, prompts.roll(1, dims=0))"},
        "What is left out only gets smaller: it should be 0.": {"prompts * kept": "torch.where(kept, prompts, 0.1 * prompts)"},
        "All that is kept becomes 1: it should come out as it came in.":
            ({"prompts * kept": "(prompts * kept != 0).float()"}, {"prompts * kept": "kept.float()"}),
        "You return what is kept as True and False: multiply the prompts by it.": {"prompts * kept": "kept"},
        "The result is made of whole numbers: prompts are floats.":
            ({"prompts * kept": "(prompts * kept).long()"}, {"prompts * kept": "prompts.long() * kept"}),
        "All numbers below 0 are left out, too: only the dice count.": {"prompts * kept": "(prompts * kept).clamp(min=0)"},
        "Words are faded by random numbers: each is left out, or kept as it came in.":
            {"prompts * kept": "prompts * torch.rand_like(prompts)"},
        "All words are faded, by how often they should be kept: throw dice.":
            {"prompts * kept": "prompts * (1 - word) * (1 - prompt)"},
        "The prompts come back as they were: multiply them by what is kept.": {"prompts * kept": "prompts"},
        "The words that are left come out in one row: every word keeps its place, with 0 for what is left out.":
            {"prompts * kept": "prompts[kept]"},
        "The prompts that are left out are missing from the batch: each picture keeps its place, with 0 in it.":
            {"prompts * kept": "(prompts * kept)[kept.any(dim=1)]"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def forget(answer) -> Claims:
    count, words = between(1400, 1600), between(10, 13)
    word, prompt = (start + 0.05 * torch.rand(()).item() for start in (0.37, 0.28))
    prompts = weighed(count, words)

    def give(word: float, prompt: float, some: Tensor = prompts) -> Tensor:
        return answer(some, word=word, prompt=prompt)

    both, whole, single = give(word, prompt), give(0.0, prompt), give(word, 0.0)
    yield Claim("Prompts come out, in the shape in which they came in.", yours=both, expected=Shape((count, words)))
    # Prompts without zeros show what is left out.
    for result in (both, whole, single):
        named, right = what_comes(result, prompts), prompts * (result != 0)
        see = Pictures(right[None, None, :24], result[None, None, :24])
        clue = f"Each word should come out as {CAME}, and yours come out as {named}."
        yield Claim(f"Each word comes out as {CAME}.", yours=named, expected=CAME, figure=see, clue=clue)
    # At the ends, dice do not matter.
    few = prompts[: between(30, 40)]
    for one, all_of_it in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        right = "everything" if one or all_of_it else "nothing"
        result = give(one, all_of_it, few)
        says = f"With word={one:g} and prompt={all_of_it:g}, {right} is left out."
        see = Pictures(few[None, None, :24] * (right == "nothing"), result[None, None, :24])
        yield Claim(says, yours=which(result == 0), expected=right, figure=see)
    for result, one, all_of_it, right in (
        (whole, 0.0, prompt, "all words of some prompts"),
        (single, word, 0.0, "words here and there"),
    ):
        says = f"With word={one:.2f} and prompt={all_of_it:.2f}, what is left out is {right}."
        see = Pictures(lesson.forget(prompts, one, all_of_it)[None, None, :24], result[None, None, :24])
        # One die for all falls so today, and otherwise tomorrow.
        named = which(result == 0).replace("everything", "nothing").replace("nothing", "everything, or nothing")
        clue = f"What is left out should be {right}, and in yours it is {named}."
        yield Claim(says, yours=named, expected=right, figure=see, clue=clue)
    different = not torch.equal(both, give(word, prompt))
    clue = "The same is left out in every call: is a seed set?"
    yield Claim("Called again, it leaves out something else.", yours=different, expected=True, clue=clue)
    yield from dice((whole == 0)[:, :1], prompt, "With word=0", "the prompts")
    yield from dice(single == 0, word, "With prompt=0", "the words")
    # Both at once: a word is left out with its prompt, or by itself; hardly ever do all words lose by themselves.
    yield from both_kinds(both == 0, word, prompt, "With both")
    # In batches of a few it is no more regular.
    few = [give(word, 0.0, prompts[:6]) == 0 for _ in range(16)]
    yield from dice(torch.cat(few), word, "In small batches", "the words")
    yield varies(few, word, "words")
    few = [give(0.0, prompt, prompts[:6])[:, :1] == 0 for _ in range(16)]
    yield from dice(torch.cat(few), prompt, "In small batches with word=0", "the prompts")
    yield varies(few, prompt, "prompts")
    # As many pictures as words, and one by one: here dice of the wrong shape go through without an error.
    square = torch.cat([give(0.0, 0.5, prompts[:words]) == 0 for _ in range(4)])
    says, right = "With as many pictures as words, too, whole prompts are left out.", "all words of some prompts"
    yield Claim(says, yours=which(square), expected=right, clue="The dice of the pictures lie along the words.")
    alone = all(which(give(0.0, 0.5, prompts[:1]) == 0) in ("nothing", "everything") for _ in range(4))
    yield Claim("With word=0, a single prompt is left out whole, or not at all.", yours=alone, expected=True)
    share = float((give(word, 0.0, weighed(1, 2000)) == 0).double().mean())
    limit = 6 * (word * (1 - word) / 2000) ** 0.5
    yield Claim(f"Of a single prompt, a share of {word:.2f} is left out.", yours=share, expected=word, tolerance=limit)
    usual = answer(weighed(2000, words)) == 0
    yield from both_kinds(usual, 0.2, 0.1, "Unless told otherwise")
    # Prompts as they are: most of their numbers are 0, and some prompts have no word at all.
    plain = (torch.rand(300, words) < 0.2).float()
    plain[::5] = 0
    for kind, some in (("of 0 and 1", plain), ("with many zeros", plain * prompts[:300]), ("of 0 alone", 0 * plain)):
        result = give(word, prompt, some)
        added = float((result[some == 0] != 0).float().mean())
        see = Pictures(some[None, None, :24], result[None, None, :24])
        says, clue = f"In prompts {kind}, no word comes in that was not there.", "Words come in that were not there."
        yield Claim(says, yours=added, expected=0.0, figure=see, clue=clue)
        result = give(0.0, 0.0, some)
        see = Pictures(some[None, None, :24], result[None, None, :24])
        yield Claim(
            f"With both at 0, prompts {kind} stay as they are.", yours=result.float(), expected=some, figure=see
        )
    kept = give(word, 0.0, plain)[plain == 1]
    limit, clue = (
        6 * (word * (1 - word) / len(kept)) ** 0.5,
        "How often a word is left out depends on what else is there.",
    )
    says = f"In prompts of 0 and 1, a share of {word:.2f} of what is there is left out."
    yield Claim(says, yours=float((kept == 0).double().mean()), expected=word, tolerance=limit, clue=clue)
    # Many words, and a single one.
    clue = "With some words all was right, and with other numbers it is not: is a number or a limit hard-coded?"
    for some in (weighed(any_size(30, 100), any_size(41, 256)), weighed(between(1800, 2200), 1)):
        out, chance = give(word, prompt, some) == 0, 1 - (1 - word) * (1 - prompt)
        error = (chance * (1 - chance) / out.numel() + (1 - word) ** 2 * prompt * (1 - prompt) / len(out)) ** 0.5
        says, share = "With both, the right share of {} is left out.", float(out.double().mean())
        kind = "one word alone" if out.shape[1] == 1 else "many words"
        yield Claim(says.format(kind), yours=share, expected=chance, tolerance=6 * error, clue=clue)


def both_kinds(out: Tensor, word: float, prompt: float, whose: str) -> Claims:
    """The claims about prompts, (count, words), of which some are left out whole, and words of others; True where they are."""
    words, whole = out.shape[1], out.all(dim=1)
    yield from dice(whole[:, None], prompt + (1 - prompt) * word**words, whose, "whole prompts")
    chance = (word - word**words) / (1 - word**words)
    yield from dice(out[~whole], chance, f"{whose}, in the other prompts", "the words")


def varies(few: list[Tensor], chance: float, what: str) -> Claim:
    """The claim that small batches, each a table with True where something is left out, do not all lose as much."""
    totals = torch.tensor([float(out.sum()) for out in few])
    much = float(totals.var() / (few[0].numel() * chance * (1 - chance)))
    clue = f"Of each batch the same number of {what} is left out."
    return Claim(f"How many {what} of a batch are left out varies.", yours=much > 0.03, expected=True, clue=clue)


@check_of(
    lesson.guide,
    hints=(
        "`told - free` is what the prompt changed about the guess. Where do you begin, if guidance 0 should leave you at `free`?",
        "Begin with `free`, and add what the prompt changed, `told - free`, multiplied by `guidance`.",
    ),
    notice="It is `mix` again, `mix(free, told, guidance)`, but it does not stop at 1: beyond, it goes where no guess has been, "
    "which is why pixels may leave the range from 0 to 1. Other texts count from `told`, so that their 0 is our 1.",
    mistakes={
        "It is counted from `told`, as some texts do: here guidance 1 reaches `told`, and 0 stays at `free`.": (
            {"free + guidance": "told + guidance"},
            {"guidance *": "(1 + guidance) *"},
            {"free + guidance * (told - free)": "(1 + guidance) * told - guidance * free"},
        ),
        "The two are swapped: guidance 0 stays at `free`, and 1 reaches `told`.": (
            {"free + guidance * (told - free)": "told + guidance * (free - told)"},
            {"free + guidance * (told - free)": "(1 - guidance) * told + guidance * free"},
        ),
        "It goes away from the prompt: the direction is from `free` to `told`.": (
            {"told - free": "free - told"}, {"free + guidance": "free - guidance"},
        ),
        "Only the direction comes out: add it to `free`.": {"free + ": ""},
        "`told` is added to `free`: add only what the prompt changed, `told - free`.": {"(told - free)": "told"},
        "The two are added, so that their shares are too large: add only what the prompt changed, `told - free`.":
            {"(told - free)": "(told + free)"},
        "`free` is missing, or cancels out: go from it in the direction of `told`.": (
            {"free + guidance * (told - free)": "guidance * told"},
            {"guidance * (told - free)": "guidance * told - free"},
        ),
        "The whole of `free` is subtracted: add 1 - guidance times `free` to guidance times `told`.":
            {"free + guidance * (told - free)": "guidance * told - free"},
        "The share of `free` has the wrong sign: it is 1 - guidance.":
            {"free + guidance * (told - free)": "guidance * told - (1 - guidance) * free"},
        "Beyond `told` it turns round: go on in the same direction.": (
            {"free + guidance * (told - free)": "told + (guidance - 1) * (free - told)"},
            {"guidance *": "(2 - guidance) *"},
        ),
        "The guidance is reduced by 1: as it is, 1 reaches `told`.": {"guidance *": "(guidance - 1) *"},
        "You return `told`, whatever the guidance: it says how far to go.": ({"guidance * ": ""}, {"free + guidance * (told - free)": "told"}),
        "You return `free`, whatever the guidance: it says how far to go.": {"free + guidance * (told - free)": "free"},
        "It is always half way: `guidance` says how far to go.": {"free + guidance * (told - free)": "(told + free) / 2"},
        "The guidance is a fixed number: use the one that is given.":
            ({"guidance *": "2 *"}, {"guidance *": "3 *"}, {"guidance *": "7.5 *"}),
        "The guidance stops at 1: more goes beyond `told`.": (
            {"guidance *": "min(guidance, 1.0) *"},
            {"return free": "return told if guidance > 1 else free"},
        ),
        "The guidance is never allowed below 1: 0 stays at `free`.": {"guidance *": "max(guidance, 1.0) *"},
        "The guidance is squared, or used twice.": ({"guidance *": "guidance**2 *"}, {"guidance *": "guidance * guidance *"}),
        "The root of the guidance is taken.": {"guidance *": "guidance**0.5 *"},
        "The guidance is squeezed by a sigmoid: use it as it is.": {"guidance *": "torch.sigmoid(torch.tensor(guidance)) *"},
        "The guidance is doubled.": {"guidance *": "2 * guidance *"},
        "The guidance is halved.": {"guidance *": "guidance / 2 *"},
        "The guidance is rounded to a whole number.": ({"guidance *": "round(guidance) *"}, {"guidance *": "int(guidance) *"}),
        "The direction is divided by the guidance: multiply.": {"guidance * (told - free)": "(told - free) / guidance"},
        "The guidance is taken for per cent: 1 reaches `told`.": {"guidance *": "guidance / 100 *"},
        "It is a weighted mean, which never gets beyond `told`: the shares are guidance and 1 - guidance.":
            {"free + guidance * (told - free)": "(free + guidance * told) / (1 + guidance)"},
        "The guidance is added to each pixel: multiply the direction by it.": {"guidance *": "guidance +"},
        "The result is clamped: a guess may leave the range from 0 to 1. The sampler clamps once, at its end.":
            {"free + guidance * (told - free)": "(free + guidance * (told - free)).clamp(0, 1)"},
        "The two guesses are clamped first: leave them as they are. The sampler clamps once, at its end.":
            {"free + guidance * (told - free)": "free.clamp(0, 1) + guidance * (told.clamp(0, 1) - free.clamp(0, 1))"},
        "The direction has lost its sign: where the prompt makes a pixel darker, it should get darker.":
            {"(told - free)": "(told - free).abs()"},
        "Only where the prompt makes a pixel brighter does it count: let it get darker, too.":
            ({"(told - free)": "(told - free).clamp(min=0)"}, {"(told - free)": "(told - free).relu()"}),
        "The direction is squared: take it as it is.": {"(told - free)": "(told - free) ** 2"},
        "Only the sign of the direction counts: take it as it is.": {"(told - free)": "(told - free).sign()"},
        "The direction is divided by its length: take it as it is.": (
            {"(told - free)": "torch.nn.functional.normalize(told - free)"},
            {"(told - free)": "(told - free) / (told - free).norm()"},
            {"(told - free)": "(told - free) / (told - free).std()"},
        ),
        "The result is brought back to the contrast of `told`, which is a trick of some programs: leave it as it is.": (
            {"return free + guidance * (told - free)":
                 "guess = free + guidance * (told - free)\n    sides = (1, 2, 3)\n"
                 "    return guess * told.std(dim=sides, keepdim=True) / guess.std(dim=sides, keepdim=True)"},
            {"return free + guidance * (told - free)":
                 "guess = free + guidance * (told - free)\n    return guess * told.std() / guess.std()"},
        ),
        "The greater of the two is taken: go from `free` in the direction of `told`.":
            {"free + guidance * (told - free)": "torch.maximum(free, guidance * told)"},
        "The two are multiplied and divided, as if guidance were an exponent: add and subtract.":
            {"free + guidance * (told - free)": "free * (told / free) ** guidance"},
        "The three colours of a pixel go the same way: each has a direction of its own.":
            {"(told - free)": "(told - free).mean(dim=1, keepdim=True)"},
        "All pictures go the same way, on average: each has a direction of its own.": {"(told - free)": "(told - free).mean(dim=0)"},
        "All pixels go the same way, on average: each has a direction of its own.":
            {"(told - free)": "(told - free).mean(dim=(2, 3), keepdim=True)"},
        "The direction is one number, the mean of all: each pixel and colour has its own.": {"(told - free)": "(told - free).mean()"},
        "All pictures go in the direction of the first one: each has its own.": {"(told - free)": "(told - free)[:1]"},
        "All pictures begin at the first of `free`: each has its own.":
            {"free + guidance * (told - free)": "free[:1] + guidance * (told - free[:1])"},
        "All pictures go towards the first of `told`: each has its own.": {"told - free": "told[:1] - free"},
        "Both guesses come out, in one batch: return one guess for each picture.": {"free + guidance * (told - free)": "torch.cat([free, told])"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def guide(answer) -> Claims:
    count, height, width = between(4, 6), between(17, 24), between(11, 16)
    # Guesses leave the range from 0 to 1.
    some = pictures(2 * count, height, width)
    told, free = 1.3 * some[:count] - 0.2 * torch.rand(count, 3, height, width), 1.3 * some[count:] - 0.2
    low, high, far = (start + 0.2 * torch.rand(()).item() for start in (0.3, 2.6, 8.6))
    result = answer(told, free, high)
    yield Claim("The shape of the guesses comes out.", yours=result, expected=Shape(tuple(told.shape)))
    if None not in (each := [shares(*three, tolerance=1e-3) for three in zip(result, told, free, strict=True)]):
        yours, expected = torch.tensor(each), torch.tensor([high, 1 - high]).expand(count, 2)
        much, little = yours[int((yours - expected).abs().amax(dim=1).argmax())].tolist()
        words = f"With guidance {high:.2f} there should be {high:.2f} of `told` and {1 - high:.2f} of `free`, and yours has "
        words += f"{much:.2f} of `told` and {little:.2f} of `free`."
        see = Pictures(torch.lerp(free, told, high), result)
        says = "Both guesses have the right shares."
        yield Claim(says, yours=yours, expected=expected, tolerance=0.01, figure=see, clue=words, words=words)
    for guidance, says, right in (
        (0.0, "stays at `free`", free),
        (1.0, "reaches `told`", told),
        (low, "goes a part of the way from `free` to `told`", torch.lerp(free, told, low)),
        (high, "goes beyond `told`", torch.lerp(free, told, high)),
        (far, "goes far beyond `told`", torch.lerp(free, told, far)),
    ):
        result = answer(told, free, guidance)
        yield Claim(f"Guidance {guidance:.3g} {says}.", yours=result, expected=right, tolerance=1e-3, figure=Pictures)
    # As many pictures as they are high and wide, a single one, and many.
    clue = "With few pictures all was right, and with other numbers it is not: is a number or a limit hard-coded?"
    for kind, sides in (
        ("As many pictures as they are wide", (between(7, 9),) * 2),
        ("A single picture", (1, between(32, 40))),
        ("Many pictures", (any_size(16, 64), 8)),
    ):
        told, free = (1.4 * torch.rand(sides[0], 3, sides[1], sides[1]) - 0.2 for _ in range(2))
        guidance = 4 * torch.rand(()).item()
        result, right = answer(told, free, guidance), (1 - guidance) * free + guidance * told
        says = f"{kind} go as far as guidance {guidance:.2f} says."
        yield Claim(says, yours=result, expected=right, tolerance=1e-3, figure=Pictures, clue=clue)
    same = torch.rand(2, 3, 8, 8)
    says = "Where the prompt changes nothing, neither does guidance."
    yield Claim(says, yours=answer(same, same, high), expected=same, tolerance=1e-3, figure=Pictures)
    result = answer(told[:2], free[:2], 2)
    says = "Guidance may be a whole number."
    yield Claim(says, yours=result, expected=2 * told[:2] - free[:2], tolerance=1e-3, figure=Pictures)
