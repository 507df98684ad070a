"""What is drawn when a claim is untrue."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from dino.course.checks.claims import Bars, Curve, Histogram, Pictures
from dino.course.judge.figures import compare, evidence, plot, save


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_pictures_stand_in_three_rows_and_grey_means_no_difference():
    expected = torch.rand(2, 3, 4, 5)
    yours = expected.clone()
    yours[1, 0, 2, 3] += 0.5
    figure = compare(expected, yours)
    drawn = [axis.get_images()[0].get_array() for axis in figure.axes]
    assert np.allclose(drawn[0], expected[0].permute(1, 2, 0))
    assert np.allclose(drawn[2], yours[0].permute(1, 2, 0).clamp(0, 1))
    assert np.allclose(drawn[4], 0.5)
    assert np.allclose(drawn[5][2, 3], [1, 0.5, 0.5])
    assert "x 2" in figure.axes[4].get_ylabel()


def test_a_small_difference_is_drawn_stronger_and_one_above_1_weaker():
    expected = torch.full((1, 3, 4, 5), 0.5)
    for off, times, seen in (
        (0.03, "x 33", 0.995),
        (-0.15, "x 6", 0.05),
        (0.8, "difference\n", 0.9),
        (0.0001, "x 100", 0.505),
        (4.0, "x 0.25", 1),
        (-1.6, "x 0.62", 0),
        (torch.inf, "x 100", 1),
    ):
        axis = compare(expected, expected + off).axes[2]
        assert times in axis.get_ylabel()
        assert np.allclose(axis.get_images()[0].get_array(), seen, atol=0.01)


def test_channels_that_are_no_colours_are_drawn_from_dark_to_bright():
    expected = torch.tensor([-3.0, -1.0, 1.0, 5.0]).view(1, 1, 2, 2).expand(1, 6, 2, 2)
    drawn = compare(expected, expected).axes[0].get_images()[0].get_array()
    assert np.allclose(drawn[..., 0], [[0, 0.25], [0.5, 1]])


def test_a_histogram_shows_how_often_each_range_comes():
    (axis,) = plot(Histogram(torch.rand(1000), torch.full((1000,), 0.52))).axes
    yours = max(axis.patches, key=lambda patch: patch.get_xy()[:, 1].max()).get_xy()
    assert yours[:, 1].max() == pytest.approx(1)
    assert set(yours[yours[:, 1] > 0.5][:, 0].round(2)) == {0.5, 0.55}


def test_a_curve_and_bars_show_both_rows_of_numbers():
    expected, yours = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 0.0, 3.0])
    (axis,) = plot(Curve(expected, yours, "step", "level")).axes
    assert [list(line.get_ydata()) for line in axis.lines] == [[1, 2, 3], [1, 0, 3]]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("step", "level")
    (axis,) = plot(Bars(expected, yours, "weight", "value")).axes
    assert [patch.get_height() for patch in axis.patches] == [1, 2, 3, 1, 0, 3]


def test_a_difference_that_bars_would_hide_is_drawn_stronger():
    (axis,) = plot(Bars(torch.tensor([770.0, -770.0]), torch.tensor([770.0, -769.0]), "weight", "value")).axes
    assert [patch.get_height() for patch in axis.patches] == [770, -770, 770, -769, 0, 100]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["expected", "yours", "difference, x 100"]


def test_a_claim_without_a_picture_or_with_a_wrong_shape_shows_nothing():
    assert evidence(None) is None
    assert evidence(Pictures(torch.ones(1, 3, 2, 2), torch.zeros(2, 3, 2, 2))) is None
    assert evidence(Pictures(torch.ones(1, 3, 2, 2), None)) is None


def test_a_figure_is_saved_as_a_png_file(tmp_path):
    save(compare(torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)), tmp_path / "seen.png")
    assert (tmp_path / "seen.png").read_bytes().startswith(b"\x89PNG")
