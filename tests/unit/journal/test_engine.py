"""Which databases the journal takes, and how it tells that one is away."""

import pytest

from chainsvc.errors import ConfigurationRefused, DatabaseUnavailable
from chainsvc.journal.engine import connect


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite:///journal.db", "mysql://user@host/name"])
def test_url_of_another_database_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationRefused) as refusal:
        connect(url)
    assert refusal.value.where == "CHAINSVC_DATABASE_URL"


def test_server_that_is_away_is_told_as_unavailable(tmp_path: object) -> None:
    with pytest.raises(DatabaseUnavailable) as refusal:
        connect(f"postgresql://user:hidden@/name?host={tmp_path}")
    assert refusal.value.__cause__ is not None
    assert "hidden" not in str(refusal.value)
