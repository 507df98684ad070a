"""The programs of `tests/benchmarks`: what they write, without what takes them hours."""

import csv
import io
import json
import re
import runpy
import tarfile
from pathlib import Path

from PIL import Image

from dino.data import load

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "comparison.md"


def benchmark(name, monkeypatch):
    """A program of the benchmarks, as a dictionary of what it defines."""
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "benchmarks"))
    return runpy.run_path(str(ROOT / "tests" / "benchmarks" / f"{name}.py"), run_name=name)


def test_new_results_of_the_comparison_leave_all_that_is_written_beside_them(tmp_path, monkeypatch):
    text = PAGE.read_text(encoding="utf-8")
    assert text.index("nobody tuned them") < text.index("<!-- dinosaurs -->")
    compare = benchmark("compare", monkeypatch)
    monkeypatch.setitem(compare["publish"].__globals__, "PAGE", tmp_path / "page.md")
    monkeypatch.setitem(compare["publish"].__globals__, "DOCS", tmp_path)
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    names = re.findall(r"<!-- end of (\w+) -->", text)
    compare["publish"](dict.fromkeys(names, "new"))
    expected = re.sub(r"(<!-- (\w+) -->).*?(<!-- end of \2 -->)", r"\1\nnew\n\3", text, flags=re.DOTALL)
    assert set(names) == {
        "dinosaurs",
        "drawn_dinosaurs",
        "emoji",
        "drawn_emoji",
        "samplers",
        "settings",
        "machine",
        "board",
    }
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == expected


def test_the_page_of_the_comparison_says_what_was_found(tmp_path, monkeypatch):
    compare = benchmark("compare", monkeypatch)
    monkeypatch.setitem(compare["publish"].__globals__, "PAGE", tmp_path / "page.md")
    monkeypatch.setitem(compare["publish"].__globals__, "DOCS", tmp_path)
    (tmp_path / "assets").mkdir()
    page = PAGE.read_text(encoding="utf-8")
    (tmp_path / "page.md").write_text(page, encoding="utf-8")
    compare["publish_all"]()
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page


def test_a_row_of_the_board_comes_below_all_that_took_no_longer(monkeypatch):
    with_row = benchmark("board", monkeypatch)["with_row"]
    head = "Words.\n<!-- board -->\n| minutes | steps |\n|---|---|\n"
    tail = "<!-- end of board -->\nMore words.\n"
    page = with_row(head + tail, 4.5, "| 4.5 | b |")
    for took, row in ((3.9, "| 3.9 | a |"), (10.0, "| 10.0 | d |"), (4.5, "| 4.5 | c |")):
        page = with_row(page, took, row)
    assert page == head + "| 3.9 | a |\n| 4.5 | b |\n| 4.5 | c |\n| 10.0 | d |\n" + tail


def test_the_emoji_of_the_package_become_a_folder_of_pictures_with_names(tmp_path, monkeypatch):
    table = [
        {"name": "TULIP", "subcategory": "plant-flower", "image": "a.png", "has_img_twitter": True},
        {"name": "LOST", "subcategory": "plant-flower", "image": "b.png", "has_img_twitter": False},
        {"name": "HAND, WAVING", "subcategory": "hand", "image": "c.png", "has_img_twitter": True,
         "skin_variations": {"1": {"image": "d.png", "has_img_twitter": True}}},
    ]  # fmt: skip
    files = {"emoji.json": json.dumps(table).encode()}
    for name, colour in (("a", "red"), ("c", "lime"), ("d", "blue")):
        Image.new("RGBA", (64, 64), colour).save(file := io.BytesIO(), "PNG")
        files[f"img/twitter/64/{name}.png"] = file.getvalue()
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as archive:
        for name, content in files.items():
            about = tarfile.TarInfo(f"package/{name}")
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    folder = tmp_path / "emoji"
    assert benchmark("emoji", monkeypatch)["unpack"](tmp_path / "package.tgz", folder) == 3
    with (folder / "metadata.csv").open(encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["file_name", "text", "label"],
            ["a.png", "tulip", "plant-flower"],
            ["c.png", "hand, waving", "hand"],
            ["d.png", "hand, waving", "hand"],
        ]
    assert load(str(folder))[:, :, 0, 0].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
