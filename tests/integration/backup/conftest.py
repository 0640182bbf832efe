"""What tests of backups share."""

import pytest
from support.database import Databases
from support.restored import Elsewhere


@pytest.fixture
def elsewhere(databases: Databases) -> Elsewhere:
    return Elsewhere(databases)
