"""The order of the tests, and how several processes share them (``make test``); one process needs no plugin for it."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.scheduling import ByFile

ON_VALIDATORS = frozenset({"test_validators.py", "test_consortium.py", "test_service_on_consortium.py"})
"""Files whose tests run on four real validators: they take longest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes longest begin first, so that no process is left with it in the end."""
    items.sort(key=lambda item: item.path.name not in ON_VALIDATORS)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "ByFile":
    from support.scheduling import ByFile  # noqa: PLC0415 - only where the plugin is at work

    return ByFile(config, log)
