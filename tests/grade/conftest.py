"""What the tests of grading share."""

import pytest

from dino.course.grade.sandbox.client import ForkServer


@pytest.fixture(scope="session")
def fork_server():
    """A process that starts workers."""
    with ForkServer() as server:
        yield server
