"""Checks for chapter 5."""

import torch
from torch import Tensor

from dino import evaluation as lesson
from dino.course.checks.claims import Bars, Claim, Claims, Pictures, Shape, check_of, how_many
from dino.course.checks.inputs import any_size, between, pictures


@check_of(
    lesson.nearest,
    hints=(
        "`torch.cdist` measures all distances between two sets of flat vectors, (count, numbers) and (others, numbers), at once: "
        "flatten the pictures first. Do it a second time with the pictures mirrored.",
        "`torch.cdist(pictures.flatten(1), known.flatten(1))` and the same with `pictures.flip(3)`; `torch.minimum` of the two "
        "tables; `.min(dim=1)` gives distance and index. Divide the distance by the root of how many values a picture has.",
    ),
    notice="`cdist` gives the root of a *sum* of squares. Divided by the root of the number of values, it becomes a typical "
    "difference of one value, which means the same at every size of picture.",
    mistakes={
        "Mirror images are not counted: compare `pictures.flip(3)` as well, with the known ones as they are.": (
            {"torch.minimum(here, there)": "here"},
            {"known.flatten(1)) for side in (pictures, pictures.flip(3))":
                "same.flatten(1)) for side, same in ((pictures, known), (pictures.flip(3), known.flip(3)))"},
        ),
        "Only mirror images are compared: the pictures as they are count, too.": {"torch.minimum(here, there)": "there"},
        "The pictures are turned upside down: a mirror swaps left and right, the last dimension.": {"flip(3)": "flip(2)"},
        "The pictures are turned by half a turn: a mirror swaps left and right only.": {"flip(3)": "flip(2, 3)"},
        "The colours are reversed: a mirror swaps left and right, the last dimension.": {"flip(3)": "flip(1)"},
        "The order of the pictures is reversed: a mirror swaps left and right, the last dimension.": {"flip(3)": "flip(0)"},
        "The farther of the two ways round is taken: the nearer one counts.": {"minimum": "maximum"},
        "The mean of both ways round is taken: the nearer one counts.":
            {"torch.minimum(here, there)": "((here + there) / 2)"},
        "Both ways round are added up: the nearer one counts.": {"minimum": "add"},
        "You look for the farthest: `min`, not `max`.": {"min(dim=1)": "max(dim=1)"},
        "The distance is the mean over all known pictures: the nearest one counts.":
            {"return": "distance = torch.minimum(here, there).mean(dim=1); return"},
        "For each known picture, you look for the nearest of yours: search the other dimension.": {"dim=1": "dim=0"},
        "Only one number comes out: each picture has a nearest of its own, so name the dimension to search.":
            {"return": "distance, index = distance.min(), torch.minimum(here, there).argmin(); return"},
        "Distance and index are swapped.": {"return ": "return index, ", "0.5, index": "0.5"},
        "Only the distance is returned: the index belongs to it.": {"0.5, index": "0.5"},
        "Only the index is returned: the distance belongs to it.": {"distance / pictures[0].numel() ** 0.5, ": ""},
        "You return the known pictures themselves: return their index.": {"0.5, index": "0.5, known[index]"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
        "The whole table of distances is returned: the nearest one is wanted.":
            {"return": "distance = torch.minimum(here, there); return"},
        "The index counts mirror images as pictures of their own: it should be one into `known`.":
            {"torch.minimum(here, there)": "torch.cat([here, there], dim=1)"},
        "The index is that of the nearest without the mirror: take distance and index from the same table.":
            {"0.5, index": "0.5, here.argmin(dim=1)"},
        "The distance is not divided: it is the root of the sum of squares, and grows with the number of values.":
            {" / pictures[0].numel() ** 0.5": ""},
        "The distance is divided by the number of values: divide by its root.": {" ** 0.5": ""},
        "The distance is divided by the root of the number of pixels: each has three values.": {"[0].numel": "[0, 0].numel"},
        "The distance is divided by the width: divide by the root of how many values a picture has.":
            {"pictures[0].numel() ** 0.5": "pictures.shape[3]"},
        "The distance is divided by the root of how many values all pictures have together: take those of one.":
            {"[0].numel": ".numel"},
        "The squares are summed, with no root and no mean.": {"distance / pictures[0].numel() ** 0.5": "distance**2"},
        "The root is missing: it is the mean of the squares.":
            {"distance / pictures[0].numel() ** 0.5": "distance**2 / pictures[0].numel()"},
        "The absolute differences are averaged: take the root of the mean of the squares.":
            {"known.flatten(1)": "known.flatten(1), p=1", " ** 0.5": ""},
        "The absolute differences are summed: take the root of the mean of the squares.":
            {"known.flatten(1)": "known.flatten(1), p=1", " / pictures[0].numel() ** 0.5": ""},
        "The largest difference decides: take the root of the mean of all squares.":
            {"known.flatten(1)": "known.flatten(1), p=torch.inf", " / pictures[0].numel() ** 0.5": ""},
        "The differences are averaged before they are squared, so that they cancel out.":
            {"side.flatten(1), known.flatten(1)": "side.flatten(1).mean(1, True), known.flatten(1).mean(1, True)",
             " / pictures[0].numel() ** 0.5": ""},
        "Only the mean colours are compared: compare pixel by pixel.":
            {"side.flatten(1), known.flatten(1)": "side.mean(dim=(2, 3)), known.mean(dim=(2, 3))", "pictures[0].numel()": "3"},
        "Colours are thrown away: compare all three of them.":
            {"side.flatten(1), known.flatten(1)": "side.mean(1).flatten(1), known.mean(1).flatten(1)",
             "[0].numel": "[0, 0].numel"},
        "Only the direction is compared (cosine similarity), so brightness does not count: take the difference.":
            {"torch.cdist(side.flatten(1), known.flatten(1))":
                "1 - torch.cosine_similarity(side.flatten(1)[:, None], known.flatten(1), dim=2)",
             " / pictures[0].numel() ** 0.5": ""},
        "The pictures are compared one to one with the known ones: compare each with all of them.":
            {"torch.minimum(here, there).min(dim=1)":
                "(pictures - known[: len(pictures)]).flatten(1).norm(dim=1), torch.arange(len(pictures))"},
    },
)  # fmt: skip
def nearest(answer) -> Claims:
    count, height, width = between(10, 14), between(17, 24), between(13, 16)
    known = pictures(count, height, width)
    order = torch.randperm(count)[: between(4, 6)]

    result = answer(known[order], known)
    says = "Two things come back: the distances and the indices."
    clue = f"Two things should come back, and what comes is {how_many(result)}."
    yield Claim(says, yours=how_many(result), expected="two things", clue=clue)
    distance, index = result
    yield Claim("There is one distance for each picture.", yours=distance, expected=Shape((len(order),)))
    kind = "whole numbers" if torch.is_tensor(index) and not index.is_floating_point() else "something else"
    says = "The second is the index of a known picture: whole numbers."
    yield Claim(says, yours=kind, expected="whole numbers")

    def claims(says: str, shown: Tensor, more: str, clue: str) -> Claims:
        distance, index = answer(shown, known)
        right, place = lesson.nearest(shown, known)
        index = index if index.is_floating_point() else index.long()
        found = index.clamp(0, len(known) - 1) if index.shape == place.shape else place
        see = Pictures(known[place], known[found])
        yield Claim(says, yours=index.double(), expected=place.double(), tolerance=0.1, figure=see, clue=clue)
        see = Bars(right, distance, across="picture", up="distance to the nearest")
        clue = "The right pictures are found, but their distance is not the root of the mean squared difference."
        yield Claim(more, yours=distance, expected=right, tolerance=2e-3, figure=see, clue=clue)

    says = "A known picture is found again."
    clue = "Not even a known picture finds itself: compare each picture with all known ones, and take the nearest."
    yield from claims(says, known[order], "A known picture is at distance 0 from itself.", clue)
    says = "The mirror image of a known picture is found as that picture."
    clue = "Known pictures are found, but their mirror images are not: compare `pictures.flip(3)` as well."
    yield from claims(says, known[order].flip(3), "The mirror image of a known picture is at distance 0.", clue)
    off = 0.06 + 0.05 * torch.rand(()).item()
    says = f"A picture that differs from a known one by {off:.3f} everywhere is taken for that one."
    clue = "Known pictures are found, but brighter ones are not: does every pixel and every colour count alike?"
    yield from claims(
        says, known[order] + off, f"If it differs by {off:.3f} everywhere, its distance is {off:.3f}.", clue
    )
    says = "For pictures that are not known, the nearest is found."
    clue = "Known pictures are found, but others are not: does every pixel and every colour count alike?"
    shown = [pictures(3, height, width) * 0.7, torch.rand(2, 3, height, width), known[order[:2]].flip(2)]
    shown = torch.cat([*shown, known[order[2:]].flip(3) * 0.9])
    more = "The distance is the root of the mean squared difference over pixels and colours."
    yield from claims(says, shown, more, clue)
    few, height, width = between(6, 8), between(10, 14), between(9, 11)
    known = known[:few, :, :height, :width]
    shown = torch.cat([shown[:, :, :height, :width], known[4:].flip(3)])
    yield from claims(f"{says[:-1]}, at another size and among fewer.", shown, more, clue)
    # One picture among hundreds, which is like one of the last, and many pictures where one is known.
    known = torch.rand(any_size(300, 500), 3, 4, 6)
    clue = (
        "With some pictures all was right, and with one or with hundreds it is not: is a number or a limit hard-coded?"
    )
    one = known[-1 - any_size(1, 30)][None].flip(3) * 0.95
    more = "There is one distance for each picture, however many are known."
    yield from claims("One picture is found among hundreds.", one, more, clue)
    some, known = known, known[:1]
    yield from claims("Where one picture is known, that one is the nearest of all.", some, more, clue)


FAR = 0.4


def ladder(known: Tensor, values: Tensor) -> Tensor:
    """Pictures that are so far from a known one, as shares of FAR: brighter in some places and darker in others."""
    values = FAR * values.view(-1, 1, 1, 1).expand(-1, *known.shape)
    return known + torch.where(torch.rand_like(values) < 0.5, values, -values)


def spread(hundreds: int) -> Tensor:
    """Distances of fresh pictures, few of them at both ends, so that their mean, their median and all their quantiles differ."""
    place = torch.linspace(-1, 1, 100 * hundreds + 1)
    least, more = torch.tensor([0.36, 0.08, 0.04, 2]), torch.tensor([0.08, 0.04, 0.06, 2])
    middle, below, above, power = least + more * torch.rand(4)
    values = middle + torch.where(place < 0, below, above) * place.sign() * place.abs() ** power
    # The nearest and the farthest tell nothing of the others.
    values[:2] -= 0.1 * torch.rand(())
    values[-2:] += 0.1 * torch.rand(())
    return values


@check_of(
    lesson.copies,
    hints=(
        "Your `nearest` tells how far the fresh pictures are from the known ones. What distance is it that only one in a "
        "hundred of them falls below?",
        "`limit = nearest(fresh, known)[0].quantile(0.01)`; then the mean of `nearest(drawn, known)[0] < limit`, as a float.",
    ),
    notice="A comparison gives True and False; as floats they are 1 and 0, and their mean is a share.",
    mistakes={
        "This is the share of drawings that are no copies: a copy is nearer than the limit.":
            ({" < ": " > "}, {"return ": "return 1 - "}),
        "The limit is the nearest of all fresh pictures: it should leave 1 in 100 of them below it.":
            ({"quantile(0.01)": "min()"}, {"(fresh, known)": "(known, fresh)"}),
        "The limit is the farthest of all fresh pictures: it should leave 1 in 100 of them below it.":
            {"quantile(0.01)": "max()"},
        "The limit is the mean distance of fresh pictures: it should leave 1 in 100 of them below it.":
            {"quantile(0.01)": "mean()"},
        "The limit is the median distance of fresh pictures: it should leave 1 in 100 of them below it.":
            {"quantile(0.01)": "median()"},
        "The limit leaves 99 in 100 below it: `quantile(0.01)`.": {"0.01": "0.99"},
        "The limit leaves 1 in 10 below it: `quantile(0.01)`.": {"0.01": "0.1"},
        "The limit leaves 1 in 20 below it: `quantile(0.01)`.": {"0.01": "0.05"},
        "The limit is a hundredth of the mean distance: it should be the distance that one in a hundred falls below.":
            {"quantile(0.01)": "mean() / 100"},
        "The limit is a hundredth of the largest distance: it should be the distance that one in a hundred falls below.":
            {"quantile(0.01)": "max() / 100"},
        "The limit is a fixed number: take it from the fresh pictures, for it depends on what they are like.":
            {"nearest(fresh, known)[0].quantile(0.01)": "0.05"},
        "The limit is 0, so only what is exactly the same counts.": {"nearest(fresh, known)[0].quantile(0.01)": "1e-6"},
        "The limit comes from the drawings themselves: take it from the fresh pictures.": {"(fresh, known)": "(drawn, known)"},
        "Your limit is always 0: compare fresh pictures with known ones, and by their distances (what `nearest` gives first), not by "
        "their indices.": (
            {"(fresh, known)": "(fresh, fresh)"}, {"(fresh, known)": "(known, known)"},
            {"nearest(fresh, known)[0]": "nearest(fresh, known)[1].float()", "nearest(drawn, known)[0]": "nearest(drawn, known)[1]"},
        ),
        "The limit comes from how near fresh pictures are to drawings: compare them with the known ones.":
            {"(fresh, known)": "(fresh, drawn)"},
        "The drawings are compared with the fresh pictures: compare them with the known ones.":
            {"(drawn, known)": "(drawn, fresh)"},
        "You count known pictures that were copied: count drawings, nearest(drawn, known).":
            {"(drawn, known)": "(known, drawn)"},
        "Fresh and known pictures are swapped.": {"limit =": "fresh, known = known, fresh; limit ="},
        "Drawn and fresh pictures are swapped.": {"limit =": "fresh, drawn = drawn, fresh; limit ="},
        "You compare indices: the distance comes first out of `nearest`.": {"(drawn, known)[0]": "(drawn, known)[1]"},
        "You return a count: divide it by the number of drawings.": {"mean()": "sum()"},
        "You return percent: a share lies between 0 and 1.": {"return ": "return 100 * "},
        "You return which ones are copies: their share is wanted.": {".float().mean().item()": ""},
        "You return whether there is any copy: the share is wanted.": {"float().mean()": "any()"},
        "You return whether all are copies: the share is wanted.": {"float().mean()": "all()"},
        "You return the limit: the share of drawings below it is wanted.":
            {"(nearest(drawn, known)[0] < limit).float().mean()": "limit"},
        "You return how much nearer the drawings are on average: the share of copies is wanted.":
            {"quantile(0.01)": "mean()", " < limit).float().mean()": ".mean() / limit)"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def copies(answer) -> Claims:
    height, width, many = (between(3, 6) for _ in range(3))
    # All pictures are nearest to the known one in the middle, which is its own mirror image.
    middle = 0.4 + 0.2 * torch.rand(3, height, width)
    middle = middle + middle.flip(2) - 0.5
    known, fresh = torch.stack([middle, 0 * middle, 1 + 0 * middle]), spread(between(4, 7))

    def claim(says: str, drawn: Tensor, share: float, clue: str, tolerance=1e-3) -> Claim:
        shown, others = (ladder(middle, some[torch.randperm(len(some))]) for some in (drawn, fresh))
        return compare(says, answer(shown, known, others), share, clue, tolerance)

    def compare(says: str, result: object, share: float, clue: str, tolerance=1e-3) -> Claim:
        if isinstance(result, Tensor) and result.numel() == 1:
            result = result.item()
        if isinstance(result, int | float) and not isinstance(result, bool):
            see = Bars(torch.tensor([share]), torch.tensor([float(result)]), across="", up="share of copies")
            clue = clue.format(result, FAR * result)
            return Claim(says, yours=result, expected=share, tolerance=tolerance, figure=see, clue=clue)
        kind = "a tensor with several numbers" if isinstance(result, Tensor) else str(result)
        return Claim(says, yours=None if result is None else kind, expected="one number")

    clue = "All drawings are known pictures here, so the share is 1; yours is {:.3g}. Which distances do you compare?"
    yield claim("If all drawings are known pictures, all are copies: 1.", torch.zeros(many), 1.0, clue)
    clue = "All drawings are far from the known pictures here, so the share is 0; yours is {:.3g}. Where is your limit?"
    far = 0.7 + 0.3 * torch.rand(many)
    yield claim("If all drawings are far from the known pictures, none is: 0.", far, 0.0, clue)
    clue = f"One drawing of {many} is a known picture here, so the share is {1 / many:.3g}; yours is {{:.3g}}."
    far[0] = 0
    yield claim(f"If one drawing of {many} is a known picture: {1 / many:.3g}.", far, 1 / many, clue)
    says = "Drawings that are nearer than all fresh pictures are copies, though they are not exactly the same."
    clue = "These drawings are nearer than any fresh picture, so all are copies: your limit is too small."
    yield claim(says, torch.linspace(0, 0.02, 500), 1.0, clue)
    # Drawings at all distances: their share says where the limit is.
    every = torch.linspace(0, 1, 2001)

    def at_the_limit(says: str, tolerance: float) -> Claim:
        limit = fresh.quantile(0.01)
        clue = f"1 in 100 fresh pictures are nearer than {FAR * limit:.3f} here, so that is the limit; yours seems to be at {{1:.3f}}."
        return claim(says, every, (every < limit).float().mean().item(), clue, tolerance)

    yield at_the_limit("The limit is the distance that 1 in 100 fresh pictures fall below.", 0.0025)
    known, fresh = known.roll(between(1, 2), dims=0), spread(between(14, 19))
    yield at_the_limit("It moves with the fresh pictures, however many there are.", 0.0015)
    # A known picture that is not its own mirror image, and drawings either way round: one, and then many, the nearest at last.
    known = torch.stack([middle + torch.linspace(-0.3, 0.3, width + 1)[1:], 0 * middle, 1 + 0 * middle])
    clue = "The mirror image of a known picture is a copy, too: what `nearest` finds counts."
    result = answer(known[:1].flip(3), known, ladder(known[0], fresh))
    yield compare("One drawing, the mirror image of a known picture, is a copy.", result, 1.0, clue)
    # Of the fresh pictures, those near the limit lie far apart, so that it shows where exactly it is.
    clue = "The limit is what 1 in 100 fresh pictures fall below, be it near or far, and all drawings count, either way round."
    for how, least in (("near", 0.02), ("far", 0.5)):
        hundreds = any_size(4, 6)
        tail = torch.linspace(least, least + 0.3, 3 * hundreds)
        fresh = torch.cat([tail, torch.linspace(least + 0.3, least + 0.4, 97 * hundreds + 1)])
        drawn = ladder(known[0], torch.linspace(1, 0, any_size(2100, 2600)))
        drawn[::2] = drawn[::2].flip(3)
        others = ladder(known[0], fresh)
        result, right = answer(drawn, known[:1], others), lesson.copies(drawn, known[:1], others)
        says = f"Where fresh pictures are {how}, and many drawings face the other way, the share is right as well."
        yield compare(says, result, right, clue, 0.002)


@check_of(
    lesson.shares,
    hints=(
        "Count how often each kind occurs, then divide by how many pictures there are. `torch.bincount` counts.",
        "`torch.bincount(kinds, minlength=count)` counts kinds that never occur as 0, too. Divide by `len(kinds)`.",
    ),
    notice="Without `minlength`, the result would be shorter whenever the last kinds are missing: just when a kind has been "
    "forgotten, nobody would see it.",
    mistakes={
        "These are counts: divide by the number of pictures.": ({" / len(kinds)": ".float()"}, {" / len(kinds)": ""}),
        "The counts are divided by the number of kinds: divide by the number of pictures.": {"len(kinds)": "count"},
        "The counts are divided by the largest: divide by the number of pictures.":
            {"len(kinds)": "torch.bincount(kinds).max()"},
        "These are percent: shares add up to 1.": {"return ": "return 100 * "},
        "`//` cuts the fraction off.": ({"/ len(kinds)": "// len(kinds) * 1.0"}, {"/ len(kinds)": "// len(kinds)"}),
        "The shares are rounded: leave them as they are.": {"torch": "(torch", "len(kinds)": "len(kinds)).round(decimals=1)"},
        "Kinds that never occur are left out: every kind has a share, if only 0.":
            ({"torch.bincount(kinds, minlength=count)": "kinds.unique(return_counts=True)[1]"}, {", minlength=count": ""}),
        "The shares are sorted by size: they should come in the order of the kinds.":
            {"torch": "(torch", "len(kinds)": "len(kinds)).sort().values"},
        "The shares are sorted by size, the largest first: they should come in the order of the kinds.":
            {"torch": "(torch", "len(kinds)": "len(kinds)).sort(descending=True).values"},
        "The shares come in reverse: they should come in the order of the kinds.": {"count)": "count).flip(0)"},
        "The kinds are counted from 1: they begin with 0.": {"=count)": "=count + 1)[1:]"},
        "The last kind is forgotten.": {"=count)": "=count)[:-1]"},
        "There is one share too many: kinds are numbered from 0 to count - 1.": {"=count)": "=count + 1)"},
        "A softmax is taken of the counts: just divide.": {" / len(kinds)": ".float().softmax(0)"},
        "A softmax is taken of the shares: just divide.": {"torch": "(torch", "len(kinds)": "len(kinds)).softmax(0)"},
        "All shares are the same, whatever the pictures are.":
            {"torch.bincount(kinds, minlength=count) / len(kinds)": "torch.full((count,), 1 / count)"},
        "The shares pile up from kind to kind: each stands for itself.": {"=count)": "=count).cumsum(0)"},
        "One is added to each count, so that none is 0: shares of what is there are wanted.":
            {"torch": "(1 + torch", "len(kinds)": "(len(kinds) + count)", "=count)": "=count))"},
        "The shares are divided by their length, not by their sum (`normalize`): they should add up to 1.":
            {"torch": "torch.nn.functional.normalize(torch", " / len(kinds)": ".float(), dim=0)"},
        "You return whether each kind occurs: its share is wanted.": {" / len(kinds)": ".clamp(max=1).float()"},
        "You return the kinds, divided by something: count how often each occurs.":
            {"torch.bincount(kinds, minlength=count) / len(kinds)": "kinds / count"},
        "You return the mean kind: count how often each occurs.":
            {"torch.bincount(kinds, minlength=count) / len(kinds)": "kinds.float().mean()"},
        "You return only the largest share: one for each kind is wanted.": {"=count)": "=count).max()"},
        "You return only the share of the first kind: is there a `return` inside the loop?": {"=count)": "=count)[0]"},
        "You return a list: make it a tensor.": {"torch": "(torch", "len(kinds)": "len(kinds)).tolist()"},
        "Each picture gets the share of its kind: give one share for each kind.": {"=count)": "=count)[kinds]"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def shares(answer) -> Claims:
    def claim(says: str, kinds: list[int], count: int) -> Claim:
        result = answer(torch.tensor(kinds)[torch.randperm(len(kinds))], count)
        right = torch.tensor([kinds.count(k) / len(kinds) for k in range(count)])
        if isinstance(result, Tensor) and not result.is_floating_point() and not result.is_complex():
            result = result.double()  # whole numbers are never right, but how wrong they are says more than their kind
        clue = "Each share should be how often the kind occurs, divided by the number of pictures."
        if isinstance(result, Tensor) and result.is_floating_point() and abs(result.sum() - 1) > 1e-3:
            clue = f"Your shares add up to {result.sum():.3g}, and should to 1."
        see = Bars(right, result, across="kind", up="share")
        return Claim(says, yours=result, expected=right, figure=see, clue=clue)

    # Neither the first nor the last is the rarest or the most frequent.
    rare, less, more, most = (torch.randperm(9)[:4].sort().values + 1).tolist()
    often = [less, most, rare, more]
    of, row = sum(often), ", ".join(map(str, often))
    says = f"Of {row} pictures of kinds 0, 1, 2 and 3, the shares are these numbers, divided by {of}."
    yield claim(says, [kind for kind in range(4) for _ in range(often[kind])], 4)
    count = between(3, 5)
    yield claim(f"Where only kind 1 of {count} occurs, its share is 1, and others have 0.", [1] * (of - 2), count)
    says = "Kinds that never occur have share 0, be they the first, in the middle or the last."
    yield claim(says, [1] * rare + [3] * more + [4], between(9, 19))
    many, count = between(700, 1499), between(9, 19)
    kinds = (count * torch.rand(many) ** 2).int().tolist()
    yield claim(f"The shares of {many} pictures of {count} kinds add up to 1.", [*range(count), *kinds[count:]], count)
    yield claim("With one picture and one kind, the share of that kind is 1.", [0], 1)
    many, count = any_size(1600, 4000), any_size(30, 64)
    kinds = (count * torch.rand(many) ** 2).int().tolist()
    yield claim("Of many pictures of many kinds, all count.", [*range(count), *kinds[count:]], count)


@check_of(
    lesson.frechet_distance,
    hints=(
        "Four pieces: the squared distance of the means; the traces of the two covariances; and minus twice the trace of the root "
        "of their product. `points.T.cov()` is the covariance.",
        "The trace of a root is the sum of the roots of the eigenvalues: `torch.linalg.eigvals(C @ D).real.clamp(min=0).sqrt()."
        "sum()`. Work in `double`, for the four pieces nearly cancel out.",
    ),
    notice="The eigenvalues of C D are never negative, though C D is not symmetric; rounding makes some of them a hair less "
    "than 0, or complex, hence `.real` and `clamp`.",
    mistakes={
        "The means are left out.": {"apart + ": ""},
        "Only the means count: how the points are spread is left out.":
            {" + spread.trace() + spread_of_other.trace() - 2 * shared": ""},
        "The distance of the means is not squared.": {".square().sum()": ".norm()"},
        "The differences of the means are summed without being squared.": {"square().sum()": "abs().sum()"},
        "The differences of the means are summed before they are squared.": {"square().sum()": "sum().square()"},
        "The squared differences of the means are averaged: sum them.": {"square().sum()": "square().mean()"},
        "The means are those over all features at once: each feature has its own.":
            {"one.mean(dim=0) - other.mean(dim=0)": "one.mean() - other.mean().expand(one.shape[1])"},
        "The middle is the median: take the mean.":
            {"one.mean(dim=0) - other.mean(dim=0)": "one.median(dim=0).values - other.median(dim=0).values"},
        "The product is taken once: minus *twice* the trace of its root.": {"2 * ": ""},
        "The last piece is added: subtract it.": {"- 2": "+ 2"},
        "The last piece is left out.": {" - 2 * shared": ""},
        "The trace of the second covariance is left out.": {" + spread_of_other.trace()": ""},
        "The trace of the first covariance is left out.": {" + spread.trace()": ""},
        "Both traces are left out.": {" + spread.trace() + spread_of_other.trace()": ""},
        "The root is taken of each number of C D: the root of a matrix is something else; take that of its eigenvalues.":
            {"torch.linalg.eigvals(spread @ spread_of_other).real": "(spread @ spread_of_other).diagonal()"},
        "The root is taken of the trace: it is the trace of the root, the sum of the roots of the eigenvalues.":
            {"clamp(min=0).sqrt().sum()": "sum().clamp(min=0).sqrt()"},
        "The means are taken over the features, and compared point by point: each feature has a mean of its own.":
            {"one.mean(dim=0) - other.mean(dim=0)": "one.mean(dim=1) - other.mean(dim=1)"},
        "Both clouds are moved to mean 0 and scaled to spread 1 first, which takes away what is to be measured.":
            {"one.double(), other.double()": "((x - x.mean(0)) / x.std(0) for x in (one.double(), other.double()))"},
        "The traces are subtracted from each other: add both.": {"+ spread_of_other.trace()": "- spread_of_other.trace()"},
        "The covariances are multiplied number by number: multiply them as matrices, with `@`.": {"@": "*"},
        "Eigenvalues that rounding makes a hair less than 0 have no root: cut them off at 0 (`clamp`).": {".clamp(min=0)": ""},
        "The roots are complex numbers: the eigenvalues have an imaginary part, though it is 0 except for rounding. Take `.real`.":
            {".real.clamp(min=0)": ""},
        "The root is missing: take the roots of the eigenvalues.": {".sqrt()": ""},
        "The covariances are added, not multiplied.": {"@": "+"},
        "`eigvalsh` is for symmetric matrices, and C D is none: use `eigvals`.": {"eigvals": "eigvalsh"},
        "Singular values are not eigenvalues, because C D is not symmetric: use `eigvals`.": {"eigvals": "svdvals"},
        "How the features go together is left out: multiply whole covariances, as matrices.": (
            {"one.T.cov(), other.T.cov()": "one.var(dim=0).diag(), other.var(dim=0).diag()"},
            {"torch.linalg.eigvals(spread @ spread_of_other)": "(spread * spread_of_other).diagonal()"},
        ),
        "These are correlations: the covariance also knows how far the points are spread.":
            {"one.T.cov(), other.T.cov()": "one.T.corrcoef(), other.T.corrcoef()"},
        "The mean is not subtracted before the products: that is no covariance.":
            {"one.T.cov(), other.T.cov()": "one.T @ one / len(one), other.T @ other / len(other)"},
        "The covariance is not divided by the number of points.":
            {"one.T.cov(), other.T.cov()": "one.T.cov() * (len(one) - 1), other.T.cov() * (len(other) - 1)"},
        "The covariances are compared number by number: that is another distance.":
            {"spread.trace() + spread_of_other.trace() - 2 * shared": "(spread - spread_of_other).square().sum()"},
        "The root of the whole is taken: the squared distance is wanted.": {".item()": ".clamp(min=0).sqrt().item()"},
        "Its sign is wrong: a distance is not negative.": {"return ": "return -"},
        "It is divided by the number of features.": {".item()": ".item() / one.shape[1]"},
        "The covariances are taken between points, not between features: `points.T.cov()`.":
            {"one.T.cov(), other.T.cov()": "one.cov(), other.cov()"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
    },
)  # fmt: skip
def frechet_distance(answer) -> Claims:
    # Not square, with features that go together, spread differently, and far from 0.
    features, (points, others) = between(3, 4), (between(500, 899) for _ in range(2))

    def cloud(count: int) -> Tensor:
        """Points that lie neither like a ball nor around 0."""
        return torch.rand(count, features).clamp(min=1e-6).log() @ torch.randn(features, features)

    one = cloud(points) + 3 * torch.rand(features)

    def claim(says: str, first: Tensor, second: Tensor, clue: str, tolerance: float = 0.004) -> Claim:
        result = answer(first, second)
        result = result.item() if isinstance(result, Tensor) and result.numel() == 1 else result
        right = max(0.0, lesson.frechet_distance(first, second))
        return Claim(says, yours=result, expected=right, tolerance=tolerance * (1 + right), clue=clue)

    clue = "These are the same points in another order, so everything should cancel out: compare means and covariances, not points."
    yield claim("A cloud is at distance 0 from itself.", one, one.flip(0), clue)
    moved = one + 2 * torch.randn(features)
    clue = "Only the means differ here, so it must be the first piece that is wrong: the squared distance of the means."
    yield claim(
        "If one cloud is the other one, moved, the distance is the squared length of the move.", one, moved, clue
    )
    middle = one.mean(dim=0)
    wider = 1.5 + torch.rand(()).item()
    says = f"If one cloud is the other one, spread {wider:.2f} times as far, the distance is {(wider - 1) ** 2:.2f} times the trace of its covariance."
    clue = "The means are the same here, so it must be the pieces with the covariances that are wrong."
    yield claim(says, one, middle + wider * (one - middle), clue)
    spread = torch.randn(points, features) * (0.5 + torch.arange(features)[torch.randperm(features)])
    narrow = torch.randn(others, features) * (0.3 + 2 * torch.rand(features))
    says = "If each feature is spread differently, the distance is about the sum of the squared differences of the spreads."
    clue = "The features hardly go together here, so each covariance is nearly diagonal: look at how you combine two of them."
    yield claim(says, spread, narrow, clue)
    features += between(1, 2)
    one, other = cloud(points) + torch.rand(features), cloud(others)
    clue = "All simpler clouds came out right. What is new here: the covariances are not diagonal, and C D is not symmetric."
    yield claim("Of any two clouds, all four pieces count.", one, other, clue)
    # Features that go together almost completely: of such covariances, rounding makes some eigenvalues a hair less than 0.
    flat = torch.randn(2, 8)
    thin, wide = (
        torch.randn(n, 2) @ flat * far + 1e-4 * torch.randn(n, 8) for n, far in ((points, 1.0), (others, 1.5))
    )
    says = "Features that are almost completely correlated give a number, too."
    clue = "Where features go together, some eigenvalues are 0, and rounding makes them a hair less: cut them off at 0 before the root."
    yield claim(says, thin, wide, clue, tolerance=0.05)  # roots of what is nearly 0 have few digits
    clue = "This way round it should be the same: is one of the two clouds used twice?"
    yield claim("It is the same the other way round.", other, one, clue)
    # As many features as a network may have, and more points; the first and the last lie far off.
    features, (points, others) = any_size(16, 64), (any_size(1000, 2000), any_size(1000, 2000))
    one, other = torch.randn(points, features), 2 * torch.randn(others, features)
    one[0] *= 20
    one[-1] *= 30
    clue = "With few features and points all was right: is a number or a limit hard-coded, or a point left out?"
    yield claim("Of many features and points, all count.", one, other, clue)
