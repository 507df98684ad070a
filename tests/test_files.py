"""Files that are there whole or not at all, for those whom their owner lets read them, and locks."""

import os

import pytest

from dino.course.files import locked, write


@pytest.mark.parametrize(("mask", "mode"), [(0o077, 0o600), (0o002, 0o664)])
def test_who_may_read_what_is_written_is_for_the_user_to_say(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        write(tmp_path / "private", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "private").stat().st_mode & 0o777 == mode


def test_what_cannot_be_written_leaves_what_was_there_and_nothing_else(tmp_path):
    write(tmp_path / "kept", b"old")
    with pytest.raises(TypeError):
        write(tmp_path / "kept", "no bytes")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept").read_bytes() == b"old"


def test_who_finds_a_folder_held_hears_so_until_it_is_let_go(tmp_path):
    with locked(tmp_path, "held"), pytest.raises(ValueError, match="held"), locked(tmp_path, "held"):
        pass
    with locked(tmp_path, "held"):
        pass
