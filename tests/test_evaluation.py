"""The instruments of chapter 5, against sums done another way and against sets of pictures whose order is known."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from dino.data import dinosaurs, load
from dino.denoiser import in_bfloat16
from dino.evaluation import copies, frechet_distance, nearest, shares
from dino.recogniser import load_recogniser
from dino.sampling import sample
from dino.saving import load_denoiser


def test_the_nearest_is_found_as_a_loop_over_all_pairs_finds_it():
    torch.manual_seed(0)
    pictures, known = torch.rand(6, 3, 5, 7), torch.rand(9, 3, 5, 7)
    distance, index = nearest(pictures, known)
    for i, picture in enumerate(pictures.numpy()):
        far = [
            min(np.sqrt(np.mean((side - other) ** 2)) for side in (picture, picture[:, :, ::-1]))
            for other in known.numpy()
        ]
        assert index[i] == int(np.argmin(far))
        assert distance[i].item() == pytest.approx(min(far), abs=1e-5)


def test_a_mirror_image_is_a_copy_and_one_upside_down_is_not():
    known = load(dinosaurs(20, seed=4))
    distance, index = nearest(known.flip(3), known)
    assert index.tolist() == list(range(20))
    assert distance.max() < 1e-3
    assert nearest(known.flip(2), known)[0].min() > 0.1


def test_the_hundredth_nearest_fresh_picture_is_the_limit_for_copies():
    def grey(values):
        return torch.as_tensor(values, dtype=torch.float).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)

    fresh = grey(torch.arange(1, 1001) / 1000)  # the limit is 0.01099
    assert copies(grey([0.0, 0.0109, 0.0111, 0.5]), grey([0.0]), fresh) == 0.5
    assert copies(grey([0.5, 0.6]), grey([0.0]), fresh) == 0
    assert copies(fresh, grey([0.0]), fresh) == pytest.approx(0.01)


def test_shares_count_kinds_that_never_occur():
    assert shares(torch.tensor([2, 0, 2, 2]), 5).tolist() == [0.25, 0, 0.75, 0, 0]


def test_the_frechet_distance_of_independent_features_is_the_known_sum():
    """For features that do not go together it is the sum of (mean - mean)^2 + (spread - spread)^2; a turn changes nothing."""
    torch.manual_seed(0)
    # Columns of a matrix with orthogonal columns of mean 0 have exactly no covariance.
    basis = torch.linalg.qr(torch.cat([torch.ones(500, 1), torch.randn(500, 6)], dim=1).double()).Q[:, 1:] * math.sqrt(
        499
    )
    spreads, means = torch.tensor([[0.5, 1.0, 2.0], [3.0, 1.0, 0.1]]), torch.tensor([[0.0, 1.0, 2.0], [1.0, 1.0, -1.0]])
    one, other = basis[:, :3] * spreads[0] + means[0], basis[:, 3:] * spreads[1] + means[1]
    known = ((means[0] - means[1]) ** 2 + (spreads[0] - spreads[1]) ** 2).sum().item()
    assert frechet_distance(one, other) == pytest.approx(known, rel=1e-6)
    turn = torch.linalg.qr(torch.randn(3, 3).double()).Q
    assert frechet_distance(one @ turn, other @ turn) == pytest.approx(known, rel=1e-6)
    # The pieces are large and cancel out: in float32, too little would be left.
    large = torch.randn(500, 3) * torch.tensor([100.0, 10.0, 1.0]) @ turn.float() + 50
    assert frechet_distance(large, large) == pytest.approx(0, abs=1e-5)


def test_the_frechet_distance_agrees_with_the_root_of_the_product_worked_out_by_iteration():
    """Newton's iteration (Denman & Beavers 1976) finds the root of a matrix without eigenvalues."""
    rng = np.random.default_rng(0)
    one, other = (
        rng.normal(size=(400, 5)) @ rng.normal(size=(5, 5)),
        rng.normal(size=(300, 5)) @ rng.normal(size=(5, 5)) + 1,
    )
    c, d = np.cov(one.T), np.cov(other.T)
    root, inverse = c @ d, np.eye(5)
    for _ in range(60):
        root, inverse = (root + np.linalg.inv(inverse)) / 2, (inverse + np.linalg.inv(root)) / 2
    np.testing.assert_allclose(root @ root, c @ d, rtol=1e-6, atol=1e-8)
    expected = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(c + d - 2 * root)
    assert frechet_distance(torch.from_numpy(one), torch.from_numpy(other)) == pytest.approx(expected, rel=1e-6)


@pytest.fixture(scope="module")
def judge():
    return load_recogniser()


def test_the_metric_puts_real_pictures_first_and_worse_ones_in_their_order(judge):
    others, pictures = (load(dinosaurs(1024, seed=seed)) for seed in (11, 12))
    real = judge.features(others)

    def far(changed):
        return frechet_distance(judge.features(changed.clamp(0, 1)), real)

    best = far(pictures)
    warm = torch.tensor([0.0, 0.1, 0.1]).view(3, 1, 1)
    torch.manual_seed(0)
    noise = torch.randn_like(pictures)
    soft = F.avg_pool2d(pictures, 3, 1, 1, count_include_pad=False)
    for slight, strong in [
        (far(pictures * (1 - 0.2 * warm)), far(pictures * (1 - warm))),
        (far(pictures * (1 - 0.2 * warm)), far(pictures.roll(1, dims=1))),
        (far(pictures.lerp(soft, 0.5)), far(soft)),
        (far(pictures + 0.03 * noise), far(pictures + 0.1 * noise)),
        (far(pictures[:128].repeat(8, 1, 1, 1)), far(pictures[:16].repeat(64, 1, 1, 1))),
    ]:
        assert 1.3 * best < slight < strong


def test_what_the_shipped_weights_draw_is_plausible_varied_and_new(judge):
    noise = torch.rand(96, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    drawn = sample(in_bfloat16(load_denoiser(), noise.device), noise, steps=16).float()
    of_species, of_colour = judge(drawn)
    assert (of_species.softmax(1)[:, :4].amax(1) > 0.9).float().mean() > 0.8
    assert shares(of_species[:, :4].argmax(1), 4).min() > 0.1
    assert shares(of_colour.argmax(1), 8).min() > 0.03
    assert copies(drawn, load(dinosaurs(4096)), load(dinosaurs(512, seed=1))) < 0.05
