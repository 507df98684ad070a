"""Loading pictures of all sorts, against Pillow and against pictures that are known."""

import warnings
from pathlib import Path

import datasets
import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageOps

from dino.data import crop, dinosaurs, load, on_white, overfit, sheet, to_tensor, yardstick
from dino.letters import make_album

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
    with pytest.warns(UserWarning, match=r"not a picture, and left out: notes\.txt"):
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


def test_a_tensor_holds_the_numbers_that_pillow_gives_for_each_pixel():
    picture = Image.effect_noise((7, 5), 90).convert("RGB")
    picture.putpixel((6, 1), (255, 0, 51))
    tensor = to_tensor(picture)
    assert tensor.shape == (3, 5, 7)
    assert tensor.dtype == torch.float32
    assert tensor[:, 1, 6].tolist() == pytest.approx([1, 0, 0.2])
    for x, y in ((0, 0), (3, 4), (5, 2)):
        assert tuple((tensor[:, y, x] * 255).round().int().tolist()) == picture.getpixel((x, y))


@pytest.mark.parametrize(("width", "height"), [(90, 40), (40, 90), (64, 64), (10, 14)])
def test_a_crop_is_what_pillow_s_own_fit_gives(width, height):
    picture = Image.radial_gradient("L").resize((width, height)).convert("RGB")
    expected = ImageOps.fit(picture, (16, 16), Image.Resampling.BICUBIC)
    assert (to_tensor(crop(picture, 16)) - to_tensor(expected)).abs().max() < 0.03


def test_round_things_stay_round():
    picture = Image.new("RGB", (200, 100), "white")
    ImageDraw.Draw(picture).ellipse((60, 10, 140, 90), fill="black")
    dark = to_tensor(crop(picture, 50))[0] < 0.5
    assert dark.any(dim=0).sum() == pytest.approx(int(dark.any(dim=1).sum()), abs=1)


def test_transparency_is_composed_on_white():
    half = Image.new("RGBA", (30, 10), (0, 0, 0, 128))
    half.paste((255, 0, 0, 255), (10, 0, 20, 10))
    tensor = to_tensor(on_white(half))
    assert tensor[:, 5, 15].tolist() == [1, 0, 0]
    assert tensor[:, 5, 5].mean().item() == pytest.approx(127 / 255, abs=0.01)


def test_one_picture_is_learnt_by_heart_by_a_network_that_can():
    # Each step halves the distance to what it is shown, so that the losses are known.
    learnt = torch.zeros(3, 4, 4)

    def step(clean):
        nonlocal learnt
        assert clean.shape == (5, 3, 4, 4)
        loss = (clean - learnt).square().mean().item()
        learnt = (learnt + clean.mean(dim=0)) / 2
        return loss

    assert overfit(step, torch.full((3, 4, 4), 0.8), steps=4, batch=5) == pytest.approx([0.64, 0.16, 0.04, 0.01])


def test_the_yardstick_is_the_least_squares_fit_of_each_pixel_to_its_noisy_self():
    torch.manual_seed(0)
    clean = torch.rand(400, 3, 2, 2) ** torch.tensor([1.0, 2, 5]).view(1, 3, 1, 1)
    levels = torch.tensor([0.1, 0.5, 0.9, 1.0])
    found = []
    for level in levels:
        many = clean.repeat(100, 1, 1, 1)
        noisy = (1 - level) * many + level * torch.rand_like(many)
        errors = []
        for truth, seen in zip(many.flatten(1).T.numpy(), noisy.flatten(1).T.numpy(), strict=True):
            line = np.polynomial.Polynomial.fit(seen, truth, 1)
            errors.append(np.mean((line(seen) - truth) ** 2))
        found.append(np.mean(errors))
    torch.testing.assert_close(yardstick(clean, levels), torch.tensor(found).float(), rtol=0.01, atol=0)


def test_the_album_of_letters_is_the_same_each_time_and_is_read_right(tmp_path):
    make_album(tmp_path / "one")
    make_album(tmp_path / "two")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "two").iterdir())
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)
    with pytest.warns(UserWarning) as notes:
        letters = load(tmp_path / "one", size=16)
    assert len(letters) == len(names) - 2
    text = "\n".join(str(note.message) for note in notes)
    assert "broken.jpg" in text
    assert "notes.txt" in text
    # All stand upright on white: an L has its foot at the bottom, and an F has no foot.
    kinds = [name[0] for name in names if name not in ("broken.jpg", "notes.txt")]
    assert letters[:, :, [0, 0, -1, -1], [0, -1, 0, -1]].min() > 0.9
    ink = 1 - letters.mean(dim=1)
    lower, upper = ink[:, 9:].sum(dim=(1, 2)), ink[:, :7].sum(dim=(1, 2))
    for kind, low, up in zip(kinds, lower, upper, strict=True):
        if kind in "LFP":
            assert (low > up) == (kind == "L")


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
        assert name in text
    assert "Not read as pictures, and left out: " in text


def test_rows_without_a_picture_are_left_out_by_number():
    drawn = dinosaurs(3, 16).cast_column("image", datasets.Image(decode=False))
    rows = [row["image"] for row in drawn]
    rows[1] = None
    holes = datasets.Dataset.from_dict({"image": rows}, features=datasets.Features({"image": datasets.Image()}))
    with pytest.warns(UserWarning, match=r"left out: picture 1 \(empty\)"):
        assert len(load(holes, 16)) == 2


def test_data_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere"):
        load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"There are no pictures in .*Put PNG or JPEG files into it"):
        load(tmp_path)
    (tmp_path / "letter.png").write_text("Dear diary")
    with pytest.warns(UserWarning, match="letter"), pytest.raises(ValueError, match="None of the pictures can be read"):
        load(tmp_path)
    with pytest.raises(ConnectionError, match=r"nobody/nothing is no folder here, and .* HF_HUB_OFFLINE is set"):
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
