"""Every test throws the same dice, keeps to one thread's worth of plotting, and never looks for a hub."""

import os

os.environ.update(MPLBACKEND="Agg", HF_HUB_OFFLINE="1")

import re

import pytest
import torch

from dino.course.answers import load
from dino.course.chapters import find_exercise, solved


@pytest.fixture(autouse=True)
def the_same_dice():
    torch.manual_seed(0)


@pytest.fixture
def one_thread():
    """Small tensors are quicker with one thread than with two that wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def answer(tmp_path):
    """The answer to an exercise as it stands in a solved chapter, or as another text has it in its place."""

    def write(name, text=None):
        chapter, _ = find_exercise(name)
        source = solved(chapter)
        if text is not None:
            cell = re.compile(rf'^# %% tags=\["exercise"\]\n(?:@.*\n)*(?:def|class) {name}\b.*?(?=^# %%)', re.M | re.S)
            source, count = cell.subn(lambda _: f'# %% tags=["exercise"]\n{text}\n\n', source)
            assert count == 1
        path = tmp_path / chapter.path.name
        path.write_text(source)
        return load(path).names[name]

    return write
