"""Weights come out of a file as they went in, and a damaged file is named."""

import pytest
import torch

from dino.denoiser import Denoiser
from dino.saving import load_denoiser, save_denoiser, trained_size


def small() -> Denoiser:
    torch.manual_seed(0)
    return Denoiser((8, 8), (1, 1))


def test_weights_survive_a_file_in_half_precision(tmp_path):
    denoiser = small()
    save_denoiser(denoiser, tmp_path / "weights.safetensors", size=16)
    loaded = load_denoiser(tmp_path / "weights.safetensors")
    assert trained_size(tmp_path / "weights.safetensors") == 16
    for one, other in zip(denoiser.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(one.half().float(), other)
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def test_damaged_weights_are_named(tmp_path):
    path = tmp_path / "weights.safetensors"
    with pytest.raises(FileNotFoundError, match="There are no weights at"):
        load_denoiser(path)
    save_denoiser(small(), path, size=16)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"not weights at all", whole[:8] + b"x" + whole[9:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"weights\.safetensors is not a whole file of denoiser weights"):
            load_denoiser(path)
