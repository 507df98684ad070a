"""What the tests of grading share."""

import pytest

from dino.course.grade.sandbox.client import Warm


@pytest.fixture(scope="session")
def warm():
    """A process that starts answers in processes of their own."""
    with Warm() as warm:
        yield warm
