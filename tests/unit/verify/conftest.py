"""The scene of the verifier's tests."""

import pytest
from support.paper_scene import Scene, make_scene


@pytest.fixture
def scene() -> Scene:
    """A fresh scene."""
    return make_scene()
