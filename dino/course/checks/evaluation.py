"""Checks for chapter 5."""

import torch
from torch import Tensor

from dino import evaluation as lesson
from dino.course.checks.claims import Claim, Claims, Shape, check_of
from dino.course.checks.inputs import pictures


def root_mean_square(one: Tensor, other: Tensor) -> Tensor:
    """How far each picture is from each known one."""
    return (one[:, None] - other[None]).square().mean(dim=(2, 3, 4)).sqrt()


def nearest_with(
    measure=root_mean_square,
    ways=lambda shown: (shown, shown.flip(3)),
    join=torch.minimum,
    pick=lambda table: table.min(dim=1),
    give=lambda distance, index, known: (distance, index),
):
    """The lesson's nearest, with one part replaced."""

    def nearest(shown, known):
        tables = [measure(way, known) for way in ways(shown)]
        distance, index = pick(join(*tables) if len(tables) == 2 else tables[0])
        return give(distance, index, known)

    return nearest


def flat(power=2):
    """A distance between flattened pictures that is not divided by anything."""
    return lambda one, other: torch.cdist(one.flatten(1), other.flatten(1), p=power)


def scaled(factor):
    """The lesson's distance, times a factor that depends on the shape of the pictures."""
    return lambda one, other: root_mean_square(one, other) * factor(*one.shape)


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
            nearest_with(ways=lambda shown: (shown,)),
            lambda shown, known: torch.minimum(
                root_mean_square(shown, known), root_mean_square(shown.flip(3), known.flip(3))
            ).min(dim=1),
        ),
        "Only mirror images are compared: the pictures as they are count, too.": nearest_with(
            ways=lambda shown: (shown.flip(3),)
        ),
        "The pictures are turned upside down: a mirror swaps left and right, the last dimension.": nearest_with(
            ways=lambda shown: (shown, shown.flip(2))
        ),
        "The pictures are turned by half a turn: a mirror swaps left and right only.": nearest_with(
            ways=lambda shown: (shown, shown.flip(2, 3))
        ),
        "The colours are reversed: a mirror swaps left and right, the last dimension.": nearest_with(
            ways=lambda shown: (shown, shown.flip(1))
        ),
        "The order of the pictures is reversed: a mirror swaps left and right, the last dimension.": nearest_with(
            ways=lambda shown: (shown, shown.flip(0))
        ),
        "The farther of the two ways round is taken: the nearer one counts.": nearest_with(join=torch.maximum),
        "The mean of both ways round is taken: the nearer one counts.": nearest_with(
            join=lambda one, other: (one + other) / 2
        ),
        "Both ways round are added up: the nearer one counts.": nearest_with(join=torch.add),
        "You look for the farthest: `min`, not `max`.": nearest_with(pick=lambda table: table.max(dim=1)),
        "The distance is the mean over all known pictures: the nearest one counts.": nearest_with(
            pick=lambda table: (table.mean(dim=1), table.argmin(dim=1))
        ),
        "You search for each known picture the nearest of yours: it is the other dimension.": nearest_with(
            pick=lambda table: table.min(dim=0)
        ),
        "Only one number comes out: each picture has a nearest of its own, so name the dimension to search.": nearest_with(
            pick=lambda table: (table.min(), table.argmin())
        ),
        "Distance and index are in each other's place.": nearest_with(
            give=lambda distance, index, known: (index, distance)
        ),
        "Only the distance is returned: the index belongs to it.": nearest_with(
            give=lambda distance, index, known: distance
        ),
        "Only the index is returned: the distance belongs to it.": nearest_with(
            give=lambda distance, index, known: index
        ),
        "You return the known pictures themselves: return their index.": nearest_with(
            give=lambda distance, index, known: (distance, known[index])
        ),
        "Nothing is returned: is the `return` missing?": nearest_with(give=lambda distance, index, known: None),
        "The whole table of distances is returned: the nearest one is wanted.": nearest_with(
            pick=lambda table: (table, table.argmin(dim=1))
        ),
        "The index counts mirror images as pictures of their own: it should be one into `known`.": (
            lambda shown, known: root_mean_square(shown, torch.cat([known, known.flip(3)])).min(dim=1)
        ),
        "The index is that of the nearest without the mirror: take distance and index from the same table.": (
            lambda shown, known: (nearest_with()(shown, known)[0], root_mean_square(shown, known).argmin(dim=1))
        ),
        "The distance is not divided: it is the root of the sum of squares, and grows with the number of values.": (
            nearest_with(flat())
        ),
        "The distance is divided by the number of values: divide by its root.": nearest_with(
            scaled(lambda count, colours, height, width: (colours * height * width) ** -0.5)
        ),
        "The distance is divided by the root of the number of pixels: each has three values.": nearest_with(
            scaled(lambda count, colours, height, width: colours**0.5)
        ),
        "The distance is divided by the width: divide by the root of how many values a picture has.": nearest_with(
            scaled(lambda count, colours, height, width: (colours * height * width) ** 0.5 / width)
        ),
        "The distance is divided by the root of how many values all pictures have together: take those of one.": (
            nearest_with(scaled(lambda count, colours, height, width: count**-0.5))
        ),
        "The squares are summed, with no root and no mean.": nearest_with(
            lambda one, other: (one[:, None] - other[None]).square().sum(dim=(2, 3, 4))
        ),
        "The root is missing: it is the mean of the squares.": nearest_with(
            lambda one, other: root_mean_square(one, other).square()
        ),
        "The absolute differences are averaged: take the root of the mean of the squares.": nearest_with(
            lambda one, other: (one[:, None] - other[None]).abs().mean(dim=(2, 3, 4))
        ),
        "The absolute differences are summed: take the root of the mean of the squares.": nearest_with(flat(1)),
        "The largest difference decides: take the root of the mean of all squares.": nearest_with(flat(float("inf"))),
        "The differences are averaged before they are squared, so that they cancel out.": nearest_with(
            lambda one, other: (one[:, None] - other[None]).mean(dim=(2, 3, 4)).abs()
        ),
        "Only the mean colours are compared: compare pixel by pixel.": nearest_with(
            lambda one, other: torch.cdist(one.mean(dim=(2, 3)), other.mean(dim=(2, 3))) / 3**0.5
        ),
        "Colours are thrown away: compare all three of them.": nearest_with(
            lambda one, other: root_mean_square(one.mean(dim=1, keepdim=True), other.mean(dim=1, keepdim=True))
        ),
        "Only the direction is compared (cosine similarity), so brightness does not count: take the difference.": nearest_with(
            lambda one, other: (
                1 - torch.nn.functional.normalize(one.flatten(1)) @ torch.nn.functional.normalize(other.flatten(1)).T
            )
        ),
        "The pictures are compared one to one with the known ones: compare each with all of them.": (
            lambda shown, known: (
                (shown - known[: len(shown)]).square().mean(dim=(1, 2, 3)).sqrt(),
                torch.arange(len(shown)),
            )
        ),
    },
)
def nearest(answer) -> Claims:
    known = pictures(12, 20, 16)
    order = torch.randperm(12)[:5]

    def ask(shown: Tensor) -> tuple[object, Tensor | object]:
        result = answer(shown, known)
        pair = isinstance(result, tuple | list) and len(result) == 2
        return (*result, True) if pair else (result, None, False)

    distance, index, pair = ask(known[order])
    what = "two things" if pair else "nothing" if distance is None else "one thing"
    yield Claim("Two things come back: the distances and the indices.", what, "two things")
    yield Claim("There is one distance for each picture.", distance, Shape((5,)))
    kind = "whole numbers" if torch.is_tensor(index) and not index.is_floating_point() else "something else"
    yield Claim("The second is the index of a known picture: whole numbers.", kind, "whole numbers")

    def claims(says: str, shown: Tensor, more: str, clue: str) -> Claims:
        distance, index, _ = ask(shown)
        right, place = nearest_with()(shown, known)
        see = {"expected": known[place]}
        see["yours"] = known[index.clamp(0, len(known) - 1)] if index.shape == place.shape else known[place]
        yield Claim(says, index.double(), place.double(), 0.1, "compare", see, clue)
        see = {"expected": right, "yours": distance, "across": "picture", "up": "distance to the nearest"}
        clue = "The right pictures are found, but their distance is not the root of the mean squared difference."
        yield Claim(more, distance, right, 2e-3, "bars", see, clue)

    says = "A known picture is found again."
    clue = "Not even a known picture finds itself: compare each picture with all known ones, and take the nearest."
    yield from claims(says, known[order], "A known picture is at distance 0 from itself.", clue)
    says = "The mirror image of a known picture is found as that picture."
    clue = "Known pictures are found, but their mirror images are not: compare `pictures.flip(3)` as well."
    yield from claims(says, known[order].flip(3), "The mirror image of a known picture is at distance 0.", clue)
    says = "A picture that differs from a known one by 0.1 everywhere is taken for that one."
    clue = "Known pictures are found, but brighter ones are not: does every pixel and every colour count alike?"
    yield from claims(says, known[order] + 0.1, "If it differs by 0.1 everywhere, its distance is 0.1.", clue)
    says = "For pictures that are not known, the nearest is found."
    clue = "Known pictures are found, but others are not: does every pixel and every colour count alike?"
    shown = torch.cat([pictures(3, 20, 16) * 0.7, torch.rand(2, 3, 20, 16), known[order[:2]].flip(2)])
    more = "The distance is the root of the mean squared difference over pixels and colours."
    yield from claims(says, shown, more, clue)
    known = known[:7, :, :12]
    shown = torch.cat([shown[:, :, :12], known[4:].flip(3)])
    yield from claims(f"{says[:-1]}, at another size and among fewer.", shown, more, clue)


def ladder(values: Tensor) -> Tensor:
    """Pictures in one even grey each, (count, 3, 4, 4), so that their distance to black is that grey."""
    return values.view(-1, 1, 1, 1).expand(-1, 3, 4, 4).contiguous()


def spread(count: int) -> Tensor:
    """Greys from 0.3 to 0.5, few of them at both ends, so that their mean, their median and all their quantiles differ."""
    place = torch.linspace(-1, 1, count)
    return 0.42 + torch.where(place < 0, 0.12, 0.08) * place**3


def copies_with(
    limit=lambda drawn, known, fresh: lesson.nearest(fresh, known)[0].quantile(0.01),
    far=lambda drawn, known, fresh: lesson.nearest(drawn, known)[0],
    compare=torch.lt,
    give=lambda near: near.float().mean().item(),
):
    """The lesson's share of copies, with one part replaced."""

    def copies(drawn, known, fresh):
        return give(compare(far(drawn, known, fresh), limit(drawn, known, fresh)))

    return copies


def of_fresh(pick):
    """Copies, with another limit taken from how far fresh pictures are from known ones."""
    return copies_with(limit=lambda drawn, known, fresh: pick(lesson.nearest(fresh, known)[0]))


@check_of(
    lesson.copies,
    hints=(
        "Your `nearest` tells how far the fresh pictures are from the known ones. What distance is it that only one in a "
        "hundred of them falls below?",
        "`limit = nearest(fresh, known)[0].quantile(0.01)`; then the mean of `nearest(drawn, known)[0] < limit`, as a float.",
    ),
    notice="A comparison gives True and False; as floats they are 1 and 0, and their mean is a share.",
    mistakes={
        "This is the share of drawings that are no copies: a copy is nearer than the limit.": (
            copies_with(compare=torch.gt),
            copies_with(give=lambda near: 1 - near.float().mean().item()),
        ),
        "The limit is the nearest of all fresh pictures: it should leave 1 in 100 of them below it.": (
            of_fresh(torch.min),
            copies_with(limit=lambda drawn, known, fresh: lesson.nearest(known, fresh)[0].quantile(0.01)),
        ),
        "The limit is the farthest of all fresh pictures: it should leave 1 in 100 of them below it.": of_fresh(
            torch.max
        ),
        "The limit is the mean distance of fresh pictures: it should leave 1 in 100 of them below it.": of_fresh(
            torch.mean
        ),
        "The limit is the median distance of fresh pictures: it should leave 1 in 100 of them below it.": of_fresh(
            torch.median
        ),
        "The limit leaves 99 in 100 below it: `quantile(0.01)`.": of_fresh(lambda far: far.quantile(0.99)),
        "The limit leaves 1 in 10 below it: `quantile(0.01)`.": of_fresh(lambda far: far.quantile(0.1)),
        "The limit leaves 1 in 20 below it: `quantile(0.01)`.": of_fresh(lambda far: far.quantile(0.05)),
        "The limit is a hundredth of the mean distance: it is what one in a hundred falls below.": of_fresh(
            lambda far: far.mean() * 0.01
        ),
        "The limit is a hundredth of the largest distance: it is what one in a hundred falls below.": of_fresh(
            lambda far: far.max() * 0.01
        ),
        "The limit is a fixed number: take it from the fresh pictures, for it depends on what they are like.": of_fresh(
            lambda far: 0.05
        ),
        "The limit is 0, so only what is exactly the same counts.": of_fresh(lambda far: 1e-6),
        "The limit comes from the drawings themselves: take it from the fresh pictures.": copies_with(
            limit=lambda drawn, known, fresh: lesson.nearest(drawn, known)[0].quantile(0.01)
        ),
        "The limit comes from comparing pictures with themselves, which gives 0: compare fresh ones with known ones.": (
            copies_with(limit=lambda drawn, known, fresh: lesson.nearest(fresh, fresh)[0].quantile(0.01)),
            copies_with(limit=lambda drawn, known, fresh: lesson.nearest(known, known)[0].quantile(0.01)),
        ),
        "The limit comes from how near fresh pictures are to drawings: compare them with the known ones.": copies_with(
            limit=lambda drawn, known, fresh: lesson.nearest(fresh, drawn)[0].quantile(0.01)
        ),
        "The drawings are compared with the fresh pictures: compare them with the known ones.": copies_with(
            far=lambda drawn, known, fresh: lesson.nearest(drawn, fresh)[0]
        ),
        "You count known pictures that were copied: count drawings, nearest(drawn, known).": copies_with(
            far=lambda drawn, known, fresh: lesson.nearest(known, drawn)[0]
        ),
        "Fresh and known pictures are in each other's place.": (
            lambda drawn, known, fresh: copies_with()(drawn, fresh, known)
        ),
        "Drawn and fresh pictures are in each other's place.": (
            lambda drawn, known, fresh: copies_with()(fresh, known, drawn)
        ),
        "You compare indices: the distance comes first out of `nearest`.": copies_with(
            far=lambda drawn, known, fresh: lesson.nearest(drawn, known)[1].float()
        ),
        "You return how many they are: divide by the number of drawings.": copies_with(
            give=lambda near: float(near.sum())
        ),
        "You return percent: a share lies between 0 and 1.": copies_with(
            give=lambda near: 100 * near.float().mean().item()
        ),
        "You return which ones are copies: their share is wanted.": copies_with(give=lambda near: near),
        "You return whether there is any copy: the share is wanted.": copies_with(give=lambda near: bool(near.any())),
        "You return whether all are copies: the share is wanted.": copies_with(give=lambda near: bool(near.all())),
        "You return the limit: the share of drawings below it is wanted.": (
            lambda drawn, known, fresh: lesson.nearest(fresh, known)[0].quantile(0.01).item()
        ),
        "You return how much nearer the drawings are on average: the share of copies is wanted.": (
            lambda drawn, known, fresh: (
                lesson.nearest(drawn, known)[0].mean() / lesson.nearest(fresh, known)[0].mean()
            ).item()
        ),
        "Nothing is returned: is the `return` missing?": copies_with(give=lambda near: None),
    },
)
def copies(answer) -> Claims:
    # Greys, and known pictures that are black: a picture is as far from them as it is bright.
    black, greys = ladder(torch.zeros(3)), ladder(spread(401)[torch.randperm(401)])

    def claim(says: str, drawn: Tensor, share: float, clue: str, tolerance=1e-3, known=black, fresh=greys) -> Claim:
        result = answer(ladder(drawn[torch.randperm(len(drawn))]), known, fresh)
        if isinstance(result, Tensor) and result.numel() == 1:
            result = result.item()
        if isinstance(result, int | float) and not isinstance(result, bool):
            see = {"expected": torch.tensor([share]), "yours": torch.tensor([float(result)])}
            see |= {"across": "", "up": "share of copies"}
            return Claim(says, result, share, tolerance, "bars", see, clue.format(result))
        kind = "a tensor with several numbers" if isinstance(result, Tensor) else str(result)
        return Claim(says, None if result is None else kind, "one number")

    clue = "All drawings are known pictures here, so the share is 1; yours is {:.3g}. Which distances do you compare?"
    yield claim("If all drawings are known pictures, all are copies: 1.", torch.zeros(4), 1.0, clue)
    clue = "All drawings are far from the known pictures here, so the share is 0; yours is {:.3g}. Where is your limit?"
    far = torch.tensor([0.6, 0.7, 0.9, 0.85])
    yield claim("If all drawings are far from the known pictures, none is: 0.", far, 0.0, clue)
    clue = "One drawing of four is a known picture here, so the share is 0.25; yours is {:.3g}."
    yield claim("If one drawing of four is a known picture: 0.25.", torch.tensor([0.0, 0.9, 0.85, 0.6]), 0.25, clue)
    says = "Drawings that are nearer than all fresh pictures are copies, though they are not exactly the same."
    clue = "These drawings are nearer than any fresh picture, so all are copies: your limit is too small."
    yield claim(says, torch.linspace(0, 0.02, 500), 1.0, clue)
    # Drawings at all distances: their share says where the limit is.
    says = "The limit is the distance that 1 in 100 fresh pictures fall below."
    limit = spread(401).quantile(0.01).item()
    share = (torch.linspace(0, 1, 1001) < limit).float().mean().item()
    clue = f"1 in 100 fresh pictures are nearer than {limit:.3f} here, so that is the limit; yours seems to be at {{:.3f}}."
    yield claim(says, torch.linspace(0, 1, 1001), share, clue, 0.0025)
    # The same turned round: known pictures are white, and fresh ones dark.
    says = "It is distance that counts, not brightness: known pictures may be white."
    clue = "With black pictures known it came out right, and with white ones it does not: compare distances, not brightness."
    yield claim(says, torch.tensor([1.0, 0.9, 0.1]), 2 / 3, clue, 1e-3, 1 - black, 1 - greys)


def shares_with(
    count_all=lambda kinds, count: torch.bincount(kinds, minlength=count), give=lambda n, kinds: n / len(kinds)
):
    """The lesson's shares, with one part replaced."""
    return lambda kinds, count: give(count_all(kinds, count), kinds)


@check_of(
    lesson.shares,
    hints=(
        "Count how often each kind occurs, then divide by how many pictures there are. `torch.bincount` counts.",
        "`torch.bincount(kinds, minlength=count)` counts kinds that never occur as 0, too. Divide by `len(kinds)`.",
    ),
    notice="Without `minlength`, the result would be shorter whenever the last kinds are missing: just when a kind has been "
    "forgotten, nobody would see it.",
    mistakes={
        "These are counts: divide by the number of pictures.": shares_with(give=lambda n, kinds: n.float()),
        "The counts are divided by the number of kinds: divide by the number of pictures.": shares_with(
            give=lambda n, kinds: n / len(n)
        ),
        "The counts are divided by the largest: divide by the number of pictures.": shares_with(
            give=lambda n, kinds: n / n.max()
        ),
        "These are percent: shares add up to 1.": shares_with(give=lambda n, kinds: 100 * n / len(kinds)),
        "`//` cuts the fraction off.": shares_with(give=lambda n, kinds: (n // len(kinds)).float()),
        "The shares are rounded: leave them as they are.": shares_with(
            give=lambda n, kinds: (n / len(kinds)).round(decimals=1)
        ),
        "Kinds that never occur are left out: every kind has a share, if only 0.": (
            lambda kinds, count: kinds.unique(return_counts=True)[1] / len(kinds),
            lambda kinds, count: torch.bincount(kinds) / len(kinds),
        ),
        "The shares are sorted by size: they come in the order of the kinds.": shares_with(
            give=lambda n, kinds: (n / len(kinds)).sort().values,
        ),
        "The shares are sorted by size, the largest first: they come in the order of the kinds.": shares_with(
            give=lambda n, kinds: (n / len(kinds)).sort(descending=True).values,
        ),
        "The shares come in reverse: they come in the order of the kinds.": shares_with(
            give=lambda n, kinds: (n / len(kinds)).flip(0)
        ),
        "The kinds are counted from 1: they begin with 0.": shares_with(
            lambda kinds, count: torch.stack([(kinds == k).sum() for k in range(1, count + 1)])
        ),
        "The last kind is forgotten.": shares_with(
            lambda kinds, count: torch.stack([(kinds == k).sum() for k in range(count - 1)])
        ),
        "There is one share too many: kinds are numbered from 0 to count - 1.": shares_with(
            lambda kinds, count: torch.bincount(kinds, minlength=count + 1)
        ),
        "A softmax is taken of the counts: just divide.": shares_with(give=lambda n, kinds: n.float().softmax(0)),
        "A softmax is taken of the shares: just divide.": shares_with(
            give=lambda n, kinds: (n / len(kinds)).softmax(0)
        ),
        "All shares are the same, whatever the pictures are.": lambda kinds, count: torch.full((count,), 1 / count),
        "The shares pile up from kind to kind: each stands for itself.": shares_with(
            give=lambda n, kinds: (n / len(kinds)).cumsum(0)
        ),
        "One is added to each count, so that none is 0: shares of what is there are wanted.": shares_with(
            give=lambda n, kinds: (n + 1) / (n + 1).sum()
        ),
        "The shares are divided by their length, not by their sum (`normalize`): they should add up to 1.": shares_with(
            give=lambda n, kinds: torch.nn.functional.normalize(n.float(), dim=0)
        ),
        "You return whether each kind occurs: its share is wanted.": shares_with(give=lambda n, kinds: (n > 0).float()),
        "You return the kinds, divided by something: count how often each occurs.": lambda kinds, count: kinds / count,
        "You return the mean kind: count how often each occurs.": lambda kinds, count: kinds.float().mean(),
        "You return only the largest share: one for each kind is wanted.": shares_with(
            give=lambda n, kinds: (n / len(kinds)).max()
        ),
        "You return only the share of the first kind: is there a `return` inside the loop?": shares_with(
            give=lambda n, kinds: n[0] / len(kinds)
        ),
        "You return a list: make it a tensor.": shares_with(give=lambda n, kinds: (n / len(kinds)).tolist()),
        "Each picture gets the share of its kind: give one share for each kind.": shares_with(
            give=lambda n, kinds: (n / len(kinds))[kinds]
        ),
        "Nothing is returned: is the `return` missing?": shares_with(give=lambda n, kinds: None),
    },
)
def shares(answer) -> Claims:
    def claim(says: str, kinds: list[int], count: int) -> Claim:
        given = torch.tensor(kinds)[torch.randperm(len(kinds))]
        result = answer(given, count)
        right = torch.tensor([kinds.count(k) / len(kinds) for k in range(count)])
        see = {"expected": right, "yours": result, "across": "kind", "up": "share"}
        clue = "Each share should be how often the kind occurs, divided by the number of pictures."
        if isinstance(result, Tensor) and result.is_floating_point():
            clue = (
                f"Your shares add up to {result.sum():.3g}, and should to 1." if abs(result.sum() - 1) > 1e-3 else clue
            )
        return Claim(says, result, right, 1e-4, "bars", see, clue)

    yield claim(
        "Of 2, 5, 3 and 2 pictures, the shares are 2/12, 5/12, 3/12 and 2/12.", [0] * 2 + [1] * 5 + [2] * 3 + [3] * 2, 4
    )
    yield claim("Where only kind 1 of 3 occurs, the shares are 0, 1 and 0.", [1] * 7, 3)
    yield claim(
        "Kinds that never occur have share 0, be they the first, in the middle or the last.", [1, 1, 3, 3, 3, 4], 7
    )
    yield claim("The shares of 1000 pictures of 8 kinds add up to 1.", [i * i % 8 for i in range(1000)], 8)


def root_trace(one: Tensor, other: Tensor) -> Tensor:
    """The trace of the root of the product of two covariances, by another way than the lesson's."""
    values, vectors = torch.linalg.eigh(one)
    root = vectors @ values.clamp(min=0).sqrt().diag() @ vectors.T
    return torch.linalg.eigvalsh(root @ other @ root).clamp(min=0).sqrt().sum()


def frechet_with(
    apart=lambda gap: gap.square().sum(),
    cov=lambda points: points.T.cov(),
    both=root_trace,
    total=lambda apart, one, other, both: apart + one.trace() + other.trace() - 2 * both,
    mean=lambda points: points.mean(dim=0),
    give=lambda distance: float(distance),
):
    """The lesson's Frechet distance, with one part replaced."""

    def frechet_distance(one, other):
        one, other = one.double(), other.double()
        c, d = cov(one), cov(other)
        return give(total(apart(mean(one) - mean(other)), c, d, both(c, d)))

    return frechet_distance


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
        "The means are left out.": frechet_with(apart=lambda gap: 0.0),
        "Only the means count: how the points are spread is left out.": frechet_with(
            total=lambda apart, one, other, both: apart
        ),
        "The distance of the means is not squared.": frechet_with(apart=lambda gap: gap.norm()),
        "The differences of the means are summed without being squared.": frechet_with(
            apart=lambda gap: gap.abs().sum()
        ),
        "The differences of the means are summed before they are squared.": frechet_with(
            apart=lambda gap: gap.sum().square()
        ),
        "The squared differences of the means are averaged: sum them.": frechet_with(
            apart=lambda gap: gap.square().mean()
        ),
        "The means are those over all features at once: each feature has its own.": frechet_with(
            mean=lambda points: points.mean().expand(points.shape[1])
        ),
        "The middle is the median: take the mean.": frechet_with(mean=lambda points: points.median(dim=0).values),
        "The product is taken once: minus *twice* the trace of its root.": frechet_with(
            total=lambda apart, one, other, both: apart + one.trace() + other.trace() - both
        ),
        "The last piece is added: subtract it.": frechet_with(
            total=lambda apart, one, other, both: apart + one.trace() + other.trace() + 2 * both
        ),
        "The last piece is left out.": frechet_with(
            total=lambda apart, one, other, both: apart + one.trace() + other.trace()
        ),
        "The trace of the second covariance is left out.": frechet_with(
            total=lambda apart, one, other, both: apart + one.trace() - 2 * both
        ),
        "The trace of the first covariance is left out.": frechet_with(
            total=lambda apart, one, other, both: apart + other.trace() - 2 * both
        ),
        "Both traces are left out.": frechet_with(total=lambda apart, one, other, both: apart - 2 * both),
        "The root is taken of each number of C D: the root of a matrix is something else; take that of its eigenvalues.": (
            frechet_with(both=lambda one, other: (one @ other).clamp(min=0).sqrt().trace())
        ),
        "The root is taken of the trace: it is the trace of the root, the sum of the roots of the eigenvalues.": frechet_with(
            both=lambda one, other: (one @ other).trace().clamp(min=0).sqrt()
        ),
        "The root is missing: take the roots of the eigenvalues.": frechet_with(
            both=lambda one, other: (one @ other).trace()
        ),
        "The covariances are added, not multiplied.": frechet_with(
            both=lambda one, other: torch.linalg.eigvalsh(one + other).clamp(min=0).sqrt().sum()
        ),
        "`eigvalsh` is for symmetric matrices, and C D is none: use `eigvals`.": frechet_with(
            both=lambda one, other: torch.linalg.eigvalsh(one @ other).clamp(min=0).sqrt().sum()
        ),
        "Singular values are not eigenvalues, because C D is not symmetric: use `eigvals`.": frechet_with(
            both=lambda one, other: torch.linalg.svdvals(one @ other).sqrt().sum()
        ),
        "How the features go together is left out: multiply whole covariances, as matrices.": (
            frechet_with(cov=lambda points: points.var(dim=0).diag()),
            frechet_with(both=lambda one, other: (one * other).diagonal().sqrt().sum()),
        ),
        "These are correlations: the covariance also knows how far the points are spread.": frechet_with(
            cov=lambda points: points.T.corrcoef()
        ),
        "The mean is not taken away before the products: that is no covariance.": frechet_with(
            cov=lambda points: points.T @ points / len(points)
        ),
        "The covariance is not divided by the number of points.": frechet_with(
            cov=lambda points: points.T.cov() * (len(points) - 1)
        ),
        "The covariances are compared number by number: that is another distance.": frechet_with(
            total=lambda apart, one, other, both: apart + (one - other).square().sum()
        ),
        "The root of the whole is taken: the squared distance is wanted.": frechet_with(
            give=lambda distance: float(distance.clamp(min=0).sqrt())
        ),
        "Its sign is wrong: a distance is not negative.": frechet_with(give=lambda distance: -float(distance)),
        "It is divided by the number of features.": (lambda one, other: frechet_with()(one, other) / one.shape[1]),
        "The covariances are taken between points, not between features: `points.T.cov()`.": frechet_with(
            cov=lambda points: points.cov()
        ),
        "Nothing is returned: is the `return` missing?": frechet_with(give=lambda distance: None),
    },
)
def frechet_distance(answer) -> Claims:
    # Not square, with features that go together, spread differently, and far from 0.
    one = torch.rand(600, 4).log() @ torch.randn(4, 4) + torch.tensor([3.0, -1.0, 2.0, 0.5])

    def claim(says: str, first: Tensor, second: Tensor, clue: str) -> Claim:
        result = answer(first, second)
        result = result.item() if isinstance(result, Tensor) and result.numel() == 1 else result
        right = max(0.0, frechet_with()(first, second))
        return Claim(says, result, right, 0.004 * (1 + abs(right)), clue=clue)

    clue = "These are the same points in another order, so everything should cancel out: compare means and covariances, not points."
    yield claim("A cloud is at distance 0 from itself.", one, one.flip(0), clue)
    moved = one + torch.tensor([1.0, -2.0, 0.5, 0.0])
    clue = "Only the means differ here, so it must be the first piece that is wrong: the squared distance of the means."
    yield claim("If one cloud is the other, moved, it is the squared length of the move.", one, moved, clue)
    middle = one.mean(dim=0)
    says = "If one cloud is the other, spread twice as far, it is the trace of the narrow one's covariance."
    clue = "The means are the same here, so it must be the pieces with the covariances that are wrong."
    yield claim(says, one, middle + 2 * (one - middle), clue)
    spread = torch.randn(500, 4) * torch.tensor([0.5, 1.0, 2.0, 3.0])
    narrow = torch.randn(700, 4) * torch.tensor([2.0, 1.0, 0.3, 1.0])
    says = "Spread differently in each feature, it is about the sum of the squared differences of the spreads."
    clue = "The features hardly go together here, so each covariance is nearly diagonal: look at how you combine two of them."
    yield claim(says, spread, narrow, clue)
    other = torch.rand(800, 4).log() @ torch.randn(4, 4)
    clue = "All simpler clouds came out right. What is new here: the covariances are not diagonal, and C D is not symmetric."
    yield claim("Of any two clouds, all four pieces count.", one, other, clue)
    clue = "This way round it should be the same: is one of the two clouds used twice?"
    yield claim("It is the same the other way round.", other, one, clue)
