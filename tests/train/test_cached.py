"""Pictures for training: decoded as Pillow decodes them, whatever they are, and none lost or shown twice."""

import errno
import gzip
import io
import itertools
import json
import os
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from unittest import mock

import datasets
import matplotlib
import numpy as np
import PIL.ImageOps
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dino.course.train.cached import CachedPictures, StreamedPictures, open_pictures
from dino.course.train.decoding import decode
from dino.course.train.distributed import ProcessGroup
from dino.data import dinosaurs, load

SIZE = 8
# Since Python 3.12, dividing a process that has threads gives a warning.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def save(picture, kind="PNG", **options):
    """A picture as the bytes of a file."""
    file = io.BytesIO()
    picture.save(file, format=kind, **options)
    return file.getvalue()


def as_tensor(array):
    """What should come out of an array (height, width, 3) or (height, width): its middle square, scaled by Pillow."""
    square = PIL.ImageOps.fit(Image.fromarray(array).convert("RGB"), (SIZE, SIZE), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(square)).permute(2, 0, 1) / 255


def chunk(kind, content):
    """A part of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def claims(width, height):
    """A PNG that claims a size, with next to nothing in it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def scene():
    """A picture that is another one however it is turned: red above, green on the left, blue elsewhere."""
    array = np.zeros((40, 40, 3), np.uint8)
    array[...] = (30, 60, 200)
    array[:, :10] = (20, 180, 40)
    array[:10] = (220, 30, 30)
    return array


# How a camera stores an upright picture, by the number that says how to turn it back (EXIF 2.32, tag 274).
STORED = {
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright.transpose(1, 0, 2), 2),
    8: lambda upright: np.rot90(upright, -1),
}


def stored(orientation):
    """The scene as a camera stores it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return Image.fromarray(np.ascontiguousarray(STORED[orientation](scene()))), {"exif": exif}


def as_tiff(numbers, kind):
    return save(Image.fromarray(numbers.astype(kind)), "TIFF")


def png_of_16_bits(colours):
    """A PNG of colours with 16 bits each, (height, width, 3), which Pillow cannot write."""
    header = struct.pack(">IIBBBBB", colours.shape[1], colours.shape[0], 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colours)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + content


def of_odd_range():
    """Files whose numbers fill less than they could, or more than is usual, what they mean, from 0 to 1, and what is said."""
    steps = np.arange(64).reshape(8, 8)
    rise = steps / 63
    colours = np.stack([rise, rise[::-1], rise.T], axis=2)
    highlight = np.where(steps == 63, 40, rise)
    return {
        "a little above.tif": (as_tiff(rise * 1.02, "f4"), (rise * 1.02).clip(0, 1), "0 is black, 1 white"),
        "more above.tif": (as_tiff(rise * 1.4, "f4"), (rise * 1.4).clip(0, 1), "0 is black, 1 white"),
        "highlight.tif": (as_tiff(highlight, "f4"), highlight.clip(0, 1), "0 is black, 1 white"),
        "glare.tif": (as_tiff(rise * 9, "f4"), rise, "0 is black, 9 white"),
        "a little above 255.tif": (as_tiff(rise * 260, "f4"), (rise * 260 / 255).clip(0, 1), "0 is black, 255 white"),
        "both sides.tif": (as_tiff(rise * 2 - 1, "f4"), rise, "-1 is black, 1 white"),
        "12 of 16.tif": (as_tiff((rise * 4095).round(), "u2"), rise, "0 is black, 4,095 white"),
        "12 of 16.png": (save(Image.fromarray((rise * 4095).astype("u2"))), rise, "0 is black, 4,095 white"),
        "10 of 16.png": (save(Image.fromarray((rise * 1023).astype("u2"))), rise, "0 is black, 1,023 white"),
        "8 of 16.png": (save(Image.fromarray((rise * 255).astype("u2"))), rise, "0 is black, 255 white"),
        "1 of 16.png": (save(Image.fromarray((steps % 2).astype("u2"))), steps % 2, "0 is black, 1 white"),
        "12 of 32.tif": (as_tiff((rise * 4095).round(), "i4"), rise, "0 is black, 4,095 white"),
        "31 of 32.tif": (as_tiff(steps * 30_000_000, "i4"), rise, "0 is black, 1,890,000,000 white"),
        "scan.tif": (as_tiff((rise * 4095).round() - 1024, "i4"), rise, "-1,024 is black, 3,071 white"),
        "colours.png": (png_of_16_bits((colours * 4095).round()), colours, "0 is black, 4,095 white"),
    }


def readable():
    """Files that can be read, and what should come out."""
    rgb, grey = Image.fromarray(scene()), scene()[..., 2]
    steps = np.arange(64, dtype=np.uint16).reshape(8, 8)
    frames = {"save_all": True, "append_images": [Image.new("RGB", (40, 40), "black")] * 2}
    clear = Image.fromarray(np.dstack([scene(), np.full((40, 40), 255, np.uint8)]))
    clear.paste((0, 0, 0, 0), (0, 30, 40, 40))
    on_white = scene()
    on_white[30:] = 255
    palette = Image.fromarray(np.tile(np.array([0, 1], np.uint8), (8, 4)), "P")
    palette.putpalette([255, 0, 0, 0, 0, 255])
    striped = np.where(np.arange(8)[None, :, None] % 2, (0, 0, 255), (255, 255, 255)).astype(np.uint8).repeat(8, 0)
    files = {f"turned {n}.png": (save(stored(n)[0], **stored(n)[1]), scene()) for n in STORED}
    files |= {f"turned {n}.jpg": (save(stored(n)[0], "JPEG", quality=95, **stored(n)[1]), scene()) for n in (6, 7)}
    return files | {
        "a photo called.png": (save(rgb, "JPEG", quality=95), scene()),
        "a drawing called.jpg": (save(rgb), scene()),
        "16 bits.png": (save(Image.fromarray(steps * 1000)), (steps * 1000 / 257).round().astype(np.uint8)),
        "16 bits.tif": (save(Image.fromarray(steps * 1000), "TIFF"), (steps * 1000 / 257).round().astype(np.uint8)),
        "32 bits.tif": (save(Image.fromarray(steps.astype(np.int32)), "TIFF"), steps.astype(np.uint8)),
        "point to 1.tif": (
            save(Image.fromarray((steps / 100).astype(np.float32)), "TIFF"),
            (steps * 2.55).round().astype(np.uint8),
        ),
        "point to 255.tif": (
            save(Image.fromarray((steps * 4.0).astype(np.float32)), "TIFF"),
            (steps * 4).astype(np.uint8),
        ),
        "print.jpg": (save(rgb.convert("CMYK"), "JPEG", quality=95), scene()),
        "print.tif": (save(rgb.convert("CMYK"), "TIFF"), scene()),
        "grey.jpg": (save(rgb.getchannel(2), "JPEG", quality=95), grey),
        "grey, clear.png": (save(clear.convert("LA")), np.asarray(Image.fromarray(on_white).convert("L"))),
        "clear.png": (save(clear), on_white),
        "clear.webp": (save(clear, "WEBP", lossless=True), on_white),
        "palette, clear.png": (save(palette, transparency=b"\0\xff"), striped),
        "palette, one clear.gif": (save(palette, "GIF", transparency=0), striped),
        "black or white.png": (save(Image.fromarray(steps % 2 > 0)), (steps % 2 * 255).astype(np.uint8)),
        "film.gif": (save(rgb, "GIF", **frames), scene()),
        "film.webp": (save(rgb, "WEBP", lossless=True, **frames), scene()),
        "film.png": (save(rgb, **frames), scene()),
        "one pixel.png": (save(Image.new("RGB", (1, 1), (9, 99, 199))), np.full((1, 1, 3), (9, 99, 199), np.uint8)),
        "a line.png": (save(Image.new("RGB", (1, 5000), (9, 99, 199))), np.full((1, 1, 3), (9, 99, 199), np.uint8)),
        "a line.jpg": (save(Image.new("L", (5000, 1), 77), "JPEG"), np.full((1, 1), 77, np.uint8)),
        "bad profile.png": (save(rgb, icc_profile=b"broken"), scene()),
        "bad profile.jpg": (save(rgb, "JPEG", quality=95, icc_profile=b"broken"), scene()),
        "more behind.jpg": (save(rgb, "JPEG", quality=95) + b"garbage" * 99, scene()),
        "twice.png": (save(rgb), scene()),
        "old.bmp": (save(rgb, "BMP"), scene()),
        "ディノ 🦖.png": (save(rgb), scene()),
        "two\nlines.png": (save(rgb), scene()),
    }


def unreadable():
    """Files that cannot be read, and what should be said of them."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8))
    jpeg, png, webp, tiff = (save(noise, kind) for kind in ("JPEG", "PNG", "WEBP", "TIFF"))
    text = PngInfo()
    text.add_text("bomb", "x" * 5_000_000, zip=True)
    not_a_number = Image.fromarray(np.full((8, 8), np.nan, np.float32))
    unknown = "cannot identify image file"
    return {
        "nothing.png": (b"", unknown),
        "letter.png": (b"Dear diary", unknown),
        "error.jpg": (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", unknown),
        "drawing.png": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', unknown),
        "phone.jpg": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 99, unknown),
        "program.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", unknown),
        "archive.png": (b"PK\x03\x04" + b"\0" * 99, unknown),
        "dice.png": (np.random.default_rng(1).bytes(500), unknown),
        "cut.jpg": (jpeg[: len(jpeg) // 2], "truncated"),
        "cut.png": (png[: len(png) // 2], "truncated"),
        "cut.webp": (webp[: len(webp) // 2], ""),
        "cut.tif": (tiff[: len(tiff) // 2], ""),
        "only a head.jpg": (jpeg[:20], ""),
        "another byte.png": (png[:100] + bytes([png[100] ^ 255]) + png[101:], ""),
        "bomb.png": (claims(60_000, 60_000), "exceeds limit|too many"),
        "small bomb.png": (claims(10_000, 10_000), "exceeds limit|too many"),
        "no width.png": (claims(0, 9), ""),
        "much text.png": (save(noise, pnginfo=text), "too large"),
        "not a number.tif": (save(not_a_number, "TIFF"), "no greys"),
        "below zero.tif": (save(Image.fromarray(np.full((8, 8), -1, np.float32)), "TIFF"), "no greys"),
        "some no numbers.tif": (as_tiff(np.where(np.eye(8), np.nan, 0.5), "f4"), "8 of its 64 values are no greys"),
        "endless.tif": (save(Image.fromarray(np.full((8, 8), 1e9, np.float32)), "TIFF"), "no greys"),
    }


def write(folder, files):
    """Files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (content, _) in files.items():
        (folder / name).write_bytes(content)
    return folder


def told(act):
    """What comes out, and all that was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = act()
    return result, [str(warning.message) for warning in caught]


def as_picture(pixels):
    return torch.frombuffer(bytearray(pixels), dtype=torch.uint8).view(3, SIZE, SIZE) / 255


@pytest.mark.parametrize("name", readable())
def test_what_can_be_read_is_read_right(name):
    content, expected = readable()[name]
    (pixels, wrong), _ = told(lambda: decode({"bytes": content, "path": name}, SIZE, "it"))
    assert wrong is None
    # JPEG is never exact.
    allowed = 0.02 if content[:3] == b"\xff\xd8\xff" else 0.003
    assert (as_picture(pixels) - as_tensor(expected)).abs().mean() < allowed


@pytest.mark.parametrize("name", of_odd_range())
def test_numbers_of_any_range_become_a_picture_and_what_was_chosen_is_told(name, tmp_path):
    content, meant, said = of_odd_range()[name]
    folder = write(tmp_path / "odd", {name: of_odd_range()[name][:2]})
    expected = as_tensor((meant * 255).round().astype(np.uint8))
    pixels, remark = decode({"bytes": content, "path": name}, SIZE, "it")
    assert (as_picture(pixels) - expected).abs().max() < 0.01
    assert remark == f"{name} ({said})"
    for act in (
        lambda: open_pictures(folder, SIZE),
        lambda: open_pictures(folder, SIZE),  # from the cache
        lambda: len(open_pictures(folder, SIZE, stream=True)),
    ):
        _, (message,) = told(act)
        assert "unusual range of numbers" in message
        assert message.endswith(f"{name} ({said})")
    assert told(lambda: load(folder, SIZE))[1] == [
        f"Pictures have an unusual range of numbers, so black and white were chosen: {said}"
    ]


@pytest.mark.parametrize("name", unreadable())
def test_what_cannot_be_read_is_left_out_and_the_reason_told(name, tmp_path):
    content, reason = unreadable()[name]
    (tmp_path / name).write_bytes(content)
    (pixels, wrong), _ = told(lambda: decode({"bytes": None, "path": str(tmp_path / name)}, SIZE, "it"))
    assert pixels is None
    assert wrong.startswith(f"{tmp_path / name} (")
    assert any(part in wrong for part in reason.split("|"))
    # Pillow names the file once more, which is once too often.
    assert wrong.count(name) == 1
    assert "\n" not in wrong


def test_there_are_enough_files_that_mean_harm():
    assert len(readable()) + len(unreadable()) >= 50


def test_rows_without_a_file_are_left_out(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for entry, said in {
        None: "it (empty)",
        (b"", None): "it (empty)",
        (None, None): "it (empty)",
        (b"", "row 3: not finite"): "row 3: not finite (empty)",
        (None, str(tmp_path)): f"{tmp_path} (there is no such file)",
        (None, str(tmp_path / "pipe.png")): f"{tmp_path}/pipe.png (there is no such file)",
        (None, "two\nlines\x1b[31m.png"): "'two\\nlines\\x1b[31m.png' (there is no such file)",
    }.items():
        row = entry and {"bytes": entry[0], "path": entry[1]}
        assert decode(row, SIZE, "it") == (None, said)


def test_no_file_can_start_a_program(tmp_path):
    write(tmp_path, {name: unreadable()[name] for name in ["program.png"]})
    with mock.patch("subprocess.Popen", side_effect=AssertionError), mock.patch("subprocess.check_call") as call:
        assert decode({"bytes": None, "path": str(tmp_path / "program.png")}, SIZE, "it")[0] is None
    call.assert_not_called()


def test_large_photos_decoded_small_look_the_same():
    portrait = Image.open(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    rough = Image.fromarray(np.random.default_rng(0).integers(0, 256, (25, 20, 3), np.uint8)).resize((800, 1000), 3)
    for photo, size in itertools.product((portrait, rough), (16, 32, 64)):
        file = save(photo, "JPEG", quality=90)
        pixels, _ = decode({"bytes": file, "path": None}, size, "it")
        square = PIL.ImageOps.fit(Image.open(io.BytesIO(file)), (size, size), Image.Resampling.BICUBIC)
        difference = np.frombuffer(pixels, np.uint8).reshape(3, size, size) - np.asarray(square, float).transpose(
            2, 0, 1
        )
        assert np.abs(difference).mean() / 255 < 0.02


@pytest.fixture
def hostile(tmp_path):
    """A folder of all of these, and more that is in nobody's way."""
    folder = write(tmp_path / "hostile", readable() | unreadable())
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "Thumbs.db").write_bytes(b"x")
    (folder / ".hidden.png").write_bytes(b"x")
    (folder / "loop").symlink_to(folder)
    (folder / "x.png").mkdir()
    return folder


def test_cached_pictures_count_and_name_what_they_leave_out(hostile):
    cached, messages = told(lambda: open_pictures(hostile, SIZE, workers=1))
    assert len(cached) == len(readable())
    hidden, message = messages
    assert hidden.startswith("1 picture is left out of ")
    total = len(readable()) + len(unreadable())
    assert message.startswith(f"{len(unreadable())} of {total} pictures are left out: ")
    assert message.endswith(f", and {len(unreadable()) - 5} more")
    named = [name for name in sorted(unreadable()) if f"/{name} (" in message]
    assert named == sorted(unreadable())[:5]
    # Those that are left stand in the order of their names.
    for picture, name in zip(cached[torch.arange(len(cached))], sorted(readable()), strict=True):
        assert (picture - as_tensor(readable()[name][1])).abs().mean() < 0.02, name


def test_a_stream_skips_the_same(hostile):
    stream, messages = told(lambda: open_pictures(hostile, SIZE, stream=True))
    assert [message[:26] for message in messages] == ["1 picture is left out of /"]
    count, messages = told(lambda: len(stream))
    assert count == len(readable())
    (message,) = [message for message in messages if message.startswith("Pictures of the stream")]
    assert message.startswith(f"Pictures of the stream that are left out so far: {len(unreadable())}, the last ")
    # In the next turn nothing is told again.
    for _ in range(2 * count):
        _, messages = told(lambda: stream[torch.tensor([0])])
        assert not [message for message in messages if message.startswith("Pictures of the stream")]


def test_load_reads_the_same_and_leaves_out_the_same(hostile):
    pictures, messages = told(lambda: load(hostile, SIZE))
    for picture, name in zip(pictures, sorted(readable()), strict=True):
        assert (picture - as_tensor(readable()[name][1])).abs().mean() < 0.02, name
    (message,) = [message for message in messages if message.startswith("Not read as pictures, and left out: ")]
    assert not [name for name in unreadable() if f"/{name} (" not in message]


def test_nothing_that_can_be_read_is_a_sentence(tmp_path):
    folder = write(tmp_path / "bad", {name: unreadable()[name] for name in ["letter.png", "cut.jpg"]})
    with pytest.raises(
        ValueError, match=r"None of the pictures can be read: .*cut\.jpg \(image file is truncated.*Is it the right"
    ):
        open_pictures(folder, SIZE)
    with pytest.raises(ValueError, match=r"None of the pictures in the stream can be read \(.*letter\.png"):
        len(open_pictures(folder, SIZE, stream=True))


@pytest.fixture(scope="module")
def greys(tmp_path_factory):
    """A folder of 40 pictures, each of one grey of its own."""
    folder = tmp_path_factory.mktemp("greys")
    for i in range(40):
        Image.new("L", (SIZE, SIZE), i).save(folder / f"{i:02}.png")
    return folder


def numbers(pictures):
    """Which of the 40 pictures these are."""
    assert torch.equal(pictures, pictures[:, :1, :1, :1].expand_as(pictures))
    return (pictures[:, 0, 0, 0] * 255).round().int().tolist()


def test_cached_pictures_stand_where_a_tensor_stands(tmp_path, drawn):
    drawn.save_to_disk(tmp_path / "drawn")
    cached, tensor = open_pictures(tmp_path / "drawn", 16), load(drawn, 16)
    assert len(cached) == len(tensor)
    for index in (torch.tensor([3, 1, 1]), torch.arange(12), slice(2, 5), torch.tensor([-1])):
        assert torch.equal(cached[index], tensor[index])
    assert cached.device == torch.device("cpu")
    assert cached[torch.tensor([0])].dtype == torch.float32


@pytest.fixture(scope="module")
def drawn():
    return dinosaurs(12, size=16)


def test_the_dinosaurs_are_cached_and_streamed_too(drawn):
    with mock.patch("dino.data.dinosaurs", return_value=drawn):
        cached, stream = open_pictures("dinosaurs", 16), open_pictures("dinosaurs", 16, stream=True)
    assert torch.equal(cached[torch.arange(12)], load(drawn, 16))
    assert len(stream) == 12
    assert cached.about == "12 pictures, split train, column image, licence mit"
    assert stream.about == "a stream of pictures, split train, column image, licence mit"


def test_both_kinds_tell_what_they_are(greys):
    about = "split train, column image, licence unknown: look before you publish"
    assert open_pictures(greys, SIZE).about == f"40 pictures, {about}"
    assert open_pictures(greys, SIZE, stream=True).about == f"a stream of pictures, {about}"


def test_a_damaged_stream_is_a_sentence(tmp_path, greys):
    sources = layouts(tmp_path, greys)
    (tmp_path / "tables" / "train-00002-of-00004.parquet").write_bytes(b"Dear diary")
    whole = sources["tar"].read_bytes()
    files = {"cut.tar": whole[:5000], "text.tar": b"Dear diary" * 100, "empty.tar": b"", "text.arrow": b"Dear diary"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for path in (tmp_path / "tables", *(tmp_path / name for name in files)):
        with pytest.raises(
            (ValueError, OSError), match=r"cannot be read as a data set \(|stream of pictures broke off after"
        ):
            len(open_pictures(path, SIZE, stream=True))


def test_a_second_start_decodes_nothing_and_tells_the_same(tmp_path):
    folder = write(tmp_path / "some", {name: (readable() | unreadable())[name] for name in ["clear.png", "letter.png"]})
    first, said = told(lambda: open_pictures(folder, SIZE))
    with mock.patch("dino.course.train.cached.decode", side_effect=AssertionError("decoded again")):
        again, said_again = told(lambda: open_pictures(folder, SIZE))
        assert torch.equal(first[torch.arange(1)], again[torch.arange(1)])
        assert said == said_again
        assert said[0].startswith("1 of 2 pictures is left out: ")
        with pytest.raises(AssertionError, match="decoded again"):
            open_pictures(folder, SIZE * 2)


@pytest.mark.parametrize("change", ["content", "time", "another file"])
def test_files_that_changed_are_decoded_again(tmp_path, change):
    path = tmp_path / "some" / "a.png"
    path.parent.mkdir()
    path.write_bytes(save(Image.new("L", (9, 9), 10)))
    os.utime(path, (1, 1))
    assert numbers(open_pictures(path.parent, SIZE)[:]) == [10]
    if change == "another file":
        path.with_name("b.png").write_bytes(save(Image.new("L", (9, 9), 20)))
        assert numbers(open_pictures(path.parent, SIZE)[:]) == [10, 20]
        return
    size = path.stat().st_size
    path.write_bytes(save(Image.new("L", (9, 9), 20)) + (b"longer" if change == "content" else b""))
    os.utime(path, (1, 1) if change == "content" else (2, 2))
    assert (path.stat().st_size == size) == (change == "time")
    assert numbers(open_pictures(path.parent, SIZE)[:]) == [20]


def test_an_archive_that_changed_is_decoded_again(tmp_path):
    for grey in (10, 20):
        with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
            archive.writestr("a.png", save(Image.new("L", (9, 9), grey)))
        assert numbers(open_pictures(tmp_path / "some.zip", SIZE)[:]) == [grey]


def test_several_processes_decode_the_same_as_one(tmp_path, greys):
    names = [str(greys / f"{i % 40:02}.png") for i in range(600)]
    several = open_pictures(names, SIZE, workers=2)
    assert numbers(several[:]) == [i % 40 for i in range(600)]
    assert len(list((tmp_path / "cache" / "dino").glob("*.arrow"))) == 2


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.ENOSYS])
def test_where_several_processes_cannot_work_together_one_decodes_and_it_is_said(tmp_path, greys, number):
    names = [str(greys / f"{i % 40:02}.png") for i in range(600)]
    with mock.patch(
        "multiprocess.synchronize._multiprocessing.SemLock", side_effect=OSError(number, os.strerror(number))
    ):
        alone, (message,) = told(lambda: open_pictures(names, SIZE, workers=2))
        assert message.startswith("Pictures are decoded in one process, because several cannot work together here: ")
        assert os.strerror(number) in message
        # The second time there is nothing to decode.
        again, messages = told(lambda: open_pictures(names, SIZE, workers=2))
        assert messages == []
    assert numbers(alone[:]) == numbers(again[:]) == [i % 40 for i in range(600)]
    assert len(list((tmp_path / "cache" / "dino").glob("*.arrow"))) == 1


DAMAGE = {
    "halved": lambda content: content[: len(content) // 2],
    "empty": lambda _: b"",
    "zeros": lambda content: bytes(len(content)),
    "zeros at the end": lambda content: content[: len(content) // 2] + bytes(len(content) - len(content) // 2),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_cache_that_a_power_cut_has_damaged_is_made_anew(tmp_path, greys, damage):
    right = numbers(open_pictures(greys, SIZE, workers=1)[:])
    (path,) = (tmp_path / "cache" / "dino").glob("*.arrow")
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(damage(content))
    if len(damage(content)) == len(content):
        path.with_suffix(".whole").unlink()  # this is written once the numbers are on the disk for sure
    assert numbers(open_pictures(greys, SIZE, workers=1)[:]) == right


def test_a_cache_that_cannot_be_written_is_a_sentence(tmp_path, greys, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "file")
    with pytest.raises(OSError, match=r"cannot be kept in .*Name a folder with room in HF_DATASETS_CACHE"):
        open_pictures(greys, SIZE)


def test_a_stream_shows_each_picture_once_in_a_turn(greys):
    stream = open_pictures(greys, SIZE, stream=True)
    stream.window = 7
    assert len(stream) == 7
    shown = []
    # 33 pictures are still to come; then the second turn begins.
    for _ in range(33):
        # A place that is asked for twice is filled once.
        shown += numbers(stream[torch.tensor([3, 3])])[:1]
    left = numbers(stream.state()["pixels"].float() / 255)
    assert sorted(shown + left) == list(range(40))
    second = [*left]
    for _ in range(40):
        second += numbers(stream[torch.tensor([3])])
    assert set(second) | set(numbers(stream.state()["pixels"].float() / 255)) == set(range(40))


def test_places_asked_for_twice_are_filled_once(greys):
    stream = open_pictures(greys, SIZE, stream=True)
    stream.window = 10
    before = numbers(stream.state()["pixels"].float() / 255)
    got = numbers(stream[torch.tensor([4, 2, 4, 4])])
    after = numbers(stream.state()["pixels"].float() / 255)
    assert got == [before[4], before[2], before[4], before[4]]
    assert [i for i in range(10) if before[i] != after[i]] == [2, 4]
    assert not set(before) & {after[2], after[4]}


def test_nothing_asked_for_is_nothing_given(greys):
    for pictures in (open_pictures(greys, SIZE), open_pictures(greys, SIZE, stream=True)):
        assert pictures[torch.tensor([], dtype=torch.long)].shape == (0, 3, SIZE, SIZE)
        assert len(pictures) == 40


def test_turns_come_in_another_order(greys):
    stream = open_pictures(greys, SIZE, stream=True)
    stream.window = 40
    first = numbers(stream[torch.arange(40)])
    second = numbers(stream[torch.arange(40)])
    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second


def layouts(folder, greys):
    """The 40 pictures as a folder, as Parquet in four files, and as an archive."""
    (folder / "tables").mkdir()
    pictures = datasets.Dataset.from_dict({"image": [(greys / f"{i:02}.png").read_bytes() for i in range(40)]})
    for i in range(4):
        name = f"train-{i:05}-of-00004.parquet"
        pictures.shard(4, i).to_parquet(folder / "tables" / name, batch_size=4)
    with tarfile.open(folder / "all.tar", "w") as archive:
        for i in range(40):
            archive.add(greys / f"{i:02}.png", f"{i:02}.png")
    (folder / "all.tgz").write_bytes(gzip.compress((folder / "all.tar").read_bytes()))
    return {"folder": greys, "parquet": folder / "tables", "tar": folder / "all.tar", "tgz": folder / "all.tgz"}


@pytest.mark.parametrize("layout", ["folder", "parquet", "tar", "tgz"])
def test_going_on_from_a_state_gives_exactly_the_same_pictures(tmp_path, greys, layout):
    source = layouts(tmp_path, greys)[layout]

    def fresh():
        stream = open_pictures(source, SIZE, stream=True)
        stream.window = 11
        return stream

    generator = torch.Generator().manual_seed(0)
    indices = [torch.randint(11, (5,), generator=generator) for _ in range(40)]
    whole = fresh()
    shown = [whole[index] for index in indices]
    # Stop after a few steps, in the middle of the first turn, and in the second.
    for stop in (1, 4, 13):
        first = fresh()
        for index in indices[:stop]:
            first[index]
        state = first.state()
        state = {"pixels": state.pop("pixels")} | json.loads(json.dumps(state))
        second, third = fresh(), fresh()
        second.restore(state)
        # Stopped at once, it is where it was.
        third.restore(second.state())
        for index, expected in zip(indices[stop : stop + 5], shown[stop:], strict=False):
            assert torch.equal(third[index], expected)
        for index, expected in zip(indices[stop:], shown[stop:], strict=True):
            assert torch.equal(second[index], expected)


@pytest.mark.parametrize("world_size", [2, 3])
@pytest.mark.parametrize("layout", ["folder", "parquet", "tar", "tgz"])
def test_processes_share_the_pictures_without_overlap_or_loss(tmp_path, greys, layout, world_size):
    source = layouts(tmp_path, greys)[layout]
    seen = Counter()
    for rank in range(world_size):
        stream = open_pictures(source, SIZE, stream=True, group=ProcessGroup(rank, world_size))
        seen.update(numbers(stream.state()["pixels"].float() / 255))
    assert seen == Counter(range(40))


def test_a_stream_that_breaks_off_is_a_sentence(tmp_path, greys):
    tables = layouts(tmp_path, greys)["parquet"]
    stream = open_pictures(tables, SIZE, stream=True)
    stream.window = 4
    broken = tables / "train-00001-of-00004.parquet"
    broken.write_bytes(broken.read_bytes()[:300])
    with pytest.raises(OSError, match=r"broke off after \d+ of them: .* goes on from the last checkpoint"):
        for _ in range(20):
            stream[torch.arange(4)]


def test_rows_of_arrays_that_are_not_finite_are_left_out_by_name(tmp_path):
    rows = [[[0.0, 1.0], [0.5, 0.5]], [[0.0, float("nan")], [0.5, 0.5]], None]
    datasets.Dataset.from_dict({"image": rows}).to_parquet(tmp_path / "rows.parquet")
    cached, (message,) = told(lambda: open_pictures(tmp_path / "rows.parquet", SIZE))
    assert len(cached) == 1
    assert message.startswith("2 of 3 pictures are left out: row 1: not all values are finite (empty), row 2: ")


def test_null_rows_are_left_out_by_number(tmp_path):
    features = datasets.Features({"image": datasets.Image()})
    rows = datasets.Dataset.from_dict(
        {"image": [None, {"bytes": save(Image.new("L", (9, 9))), "path": None}, None]}, features=features
    )
    rows.to_parquet(tmp_path / "rows.parquet")
    for opened in (
        lambda: open_pictures(tmp_path / "rows.parquet", SIZE),
        lambda: open_pictures(tmp_path / "rows.parquet", SIZE, stream=True),
    ):
        count, (message,) = told(lambda opened=opened: len(opened()))
        assert count == 1
        assert "picture 2 (empty)" in message


def test_both_kinds_are_what_they_say(greys):
    assert isinstance(open_pictures(greys, SIZE), CachedPictures)
    assert isinstance(open_pictures(greys, SIZE, stream=True), StreamedPictures)
