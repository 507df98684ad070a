"""What the tests of grading share."""

import os

import pytest

from dino.course.grade.sandbox.client import ForkServer


@pytest.fixture(scope="session")
def fork_server():
    """A process that starts workers."""
    with ForkServer() as server:
        yield server


@pytest.fixture
def sandbox(fork_server):
    """A fork server that isolates whole. Where it cannot, these answers would do the very harm that they are tested for."""
    if fork_server.isolation != "whole":
        assert "CI" not in os.environ or os.geteuid() != 0, "as root on Linux, CI must try these"
        pytest.skip("this system does not let answers be isolated whole")
    return fork_server
