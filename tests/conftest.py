"""Every test throws the same dice, keeps to one thread's worth of plotting, and never looks for a hub."""

import os

os.environ.update(MPLBACKEND="Agg", HF_HUB_OFFLINE="1")

import pytest
import torch


@pytest.fixture(autouse=True)
def the_same_dice():
    torch.manual_seed(0)
