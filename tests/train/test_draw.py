"""`dino edit` and prompts, as a learner runs them: what is drawn, what of a picture stays, and what is refused."""

import itertools
from functools import partial

import numpy as np
import PIL.Image
import pytest
import torch
from PIL import Image, ImageDraw, ImageSequence

from dino.data import dinosaurs, load
from dino.denoiser import Denoiser
from dino.editing import begin_from, sample_known, with_fresh_noise
from dino.recogniser import load_recogniser
from dino.saving import PROMPTED, load_denoiser, save_denoiser
from tests.test_cli import dino

SIZE = 8


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Weights that have learnt nothing, a photo of 24 by 16 pixels, and a mask that keeps its left half.

    All is calculated in float32, so that what comes out can be compared to the last bit.
    """
    monkeypatch.setattr("torch.cpu.get_capabilities", dict)
    save_denoiser(Denoiser((4, 4), (1, 1)), tmp_path / "weights.safetensors", SIZE)
    numbers = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    Image.fromarray(numbers).save(tmp_path / "photo.png")
    mask = Image.new("L", (24, 16), "white")
    ImageDraw.Draw(mask).rectangle((12, 0, 24, 16), fill="black")
    mask.save(tmp_path / "mask.png")
    return tmp_path


def edit(folder, *arguments, code=0):
    """What `dino edit` prints: two drawings in two steps, with the weights of the folder."""
    options = ("--weights", "weights.safetensors", "--count", 2, "--steps", 2, "--seed", 7)
    return dino("edit", *options, *arguments, cwd=folder, code=code)


def cells(path, scale=3):
    """The pictures of a sheet, (rows, 8, 3, 8, 8), in [0, 1]."""
    with Image.open(path) as picture:
        return cells_of(picture, scale)


def cells_of(picture, scale):
    numbers = torch.from_numpy(np.array(picture.convert("RGB"))[::scale, ::scale]) / 255
    return numbers.unflatten(0, (-1, SIZE)).unflatten(2, (-1, SIZE)).permute(0, 2, 4, 1, 3)


def varied(denoiser, times, **options):
    """What the lesson draws without a mask."""
    return begin_from(partial(with_fresh_noise, denoiser, times=times), **options)


def expected(folder, draw, **options):
    """What a function of the lesson draws from the denoiser, the photo and the noise of seed 7, as a sheet rounds it."""
    denoiser, picture = load_denoiser(folder / "weights.safetensors"), load([folder / "photo.png"], SIZE)
    torch.manual_seed(7)
    return (draw(denoiser, picture=picture, noise=torch.rand(2, 3, SIZE, SIZE), **options) * 255).round() / 255


def test_without_a_mask_the_sheet_has_the_picture_and_below_it_what_the_lesson_draws_from_it(folder):
    text = edit(folder, "photo.png")
    assert text == "edited.png\nedited.webp\nThese are the pictures of --seed 7.\n"
    (given, *_), (one, two, *_) = cells(folder / "edited.png")
    assert torch.equal(given, load([folder / "photo.png"], SIZE)[0])
    assert len(cells(folder / "edited.png")) == 2
    assert torch.equal(cells(folder / "edited.png")[0, 1:], torch.ones(7, 3, SIZE, SIZE))
    drawn = expected(folder, varied, times=3, strength=0.6, steps=2, stretch=2.0)
    assert torch.equal(torch.stack([one, two]), drawn)
    edit(folder, "photo.png", "--strength", 0.3, "--resample", 1, "--stretch", 1.5, "--steps", 3)
    drawn = expected(folder, varied, times=1, strength=0.3, steps=3, stretch=1.5)
    assert torch.equal(cells(folder / "edited.png")[1, :2], drawn)


def test_what_a_mask_keeps_is_shown_and_stays_as_it_is_and_the_lesson_draws_the_rest(folder):
    edit(folder, "photo.png", "--keep", "mask.png")
    (given, kept, *_), (one, two, *_) = cells(folder / "edited.png")
    half = SIZE // 2
    assert torch.equal(kept[:, :, :half], given[:, :, :half])
    assert torch.equal(kept[:, :, half:], torch.full((3, SIZE, half), 128 / 255))
    for drawing in (one, two):
        assert torch.equal(drawing[:, :, :half], given[:, :, :half])
        assert not torch.equal(drawing[:, :, half:], given[:, :, half:])
    known = (torch.arange(SIZE) < half).float().expand(1, 1, SIZE, SIZE)
    for options, strength in [((), 1.0), (("--strength", 0.4), 0.4)]:
        edit(folder, "photo.png", "--keep", "mask.png", *options)
        drawn = expected(folder, sample_known, known=known, strength=strength, times=7, steps=2)
        assert torch.equal(cells(folder / "edited.png")[1, :2], drawn)


def test_at_strength_1_the_picture_is_ignored_and_what_comes_out_is_what_sample_draws(folder):
    Image.new("RGB", (8, 8), "red").save(folder / "red.png")
    edit(folder, "photo.png", "--strength", 1, "--resample", 0)
    edit(folder, "red.png", "--strength", 1, "--resample", 0, "--out", "other.png")
    dino("sample", "weights.safetensors", "--count", 2, "--steps", 2, "--seed", 7, "--out", "s.png", cwd=folder)
    drawn = cells(folder / "s.png")
    assert torch.equal(cells(folder / "edited.png")[1:], drawn)
    assert torch.equal(cells(folder / "other.png")[1:], drawn)
    edit(folder, "red.png", "--strength", 0.9, "--resample", 0, "--out", "other.png")
    assert not torch.equal(cells(folder / "other.png")[1:], drawn)


def test_the_animation_has_one_frame_a_step_below_the_picture_and_grows_like_the_drawings(folder):
    edit(folder, "photo.png", "--steps", 6, "--strength", 1)
    with Image.open(folder / "edited.webp") as film:
        frames = [cells_of(frame, 2) for frame in ImageSequence.Iterator(film)]
    assert len(frames) == 6 + 1
    distances = [(frame[1, :2] - frames[-1][1, :2]).abs().mean().item() for frame in frames]
    assert all(later < earlier for earlier, later in itertools.pairwise(distances))
    for frame in frames:
        assert (frame[0] - cells(folder / "edited.png")[0]).abs().mean() < 0.05  # what was given, and white beside it


def test_a_photo_that_is_stored_sideways_is_upright_and_so_is_its_mask(folder):
    with Image.open(folder / "photo.png") as photo, Image.open(folder / "mask.png") as mask:
        for picture, name in ((photo, "sideways.png"), (mask, "sideways-mask.png")):
            exif = Image.Exif()
            exif[0x0112] = 6  # to be turned by 90 degrees, clockwise
            picture.transpose(Image.Transpose.ROTATE_90).save(folder / name, exif=exif)
    edit(folder, "photo.png", "--keep", "mask.png")
    for mask in ("mask.png", "sideways-mask.png"):
        edit(folder, "sideways.png", "--keep", mask, "--out", "sideways-edited.png")
        assert torch.equal(cells(folder / "sideways-edited.png"), cells(folder / "edited.png"))


def test_transparent_is_white_paper_in_a_picture_and_kept_in_a_mask(folder):
    layer = Image.new("RGBA", (24, 16), (0, 0, 0, 0))
    ImageDraw.Draw(layer).rectangle((12, 0, 24, 16), fill="black")
    layer.save(folder / "layer.png")
    with Image.open(folder / "mask.png") as mask:
        mask.convert("RGB").save(folder / "mask.webp", lossless=True)
    edit(folder, "mask.webp", "--keep", "mask.png")
    edit(folder, "layer.png", "--keep", "layer.png", "--out", "layer-edited.png")
    assert torch.equal(cells(folder / "layer-edited.png"), cells(folder / "edited.png"))


def test_a_pixel_that_is_half_white_after_scaling_is_kept(folder):
    Image.new("RGB", (8, 8), "red").save(folder / "red.png")
    for grey, sentence in [(128, "leaves nothing to draw"), (127, "keeps nothing of the picture")]:
        Image.new("L", (8, 8), grey).save(folder / "grey.png")
        assert sentence in edit(folder, "red.png", "--keep", "grey.png", code=2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing.png"], "There is no picture nothing.png. Name one that is there."),
        (["."], ". is a folder. Name a picture in it."),
        (["notes.txt"], "notes.txt cannot be read as a picture ("),
        (["damaged.png"], "damaged.png cannot be read as a picture ("),
        (["empty.png"], "empty.png cannot be read as a picture ("),
        (["photo.png", "--keep", "nothing.png"], "There is no picture nothing.png."),
        (["photo.png", "--keep", "notes.txt"], "notes.txt cannot be read as a picture ("),
        (
            ["photo.png", "--keep", "small.png"],
            "small.png is 12 by 8 pixels, and the picture 24 by 16. Make the mask as large as the picture.",
        ),
        (
            ["photo.png", "--keep", "black.png"],
            "black.png keeps nothing of the picture. Paint white what is to stay, or leave out --keep.",
        ),
        (["photo.png", "--keep", "clear.png"], "clear.png leaves nothing to draw: it is white or transparent. Paint"),
        (["photo.png", "--strength", "0"], "--strength 0 should be above 0 and at most 1: it is the share of noise"),
        (["photo.png", "--strength", "1.01"], "--strength 1.01 should be above 0"),
        (["photo.png", "--strength", "nan"], "--strength nan should be above 0"),
        (["photo.png", "--out", "x.gif"], "x.gif should end in .png, .jpg or .webp."),
        (["photo.png", "--out", "photo.png"], "photo.png would be written over. Name another file with --out."),
        (["photo.png", "--out", "link.png"], "photo.png would be written over."),
        (["photo.png", "--keep", "mask.png", "--out", "mask.png"], "mask.png would be written over."),
        (["film.webp", "--out", "film.png"], "film.webp would be written over."),
        (["photo.png", "--weights", "none.safetensors"], "There are no weights at none.safetensors."),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line_and_nothing_is_written(folder, arguments, sentence):
    (folder / "notes.txt").write_text("Dear diary")
    (folder / "empty.png").touch()
    (folder / "damaged.png").write_bytes((folder / "photo.png").read_bytes()[:600])
    (folder / "link.png").symlink_to("photo.png")
    Image.new("L", (12, 8)).save(folder / "small.png")
    Image.new("L", (24, 16)).save(folder / "black.png")
    Image.new("RGBA", (24, 16), (0, 0, 0, 0)).save(folder / "clear.png")
    frames = [Image.new("RGB", (24, 16), colour) for colour in ("red", "green")]
    frames[0].save(folder / "film.webp", save_all=True, append_images=frames[1:])
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    text = edit(folder, *arguments, code=2)
    assert text.startswith(f"dino: {sentence}")
    assert text.count("\n") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_picture_with_too_many_pixels_is_refused_in_one_line(folder, monkeypatch):
    for most in (300, 100):  # above the limit Pillow warns, and above twice of it refuses
        monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", most)
        assert edit(folder, "photo.png", code=2) == "dino: photo.png has too many pixels. Scale it down first.\n"


WORDS = ["red", "left", "t-rex"]


@pytest.fixture
def captioned(folder):
    """The folder, with weights that know three words, and are wild enough for each to make a difference."""
    torch.manual_seed(1)
    denoiser = Denoiser((4, 4), (1, 1), WORDS)
    with torch.no_grad():
        for weight in denoiser.parameters():
            weight.mul_(2)
    save_denoiser(denoiser, folder / "weights.safetensors", SIZE)
    return folder


def draw(folder, *arguments, code=0):
    """What `dino sample` prints: two drawings in two steps, with the weights of the folder."""
    return dino(
        "sample", "weights.safetensors", "--count", 2, "--steps", 2, "--seed", 7, *arguments, cwd=folder, code=code
    )


def worked_out(folder, wanted, guidance=1.0, unwanted=(0, 0, 0)):
    """What comes of two steps from the noise of seed 7, by hand, as a sheet rounds it."""
    denoiser, noise = (
        load_denoiser(folder / "weights.safetensors"),
        torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(7)),
    )

    def guess(noisy, level):
        one, other = (
            denoiser(noisy, torch.tensor([level, *given]).view(1, -1, 1, 1).expand(2, -1, 1, 1))
            for given in (wanted, unwanted)
        )
        return guidance * one + (1 - guidance) * other

    with torch.no_grad():
        first = guess(noise, 1.0)
        half = noise / 2 + first / 2
        second = guess(half, 0.5)
    return first + 2 * (second - first)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), {"wanted": (0, 0, 0)}),
        (("--prompt", "A RED t-rex, facing left"), {"wanted": (1, 1, 1)}),
        (("--prompt", "red", "--guidance", 0), {"wanted": (0, 0, 0)}),
        (("--prompt", "red", "--guidance", 2.5), {"wanted": (1, 0, 0), "guidance": 2.5}),
        (("--avoid", "left"), {"wanted": (0, 0, 0), "guidance": 2, "unwanted": (0, 1, 0)}),
        (("--prompt", "t-rex", "--avoid", "red", "--guidance", 0.5), {"wanted": (0, 0, 1), "guidance": 0.5, "unwanted": (1, 0, 0)}),
    ],
    ids=["nothing", "prompt", "deaf", "guidance", "avoid", "all"],
)  # fmt: skip
def test_the_denoiser_is_told_the_prompt_and_led_away_from_what_is_to_be_avoided(captioned, arguments, expected):
    draw(captioned, *arguments, "--out", "sheet.png")
    drawn, drawing = cells(captioned / "sheet.png")[0, :2], worked_out(captioned, **expected)
    assert drawing.std() > 0.1
    torch.testing.assert_close(drawn, drawing.clamp(0, 1), atol=0.51 / 255, rtol=0)


def test_weights_that_know_words_draw_and_edit_without_a_prompt(captioned):
    draw(captioned, "--out", "sampled.png")
    edit(captioned, "photo.png", "--strength", 1, "--resample", 0)
    assert torch.equal(cells(captioned / "edited.png")[1], cells(captioned / "sampled.png")[0])


def test_words_that_are_not_known_are_named_with_the_nearest_that_are_and_the_others_are_drawn(captioned):
    told = draw(captioned, "--prompt", "An old trex, and in RED - the trex facing lefft", "--out", "one.png")
    note = "Note: Not known to these weights, and passed over: old, trex (nearest: t-rex), lefft (nearest: left).\n"
    assert told.count("Note:") == 1
    assert note in told
    assert draw(captioned, "--prompt", "red", "--out", "two.png").count("Note:") == 0
    assert (captioned / "one.png").read_bytes() == (captioned / "two.png").read_bytes()
    assert "passed over: blue.\n" in draw(captioned, "--avoid", "red and blue")


def test_avoiding_is_without_effect_at_guidance_1_which_is_said(captioned):
    told = draw(captioned, "--prompt", "left", "--avoid", "red", "--guidance", 1, "--out", "one.png")
    assert "Note: at --guidance 1, --avoid has no effect" in told
    assert "Note:" not in draw(captioned, "--prompt", "left", "--out", "two.png")
    assert (captioned / "one.png").read_bytes() == (captioned / "two.png").read_bytes()
    assert "Note:" not in draw(captioned, "--prompt", "left", "--avoid", "red", "--out", "three.png")
    assert (captioned / "three.png").read_bytes() != (captioned / "two.png").read_bytes()


@pytest.mark.parametrize(
    ("weights", "arguments", "sentence"),
    [
        ("words", ("--prompt", "a dragon"), "These weights know no word of 'a dragon'. They know: red, left, t-rex.\n"),
        ("words", ("--prompt", "red", "--avoid", "it!"), None),
        ("words", ("--prompt", "red", "--avoid", "blue"), "These weights know no word of 'blue'."),
        ("many", ("--prompt", "a dragon"), "word38, word39, and 3 more.\n"),
        ("none", ("--prompt", "red"), "The weights in none.safetensors were trained without captions, so they know no"),
        ("none", ("--avoid", "red"), "(`dino train --text COLUMN`), or leave out WEIGHTS.\n"),
        ("words", ("--prompt", "red", "--guidance", "-0.1"), "--guidance -0.1 should be a number from 0 up:"),
        ("words", ("--prompt", "red", "--guidance", "nan"), "--guidance nan should be a number from 0 up:"),
        ("words", ("--prompt", "red", "--guidance", "inf"), "--guidance inf should be a number from 0 up:"),
        ("words", ("--guidance", "2"), "--guidance needs words to count: a --prompt, or something to --avoid.\n"),
    ],
)
def test_prompts_that_cannot_be_drawn_are_refused_in_one_line(tmp_path, weights, arguments, sentence):
    words = {"words": WORDS, "many": [f"word{i}" for i in range(43)], "none": []}[weights]
    save_denoiser(Denoiser((4, 4), (1, 1), words), tmp_path / f"{weights}.safetensors", SIZE)
    options = (f"{weights}.safetensors", "--count", 1, "--steps", 1, *arguments)
    told = dino("sample", *options, cwd=tmp_path, code=2 if sentence else 0)
    if sentence:
        assert told.startswith("dino: ")
        assert sentence in told
        assert told.count("\n") == 1
        assert not (tmp_path / "dinosaurs.png").exists()


def test_a_prompt_is_drawn_with_the_weights_of_the_course_that_know_the_words_of_its_captions(tmp_path):
    said = "A large green T-rex, a small blue long-neck with gold spots facing left"
    words = dino("sample", "--prompt", said, "--count", 1, "--steps", 1, "--seed", 7, cwd=tmp_path)
    assert words == "dinosaurs.png\ndinosaurs.webp\nThese are the pictures of --seed 7.\n"
    options = ("--count", 1, "--steps", 1, "--seed", 7, "--out", "named.png")
    dino("sample", PROMPTED, "--prompt", said, *options, cwd=tmp_path)
    assert (tmp_path / "dinosaurs.png").read_bytes() == (tmp_path / "named.png").read_bytes()


def test_without_weights_and_words_each_drawing_is_told_the_caption_of_a_dinosaur(tmp_path):
    dino("sample", "--count", 8, "--steps", 8, "--seed", 7, cwd=tmp_path)
    with Image.open(tmp_path / "dinosaurs.png") as drawn:
        numbers = torch.from_numpy(np.array(drawn.convert("RGB").resize((8 * 32, 32), Image.Resampling.NEAREST))) / 255
    species, colours = load_recogniser()(torch.stack(numbers.permute(2, 0, 1).split(32, dim=2)))
    captioned = dinosaurs(8, seed=7)
    assert species.argmax(dim=1).tolist() == captioned["label"][:]
    assert colours.argmax(dim=1).tolist() == captioned["colour"][:]
