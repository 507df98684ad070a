"""Chapter 5: judge what was drawn.

Pictures that please are no proof: ours may be the best of many, all of one kind, or copies. So three questions are put to
drawings: are they plausible, are they varied, and are they new?
"""

import torch
from torch import Tensor


def nearest(pictures: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Find, for each picture, the known picture that is most like it; its mirror image counts, too.

    pictures  (count, 3, height, width)
    known     (others, 3, height, width)

    Returns how far away the nearest is, (count,), as the root of the mean squared difference over pixels and colours,
    and which one it is, (count,), as an index into `known`.
    """
    # Compare every picture, and its mirror image, with every known one.
    here, there = (torch.cdist(side.flatten(1), known.flatten(1)) for side in (pictures, pictures.flip(3)))
    # Of the two ways round, the nearer one counts.
    distance, index = torch.minimum(here, there).min(dim=1)
    # From a length over all values to a typical difference of one.
    return distance / pictures[0].numel() ** 0.5, index


def copies(drawn: Tensor, known: Tensor, fresh: Tensor) -> float:
    """The share of drawings that are suspiciously near to a known picture.

    Suspicious is what is nearer than 99 in 100 pictures that cannot be copies: fresh ones, from the same source. So
    about 0.01 is what chance brings, and 1 means that everything is copied.

    drawn  (count, 3, height, width)   the drawings
    known  (others, 3, height, width)  the pictures that the denoiser has learnt from
    fresh  (more, 3, height, width)    pictures of the same kind that it has not
    """
    # How near do pictures come that are no copies?
    limit = nearest(fresh, known)[0].quantile(0.01)
    # The share of drawings that come nearer still.
    return (nearest(drawn, known)[0] < limit).float().mean().item()


def shares(kinds: Tensor, count: int) -> Tensor:
    """How large a share of the pictures is of each kind.

    kinds  (pictures,)  the kind of each picture, a whole number from 0 to count - 1
    count               how many kinds there are; one that never occurs has share 0

    Returns the shares, (count,), which add up to 1.
    """
    return torch.bincount(kinds, minlength=count) / len(kinds)


def frechet_distance(one: Tensor, other: Tensor) -> float:
    """The squared Frechet distance between two clouds of points, each taken for a normal distribution.

    |mean - mean|^2 + trace(C + D - 2 (C D)^(1/2)), C and D the covariances (Dowson & Landau 1982, DOI
    10.1016/0047-259X(82)90077-X). With features of pictures as points, it says how far drawings are from real pictures
    as a whole (Heusel et al., arXiv 1706.08500): 0 means alike in mean and spread; smaller is better.

    one    (points, features)  more points than features
    other  (points, features)  as many features
    """
    one, other = one.double(), other.double()
    # How far apart are the middles?
    apart = (one.mean(dim=0) - other.mean(dim=0)).square().sum()
    # How differently are they spread? The trace of a root is the sum of the roots of the eigenvalues.
    spread, spread_of_other = one.T.cov(), other.T.cov()
    shared = torch.linalg.eigvals(spread @ spread_of_other).real.clamp(min=0).sqrt().sum()
    return (apart + spread.trace() + spread_of_other.trace() - 2 * shared).item()
