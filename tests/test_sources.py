"""Opening pictures from anywhere, against the files that were put there."""

import errno
import gzip
import io
import os
import shutil
import tarfile
import zipfile
from unittest import mock

import datasets
import huggingface_hub
import numpy as np
import pytest
from PIL import Image

from dino.data import dinosaurs
from dino.sources import archives, open_picture, open_source


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def folder(tmp_path):
    return write_pictures(tmp_path / "pictures", 6)


@pytest.fixture(scope="module")
def drawn():
    return dinosaurs(5, size=16)


def write_pictures(folder, count):
    """A folder of pictures of one grey each: 0, 10, 20 and so on."""
    folder.mkdir(parents=True)
    for i in range(count):
        Image.new("RGB", (8, 8), (10 * i,) * 3).save(folder / f"{i}.png")
    return folder


def write_hub(folder, drawn):
    """A data set as the hub keeps it: `train` in two files, `test` in one, and a page about it."""
    (folder / "data").mkdir(parents=True)
    for name, rows in {
        "train-00000-of-00002": [0, 1],
        "train-00001-of-00002": [2, 3],
        "test-00000-of-00001": [4],
    }.items():
        drawn.select(rows).to_parquet(folder / "data" / f"{name}.parquet")
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\nDinosaurs.")
    (folder / "dataset_infos.json").write_text("{}")
    return folder


def write_tar(path, files):
    """An archive of files, each a name and what is in it."""
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return path


def pixels(opened):
    """What is in the pictures, decoded by Pillow."""
    for row in opened:
        with open_picture(row["image"]) as picture:
            yield np.asarray(picture.convert("RGB")).tolist()


def greys(opened):
    """The first value of each picture."""
    return [picture[0][0][0] for picture in pixels(opened)]


def png(grey=0):
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (grey,) * 3).save(file, format="PNG")
    return file.getvalue()


both = pytest.mark.parametrize("stream", [False, True], ids=["all", "stream"])


@both
def test_a_folder_is_opened_in_the_order_of_its_names_with_the_folders_in_it(folder, stream):
    write_pictures(folder / "deeper", 2)
    opened = open_source(folder, stream=stream).dataset
    assert greys(opened) == [0, 10, 20, 30, 40, 50, 0, 10]
    assert opened.column_names == ["image"]
    assert opened.features["image"] == datasets.Image(decode=False)
    assert isinstance(opened, datasets.IterableDataset if stream else datasets.Dataset)


@both
def test_a_list_of_files_keeps_its_order(folder, stream):
    assert greys(open_source([folder / "3.png", str(folder / "1.png")], stream=stream).dataset) == [30, 10]
    with pytest.raises(FileNotFoundError, match=r"There is no file .*7\.png\. Correct the list of files"):
        open_source([folder / "3.png", folder / "7.png"])


def test_one_picture_is_a_data_set_too(folder):
    assert greys(open_source(folder / "2.png").dataset) == [20]


def test_what_belongs_beside_pictures_is_no_stray(folder):
    for name in (".DS_Store", "Thumbs.db", "ehthumbs.db", "metadata.jsonl", "metadata.csv", "README.md"):
        (folder / name).write_text("x")
    assert len(open_source(folder).dataset) == 6


# Where network storage and systems keep what is no picture of anybody's.
KEPT_BY_SYSTEMS = [
    "@eaDir", "#recycle", "#snapshot", "@Recycle", ".@__thumb", ".Trash-1000", ".Trashes", "$RECYCLE.BIN", "__MACOSX",
    ".thumbnails", "lost+found", "System Volume Information", ".AppleDouble",
]  # fmt: skip


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_pictures_that_systems_keep_for_themselves_are_left_out_and_counted(folder, packed):
    for name in KEPT_BY_SYSTEMS:
        write_pictures(folder / name / "deeper", 2)
    write_pictures(folder / "trip" / "@EADIR", 3)
    for name in ("._0.png", ".hidden.png", "trip/._1.png"):
        (folder / name).write_bytes(png())
    source = pack(folder, "photos.tar") if packed else folder
    with pytest.warns(UserWarning, match=rf"^{2 * len(KEPT_BY_SYSTEMS) + 6} pictures are left out of .*: ") as caught:
        assert greys(open_source(source).dataset) == [0, 10, 20, 30, 40, 50]
    (message,) = [str(one.message) for one in caught]
    assert "@EADIR (3), " in message
    assert message.endswith(f", and {len(KEPT_BY_SYSTEMS) - 2} more")
    # Whoever names such a place means it.
    assert len(open_source(folder / "trip" / "@EADIR").dataset) == 3


def test_strays_are_counted_and_the_first_are_named(folder):
    for i in range(7):
        (folder / f"note {i}.txt").write_text("x")
    (folder / "dangling.png").symlink_to(folder / "nowhere.png")
    os.mkfifo(folder / "pipe.png")
    with pytest.warns(
        UserWarning,
        match=r"^9 files are not pictures, and left out: dangling\.png, note 0\.txt, note 1\.txt, note 2\.txt, note 3\.txt, and 4 more$",
    ):
        assert len(open_source(folder).dataset) == 6


def test_names_of_all_sorts_are_kept_or_told_so_that_they_can_be_read(folder):
    for name in ("ディノ 🦖.png", "two\nlines.png", "a[1]*?.png", "HUGE.PNG"):
        (folder / name).write_bytes(png())
    (folder / "escape\x1b[31m.txt").write_text("x")
    broken = os.fsdecode(os.fsencode(folder) + b"/\xff.png")
    with open(broken, "wb") as file:  # noqa: PTH123
        file.write(png())
    with pytest.warns(
        UserWarning, match=r"2 files are not pictures, and left out: 'escape\\x1b\[31m\.txt', '\\udcff\.png'"
    ):
        assert len(open_source(folder).dataset) == 10


def test_links_to_folders_are_followed_and_loops_end(folder, tmp_path):
    elsewhere = write_pictures(tmp_path / "elsewhere", 2)
    (folder / "link").symlink_to(elsewhere)
    (folder / "loop").symlink_to(folder)
    (elsewhere / "up").symlink_to(tmp_path)
    assert len(open_source(folder).dataset) == 8


def test_a_folder_called_like_a_picture_is_only_a_folder(folder):
    write_pictures(folder / "x.png", 1)
    assert len(open_source(folder).dataset) == 7


def test_a_folder_that_cannot_be_opened_is_named(folder):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    write_pictures(folder / "closed", 1)
    with mock.patch("os.scandir", scandir), pytest.warns(UserWarning, match="closed is left out: Permission denied"):
        assert len(open_source(folder).dataset) == 6


def test_folders_called_train_and_test_are_splits_if_all_are(tmp_path):
    write_pictures(tmp_path / "a" / "train" / "cats", 3)
    write_pictures(tmp_path / "a" / "val", 1)
    assert len(open_source(tmp_path / "a").dataset) == 3
    assert len(open_source(tmp_path / "a", "validation").dataset) == 1
    with pytest.raises(ValueError, match=r"has no split test\. Choose one with --split: train, validation\."):
        open_source(tmp_path / "a", "test")
    # Among other things, a train is a train.
    write_pictures(tmp_path / "a" / "plane", 2)
    assert len(open_source(tmp_path / "a").dataset) == 6


def test_a_place_without_pictures_says_what_to_do(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"There are no pictures in .*empty\. Put PNG or JPEG files into it"):
        open_source(tmp_path / "empty")
    (tmp_path / "letter.txt").write_text("Dear diary")
    with (
        pytest.warns(UserWarning, match=r"^1 file is not a picture, and left out: letter\.txt$"),
        pytest.raises(ValueError, match="There are no pictures in"),
    ):
        open_source(tmp_path / "letter.txt")
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere"):
        open_source(tmp_path / "nowhere")


@both
def test_the_layout_of_the_hub_is_opened_with_its_splits(tmp_path, drawn, stream):
    hub = write_hub(tmp_path / "hub [1]", drawn)
    expected = list(pixels(drawn.cast_column("image", datasets.Image(decode=False))))
    assert isinstance(open_source(hub, stream=stream).dataset, datasets.IterableDataset if stream else datasets.Dataset)
    assert list(pixels(open_source(hub, stream=stream).dataset)) == expected[:4]
    assert list(pixels(open_source(hub, "test", stream=stream).dataset)) == expected[4:]
    with pytest.raises(ValueError, match=r"has no split dev\. Choose one with --split: test, train\."):
        open_source(hub, "dev", stream=stream)


@both
@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_one_file_of_many_pictures_is_opened(tmp_path, drawn, ending, stream):
    path = tmp_path / f"test.{ending}"
    drawn.to_parquet(path) if ending == "parquet" else write_arrow(drawn, path)
    assert len(list(open_source(path, stream=stream).dataset)) == 5
    with pytest.raises(ValueError, match=r"has no split test\. Choose one with --split: train\."):
        open_source(path, "test")


def write_arrow(dataset, path):
    writer = datasets.arrow_writer.ArrowWriter(path=str(path), features=dataset.features)
    writer.write_table(dataset.data.table)
    writer.finalize()


@both
def test_a_folder_of_save_to_disk_is_opened(tmp_path, drawn, stream):
    drawn.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": drawn, "test": drawn.select([0])}).save_to_disk(tmp_path / "more")
    assert len(list(open_source(tmp_path / "one", stream=stream).dataset)) == 5
    assert len(list(open_source(tmp_path / "more", "test", stream=stream).dataset)) == 1
    with pytest.raises(ValueError, match=r"has no split dev\. Choose one with --split: train, test\."):
        open_source(tmp_path / "more", "dev")


@both
def test_a_tar_is_opened_and_writes_nothing_wherever_its_names_point(tmp_path, stream):
    files = {"a.png": png(10), "a.cls": b"1", "../../evil.png": png(20), "../../evil.cls": b"1"}
    (tmp_path / "deep" / "er").mkdir(parents=True)
    path = write_tar(tmp_path / "deep" / "er" / "set.tar", files)
    opened = open_source(path, stream=stream)
    assert greys(opened.dataset) == [10, 20]
    assert not list(tmp_path.rglob("evil*"))
    assert "column png" in opened.about


def pack(folder, name):
    """An archive of a folder, beside it, by the tools that people use."""
    path = folder.parent / name
    kind = next(kind for ending, kind in PACKERS.items() if name.lower().endswith(ending))
    shutil.move(shutil.make_archive(folder.parent / "packed", kind, folder.parent, folder.name), path)
    return path


PACKERS = {".tar": "tar", "gz": "gztar", ".bz2": "bztar", ".xz": "xztar", ".zip": "zip"}


@both
@pytest.mark.parametrize(
    "name", ["photos.tar", "photos.tar.gz", "photos.TGZ", "photos.tar.bz2", "photos.tar.xz", "p.zip"]
)
def test_an_archive_is_the_folder_that_it_is(folder, name, stream):
    names = ["b.JPG", "c.d.e.png", "7.JPEG", "deep/er/a.jpg", "deep/er/no.1.png", "0.jpg", "ディノ.png"]
    for i, picture in enumerate(names, start=6):
        (folder / picture).parent.mkdir(parents=True, exist_ok=True)
        (folder / picture).write_bytes(png(10 * i))
    (folder / "notes.txt").write_text("x")
    path = pack(folder, name)
    with pytest.warns(UserWarning, match=r"^1 file is not a picture, and left out: notes\.txt$"):
        opened, expected = (open_source(source, stream=stream) for source in (path, folder))
    assert greys(opened.dataset) == greys(expected.dataset)
    assert sorted(greys(opened.dataset)) == [10 * i for i in range(13)]
    assert opened.about == expected.about


def test_a_folder_of_archives_is_opened_with_all_that_is_in_them(tmp_path):
    for i, name in enumerate(["one.zip", "two.tar", "three.tgz"], start=1):
        pack(write_pictures(tmp_path / name.partition(".")[0], i), name)
        (tmp_path / "all").mkdir(exist_ok=True)
        (tmp_path / name).rename(tmp_path / "all" / name)
    assert greys(open_source(tmp_path / "all").dataset) == [0, 0, 10, 20, 0, 10]


def test_archives_beside_pictures_are_folders_beside_them_and_it_is_said(folder):
    pack(write_pictures(folder / "b", 2), "b.zip")
    with pytest.warns(
        UserWarning, match=r"^2 of 10 pictures in .*pictures are in archives: name one with --data if you mean"
    ):
        assert greys(open_source(folder).dataset) == [0, 10, 20, 30, 40, 50, 0, 10, 0, 10]


def test_what_cannot_be_unpacked_here_says_so(tmp_path):
    (tmp_path / "photos.rar").write_bytes(b"Rar!")
    with (
        pytest.warns(UserWarning, match="photos.rar"),
        pytest.raises(
            ValueError, match=r"no pictures in .*photos\.rar\. Unpack what is packed, or name another folder\."
        ),
    ):
        open_source(tmp_path / "photos.rar")
    locked = zipfile.ZipInfo("a.png")
    with zipfile.ZipFile(tmp_path / "locked.zip", "w") as archive:
        archive.writestr(locked, png())
    content = (tmp_path / "locked.zip").read_bytes()
    where = content.index(b"PK\x01\x02") + 8
    (tmp_path / "locked.zip").write_bytes(content[:where] + b"\x01" + content[where + 1 :])
    (row,) = open_source(tmp_path / "locked.zip").dataset
    with pytest.raises(RuntimeError, match="password required"), open_picture(row["image"]):
        pass
    (tmp_path / "cut.zip").write_bytes(content[:60])
    with pytest.raises(ValueError, match=r"cut\.zip cannot be read as a data set \(File is not a zip file\)"):
        open_source(tmp_path / "cut.zip")


def test_splits_are_found_in_archives_and_among_them(tmp_path):
    write_pictures(tmp_path / "set" / "train", 2)
    write_pictures(tmp_path / "set" / "test", 1)
    path = pack(tmp_path / "set", "set.zip")
    assert len(open_source(path).dataset) == 2
    assert len(open_source(path, "test").dataset) == 1
    for part, name in [("train", "train-00000-of-00002.tar"), ("train", "train-1.zip"), ("test", "test.zip")]:
        (tmp_path / "all").mkdir(exist_ok=True)
        pack(tmp_path / "set" / part, name).rename(tmp_path / "all" / name)
    assert len(open_source(tmp_path / "all").dataset) == 4
    assert len(open_source(tmp_path / "all", "test").dataset) == 1


def test_links_in_a_tar_count_as_what_they_lead_to_in_it_and_never_lead_out_of_it(tmp_path):
    path = write_tar(tmp_path / "links.tar", {"a/one.png": png(10), "/home/two.png": png(20), "../three.png": png(30)})
    secret = write_pictures(tmp_path / "secret", 1) / "0.png"
    good = {"first.png": "a/up.png", "hard.png": "a/one.png", "a/soft.png": "one.png", "a/up.png": "../hard.png"}
    bad = {"out.png": str(secret), "loop.png": "loop.png", "secret.png": "secret/0.png"}
    with tarfile.open(path, "a") as archive:
        for name, target in (good | bad).items():
            about = tarfile.TarInfo(name)
            about.type, about.linkname = tarfile.LNKTYPE if name == "hard.png" else tarfile.SYMTYPE, target
            archive.addfile(about)
    read = {row["image"]["path"].rpartition("/")[2]: row["image"] for row in open_source(path).dataset}
    for name in bad:
        with pytest.raises((KeyError, RecursionError)), open_picture(read.pop(name)):
            pass
    found = []
    for entry in read.values():
        with open_picture(entry) as picture:
            found.append(picture.getpixel((0, 0))[0])
    assert sorted(found) == [10, 10, 10, 10, 10, 20, 30]


def test_a_file_that_is_too_large_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST", 100_000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("b.png", bytes(10**6))
    (row,) = open_source(tmp_path / "bomb.zip").dataset
    with pytest.raises(ValueError, match="more than 100,000 bytes are too many"), open_picture(row["image"]):
        pass


def test_of_two_files_with_one_name_in_an_archive_the_last_counts_as_when_it_is_unpacked(tmp_path):
    path = write_tar(tmp_path / "twice.tar", {"a.png": png(10), "b.png": png(20)})
    with tarfile.open(path, "a") as archive:
        for name, content in {"c.png": None, "./a.png": png(30), "./c.png": png(40)}.items():
            about = tarfile.TarInfo(name)
            about.type, about.linkname = (tarfile.REGTYPE, "") if content else (tarfile.SYMTYPE, "nowhere.png")
            about.size = len(content or b"")
            archive.addfile(about, io.BytesIO(content or b""))
    assert greys(open_source(path).dataset) == [30, 20, 40]


def test_names_that_are_no_text_are_read_in_an_archive(tmp_path):
    path = write_tar(tmp_path / "old.tar", {os.fsdecode(b"f\xfcr.png"): png(10)})
    assert greys(open_source(path).dataset) == [10]


def test_an_archive_with_garbage_in_the_middle_is_not_taken_for_whole(tmp_path):
    whole = write_tar(tmp_path / "whole.tar", {f"{i}.png": png() for i in range(4)}).read_bytes()
    for name, content in {
        "garbage.tar": whole[:2048] + b"x" * 512 + whole[2560:],
        "cut.tar": whole[:2048],
        "cut.tgz": gzip.compress(whole)[:-20],
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name} cannot be read as a data set \(.*\)\. Is it whole"):
            open_source(tmp_path / name)


def test_an_archive_in_an_archive_is_named(tmp_path):
    path = write_tar(tmp_path / "outer.tar", {"a.png": png(10), "inner.zip": b"PK"})
    with pytest.warns(UserWarning, match=r"^1 file is not a picture, and left out: inner\.zip$"):
        assert greys(open_source(path).dataset) == [10]


def test_a_full_disk_is_no_damaged_data_set(tmp_path, drawn):
    drawn.to_parquet(tmp_path / "some.parquet")
    full = OSError(errno.ENOSPC, "No space left on device")
    with (
        mock.patch("datasets.load_dataset", side_effect=RuntimeError("generation failed")) as call,
        pytest.raises(OSError, match=r"cannot be kept in .*: No space left on device. Name a folder with room"),
    ):
        call.side_effect.__cause__ = full
        open_source(tmp_path / "some.parquet")


def test_what_is_damaged_is_one_sentence(tmp_path, drawn):
    drawn.to_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    archive = write_tar(tmp_path / "whole.tar", {"a.png": png(), "b.png": png()}).read_bytes()
    damaged = {
        "cut.parquet": whole[: len(whole) // 2],
        "text.parquet": b"Dear diary",
        "empty.parquet": b"",
        "text.arrow": b"Dear diary",
        "cut.tar": archive[:700],
        "text.tar": b"Dear diary" * 100,
        "empty.tar": b"",
    }
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name} cannot be read as a data set \(.*\)\. Is it whole"):
            open_source(tmp_path / name)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "state.json").write_text("{")
    with pytest.raises(ValueError, match="saved cannot be read as a data set"):
        open_source(tmp_path / "saved")


def test_data_of_several_kinds_in_one_folder_are_refused(tmp_path, drawn):
    hub = write_hub(tmp_path / "hub", drawn)
    write_tar(hub / "data" / "train.tar", {"a.png": png()})
    with pytest.raises(
        ValueError, match=r"holds data of several kinds \(\.parquet, \.tar\)\. Name a file or folder of one kind"
    ):
        open_source(hub)


def test_an_empty_split_is_a_sentence(tmp_path, drawn):
    drawn.select([]).to_parquet(tmp_path / "none.parquet")
    with pytest.raises(ValueError, match=r"none\.parquet cannot be read as a data set \(there is nothing in it\)"):
        open_source(tmp_path / "none.parquet")
    drawn.select([]).save_to_disk(tmp_path / "saved")
    with pytest.raises(ValueError, match=r"saved cannot be read as a data set \(there is nothing in it\)"):
        open_source(tmp_path / "saved")


@both
def test_the_only_column_of_pictures_is_taken_and_of_two_one_must_be_named(tmp_path, drawn, stream):
    drawn.rename_column("image", "photo").to_parquet(tmp_path / "one.parquet")
    opened = open_source(tmp_path / "one.parquet", stream=stream)
    assert opened.dataset.column_names == ["image"]
    assert "split train, column photo" in opened.about
    two = (
        drawn.rename_column("image", "photo")
        .add_column("mask", [{"bytes": png(), "path": None}] * 5)
        .cast_column("mask", datasets.Image())
    )
    two.to_parquet(tmp_path / "two.parquet")
    with pytest.raises(
        ValueError,
        match=r"no pictures in a column image; its columns are photo, label, colour, text, mask, and pictures are in photo, mask: name one with --column",
    ):
        open_source(tmp_path / "two.parquet", stream=stream)
    assert greys(open_source(tmp_path / "two.parquet", column="mask", stream=stream).dataset) == [0] * 5


def test_a_data_set_without_pictures_names_its_columns(tmp_path):
    datasets.Dataset.from_dict({"sound": [1], "image": ["a.png"]}).to_parquet(tmp_path / "sound.parquet")
    with pytest.raises(
        ValueError, match=r"no pictures in a column image; its columns are sound, image, and none holds pictures"
    ):
        open_source(tmp_path / "sound.parquet")


@both
def test_bare_bytes_are_pictures_as_other_tools_write_them(tmp_path, stream):
    datasets.Dataset.from_dict({"image": [png(10), png(20)]}).to_parquet(tmp_path / "bytes.parquet")
    datasets.Dataset.from_dict({"image": [{"bytes": png(10), "path": "a.png"}]}).to_parquet(tmp_path / "struct.parquet")
    assert greys(open_source(tmp_path / "bytes.parquet", stream=stream).dataset) == [10, 20]
    assert greys(open_source(tmp_path / "struct.parquet", stream=stream).dataset) == [10]


@both
def test_arrays_of_numbers_become_pictures(tmp_path, stream):
    grey = np.arange(20).reshape(4, 5)
    colour = np.arange(60).reshape(4, 5, 3)
    rows = {"whole": grey * 4, "part": grey / 255}
    for name, array in rows.items():
        datasets.Dataset.from_dict({"image": [array.tolist()]}).to_parquet(tmp_path / f"{name}.parquet")
        (picture,) = pixels(open_source(tmp_path / f"{name}.parquet", stream=stream).dataset)
        expected = grey * 4 if name == "whole" else grey
        assert np.array_equal(np.array(picture)[..., 1], expected)
    for name, array in {"last": colour, "first": colour.transpose(2, 0, 1)}.items():
        features = datasets.Features({"x": datasets.Array3D(shape=array.shape, dtype="uint8")})
        datasets.Dataset.from_dict({"x": [array]}, features=features).to_parquet(tmp_path / f"{name}.parquet")
        (picture,) = pixels(open_source(tmp_path / f"{name}.parquet", stream=stream).dataset)
        assert np.array_equal(picture, colour)


def test_an_array_a_little_above_1_is_no_black_picture_and_says_what_was_chosen(tmp_path):
    rise = np.linspace(0, 1.02, 12).reshape(3, 4)
    datasets.Dataset.from_dict({"image": [rise.tolist()]}).to_parquet(tmp_path / "above.parquet")
    (row,) = open_source(tmp_path / "above.parquet").dataset
    with open_picture(row["image"]) as picture:
        assert np.array_equal(np.asarray(picture), (rise.clip(0, 1) * 255).round())
        assert picture.info["range chosen"] == "0 is black, 1 white"


@both
def test_arrays_that_are_no_pictures_become_empty_files_whose_names_say_why(tmp_path, stream):
    fine, broken = [[0.0, 1.0], [0.5, 0.5]], [[0.0, float("nan")], [0.5, 0.5]]
    rows = [fine, broken, None, [[300.0, 1.0]], [[-1.0, 1.0]], [[0.0], [1.0, 2.0]], []]
    datasets.Dataset.from_dict({"image": rows}).to_parquet(tmp_path / "rows.parquet")
    opened = [row["image"] for row in open_source(tmp_path / "rows.parquet", stream=stream).dataset]
    assert [bool(file["bytes"]) for file in opened] == [True] + [False] * 6
    assert opened[1]["path"] == "row 1: not all values are finite"
    assert opened[3]["path"] == "row 3: the values lie outside of 0 to 255"


def test_data_files_go_before_pictures_beside_them_but_not_without_a_word(tmp_path, drawn):
    hub = write_hub(tmp_path / "hub", drawn)
    (hub / "banner.png").write_bytes(png())
    with pytest.warns(UserWarning, match=r"holds data files; 1 picture beside them is left out"):
        assert len(open_source(hub).dataset) == 4


def test_one_line_tells_what_was_opened(tmp_path, folder, drawn):
    hub = write_hub(tmp_path / "hub", drawn)
    assert open_source(hub, stream=True).about == "a stream of pictures, split train, column image, licence cc0-1.0"
    assert open_source(hub).about == "4 pictures, split train, column image, licence cc0-1.0"
    # Once they were counted, it is known how many are in the stream.
    assert open_source(hub, stream=True).about == "4 pictures, split train, column image, licence cc0-1.0"
    assert open_source(folder).about.endswith("licence unknown: look before you publish")
    (folder / "README.md").write_text("---\nlicense: [mit, cc-by-4.0]\n---\n")
    assert open_source(folder).about.endswith("licence mit, cc-by-4.0")
    (folder / "README.md").write_text("---\n]:[\n---\n")
    assert "unknown" in open_source(folder).about
    licensed = drawn.select([0])
    licensed.info.license = "apache-2.0"
    licensed.save_to_disk(tmp_path / "saved")
    (tmp_path / "saved" / "README.md").write_text("---\nlicense: mit\n---\n")
    assert open_source(tmp_path / "saved", stream=True).about.endswith("licence apache-2.0")


def test_no_hub_is_asked_when_that_is_forbidden():
    with (
        mock.patch("huggingface_hub.HfApi.dataset_info", side_effect=AssertionError),
        pytest.raises(ConnectionError, match=r"not asked because HF_HUB_OFFLINE is set\. Unset it, or name a folder"),
    ):
        open_source("nobody/nothing")


def test_without_a_hub_what_was_fetched_earlier_is_opened(drawn):
    with mock.patch("datasets.load_dataset", return_value=drawn) as load:
        assert len(open_source("some/one").dataset) == 5
        assert len(list(open_source("some/one", stream=True).dataset)) == 5
    load.assert_called_with("some/one", split="train")


def hub_that(**answers):
    """A hub that is there, and answers so."""
    return mock.patch("huggingface_hub.HfApi.dataset_info", **answers)


def test_what_a_hub_answers_is_a_sentence(monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    errors = huggingface_hub.errors
    unknown, gated = (
        kind("404", response=mock.Mock()) for kind in (errors.RepositoryNotFoundError, errors.GatedRepoError)
    )
    with hub_that(side_effect=unknown), pytest.raises(FileNotFoundError, match="neither a folder here nor a data set"):
        open_source("nobody/nothing")
    with hub_that(side_effect=gated), pytest.raises(ConnectionError, match="hf auth login"):
        open_source("nobody/nothing")
    with hub_that(side_effect=OSError("no route")), pytest.raises(ConnectionError, match="hub cannot be reached"):
        open_source("nobody/nothing")


def test_a_data_set_of_the_hub_is_opened_with_its_licence(monkeypatch, drawn):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    card = mock.Mock(card_data={"license": "mit"})
    with (
        hub_that(return_value=card),
        mock.patch("datasets.get_dataset_split_names", return_value=["train", "test"]),
        mock.patch("datasets.load_dataset", return_value=drawn.select([0, 1])) as load,
    ):
        assert open_source("some/one", "test").about == "2 pictures, split test, column image, licence mit"
        load.assert_called_once_with("some/one", split="test", streaming=False)
        with pytest.raises(ValueError, match=r"some/one has no split dev\. Choose one with --split: train, test"):
            open_source("some/one", "dev")
    script = RuntimeError("Dataset scripts are no longer supported, but found one.py")
    with (
        hub_that(return_value=card),
        mock.patch("datasets.get_dataset_split_names", side_effect=script),
        pytest.raises(ValueError, match="Dataset scripts are no longer supported"),
    ):
        open_source("some/one")


def captions(source, **options):
    """The first value of each picture, and its caption."""
    opened = open_source(source, **options)
    rows = list(opened.dataset)
    assert set(rows[0]) == {"image", "text"}
    return dict(zip(greys(rows), [opened.caption(row["text"]) for row in rows], strict=True))


WRITERS = {
    "metadata.csv": lambda table, path: table.to_csv(path),
    "metadata.jsonl": lambda table, path: table.to_json(path),
    "metadata.parquet": lambda table, path: table.to_parquet(path),
}


def write_metadata(path, **columns):
    WRITERS[path.name](datasets.Dataset.from_dict(columns), path)


@both
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("packed", [None, "photos.zip", "photos.tar.gz"])
def test_a_table_beside_pictures_gives_their_captions_and_where_it_says_nothing_they_are_empty(
    folder, name, packed, stream
):
    write_pictures(folder / "deeper", 7)
    for i in range(6):
        (folder / "deeper" / f"{i}.png").unlink()
    texts = ['thirty, "with quotes"\nand a second line', "ten and é", "sixty", "nothing of that name"]
    files = ["3.png", "1.png", "deeper/6.png", "77.png"]
    write_metadata(folder / name, file_name=files, caption=texts, number=[3, 1, 6, 77])
    expected = {0: "", 10: texts[1], 20: "", 30: texts[0], 40: "", 50: "", 60: "sixty"}
    assert captions(pack(folder, packed) if packed else folder, text="caption", stream=stream) == expected


def test_the_table_that_is_nearest_to_a_picture_counts(folder):
    for i, place in enumerate([folder, folder / "deeper"]):
        place.mkdir(exist_ok=True)
        (place / "9.png").write_bytes(png(90 + i))
    write_metadata(folder / "metadata.csv", file_name=["9.png", "deeper/9.png"], text=["far", "far"])
    write_metadata(folder / "deeper" / "metadata.jsonl", file_name=["9.png"], text=["near"])
    told = captions(folder, text="text")
    assert (told[90], told[91]) == ("far", "near")


@both
def test_without_a_table_the_label_of_a_picture_is_what_its_folder_is_called(folder, stream):
    for i, name in enumerate(["Large dogs", "train", "birds/small"], start=6):
        (folder / name).mkdir(parents=True)
        (folder / name / "a.png").write_bytes(png(10 * i))
    (folder / "cats.zip").write_bytes(pack(write_pictures(folder.parent / "cats", 1), "cats.zip").read_bytes())
    for i in (0, 1, 2, 3, 4):
        (folder / f"{i}.png").unlink()
    with pytest.warns(UserWarning, match="are in archives"):
        told = captions(folder, text="label", stream=stream)
    assert told == {50: "", 60: "large dogs", 70: "train", 80: "small", 0: "cats"}


def test_a_folder_of_a_split_is_no_class(tmp_path):
    for name, grey in {"train/cat/a.png": 10, "train/b.png": 20, "test/cat/a.png": 30}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(png(grey))
    assert captions(tmp_path, text="label") == {10: "cat", 20: ""}


@both
@pytest.mark.parametrize("kind", ["parquet", "arrow", "save_to_disk", "hub"])
def test_a_column_of_text_of_classes_or_of_lists_gives_captions(tmp_path, kind, stream):
    species = datasets.ClassLabel(names=["t-rex", "long-neck"])
    features = {"photo": datasets.Image(), "label": species, "text": datasets.Value("large_string")}
    features |= {"tags": datasets.List(datasets.Value("string")), "kinds": datasets.List(species)}
    columns = {"photo": [Image.new("L", (8, 8), 10 * i) for i in range(3)], "label": [1, 0, None]}
    columns |= {"text": ["one", None, "three"], "tags": [["red", "big"], [], None], "kinds": [[0, 1], [1], []]}
    rows = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    path = tmp_path / "some"
    path.mkdir()
    match kind:
        case "parquet":
            rows.to_parquet(path / "some.parquet")
        case "arrow":
            rows.save_to_disk(tmp_path / "saved")
            shutil.copy(next((tmp_path / "saved").glob("*.arrow")), path / "some.arrow")
        case "save_to_disk":
            rows.save_to_disk(path)
        case "hub":
            rows.to_parquet(path / "train-00000-of-00001.parquet")
    for text, expected in {
        "label": ["long-neck", "t-rex", ""],
        "text": ["one", "", "three"],
        "tags": ["red, big", "", ""],
        "kinds": ["t-rex, long-neck", "long-neck", ""],
    }.items():
        told = captions(path, text=text, stream=stream)
        assert told == dict(zip([0, 10, 20], expected, strict=True)), text


@both
def test_the_text_beside_a_picture_in_a_tar_of_samples_is_its_caption(tmp_path, stream):
    files = {}
    for i in range(3):
        files |= {f"{i}.png": png(10 * i), f"{i}.txt": f"shade {10 * i}".encode()}
    path = write_tar(tmp_path / "some.tar", files)
    assert captions(path, text="txt", stream=stream) == {0: "shade 0", 10: "shade 10", 20: "shade 20"}


@both
def test_arrays_have_captions_too(tmp_path, stream):
    features = {"pixels": datasets.Array2D((8, 8), "uint8"), "text": datasets.Value("string")}
    columns = {"pixels": [[[10 * i] * 8] * 8 for i in range(2)], "text": ["none", "ten"]}
    datasets.Dataset.from_dict(columns, features=datasets.Features(features)).to_parquet(tmp_path / "some.parquet")
    assert captions(tmp_path / "some.parquet", text="text", stream=stream) == {0: "none", 10: "ten"}


def test_a_column_without_text_is_refused_and_those_that_hold_text_are_named(tmp_path, folder, drawn):
    drawn.add_column("age", [1] * len(drawn)).to_parquet(tmp_path / "some.parquet")
    for text in ("age", "nothing", "image"):
        sentence = (
            rf"some\.parquet has no text in a column {text}; its columns are .*, and text is in label, colour, text: "
        )
        with pytest.raises(ValueError, match=sentence + r"name one with --text\.$"):
            open_source(tmp_path / "some.parquet", text=text)
    with pytest.raises(
        ValueError, match=r"has no captions\. Put a metadata\.csv with the columns file_name and caption"
    ):
        open_source(folder, text="caption")
    write_metadata(folder / "metadata.csv", file_name=["1.png"], text=["one"], number=[1])
    with pytest.raises(ValueError, match=r"metadata\.csv has no text in a column number; .* and text is in text: "):
        open_source(folder, text="number")
    write_metadata(folder / "metadata.csv", picture=["1.png"], text=["one"])
    with pytest.raises(ValueError, match=r"metadata\.csv has no column file_name that says to which picture"):
        open_source(folder, text="text")
    (folder / "metadata.csv").unlink()
    (folder / "metadata.parquet").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"metadata\.parquet cannot be read as a data set"):
        open_source(folder, text="text")
