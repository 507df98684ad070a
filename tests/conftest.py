"""Every test has the same random numbers, keeps to one thread, and never looks for a hub."""

import os
import tempfile

# Small tensors are quicker with one thread than with two that wait for each other. What tests decode and the key of their
# seals are kept apart from what their user has kept.
os.environ.update(MPLBACKEND="Agg", OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", HF_DATASETS_CACHE=tempfile.mkdtemp())
os.environ["XDG_STATE_HOME"] = os.environ["HF_DATASETS_CACHE"]

import functools
import http.server
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from PIL import Image

from dino.course.chapters import find_exercise, solved
from dino.course.judge import diagnose, runner
from dino.course.judge.loader import load


def pytest_unconfigure():
    shutil.rmtree(os.environ["HF_DATASETS_CACHE"], ignore_errors=True)


# The chapters that take long to run, the longest first.
LONG = ["evaluation", "data", "editing", "conditioning", "equivalence", "training"]


def pytest_collection_modifyitems(items):
    """With several workers, chapters run first and side by side, and one worker has the website, which is made of them."""

    def order(item):
        topic = item.name.partition("[")[2].rstrip("]")
        runs = item.name.startswith("test_a_solved_chapter_runs")
        return (0, LONG.index(topic) if topic in LONG else len(LONG)) if runs else (1, 0)

    for item in items:
        if "site" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("site"))
    items.sort(key=order)


@pytest.fixture(autouse=True)
def the_same_random_numbers(monkeypatch):
    """The judge's fresh inputs are the same in each run, too: one in some hundred is told by another of two true sentences."""
    torch.manual_seed(0)
    monkeypatch.setattr("secrets.randbelow", lambda _: 0)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """What a test hears must not depend on how busy the machine is."""
    for module in (runner, diagnose):
        monkeypatch.setattr(module, "PATIENCE", 600)


@pytest.fixture
def album(tmp_path):
    """A folder of six small pictures."""
    folder = tmp_path / "album"
    folder.mkdir()
    for i in range(6):
        Image.effect_noise((12, 9), 20 * i + 10).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def chapter_with():
    """The text of a solved chapter that has another answer to one exercise."""

    def write(name, text=None):
        source = solved(find_exercise(name)[0])
        if text is not None:
            cell = re.compile(rf'^# %% tags=\["exercise"\]\n(?:@.*\n)*(?:def|class) {name}\b.*?(?=^# %%)', re.M | re.S)
            source, count = cell.subn(lambda _: f'# %% tags=["exercise"]\n{text}\n\n', source)
            assert count == 1
        return source

    return write


@pytest.fixture
def answer(tmp_path, chapter_with):
    """The answer to an exercise as it stands in a solved chapter, or as another text has it in its place."""

    def write(name, text=None):
        path = tmp_path / find_exercise(name)[0].path.name
        path.write_text(chapter_with(name, text))
        return load(path).names[name]

    return write


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The website, built as if it were published."""
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "REPOSITORY": "owner/name"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def address(site):
    """Where the website can be read."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser():
    """Chromium, as the system brings it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        assert "CI" not in os.environ, "CI needs a browser"
        pytest.skip("there is no Chromium on this machine to read the website with")
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=quiet)
        yield browser
        browser.close()
