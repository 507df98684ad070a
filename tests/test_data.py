"""Loading pictures of all sorts, against Pillow and against pictures that are known."""

import warnings
from pathlib import Path
from unittest import mock

import datasets
import huggingface_hub
import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

from dino.data import dinosaurs, load, sheet, to_tensor

REAL = Path(matplotlib.get_data_path())


@pytest.fixture
def album(tmp_path):
    """A folder of real pictures, mixed in size and kind, with a text file beside them."""
    folder = tmp_path / "album"
    (folder / "deeper").mkdir(parents=True)
    photo = Image.open(REAL / "sample_data" / "grace_hopper.jpg")
    photo.save(folder / "a photo.jpg")
    photo.convert("L").resize((50, 90)).save(folder / "b grey.png")
    photo.convert("P").save(folder / "c palette.PNG")
    Image.open(REAL / "images" / "home_large.png").convert("RGBA").save(folder / "deeper" / "d icon.png")
    (folder / "notes.txt").write_text("not a picture")
    return folder


def test_dinosaurs_are_a_data_set_with_labels():
    drawn = dinosaurs(6, size=16, seed=5)
    assert isinstance(drawn, datasets.Dataset)
    assert drawn.features["label"].names == ["t-rex", "long-neck", "stegosaurus", "triceratops"]
    assert load(drawn, 16).shape == (6, 3, 16, 16)
    assert torch.equal(load(drawn, 16)[:3], load(dinosaurs(3, size=16, seed=5), 16))


def test_a_folder_of_real_pictures_is_loaded_and_the_stray_file_is_named(album):
    with pytest.warns(UserWarning, match=r"Not pictures, and left out: notes\.txt"):
        pictures = load(album, 24)
    assert pictures.shape == (4, 3, 24, 24)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    photo, grey, palette, icon = pictures
    # Greyscale has three equal colours; a palette of 256 colours is near the photo; the icon stands on white.
    assert torch.equal(grey[0], grey[1])
    assert (photo - palette).abs().mean() < 0.05
    assert icon[:, 0, 0].tolist() == [1, 1, 1]
    assert icon.min() < 0.5


def test_transparency_is_composed_on_white_and_the_middle_is_kept():
    half = Image.new("RGBA", (30, 10), (0, 0, 0, 128))
    half.paste((255, 0, 0, 255), (10, 0, 20, 10))
    tensor = to_tensor(half, 10)
    assert tensor[:, 5, 5].tolist() == [1, 0, 0]
    assert to_tensor(Image.new("RGBA", (9, 9), (0, 0, 0, 128)), 8).mean().item() == pytest.approx(127 / 255, abs=0.01)


def test_photos_are_turned_upright(tmp_path):
    picture = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    picture.save(tmp_path / "turned.png", exif=exif)
    expected = torch.from_numpy(np.rot90(np.asarray(picture), -1).copy()).permute(2, 0, 1) / 255
    torch.testing.assert_close(load(tmp_path, 4)[0], expected)


def test_broken_pictures_are_named_and_left_out(album):
    whole = (album / "a photo.jpg").read_bytes()
    (album / "truncated.jpg").write_bytes(whole[:5000])
    (album / "empty.png").write_bytes(b"")
    (album / "letter.png").write_text("Dear diary")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert len(load(album, 16)) == 4
    text = "\n".join(str(warning.message) for warning in caught)
    for name in ("truncated.jpg", "empty.png", "letter.png"):
        assert f"{name} is left out, because it cannot be read as a picture" in text


def test_data_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere"):
        load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"There are no pictures in .*Put PNG or JPEG files into it"):
        load(tmp_path)
    (tmp_path / "letter.png").write_text("Dear diary")
    with pytest.warns(UserWarning, match="letter"), pytest.raises(ValueError, match="None of the pictures can be read"):
        load(tmp_path)
    with pytest.raises(
        ConnectionError, match=r"nobody/nothing is no folder here, and the Hugging Face hub cannot be reached"
    ):
        load("nobody/nothing")
    unknown = huggingface_hub.errors.RepositoryNotFoundError("404", response=mock.Mock())
    with (
        mock.patch("huggingface_hub.HfApi.dataset_info", side_effect=unknown),
        pytest.raises(FileNotFoundError, match="nobody/nothing is neither a folder here nor a data set"),
    ):
        load("nobody/nothing")
    with pytest.raises(ValueError, match="no column `image`; it has sound"):
        load(datasets.Dataset.from_dict({"sound": [1]}))


def test_a_data_set_in_the_layout_of_a_hub_is_loaded(tmp_path):
    drawn = dinosaurs(4, size=16)
    drawn.to_parquet(tmp_path / "train-00000-of-00001.parquet")
    again = datasets.load_dataset("parquet", data_dir=str(tmp_path), split="train", cache_dir=str(tmp_path / "cache"))
    assert torch.equal(load(again, 16), load(drawn, 16))


def test_a_sheet_lays_pictures_out_in_rows():
    pictures = torch.stack([torch.full((3, 2, 2), value) for value in (0.0, 0.2, 0.4)])
    laid = np.asarray(sheet(pictures, columns=2, scale=3))
    assert laid.shape == (12, 12, 3)
    assert laid[0, 0, 0] == 0
    assert laid[0, 6, 0] == 51
    assert laid[6, 0, 0] == 102
    assert laid[6, 6, 0] == 255
